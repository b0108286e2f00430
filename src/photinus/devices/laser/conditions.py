"""The inequalities that a laser must satisfy to spike, each with both of its sides."""

from typing import NamedTuple

import numpy as np

from photinus._core import validate
from photinus.devices.laser.dynamics import (
    PUMPS_SEARCHED,
    instability_pump,
    quiet_state,
    waveform,
)
from photinus.devices.laser.parameters import LaserParameters
from photinus.devices.laser.spiking import KICK_FRACTION, LIFETIMES_FOLLOWED, PUMP_FRACTION
from photinus.errors import NotConverged

BEYOND = 1.01 / PUMP_FRACTION
"""Pump at which growth is told, over the one that is tried: beyond where the quiet state is lost."""


class Condition(NamedTuple):
    """An inequality: `value` must exceed `least`."""

    what: str
    """What is compared."""
    value: float
    """What the laser has."""
    least: float
    """What it must exceed."""

    @property
    def holds(self) -> bool:
        """Whether the laser satisfies it."""
        return self.value > self.least


def excitable_pump(parameters: LaserParameters) -> float:
    """Return the pump P [carriers/s] at which a laser is tried: where it comes nearest to spiking.

    Just below where it pulses by itself. Of one that never does: where the feedback of its absorber is
    largest beside its damping.

    Raises
    ------
    InvalidInput
        If `parameters` are not a laser's.

    Examples
    --------
    >>> from photinus import LaserParameters
    >>> from photinus.devices.laser.conditions import excitable_pump
    >>> laser = LaserParameters.preset("fast-absorber")
    >>> f"{laser.current(excitable_pump(laser)):.3g} A"
    '1.18e-05 A'
    """
    validate.instance("parameters", parameters, LaserParameters)
    try:
        return PUMP_FRACTION * instability_pump(parameters)
    except NotConverged:
        pumps = np.geomspace(*PUMPS_SEARCHED, 200)
        pumps *= parameters.threshold_carriers / parameters.gain_lifetime
        ratios = [quiet_state(parameters, pump).feedback for pump in pumps]
        return float(pumps[int(np.argmax(ratios))])


def conditions(parameters: LaserParameters) -> tuple[Condition, ...]:
    """Return the inequalities that make a laser spike, in the order in which they are tried.

    1. *It pulses by itself at some pump.* Its absorber's feedback must outrun its damping:
       a₃ > a₁ a₂ for the characteristic polynomial λ³ + a₁ λ² + a₂ λ + a₃ of the quiet state (Routh and
       Hurwitz).
    2. *It rests in the dark.* Fewer photons at rest than half bleach the absorber, 1/(g_a τ_a).
    3. *A kick bleaches the absorber.* The photons after a kick of 5 % of the threshold carriers exceed
       that number, and twice those at rest.

    Raises
    ------
    InvalidInput
        If `parameters` are not a laser's.

    Examples
    --------
    >>> from photinus import LaserParameters
    >>> from photinus.devices.laser.conditions import conditions
    >>> [each.holds for each in conditions(LaserParameters.preset("fast-absorber"))]
    [True, True, True]
    """
    pump = excitable_pump(parameters)
    quiet = quiet_state(parameters, pump)
    bleached = parameters.absorber_saturation_photons
    kicked = quiet.state + np.array([KICK_FRACTION * parameters.threshold_carriers, 0.0, 0.0])
    time = LIFETIMES_FOLLOWED * parameters.gain_lifetime
    highest = float(waveform(parameters, pump, time, initial=kicked).photons.max())
    # Where the quiet state is lost both sides are equal, so a little more of that pump is looked at.
    feedback = max(quiet_state(parameters, x * pump).feedback for x in (1.0, BEYOND))
    least = max(bleached, 2 * quiet.photons)
    return (
        Condition("feedback of the absorber over its damping, a₃/(a₁ a₂)", feedback, 1.0),
        Condition("photons that half bleach the absorber, over resting ones", bleached, quiet.photons),
        Condition("photons after a kick, over bleaching ones", highest, least),
    )
