"""Calls that take turns, so that all of them meet the same machine, tired or not."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

PAUSE = 0.1
"""Seconds before each call: threads of BLAS and XLA wait busily for a while after their work."""


class Times(NamedTuple):
    """What the calls of one name took [s]."""

    median: float
    low: float
    high: float
    """The middle half lies between the two."""

    def over(self, count: float) -> "Times":
        """Return the times for one of `count` things that a call does [ns]."""
        return Times(*(1e9 * value / count for value in self))


def in_turns(
    calls: dict[str, Callable[[], object]], runs: int, pause: float = PAUSE
) -> dict[str, Times]:
    """Return what each call takes; they take turns, after one call each to compile and warm up."""
    walls: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(runs + 1):
        for name, call in calls.items():
            time.sleep(PAUSE)
            begin = time.perf_counter()
            call()
            if turn:
                walls[name].append(time.perf_counter() - begin)
    return {name: Times(*np.quantile(values, (0.5, 0.25, 0.75))) for name, values in walls.items()}
