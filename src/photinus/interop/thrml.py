"""Models of thrml, which is never imported."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.interop.quadratic import Quadratic
from photinus.machines.boltzmann import BoltzmannMachine


def from_thrml(model: Any, labels: Iterable[Hashable] | None = None) -> BoltzmannMachine:
    """Return the machine of an `IsingEBM`: p(s) ∝ exp(β (b·s + Σ J_ij s_i s_j)), s = 2z - 1.

    Parameters
    ----------
    model
        What has `nodes`, `biases`, `edges`, `weights` and `beta`, as ``thrml.models.IsingEBM``.
    labels
        One name per node; nodes that only edges name come last. By default 0 … n-1, as nodes of thrml
        have no names.

    Raises
    ------
    InvalidInput
        If it is something else, or its arrays do not fit.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from photinus.interop import from_thrml
    >>> parts = {"biases": [0.5, 0.0], "edges": [("a", "b")], "weights": [1.0], "beta": 1.0}
    >>> model = SimpleNamespace(nodes=["a", "b"], **parts)  # what an IsingEBM has
    >>> from_thrml(model).weights
    array([[0., 4.],
           [4., 0.]])
    """
    try:
        nodes, edges = list(model.nodes), [tuple(edge) for edge in model.edges]
        biases, weights = np.asarray(model.biases, float), np.asarray(model.weights, float)
        beta = float(model.beta)
        place: dict[Any, int] = {}
        for node in (*nodes, *(node for edge in edges for node in edge)):
            place.setdefault(node, len(place))
        ends = np.array([[place[u], place[v]] for u, v in edges], np.intp).reshape(-1, 2)
    except (AttributeError, TypeError, ValueError):
        raise InvalidInput(f"model must be an IsingEBM of thrml, got {validate.shown(model)}") from None
    validate.same_length("biases", biases, "nodes", len(nodes))
    names = tuple(range(len(place))) if labels is None else validate.listed("labels", labels)
    linear = np.concatenate([biases.ravel(), np.zeros(len(place) - len(nodes))])
    pairs = (ends[:, 0], ends[:, 1], -weights)
    return Quadratic.of(names, -linear, pairs, 0.0, spin=True).machine(beta)
