"""Independent draws from the enumerated joint."""

import numpy as np
from numpy.typing import NDArray

from photinus import _validate
from photinus.boltzmann import BoltzmannMachine
from photinus.simulation.streams import Role, Seed, seed_sequence


def sample_exact(
    machine: BoltzmannMachine, *, chains: int, draws: int, seed: Seed = None
) -> NDArray[np.uint8]:
    """Return independent states, array (chain, draw, unit); at most 24 units.

    Chain c is the same however many chains there are.
    """
    chains = _validate.integer("chains", chains, 1)
    draws = _validate.integer("draws", draws, 1)
    sequence = seed_sequence(seed)
    cumulative = np.cumsum(machine.joint())
    cumulative /= cumulative[-1]
    index = np.empty((chains, draws), np.int64)
    for chain in range(chains):
        key = (*sequence.spawn_key, int(Role.EXACT), chain)
        generator = np.random.default_rng(np.random.SeedSequence(sequence.entropy, spawn_key=key))
        index[chain] = np.searchsorted(cumulative, generator.random(draws), side="right")
    return ((index[..., None] >> np.arange(machine.n_units)) & 1).astype(np.uint8)
