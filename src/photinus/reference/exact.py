"""Independent draws: from the enumerated joint, or along a tree of cliques."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.states import MAX_ENUMERATED, states_of
from photinus._core.streams import Role, Seed, first_chain_of, seed_sequence
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.cliques import machine_tree
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
    """Return independent draws, array (chain, draw, unit).

    By inversion of the cumulated joint up to 24 free units, else along a tree of cliques, see
    `photinus.machines.cliques`.

    Parameters
    ----------
    machine
        At most 24 free units, or those of a graph close to a tree.
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
        If an argument is out of its range, or the machine too far from a tree.
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
        draw = _drawing(machine.conditional(given))
        for c in np.flatnonzero(which == k):
            key = (*root.spawn_key, int(Role.EXACT), first_chain_of(root) + int(c))
            stream = np.random.SeedSequence(root.entropy, spawn_key=key, pool_size=root.pool_size)
            states[c][:, known.free] = draw(draws, np.random.default_rng(stream))
    return states


def method_for(units: int) -> str:
    """Return how so many free units are drawn: "enumeration" or "tree decomposition"."""
    return "enumeration" if units <= MAX_ENUMERATED else "tree decomposition"


def _drawing(machine: BoltzmannMachine) -> Callable[[int, np.random.Generator], NDArray[Any]]:
    """Return what draws from a machine, array (draw, unit): its joint, or the tree of a large one."""
    if machine.n_units > MAX_ENUMERATED:
        return machine_tree(machine.matrix, machine.biases).draw
    cumulated = np.cumsum(machine.joint())
    cumulated /= cumulated[-1]

    def draw(count: int, generator: np.random.Generator) -> NDArray[np.uint8]:
        # The first state whose cumulated probability lies above the uniform number: never an
        # impossible one.
        index = cumulated.searchsorted(generator.random(count), side="right")
        return states_of(index, machine.n_units)

    return draw
