"""Whether a machine lies inside the range that a calibration measured."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.matrices import mapped
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.translation.neuron import Neuron


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
