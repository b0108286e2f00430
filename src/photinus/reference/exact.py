"""Independent draws from the enumerated joint."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.streams import Role, Seed, first_chain_of, seed_sequence
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Given
from photinus.reference._chains import evidence_of


def sample_exact(
    machine: BoltzmannMachine,
    *,
    chains: int,
    draws: int,
    seed: Seed = None,
    evidence: Given | None = None,
    clamp_units: ArrayLike | None = None,
    clamp_values: ArrayLike | None = None,
) -> NDArray[np.uint8]:
    """Return independent draws, array (chain, draw, unit), by inversion of the cumulated joint.

    Parameters
    ----------
    machine
        At most 24 free units.
    chains, draws
        Both >= 1. A chain depends neither on how many chains there are nor on their evidence.
    seed
        Integer, SeedSequence or None (fresh entropy).
    evidence : mapping label → 0, 1 or array (chain,), optional
        Units that do not move, and their values.
    clamp_units, clamp_values : arrays (k,) and (k,) or (chain, k), optional
        The same by position, in place of `evidence`.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    chains = validate.integer("chains", chains, 1)
    draws = validate.integer("draws", draws, 1)
    root = seed_sequence(seed)
    known = evidence_of(machine, chains, evidence, clamp_units, clamp_values)
    states = np.empty((chains, draws, machine.n_units), np.uint8)
    known.fill(states)
    distinct, which = known.distinct()
    for k, given in enumerate(distinct.each()):
        cumulated = np.cumsum(machine.conditional(given).joint())
        cumulated /= cumulated[-1]
        for c in np.flatnonzero(which == k):
            key = (*root.spawn_key, int(Role.EXACT), first_chain_of(root) + int(c))
            stream = np.random.SeedSequence(root.entropy, spawn_key=key, pool_size=root.pool_size)
            # The first state whose cumulated probability lies above the uniform number: never an
            # impossible one.
            uniform = np.random.default_rng(stream).random(draws)
            index = cumulated.searchsorted(uniform, side="right")
            for bit, unit in enumerate(known.free):
                states[c, :, unit] = (index >> bit) & 1
    return states
