"""Is the law wrong: tests with a stated share of false alarms.

Chains are independent whatever their autocorrelation is. So the spread between them is the error of
their mean, with Student's t and Hotelling's T² as its laws. Where chains are few but long, pieces of
them take their place (`pieces_of`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.logistic import logistic
from photinus._core.matrices import mapped
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.energies import by_block

FEW_GROUPS = 16
"""Chains below which pieces of chains take their place where these are long."""
FEWEST_PIECES = 4
"""Pieces of a single chain at least."""
PIECES = 8
"""Pieces of a chain at most."""
LONG_PIECE = 30
"""Autocorrelation times of a piece at least: neighbours are then correlated by 1 or 2 %."""
WELL_SEEN = 50
"""Effective draws in the rarer state from which the spread of a moment is believed."""
SEEN_PER_GROUP = 10
"""Expected events per group from which its means are near enough to normal for Hotelling's T²."""
GROUPS_PER_COMPONENT = 4
"""Groups per component of Hotelling's T² at least."""
SMALLEST_COMPONENT = 0.1
"""Smallest variance of a component used, that of a moment being 1."""
MOST_MOMENTS = 4000
"""Moments that Hotelling's T² takes at most, marginals first."""
SLOWER_UNSEEN = 10
"""A unit that never flipped is taken to be so many times slower than the slowest one that did."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Many means beside their right values, each an array (moment,)."""

    difference: NDArray[np.float64]
    """Mean found less the right value."""
    error: NDArray[np.float64]
    """Standard error of the difference."""
    freedom: NDArray[np.float64]
    """Degrees of freedom of the standard error."""
    p: NDArray[np.float64]
    """Probability of so large a difference by chance, each moment for itself."""

    def joint_p(self) -> float:
        """Return the probability of so small a smallest p among as many (Šidák 1967, JASA 62, 626)."""
        if not self.p.size:
            return 1.0
        return float(-np.expm1(self.p.size * np.log1p(-min(float(self.p.min()), 1 - 1e-16))))

    def margin(self, level: float, *, joint: bool) -> NDArray[np.float64]:
        """Return half the width of `level` intervals (moment,), each alone or all together."""
        tail = (1 - level ** (1 / max(1, self.p.size) if joint else 1)) / 2
        return student(tail, self.freedom) * self.error


def student(tail: float, freedom: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return what Student's t with so many degrees of freedom exceeds with probability `tail`."""
    # Not scipy.stats, which takes longer to import than most runs.
    from scipy.special import stdtrit

    return np.asarray(-stdtrit(freedom, tail))


def pieces_of(chains: int, draws: int, tau: float) -> int:
    """Return into how many pieces each chain is cut, such that all are independent; 0 if none are.

    One, the whole chain, where there are 16 chains. Fewer are cut into up to eight pieces, each at
    least 30 autocorrelation times `tau` long: Student's t with few degrees of freedom sees little.
    """
    pieces = 1
    if chains < FEW_GROUPS and tau == tau:
        pieces = max(1, min(PIECES, int(draws / (LONG_PIECE * max(tau, 1.0)))))
    if chains == 1 and pieces < FEWEST_PIECES:
        return 0
    return pieces


def cut(states: NDArray[np.uint8], pieces: int) -> NDArray[np.uint8]:
    """Return `states` (chain, draw, unit) as (chain * pieces, draw, unit)."""
    chains, draws, units = states.shape
    length = draws // pieces
    return states[:, : pieces * length].reshape(chains * pieces, length, units)


def compare(
    values: NDArray[np.float64],
    truth: NDArray[np.float64],
    variance: NDArray[np.float64],
    draws: float,
    *,
    ess: float = float("nan"),
    reference: NDArray[np.float64] | None = None,
) -> Comparison:
    """Compare means of 0/1 quantities with their right values.

    Parameters
    ----------
    values : array (group, moment)
        Mean of each quantity in each of at least two independent groups.
    truth : array (moment,)
        Right values.
    variance : array (moment,)
        Of one draw.
    draws
        Of all groups together.
    ess
        Fewest effective draws of what flips.
    reference : array (chain, moment)
        Where `truth` is itself a mean over chains, those; their error is added.

    Notes
    -----
    The standard error is that of the mean over groups, and at least what independent draws would have.
    The latter counts times the typical autocorrelation where that is below 1, as with dwell times. A
    rare event that was missed in most groups shows too little spread. Its error is at least that of the
    slowest quantity, and more if it was never seen. The p value is the larger of two, Student's and the
    binomial one for as many draws as have this standard error. The latter knows that rare events are
    skewed. An event of probability q is met at all in N draws, however correlated, with probability N q
    at most: so is p.
    """
    count = len(values)
    mean = values.mean(axis=0)
    square = values.var(axis=0, ddof=1) / count
    rare = np.minimum(truth, 1 - truth)
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = square * draws / variance
    independent = ess if ess == ess else draws
    known = independent * rare >= WELL_SEEN
    seen = tau[known & (tau > 0)]
    least = min(1.0, float(np.median(seen))) if seen.size else 1.0
    slowest = np.where(known, least, max(least, draws / independent))
    square = np.maximum(square, variance * slowest / draws)
    never = np.ptp(values, axis=0) == 0
    never &= (mean == 0) | (mean == 1)
    alone = max(float(count), ess / SLOWER_UNSEEN if ess == ess else 0.0)
    square = np.where(never, np.maximum(square, variance / alone), square)
    freedom = np.full(mean.shape, count - 1.0)
    if reference is not None:
        own = reference.var(axis=0, ddof=1) / len(reference)
        with np.errstate(divide="ignore", invalid="ignore"):
            welch = (square + own) ** 2 / (square**2 / (count - 1) + own**2 / (len(reference) - 1))
        freedom = np.where(np.isfinite(welch), welch, freedom)
        square = square + own
    difference, error = mean - truth, np.sqrt(square)
    p = _chance(mean, truth, variance, error, freedom)
    if reference is None:
        met = np.where(truth < 0.5, mean > 0, mean < 1)
        p = np.where(met, np.minimum(p, 2 * draws * rare), p)
    return Comparison(difference, error, freedom, p)


def _chance(
    mean: NDArray[np.float64],
    truth: NDArray[np.float64],
    variance: NDArray[np.float64],
    error: NDArray[np.float64],
    freedom: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the two-sided p of each mean: the larger of Student's and the binomial one."""
    from scipy.special import betainc, betaincc, stdtr

    difference = mean - truth
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(difference == 0, 0.0, -np.abs(difference) / error)
        number = np.where(error > 0, variance / error**2, np.inf)
    p_student = 2 * stdtr(freedom, t)
    number = np.clip(number, 1e-9, 1e15)
    tiny = 1e-300
    p, found = np.clip(truth, 0.0, 1.0), number * np.clip(mean, 0.0, 1.0)
    above = np.where(found > 0, betainc(np.maximum(found, tiny), number - found + 1, p), 1.0)
    below = betaincc(found + 1, np.maximum(number - found, tiny), p)
    below = np.where(found < number, below, 1.0)
    p_binomial = np.minimum(1.0, 2 * np.where(difference > 0, above, below))
    # Clipped, because an incomplete beta function can come out a rounding below zero.
    return np.clip(np.where(difference == 0, 1.0, np.maximum(p_student, p_binomial)), 0.0, 1.0)


def share_interval(
    mean: NDArray[np.float64], found: Comparison, level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of intervals of shares of time, arrays (moment,), from their standard errors.

    Clopper & Pearson 1934 (Biometrika 26, 404) for as many independent draws as have this error.
    Student's t takes a few of them away. Near 0 and 1 an interval is not symmetric.
    """
    from scipy.special import betaincinv, ndtri

    stretch = student((1 - level) / 2, found.freedom) / -ndtri((1 - level) / 2)
    number = mean * (1 - mean) / (found.error * stretch) ** 2
    floor = np.minimum(mean, 1 - mean) == 0
    number = np.where(floor, 0.25 / np.maximum(found.error * stretch, 1e-12), number)
    number = np.clip(number, 1.0, 1e12)
    on, off, tail = number * mean, number * (1 - mean), (1 - level) / 2
    low = np.where(on > 0, betaincinv(np.maximum(on, 1e-12), off + 1, tail), 0.0)
    high = np.where(off > 0, betaincinv(on + 1, np.maximum(off, 1e-12), 1 - tail), 1.0)
    return low, high


def hotelling(
    values: NDArray[np.float64],
    truth: NDArray[np.float64],
    draws: float,
    reference: NDArray[np.float64] | None = None,
) -> float:
    """Return the p of Hotelling's T² for means of `values` (group, moment); 1 for too few groups.

    Hotelling 1931 (Ann. Math. Stat. 2, 360), on the largest principal components of the standardised
    moments, at most one for four groups. Moments with few events per group are left out, and so are
    small components, which consist of rare events: their means are not normal. Components are chosen
    by the data for their large variance, which makes the test a little conservative.
    """
    from scipy.special import fdtrc

    count = len(values) if reference is None else min(len(values), len(reference))
    spread = values.std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slow = spread**2 * (draws / len(values)) / (truth * (1 - truth))
    events = draws / len(values) * np.minimum(truth, 1 - truth) / np.maximum(slow, 1.0)
    good = (spread > 0) & (events >= SEEN_PER_GROUP)
    if reference is not None:
        good &= reference.std(axis=0) > 0
    good[np.flatnonzero(good)[MOST_MOMENTS:]] = False
    most = count // GROUPS_PER_COMPONENT
    if most < 1 or not good.any():
        return 1.0
    square = spread[good] ** 2 / len(values)
    parts = [
        (values[:, good] - values[:, good].mean(axis=0)) / np.sqrt(len(values) * (len(values) - 1))
    ]
    if reference is not None:
        own = reference[:, good]
        square = square + own.var(axis=0, ddof=1) / len(own)
        parts.append((own - own.mean(axis=0)) / np.sqrt(len(own) * (len(own) - 1)))
    scale = np.sqrt(square)
    _, singular, axes = np.linalg.svd(np.concatenate(parts) / scale, full_matrices=False)
    kept = min(most, int(np.sum(singular**2 >= SMALLEST_COMPONENT)))
    shift = axes[:kept] @ ((values[:, good].mean(axis=0) - truth[good]) / scale)
    t2 = float(np.sum((shift / singular[:kept]) ** 2))
    return float(fdtrc(kept, count - kept, t2 * (count - kept) / (kept * (count - 1))))


def local_differences(
    machine: BoltzmannMachine, states: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the means of z_k - σ(u_k), array (group, unit), of σ and of σ(1 - σ), arrays (unit,).

    The target has P(z_k = 1 | others) = σ(u_k), so the first is 0 in the mean, also over chains that
    stay within one mode of it. So it tells a wrong sampler from a slow one, and needs no reference.
    Taken over the second half of each group, when units have met each other.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    chains, draws, n = states.shape
    later = states[:, draws // 2 :]
    difference = np.empty((chains, n))
    on, spread = np.zeros(n), np.zeros(n)
    weights, biases = mapped(machine.matrix, _single), _single(machine.biases)
    for chain in range(chains):
        z = _single(later[chain]) if isinstance(weights, np.ndarray) else later[chain]
        for units, field in by_block(weights, biases, z):
            chance = logistic(np.clip(field, -80, 80).astype(np.float64))
            difference[chain, units] = (z[:, units] - chance).mean(axis=0)
            on[units] += chance.mean(axis=0) / chains
            spread[units] += (chance * (1 - chance)).mean(axis=0) / chains
    return difference, on, spread


def _single(values: NDArray[Any]) -> NDArray[Any]:
    """Return values in single precision, which takes half the time."""
    return values.astype(np.float32)


def local_comparison(machine: BoltzmannMachine, states: NDArray[np.uint8], ess: float) -> Comparison:
    """Compare how often units are on with what the others ask of them; see `local_differences`.

    `ess` are the fewest effective draws of what flips in `states` (group, draw, unit).
    """
    validate.instance("machine", machine, BoltzmannMachine)
    difference, on, spread = local_differences(machine, states)
    draws = len(states) * (states.shape[1] - states.shape[1] // 2)
    return compare(difference + on, on, spread, draws, ess=ess / 2)
