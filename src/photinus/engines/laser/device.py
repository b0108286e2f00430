"""The laser as a device: how networks of lasers are put together, calibrated and simulated."""

import os
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.streams import Seed
from photinus._core.words import count, some
from photinus.devices.laser import LASER_PRESETS, THRESHOLD_FRACTION, LaserParameters, spike
from photinus.devices.laser.cures import cures, told
from photinus.devices.laser.dynamics import lasing_pump
from photinus.devices.protocol import Device, Setting
from photinus.devices.synapse import SynapticKernel
from photinus.engines.choice import FULL, chosen
from photinus.engines.laser.simulator import Simulator, default_time_step
from photinus.errors import InvalidInput, NotConverged
from photinus.networks.couplings import entries
from photinus.networks.imperfections import Imperfections
from photinus.networks.lasers import LaserNetwork
from photinus.units import Allowed, quantity, uA

LASING = 0.8
"""Part of the pump that makes a laser lase steadily; its spikes are lost to the read-out below that."""


class LaserDevice(Device):
    """Excitable lasers; their drive is P τ_g in carriers."""

    name = "laser"
    noun, plural = "laser", "lasers"
    drive_name = "pump current"
    presets = LASER_PRESETS
    least_drive = 0.0
    has_gauge = True
    can_be_imperfect = True
    can_be_reduced = True
    can_record = True
    engines = tuple(FULL)

    def preset(self, name: str) -> LaserParameters:
        """Return the parameters of a preset."""
        return LaserParameters.preset(name)

    def parameters_from_dict(self, values: Mapping[str, Any]) -> LaserParameters:
        """Return the parameters that their `to_dict` wrote."""
        return LaserParameters.from_dict(values)

    def network_from_dict(self, values: Mapping[str, Any]) -> LaserNetwork:
        """Return the network that its `to_dict` wrote."""
        return LaserNetwork.from_dict(values)

    def load_network(self, path: str | os.PathLike[str]) -> LaserNetwork:
        """Return the network that its `save` wrote."""
        return LaserNetwork.load(path)

    def setting(self, parameters: LaserParameters) -> Setting:
        """Return how lasers with these parameters are calibrated."""
        scale = parameters.threshold_carriers
        try:
            peak = spike(parameters).peak_photons
        except NotConverged as error:
            raise NotConverged(f"{error}; {told(cures(parameters))}") from None
        return Setting(
            bracket=(0.6 * scale, 3.0 * scale),
            time_constant=parameters.gain_lifetime,
            time_step=default_time_step(parameters),
            detection_threshold=THRESHOLD_FRACTION * peak,
            window=None,
            synapse="rectangle",
            decay=None,
        )

    def assemble(
        self,
        parameters: LaserParameters,
        *,
        drive: NDArray[np.float64],
        coupling: NDArray[np.float64],
        kernel: SynapticKernel,
        window: float,
        detection_threshold: float | None,
        driven: tuple[float, float],
        delay: float | NDArray[np.float64] = 0.0,
        labels: tuple[Hashable, ...] = (),
    ) -> LaserNetwork:
        """Return a network; a laser is off without any pump, and none has a pump below zero."""
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

    def simulator(self, network: LaserNetwork, *, engine: str = "cpu", **options: Any) -> Simulator:
        """Return the full physics of a network."""
        simulator: Simulator = chosen(FULL, engine)(network, **options)
        return simulator

    def plausible(self, parameters: LaserParameters) -> dict[str, Allowed]:
        """Return what the constants of a calibration can be; drives have the size of the threshold."""
        if parameters.forced:
            return {}
        scale = parameters.threshold_carriers
        return {
            "window": Allowed("s", 1e-13, 1e-6, 1e-9),
            "time_step": Allowed("s", 1e-17, 1e-9, 0.5e-12),
            "midpoint": Allowed("carriers", 1e-3 * scale, 1e3 * scale),
            "slope": Allowed("carriers", 1e-7 * scale, 1e2 * scale),
        }

    def imperfect(
        self, network: LaserNetwork, imperfections: Imperfections, seed: Seed = None
    ) -> LaserNetwork:
        """Return a designed network as fabrication gives it."""
        return imperfections.apply(network, seed)

    def imperfect_drive(
        self, network: LaserNetwork, built: LaserNetwork, drive: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return drives (chain, unit), off as the pumps are."""
        pumped = network.pump > 0
        return drive * np.where(pumped, built.pump / np.where(pumped, network.pump, 1.0), 1.0)

    def beyond(
        self, network: LaserNetwork, drive: NDArray[np.float64], known: NDArray[np.intp]
    ) -> list[str]:
        """Return which lasers can be driven into steady lasing, a sentence or none."""
        target, source, value = entries(network.coupling)
        held = np.zeros(network.n_units, bool)
        held[known] = True
        free = ~held[source]
        most = np.bincount(target[free], np.maximum(value[free], 0.0), network.n_units)
        highest = np.maximum(drive, 0.0).max(axis=0) + most
        if (driver := network.parameters.driver).bends:
            highest = driver.scaled(network.parameters.gain_lifetime).pump(highest)
        highest[held] = 0.0
        # Nobody lases at the drives of evidence: no need to look for the pump at which they do.
        suspects = np.flatnonzero(highest > network.holding[1])
        devices, nominal = network.each_device(), network.parameters
        limit = np.full(network.n_units, np.inf)
        for k in suspects:
            share = devices[k].pump_efficiency / nominal.pump_efficiency
            scale = devices[k].threshold_carriers / nominal.threshold_carriers / share
            limit[k] = LASING * lasing_pump(nominal) * nominal.gain_lifetime * scale
        over = np.flatnonzero(highest > limit)
        if not len(over):
            return []
        over = over[np.argsort(-(highest / limit)[over], kind="stable")]

        def current(carriers: float) -> str:
            return quantity(nominal.current(carriers / nominal.gain_lifetime), "A", 3)

        named = [f"{network.labels[k]!r} ({current(highest[k])})" for k in over]
        return [
            f"{count(len(over), 'laser')} can be pumped beyond {current(limit[over[0]])}, evidence and "
            f"partners included, and then lase without a pause, which reads as off: {some(named)}; "
            "give them smaller biases or weights"
        ]

    def axis(
        self, parameters: LaserParameters, drive: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], str]:
        """Return drives as pump currents in microamperes."""
        current = [parameters.current(x / parameters.gain_lifetime) for x in drive]
        return np.array(current) / uA, "pump current [µA]"

    def facts(self, neuron: Any) -> list[tuple[str, str]]:
        """Return what a calibration measured, as (what, value) for people."""
        laser: LaserParameters = validate.instance("parameters", neuron.parameters, LaserParameters)
        half, slope = (laser.current(x / laser.gain_lifetime) for x in (neuron.midpoint, neuron.slope))
        return [
            ("detection threshold", f"{neuron.detection_threshold:,.0f} photons"),
            ("half-activation current", f"{half / uA:.4g} µA"),
            (
                "slope α",
                f"{slope / uA:.3g} µA, {100 * neuron.slope / neuron.midpoint:.2g} % of the pump: "
                "pump currents must be at least ten times more precise",
            ),
        ]
