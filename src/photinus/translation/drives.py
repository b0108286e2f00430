"""Drives of a network that runs given evidence, or at a temperature."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from photinus._core import gauge as gauges
from photinus._core import validate
from photinus._core.states import MAX_PER_EVIDENCE
from photinus._core.validate import is_sparse
from photinus.devices import Network
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence
from photinus.translation.fields import Fields, fields_met, lines_through, states_given, states_met
from photinus.translation.lines import Lines, Seen
from photinus.translation.neuron import Neuron
from photinus.translation.rules import DEFAULT_RULE, RULES, followed


def evidence_drive(
    machine: BoltzmannMachine,
    calibration: Neuron,
    network: Network,
    evidence: Evidence,
    *,
    rule: str = DEFAULT_RULE,
) -> NDArray[np.float64]:
    """Return the constant drive of each neuron given each chain's evidence, array (chain, unit).

    With evidence the fields that a free unit meets are others than without it, so its drive is read off
    the measured curve again. The network's slopes s_k stay, as couplings are built in. The line of unit
    k, through x_k, passes through the measured curve at the mean of the fields given the evidence. A
    neuron whose partners are all known gets exactly the drive of its field.

    There may be too many free units to enumerate their states. Then half of the states that tell the
    fields are drawn given the evidence and half without it. Draws given the evidence stay in few modes
    of a large machine, and lines that fit these alone make others far too probable.

    Parameters
    ----------
    machine, calibration, network
        A machine, and the network that `translate` made of it.
    evidence
        Known units, and their values in each chain.
    rule
        That of the network.

    Returns
    -------
    array (chain, unit)
        Drives; known units keep that of the network.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.machines.evidence import Evidence
    >>> from photinus.translation import evidence_drive
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    >>> calibration = ph.Calibration.preset()
    >>> known = Evidence.of({"wet": 1}, machine.labels, chains=2)
    >>> evidence_drive(machine, calibration, ph.translate(machine, calibration), known).shape
    (2, 2)
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Neuron)
    validate.instance("network", network, Network)
    gauge = gauges.of(network)
    drive, _ = drive_and_strength(
        machine.flipped(gauge), calibration, evidence.flipped(gauge), rule=rule, delay=network.delay
    )
    drive[:, evidence.positions] = network.drive[evidence.positions]
    return drive


def heated_drive(
    machine: BoltzmannMachine,
    calibration: Neuron,
    fixed: NDArray[np.intp],
    values: NDArray[np.uint8],
    *,
    temperature: float,
    rule: str = DEFAULT_RULE,
) -> tuple[NDArray[np.float64], float]:
    """Return `drive_and_strength` for units at positions (k,), values (chain, k): its older form.

    Examples
    --------
    >>> import numpy as np
    >>> import photinus as ph
    >>> from photinus.translation import heated_drive
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> wet, on = np.array([1]), np.ones((2, 1), np.uint8)
    >>> drive, strength = heated_drive(machine, ph.Calibration.preset(), wet, on, temperature=2)
    >>> drive.shape
    (2, 2)
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Neuron)
    evidence = Evidence.at(fixed, values, machine.labels)
    return drive_and_strength(machine, calibration, evidence, temperature=temperature, rule=rule)


def drive_and_strength(
    machine: BoltzmannMachine,
    calibration: Neuron,
    evidence: Evidence,
    *,
    temperature: float = 1.0,
    rule: str = DEFAULT_RULE,
    delay: float | NDArray[np.float64] = 0.0,
) -> tuple[NDArray[np.float64], float]:
    """Return drives and the strength of all synapses with which a network samples at a temperature.

    Hardware attenuates all synapses together, so the strength is one number. It is the mean of what the
    units would need, s_k(T)/(s_k T), where s_k(T) is the slope of unit k at temperature T. (The paired
    rule: times what the weights of that machine call for, compared with a T-th of those that are
    built.) Each drive is such that the unit's line passes through the measured curve at the mean of the
    fields that it meets at that temperature.

    Parameters
    ----------
    machine, calibration, evidence
        As in `evidence_drive`, but as the neurons see it, flipped by the gauge of their network; there
        may be no evidence.
    temperature
        T > 0: all weights and biases are divided by it.
    rule, delay
        As in `translate`; drives of "linear" are those of "measured".

    Returns
    -------
    array (chain, unit), float
        Drives (not a number for known units), and what couplings are to be multiplied with.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.machines.evidence import Evidence
    >>> from photinus.translation import drive_and_strength
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    >>> known = Evidence.of({"wet": 1}, machine.labels, chains=2)
    >>> drive, strength = drive_and_strength(machine, ph.Calibration.preset(), known, temperature=2)
    >>> drive.shape, round(strength, 2)
    ((2, 2), 0.5)
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Neuron)
    rule = followed(validate.one_of("rule", rule, RULES), calibration, machine)
    rule = "measured" if rule == "linear" else rule
    lines = Lines.of(machine, calibration, rule, delay)
    free, (distinct, which) = evidence.free, evidence.distinct()
    drive = np.full((evidence.chains, machine.n_units), np.nan)
    slope, biases = lines.slope[free], machine.biases_given(distinct)
    share = lines.share(temperature)
    if is_sparse(machine.matrix):
        met = list(_met_by_block(machine, calibration, distinct, temperature))
    else:
        met = [
            lines.met(seen, free, share / temperature, distinct.chains)
            for seen in _seen(machine, distinct, temperature)
        ]
    strength = 1.0
    if temperature != 1:
        strength = float(np.mean([fields.slope / slope for fields in met])) / temperature * share
    for k, fields in enumerate(met):
        partners = (temperature * fields.mean - biases[k]) / share
        drive[np.ix_(which == k, free)] = fields.drive - slope * strength * partners
    return drive, strength


def _met_by_block(
    machine: BoltzmannMachine, calibration: Neuron, distinct: Evidence, temperature: float
) -> Iterator[Fields]:
    """Return the fields that the free units meet given each evidence, of a machine of sparse rows."""
    hot = machine.heated(temperature)
    if not distinct:
        yield fields_met(hot, calibration)
        return
    anyway, each = states_given(hot, distinct)
    for drawn, given in zip(each, distinct.each(), strict=True):
        states = np.concatenate([drawn, anyway])
        equal = np.full(len(states), 1 / len(states))
        yield lines_through(hot.conditional(given), states, equal, calibration)


def _seen(machine: BoltzmannMachine, distinct: Evidence, temperature: float) -> Iterator[Seen]:
    """Return what the free units meet given each evidence, at a temperature."""
    if len(distinct.free) <= MAX_PER_EVIDENCE or not distinct:
        for target in map(machine.conditional, distinct.each()):
            hot = target.heated(temperature)
            states, probability = states_met(hot)
            field = states @ hot.weights + hot.biases
            yield Seen(states.astype(np.float64), probability, field, hot.biases, hot.weights)
        return
    hot = machine.heated(temperature)
    among = hot.weights[np.ix_(distinct.free, distinct.free)]
    anyway, each = states_given(hot, distinct)
    partners = anyway @ among
    for drawn, own in zip(each, hot.biases_given(distinct), strict=True):
        field = np.concatenate([drawn @ among, partners]) + own
        equal = np.full(len(field), 0.5 / len(drawn))
        both = np.concatenate([drawn, anyway]).astype(np.float64)
        yield Seen(both, equal, field, own, among)
