"""Independent draws from the enumerated joint."""

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.streams import Role, Seed, first_chain_of, seed_sequence
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.reference._chains import evidence


def sample_exact(
    machine: BoltzmannMachine,
    *,
    chains: int,
    draws: int,
    seed: Seed = None,
    clamp_units: NDArray[np.intp] | None = None,
    clamp_values: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Return independent draws, array (chain, draw, unit), by inversion of the cumulated joint.

    Parameters
    ----------
    machine
        At most 24 units that are not clamped.
    chains, draws
        Both >= 1. A chain depends neither on how many chains there are nor on their evidence.
    seed
        Integer, SeedSequence or None (fresh entropy).
    clamp_units, clamp_values : arrays (k,) and (k,) or (chain, k)
        Units held at fixed values.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    chains = validate.integer("chains", chains, 1)
    draws = validate.integer("draws", draws, 1)
    root = seed_sequence(seed)
    fixed, values = evidence(machine, chains, clamp_units, clamp_values)
    free = np.setdiff1d(np.arange(machine.n_units), fixed)
    states = np.empty((chains, draws, machine.n_units), np.uint8)
    states[:, :, fixed] = values[:, None, :]
    for given in np.unique(values, axis=0):
        clamp = {machine.labels[k]: int(v) for k, v in zip(fixed, given, strict=True)}
        cumulated = np.cumsum((machine.conditional(clamp) if clamp else machine).joint())
        cumulated /= cumulated[-1]
        for c in np.flatnonzero((values == given).all(axis=1)):
            key = (*root.spawn_key, int(Role.EXACT), first_chain_of(root) + int(c))
            stream = np.random.SeedSequence(root.entropy, spawn_key=key, pool_size=root.pool_size)
            # The first state whose cumulated probability lies above the uniform number: never an
            # impossible one.
            uniform = np.random.default_rng(stream).random(draws)
            index = cumulated.searchsorted(uniform, side="right")
            for k, unit in enumerate(free):
                states[c, :, unit] = (index >> k) & 1
    return states
