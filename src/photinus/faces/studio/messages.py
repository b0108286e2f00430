"""What a page may say: three kinds of messages, checked, and how many of them in a second."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.errors import InvalidInput

MOST_CHARACTERS = 32768
"""Of a message."""
MESSAGES_PER_SECOND = 200.0
"""That a page may send for long. It asks for each picture, and tells every change of a control."""
MESSAGES_AT_ONCE = 400.0
"""That may come together."""
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True, repr=False)
class Settings(Displayed):
    """Show a view with these settings; those that it leaves out are as by default."""

    view: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class More(Displayed):
    """Send another frame."""


@dataclass(frozen=True, slots=True, repr=False)
class Press(Displayed):
    """Do what a button says."""

    button: str


Message = Settings | More | Press


def parsed(text: str) -> Message:
    """Return the message that a page sent.

    Raises
    ------
    InvalidInput
        For anything else than one of the three.
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(f"message must have at most {MOST_CHARACTERS} characters, got {len(text)}")
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(f"message must be JSON, got {validate.shown(text)}") from None
    if not isinstance(given, dict):
        raise InvalidInput(f"message must be an object, got {validate.shown(given)}")
    said = validate.one_of("message", given.get("say"), ("settings", "more", "press"))
    if said == "more":
        return More()
    if said == "press":
        return Press(_name("button", given.get("button")))
    values = given.get("values", {})
    if not isinstance(values, dict):
        raise InvalidInput(f"settings must be an object, got {validate.shown(values)}")
    return Settings(_name("view", given.get("view")), values)


def _name(what: str, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise InvalidInput(
            f"{what} must be a name of at most {LONGEST_NAME} letters, got {validate.shown(value)}"
        )
    return value


class Allowance:
    """How many messages may still come: so many at once, refilled at so many per second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left, self._seen = MESSAGES_AT_ONCE, clock()

    def take(self) -> bool:
        """Return whether one more message is allowed, and count it."""
        now = self._clock()
        self._left = min(MESSAGES_AT_ONCE, self._left + (now - self._seen) * MESSAGES_PER_SECOND)
        self._seen = now
        self._left = max(0.0, self._left - 1)
        return self._left > 0
