"""Importance weights: samples of one law as samples of another, and when not to trust them.

Each draw z gets the weight p(z)/q(z), up to a factor. p is the law wanted, q that of the samples
(Kahn & Marshall 1953, J. Oper. Res. Soc. Am. 1, 263). The effective draws (Σw)²/Σw² tell the price
(Kish 1965, Survey Sampling, section 11.7). So does the shape k of the tail of the weights (Vehtari et
al. 2024, J. Mach. Learn. Res. 25, 72).
"""

import contextlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.diagnostics.convergence import FEWEST_EFFECTIVE, smallest_effective_draws
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine

Floats = NDArray[np.float64]
HEAVY = 0.7
"""Shape k of the tail of the weights, above which a few draws decide."""
EVEN = 0.5
"""Share of the draws that is left, from which on no few of them decide, whatever the tail is like."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class Weighted(Displayed):
    """Draws with weights that make them draws of another law."""

    values: NDArray[Any]
    """What is averaged, array (chain, draw, quantity): states of 0 and 1, or probabilities."""
    weights: Floats
    """Weight of each draw, array (chain, draw); they add up to one."""
    ess: float
    """Effective draws left: those that the samples had, times (Σw)²/(n Σw²) for n draws."""
    pareto_k: float
    """Shape of the tail of the weights; nan where they are too few or too equal to tell."""

    @property
    def trusted(self) -> bool:
        """Whether enough effective draws are left, and no few of them decide."""
        uneven = self.share < EVEN and self.pareto_k > HEAVY
        return self.ess >= FEWEST_EFFECTIVE and not uneven

    @property
    def share(self) -> float:
        """Share (Σw)²/(n Σw²) of the n draws that weights leave."""
        return 1 / (self.weights.size * float((self.weights**2).sum()))

    @property
    def verdict(self) -> str:
        """Whether to trust the weights and why, in one sentence."""
        tail = "" if np.isnan(self.pareto_k) else f", tail of the weights k = {self.pareto_k:.2f}"
        found = f"{self.ess:,.0f} effective draws are left{tail}"
        if self.trusted:
            return f"trusted: {found}"
        why = (
            f"at least {FEWEST_EFFECTIVE} are needed" if self.ess < FEWEST_EFFECTIVE else "a few decide"
        )
        return f"not to be trusted: {found}; {why}, so sample a law closer to the one wanted"

    def mean(self) -> Floats:
        """Return the weighted mean of each quantity, array (quantity,): marginals of states."""
        return np.asarray(np.einsum("cd,cdk->k", self.weights, self.values))

    def errors(self) -> Floats:
        """Return the standard error of each mean, array (quantity,); nan for one chain.

        Of a ratio of two means over chains, linearised (Cochran 1977, Sampling Techniques, 6.4).
        """
        chains = len(self.weights)
        if chains < 2:
            return np.full(self.values.shape[-1], np.nan)
        off = np.einsum("cd,cdk->ck", self.weights, self.values - self.mean())
        return np.asarray(np.sqrt((off**2).sum(axis=0) * chains / (chains - 1)))


def weighted(values: NDArray[Any], log_weights: Floats, effective: float) -> Weighted:
    """Return draws with weights.

    Parameters
    ----------
    values : array (chain, draw, quantity)
    log_weights : array (chain, draw)
        log p - log q of each draw, up to a constant; minus infinity for draws that p does not allow.
    effective
        Effective draws of the samples themselves; nan if unknown, which counts as all of them.

    Raises
    ------
    InvalidInput
        If no draw has a weight.
    """
    top = log_weights.max(initial=-np.inf)
    if not np.isfinite(top):
        raise InvalidInput("samples must have draws that the law wanted allows, got none")
    weights = np.exp(log_weights - top)
    weights /= weights.sum()
    left = 1 / float((weights**2).sum())
    if effective == effective:
        left *= min(1.0, effective / weights.size)
    return Weighted(values=values, weights=weights, ess=left, pareto_k=_tail(log_weights))


def reweighted(
    sampled: BoltzmannMachine, wanted: BoltzmannMachine, states: NDArray[np.uint8]
) -> Weighted:
    """Return states (chain, draw, unit) of one machine with the weights that make them another's."""
    validate.instance("sampled", sampled, BoltzmannMachine)
    validate.instance("wanted", wanted, BoltzmannMachine)
    if wanted.labels != sampled.labels:
        raise InvalidInput(
            f"machine must have the labels of the samples, got {wanted.labels!r} for {sampled.labels!r}"
        )
    log_weights = sampled.energy(states) - wanted.energy(states)
    return weighted(states, log_weights, smallest_effective_draws(sampled, states))


def _tail(log_weights: Floats) -> float:
    """Return the shape of the tail of the weights, nan if it cannot be told."""
    # Here, because it loads pandas and takes longer than most runs.
    from arviz_stats.base import array_stats  # type: ignore[attr-defined]

    known = log_weights[np.isfinite(log_weights)]
    if len(np.unique(known)) < FEWEST_EFFECTIVE:
        return float("nan")
    # It takes them with the other sign, and refuses a tail of equal weights, which has no shape.
    with np.errstate(all="ignore"), contextlib.suppress(ValueError):
        return float(array_stats.psislw(-known)[1])  # type: ignore[no-untyped-call]
    return float("nan")
