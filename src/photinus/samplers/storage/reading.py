"""Reading a store: every array against its checksum, every value against its range."""

import os
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus._core.gauge import NONE, Gauge, of
from photinus.devices import Network, network_from_dict
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.files import NAMES, weights_in
from photinus.samplers.storage import checksums
from photinus.samplers.storage.header import evidence_of, read_header
from photinus.samplers.tempering import tempering_of
from photinus.spikes.trains import SpikeTrains


def contents(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a run wrote to `path`, complete or not: the fields of its `Samples`.

    Raises
    ------
    InvalidInput
        If there is no such store, it is damaged, or of a newer schema.
    """
    import zarr

    path = files.named(path)
    header = read_header(path)
    try:
        return _loaded(zarr.open_group(path, mode="r"), header)
    except Exception as error:
        # What Zarr and its codecs raise on damaged files is not written anywhere.
        why = " ".join(str(error).split()) or type(error).__name__
        raise InvalidInput(f"run {str(path)!r} is damaged: {why}") from None


def _loaded(root: Any, header: Mapping[str, Any]) -> dict[str, Any]:
    machine, grown = _machine(root, header), checksums.counting(root, header)
    if header["schema"] > 1:
        checksums.check(header["checksums"], checksums.whole(root, grown))
    network = _network(root, header, machine.labels)
    if network is not None and network.n_units != machine.n_units:
        raise ValueError(f"its network has {network.n_units} units, its machine {machine.n_units}")
    return {
        "machine": machine,
        "states": _states(grown["posterior/z"], header, machine.n_units),
        "substrate": header["substrate"],
        "burn_in": header["burn_in"],
        "clamp": evidence_of(header, machine.labels).to_dict(),
        "window": header["window"],
        "spikes": _spikes(grown, header, machine.labels, NONE if network is None else of(network)),
        "network": network,
        "tempering": tempering_of(header["tempering"]),
        "activity": _activity(header.get("activity"), machine.n_units),
        "attributes": header["attributes"],
        "complete": header["complete"],
    }


def _activity(stored: Any, units: int) -> NDArray[np.float64] | None:
    """Return the spikes per second of each unit that a header holds, if any."""
    if stored is None:
        return None
    found: NDArray[np.float64] = validate.finite_array("activity", stored, 1)
    if len(found) != units:
        raise ValueError(f"it has the activity of {len(found)} units")
    return found


def _machine(root: Any, header: Mapping[str, Any]) -> BoltzmannMachine:
    names = (name for name in NAMES if name in root["target"])
    target = {name: np.asarray(root[f"target/{name}"][...]) for name in names}
    return BoltzmannMachine(
        weights_in(target),
        target["biases"],
        labels=files.labels_from_json(header["labels"]),
    )


def _states(states: NDArray[np.uint8], header: Mapping[str, Any], units: int) -> NDArray[np.uint8]:
    if states.dtype != np.uint8 or states.shape != (header["chains"], header["draws"], units):
        raise ValueError(f"its states are {states.dtype} of shape {states.shape}")
    if states.size and states.max() > 1:
        raise ValueError(f"it has a state {states.max()}, which must be 0 or 1")
    return states


def _spikes(
    grown: Mapping[str, NDArray[Any]],
    header: Mapping[str, Any],
    labels: tuple[Hashable, ...],
    gauge: Gauge,
) -> SpikeTrains | None:
    if "spikes/time" not in grown:
        return None
    count, window = header["spikes"], header["window"]
    chain, unit, time = (grown[f"spikes/{name}"] for name in ("chain", "unit", "time"))
    start = max(0.0, (header["burn_in"] - 1) * window)
    stop = (header["burn_in"] + header["draws"]) * window
    for name, values, most in (("chain", chain, header["chains"]), ("unit", unit, len(labels))):
        if values.dtype != np.int32 or (count and not 0 <= values.min() <= values.max() < most):
            raise ValueError(f"a spike has a {name} that is not one of {most}")
    # Engines end their pieces between two steps.
    if time.dtype != np.float64 or (
        count and not start - window <= time.min() <= time.max() <= stop + window
    ):
        raise ValueError(f"a spike's time is not from {start:g} to {stop:g}")
    return SpikeTrains.sorted(
        chain=chain,
        unit=unit,
        time=time,
        labels=labels,
        chains=header["chains"],
        start=start,
        stop=stop,
        gauge=gauge,
    )


def _network(root: Any, header: Mapping[str, Any], labels: tuple[Hashable, ...]) -> Network | None:
    entry = header["network"]
    if entry is None:
        return None
    arrays = {name: np.asarray(root[f"network/{name}"][...]) for name in root["network"].array_keys()}
    return network_from_dict({**entry, **arrays, "labels": labels})
