"""What a laser does at the currents of a laboratory, simulated with full physics."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus.devices.laser import THRESHOLD_FRACTION, LaserParameters, quiet_state
from photinus.devices.laser.dynamics import solve
from photinus.devices.laser.spiking import KICK_FRACTION
from photinus.devices.synapse import SynapticKernel
from photinus.engines.laser.simulator import default_time_step
from photinus.engines.laser.step import SUBSTEPS
from photinus.engines.simulation import simulate
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import Recording, SpikeTrains

SETTLE = 6.0
"""Gain lifetimes before anything is measured."""
LIGHT_CHAINS, LIGHT_LIFETIMES = 8, 24.0
"""Copies of the laser, and gain lifetimes of each, from which mean light and pulses are taken."""
SPIKE_CHAINS, SPIKE_LIFETIMES = 24, 60.0
"""The same for rates and intervals."""
NEVER = 1e30
"""Photons that no laser has: nobody looks for spikes."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was simulated of one laser."""

    laser: LaserParameters
    currents: tuple[float, ...]
    """Where light was recorded [A]."""
    photons: NDArray[np.float32]
    """Array (chain, current, sample)."""
    spacing: float
    """Of the samples [s]."""
    level: float | None
    """Useful power above which a spike is seen [W]; by default half of that of a typical one."""
    driven: tuple[float, ...]
    """Where spikes were counted [A]."""
    spikes: SpikeTrains | None
    """Of one unit per current of `driven`; None without any."""
    start: float
    """When counting starts [s]."""

    def light(self, current: float) -> NDArray[np.float32]:
        """Return the photons at a current, array (chain, sample)."""
        return np.asarray(self.photons[:, self.currents.index(current)])

    def threshold(self, current: float) -> float:
        """Return the photons above which a pulse counts at a current.

        A laser that is too faint for the level is compared by its highest pulses.
        """
        half = THRESHOLD_FRACTION * float(self.light(current).max())
        return half if self.level is None else min(half, self.level / self.laser.output_power(1.0))

    def counts(self, current: float) -> NDArray[np.float64]:
        """Return the rate of spikes of each chain at a current, array (chain,) [1/s]."""
        assert self.spikes is not None
        mine = self.spikes.unit == self.driven.index(current)
        late = mine & (self.spikes.time >= self.start)
        counts = np.bincount(self.spikes.chain[late], minlength=self.spikes.chains)
        return np.asarray(counts / (self.spikes.stop - self.start))

    def intervals(self, current: float) -> NDArray[np.float64]:
        """Return the intervals between spikes at a current [s]."""
        assert self.spikes is not None
        return self.spikes.intervals(self.start)[self.driven.index(current)]


def run(
    laser: LaserParameters,
    light: Sequence[float],
    spiking: Sequence[float],
    seed: np.random.SeedSequence,
    *,
    level: float | None = None,
    effort: float = 1.0,
    threads: int | None = None,
) -> Run:
    """Simulate a laser at currents where light is recorded, and at others where spikes are counted.

    Parameters
    ----------
    laser
        The laser.
    light, spiking
        Currents [A], each once.
    seed
        The same seed gives lasers that differ a little the same random numbers.
    level
        Useful power above which a spike is counted [W]. By default half the peak of the pulse that
        follows a kick at the current.
    effort
        Simulated time over the usual one.
    threads
        As in `photinus.simulate`.
    """
    settle = SETTLE * laser.gain_lifetime
    seeds = seed.spawn(2)
    photons, spacing = np.zeros((1, 0, 0), np.float32), math.nan
    if light:
        stop = settle + effort * LIGHT_LIFETIMES * laser.gain_lifetime
        units = tuple(range(len(light)))
        grid = SUBSTEPS * default_time_step(laser)
        recording = Recording(
            units=units,
            chains=tuple(range(LIGHT_CHAINS)),
            start=settle,
            stop=2 * stop,
            every=max(1, int(laser.photon_lifetime / grid)),
        )
        options: dict[str, Any] = {"chains": LIGHT_CHAINS, "seed": seeds[0], "threads": threads}
        found = simulate(
            _network(laser, light, [NEVER] * len(light)), stop, recording=recording, **options
        )
        assert found.waveforms is not None
        photons = found.waveforms.photons
        spacing = float(found.waveforms.time[1] - found.waveforms.time[0])
    spikes = None
    if spiking:
        stop = settle + effort * SPIKE_LIFETIMES * laser.gain_lifetime
        network = _network(laser, spiking, [_threshold(laser, x, level) for x in spiking])
        spikes = simulate(network, stop, chains=SPIKE_CHAINS, seed=seeds[1], threads=threads)
    return Run(
        laser=laser,
        currents=tuple(light),
        photons=photons,
        spacing=spacing,
        level=level,
        driven=tuple(spiking),
        spikes=spikes,
        start=settle,
    )


def _network(
    laser: LaserParameters, currents: Sequence[float], thresholds: Sequence[float]
) -> LaserNetwork:
    """Return lasers that hear nothing of each other, one per current."""
    n = len(currents)
    pump = np.array([laser.pump_rate(current) for current in currents])
    return LaserNetwork(
        parameters=laser,
        pump=pump,
        coupling=np.zeros((n, n)),
        kernel=SynapticKernel(kick=0.0, sustain=1.0, duration=laser.gain_lifetime),
        window=laser.gain_lifetime,
        detection_threshold=np.array(thresholds),
        driven_pump=(0.0, float(pump.max(initial=0.0)) or 1.0),
    )


def _threshold(laser: LaserParameters, current: float, level: float | None) -> float:
    """Return the photons above which a spike is seen."""
    if level is not None:
        return level / laser.output_power(1.0)
    pump = laser.pump_rate(current)
    kicked = quiet_state(laser, pump).state.copy()
    kicked[0] += KICK_FRACTION * laser.threshold_carriers
    steps, solution = solve(laser, pump, kicked, laser.gain_lifetime, "LSODA")
    return float(max(THRESHOLD_FRACTION * solution(steps)[2].max(), 1.0))
