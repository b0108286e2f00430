"""Learning a Boltzmann machine from data.

The family p(z) ∝ exp(½ zᵀWz + bᵀz) is exponential with the statistics z_i and z_i z_j (i < j). So the
log-likelihood is concave. Its gradient is the moments of the data minus those of the machine (Ackley,
Hinton & Sejnowski 1985, Cognitive Science 9, 147). Its Hessian is minus their covariance. A finite
maximum exists only for moments in the interior of what distributions over 0/1 units can have
(Wainwright & Jordan 2008, Found. Trends Mach. Learn. 1, 1, section 3).
"""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus._core.states import MAX_PER_STEP
from photinus.errors import InvalidInput, NotConverged

MOMENT_TOLERANCE = 1e-12
"""Probabilities below this count as zero: rounding of moments is well below."""
GRADIENT_TOLERANCE = 1e-8
"""Error of the moments at which the optimiser hands over to the last Newton steps: below it the
likelihood's own rounding stops a trust region."""
MAX_ITERATIONS = 200
NEWTON_STEPS = 5
STEP_TOLERANCE = 1e-6
"""Largest last Newton step, in any weight or bias, of a fit that has converged."""


def require_few(name: str, n: int) -> None:
    """Raise unless all states of `n` units can be enumerated at every step."""
    if n > MAX_PER_STEP:
        raise InvalidInput(
            f"{name} must have at most {MAX_PER_STEP} units, got {n}: all states are enumerated"
        )


def most_likely(
    moments: NDArray[np.float64], l2: float, names: tuple[Hashable, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights (unit, unit) and biases (unit,) of maximum likelihood.

    Parameters
    ----------
    moments : array (unit, unit)
        Wanted <z_i z_j>, symmetric, marginals on the diagonal; of `require_few` units.
    l2
        Weight of the penalty, see `photinus.learning.fit_exact`.
    names
        What units are called in messages.

    Raises
    ------
    InvalidInput, NotConverged
        See `photinus.learning.fit_exact`.
    """
    n = len(moments)
    _require_no_constant_unit(moments, names)
    if l2 == 0:
        _require_no_empty_cell(moments, names)
    i, j = np.triu_indices(n, 1)
    mean = np.diagonal(moments)
    independent = np.concatenate([np.log(mean / (1 - mean)), np.zeros(len(i))])
    theta = _maximum(_Likelihood.of(moments, l2), independent)
    weights = np.zeros((n, n))
    weights[i, j] = weights[j, i] = theta[n:]
    return weights, theta[:n]


@dataclass(frozen=True, slots=True, eq=False)
class _Likelihood:
    """The penalised negative log-likelihood of parameters θ = (b_i, then W_ij for i < j).

    A parameter belongs to a set of one or two units, and a state is the set of units that are 1. Sets
    are bit masks. Then -E(z) is the sum of θ over the subsets of z. The moment of a set is the sum of p
    over its supersets. Both are n passes of additions over the table of all states.
    """

    n_units: int
    sets: NDArray[np.intp]
    """Bit mask of each parameter's units, array (parameter,)."""
    target: NDArray[np.float64]
    """Moments in the data, array (parameter,)."""
    penalty: NDArray[np.float64]
    """l2 for weights, 0 for biases, array (parameter,)."""

    @classmethod
    def of(cls, moments: NDArray[np.float64], l2: float) -> "_Likelihood":
        n = len(moments)
        i, j = np.triu_indices(n, 1)
        return cls(
            n,
            np.concatenate([1 << np.arange(n), (1 << i) | (1 << j)]),
            np.concatenate([np.diagonal(moments), moments[i, j]]),
            np.concatenate([np.zeros(n), np.full(len(i), l2)]),
        )

    def _law(self, theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return log Z and the moments of all sets of units."""
        table = np.zeros(2**self.n_units)
        table[self.sets] = theta
        for k in range(self.n_units):
            pairs = table.reshape(-1, 2, 2**k)
            pairs[:, 1] += pairs[:, 0]
        peak = float(table.max())
        np.exp(table - peak, out=table)
        total = float(table.sum())
        table /= total
        for k in range(self.n_units):
            pairs = table.reshape(-1, 2, 2**k)
            pairs[:, 0] += pairs[:, 1]
        return peak + float(np.log(total)), table

    def value_and_gradient(self, theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_z, moment = self._law(theta)
        value = log_z - theta @ self.target + self.penalty @ theta**2 / 2
        return float(value), moment[self.sets] - self.target + self.penalty * theta

    def hessian(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        _, moment = self._law(theta)
        mean = moment[self.sets]
        second = moment[self.sets[:, None] | self.sets]
        return np.asarray(second - np.outer(mean, mean) + np.diag(self.penalty))


def _maximum(likelihood: _Likelihood, start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the parameters of greatest penalised likelihood.

    A small gradient does not prove a maximum: towards a maximum at infinity it falls like exp(-θ).
    The Newton step does: it vanishes at a maximum and stays near 1 on the way to infinity.
    """
    from scipy.optimize import minimize

    result = minimize(
        likelihood.value_and_gradient,
        start,
        jac=True,
        hess=likelihood.hessian,
        method="trust-exact",
        options={"gtol": GRADIENT_TOLERANCE, "maxiter": MAX_ITERATIONS},
    )
    theta = np.asarray(result.x, dtype=np.float64)
    largest = np.inf
    for _ in range(NEWTON_STEPS):
        _, gradient = likelihood.value_and_gradient(theta)
        try:
            step = np.linalg.solve(likelihood.hessian(theta), gradient)
        except np.linalg.LinAlgError:
            break
        theta = theta - step
        largest = float(np.abs(step).max())
        if largest <= STEP_TOLERANCE:
            return theta
    raise NotConverged(
        f"the fit did not converge in {result.nit} iterations (last step {largest:.2g}, largest "
        f"parameter {np.abs(theta).max():.3g}): the maximum may lie at infinity, set l2 above 0"
    )


def _require_no_constant_unit(moments: NDArray[np.float64], names: tuple[Hashable, ...]) -> None:
    for name, mean in zip(names, np.diagonal(moments), strict=True):
        if not MOMENT_TOLERANCE < mean < 1 - MOMENT_TOLERANCE:
            raise InvalidInput(
                f"unit {name!r} must be both 0 and 1 in data, its mean is {mean:g}: no finite "
                "bias gives that (leave it out, l2 cannot help)"
            )


def _require_no_empty_cell(moments: NDArray[np.float64], names: tuple[Hashable, ...]) -> None:
    mean = np.diagonal(moments)
    cells = {
        (1, 1): moments,
        (1, 0): mean[:, None] - moments,
        (0, 1): mean[None, :] - moments,
        (0, 0): 1 - mean[:, None] - mean[None, :] + moments,
    }
    for i, j in zip(*np.triu_indices(len(mean), 1), strict=True):
        for (a, b), probability in cells.items():
            if probability[i, j] <= MOMENT_TOLERANCE:
                raise InvalidInput(
                    f"units {names[i]!r} and {names[j]!r} must show all four states, "
                    f"they are never {a} and {b}: no finite weight gives that (set l2 above 0)"
                )
