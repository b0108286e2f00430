"""A quadratic energy over named binary variables or spins, as arrays: what several libraries hold.

    E(x) = offset + Σ_k a_k x_k + Σ_(i,j) q_ij x_i x_j,   x in {0, 1} or in {-1, +1}

A machine of it has p(x) ∝ exp(-β E(x)).
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.checks import of_pairs


@dataclass(frozen=True)
class Quadratic:
    """A quadratic energy. Pairs may come in any order and several times: they are added up."""

    labels: tuple[Hashable, ...]
    linear: NDArray[np.float64]
    """a, array (variable,)."""
    head: NDArray[np.intp]
    """i of each pair, array (pair,)."""
    tail: NDArray[np.intp]
    """j of each pair, array (pair,)."""
    bias: NDArray[np.float64]
    """q_ij, array (pair,)."""
    offset: float
    spin: bool
    """Whether variables are -1 and 1, not 0 and 1."""

    @classmethod
    def of(
        cls,
        labels: tuple[Hashable, ...],
        linear: ArrayLike,
        pairs: tuple[ArrayLike, ArrayLike, ArrayLike],
        offset: object,
        *,
        spin: bool,
    ) -> "Quadratic":
        """Return the energy of arrays from outside, checked.

        Raises
        ------
        InvalidInput
            If sizes differ, numbers are not finite, or a pair is of one variable or of none that is
            there.
        """
        a = validate.finite_array("linear biases", linear, 1)
        validate.same_length("labels", labels, "linear biases", len(a))
        ends = [
            validate.positions(name, end, len(a))
            for name, end in zip(("heads", "tails"), pairs, strict=False)
        ]
        q = validate.finite_array("quadratic biases", pairs[2], 1)
        for name, end in zip(("heads", "tails"), ends, strict=True):
            validate.same_length(name, end, "quadratic biases", len(q))
        loops = np.flatnonzero(ends[0] == ends[1])
        if loops.size:
            raise InvalidInput(
                f"pairs must be of two variables, got {labels[ends[0][loops[0]]]!r} with itself"
            )
        return cls(labels, a, ends[0], ends[1], q, validate.number("offset", offset), spin)

    def machine(self, beta: float = 1.0) -> BoltzmannMachine:
        """Return the machine of p ∝ exp(-βE)."""
        beta = validate.positive("beta", beta)
        matrix: Any = of_pairs(self.head, self.tail, beta * self.bias, len(self.linear))
        if self.spin:
            return BoltzmannMachine.from_spin(matrix, beta * self.linear, self.labels)
        return BoltzmannMachine(-matrix, -beta * self.linear, self.labels)

    def energy_off(self) -> float:
        """Return the energy of the state with all variables at 0 or -1."""
        if self.spin:
            return float(self.offset - self.linear.sum() + self.bias.sum())
        return self.offset


def of_machine(machine: BoltzmannMachine, *, spin: bool, energy_off: float = 0.0) -> Quadratic:
    """Return the energy of a machine, whose state of all units off gets the energy `energy_off`."""
    validate.instance("machine", machine, BoltzmannMachine)
    head, tail, weight = machine.couplings
    if spin:
        _, fields, offset = machine.to_spin()
        return Quadratic(machine.labels, fields, head, tail, -weight / 4, offset + energy_off, True)
    return Quadratic(machine.labels, 0.0 - machine.biases, head, tail, -weight, energy_off, False)
