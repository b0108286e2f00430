"""Test machines over the whole domain: every density and shape of graph, both signs, all scales.

A sampler that is right on dense, restricted and grid machines can be wrong on sparse ones, so tests
of samplers, layouts and translations draw from here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import photinus as ph


def random_graph(n: int, degree: float, rng: np.random.Generator) -> NDArray[np.bool]:
    """Return coupled (unit, unit): each pair with probability degree/(n - 1)."""
    chance = min(1.0, degree / max(1, n - 1))
    upper = np.triu(rng.random((n, n)) < chance, 1)
    return upper | upper.T


def dense(n: int, rng: np.random.Generator) -> NDArray[np.bool]:
    return ~np.eye(n, dtype=bool)


def isolated(n: int, rng: np.random.Generator) -> NDArray[np.bool]:
    return np.zeros((n, n), dtype=bool)


def sparse(n: int, rng: np.random.Generator) -> NDArray[np.bool]:
    return random_graph(n, rng.choice([1.0, 4.0, 10.0, 24.0]), rng)


def chain(n: int, rng: np.random.Generator) -> NDArray[np.bool]:
    return np.eye(n, k=1, dtype=bool) | np.eye(n, k=-1, dtype=bool)


def tree(n: int, rng: np.random.Generator) -> NDArray[np.bool]:
    """Return a tree: every unit but the first has one earlier parent, drawn at random."""
    graph = np.zeros((n, n), dtype=bool)
    for child in range(1, n):
        parent = rng.integers(child)
        graph[child, parent] = graph[parent, child] = True
    return graph


def star(n: int, rng: np.random.Generator) -> NDArray[np.bool]:
    graph = np.zeros((n, n), dtype=bool)
    graph[0, 1:] = graph[1:, 0] = True
    return graph


def hubs(n: int, rng: np.random.Generator) -> NDArray[np.bool]:
    """Return a sparse graph with a few units that are coupled to half of all."""
    graph = random_graph(n, 2.0, rng)
    for hub in rng.choice(n, max(1, n // 40), replace=False):
        heard = rng.random(n) < 0.5
        heard[hub] = False
        graph[hub, heard] = graph[heard, hub] = True
    return graph


def grid(n: int, rng: np.random.Generator) -> NDArray[np.bool]:
    """Return the first n sites of a square grid, row by row."""
    side = max(1, int(np.sqrt(n)))
    site = np.arange(n)
    right = (site[:, None] + 1 == site) & (site % side != 0)
    below = site[:, None] + side == site
    upper = right | below
    return upper | upper.T


def blocks(n: int, rng: np.random.Generator) -> NDArray[np.bool]:
    """Return groups of nine that are coupled all to all, and to no other group."""
    group = np.arange(n) // 9
    return (group[:, None] == group) & ~np.eye(n, dtype=bool)


def restricted(n: int, rng: np.random.Generator) -> NDArray[np.bool]:
    side = np.arange(n) < max(1, n // 3)
    return side[:, None] != side


def some_isolated(n: int, rng: np.random.Generator) -> NDArray[np.bool]:
    """Return a sparse graph in which a third of the units have no partner."""
    graph = random_graph(n, 6.0, rng)
    alone = rng.random(n) < 1 / 3
    graph[alone] = graph[:, alone] = False
    return graph


GRAPHS = {
    f.__name__: f
    for f in (
        dense, isolated, sparse, chain, tree, star, hubs, grid, blocks, restricted, some_isolated,
    )
}  # fmt: skip
"""Kinds of graphs by name: each a function of the number of units and a generator."""

SIGNS = ("mixed", "positive", "negative")


def machine(
    kind: str,
    n: int,
    rng: np.random.Generator,
    *,
    scale: float = 1.0,
    sign: str = "mixed",
    shuffled: bool = False,
    bias: float | None = None,
) -> ph.BoltzmannMachine:
    """Return a machine on a graph of `kind`, weights and biases uniform in ± `scale`.

    `sign` is that of all weights; `shuffled` puts the units in random order; `bias` is the scale of
    the biases where it is another one.
    """
    graph = GRAPHS[kind](n, rng)
    size = np.triu(rng.uniform(0.05, 1, (n, n)), 1)
    mixed = rng.choice([-1, 1], (n, n))
    turns: dict[str, NDArray[np.int64] | int] = {"mixed": mixed, "positive": 1, "negative": -1}
    turn = turns[sign]
    upper = scale * size * turn * graph
    weights = upper + upper.T
    biases = (scale if bias is None else bias) * rng.uniform(-1, 1, n)
    if shuffled:
        order = rng.permutation(n)
        weights = weights[np.ix_(order, order)]
    return ph.BoltzmannMachine(weights, biases)


def anywhere(rng: np.random.Generator, most: int = 300) -> Any:
    """Return a machine drawn over the whole domain: kind, n from 1 to `most`, sign, scale, order."""
    n = int(np.ceil(most ** rng.random()))
    return machine(
        str(rng.choice(list(GRAPHS))),
        n,
        rng,
        scale=float(10 ** rng.uniform(-6, 6)),
        sign=str(rng.choice(SIGNS)),
        shuffled=bool(rng.random() < 0.5),
    )


def gaussian(n: int, seed: int = 0, scale: float = 1.0, labels: None = None) -> ph.BoltzmannMachine:
    """Return a machine with all pairs coupled, weights and biases normal with deviation `scale`."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.normal(size=(n, n)), 1) * scale
    return ph.BoltzmannMachine(upper + upper.T, rng.normal(size=n) * scale, labels)


def uniform(n: int, seed: int = 0, scale: float = 1.0, labels: None = None) -> ph.BoltzmannMachine:
    """Return a machine with all pairs coupled, weights and biases uniform in ± `scale`."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.uniform(-scale, scale, (n, n)), 1)
    return ph.BoltzmannMachine(upper + upper.T, rng.uniform(-scale, scale, n), labels)


def two_modes(n: int = 8, weight: float = 2.5) -> ph.BoltzmannMachine:
    """All units on or all off, equally probable; between them a valley of exp(-n² weight/8)."""
    return ph.BoltzmannMachine(
        weight * (np.ones((n, n)) - np.eye(n)), np.full(n, -weight * (n - 1) / 2)
    )
