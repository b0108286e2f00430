"""Progress of long calls: the library reports to any object.

The bar on a terminal is rich's, the one in a notebook tqdm's.
"""

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

from photinus._core import hush
from photinus.errors import InvalidInput


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
    """A bar on the terminal (standard error), drawn by rich; silent where there is no terminal."""

    def start(self, description: str, total: float) -> None:
        """Begin a task of `total`."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
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

    def stop(self) -> None:
        """Take the bar's last state as final."""
        self._bar.stop()


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

    On a terminal, and where there is neither, it is the terminal's, which is silent without one.
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
