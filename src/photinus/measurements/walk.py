"""Draws from a density that is known up to a factor, by walkers that learn its shape from each other.

Half of the steps stretch the line to another walker (Goodman & Weare 2010, Commun. Appl. Math. Comput.
Sci. 5, 65). The other half go along the difference of two others (ter Braak 2006, Stat. Comput. 16,
239). Both need no scales, so that they go along narrow valleys.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
WALKERS = 80
"""They move in halves, each half by where the other one stands."""
STRETCH = 2.0
"""Largest factor of a stretch."""
APART = 10
"""Steps between draws that are kept, and in the first half between looks for those left behind."""
BEHIND = 10.0
"""Logarithm of the density below the median at which a walker starts again where another one is."""


def walk(
    density: Callable[[Array], Array], starts: Array, steps: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return draws of the second half of a walk, array (draw, name), and their density, array (draw,).

    Parameters
    ----------
    density
        Array (place, name) → logarithm of the density, array (place,).
    starts : array (walker, name)
        An even number of places.
    steps
        Steps of each walker.
    rng
        Draws them.
    """
    at: Array = starts.copy()
    now = density(at)
    half = len(at) // 2
    places, densities = [], []
    for step in range(steps):
        for mine, others in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
            there, bonus = _moved(at[mine], at[others], rng)
            then = density(there)
            taken = np.log1p(-rng.random(half)) < then - now[mine] + bonus
            at[mine] = np.where(taken[:, None], there, at[mine])
            now[mine] = np.where(taken, then, now[mine])
        if step % APART:
            continue
        if step < steps // 2:
            lost = now < np.median(now) - BEHIND
            new = rng.choice(np.flatnonzero(~lost), size=int(lost.sum()))
            at[lost], now[lost] = at[new], now[new]
        else:
            places.append(at.copy())
            densities.append(now.copy())
    return np.concatenate(places), np.concatenate(densities)


def _moved(mine: Array, others: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return where walkers would go, and the logarithm of what that counts more."""
    count, size = mine.shape
    first = rng.integers(len(others), size=count)
    if rng.random() < 0.5:
        factor = np.asarray((1 + (STRETCH - 1) * rng.random(count)) ** 2 / STRETCH)
        anchor = others[first]
        return anchor + factor[:, None] * (mine - anchor), (size - 1) * np.log(factor)
    second = (first + rng.integers(1, len(others), size=count)) % len(others)
    usual = 2.38 / np.sqrt(2 * size) * rng.uniform(0.3, 1.0, count)
    # A whole difference, now and then, leads from one maximum to another one.
    share = np.where(rng.random(count) < 0.1, 1.0, usual)
    return mine + share[:, None] * (others[first] - others[second]), np.zeros(count)
