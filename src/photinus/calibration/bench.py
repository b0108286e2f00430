"""What a calibration measures with: copies of one device, and what their spikes tell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus.devices import Setting
from photinus.devices.protocol import Network, Parameters
from photinus.devices.registry import assemble, simulator
from photinus.devices.synapse import SynapticKernel
from photinus.spikes.trains import SpikeTrains

SETTLE = 15
"""State windows dropped at the start of each measurement."""
PIECES = 8
"""Pieces that a measurement is simulated in."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A device, how it is simulated, and one seed per measurement."""

    parameters: Parameters
    setting: Setting
    kernel: SynapticKernel
    """Where the fit of the synapse starts."""
    chains: int
    time_step: float
    threads: int | None
    seeds: list[np.random.SeedSequence]

    def settle(self, window: float) -> float:
        """Return the time dropped at the start of a measurement [s]."""
        return max(SETTLE * window, 12 * self.setting.time_constant)

    def network(
        self,
        drive: NDArray[np.float64],
        window: float,
        *,
        coupling: NDArray[np.float64] | None = None,
        kernel: SynapticKernel | None = None,
    ) -> Network:
        """Return neurons with the given drives, coupled by `coupling` if given."""
        n = len(drive)
        return assemble(
            self.parameters,
            drive=drive,
            coupling=np.zeros((n, n)) if coupling is None else coupling,
            kernel=kernel or self.kernel,
            window=window,
            detection_threshold=self.setting.detection_threshold,
            driven=self.setting.bracket,
        )

    def run(
        self, network: Network, duration: float, seed: int, chains: int | None = None
    ) -> SpikeTrains:
        """Simulate `network` for `duration` [s]; by default all chains."""
        running = simulator(
            network,
            chains=chains or self.chains,
            seed=self.seeds[seed],
            time_step=self.time_step,
            threads=self.threads,
        )
        # In pieces, so that Ctrl-C is heard.
        return SpikeTrains.joined([running.advance(duration / PIECES) for _ in range(PIECES)])


def intervals_by_unit(spikes: SpikeTrains, start: float) -> tuple[NDArray[np.float64], ...]:
    """Return mean, coefficient of variation and minimum of the intervals per unit; nan for few."""
    mean, cv, shortest = np.full((3, spikes.n_units), np.nan)
    for u, mine in enumerate(spikes.intervals(start)):
        if len(mine) >= 20:
            mean[u], cv[u], shortest[u] = mine.mean(), mine.std() / mine.mean(), mine.min()
    return mean, cv, shortest


def activation(
    spikes: SpikeTrains, window: float, start: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probability of being on and its standard error (from the spread over chains)."""
    alone = spikes.split(np.arange(spikes.n_units) + 1)
    on = np.stack([one.occupancy(window, start=start).moments[:, 0, 0] for one in alone], axis=1)
    return on.mean(axis=0), on.std(axis=0, ddof=1) / np.sqrt(spikes.chains)
