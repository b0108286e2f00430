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

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import gauge as gauges
from photinus._core import validate
from photinus._core.validate import is_sparse
from photinus.devices import Network, assemble
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.translation.fields import fields_met
from photinus.translation.gauge import choose_gauge
from photinus.translation.lines import Lines
from photinus.translation.neuron import Neuron

RULES = ("auto", "measured", "paired", "linear")
DEFAULT_RULE = RULES[0]
PAIRED_UNITS = 64
"""Units up to which "auto" is paired whatever the weights: measured at ±1, it loses at 200."""
PAIRED_WEIGHT = 0.3
"""Root mean square of the weights up to which it is for any size: a machine of 1 294 units has 0.2."""
ADDITIVE_WEIGHT = 1.0
"""Largest weight up to which "auto" is paired where pulses add up: what a pair does alone tells little
of what strong couplings do among partners (`docs/results/kernels.md`)."""
DRIVEN_BIAS = 8.0
"""Bias, up or down, that drives a known neuron physically; a laser is off unpumped."""


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
    the table, else "measured". Machines of more than `PAIRED_UNITS` units have to have small weights
    for it, too: what the table is off by adds up over partners (`docs/results/scaling.md`). So have
    machines on synapses whose pulses add up. Machines that are held as sparse rows are "measured".
    """
    validate.instance("calibration", calibration, Neuron)
    validate.instance("machine", machine, BoltzmannMachine)
    if calibration.pairs is None or is_sparse(machine.matrix):
        return "measured" if rule in ("auto", "paired") else rule
    if rule != "auto":
        return rule
    weights = machine.couplings.weight
    if not calibration.kernel.renewing and np.abs(weights).max(initial=0.0) > ADDITIVE_WEIGHT:
        return "measured"
    small = bool(np.sum(weights**2) <= PAIRED_WEIGHT**2 * len(weights))
    small = small or machine.n_units <= PAIRED_UNITS
    return "paired" if small and calibration.pairs.holds(machine.weights) else "measured"


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
