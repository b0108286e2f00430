"""Checksums (CRC-32) of the arrays of a store, over what counts of them."""

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus.machines.files import PAIRS
from photinus.samplers.storage import arrays

GROWING = {
    "posterior/z": 1,
    "sample_stats/energy": 1,
    "spikes/chain": 0,
    "spikes/unit": 0,
    "spikes/time": 0,
}
"""Arrays that grow during a run and are summed up, with the axis they grow along.

Others that grow follow from these and the header.
"""


TARGET = tuple(f"target/{name}" for name in ("weights", *PAIRS, "biases"))
"""Arrays of a machine: its weights, or pairs where these are sparse."""


def crc(values: Any, before: int = 0) -> int:
    """Return the checksum of an array behind that of what stands before it.

    Draws (chain, draw, …) count draw by draw, so that pieces add up to the whole. Of every other array
    this is an order like any other.
    """
    values = np.asarray(values)
    if values.ndim > 1:
        values = values.swapaxes(0, 1)
    plain = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False)
    return zlib.crc32(plain.reshape(-1).view(np.uint8).data, before)


def each(values: Mapping[str, NDArray[Any]]) -> dict[str, int]:
    """Return the checksum of each array."""
    return {name: crc(array) for name, array in values.items()}


def fixed(root: Any) -> dict[str, int]:
    """Return the checksums of everything in a store that stays as it is during a run."""
    return {name: crc(array[...]) for name, array in _fixed(root)}


def _fixed(root: Any) -> Iterator[tuple[str, Any]]:
    for name in (each for each in TARGET if each in root):
        yield name, root[name]
    if "network" in root:
        for name, array in sorted(root["network"].arrays()):
            yield f"network/{name}", array


def counting(root: Any, header: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return everything of a store that grows and is summed up, as far as it counts."""
    timed = header["spikes"] or header["window"] is not None
    return {
        name: arrays.part(root[name], axis, header["draws" if axis else "spikes"])
        for name, axis in GROWING.items()
        if axis or timed
    }


def whole(root: Any, grown: Mapping[str, NDArray[Any]]) -> dict[str, int]:
    """Return the checksums of what a store holds, of what grows as far as it counts."""
    return fixed(root) | each({name: values for name, values in grown.items() if values.size})


def check(written: Mapping[str, int], found: Mapping[str, int]) -> None:
    """Raise ValueError unless every array of a store is what was written."""
    for name, value in found.items():
        if written.get(name) != value:
            raise ValueError(f"{name} is not what was written")
