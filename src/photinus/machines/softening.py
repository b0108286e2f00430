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


Floats = NDArray[np.float64]


def checked_softening(softening: float) -> float:
    """Return the distance from 0 and 1 that deterministic entries get."""
    softening = validate.positive("softening", softening)
    if softening >= 0.5:
        raise InvalidInput(f"softening must be below 0.5, got {softening:g}")
    return softening


def deterministic(on: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which entries are deterministic."""
    return np.asarray((on == 0) | (on == 1))


def soft_log_odds(on: NDArray[np.float64], softening: float, additive: bool) -> NDArray[np.float64]:
    """Return the log-odds of a softened table P(variable = 1), both arrays (2,)*parents."""
    softening = checked_softening(softening)
    certain = deterministic(on)
    soft = np.where(certain, np.where(on == 1, 1 - softening, softening), on)
    log_odds = np.log(soft) - np.log1p(-soft)
    if not additive or on.ndim < 2 or not certain.any():
        return np.asarray(log_odds)
    return _least_interacting(log_odds, certain)


def soft_log_table(array: Floats, softening: float, additive: bool) -> Floats:
    """Return the logarithm of a softened table, array (states, *states of the parents).

    `array` has the variable last. Two states with parents of two states go by their log-odds, see
    `soft_log_odds`. Elsewhere a row with n zeros gives ε to each and 1 - n ε of it to the others.
    """
    if set(array.shape) == {2}:
        log_odds = soft_log_odds(array[..., 1], softening, additive)
        return -np.logaddexp(0.0, np.stack([log_odds, -log_odds]))
    softening = checked_softening(softening)
    zeros = array == 0
    count = zeros.sum(axis=-1, keepdims=True)
    # Many zeros must leave room for what is possible.
    epsilon = np.minimum(softening, 0.5 / np.maximum(count, 1))
    soft = np.where(zeros, epsilon, array * (1 - count * epsilon))
    return np.moveaxis(np.log(soft), -1, 0)


def soft_table(array: Floats, softening: float, additive: bool) -> Floats:
    """Return a softened table, array (*states of the parents, states) like `array`."""
    if set(array.shape) != {2}:
        return np.exp(np.moveaxis(soft_log_table(array, softening, additive), 0, -1))
    on = array[..., 1]
    log_odds = soft_log_odds(on, softening, additive)
    on = np.where(deterministic(on), np.exp(-np.logaddexp(0, -log_odds)), on)
    return np.stack([1 - on, on], axis=-1)


def soft_factor(values: Floats, softening: float) -> Floats:
    """Return the logarithm of a non-negative function: 0 becomes ε of the largest value.

    But no more than the smallest value above 0, so that the impossible stays below the possible.
    """
    softening = checked_softening(softening)
    least = min(softening * float(values.max()), float(values[values > 0].min()))
    return np.log(np.where(values == 0, least, values))


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
