"""The face of the simulation: validates, lays out, cuts into pieces, records."""

import itertools
import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from photinus._core import memory, validate
from photinus._core.compilation import TILE
from photinus._core.streams import Seed
from photinus.devices.laser import LaserParameters
from photinus.engines.base import BLOCKS, Engine
from photinus.engines.laser.block import LaserBlock, Spikes, per_step, pulse_of
from photinus.engines.laser.step import SUBSTEPS
from photinus.errors import InvalidInput
from photinus.machines.evidence import Given
from photinus.networks.couplings import among, compile_couplings
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import Recording, SpikeTrains, Waveforms
from photinus.units import ps

Results = list[tuple[Spikes, NDArray[np.float32]]]
"""Spikes and waveforms (lane, sample, 3) of each block."""
TIME_STEP = 0.5 * ps
"""Default integration step [s]; `docs` and tests show its error in rates and energies."""


def largest_time_step(parameters: LaserParameters) -> float:
    """Return the largest integration step [s] that the scheme is used with.

    The net gain of a bleached cavity must change the field by less than about a quarter per step.
    Carriers must change little between two visits of noise and events.
    """
    validate.instance("parameters", parameters, LaserParameters)
    return min(
        parameters.photon_lifetime / 4,
        parameters.absorber_lifetime / (4 * SUBSTEPS),
        parameters.gain_lifetime / (16 * SUBSTEPS),
    )


def default_time_step(parameters: LaserParameters) -> float:
    """Return the integration step [s] that a laser gets when none is asked for."""
    validate.instance("parameters", parameters, LaserParameters)
    return min(TIME_STEP, largest_time_step(parameters))


def _time_step(devices: set[LaserParameters], given: float | None) -> float:
    """Return the integration step [s] of lasers, checked."""
    if given is None:
        given = min(default_time_step(device) for device in devices)
    limit = min(largest_time_step(device) for device in devices)
    time_step = validate.positive("time_step", given, "s")
    if time_step > limit:
        raise InvalidInput(
            f"time_step must be at most {limit / ps:.3g} ps for these parameters, "
            f"got {time_step / ps:.3g} ps"
        )
    return time_step


class Simulator(Engine[LaserNetwork, LaserBlock]):
    """A laser network under way: full physics, piece by piece.

    The same seed gives the same spikes on any number of threads and however the time is cut. Chain
    c does not depend on how many chains there are.

    Parameters
    ----------
    network
        What to simulate.
    chains
        Number of independent copies, >= 1.
    seed
        Integer, SeedSequence or None (fresh entropy).
    time_step
        Integration step [s], at most `largest_time_step` of each laser; default: the smallest
        `default_time_step`.
    evidence
        Known units: label → 0 or 1, or label → array (chain,). See `evidence_mode`.
    evidence_mode
        "pump" (default): a known laser is not simulated. Its partners get the constant pump that its
        state calls for. "laser": ``driven_pump`` drives a known laser off or on, and it acts through
        its spikes.
    drive : array (chain, unit), optional
        Constant drives P τ_g [carriers] in place of the network's. They include the evidence, so
        "pump" adds nothing to them for known units.
    threads
        Number of threads; by default all cores that this process may use.
    clamp, clamp_mode
        What version 0.1 calls `evidence` and `evidence_mode`.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """

    TILE = TILE
    LANES_PER_BLOCK = 256  # about 25 kB, for the first-level cache
    LANES_PER_THREAD: ClassVar[int] = 1024
    """Lanes of a chain at least that a thread gets, as it meets the others once a step.

    Two threads of 512 lanes each are no faster than one thread.
    """

    def __init__(
        self,
        network: LaserNetwork,
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
        validate.instance("network", network, LaserNetwork)
        time_step = _time_step(set(network.devices or [network.parameters]), time_step)
        super().__init__(
            network,
            time_step,
            SUBSTEPS * time_step,
            holding=network.driven_pump,
            # What blocks take is a pump, of which there is none below zero.
            scale=network.parameters.gain_lifetime,
            least=0.0,
            chains=chains,
            seed=seed,
            evidence=evidence,
            evidence_mode=evidence_mode,
            drive=drive,
            threads=threads,
            clamp=clamp,
            clamp_mode=clamp_mode,
        )

    def _for_blocks(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return pump rates as the carriers per step that they are in each laser."""
        return level * self._efficiency() * self.time_step

    def _efficiency(self) -> NDArray[np.float64]:
        """Return how much of a pump rate becomes one in each simulated laser, array (unit,).

        What a driver sets, laser k turns into carriers with its own efficiency.
        """
        devices = self.network.devices
        if not devices:
            return np.ones(len(self.units))
        own = np.array([devices[k].pump_efficiency for k in self.units])
        return own / self.network.parameters.pump_efficiency

    def _lay_out(self, level: NDArray[np.float64]) -> list[LaserBlock]:
        network, dt = self.network, self.time_step
        n = len(self.units)
        efficiency = self._efficiency()
        delay = network.delay
        steps = (network.kernel.duration + np.max(delay)) / self.grid
        memory.require(8 * BLOCKS * steps, "the steps of a synaptic pulse and its delay")
        pulse, mean_height = pulse_of(network.kernel, self.grid)
        couplings = compile_couplings(
            among(network.coupling, self.units),
            delay if isinstance(delay, float) else delay[np.ix_(self.units, self.units)],
            network.kernel.kick,
            mean_height * dt / network.parameters.gain_lifetime,
            self.grid,
            efficiency,
        )
        constants = self._constants()
        threshold = np.broadcast_to(network.detection_threshold, network.n_units)[self.units]
        pump = self._for_blocks(level)
        driver = network.parameters.driver
        drivers = tuple(driver.scaled(own * dt) for own in efficiency) if driver.bends else ()
        follow = 1.0
        if network.rise_time > 0:
            follow = -math.expm1(-self.grid * math.log(9) / network.rise_time)
        fatigue = network.depression
        depression = None if fatigue is None else (fatigue.use, fatigue.recovery / self.grid)
        size = self._chains_per_block(n)
        threads = self._threads_per_chain(n) if size == 1 else 1
        return [
            LaserBlock(
                first,
                min(size, self.chains - first),
                n,
                constants,
                pump[first : first + size],
                self.seed,
                threshold,
                couplings,
                pulse,
                drivers,
                follow,
                threads,
                depression,
            )
            for first in range(0, self.chains, size)
        ]

    def _constants(self) -> dict[str, NDArray[np.float64]]:
        """Return what a step of each simulated laser is made of, arrays (unit,)."""
        devices, dt = self.network.devices, self.time_step
        if not devices:
            alike = per_step(self.network.parameters, dt)
            return {name: np.full(len(self.units), value) for name, value in alike.items()}
        per_device = {device: per_step(device, dt) for device in set(devices)}
        each = [per_device[devices[k]] for k in self.units]
        return {name: np.array([c[name] for c in each]) for name in each[0]} if each else {}

    def _threads_per_chain(self, lasers: int) -> int:
        """Return how many threads share a chain: several where there are fewer chains than threads."""
        return max(1, min(self.threads // self.chains, lasers // self.LANES_PER_THREAD))

    def warm(self, factor: NDArray[np.float64]) -> None:
        """Go on with lasers of `factor` times their threshold carriers, array (chain, unit) above 0.

        Transparency rises and gain falls by it, as in
        `photinus.networks.fabrication.with_thresholds`.
        """
        factor = factor[:, self.units]
        for block in self._blocks:
            block.warm(factor[block.first_chain : block.first_chain + block.chains])

    def advance(self, duration: float, recording: Recording | None = None) -> SpikeTrains:
        """Simulate on for `duration` [s], rounded up to the grid, and return the new spikes."""
        validate.instance("recording", recording, Recording | None)
        start, stop = self.step, self._after(duration)
        if recording is None:
            return self._advance_to(stop)
        recording.lanes(self.units, self.chains)
        window = (round(recording.start / self.grid), round(recording.stop / self.grid))
        cuts = sorted({start, stop, *(min(max(w, start), stop) for w in window)})
        parts = []
        for first, last in itertools.pairwise(cuts):
            inside = window[0] <= first < window[1]
            parts.append(self._advance_to(last, recording if inside else None))
        return parts[0] if len(parts) == 1 else SpikeTrains.joined(parts)

    def _advance_to(self, stop: int, recording: Recording | None = None) -> SpikeTrains:
        start = self.step
        every = recording.every if recording else 1
        # Blocks give their chains in rising order, and so must each of them.
        wanted = sorted(recording.lanes(self.units, self.chains), key=_chain) if recording else []
        results = self._run(start, stop, wanted, every)
        self.step = stop
        first = np.repeat([b.first_chain for b in self._blocks], [len(s[0]) for s, _ in results])
        chain, unit, step = (np.concatenate([spikes[k] for spikes, _ in results]) for k in range(3))
        waveforms = None
        if recording is not None:
            kept = np.concatenate([kept for _, kept in results])
            waveforms = self._waveforms(kept, recording, start)
        return self._trains(
            (first + chain).astype(np.int32),
            self.units[unit].astype(np.int32),
            step * self.grid,
            start,
            waveforms,
        )

    def _run(self, start: int, stop: int, wanted: list[tuple[int, int]], every: int) -> Results:
        """Advance all blocks and return what they found; waveforms of `wanted` (chain, unit)."""
        n = len(self.units)

        def run(block: LaserBlock) -> tuple[Spikes, NDArray[np.float32]]:
            lanes = [
                (c - block.first_chain) * n + u
                for c, u in wanted
                if block.first_chain <= c < block.first_chain + block.chains
            ]
            return block.advance(start, stop, np.array(lanes, np.int64), every)

        return self._on_blocks(run)

    def _waveforms(self, kept: NDArray[np.float32], recording: Recording, start: int) -> Waveforms:
        """Return what blocks kept since step `start`, in the order that was asked for."""
        every = recording.every
        shape = (len(recording.chains), len(recording.units), -1, 3)
        place = np.argsort(np.argsort(recording.chains))
        kept = kept.reshape(shape)[place]
        steps = np.arange(start // every + 1, self.step // every + 1) * every
        time = np.asarray(steps * self.grid, np.float64)
        return Waveforms(time, kept[..., 0], kept[..., 1], kept[..., 2])


def _chain(lane: tuple[int, int]) -> int:
    return lane[0]
