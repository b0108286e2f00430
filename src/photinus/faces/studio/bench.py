"""One laser on the bench: its parameters from what is turned, its nullclines, its network of one."""

import functools
from math import pi

import numpy as np
from numpy.typing import NDArray

from photinus.calibration import Calibration
from photinus.devices.laser import THRESHOLD_FRACTION, LaserParameters, spike
from photinus.errors import NotConverged
from photinus.networks.lasers import LaserNetwork
from photinus.units import speed_of_light

KNOBS = ("gain_lifetime", "absorber_lifetime", "quality", "beta", "absorption")
"""What can be turned beside the pump; each None as in the preset."""


def values_of(laser: LaserParameters) -> dict[str, float]:
    """Return where the knobs of a laser stand, in SI."""
    return {
        "gain_lifetime": laser.gain_lifetime,
        "absorber_lifetime": laser.absorber_lifetime,
        "quality": laser.quality_factor,
        "beta": laser.spontaneous_emission_factor,
        "absorption": laser.photon_lifetime * laser.absorber_coefficient * laser.absorber_transparency,
    }


def turned(preset: str, knobs: dict[str, float]) -> LaserParameters:
    """Return a preset with some knobs turned.

    β is turned as if the laser became smaller. Coefficients rise and numbers of carriers fall, so the
    rate equations without noise stay the same.

    Raises
    ------
    InvalidInput
        If there is no such laser.
    """
    laser = LaserParameters.preset(preset)
    if not knobs:
        return laser
    times: dict[str, float] = {name: knobs[name] for name in KNOBS[:2] if name in knobs}
    if "quality" in knobs:
        times["photon_lifetime"] = knobs["quality"] * laser.wavelength / (2 * pi * speed_of_light)
    laser = laser.replace(**times)
    if "beta" in knobs:
        size = laser.spontaneous_emission_factor / knobs["beta"]
        laser = laser.replace(
            gain_coefficient=laser.gain_coefficient / size,
            absorber_coefficient=laser.absorber_coefficient / size,
            gain_transparency=laser.gain_transparency * size,
            absorber_transparency=laser.absorber_transparency * size,
            pump_noise=laser.pump_noise * size,
        )
    if "absorption" in knobs:
        carriers = knobs["absorption"] / (laser.photon_lifetime * laser.absorber_coefficient)
        laser = laser.replace(absorber_transparency=carriers)
    return laser


@functools.lru_cache(maxsize=64)
def detection(laser: LaserParameters) -> float:
    """Return the photons at which a spike counts; where none forms, those that bleach the absorber."""
    try:
        return THRESHOLD_FRACTION * spike(laser).peak_photons
    except NotConverged:
        return laser.absorber_saturation_photons


def alone(laser: LaserParameters, preset: str, window: float) -> LaserNetwork:
    """Return a network of one laser, without a pump."""
    return LaserNetwork(
        parameters=laser,
        pump=np.zeros(1),
        coupling=np.zeros((1, 1)),
        kernel=Calibration.preset(preset).kernel,
        window=window,
        detection_threshold=detection(laser),
        driven_pump=(0.0, 0.0),
    )


def nullclines(
    laser: LaserParameters, drive: float, photons: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the gain carriers at which photons stay, and at which carriers stay, arrays (photon,).

    The rate equations of `photinus.devices.laser.dynamics` with one rate at zero, solved for N_g. The
    absorber is taken at rest at each photon number, N_a = g_a N_a,tr τ_a S/(1 + g_a τ_a S).

    Parameters
    ----------
    laser
        The laser.
    drive
        P τ_g [carriers].
    photons : array (photon,)
        Photon numbers S above 0.
    """
    gg, ga = laser.gain_coefficient, laser.absorber_coefficient
    bleached = ga * laser.absorber_lifetime * photons
    absorber = laser.absorber_transparency * bleached / (1 + bleached)
    loss = laser.cavity_loss_rate - ga * (absorber - laser.absorber_transparency)
    eased = photons / (1 + laser.gain_compression * photons)
    clear = gg * laser.gain_transparency * eased
    light = (loss * photons - ga * absorber + clear) / (gg * (eased + 1))
    carriers = (drive / laser.gain_lifetime + clear) / (1 / laser.gain_lifetime + gg * eased)
    return light, carriers
