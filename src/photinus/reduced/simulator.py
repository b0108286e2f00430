"""The face of the simulation of reduced lasers: validates, lays out, cuts into pieces."""

import math
from collections.abc import Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus import _validate
from photinus._threads import available_threads
from photinus.errors import InvalidInput
from photinus.network import LaserNetwork
from photinus.reduced.model import ReducedLaser
from photinus.simulation import TILE
from photinus.simulation.couplings import Couplings, among, compile_couplings, from_clamped
from photinus.simulation.engine import BLOCKS, CLAMP_MODES
from photinus.simulation.spikes import SpikeTrains
from photinus.simulation.streams import Role, Seed, lane_states, seed_sequence

LANES_PER_BLOCK = 1024
"""Lanes of a block at most, unless one chain has more: about 45 kB are touched in a step."""
WIDE = 64
"""Units from which on every chain begins at a tile."""
FULL = 0.5
"""Part of a row of tiles that couplings fill at least, for the row to be stored whole."""
CLASSES = 8
"""Different places and widths of such rows at most."""
PENDING_PER_LANE = 2
"""Spikes that a lane has under way at first; room grows when it is needed."""


class ReducedSimulator:
    """A network of reduced lasers under way, piece by piece; the face of `simulation.engine.Simulator`.

    The same seed gives the same spikes on any number of threads and however the time is cut. Chain c
    does not depend on how many chains there are. Spikes have times between the steps.

    Parameters
    ----------
    network
        What to simulate; all lasers as designed, and one delay for all synapses.
    reduced
        The reduced laser of the network's device.
    chains
        Number of independent copies, >= 1.
    seed
        Integer, SeedSequence or None (fresh entropy).
    clamp, clamp_mode, drive, threads
        As in `simulation.engine.Simulator`.

    Attributes
    ----------
    units : array (simulated unit,)
        Positions of the units that are simulated.
    grid, time_step
        Step of the recursion [s].

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """

    def __init__(
        self,
        network: LaserNetwork,
        reduced: ReducedLaser,
        *,
        chains: int = 1,
        seed: Seed = None,
        clamp: Mapping[Hashable, ArrayLike] | None = None,
        clamp_mode: str = "pump",
        drive: NDArray[np.float64] | None = None,
        threads: int | None = None,
    ) -> None:
        if network.devices:
            raise InvalidInput(
                "devices must be empty for reduced lasers, which are all as designed, "
                f"got {len(network.devices)} lasers of their own"
            )
        if np.ptp(network.delay) > 0:
            raise InvalidInput("delay must be one number for reduced lasers, got different ones")
        self.network, self.reduced = network, reduced
        self.chains = _validate.integer("chains", chains, 1)
        self.seed = seed_sequence(seed)
        self.time_step = self.grid = reduced.time_step
        self.threads = available_threads(threads)
        self.step = 0
        _validate.one_of("clamp_mode", clamp_mode, CLAMP_MODES)
        fixed, values = _validate.clamp(clamp or {}, network.labels, self.chains)
        shape = (self.chains, network.n_units)
        given = None if drive is None else _validate.finite_array("drive", drive, 2)
        if given is not None and given.shape != shape:
            raise InvalidInput(f"drive must have shape {shape}, got {given.shape}")
        full = np.array(np.broadcast_to(network.drive if given is None else given, shape))
        self.units = np.arange(network.n_units)
        if clamp_mode == "pump":
            self.units = np.setdiff1d(self.units, fixed)
            if given is None:
                full += from_clamped(network.coupling, fixed, values)
        else:
            off, on = (pump * network.parameters.gain_lifetime for pump in network.driven_pump)
            full[:, fixed] = np.where(values == 1, on, off)
        self._driven = np.isin(self.units, fixed)
        self._drive = full[:, self.units]
        self._blocks = self._lay_out(self._drive)

    def heat(self, change: NDArray[np.float64], strength: float) -> None:
        """Go on with other drives and attenuated synapses, pulses under way included.

        Parameters
        ----------
        change : array (chain, unit)
            What is added to the drives [carriers] that the simulator was built with; lasers that are
            clamped by driving them keep theirs.
        strength
            What all couplings are multiplied with, >= 0; 1 as they were built.
        """
        drive = self._drive + np.where(self._driven, 0.0, change[:, self.units])
        for block in self._blocks:
            block.heat(drive[block.first_chain : block.first_chain + block.chains], strength)

    def _lay_out(self, drive: NDArray[np.float64]) -> list["_Block"]:
        n = len(self.units)
        stride = n if n < WIDE else -(-n // TILE) * TILE
        couplings = compile_couplings(among(self.network.coupling, self.units), 0.0, 1.0, 1.0, 1.0)
        shared = _Shared(self.network, self.reduced, couplings, stride)
        # Never by the number of threads: a saved state must fit on any machine.
        size = max(-(-TILE // n), min(-(-self.chains // BLOCKS), LANES_PER_BLOCK // stride))
        return [
            _Block(first, drive[first : first + size], shared, self.seed)
            for first in range(0, self.chains, size)
        ]

    @property
    def time(self) -> float:
        """Time reached [s]."""
        return self.step * self.grid

    def advance(self, duration: float) -> SpikeTrains:
        """Simulate on for `duration` [s], rounded up to the grid, and return the new spikes."""
        duration = _validate.positive("duration", duration, "s")
        start = self.step
        stop = start + max(1, math.ceil(duration / self.grid - 1e-6))
        if self.threads == 1 or len(self._blocks) == 1:
            results = [block.advance(start, stop) for block in self._blocks]
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                results = list(pool.map(lambda block: block.advance(start, stop), self._blocks))
        self.step = stop
        chain, unit, time = (np.concatenate(column) for column in zip(*results, strict=True))
        return SpikeTrains(
            chain,
            self.units.astype(np.int32)[unit],
            time * self.grid,
            self.network.labels,
            self.chains,
            start * self.grid,
            stop * self.grid,
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that a later `restore` needs to go on with the same spikes."""
        state: dict[str, NDArray[Any]] = {"step": np.array(self.step)}
        for k, block in enumerate(self._blocks):
            state.update({f"{name}.{k}": getattr(block, name).copy() for name in _Block.ARRAYS})
        return state

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a `state` of a simulator that was built with the same arguments."""
        mine = {f"last_spike.{k}": block.last_spike.size for k, block in enumerate(self._blocks)}
        given = {name: values.size for name, values in state.items() if name.startswith("last_spike.")}
        if mine != given:
            raise InvalidInput("state must come from a simulator built with the same arguments")
        self.step = int(state["step"])
        for k, block in enumerate(self._blocks):
            for name in _Block.ARRAYS:
                setattr(block, name, np.array(state[f"{name}.{k}"]))


class _Shared:
    """What all blocks read and none writes."""

    def __init__(
        self, network: LaserNetwork, reduced: ReducedLaser, couplings: Couplings, stride: int
    ) -> None:
        kernel, dt = network.kernel, reduced.time_step
        self.reduced, self.couplings, self.stride = reduced, couplings, stride
        self.rows = _rows(couplings, stride)
        self.constants, table = reduced.constants(), reduced.table()
        self.hazard, self.columns = np.vstack([table, table[-1:]]).ravel(), table.shape[1]
        steps = kernel.duration / dt
        decays = kernel.shape == "exponential"
        decay = math.exp(-1 / steps) if decays else 1.0
        # The mean of an exponential over a step, not its begin.
        self.sustain = kernel.sustain * ((1 - decay) * steps if decays else 1.0)
        self.kick = kernel.kick * reduced.gain_lifetime / dt
        self.pulse = steps, np.float32(decay), kernel.renewing
        self.delay = float(np.max(network.delay)) / dt
        fatigue = network.depression
        self.depression = (0.0, 1.0) if fatigue is None else (fatigue.use, fatigue.recovery / dt)


def _rows(couplings: Couplings, stride: int) -> tuple[NDArray[Any], ...]:
    """Return the couplings of sources whose targets lie close together, as whole rows of tiles.

    Returns
    -------
    dense : float32, rows of tiles, one after the other.
    row_of : int64 (source,), where the row of a source begins.
    class_of : int64 (source,), which class of rows it is of; -1 for none.
    class_tiles : int64 (class, 2), first tile and number of tiles of the rows of each class.
    """
    none = np.zeros(0, np.float32), *np.full((2, stride), -1), np.zeros((0, 2), np.int64)
    sources = len(couplings.groups_of) - 1
    if stride % TILE or not len(couplings.runs):
        return none
    begin = couplings.runs_of[couplings.groups_of]
    count = np.diff(begin)
    target, _, length = couplings.runs.T
    some = np.flatnonzero(count)
    first, last = np.zeros((2, sources), np.int64)
    filled = np.zeros(sources)
    first[some] = target[begin[:-1][some]] // TILE
    last[some] = -(-(target + length)[begin[1:][some] - 1] // TILE)
    filled[some] = np.add.reduceat(length, begin[:-1][some])
    place = np.stack([first, last - first], axis=1)
    close = (count > 0) & (filled >= FULL * TILE * place[:, 1])
    if not close.any():
        return none
    class_tiles, which = np.unique(place[close], axis=0, return_inverse=True)
    if len(class_tiles) > CLASSES:
        span = first[close].min(), last[close].max() - first[close].min()
        place[close] = span
        class_tiles, which = np.array([span]), np.zeros(close.sum(), np.int64)
    class_of = np.full(stride, -1)
    class_of[:sources][close] = which.ravel()
    row_of = np.zeros(stride, np.int64)
    ends = np.cumsum(TILE * place[close, 1])
    row_of[:sources][close] = np.append(0, ends[:-1])
    dense = np.zeros(ends[-1], np.float32)
    for source in np.flatnonzero(close):
        for aim, offset, size in couplings.runs[begin[source] : begin[source + 1]]:
            to = row_of[source] + aim - TILE * place[source, 0]
            dense[to : to + size] = couplings.kick[offset : offset + size]
    return dense, row_of, class_of, class_tiles


class _Block:
    """The state of a few whole chains, and the call that advances them."""

    ARRAYS = (
        "f",
        "r",
        "synaptic",
        "last_spike",
        "last_place",
        "resources",
        "pending",
        "ring",
        "strength",
    )

    def __init__(
        self,
        first_chain: int,
        drive: NDArray[np.float64],
        shared: _Shared,
        seed: np.random.SeedSequence,
    ) -> None:
        from photinus.reduced import kernel

        self.first_chain, self.shared = first_chain, shared
        self.chains, self.units = drive.shape
        reduced, stride = shared.reduced, shared.stride
        lanes = self.chains * stride
        padded = -(-lanes // TILE) * TILE
        # Where the lasers are among the lanes; the others never fire.
        at = (np.arange(self.chains)[:, None] * stride + np.arange(self.units)).ravel()
        self.at = at
        self.chain_of = np.repeat(np.arange(self.chains), stride)
        base = drive.ravel() - reduced.reset
        words = lane_states(seed, Role.INITIAL_STATE, self.chains, self.units, first_chain)
        uniform = (words.reshape(drive.size, 4) + 0.5) / 2.0**32
        rows = np.zeros((kernel.ROWS, padded))
        # As if each laser had fired within the length of a pulse, at any time of it.
        rows[kernel.RISEN] = 0.5
        since = uniform[:, 0] * shared.pulse[0] * reduced.time_step
        rows[kernel.RISEN, at] = -np.expm1(-since / reduced.gain_lifetime)
        rows[kernel.BASE, at] = base
        for row in (kernel.EFFECTIVE, kernel.FELT):
            rows[row, at] = np.maximum(base, -reduced.reset)
        rows[kernel.LEFT] = np.inf
        rows[kernel.LEFT, at] = -np.log(uniform[:, 1])
        rows[kernel.SHIFT, at] = uniform[:, 2]
        self.f = _tiled(rows.astype(np.float32))
        states = np.ones((4, padded), np.uint32)
        noise = lane_states(seed, Role.ESCAPE, self.chains, self.units, first_chain)
        states[:, at] = noise.reshape(drive.size, 4).T
        self.r = _tiled(states)
        self.synaptic = np.zeros(padded, np.float32)
        self.last_spike = np.full(lanes, -1e18)
        self.last_place = np.zeros(lanes, np.int64)
        self.resources = np.ones(lanes)
        # What all synapses are attenuated to, see `ReducedSimulator.heat`.
        self.strength = np.ones(1)
        size = 1 << math.ceil(math.log2(PENDING_PER_LANE * lanes))
        self.pending = np.zeros((size, kernel.PENDING))
        self.ring = np.zeros(3, np.int64)
        self.spikes = np.empty((max(4096, 2 * lanes), 2))

    def heat(self, drive: NDArray[np.float64], strength: float) -> None:
        """Go on with other drives, and all synapses at `strength` times their height."""
        from photinus.reduced import kernel

        tiles = self.f.reshape(-1, kernel.ROWS, TILE)
        self.synaptic *= np.float32(strength / self.strength[0])
        self.strength[0] = strength
        lanes = np.zeros(tiles.shape[0] * TILE)
        lanes[self.at] = drive.ravel() - self.shared.reduced.reset
        tiles[:, kernel.BASE] = lanes.reshape(-1, TILE)

    def advance(self, step: int, stop: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
        """Advance from `step` to `stop`; return chain, unit and time [steps] of the spikes."""
        from photinus.reduced import kernel

        s = self.shared
        parts = []
        while step < stop:
            before = step
            step, written = kernel.advance_block(
                self.f,
                self.r,
                self.synaptic,
                self.last_spike,
                self.last_place,
                self.resources,
                self.pending,
                self.ring,
                s.constants,
                s.hazard,
                s.columns,
                s.couplings.groups_of,
                s.couplings.runs_of,
                s.couplings.runs,
                s.couplings.kick,
                s.kick * self.strength[0],
                s.sustain * self.strength[0],
                *s.pulse,
                s.delay,
                *s.depression,
                *s.rows,
                self.chain_of,
                s.stride,
                self.chains,
                TILE,
                before,
                stop,
                self.spikes,
            )
            parts.append(self.spikes[:written].copy())
            if step == before:
                self._grow()
        spikes = np.concatenate(parts) if len(parts) > 1 else parts[0]
        chain, unit, time = kernel.by_chain(spikes, self.chain_of, s.stride, self.chains)
        return chain + np.int32(self.first_chain), unit, time

    def _grow(self) -> None:
        """Make twice the room for spikes that are under way."""
        old, size = self.pending, len(self.pending)
        self.pending = np.zeros((2 * size, old.shape[1]))
        places = np.arange(self.ring[0], self.ring[2])
        self.pending[places % (2 * size)] = old[places % size]


def _tiled(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows (row, lane) as one flat array, tile by tile."""
    return np.ascontiguousarray(rows.reshape(len(rows), -1, TILE).transpose(1, 0, 2)).ravel()
