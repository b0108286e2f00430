"""Networks of pgmpy, which is never imported: whatever has its methods will do."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.interop.drafts import Draft
from photinus.interop.text import Source
from photinus.machines.bayes import BayesianNetwork
from photinus.machines.markov import MarkovNetwork

SOURCE = Source("model of pgmpy", b"")


def from_pgmpy(model: Any) -> BayesianNetwork | MarkovNetwork:
    """Return the network of a pgmpy model with any number of states per variable.

    Parameters
    ----------
    model
        A ``DiscreteBayesianNetwork`` or a ``DiscreteMarkovNetwork``, called ``BayesianNetwork`` and
        ``MarkovNetwork`` before pgmpy 1, with a table for every node.

    States keep their names, and their order in the variable's own table.

    Raises
    ------
    InvalidInput
        If it is something else, a table is missing, or probabilities do not add up to 1.

    Examples
    --------
    >>> from pgmpy.utils import get_example_model  # doctest: +SKIP
    >>> from photinus.interop import from_pgmpy
    >>> from_pgmpy(get_example_model("asia")).posterior({"xray": "yes"})["lung"]  # doctest: +SKIP
    """
    if not callable(getattr(model, "nodes", None)):
        raise InvalidInput(f"model must be a network of pgmpy, got {validate.shown(model)}")
    if callable(getattr(model, "get_cpds", None)):
        return _bayesian(model)
    if callable(getattr(model, "get_factors", None)):
        return _markov(model)
    raise InvalidInput(f"model must be a network of pgmpy, got {validate.shown(model)}")


def _bayesian(model: Any) -> BayesianNetwork:
    cpds = {cpd.variable: cpd for cpd in model.get_cpds()}
    draft = Draft(SOURCE)
    for node in model.nodes():
        if node not in cpds:
            raise InvalidInput(f"model must have a table for every node, got none for {node!r}")
        draft.variable(node, _names(cpds[node], node, 0))
    for node in draft.states:
        scope = tuple(cpds[node].variables)
        table = _ordered(cpds[node], scope, draft.states)
        draft.table(node, scope[1:], np.moveaxis(table, 0, -1))
    return draft.network()


def _markov(model: Any) -> MarkovNetwork:
    factors, states = list(model.get_factors()), dict[Hashable, tuple[Hashable, ...]]()
    for factor in factors:
        for axis, variable in enumerate(factor.variables):
            states.setdefault(variable, _names(factor, variable, axis))
    for node in model.nodes():
        if node not in states:
            raise InvalidInput(f"model must have a factor for every node, got none for {node!r}")
    return MarkovNetwork(
        [(tuple(f.variables), _ordered(f, tuple(f.variables), states)) for f in factors], states
    )


def _names(table: Any, variable: Hashable, axis: int) -> tuple[Hashable, ...]:
    names = getattr(table, "state_names", None) or {}
    return tuple(names.get(variable, range(np.shape(table.values)[axis])))


def _ordered(
    table: Any, scope: tuple[Hashable, ...], states: Mapping[Hashable, tuple[Hashable, ...]]
) -> NDArray[np.float64]:
    """Return the values of a table with the states of every variable in their one order."""
    values = validate.finite_array(f"table of {scope!r}", table.values, tuple(range(1, 33)))
    if values.ndim != len(scope):
        raise InvalidInput(f"table of {scope!r} must have {len(scope)} axes, got {values.ndim}")
    for axis, variable in enumerate(scope):
        if variable not in states:
            raise InvalidInput(
                f"variables of the table of {scope[0]!r} must be nodes, got {variable!r}"
            )
        names = _names(table, variable, axis)
        if set(names) != set(states[variable]) or len(names) != values.shape[axis]:
            raise InvalidInput(
                f"states of {variable!r} must be the same in all tables, "
                f"got {validate.shown(names)} for {validate.shown(states[variable])}"
            )
        values = values.take([names.index(state) for state in states[variable]], axis)
    return values
