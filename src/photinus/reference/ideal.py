"""Ideal refractory neurons: neural sampling in continuous time, exact in law.

A silent unit k spikes with hazard exp(u_k)/τ, u_k = b_k + Σ_j W_kj z_j; then z_k = 1 for exactly τ,
during which it cannot spike (Buesing et al. 2011, PLoS Comput. Biol. 7, e1002211, in the limit of
continuous time). With rectangular interactions and no delay the marginal law of z is exactly the
Boltzmann distribution: a unit is on for τ and off for τ exp(-u_k) on average. Time is in units of τ.
"""

import numpy as np
from numpy.typing import NDArray

from photinus import _validate
from photinus._numba import kernel
from photinus.boltzmann import BoltzmannMachine
from photinus.reference._chains import blocks_of_chains, evidence, run_blocks
from photinus.reference.gibbs import uniform
from photinus.simulation.streams import Role, Seed, lane_states, next_word, seed_sequence


@kernel
def _simulate(weights, drive, free, z, random, duration, spikes, times):  # type: ignore[no-untyped-def]
    """Simulate one chain up to `duration`; return the number of spikes, or -1 if they don't fit.

    The next event is the end of the oldest on-time or a spike, whichever comes first. Hazards
    change only at events, so waiting times are exponential.
    """
    n = len(drive)
    s0, s1, s2, s3 = random[0], random[1], random[2], random[3]
    hazard = np.zeros(n)
    total = 0.0
    for k in free:
        hazard[k] = np.exp(drive[k])
        total += hazard[k]
    # On-times last equally long, so they end in the order in which they began.
    queue = np.empty(n, np.int64)
    ends = np.empty(n)
    head = 0
    waiting = 0
    now = 0.0
    written = 0
    while True:
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        wait = -np.log(uniform(word)) / total if total > 0.0 else np.inf
        if waiting > 0 and ends[head] <= now + wait:
            now = ends[head]
            k = queue[head]
            head = (head + 1) % n
            waiting -= 1
            change = -1.0
            z[k] = 0
        else:
            now += wait
            if now >= duration:
                return written
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            left = uniform(word) * total
            k = free[-1]
            for i in free:
                if z[i] == 0:
                    k = i
                    left -= hazard[i]
                    if left < 0.0:
                        break
            if written == len(spikes):
                return -1
            spikes[written] = k
            times[written] = now
            written += 1
            tail = (head + waiting) % n
            queue[tail] = k
            ends[tail] = now + 1.0
            waiting += 1
            change = 1.0
            z[k] = 1
        if now >= duration:
            return written
        total = 0.0
        for i in free:
            drive[i] += change * weights[k, i]
            if z[i] == 0:
                hazard[i] = np.exp(drive[i])
                total += hazard[i]


def sample_ideal(
    machine: BoltzmannMachine,
    *,
    chains: int,
    duration: float,
    seed: Seed = None,
    clamp_units: NDArray[np.intp] | None = None,
    clamp_values: NDArray[np.uint8] | None = None,
    threads: int | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Return spikes of ideal neurons as (chain, unit, time in τ), sorted by chain and time.

    All free units start silent. Arguments as for `sample_gibbs`; `duration` is in units of τ.
    """
    chains = _validate.integer("chains", chains, 1)
    duration = _validate.positive("duration", duration, "τ")
    n = machine.n_units
    fixed, values = evidence(n, chains, clamp_units, clamp_values)
    free = np.setdiff1d(np.arange(n), fixed)
    random = lane_states(seed_sequence(seed), Role.IDEAL, chains, 1)[:, 0]
    drive = machine.biases + values @ machine.weights[fixed]

    def run(block: slice) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        found = []
        capacity = int(16 + 0.6 * len(free) * duration)
        for c in range(block.start, block.stop):
            written = -1
            while written < 0:
                spikes, times = np.empty(capacity, np.int64), np.empty(capacity)
                z = np.zeros(n, np.uint8)
                written = _simulate(
                    machine.weights,
                    drive[c].copy(),
                    free,
                    z,
                    random[c],
                    duration,
                    spikes,
                    times,
                )
                if written < 0:
                    capacity *= 2
            found.append((spikes[:written].copy(), times[:written].copy()))
        return found

    trains = [train for part in run_blocks(run, blocks_of_chains(chains), threads) for train in part]
    counts = [len(times) for _, times in trains]
    return (
        np.repeat(np.arange(chains, dtype=np.int32), counts),
        np.concatenate([spikes for spikes, _ in trains]).astype(np.int32),
        np.concatenate([times for _, times in trains]),
    )
