"""What to change of a laser that does not spike: computed, one parameter at a time."""

import functools
from collections.abc import Callable
from math import exp, log
from typing import NamedTuple

from photinus._core import validate
from photinus.devices.laser.parameters import PLAUSIBLE, LaserParameters
from photinus.devices.laser.spiking import spike
from photinus.errors import InvalidInput, NotConverged

CHANGED = (
    "absorber_transparency",
    "absorber_coefficient",
    "absorber_lifetime",
    "gain_coefficient",
    "gain_transparency",
    "gain_lifetime",
    "photon_lifetime",
)
"""Parameters that are tried, each alone."""
LARGEST_FACTOR = 10.0
"""By which a parameter is multiplied or divided at most."""
STEPS = 6
"""Factors that are tried on each side, evenly in their logarithm."""
HALVINGS = 4
"""Of the last step, to find where spiking begins."""


class Cure(NamedTuple):
    """A change of one parameter after which a laser spikes."""

    name: str
    """The parameter."""
    value: float
    """What it must become, in SI."""
    factor: float
    """That value over today's."""


@functools.cache
def cures(parameters: LaserParameters) -> tuple[Cure, ...]:
    """Return the changes of single parameters that make a laser spike, the smallest factor first.

    Nothing for a laser that spikes already, or that no such change within a factor of ten helps.

    Raises
    ------
    InvalidInput
        If `parameters` are not a laser's.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters
    >>> from photinus.devices.laser.cures import cures
    >>> dull = LaserParameters.preset(absorber_transparency=500)
    >>> cures(dull)[0].factor > 1
    True
    """
    validate.instance("parameters", parameters, LaserParameters)
    if _spikes(parameters):
        return ()
    found = []
    for name in CHANGED:
        factor = _nearest(functools.partial(_changed, parameters, name))
        if factor is not None:
            found.append(Cure(name, getattr(parameters, name) * factor, factor))
    return tuple(sorted(found, key=lambda cure: abs(log(cure.factor))))


def told(found: tuple[Cure, ...]) -> str:
    """Return the nearest three of what `cures` found, as half a sentence."""
    if not found:
        return "no parameter helps alone, multiplied or divided by up to ten"
    shown = []
    for cure in found[:3]:
        value = PLAUSIBLE[cure.name].shown(float(f"{cure.value:.3g}"))
        shown.append(f"{cure.name} {value} ({cure.factor:.2g} times today's)")
    return f"any one of these makes it spike: {', '.join(shown)}"


def _changed(parameters: LaserParameters, name: str, factor: float) -> bool:
    """Return whether the laser spikes with one parameter multiplied; False where that cannot be."""
    if not getattr(parameters, name):
        return False
    try:
        return _spikes(parameters.replace(**{name: getattr(parameters, name) * factor}))
    except InvalidInput:
        return False


def _spikes(parameters: LaserParameters) -> bool:
    try:
        spike(parameters)
    except NotConverged:
        return False
    return True


def _nearest(spikes: Callable[[float], bool]) -> float | None:
    """Return the factor nearest to 1 at which a laser spikes, or None."""
    step = log(LARGEST_FACTOR) / STEPS
    for k in range(1, STEPS + 1):
        for side in (step, -step):
            if spikes(exp(k * side)):
                return _refined(spikes, exp((k - 1) * side), exp(k * side))
    return None


def _refined(spikes: Callable[[float], bool], silent: float, spiking: float) -> float:
    """Return a spiking factor closer to where spiking begins."""
    for _ in range(HALVINGS):
        middle = (silent * spiking) ** 0.5
        if spikes(middle):
            spiking = middle
        else:
            silent = middle
    return spiking
