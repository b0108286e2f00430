"""Independent draws from the enumerated joint."""

import numpy as np
from numpy.typing import NDArray

from photinus import _validate
from photinus.boltzmann import BoltzmannMachine
from photinus.simulation.streams import Role, Seed, seed_sequence


def sample_exact(
    machine: BoltzmannMachine, *, chains: int, draws: int, seed: Seed = None
) -> NDArray[np.uint8]:
    """Return independent draws, array (chain, draw, unit), by inversion of the cumulated joint.

    Parameters
    ----------
    machine
        At most 24 units.
    chains, draws
        Both >= 1. The draws of a chain do not depend on how many chains there are.
    seed
        Integer, SeedSequence or None (fresh entropy).

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """
    chains = _validate.integer("chains", chains, 1)
    draws = _validate.integer("draws", draws, 1)
    root = seed_sequence(seed)
    cumulated = np.cumsum(machine.joint())
    cumulated /= cumulated[-1]
    states = np.empty((chains, draws, machine.n_units), np.uint8)
    for c in range(chains):
        stream = np.random.SeedSequence(
            root.entropy, spawn_key=(*root.spawn_key, int(Role.EXACT), c), pool_size=root.pool_size
        )
        # The first state whose cumulated probability lies above the uniform number: never an
        # impossible one.
        index = cumulated.searchsorted(np.random.default_rng(stream).random(draws), side="right")
        for k in range(machine.n_units):
            states[c, :, k] = (index >> k) & 1
    return states
