"""Networks in which a reduced laser is compared with full physics, and what their spikes tell."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus.devices.registry import assemble, setting
from photinus.engines.reduced.model import EscapeRate
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.couplings import dense
from photinus.networks.lasers import LaserNetwork, is_of_lasers
from photinus.spikes.trains import SpikeTrains
from photinus.translation.neuron import Neuron
from photinus.translation.rules import translate

DELAYS = (0.75, 1.0, 1.25, 1.75, 2.5)
"""Edges of the delays from a spike to a pulse at which responses are compared [τ]."""
COPIES = 4
"""Targets of each kind that hear the same pulses."""
CHAINS = 64
START_FORGOTTEN = 20
"""State windows dropped at the start of each measurement."""
COUPLED = 400
"""State windows of the coupled runs that are fitted or judged, with `COUPLED_CHAINS` chains."""
COUPLED_CHAINS = 128
COUPLINGS = (1.0, 2.0, 4.0)
"""Largest weights and biases of the random machines."""


def uncoupled(neuron: Neuron, drive: NDArray[np.float64]) -> LaserNetwork:
    """Return lasers with these drives that hear nothing of each other."""
    n = len(drive)
    return network_of(neuron, drive, np.zeros((n, n)))


def network_of(
    neuron: Neuron, drive: NDArray[np.float64], coupling: NDArray[np.float64]
) -> LaserNetwork:
    """Return lasers with these drives and couplings."""
    network = assemble(
        neuron.parameters,
        drive=drive,
        coupling=coupling,
        kernel=neuron.kernel,
        window=neuron.window,
        detection_threshold=neuron.detection_threshold,
        driven=setting(neuron.parameters).bracket,
    )
    assert is_of_lasers(network)  # neuron.laser was asked for before
    return network


def random_machines(seed: int, units: int = 4) -> list[BoltzmannMachine]:
    """Return eight machines for each of `COUPLINGS`, the weakest first.

    Of each eight, three have weights of both signs, two inhibit only and one excites only. Two are
    frustrated: all weights of the same size, signs drawn.
    """
    rng = np.random.default_rng(seed)
    machines = []
    for scale, kind in itertools.product(COUPLINGS, range(8)):
        low, high = ((-1, 1), (-1, 0), (0, 1))[(kind > 2) + (kind > 4)]
        weights = rng.uniform(low, high, (units, units)) * scale
        if kind > 5:
            weights = rng.choice([-scale, scale], (units, units))
        weights = np.triu(weights, 1) + np.triu(weights, 1).T
        biases = rng.uniform(-scale, scale, units)
        if kind > 4:  # else they would be all on or all off
            biases = rng.uniform(-0.5, 0.5, units) - weights.sum(axis=1) / 2
        machines.append(BoltzmannMachine(weights, biases))
    return machines


@dataclass(frozen=True, slots=True)
class SmallNetworks:
    """Small machines as one network of parts that hear nothing of each other."""

    network: LaserNetwork
    ends: NDArray[np.intp]
    """Where the units of each machine end, array (machine,)."""

    @classmethod
    def of(cls, neuron: Neuron, machines: Sequence[BoltzmannMachine]) -> "SmallNetworks":
        """Return the lasers that sample from `machines`, by the measured rule."""
        from scipy.linalg import block_diag

        parts = [translate(machine, neuron, gauge="none") for machine in machines]
        network = network_of(
            neuron,
            np.concatenate([part.drive for part in parts]),
            block_diag(*[dense(part.coupling) for part in parts]),
        )
        return cls(network, np.cumsum([part.n_units for part in parts]))

    def joints(self, spikes: SpikeTrains) -> list[NDArray[np.float64]]:
        """Return the joint of each machine, array (state,)."""
        return [mine.joint(self.window) for mine in spikes.split(self.ends)]

    @property
    def window(self) -> float:
        """State window τ [s]."""
        return self.network.window


def run_reduced(
    network: LaserNetwork,
    reduced: EscapeRate,
    windows: int,
    seed: np.random.SeedSequence,
    threads: int | None,
    chains: int = CHAINS,
) -> SpikeTrains:
    """Return what the reduced lasers of `network` do in so many state windows, once settled."""
    simulator = ReducedSimulator(network, reduced, chains=chains, seed=seed, threads=threads)
    simulator.advance(START_FORGOTTEN * network.window)
    return simulator.advance(windows * network.window)


def activation_of(spikes: SpikeTrains, window: float) -> NDArray[np.float64]:
    """Return how often each unit is on, array (unit,)."""
    alone = spikes.split(np.arange(spikes.n_units) + 1)
    return np.array([one.joint(window)[1] for one in alone])


def pulsed(neuron: Neuron) -> LaserNetwork:
    """Return a source that fires seldom and its targets, `COPIES` of each bias and sign of weight."""
    kinds = np.array([(bias, weight) for bias in (-1, 0, 1) for weight in (-1, 1)] * COPIES)
    drive = neuron.midpoint + neuron.slope * np.append(-1.5, kinds[:, 0])
    coupling = np.zeros((len(drive), len(drive)))
    coupling[1:, 0] = neuron.slope * kinds[:, 1]
    return network_of(neuron, drive, coupling)


def response(spikes: SpikeTrains, window: float) -> NDArray[np.float64]:
    """Return how often a target fires within τ of its source's spike, array (kind, delay).

    By the delay since its own latest spike, in the classes of `DELAYS`; sources that were on already
    are left out.
    """
    _lane, starts, time = spikes.by_lane()
    trains = [time[start:end] for start, end in itertools.pairwise(starts)]
    chains = spikes.chains
    kinds = (spikes.n_units - 1) // COPIES
    fired, pulses = np.zeros((2, kinds, len(DELAYS) - 1))
    for chain, source in enumerate(trains[:chains]):
        pulse = source[1:][np.diff(source) > 2 * window]
        pulse = pulse[pulse < spikes.stop - window]
        for k, target in enumerate(trains[chains + chain :: chains]):
            padded = np.concatenate([[-np.inf], target, [np.inf]])
            next_ = np.searchsorted(padded, pulse)
            delay = np.searchsorted(DELAYS, (pulse - padded[next_ - 1]) / window) - 1
            known = (delay >= 0) & (delay < len(DELAYS) - 1)
            then = padded[next_] - pulse < window
            np.add.at(pulses[k % kinds], delay[known], 1.0)
            np.add.at(fired[k % kinds], delay[known], then[known].astype(float))
    return np.asarray(fired / np.maximum(pulses, 1.0))
