"""Codes: how 0/1 units say which state a variable is in.

A variable of two states is one unit. One of k states has one of two codes:

* ``one-hot``: one unit for each state but one, the reference, in which all are off. So a variable
  changes from any state to any other by way of the reference, unit by unit. Two units that are on at
  once are no state. A weight keeps them apart, see `exclusions`. It need not be strong: those draws are
  left out, and among the others the law is right whatever the weight is.
* ``binary``: ⌈log₂ k⌉ units that count. Codes beyond k are mapped to states, too: the highest bit but
  the first is cleared until the code is one. Then a state with n codes has 1/n of its weight in each.
  The other way is a penalty on these codes. It would need strong weights, leave draws out, and close
  some of the ways from state to state. So no penalty is used.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

CODES = ("auto", "one-hot", "binary")
EXCLUSION = 4.0
"""Logarithm by which two units of one variable, both on, are less likely than its best state."""
INVALID = -1
"""Number of no state."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Code:
    """How units stand for the states of one variable."""

    kind: str
    """"one-hot" or "binary"; all the same for two states."""
    size: int
    """Number of states."""
    reference: int = 0
    """State in which all units of a one-hot code are off."""

    @property
    def units(self) -> int:
        """Number of units."""
        return (self.size - 1).bit_length() if self.kind == "binary" else self.size - 1

    @property
    def named(self) -> list[int]:
        """States that have a unit of a one-hot code, in order."""
        return [state for state in range(self.size) if state != self.reference]

    def labels(self, name: Hashable, states: Sequence[Hashable]) -> list[Hashable]:
        """Return what units are called: as the variable, if there is one."""
        if self.size == 2:
            return [name]
        if self.kind == "binary":
            return [f"{name}[{bit}]" for bit in range(self.units)]
        return [f"{name}={states[state]}" for state in self.named]

    def table(self) -> NDArray[np.intp]:
        """Return the state that each binary code stands for, array (2**units,)."""
        return np.array([_mapped(code, self.size) for code in range(2**self.units)])

    def terms(self) -> list[frozenset[int]]:
        """Return the products of units in which a function of the state is written."""
        if self.kind == "binary":
            bits = range(self.units)
            return [frozenset(b for b in bits if code >> b & 1) for code in range(2**self.units)]
        return [frozenset(), *(frozenset([unit]) for unit in range(self.units))]

    def coefficients(self, values: Floats, axis: int) -> Floats:
        """Return a function of states, written as a sum over `terms` along an axis."""
        values = np.moveaxis(values, axis, 0)
        if self.kind == "binary":
            result = values[self.table()]
            for bit in range(self.units):
                pairs = result.reshape(-1, 2, 2**bit, *values.shape[1:])
                pairs[:, 1] -= pairs[:, 0]
        else:
            low = values[self.reference]
            result = np.concatenate([low[None], values[self.named] - low])
        return np.moveaxis(result, 0, axis)

    def spread(self) -> Floats:
        """Return the logarithm of the share of a state's weight that each state's code has."""
        if self.kind != "binary":
            return np.zeros(self.size)
        return -np.log(np.bincount(self.table(), minlength=self.size))

    def encoded(self, state: int) -> list[int]:
        """Return the units of a state."""
        if self.kind == "binary":
            return [state >> bit & 1 for bit in range(self.units)]
        return [int(state == named) for named in self.named]

    def decoded(self, units: ArrayLike) -> NDArray[np.int16]:
        """Return the states of units, array (…, unit), as array (…); -1 for none."""
        units = np.asarray(units, np.int64)
        if self.kind == "binary":
            return np.asarray(self.table()[units @ (1 << np.arange(self.units))], np.int16)
        on = units.sum(axis=-1)
        states = np.where(on == 0, self.reference, np.array(self.named)[units.argmax(axis=-1)])
        return np.where(on > 1, INVALID, states).astype(np.int16)


def _mapped(code: int, size: int) -> int:
    """Return the state of a binary code: the highest bit but the first is cleared till it is one."""
    while code >= size:
        rest = code - (1 << code.bit_length() - 1)
        code -= 1 << rest.bit_length() - 1
    return code


def chosen(
    kind: str, factors: Sequence[tuple[tuple[int, ...], Floats]], sizes: Sequence[int]
) -> list[Code]:
    """Return the code of each variable; its best state on average is the reference of one-hot units."""
    total = [np.zeros(size) for size in sizes]
    for scope, log in factors:
        for axis, variable in enumerate(scope):
            others = tuple(k for k in range(len(scope)) if k != axis)
            total[variable] += log.mean(axis=others)
    return [
        Code(kind if size > 2 else "one-hot", size, int(total[k].argmax()) if size > 2 else 0)
        for k, size in enumerate(sizes)
    ]


def exclusions(
    factors: Sequence[tuple[tuple[int, ...], Floats]], codes: Sequence[Code]
) -> dict[int, Floats]:
    """Return the weights that keep the units of one variable apart, variable → array (unit, unit).

    Let B_i be the most that all factors together can say for state i against the reference. The weight
    is -(4 + min(B_i, B_j)), or 0 if that is above 0. Then two units that are both on are less likely by
    exp(-4) than the best state, whatever the others do. So the weight makes up for biases.
    """
    found = {}
    most = {k: np.zeros(code.units) for k, code in enumerate(codes) if code.size > 2}
    for scope, log in factors:
        for axis, variable in enumerate(scope):
            if variable in most and codes[variable].kind == "one-hot":
                values = np.moveaxis(log, axis, 0)
                gain = values[codes[variable].named] - values[codes[variable].reference]
                most[variable] += gain.reshape(len(gain), -1).max(axis=1)
    for variable, gain in most.items():
        if codes[variable].kind == "one-hot":
            weight = -np.maximum(EXCLUSION + np.minimum.outer(gain, gain), 0.0)
            np.fill_diagonal(weight, 0.0)
            found[variable] = weight
    return found
