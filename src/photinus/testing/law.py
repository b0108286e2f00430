"""Whether samples have the law of their machine, with a stated probability of a false alarm."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from photinus.machines.boltzmann import BoltzmannMachine
from photinus.testing.runs import Subject
from photinus.testing.verdict import require

FALSE_ALARM = 1e-4
"""Largest probability that a right law is called wrong, all states together."""
LAW_CHAINS, LAW_DRAWS = 4096, 10
"""Chains, and draws before the one that is looked at, burn-in included twice over."""


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


def check_law(subject: Subject) -> None:
    """Check that the states of the last draw have the machine's law; see `probability_of`."""
    machine = law_machine()
    _check_law(subject, _last(subject, machine), machine.joint(), "without evidence")


def check_law_given_evidence(subject: Subject) -> None:
    """Check the law given evidence: half the chains know that a unit is off, half that it is on."""
    machine = law_machine()
    value = np.arange(LAW_CHAINS) % 2
    states = _last(subject, machine, evidence={machine.labels[0]: value})
    for known in (0, 1):
        given = machine.conditional({machine.labels[0]: known}).joint()
        _check_law(subject, states[value == known][:, 1:], given, f"with a unit at {known}")


def _last(subject: Subject, machine: BoltzmannMachine, **options: Any) -> NDArray[np.uint8]:
    counts = {"chains": LAW_CHAINS, "draws": LAW_DRAWS, "burn_in": LAW_DRAWS}
    return subject.draw(machine, **counts, **options).states[:, -1]


def _check_law(
    subject: Subject, states: NDArray[np.uint8], joint: NDArray[np.float64], when: str
) -> None:
    p = probability_of(states, joint, subject.bias)
    require(p >= FALSE_ALARM, f"states {when} do not have the machine's law (p = {p:.1g})")
