"""The integrate-and-fire neuron as a device: how networks of them are put together and simulated."""

from collections.abc import Mapping
from math import log1p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus import units
from photinus.devices.lif import LIF_PRESETS, LifParameters
from photinus.devices.protocol import Setting
from photinus.engines.lif.simulator import LifSimulator
from photinus.engines.neurons import NeuronDevice
from photinus.networks.lif import LifNetwork
from photinus.units import Allowed

ACTIVE = 3.0
"""Noise by which the potential of a neuron that bursts lies above its threshold [σ], about."""


class LifDevice(NeuronDevice):
    """Leaky integrate-and-fire neurons; their drive is the mean free membrane potential in volts."""

    name = "lif"
    noun, plural = "neuron", "integrate-and-fire neurons"
    drive_name = "potential"
    Neuron, Network = LifParameters, LifNetwork
    presets = LIF_PRESETS

    def preset(self, name: str) -> LifParameters:
        """Return the parameters of a preset."""
        return LifParameters.preset(name)

    def parameters_from_dict(self, values: Mapping[str, Any]) -> LifParameters:
        """Return the parameters that their `to_dict` wrote."""
        return LifParameters.from_dict(values)

    def setting(self, parameters: LifParameters) -> Setting:
        """Return how neurons with these parameters are calibrated."""
        width = parameters.noise
        return Setting(
            bracket=(parameters.threshold - 4 * width, parameters.threshold + 8 * width),
            time_constant=parameters.refractory_time,
            time_step=parameters.time_step,
            detection_threshold=None,
            window=_window(parameters),
            synapse="exponential",
            decay=parameters.synaptic_time,
        )

    def simulator(self, network: LifNetwork, **options: Any) -> LifSimulator:
        """Return the simulator of a network."""
        return LifSimulator(network, **options)

    def plausible(self, parameters: LifParameters) -> dict[str, Allowed]:
        """Return what the constants of a calibration can be."""
        if parameters.forced:
            return {}
        return {
            "window": Allowed("s", 1e-8, 10.0, 10e-3),
            "time_step": Allowed("s", 1e-10, 1.0, 1e-4),
            "midpoint": Allowed("V", -10.0, 10.0, 50e-3),
            "slope": Allowed("V", 1e-12, 1.0, 1e-3),
        }

    def axis(
        self, parameters: LifParameters, drive: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], str]:
        """Return drives in millivolts."""
        return drive / units.mV, "mean free potential [mV]"

    def advice(self, parameters: LifParameters) -> str:
        """Return what to change where the activation is not logistic."""
        below = (parameters.threshold - parameters.reset) / units.mV
        return (
            f"its reset lies {below:.3g} mV below its threshold, at a noise of "
            f"{parameters.noise / units.mV:.3g} mV: bring reset and threshold nearer to each other"
        )

    def facts(self, neuron: Any) -> list[tuple[str, str]]:
        """Return what a calibration measured, as (what, value) for people."""
        return [
            ("half-activation potential", f"{1e3 * neuron.midpoint:.4g} mV"),
            ("slope α", f"{1e3 * neuron.slope:.3g} mV"),
        ]


def _window(parameters: LifParameters) -> float:
    """Return the refractory time and the climb from the reset to the threshold, in whole time steps.

    A neuron that is driven hard fires again after both; with less it would seem off in between. The
    membrane climbs towards a potential `ACTIVE` deviations above the threshold.
    """
    p = parameters
    if p.noise == 0:
        return p.refractory_time
    climb = p.membrane_time * log1p((p.threshold - p.reset) / (ACTIVE * p.noise))
    return p.refractory_time + round(climb / p.time_step) * p.time_step
