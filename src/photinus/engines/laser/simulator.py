"""The face of the simulation: validates, lays out, cuts into pieces, records."""

import itertools
import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import memory, validate
from photinus._core.compilation import TILE
from photinus._core.progress import Progress, tracked
from photinus._core.streams import Role, Seed, lane_states, seed_sequence
from photinus._core.threads import available_threads, on_threads
from photinus.devices.laser import LaserParameters
from photinus.devices.synapse import SynapticKernel
from photinus.engines.base import restore, state_of
from photinus.engines.laser import loop
from photinus.engines.laser.step import REARM, SUBSTEPS
from photinus.errors import InvalidInput, PhotinusError
from photinus.networks.couplings import Couplings, among, compile_couplings, from_clamped
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import Recording, SpikeTrains, Waveforms
from photinus.units import ps

TIME_STEP = 0.5 * ps
"""Default integration step [s]; `docs` and tests show its error in rates and energies."""
LANES_PER_BLOCK = 256
"""Lanes of a block at most, unless one chain has more: about 25 kB, for the first-level cache."""
BLOCKS = 8
"""Blocks at least, where there are chains enough: more than that many threads find no work."""
LASER_STEPS_PER_CHUNK = 2e8
"""Laser-steps between two looks at progress and interruption: a fraction of a second."""
CLAMP_MODES = ("pump", "laser")
BYTES_PER_SAMPLE = 36
"""Memory of a recorded sample: 12 bytes kept, the rest while pieces are joined."""
BYTES_PER_LASER = 600
"""Memory of a simulated laser at least: its state, what is passed on, room for its spikes."""
BYTES_PER_SPIKE = 64
"""Memory of a spike: 16 bytes kept, the rest while pieces are joined and sorted."""


def largest_time_step(parameters: LaserParameters) -> float:
    """Return the largest integration step [s] that the scheme is used with.

    The net gain of a bleached cavity must change the field by less than about a quarter per step,
    and carriers must change little between two visits of noise and events.
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


class _Block:
    """The state of a few whole chains, and the call that advances them."""

    ARRAYS = ("f", "r", "drive", "last_spike", "last_end", "wheel", "pool", "free", "strength")

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
    ) -> None:
        self.first_chain, self.chains, self.units = first_chain, chains, units
        self.couplings, self.pulse = couplings, pulse
        # What all synapses are attenuated to, see `heat`.
        self.strength = np.ones(1)
        lanes = chains * units
        tiles = -(-lanes // TILE)
        padded = tiles * TILE
        self.base_pump = np.resize(base_pump, padded)
        self.drive = memory.aligned(np.zeros(padded))
        self.kicked = memory.aligned(np.zeros(padded, np.float32))
        self.last_spike = np.full(lanes, -(2**62), np.int64)
        self.last_end = np.full(lanes, -1, np.int64)
        horizon = pulse[0] + int(couplings.group_delay.max(initial=0)) + 2
        self.wheel = np.full(horizon, -1, np.int64)
        self.pool = np.zeros((0, loop.COLUMNS), np.int64)
        self.free = np.zeros(1, np.int64)
        self._grow_pool(8 * lanes)

        rows = np.zeros((loop.ROWS, padded))
        for name, per_unit in constants.items():
            rows[getattr(loop, name)] = np.resize(per_unit, padded)
        rows[loop.PUMP] = np.maximum(self.base_pump, 0.0)
        rows[loop.HIGH, :lanes] = np.tile(threshold, chains)
        rows[loop.LOW, :lanes] = rows[loop.HIGH, :lanes] * REARM
        rows[loop.HIGH, lanes:] = np.inf
        # A start that no two lasers share: carriers anywhere between a spike's reset and threshold,
        # a thermal field of a few photons.
        words = lane_states(seed, Role.INITIAL_STATE, chains, units, first_chain)
        uniform = (words.reshape(lanes, 4) + 0.5) / 2.0**32
        lasing = -rows[loop.GROWTH] / rows[loop.GROWTH_G]
        settled = np.minimum(rows[loop.PUMP] / rows[loop.DG], lasing)[:lanes]
        rows[loop.NG, :lanes] = settled * (0.5 + 0.4 * uniform[:, 0])
        amplitude, phase = np.sqrt(-2 * np.log(uniform[:, 1])), 2 * np.pi * uniform[:, 2]
        rows[loop.EX, :lanes] = amplitude * np.cos(phase)
        rows[loop.EY, :lanes] = amplitude * np.sin(phase)
        self.f = memory.tiled(rows.astype(np.float32), TILE)
        states = np.zeros((4, padded), np.uint32)
        states[:, lanes:] = np.arange(1, 5, dtype=np.uint32)[:, None]
        noise = lane_states(seed, Role.FIELD_NOISE, chains, units, first_chain)
        states[:, :lanes] = noise.reshape(lanes, 4).T
        self.r = memory.tiled(states, TILE)
        self.scratch = memory.aligned(np.zeros(loop.SCRATCH * TILE, np.float32))
        self.fired = memory.aligned(np.zeros(padded, np.float32))
        self.spikes = np.empty((max(4096, 2 * lanes), 2), np.int64)

    def heat(self, base_pump: NDArray[np.float64], strength: float) -> None:
        """Go on with other constant pumps, and all synapses at `strength` times their height."""
        self.base_pump = np.resize(base_pump, len(self.drive))
        # Pulses under way are attenuated too, so that what raised them also lowers them.
        self.drive *= strength / self.strength[0]
        self.strength[0] = strength
        tiles = self.f.reshape(-1, loop.ROWS, TILE)
        tiles[:, loop.PUMP] = np.maximum(self.base_pump + self.drive, 0.0).reshape(-1, TILE)

    def _grow_pool(self, by: int) -> None:
        size = len(self.pool)
        pool = np.zeros((size + by, self.pool.shape[1]), np.int64)
        pool[:size] = self.pool
        stack = self.free[1 : 1 + self.free[0]]
        free = np.zeros(size + by + 1, np.int64)
        free[0] = len(stack) + by
        free[1 : 1 + by] = np.arange(size, size + by)[::-1]
        free[1 + by : 1 + by + len(stack)] = stack
        self.pool, self.free = pool, free

    def advance(
        self, step: int, stop: int, recorded: NDArray[np.int64], every: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Advance from `step` to `stop`; return spikes (spike, 2) of (step, lane) and waveforms."""
        c = self.couplings
        strength = self.strength[0]
        kick, height = c.kick, c.height
        if strength != 1:  # copies of all couplings
            kick, height = kick * np.float32(strength), height * strength
        parts = []
        waveforms = []
        begin = step
        while True:
            samples = (stop // every - step // every) if recorded.size else 0
            kept = np.empty((recorded.size, samples, 3), np.float32)
            before = step
            step, written, why = loop.advance_block(
                self.f,
                self.r,
                self.scratch,
                self.fired,
                self.drive,
                self.kicked,
                self.base_pump,
                self.last_spike,
                self.last_end,
                self.wheel,
                self.pool,
                self.free,
                c.groups_of,
                c.group_delay,
                c.runs_of,
                c.runs,
                kick,
                height,
                *self.pulse,
                self.units,
                self.chains,
                before,
                stop,
                self.spikes,
                recorded,
                every,
                kept,
            )
            parts.append(self.spikes[:written].copy())
            if recorded.size:
                waveforms.append(kept[:, : step // every - before // every])
            if why == loop.RECORDS_FULL:
                self._grow_pool(len(self.pool))
            elif why == loop.DONE:
                break
        if np.isnan(self.f).any():
            raise PhotinusError(
                "the simulation left the range of numbers: the time step is too large for these "
                "parameters"
            )
        samples = stop // every - begin // every
        return np.concatenate(parts), (
            np.concatenate(waveforms, axis=1) if waveforms else np.empty((0, samples, 3), np.float32)
        )


class Simulator:
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
    clamp
        Evidence: label → 0 or 1, or label → array (chain,). See `clamp_mode`.
    clamp_mode
        "pump" (default): a clamped laser is not simulated; its partners get the constant pump that
        its state calls for. "laser": the clamped laser is held off or on by ``driven_pump`` and
        acts through its spikes.
    drive : array (chain, unit), optional
        Constant drives P τ_g [carriers] in place of the network's; they hold the evidence already,
        so "pump" adds nothing to them for clamped units.
    threads
        Number of threads; by default all cores that this process may use.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """

    def __init__(
        self,
        network: LaserNetwork,
        *,
        chains: int = 1,
        seed: Seed = None,
        time_step: float | None = None,
        clamp: Mapping[Hashable, ArrayLike] | None = None,
        clamp_mode: str = "pump",
        drive: NDArray[np.float64] | None = None,
        threads: int | None = None,
    ) -> None:
        _of_lasers(network)
        if network.depression is not None:
            raise InvalidInput("depression must be None for full physics; 'laser-reduced' simulates it")
        self.network = network
        self.chains = validate.integer("chains", chains, 1)
        self.seed = seed_sequence(seed)
        devices = set(network.each_device())
        if time_step is None:
            time_step = min(default_time_step(device) for device in devices)
        limit = min(largest_time_step(device) for device in devices)
        self.time_step = validate.positive("time_step", time_step, "s")
        if self.time_step > limit:
            raise InvalidInput(
                f"time_step must be at most {limit / ps:.3g} ps for these parameters, "
                f"got {self.time_step / ps:.3g} ps"
            )
        self.threads = available_threads(threads)
        self.grid = SUBSTEPS * self.time_step
        self.step = 0
        validate.one_of("clamp_mode", clamp_mode, CLAMP_MODES)
        fixed, values = validate.clamp(clamp, network.labels, self.chains)
        held = drive is not None
        shape = (self.chains, network.n_units)
        drive = validate.finite_array("drive", network.drive if drive is None else drive, (1, 2))
        if held and drive.shape != shape:
            raise InvalidInput(f"drive must have shape {shape}, got {drive.shape}")
        lifetime = network.parameters.gain_lifetime
        pump = np.broadcast_to(np.maximum(drive, 0.0) / lifetime, shape).copy()
        if clamp_mode == "pump":
            self.units = np.setdiff1d(np.arange(network.n_units), fixed)
            self._driven = np.zeros(len(self.units), bool)
            if not held:
                pump += from_clamped(network.coupling, fixed, values) / lifetime
        else:
            self.units = np.arange(network.n_units)
            pump[:, fixed] = np.where(values == 1, network.driven_pump[1], network.driven_pump[0])
            self._driven = np.isin(self.units, fixed)
        self._pump = pump[:, self.units]
        self._blocks = self._lay_out(self._pump)

    @property
    def drive(self) -> NDArray[np.float64]:
        """Constant drives that it was built with, array (chain, simulated unit) [carriers]."""
        return self._pump * self.network.parameters.gain_lifetime

    def heat(self, change: NDArray[np.float64], strength: float) -> None:
        """Go on with other drives and attenuated synapses, pulses under way included.

        Parameters
        ----------
        change : array (chain, unit)
            What is added to the drives [carriers] that the simulator was built with; lasers that are
            clamped by driving them keep theirs.
        strength
            What all couplings are multiplied with, >= 0; 1 as they were built.
        """
        added = np.where(self._driven, 0.0, change[:, self.units])
        pump = self._pump + added / self.network.parameters.gain_lifetime
        pump = pump * self._efficiency() * self.time_step
        for block in self._blocks:
            mine = slice(block.first_chain, block.first_chain + block.chains)
            block.heat(pump[mine], strength)

    def _efficiency(self) -> NDArray[np.float64]:
        """Return how much of a pump rate becomes one in each simulated laser, array (unit,).

        What a driver sets, laser k turns into carriers with its own efficiency.
        """
        devices = self.network.each_device()
        own = np.array([devices[k].pump_efficiency for k in self.units])
        return own / self.network.parameters.pump_efficiency

    def _lay_out(self, pump: NDArray[np.float64]) -> list[_Block]:
        network, dt = self.network, self.time_step
        n = len(self.units)
        devices = network.each_device()
        efficiency = self._efficiency()
        pump = pump * efficiency
        delay = network.delay
        steps = (network.kernel.duration + np.max(delay)) / self.grid
        memory.require(8 * BLOCKS * steps, "the steps of a synaptic pulse and its delay")
        pulse, mean_height = _pulse(network.kernel, self.grid)
        couplings = compile_couplings(
            among(network.coupling, self.units),
            delay if isinstance(delay, float) else delay[np.ix_(self.units, self.units)],
            network.kernel.kick,
            mean_height * dt / network.parameters.gain_lifetime,
            self.grid,
            efficiency,
        )
        per_device = {device: per_step(device, dt) for device in set(devices)}
        each = [per_device[devices[k]] for k in self.units]
        constants = {name: np.array([c[name] for c in each]) for name in each[0]} if each else {}
        threshold = np.broadcast_to(network.detection_threshold, network.n_units)[self.units]
        # Never by the number of threads: a saved state must fit on any machine.
        size = max(-(-TILE // n), min(-(-self.chains // BLOCKS), LANES_PER_BLOCK // n))
        return [
            _Block(
                first,
                min(size, self.chains - first),
                n,
                constants,
                pump[first : first + size] * dt,
                self.seed,
                threshold,
                couplings,
                pulse,
            )
            for first in range(0, self.chains, size)
        ]

    @property
    def time(self) -> float:
        """Time reached [s]."""
        return self.step * self.grid

    def advance(self, duration: float, recording: Recording | None = None) -> SpikeTrains:
        """Simulate on for `duration` [s], rounded up to the grid, and return the new spikes."""
        validate.instance("recording", recording, Recording | None)
        duration = validate.positive("duration", duration, "s")
        start = self.step
        stop = start + max(1, math.ceil(duration / self.grid - 1e-6))
        if recording is not None:
            recording.lanes(self.units, self.chains)
        cuts = [start, stop]
        if recording is not None:
            window = (round(recording.start / self.grid), round(recording.stop / self.grid))
            cuts = sorted({start, stop, *(min(max(w, start), stop) for w in window)})
        parts = []
        for begin, end in itertools.pairwise(cuts):
            inside = recording is not None and window[0] <= begin < window[1]
            parts.append(self._advance_to(end, recording if inside else None))
        return parts[0] if len(parts) == 1 else SpikeTrains.joined(parts)

    def _advance_to(self, stop: int, recording: Recording | None) -> SpikeTrains:
        start = self.step
        n = len(self.units)
        every = recording.every if recording else 1
        # Blocks give their chains in rising order, and so must each of them.
        wanted = sorted(recording.lanes(self.units, self.chains), key=_chain) if recording else []

        def run(block: _Block) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
            lanes = [
                (c - block.first_chain) * n + u
                for c, u in wanted
                if block.first_chain <= c < block.first_chain + block.chains
            ]
            return block.advance(start, stop, np.array(lanes, np.int64), every)

        results = on_threads(run, self._blocks, self.threads)
        self.step = stop
        chain, unit, step = (
            np.concatenate(column)
            for column in zip(
                *(
                    (
                        spikes[:, 1] // n + block.first_chain,
                        self.units[spikes[:, 1] % n],
                        spikes[:, 0],
                    )
                    for block, (spikes, _) in zip(self._blocks, results, strict=True)
                ),
                strict=True,
            )
        )
        order = np.lexsort((unit, step, chain))
        waveforms = None
        if recording is not None:
            shape = (len(recording.chains), len(recording.units), -1, 3)
            place = np.argsort(np.argsort(recording.chains))
            kept = np.concatenate([kept for _, kept in results]).reshape(shape)[place]
            kept_steps = np.arange(start // every + 1, stop // every + 1) * every
            time = np.asarray(kept_steps * self.grid, np.float64)
            waveforms = Waveforms(time, kept[..., 0], kept[..., 1], kept[..., 2])
        return SpikeTrains(
            chain[order].astype(np.int32),
            unit[order].astype(np.int32),
            step[order] * self.grid,
            self.network.labels,
            self.chains,
            start * self.grid,
            stop * self.grid,
            waveforms,
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that a later `restore` needs to go on with the same spikes."""
        return state_of(self.step, self._blocks)

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a `state` of a simulator that was built with the same arguments."""
        self.step = restore(self._blocks, state)


def _chain(lane: tuple[int, int]) -> int:
    return lane[0]


def _pulse(kernel: SynapticKernel, grid: float) -> tuple[tuple[int, float, bool], float]:
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
    }


def simulate(
    network: LaserNetwork,
    duration: float,
    *,
    chains: int = 1,
    seed: Seed = None,
    time_step: float | None = None,
    clamp: Mapping[Hashable, ArrayLike] | None = None,
    clamp_mode: str = "pump",
    recording: Recording | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> SpikeTrains:
    """Simulate a laser network with full physics and return its spikes.

    Parameters
    ----------
    network
        Lasers, pumps, couplings.
    duration
        Physical time per chain [s], > 0.
    chains, seed, time_step, clamp, clamp_mode, threads
        See `Simulator`.
    recording
        Waveforms to keep beside the spikes.
    progress
        True for a bar on the terminal, or an object with ``start``, ``advance``, ``stop``.

    Raises
    ------
    InvalidInput
        If an argument is out of its range, or the spikes would not fit into memory.
    """
    _of_lasers(network)
    validate.instance("recording", recording, Recording | None)
    duration = validate.positive("duration", duration, "s")
    if recording is not None and recording.start >= duration:
        raise InvalidInput(
            f"recording start must be before the end of the run ({duration:g} s), "
            f"got {recording.start:g}"
        )
    chains = validate.integer("chains", chains, 1)
    needed = chains * network.n_units * duration / network.window * BYTES_PER_SPIKE
    memory.require(needed + chains * network.n_units * BYTES_PER_LASER, "the spikes of this run")
    simulator = Simulator(
        network,
        chains=chains,
        seed=seed,
        time_step=time_step,
        clamp=clamp,
        clamp_mode=clamp_mode,
        threads=threads,
    )
    if recording is not None:
        samples = (min(recording.stop, duration) - recording.start) / simulator.grid / recording.every
        needed += len(recording.chains) * len(recording.units) * samples * BYTES_PER_SAMPLE
    memory.require(needed, "the spikes of this run")
    with tracked(progress, "simulating lasers", duration) as advance:
        parts = list(_pieces(simulator, duration, recording, advance))
    return SpikeTrains.joined(parts)


def _of_lasers(network: LaserNetwork) -> None:
    """Raise InvalidInput unless `network` is one of lasers."""
    if type(network).__name__ == "LifNetwork":
        raise InvalidInput(
            "network must be a LaserNetwork, got a LifNetwork: simulate that with "
            'photinus.sample(machine, "lif", network=network), or '
            "photinus.engines.lif.simulator.LifSimulator(network)"
        )
    validate.instance("network", network, LaserNetwork)


def _pieces(
    simulator: Simulator,
    duration: float,
    recording: Recording | None,
    advance: Callable[[float], None],
) -> Iterator[SpikeTrains]:
    lanes = simulator.chains * len(simulator.units)
    piece = simulator.grid * max(16, int(LASER_STEPS_PER_CHUNK / (SUBSTEPS * lanes)))
    stop = simulator.time + duration
    while stop - simulator.time > 1e-6 * simulator.grid:
        part = simulator.advance(min(piece, stop - simulator.time), recording)
        advance(part.duration)
        yield part
