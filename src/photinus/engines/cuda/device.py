"""The NVIDIA device: whether there is one, and arrays of all blocks side by side on it."""

from collections.abc import Sequence
from typing import Any

import numba
import numba.cuda
import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import inlined
from photinus._core.extras import optional
from photinus.errors import InvalidInput

cuda: Any = numba.cuda
SIMULATED: bool = numba.config.ENABLE_CUDASIM  # type: ignore[attr-defined]
"""Whether Python simulates the device, as NUMBA_ENABLE_CUDASIM=1 asks for: slow, for tests."""
THREADS = 256
"""Threads of a block at most: each needs about a hundred registers."""
WARP = 32
SPIKES = 1 << 16
"""Spikes of a block that one launch returns at most, unless there are many lanes."""


def require() -> None:
    """Raise an error unless there is a device to run on, or the simulator of one.

    Raises
    ------
    MissingDependency
        If numba-cuda is not installed.
    InvalidInput
        If there is no device.
    """
    if SIMULATED:
        return
    optional("numba_cuda", "cuda", "engine 'cuda'")
    if not cuda.is_available():
        raise InvalidInput("engine must be 'cpu' where no NVIDIA device is found, got 'cuda'")


def threads_for(lanes: int) -> int:
    """Return how many threads advance a block of so many lanes, in whole warps."""
    return min(THREADS, -(-lanes // WARP) * WARP)


def stacked(arrays: Sequence[NDArray[Any]], dtype: Any = None) -> NDArray[Any]:
    """Return arrays one after the other, (block, …), shorter ones filled up with zeros."""
    shape = np.max([array.shape for array in arrays], axis=0)
    # The device has no arrays without entries.
    whole = np.zeros((len(arrays), *np.maximum(shape, 1)), dtype or arrays[0].dtype)
    for row, array in zip(whole, arrays, strict=True):
        row[tuple(map(slice, array.shape))] = array
    return whole


def unstack(whole: NDArray[Any], arrays: Sequence[NDArray[Any]]) -> None:
    """Write back into arrays what `stacked` made of them."""
    for row, array in zip(whole, arrays, strict=True):
        array[...] = row[tuple(map(slice, array.shape))]


def upload(arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return arrays on the device.

    Raises
    ------
    InvalidInput
        If they do not fit into its memory.
    """
    needed = sum(array.nbytes for array in arrays.values())
    left = cuda.current_context().get_memory_info()[0]
    if needed > left and not SIMULATED:
        raise InvalidInput(
            f"chains must be fewer for engine 'cuda': these need {needed / 2**30:.3g} GiB on the "
            f"device, {left / 2**30:.3g} GiB are available"
        )
    return {name: cuda.to_device(np.ascontiguousarray(array)) for name, array in arrays.items()}


def gains(blocks: Sequence[Any]) -> NDArray[np.float32]:
    """Return what the synapses of each chain are multiplied with, array (block, chain)."""
    each = [np.broadcast_to(block.strength, block.chains) for block in blocks]
    return stacked(each, np.float32)


@inlined
def put_in_order(found, count, thread, threads, ordered):  # type: ignore[no-untyped-def]
    """Write this thread's part of the `count` lanes `found` where they stand in rising order.

    Which thread found which lane is chance; what comes next must not depend on it.
    """
    for k in range(thread, count, threads):
        rank = 0
        for other in range(count):
            rank += found[other] < found[k]
        ordered[rank] = found[k]
