"""The state of a few whole chains of integrate-and-fire neurons, and the call that advances it."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import TILE
from photinus._core.matrices import entries, part
from photinus._core.memory import tiled
from photinus._core.streams import Role, lane_states
from photinus.devices.lif.parameters import LifParameters
from photinus.engines.base import Strength, by_lane, common_and_gain
from photinus.engines.laser.step import UNIT_VARIANCE
from photinus.engines.lif import loop
from photinus.errors import PhotinusError
from photinus.networks.lif import LifNetwork


class Synapses:
    """The couplings between simulated units as the inner loop reads them."""

    def __init__(self, network: LifNetwork, units: NDArray[np.intp], dt: float) -> None:
        kernel = network.kernel
        by_source: Any = part(network.coupling, units, units).T
        source, target, coupling = entries(by_source)
        self.first_target = np.searchsorted(source, np.arange(len(units) + 1))
        self.target = target.astype(np.uint32)
        self.coupling = coupling.astype(np.float32)
        self.kick, self.sustain, self.renewing = kernel.kick, kernel.sustain, kernel.renewing
        self.decay_time = kernel.duration
        self.delay = round(network.delay / dt)
        fatigue = network.depression
        # Part that a spike uses up, and time constant of recovery [steps]; None for no depression.
        self.depression = None if fatigue is None else (fatigue.use, fatigue.recovery / dt)


class LifBlock:
    """The state of a few whole chains, and the call that advances them."""

    _ARRAYS = ("f", "r", "last_spike", "pending", "ring", "strength")

    def __init__(
        self,
        first_chain: int,
        drive: NDArray[np.float64],
        parameters: LifParameters,
        synapses: Synapses,
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
        self.resources = np.ones(lanes if synapses.depression else 0)
        # Every neuron fires at most once per refractory time.
        on_the_way = int(synapses.delay / (refractory - 1)) + 2
        self.pending = np.zeros((lanes * on_the_way, loop.PENDING))
        self.ring = np.zeros(2, np.int64)
        # What all synapses are attenuated to, see `LifSimulator.heat`.
        self.strength = np.ones(1)
        self.spikes = np.empty((max(4096, 2 * lanes), 2))

    @property
    def ARRAYS(self) -> tuple[str, ...]:  # noqa: N802
        """Names of the arrays that tell its state."""
        return (*self._ARRAYS, "resources") if self.resources.size else self._ARRAYS

    def heat(self, drive: NDArray[np.float64], strength: Strength) -> None:
        """Go on with other drives, and all synapses at `strength` times their height."""
        each = np.array(strength, np.float64, ndmin=1)
        tiles = self.f.reshape(-1, loop.ROWS, TILE)
        factor = by_lane(each / self.strength, self.units, tiles.shape[0] * TILE)
        tiles[:, loop.CURRENT] *= factor if factor.size == 1 else factor.reshape(-1, TILE)
        self.strength = each
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
        strength, gain = common_and_gain(self.strength, self.chains)
        fatigue = loop.Fatigue(self.resources, *s.depression) if s.depression else None
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
                s.kick * strength,
                s.sustain * strength,
                gain,
                *self.rates,
                s.renewing,
                s.delay,
                fatigue,
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
    Let dY = A Y dt + B dW with Y = (V, I, X). Propagator F and noise covariance Q over dt are blocks of
    one matrix exponential. It is exp([[-A, BBᵀ], [0, Aᵀ]] dt) = [[…, F⁻¹Q], [0, Fᵀ]] (Van Loan 1978,
    IEEE Trans. Automat. Contr. 23, 395).
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
