"""How many threads to use, of which processor, and work spread over them."""

import os
import platform
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


def processor() -> str:
    """Return the processor's name."""
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # where there is no such file, or it names none
        return platform.processor() or platform.machine()


def on_threads(function: Callable[[Item], Result], items: Sequence[Item], threads: int) -> list[Result]:
    """Return the function of each item, computed on `threads` threads where there are several."""
    if threads == 1 or len(items) == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


def together(work: Callable[[int], Result], threads: int, give_up: Callable[[], None]) -> Result:
    """Return ``work(0)``, done while other threads do ``work(1)`` and so on, each waiting for all.

    If one of them fails, `give_up` must make the others return.
    """
    if threads == 1:
        return work(0)
    with ThreadPoolExecutor(threads - 1) as pool:
        try:
            others = [pool.submit(work, k) for k in range(1, threads)]
            for other in others:
                other.add_done_callback(lambda done: give_up() if done.exception() else None)
            first = work(0)
            for other in others:
                other.result()
        except BaseException:
            give_up()
            raise
    return first
