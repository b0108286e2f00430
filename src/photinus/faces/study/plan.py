"""Parameter studies: one TOML file, every combination of the values in it, each result kept at once.

A key whose value is a list is swept; the study is the product of all lists. A point is one machine on
one device with one way of sampling. Its result is one JSON file, named by a digest of everything that
determines it. So a study goes on where it stopped, points that two studies share are measured once, and
more values can be added at any time. Devices other than the presets are calibrated first.
"""

import csv
import io
import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photinus._core import files
from photinus._core.progress import Progress, tracked
from photinus.errors import InvalidInput, PhotinusError
from photinus.faces.study import measuring
from photinus.faces.study.measuring import as_done, calibration_of, kept_in, to_calibrate, usable
from photinus.faces.study.points import Point
from photinus.faces.study.sections import axes_of
from photinus.samplers.workers import workers_pool

if TYPE_CHECKING:
    pass

MEASURED = ("kl", "kl_floor", "marginal_error", "pair_error", "ess")
"""What of a fidelity is in the table, see `photinus.diagnostics.fidelity.Fidelity`."""


@dataclass(frozen=True)
class Study:
    """All points of a study."""

    points: tuple[Point, ...]
    swept: tuple[tuple[str, str], ...]
    """(section, key) of the values that differ between points."""

    @classmethod
    def load(cls, path: str | Path) -> "Study":
        """Read a study from a TOML file.

        Raises
        ------
        InvalidInput
            If the file is not TOML, or has a section, key or value that is not allowed.
        """
        document = files.parse_toml(path, "TOML")
        with files.reading(path, "study"):
            return cls.from_dict(document, Path(path).parent)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], folder: Path = Path()) -> "Study":
        """Return the study of a document like the TOML file's."""
        axes = axes_of(document)
        points = []
        for chosen in itertools.product(*(each for _, _, each in axes)):
            settings: dict[str, dict[str, Any]] = {}
            for (name, key, _), value in zip(axes, chosen, strict=True):
                settings.setdefault(name, {})[key] = value
            point = Point(settings, folder)
            point.parameters(), point.imperfections()  # raise now, not after hours
            if settings["machines"]["file"] is not None:
                point.machine()
            points.append(point)
        swept = tuple((name, key) for name, key, each in axes if len(each) > 1)
        unique = {point.digest(): point for point in points}
        return cls(tuple(unique.values()), swept)

    def run(
        self,
        folder: str | Path,
        *,
        workers: int | str | None = None,
        threads: int | None = None,
        progress: Progress | bool | None = None,
    ) -> list[dict[str, Any]]:
        """Measure what is missing in `folder`, and return the results of all points.

        Parameters
        ----------
        folder
            Made if missing; holds ``points/``, ``calibrations/`` and ``table.csv``.
        workers
            Points side by side on so many processes, or on the Dask cluster at an address.
        threads
            Threads of one point; without `workers` only.
        progress
            True for a bar on the terminal, or an object with ``start``, ``advance``, ``stop``.

        Raises
        ------
        InvalidInput
            If the folder cannot be written, or `workers` is out of its range.
        """
        _check_folder(Path(folder))
        kept = kept_in(Path(folder) / "points")
        calibrations = files.make_folder(Path(folder) / "calibrations")
        results = {point.digest(): usable(kept.read(point.digest())) for point in self.points}
        missing = [point for point in self.points if results[point.digest()] is None]
        devices = to_calibrate(missing, calibrations)
        with (
            workers_pool(workers if missing else None) as client,
            tracked(progress, "study", len(devices) + len(missing)) as report,
        ):
            failed: dict[str, PhotinusError] = {}
            tasks = [(digest, device.to_dict(), threads) for digest, device in devices.items()]
            for digest, outcome in as_done(measuring.calibrated, tasks, client):
                if isinstance(outcome, PhotinusError):
                    failed[digest] = outcome
                else:
                    outcome.save(calibrations / f"{digest}.json")
                report(1)
            work = [
                (point.digest(), point, calibration_of(point, calibrations, failed), threads)
                for point in missing
            ]
            for digest, result in as_done(measuring.measured, work, client):
                results[digest] = kept.write(digest, result)
                report(1)
        found = [result for result in results.values() if result is not None]
        files.write_text(Path(folder) / "table.csv", self._csv(found))
        return found

    def rows(self, results: Sequence[Mapping[str, Any]]) -> list[list[str]]:
        """Return a table of results: what was swept, then what was measured; head first."""
        head = [key for _, key in self.swept] + [*MEASURED, "chip time", "wall time", "failed"]
        rows = [head]
        by_digest = {result["digest"]: result for result in results}
        for point in self.points:
            result = by_digest.get(point.digest())
            if result is not None:
                values = [_shown(point.settings[name][key]) for name, key in self.swept]
                numbers = [result["fidelity"].get(name) for name in MEASURED]
                times = [result["chip_time"], result["wall_time"]]
                rows.append([*values, *map(_shown, numbers + times), result["failed"] or ""])
        return rows

    def _csv(self, results: Sequence[Mapping[str, Any]]) -> str:
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows(self.rows(results))
        return stream.getvalue()


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _check_folder(folder: Path) -> None:
    """Raise if the table of results would replace a file that no study wrote."""
    table = files.named(folder) / "table.csv"
    if os.path.exists(table) and not (folder / "points").is_dir():
        raise InvalidInput(f"path {str(table)!r} exists already and is not of a study")
