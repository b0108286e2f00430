"""From a Boltzmann machine to drives and couplings, and back.

A neuron whose partners give it the log-odds u = b + Σ W z shall be on with probability σ(u). With the
calibrated synapse, a coupling of c acts like a drive that is higher by c while the partner is on. (The
drive x of a laser is P τ_g in carriers, P its pump rate.) Three rules turn that into numbers, and
``auto`` chooses one of the last two by the weights (`followed`):

* ``linear``: the activation is taken for its logistic fit, x = x½ + α u for all u. So a bias b becomes
  the drive x½ + α b, and a weight W the coupling α W (Petrovici et al. 2016, Phys. Rev. E 94, 042312:
  the same rule in membrane voltage).
* ``measured``: the drive that a field u calls for is read off the measured activation curve,
  x(u), which is steeper at its foot. A network can only add up, so each unit gets a straight line m_k +
  s_k u. It is closest to x(u) over the fields that the unit meets in the target distribution, by
  weighted least squares. The weights are σ(u)(1 - σ(u)), the Fisher information of a log-odds. Then x_k
  = m_k + s_k b_k, and the coupling from j to k is s_k W_kj.
* ``paired``: the same for the biases and weights with which pairs of neurons show those of the machine,
  see `photinus.translation.distortion`. Without a pair table it is ``measured``.

Pulses of an additive synapse add up. A neuron that is driven hard fires more than once per window. So
its couplings are smaller by the mean of `Neuron.dose` while it is on.

``docs/explanation/translation.md`` derives them.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import gauge as gauges
from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.matrices import mapped
from photinus._core.states import MAX_PER_EVIDENCE
from photinus._core.validate import is_sparse
from photinus.devices import Network, assemble
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence
from photinus.translation.fields import Fields, fields_met, lines_through, states_given, states_met
from photinus.translation.gauge import choose_gauge
from photinus.translation.lines import Lines, Seen
from photinus.translation.neuron import Neuron

RULES = ("auto", "measured", "paired", "linear")
DEFAULT_RULE = RULES[0]
DRIVEN_BIAS = 8.0
"""Bias, up or down, that drives a known neuron physically; a laser is off unpumped."""


@dataclass(frozen=True, slots=True, repr=False)
class Validity(Displayed):
    """What of a machine lies outside the range that a calibration measured.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.translation import check
    >>> machine = ph.BoltzmannMachine([[0, 9], [9, 0]], [0, -12], labels=["rain", "wet"])
    >>> found = check(machine, ph.Calibration.preset())
    >>> found.biases, found.weights
    ((('wet', -12.0),), (('rain', 'wet', 9.0),))
    """

    biases: tuple[tuple[Hashable, float], ...]
    """(unit, bias) whose activation is not the logistic one."""
    drives: tuple[tuple[Hashable, float], ...]
    """(unit, log-odds) that some state of its partners drives out of that range."""
    weights: tuple[tuple[Hashable, Hashable, float], ...]
    """(unit, unit, weight) stronger than the synapse was measured with."""
    bias_range: tuple[float, float]
    weight_range: tuple[float, float]

    def __bool__(self) -> bool:
        """Whether everything is inside."""
        return not (self.biases or self.drives or self.weights)

    def __str__(self) -> str:
        """Return the report, one line per kind of finding."""
        if self:
            return "everything is inside the calibrated range"
        low, high = self.bias_range
        lines = []
        if self.biases:
            named = ", ".join(f"{unit} ({bias:+.2f})" for unit, bias in self.biases)
            lines.append(f"biases outside [{low:+.2f}, {high:+.2f}]: {named}")
        if self.drives:
            named = ", ".join(f"{unit} ({drive:+.2f})" for unit, drive in self.drives)
            lines.append(f"units that partners can drive outside [{low:+.2f}, {high:+.2f}]: {named}")
        if self.weights:
            named = ", ".join(f"{a}–{b} ({weight:+.2f})" for a, b, weight in self.weights)
            lines.append(
                f"weights outside [{self.weight_range[0]:+.2f}, {self.weight_range[1]:+.2f}]: {named}"
            )
        return "\n".join(lines)


def translate(
    machine: BoltzmannMachine,
    calibration: Neuron,
    *,
    rule: str = DEFAULT_RULE,
    delay: float | str | NDArray[np.float64] = 0.0,
    gauge: str | ArrayLike = "auto",
) -> Network:
    """Return the network that samples from `machine`.

    Parameters
    ----------
    machine
        The target.
    calibration
        Calibration of the neurons to use.
    rule
        "auto" (default), "measured", "paired" or "linear", see the module's description.
    delay : float or array (unit, unit)
        Synaptic delay [s], or a text: "30 ps". The paired rule makes up for what it takes away.
    gauge : array (unit,) of bool, "auto", "none", "per-unit" or "likely"
        Which neurons stand for 1 - z of their unit, see `photinus.translation.choose_gauge`. The
        network keeps it as `gauge`. States, evidence and moments speak of z all the same. With the
        linear rule "auto" is "none".

    Notes
    -----
    A pump cannot be negative: lasers whose bias asks for one get none. `check` names everything that
    lies outside the calibrated range.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    >>> network = ph.translate(machine, ph.Calibration.preset("fast-absorber"))
    >>> [f"{current:.2g} A" for current in network.currents]
    ['1.2e-05 A', '1.2e-05 A']
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Neuron)
    rule = followed(validate.one_of("rule", rule, RULES), calibration, machine)
    if rule == "linear" and isinstance(gauge, str) and gauge == "auto":
        gauge = "none"  # its lines are not fitted to the fields
    flips = choose_gauge(machine, calibration, gauge)
    delay = validate.number("delay", delay, "s") if isinstance(delay, str) else delay
    lines = Lines.of(machine.flipped(flips), calibration, rule, delay)
    return assemble(
        calibration.parameters,
        drive=lines.drive,
        coupling=lines.coupling,
        kernel=calibration.kernel,
        window=calibration.window,
        detection_threshold=calibration.detection_threshold,
        driven=levels(calibration),
        delay=delay,
        labels=machine.labels,
        gauge=flips,
    )


def followed(rule: str, calibration: Neuron, machine: BoltzmannMachine) -> str:
    """Return the rule that is followed for a machine.

    "paired" needs a pair table, and is "measured" without. "auto" is "paired" where all weights lie in
    the table, else "measured". Machines that are held as sparse rows are "measured", too.
    """
    validate.instance("calibration", calibration, Neuron)
    validate.instance("machine", machine, BoltzmannMachine)
    if calibration.pairs is None or is_sparse(machine.matrix):
        return "measured" if rule in ("auto", "paired") else rule
    if rule == "auto":
        return "paired" if calibration.pairs.holds(machine.weights) else "measured"
    return rule


def levels(calibration: Neuron) -> tuple[float, float]:
    """Return the drives that keep a neuron off and on, by log-odds of `DRIVEN_BIAS`.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.translation import levels
    >>> off, on = levels(ph.Calibration.preset())
    >>> off < on
    True
    """
    validate.instance("calibration", calibration, Neuron)
    reach = DRIVEN_BIAS * calibration.slope
    return calibration.midpoint - reach, calibration.midpoint + reach


def slopes(machine: BoltzmannMachine, calibration: Neuron) -> NDArray[np.float64]:
    """Return the slope s_k that the measured rule gives each unit, array (unit,), in drive.

    `machine` is that of the neurons: `BoltzmannMachine.flipped` by the gauge of their network.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.translation import slopes
    >>> calibration = ph.Calibration.preset()
    >>> found = slopes(ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1]), calibration)
    >>> (found / calibration.slope).round(1)
    array([1.1, 1. ])
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Neuron)
    return fields_met(machine, calibration).slope


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
    ((2, 2), 0.51)
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


def recover(network: Network, calibration: Neuron) -> BoltzmannMachine:
    """Return the machine that `network` stands for: `translate` with the linear rule, backwards.

    Raises
    ------
    InvalidInput
        If the calibration is of another device, or the couplings are not symmetric. The measured rule
        gives each unit its own slope, which a network does not tell.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.translation import recover
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> calibration = ph.Calibration.preset()
    >>> recover(ph.translate(machine, calibration, rule="linear"), calibration).biases.round(6)
    array([ 0.5, -1. ])
    """
    validate.instance("network", network, Network)
    validate.instance("calibration", calibration, Neuron)
    calibration.require(network.parameters)
    return BoltzmannMachine(
        network.coupling / calibration.slope,
        (network.drive - calibration.midpoint) / calibration.slope,
        labels=network.labels,
    ).flipped(gauges.of(network))


def check(machine: BoltzmannMachine, calibration: Neuron) -> Validity:
    """Return which units and weights of `machine` lie outside the calibrated range.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.translation import check
    >>> check(ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1]), ph.Calibration.preset()).weights
    ()
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Neuron)
    low, high = calibration.bias_range
    weakest, strongest = calibration.weight_range
    labels, biases, weights = machine.labels, machine.biases, machine.matrix
    lowest = biases + mapped(weights, lambda w: np.minimum(w, 0)).sum(axis=1)
    highest = biases + mapped(weights, lambda w: np.maximum(w, 0)).sum(axis=1)
    outside = [
        (label, float(b)) for label, b in zip(labels, biases, strict=True) if not low <= b <= high
    ]
    driven = []
    for k, label in enumerate(labels):
        if low <= biases[k] <= high:
            if lowest[k] < low:
                driven.append((label, float(lowest[k])))
            elif highest[k] > high:
                driven.append((label, float(highest[k])))
    pairs = [
        (labels[i], labels[j], w)
        for i, j, w in zip(*(each.tolist() for each in machine.couplings), strict=True)
        if not weakest <= w <= strongest
    ]
    return Validity(
        biases=tuple(outside),
        drives=tuple(driven),
        weights=tuple(pairs),
        bias_range=calibration.bias_range,
        weight_range=calibration.weight_range,
    )
