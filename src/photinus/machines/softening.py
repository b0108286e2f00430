"""Tables without zeros and ones, whose logarithms are finite."""

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.machines.expansion import moebius

SOFTENING = 5e-4
"""Distance from 0 and 1 that deterministic entries get by default."""
SMALLNESS = 1e-3
"""What the size of log-odds costs beside their interactions, where an entry may choose."""


def deterministic(on: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which entries are deterministic."""
    return np.asarray((on == 0) | (on == 1))


def soft_log_odds(on: NDArray[np.float64], softening: float, additive: bool) -> NDArray[np.float64]:
    """Return the log-odds of a softened table P(variable = 1), both arrays (2,)*parents."""
    softening = validate.positive("softening", softening)
    if softening >= 0.5:
        raise InvalidInput(f"softening must be below 0.5, got {softening:g}")
    certain = deterministic(on)
    soft = np.where(certain, np.where(on == 1, 1 - softening, softening), on)
    log_odds = np.log(soft) - np.log1p(-soft)
    if not additive or on.ndim < 2 or not certain.any():
        return np.asarray(log_odds)
    return _least_interacting(log_odds, certain)


def _least_interacting(
    log_odds: NDArray[np.float64], certain: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return log-odds with the smallest interactions; `certain` entries may grow in size.

    A linear programme minimises Σ_{|A| ≥ 2} |μ_A| plus a little of the sizes. Here μ_A are the
    coefficients of the log-odds as a polynomial in the parents.
    """
    from scipy.optimize import linprog

    order = np.indices(log_odds.shape).sum(axis=0).ravel()
    unit_vectors = np.eye(log_odds.size).reshape(-1, *log_odds.shape)
    transform = np.array([moebius(vector).ravel() for vector in unit_vectors]).T
    interactions = transform[order >= 2]
    start, free = log_odds.ravel(), np.flatnonzero(certain)
    sign = np.sign(start[free])
    # Unknowns: by how much each certain entry grows, then the bounds of |μ_A|.
    growth = interactions[:, free] * sign
    base, bounds = interactions @ start, np.eye(len(interactions))
    solution = linprog(
        np.r_[np.full(len(free), SMALLNESS), np.ones(len(interactions))],
        A_ub=np.block([[growth, -bounds], [-growth, -bounds]]),
        b_ub=np.r_[-base, base],
    )
    assert solution.x is not None
    result = start.copy()
    result[free] += sign * solution.x[: len(free)]
    return result.reshape(log_odds.shape)
