"""Small pieces of sentences."""

from collections.abc import Hashable, Sequence

NAMED = 3
"""How many are named, the worst first."""


def count(number: int, noun: str) -> str:
    """Return "1 laser" or "2 lasers"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def some(named: Sequence[Hashable], total: int | None = None) -> str:
    """Return the first few names, and that there are more."""
    more = (len(named) if total is None else total) > NAMED
    return ", ".join(map(str, named[:NAMED])) + (", …" if more else "")
