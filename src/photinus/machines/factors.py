"""Functions of a few variables, as logarithms, and the machine that some of them make."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from photinus.machines.cliques import over
from photinus.machines.codes import Code
from photinus.machines.expansion import NEGLIGIBLE, Expansion, expansion
from photinus.machines.variables import States

Floats = NDArray[np.float64]
Names = tuple[Hashable, ...]
Values = Mapping[Hashable, int]
"""Variable → number of its state."""


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A function of some variables, as its logarithm, array (*states of the scope)."""

    scope: Names
    log: Floats

    def over(self, scope: Names) -> Floats:
        """Return it as a function of more variables, an array that broadcasts to theirs."""
        places = tuple(scope.index(name) for name in self.scope)
        return over((places, self.log), tuple(range(len(scope))))

    def with_function(self, name: Hashable, parents: Names, value: Floats) -> "Factor":
        """Return it with a function of `parents`, states by states, in place of variable `name`."""
        scope = tuple(dict.fromkeys([*(other for other in self.scope if other != name), *parents]))
        own, given = self.over((name, *scope)), Factor(parents, value).over(scope)
        shape = np.broadcast_shapes(own.shape[1:], given.shape)
        log = np.broadcast_to(own, (len(own), *shape))
        state = np.broadcast_to(given, shape).astype(np.intp)
        return Factor(scope, np.take_along_axis(log, state[None], 0)[0])

    def given(self, known: Values) -> "Factor":
        """Return it as a function of the variables that are not known."""
        place = tuple(known.get(name, slice(None)) for name in self.scope)
        return Factor(tuple(n for n in self.scope if n not in known), np.asarray(self.log[place]))


class Pair(NamedTuple):
    """A function before it is softened, minus infinity for what cannot be, and after."""

    hard: Factor
    soft: Factor

    def with_function(self, name: Hashable, parents: Names, value: Floats) -> "Pair":
        """Return both with a function in place of a variable; see `Factor.with_function`."""
        return Pair(*(each.with_function(name, parents, value) for each in self))


class Difficulty(NamedTuple):
    """What a function asks of a machine."""

    hidden: int
    """Auxiliary units."""
    largest: float
    """Largest coefficient of what couples units: about the weights that are needed."""


def difficulty(factor: Factor, code: str) -> Difficulty:
    """Return what a function asks of a machine, its variables in a code."""
    coefficients, order = factor.log, np.zeros((1,) * factor.log.ndim, np.intp)
    for axis, size in enumerate(factor.log.shape):
        own = Code(code if size > 2 else "one-hot", size)
        coefficients = own.coefficients(coefficients, axis)
        count = np.array([len(term) for term in own.terms()])
        order = order + count.reshape([-1 if k == axis else 1 for k in range(factor.log.ndim)])
    sizes = np.abs(coefficients)
    hidden = np.count_nonzero((order > 2) & (sizes > NEGLIGIBLE))
    return Difficulty(int(hidden), float(sizes.max(where=order > 1, initial=0.0)))


def largest_weight(factors: Iterable[Factor], states: States, code: str) -> float:
    """Return the largest weight of the machine of some factors."""
    factors = list(factors)
    names = tuple(dict.fromkeys(name for factor in factors for name in factor.scope))
    if not names:
        return 0.0
    return expanded(factors, names, states, code).machine.largest_weight


def expanded(factors: Iterable[Factor], names: Names, states: States, code: str) -> Expansion:
    """Return the machine whose first units are the variables `names`."""
    place = {name: k for k, name in enumerate(names)}
    placed = [(tuple(place[name] for name in f.scope), f.log) for f in factors]
    return expansion(placed, {name: states[name] for name in names}, code=code)
