"""What the samplers share: evidence, chains on threads, fields, uniform numbers."""

from collections.abc import Callable, Hashable
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.compilation import inlined, kernel
from photinus._core.streams import next_word
from photinus._core.threads import available_threads, on_threads
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence, Given

T = TypeVar("T")

LANES = 16
"""Chains that are drawn together, by vector instructions."""
_LANES, _WORDS = np.uintp(LANES), np.uintp(4 * LANES)
LARGEST_EXPONENT = 40.0
"""Bound of what `exponential` takes: no event of probability e^-40 is told from an impossible one."""


def evidence_of(
    machine: BoltzmannMachine,
    chains: int,
    evidence: Given | None,
    units: ArrayLike | None,
    values: ArrayLike | None,
) -> Evidence:
    """Return the evidence of a call: by labels, or units by position and their values.

    `values` has shape (k,) or (chain, k).
    """
    if units is None and values is None:
        return Evidence.of(evidence, machine.labels, chains)
    if units is None or values is None:
        raise InvalidInput("clamp_units and clamp_values must be given together")
    if evidence is not None:
        raise InvalidInput("evidence must be None where clamp_units and clamp_values are given")
    positions = np.asarray(units)
    if positions.ndim != 1 or (positions.size and positions.dtype.kind not in "iu"):
        raise InvalidInput(f"clamp_units must be a list of whole numbers, got {units!r}")
    given = validate.binary_array("clamp_values", values)
    each = (chains, len(positions))
    if given.shape not in (positions.shape, each):
        raise InvalidInput(
            f"clamp_values must have shape {positions.shape} or {each}, got {given.shape}"
        )
    known: dict[Hashable, ArrayLike] = {}
    for k, unit in enumerate(positions.tolist()):
        label = machine.labels[validate.integer("clamp_units", unit, 0, machine.n_units - 1)]
        if label in known:
            raise InvalidInput(f"clamp_units must differ from each other, got {unit} twice")
        known[label] = given[..., k]
    return Evidence.of(known, machine.labels, chains)


def over_chains(run: Callable[[slice], T], chains: int, size: int, threads: int | None) -> list[T]:
    """Return ``run(chains of a block)`` for consecutive blocks of at most `size` chains."""
    workers = available_threads(threads)
    size = max(1, min(size, -(-chains // workers)))
    blocks = [slice(first, min(first + size, chains)) for first in range(0, chains, size)]
    return on_threads(run, blocks, workers)


def fields(
    machine: BoltzmannMachine, units: NDArray[np.intp], states: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """Return u_k = b_k + Σ_j W_kj z_j of `units`, array (chain, unit); `states` has all units."""
    field = np.tile(machine.biases[units], (len(states), 1))
    weights = machine.matrix
    # Views would be other types, for which the loops are compiled again.
    states = np.require(states, np.uint8, ["C", "W"])
    if isinstance(weights, np.ndarray):
        _add_rows(np.ascontiguousarray(weights[:, units]), states, field)
    else:
        place = np.full(machine.n_units, -1)
        place[units] = np.arange(len(units))
        _add_sparse(weights.indptr, weights.indices, weights.data, place, states, field)
    return field


def energies(machine: BoltzmannMachine, states: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return E(z) of states (chain, unit), array (chain,), added up in an order that never changes."""
    field = fields(machine, np.arange(machine.n_units), states)
    return np.asarray(-((field + machine.biases) / 2 * states).sum(axis=1))


@kernel
def _add_rows(rows, states, field):  # type: ignore[no-untyped-def]
    """Add to each chain's field the rows of its units that are 1."""
    # In a fixed order, which a matrix product would not promise for any number of chains.
    for c in range(states.shape[0]):
        for j in range(states.shape[1]):
            if states[c, j]:
                for i in range(field.shape[1]):
                    field[c, i] += rows[j, i]


@kernel
def _add_sparse(start, column, value, place, states, field):  # type: ignore[no-untyped-def]
    """Do `_add_rows` for sparse rows; a unit at `place` -1 has no field."""
    for c in range(states.shape[0]):
        for j in range(states.shape[1]):
            if states[c, j]:
                for p in range(start[j], start[j + 1]):
                    if place[column[p]] >= 0:
                        field[c, place[column[p]]] += value[p]


@inlined
def uniform(s0, s1, s2, s3):  # type: ignore[no-untyped-def]
    """Return a number strictly between 0 and 1 with 52 random bits, and the next stream state.

    Strictly, because an event of probability 1e-20 must not happen whenever all bits are zero.
    """
    high, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
    low, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
    bits = float(high >> np.uint32(6)) * 67108864.0 + float(low >> np.uint32(6))
    return (bits + 0.5) * 2.220446049250313e-16, s0, s1, s2, s3


@inlined
def exponential(x):  # type: ignore[no-untyped-def]
    """Return e^x for |x| up to 40, to 14 digits up to 20 (12 beyond).

    The Taylor series of e^(x/64), squared six times: plain arithmetic, which the compiler vectorises,
    unlike a call of the mathematical library.
    """
    y = x * 0.015625
    e = 1.0 + y / 12.0
    e = 1.0 + y / 11.0 * e
    e = 1.0 + y / 10.0 * e
    e = 1.0 + y / 9.0 * e
    e = 1.0 + y / 8.0 * e
    e = 1.0 + y / 7.0 * e
    e = 1.0 + y / 6.0 * e
    e = 1.0 + y / 5.0 * e
    e = 1.0 + y / 4.0 * e
    e = 1.0 + y / 3.0 * e
    e = 1.0 + y / 2.0 * e
    e = 1.0 + y * e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    return e


@inlined
def log_sum(one, other):  # type: ignore[no-untyped-def]
    """Return log(e^one + e^other)."""
    high, low = max(one, other), min(one, other)
    return high + np.log1p(np.exp(low - high)) if low > -np.inf else high


@inlined
def draw_tile(x, stream, tile):  # type: ignore[no-untyped-def]
    """Replace the field x of each lane of a tile by 1 with probability σ(x), else by 0."""
    # Unsigned indices, or the compiler allows for negative ones and does not vectorise.
    for lane in range(LANES):
        i = np.uintp(tile) * _LANES + np.uintp(lane)
        j = np.uintp(tile) * _WORDS + np.uintp(lane)
        u, s0, s1, s2, s3 = uniform(
            stream[j],
            stream[j + _LANES],
            stream[j + np.uintp(2) * _LANES],
            stream[j + np.uintp(3) * _LANES],
        )
        stream[j] = s0
        stream[j + _LANES] = s1
        stream[j + np.uintp(2) * _LANES] = s2
        stream[j + np.uintp(3) * _LANES] = s3
        bounded = min(max(x[i], -LARGEST_EXPONENT), LARGEST_EXPONENT)
        x[i] = 1.0 if u * (1.0 + exponential(-bounded)) < 1.0 else 0.0
