"""What changes slowly while a network runs: 1/f noise of pumps, and lasers warmed by what they do.

Both are slow beside a state window, so they stand still for a piece of time and move between pieces.
Pieces begin at multiples of `every` grid steps, however a run is cut.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from photinus._core.streams import Role
from photinus.devices.laser import spike
from photinus.networks.imperfections import Imperfections
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import SpikeTrains

PIECES = 4
"""Pieces per correlation time of the fastest noise."""
RATIO, PROCESSES = 4.0, 12
"""Ratio of the correlation times of processes that add up to 1/f noise, and how many there are: six
decades and a half."""
THERMAL_PIECES = 16
"""Pieces per thermal time constant."""
HOTTEST = 200.0
"""Largest change of a temperature [K] for which the law of the threshold is used."""

Uniform = Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Two uniform numbers for a role and each (chain, unit, number)."""


class Flicker:
    """1/f noise of each pump below a corner, relative to it.

    A sum of Ornstein–Uhlenbeck processes (van der Ziel 1950, Physica 16, 359). Their correlation times
    t_k = RATIO^k/(π corner) are equally apart on a logarithmic scale. Each has the variance h ln RATIO,
    with h = density · corner. Spectral densities add up to h/f between the slowest and the corner.
    """

    ARRAYS = ("number", "value")

    def __init__(
        self, imperfections: Imperfections, shape: tuple[int, int], grid: float, uniform: Uniform
    ) -> None:
        corner = imperfections.pump_noise_corner
        times = RATIO ** np.arange(PROCESSES) / (math.pi * corner)
        self.every = max(1, round(times[0] / PIECES / grid))
        self._memory = np.exp(-self.every * grid / times)
        deviation = math.sqrt(imperfections.pump_noise_density * corner * math.log(RATIO))
        self._uniform, self._deviation = uniform, deviation
        self._lanes = [index.ravel() for index in np.indices(shape)]
        self._shape = shape
        self.number = np.array(0)
        self.value = deviation * self._normal(0)

    def _normal(self, number: int) -> NDArray[np.float64]:
        """Return normal numbers (chain, unit, process) for a piece (Box & Muller)."""
        parts = []
        for pair in range(PROCESSES // 2):
            place = np.full_like(self._lanes[0], number * (PROCESSES // 2) + pair)
            first, second = self._uniform(Role.PUMP_FLICKER, *self._lanes, place)
            radius, angle = np.sqrt(-2 * np.log(first)), 2 * np.pi * second
            parts += [radius * np.cos(angle), radius * np.sin(angle)]
        return np.stack(parts, axis=-1).reshape(*self._shape, PROCESSES)

    def move(self, step: int) -> NDArray[np.float64]:
        """Return the relative noise of the piece that `step` is in, array (chain, unit)."""
        while self.number < step // self.every:
            self.number = self.number + 1
            fresh = self._deviation * self._normal(int(self.number))
            self.value = self._memory * self.value + np.sqrt(1 - self._memory**2) * fresh
        return np.asarray(self.value.sum(axis=-1))


class SelfHeating:
    """Warming of each laser by the heat that it makes, beyond that of the mean laser alone.

    Heat is what pump and synapses bring, every electron at the energy of a photon, less the useful
    light of spikes. Its excess over the mean laser, which fires every 2 τ and hears nobody, warms::

        dT/dt = (R_th (heat - heat of the mean laser) - T)/t_th

    At the start the lasers have the temperatures of their constant pumps.
    """

    ARRAYS = ("number", "temperature", "taken", "last")

    def __init__(
        self,
        imperfections: Imperfections,
        network: LaserNetwork,
        drive: NDArray[np.float64],
        units: NDArray[np.intp],
        grid: float,
    ) -> None:
        laser, kernel, n = network.parameters, network.kernel, network.n_units
        self.every = max(1, round(imperfections.thermal_time / THERMAL_PIECES / grid))
        self._duration = self.every * grid
        self._memory = math.exp(-self._duration / imperfections.thermal_time)
        self._resistance, self._scale = (
            imperfections.thermal_resistance,
            imperfections.characteristic_temperature,
        )
        self._kernel, self._units = kernel, units
        self._per_carrier = laser.photon_energy / laser.pump_efficiency
        self._lifetime = laser.gain_lifetime
        # Carriers that a whole pulse brings to a target, by its coupling.
        self._coupling = network.coupling
        self._pulse = kernel.kick + kernel.sustain * kernel.duration / laser.gain_lifetime
        light = laser.output_efficiency * spike(laser).books.emitted * laser.photon_energy
        self._light = light
        mean = float(network.pump.mean()) * self._per_carrier - light / (2 * network.window)
        self._reference = mean
        shape = (len(drive), n)
        self.number = np.array(0)
        self.taken = np.zeros(shape)
        self.last = np.full(shape, -np.inf)
        self.temperature = np.zeros(shape)
        steady = drive / self._lifetime * self._per_carrier - light / (2 * network.window) - mean
        self.temperature[:, units] = self._resistance * steady

    def move(self, step: int, drive: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the factors of the thresholds in the piece that `step` is in, array (chain, unit).

        `drive` are the constant drives of the piece before, array (chain, simulated unit).
        """
        while self.number < step // self.every:
            self.number = self.number + 1
            heat = self.taken / self._duration
            heat[:, self._units] += drive / self._lifetime * self._per_carrier
            steady = self._resistance * (heat - self._reference)
            self.temperature = steady + self._memory * (self.temperature - steady)
            self.taken = np.zeros_like(self.taken)
        warmer = np.clip(self.temperature, -HOTTEST, HOTTEST)
        return np.asarray(np.exp(warmer / self._scale))

    def take(self, spikes: SpikeTrains) -> None:
        """Count the energy that spikes bring to lasers and take from them [J]."""
        chain, unit = spikes.chain, spikes.unit
        before = np.full(len(spikes), -np.inf)
        order = np.lexsort((spikes.time, unit, chain))
        lane = chain[order].astype(np.int64) * self.last.shape[1] + unit[order]
        same = np.diff(lane) == 0
        before[order[1:][same]] = spikes.time[order[:-1][same]]
        first = order[np.append(True, ~same)[: len(order)]]
        before[first] = self.last[chain[first], unit[first]]
        last = order[np.append(~same, True)[: len(order)]]
        self.last[chain[last], unit[last]] = spikes.time[last]
        pulses = np.zeros_like(self.taken)
        np.add.at(pulses, (chain, unit), self._share(spikes.time - before))
        fired = np.zeros_like(self.taken)
        np.add.at(fired, (chain, unit), 1.0)
        carriers = self._pulse * (self._coupling @ pulses.T).T
        self.taken += self._per_carrier * carriers - self._light * fired

    def _share(self, since: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the part of a whole pulse that spikes bring, `since` [s] after the ones before."""
        if not self._kernel.renewing:
            return np.ones_like(since)
        part = since / self._kernel.duration
        return np.minimum(part, 1.0) if self._kernel.shape == "rectangle" else -np.expm1(-part)
