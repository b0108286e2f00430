"""What differs between kinds of spiking neurons: how a network of them is put together and simulated.

Calibration, translation and sampling work with any of them. A neuron is described by its parameters,
set by a *drive*, and coupled in units of that drive: for lasers P τ_g in carriers, for leaky
integrate-and-fire neurons the mean free membrane potential in volts.
"""

import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus._core.streams import Seed
from photinus.devices.laser import PRESETS as LASER_PRESETS
from photinus.devices.laser import LaserParameters, spike
from photinus.devices.lif import PRESETS as LIF_PRESETS
from photinus.devices.lif import LifParameters
from photinus.devices.synapse import SynapticKernel
from photinus.engines.laser.simulator import Simulator, default_time_step
from photinus.engines.lif.simulator import LifSimulator
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.errors import InvalidInput
from photinus.machines.evidence import Given
from photinus.networks.lasers import LaserNetwork
from photinus.networks.lif import LifNetwork

Parameters = LaserParameters | LifParameters
Network = LaserNetwork | LifNetwork
SpikingSimulator = Simulator | LifSimulator | ReducedSimulator

PRESETS = (*LASER_PRESETS, *LIF_PRESETS)
"""Names of the devices whose calibrations ship with the package, the default first."""
THRESHOLD_FRACTION = 0.5
"""Detection threshold over the peak of a laser's noise-free spike."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """Where to look for the activation of a kind of neuron, and what its synapses are."""

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


def preset(name: str) -> Parameters:
    """Return the parameters of a preset."""
    validate.one_of("preset", name, PRESETS)
    return LifParameters.preset(name) if name in LIF_PRESETS else LaserParameters.preset(name)


def parameters_from_dict(values: Mapping[str, Any]) -> Parameters:
    """Return the parameters that their `to_dict` wrote."""
    kind = LifParameters if "membrane_time" in values else LaserParameters
    return kind.from_dict(values)


def network_from_dict(values: Mapping[str, Any]) -> Network:
    """Return the network that its `to_dict` wrote."""
    if values.get("kind") == "lif-network":
        return LifNetwork.from_dict(values)
    return LaserNetwork.from_dict(values)


def substrate_of(network: Network) -> str:
    """Return the name of the substrate that simulates a network."""
    validate.instance("network", network, Network)
    return "lif" if isinstance(network, LifNetwork) else "laser"


def held(network: Network) -> tuple[float, float]:
    """Return the drives that hold a neuron of a network off and on."""
    validate.instance("network", network, Network)
    if isinstance(network, LifNetwork):
        return network.driven_drive
    lifetime = network.parameters.gain_lifetime
    return network.driven_pump[0] * lifetime, network.driven_pump[1] * lifetime


def load_network(path: str | os.PathLike[str]) -> Network:
    """Read a network that its `save` wrote."""
    document = files.parse_json(path)
    is_lif = isinstance(document, dict) and document.get("kind") == "lif-network"
    return LifNetwork.load(path) if is_lif else LaserNetwork.load(path)


def setting(parameters: Parameters) -> Setting:
    """Return how neurons with these parameters are calibrated.

    Raises
    ------
    NotConverged
        If a laser has no spike to detect.
    """
    validate.instance("parameters", parameters, Parameters)
    if isinstance(parameters, LifParameters):
        width = parameters.noise
        return Setting(
            bracket=(parameters.threshold - 4 * width, parameters.threshold + 8 * width),
            time_constant=parameters.refractory_time,
            time_step=parameters.time_step,
            detection_threshold=None,
            window=parameters.refractory_time,
            synapse="exponential",
            decay=parameters.synaptic_time,
        )
    scale = parameters.threshold_carriers
    return Setting(
        bracket=(0.6 * scale, 3.0 * scale),
        time_constant=parameters.gain_lifetime,
        time_step=default_time_step(parameters),
        detection_threshold=THRESHOLD_FRACTION * spike(parameters).peak_photons,
        window=None,
        synapse="rectangle",
        decay=None,
    )


def assemble(
    parameters: Parameters,
    *,
    drive: NDArray[np.float64],
    coupling: NDArray[np.float64],
    kernel: SynapticKernel,
    window: float,
    detection_threshold: float | None,
    driven: tuple[float, float],
    delay: float | str | NDArray[np.float64] = 0.0,
    labels: tuple[Hashable, ...] = (),
) -> Network:
    """Return a network of neurons of one kind.

    `driven` are the drives that hold a neuron off and on; a laser is off without any pump. A pump
    cannot be negative: lasers whose drive asks for one get none.
    """
    validate.instance("parameters", parameters, Parameters)
    validate.instance("kernel", kernel, SynapticKernel)
    if isinstance(delay, str):
        delay = validate.number("delay", delay, "s")
    if isinstance(parameters, LifParameters):
        if np.ndim(delay):
            raise InvalidInput("delay must be one number for integrate-and-fire neurons, got an array")
        return LifNetwork(
            parameters=parameters,
            drive=drive,
            coupling=coupling,
            kernel=kernel,
            window=window,
            delay=float(delay),
            labels=labels,
            driven_drive=driven,
        )
    if detection_threshold is None:
        raise InvalidInput("detection_threshold must be given for lasers, got None")
    return LaserNetwork(
        parameters=parameters,
        pump=np.maximum(drive, 0.0) / parameters.gain_lifetime,
        coupling=coupling,
        kernel=kernel,
        window=window,
        detection_threshold=detection_threshold,
        driven_pump=(0.0, driven[1] / parameters.gain_lifetime),
        delay=delay,
        labels=labels,
    )


def simulator(
    network: Network,
    *,
    chains: int,
    seed: Seed,
    time_step: float | None = None,
    clamp: Given | None = None,
    clamp_mode: str = "pump",
    drive: NDArray[np.float64] | None = None,
    threads: int | None = None,
) -> SpikingSimulator:
    """Return the simulator of a network; arguments as in `photinus.engines.laser.Simulator`."""
    validate.instance("network", network, Network)
    options: dict[str, Any] = {
        "chains": chains,
        "seed": seed,
        "time_step": time_step,
        "clamp": clamp,
        "clamp_mode": clamp_mode,
        "drive": drive,
        "threads": threads,
    }
    if isinstance(network, LifNetwork):
        return LifSimulator(network, **options)
    return Simulator(network, **options)
