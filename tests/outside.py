"""A substrate and a device, as somebody else's package has them: `tests.test_plugins` makes one of this.

The neuron is on for a window after each spike. Then it escapes at the rate exp(u)/τ, where u is its
drive and the couplings of partners that are on (Buesing et al. 2011). So its log-odds of being on are u.
"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from photinus.devices import Device, Setting
from photinus.devices.synapse import SynapticKernel
from photinus.engines.base import Engine
from photinus.errors import InvalidInput
from photinus.samplers import Piece, Role, WholeRun, lane_states

STEPS = 20
"""Steps of a window."""


def lanes(seed: Any, chains: int, units: int) -> Any:
    """Return a random state of each lane, array (chain, unit)."""
    words = lane_states(seed, Role.OUTSIDE, chains, units).astype(np.uint64)
    return words[..., 0] << np.uint64(32) | words[..., 1] | np.uint64(1)


def uniform(state: Any) -> Any:
    """Return a number from 0 to 1 of each lane, and its next state (xorshift64, Marsaglia 2003)."""
    state = state ^ (state << np.uint64(13))
    state = state ^ (state >> np.uint64(7))
    state = state ^ (state << np.uint64(17))
    return (state >> np.uint64(11)) * 2.0**-53, state


class CoinRun(WholeRun):
    """Independent coins with the biases of a machine, whatever its weights are."""

    independent = True

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        request = self.request
        state = lanes(request.seed, request.chains, request.machine.n_units)
        states = np.zeros((request.chains, draws, request.machine.n_units), np.uint8)
        for d in range(draws):
            number, state = uniform(state)
            states[:, d] = number < 1 / (1 + np.exp(-request.machine.biases))
        request.evidence.fill(states)
        report(request.burn_in + draws)
        return Piece(states, None)


class Unfinished:
    """No substrate at all."""


@dataclasses.dataclass(frozen=True)
class Neuron:
    """A refractory neuron."""

    device: ClassVar[str] = "refractory"
    name: str = "plain"
    window: float = 1e-3

    def to_dict(self) -> dict[str, Any]:
        return {"device": self.device, "name": self.name, "window": self.window}


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """Refractory neurons with their drives and couplings."""

    device: ClassVar[str] = "refractory"
    ARRAYS: ClassVar[tuple[str, ...]] = ("drive", "coupling")
    parameters: Neuron
    kernel: SynapticKernel
    window: float
    holding: tuple[float, float]
    drive: Any
    coupling: Any
    labels: tuple[Any, ...]
    delay: float = 0.0
    gauge: Any = ()

    def __post_init__(self) -> None:
        n = len(self.drive)
        if not (np.isfinite(self.drive).all() and np.isfinite(self.coupling).all()):
            raise InvalidInput("drive and coupling must be finite")
        if self.coupling.shape != (n, n):
            raise InvalidInput(f"coupling must have shape {(n, n)}, got {self.coupling.shape}")

    @property
    def n_units(self) -> int:
        return len(self.drive)

    def replace(self, **changes: Any) -> "Network":
        return dataclasses.replace(self, **changes)

    def driven(self, drive: Any, coupling: Any = None) -> "Network":
        return self.replace(drive=drive, coupling=self.coupling if coupling is None else coupling)

    def settings(self) -> list[str]:
        return [f"{u:.3g}" for u in self.drive]

    def to_dict(self) -> dict[str, Any]:
        return {
            "device": self.device,
            "parameters": self.parameters.to_dict(),
            "kernel": self.kernel.to_dict(),
            "window": self.window,
            "holding": list(self.holding),
            "labels": list(self.labels),
            "drive": self.drive,
            "coupling": self.coupling,
            "gauge": [bool(flips) for flips in self.gauge],
        }

    def save(self, path: Any, *, replace: bool = True) -> None:
        with open(path, "w" if replace else "x") as file:
            json.dump(self.to_dict(), file, default=np.ndarray.tolist)


class Chains:
    """Some of the chains under way."""

    ARRAYS = ("noise", "last_spike")

    def __init__(self, first: int, noise: Any, level: Any, coupling: Any) -> None:
        self.first_chain, self.chains = first, len(level)
        self.noise, self.level, self.coupling = noise, level, coupling
        self.last_spike = np.full(level.shape, -STEPS)
        self.strength = 1.0

    def heat(self, level: Any, strength: float) -> None:
        self.level, self.strength = level, strength

    def advance(self, start: int, stop: int) -> Any:
        """Return chain, unit and step of the spikes from one step to another."""
        found = []
        for step in range(start, stop):
            on = step - self.last_spike < STEPS
            odds = np.exp(self.level + self.strength * (on @ self.coupling.T))
            number, self.noise = uniform(self.noise)
            fires = ~on & (number < odds / (STEPS + odds))
            self.last_spike[fires] = step
            chain, unit = np.nonzero(fires)
            found.append((chain + self.first_chain, unit, np.full(len(chain), step)))
        chain, unit, moment = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.lexsort((unit, moment, chain))
        return chain[order], unit[order], moment[order]


class Simulator(Engine[Any, Any]):
    """Refractory neurons under way; evidence, threads and states are those of every engine."""

    TILE, LANES_PER_BLOCK = 1, 4096

    def __init__(self, network: Network, *, time_step: float | None = None, **options: Any) -> None:
        step = network.window / STEPS
        if time_step is not None and not 0 < time_step <= step:
            raise InvalidInput(f"time_step must be None or up to {step:g} s, got {time_step}")
        super().__init__(network, step, step, holding=network.holding, **{"drive": None, **options})

    def _lay_out(self, level: Any) -> list[Chains]:
        units, size = self.units, self._chains_per_block(len(self.units))
        noise = lanes(self.seed, self.chains, self.network.n_units)[:, units]
        coupling = self.network.coupling[np.ix_(units, units)]
        return [
            Chains(first, noise[first : first + size], level[first : first + size], coupling)
            for first in range(0, self.chains, size)
        ]

    def _advance_to(self, stop: int) -> Any:
        start, self.step = self.step, stop
        parts = self._on_blocks(lambda block: block.advance(start, stop))
        chain, unit, step = (np.concatenate(column) for column in zip(*parts, strict=True))
        unit = self.units[unit].astype(np.int32)
        return self._trains(chain.astype(np.int32), unit, (step + 0.5) * self.grid, start)


class RefractoryDevice(Device):
    """Refractory neurons as a device."""

    name = "refractory"
    noun, plural = "neuron", "refractory neurons"
    presets = ("plain",)
    has_gauge = True

    def preset(self, name: str) -> Neuron:
        return Neuron(name)

    def parameters_from_dict(self, values: Any) -> Neuron:
        return Neuron(values["name"], values["window"])

    def network_from_dict(self, values: Any) -> Network:
        return Network(
            parameters=self.parameters_from_dict(values["parameters"]),
            kernel=SynapticKernel(**values["kernel"]),
            window=values["window"],
            holding=tuple(values["holding"]),
            drive=np.array(values["drive"]),
            coupling=np.array(values["coupling"]),
            labels=tuple(values["labels"]),
            gauge=tuple(values.get("gauge", ())),
        )

    def load_network(self, path: Any) -> Network:
        return self.network_from_dict(json.loads(Path(path).read_text()))

    def setting(self, parameters: Neuron) -> Setting:
        return Setting(
            bracket=(-6.0, 6.0),
            time_constant=parameters.window,
            time_step=parameters.window / STEPS,
            detection_threshold=None,
            window=parameters.window,
            synapse="rectangle",
            decay=None,
        )

    def assemble(self, parameters: Neuron, *, driven: Any, detection_threshold: Any = None,
                 delay: Any = 0.0, **parts: Any) -> Network:  # fmt: skip
        return Network(parameters=parameters, holding=driven, **parts)

    def simulator(self, network: Network, **options: Any) -> Simulator:
        return Simulator(network, **options)
