"""Energies and fields of states of machines that are held as sparse rows."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import kernel
from photinus._core.matrices import Matrix
from photinus._core.threads import available_threads, on_threads

if TYPE_CHECKING:
    from scipy.sparse import csr_array

FIELDS_PER_BLOCK = 2**19
"""Fields that are looked at together (4 MB)."""
STATES_PER_TASK = 16
"""States that a thread takes at once."""


def energies(
    weights: "csr_array", biases: NDArray[np.float64], states: NDArray[Any]
) -> NDArray[np.float64]:
    """Return -½ zᵀWz - bᵀz of states (…, unit) of 0 and 1, array (…), added up in a fixed order."""
    z = np.ascontiguousarray(states, np.uint8).reshape(-1, len(biases))
    found = np.empty(len(z))

    def add(first: int) -> None:
        some = slice(first, first + STATES_PER_TASK)
        _energies(weights.indptr, weights.indices, weights.data, biases, z[some], found[some])

    on_threads(add, list(range(0, len(z), STATES_PER_TASK)), available_threads(None))
    return found.reshape(states.shape[:-1])


def fields(
    weights: "csr_array", biases: NDArray[np.float64], states: NDArray[np.uint8], units: slice
) -> NDArray[np.float64]:
    """Return the fields b + Wz of some units in states (state, unit), array (state, some unit)."""
    found = np.tile(biases[units], (len(states), 1))
    rows = weights[units]
    _add_fields(rows.indptr, rows.indices, rows.data, states, found)
    return found


def by_block(
    weights: Matrix, biases: NDArray[np.float64], states: NDArray[Any]
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Give units, and their fields b + Wz in states (state, unit), array (state, some unit).

    All units at once of an array of weights; of sparse rows so many as fit into a cache.
    """
    if isinstance(weights, np.ndarray):
        yield slice(None), states @ weights + biases
        return
    size = max(1, FIELDS_PER_BLOCK // max(1, len(states)))
    for first in range(0, len(biases), size):
        units = slice(first, first + size)
        yield units, fields(weights, biases, states, units)


@kernel
def _add_fields(start, column, value, states, field):  # type: ignore[no-untyped-def]
    """Add to each field (state, row) what the units of a state (state, column) that are on bring."""
    for s in range(len(states)):
        for i in range(field.shape[1]):
            for p in range(start[i], start[i + 1]):
                field[s, i] += value[p] * states[s, column[p]]


@kernel
def _energies(start, column, value, biases, states, found):  # type: ignore[no-untyped-def]
    """Fill `found` (state,) with the energies of states (state, unit)."""
    for s in range(len(states)):
        total = 0.0
        for i in range(len(biases)):
            if states[s, i]:
                field = 0.0
                for p in range(start[i], start[i + 1]):
                    field += value[p] * states[s, column[p]]
                total -= biases[i] + 0.5 * field
        found[s] = total
