"""The face of the simulation of LIF neurons: validates, lays out, cuts into pieces."""

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.compilation import TILE
from photinus._core.streams import Seed
from photinus.devices.lif.parameters import STEPS_PER_TIME_CONSTANT
from photinus.engines.base import Engine
from photinus.engines.lif.block import LifBlock, Synapses
from photinus.errors import InvalidInput
from photinus.machines.evidence import Evidence, Given
from photinus.networks.lif import LifNetwork
from photinus.spikes.trains import SpikeTrains


class LifSimulator(Engine[LifNetwork, LifBlock]):
    """A network of integrate-and-fire neurons under way, piece by piece.

    The same seed gives the same spikes on any number of threads and however the time is cut. Chain
    c does not depend on how many chains there are. Spikes have times between the steps.

    Parameters
    ----------
    network
        What to simulate.
    chains
        Number of independent copies, >= 1.
    seed
        Integer, SeedSequence or None (fresh entropy).
    time_step
        Integration step [s]; by default that of the network's parameters, and at most a quarter of
        the shortest time constant.
    evidence
        Known units: label → 0 or 1, or label → array (chain,). See `evidence_mode`.
    evidence_mode
        "pump" (default): a known neuron is not simulated. Its partners get the constant drive that
        its state calls for (`LifNetwork.drive_given`). "laser": ``driven_drive`` drives a known
        neuron off or on, and it acts through its spikes. The names are those of lasers, so that
        substrates can be swapped in the same call.
    drive : array (chain, unit), optional
        Constant drives [V] in place of the network's. They include the evidence, so "pump" adds
        nothing to them for known units.
    threads
        Number of threads; by default all cores that this process may use.
    clamp, clamp_mode
        What version 0.1 calls `evidence` and `evidence_mode`.

    Attributes
    ----------
    units : array (simulated unit,)
        Positions of the units that are simulated.
    grid, time_step
        Integration step [s].

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """

    TILE = TILE
    LANES_PER_BLOCK = 256

    def __init__(
        self,
        network: LifNetwork,
        *,
        chains: int = 1,
        seed: Seed = None,
        time_step: float | None = None,
        evidence: Given | None = None,
        evidence_mode: str | None = None,
        drive: NDArray[np.float64] | None = None,
        threads: int | None = None,
        clamp: Given | None = None,
        clamp_mode: str | None = None,
    ) -> None:
        validate.instance("network", network, LifNetwork)
        time_step = network.parameters.check_time_step(
            network.parameters.time_step if time_step is None else time_step
        )
        if time_step > network.kernel.duration / STEPS_PER_TIME_CONSTANT:
            raise InvalidInput(
                "time_step must be at most a quarter of the synaptic kernel's duration "
                f"({network.kernel.duration:g} s), got {time_step:g}"
            )
        super().__init__(
            network,
            time_step,
            time_step,
            holding=network.driven_drive,
            chains=chains,
            seed=seed,
            evidence=evidence,
            evidence_mode=evidence_mode,
            drive=drive,
            threads=threads,
            clamp=clamp,
            clamp_mode=clamp_mode,
        )

    def _from_evidence(self, evidence: Evidence) -> NDArray[np.float64]:
        # In the order of `LifNetwork.drive_given`, whose rounding it has.
        return np.asarray(evidence.values @ self.network.coupling[:, evidence.positions].T)

    def _lay_out(self, level: NDArray[np.float64]) -> list[LifBlock]:
        synapses = Synapses(self.network, self.units, self.time_step)
        size = self._chains_per_block(len(self.units))
        return [
            LifBlock(
                first,
                level[first : first + size],
                self.network.parameters,
                synapses,
                self.time_step,
                self.seed,
            )
            for first in range(0, self.chains, size)
        ]

    @property
    def potential(self) -> NDArray[np.float64]:
        """Membrane potential of the simulated units now, array (chain, simulated unit) [V]."""
        return self._read("V") + self.network.parameters.threshold

    @property
    def current(self) -> NDArray[np.float64]:
        """Synaptic current of the simulated units now, array (chain, simulated unit) [V]."""
        return self._read("CURRENT")

    def _read(self, row: str) -> NDArray[np.float64]:
        return np.concatenate([block.read(row) for block in self._blocks])

    def _advance_to(self, stop: int) -> SpikeTrains:
        start = self.step
        results = self._on_blocks(lambda block: block.advance(start, stop))
        self.step = stop
        chain, unit, time = (np.concatenate(column) for column in zip(*results, strict=True))
        return self._trains(chain, self.units.astype(np.int32)[unit], time * self.grid, start)
