"""A refinement that goes on beside a view, until it is done or nobody waits for it any more."""

import threading
from typing import Any

from photinus._core import hush
from photinus.devices import Network
from photinus.errors import PhotinusError, TranslationWarning
from photinus.learning.refinement import refine
from photinus.learning.rounds import Refinement

CHAINS, DRAWS, ROUNDS = 64, 400, 12
"""Of the measurements, and how many there are at most."""


class _Left(Exception):
    """Ends a refinement that nobody waits for."""


class Refining:
    """A refinement on another thread; arguments as in `photinus.refine`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.rounds = 0
        self._left = threading.Event()
        self._found: Refinement | None = None
        self._why = ""
        options |= {"chains": CHAINS, "draws": DRAWS, "most_rounds": ROUNDS, "threads": 1}
        self._thread = threading.Thread(target=self._run, args=(arguments, options), daemon=True)
        self._thread.start()

    def _run(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        try:
            with hush.untold(TranslationWarning):
                self._found = refine(*arguments, progress=self, **options)
        except _Left:
            pass
        except PhotinusError as error:
            self._why = str(error)

    def start(self, description: str, total: float) -> None:
        """Take note of nothing: rounds are counted."""

    def advance(self, amount: float) -> None:
        """Count a round, and end if nobody waits."""
        if self._left.is_set():
            raise _Left
        self.rounds += int(amount)

    def stop(self) -> None:
        """Take note of nothing."""

    @property
    def running(self) -> bool:
        """Whether it still goes on."""
        return self._thread.is_alive()

    def network(self) -> Network:
        """Return the refined network.

        Raises
        ------
        PhotinusError
            If it could not be refined.
        """
        if self._found is None:
            raise PhotinusError(self._why or "the network could not be refined")
        return self._found.network

    def reason(self) -> str:
        """Return why it stopped."""
        return "" if self._found is None else self._found.reason

    def leave(self) -> None:
        """End it at its next round."""
        self._left.set()
