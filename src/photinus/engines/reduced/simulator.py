"""The face of the simulation of reduced lasers: validates, lays out, cuts into pieces."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.compilation import SHORT_TILE as TILE
from photinus._core.memory import aligned, tiled
from photinus._core.streams import Role, Seed, lane_states, seed_sequence
from photinus._core.threads import available_threads, on_threads
from photinus.engines.base import restore, state_of
from photinus.engines.laser.simulator import BLOCKS, CLAMP_MODES
from photinus.engines.reduced import loop
from photinus.engines.reduced.loop import AIM, FAN_OUT, KEY, NOWHERE, ROW, SCATTERED, SIZE, WIDTH
from photinus.engines.reduced.model import EscapeRate
from photinus.errors import InvalidInput, PhotinusError
from photinus.networks.couplings import Couplings, among, compile_couplings, from_clamped
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import SpikeTrains

LANES_PER_BLOCK = 1024
"""Lanes of a block at most, unless one chain has more: about 45 kB are touched in a step."""
WIDE = 64
"""Units from which on every chain begins at a tile."""
FULL = 0.5
"""Part of a row of tiles that couplings fill at least, for the row to be stored whole."""
LARGEST = 2**15 - 1
"""What the largest coupling of a row is stored as."""
CLASSES = 8
"""Different places and widths of such rows at most."""
FAR = 1e30
"""Constant drive at most [carriers]: single precision holds it."""
ROOM = 1 << 15
"""Spikes that one call of the inner loop returns at most, unless there are many lanes."""
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
        reduced: EscapeRate,
        *,
        chains: int = 1,
        seed: Seed = None,
        clamp: Mapping[Hashable, ArrayLike] | None = None,
        clamp_mode: str = "pump",
        drive: NDArray[np.float64] | None = None,
        threads: int | None = None,
    ) -> None:
        validate.instance("network", network, LaserNetwork)
        validate.instance("reduced", reduced, EscapeRate)
        if network.devices:
            raise InvalidInput(
                "devices must be empty for reduced lasers, which are all as designed, "
                f"got {len(network.devices)} lasers of their own"
            )
        if np.ptp(network.delay) > 0:
            raise InvalidInput("delay must be one number for reduced lasers, got different ones")
        self.network, self.reduced = network, reduced
        self.chains = validate.integer("chains", chains, 1)
        self.seed = seed_sequence(seed)
        self.time_step = self.grid = reduced.time_step
        self.threads = available_threads(threads)
        self.step = 0
        validate.one_of("clamp_mode", clamp_mode, CLAMP_MODES)
        fixed, values = validate.clamp(clamp, network.labels, self.chains)
        shape = (self.chains, network.n_units)
        given = None if drive is None else validate.finite_array("drive", drive, 2)
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

    @property
    def drive(self) -> NDArray[np.float64]:
        """Constant drives that it was built with, array (chain, simulated unit) [carriers]."""
        return self._drive

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
        shared = _Shared(self.network, self.reduced, self.units, couplings, stride)
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
        duration = validate.positive("duration", duration, "s")
        start = self.step
        stop = start + max(1, math.ceil(duration / self.grid - 1e-6))
        counts = np.concatenate(
            on_threads(lambda block: block.advance(start, stop), self._blocks, self.threads)
        )
        self.step = stop
        ends = np.append(0, np.cumsum(counts))
        chain, unit = np.empty((2, ends[-1]), np.int32)
        time = np.empty(ends[-1])
        on_threads(lambda block: block.write(ends, chain, unit, time), self._blocks, self.threads)
        return SpikeTrains(
            chain,
            unit,
            time,
            self.network.labels,
            self.chains,
            start * self.grid,
            stop * self.grid,
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that a later `restore` needs to go on with the same spikes."""
        return state_of(self.step, self._blocks)

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a `state` of a simulator that was built with the same arguments."""
        self.step = restore(self._blocks, state)


class _Shared:
    """What all blocks read and none writes."""

    def __init__(
        self,
        network: LaserNetwork,
        reduced: EscapeRate,
        units: NDArray[np.intp],
        couplings: Couplings,
        stride: int,
    ) -> None:
        kernel, dt = network.kernel, reduced.time_step
        self.reduced, self.units, self.stride = reduced, units, stride
        runs_of = couplings.runs_of[couplings.groups_of]
        dense, self.fan_out, self.unit = _rows(couplings, runs_of, stride)
        self.couplings = runs_of, couplings.runs, couplings.kick, dense
        self.constants = reduced.constants()
        # The last row once more: all has risen.
        tables = [np.vstack([table, table[-1:]]) for table in reduced.tables()]
        self.tables = tables[0].ravel(), tables[1].ravel(), tables[0].shape[1]
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


def _rows(
    couplings: Couplings, begin: NDArray[np.int64], stride: int
) -> tuple[NDArray[np.int16], NDArray[np.int64], NDArray[np.float32]]:
    """Return the couplings of sources whose targets lie close together, as whole rows.

    Parameters
    ----------
    begin
        Where the runs of each source begin, array (source + 1,).
    stride
        Lanes of a chain. Rows of tiles if these are whole tiles.

    Returns
    -------
    dense : int16, rows, one after the other.
    fan_out : int64 (lane of a chain, FAN_OUT), see `loop.KEY`; keys without the chain.
    unit : float32 (lane of a chain,), what the integers of a row are multiples of; 1 without a row.
    """
    fan_out = np.zeros((stride, FAN_OUT), np.int64)
    fan_out[:, KEY] = NOWHERE
    some = np.flatnonzero(np.diff(begin))
    if not len(some):
        return np.zeros(0, np.int16), fan_out, np.ones(stride, np.float32)
    target, _, length = couplings.runs.T
    width = WIDTH if stride % TILE else TILE
    first = target[begin[:-1][some]] // width
    last = -(-(target + length)[begin[1:][some] - 1] // width)
    filled = np.add.reduceat(length, begin[:-1][some])
    close = (filled >= FULL * width * (last - first)) | (stride < WIDE)
    place = np.stack([first, last - first], axis=1)
    if len(np.unique(place[close], axis=0)) > CLASSES:
        place[close] = first[close].min(), last[close].max() - first[close].min()
    fan_out[some, KEY], fan_out[some, ROW] = SCATTERED, some
    rows = some[close]
    fan_out[rows, AIM], fan_out[rows, SIZE] = width * place[close].T
    fan_out[rows, KEY] = np.unique(place[close], axis=0, return_inverse=True)[1].ravel()
    ends = np.cumsum(fan_out[rows, SIZE])
    fan_out[rows, ROW] = np.append(0, ends[:-1])[: len(rows)]
    dense = np.zeros(ends[-1] if len(rows) else 0, np.int16)
    unit = np.ones(stride, np.float32)
    for source in rows:
        shift = fan_out[source, ROW] - fan_out[source, AIM]
        runs = couplings.runs[begin[source] : begin[source + 1]]
        each = couplings.kick[runs[0, 1] : runs[-1, 1] + runs[-1, 2]]
        unit[source] = max(np.abs(each).max() / LARGEST, np.finfo(np.float32).tiny)
        for aim, offset, size in runs:
            dense[shift + aim : shift + aim + size] = np.rint(
                couplings.kick[offset : offset + size] / unit[source]
            )
    return aligned(dense), fan_out, unit


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
        self.first_chain, self.shared = first_chain, shared
        self.chains, self.units = drive.shape
        reduced, stride = shared.reduced, shared.stride
        lanes = self.chains * stride
        # Rows of the last chain may reach beyond it, unless they are whole tiles.
        padded = -(-(lanes + (loop.WIDTH if stride % TILE else 0)) // TILE) * TILE
        # Where the lasers are among the lanes; the others never fire.
        at = (np.arange(self.chains)[:, None] * stride + np.arange(self.units)).ravel()
        self.at = at
        chain = np.repeat(np.arange(self.chains), stride)
        self.chain_of = chain.astype(np.int32)
        # Lanes that are not lasers have no unit, but they never fire.
        self.unit_of = shared.units[np.arange(lanes) % stride % self.units].astype(np.int32)
        self.fan_out = np.tile(shared.fan_out, (self.chains, 1))
        self.unit = np.tile(shared.unit, self.chains)
        self.fan_out[:, loop.AIM] += chain * stride
        whole = self.fan_out[:, loop.KEY] >= 0
        self.fan_out[whole, loop.KEY] += chain[whole] * stride
        base = np.clip(drive.ravel() - reduced.reset, -FAR, FAR)
        words = lane_states(seed, Role.INITIAL_STATE, self.chains, self.units, first_chain)
        uniform = (words.reshape(drive.size, 4) + 0.5) / 2.0**32
        rows = np.zeros((loop.ROWS, padded))
        # As if each laser had fired within the length of a pulse, at any time of it.
        rows[loop.RISEN] = 0.5
        since = uniform[:, 0] * shared.pulse[0] * reduced.time_step
        rows[loop.RISEN, at] = -np.expm1(-since / reduced.gain_lifetime)
        rows[loop.BASE, at] = base
        for row in (loop.EFFECTIVE, loop.FELT):
            rows[row, at] = np.maximum(base, -reduced.reset)
        rows[loop.LEFT] = np.inf
        rows[loop.LEFT, at] = -np.log(uniform[:, 1])
        rows[loop.SHIFT, at] = uniform[:, 2]
        self.f = tiled(rows.astype(np.float32), TILE)
        states = np.ones((4, padded), np.uint32)
        noise = lane_states(seed, Role.ESCAPE, self.chains, self.units, first_chain)
        states[:, at] = noise.reshape(drive.size, 4).T
        self.r = tiled(states, TILE)
        self.synaptic, self.once, read = aligned(np.zeros((3, padded), np.float32))
        place = aligned(np.zeros(padded, np.int32))
        words = np.zeros(padded // TILE, np.uint32)
        self.scratch = place, read, words, aligned(2 ** np.arange(TILE).astype(np.uint32))
        self.last_spike = np.full(lanes, -1e18)
        self.last_place = np.zeros(lanes, np.int64)
        self.resources = np.ones(lanes)
        # What all synapses are attenuated to, see `ReducedSimulator.heat`.
        self.strength = np.ones(1)
        size = 1 << math.ceil(math.log2(PENDING_PER_LANE * lanes))
        self.pending = np.zeros((size, loop.PENDING))
        self.ring = np.zeros(3, np.int64)
        self.spikes: list[tuple[NDArray[np.float64], NDArray[np.int32]]] = []

    def heat(self, drive: NDArray[np.float64], strength: float) -> None:
        """Go on with other drives, and all synapses at `strength` times their height."""
        tiles = self.f.reshape(-1, loop.ROWS, TILE)
        self.synaptic *= np.float32(strength / self.strength[0])
        self.strength[0] = strength
        lanes = np.zeros(tiles.shape[0] * TILE)
        lanes[self.at] = np.clip(drive.ravel() - self.shared.reduced.reset, -FAR, FAR)
        tiles[:, loop.BASE] = lanes.reshape(-1, TILE)

    def advance(self, step: int, stop: int) -> NDArray[np.int64]:
        """Advance from `step` to `stop`, keep the spikes for `write`, return their numbers by chain."""
        s = self.shared
        counts = np.zeros(self.last_spike.size, np.int64)
        # There are some only if an earlier call was interrupted.
        self.spikes.clear()
        while step < stop:
            before = step
            # One spike per lane and pulse, and at least what the inner loop wants before a step.
            expected = int(counts.size * (2 + (stop - step) / s.pulse[0]))
            room = max(2 * counts.size, min(ROOM, expected))
            times, lanes = np.empty(room), np.empty(room, np.int32)
            step, written = loop.advance_block(
                self.f,
                self.r,
                self.synaptic,
                self.once,
                *self.scratch,
                self.last_spike,
                self.last_place,
                self.resources,
                self.pending,
                self.ring,
                s.constants,
                *s.tables,
                *s.couplings,
                self.fan_out,
                self.unit,
                s.kick * self.strength[0],
                s.sustain * self.strength[0],
                *s.pulse,
                s.delay,
                *s.depression,
                TILE,
                s.stride,
                before,
                stop,
                times,
                lanes,
                counts,
            )
            self.spikes.append((times[:written], lanes[:written]))
            if step == before:
                self._grow()
        if np.isnan(self.f).any() or not np.isfinite(self.synaptic).all():
            raise PhotinusError(
                "the simulation left the range of numbers: drives and couplings are too large"
            )
        return np.asarray(counts.reshape(self.chains, -1).sum(axis=1))

    def write(
        self,
        ends: NDArray[np.int64],
        chain: NDArray[np.int32],
        unit: NDArray[np.int32],
        time: NDArray[np.float64],
    ) -> None:
        """Write the spikes kept, sorted, chain c from place `ends[c]` on."""
        at = ends[self.first_chain : self.first_chain + self.chains].copy()
        grid = self.shared.reduced.time_step
        for times, lanes in self.spikes:
            loop.place_by_chain(
                times,
                lanes,
                self.chain_of,
                self.unit_of,
                at,
                self.first_chain,
                grid,
                chain,
                unit,
                time,
            )
        self.spikes.clear()

    def _grow(self) -> None:
        """Make twice the room for spikes that are under way."""
        old, size = self.pending, len(self.pending)
        self.pending = np.zeros((2 * size, old.shape[1]))
        places = np.arange(self.ring[0], self.ring[2])
        self.pending[places % (2 * size)] = old[places % size]
