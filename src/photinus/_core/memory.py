"""How much memory is left, asked before a run starts, and how the state of a simulation lies in it."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus.errors import InvalidInput

CACHE_LINE = 64


def available() -> float:
    """Return the bytes of memory that a new allocation may count on."""
    # psutil tells the same number, but its import takes longer than all that is read before a run.
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return float(line.split()[1]) * 1024
    except OSError:
        pass
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def require(needed: float, what: str) -> None:
    """Raise unless `needed` bytes for `what` are available."""
    left = available()
    if needed > left:
        raise InvalidInput(
            f"{what} would need about {min(needed, 1e300) / 2**30:.3g} GiB of memory, "
            f"{left / 2**30:.3g} GiB are available"
        )


def aligned(values: NDArray[Any]) -> NDArray[Any]:
    """Return a copy that begins with a cache line: vectors that cross one cost twice as much."""
    room = np.empty(values.nbytes + CACHE_LINE, np.uint8)
    start = -room.ctypes.data % CACHE_LINE
    copy = room[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    copy[...] = values
    return copy


def tiled(rows: NDArray[Any], tile: int) -> NDArray[Any]:
    """Return rows (row, lane) as one flat array: tile by tile, and there row by row."""
    return aligned(rows.reshape(len(rows), -1, tile).transpose(1, 0, 2)).reshape(-1)
