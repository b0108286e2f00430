"""The state of a few whole chains of lasers, and the call that advances it."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import memory
from photinus._core.barrier import GIVEN_UP, alarm, boards
from photinus._core.compilation import TILE
from photinus._core.streams import Role, lane_states
from photinus._core.threads import together
from photinus.devices.laser import LaserParameters
from photinus.devices.laser.driver import Driver, bent
from photinus.devices.synapse import SynapticKernel
from photinus.engines.base import Strength, by_lane, common_and_gain
from photinus.engines.laser import loop, wheel
from photinus.engines.laser.step import REARM
from photinus.errors import PhotinusError
from photinus.networks.couplings import Couplings

Spikes = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int64]]
"""Chains and units, as the block counts them, and steps of spikes, each (spike,)."""
HEATED = [loop.GG, loop.GROWTH_G]
"""Rows that go with the gain coefficient alone."""


class LaserBlock:
    """The state of a few whole chains, and the call that advances them."""

    _EVENTS = ("last_spike", "last_end", "wheel", "pool", "free")
    """What follows the spikes; each thread that shares the block has its own, which is the same."""
    _TIRING = ("resources", "heights")
    """The same of depressed synapses."""
    _ARRAYS = ("layout", "f", "r", "drive", *_EVENTS, "strength")

    def __init__(
        self,
        first_chain: int,
        chains: int,
        units: int,
        constants: dict[str, NDArray[np.float64]],
        base_pump: NDArray[np.float64],
        seed: np.random.SeedSequence,
        threshold: NDArray[np.float64],
        couplings: Couplings,
        pulse: tuple[int, float, bool],
        drivers: tuple[Driver, ...] = (),
        follow: float = 1.0,
        threads: int = 1,
        depression: tuple[float, float] | None = None,
    ) -> None:
        self.first_chain, self.chains, self.units = first_chain, chains, units
        self.pulse = pulse
        # Part of the way that drivers go in a step.
        self.follow = follow
        # What all synapses are attenuated to, see `heat`.
        self.strength = np.ones(1)
        lanes = chains * units
        tiles = -(-lanes // TILE)
        padded = tiles * TILE
        self.drivers = drivers
        self._set_base(np.resize(base_pump, padded))
        self.drive = memory.aligned(np.zeros(padded))
        self.kicked = memory.aligned(np.zeros(padded, np.float32))
        self.late, self.charge, self.nothing = np.zeros((3, padded if follow < 1 else 0))
        self.late[:] = self.base_pump[: len(self.late)]
        # Part that a spike uses up, and time constant of recovery [steps]; None for no depression.
        self.depression = depression
        self._await(lanes, pulse[0] + int(couplings.group_delay.max(initial=0)) + 2)

        rows = np.zeros((loop.ROWS, padded))
        for name, per_unit in constants.items():
            if name != "COMPRESSION":
                rows[getattr(loop, name)] = np.resize(per_unit, padded)
        self.compression = _compression(constants, padded)
        rows[loop.PUMP] = self._pumps(self.base_pump)
        rows[loop.HIGH, :lanes] = np.tile(threshold, chains)
        rows[loop.LOW, :lanes] = rows[loop.HIGH, :lanes] * REARM
        rows[loop.HIGH, lanes:] = np.inf
        words = lane_states(seed, Role.INITIAL_STATE, chains, units, first_chain)
        _start(rows, words.reshape(lanes, 4))
        # Its shape tells states that another version laid out otherwise.
        self.layout = np.zeros((1, loop.ROWS, TILE), np.bool_)
        self.f = memory.tiled(rows.astype(np.float32), TILE)
        self._gain = self.f.reshape(-1, loop.ROWS, TILE)[:, HEATED].copy()
        states = np.zeros((4, padded), np.uint32)
        states[:, lanes:] = np.arange(1, 5, dtype=np.uint32)[:, None]
        noise = lane_states(seed, Role.FIELD_NOISE, chains, units, first_chain)
        states[:, :lanes] = noise.reshape(lanes, 4).T
        self.r = memory.tiled(states, TILE)
        self._share(threads, couplings)
        self.spikes = np.empty((max(4096, 2 * lanes), 2), np.int64)

    def _await(self, lanes: int, horizon: int) -> None:
        """Set up what follows the spikes, whose effects are over after `horizon` steps."""
        self.last_spike = np.full(lanes, -(2**62), np.int64)
        self.last_end = np.full(lanes, -1, np.int64)
        self.wheel = np.full(horizon, -1, np.int64)
        self.pool = np.zeros((0, wheel.COLUMNS), np.int64)
        self.free = np.zeros(1, np.int64)
        self.resources = np.ones(lanes if self.depression else 0)
        self.heights = np.ones((0, 2))
        self.grow_pool(8 * lanes)

    @property
    def ARRAYS(self) -> tuple[str, ...]:  # noqa: N802
        """Names of the arrays that tell its state."""
        lagging = ("late", "charge") if self.late.size else ()
        return (*self._ARRAYS, *lagging, *(self._TIRING if self.depression else ()))

    def _share(self, threads: int, couplings: Couplings) -> None:
        """Split the lanes over threads, whole tiles each; of several threads, there is one chain."""
        padded = len(self.drive)
        self.tiles = np.linspace(0, padded // TILE, threads + 1).astype(np.int64)
        ends = TILE * self.tiles
        cut = [couplings.onto(*ends[k : k + 2]) for k in range(threads)] if threads > 1 else [couplings]
        self.couplings = cut
        size = min(loop.TOGETHER, padded // TILE) * loop.SCRATCH * TILE
        self.scratch = [memory.aligned(np.zeros(size, np.float32)) for _ in range(threads)]
        self.found = boards(threads, int(np.diff(ends).max()))
        self.alarm = alarm()
        self._followed: list[dict[str, Any]] = []

    def warm(self, factor: NDArray[np.float64]) -> None:
        """Go on with thresholds of `factor` (chain, unit) times those of the devices.

        The gain falls by it and the carriers at transparency rise, so that their product stays.
        """
        tiles = self.f.reshape(-1, loop.ROWS, TILE)
        lanes = np.resize(1 / factor, len(self.drive)).astype(np.float32)
        tiles[:, HEATED] = self._gain * lanes.reshape(-1, 1, TILE)

    def heat(self, base_pump: NDArray[np.float64], strength: Strength) -> None:
        """Go on with other constant pumps, and all synapses at `strength` times their height."""
        each = np.array(strength, np.float64, ndmin=1)
        self._set_base(np.resize(base_pump, len(self.drive)))
        # Pulses under way are attenuated too, so that what raised them also lowers them.
        factor = by_lane(each / self.strength, self.units, len(self.drive))
        self.drive *= factor
        self.charge *= factor[: self.charge.size]
        self.strength = each
        if self.late.size:  # drivers follow
            return
        tiles = self.f.reshape(-1, loop.ROWS, TILE)
        tiles[:, loop.PUMP] = self._pumps(self.base_pump + self.drive).reshape(-1, TILE)

    def _set_base(self, base_pump: NDArray[np.float64]) -> None:
        """Take constant inputs of the drivers; one without any input idles at no current."""
        self.base_pump = base_pump
        size = len(base_pump) if self.drivers else 0
        own = [(driver.knee, driver.softness) for driver in self.drivers]
        knee, softness = np.resize(np.reshape(own, (-1, 2)), (size, 2)).T
        self.knee = np.where(base_pump[:size] > 0, knee, 0.0)
        self.bend = np.asarray(softness**2 / 4)

    def _pumps(self, given: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pumps that drivers make of their inputs, (lanes,)."""
        if not self.bend.size:
            return np.maximum(given, 0.0)
        return bent(given, self.knee, 2 * np.sqrt(self.bend))

    def grow_pool(self, by: int) -> None:
        """Make room for `by` more records."""
        size = len(self.pool)
        pool = np.zeros((size + by, self.pool.shape[1]), np.int64)
        pool[:size] = self.pool
        stack = self.free[1 : 1 + self.free[0]]
        free = np.zeros(size + by + 1, np.int64)
        free[0] = len(stack) + by
        free[1 : 1 + by] = np.arange(size, size + by)[::-1]
        free[1 + by : 1 + by + len(stack)] = stack
        self.pool, self.free = pool, free
        if self.depression:
            self.heights = np.concatenate([self.heights, np.ones((by, 2))])

    def _states(self) -> list[tuple[loop.State, wheel.Fatigue | None]]:
        """Return what each thread changes; the pool of records is another one after it grew."""
        own = {name: getattr(self, name) for name in (*self._EVENTS, *self._TIRING)}
        if not self._followed or self._followed[0]["pool"] is not self.pool:
            # Another pool: it grew, or a state was restored.
            others = range(1, len(self.scratch))
            self._followed = [own, *({k: v.copy() for k, v in own.items()} for _ in others)]
        rest = [name for name in loop.State._fields if name not in (*self._EVENTS, "scratch")]
        common: dict[str, Any] = {name: getattr(self, name) for name in rest}
        found = []
        for events, scratch in zip(self._followed, self.scratch, strict=True):
            mine = {name: events[name] for name in self._EVENTS}
            fatigue = None
            if self.depression:
                fatigue = wheel.Fatigue(events["resources"], events["heights"], *self.depression)
            found.append((loop.State(**common, **mine, scratch=scratch), fatigue))
        return found

    def _synapses(self) -> list[loop.Synapses]:
        """Return what each thread knows of the synapses."""
        strength, gain = common_and_gain(self.strength, self.chains)
        kick, height = self.couplings[0].kick, self.couplings[0].height
        if strength != 1:  # copies of all couplings
            kick, height = kick * np.float32(strength), height * strength
        return [
            loop.Synapses(
                c.groups_of, c.group_delay, c.runs_of, c.runs, kick, height, *self.pulse, gain
            )
            for c in self.couplings
        ]

    def _advance_towards(
        self, synapses: list[loop.Synapses], step: int, stop: int, waveforms: loop.Waveforms
    ) -> tuple[int, int, int]:
        """Advance on all threads as far as there is room; return (step, spikes written, why)."""
        states = self._states()
        self.found[:, :, 0] = self.alarm[GIVEN_UP] = 0
        shared = (len(states), self.tiles, self.found, self.alarm)
        lag = loop.Lag(self.late, self.charge, self.nothing, self.follow)

        def work(thread: int) -> tuple[int, int, int]:
            state, fatigue = states[thread]
            reached: tuple[int, int, int] = loop.advance_block(
                state,
                synapses[thread],
                loop.Team(thread, *shared),
                self.units,
                self.chains,
                step,
                stop,
                self.spikes,
                waveforms,
                lag,
                self.compression,
                fatigue,
            )
            return reached

        return together(work, len(states), self._give_up)

    def _give_up(self) -> None:
        self.alarm[GIVEN_UP] = 1

    def advance(
        self, step: int, stop: int, recorded: NDArray[np.int64], every: int
    ) -> tuple[Spikes, NDArray[np.float32]]:
        """Advance from `step` to `stop`; return spikes in order, and waveforms."""
        synapses = self._synapses()
        parts = []
        waveforms = []
        start = step
        while True:
            samples = (stop // every - step // every) if recorded.size else 0
            kept = np.empty((recorded.size, samples, 3), np.float32)
            before = step
            step, written, why = self._advance_towards(
                synapses, before, stop, loop.Waveforms(recorded, every, kept)
            )
            parts.append(self.spikes[:written].copy())
            if recorded.size:
                waveforms.append(kept[:, : step // every - before // every])
            if why == loop.RECORDS_FULL:
                self.grow_pool(len(self.pool))
            elif why == loop.DONE:
                break
        self.check()
        samples = stop // every - start // every
        return self.in_order(np.concatenate(parts)), (
            np.concatenate(waveforms, axis=1) if waveforms else np.empty((0, samples, 3), np.float32)
        )

    def in_order(self, spikes: NDArray[np.int64]) -> Spikes:
        """Return spikes (spike, 2) of (step, lane), written in that order, by chain, step and unit."""
        step, lane = spikes[:, 0], spikes[:, 1].astype(np.uint32)
        chain, unit = np.divmod(lane, np.uint32(self.units))
        if self.chains > 1:
            # In the loop's order they rise within a chain already. Sixteen bits are sorted fastest.
            order = np.argsort(chain.astype(np.uint16), kind="stable")
            chain, unit, step = chain[order], unit[order], step[order]
        return chain, unit, step

    def check(self) -> None:
        """Raise PhotinusError if something is not a number."""
        if np.isnan(self.f).any():
            raise PhotinusError(
                "the simulation left the range of numbers: the time step is too large for these "
                "parameters"
            )


def _start(rows: NDArray[np.float64], words: NDArray[np.uint32]) -> None:
    """Give each laser another start, from random words (lane, 4).

    Carriers are anywhere between a spike's reset and threshold, the field is a thermal one of a few
    photons.
    """
    lanes, uniform = len(words), (words + 0.5) / 2.0**32
    lasing = -rows[loop.GROWTH] / rows[loop.GROWTH_G]
    settled = np.minimum(rows[loop.PUMP] / rows[loop.DG], lasing)[:lanes]
    rows[loop.NG, :lanes] = settled * (0.5 + 0.4 * uniform[:, 0])
    amplitude, phase = np.sqrt(-2 * np.log(uniform[:, 1])), 2 * np.pi * uniform[:, 2]
    rows[loop.EX, :lanes] = amplitude * np.cos(phase)
    rows[loop.EY, :lanes] = amplitude * np.sin(phase)


def _compression(constants: dict[str, NDArray[np.float64]], lanes: int) -> NDArray[np.float32] | None:
    """Return the gain compression of each lane [1/photon], None where there is none."""
    own = constants.get("COMPRESSION", np.zeros(1))
    return memory.aligned(np.resize(own, lanes).astype(np.float32)) if own.any() else None


def pulse_of(kernel: SynapticKernel, grid: float) -> tuple[tuple[int, float, bool], float]:
    """Return a pulse's (steps, decay per step, renewing), and its height in the first step."""
    if kernel.shape == "rectangle":
        return (max(1, round(kernel.duration / grid)), 1.0, kernel.renewing), kernel.sustain
    # The mean over a step, so that the area is right whatever the step.
    ratio = grid / kernel.duration
    return (1, math.exp(-ratio), kernel.renewing), kernel.sustain * -math.expm1(-ratio) / ratio


def per_step(p: LaserParameters, dt: float) -> dict[str, float]:
    """Return what the inner loop needs of a laser, per step of `dt` [s], by the name of its row."""
    # White pump noise that alone would give N_g a standard deviation σ_N: variance 2 σ_N²/τ_g per s.
    gg, ga = p.gain_coefficient * dt, p.absorber_coefficient * dt
    clear_g, clear_a = gg * p.gain_transparency, ga * p.absorber_transparency
    return {
        "GROWTH": -(clear_g + clear_a + dt / p.photon_lifetime) / 4,
        "GROWTH_G": gg / 4,
        "GROWTH_A": ga / 4,
        "GG": gg,
        "GA": ga,
        "CLEAR_G": clear_g,
        "CLEAR_A": clear_a,
        "DG": dt / p.gain_lifetime,
        "DA": dt / p.absorber_lifetime,
        "PUMP_NOISE": 2 * p.pump_noise**2 * dt / p.gain_lifetime,
        "SHOT_NOISE": float(p.carrier_noise),
        "COMPRESSION": p.gain_compression,
    }
