"""Couplings as a sweep uses them: in quanta, by groups of units, in stretches."""

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.matrices import Matrix, entries, part, row_sizes
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.reference.colouring import colouring

COARSEST_QUANTUM = 2.0**-22
"""Largest rounding of 32-bit fields; machines of larger fields get 64 bits."""
COUPLINGS_PER_GROUP = 2**14
"""Couplings that all chains of a block use before the next ones are fetched (128 KiB, both signs)."""
FEW = 40
"""Partners of a unit up to which its field is added up when it is needed."""
GAP = 8
"""Zeros up to which two stretches of a row are added as one."""
VECTOR = 64
"""Longer stretches are filled up with zeros to a multiple of this, the step of the vectorised loop."""


class Couplings(NamedTuple):
    """Units in groups, and what a flip adds to other fields: stretches of the unit's row of W."""

    groups: NDArray[np.intp]
    """Where groups begin and end, array (group + 1,)."""
    alike: NDArray[np.bool_]
    """Whether all units of a group act on the same others, each with one stretch; array (group,)."""
    first: NDArray[np.intp]
    """Where the stretches of each unit begin and end, array (unit + 1,)."""
    stretches: NDArray[np.intp]
    """First unit acted on, number of units, place in `values`: array (stretch, 3)."""
    values: NDArray[Any]
    """Weights in quanta, stretch by stretch, then all of them negated: for flips up and down."""


def quantum(machine: BoltzmannMachine) -> tuple[float, type[np.signedinteger[Any]]]:
    """Return the unit in which fields are counted, a power of two, and an integer type for them."""
    validate.instance("machine", machine, BoltzmannMachine)
    largest = float((np.abs(machine.biases) + row_sizes(machine.matrix)).max())
    _, exponent = math.frexp(max(largest, 1.0))
    # One bit is for the sign, one for what rounding adds.
    short = math.ldexp(1.0, exponent - 30)
    if short <= COARSEST_QUANTUM:
        return short, np.int32
    return math.ldexp(1.0, exponent - 62), np.int64


class Partners(NamedTuple):
    """The partners of each unit, one after the other."""

    first: NDArray[np.intp]
    """Where those of each unit begin and end, array (unit + 1,)."""
    partner: NDArray[np.intp]
    weight: NDArray[Any]
    """Weights in quanta."""


def in_order(weights: Matrix) -> tuple[NDArray[np.intp], NDArray[np.intp], Matrix]:
    """Return the order of the units by groups, their groups, and the couplings in this order."""
    colour = colouring(weights)
    order = np.argsort(colour, kind="stable")
    return order, colour[order], part(weights, order, order)


def partners(weights: Matrix) -> Partners | None:
    """Return the partners of units that have few of them; None where they have many."""
    row, column, weight = entries(weights)
    if len(row) > FEW * weights.shape[0]:
        return None
    first = np.searchsorted(row, np.arange(weights.shape[0] + 1))
    # A view would be another type, for which the loop is compiled again.
    return Partners(first, np.ascontiguousarray(column), weight)


def in_stretches(weights: Matrix, colour: NDArray[np.intp]) -> Couplings:
    """Return the couplings of units in the order of their groups."""
    row, column, weight = entries(weights)
    n = len(colour)
    fresh = np.ones(len(row), dtype=bool)
    fresh[1:] = (np.diff(row) > 0) | (np.diff(column) > GAP)
    begin = np.flatnonzero(fresh)
    counts = np.diff(np.append(begin, len(row)))
    start, length = column[begin], column[begin + counts - 1] - column[begin] + 1
    length = np.where(length > GAP, -(-length // VECTOR) * VECTOR, length)
    place = np.cumsum(length) - length
    # Only what belongs to a stretch is written. The row's next couplings, which may lie where a
    # stretch is filled up, have a stretch for themselves.
    values = np.zeros(length.sum(), weights.dtype)
    values[np.repeat(place - start, counts) + column] = weight
    row = row[begin]
    first = np.searchsorted(row, np.arange(n + 1))
    until = np.append(place, len(values))[first]
    stretches = np.stack([start, length, place], axis=1)
    groups = [0]
    for unit in range(1, n):
        used = until[unit + 1] - until[groups[-1]]
        if colour[unit] != colour[unit - 1] or used > COUPLINGS_PER_GROUP:
            groups.append(unit)
    groups.append(n)
    alike = [
        _alike(np.diff(first[i : j + 1]), stretches[first[i] : first[j]]) for i, j in pairwise(groups)
    ]
    values = np.concatenate([values, -values])
    return Couplings(np.array(groups), np.array(alike), first, stretches, values)


def _alike(counts: NDArray[np.intp], stretches: NDArray[np.intp]) -> bool:
    """Return whether units with so many stretches each have one, all at the same place."""
    return bool(counts.size and (counts == 1).all() and (stretches[:, :2] == stretches[0, :2]).all())
