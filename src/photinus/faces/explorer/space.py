"""The lasers that are looked at: eight numbers, most of them without a dimension."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from photinus.devices.laser import LaserParameters
from photinus.units import ns, ps

Space = dict[str, tuple[float, float, bool]]
"""Coordinate → lowest and highest value, and whether on a logarithmic scale."""
SPACE: Space = {
    "photon_lifetime": (1 * ps, 10 * ps, True),
    "gain_lifetime": (0.2 * ns, 2.5 * ns, True),
    "absorber_lifetime": (5 * ps, 200 * ps, True),
    "absorption": (0.3, 4.0, True),
    "saturation_ratio": (0.1, 10.0, True),
    "spontaneous_emission": (1e-3, 0.1, True),
    "transparency": (0.2, 2.0, True),
    "pump_noise": (0.0, 0.06, False),
}
"""Where to look by default. Lifetimes are in seconds, the others have no dimension.

Absorption is B = τ_ph g_a N_a,tr and saturation ratio a = g_a τ_a / (g_g τ_g), both of Yamada's model.
Spontaneous emission is β = g_g τ_g. Transparency is τ_ph g_g N_g,tr, and pump noise σ_N / N_th.
"""


def laser_of(
    x: Mapping[str, float], name: str = "explored", base: LaserParameters | None = None
) -> LaserParameters:
    """Return the laser at a point of the space; what the space leaves open is as in `base`."""
    gain = x["spontaneous_emission"] / x["gain_lifetime"]
    absorber = x["saturation_ratio"] * x["spontaneous_emission"] / x["absorber_lifetime"]
    coordinates: dict[str, Any] = {
        "name": name,
        "photon_lifetime": x["photon_lifetime"],
        "gain_lifetime": x["gain_lifetime"],
        "absorber_lifetime": x["absorber_lifetime"],
        "gain_coefficient": gain,
        "absorber_coefficient": absorber,
        "gain_transparency": x["transparency"] / (x["photon_lifetime"] * gain),
        "absorber_transparency": x["absorption"] / (x["photon_lifetime"] * absorber),
    }
    laser = LaserParameters(**coordinates) if base is None else base.replace(**coordinates)
    return laser.replace(name=name, pump_noise=x["pump_noise"] * laser.threshold_carriers)


def point_of(laser: LaserParameters) -> dict[str, float]:
    """Return where a laser is in the space; the inverse of `laser_of`."""
    per_carrier = laser.photon_lifetime * laser.gain_coefficient
    absorption = laser.photon_lifetime * laser.absorber_coefficient * laser.absorber_transparency
    saturation = laser.absorber_coefficient * laser.absorber_lifetime
    return {
        "photon_lifetime": laser.photon_lifetime,
        "gain_lifetime": laser.gain_lifetime,
        "absorber_lifetime": laser.absorber_lifetime,
        "absorption": absorption,
        "saturation_ratio": saturation / laser.spontaneous_emission_factor,
        "spontaneous_emission": laser.spontaneous_emission_factor,
        "transparency": per_carrier * laser.gain_transparency,
        "pump_noise": laser.pump_noise / laser.threshold_carriers,
    }


def around(laser: LaserParameters, factor: float) -> Space:
    """Return the space in which every coordinate differs from a laser's by a factor at most.

    Pump noise may be none, and up to `factor` times the laser's or the 6 % of `SPACE`.
    """
    at = point_of(laser)
    most = max(SPACE["pump_noise"][1], factor * at["pump_noise"])
    found = {name: (value / factor, value * factor, True) for name, value in at.items()}
    return {**found, "pump_noise": (0.0, most, False)}


def inside(laser: LaserParameters, space: Space) -> dict[str, float]:
    """Return the point of a space that is next to a laser."""
    at = point_of(laser)
    return {name: float(np.clip(at[name], *limits[:2])) for name, limits in space.items()}
