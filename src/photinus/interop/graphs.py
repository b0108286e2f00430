"""Machines of graphs of NetworkX, sparse matrices of SciPy and frames of pandas, and back."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.extras import optional
from photinus.errors import InvalidInput
from photinus.interop.quadratic import Quadratic
from photinus.machines.boltzmann import BoltzmannMachine

BIAS = "bias"
"""Attribute of nodes, and column of frames, that holds biases."""


def from_networkx(graph: Any, *, bias: str = BIAS, weight: str = "weight") -> BoltzmannMachine:
    """Return the machine of a graph of NetworkX; nodes become labels.

    Parameters
    ----------
    graph
        Not directed. Weights of parallel edges are added up.
    bias
        Attribute of nodes that holds b; 0 where it is missing.
    weight
        Attribute of edges that holds W.

    A graph as dimod makes it, whose nodes have a `vartype`, holds energies. Its edges have the
    attribute `bias` too, and p ∝ exp(-E).

    Raises
    ------
    InvalidInput
        If it is no graph or a directed one, or an edge has no weight or leads from a node to itself.

    Examples
    --------
    >>> import networkx as nx
    >>> from photinus.interop import from_networkx
    >>> graph = nx.Graph()
    >>> graph.add_node("rain", bias=0.5)
    >>> graph.add_edge("rain", "wet", weight=1.0)
    >>> from_networkx(graph).biases
    array([0.5, 0. ])
    """
    if not all(hasattr(graph, name) for name in ("nodes", "edges", "is_directed")):
        raise InvalidInput(f"graph must be a graph of NetworkX, got {validate.shown(graph)}")
    if graph.is_directed():
        raise InvalidInput("graph must not be directed: weights of a machine are symmetric")
    nodes = dict(graph.nodes(data=True))
    kinds = {getattr(data.get("vartype"), "name", data.get("vartype")) for data in nodes.values()}
    energies = bool(nodes) and kinds <= {"SPIN", "BINARY"}
    if energies and len(kinds) > 1:
        raise InvalidInput("nodes of the graph must have one vartype, got SPIN and BINARY")
    place, name = {node: k for k, node in enumerate(nodes)}, bias if energies else weight
    head, tail, values = [], [], []
    for u, v, data in graph.edges(data=True):
        if name not in data:
            raise InvalidInput(f"edges must have the attribute {name!r}, got none on {u!r} – {v!r}")
        head.append(place[u])
        tail.append(place[v])
        values.append(validate.number(f"{name} of {u!r} – {v!r}", data[name]))
    sign = 1.0 if energies else -1.0
    linear = [
        sign * validate.number(f"bias of {n!r}", data.get(bias, 0.0)) for n, data in nodes.items()
    ]
    pairs = (np.array(head, np.intp), np.array(tail, np.intp), sign * np.array(values))
    return Quadratic.of(tuple(nodes), np.array(linear), pairs, 0.0, spin=kinds == {"SPIN"}).machine()


def to_networkx(machine: BoltzmannMachine, *, bias: str = BIAS, weight: str = "weight") -> Any:
    """Return a machine as a graph of NetworkX, with biases on its nodes and weights on its edges.

    Raises
    ------
    MissingDependency
        If NetworkX is not installed.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.interop import to_networkx
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    >>> to_networkx(machine).edges["rain", "wet"]
    {'weight': 1.0}
    """
    networkx = optional("networkx", "graphs", "a graph")
    validate.instance("machine", machine, BoltzmannMachine)
    graph = networkx.Graph()
    labels = machine.labels
    graph.add_nodes_from(
        (label, {bias: b}) for label, b in zip(labels, machine.biases.tolist(), strict=True)
    )
    for i, j, value in zip(*(each.tolist() for each in machine.couplings), strict=True):
        graph.add_edge(labels[i], labels[j], **{weight: value})
    return graph


def from_sparse(
    weights: Any, biases: ArrayLike | None = None, labels: Iterable[Hashable] | None = None
) -> BoltzmannMachine:
    """Return the machine of a sparse matrix of SciPy.

    Parameters
    ----------
    weights : sparse matrix (unit, unit)
        W, symmetric with zero diagonal.
    biases : array (unit,), optional
        b; by default 0.
    labels
        One name per unit; by default 0 … n-1.

    Raises
    ------
    InvalidInput
        If that is no machine.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from photinus.interop import from_sparse
    >>> from_sparse(csr_array([[0, 1], [1, 0]]), [0.5, -1]).n_units
    2
    """
    if not validate.is_sparse(weights) or weights.ndim != 2:
        raise InvalidInput(f"weights must be a sparse matrix of SciPy, got {validate.shown(weights)}")
    given = np.zeros(weights.shape[0]) if biases is None else biases
    return BoltzmannMachine(weights, given, labels)


def to_sparse(machine: BoltzmannMachine) -> tuple[Any, NDArray[np.float64]]:
    """Return weights, a sparse array of SciPy in rows (unit, unit), and biases, array (unit,).

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.interop import to_sparse
    >>> weights, biases = to_sparse(ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1]))
    >>> weights.nnz, biases
    (2, array([ 0.5, -1. ]))
    """
    import scipy.sparse as sp  # slow to import

    validate.instance("machine", machine, BoltzmannMachine)
    return sp.csr_array(machine.matrix, copy=True), machine.biases.copy()


def from_frame(weights: Any, biases: Any = None) -> BoltzmannMachine:
    """Return the machine of a frame of pandas; its index becomes the labels.

    Parameters
    ----------
    weights : DataFrame (unit, unit)
        W, with the same names on rows and columns in any order. One more column `bias` may hold b.
    biases : Series (unit,), optional
        b, if there is no such column; by default 0.

    Raises
    ------
    InvalidInput
        If that is no machine, or names do not agree.

    Examples
    --------
    >>> import pandas as pd
    >>> from photinus.interop import from_frame
    >>> weights = pd.DataFrame([[0, 1], [1, 0]], index=["rain", "wet"], columns=["rain", "wet"])
    >>> from_frame(weights, pd.Series({"wet": -1, "rain": 0.5})).biases
    array([ 0.5, -1. ])
    """
    if type(weights).__module__.partition(".")[0] != "pandas" or getattr(weights, "ndim", 0) != 2:
        raise InvalidInput(f"weights must be a frame of pandas, got {validate.shown(weights)}")
    if biases is None and BIAS in weights.columns and BIAS not in weights.index:
        biases, weights = weights[BIAS], weights.drop(columns=BIAS)
    if weights.shape[0] != weights.shape[1]:
        raise InvalidInput(f"weights must be square, got shape {weights.shape}")
    return BoltzmannMachine(weights, np.zeros(len(weights)) if biases is None else biases)
