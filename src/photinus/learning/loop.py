"""Learning with the device in the loop: the negative phase sampled by lasers.

What the device does wrong, through mismatch or coarse weights, then shows in the moments that learning
compares with those of the data, and learning takes it back (for spiking neurons on an analogue chip:
Schmitt et al. 2017, IJCNN, "Neuromorphic hardware in the loop").
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus import _validate
from photinus.boltzmann import BoltzmannMachine
from photinus.calibration import Calibration
from photinus.errors import InvalidInput
from photinus.network import LaserNetwork
from photinus.reduced.simulator import ReducedSimulator
from photinus.simulation.engine import Simulator
from photinus.simulation.streams import Seed, seed_sequence
from photinus.translation import translate

SUBSTRATES = ("laser-reduced", "laser")


class DeviceChains:
    """Chains of lasers that go on while the machine learns: `negative` of a `BoltzmannEstimator`.

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
        Chains, and state windows τ that they run on between two updates.
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
        seed: Seed = 0,
        threads: int | None = None,
    ) -> None:
        _validate.one_of("substrate", substrate, SUBSTRATES)
        self.calibration, self.alter, self.substrate = calibration, alter, substrate
        self.chains = _validate.integer("chains", chains, 1)
        self.windows = _validate.integer("windows", windows, 1)
        self._options: dict[str, Any] = {"seed": seed_sequence(seed), "threads": threads}
        self._state: dict[str, NDArray[Any]] | None = None

    def network(self, machine: BoltzmannMachine) -> LaserNetwork:
        """Return the network as built, set to sample from `machine`."""
        network = translate(machine, self.calibration)
        if not isinstance(network, LaserNetwork):
            raise InvalidInput(
                f"calibration must be of lasers, got one of {self.calibration.parameters.name!r}"
            )
        return network if self.alter is None else self.alter(network)

    def __call__(self, machine: BoltzmannMachine) -> NDArray[np.uint8]:
        """Return the states (chain, unit) after a further `windows` of the network."""
        network = self.network(machine)
        simulator: ReducedSimulator | Simulator
        if self.substrate == "laser":
            simulator = Simulator(network, chains=self.chains, **self._options)
        else:
            reduced = self.calibration.require_reduced()
            simulator = ReducedSimulator(network, reduced, chains=self.chains, **self._options)
        if self._state is not None:
            simulator.restore(self._state)
        spikes = simulator.advance(self.windows * network.window)
        self._state = simulator.state()
        states = np.zeros((self.chains, network.n_units), np.uint8)
        on = spikes.time > spikes.stop - network.window
        states[spikes.chain[on], spikes.unit[on]] = 1
        return states
