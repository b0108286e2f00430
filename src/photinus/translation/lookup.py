"""The compiled loop that looks into a pair table."""

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import inlined, kernel


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


@kernel
def look_up(
    axes: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    weight_change: NDArray[np.float64],
    middle_change: NDArray[np.float64],
    at: tuple[
        NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]
    ],
    found: NDArray[np.float64],
) -> None:
    """Write the changes of weight, own middle and other middle into `found`, array (3, point).

    Parameters
    ----------
    axes
        Delays, weights and middles.
    weight_change, middle_change
        As in `PairTable`.
    at
        Delays, weights, own and other middles of each point.
    """
    delays, weights, middles = axes
    delay, weight, own, other = at
    for k in range(len(weight)):
        d, late = _below(delays, delay[k])
        w, shares = _curved(weights, weight[k])
        i, up = _below(middles, own[k])
        j, right = _below(middles, other[k])
        change, mine, theirs = 0.0, 0.0, 0.0
        for a in range(2 if late > 0 else 1):
            for b in range(3):
                share = shares[b] * (late if a else 1 - late)
                if share == 0.0:
                    continue
                for corner in range(4):
                    x, y = i + corner // 2, j + corner % 2
                    part = share * (up if corner // 2 else 1 - up) * (right if corner % 2 else 1 - right)
                    change += part * weight_change[d + a, w + b, x, y]
                    mine += part * middle_change[d + a, w + b, x, y]
                    theirs += part * middle_change[d + a, w + b, y, x]
        found[0, k], found[1, k], found[2, k] = change, mine, theirs
