"""What a run is asked for, what it gives, and what every substrate must be able to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from photinus.calibration import Calibration
from photinus.engines.devices import Network
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence
from photinus.networks.imperfections import Imperfections
from photinus.samplers.tempering import Tempering
from photinus.spikes.trains import SpikeTrains


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What one call of `sample` asks for, checked."""

    machine: BoltzmannMachine
    substrate: str
    chains: int
    draws: int
    burn_in: int
    seed: np.random.SeedSequence
    evidence: Evidence
    start: NDArray[np.uint8]
    """State that each chain starts from, array (chain, unit), evidence included."""
    calibration: "Calibration | None"
    network: "Network | None"
    rule: str
    clamp_mode: str
    time_step: float | None
    threads: int | None
    tempering: Tempering | None
    imperfections: Imperfections | None = None
    prepared: "tuple[Network, NDArray[np.float64] | None] | None" = None
    """Network and, given evidence, drives (chain, unit), where these were worked out before."""

    def window_of(self, draw: int) -> int:
        """Return the window (or sweep) at whose end a draw is taken, burn-in included in both."""
        return draw if self.tempering is None else self.tempering.window_of(draw)

    def temperature(self, window: int) -> float:
        """Return the temperature in a window."""
        return 1.0 if self.tempering is None else self.tempering.temperature(window)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Consecutive draws of all chains, with the spikes of the same time where there are any."""

    states: NDArray[np.uint8]
    spikes: SpikeTrains | None


class Run(Protocol):
    """A sampler under way."""

    spread: bool
    """Whether its chains are advanced by workers."""

    @property
    def window(self) -> float | None:
        """State window τ, in the unit of the spike times; None without time."""

    @property
    def network(self) -> "Network | None":
        """Simulated neurons, if any."""

    @property
    def time_step(self) -> float | None:
        """Integration step [s]; None without one."""

    @property
    def draws_per_piece(self) -> int:
        """Draws after which it is worth storing what there is."""

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return the next `draws` draws, burn-in done; tell `report` of finished draws."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` needs to go on."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state of the same run."""
