"""What a view must be able to do."""

from collections.abc import Mapping
from typing import Any, Protocol

from photinus.faces.studio.problems import Shelf


class View(Protocol):
    """A simulation with what is shown of it. Values are names to numbers, texts and arrays."""

    changed: bool
    """Whether `about` tells something else since it was asked last; who asks sets it back."""

    def __init__(self, shelf: Shelf, values: Mapping[str, Any]) -> None:
        """Start with settings by name; raise InvalidInput for wrong ones."""

    def change(self, values: Mapping[str, Any]) -> None:
        """Take other settings; raise InvalidInput for wrong ones, and stay as it was."""

    def about(self) -> dict[str, Any]:
        """Return what stays the same from frame to frame."""

    def advance(self, elapsed: float, budget: float) -> dict[str, Any]:
        """Go on and return what is new.

        Parameters
        ----------
        elapsed
            Time on the wall since the last frame [s].
        budget
            Time on the wall that this may take [s].
        """

    def rest(self) -> float:
        """Return the time on the wall until there is something new [s]."""

    def press(self, button: str) -> None:
        """Do what a button says, "reset" at least."""

    def code(self) -> str:
        """Return the lines of Python that do the same."""

    def close(self) -> None:
        """End what goes on by itself."""
