"""Which neurons stand for z of their unit, and which for 1 - z.

The measured curve of a neuron, the drive that it takes to be on with given log-odds, is straight above
and bent below. Flipping a unit turns its fields u into -u and leaves the fields of all others as they
are. So the part of the KL that comes from putting straight lines for curves is a sum over units, and
each unit chooses for itself: no search, any number of units.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import gauge as gauges
from photinus._core import validate
from photinus._core.logistic import logistic
from photinus.devices.registry import device_of
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.translation.fields import line_through, states_met
from photinus.translation.neuron import Neuron

CHOICES = ("auto", "none", "per-unit", "likely")
"""How a gauge can be chosen; an array says it outright."""
STEP = 0.05
"""Change of a field over which the slope of the measured curve is taken."""


def choose_gauge(
    machine: BoltzmannMachine, calibration: Neuron, gauge: str | ArrayLike = "auto"
) -> gauges.Gauge:
    """Return which neurons shall stand for 1 - z, array (unit,) of bool.

    Parameters
    ----------
    machine, calibration
        The target, and the neurons to use.
    gauge
        "none": each neuron stands for z. "per-unit": whatever makes the unit's own line the better one,
        see `curvature`. "likely": each neuron stands for the likelier value of its unit. "auto": one of
        these. Or an array (unit,) of bool.

    Raises
    ------
    InvalidInput
        If `gauge` is none of these.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Neuron)
    if not isinstance(gauge, str):
        return gauges.checked(gauge, machine.n_units)
    validate.one_of("gauge", gauge, CHOICES)
    none = gauges.checked((), machine.n_units)
    if gauge == "none" or not device_of(calibration.parameters).has_gauge:
        return none
    if gauge == "per-unit":
        as_is, flipped = curvature(machine, calibration)
        return gauges.checked(flipped < as_is, machine.n_units)
    if gauge == "likely":
        states, probability = states_met(machine)
        return gauges.checked(probability @ states < 0.5, machine.n_units)
    return none


def curvature(machine: BoltzmannMachine, calibration: Neuron) -> NDArray[np.float64]:
    """Return the KL that each unit's straight line costs, array (2, unit) [nats]: for z, for 1 - z.

    To second order, ½ Σ p(u) σ(u)(1 - σ(u)) r(u)², with r(u) the error of the line in log-odds.
    """
    states, probability = states_met(machine)
    field = states @ machine.weights + machine.biases
    return np.stack([_line_costs(sign * field, probability, calibration) for sign in (1, -1)])


def _line_costs(
    field: NDArray[np.float64], probability: NDArray[np.float64], calibration: Neuron
) -> NDArray[np.float64]:
    """Return the cost of the line through fields (state, unit), array (unit,)."""
    line = line_through(field, probability, calibration)
    rise = (calibration.drive_at(field + STEP) - calibration.drive_at(field - STEP)) / (2 * STEP)
    off = line.drive + line.slope * (field - line.mean) - calibration.drive_at(field)
    on = logistic(np.clip(field, -700, 700))
    return np.asarray(0.5 * probability @ (on * (1 - on) * (off / rise) ** 2))
