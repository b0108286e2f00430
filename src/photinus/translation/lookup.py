"""The compiled loops that look into a pair table."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import inlined, kernel

AS_IT_IS = 0.75
"""Share of the present state in what others bring a pair; the rest is what they bring typically. It was
fitted to machines of five units with weights up to 4."""


class Table(NamedTuple):
    """A pair table as the loops read it, see `photinus.translation.pairs.PairTable`."""

    delay: NDArray[np.float64]
    weight: NDArray[np.float64]
    middle: NDArray[np.float64]
    weight_change: NDArray[np.float64]
    middle_change: NDArray[np.float64]


class Met(NamedTuple):
    """What coupled pairs meet in states of a target, as the loops read it."""

    one: NDArray[np.intp]
    other: NDArray[np.intp]
    delay: NDArray[np.float64]
    """Of each pair, array (pair,)."""
    typical: NDArray[np.float64]
    """Middles in the mean over states, times their share, array (2, pair)."""
    told: NDArray[np.float64]
    """How much each state tells of each weight, array (state, pair)."""
    choice: NDArray[np.float64]
    """How much the log-odds of each unit matter, array (state, unit)."""
    states: NDArray[np.float64]
    """Array (state, unit)."""


@inlined
def _below(axis: NDArray[np.float64], at: float) -> tuple[int, float]:
    """Return the point of `axis` below a value, and the part of the way to the next one."""
    last = len(axis) - 2
    k = 0
    while k < last and at >= axis[k + 1]:
        k += 1
    part = (at - axis[k]) / (axis[k + 1] - axis[k])
    return k, min(max(part, 0.0), 1.0)


@inlined
def _curved(axis: NDArray[np.float64], at: float) -> tuple[int, tuple[float, float, float]]:
    """Return the first of three points of `axis`, and their shares in the value at `at`.

    Beside weight 0 that is the parabola through it and both neighbours. Elsewhere it is a line, and the
    third share is 0.
    """
    k, part = _below(axis, at)
    middle = k + 1 if axis[k + 1] == 0.0 else k
    if axis[middle] != 0.0 or middle == 0 or middle == len(axis) - 1 or part == 0.0 or part == 1.0:
        return k, (1.0 - part, part, 0.0)
    low, high = axis[middle - 1], axis[middle + 1]
    below = at * (at - high) / (low * (low - high))
    above = at * (at - low) / (high * (high - low))
    return middle - 1, (below, 1.0 - below - above, above)


@inlined
def _between(
    table: Table,
    late: tuple[int, float],
    strong: tuple[int, tuple[float, float, float]],
    own: float,
    other: float,
) -> tuple[float, float, float]:
    """Return the changes of weight, own middle and other middle at a place between points."""
    d, after = late
    w, shares = strong
    i, up = _below(table.middle, own)
    j, right = _below(table.middle, other)
    change, mine, theirs = 0.0, 0.0, 0.0
    for a in range(2 if after > 0 else 1):
        for b in range(3):
            share = shares[b] * (after if a else 1 - after)
            if share == 0.0:
                continue
            for corner in range(4):
                x, y = i + corner // 2, j + corner % 2
                part = share * (up if corner // 2 else 1 - up) * (right if corner % 2 else 1 - right)
                change += part * table.weight_change[d + a, w + b, x, y]
                mine += part * table.middle_change[d + a, w + b, x, y]
                theirs += part * table.middle_change[d + a, w + b, y, x]
    return change, mine, theirs


@kernel
def look_up(
    table: Table,
    at: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    found: NDArray[np.float64],
) -> None:
    """Write the changes of weight, own middle and other middle into `found`, array (3, point).

    `at` holds delays, weights, own and other middles of each point.
    """
    delay, weight, own, other = at
    for k in range(len(weight)):
        late, strong = _below(table.delay, delay[k]), _curved(table.weight, weight[k])
        found[0, k], found[1, k], found[2, k] = _between(table, late, strong, own[k], other[k])


@kernel
def mean_changes(
    table: Table,
    met: Met,
    given: NDArray[np.float64],
    field: NDArray[np.float64],
    found: NDArray[np.float64],
) -> None:
    """Write what pairs change in the mean over states into `found`, array (3, pair).

    Weights are weighted by `told`, and what log-odds of both units are off by `choice`.

    Parameters
    ----------
    given
        Weights that pairs are given, array (pair,).
    field
        Log-odds that units are given, array (state, unit).
    """
    z = met.states
    for p in range(len(given)):
        i, j, weight = met.one[p], met.other[p], given[p]
        late, strong = _below(table.delay, met.delay[p]), _curved(table.weight, weight)
        shown, mine, theirs = 0.0, 0.0, 0.0
        for s in range(len(z)):
            own = AS_IT_IS * (field[s, i] + weight * (0.5 - z[s, j])) + met.typical[0, p]
            other = AS_IT_IS * (field[s, j] + weight * (0.5 - z[s, i])) + met.typical[1, p]
            change, one, two = _between(table, late, strong, own, other)
            shown += met.told[s, p] * change
            mine += met.choice[s, i] * (one + (z[s, j] - 0.5) * change)
            theirs += met.choice[s, j] * (two + (z[s, i] - 0.5) * change)
        found[0, p], found[1, p], found[2, p] = shown, mine, theirs
