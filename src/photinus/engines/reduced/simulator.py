"""The face of the simulation of reduced lasers: validates, lays out, cuts into pieces."""

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.compilation import TILE
from photinus._core.streams import Seed
from photinus.engines.base import Engine
from photinus.engines.reduced.block import ReducedBlock
from photinus.engines.reduced.layout import Shared, stride_of
from photinus.engines.reduced.model import EscapeRate
from photinus.errors import InvalidInput
from photinus.machines.evidence import Given
from photinus.networks.couplings import among, compile_couplings
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import SpikeTrains


class ReducedSimulator(Engine[LaserNetwork, ReducedBlock]):
    """A network of reduced lasers under way, piece by piece.

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
    evidence, evidence_mode, drive, threads, clamp, clamp_mode
        As in `photinus.engines.laser.Simulator`.

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

    TILE = TILE
    LANES_PER_BLOCK = 1024  # about 45 kB are touched in a step

    def __init__(
        self,
        network: LaserNetwork,
        reduced: EscapeRate,
        *,
        chains: int = 1,
        seed: Seed = None,
        evidence: Given | None = None,
        evidence_mode: str | None = None,
        drive: NDArray[np.float64] | None = None,
        threads: int | None = None,
        clamp: Given | None = None,
        clamp_mode: str | None = None,
    ) -> None:
        validate.instance("network", network, LaserNetwork)
        validate.instance("reduced", reduced, EscapeRate)
        if network.devices:
            raise InvalidInput(
                "devices must be empty for reduced lasers, which are all as designed, "
                f"got {len(network.devices)} lasers that differ: 'laser' has them"
            )
        if np.ptp(network.delay) > 0:
            raise InvalidInput("delay must be one number for reduced lasers, got different ones")
        if network.rise_time > 0:
            raise InvalidInput(
                f"rise_time must be 0 s for reduced lasers, got {network.rise_time:g}: 'laser' has it"
            )
        self.reduced = reduced
        super().__init__(
            network,
            reduced.time_step,
            reduced.time_step,
            holding=network.holding,
            chains=chains,
            seed=seed,
            evidence=evidence,
            evidence_mode=evidence_mode,
            drive=drive,
            threads=threads,
            clamp=clamp,
            clamp_mode=clamp_mode,
        )

    def _lay_out(self, level: NDArray[np.float64]) -> list[ReducedBlock]:
        stride = stride_of(len(self.units))
        couplings = compile_couplings(among(self.network.coupling, self.units), 0.0, 1.0, 1.0, 1.0)
        shared = Shared(self.network, self.reduced, self.units, couplings, stride)
        size = self._chains_per_block(stride)
        return [
            ReducedBlock(first, level[first : first + size], shared, self.seed)
            for first in range(0, self.chains, size)
        ]

    def _advance_to(self, stop: int) -> SpikeTrains:
        start = self.step
        counts = np.concatenate(self._run(start, stop))
        self.step = stop
        ends = np.append(0, np.cumsum(counts))
        chain, unit = np.empty((2, ends[-1]), np.int32)
        time = np.empty(ends[-1])
        self._on_blocks(lambda block: block.write(ends, chain, unit, time))
        return self._trains(chain, unit, time, start)

    def _run(self, start: int, stop: int) -> list[NDArray[np.int64]]:
        """Advance all blocks, which keep their spikes; return how many each chain of them has."""
        return self._on_blocks(lambda block: block.advance(start, stop))
