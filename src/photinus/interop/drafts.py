"""A network while it is read: variables and tables as the file has them, checked one by one."""

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus.interop.text import Source
from photinus.machines.bayes import BayesianNetwork
from photinus.machines.variables import MOST_ENTRIES

MOST_VARIABLES = 10**6
MOST_STATES = 10**6
"""Of all variables together: a few letters can ask for very many."""
MOST_TOGETHER = 2 * 10**7
"""Entries of all tables."""
ROUNDING = 1e-3
"""By how much a row of probabilities may miss 1, as of three thirds of three digits each."""

Array = NDArray[np.float64]


class Draft:
    """A Bayesian network in the making.

    Tables have one axis per parent, in their order, then the variable's own. Names of states are as the
    file has them.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.states: dict[Hashable, tuple[Hashable, ...]] = {}
        self.tables: dict[Hashable, tuple[tuple[Hashable, ...], Array]] = {}
        self._states = 0
        self._entries = 0

    def variable(self, name: Hashable, states: Sequence[Hashable], line: int | None = None) -> None:
        """Add a variable."""
        if name in self.states:
            raise self.source.wrong(f"variables must differ, got {name!r} twice", line)
        self._states += len(states)
        if self._states > MOST_STATES:
            raise self.source.wrong(
                f"variables must have at most {MOST_STATES} states together, got {self._states}", line
            )
        states = tuple(states)
        if len(states) < 2:
            raise self.source.wrong(
                f"variable {name!r} must have at least 2 states, got {len(states)}", line
            )
        if len(set(states)) < len(states):
            twice = next(state for k, state in enumerate(states) if state in states[:k])
            raise self.source.wrong(f"states of {name!r} must differ, got {twice!r} twice", line)
        self.states[name] = states

    def shape(
        self, name: Hashable, parents: Sequence[Hashable], line: int | None = None
    ) -> tuple[int, ...]:
        """Return the shape that the table of a variable has, if there may be such a table."""
        for k, variable in enumerate((name, *parents)):
            if variable not in self.states:
                raise self.source.wrong(
                    f"variable {variable!r} of the table of {name!r} must be declared", line
                )
            if variable in (name, *parents)[:k]:
                raise self.source.wrong(
                    f"variables of the table of {name!r} must differ, got {variable!r} twice", line
                )
        if name in self.tables:
            raise self.source.wrong(f"variable {name!r} must have one table, got two", line)
        shape = tuple(len(self.states[variable]) for variable in (*parents, name))
        require_entries(self.source, f"table of {name!r}", shape, line)
        return shape

    def room(self, shape: tuple[int, ...], line: int | None = None) -> None:
        """Count the entries of a table that is about to be made."""
        self._entries += math.prod(shape)
        if self._entries > MOST_TOGETHER:
            raise self.source.wrong(
                f"tables must have at most {MOST_TOGETHER} entries together, got {self._entries}", line
            )

    def table(
        self,
        name: Hashable,
        parents: Sequence[Hashable],
        values: Sequence[float] | Array,
        line: int | None = None,
    ) -> None:
        """Add the table of a variable, given as an array or as its numbers, the last axis fastest."""
        shape = self.shape(name, parents, line)
        array = np.asarray(values, np.float64).ravel()
        if array.size != math.prod(shape):
            raise self.source.wrong(
                f"table of {name!r} must have {math.prod(shape)} numbers, got {array.size}", line
            )
        self.tables[name] = tuple(parents), self._checked(name, array.reshape(shape), line)

    def _checked(self, name: Hashable, table: Array, line: int | None) -> Array:
        """Return a table whose rows add up to 1 exactly, if they did but for rounding."""
        wrong = ~((table >= 0) & (table <= 1 + ROUNDING))
        if wrong.any():
            raise self.source.wrong(
                f"probabilities of {name!r} must be within [0, 1], got {table[wrong][0]:g}", line
            )
        sums = table.sum(axis=-1, keepdims=True)
        off = np.abs(sums - 1) > ROUNDING * (1 + 1e-9)
        if off.any():
            raise self.source.wrong(
                f"probabilities of {name!r} must add up to 1, got {sums[off][0]:.9g} in a row", line
            )
        return np.asarray(table / sums)

    def network(self) -> BayesianNetwork:
        """Return the network."""
        if not self.states:
            raise self.source.wrong("it must hold at least one variable, got none")
        for name in self.states:
            if name not in self.tables:
                raise self.source.wrong(f"variable {name!r} must have a table, got none (truncated?)")
        with files.reading(self.source.name, "Bayesian network"):
            return BayesianNetwork({name: self.tables[name] for name in self.states}, self.states)


def require_entries(source: Source, what: str, shape: Sequence[int], line: int | None = None) -> None:
    """Raise unless a table of this shape is small enough to be expanded."""
    entries = math.prod(shape)
    if entries > MOST_ENTRIES:
        raise source.wrong(
            f"{what} must have at most {MOST_ENTRIES} entries, got {validate.shown(entries)}", line
        )
