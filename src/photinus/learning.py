"""Learning Boltzmann machines from data."""

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus import _validate
from photinus.errors import InvalidInput, NotConverged

if TYPE_CHECKING:
    from photinus.boltzmann import BoltzmannMachine

MAX_EXACT_UNITS = 16
"""Most units for which learning enumerates all states in every step."""
GRADIENT_TOLERANCE = 1e-7
"""Largest difference of a moment from the data's at which learning has converged."""


def fit_exact(
    data: ArrayLike, *, l2: float = 0.0, labels: Iterable[Hashable] | None = None
) -> "BoltzmannMachine":
    """Return the fully visible machine of maximum likelihood.

    Minimises ``-(1/m) Σ log p(z) + l2/2 Σ_{i<j} W_ij²``; biases carry no penalty. The gradient is
    the difference of moments, ⟨z_i z_j⟩_machine - ⟨z_i z_j⟩_data (Ackley, Hinton & Sejnowski 1985,
    Cogn. Sci. 9, 147), both exact.

    Parameters
    ----------
    data : array (sample, unit) of 0 and 1, at most 16 units
    l2
        Weight of the penalty, >= 0.
    labels
        One name per unit.

    Raises
    ------
    InvalidInput
        If the data are not 0/1, there are too many units, or no finite machine is the best one (a
        unit that never changes; without `l2`, two units of which one combination never occurs).
    NotConverged
        If the optimiser stopped early.
    """
    from scipy.optimize import minimize

    from photinus.boltzmann import BoltzmannMachine

    l2 = _validate.non_negative("l2", l2)
    z = _validate.finite_array("data", data, 2)
    if not np.isin(z, (0.0, 1.0)).all():
        raise InvalidInput(f"data must hold only 0 and 1, got {z[~np.isin(z, (0.0, 1.0))][0]:g}")
    m, n = z.shape
    if m == 0 or not 1 <= n <= MAX_EXACT_UNITS:
        raise InvalidInput(
            f"data must have at least 1 row and 1 to {MAX_EXACT_UNITS} units, got shape {z.shape}"
        )
    moments = z.T @ z / m
    _require_finite_optimum(moments, m, l2, labels)
    rows, columns = np.triu_indices(n, 1)

    def machine_of(theta: NDArray[np.float64]) -> BoltzmannMachine:
        weights = np.zeros((n, n))
        weights[rows, columns] = weights[columns, rows] = theta[n:]
        return BoltzmannMachine(weights, theta[:n], labels)

    def objective(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        machine = machine_of(theta)
        biases, weights = theta[:n], theta[n:]
        pairs = moments[rows, columns]
        loss = machine.log_partition() - biases @ np.diagonal(moments) - weights @ pairs
        difference = machine.pair_moments() - moments
        gradient = np.concatenate([np.diagonal(difference), difference[rows, columns]])
        gradient[n:] += l2 * weights
        return float(loss + 0.5 * l2 * weights @ weights), gradient

    marginals = np.diagonal(moments)
    start = np.concatenate([np.log(marginals / (1 - marginals)), np.zeros(len(rows))])
    result = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 10_000, "maxfun": 20_000, "ftol": 0.0, "gtol": GRADIENT_TOLERANCE / 10},
    )
    slope = float(np.abs(objective(result.x)[1]).max())
    if slope > GRADIENT_TOLERANCE:
        raise NotConverged(
            f"learning stopped with moments off by {slope:.2g} (tolerance {GRADIENT_TOLERANCE:g}): "
            "the best machine may have infinite weights, try l2 above 0"
        )
    return machine_of(result.x)


def _require_finite_optimum(
    moments: NDArray[np.float64], m: int, l2: float, labels: Iterable[Hashable] | None
) -> None:
    """Raise where the likelihood has no finite maximum that can be seen from single pairs."""
    n = len(moments)
    names = list(range(n)) if labels is None else list(labels)
    marginals = np.diagonal(moments)
    for k in range(n):
        if marginals[k] in (0.0, 1.0):
            raise InvalidInput(
                f"data must change in every unit, unit {names[k]!r} is always {marginals[k]:.0f}"
            )
    if l2 > 0:
        return
    for i in range(n):
        for j in range(i):
            both = moments[i, j]
            cells = (both, marginals[i] - both, marginals[j] - both)
            if min(*cells, 1 - marginals[i] - marginals[j] + both) < 0.5 / m:
                raise InvalidInput(
                    f"l2 must be above 0 for these data: of units {names[j]!r} and {names[i]!r} one "
                    "combination never occurs, so the best weight is infinite"
                )
