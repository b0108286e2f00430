"""The driver that makes the log-odds of a laser straight in its input, fitted to its activation."""

import numpy as np

from photinus._core import validate
from photinus.devices.laser import LaserParameters
from photinus.devices.laser.driver import Driver
from photinus.errors import NotConverged
from photinus.translation.neuron import Neuron

REACH = 5.0
"""Log-odds, up and down, over which the curve is made straight."""
POINTS = 101
STARTS = [(knee, softness) for knee in (-0.5, -1.0, -2.0) for softness in (1.0, 3.0)]
"""Where fits start: knee below the lowest pump used, and softness, in slopes."""


def straightened(neuron: Neuron) -> LaserParameters:
    """Return the laser with the driver that makes its log-odds straight.

    x(u) is the measured pump that calls for log-odds u, and I(x) the input of a driver. Knee, softness
    and a straight line a + b u make ∫ σ(u)(1 - σ(u)) ((I(x(u)) - a)/b - u)² du least over ±`REACH`.
    The weight is the Fisher information of a log-odds, as in the measured rule of translation.

    Raises
    ------
    InvalidInput
        If the neuron is no laser.
    NotConverged
        If no driver makes the curve straighter.
    """
    from scipy.optimize import least_squares

    validate.instance("neuron", neuron, Neuron)
    laser, wanted = neuron.laser, np.linspace(-REACH, REACH, POINTS)
    pump = (neuron.drive_at(wanted) - neuron.midpoint) / neuron.slope
    weight = 0.5 / np.cosh(wanted / 2)
    lowest = pump.min() - 1e-3

    def off(values: np.ndarray) -> np.ndarray:
        start, slope, knee, softness = values
        given = Driver(knee, softness).input(pump)
        return np.asarray(weight * ((given - start) / slope - wanted))

    bounds = ([-20.0, 0.1, lowest - 20.0, 1e-3], [20.0, 10.0, lowest, 20.0])
    fits = [
        least_squares(off, [0.0, 1.0, lowest + knee, softness], bounds=bounds)
        for knee, softness in STARTS
    ]
    best = min(fits, key=lambda fit: fit.cost)
    line = np.polynomial.Polynomial.fit(wanted, pump, 1, w=weight)
    plain = weight * (pump - line(wanted)) / line.convert().coef[1]
    if not 2 * best.cost < float(plain @ plain):
        raise NotConverged(f"no driver makes the log-odds of {laser.name!r} straighter")
    *_, knee, softness = best.x
    driver = Driver(neuron.midpoint + knee * neuron.slope, softness * neuron.slope)
    if driver.knee < 0:
        raise NotConverged(
            f"the driver that makes the log-odds of {laser.name!r} straight would idle at a negative "
            "current"
        )
    per_carrier = laser.current(1.0) / laser.gain_lifetime
    return laser.replace(
        driver_knee=driver.knee * per_carrier, driver_softness=driver.softness * per_carrier
    )


def curvature(neuron: Neuron) -> float:
    """Return how far the measured curve is from a straight line, in log-odds.

    Root mean square over ±`REACH` of what the drive deviates from the line of least squares, over the
    slope of that line.
    """
    validate.instance("neuron", neuron, Neuron)
    wanted = np.linspace(-REACH, REACH, POINTS)
    drive = (neuron.drive_at(wanted) - neuron.midpoint) / neuron.slope
    slope, start = np.polyfit(wanted, drive, 1)
    return float(np.sqrt(np.mean((drive - start - slope * wanted) ** 2)) / abs(slope))
