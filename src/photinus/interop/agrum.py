"""Networks of pyAgrum, which is never imported: whatever has its methods will do."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.interop.drafts import Draft
from photinus.interop.text import Source
from photinus.machines.bayes import BayesianNetwork
from photinus.machines.markov import MarkovNetwork

SOURCE = Source("network of pyAgrum", b"")


def from_agrum(model: Any) -> BayesianNetwork | MarkovNetwork:
    """Return the network of a `BayesNet` or `MarkovRandomField` of pyAgrum.

    Variables keep their names and states their labels.

    Raises
    ------
    InvalidInput
        If it is something else, or probabilities do not add up to 1.

    Examples
    --------
    >>> import pyagrum  # doctest: +SKIP
    >>> from photinus.interop import from_agrum
    >>> from_agrum(pyagrum.fastBN("rain->wet")).variables  # doctest: +SKIP
    """
    if not all(callable(getattr(model, name, None)) for name in ("names", "variable", "ids")):
        raise InvalidInput(f"model must be a network of pyAgrum, got {validate.shown(model)}")
    # Its own order goes by number, that of names is not kept.
    names = sorted(model.names(), key=model.idFromName)
    draft = Draft(SOURCE)
    for name in names:
        draft.variable(name, model.variable(name).labels())
    if callable(getattr(model, "cpt", None)):
        for name in names:
            scope, table = _table(model.cpt(name))
            own = scope.index(name)
            draft.table(name, scope[:own] + scope[own + 1 :], np.moveaxis(table, own, -1))
        return draft.network()
    if callable(getattr(model, "factors", None)):
        tables = [_table(model.factor(scope)) for scope in sorted(model.factors(), key=sorted)]
        return MarkovNetwork(tables, draft.states)
    raise InvalidInput(f"model must be a network of pyAgrum, got {validate.shown(model)}")


def _table(tensor: Any) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the variables of a tensor and its values, one axis for each."""
    # Its arrays have the axes the other way round.
    return tuple(tensor.names)[::-1], np.array(tensor.toarray(), float)
