"""Neurons of one's own: a record of their constants, and one step of their time."""

from abc import abstractmethod
from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from functools import cached_property
from typing import Any, ClassVar

from photinus._core import validate
from photinus._core.compilation import scalar
from photinus.engines.neurons import NeuronDevice
from photinus.engines.own.simulator import OwnSimulator
from photinus.networks.own import OwnNetwork


class OwnDevice(NeuronDevice):
    """A kind of neuron that is described by a dataclass and a function.

    Derive a class, and give it `name`, `noun`, `plural`, `Neuron`, `start`, `step` and `setting`. The
    tutorial "Your own neuron" does so for a FitzHugh-Nagumo laser. `photinus.devices.register`
    makes it known, and `photinus.testing.check_device` tells whether all is well.
    """

    Neuron: ClassVar[Any]
    """Dataclass of the constants. It has a class attribute `device`, a field `name`, and numbers."""
    start: ClassVar[tuple[float, ...]]
    """Variables of a neuron at the beginning; kicks of synapses go to the first."""
    Network = OwnNetwork

    @staticmethod
    @abstractmethod
    def step(own: Any, state: Any, drive: float, noise: float, time_step: float) -> bool:
        """Move one neuron by a time step [s], in place; return whether it spikes.

        Numba compiles it, so it must be arithmetic of numbers. `own` has the numbers of `Neuron`,
        `state` is the array of variables. `noise` has mean 0 and variance 1 and is new each time.
        """

    @cached_property
    def compiled(self) -> Callable[..., Any]:
        """What `step` is compiled to."""
        return scalar(type(self).step)

    @cached_property
    def _numbers(self) -> Any:
        """A type of the numbers of `Neuron`, which compiled code knows."""
        names = [field.name for field in fields(self.Neuron) if field.name != "name"]
        return namedtuple("Own", names)

    def constants(self, parameters: Any) -> Any:
        """Return the numbers of a neuron."""
        return self._numbers(*(float(getattr(parameters, name)) for name in self._numbers._fields))

    def preset(self, name: str) -> Any:
        """Return a neuron of one of its `presets`, by its name."""
        return self.Neuron(name=validate.one_of("preset", name, self.presets))

    def parameters_from_dict(self, values: Mapping[str, Any]) -> Any:
        """Return the parameters that their `to_dict` wrote."""
        return self.Neuron(**{name: value for name, value in values.items() if name != "device"})

    def simulator(self, network: OwnNetwork, **options: Any) -> OwnSimulator:
        """Return the simulator of a network."""
        return OwnSimulator(network, self, **options)


def to_dict(parameters: Any) -> dict[str, Any]:
    """Return the constants of a neuron of one's own for JSON, with the name of its device.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from typing import ClassVar
    >>> from photinus.engines.own import to_dict
    >>> @dataclass(frozen=True)
    ... class Spiking:
    ...     device: ClassVar[str] = "spiking"
    ...     name: str = "plain"
    ...     threshold: float = 1.0
    >>> to_dict(Spiking())
    {'device': 'spiking', 'name': 'plain', 'threshold': 1.0}
    """
    return {"device": parameters.device, **asdict(parameters)}
