"""What a kind of neuron must be able to do, for networks of it to be built, calibrated and sampled.

A neuron is described by its parameters, set by a *drive*, and coupled in units of that drive. The drive
of a laser is P τ_g in carriers. That of an integrate-and-fire neuron is its mean free membrane
potential in volts.

Three things say what a kind of neuron is. They are its `Parameters`, a `Network` of such neurons, and a
`Device` that puts networks together and simulates them. All three carry the device's name.
"""

import math
import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.devices.synapse import SynapticKernel
from photinus.errors import InvalidInput
from photinus.units import Allowed

if TYPE_CHECKING:
    # At run time it would bring the compiler, which parameters do not need.
    from photinus._core.streams import Seed
    from photinus.machines.evidence import Given
    from photinus.spikes.trains import SpikeTrains


EVIDENCE_MODES = ("pump", "laser")
"""How a network gets evidence: through the drives of its partners, or by driving the known units."""


def evidence_mode_of(evidence_mode: str | None, clamp_mode: str | None = None) -> str:
    """Return one of `EVIDENCE_MODES`, by default the first.

    `clamp_mode` is what version 0.1 calls the argument.
    """
    mode = validate.either(evidence_mode=evidence_mode, clamp_mode=clamp_mode)
    name = "evidence_mode" if clamp_mode is None else "clamp_mode"
    return EVIDENCE_MODES[0] if mode is None else validate.one_of(name, mode, EVIDENCE_MODES)


@runtime_checkable
class Parameters(Protocol):
    """What one neuron is; never changed, and equal where all values are.

    Examples
    --------
    >>> from photinus.devices import Parameters, preset
    >>> neuron = preset("lif-hcs")
    >>> isinstance(neuron, Parameters), neuron.device, neuron.name
    (True, 'lif', 'lif-hcs')
    """

    @property
    def device(self) -> str:
        """Name of its device, the same for all neurons of a kind."""

    @property
    def name(self) -> str:
        """What to call the neuron."""

    def to_dict(self) -> dict[str, Any]:
        """Return the values for JSON.

        Outside this package they hold the device's name as "device".
        """


@runtime_checkable
class Network(Protocol):
    """Neurons of one kind, each with its drive, and the couplings between them; never changed.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.devices import Network
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> network = ph.translate(machine, ph.Calibration.preset("lif-hcs"))
    >>> isinstance(network, Network), network.device, network.n_units
    (True, 'lif', 2)
    """

    @property
    def device(self) -> str:
        """Name of the device."""

    @property
    def parameters(self) -> Any:
        """The neuron that every unit is made of, as designed."""

    @property
    def kernel(self) -> SynapticKernel:
        """What one spike does to its targets."""

    @property
    def window(self) -> float:
        """State window τ [s]."""

    @property
    def delay(self) -> Any:
        """Time from a spike to its effect [s], a number or array (unit, unit)."""

    @property
    def labels(self) -> tuple[Hashable, ...]:
        """One name per unit."""

    @property
    def n_units(self) -> int:
        """Number of units."""

    @property
    def drive(self) -> NDArray[np.float64]:
        """Constant drive of each unit, array (unit,)."""

    @property
    def coupling(self) -> Any:
        """What unit j, while it is on, adds to the drive of unit i, array (i, j)."""

    @property
    def holding(self) -> tuple[float, float]:
        """Drives that keep a neuron off and on."""

    @property
    def ARRAYS(self) -> Sequence[str]:  # noqa: N802
        """Entries of `to_dict` that are arrays."""

    def driven(self, drive: NDArray[np.float64], coupling: Any = None) -> Self:
        """Return a copy with other drives and, if given, other couplings."""

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""

    def settings(self) -> list[str]:
        """Return what to set each neuron to, for people."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything, arrays as they are.

        Outside this package that includes the device's name as "device".
        """

    def save(self, path: str | os.PathLike[str], *, replace: bool = True) -> None:
        """Write the network as JSON to `path`."""


class SpikingSimulator(Protocol):
    """A network under way, piece by piece.

    The same seed must give the same spikes however the time is cut and on any number of threads.
    `photinus.engines.base.Engine` has all of this but a block of chains and the loop that advances it.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.devices import simulator
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> network = ph.translate(machine, ph.Calibration.preset("lif-hcs"))
    >>> run = simulator(network, chains=2, seed=1)
    >>> run.advance(0.1).duration, run.time
    (0.1, 0.1)
    """

    @property
    def network(self) -> Any:
        """What is simulated."""

    @property
    def chains(self) -> int:
        """Number of independent copies."""

    @property
    def units(self) -> NDArray[np.intp]:
        """Positions of the units that are simulated, array (simulated unit,)."""

    @property
    def time_step(self) -> float:
        """Integration step [s]."""

    @property
    def grid(self) -> float:
        """Step that the time of a piece is rounded to [s]."""

    @property
    def step(self) -> int:
        """Steps of the grid so far."""

    @property
    def time(self) -> float:
        """Time reached [s]."""

    @property
    def drive(self) -> NDArray[np.float64]:
        """Constant drives that it was built with, array (chain, simulated unit)."""

    def heat(self, change: NDArray[np.float64], strength: float | NDArray[np.float64]) -> None:
        """Go on with changed drives (chain, unit) and all couplings times `strength`."""

    def advance(self, duration: float) -> "SpikeTrains":
        """Simulate on for `duration` [s] and return the new spikes."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that a later `restore` needs to go on with the same spikes."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a `state` of a simulator that was built with the same arguments."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Setting(Displayed):
    """Where to look for the activation of a kind of neuron, and what its synapses are.

    Examples
    --------
    >>> from photinus.devices import preset, setting
    >>> found = setting(preset("fast-absorber"))
    >>> found.synapse, found.time_step
    ('rectangle', 5e-13)
    """

    bracket: tuple[float, float]
    """Drives between silence and regular firing."""
    time_constant: float
    """How long a neuron remembers its drive [s]."""
    time_step: float
    """Integration step [s]."""
    detection_threshold: float | None
    """Photon number at which a laser's spike counts; None where a spike is an event by itself."""
    window: float | None
    """State window τ [s], where the device fixes it."""
    synapse: str
    """Kind of synapse that its calibration fits by default."""
    decay: float | None
    """Time constant of exponential synapses [s], where the device fixes it."""


class Device(Protocol):
    """A kind of spiking neuron.

    A class that inherits from this one must define what raises `NotImplementedError` here, and gets the
    rest. One that does not inherit must have all of it. Outside packages name theirs in the group
    ``photinus.devices`` of their entry points: an object, or a class without arguments.

    Examples
    --------
    >>> from photinus.devices import device
    >>> laser = device("laser")
    >>> laser.presets[0], laser.can_be_reduced, laser.drive_name
    ('fast-absorber', True, 'pump current')
    """

    name: str
    """What parameters, networks and stores call it."""
    noun: str
    """What one neuron is called, for people."""
    plural: str
    """What several are called."""
    drive_name: str = "drive"
    """What its drive is called, for people."""
    presets: tuple[str, ...] = ()
    """Names of the parameter sets that come with it."""
    least_drive: float = -math.inf
    """Smallest drive that there is."""
    has_gauge: bool = False
    """Whether its networks have a field `gauge`, array (unit,) of bool: who stands for 1 - z."""
    can_heat: bool = True
    """Whether its simulator takes other drives and attenuated synapses while it runs (`heat`)."""
    can_be_imperfect: bool = False
    """Whether `imperfect` and `photinus.engines.disturbances` know what its faults are."""
    can_be_reduced: bool = False
    """Whether a calibration can measure it as an escape rate, for the substrate "laser-reduced"."""
    can_record: bool = False
    """Whether its simulator's `advance` takes a `Recording` of waveforms."""
    engines: tuple[str, ...] = ("cpu",)
    """Where it is simulated: on the processor, or also on an NVIDIA device ("cuda"). Of several, its
    `simulator` takes the name as `engine`."""

    def preset(self, name: str) -> Any:
        """Return the parameters of one of its `presets`."""
        raise NotImplementedError

    def parameters_from_dict(self, values: Mapping[str, Any]) -> Any:
        """Return the parameters that their `to_dict` wrote."""
        raise NotImplementedError

    def network_from_dict(self, values: Mapping[str, Any]) -> Any:
        """Return the network that its `to_dict` wrote."""
        raise NotImplementedError

    def load_network(self, path: str | os.PathLike[str]) -> Any:
        """Return the network that its `save` wrote."""
        raise NotImplementedError

    def setting(self, parameters: Any) -> Setting:
        """Return how neurons with these parameters are calibrated.

        Raises
        ------
        NotConverged
            If they never spike.
        """
        raise NotImplementedError

    def assemble(
        self,
        parameters: Any,
        *,
        drive: NDArray[np.float64],
        coupling: NDArray[np.float64],
        kernel: SynapticKernel,
        window: float,
        detection_threshold: float | None,
        driven: tuple[float, float],
        delay: float | NDArray[np.float64] = 0.0,
        labels: tuple[Hashable, ...] = (),
    ) -> Any:
        """Return a network; `driven` are the drives that keep a neuron off and on."""
        raise NotImplementedError

    def simulator(
        self,
        network: Any,
        *,
        chains: int,
        seed: "Seed",
        time_step: float | None = None,
        evidence: "Given | None" = None,
        evidence_mode: str = "pump",
        drive: NDArray[np.float64] | None = None,
        threads: int | None = None,
    ) -> SpikingSimulator:
        """Return what simulates a network; arguments as in `photinus.engines.laser.Simulator`."""
        raise NotImplementedError

    def plausible(self, parameters: Any) -> dict[str, Allowed]:
        """Return what the constants of a calibration can be, by name; none for forced parameters."""
        return {}

    def imperfect(self, network: Any, imperfections: Any, seed: "Seed" = None) -> Any:
        """Return a designed network as fabrication gives it.

        Raises
        ------
        InvalidInput
            If imperfections of such neurons are not known.
        """
        raise InvalidInput(f"imperfections must be None for {self.plural}")

    def imperfect_drive(
        self, network: Any, built: Any, drive: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return drives (chain, unit) that were meant for `network` as they come out in `built`."""
        return drive

    def beyond(self, network: Any, drive: NDArray[np.float64], known: NDArray[np.intp]) -> list[str]:
        """Return what neurons cannot do of what is asked for, a sentence each.

        Parameters
        ----------
        network
            What is to be simulated.
        drive : array (chain, unit)
            Constant drives, evidence included.
        known : array (k,)
            Positions of units that are evidence.
        """
        return []

    def axis(self, parameters: Any, drive: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
        """Return drives as figures show them, and what stands at that axis."""
        return drive, self.drive_name

    def advice(self, parameters: Any) -> str:
        """Return what to change where the activation is not logistic."""
        return f"give {self.plural} a state window that fits their intervals, or more noise"

    def facts(self, neuron: Any) -> list[tuple[str, str]]:
        """Return what a calibration measured, as (what, value) for people."""
        return [
            ("half-activation drive", f"{neuron.midpoint:.4g}"),
            ("slope α", f"{neuron.slope:.3g}"),
        ]
