"""Conditional tables: parents, and P(variable = 1) for each of their joint states."""

import itertools
from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus.errors import InvalidInput

SUM_TOLERANCE = 1e-6
"""By how much the two probabilities of a variable may miss 1: rounding in files."""
TRUE_STATES = ("1", "true", "yes", "y", "t", "on", "present")
"""State names, in small letters, that mean 1."""


Table = tuple[tuple[Hashable, ...], Mapping[tuple[int, ...], float]]
"""Parents, and P(variable = 1) for each of their joint states."""


def checked_table(name: Hashable, table: Any, tables: Mapping[Any, Any]) -> Table:
    """Return the table of variable `name` as parents and rows."""
    if isinstance(name, bool) or not isinstance(name, (str, int)):
        raise InvalidInput(f"variables must be strings or whole numbers, got {name!r}")
    if not isinstance(table, tuple):
        return (), MappingProxyType({(): _probability(name, (), table)})
    if len(table) != 2 or isinstance(table[0], str) or not isinstance(table[1], Mapping):
        raise InvalidInput(
            f"table of {name!r} must be (parents, {{states: probability}}), got {table!r}"
        )
    parents, rows = _checked_parents(name, table[0], tables), dict(table[1])
    if len(rows) < 2 ** len(parents):
        missing = next(s for s in itertools.product((0, 1), repeat=len(parents)) if s not in rows)
        raise InvalidInput(
            f"rows of {name!r} must include {missing!r}, got {validate.shown(list(rows))}"
        )
    states = list(itertools.product((0, 1), repeat=len(parents)))
    if len(rows) > len(states) or any(state not in rows for state in states):
        known = set(states)
        wrong = next(state for state in rows if state not in known)
        raise InvalidInput(
            f"rows of {name!r} must be states of its {len(parents)} parent(s), got {wrong!r}"
        )
    return parents, MappingProxyType({s: _probability(name, s, rows[s]) for s in states})


def _checked_parents(name: Hashable, given: Any, tables: Mapping[Any, Any]) -> tuple[Hashable, ...]:
    """Return the parents of variable `name`: variables, each once."""
    if not isinstance(given, (tuple, list)):
        raise InvalidInput(f"parents of {name!r} must be a tuple, got {validate.shown(given)}")
    for parent in given:
        if not isinstance(parent, Hashable) or parent not in tables:
            raise InvalidInput(f"parents of {name!r} must be variables of the network, got {parent!r}")
        if given.count(parent) > 1:
            raise InvalidInput(f"parents of {name!r} must differ from each other, got {parent!r} twice")
    return tuple(given)


def _probability(name: Hashable, state: tuple[int, ...], value: Any) -> float:
    if isinstance(value, float) and 0 <= value <= 1:
        return float(value)
    where = f"P({name} = 1 | {state})" if state else f"P({name} = 1)"
    result = validate.number(where, value)
    if not 0 <= result <= 1:
        raise InvalidInput(f"{where} must be within [0, 1], got {result:g}")
    return result


def in_order(tables: Mapping[Hashable, Table]) -> list[Hashable]:
    """Return the variables, each after its parents.

    Raises
    ------
    InvalidInput
        If a variable depends on itself.
    """
    left, ordered = {name: parents for name, (parents, _) in tables.items()}, []
    while left:
        roots = [name for name, above in left.items() if not any(p in left for p in above)]
        if not roots:
            raise InvalidInput(f"tables must not form a cycle, got one among {list(left)!r}")
        for name in roots:
            del left[name]
        ordered += roots
    return ordered


def known_variable(name: Hashable, variables: Sequence[Hashable]) -> None:
    """Raise unless `name`, a key of `on`, is one of the variables."""
    if name not in variables:
        validate.one_of("variable in on", name, [v for v in variables if isinstance(v, str)])
        raise InvalidInput(f"variable in on must be one of {list(variables)!r}, got {name!r}")


def table_of(cpd: Any, on: Mapping[Hashable, Hashable]) -> Any:
    """Return a table of pgmpy as parents and rows, its states in the order 0, 1."""
    values = validate.finite_array(
        f"table of {cpd.variable!r}", getattr(cpd, "values", ()), tuple(range(1, 33))
    )
    if values.shape != (2,) * len(cpd.variables):
        raise InvalidInput(
            f"table of {cpd.variable!r} must have two states per variable, got shape {values.shape}"
        )
    _require_sums(cpd.variable, values)
    names = getattr(cpd, "state_names", None) or {}
    for axis, variable in enumerate(cpd.variables):
        states = list(names.get(variable, (0, 1)))
        values = np.flip(values, axis) if _true_state(variable, states, on) == 0 else values
    return tuple(cpd.variables[1:]), rows_of(values[1])


def _require_sums(variable: Hashable, values: NDArray[np.float64]) -> None:
    """Raise unless the two probabilities add up to 1 in every state of the parents."""
    total = values[0] + values[1]
    wrong = np.argwhere(np.abs(total - 1) > SUM_TOLERANCE)
    if len(wrong):
        state = tuple(int(k) for k in wrong[0])
        where = f" at state {state!r} of its parents" if state else ""
        raise InvalidInput(
            f"table of {variable!r} must have probabilities that add up to 1, "
            f"got {total[state]:.9g}{where}"
        )


def _true_state(variable: Hashable, states: Sequence[Any], on: Mapping[Hashable, Hashable]) -> int:
    """Return which of two states means 1."""
    if variable in on:
        if on[variable] not in states:
            raise InvalidInput(f"on[{variable!r}] must be one of {states!r}, got {on[variable]!r}")
        return states.index(on[variable])
    true = [str(state).lower() in TRUE_STATES for state in states]
    if sum(true) != 1:
        raise InvalidInput(f"on must tell which state of {variable!r} is 1, its states are {states!r}")
    return true.index(True)


def rows_of(on: NDArray[np.float64]) -> dict[tuple[int, ...], float]:
    """Return {states of the parents: P(variable = 1)} of an array (2,)*parents."""
    return {state: float(on[state]) for state in itertools.product((0, 1), repeat=on.ndim)}


def on_of(rows: Mapping[tuple[int, ...], float], parents: int) -> NDArray[np.float64]:
    """Return P(variable = 1), array (2,)*parents; rows are in the order of product((0, 1), …)."""
    return np.array(list(rows.values())).reshape((2,) * parents)
