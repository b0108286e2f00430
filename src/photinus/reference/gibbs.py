"""Gibbs sampling: units drawn from their conditionals, P(z_k = 1 | others) = σ(u_k).

u_k = b_k + Σ_j W_kj z_j (Geman & Geman 1984, IEEE Trans. Pattern Anal. Mach. Intell. 6, 721). A sweep
goes through groups of units that are not coupled to each other. It draws all units of a group at once,
which is the same as one after the other. The groups are a colouring of the graph of couplings between
the free units. There are two for a bipartite machine (a restricted one, a chessboard), as many as units
for a dense one. So block Gibbs sampling, checkerboard updates and the sequential sweep are one
procedure.

All u are kept up to date: when a unit flips, its row of W is added or subtracted, so a sweep costs what
changes. Where units have few partners, u is added up when the unit is drawn, see `_gathered`. All u are
whole multiples of a quantum. Whole numbers add up exactly in any order, so nothing drifts, and a draw
depends neither on how the work is cut nor on threads. The sampled machine is the one with weights and
biases rounded to the quantum.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.compilation import inlined, kernel
from photinus._core.matrices import mapped, part
from photinus._core.streams import Role, Seed, coins, lane_states, seed_sequence
from photinus._core.threads import available_threads
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Given
from photinus.reference._chains import (
    LANES,
    WORDS,
    draw_lanes,
    evidence_of,
    fields,
    over_chains,
)
from photinus.reference._gathered import sweep_gathered
from photinus.reference.couplings import VECTOR, in_order, in_stretches, partners, quantum

FIELDS_PER_BLOCK = 2**17
"""Entries of the field that a block of chains keeps in the cache (512 KiB)."""
CHAINS_GATHERED = 64
"""Chains of a block whose fields are gathered: the states of a unit are a line of the cache."""
FIELDS_PER_LINE = 16
"""32-bit fields in a line of the cache."""


class GibbsSampler:
    """Gibbs sampling under way: `run` goes on where the last call stopped.

    The draws depend neither on the number of threads, nor on how they are cut into runs. Those of chain
    c do not depend on how many chains there are.

    Parameters
    ----------
    machine
        The target; any number of units.
    chains
        Number of independent chains, >= 1.
    seed
        Integer, SeedSequence or None (fresh entropy).
    evidence : mapping label → 0, 1 or array (chain,), optional
        Units that do not move, and their values: the same for all chains, or each chain its own.
    clamp_units, clamp_values : arrays (k,) and (k,) or (chain, k), optional
        The same by position, in place of `evidence`.
    threads
        Number of threads; by default all cores that this process may use.
    initial : array (unit,) or (chain, unit), optional
        States to start from; by default fair coin flips. Evidence overwrites them.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """

    def __init__(
        self,
        machine: BoltzmannMachine,
        *,
        chains: int,
        seed: Seed = None,
        evidence: Given | None = None,
        clamp_units: ArrayLike | None = None,
        clamp_values: ArrayLike | None = None,
        threads: int | None = None,
        initial: ArrayLike | None = None,
    ) -> None:
        validate.instance("machine", machine, BoltzmannMachine)
        chains = validate.integer("chains", chains, 1)
        self._threads = available_threads(threads)
        known = evidence_of(machine, chains, evidence, clamp_units, clamp_values)
        free = known.free
        self._quantum, whole = quantum(machine)
        weights = mapped(
            part(machine.matrix, free, free), lambda w: np.rint(w / self._quantum).astype(whole)
        )
        order, groups, weights = in_order(weights)
        self._units = free[order]
        # One of the two: both do the same.
        self._partners = partners(weights)
        self._couplings = in_stretches(weights, groups) if self._partners is None else None
        root = seed_sequence(seed)
        self._z = _initial(initial, chains, machine.n_units, root)
        known.fill(self._z)
        # The fields while all free units are off, to which those that are on are added.
        quiet = np.rint(fields(machine, self._units, known.states()) / self._quantum)
        self._quiet = self._kept(quiet.astype(whole))
        self._field = self._fields()
        self._stream = lane_states(root, Role.GIBBS, chains, 1)[:, 0].copy()

    def run(self, draws: int, *, skip: int = 0, temperature: float = 1.0) -> NDArray[np.uint8]:
        """Return the states after each of the next `draws` sweeps, array (chain, draw, unit).

        `skip` sweeps before them are not kept. At a `temperature` other than one the sweeps are of
        the machine with weights and biases divided by it.
        """
        draws = validate.integer("draws", draws, 0)
        skip = validate.integer("skip", skip, 0)
        temperature = validate.positive("temperature", temperature)
        return self.sweep(np.full(skip + draws, temperature), np.arange(skip + draws) >= skip)

    def sweep(
        self,
        temperatures: NDArray[np.float64],
        keep: NDArray[np.bool_],
        chosen: NDArray[np.intp] | None = None,
    ) -> NDArray[np.uint8]:
        """Do one sweep at each of the `temperatures`, array (sweep,), above 0.

        Returns the states after the sweeps to `keep`, array (sweep,), as array (chain, draw, unit).
        If some chains are `chosen`, array (k,), only these move on.
        """
        everything: slice | NDArray[np.intp] = slice(None) if chosen is None else chosen
        z, stream = self._z[everything], self._stream[everything]
        field = _of_chains(self._field, everything)
        states = np.empty((len(z), int(keep.sum()), z.shape[1]), np.uint8)
        states[:] = z[:, None]
        scale = self._quantum / temperatures

        def advance(block: slice) -> None:
            own = _of_chains(field, block)
            rest = self._units, scale, keep, own, z[block], stream[block], states[block]
            if self._partners is None:
                _sweep(self._couplings, *rest)
            else:
                sweep_gathered(self._partners, *rest)

        size = CHAINS_GATHERED
        if self._partners is None:
            size = LANES * max(1, FIELDS_PER_BLOCK // (LANES * len(self._units)))
        over_chains(advance, len(z), size, self._threads)
        if chosen is not None:  # those were copies
            self._z[chosen], self._stream[chosen] = z, stream
            if self._partners is None:
                self._field[chosen] = field
        return states

    def _kept(self, quiet: NDArray[Any]) -> NDArray[Any]:
        """Return the fields while all free units are off, as sweeps take them."""
        if self._partners is not None:  # once, where all chains have the same
            return quiet[:1].copy() if (quiet == quiet[0]).all() else quiet
        padded = np.zeros((len(quiet), _padded(quiet.shape[1])), quiet.dtype)
        padded[:, : quiet.shape[1]] = quiet
        return padded

    def _fields(self) -> NDArray[Any]:
        """Return the fields of the present states in quanta, array (chain, free unit)."""
        if self._partners is not None:  # added up when they are needed
            return self._quiet
        field = self._quiet.copy()
        _add_active(self._couplings, self._units, self._z, field)
        return field

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` needs to go on with the same draws."""
        return {"z": self._z.copy(), "stream": self._stream.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a `state` of a sampler that was built with the same arguments."""
        if state["z"].shape != self._z.shape:
            raise InvalidInput("state must come from a sampler built with the same arguments")
        self._z = np.array(state["z"], np.uint8)
        self._field = self._fields()
        self._stream = np.array(state["stream"], np.uint32)


def sample_gibbs(
    machine: BoltzmannMachine,
    *,
    chains: int,
    draws: int,
    burn_in: int = 0,
    seed: Seed = None,
    evidence: Given | None = None,
    clamp_units: ArrayLike | None = None,
    clamp_values: ArrayLike | None = None,
    threads: int | None = None,
    initial: ArrayLike | None = None,
) -> NDArray[np.uint8]:
    """Return Gibbs draws, array (chain, draw, unit), one per full sweep over the units.

    Parameters
    ----------
    machine
        The target; any number of units.
    chains, draws
        Independent chains and draws of each, both >= 1.
    burn_in
        Sweeps before the first draw, >= 0.
    seed, evidence, clamp_units, clamp_values, threads, initial
        See `GibbsSampler`.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    sampler = GibbsSampler(
        machine,
        chains=chains,
        seed=seed,
        evidence=evidence,
        clamp_units=clamp_units,
        clamp_values=clamp_values,
        threads=threads,
        initial=initial,
    )
    draws = validate.integer("draws", draws, 1)
    return sampler.run(draws, skip=validate.integer("burn_in", burn_in, 0))


def _initial(
    initial: ArrayLike | None, chains: int, n: int, seed: np.random.SeedSequence
) -> NDArray[np.uint8]:
    if initial is None:
        return coins(seed, Role.INITIAL_STATE, chains, n)
    states = validate.binary_array("initial", initial)
    if states.shape not in ((n,), (chains, n)):
        raise InvalidInput(f"initial must have shape {(n,)} or {(chains, n)}, got {states.shape}")
    return np.broadcast_to(states, (chains, n)).copy()


def _of_chains(field: NDArray[Any], some: slice | NDArray[np.intp]) -> NDArray[Any]:
    """Return the fields of some chains; one row is that of all."""
    return field if len(field) == 1 else field[some]


def _padded(units: int) -> int:
    """Return the length of a row of fields: room for filled-up stretches, an odd number of cache lines.

    Rows a power of two apart would meet in the same few places of the cache.
    """
    lines = -(-(units + VECTOR) // FIELDS_PER_LINE)
    return FIELDS_PER_LINE * (lines + 1 - lines % 2)


@kernel
def _add_active(couplings, units, z, field):  # type: ignore[no-untyped-def]
    """Add to each chain's field the rows of its units that are 1."""
    first, stretches, values = couplings.first, couplings.stretches, couplings.values
    for c in range(len(z)):
        for k in range(len(units)):
            if z[c, units[k]]:
                for s in range(first[k], first[k + 1]):
                    start, length, place = stretches[s]
                    for i in range(length):
                        field[c, start + i] += values[place + i]


@inlined
def _place(chain, unit, stretch, on, half, stretches):  # type: ignore[no-untyped-def]
    """Return where the values begin that a flip of `unit` adds."""
    return np.uintp(stretches[stretch, 2] + (0 if on[unit, chain] else half))


@inlined
def _pass_on(couplings, group, flips, on, field):  # type: ignore[no-untyped-def]
    """Add to the fields what the `flips` (chain, unit) of a group, chain by chain, change."""
    # Scalars only: a slice in here would cost as much as passing on a flip.
    first, stretches, values = couplings.first, couplings.stretches, couplings.values
    width, flat, half = field.shape[1], field.reshape(-1), len(values) // 2
    f = 0
    while f < len(flips):
        c, k = flips[f, 0], flips[f, 1]
        if couplings.alike[group] and f + 3 < len(flips) and flips[f + 3, 0] == c:
            # Four flips of a chain at once: its fields are fetched and stored once for all of them.
            k1, k2, k3 = flips[f + 1, 1], flips[f + 2, 1], flips[f + 3, 1]
            p = _place(c, k, first[k], on, half, stretches)
            q = _place(c, k1, first[k1], on, half, stretches)
            r = _place(c, k2, first[k2], on, half, stretches)
            t = _place(c, k3, first[k3], on, half, stretches)
            to = np.uintp(c * width + stretches[first[k], 0])
            for i in range(np.uintp(stretches[first[k], 1])):
                flat[to + i] += (values[p + i] + values[q + i]) + (values[r + i] + values[t + i])
            f += 4
        else:
            for s in range(first[k], first[k + 1]):
                to = np.uintp(c * width + stretches[s, 0])
                p = _place(c, k, s, on, half, stretches)
                for i in range(np.uintp(stretches[s, 1])):
                    flat[to + i] += values[p + i]
            f += 1


@kernel
def _sweep(  # type: ignore[no-untyped-def]
    couplings, units, scale, keep, field, z, stream, states
):
    """Do one sweep per entry of `scale`; z, field and stream move on."""
    groups = couplings.groups
    chains, n = len(z), len(units)
    tiles = (chains + LANES - 1) // LANES
    # Allocated empty, and no np.diff: Numba's own helpers take seconds to compile.
    on = np.empty((n, chains), np.uint8)
    words = np.empty(tiles * WORDS * LANES, np.uint32)
    words[:] = 1  # a generator at zero would stay there
    for c in range(chains):
        for k in range(n):
            on[k, c] = z[c, units[k]]
        for w in range(4):
            words[(c // LANES * WORDS + w) * LANES + c % LANES] = stream[c, w]
    whole = np.empty(tiles * LANES, field.dtype)
    whole[:] = 0
    drawn = np.empty(tiles * LANES, np.uint8)
    largest = 0
    for g in range(len(groups) - 1):
        largest = max(largest, groups[g + 1] - groups[g])
    changed = np.empty((largest, chains), np.uint8)
    flips = np.empty((largest * chains + 1, 2), np.intp)
    draw = 0
    for sweep in range(len(scale)):
        for g in range(len(groups) - 1):
            begin, size = groups[g], groups[g + 1] - groups[g]
            for i in range(size):
                k = begin + i
                for c in range(chains):
                    whole[c] = field[c, k]
                draw_lanes(whole, scale[sweep], words, drawn)
                for c in range(chains):
                    changed[i, c] = drawn[c] ^ on[k, c]
                    on[k, c] = drawn[c]
            # A list without branches: what did not change is overwritten by the next one.
            count = 0
            for c in range(chains):
                for i in range(size):
                    flips[count, 0], flips[count, 1] = c, begin + i
                    count += changed[i, c]
            _pass_on(couplings, g, flips[:count], on, field)
        if keep[sweep]:
            for c in range(chains):
                for k in range(n):
                    states[c, draw, units[k]] = on[k, c]
            draw += 1
    for c in range(chains):
        for k in range(n):
            z[c, units[k]] = on[k, c]
        for w in range(4):
            stream[c, w] = words[(c // LANES * WORDS + w) * LANES + c % LANES]
