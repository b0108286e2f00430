"""Conditional tables: parents, and the probabilities of a variable for each of their joint states."""

import itertools
from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.machines.variables import States, near, require_entries

SUM_TOLERANCE = 1e-6
"""By how much the probabilities of a variable may miss 1: rounding in files."""
ROUNDING = 1e-15
"""By how much they miss 1 though nobody rounded them."""
TRUE_STATES = ("1", "true", "yes", "y", "t", "on", "present")
"""State names, in small letters, that mean 1."""

Floats = NDArray[np.float64]
Rows = Mapping[tuple[Any, ...], Any]
Table = tuple[tuple[Hashable, ...], Rows]
"""Parents, and a row for each of their joint states: P(second state) of two, or all probabilities."""
Cpt = tuple[tuple[Hashable, ...], Floats]
"""Parents, and probabilities, array (*states of the parents, states of the variable)."""


def checked_table(name: Hashable, table: Any, states: States) -> Cpt:
    """Return the table of variable `name` as parents and array."""
    if not isinstance(table, tuple):
        table = (), {(): table}
    is_table = len(table) == 2 and not isinstance(table[0], str)
    if not is_table or isinstance(table[1], (str, bytes, int, float)) or table[1] is None:
        raise InvalidInput(
            f"table of {name!r} must be (parents, {{states: probability}}), got {validate.shown(table)}"
        )
    parents = _checked_parents(name, table[0], states)
    shape = tuple(len(states[variable]) for variable in (*parents, name))
    require_entries(f"table of {name!r}", shape)
    if not isinstance(table[1], Mapping):
        return parents, _from_array(name, table[1], shape)
    return parents, _from_rows(name, parents, table[1], states)


def _from_array(name: Hashable, given: Any, shape: tuple[int, ...]) -> Floats:
    """Return probabilities, array (*states of the parents, states of the variable)."""
    what = f"table of {name!r}"
    array = validate.finite_array(what, given, tuple(range(1, 65)))
    if array.shape != shape:
        raise InvalidInput(f"{what} must have shape {shape}, got {array.shape}")
    return _normalised(what, array)


def _from_rows(name: Hashable, parents: tuple[Hashable, ...], given: Rows, states: States) -> Floats:
    """Return the rows of a table as an array, each row checked."""
    rows = dict(given)
    expected = list(itertools.product(*(states[parent] for parent in parents)))
    if len(rows) != len(expected) or any(state not in rows for state in expected):
        _require_rows(name, parents, rows, expected)
    array = np.array([_row(name, state, rows[state], states[name]) for state in expected])
    shape = tuple(len(states[variable]) for variable in (*parents, name))
    return array.reshape(shape)


def _require_rows(
    name: Hashable, parents: tuple[Hashable, ...], rows: Rows, expected: list[tuple[Any, ...]]
) -> None:
    """Raise for rows that are too few or are no states of the parents."""
    if len(rows) < len(expected):
        missing = next(state for state in expected if state not in rows)
        raise InvalidInput(
            f"rows of {name!r} must include {missing!r}, got {validate.shown(list(rows))}"
        )
    known = set(expected)
    wrong = next(state for state in rows if state not in known)
    raise InvalidInput(
        f"rows of {name!r} must be states of its {len(parents)} parent(s), got {wrong!r}"
    )


def _checked_parents(name: Hashable, given: Any, states: States) -> tuple[Hashable, ...]:
    """Return the parents of variable `name`: variables, each once."""
    if not isinstance(given, (tuple, list)):
        raise InvalidInput(f"parents of {name!r} must be a tuple, got {validate.shown(given)}")
    for parent in given:
        if not isinstance(parent, Hashable) or parent not in states:
            raise InvalidInput(
                f"parents of {name!r} must be variables of the network, "
                f"got {parent!r}{near(parent, states)}"
            )
        if given.count(parent) > 1:
            raise InvalidInput(f"parents of {name!r} must differ from each other, got {parent!r} twice")
    return tuple(given)


def _row(name: Hashable, state: tuple[Any, ...], given: Any, own: Sequence[Hashable]) -> Floats:
    """Return the probabilities of one row, given as P(second state) of two or as all of them."""
    listed = isinstance(given, (list, tuple)) or getattr(given, "ndim", 0) == 1
    if not listed and len(own) == 2:
        on = _probability(name, own[1], state, given)
        return np.array([1 - on, on])
    where = f"P({name} | {_shown(state)})" if state else f"P({name})"
    row = validate.finite_array(where, given, (0, 1))
    if row.shape != (len(own),):
        got = "1 number" if row.ndim == 0 else f"{row.size}"
        more = "; `states` names the states of a variable that has more than two"
        raise InvalidInput(
            f"{where} must be {len(own)} probabilities, got {got}{more if row.size > len(own) else ''}"
        )
    return _normalised(where, row)


def _shown(state: tuple[Any, ...]) -> str:
    return validate.cut(repr(state))


def _probability(name: Hashable, on: Hashable, state: tuple[Any, ...], value: Any) -> float:
    if isinstance(value, float) and 0 <= value <= 1:
        return float(value)
    where = f"P({name} = {on} | {_shown(state)})" if state else f"P({name} = {on})"
    result = validate.number(where, value)
    if not 0 <= result <= 1:
        raise InvalidInput(f"{where} must be within [0, 1], got {result:g}")
    return result


def _normalised(what: str, array: Floats) -> Floats:
    """Return probabilities that add up to 1 over the last axis."""
    wrong = array[(array < 0) | (array > 1 + SUM_TOLERANCE)]
    if wrong.size:
        raise InvalidInput(f"{what} must be within [0, 1], got {wrong[0]:g}")
    total = array.sum(axis=-1, keepdims=True)
    off = np.argwhere(np.abs(total - 1) > SUM_TOLERANCE)
    if len(off):
        row = tuple(int(k) for k in off[0])
        where = f" at row {row[:-1]!r}" if len(row) > 1 else ""
        raise InvalidInput(
            f"{what} must have probabilities that add up to 1, got {total[row]:.9g}{where}"
        )
    # What was written without rounding stays as it is.
    missed = np.abs(total - 1) > ROUNDING * array.shape[-1]
    return np.where(missed, array / total, array)


def table_of_array(cpt: Cpt, states: States) -> Table:
    """Return a table with its rows by names."""
    parents, array = cpt
    names = itertools.product(*(states[parent] for parent in parents))
    flat = array.reshape(-1, array.shape[-1])
    rows = flat[:, 1].tolist() if flat.shape[1] == 2 else [tuple(row) for row in flat.tolist()]
    return parents, MappingProxyType(dict(zip(names, rows, strict=True)))


def in_order(tables: Mapping[Hashable, tuple[tuple[Hashable, ...], Any]]) -> list[Hashable]:
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


def _require_sums(variable: Hashable, values: Floats) -> None:
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


def rows_of(on: Floats) -> dict[tuple[int, ...], float]:
    """Return {states of the parents: P(variable = 1)} of an array (2,)*parents."""
    return {state: float(on[state]) for state in itertools.product((0, 1), repeat=on.ndim)}
