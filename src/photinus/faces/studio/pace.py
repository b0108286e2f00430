"""How much simulation fits into a frame: learnt from what the last pieces took."""

import contextlib
import time
from collections.abc import Iterator

MEMORY = 0.7
"""Weight of what was known before against what the last piece showed."""


class Pace:
    """Cost of a simulation on this computer, in time on the wall for each unit of work.

    The first piece says nothing: it may wait for the compiler.
    """

    def __init__(self) -> None:
        self._cost: float | None = None
        self._first = True

    def fits(self, budget: float, least: float) -> float:
        """Return the work that fits into `budget` [s], `least` at least, and until it is known."""
        return least if self._cost is None else max(least, budget / self._cost)

    @contextlib.contextmanager
    def timed(self, work: float) -> Iterator[None]:
        """Learn what work takes that the block does."""
        start = time.perf_counter()
        yield
        cost = max(time.perf_counter() - start, 1e-9) / work
        if not self._first:
            self._cost = cost if self._cost is None else MEMORY * self._cost + (1 - MEMORY) * cost
        self._first = False
