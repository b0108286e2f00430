"""The measurements behind tolerances: KL against the size of each imperfection.

Each imperfection is put on translated networks of full physics, size by size, and measured alone. With
refinement the network is refined in the loop with the imperfection in place, and measured again. All
sizes see the same machines and random numbers. From every KL is taken its floor, what as many exact
draws would show.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus._core.display import Displayed
from photinus._core.progress import Progress, tracked
from photinus._core.results import Results
from photinus.calibration import Calibration
from photinus.devices.laser import LaserParameters
from photinus.faces.design.job import judged_machines, random_machines
from photinus.faces.report.hardware import TOLERANCES
from photinus.faces.robustness.measuring import Length, calibration_of, judged
from photinus.faces.robustness.sweeps import SWEEPS
from photinus.faces.robustness.tolerances import tolerance
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.imperfections import Imperfections

LEVELS = (0.001, 0.01)
"""KLs [nats] of tolerances, beside twice that without fault."""
KIND, SCHEMA = "photinus-robustness-point", 2
"""Of stored results; the schema is raised when what is computed changes."""
KINDS = ("translated", "refined")
POINTS = "points"
"""Folder of what was measured, in the folder of results."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Robustness(Displayed):
    """KLs less their floor, against the size of imperfections."""

    calibration: Calibration
    """The device."""
    faultless: Mapping[str, NDArray[np.float64]]
    """"translated" and, if measured, "refined" → KL without fault, array (machine,) [nats]."""
    curves: Mapping[str, Mapping[str, NDArray[np.float64]]]
    """Name of `SWEEPS` → the same two → KL, array (machine, size) [nats]."""

    @property
    def refined(self) -> bool:
        """Whether networks were refined and measured again."""
        return "refined" in self.faultless

    def tolerance(self, name: str, level: float | None = None, kind: str = "translated") -> str:
        """Return how large an imperfection may be for a KL of `level`, by default twice the faultless.

        Its error: 16 % and 84 % quantiles over bootstrap samples of the machines.
        """
        validate.one_of("name", name, self.curves)
        validate.one_of("kind", kind, [*self.faultless])
        sweep = SWEEPS[name]
        sizes, yardstick = np.array(sweep.sizes), self.faultless["translated"]
        return tolerance(sweep, sizes, self.curves[name][kind], yardstick, level)

    def head(self) -> tuple[str, ...]:
        """Return the names of the columns of `rows`."""
        names = ("doubled", *(f"KL {level:g}" for level in LEVELS))
        kinds = KINDS[: 1 + self.refined]
        return ("imperfection", *(f"{name}, {kind}" for name in names for kind in kinds))

    def rows(self) -> list[tuple[str, ...]]:
        """Return how large each imperfection may be, under `head`."""
        kinds = KINDS[: 1 + self.refined]
        return [
            (
                SWEEPS[name].title,
                *(self.tolerance(name, level, kind) for level in (None, *LEVELS) for kind in kinds),
            )
            for name in self.curves
        ]

    def points(self) -> list[tuple[str, ...]]:
        """Return each size with its mean KL and standard error, of all kinds in turn."""
        return [
            (
                SWEEPS[name].title,
                SWEEPS[name].shown(size),
                *(_told(kl[:, k]) for kl in curve.values()),
            )
            for name, curve in self.curves.items()
            for k, size in enumerate(SWEEPS[name].sizes)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the tolerances as `photinus report RUN --tolerances FILE` takes them.

        Beside them are the KLs behind them, of each machine at each size [nats].
        """
        machines = len(self.faultless["translated"])
        kl = self.faultless["translated"].mean()
        return {
            **files.stamp(TOLERANCES),
            "about": f"{machines} machine(s) on {self.calibration.parameters.name!r}: size at which "
            f"the mean KL, less its floor, is twice that without fault ({kl:.2g} nats), and at which "
            f"it is {' or '.join(f'{level:g}' for level in LEVELS)} nats.",
            "head": self.head(),
            "rows": self.rows(),
            "measured": {
                name: {
                    "sizes": list(SWEEPS[name].sizes),
                    "kl": {k: x.tolist() for k, x in each.items()},
                }
                for name, each in self.curves.items()
            },
        }


def robustness(
    device: LaserParameters | Calibration,
    *,
    machines: Sequence[BoltzmannMachine] | None = None,
    names: Iterable[str] = tuple(SWEEPS),
    refined: bool = False,
    length: Length | None = None,
    seed: int = 0,
    folder: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> Robustness:
    """Measure how large imperfections may be; takes some seconds for each size and machine.

    Parameters
    ----------
    device
        A calibrated laser. Of a preset the calibration that ships is taken, another is measured first.
    machines
        What to try it on, at most 16 units each; by default `random_machines` (5, 1.0, 3).
    names
        Names of `SWEEPS`; by default all.
    refined
        Whether networks are refined with the fault in place, and measured again. Takes several times
        as long.
    length
        Chains, draws and burn-in of every run.
    seed, threads, progress
        As in `photinus.sample`.
    folder
        Where every point is kept, so that a call goes on where one stopped; by default nothing is kept.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    NotConverged
        If the laser cannot be calibrated.

    Examples
    --------
    >>> from photinus import Calibration
    >>> from photinus.faces.robustness import robustness
    >>> from photinus.faces.robustness.measuring import Length
    >>> short = Length(chains=32, draws=50)
    >>> found = robustness(Calibration.preset(), names=["dead"], length=short)
    >>> found.tolerance("dead")
    'beyond already at 1'
    """
    validate.instance("device", device, LaserParameters | Calibration)
    chosen = [validate.one_of("names", name, SWEEPS) for name in names]
    length = Length() if length is None else validate.instance("length", length, Length)
    tried = random_machines(5, 1.0, 3, seed) if machines is None else judged_machines(machines)
    calibration = calibration_of(device, threads)
    kept = None if folder is None else Results(files.make_folder(folder), KIND, SCHEMA)
    wanted = [*_points(chosen)]
    with tracked(progress, "robustness", len(wanted) * len(tried)) as advance:

        def column(name: str, size: float) -> list[dict[str, Any]]:
            found = []
            for k, machine in enumerate(tried):
                faults = SWEEPS[name].make(size, calibration) if name else Imperfections()
                measure = partial(
                    judged,
                    machine,
                    calibration,
                    faults,
                    length,
                    refined=refined,
                    seed=seed + k,
                    threads=threads,
                )
                identity = [asdict(length), refined, seed + k, faults.to_dict()]
                digest = _digest(calibration, machine, identity)
                stored = f"{name or 'none'}-{size:g}-{digest}"
                found.append(measure() if kept is None else kept.get(stored, measure))
                advance(1)
            return found

        columns = {point: column(*point) for point in wanted}
    kinds = KINDS[: 1 + refined]

    def of(name: str, size: float, kind: str) -> list[float]:
        return [each[kind] for each in columns[name, size]]

    return Robustness(
        calibration=calibration,
        faultless={kind: np.array(of("", 0.0, kind)) for kind in kinds},
        curves={
            name: {k: np.array([of(name, x, k) for x in SWEEPS[name].sizes]).T for k in kinds}
            for name in chosen
        },
    )


def save(found: Robustness, folder: str | os.PathLike[str]) -> Path:
    """Write the tolerances into a folder, and return the file, for ``photinus report --tolerances``."""
    path = Path(folder) / "tolerances.json"
    files.write_text(path, json.dumps(found.to_dict(), indent=1, ensure_ascii=False) + "\n")
    return path


def _points(names: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield what is measured: nothing wrong first, then each size."""
    yield "", 0.0
    for name in names:
        yield from ((name, size) for size in SWEEPS[name].sizes)


def _digest(calibration: Calibration, machine: BoltzmannMachine, more: Sequence[Any]) -> str:
    """Return a name for what is measured with a device on a machine."""
    c = calibration
    device = [c.parameters.to_dict(), c.kernel.to_dict(), c.window, c.midpoint, c.slope, c.version]
    weights = [machine.weights.tolist(), machine.biases.tolist()]
    text = json.dumps([*device, *weights, *more], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _told(kl: NDArray[np.float64]) -> str:
    """Return a mean and its standard error."""
    error = f" ± {kl.std(ddof=1) / np.sqrt(len(kl)):.1g}" if len(kl) > 1 else ""
    return f"{kl.mean():.5f}{error}"
