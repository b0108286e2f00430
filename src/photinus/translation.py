"""From a Boltzmann machine to pumps and couplings, and back.

With the calibrated midpoint N½ and slope α [carriers], τ_g the gain lifetime:

* bias b  →  pump rate P = (N½ + α b) / τ_g, so that the uncoupled laser is on with probability σ(b)
  (Petrovici et al. 2016, Phys. Rev. E 94, 042312: the same rule in membrane voltage);
* weight W  →  coupling α W, the pump change (times τ_g) that shifts the partner's log-odds by W. The
  calibrated kernel says how a spike delivers it: kick · αW carriers at once and a pulse of height
  sustain · αW / τ_g for one τ.
"""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus.boltzmann import BoltzmannMachine
from photinus.calibration import Calibration
from photinus.network import LaserNetwork, SynapticKernel

DRIVEN_BIAS = 8.0
"""Bias at which a laser that is physically driven on is held (one that is off gets no pump)."""


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
    delay: float | NDArray[np.float64] = 0.0,
) -> LaserNetwork:
    """Return the laser network that samples from `machine`.

    Parameters
    ----------
    machine
        The target.
    calibration
        Calibration of the laser to use.
    delay : float or array (unit, unit)
        Synaptic delay [s].

    Notes
    -----
    A pump cannot be negative: units with a bias below ``-midpoint / slope`` get none. `check` names
    everything that lies outside the calibrated range.
    """
    lifetime = calibration.parameters.gain_lifetime
    midpoint, slope = calibration.midpoint, calibration.slope
    return LaserNetwork(
        parameters=calibration.parameters,
        pump=np.maximum(midpoint + slope * machine.biases, 0.0) / lifetime,
        coupling=slope * machine.weights,
        kernel=SynapticKernel(
            kick=calibration.kick, sustain=calibration.sustain, duration=calibration.window
        ),
        window=calibration.window,
        detection_threshold=calibration.detection_threshold,
        driven_pump=(0.0, (midpoint + DRIVEN_BIAS * slope) / lifetime),
        delay=delay,
        labels=machine.labels,
    )


def recover(network: LaserNetwork, calibration: Calibration) -> BoltzmannMachine:
    """Return the machine that `network` stands for under `calibration`: `translate` backwards.

    Raises
    ------
    InvalidInput
        If the calibration is of another device, or the couplings are not symmetric.
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
    outside = [(label, float(b)) for label, b in zip(labels, biases, strict=True) if not low <= b <= high]
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
