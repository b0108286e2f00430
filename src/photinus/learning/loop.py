"""Learning with the device in the loop: both phases sampled by lasers.

What the device does wrong, through mismatch or coarse weights, then shows in the moments that learning
compares with those of the data. Learning takes it back (for spiking neurons on an analogue chip:
Schmitt et al. 2017, IJCNN, "Neuromorphic hardware in the loop"). No data show hidden units. Were their
means given the data computed instead of sampled, a hidden laser that is off by itself could never agree
with them. Its bias would run away.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import gauge as gauges
from photinus._core import validate
from photinus._core.matrices import rows_scaled
from photinus._core.streams import Seed, seed_sequence
from photinus.calibration import Calibration
from photinus.engines.laser.simulator import Simulator
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.couplings import entries
from photinus.networks.lasers import LaserNetwork, is_of_lasers
from photinus.translation.gauge import CHOICES, choose_gauge
from photinus.translation.rules import slopes, translate

SUBSTRATES = ("laser-reduced", "laser")
IMPRINT = 1
"""State windows for which lasers are driven to the states that they go on from: 99 % are there then.
For some windows after that fewer lasers are on: those that were driven off have carriers to gather."""

SETTLED_AFTER, READ = 2, 6
"""State windows that hidden lasers run before their states given the data are read, and while."""


class DeviceChains:
    """Chains of lasers that go on while the machine learns: `negative` of a `BoltzmannEstimator`.

    Between two updates the chip gets other pumps and couplings. The chains go on from the states that
    they were in: each laser is driven on or off for one window, then released.

    Parameters
    ----------
    calibration
        Of the device as designed.
    alter
        Makes of the designed network the one that was built, the same way every time; for instance
        ``lambda network: Imperfections(weight_bits=6).apply(network, seed=1)``.
    substrate
        "laser-reduced" or "laser".
    chains, windows
        Chains, and state windows τ that they run on freely between two updates. With fewer than ten,
        learning mistakes the traces of being driven, see `IMPRINT`, for what the machine does.
    gauge
        Which lasers stand for 1 - z of their unit, see `photinus.translate`; chosen for the first
        machine, and kept for later ones. Weights and states that learning sees are those of z.
    seed, threads
        As in `photinus.sample`.
    """

    def __init__(
        self,
        calibration: Calibration,
        *,
        alter: Callable[[LaserNetwork], LaserNetwork] | None = None,
        substrate: str = "laser-reduced",
        chains: int = 100,
        windows: int = 10,
        gauge: str | ArrayLike = "none",
        seed: Seed = 0,
        threads: int | None = None,
    ) -> None:
        validate.instance("calibration", calibration, Calibration)
        validate.one_of("substrate", substrate, SUBSTRATES)
        self.calibration, self.alter, self.substrate = calibration, alter, substrate
        self.chains = validate.integer("chains", chains, 1)
        self.windows = validate.integer("windows", windows, 1)
        self._seed, self._threads = seed_sequence(seed), threads
        self._calls = 0
        self._states: NDArray[np.uint8] | None = None
        self._line: NDArray[np.float64] | None = None
        self.gauge: str | gauges.Gauge = (
            validate.one_of("gauge", gauge, CHOICES)
            if isinstance(gauge, str)
            else gauges.checked(gauge, np.size(gauge))
        )

    def network(self, machine: BoltzmannMachine) -> LaserNetwork:
        """Return the network as built, set to sample from `machine`.

        The measured rule gives each unit of the first machine a straight line m_k + s_k u. It is kept
        for later ones: a step of learning is a step of pumps and couplings.
        """
        validate.instance("machine", machine, BoltzmannMachine)
        if isinstance(self.gauge, str):
            self.gauge = choose_gauge(machine, self.calibration, self.gauge)
        network = translate(machine, self.calibration, rule="linear", gauge=self.gauge)
        if not is_of_lasers(network):
            raise InvalidInput(
                f"calibration must be of lasers, got one of {self.calibration.parameters.name!r}"
            )
        own = machine.flipped(network.gauge)
        if self._line is None:
            slope = slopes(own, self.calibration)
            given = translate(own, self.calibration, rule="measured", gauge="none")
            middle = given.drive - slope * own.biases
            self._line = np.stack([middle, slope])
        middle, slope = self._line
        network = network.driven(middle + slope * own.biases, rows_scaled(own.matrix, slope))
        return network if self.alter is None else self.alter(network)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` needs to go on with the same states."""
        gauge = None if isinstance(self.gauge, str) else self.gauge
        known = {"line": self._line, "states": self._states, "gauge": gauge}
        some = {name: value for name, value in known.items() if value is not None}
        return {"calls": np.array(self._calls), **some}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from the `state` of chains that were built with the same arguments."""
        self._calls = int(state["calls"])
        self._line, self._states = state.get("line"), state.get("states")
        self.gauge = state.get("gauge", "none" if "line" in state else self.gauge)

    def __call__(self, machine: BoltzmannMachine) -> NDArray[np.uint8]:
        """Return the states (chain, unit) after a further `windows` of the network."""
        network = self.network(machine)
        simulator = self._simulator(network, self.chains)
        self._calls += 1
        if self._states is not None:
            states = gauges.flip_states(self._states, network.gauge)
            simulator.heat(_driven(network, states), 1.0)
            simulator.advance(IMPRINT * network.window)
            simulator.heat(np.zeros(self._states.shape), 1.0)
        spikes = simulator.advance(self.windows * network.window)
        states = np.zeros((self.chains, network.n_units), np.uint8)
        on = spikes.time > spikes.stop - network.window
        states[spikes.chain[on], spikes.unit[on]] = 1
        self._states = gauges.flip_states(states, network.gauge)
        return self._states

    def given(self, machine: BoltzmannMachine, visible: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return means of all units (sample, unit) with the first ones known to be `visible`."""
        validate.instance("machine", machine, BoltzmannMachine)
        network, (samples, known) = self.network(machine), visible.shape
        evidence = dict(zip(machine.labels, visible.T.astype(np.uint8), strict=False))
        simulator = self._simulator(network, samples, 1, evidence=evidence)
        simulator.advance(SETTLED_AFTER * network.window)
        means = np.zeros((samples, network.n_units), np.float32)
        for _ in range(READ):
            spikes = simulator.advance(network.window)
            states = np.zeros(means.shape, np.float32)
            states[spikes.chain, spikes.unit] = 1
            means += states / READ
        means = np.where(network.gauge, 1 - means, means)
        means[:, :known] = visible
        return means

    def _simulator(
        self, network: LaserNetwork, chains: int, *key: int, **options: Any
    ) -> ReducedSimulator | Simulator:
        """Return a simulator with separate random numbers for each call and `key`."""
        sequence = np.random.SeedSequence(
            self._seed.entropy, spawn_key=(*self._seed.spawn_key, self._calls, *key)
        )
        options |= {"chains": chains, "seed": sequence, "threads": self._threads}
        if self.substrate == "laser":
            return Simulator(network, **options)
        return ReducedSimulator(network, self.calibration.require_reduced(), **options)


def _driven(network: LaserNetwork, states: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the change of drives (chain, unit) [carriers] that brings lasers into these states."""
    on = network.driven_pump[1] * network.parameters.gain_lifetime - network.drive
    target, _, value = entries(network.coupling)
    most = np.bincount(target, np.maximum(value, 0), network.n_units)
    return np.where(states == 1, on, -network.drive - most)
