"""Which neurons stand for z of their unit, and which for 1 - z.

The measured curve of a neuron, the drive that it takes to be on with given log-odds, is straight above
and bent below. Flipping a unit turns its fields u into -u and leaves the fields of all others as they
are. What straight lines in place of curves cost is thus a sum over units. Each unit chooses for itself:
no search, any number of units.

Flips change the signs of weights, too, and neurons that are on more often meet more of their partners.
What that costs depends on the gauge as a whole. So "auto" predicts the KL of three gauges by the curve
and the pair table, `photinus.translation.prediction`. The networks judged are those of the measured
rule. What a better rule makes up for is a part of it, and its own errors go with it. But where that
rule is predicted to make up for all of it, there is nothing that a flip could gain.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import gauge as gauges
from photinus._core import validate
from photinus._core.logistic import logistic
from photinus._core.states import MAX_PER_EVIDENCE
from photinus.devices.registry import device_of
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.energies import by_block
from photinus.translation.fields import line_through, states_met
from photinus.translation.lines import Lines
from photinus.translation.neuron import Neuron
from photinus.translation.prediction import foretold

CHOICES = ("auto", "none", "per-unit", "likely")
"""How a gauge can be chosen; an array says it outright."""
STEP = 0.05
"""Change of a field over which the slope of the measured curve is taken."""
GENTLE = 2.0
"""Largest weights that count as gentle: predictions know them well."""
ALIKE, NEGLIGIBLE = 1e-6, 1e-7
"""Relative difference of costs that is rounding, and a cost that is none [nats]."""
LINES = 1e-3
"""What lines cost where corrections take away all else, from which on flips can gain [nats]."""
SEEN, SURE = 3e-3, 1e-2
"""Predicted saving from which on flips are worth it [nats]: of gentle machines, and of others."""
WORTH = 1.5
"""Predicted KL over that of the flipped neurons, from which on flips are worth it."""


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
        these, "none" unless another one is predicted to be much better. It is "none" beyond
        `MAX_PER_EVIDENCE` units. Or an array (unit,) of bool.
    corrected
        Whether weights are corrected after translation, see `photinus.refine`: then "auto" is
        "per-unit" for weights up to `GENTLE`, unless lines cost next to nothing.

    Raises
    ------
    InvalidInput
        If `gauge` is none of these.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.translation import choose_gauge
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [-3, 1])
    >>> choose_gauge(machine, ph.Calibration.preset(), "likely")
    array([ True, False])
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
    gentle = machine.largest_weight <= GENTLE
    if corrected and gentle:
        return candidates["per-unit" if curved[0].sum() > LINES else "none"]
    return candidates[_predicted_best(machine, calibration, candidates, gentle)]


def _predicted_best(
    machine: BoltzmannMachine,
    calibration: Neuron,
    candidates: dict[str, gauges.Gauge],
    gentle: bool,
) -> str:
    """Return the candidate with the least predicted KL, or "none" where that is not much less."""
    # Beyond the weights of the table nothing is known of pairs, and what is predicted is no guide.
    known = calibration.pairs is not None and calibration.pairs.holds(machine.weights)
    if not known and not gentle:
        return "none"
    kl = {name: _predicted(machine.flipped(flips), calibration) for name, flips in candidates.items()}
    best = min(kl, key=lambda name: kl[name])
    least = SEEN if known and gentle else SURE
    if kl["none"] - kl[best] <= least or kl["none"] <= WORTH * kl[best]:
        return "none"
    if not known:
        return best
    none, flipped = (
        _predicted(machine.flipped(candidates[name]), calibration, "paired") for name in ("none", best)
    )
    return best if none > max(LINES, WORTH * flipped) else "none"


def _predicted(machine: BoltzmannMachine, calibration: Neuron, rule: str = "measured") -> float:
    """Return the predicted KL of neurons that stand for the units of `machine`, by a rule."""
    lines = Lines.of(machine, calibration, rule)
    told = foretold(machine, calibration, lines.drive, lines.coupling)
    return told.kl - told.unsure


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

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.translation import curvature
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [-3, 1])
    >>> curvature(machine, ph.Calibration.preset()).shape
    (2, 2)
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
    costs = [
        [_line_costs(sign * field, probability, calibration) for sign in (1, -1)]
        for _, field in by_block(machine.matrix, machine.biases, states)
    ]
    return np.concatenate(costs, axis=1)


def _line_costs(
    field: NDArray[np.float64], probability: NDArray[np.float64], calibration: Neuron
) -> NDArray[np.float64]:
    """Return the cost of the line through fields (state, unit), array (unit,)."""
    line = line_through(field, probability, calibration)
    rise = (calibration.drive_at(field + STEP) - calibration.drive_at(field - STEP)) / (2 * STEP)
    off = line.drive + line.slope * (field - line.mean) - calibration.drive_at(field)
    on = logistic(np.clip(field, -700, 700))
    return np.asarray(0.5 * probability @ (on * (1 - on) * (off / rise) ** 2))
