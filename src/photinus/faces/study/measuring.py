"""Measuring the points of a study."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photinus._core import files
from photinus._core.results import Results
from photinus.calibration import Calibration, calibrate
from photinus.devices import SHIPPED_PRESETS, parameters_from_dict, preset
from photinus.devices.registry import device_of
from photinus.errors import NotConverged, PhotinusError
from photinus.faces.study.points import KIND, Point
from photinus.faces.study.sections import Sampling, Wiring
from photinus.learning.refinement import refine
from photinus.samplers.sampling import sample
from photinus.translation.gauge import choose_gauge
from photinus.translation.rules import translate

if TYPE_CHECKING:
    from distributed import Client

ENTRIES = {"digest", "settings", "fidelity", "chip_time", "wall_time", "failed"}
"""What a result holds, whole."""


def kept_in(folder: Path) -> Results:
    """Return where the results of points are kept."""
    return Results(files.make_folder(folder), KIND, files.SCHEMAS[KIND])


def usable(result: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a stored result; None if it is missing or damaged, and thus to be measured.

    So is one that failed for a reason which may pass, such as too little memory. What an argument is
    refused for shows at once; only what a measurement found is worth keeping.
    """
    if result is None or ENTRIES - set(result) or not isinstance(result["fidelity"], dict):
        return None
    return None if result["failed"] is not None and not result.get("lasting") else result


def to_calibrate(points: Iterable[Point], folder: Path) -> dict[str, Any]:
    """Return the devices (digest → parameters) whose calibration is neither shipped nor in `folder`."""
    asked = (p.parameters() for p in points if "calibration" not in p.settings.get("device", {}))
    devices = {_device_digest(device): device for device in asked if device is not None}
    return {
        digest: device
        for digest, device in devices.items()
        if not (shipped(device) or (folder / f"{digest}.json").exists())
    }


def calibration_of(
    point: Point, folder: Path, failed: Mapping[str, PhotinusError]
) -> Calibration | PhotinusError | None:
    """Return the calibration of a point's device, why there is none, or None without a device."""
    device = point.parameters()
    if device is None:
        return None
    if (given := point.calibration()) is not None:
        return given
    file = folder / f"{_device_digest(device)}.json"
    return failed.get(file.stem) or shipped(device) or Calibration.load(file)


def _device_digest(device: Any) -> str:
    values = {key: value for key, value in device.to_dict().items() if key != "name"}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def shipped(device: Any) -> Calibration | None:
    """Return the calibration that comes with the package, if the device is a preset."""
    for name in SHIPPED_PRESETS:
        if _device_digest(preset(name)) == _device_digest(device):
            return Calibration.preset(name)
    return None


def as_done(
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


def calibrated(parameters: Mapping[str, Any], threads: int | None) -> Calibration | PhotinusError:
    """Return the calibration of a device, or why there is none."""
    try:
        return calibrate(parameters_from_dict(parameters), threads=threads)
    except PhotinusError as error:
        return error


def measured(
    point: Point, calibration: Calibration | PhotinusError | None, threads: int | None
) -> dict[str, Any]:
    """Return the result of a point."""
    start = time.perf_counter()
    result: dict[str, Any] = {
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
    result["wall_time"] = time.perf_counter() - start
    return result


def _sampled(
    point: Point, calibration: Calibration | None, threads: int | None
) -> tuple[dict[str, Any], float | None]:
    """Return the fidelity of a point's samples, and how long one chain takes on the chip [s]."""
    wanted, wiring = Sampling(**point.settings["sample"]), Wiring(**point.settings["network"])
    machine, faults = point.machine(), point.imperfections()
    network = None
    if calibration is not None:
        network = translate(
            machine,
            calibration,
            rule=wanted.rule,
            gauge=choose_gauge(machine, calibration, wanted.gauge, corrected=wanted.refined),
            delay=wiring.of(calibration.window),
        )
        if faults is not None:
            network = device_of(network).imperfect(network, faults, wanted.seed)
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
