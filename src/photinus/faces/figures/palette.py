"""One colour, marker and dash for each substrate, the same in every figure.

The colours can be told apart with normal sight, with protanopia and deuteranopia, and in grey, where
their lightness rises from one to the next. Markers and dashes say the same once more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

MUTED = "#9aa0a6"
"""What stands for nothing: grids, guides, bars behind points."""
INK = "#222222"
"""Words, axes, lines of identity."""


@dataclass(frozen=True)
class Mark:
    """How one substrate, or one way to run it, looks."""

    colour: str
    marker: str
    dash: Any = "-"
    filled: bool = True

    def line(self, **changes: Any) -> dict[str, Any]:
        """Return settings of a line with markers, as `Axes.plot` takes them."""
        return {"ls": self.dash, "marker": self.marker, **self.points(), **changes}

    def points(self) -> dict[str, Any]:
        """Return settings of markers alone."""
        return {"color": self.colour, "mfc": self.colour if self.filled else "white"}


# In the order of their lightness.
EXACT = Mark("#111111", "s", (0, (1, 1)))
GIBBS = Mark("#28388a", "^", "--", filled=False)
LASER = Mark("#b81c29", "o")
LIF = Mark("#8c66b6", "D", (0, (4, 1, 1, 1)))
IDEAL = Mark("#1fa18f", "v", (0, (5, 2)))
REDUCED = Mark("#f39a45", "P", (0, (3, 1)))
JUMPS = Mark("#8fd3f2", "X", "-.")

SUBSTRATES: dict[str, Mark] = {
    "exact": EXACT,
    "gibbs": GIBBS,
    "laser": LASER,
    "lif": LIF,
    "ideal": IDEAL,
    "laser-reduced": REDUCED,
    "jumps": JUMPS,
}
"""Mark of each substrate, from dark to light; ``jumps`` is the laser event by event."""
CYCLE = tuple(mark.colour for mark in (LASER, GIBBS, REDUCED, IDEAL, LIF, JUMPS, EXACT))
"""What figures without substrates take their colours from."""
_OTHERS = (JUMPS, LIF, IDEAL, REDUCED, GIBBS, EXACT)
"""For names that are of no substrate."""
_AGAIN = (("s", "--"), ("^", ":"), ("D", "-."), ("v", (0, (3, 1, 1, 1))))
"""Marker and dash of a second, third … way to run the same substrate."""


def marks(names: Iterable[object]) -> list[Mark]:
    """Return a mark per name, each different.

    A name is of a substrate if it begins with it, as in "laser-reduced, learned in the loop". A second
    name of the same substrate keeps the colour, and has another marker and dash. Names of no substrate
    have colours that are left.
    """
    given = list(names)
    known = [_substrate(str(name)) for name in given]
    left = iter([mark for mark in _OTHERS if mark not in known] + list(_OTHERS))
    chosen: list[Mark] = []
    for mark in known:
        base = mark if mark is not None else next(left, MUTED_MARK)
        again = sum(other.colour == base.colour for other in chosen)
        if again:
            marker, dash = _AGAIN[(again - 1) % len(_AGAIN)]
            base = replace(base, marker=marker, dash=dash, filled=not base.filled)
        chosen.append(base)
    return chosen


MUTED_MARK = Mark(MUTED, ".")


def mark(name: object) -> Mark:
    """Return the mark of one name."""
    return marks([name])[0]


def _substrate(name: str) -> Mark | None:
    """Return the mark of the substrate that a name begins with, the longest such."""
    low = name.lower()
    for substrate in sorted(SUBSTRATES, key=len, reverse=True):
        rest = low.removeprefix(substrate)
        if rest != low and not rest[:1].isalnum():
            return SUBSTRATES[substrate]
    return LASER if low.startswith("lasers") else None
