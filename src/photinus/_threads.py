"""How many threads to use."""

import os

from photinus import _validate


def available_threads(threads: int | None = None) -> int:
    """Return `threads`, or the number of cores that this process may use."""
    if threads is not None:
        return _validate.integer("threads", threads, 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
