"""Exact answers by the graph: a tree of cliques, from which log Z, marginals and draws come.

Variables are summed out one by one. Each one with its neighbours is a clique. What is left of it is a
message to the clique of the first neighbour to go. Messages go up once and down once (Lauritzen &
Spiegelhalter 1988, J. R. Stat. Soc. B 50, 157). The next variable is the one that joins the fewest
neighbours: "min-fill" (Kjærulff 1990, Triangulation of graphs, Aalborg R 90-09). The price is the size
of the tables. It grows with the treewidth of the graph, not with the number of variables.
"""

import heapq
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from photinus._core.matrices import Matrix, row_sizes, upper
from photinus._core.states import MAX_ENUMERATED
from photinus.errors import InvalidInput
from photinus.machines.checks import require_finite_energies

MOST_TABLES = 2**24
"""Entries of all tables of a tree together, which take 16 bytes and some ns each."""
ROUNDING_TOLERANCE = 1e-6
"""Largest rounding of an energy."""

Floats = NDArray[np.float64]
Factor = tuple[tuple[int, ...], Floats]
"""Positions of some variables, and the logarithm of a function of them, array (*states)."""


class TooWide(InvalidInput):
    """A graph that is too far from a tree."""


class Step(NamedTuple):
    """One variable that is summed out."""

    variable: int
    others: tuple[int, ...]
    """Its neighbours by then, in the order in which they go."""


class Clique(NamedTuple):
    """What is known of one variable, given the others of its clique."""

    variable: int
    others: tuple[int, ...]
    conditional: Floats
    """P(variable | others), array (states of the variable, *states of the others)."""


class CliqueTree:
    """A product of factors over variables of a few states each, made a tree of conditional tables.

    Parameters
    ----------
    sizes
        Number of states of each variable.
    factors
        Positions of variables and logarithms; minus infinity for what cannot be.
    whose
        What messages call it.

    Raises
    ------
    InvalidInput
        If the tables would be too large.
    """

    def __init__(self, sizes: Sequence[int], factors: Iterable[Factor], whose: str) -> None:
        given = list(factors)
        self.sizes = tuple(sizes)
        self.order = elimination(self.sizes, [scope for scope, _ in given], whose)
        self.log_partition, self.cliques = self._upward(given)

    @property
    def treewidth(self) -> int:
        """Number of variables in the largest clique, less one."""
        return max(len(step.others) for step in self.order)

    def _upward(self, factors: list[Factor]) -> tuple[float, list[Clique]]:
        """Return log Z, and the conditional table of each variable, in the order of elimination."""
        rank = {step.variable: k for k, step in enumerate(self.order)}
        waiting: list[list[Factor]] = [[] for _ in self.order]
        for scope, log in factors:
            if scope:
                waiting[min(rank[v] for v in scope)].append((scope, log))
        total = float(sum(log.sum() for scope, log in factors if not scope))
        cliques = []
        for step, mine in zip(self.order, waiting, strict=True):
            scope = (step.variable, *step.others)
            log = np.zeros([self.sizes[v] for v in scope])
            for each in mine:
                log += over(each, scope)
            mine.clear()
            message = log_sum(log)
            with np.errstate(invalid="ignore"):
                conditional = np.exp(np.where(np.isneginf(log), -np.inf, log - message))
            cliques.append(Clique(step.variable, step.others, conditional))
            if step.others:
                waiting[rank[step.others[0]]].append((step.others, message))
            else:
                total += float(message)
        return total, cliques

    def beliefs(self) -> dict[int, tuple[tuple[int, ...], Floats]]:
        """Return variable → scope and probabilities of its clique, which it comes first in."""
        found: dict[int, tuple[tuple[int, ...], Floats]] = {}
        for variable, others, conditional in reversed(self.cliques):
            if others:
                scope, table = found[others[0]]
                gone = tuple(axis for axis, v in enumerate(scope) if v not in others)
                conditional = conditional * table.sum(axis=gone)
            found[variable] = (variable, *others), conditional
        return found

    def marginals(self) -> list[Floats]:
        """Return the probabilities of the states of each variable."""
        beliefs = self.beliefs()
        tables = (beliefs[v][1] for v in range(len(self.sizes)))
        return [table.reshape(len(table), -1).sum(axis=1) for table in tables]

    def entropy(self) -> float:
        """Return the entropy -Σ p log p [nats]: that of each variable, given those that go later."""
        beliefs = self.beliefs()
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = (beliefs[one.variable][1] * np.log(one.conditional) for one in self.cliques)
            return -float(sum(np.nansum(part) for part in parts))

    def pair_moments(self) -> Floats:
        """Return <z_i z_j> of 0/1 variables, array (variable, variable); nan for pairs in no clique."""
        n = len(self.sizes)
        moments = np.full((n, n), np.nan)
        for variable, (scope, table) in self.beliefs().items():
            moments[variable, variable] = table[1].sum()
            for axis, other in enumerate(scope[1:]):
                both = float(table[1].take(1, axis).sum())
                moments[variable, other] = moments[other, variable] = both
        return moments

    def draw(self, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return independent draws, array (draw, variable) of numbers of states."""
        drawn = np.zeros((count, len(self.sizes)), np.int64)
        for variable, others, conditional in reversed(self.cliques):
            place: tuple[Any, ...] = (slice(None), *(drawn[:, v] for v in others))
            chances = conditional[place]
            cumulated = np.cumsum(chances, axis=0).reshape(len(chances), -1)
            # Strictly below the last one: a state without probability is never drawn.
            most = np.nextafter(cumulated[-1], 0.0)
            uniform = np.minimum(generator.random(count) * cumulated[-1], most)
            drawn[:, variable] = (cumulated <= uniform).sum(axis=0)
        return drawn


def machine_tree(weights: Matrix, biases: Floats) -> CliqueTree:
    """Return the tree of a Boltzmann machine, weights (unit, unit) and biases (unit,).

    Raises
    ------
    InvalidInput
        If the graph is too far from a tree, or rounding of huge energies would decide.
    """
    require_finite_energies(weights, biases)
    size = np.abs(biases).sum() + row_sizes(weights).sum() / 2
    rounding = 2 * len(biases) * size * np.finfo(np.float64).eps
    first, second, strength = upper(weights)
    n, least = len(biases), len(first) / len(biases)
    if least > np.log2(MOST_TABLES):  # n units of treewidth w have at most n w couplings
        raise too_wide("this machine", int(np.ceil(least)))
    pairs = zip(first.tolist(), second.tolist(), strength.tolist(), strict=True)
    factors: list[Factor] = [((k,), np.array([0.0, bias])) for k, bias in enumerate(biases.tolist())]
    factors += [((i, j), np.array([[0.0, 0.0], [0.0, weight]])) for i, j, weight in pairs]
    tree = CliqueTree([2] * n, factors, "this machine")
    if rounding > ROUNDING_TOLERANCE:
        raise InvalidInput(
            "weights and biases must be smaller for exact answers: energies are rounded by "
            f"{rounding:.2g}, their sizes add up to {size:.2g}"
        )
    return tree


def too_wide(whose: str, width: int) -> TooWide:
    """Return what to raise for a graph too far from a tree."""
    return TooWide(
        f"exact answers need at most {MAX_ENUMERATED} units, or tables of at most {MOST_TABLES:,} "
        f"entries in all: {whose} has treewidth {width} or more"
    )


def log_sum(log: Floats) -> Floats:
    """Return log Σ exp over the first axis; minus infinity where nothing is possible."""
    top = log.max(axis=0)
    top = np.where(np.isneginf(top), 0.0, top)
    with np.errstate(divide="ignore"):
        return np.asarray(top + np.log(np.exp(log - top).sum(axis=0)))


def over(factor: Factor, scope: tuple[int, ...]) -> Floats:
    """Return a factor as a function of more variables, an array that broadcasts to theirs."""
    own, log = factor
    places = [scope.index(v) for v in own]
    shape = [1] * len(scope)
    for place, size in zip(places, log.shape, strict=True):
        shape[place] = size
    return log.transpose(np.argsort(places)).reshape(shape)


def elimination(sizes: Sequence[int], scopes: Iterable[Iterable[int]], whose: str) -> list[Step]:
    """Return variables in the order in which they are summed out, by min-fill.

    Raises
    ------
    InvalidInput
        If the tables would have more than `MOST_TABLES` entries.
    """
    graph, left, entries = _Graph(sizes, scopes), len(sizes), 0.0
    order: list[Step] = []
    while left:
        variable = graph.next()
        others = graph.near[variable]
        entries += 2.0 ** graph.weight(variable)
        if entries > MOST_TABLES:
            raise too_wide(whose, len(others))
        order.append(Step(variable, tuple(others)))
        graph.remove(variable)
        left -= 1
    rank = {step.variable: k for k, step in enumerate(order)}
    return [Step(v, tuple(sorted(others, key=rank.__getitem__))) for v, others in order]


class _Graph:
    """Which variables are neighbours, as more and more of them are summed out."""

    def __init__(self, sizes: Sequence[int], scopes: Iterable[Iterable[int]]) -> None:
        self.bits = np.log2(np.asarray(sizes, np.float64)).tolist()
        self.near: list[set[int]] = [set() for _ in sizes]
        for scope in scopes:
            for one, other in itertools.permutations(scope, 2):
                self.near[one].add(other)
        self.cost = {v: self._cost(v) for v in range(len(sizes))}
        self.heap = [(cost, v) for v, cost in self.cost.items()]
        heapq.heapify(self.heap)

    def weight(self, variable: int) -> float:
        """Return log2 of the entries of a variable's table."""
        return float(self.bits[variable] + sum(self.bits[v] for v in self.near[variable]))

    def _cost(self, variable: int) -> tuple[float, float]:
        """Return how many neighbours would be joined, then the size of the table."""
        weight = self.weight(variable)
        if weight > np.log2(MOST_TABLES):  # it must not go, so nobody needs to know
            return np.inf, weight
        near = self.near[variable]
        missing = sum(len(near) - 1 - len(near & self.near[v]) for v in near)
        return missing / 2, weight

    def next(self) -> int:
        """Return the variable that goes next."""
        while True:
            cost, variable = self.heap[0]
            if self.cost.get(variable) == cost:
                return variable
            heapq.heappop(self.heap)

    def remove(self, variable: int) -> None:
        """Sum a variable out: its neighbours become neighbours of each other."""
        near, changed = self.near[variable], set(self.near[variable])
        for one, other in itertools.combinations(near, 2):
            if other not in self.near[one]:
                changed |= self.near[one] & self.near[other]
                self.near[one].add(other)
                self.near[other].add(one)
        for other in near:
            self.near[other].discard(variable)
        del self.cost[variable]
        for other in changed - {variable}:
            self.cost[other] = self._cost(other)
            heapq.heappush(self.heap, (self.cost[other], other))
