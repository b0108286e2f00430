"""Joint states of 0/1 units, counted: state z has the index Σ_k z_k 2^k. How many are counted."""

import numpy as np
from numpy.typing import NDArray

from photinus.errors import InvalidInput

MAX_ENUMERATED = 24
"""Most units whose states are enumerated, or whose joint is tabulated."""
# Where it is done again and again, other methods are quicker earlier.
MAX_PER_RUN = 20
"""Most units whose states are gone through for each of many runs, or for each of many sums."""
MAX_PER_STEP = 16
"""Most units whose states are gone through in each step of a fit or a refinement."""
MAX_PER_EVIDENCE = 14
"""Most free units whose states are gone through for each evidence of a translation."""
PAIR_BYTES = 2**24
"""Bytes of bits that are compared at once."""


def require_enumerable(count: int, of: str = "units", whose: str = "this machine") -> None:
    """Raise InvalidInput for too many units."""
    if count > MAX_ENUMERATED:
        raise InvalidInput(f"enumeration needs at most {MAX_ENUMERATED} {of}, {whose} has {count}")


def pair_shares(
    states: NDArray[np.uint8], first: NDArray[np.intp], second: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the share of states (state, unit) in which both units of a pair are on, array (pair,)."""
    bits = np.ascontiguousarray(np.packbits(states, axis=0).T)
    size = max(1, PAIR_BYTES // bits.shape[1])
    on = [
        np.bitwise_count(bits[first[k : k + size]] & bits[second[k : k + size]]).sum(axis=1)
        for k in range(0, len(first), size)
    ]
    return np.concatenate([np.zeros(0), *on]) / len(states)


def states_of(index: NDArray[np.int64], n: int) -> NDArray[np.uint8]:
    """Return the states of `index` over `n` units, array (index, unit)."""
    states = np.empty((len(index), n), np.uint8)
    for k in range(n):
        states[:, k] = (index >> k) & 1
    return states
