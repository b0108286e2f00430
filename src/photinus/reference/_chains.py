"""What the samplers share: evidence, chains on threads, fields, uniform numbers."""

import math
from collections.abc import Callable, Hashable
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.compilation import inlined, kernel, wide
from photinus._core.streams import next_word
from photinus._core.threads import available_threads, on_threads
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence, Given

T = TypeVar("T")

LANES = 16
"""Chains that are drawn together, by vector instructions."""
WORDS = 6
"""Words of a lane: the four of its stream, and the two last drawn."""
_LANES, _WORDS = np.uintp(LANES), np.uintp(WORDS * LANES)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_SIXTY_FOURTH = np.float32(1 / 64)
_SERIES = tuple(np.float32(1 / math.factorial(k)) for k in range(7))
_ROUGH_LIMIT = np.float32(16.0)
"""Fields up to which a draw in single precision can be sure of a one."""
_DOUBT = np.float32(2.0**-14)
"""Distance of u (1 + e^-x) from 1 below which a draw in single precision is in doubt."""
_IN_DOUBT = 2
_LAST_BIT, _TRUNCATED = np.float32(2.0**-24), np.float32(2.0**-22)
"""What the last bit of a number of 24 bits is worth, and more than what these leave out."""
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
    return joined(high, low), s0, s1, s2, s3


@inlined
def joined(high, low):  # type: ignore[no-untyped-def]
    """Return the number strictly between 0 and 1 that two words make."""
    bits = float(high >> np.uint32(6)) * 67108864.0 + float(low >> np.uint32(6))
    return (bits + 0.5) * 2.220446049250313e-16


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
def _rough_draw(x, high):  # type: ignore[no-untyped-def]
    """Return 1 if ``uniform < σ(x)`` by the first word alone, else 0; and _IN_DOUBT more if in doubt.

    Single precision, the series of `exponential` cut short: wrong by 2^-16 at most, and by what the
    other word would add. Below -16 it is sure of zeros alone.
    """
    near = max(min(np.float32(x), _ROUGH_LIMIT), -_ROUGH_LIMIT)
    y = -_SIXTY_FOURTH * near
    e = _SERIES[5] + y * _SERIES[6]
    e = _SERIES[4] + y * e
    e = _SERIES[3] + y * e
    e = _SERIES[2] + y * e
    e = _ONE + y * e
    e = _ONE + y * e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    odds = _ONE + e
    beyond = (np.float32(high >> np.uint32(8)) + _HALF) * _LAST_BIT * odds - _ONE
    # Compared so that what is not a number is in doubt.
    sure = abs(beyond) > _DOUBT + _TRUNCATED * odds
    return np.uint8((1 if beyond < _ZERO else 0) + (0 if sure else _IN_DOUBT))


@inlined
def draw_lanes(whole, scale, stream, drawn):  # type: ignore[no-untyped-def]
    """Draw each lane: 1 with probability σ(scale * whole), else 0.

    Nearly always a rough draw tells what an exact one would give. Where it does not, all are drawn
    exactly, from the same words.
    """
    wide()
    rough_scale = np.float32(scale)
    # Unsigned indices, or the compiler allows for negative ones and does not vectorise.
    for tile in range(np.uintp(drawn.size) // _LANES):
        for lane in range(LANES):
            i = tile * _LANES + np.uintp(lane)
            j = tile * _WORDS + np.uintp(lane)
            s0, s1 = stream[j], stream[j + _LANES]
            s2, s3 = stream[j + np.uintp(2) * _LANES], stream[j + np.uintp(3) * _LANES]
            high, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            low, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            stream[j] = s0
            stream[j + _LANES] = s1
            stream[j + np.uintp(2) * _LANES] = s2
            stream[j + np.uintp(3) * _LANES] = s3
            stream[j + np.uintp(4) * _LANES] = high
            stream[j + np.uintp(5) * _LANES] = low
            drawn[i] = _rough_draw(rough_scale * np.float32(whole[i]), high)
    # Gathered apart: within the loop above, each tile would have to wait for it.
    some = np.uint8(0)
    for k in range(np.uintp(drawn.size)):
        some = np.uint8(some | drawn[k])
    if some & _IN_DOUBT:
        _draw_exactly(whole, scale, stream, drawn)


@inlined
def _draw_exactly(whole, scale, stream, drawn):  # type: ignore[no-untyped-def]
    """Do what `draw_lanes` does with both words of each lane, in double precision."""
    for tile in range(np.uintp(drawn.size) // _LANES):
        for lane in range(LANES):
            i = tile * _LANES + np.uintp(lane)
            j = tile * _WORDS + np.uintp(lane)
            u = joined(stream[j + np.uintp(4) * _LANES], stream[j + np.uintp(5) * _LANES])
            x = scale * whole[i]
            bounded = min(max(x, -LARGEST_EXPONENT), LARGEST_EXPONENT)
            drawn[i] = 1 if u * (1.0 + exponential(-bounded)) < 1.0 else 0
