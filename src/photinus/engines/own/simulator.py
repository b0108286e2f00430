"""Simulation of neurons of one's own: the engine, and the state of a few chains."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.matrices import entries, part
from photinus._core.streams import Role, lane_states
from photinus.engines.base import Engine, Strength, by_lane
from photinus.engines.own import loop
from photinus.errors import InvalidInput, PhotinusError
from photinus.networks.own import OwnNetwork
from photinus.spikes.trains import SpikeTrains

if TYPE_CHECKING:
    from photinus.engines.own.device import OwnDevice

STEPS_PER_PULSE = 4
"""Integration steps that a synaptic pulse must last at least."""
NEVER = -(10**15)
"""Step of a pulse that has not been."""


class OwnBlock:
    """The state of a few whole chains, and the call that advances them."""

    ARRAYS = ("f", "last_spike", "words", "put", "pending", "ring", "strength")

    def __init__(self, simulator: "OwnSimulator", first: int, level: NDArray[np.float64]) -> None:
        network, device = simulator.network, simulator.device
        self.first_chain, (self.chains, self.units) = first, level.shape
        self.level, lanes = level.ravel(), level.size
        self.f = np.tile(np.array(device.start, np.float64), (lanes, 1))
        self.last_spike = np.full(lanes, NEVER, np.int64)
        seeds = lane_states(simulator.seed, Role.OUTSIDE, self.chains, network.n_units, first)
        self.words = np.ascontiguousarray(seeds[:, simulator.units].reshape(lanes, 4))
        self.put, self.strength = np.zeros(lanes), np.ones(1)
        self.delay = round(network.delay / simulator.time_step)
        # A neuron fires at most once a step.
        self.pending = np.zeros((lanes * (self.delay + 2), loop.PENDING), np.int64)
        self.ring, self.spikes = np.zeros(2, np.int64), np.empty((max(4096, 2 * lanes), 2), np.int64)
        self.move, self.own = device.compiled, device.constants(network.parameters)
        self.time_step, self.kernel = simulator.time_step, network.kernel
        by_source: Any = part(network.coupling, simulator.units, simulator.units).T
        source, self.target, self.coupling = entries(by_source)
        self.first_target = np.searchsorted(source, np.arange(self.units + 1))

    def heat(self, level: NDArray[np.float64], strength: Strength) -> None:
        """Go on with other levels, and all synapses at `strength` times their height."""
        each = np.array(strength, np.float64, ndmin=1)
        self.put *= by_lane(each / self.strength, self.units, len(self.put))
        self.level, self.strength = level.ravel().copy(), each

    def advance(self, step: int, stop: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Advance from `step` to `stop`; return chain, unit and step of the spikes."""
        kernel, last = self.kernel, self.kernel.duration / self.time_step
        rectangle, parts = kernel.shape == "rectangle", []
        while step < stop:
            step, written = loop.advance(
                self.move,
                self.own,
                self.f,
                self.words,
                self.level,
                self.put,
                self.last_spike,
                self.pending,
                self.ring,
                self.first_target,
                self.target,
                self.coupling,
                kernel.kick,
                kernel.sustain,
                float(round(last)) if rectangle else last,
                rectangle,
                kernel.renewing,
                np.broadcast_to(self.strength, self.chains).copy(),
                self.units,
                self.delay,
                self.time_step,
                step,
                stop,
                self.spikes,
            )
            parts.append(self.spikes[:written].copy())
        if not np.isfinite(self.f).all():
            raise PhotinusError(
                "the simulation left the range of numbers: take a smaller time step, or less drive"
            )
        spikes = np.concatenate(parts)
        chain, unit = np.divmod(spikes[:, 1], self.units)
        order = np.lexsort((unit, spikes[:, 0], chain))
        return chain[order] + self.first_chain, unit[order], spikes[order, 0]


class OwnSimulator(Engine[OwnNetwork, OwnBlock]):
    """Neurons of one's own under way; arguments as in `photinus.engines.laser.Simulator`.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """

    TILE, LANES_PER_BLOCK = 1, 1024

    def __init__(
        self,
        network: OwnNetwork,
        device: "OwnDevice",
        *,
        time_step: float | None = None,
        **options: Any,
    ) -> None:
        self.device = device
        usual = device.setting(network.parameters).time_step
        step = validate.positive("time_step", usual if time_step is None else time_step, "s")
        longest = network.kernel.duration / STEPS_PER_PULSE
        if step > longest:
            raise InvalidInput(
                f"time_step must be at most {longest:g} s, a quarter of a synaptic pulse, "
                f"got {step:g} s"
            )
        super().__init__(network, step, step, holding=network.driven_drive, **options)

    def _lay_out(self, level: NDArray[np.float64]) -> list[OwnBlock]:
        size = self._chains_per_block(len(self.units))
        return [
            OwnBlock(self, first, level[first : first + size]) for first in range(0, self.chains, size)
        ]

    def _advance_to(self, stop: int) -> SpikeTrains:
        start, self.step = self.step, stop
        parts = self._on_blocks(lambda block: block.advance(start, stop))
        chain, unit, step = (np.concatenate(column) for column in zip(*parts, strict=True))
        unit = self.units[unit].astype(np.int32)
        return self._trains(chain.astype(np.int32), unit, step * self.grid, start)
