"""Machines of the study."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import photinus as ph

FIRST_SEED = 95_000
"""Of the machines. No rule or table was chosen by these."""
UNITS = {
    "dense": (4, 8, 16, 32, 64, 128, 200),
    "kept": (8, 16, 32, 64, 128, 200),
    "restricted": (16, 32, 64, 128, 200),
}
HIDDEN = 8
"""Units on the small side of a restricted machine; they come first."""
ENUMERATED, COUNTED = 16, 10
"""Most units of which moments are enumerated, and of which all states are counted."""
Pairs: TypeAlias = tuple[NDArray[Any], ...]


def target(family: str, units: int, index: int) -> ph.BoltzmannMachine:
    """Return machine `index` of a family."""
    rng = np.random.default_rng(FIRST_SEED + index)
    upper = np.triu(rng.uniform(-1, 1, (units, units)), 1)
    if family == "kept":
        upper /= np.sqrt((units - 1) / 4)
    if family == "restricted":
        side = np.arange(units) < HIDDEN
        upper = upper * (side[:, None] != side)
    return ph.BoltzmannMachine(upper + upper.T, rng.uniform(-1, 1, units))


def pairs_of(machine: ph.BoltzmannMachine) -> Pairs:
    """Return first and second units of the coupled pairs."""
    return np.nonzero(np.triu(machine.weights, 1))
