"""Where to look: lasers drawn from what is known, and the best of them led downhill.

Lasers that spike and lasers that do not show different things, so no slope leads from the ones to the
others. Many lasers are drawn and simulated briefly. From the best ones least squares go on (Levenberg
1944, Q. Appl. Math. 2, 164), with common random numbers. Measurements that are far off weigh little
(Cauchy's loss), so that a laser may do some things right and be led to the rest.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from photinus.errors import InvalidInput, NotConverged

Array = NDArray[np.float64]
Residuals = Callable[[Array], Array]
"""From a place, in standard deviations of what is known, to what is left over, in standard errors."""
SCALE = 4.0
"""Squared residual from which on more counts as its logarithm alone."""
STEP = 0.15
"""Standard deviations of what is known, for slopes."""
STRIDE = 1.5
"""Standard deviations of what is known that a step goes at most."""
STEPS = 12
STARTS = 5
"""Drawn lasers that are led downhill at most."""
GOOD = 1.4
"""Loss per measurement and quantity at which no other start is tried; 0.8 is that of the true laser."""


class Place(NamedTuple):
    """A laser and how well it does."""

    loss: float
    at: Array
    """In standard deviations of what is known."""


def draw(residuals: Residuals, size: int, count: int, rng: np.random.Generator) -> list[Place]:
    """Return the lasers at the centre and at places drawn from what is known, the best first."""
    places = [np.zeros(size), *rng.standard_normal((count - 1, size))]
    found = []
    for at in places:
        left = _try(residuals, at)
        if left is not None:
            found.append(Place(loss(left, at), at))
    return sorted(found, key=lambda place: place.loss)


def descend(residuals: Residuals, start: Array) -> Place:
    """Return where least squares lead from a place."""
    at, left = start, _try(residuals, start)
    if left is None:
        raise NotConverged("there is no laser where the fit starts")
    now, damping = loss(left, at), 1.0
    for _ in range(STEPS):
        slope = _slopes(residuals, at, left)
        weight = 1 / (1 + left**2 / SCALE)
        normal = (slope.T * weight) @ slope + np.eye(len(at))
        pull = -(slope.T * weight) @ left - at
        before = now
        for _ in range(5):
            step = np.linalg.solve(normal + damping * np.diag(0.1 + 0.1 * np.diag(normal)), pull)
            step *= min(1.0, STRIDE / max(float(np.linalg.norm(step)), 1e-300))
            there = _try(residuals, at + step)
            if there is not None and loss(there, at + step) < now:
                at, left = at + step, there
                now, damping = loss(left, at), max(damping / 4, 1e-4)
                break
            damping *= 5
        if before - now < 0.5:
            break
    return Place(now, at)


def search(
    brief: Residuals, long: Residuals, size: int, count: int, values: int, rng: np.random.Generator
) -> Array:
    """Return the best place of several descents.

    Parameters
    ----------
    brief, long
        Residuals by short and by longer simulations.
    size, count, values
        Number of quantities, of lasers that are drawn, and of measured values.
    rng
        Draws them.
    """
    drawn = draw(brief, size, count, rng)
    if not drawn:
        raise NotConverged("no laser can have what is known of it: give wider uncertainties")
    best = None
    for place in drawn[:STARTS]:
        found = descend(long, place.at)
        best = found if best is None or found.loss < best.loss else best
        if best.loss < GOOD * (values + size):
            break
    assert best is not None
    return best.at


def loss(left: Array, at: Array) -> float:
    """Return how bad residuals and a place far from what is known are."""
    return float(SCALE * np.log1p(left**2 / SCALE).sum() + at @ at)


def _try(residuals: Residuals, at: Array) -> Array | None:
    """Return the residuals of a laser; None where there is no such laser."""
    try:
        return residuals(at)
    except (InvalidInput, NotConverged):
        return None


def _slopes(residuals: Residuals, at: Array, left: Array) -> Array:
    """Return derivatives of the residuals, array (value, name), towards the centre."""
    slope = np.zeros((len(left), len(at)))
    for k, x in enumerate(at):
        moved = at.copy()
        moved[k] -= STEP if x >= 0 else -STEP
        there = _try(residuals, moved)
        if there is not None:
            slope[:, k] = (there - left) / (moved[k] - x)
    return slope
