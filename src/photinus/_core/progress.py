"""Progress of long calls: the library reports to any object.

The bar on a terminal is rich's, the one in a notebook tqdm's.
"""

import contextlib
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

from photinus._core import hush
from photinus.errors import InvalidInput

QUIET = 30.0
"""Seconds between two lines, where there is no terminal."""


@runtime_checkable
class Progress(Protocol):
    """What a progress display has to offer."""

    def start(self, description: str, total: float) -> None:
        """Begin a task of `total` (in any unit)."""

    def advance(self, amount: float) -> None:
        """Add `amount` to what is done."""

    def stop(self) -> None:
        """End the task, finished or not."""


class TerminalProgress:
    """A bar on the terminal (standard error), drawn by rich.

    Where there is no terminal, it is a line every half minute.
    """

    def start(self, description: str, total: float) -> None:
        """Begin a task of `total`."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._lines = None if console.is_terminal else Lines(description, total)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(description, total=total)
        self._bar.start()

    def advance(self, amount: float) -> None:
        """Add `amount` to what is done."""
        self._bar.advance(self._task, amount)
        if self._lines is not None:
            self._lines.advance(amount)

    def stop(self) -> None:
        """Take the bar's last state as final."""
        self._bar.stop()


class Lines:
    """A line on standard error whenever `QUIET` seconds have passed: for logs."""

    def __init__(self, description: str, total: float) -> None:
        self._description, self._total, self._done = description, total, 0.0
        self._started = self._told = time.monotonic()

    def advance(self, amount: float) -> None:
        """Add `amount` to what is done, and tell it if it is time."""
        self._done += amount
        now = time.monotonic()
        if now - self._told >= QUIET:
            self._told = now
            share = f"{100 * self._done / self._total:.0f} % after {now - self._started:.0f} s"
            sys.stderr.write(f"photinus: {self._description}, {share}\n")
            sys.stderr.flush()


class Part:
    """A task that is a part of another one: all of it is `amount` there."""

    def __init__(self, advance: Callable[[float], None], amount: float) -> None:
        self._advance, self._left, self._share = advance, amount, 0.0

    def start(self, description: str, total: float) -> None:
        """Begin a task of `total`."""
        self._share = self._left / total

    def advance(self, amount: float) -> None:
        """Add `amount` to what is done."""
        more = min(self._left, amount * self._share)
        self._left -= more
        self._advance(more)

    def stop(self) -> None:
        """Add what is left."""
        self._advance(self._left)
        self._left = 0.0


class NotebookProgress:
    """A bar in a notebook, drawn by tqdm: a widget where the notebook has them, else text."""

    def start(self, description: str, total: float) -> None:
        """Begin a task of `total`."""
        from tqdm.auto import tqdm

        form = "{desc}: {percentage:3.0f} %|{bar}| {elapsed}<{remaining}"
        self._bar = tqdm(desc=description, total=total, bar_format=form)

    def advance(self, amount: float) -> None:
        """Add `amount` to what is done."""
        self._bar.update(amount)

    def stop(self) -> None:
        """Take the bar's last state as final."""
        self._bar.close()


def automatic() -> Progress:
    """Return the display for where this runs: a notebook's, if IPython and tqdm are there.

    On a terminal, and where there is neither, it is the terminal's, which tells lines without one.
    """
    # Whoever runs in IPython has imported it.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or sys.stderr.isatty():
        return TerminalProgress()
    with contextlib.suppress(ImportError), hush.silenced():  # widgets are missing, and not needed
        importlib.import_module("tqdm.auto")
        return NotebookProgress()
    return TerminalProgress()


@contextlib.contextmanager
def tracked(
    progress: Progress | bool | None, description: str, total: float
) -> Iterator[Callable[[float], None]]:
    """Give a function that reports an advance to `progress`, and stop it whatever happens."""
    if progress is None or progress is False:
        yield lambda amount: None
        return
    display = automatic() if progress is True else progress
    if not isinstance(display, Progress):
        raise InvalidInput(
            f"progress must be True, False or have start, advance and stop, got {progress!r}"
        )
    display.start(description, total)
    try:
        yield display.advance
    finally:
        display.stop()
