"""How far: the divergence of samples from their target, its noise and its interval.

Errors come from the spread over groups of draws that are independent of each other: chains, or long
pieces of them. Where that cannot give an interval that covers, there is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.states import MAX_ENUMERATED
from photinus.diagnostics.bias import cut, student
from photinus.diagnostics.visits import classes, divergence_of_visits
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from photinus.samplers.samples import Samples

FLOOR_RUNS = 16
"""Runs of independent draws from which the floor is measured."""
FALSE_ALARM = 0.01
"""Share of the runs of an exact sampler that lie above `Floor.limit`."""
EXPECTED = 5
"""Expected draws in a state, below which its noise is weighted down."""
FILLED = 5
"""Effective draws per state from which the noise of a KL is small and known."""
PARTS = 4
"""Parts of the groups, whose distance from each other tells the noise of a wrong law."""


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


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Divergence(Displayed):
    """KL(sampled‖target) [nats] and what chance alone would show."""

    kl: float
    """KL of the states found."""
    floor: float
    """Mean KL of as many exact draws as have the noise that chains show."""
    floor_std: float
    """Standard deviation of that from run to run."""
    limit: float
    """KL that an exact sampler stays below in 99 of 100 such runs."""
    interval: tuple[float, float] | None
    """95 % interval of the KL of the sampler's law; None where states are not filled."""
    p: float
    """Probability of so large a KL by chance; 1 where states are not filled."""


def state_shares(samples: "Samples", pieces: int = 1) -> "csr_array":
    """Return the share of time of each chain in each state of its free units, sparse (chain, state).

    With `pieces`, of each of so many equally long pieces of a chain, (chain * pieces, state).
    """
    validate.instance("samples", samples, "Samples")
    from scipy.sparse import csr_array, vstack

    length = samples.draws // pieces
    if samples.spikes is not None:
        assert samples.window is not None
        edges = [k * length * samples.window for k in range(pieces + 1)]
        return csr_array(
            vstack(
                [
                    csr_array(alone.free_joint(stop, start=start)[None])
                    for alone in _each_chain(samples)
                    for start, stop in pairwise(edges)
                ]
            )
        )
    free = samples.free_units
    bits = np.int64(1) << np.arange(len(free), dtype=np.int64)
    index = cut(samples.states[:, :, free], pieces) @ bits
    chain = np.repeat(np.arange(len(index)), index.shape[1])
    share = np.full(index.size, 1 / index.shape[1])
    return csr_array((share, (chain, index.ravel())), shape=(len(index), 2 ** len(free)))


def divergence(
    target: BoltzmannMachine, shares: "csr_array", draws: float, seed: int, *, timed: bool = False
) -> Divergence:
    """Return the divergence of states from the `target` and its noise.

    Parameters
    ----------
    target
        At most 24 units.
    shares : sparse array (group, state)
        Share of time of each independent group in each state; at least two groups.
    draws
        Of all groups together.
    seed
        Of the exact draws that measure the floor.
    timed
        Whether shares are of time, off spikes, and not of draws.

    Notes
    -----
    Noise of the shares p adds ½ Σ Var(p_s)/q_s to a KL, to second order. The spread over groups tells
    it whatever the autocorrelation is, state by state: chains are independent. Compared with the same
    sum for independent draws it says how many of these have as much noise. So many are drawn from the
    enumerated target. Their mean KL is the floor, which then holds also where there are more states
    than draws. States that expect few draws are weighted down, or one rare visit would outweigh all. So
    neither the floor's law nor its mean comes from the sampler under test, only numbers of draws.
    The limit takes the KL as a sum of squares with ν degrees of freedom, ν = (tr Σ)²/tr Σ² from the
    scalar products between groups. It stands over a noise that is itself known with ν (groups - 1)
    degrees.
    """
    validate.instance("target", target, BoltzmannMachine)
    q = target.joint()
    p = np.asarray(shares.mean(axis=0)).ravel()
    kl = log_divergence(target, p)
    freedom, effective = _noise(shares, p, q, draws)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    if timed:
        parts = classes(shares, p, q, draws, _weight(q, draws), effective)
        runs = np.array([divergence_of_visits(q, parts, rng) for _ in range(FLOOR_RUNS)])
    else:
        runs = np.array([_exact_divergence(q, effective, rng) for _ in range(FLOOR_RUNS)])
    floor, count = float(runs.mean()), shares.shape[0]
    from scipy.special import fdtrc, fdtri

    inner = freedom * (count - 1)
    limit = floor * float(fdtri(freedom, inner, 1 - FALSE_ALARM))
    filled = effective >= FILLED * len(q)
    return Divergence(
        kl=kl,
        floor=floor,
        floor_std=float(max(floor * np.sqrt(2 / freedom), runs.std(ddof=1))),
        limit=max(limit, float(runs.max())),
        interval=_kl_interval(shares, p, q, kl, effective, seed) if filled else None,
        p=float(fdtrc(freedom, inner, kl / floor)) if filled and floor > 0 else 1.0,
    )


def log_divergence(target: BoltzmannMachine, p: NDArray[np.float64]) -> float:
    """Return KL of `p` (state,) from the target, also where it underflows."""
    validate.instance("target", target, BoltzmannMachine)
    seen = np.flatnonzero(p > 0)
    states = ((seen[:, None] >> np.arange(target.n_units)) & 1).astype(np.uint8)
    return float(p[seen] @ (np.log(p[seen]) - target.log_probability(states)))


def _weight(q: NDArray[np.float64], draws: float) -> NDArray[np.float64]:
    """Return what squares of errors of the shares are weighted with, array (state,)."""
    return np.asarray(1 / np.maximum(q, EXPECTED / draws))


def _noise(
    shares: "csr_array", p: NDArray[np.float64], q: NDArray[np.float64], draws: float
) -> tuple[float, float]:
    """Return the degrees of freedom ν of ½ Σ w Var(p), and as many independent draws as have it."""
    count = shares.shape[0]
    weight = _weight(q, draws)
    scaled = shares.multiply(np.sqrt(weight)[None]).tocsr()
    gram = np.asarray((scaled @ scaled.T).todense())
    gram = gram - gram.mean(axis=0) - gram.mean(axis=1)[:, None] + gram.mean()
    noise = float(np.trace(gram)) / (2 * count * (count - 1))
    independent = float(np.sum(weight * q * (1 - q))) / 2
    if not noise > 0 or not independent > 0:
        return 1.0, draws
    off = gram - np.diag(np.diagonal(gram))
    # tr Σ² without bias: of two different groups, <d_c, d_d>² has the mean tr Σ².
    trace, square = np.trace(gram) / (count - 1), np.sum(off**2) / (count * (count - 1))
    most = float(np.sum(q * draws >= 1)) or 1.0
    freedom = float(np.clip(trace**2 / square if square > 0 else most, 1.0, max(1.0, most)))
    return freedom, independent / noise


def _exact_divergence(q: NDArray[np.float64], effective: float, rng: np.random.Generator) -> float:
    """Return the KL of so many independent draws from q (state,)."""
    found, counts = _exact_counts(q, max(1, round(min(effective, 1e9))), rng)
    p = counts / counts.sum()
    return float(p @ np.log(p / np.maximum(q[found], 1e-300)))


def _exact_counts(
    q: NDArray[np.float64], number: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the states that independent draws from q (state,) find, and how often."""
    if number < len(q):
        cumulated = np.cumsum(q)
        index = np.searchsorted(cumulated, rng.random(number) * cumulated[-1], side="right")
        return np.unique(np.minimum(index, len(q) - 1), return_counts=True)
    drawn = rng.multinomial(number, q / q.sum())
    found = np.flatnonzero(drawn)
    return found, drawn[found]


def _kl_interval(
    shares: "csr_array",
    p: NDArray[np.float64],
    q: NDArray[np.float64],
    kl: float,
    effective: float,
    seed: int,
) -> tuple[float, float]:
    """Return the 95 % interval of the KL, less what noise adds.

    Noise adds to a KL what it takes from the entropy. Two estimates of that are averaged. One is the
    floor, which is right near the target. The other is how far parts of the groups are apart, scaled by
    what that is for exact draws. It holds for any law where states are filled. Half of their difference
    counts as an error. The second order is wrong for states that are seen once or never.

    The error of the rest has two parts. One is that of exact draws from run to run. The other is linear
    in the error of p, from the spread over groups. Noise of p adds to it what exact draws show. Half of
    that is taken off, to be rather too wide.
    """
    count = shares.shape[0]
    parts = min(PARTS, count)
    member = np.arange(count) % parts
    sizes = np.bincount(member) / count
    mean = np.array([np.asarray(shares[member == k].mean(axis=0)).ravel() for k in range(parts)])
    influence = _log_ratio(p, q)
    apart = _apart(mean, sizes)
    rng = np.random.default_rng(np.random.SeedSequence((seed, 1)))
    runs = np.array([_exact_run(q, effective, sizes, rng) for _ in range(FLOOR_RUNS)])
    floor, distance, spread = runs.mean(axis=0)
    scale = floor / distance if distance > 0 else 1.0
    noise, doubt = (floor + scale * apart) / 2, (floor - scale * apart) / 2
    chance = float(np.var(runs[:, 0] - scale * runs[:, 1] / 2, ddof=1))
    linear = max(0.0, float(np.var(shares @ influence, ddof=1)) / count - spread / 2)
    width = float(student(0.025, min(count, FLOOR_RUNS) - 1)) * np.sqrt(linear + chance + doubt**2)
    return max(0.0, float(kl - noise - width)), max(0.0, float(kl - noise + width))


def _log_ratio(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(p/q), 0 where p is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, np.log(p / np.maximum(q, 1e-300)), 0.0)


def _apart(parts: NDArray[np.float64], sizes: NDArray[np.float64]) -> float:
    """Return the mean KL of `parts` (part, state) from their mean, each weighted by its size."""
    mean = sizes @ parts
    return float(sizes @ (parts * _log_ratio(parts, mean[None])).sum(axis=1))


def _exact_run(
    q: NDArray[np.float64], effective: float, sizes: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return KL of exact draws, how far their parts are apart, and the variance linear in p."""
    numbers = np.maximum(1, np.rint(min(effective, 1e9) * sizes)).astype(np.int64)
    parts = rng.multinomial(numbers, q / q.sum()) / numbers[:, None]
    sizes = numbers / numbers.sum()
    p = sizes @ parts
    influence = _log_ratio(p, q)
    kl = float(p @ influence)
    return kl, _apart(parts, sizes), float(p @ influence**2 - kl**2) / float(numbers.sum())


def chain_joints(samples: "Samples", draws: int | None = None) -> NDArray[np.float64]:
    """Return the fraction of time of each chain in each state of the free units, (chain, state).

    Their mean over chains is `Samples.free_joint`. With `draws`, of the first so many draws only.

    Raises
    ------
    InvalidInput
        For more than 24 free units, or `draws` outside 1 … the number of draws.
    """
    validate.instance("samples", samples, "Samples")
    kept = samples.draws if draws is None else validate.integer("draws", draws, 1, samples.draws)
    if not samples.has_joint:
        raise InvalidInput(
            f"joint needs at most {MAX_ENUMERATED} free units, got {len(samples.free_units)}"
        )
    return np.array([alone.free_joint() for alone in _each_chain(samples, kept)])


def _each_chain(samples: "Samples", draws: int | None = None) -> "Iterator[Samples]":
    """Give each chain as separate samples, cut to the first `draws`."""
    spikes = samples.spikes
    if spikes is not None:
        chains = np.arange(samples.chains + 1, dtype=spikes.chain.dtype)
        edges = np.searchsorted(spikes.chain, chains)
    for chain in range(samples.chains):
        own = None
        if spikes is not None:
            mine = slice(edges[chain], edges[chain + 1])
            unit, time = spikes.unit[mine], spikes.time[mine]
            own = replace(spikes, chain=np.zeros_like(unit), unit=unit, time=time, chains=1)
        yield replace(samples, states=samples.states[chain : chain + 1, :draws], spikes=own)
