"""Gibbs sampling: units in turn, each from its conditional given all others."""

import numpy as np
from numpy.typing import NDArray

from photinus import _validate
from photinus._numba import inlined, kernel
from photinus.boltzmann import BoltzmannMachine
from photinus.reference._chains import blocks_of_chains, evidence, run_blocks
from photinus.simulation.streams import Role, Seed, lane_states, next_word, seed_sequence


@inlined
def uniform(word):  # type: ignore[no-untyped-def]
    """Return a number in (0, 1) from the top 24 bits of a word, never 0 or 1."""
    return (float(word >> np.uint32(8)) + 0.5) * (1.0 / 16777216.0)


@kernel
def _sweeps(weights, free, z, field, random, skip, states):  # type: ignore[no-untyped-def]
    """Advance each chain by `skip` sweeps, then by one per draw, writing `states`."""
    n_chains, n_draws, n = states.shape
    for c in range(n_chains):
        s0, s1, s2, s3 = random[c, 0], random[c, 1], random[c, 2], random[c, 3]
        for sweep in range(skip + n_draws):
            for k in free:
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                u = uniform(word)
                # z = 1 with probability σ(field): u < σ(x) exactly where log(u/(1-u)) < x.
                new = np.uint8(1) if u * (1.0 + np.exp(-field[c, k])) < 1.0 else np.uint8(0)
                if new != z[c, k]:
                    change = 1.0 if new == 1 else -1.0
                    z[c, k] = new
                    for i in range(n):
                        field[c, i] += change * weights[k, i]
            if sweep >= skip:
                for i in range(n):
                    states[c, sweep - skip, i] = z[c, i]


def sample_gibbs(
    machine: BoltzmannMachine,
    *,
    chains: int,
    draws: int,
    burn_in: int = 0,
    seed: Seed = None,
    clamp_units: NDArray[np.intp] | None = None,
    clamp_values: NDArray[np.uint8] | None = None,
    threads: int | None = None,
) -> NDArray[np.uint8]:
    """Return Gibbs samples, array (chain, draw, unit); one draw per sweep over the free units.

    Parameters
    ----------
    machine
        The target.
    chains, draws, burn_in
        Numbers of chains, of draws kept and of sweeps dropped before.
    seed
        Integer, SeedSequence or None. Chain c is the same for any number of chains and threads.
    clamp_units, clamp_values : arrays (k,) and (k,) or (chain, k)
        Units held at fixed values.
    threads
        Number of threads; by default all cores.
    """
    chains = _validate.integer("chains", chains, 1)
    draws = _validate.integer("draws", draws, 1)
    burn_in = _validate.integer("burn_in", burn_in, 0)
    fixed, values = evidence(machine.n_units, chains, clamp_units, clamp_values)
    free = np.setdiff1d(np.arange(machine.n_units), fixed)
    random = lane_states(seed_sequence(seed), Role.GIBBS, chains, 1)[:, 0]
    start = lane_states(seed_sequence(seed), Role.INITIAL_STATE, chains, machine.n_units)
    z = (start[..., 0] >> 31).astype(np.uint8)
    z[:, fixed] = values
    field = z @ machine.weights + machine.biases
    states = np.empty((chains, draws, machine.n_units), np.uint8)

    def run(block: slice) -> None:
        _sweeps(
            machine.weights, free, z[block], field[block], random[block], burn_in, states[block]
        )

    run_blocks(run, blocks_of_chains(chains), threads)
    return states
