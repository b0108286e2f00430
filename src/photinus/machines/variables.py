"""Variables with any number of states: what states are called, and what is known of them."""

import difflib
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from photinus._core import validate
from photinus.errors import InvalidInput

States = Mapping[Hashable, tuple[Hashable, ...]]
"""Variable → names of its states."""
TWO = (0, 1)
"""States of a variable of which nothing else is said."""
MOST_ENTRIES = 10**6
"""Entries of one table."""


def checked_name(name: Any) -> Hashable:
    """Return the name of a variable: text or a whole number."""
    if isinstance(name, bool) or not isinstance(name, (str, int)):
        raise InvalidInput(f"variables must be strings or whole numbers, got {name!r}")
    return name


def checked_states(given: Any, variables: Iterable[Hashable] | None = None) -> States:
    """Return the states of all variables; those of which nothing is said have 0 and 1.

    Parameters
    ----------
    given : mapping variable → states, or None
    variables
        All variables; by default those of `given`.
    """
    if given is not None and not isinstance(given, Mapping):
        raise InvalidInput(f"states must be a mapping variable → states, got {validate.shown(given)}")
    given = {} if given is None else given
    names = tuple(given) if variables is None else tuple(variables)
    for name in given:
        if name not in names:
            raise InvalidInput(f"states must be those of variables, got {name!r}{near(name, names)}")
    return MappingProxyType(
        {checked_name(name): _states_of(name, given.get(name, TWO)) for name in names}
    )


def _states_of(name: Hashable, given: Any) -> tuple[Hashable, ...]:
    """Return the states of one variable: at least two names, all different."""
    states = validate.listed(f"states of {name!r}", given)
    states = tuple(s.item() if isinstance(s, np.generic) else s for s in states)
    for state in states:
        if not isinstance(state, (str, int)):
            raise InvalidInput(
                f"states of {name!r} must be strings, whole numbers or booleans, got {state!r}"
            )
    if len(states) < 2:
        raise InvalidInput(f"states of {name!r} must be at least 2, got {len(states)}")
    if len(set(states)) < len(states):
        twice = next(state for state in states if states.count(state) > 1)
        raise InvalidInput(f"states of {name!r} must differ from each other, got {twice!r} twice")
    return states


def near(given: Any, known: Iterable[Any]) -> str:
    """Return the known name that is nearest to the one given, as a question; else nothing."""
    names = [str(one) for one in known]
    found = difflib.get_close_matches(str(given)[: validate.LONGEST_SHOWN], names, n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""


def require_known(what: str, name: Any, variables: Sequence[Hashable]) -> None:
    """Raise unless `name` is one of the variables."""
    if not isinstance(name, Hashable) or name not in variables:
        raise InvalidInput(
            f"{what} must be one of {validate.shown(list(variables))}, "
            f"got {validate.shown(name)}{near(name, variables)}"
        )


def state_index(name: Hashable, state: Any, states: States) -> int:
    """Return which of its states a variable is in."""
    plain = state.item() if isinstance(state, (np.generic, np.ndarray)) and state.ndim == 0 else state
    if isinstance(plain, Hashable) and plain in states[name]:
        return states[name].index(plain)
    known = ", ".join(repr(one) for one in states[name])
    raise InvalidInput(
        f"evidence of {name!r} must be one of its states {validate.cut(known)}, "
        f"got {validate.shown(state)}{near(state, states[name])}"
    )


def asked_variables(query: Iterable[Any], states: States) -> tuple[Hashable, ...]:
    """Return the variables that are asked for, each once."""
    asked = validate.listed("query", query)
    if not asked:
        raise InvalidInput("query must name at least one variable, got none")
    for name in asked:
        require_known("query", name, tuple(states))
    return tuple(dict.fromkeys(asked))


def known_states(evidence: Any, states: States) -> dict[Hashable, int]:
    """Return variable → number of its state, in the order of the variables.

    Raises
    ------
    InvalidInput
        For an unknown variable or state, or no variable left.
    """
    if evidence is not None and not isinstance(evidence, Mapping):
        raise InvalidInput(f"evidence must be a mapping variable → state, got {evidence!r}")
    given = {} if evidence is None else evidence
    for name in given:
        require_known("known variable", name, tuple(states))
    known = {name: state_index(name, given[name], states) for name in states if name in given}
    if len(known) == len(states):
        raise InvalidInput(
            f"evidence must leave at least one variable free, got all {len(known)} variables"
        )
    return known


def named_states(known: Mapping[Hashable, int], states: States) -> dict[Hashable, Hashable]:
    """Return variable → name of its state, of numbers of states."""
    return {name: states[name][state] for name, state in known.items()}


def require_entries(what: str, shape: Sequence[int]) -> None:
    """Raise for a table with too many entries; `what` names it."""
    entries = math.prod(shape)
    if entries > MOST_ENTRIES:
        raise InvalidInput(f"{what} must have at most {MOST_ENTRIES:,} entries, got {entries:,}")


def impossible(evidence: Mapping[Hashable, Hashable]) -> InvalidInput:
    """Return what to raise for evidence of probability 0."""
    return InvalidInput(f"evidence must be possible, got {dict(evidence)!r} of probability 0")
