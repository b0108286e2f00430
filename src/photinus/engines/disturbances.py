"""Faults that happen while a network runs: noise of pumps, warming, spikes lost or made up."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.streams import Role, Seed, first_chain_of, philox, seed_sequence
from photinus.devices.protocol import SpikingSimulator
from photinus.engines.laser.simulator import Simulator
from photinus.engines.slow import Flicker, SelfHeating
from photinus.errors import InvalidInput
from photinus.networks.imperfections import Imperfections
from photinus.spikes.trains import SpikeTrains

PIECES_PER_CORRELATION = 4
"""Steps in which shared pump noise changes, per correlation time."""


class Disturbed:
    """A simulator under way whose pumps are noisy, whose lasers warm up, and whose read-out errs.

    The same seed gives the same spikes on any number of threads and however the time is cut. Chain c
    does not depend on how many there are. Every random number belongs to a chain, a unit, and a step or
    the number of a spike.
    """

    def __init__(
        self,
        simulator: SpikingSimulator,
        imperfections: Imperfections,
        seed: Seed = None,
    ) -> None:
        self.simulator, self.imperfections = simulator, imperfections
        self._seed = seed_sequence(seed)
        self.network, self.chains, self.units = simulator.network, simulator.chains, simulator.units
        self.time_step, self.grid = simulator.time_step, simulator.grid
        pieces = imperfections.shared_pump_time / PIECES_PER_CORRELATION / self.grid
        self._every = max(1, round(pieces))
        self._memory = math.exp(-self._every * self.grid / imperfections.shared_pump_time)
        shape = (self.chains, self.network.n_units)
        self._cooled: tuple[NDArray[np.float64], float | NDArray[np.float64]] = np.zeros(shape), 1.0
        self._noise_step = np.array(0)
        self._noise = self._normal(0)
        self._spikes_seen = np.zeros(shape, np.int64)
        self._made_up = np.zeros(shape, np.int64)
        self._next = np.full(shape, np.inf)
        if imperfections.made_up:
            chain, unit = np.indices(shape)
            self._next = self._interval(chain.ravel(), unit.ravel()).reshape(shape)
        self._flicker = self._heating = None
        if imperfections.flickers:
            self._flicker = Flicker(imperfections, shape, self.grid, self._uniform)
        if imperfections.thermal_resistance:
            if not isinstance(simulator, Simulator):
                raise InvalidInput(
                    "thermal_resistance must be 0 K/W for reduced lasers, got "
                    f"{imperfections.thermal_resistance:g}: 'laser' has it"
                )
            self._heating = SelfHeating(
                imperfections, self.network, simulator.drive, self.units, self.grid
            )

    ARRAYS = ("_noise_step", "_noise", "_spikes_seen", "_made_up", "_next")

    @property
    def time(self) -> float:
        """Time reached [s]."""
        return self.simulator.time

    @property
    def drive(self) -> NDArray[np.float64]:
        """Constant drives without their noise, array (chain, simulated unit) [carriers]."""
        return self.simulator.drive

    def heat(self, change: NDArray[np.float64], strength: float | NDArray[np.float64]) -> None:
        """Go on with other drives and attenuated synapses, as `Simulator.heat`."""
        self._cooled = change, strength
        self.simulator.heat(change, strength)

    def advance(self, duration: float) -> SpikeTrains:
        """Simulate on for `duration` [s], rounded up to the grid, and return what is read out."""
        duration = validate.positive("duration", duration, "s")
        pieces = [slow.every for slow in (self._flicker, self._heating) if slow is not None]
        if self.imperfections.shared_pump_noise:
            pieces.append(self._every)
        if not pieces:
            return self._read_out(self.simulator.advance(duration))
        parts = []
        stop = self.simulator.step + max(1, math.ceil(duration / self.grid - 1e-6))
        while self.simulator.step < stop:
            step = self.simulator.step
            self._move(step)
            end = min(stop, *((step // every + 1) * every for every in pieces))
            parts.append(self.simulator.advance((end - step) * self.grid))
            if self._heating is not None:
                self._heating.take(parts[-1])
        return self._read_out(SpikeTrains.joined(parts))

    def _move(self, step: int) -> None:
        """Set pumps and temperatures to what they are from `step` on."""
        change, strength = self._cooled
        if self._heating is not None:
            assert isinstance(self.simulator, Simulator)
            drive = self.simulator.drive + change[:, self.units]
            self.simulator.warm(self._heating.move(step, drive))
        relative = 0.0 if self._flicker is None else self._flicker.move(step)
        if self.imperfections.shared_pump_noise:
            self._pump(step // self._every)
            relative = relative + self.imperfections.shared_pump_noise * self._noise[:, None]
        if np.ndim(relative):
            # A pump can't be negative.
            noise = np.maximum(relative, -1.0) * self.network.drive
            self.simulator.heat(change + noise, strength)

    def _pump(self, number: int) -> None:
        """Let the shared noise be what it is in piece `number`."""
        while self._noise_step < number:
            self._noise_step = self._noise_step + 1
            fresh = self._normal(int(self._noise_step))
            self._noise = self._memory * self._noise + math.sqrt(1 - self._memory**2) * fresh

    def _normal(self, number: int) -> NDArray[np.float64]:
        """Return one normal number per chain for piece `number` (Box & Muller)."""
        chain = np.arange(self.chains)
        first, second = self._uniform(Role.SHARED_PUMP, chain, 0 * chain, np.full_like(chain, number))
        return np.asarray(np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second))

    def _uniform(
        self,
        role: Role,
        chain: NDArray[Any],
        unit: NDArray[Any],
        number: NDArray[Any],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return two uniform numbers in (0, 1) per entry."""
        k0, k1 = (int(word) for word in self._seed.generate_state(2, np.uint32))
        first = first_chain_of(self._seed)
        counter = (unit, chain + first, np.full(len(unit), int(role)), number)
        words = philox(tuple(c.astype(np.uint32) for c in counter), (k0, k1))
        first_uniform, second = ((word + 0.5) / 2.0**32 for word in words[:2])
        return np.asarray(first_uniform, np.float64), np.asarray(second, np.float64)

    def _interval(self, chain: NDArray[Any], unit: NDArray[Any]) -> NDArray[np.float64]:
        """Return the time to the next spike that the read-out makes up [s]."""
        number = self._made_up[chain, unit]
        uniform, _ = self._uniform(Role.SPURIOUS, chain, unit, number)
        return np.asarray(-np.log(uniform) / self.imperfections.made_up)

    def _read_out(self, spikes: SpikeTrains) -> SpikeTrains:
        """Return the spikes that a read-out with faults sees."""
        missed = self.imperfections.missed
        if missed and len(spikes):
            chain, unit = spikes.chain, spikes.unit
            number = self._spikes_seen[chain, unit] + _number_in_lane(spikes)
            np.add.at(self._spikes_seen, (chain, unit), 1)
            kept = self._uniform(Role.MISSED, chain, unit, number)[0] >= missed
        else:
            kept = np.ones(len(spikes), bool)
        extra = self._extra(spikes.stop)
        return spikes.with_spikes(
            np.concatenate([spikes.chain[kept], extra[0]]),
            np.concatenate([spikes.unit[kept], extra[1]]),
            np.concatenate([spikes.time[kept], extra[2]]),
        )

    def _extra(self, stop: float) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
        """Return chain, unit and time of the spikes made up until `stop`."""
        chains, units, times = [np.empty(0, int)], [np.empty(0, int)], [np.empty(0)]
        simulated = np.isin(np.arange(self.network.n_units), self.units)
        while True:
            chain, unit = np.nonzero(self._next <= stop)
            if not len(chain):
                break
            there = simulated[unit]
            chains.append(chain[there])
            units.append(unit[there])
            times.append(self._next[chain, unit][there])
            self._made_up[chain, unit] += 1
            self._next[chain, unit] += self._interval(chain, unit)
        return np.concatenate(chains), np.concatenate(units), np.concatenate(times)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that a later `restore` needs to go on with the same spikes."""
        mine = {f"disturbed{name}": np.array(getattr(self, name)) for name in self.ARRAYS}
        for title, slow in self._slow().items():
            mine |= {f"{title}_{name}": np.array(getattr(slow, name)) for name in slow.ARRAYS}
        return {**self.simulator.state(), **mine}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a `state` of a simulator that was built with the same arguments."""
        self.simulator.restore(state)
        for name in self.ARRAYS:
            setattr(self, name, np.array(state[f"disturbed{name}"]))
        for title, slow in self._slow().items():
            for name in slow.ARRAYS:
                setattr(slow, name, np.array(state[f"{title}_{name}"]))

    def _slow(self) -> dict[str, Flicker | SelfHeating]:
        """Return what changes slowly, by the name that it has in a state."""
        slow = {"flicker": self._flicker, "heating": self._heating}
        return {title: process for title, process in slow.items() if process is not None}


def _number_in_lane(spikes: SpikeTrains) -> NDArray[np.int64]:
    """Return the how manieth spike of its unit and chain each spike is, from 0."""
    lane = spikes.chain.astype(np.int64) * spikes.n_units + spikes.unit
    order = np.argsort(lane, kind="stable")
    begins = np.searchsorted(lane[order], lane)
    place = np.empty(len(lane), np.int64)
    place[order] = np.arange(len(lane))
    return place - begins
