"""What the reference samplers share: chains cut into blocks for threads, evidence."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from photinus._threads import available_threads
from photinus.errors import InvalidInput

T = TypeVar("T")
BLOCKS = 16


def blocks_of_chains(chains: int) -> list[slice]:
    """Return about 16 blocks of consecutive chains."""
    size = -(-chains // BLOCKS)
    return [slice(first, min(first + size, chains)) for first in range(0, chains, size)]


def run_blocks(
    run: Callable[[slice], T], blocks: list[slice], threads: int | None = None
) -> list[T]:
    """Return what `run` gives for each block, computed on `threads` threads."""
    count = available_threads(threads)
    if count == 1 or len(blocks) == 1:
        return [run(block) for block in blocks]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, blocks))


def evidence(
    n_units: int,
    chains: int,
    units: NDArray[np.intp] | None,
    values: NDArray[np.uint8] | None,
) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Return clamped units, array (k,), and their values for each chain, array (chain, k)."""
    if units is None or len(units) == 0:
        return np.empty(0, np.intp), np.empty((chains, 0), np.uint8)
    if len(units) >= n_units:
        raise InvalidInput(
            f"clamp must leave at least one of {n_units} units free, got {len(units)}"
        )
    given = np.asarray(values, np.uint8)
    return np.asarray(units, np.intp), np.broadcast_to(given, (chains, len(units)))
