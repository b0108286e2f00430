"""The imperfections that are swept, each with the sizes in which it is measured."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from photinus.calibration import Calibration
from photinus.devices.laser import spike
from photinus.hardware import Chip
from photinus.networks.imperfections import Imperfections
from photinus.units import ns

WARMING = 50 * ns
"""Thermal time constant of the sweep: slow beside τ, and short beside a run."""
PER_CENT = (0.01, 0.03, 0.1, 0.3)
Make = Callable[[float, Calibration], Imperfections]
"""From a size, and the calibration of the device that it is for."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """One imperfection and the sizes in which it is measured."""

    title: str
    """What it is called in tables."""
    sizes: tuple[float, ...]
    """Rising; tables and figures show them in `unit`."""
    make: Make
    """What makes the imperfection of a size."""
    unit: str = "%"
    """%, τ, 1/τ, K, K/W, 1/Hz, bits, lasers or nothing."""

    def shown(self, size: float) -> str:
        """Return a size as people say it."""
        if self.unit == "bits":
            return f"{-np.log2(size):.2g} bits"
        number = f"{100 * size:.2g} %" if self.unit == "%" else f"{size:.2g} {self.unit}"
        return number.strip()


def _plain(name: str) -> Make:
    """Return what makes the imperfection of that name from its size."""
    return lambda size, _: Imperfections.from_dict({name: size})


def _timed(name: str) -> Make:
    """Return what makes the imperfection of that name, a time, from its share of the window τ."""
    return lambda size, calibration: Imperfections.from_dict({name: size * calibration.window})


def _shared(correlation: float) -> Make:
    """Return what makes shared pump noise of one correlation time [s]."""
    return lambda size, _: Imperfections(shared_pump_noise=size, shared_pump_time=correlation)


def _compressed(size: float, calibration: Calibration) -> Imperfections:
    """Return gain compression that is so large at the peak of a spike without noise."""
    return Imperfections(gain_compression=size / spike(calibration.laser).peak_photons)


SWEEPS = {
    "mismatch": Sweep(
        "mismatch of all laser parameters", (0.001, 0.003, 0.01, 0.03, 0.1), _plain("mismatch")
    ),
    "efficiency": Sweep(
        "mismatch of pump efficiencies",
        (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
        _plain("efficiency_mismatch"),
    ),
    "pump_drift": Sweep(
        "drift of the pumps", (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1), _plain("pump_drift")
    ),
    "temperature": Sweep(
        "warmer chip (T0 = 60 K)", (0.1, 0.3, 1.0, 3.0, 6.0), _plain("temperature"), "K"
    ),
    "weight_bits": Sweep(
        "weights of few bits and a sign",
        tuple(2.0**-bits for bits in (6, 5, 4, 3, 2, 1)),
        lambda size, _: Imperfections(weight_bits=round(-np.log2(size))),
        "bits",
    ),
    "weight_drift": Sweep(
        "drift of the weights", (0.01, 0.03, 0.1, 0.2, 0.4, 0.8), _plain("weight_drift")
    ),
    "coupling_loss": Sweep(
        "loss of coupled light", (0.02, 0.05, 0.1, 0.2, 0.4), _plain("coupling_loss")
    ),
    "splitter_loss": Sweep(
        "loss of each splitter (two in a row)", (0.01, 0.03, 0.06, 0.1, 0.2), _plain("splitter_loss")
    ),
    "crosstalk": Sweep("crosstalk to each neighbour", PER_CENT, _plain("crosstalk")),
    "delay": Sweep("delay of all synapses", (0.01, 0.03, 0.1, 0.2, 0.4), _timed("delay"), "τ"),
    "delay_spread": Sweep(
        "spread of the delays", (0.01, 0.03, 0.1, 0.2, 0.4), _timed("delay_spread"), "τ"
    ),
    "chip": Sweep(
        "lasers of a chip, for its delays",
        (10, 30, 100, 300),
        lambda size, _: Chip(lasers=round(size)).imperfections(),
        "lasers",
    ),
    "detector_spread": Sweep(
        "spread of detection thresholds", (*PER_CENT, 0.6), _plain("detector_spread")
    ),
    "shared_fast": Sweep("shared pump noise, 1 ns", (0.003, 0.01, 0.03, 0.1, 0.2), _shared(1 * ns)),
    "shared_slow": Sweep("shared pump noise, 100 ns", (0.003, 0.01, 0.03, 0.1, 0.2), _shared(100 * ns)),
    "lost_spikes": Sweep(
        "spikes lost by the read-out", (0.003, 0.01, 0.03, 0.1, 0.3), _plain("lost_spikes")
    ),
    "spurious": Sweep(
        "spikes made up by the read-out",
        (0.001, 0.003, 0.01, 0.03, 0.1),
        lambda size, calibration: Imperfections(spurious_rate=size / calibration.window),
        "1/τ",
    ),
    "detector_noise": Sweep(
        "noise at the detector, 20 GHz", (0.1, 0.12, 0.15, 0.2, 0.3), _plain("detector_noise")
    ),
    "compression": Sweep(
        "gain compression, ε · peak photons", (0.001, 0.003, 0.01, 0.03, 0.1), _compressed, ""
    ),
    "rise_time": Sweep(
        "rise time of the drivers", (0.01, 0.03, 0.1, 0.3), _timed("driver_rise_time"), "τ"
    ),
    "pump_noise": Sweep(
        "white noise of each pump", (1e-14, 1e-13, 1e-12, 1e-11), _plain("pump_noise_density"), "1/Hz"
    ),
    "pump_noise_corner": Sweep(
        "noise of each pump, 1/f below 10 MHz",
        (1e-15, 1e-14, 1e-13, 1e-12),
        lambda size, _: Imperfections(pump_noise_density=size, pump_noise_corner=1e7),
        "1/Hz",
    ),
    "self_heating": Sweep(
        "warming by the laser's own heat (T0 = 60 K)",
        (1e4, 3e4, 1e5, 3e5, 1e6),
        lambda size, _: Imperfections(thermal_resistance=size, thermal_time=WARMING),
        "K/W",
    ),
    "dead": Sweep("dead lasers", (1.0,), lambda size, _: Imperfections(dead=round(size)), ""),
}
"""Name → sweep."""
