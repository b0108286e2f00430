"""The state of a few whole chains of reduced lasers, and the call that advances it."""

import math

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import SHORT_TILE as TILE
from photinus._core.memory import aligned, tiled
from photinus._core.streams import Role, lane_states
from photinus.engines.base import Strength, by_lane, common_and_gain
from photinus.engines.reduced import loop, membrane, order
from photinus.engines.reduced import synapses as wiring
from photinus.engines.reduced.layout import Shared
from photinus.errors import PhotinusError

FAR = 1e30
"""Constant drive at most [carriers]: single precision holds it."""
ROOM = 1 << 15
"""Spikes that one call of the inner loop returns at most, unless there are many lanes."""
PENDING_PER_LANE = 2
"""Spikes that a lane has under way at first; room grows when it is needed."""


class ReducedBlock:
    """The state of a few whole chains, and the call that advances them."""

    _ARRAYS = (
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
        shared: Shared,
        seed: np.random.SeedSequence,
    ) -> None:
        self.first_chain, self.shared = first_chain, shared
        self.chains, self.units = drive.shape
        reduced, stride = shared.reduced, shared.stride
        lanes = self.chains * stride
        # Rows of the last chain may reach beyond it, unless they are whole tiles.
        padded = -(-(lanes + (wiring.WIDTH if stride % TILE else 0)) // TILE) * TILE
        # Where the lasers are among the lanes; the others never fire.
        at = (np.arange(self.chains)[:, None] * stride + np.arange(self.units)).ravel()
        self.at = at
        chain = np.repeat(np.arange(self.chains), stride)
        self.chain_of = chain.astype(np.int32)
        # Lanes that are not lasers have no unit, but they never fire.
        self.unit_of = shared.units[np.arange(lanes) % stride % self.units].astype(np.int32)
        self.fan_out = np.tile(shared.fan_out, (self.chains, 1))
        self.unit = np.tile(shared.unit, self.chains)
        self.negative = np.tile(shared.negative, self.chains)
        self.fan_out[:, wiring.AIM] += chain * stride
        whole = self.fan_out[:, wiring.KEY] >= 0
        self.fan_out[whole, wiring.KEY] += chain[whole] * stride
        base = np.clip(drive.ravel() - reduced.reset, -FAR, FAR)
        words = lane_states(seed, Role.INITIAL_STATE, self.chains, self.units, first_chain)
        uniform = (words.reshape(drive.size, 4) + 0.5) / 2.0**32
        rows = np.zeros((membrane.ROWS, padded))
        # As if each laser had fired within the length of a pulse, at any time of it.
        rows[membrane.RISEN] = 0.5
        since = uniform[:, 0] * shared.pulse[0] * reduced.time_step
        rows[membrane.RISEN, at] = -np.expm1(-since / reduced.gain_lifetime)
        rows[membrane.BASE, at] = base
        for row in (membrane.EFFECTIVE, membrane.FELT):
            rows[row, at] = self._felt(drive, base)
        rows[membrane.LEFT] = np.inf
        rows[membrane.LEFT, at] = -np.log(uniform[:, 1])
        rows[membrane.SHIFT, at] = uniform[:, 2]
        self.f = tiled(rows.astype(np.float32), TILE)
        states = np.ones((4, padded), np.uint32)
        noise = lane_states(seed, Role.ESCAPE, self.chains, self.units, first_chain)
        states[:, at] = noise.reshape(drive.size, 4).T
        self.r = tiled(states, TILE)
        self.synaptic, self.once = aligned(np.zeros((2, padded), np.float32))
        self.bent = aligned(np.zeros(padded if shared.driver.bends else 0, np.float32))
        self._set_knee(drive)
        self.scratch = loop.Scratch.of(lanes, -(-lanes // TILE) * TILE)
        self.last_spike = np.full(lanes, -1e18)
        self.last_place = np.zeros(lanes, np.int64)
        self.resources = np.ones(lanes)
        # What all synapses are attenuated to, see `ReducedSimulator.heat`.
        self.strength = np.ones(1)
        size = 1 << math.ceil(math.log2(PENDING_PER_LANE * lanes))
        self.pending = np.zeros((size, wiring.PENDING))
        self.ring = np.zeros(3, np.int64)
        self.spikes: list[tuple[NDArray[np.float64], NDArray[np.int32]]] = []
        # Room for them, used again and again: fresh memory is slow.
        self._room: list[tuple[NDArray[np.float64], NDArray[np.int32]]] = []

    @property
    def ARRAYS(self) -> tuple[str, ...]:  # noqa: N802
        """Names of the arrays that tell its state."""
        return (*self._ARRAYS, "bent") if self.bent.size else self._ARRAYS

    def _felt(self, drive: NDArray[np.float64], base: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what lasers get without synapses, relative to the reset; `base` if nothing bends."""
        driver, reset = self.shared.driver, self.shared.reduced.reset
        return np.maximum(driver.pump(drive.ravel()) - reset if driver.bends else base, -reset)

    def _set_knee(self, drive: NDArray[np.float64]) -> None:
        """Set what drivers idle at: those that are given nothing, at no current."""
        self.knee = np.zeros(self.bent.size, np.float32)
        if self.bent.size:
            knee = np.where(drive > 0, self.shared.driver.knee, 0.0) - self.shared.reduced.reset
            self.knee[self.at] = knee.ravel()

    def heat(self, drive: NDArray[np.float64], strength: Strength) -> None:
        """Go on with other drives, and all synapses at `strength` times their height."""
        each = np.array(strength, np.float64, ndmin=1)
        tiles = self.f.reshape(-1, membrane.ROWS, TILE)
        factor = by_lane(each / self.strength, self.shared.stride, len(self.synaptic))
        self.synaptic *= factor.astype(np.float32)
        self.strength = each
        lanes = np.zeros(tiles.shape[0] * TILE)
        self._set_knee(drive)
        lanes[self.at] = np.clip(drive.ravel() - self.shared.reduced.reset, -FAR, FAR)
        tiles[:, membrane.BASE] = lanes.reshape(-1, TILE)

    def _state(self) -> loop.State:
        """Return what the compiled loop changes; pending spikes lie elsewhere after they grew."""
        return loop.State(*(getattr(self, name) for name in loop.State._fields))

    def advance(self, step: int, stop: int) -> NDArray[np.int64]:
        """Advance from `step` to `stop`, keep the spikes for `write`, return their numbers by chain."""
        s = self.shared
        strength, gain = common_and_gain(self.strength, self.chains)
        counts = np.zeros(self.last_spike.size, np.int64)
        synapses = wiring.Synapses(
            *s.couplings,
            self.fan_out,
            self.unit,
            self.negative,
            s.kick * strength,
            s.sustain * strength,
            *s.pulse,
            s.delay,
            *s.depression,
            np.repeat(gain, s.stride),
        )
        # There are some only if an earlier call was interrupted.
        self.spikes.clear()
        while step < stop:
            before = step
            # One spike per lane and pulse, and at least what the inner loop wants before a step.
            expected = int(counts.size * (2 + (stop - step) / s.pulse[0]))
            room = max(2 * counts.size, min(ROOM, expected))
            times, lanes = self._room_for(room, len(self.spikes))
            step, written = loop.advance_block(
                self._state(),
                wiring.Drivers(self.bent, self.knee, np.float32(s.driver.softness**2 / 4)),
                self.scratch,
                s.law,
                synapses,
                s.stride,
                before,
                stop,
                times,
                lanes,
                counts,
            )
            self.spikes.append((times[:written], lanes[:written]))
            if step == before:
                self.grow()
        self.check()
        return np.asarray(counts.reshape(self.chains, -1).sum(axis=1))

    def _room_for(self, spikes: int, part: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Return room for as many spikes at least, for this part of those that a call finds."""
        if part == len(self._room):
            self._room.append((np.empty(0), np.empty(0, np.int32)))
        if len(self._room[part][0]) < spikes:
            self._room[part] = np.empty(spikes), np.empty(spikes, np.int32)
        return self._room[part]

    def check(self) -> None:
        """Raise PhotinusError if something is not a number, or has no bounds."""
        if np.isnan(self.f).any() or not np.isfinite(self.synaptic).all():
            raise PhotinusError(
                "the simulation left the range of numbers: drives and couplings are too large"
            )

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
            order.place_by_chain(
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

    def grow(self) -> None:
        """Make twice the room for spikes that are under way."""
        old, size = self.pending, len(self.pending)
        self.pending = np.zeros((2 * size, old.shape[1]))
        places = np.arange(self.ring[0], self.ring[2])
        self.pending[places % (2 * size)] = old[places % size]
