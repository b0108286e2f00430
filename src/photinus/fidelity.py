"""How far samples are from the machine that they should come from, with the honest error bars.

The Kullback–Leibler divergence KL(sampled‖target) is always finite for a Boltzmann target, whatever
states were not visited. Beside it stands its *floor*: the divergence that a sampler which is exact
in law shows over a run of the same length, measured by running one. A divergence at the floor means
that this run cannot tell the sampler from an exact one; above it, the difference is systematic.
What of it a better choice of biases and weights could remove, `kl_parts` tells.
"""

import functools
import importlib
import sys
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus import _validate
from photinus._imports import hidden
from photinus.boltzmann import BoltzmannMachine
from photinus.errors import InvalidInput, NotConverged
from photinus.progress import Progress, tracked

if TYPE_CHECKING:
    from photinus.samples import Samples

FLOOR_RUNS = 8
"""Runs of an exact sampler from which the floor is measured."""
MAX_FLOOR_UNITS = 20
"""Free units up to which the floor is measured; beyond, runs are too short to fill the joint."""
FALSE_ALARM = 0.01
"""Share of the runs of an exact sampler that lie above `Fidelity.kl_limit`."""
FEW_DRAWS = 4
"""Draws per chain below which autocorrelation cannot be estimated."""
MARGINAL_TOLERANCE = 1e-14
"""Error of a marginal at which iterative proportional fitting ends."""
MOST_CYCLES = 100_000
"""Cycles through the units after which it gives up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fidelity:
    """The certificate of a set of samples."""

    kl: float | None
    """KL(sampled‖target) in nats, weighted by dwell time where there are spikes; None for more than
    20 free units, where no run is long enough to fill the joint."""
    kl_floor: float | None
    """Mean KL of an exact sampler over a run of the same length; None where `kl` is."""
    kl_floor_std: float | None
    """Standard deviation of the floor from run to run."""
    kl_limit: float | None
    """KL that an exact sampler stays below in 99 of 100 runs of the same length."""
    kl_quick_floor: float | None
    """(K - 1) / (2 ESS) for K states: the textbook estimate for independent draws."""
    ess: float
    """Effective number of independent draws: the smallest over units that flip and the energy."""
    tau_int: float
    """Integrated autocorrelation time in draws: all draws / ESS."""
    beta_eff: float
    """Inverse temperature at which the target explains the samples best (1 is right)."""
    beta_interval: tuple[float, float]
    """95 % interval of `beta_eff`, from the spread over chains or stretches of them."""
    frozen: tuple[Hashable, ...]
    """Units that never changed in any chain."""
    marginal_error: float
    """Largest |difference| of a unit's probability from the target's."""
    pair_error: float
    """Largest |difference| of a pair moment <z_i z_j> from the target's."""
    reference: str
    """Where the target's moments come from: "enumeration", or "gibbs" for large machines."""
    verdict: str
    """All of this in one sentence."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields as plain values for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def kl_divergence(sampled: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """Return KL(sampled‖target) = Σ p log(p/q) in nats; states without p add nothing.

    Raises
    ------
    InvalidInput
        If a state was sampled that the target excludes: the divergence is infinite.
    """
    visited = sampled > 0
    if (target[visited] <= 0).any():
        raise InvalidInput("target must give every sampled state a probability above 0")
    p = sampled[visited]
    return float(np.sum(p * np.log(p / target[visited])))


def effective_draws(values: NDArray[np.float64]) -> float:
    """Return the effective number of independent draws of `values` (chain, draw); nan if constant.

    Split-chain estimate of Vehtari et al. 2021 (Bayesian Analysis 16, 667), as ArviZ computes it.
    """
    if values.shape[1] < FEW_DRAWS or np.ptp(values) == 0:
        return float("nan")
    return float(_array_stats().ess(values, chain_axis=0, draw_axis=1, method="mean"))


@functools.cache
def _array_stats() -> Any:
    """Return the part of ArviZ that works on plain arrays, `arviz_stats.base.array_stats`.

    Where there is no xarray, the package offers this part alone. It is imported that way, unless xarray
    is there already, because xarray and pandas take longer to load than most runs. The cut-down package
    is forgotten afterwards: whoever imports ArviZ later gets all of it.
    """
    if "xarray" in sys.modules or "arviz_stats" in sys.modules:
        return importlib.import_module("arviz_stats.base").array_stats
    with hidden("xarray"):
        stats = importlib.import_module("arviz_stats.base").array_stats
    for name in [name for name in sys.modules if name.split(".")[0] == "arviz_stats"]:
        del sys.modules[name]
    return stats


def smallest_effective_draws(machine: BoltzmannMachine, states: NDArray[np.uint8]) -> float:
    """Return the effective number of independent draws of `states` (chain, draw, unit).

    The smallest over the units that flip and the energy, at most the number of draws; nan if none
    can be estimated.
    """
    quantities = [*np.moveaxis(states, -1, 0).astype(np.float64), machine.energy(states)]
    found = np.array([effective_draws(values) for values in quantities])
    known = found[np.isfinite(found)]
    return float(min(known.min(), states[..., 0].size)) if known.size else float("nan")


def effective_beta(
    machine: BoltzmannMachine, states: NDArray[np.uint8]
) -> tuple[float, tuple[float, float]]:
    """Return the inverse temperature that explains `states` (chain, draw, unit) best, and 95 % of it.

    Maximum pseudo-likelihood (Besag 1975, The Statistician 24, 179): the one-dimensional concave
    maximum of Σ log σ(β s_k u_k), s = 2z - 1, u = b + Wz. Its standard error is the sandwich
    estimate over chains, or over eight stretches per chain where chains are few. nan where there is
    no maximum (every unit always in its likelier state) or only one stretch.
    """
    chains, draws, _n = states.shape
    unknown = float("nan"), (float("nan"), float("nan"))
    pieces = max(1, min(8, draws // FEW_DRAWS)) if chains < 32 else 1
    groups = [piece for chain in states for piece in np.array_split(chain, pieces)]
    beta = 1.0
    score = curvature = np.zeros(len(groups))
    for _ in range(50):
        score, curvature = _pseudo_likelihood(machine, groups, beta)
        if curvature.sum() == 0:
            return unknown
        change = float(score.sum() / curvature.sum())
        beta += float(np.clip(change, -1, 1))
        if abs(change) < 1e-10:
            break
    else:
        return unknown
    count = len(groups)
    if count == 1:
        return beta, unknown[1]
    variance = np.sum(score**2) / curvature.sum() ** 2 * count / (count - 1)
    width = float(_student(0.025, count - 1) * np.sqrt(variance))
    return beta, (beta - width, beta + width)


def _pseudo_likelihood(
    machine: BoltzmannMachine, groups: list[NDArray[np.uint8]], beta: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return first and negative second derivative of the log pseudo-likelihood, per group."""
    score, curvature = np.empty(len(groups)), np.empty(len(groups))
    for k, states in enumerate(groups):
        z = states.astype(np.float64)
        field = (2 * z - 1) * (z @ machine.weights + machine.biases)
        miss = 1 / (1 + np.exp(np.clip(beta * field, -700, 700)))
        score[k] = np.sum(field * miss)
        curvature[k] = np.sum(field**2 * miss * (1 - miss))
    return score, curvature


def assess(samples: "Samples", seed: int = 0, *, progress: Progress | bool | None = None) -> Fidelity:
    """Return the certificate of `samples` against their machine, given the evidence.

    Parameters
    ----------
    samples
        What to judge; all chains must have the same evidence.
    seed
        Seed of the exact runs that measure the floor.
    progress
        True for a bar on the terminal, or an object with ``start``, ``advance``, ``stop``.

    Raises
    ------
    InvalidInput
        If chains have different evidence, or there are no draws.
    """
    clamp = samples.common_clamp()
    target = samples.machine.conditional(clamp) if clamp else samples.machine
    free = samples.free_units
    states = samples.states[:, :, free]
    chains, draws, n = states.shape
    if chains * draws == 0:
        raise InvalidInput("samples must hold at least one draw, got none")

    flips = [not bool((states[..., k] == states[0, 0, k]).all()) for k in range(n)]
    frozen = tuple(label for label, alive in zip(target.labels, flips, strict=True) if not alive)
    ess = smallest_effective_draws(target, states)
    beta, interval = effective_beta(target, states)

    moments = samples.pair_moments()[np.ix_(free, free)]
    kl = floor = spread = limit = quick = None
    if n <= MAX_FLOOR_UNITS and samples.has_joint:
        reference, exact = "enumeration", target.pair_moments()
        probabilities = target.joint()
        kl = kl_divergence(samples.free_joint(), probabilities)
        runs = np.empty(FLOOR_RUNS)
        with tracked(progress, "measuring the floor", FLOOR_RUNS) as advance:
            for k, p in enumerate(samples.exact_joints(target, FLOOR_RUNS, seed)):
                runs[k] = kl_divergence(p, probabilities)
                advance(1)
        floor, spread, limit = float(runs.mean()), float(runs.std(ddof=1)), float(_limit(runs))
        quick = (len(probabilities) - 1) / (2 * ess) if np.isfinite(ess) else None
    else:
        reference, exact = "gibbs", _gibbs_moments(target, seed)
    difference = np.abs(moments - exact)
    marginal_error = float(np.diagonal(difference).max())
    off_diagonal = difference[~np.eye(n, dtype=bool)]
    return Fidelity(
        kl=kl,
        kl_floor=floor,
        kl_floor_std=spread,
        kl_limit=limit,
        kl_quick_floor=quick,
        ess=ess,
        tau_int=chains * draws / ess,
        beta_eff=beta,
        beta_interval=interval,
        frozen=frozen,
        marginal_error=marginal_error,
        pair_error=float(off_diagonal.max(initial=0.0)),
        reference=reference,
        verdict=_verdict(kl, floor, limit, frozen, marginal_error, ess),
    )


def _limit(runs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the KL of one more exact run than `runs` (…, run) exceeds in `FALSE_ALARM` of cases.

    Student's prediction bound for the cube root: a divergence at the floor is a sum of squares of
    nearly normal errors, and the cube root of such a sum is nearly normal (Wilson & Hilferty 1931,
    PNAS 17, 684).
    """
    roots, count = np.cbrt(runs), runs.shape[-1]
    width = _student(FALSE_ALARM, count - 1) * roots.std(axis=-1, ddof=1) * np.sqrt(1 + 1 / count)
    return np.asarray(np.maximum((roots.mean(axis=-1) + width) ** 3, runs.max(axis=-1)))


def _student(tail: float, freedom: int) -> float:
    """Return what Student's t with so many degrees of freedom exceeds with probability `tail`."""
    # Not scipy.stats, which takes longer to import than most runs.
    from scipy.special import stdtrit

    return -float(stdtrit(freedom, tail))


def _gibbs_moments(machine: BoltzmannMachine, seed: int) -> NDArray[np.float64]:
    """Return pair moments of a machine that is too large to enumerate, from long Gibbs chains."""
    from photinus.reference.gibbs import sample_gibbs

    states = sample_gibbs(machine, chains=64, draws=2000, burn_in=500, seed=seed)
    z = states.reshape(-1, states.shape[-1]).astype(np.float32)
    return np.asarray(z.T @ z, dtype=np.float64) / len(z)


def _verdict(
    kl: float | None,
    floor: float | None,
    limit: float | None,
    frozen: tuple[Hashable, ...],
    marginal_error: float,
    ess: float,
) -> str:
    """Return one sentence: how good, by which figure, and what else to know."""
    notes = []
    if frozen:
        notes.append(f"{len(frozen)} unit(s) never flipped")
    if not ess >= 100:
        notes.append(f"only {ess:.0f} effective draws" if ess == ess else "too few draws for an ESS")
    tail = f" ({'; '.join(notes)})" if notes else ""
    if kl is None or floor is None or limit is None:
        grade = "close" if marginal_error < 0.02 else "off"
        return f"{grade}: largest error of a marginal {marginal_error:.3f}{tail}"
    if kl <= limit:
        return f"indistinguishable from an exact sampler over this run: KL {kl:.2g}{tail}"
    grade = "close to" if kl < 0.01 else "roughly" if kl < 0.1 else "not"
    ratio = f"{kl / floor:.0f} times the floor" if floor > 0 else "far above the floor"
    return f"{grade} the target: KL {kl:.2g}, {ratio}{tail}"


@dataclass(frozen=True, kw_only=True, slots=True)
class KlParts:
    """KL(sampled‖target) [nats], split by what could remove it; see `kl_parts`."""

    marginals: float
    """What other biases, in lasers pumps, could remove."""
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


def chain_joints(samples: "Samples", draws: int | None = None) -> NDArray[np.float64]:
    """Return the fraction of time of each chain in each state of the free units, (chain, state).

    Their mean over chains is `Samples.free_joint`. With `draws`, of the first so many draws only.

    Raises
    ------
    InvalidInput
        For more than 24 free units, or `draws` outside 1 … the number of draws.
    """
    kept = samples.draws if draws is None else _validate.integer("draws", draws, 1, samples.draws)
    if not samples.has_joint:
        raise InvalidInput(f"joint needs at most 24 free units, got {len(samples.free_units)}")
    spikes, joints = samples.spikes, []
    if spikes is not None:
        chains = np.arange(samples.chains + 1, dtype=spikes.chain.dtype)
        edges = np.searchsorted(spikes.chain, chains)
    for chain in range(samples.chains):
        own = None
        if spikes is not None:
            mine = slice(edges[chain], edges[chain + 1])
            unit, time = spikes.unit[mine], spikes.time[mine]
            own = replace(spikes, chain=np.zeros_like(unit), unit=unit, time=time, chains=1)
        alone = replace(samples, states=samples.states[chain : chain + 1, :kept], spikes=own)
        joints.append(alone.free_joint())
    return np.array(joints)


def kl_parts(sampled: NDArray[np.float64], machine: BoltzmannMachine) -> KlParts:
    """Return KL(sampled‖target) split into what biases, what weights and what neither can remove.

    With p sampled, q the target, p̃ the Boltzmann machine that has the marginals and pair moments of
    p, and q̂ the one that has the marginals of p and the weights of q::

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
    Nothing is subtracted. A part shows in the mean its true value plus `noise`, which for
    independent draws is (number of statistics)/(2 × draws): as many statistics as units, as pairs,
    and as there are states but for these and one. Other draws count for more or less, so it is
    taken from the spread over chains: ½ tr(F⁻¹C), C the covariance of the mean statistics, F their
    Fisher information in p̃; the error of the KL to second order.

    Raises
    ------
    InvalidInput
        If `sampled` is no distribution over the machine's states, for more than 16 units, or if a
        unit or a pair of them never shows one of its states: p̃ then lies at infinity.
    NotConverged
        If p̃ or q̂ was not found.
    """
    from photinus.learning import fit_moments

    chains = np.atleast_2d(_validate.finite_array("sampled", sampled, (1, 2)))
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
