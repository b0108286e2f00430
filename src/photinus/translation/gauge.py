"""Which neurons stand for z of their unit, and which for 1 - z.

The measured curve of a neuron, the drive that it takes to be on with given log-odds, is straight above
and bent below. Flipping a unit turns its fields u into -u and leaves the fields of all others as they
are. What straight lines in place of curves cost is thus a sum over units. Each unit chooses for itself:
no search, any number of units.

Flips change the signs of weights, too, and neurons that are on more often meet more of their partners.
Synapses act late and a little too weakly, the more so the stronger they are, and inhibition most. What
that costs is judged for the gauge as a whole, to second order: ½ Var Σ ε(W_ij) W_ij y_i y_j.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import gauge as gauges
from photinus._core import validate
from photinus._core.logistic import logistic
from photinus._core.states import MAX_PER_EVIDENCE
from photinus.devices.registry import device_of
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.translation.fields import line_through, states_met
from photinus.translation.neuron import Neuron

CHOICES = ("auto", "none", "per-unit", "likely")
"""How a gauge can be chosen; an array says it outright."""
STEP = 0.05
"""Change of a field over which the slope of the measured curve is taken."""
WEAKENED = ((-4.0, -2.0, -1.0, 0.0, 2.0, 4.0), (0.18, 0.12, 0.04, 0.0, 0.03, 0.13))
"""Weights, and the part ε of each that symmetric pairs of the default laser lack."""
GENTLE = 2.0
"""Largest weights of machines whose synapses need no look before units take turns, or are corrected."""
ALIKE, NEGLIGIBLE = 1e-6, 1e-7
"""Relative difference of costs that is rounding, and a cost that is none [nats]."""
SEEN = 1e-3
"""Saving from which on a gauge is worth a word [nats]: shorter runs do not show less."""
WORTH = 3.0
"""What better lines must save, over what synapses cost before and after: the latter is known badly."""


def choose_gauge(
    machine: BoltzmannMachine,
    calibration: Neuron,
    gauge: str | ArrayLike = "auto",
    *,
    corrected: bool = False,
) -> gauges.Gauge:
    """Return which neurons shall stand for 1 - z, array (unit,) of bool.

    Parameters
    ----------
    machine, calibration
        The target, and the neurons to use.
    gauge
        "none": each neuron stands for z. "per-unit": whatever makes the unit's own line the better one,
        see `curvature`. "likely": each neuron stands for the likelier value of its unit. "auto": one of
        these, but "none" where better lines save little beside what synapses cost, and beyond
        `MAX_PER_EVIDENCE` units. Or an array (unit,) of bool.
    corrected
        Whether weights are corrected after translation, see `photinus.refine`: then "auto" is
        "per-unit" for weights up to `GENTLE`.

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
    if gauge == "auto" and machine.n_units > MAX_PER_EVIDENCE:
        return none
    states, probability = states_met(machine)
    curved = _curvature(machine, calibration, states, probability)
    candidates = {
        "none": none,
        "per-unit": gauges.checked(_better(*curved), machine.n_units),
        "likely": gauges.checked(probability @ states < 0.5, machine.n_units),
    }
    if gauge in candidates:
        return candidates[gauge]
    gentle = bool(np.abs(machine.weights).max() <= GENTLE)
    if gentle and (corrected or bool(_same(*curved).all())):
        return candidates["per-unit"]
    lines, synapses = {}, {}
    for name, flips in candidates.items():
        lines[name] = float(np.where(flips, curved[1], curved[0]).sum())
        own, seen = machine.flipped(flips), gauges.flip_states(states, flips)
        synapses[name] = _weakness(own, seen, probability)
    least = WORTH * synapses["none"] + SEEN
    worth = [name for name in lines if lines["none"] - lines[name] > least + WORTH * synapses[name]]
    return candidates[min(worth, key=lambda name: lines[name], default="none")]


def _better(as_is: NDArray[np.float64], flipped: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which units are better flipped; those to which it is all the same take turns.

    Think of a machine that is its own complement, with one mode all on and one all off. Then as many
    neurons are on in either mode, and errors of synapses favour neither.
    """
    same = _same(as_is, flipped)
    turns = np.cumsum(same) % 2 == 0
    return np.where(same, turns, flipped < as_is - NEGLIGIBLE)


def _same(as_is: NDArray[np.float64], flipped: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which units have lines to gain, but none by a flip."""
    return (np.abs(flipped - as_is) <= ALIKE * as_is) & (as_is > NEGLIGIBLE)


def curvature(machine: BoltzmannMachine, calibration: Neuron) -> NDArray[np.float64]:
    """Return the KL that each unit's straight line costs, array (2, unit) [nats]: for z, for 1 - z.

    To second order, ½ Σ p(u) σ(u)(1 - σ(u)) r(u)², with r(u) the error of the line in log-odds.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Neuron)
    return _curvature(machine, calibration, *states_met(machine))


def _curvature(
    machine: BoltzmannMachine,
    calibration: Neuron,
    states: NDArray[np.uint8],
    probability: NDArray[np.float64],
) -> NDArray[np.float64]:
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


def _weakness(
    machine: BoltzmannMachine, states: NDArray[np.uint8], probability: NDArray[np.float64]
) -> float:
    """Return the KL that synapses cost that are too weak by `WEAKENED` [nats]."""
    lacking = machine.weights * np.interp(machine.weights, *WEAKENED)
    energy = 0.5 * np.sum((states @ lacking) * states, axis=1)
    return float(0.5 * probability @ (energy - probability @ energy) ** 2)
