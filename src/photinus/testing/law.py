"""Whether samples have the law of their machine, with a stated probability of a false alarm."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from photinus.machines.boltzmann import BoltzmannMachine

FALSE_ALARM = 1e-4
"""Largest probability that a right law is called wrong, all states together."""


def probability_of(states: NDArray[np.uint8], joint: NDArray[np.float64], bias: float = 0.0) -> float:
    """Return how probable a count as far off as the worst one is, if the law is right.

    The states of a draw are counted over independent chains, so each count is binomial. Under the law
    that is tested, no state's probability is off by more than `bias`. The result is a p-value: below
    p with probability p at most, whatever the machine (Bonferroni over states and both sides).

    Parameters
    ----------
    states : array (chain, unit)
        One draw of each chain.
    joint : array (2**unit,)
        Probability of each state, index sum of z_k << k.
    bias
        Error of a state's probability that is allowed beyond chance.
    """
    chains, units = states.shape
    index = states.astype(np.int64) @ (1 << np.arange(units))
    counts = np.bincount(index, minlength=len(joint))
    low, high = np.clip(joint - bias, 0.0, 1.0), np.clip(joint + bias, 0.0, 1.0)
    few = np.asarray(stats.binom.cdf(counts, chains, low))
    many = np.asarray(stats.binom.sf(counts - 1, chains, high))
    return float(min(1.0, 2 * len(joint) * min(few.min(), many.min())))


def law_machine() -> BoltzmannMachine:
    """Return three units with weights of both signs, whose states all have 2 % or more."""
    return BoltzmannMachine([[0, 1.2, -0.8], [1.2, 0, 0.6], [-0.8, 0.6, 0]], [-0.4, -0.6, 0.3])
