"""Parameter studies: one TOML file, every combination of the values in it, each result kept at once.

A key whose value is a list is swept; the study is the product of all lists. A point is one machine on
one device with one way of sampling, and its result is one JSON file named by a digest of everything
that determines it. So a study goes on where it stopped, points that two studies share are measured
once, and more values can be added at any time. Devices other than the presets are calibrated first.
"""

import csv
import hashlib
import io
import itertools
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from photinus._core import files, validate
from photinus._core.progress import Progress, tracked
from photinus.calibration import Calibration, calibrate
from photinus.devices.laser import PRESETS, LaserParameters
from photinus.devices.laser.parameters import PLAUSIBLE as LASER
from photinus.engines.devices import parameters_from_dict, preset
from photinus.errors import InvalidInput, NotConverged, PhotinusError
from photinus.learning.refinement import refine
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.imperfections import PLAUSIBLE as IMPERFECTION
from photinus.networks.imperfections import Imperfections
from photinus.networks.lasers import PLAUSIBLE_TIMES, LaserNetwork
from photinus.samplers.registry import IMPERFECT, SPIKING, SUBSTRATES
from photinus.samplers.sampling import sample
from photinus.samplers.workers import workers_pool
from photinus.translation.rules import RULES, translate
from photinus.units import Allowed, parse

if TYPE_CHECKING:
    from distributed import Client

SCHEMA = 1
"""Raised when what is computed changes: results of before do not count."""
KIND = "photinus-study-point"
FAMILIES: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Any]] = {
    "uniform": lambda random, shape: random.uniform(-1, 1, shape),
    "beta": lambda random, shape: 1.2 * (2 * random.beta(0.5, 0.5, shape) - 1),
}
"""Laws of weights and biases: uniform in ±1, or Beta(½, ½) scaled to ±1.2."""
MEASURED = ("kl", "kl_floor", "marginal_error", "pair_error", "ess")
"""What of a fidelity is in the table, see `photinus.diagnostics.fidelity.Fidelity`."""


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Section ``[machines]``: a file, or random machines."""

    file: str | None = None
    """Boltzmann machine (.json or .npz), relative to the study's file."""
    family: str = "uniform"
    """Law of weights and biases: "uniform" or "beta"."""
    units: int = 5
    index: int = 0
    """Number of the machine within its family and size."""
    seed: int = 0
    scale: float = 1.0
    """Factor on weights and biases."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Section ``[sample]``: as the arguments of `photinus.sample`."""

    substrate: str = "laser"
    chains: int = 64
    draws: int = 250
    burn_in: int = 25
    seed: int = 0
    rule: str = "measured"
    refined: bool = False
    """Whether the network is refined first, with as many chains and draws."""


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """Section ``[network]``: how the network is designed."""

    delay: float | str = 0.0
    """Synaptic delay: a number of state windows τ, or a text with a unit of time ("30 ps")."""

    def of(self, window: float) -> float:
        """Return the delay [s] where a state window is that long [s]."""
        if isinstance(self.delay, str):
            return parse(self.delay, "s", "[network] delay")
        return self.delay * window


SECTIONS = {"machines": Machines, "sample": Sampling, "network": Wiring}
"""Sections with a default for every key; ``[device]`` and ``[imperfections]`` hold what is given."""


@dataclass(frozen=True)
class Point:
    """One combination of values: settings by section, ``{"sample": {"chains": 64, …}, …}``."""

    settings: Mapping[str, Mapping[str, Any]]
    folder: Path
    """Where relative file names begin."""

    def identity(self) -> dict[str, Any]:
        """Return everything that determines the result besides the code."""
        settings = {name: dict(section) for name, section in self.settings.items()}
        machines = settings["machines"]
        if machines["file"] is not None:
            content = files.read_bytes(self.folder / machines["file"])
            settings["machines"] = {
                "content": hashlib.sha256(content).hexdigest(),
                "scale": machines["scale"],
            }
        if settings["sample"]["substrate"] not in SPIKING:
            # Neither device nor wiring matter: such points are one.
            for name in ("device", "network", "imperfections"):
                settings.pop(name, None)
            settings["sample"] = {
                k: v for k, v in settings["sample"].items() if k not in ("rule", "refined")
            }
        return {"schema": SCHEMA, **settings}

    def digest(self) -> str:
        """Return a name for the point's result."""
        text = json.dumps(self.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def machine(self) -> BoltzmannMachine:
        """Return the machine to sample from."""
        m = Machines(**self.settings["machines"])
        if m.file is not None:
            found = BoltzmannMachine.load(self.folder / m.file)
            return BoltzmannMachine(m.scale * found.weights, m.scale * found.biases, found.labels)
        key = (list(FAMILIES).index(m.family), m.units, m.index)
        random = np.random.default_rng(np.random.SeedSequence(m.seed, spawn_key=key))
        upper = np.triu(FAMILIES[m.family](random, (m.units, m.units)), 1)
        biases = FAMILIES[m.family](random, (m.units,))
        return BoltzmannMachine(m.scale * (upper + upper.T), m.scale * biases)

    def imperfections(self) -> Imperfections | None:
        """Return what is wrong with the chip; None without a section on it, or without a chip."""
        given, substrate = self.settings.get("imperfections"), self.settings["sample"]["substrate"]
        if not given or substrate not in SPIKING:
            return None
        if substrate not in IMPERFECT:
            raise InvalidInput(f"[imperfections] must be left out for substrate {substrate!r}")
        return Imperfections.from_dict(given)

    def parameters(self) -> Any:
        """Return the parameters of the device, or None for substrates without one."""
        substrate = self.settings["sample"]["substrate"]
        if substrate not in SPIKING:
            return None
        if substrate == "lif":
            return preset("lif-hcs")
        changes = dict(self.settings["device"])
        name = changes.pop("preset")
        return LaserParameters.preset(name, **changes)


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
        for name, section in document.items():
            validate.one_of("section", name, (*SECTIONS, "imperfections", "device"))
            if not isinstance(section, Mapping):
                raise InvalidInput(f"{name} must be a section [{name}], got {section!r}")
        axes: list[tuple[str, str, list[Any]]] = []
        for name, kind in SECTIONS.items():
            given = document.get(name, {})
            for key in given:
                validate.one_of(f"key in [{name}]", key, [f.name for f in fields(kind)])
            for field in fields(kind):
                values = _listed(f"[{name}] {field.name}", given.get(field.name, field.default))
                axes.append((name, field.name, [_checked(name, field, v) for v in values]))
        for key, value in document.get("imperfections", {}).items():
            validate.one_of("key in [imperfections]", key, [f.name for f in fields(Imperfections)])
            values = _listed(f"[imperfections] {key}", value)
            axes.append(("imperfections", key, _in_si(key, values, IMPERFECTION)))
        device = {"preset": PRESETS[0], **document.get("device", {})}
        for key, value in device.items():
            allowed = ["preset", *(f.name for f in fields(LaserParameters) if f.name != "name")]
            validate.one_of("key in [device]", key, allowed)
            values = _listed(f"[device] {key}", value)
            axes.append(("device", key, _in_si(key, values, LASER)))
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
        points = files.make_folder(Path(folder) / "points")
        calibrations = files.make_folder(Path(folder) / "calibrations")
        results = {point.digest(): _read(points / f"{point.digest()}.json") for point in self.points}
        missing = [point for point in self.points if results[point.digest()] is None]
        devices = {_device_digest(d): d for d in (p.parameters() for p in missing) if d is not None}
        devices = {
            digest: device
            for digest, device in devices.items()
            if not (_shipped(device) or (calibrations / f"{digest}.json").exists())
        }
        with (
            workers_pool(workers if missing else None) as client,
            tracked(progress, "study", len(devices) + len(missing)) as report,
        ):
            failed: dict[str, PhotinusError] = {}
            tasks = [(digest, device.to_dict(), threads) for digest, device in devices.items()]
            for digest, outcome in _each(_calibrated, tasks, client):
                if isinstance(outcome, PhotinusError):
                    failed[digest] = outcome
                else:
                    outcome.save(calibrations / f"{digest}.json")
                report(1)
            work = []
            for point in missing:
                device = point.parameters()
                calibration: Calibration | PhotinusError | None = None
                if device is not None:
                    file = calibrations / f"{_device_digest(device)}.json"
                    calibration = failed.get(file.stem) or _shipped(device) or Calibration.load(file)
                work.append((point.digest(), point, calibration, threads))
            for digest, result in _each(_measured, work, client):
                files.write_json(points / f"{digest}.json", result)
                results[digest] = result
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


def _listed(name: str, value: Any) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise InvalidInput(f"{name} must have at least 1 value, got []")
    return values


def _in_si(key: str, values: list[Any], plausible: Mapping[str, Allowed]) -> list[Any]:
    """Return values in SI, so that "2%" and 0.02 are one point."""
    if key not in plausible:
        return values
    unit = plausible[key].unit
    return [parse(value, unit, key) if isinstance(value, str) else value for value in values]


def _checked(section: str, field: Any, value: Any) -> Any:
    """Return a value of a section if it is of its field's type and range."""
    name = f"[{section}] {field.name}"
    allowed: dict[str, Iterable[str]] = {
        "substrate": SUBSTRATES,
        "rule": RULES,
        "family": FAMILIES,
    }
    if field.name in allowed:
        return validate.one_of(name, value, allowed[field.name])
    if field.name == "file":
        if value is not None and not isinstance(value, str):
            raise InvalidInput(f"{name} must be a file name, got {value!r}")
        return value
    if field.name == "refined":
        if not isinstance(value, bool):
            raise InvalidInput(f"{name} must be true or false, got {value!r}")
        return value
    if field.name == "scale":
        return validate.number(name, value)
    if field.name == "delay":
        if isinstance(value, str):
            validate.allowed(name, value, PLAUSIBLE_TIMES["delay"])
            return value
        return validate.non_negative(name, value)
    return validate.integer(name, value, 1 if field.name in ("units", "chains", "draws") else 0)


def _check_folder(folder: Path) -> None:
    """Raise if the table of results would replace a file that no study wrote."""
    table = files.named(folder) / "table.csv"
    if os.path.exists(table) and not (folder / "points").is_dir():
        raise InvalidInput(f"path {str(table)!r} exists already and is not of a study")


def _read(path: Path) -> dict[str, Any] | None:
    """Return a stored result; None if it is missing or damaged, and thus to be measured.

    So is one that failed for a reason which may pass, such as too little memory. What an argument is
    refused for shows at once; only what a measurement found is worth keeping.
    """
    if not path.exists():
        return None
    try:
        result = files.read_json(path, kind=KIND, schema=SCHEMA)
        whole = {"digest", "settings", "fidelity", "chip_time", "wall_time", "failed"} <= set(result)
    except InvalidInput:
        return None
    if not whole or not isinstance(result["fidelity"], dict):
        return None
    return None if result["failed"] is not None and not result.get("lasting") else result


def _device_digest(device: Any) -> str:
    values = {key: value for key, value in device.to_dict().items() if key != "name"}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _shipped(device: Any) -> Calibration | None:
    """Return the calibration that comes with the package, if the device is a preset."""
    for name in (*PRESETS, "lif-hcs"):
        if _device_digest(preset(name)) == _device_digest(device):
            return Calibration.preset(name)
    return None


def _each(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], client: "Client | None"
) -> Iterator[tuple[str, Any]]:
    """Give (first entry, result for the others) of each task, as they are done."""
    if client is None:
        for first, *others in tasks:
            yield first, function(*others)
        return
    from distributed import as_completed

    futures = {client.submit(function, *others[:-1], 1, pure=False): first for first, *others in tasks}
    try:
        for future in as_completed(list(futures)):
            yield futures[future], future.result()
    finally:
        client.cancel(list(futures))


def _calibrated(parameters: Mapping[str, Any], threads: int | None) -> Calibration | PhotinusError:
    """Return the calibration of a device, or why there is none."""
    try:
        return calibrate(parameters_from_dict(parameters), threads=threads)
    except PhotinusError as error:
        return error


def _measured(
    point: Point, calibration: Calibration | PhotinusError | None, threads: int | None
) -> dict[str, Any]:
    """Return the result of a point."""
    begin = time.perf_counter()
    result: dict[str, Any] = {
        "kind": KIND,
        "schema": SCHEMA,
        "digest": point.digest(),
        "settings": {name: dict(section) for name, section in point.settings.items()},
        "fidelity": {},
        "chip_time": None,
        "failed": None,
    }
    try:
        if isinstance(calibration, PhotinusError):
            raise calibration
        fidelity, chip_time = _sampled(point, calibration, threads)
        result.update(fidelity=fidelity, chip_time=chip_time)
    except PhotinusError as error:
        result.update(failed=str(error), lasting=isinstance(error, NotConverged))
    except MemoryError:
        result["failed"] = "memory is too short for this point"
    result["wall_time"] = time.perf_counter() - begin
    return result


def _sampled(
    point: Point, calibration: Calibration | None, threads: int | None
) -> tuple[dict[str, Any], float | None]:
    """Return the fidelity of a point's samples, and how long one chain takes on the chip [s]."""
    wanted, wiring = Sampling(**point.settings["sample"]), Wiring(**point.settings["network"])
    machine, faults = point.machine(), point.imperfections()
    network = None
    if calibration is not None:
        network = translate(machine, calibration, rule=wanted.rule, delay=wiring.of(calibration.window))
        if faults is not None:
            assert isinstance(network, LaserNetwork)  # `IMPERFECT`, checked before
            network = faults.apply(network, wanted.seed)
        if wanted.refined:
            network = refine(
                machine,
                calibration,
                network=network,
                seed=wanted.seed + 1,
                chains=wanted.chains,
                draws=wanted.draws,
                imperfections=faults,
                threads=threads,
            ).network
    samples = sample(
        machine,
        wanted.substrate,
        chains=wanted.chains,
        draws=wanted.draws,
        burn_in=wanted.burn_in,
        seed=wanted.seed,
        calibration=calibration,
        network=network,
        imperfections=faults,
        threads=threads,
    )
    fidelity = samples.fidelity().to_dict()
    plain: dict[str, Any] = json.loads(json.dumps(fidelity, default=str))
    chip_time = None if calibration is None else (wanted.burn_in + wanted.draws) * calibration.window
    return plain, chip_time
