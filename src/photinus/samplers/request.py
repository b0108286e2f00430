"""What a run is asked for, what it gives, and what every substrate must be able to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from photinus._core.display import Displayed
from photinus._core.gauge import Gauge, flip_states
from photinus.calibration import Calibration
from photinus.devices import Network
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence
from photinus.networks.imperfections import Imperfections
from photinus.samplers.tempering import Parallel, Tempering
from photinus.spikes.trains import SpikeTrains


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Request(Displayed):
    """What one call of `sample` asks for, checked.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.samplers import Piece, WholeRun
    >>> class Off(WholeRun):
    ...     def advance(self, draws, report):
    ...         asked = self.request  # checked, with everything that a run needs
    ...         return Piece(asked.start[:, None].repeat(draws, axis=1), None)
    """

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
    evidence_mode: str
    time_step: float | None
    threads: int | None
    tempering: Tempering | Parallel | None
    imperfections: Imperfections | None = None
    prepared: "tuple[Network, NDArray[np.float64] | None] | None" = None
    """Network and, given evidence, drives (chain, unit), where these were worked out before."""
    gauge: "str | Gauge" = "none"
    """Which neurons stand for 1 - z, or how to choose them; see `photinus.translate`."""
    engine: str = "cpu"
    """Where neurons are simulated, one of `Run.engines`."""

    def flipped(self, gauge: Gauge) -> "Request":
        """Return what is asked of the neurons of a network with this gauge, as they see it."""
        return replace(
            self,
            machine=self.machine.flipped(gauge),
            evidence=self.evidence.flipped(gauge),
            start=flip_states(self.start, gauge),
        )

    @property
    def clamp_mode(self) -> str:
        """What version 0.1 calls `evidence_mode`."""
        return self.evidence_mode

    def window_of(self, draw: int) -> int:
        """Return the window (or sweep) at whose end a draw is taken, burn-in included in both."""
        return draw if self.tempering is None else self.tempering.window_of(draw)

    def temperature(self, window: int) -> float:
        """Return the temperature in a window."""
        return self.tempering.temperature(window) if isinstance(self.tempering, Tempering) else 1.0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Piece(Displayed):
    """Consecutive draws of all chains, with the spikes of the same time where there are any.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.samplers import Piece
    >>> piece = Piece(states=np.zeros((4, 10, 2), np.uint8), spikes=None)
    >>> chains, draws, units = piece.states.shape
    """

    states: NDArray[np.uint8]
    spikes: SpikeTrains | None


class Run(Protocol):
    """A sampler under way: what every substrate gives. Derive from it to inherit what is usual.

    A substrate is a class of this kind, whose constructor takes a checked `Request`. What it can do
    stands in the class.

    Examples
    --------
    >>> from photinus.samplers import substrate
    >>> gibbs = substrate("gibbs")
    >>> gibbs.spiking, gibbs.heated, gibbs.parallel
    (False, True, True)
    """

    spiking: ClassVar[bool] = False
    """Whether it simulates a device, and thus takes a calibration and a network."""
    heated: ClassVar[bool] = False
    """Whether it takes `Request.tempering`."""
    parallel: ClassVar[bool] = False
    """Whether each chain can have a temperature, see `heat`: for parallel tempering."""
    imperfect: ClassVar[bool] = False
    """Whether it takes `Request.imperfections`."""
    least_burn_in: ClassVar[int | None] = 0
    """Draws of burn-in from which on its chains start at `Request.start`; None if they never do."""
    independent: ClassVar[bool] = False
    """Whether its draws are independent, so that there is no start."""
    engines: ClassVar[tuple[str, ...]] = ("cpu",)
    """Where it can run: on the processor, or also on an NVIDIA device ("cuda")."""
    spread: ClassVar[bool] = False
    """Whether its chains are advanced by workers."""

    window: float | None = None
    """State window τ, in the unit of the spike times; None without time."""
    network: Network | None = None
    """Simulated neurons, if any."""
    drive: NDArray[np.float64] | None = None
    """Drives (chain, unit) given evidence, where these are not the network's."""
    time_step: float | None = None
    """Integration step [s]; None without one."""
    method: str | None = None
    """How it draws, where it has a choice."""
    draws_per_piece: int
    """Draws after which it is worth storing what there is."""

    def __init__(self, request: Request) -> None:
        """Get ready for the first draw of a request."""

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return the next `draws` draws, burn-in done; tell `report` of finished draws."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` needs to go on; nothing if a stopped run has to start again."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state of the same run."""

    def heat(self, temperatures: NDArray[np.float64]) -> None:
        """Go on with each chain at a temperature, array (chain,); of `parallel` substrates only."""
        raise InvalidInput(f"temperatures must be one for all chains of a {type(self).__name__}")

    def activity(self) -> NDArray[np.float64] | None:
        """Return spikes per second and unit of all copies together, (unit,), where there are some."""
        return None

    def outside(self) -> list[str]:
        """Return what the device cannot do of what is asked for, a sentence each."""
        return []


class WholeRun(Run):
    """A sampler that is quick enough to give all its draws as one piece: only `advance` is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.samplers import Piece, WholeRun
    >>> class Coins(WholeRun):
    ...     def advance(self, draws, report):
    ...         asked = self.request
    ...         report(asked.burn_in + draws)
    ...         shape = (asked.chains, draws, asked.machine.n_units)
    ...         coins = np.random.default_rng(asked.seed).integers(2, size=shape)
    ...         return Piece(coins.astype(np.uint8), None)
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.draws_per_piece = request.draws

    def state(self) -> dict[str, NDArray[Any]]:
        """Return nothing: a stopped run starts again and gives the same draws."""
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Do nothing."""
