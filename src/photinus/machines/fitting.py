"""Machines fitted to data or to moments, all states enumerated."""

from collections.abc import Hashable, Iterable

import numpy as np
from numpy.typing import ArrayLike

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.likelihood import MOMENT_TOLERANCE, most_likely, require_few


def fit_exact(
    data: ArrayLike, *, l2: float = 0.0, labels: Iterable[Hashable] | None = None
) -> BoltzmannMachine:
    """Return the machine of maximum likelihood, all states enumerated.

    Minimises -<log p(z)>_data + l2/2 Σ_{i<j} W_ij². Biases are not penalised.

    Parameters
    ----------
    data : array (sample, unit) of 0 and 1
        At most 16 units.
    l2
        Weight of the penalty on the mean negative log-likelihood, >= 0.
    labels
        One name per unit; by default 0 … n-1.

    Raises
    ------
    InvalidInput
        If the data are not 0 and 1, or a unit is constant. Without `l2` also if a pair of units never
        shows one of its four states, as the maximum then lies at infinity.
    NotConverged
        If the maximum was not reached. For data on the edge of what machines can do it lies at infinity
        though no single pair shows it.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.learning import fit_exact
    >>> data = np.array([[1, 1], [1, 1], [0, 0], [1, 0]] * 5)
    >>> fit_exact(data, l2=0.01, labels=["rain", "wet"]).marginals().round(2)
    array([0.75, 0.5 ])
    """
    return BoltzmannMachine.fit(data, l2, labels)


def fit_moments(
    moments: ArrayLike, *, l2: float = 0.0, labels: Iterable[Hashable] | None = None
) -> BoltzmannMachine:
    """Return the machine with these pair moments <z_i z_j>; with `l2`, a compromise as `fit_exact`.

    Parameters
    ----------
    moments : array (unit, unit)
        Symmetric, marginals on the diagonal, as `BoltzmannMachine.pair_moments` returns them; at
        most 16 units.
    l2, labels
        See `fit_exact`.

    Raises
    ------
    InvalidInput, NotConverged
        See `fit_exact`.

    Examples
    --------
    >>> from photinus.learning import fit_moments
    >>> machine = fit_moments([[0.75, 0.5], [0.5, 0.5]], l2=0.01)
    >>> machine.marginals().round(2)
    array([0.75, 0.5 ])
    """
    target = validate.finite_array("moments", moments, 2)
    n = len(target)
    require_few("moments", n)
    if target.shape != (n, n) or np.abs(target - target.T).max(initial=0.0) > MOMENT_TOLERANCE:
        raise InvalidInput(f"moments must be a symmetric matrix, got shape {target.shape}")
    l2 = validate.non_negative("l2", l2)
    # The right names for messages, and the checks of labels before the work.
    names = BoltzmannMachine(np.zeros((n, n)), np.zeros(n), labels).labels
    weights, biases = most_likely(target, l2, names)
    return BoltzmannMachine(weights, biases, names)
