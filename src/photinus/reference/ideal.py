"""Ideal refractory neurons in continuous time.

A silent unit k fires with hazard exp(u_k)/τ, u_k = b_k + Σ_j W_kj z_j. Then z_k = 1 for exactly τ,
during which it cannot fire (Buesing et al. 2011, PLoS Comput. Biol. 7, e1002211). Interaction is
rectangular and instantaneous, so the dwell times in the joint states follow p(z) exactly. State by
state, exp(u_k)/τ times the probability of k silent is 1/τ times that of k active. Under this balance
the law of an active period matters only through its mean.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.compilation import inlined, kernel
from photinus._core.matrices import part
from photinus._core.streams import Role, Seed, lane_states, seed_sequence
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Given
from photinus.reference import starts
from photinus.reference._chains import (
    LARGEST_EXPONENT,
    evidence_of,
    exponential,
    fields,
    log_sum,
    over_chains,
    uniform,
)
from photinus.reference.sparse_ideal import fire

RESCALED = 1e4
"""Sum of the hazards, in units of a reference, at which a new reference is taken.

The largest is at most so far off, and what lies below e^-40 of the reference never comes first.
"""


def sample_ideal(
    machine: BoltzmannMachine,
    *,
    chains: int,
    duration: float,
    seed: Seed = None,
    evidence: Given | None = None,
    clamp_units: ArrayLike | None = None,
    clamp_values: ArrayLike | None = None,
    threads: int | None = None,
    initial: ArrayLike | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Return the spikes (chain, unit, time) of ideal neurons, sorted by chain, then time.

    Every event is exact. The next spike of the silent units is a competition of exponential waiting
    times, against the known end of the oldest active period. How long to wait for equilibrium is the
    caller's business.

    Parameters
    ----------
    machine
        The target; any number of units.
    chains
        Number of independent chains, >= 1.
    duration
        Time per chain in units of τ, > 0. Spikes lie in [0, duration], so that a unit which ends at the
        last moment and fires again at once is on there.
    seed
        Integer, SeedSequence or None (fresh entropy). The spikes depend neither on the number of
        threads, nor those of chain c on how many chains there are.
    evidence : mapping label → 0, 1 or array (chain,), optional
        Units that do not move, and their values; they emit no spikes and act through their values.
    clamp_units, clamp_values : arrays (k,) and (k,) or (chain, k), optional
        The same by position, in place of `evidence`.
    threads
        Number of threads; by default all cores that this process may use.
    initial : array (unit,) or (chain, unit), optional
        States to start from; by default all units are silent. A unit that is on has fired at any
        time of the last τ, before the spikes that are returned. Evidence overwrites them.

    Returns
    -------
    chain, unit : array (spike,) of int32
    time : array (spike,)
        In units of τ.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    chains = validate.integer("chains", chains, 1)
    duration = validate.positive("duration", duration)
    known = evidence_of(machine, chains, evidence, clamp_units, clamp_values)
    free = known.free
    rows: Any = part(machine.matrix, free, free)
    sparse = not isinstance(rows, np.ndarray)
    field = fields(machine, free, known.states())
    root = seed_sequence(seed)
    stream = lane_states(root, Role.IDEAL, chains, 1)[:, 0].copy()
    start = np.zeros((chains, machine.n_units), np.uint8)
    if initial is not None:
        start = starts.given(initial, chains, machine.n_units)
    # When what is on at first ends, in units of τ.
    words = lane_states(root, Role.START, chains, machine.n_units)[..., 1]
    first_end = ((words + 0.5) / 2.0**32)[:, free]
    on = start[:, free] == 1
    # A unit fires at most once per τ, so no buffer of this size can overflow; the millionth on top
    # is for the rounding of times. Pages of it that stay untouched cost no memory.
    most = len(free) * (int(duration * (1 + 1e-6)) + 3)

    def run(block: slice) -> list[tuple[NDArray[np.int32], NDArray[np.float64]]]:
        unit, time = np.empty(most, np.int32), np.empty(most)
        spikes = []
        for c in range(block.start, block.stop):
            held = np.flatnonzero(on[c])
            held = held[np.argsort(first_end[c, held], kind="stable")]
            begin = field[c], stream[c], duration, held, first_end[c, held], unit, time
            if sparse:
                count = fire(rows.indptr, rows.indices, rows.data, *begin)
            else:
                count = _fire(rows, *begin)
            spikes.append((free[unit[:count]].astype(np.int32), time[:count].copy()))
        return spikes

    results = [spikes for block in over_chains(run, chains, chains, threads) for spikes in block]
    counts = [len(time) for _, time in results]
    return (
        np.repeat(np.arange(chains, dtype=np.int32), counts),
        np.concatenate([unit for unit, _ in results]),
        np.concatenate([time for _, time in results]),
    )


@inlined
def _largest(field, silent):  # type: ignore[no-untyped-def]
    """Return the largest field of a silent unit."""
    top = -np.inf
    for i in range(len(field)):
        if silent[i] > 0.0 and field[i] > top:
            top = field[i]
    return top


@inlined
def _cumulate(field, silent, top, cumulated):  # type: ignore[no-untyped-def]
    """Set the cumulated hazards of the silent units in units of e^top, and return their sum."""
    for i in range(len(field)):
        height = field[i] - top
        bounded = min(max(height, -LARGEST_EXPONENT), LARGEST_EXPONENT)
        cumulated[i] = silent[i] * exponential(bounded) if height > -LARGEST_EXPONENT else 0.0
    # One after the other: the compiler must not choose the order of a sum that decides what happens.
    total = 0.0
    for i in range(len(field)):
        total += cumulated[i]
        cumulated[i] = total
    return total


@kernel
def _fire(  # type: ignore[no-untyped-def]
    rows, field, stream, duration, held, held_until, units, times
):
    """Fill units and times with the spikes of one chain and return their number.

    The units `held` are on at first, each until its time in `held_until`, which rises.
    """
    n = len(field)
    s0, s1, s2, s3 = stream
    silent = np.empty(n)
    silent[:] = 1.0
    cumulated = np.empty(n)
    # Active units, oldest first, in a ring: all periods last τ, so the oldest ends first. What comes
    # first is decided by logarithms of differences: at large weights a whole avalanche of spikes,
    # whose order decides how it ends, happens at one moment of the clock.
    ring = np.empty(n, np.int64)
    ends = np.empty(n)
    gaps = np.empty(n)  # log of the time from the end of the one before
    oldest = 0
    active = len(held)
    left, since = np.inf, -np.inf  # log of the time until the oldest ends, and since the last spike
    for h in range(active):
        k = held[h]
        ring[h] = k
        ends[h] = held_until[h]
        gaps[h] = np.log(held_until[h] - held_until[h - 1]) if h > 0 else np.log(held_until[0])
        silent[k] = 0.0
        for i in range(n):
            field[i] += rows[k, i]
    if active > 0:
        left, since = gaps[0], np.log(1.0 - held_until[active - 1])
    now = 0.0
    count = 0
    top = _largest(field, silent)
    while True:
        total = _cumulate(field, silent, top, cumulated)
        if active < n and not 1 / RESCALED < total < RESCALED:
            top = _largest(field, silent)
            total = _cumulate(field, silent, top, cumulated)
        wait = np.inf
        if active < n:
            u, s0, s1, s2, s3 = uniform(s0, s1, s2, s3)
            wait = np.log(-np.log(u)) - top - np.log(total)
        end = ends[oldest] if active > 0 else np.inf
        spikes = wait < left
        now = min(now + np.exp(wait), end) if spikes else end
        if now > duration:
            return count
        since = log_sum(since, min(wait, left))
        if spikes:
            u, s0, s1, s2, s3 = uniform(s0, s1, s2, s3)
            # u > 0: the first unit that reaches it has a hazard above 0.
            k = 0
            while cumulated[k] < u * total:
                k += 1
            units[count] = k
            times[count] = now
            count += 1
            silent[k] = 0.0
            last = (oldest + active) % n
            ring[last] = k
            ends[last] = now + 1.0
            gaps[last] = since
            left = left + np.log(-np.expm1(wait - left)) if active > 0 else 0.0
            since = -np.inf
            active += 1
            sign = 1.0
        else:
            k = ring[oldest]
            silent[k] = 1.0
            oldest = (oldest + 1) % n
            active -= 1
            left = gaps[oldest] if active > 0 else np.inf
            sign = -1.0
        for i in range(n):
            field[i] += sign * rows[k, i]
