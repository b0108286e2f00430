"""From a Boltzmann machine to pumps and couplings, and back.

A laser whose partners give it the log-odds u = b + Σ W z shall be on with probability σ(u). With the
calibrated kernel, a coupling of c carriers acts like a pump that is higher by c/τ_g while the partner
is on. Two rules turn that into numbers:

* ``linear``: the activation is taken for its logistic fit, P τ_g = N½ + α u for all u. So a bias b
  becomes P = (N½ + α b)/τ_g and a weight W the coupling α W (Petrovici et al. 2016, Phys. Rev. E 94,
  042312: the same rule in membrane voltage).
* ``measured`` (default): the pump that a field u calls for is read off the measured activation curve,
  N(u), which is steeper at its foot. A network can only add up, so each unit gets the straight line
  m_k + s_k u that is closest to N(u) over the fields that the unit meets in the target distribution,
  by weighted least squares with weights σ(u)(1 - σ(u)), the Fisher information of a log-odds. Then
  P_k = (m_k + s_k b_k)/τ_g, and the coupling from j to k is s_k W_kj.
"""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus import _validate
from photinus.boltzmann import BoltzmannMachine
from photinus.calibration import Calibration
from photinus.network import LaserNetwork, SynapticKernel

RULES = ("measured", "linear")
DRIVEN_BIAS = 8.0
"""Bias at which a laser that is physically driven on is held (one that is off gets no pump)."""
ENUMERATED_UNITS = 14
"""Units up to which the fields of a machine are enumerated; beyond, they come from Gibbs sampling."""
SMALLEST_SPREAD = 1e-6
"""Variance of a unit's field below which it counts as constant."""


@dataclass(frozen=True, slots=True)
class Validity:
    """What of a machine lies outside the range that a calibration measured."""

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
    calibration: Calibration,
    *,
    rule: str = "measured",
    delay: float | NDArray[np.float64] = 0.0,
) -> LaserNetwork:
    """Return the laser network that samples from `machine`.

    Parameters
    ----------
    machine
        The target.
    calibration
        Calibration of the laser to use.
    rule
        "measured" (default) or "linear", see the module's description.
    delay : float or array (unit, unit)
        Synaptic delay [s].

    Notes
    -----
    A pump cannot be negative: units whose bias asks for one get none. `check` names everything that
    lies outside the calibrated range.
    """
    _validate.one_of("rule", rule, RULES)
    lifetime = calibration.parameters.gain_lifetime
    if rule == "linear":
        middle, slope = np.full((2, machine.n_units), [[calibration.midpoint], [calibration.slope]])
    else:
        met = _fields(machine, calibration)
        middle, slope = met.carriers - met.slope * met.mean, met.slope
    return LaserNetwork(
        parameters=calibration.parameters,
        pump=np.maximum(middle + slope * machine.biases, 0.0) / lifetime,
        coupling=slope[:, None] * machine.weights,
        kernel=SynapticKernel(
            kick=calibration.kick, sustain=calibration.sustain, duration=calibration.window
        ),
        window=calibration.window,
        detection_threshold=calibration.detection_threshold,
        driven_pump=(0.0, (calibration.midpoint + DRIVEN_BIAS * calibration.slope) / lifetime),
        delay=delay,
        labels=machine.labels,
    )


def slopes(machine: BoltzmannMachine, calibration: Calibration) -> NDArray[np.float64]:
    """Return the slope s_k that the measured rule gives each unit, array (unit,) [carriers]."""
    return _fields(machine, calibration).slope


def evidence_pump(
    machine: BoltzmannMachine,
    calibration: Calibration,
    network: LaserNetwork,
    fixed: NDArray[np.intp],
    values: NDArray[np.uint8],
) -> NDArray[np.float64]:
    """Return the constant pump of each laser given each chain's evidence, array (chain, unit).

    With evidence the fields that a free unit meets are others than without it, so its pump is read
    off the measured curve anew: the network's slopes s_k stay (couplings are built in), and P_k is
    such that the line passes through the measured curve at the mean of the fields given the evidence.
    A laser whose partners are all clamped gets exactly the pump of its field.

    Parameters
    ----------
    machine, calibration, network
        A machine, and the network that `translate` made of it by the measured rule.
    fixed : array (k,)
        Positions of the clamped units.
    values : array (chain, k)
        Their values in each chain.

    Returns
    -------
    array (chain, unit)
        Pump rates [carriers/s]; clamped units keep that of the network.
    """
    labels = machine.labels
    free = np.setdiff1d(np.arange(machine.n_units), fixed)
    pump = np.tile(network.pump, (len(values), 1))
    slope = slopes(machine, calibration)[free]
    for given in np.unique(values, axis=0):
        clamp = {labels[k]: int(v) for k, v in zip(fixed, given, strict=True)}
        target = machine.conditional(clamp)
        met = _fields(target, calibration)
        carriers = met.carriers - slope * (met.mean - target.biases)
        members = (values == given).all(axis=1)
        pump[np.ix_(members, free)] = np.maximum(carriers, 0.0) / calibration.parameters.gain_lifetime
    return pump


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields that units meet, weighted by how much their log-odds matter; arrays (unit,)."""

    mean: NDArray[np.float64]
    """Mean field."""
    carriers: NDArray[np.float64]
    """Mean of the N(u) that the fields call for."""
    slope: NDArray[np.float64]
    """Slope of the line through (mean, carriers) that is closest to N(u)."""


def _fields(machine: BoltzmannMachine, calibration: Calibration) -> _Fields:
    """Return the fields of each unit in the target distribution, and the line instead of N(u)."""
    if machine.n_units <= ENUMERATED_UNITS:
        states, probability = machine.states(), machine.joint()
    else:
        from photinus.reference.gibbs import sample_gibbs

        drawn = sample_gibbs(machine, chains=64, draws=50, burn_in=100, seed=0)
        states = drawn.reshape(-1, machine.n_units)
        probability = np.full(len(states), 1.0 / len(states))
    mean, level, slope = np.empty((3, machine.n_units))
    for k in range(machine.n_units):
        field = states @ machine.weights[:, k] + machine.biases[k]
        on = 1 / (1 + np.exp(-np.clip(field, -700, 700)))
        # The added constant keeps the sum above zero for a unit that never has a choice.
        weight = probability * (on * (1 - on) + 1e-12)
        weight /= weight.sum()
        carriers = calibration.carriers(field)
        mean[k], level[k] = weight @ field, weight @ carriers
        spread = weight @ (field - mean[k]) ** 2
        if spread > SMALLEST_SPREAD:
            slope[k] = weight @ ((field - mean[k]) * (carriers - level[k])) / spread
        else:
            # A unit without partners: the tangent.
            slope[k] = np.diff(calibration.carriers(mean[k] + np.array([-0.5, 0.5])))[0]
    return _Fields(mean, level, slope)


def recover(network: LaserNetwork, calibration: Calibration) -> BoltzmannMachine:
    """Return the machine that `network` stands for: `translate` with the linear rule, backwards.

    Raises
    ------
    InvalidInput
        If the calibration is of another device, or the couplings are not symmetric (the measured
        rule gives each unit its own slope, which a network does not tell).
    """
    calibration.require(network.parameters)
    carriers = network.pump * network.parameters.gain_lifetime
    return BoltzmannMachine(
        network.coupling / calibration.slope,
        (carriers - calibration.midpoint) / calibration.slope,
        labels=network.labels,
    )


def check(machine: BoltzmannMachine, calibration: Calibration) -> Validity:
    """Return which units and weights of `machine` lie outside the calibrated range."""
    low, high = calibration.bias_range
    weakest, strongest = calibration.weight_range
    labels, biases, weights = machine.labels, machine.biases, machine.weights
    lowest = biases + np.minimum(weights, 0).sum(axis=1)
    highest = biases + np.maximum(weights, 0).sum(axis=1)
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
    pairs = np.argwhere(np.triu((weights < weakest) | (weights > strongest), 1))
    return Validity(
        biases=tuple(outside),
        drives=tuple(driven),
        weights=tuple((labels[i], labels[j], float(weights[i, j])) for i, j in pairs),
        bias_range=calibration.bias_range,
        weight_range=calibration.weight_range,
    )
