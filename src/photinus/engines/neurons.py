"""What devices share whose networks are neurons that take a drive, see `photinus.networks.neurons`."""

import os
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus.devices.protocol import Device
from photinus.devices.synapse import SynapticKernel
from photinus.errors import InvalidInput
from photinus.networks.neurons import NeuronNetwork


class NeuronDevice(Device):
    """A device whose spikes are events by themselves, with one delay for all synapses."""

    Neuron: ClassVar[Any]
    """Class of its parameters."""
    Network: ClassVar[type[NeuronNetwork]]
    """Class of its networks."""
    has_gauge = True

    def network_from_dict(self, values: Mapping[str, Any]) -> NeuronNetwork:
        """Return the network that its `to_dict` wrote."""
        return self.Network.from_dict(values)

    def load_network(self, path: str | os.PathLike[str]) -> NeuronNetwork:
        """Return the network that its `save` wrote."""
        return self.Network.load(path)

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
    ) -> NeuronNetwork:
        """Return a network."""
        if np.ndim(delay):
            raise InvalidInput(f"delay must be one number for {self.plural}, got an array")
        return self.Network(
            parameters=validate.instance("parameters", parameters, self.Neuron),
            drive=drive,
            coupling=coupling,
            kernel=kernel,
            window=window,
            driven_drive=driven,
            delay=float(delay),
            labels=labels,
        )
