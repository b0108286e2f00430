"""How many threads to use, and work spread over them."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from photinus._core import validate

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_threads(threads: int | None = None) -> int:
    """Return `threads`, or the number of cores that this process may use."""
    if threads is not None:
        return validate.integer("threads", threads, 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_threads(function: Callable[[Item], Result], items: Sequence[Item], threads: int) -> list[Result]:
    """Return the function of each item, computed on `threads` threads where there are several."""
    if threads == 1 or len(items) == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))
