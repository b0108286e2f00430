"""What a divergence is made of: what biases, what weights, and what neither can remove."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.diagnostics.distance import kl_divergence
from photinus.errors import InvalidInput, NotConverged
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.fitting import fit_moments

if TYPE_CHECKING:
    pass

MARGINAL_TOLERANCE = 1e-14
"""Error of a marginal at which iterative proportional fitting ends."""
MOST_CYCLES = 100_000
"""Cycles through the units after which it gives up."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class KlParts(Displayed):
    """KL(sampled‖target) [nats], split by what could remove it; see `kl_parts`."""

    marginals: float
    """What other biases, so other drives, could remove."""
    pairs: float
    """What other weights, in lasers couplings, could remove on top."""
    higher: float
    """What no biases and weights can remove: correlations of three and more units."""
    noise: tuple[float, float, float] | None
    """What each of the three would show in the mean from sampling noise alone; None for one chain."""

    @property
    def total(self) -> float:
        """KL(sampled‖target)."""
        return self.marginals + self.pairs + self.higher


def kl_parts(sampled: NDArray[np.float64], machine: BoltzmannMachine) -> KlParts:
    """Return KL(sampled‖target) split into what biases, what weights and what neither can remove.

    Here p is sampled and q the target. The machine p̃ has the marginals and pair moments of
    p, q̂ is the one with the marginals of p and the weights of q::

        KL(p‖q) = KL(p‖p̃) + KL(p̃‖q̂) + KL(q̂‖q)
                  higher    pairs      marginals

    The Pythagorean theorem of information geometry, in mixed coordinates (Amari 2001, IEEE Trans.
    Inf. Theory 47, 1701): p̃ is the machine closest to p, q̂ the closest to p and p̃ among those with
    the weights of q. So the last two parts are what a refinement of the network can bring to zero,
    and the first is what it leaves.

    Parameters
    ----------
    sampled : array (state,) or (chain, state)
        Probabilities of the joint states, index Σ z_k << k, also per chain of equal length, as
        `chain_joints` returns them. Only several independent chains tell the noise.
    machine
        The target, at most 16 units; given evidence, its `conditional`.

    Notes
    -----
    Nothing is subtracted. A part shows in the mean its true value plus `noise`, which for independent
    draws is (number of statistics)/(2 × draws). There are as many statistics as units, as pairs, and as
    states but for these and one. Other draws count for more or less, so it is taken from the spread
    over chains. It is ½ tr(F⁻¹C), the error of the KL to second order. C is the covariance of the mean
    statistics, F their Fisher information in p̃.

    Raises
    ------
    InvalidInput
        If `sampled` is no distribution over the machine's states, or for more than 16 units. Also if a
        unit or a pair never shows one of its states, for p̃ then lies at infinity.
    NotConverged
        If p̃ or q̂ was not found.
    """
    validate.instance("machine", machine, BoltzmannMachine)

    chains = np.atleast_2d(validate.finite_array("sampled", sampled, (1, 2)))
    count = 2**machine.n_units
    if chains.shape[1] != count or len(chains) == 0:
        raise InvalidInput(f"sampled must have {count} states on the last axis, got {chains.shape}")
    if (chains < 0).any() or np.abs(chains.sum(axis=1) - 1).max() > 1e-9:
        raise InvalidInput("sampled must have probabilities of sum 1 on the last axis")
    p, q = chains.mean(axis=0), machine.joint()
    states = machine.states().astype(np.float64)
    moments = (states.T * p) @ states
    fitted = fit_moments((moments + moments.T) / 2)
    same_moments = fitted.joint()
    same_marginals = _with_marginals(q, np.diagonal(moments))
    return KlParts(
        marginals=kl_divergence(same_marginals, q),
        pairs=kl_divergence(same_moments, same_marginals),
        higher=kl_divergence(p, same_moments),
        noise=_parts_noise(chains, fitted) if len(chains) > 1 else None,
    )


def _with_marginals(joint: NDArray[np.float64], marginals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the `joint` (state,) with other biases such that it has these `marginals` (unit,).

    Iterative proportional fitting (Deming & Stephan 1940, Ann. Math. Stat. 11, 427): unit by unit,
    both halves of the joint are scaled to their right sums.
    """
    fitted = joint.copy()
    for _ in range(MOST_CYCLES):
        worst = 0.0
        for k, wanted in enumerate(marginals):
            halves = fitted.reshape(-1, 2, 2**k)
            off, on = halves[:, 0].sum(), halves[:, 1].sum()
            halves[:, 0] *= (1 - wanted) / off
            halves[:, 1] *= wanted / on
            worst = max(worst, abs(float(on - wanted)))
        if worst <= MARGINAL_TOLERANCE:
            return fitted
    raise NotConverged(f"the biases did not converge in {MOST_CYCLES} cycles (error {worst:.2g})")


def _parts_noise(chains: NDArray[np.float64], fitted: BoltzmannMachine) -> tuple[float, float, float]:
    """Return the mean of marginals, pairs and higher part from noise alone, see `kl_parts`."""
    joint, states = fitted.joint(), fitted.states().astype(np.float64)
    i, j = np.triu_indices(fitted.n_units, 1)

    def noise(features: NDArray[np.float64]) -> float:
        """Return it for all of these statistics, array (state, statistic)."""
        mean = joint @ features
        information = (features.T * joint) @ features - np.outer(mean, mean)
        values = chains @ features
        covariance = np.cov(values, rowvar=False).reshape(information.shape) / len(chains)
        return float(np.trace(np.linalg.solve(information, covariance))) / 2

    first, second = noise(states), noise(np.hstack([states, states[:, i] * states[:, j]]))
    whole = float(np.sum(chains.var(axis=0, ddof=1) / joint)) / (2 * len(chains))
    return first, second - first, whole - second
