"""A quadratic energy over named binary variables or spins, as arrays: what several libraries hold.

    E(x) = offset + Σ_k a_k x_k + Σ_(i,j) q_ij x_i x_j,   x in {0, 1} or in {-1, +1}

A machine of it has p(x) ∝ exp(-β E(x)).
"""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import memory, validate
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine

COPIES = 4
"""Dense matrices that the making of a machine holds at once."""
ASKED_FROM = 2000
"""Units from which on it is asked whether the memory suffices."""


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
            _positions(name, end, len(a)) for name, end in zip(("heads", "tails"), pairs, strict=False)
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
        require_room(len(self.linear))
        matrix = np.zeros((len(self.linear),) * 2)
        np.add.at(matrix, (self.head, self.tail), beta * self.bias)
        matrix += matrix.T
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
    head, tail = np.nonzero(np.triu(machine.weights))
    if spin:
        couplings, fields, offset = machine.to_spin()
        return Quadratic(
            machine.labels, fields, head, tail, couplings[head, tail], offset + energy_off, True
        )
    bias = -machine.weights[head, tail]
    return Quadratic(machine.labels, 0.0 - machine.biases, head, tail, bias, energy_off, False)


def require_room(units: int) -> None:
    """Raise unless the memory suffices for a machine of so many units.

    The matrix of a machine is dense: n² numbers however few couplings there are.
    """
    if units >= ASKED_FROM:
        memory.require(8.0 * COPIES * units**2, f"a machine of {units} units, whose matrix is dense,")


def _positions(name: str, value: ArrayLike, most: int) -> NDArray[np.intp]:
    array = validate.plain_array(name, value)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InvalidInput(f"{name} must be whole numbers in 1 dimension, got shape {array.shape}")
    if array.size and not 0 <= array.min() <= array.max() < most:
        raise InvalidInput(f"{name} must be from 0 to {most - 1}, got {array.min()} to {array.max()}")
    return array.astype(np.intp)
