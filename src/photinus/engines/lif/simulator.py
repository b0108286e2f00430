"""The face of the simulation of LIF neurons: validates, lays out, cuts into pieces."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.compilation import SHORT_TILE as TILE
from photinus._core.memory import tiled
from photinus._core.streams import Role, Seed, lane_states, seed_sequence
from photinus._core.threads import available_threads, on_threads
from photinus.devices.lif.parameters import STEPS_PER_TIME_CONSTANT, LifParameters
from photinus.engines.base import restore, state_of
from photinus.engines.laser.simulator import BLOCKS, CLAMP_MODES, LANES_PER_BLOCK
from photinus.engines.laser.step import UNIT_VARIANCE
from photinus.engines.lif import loop
from photinus.errors import InvalidInput, PhotinusError
from photinus.machines.evidence import Evidence, Given
from photinus.networks.lif import LifNetwork
from photinus.spikes.trains import SpikeTrains


class LifSimulator:
    """A network of LIF neurons under way, piece by piece; the face of `simulation.engine.Simulator`.

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
    clamp
        Evidence: label → 0 or 1, or label → array (chain,). See `clamp_mode`.
    clamp_mode
        "pump" (default): a clamped neuron is not simulated; its partners get the constant drive that
        its state calls for (`LifNetwork.drive_given`). "laser": the clamped neuron is held off or
        on by ``driven_drive`` and acts through its spikes. The names are those of lasers, so that
        substrates can be swapped in the same call.
    drive : array (chain, unit), optional
        Constant drives [V] in place of the network's; they hold the evidence already, so "pump" adds
        nothing to them for clamped units.
    threads
        Number of threads; by default all cores that this process may use.

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

    def __init__(
        self,
        network: LifNetwork,
        *,
        chains: int = 1,
        seed: Seed = None,
        time_step: float | None = None,
        clamp: Given | None = None,
        clamp_mode: str = "pump",
        drive: NDArray[np.float64] | None = None,
        threads: int | None = None,
    ) -> None:
        validate.instance("network", network, LifNetwork)
        self.network = network
        self.chains = validate.integer("chains", chains, 1)
        self.seed = seed_sequence(seed)
        self.time_step = self.grid = network.parameters.check_time_step(
            network.parameters.time_step if time_step is None else time_step
        )
        if self.time_step > network.kernel.duration / STEPS_PER_TIME_CONSTANT:
            raise InvalidInput(
                "time_step must be at most a quarter of the kernel's duration "
                f"({network.kernel.duration:g} s), got {self.time_step:g}"
            )
        self.threads = available_threads(threads)
        self.step = 0
        validate.one_of("clamp_mode", clamp_mode, CLAMP_MODES)
        evidence = Evidence.of(clamp, network.labels, self.chains)
        shape = (self.chains, network.n_units)
        given = None if drive is None else validate.finite_array("drive", drive, 2)
        if given is not None and given.shape != shape:
            raise InvalidInput(f"drive must have shape {shape}, got {given.shape}")
        self.units = np.arange(network.n_units)
        if clamp_mode == "pump":
            self.units = evidence.free
            full = network.drive_given(evidence) if given is None else given
        else:
            full = np.array(np.broadcast_to(network.drive if given is None else given, shape))
            off, on = network.driven_drive
            full[:, evidence.positions] = np.where(evidence.values == 1, on, off)
        self._driven = np.isin(self.units, evidence.positions)
        self._drive = full[:, self.units]
        self._blocks = self._lay_out(self._drive)

    @property
    def drive(self) -> NDArray[np.float64]:
        """Constant drives that it was built with, array (chain, simulated unit) [V]."""
        return self._drive

    def heat(self, change: NDArray[np.float64], strength: float) -> None:
        """Go on with other drives and attenuated synapses, currents under way included.

        Parameters
        ----------
        change : array (chain, unit)
            What is added to the drives [V] that the simulator was built with; neurons that are clamped
            by driving them keep theirs.
        strength
            What all couplings are multiplied with, >= 0; 1 as they were built.
        """
        drive = self._drive + np.where(self._driven, 0.0, change[:, self.units])
        for block in self._blocks:
            block.heat(drive[block.first_chain : block.first_chain + block.chains], strength)

    def _lay_out(self, drive: NDArray[np.float64]) -> list["_Block"]:
        n = len(self.units)
        synapses = _Synapses(self.network, self.units, self.time_step)
        # Never by the number of threads: a saved state must fit on any machine.
        size = max(-(-TILE // n), min(-(-self.chains // BLOCKS), LANES_PER_BLOCK // n))
        return [
            _Block(
                first,
                drive[first : first + size],
                self.network.parameters,
                synapses,
                self.time_step,
                self.seed,
            )
            for first in range(0, self.chains, size)
        ]

    @property
    def time(self) -> float:
        """Time reached [s]."""
        return self.step * self.grid

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

    def advance(self, duration: float) -> SpikeTrains:
        """Simulate on for `duration` [s], rounded up to the grid, and return the new spikes."""
        duration = validate.positive("duration", duration, "s")
        start = self.step
        stop = start + max(1, math.ceil(duration / self.grid - 1e-6))
        results = on_threads(lambda block: block.advance(start, stop), self._blocks, self.threads)
        self.step = stop
        chain, unit, time = (np.concatenate(column) for column in zip(*results, strict=True))
        return SpikeTrains(
            chain,
            self.units.astype(np.int32)[unit],
            time * self.grid,
            self.network.labels,
            self.chains,
            start * self.grid,
            stop * self.grid,
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that a later `restore` needs to go on with the same spikes."""
        return state_of(self.step, self._blocks)

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a `state` of a simulator that was built with the same arguments."""
        self.step = restore(self._blocks, state)


class _Synapses:
    """The couplings between simulated units as the inner loop reads them."""

    def __init__(self, network: LifNetwork, units: NDArray[np.intp], dt: float) -> None:
        kernel = network.kernel
        coupling = network.coupling[np.ix_(units, units)]
        source, target = np.nonzero(coupling.T)
        self.first_target = np.searchsorted(source, np.arange(len(units) + 1))
        self.target = target.astype(np.uint32)
        self.coupling = coupling[target, source].astype(np.float32)
        self.kick, self.sustain, self.renewing = kernel.kick, kernel.sustain, kernel.renewing
        self.decay_time = kernel.duration
        self.delay = round(network.delay / dt)


class _Block:
    """The state of a few whole chains, and the call that advances them."""

    ARRAYS = ("f", "r", "last_spike", "pending", "ring", "strength")

    def __init__(
        self,
        first_chain: int,
        drive: NDArray[np.float64],
        parameters: LifParameters,
        synapses: _Synapses,
        dt: float,
        seed: np.random.SeedSequence,
    ) -> None:
        p = parameters
        self.first_chain, self.synapses = first_chain, synapses
        self.chains, self.units = drive.shape
        self.constants = _constants(p, synapses.decay_time, dt)
        self.rates = dt / p.membrane_time, dt / synapses.decay_time
        lanes = drive.size
        padded = -(-lanes // TILE) * TILE
        refractory = p.refractory_time / dt
        rows = np.zeros((loop.ROWS, padded))
        rows[loop.HELD, lanes:] = np.inf
        rows[loop.V] = p.reset - p.threshold
        above = drive.ravel() - p.threshold
        self.threshold, self.share = p.threshold, -math.expm1(-dt / p.membrane_time)
        rows[loop.DRIVE, :lanes] = above * self.share
        # The free membrane in equilibrium, but for what lies above threshold.
        words = lane_states(seed, Role.INITIAL_STATE, self.chains, self.units, first_chain)
        uniform = (words.reshape(lanes, 4) + 0.5) / 2.0**32
        radius, angle = np.sqrt(-2 * np.log(uniform[:, 0])), 2 * np.pi * uniform[:, 1]
        shared = p.noise_time / (p.noise_time + p.membrane_time)
        noise = p.noise_input * radius * np.cos(angle)
        own = p.noise * math.sqrt(1 - shared) * radius * np.sin(angle)
        potential = above + shared * noise + own
        rows[loop.NOISE, :lanes] = noise
        rows[loop.V, :lanes][potential < 0] = potential[potential < 0]
        self.f = tiled(rows.astype(np.float32), TILE)
        states = np.zeros((4, padded), np.uint32)
        states[:, lanes:] = np.arange(1, 5, dtype=np.uint32)[:, None]
        streams = lane_states(seed, Role.LIF_NOISE, self.chains, self.units, first_chain)
        states[:, :lanes] = streams.reshape(lanes, 4).T
        self.r = tiled(states, TILE)
        self.last_spike = np.full(lanes, -1e18)
        # Every neuron fires at most once per refractory time.
        on_the_way = int(synapses.delay / (refractory - 1)) + 2
        self.pending = np.zeros((lanes * on_the_way, loop.PENDING))
        self.ring = np.zeros(2, np.int64)
        # What all synapses are attenuated to, see `LifSimulator.heat`.
        self.strength = np.ones(1)
        self.spikes = np.empty((max(4096, 2 * lanes), 2))

    def heat(self, drive: NDArray[np.float64], strength: float) -> None:
        """Go on with other drives, and all synapses at `strength` times their height."""
        tiles = self.f.reshape(-1, loop.ROWS, TILE)
        tiles[:, loop.CURRENT] *= strength / self.strength[0]
        self.strength[0] = strength
        lanes = np.zeros(tiles.shape[0] * TILE)
        lanes[: drive.size] = (drive.ravel() - self.threshold) * self.share
        tiles[:, loop.DRIVE] = lanes.reshape(-1, TILE)

    def read(self, row: str) -> NDArray[np.float64]:
        """Return one quantity of all lanes, array (chain, unit)."""
        tiles = self.f.reshape(-1, loop.ROWS, TILE)[:, getattr(loop, row)]
        lanes = tiles.ravel()[: self.chains * self.units]
        return lanes.reshape(self.chains, self.units).astype(np.float64)

    def advance(self, step: int, stop: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
        """Advance from `step` to `stop`; return chain, unit and time [steps] of the spikes."""
        s = self.synapses
        parts = []
        while step < stop:
            step, written = loop.advance_block(
                self.f,
                self.r,
                self.last_spike,
                self.pending,
                self.ring,
                self.constants,
                s.first_target,
                s.target,
                s.coupling,
                s.kick * self.strength[0],
                s.sustain * self.strength[0],
                *self.rates,
                s.renewing,
                s.delay,
                self.units,
                self.chains,
                step,
                stop,
                self.spikes,
            )
            parts.append(self.spikes[:written].copy())
        if np.isnan(self.f).any():
            raise PhotinusError(
                "the simulation left the range of numbers: drives and couplings are too large"
            )
        spikes = np.concatenate(parts)
        # By step and lane so far; within a chain, stable sorting leaves equal times to their units.
        spikes = spikes[np.argsort(spikes[:, 0], kind="stable")]
        chain, unit = np.divmod(spikes[:, 1].astype(np.int32), np.int32(self.units))
        order = np.argsort(chain.astype(np.uint16), kind="stable")
        return chain[order] + np.int32(self.first_chain), unit[order], spikes[order, 0]


def _constants(p: LifParameters, decay_time: float, dt: float) -> NDArray[np.float32]:
    """Return what one step multiplies with, by its exact propagator (Van Loan 1978, see Notes).

    Notes
    -----
    For dY = A Y dt + B dW with Y = (V, I, X), propagator F and noise covariance Q over dt are
    blocks of one matrix exponential: exp([[-A, BBᵀ], [0, Aᵀ]] dt) = [[…, F⁻¹Q], [0, Fᵀ]]
    (Van Loan 1978, IEEE Trans. Automat. Contr. 23, 395).
    """
    from scipy.linalg import expm

    m, s, x = dt / p.membrane_time, dt / decay_time, dt / p.noise_time
    system = np.array([[-m, m, m], [0, -s, 0], [0, 0, -x]])
    # In units of the noise, so that no unit of voltage spoils the exponential's accuracy.
    whole = np.zeros((6, 6))
    whole[:3, :3], whole[3:, 3:] = -system, system.T
    whole[2, 5] = 2 * x
    exponential = expm(whole)
    propagator = exponential[3:, 3:].T
    covariance = propagator @ exponential[:3, 3:]
    x_xi = math.sqrt(covariance[2, 2])
    v_xi = covariance[0, 2] / x_xi
    v_eta = math.sqrt(max(covariance[0, 0] - v_xi**2, 0.0))
    constants = np.zeros(loop.CONSTANTS)
    constants[loop.KEEP_V] = propagator[0, 0]
    constants[loop.CURRENT_TO_V] = propagator[0, 1]
    constants[loop.NOISE_TO_V] = propagator[0, 2]
    constants[loop.KEEP_CURRENT] = propagator[1, 1]
    constants[loop.KEEP_NOISE] = propagator[2, 2]
    scale = p.noise_input * UNIT_VARIANCE
    constants[[loop.X_XI, loop.V_XI, loop.V_ETA]] = np.array([x_xi, v_xi, v_eta]) * scale
    constants[loop.RESET] = p.reset - p.threshold
    constants[loop.REFRACTORY] = p.refractory_time / dt
    return constants.astype(np.float32)
