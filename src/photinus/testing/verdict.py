"""How a check says what it found."""

from collections.abc import Callable, Mapping
from typing import TypeVar

Subject = TypeVar("Subject")


class Unfit(AssertionError):
    """Something does not keep what it promises; the message says what, a sentence a line.

    Examples
    --------
    >>> from photinus.testing import Unfit, check_substrate
    >>> issubclass(Unfit, AssertionError)
    True
    """


def require(holds: bool, sentence: str) -> None:
    """Raise Unfit with the sentence unless something holds."""
    if not holds:
        raise Unfit(sentence)


def run_all(checks: Mapping[str, Callable[[Subject], None]], subject: Subject, name: str) -> None:
    """Run all checks, whatever the first ones find.

    Raises
    ------
    Unfit
        With a sentence of each check that failed.
    """
    told = []
    for title, check in checks.items():
        try:
            check(subject)
        except Exception as error:  # another's code may raise anything
            what = str(error) if isinstance(error, Unfit) else f"{type(error).__name__}: {error}"
            told.append(f"{name}, {title}: {what}")
    if told:
        raise Unfit("\n".join(told))
