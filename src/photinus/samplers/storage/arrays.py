"""How one array lies in a Zarr store: what is never written shows, and what grows grows in place."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import hush, memory

if TYPE_CHECKING:
    import zarr

LOST: dict[str, Any] = {"u": 255, "i": -1, "f": float("nan"), "b": False}
"""Per kind of number, a value that is never written: a chunk that got lost shows."""


def create(
    group: "zarr.Group",
    name: str,
    values: NDArray[Any],
    dims: tuple[str, ...],
    chunks: tuple[int, ...] | None = None,
) -> Any:
    """Create an array of numbers, or of text, with its values.

    States, which are bytes of 0 and 1, take a bit each, or less.
    """
    from zarr.codecs import BloscCodec

    if values.dtype.kind == "U":
        return _create_text(group, name, values, dims)
    array = group.create_array(
        name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=chunks or tuple(max(1, size) for size in values.shape),
        dimension_names=dims,
        # Bits of a place in a byte side by side: one place in eight has anything to compress.
        compressors=BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle", typesize=1)
        if values.dtype == np.uint8
        else "auto",
        fill_value=LOST[values.dtype.kind],
        config={"write_empty_chunks": True},
    )
    if values.size:
        array[...] = values
    return array


def _create_text(
    group: "zarr.Group", name: str, values: NDArray[np.str_], dims: tuple[str, ...]
) -> Any:
    with quiet():
        array = group.create_array(
            name, shape=values.shape, dtype=str, chunks=values.shape, dimension_names=dims
        )
        array[...] = values.astype(object)
    return array


def place(array: Any, values: NDArray[Any], first: int, axis: int = 0) -> None:
    """Write `values` behind the first `first` entries along `axis`, dropping what was there."""
    shape = list(array.shape)
    shape[axis] = first + values.shape[axis]
    array.resize(tuple(shape))
    place = [slice(None)] * len(shape)
    place[axis] = slice(first, None)
    array[tuple(place)] = values


def part(array: Any, axis: int, count: int) -> NDArray[Any]:
    """Return the first `count` entries of an array along `axis`, none of which got lost."""
    if array.shape[axis] < count:
        raise ValueError(f"{array.path} has {array.shape[axis]} entries of {count}")
    shape = (*array.shape[:axis], count, *array.shape[axis + 1 :])
    memory.require(float(np.prod(shape, dtype=np.float64)) * array.dtype.itemsize, array.path)
    values = np.asarray(array[(slice(None),) * axis + (slice(count),)])
    lost = np.isnan(values) if values.dtype.kind == "f" else values == LOST[values.dtype.kind]
    if lost.any():
        raise ValueError(f"a part of {array.path} is missing")
    return values


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence Zarr's remarks on what its format does not standardise yet (strings, one index)."""
    with (
        hush.silenced(".*does not have a Zarr V3 specification"),
        hush.silenced("Consolidated metadata is currently not part"),
    ):
        yield
