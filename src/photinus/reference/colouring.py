"""Groups of units that are not coupled to each other: a colouring of the graph of couplings."""

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import kernel
from photinus._core.matrices import Matrix, entries


def colouring(coupled: Matrix) -> NDArray[np.intp]:
    """Return a colour of each unit, array (unit,), different for `coupled` ones, matrix (unit, unit).

    Greedy, the smallest free colour, along a breadth-first search. A unit of a bipartite graph then
    meets neighbours of one colour only, so that two are enough.
    """
    row, neighbour, _ = entries(coupled)
    start = np.searchsorted(row, np.arange(coupled.shape[0] + 1))
    # A view would be another type, for which the loop is compiled again.
    found: NDArray[np.intp] = _colour(start, np.ascontiguousarray(neighbour))
    return found


@kernel
def _colour(start, neighbour):  # type: ignore[no-untyped-def]
    """Return the colours of units, whose neighbours are neighbour[start[unit] : start[unit + 1]]."""
    n = len(start) - 1
    colour = np.full(n, -1)
    found = np.zeros(n, np.uint8)
    queue = np.empty(n, np.intp)
    taken = np.full(n + 1, -1)  # the last unit that has a neighbour of each colour
    for root in range(n):
        if found[root]:
            continue
        found[root] = 1
        queue[0] = root
        first, end = 0, 1
        while first < end:
            unit = queue[first]
            first += 1
            for p in range(start[unit], start[unit + 1]):
                other = neighbour[p]
                if colour[other] >= 0:
                    taken[colour[other]] = unit
                if not found[other]:
                    found[other] = 1
                    queue[end] = other
                    end += 1
            free = 0
            while taken[free] == unit:
                free += 1
            colour[unit] = free
    return colour
