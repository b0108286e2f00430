"""What is left of a Bayesian network to sample, once evidence is known and some variables need not be.

Each step is exact, and comes before tables are softened into weights:

* **Evidence** restricts tables, and may settle more variables: an OR that is off has no cause that is
  on.
* **Barren variables** are neither evidence, nor asked for, nor above one that is: their tables sum to
  one (Shachter 1986, Oper. Res. 34, 871). So do tables at the end of the network that are asked for.
  These are left out where they would need strong weights or auxiliary units.
* **Functions** are variables whose tables are all 0 and 1. In the tables below it the function takes
  the place of the variable, where this makes the weights of the machine smaller.

Variables that are left out come back by a look-up in their own table, given the states that were
sampled of the variables above them.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus._core.display import Displayed
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.expansion import NEGLIGIBLE, STRENGTH, expanded, moebius
from photinus.machines.softening import deterministic, soft_log_odds
from photinus.machines.tables import Table, in_order, on_of

SOFT = 2.0
"""Weights up to which a variable at the end of the network is sampled: translation is good there."""
WIDEST = 8
"""Most variables of a table in which a function takes the place of a variable."""

Floats = NDArray[np.float64]
Names = tuple[Hashable, ...]
Tables = Mapping[Hashable, Table]
Values = Mapping[Hashable, int]


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A positive function of some variables, as its logarithm, array (2,)*scope."""

    scope: Names
    log: Floats

    def over(self, scope: Names) -> Floats:
        """Return it as a function of more variables, an array that broadcasts to (2,)*scope."""
        places = [scope.index(name) for name in self.scope]
        shape = [2 if k in places else 1 for k in range(len(scope))]
        return self.log.transpose(np.argsort(places)).reshape(shape)

    def with_function(self, name: Hashable, parents: Names, value: Floats) -> "Factor":
        """Return it with a function of `parents`, array (2,)*parents, in place of variable `name`."""
        scope = tuple(dict.fromkeys([*(other for other in self.scope if other != name), *parents]))
        off, on = np.broadcast_to(self.over((name, *scope)), (2,) * (1 + len(scope)))
        return Factor(scope, np.where(Factor(parents, value).over(scope) == 1, on, off))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reduction(Displayed):
    """A Bayesian network with evidence, reduced to what has to be sampled. Immutable."""

    tables: Tables
    """The network."""
    evidence: Values
    """What was given."""
    asked: Names
    """Variables that are asked for."""
    settled: Values
    """What follows from it for certain."""
    barren: Names
    """Variables whose tables are left out."""
    replaced: Names
    """Variables whose place is taken by the function of their parents that they are."""
    sampled: Names
    """Variables that are left: the first units of the machine."""
    factors: tuple[Factor, ...]
    """Softened tables of the variables left."""
    machine: BoltzmannMachine | None
    """Its joint is that of the variables left, given the evidence; None if none is left."""

    def complete(
        self, states: NDArray[np.uint8], seed: np.random.SeedSequence
    ) -> tuple[NDArray[np.uint8], Floats]:
        """Return states of all variables, and the probability that each is on, given those above it.

        Parameters
        ----------
        states : array (chain, draw, unit)
            Of the machine's units.
        seed
            Of the variables that are drawn from their tables.

        Returns
        -------
        states : array (chain, draw, variable) of uint8
            In the order of the tables.
        probabilities : array (chain, draw, variable)
            Those of variables that were sampled or are known are their states.
        """
        place = {name: k for k, name in enumerate(self.tables)}
        every = np.zeros((*states.shape[:2], len(place)), np.uint8)
        for name, value in {**self.evidence, **self.settled}.items():
            every[..., place[name]] = value
        for unit, name in enumerate(self.sampled):
            every[..., place[name]] = states[..., unit]
        chance = every.astype(np.float64)
        generator, left_out = np.random.default_rng(seed), {*self.barren, *self.replaced}
        for name in in_order(self.tables):
            if name in left_out:
                k, (parents, rows) = place[name], self.tables[name]
                above = tuple(every[..., place[parent]] for parent in parents)
                chance[..., k] = on_of(rows, len(parents))[above]
                every[..., k] = generator.random(every.shape[:2]) < chance[..., k]
        return every, chance

    def log_weights(self, states: NDArray[np.uint8]) -> Floats:
        """Return log p - log q of states of all variables, array (chain, draw, variable).

        p is the law of the network, q that of its softened tables, up to a constant: importance
        weights, array (chain, draw). They are equal if nothing had to be softened.
        """
        values = {name: states[..., k] for k, name in enumerate(self.tables)}
        left_out, total = set(self.barren), np.zeros(states.shape[:2])
        with np.errstate(divide="ignore"):
            for name, (parents, rows) in self.tables.items():
                if name not in left_out:
                    on = on_of(rows, len(parents))
                    place = (values[name], *(values[parent] for parent in parents))
                    total += np.log(np.stack([1 - on, on]))[place]
        for factor in self.factors:
            total -= factor.log[tuple(values[name] for name in factor.scope)]
        return total


def reduced(tables: Tables, evidence: Values, query: Names | None, softening: float) -> Reduction:
    """Return what has to be sampled of a network; see `BayesianNetwork.reduced`."""
    settled = _settled(tables, evidence)
    if settled is None or not _is_possible(tables, {**evidence, **settled}):
        raise InvalidInput(f"evidence must be possible, got {dict(evidence)!r} of probability 0")
    known = {**evidence, **settled}
    needed = set(tables) if query is None else _with_those_above(tables, {*evidence, *query})
    factors = {name: _factor(tables, name, known, softening) for name in tables if name in needed}
    _leave_out_ends(factors, known)
    barren = [name for name in tables if name not in factors and name not in known]
    replaced = _replace_functions(factors, tables, known)
    left = tuple(name for name in tables if name in factors and name not in known)
    soft = tuple(factors.values())
    machine = _machine(soft, left) if left else None
    asked = tuple(name for name in tables if name not in evidence) if query is None else tuple(query)
    return Reduction(
        tables, dict(evidence), asked, settled, tuple(barren), replaced, left, soft, machine
    )


def _restricted(tables: Tables, name: Hashable, known: Values) -> tuple[Names, Floats]:
    """Return the parents of a variable that are not known, and P(variable = 1), array (2,)*parents."""
    parents, rows = tables[name]
    row = on_of(rows, len(parents))[tuple(known.get(parent, slice(None)) for parent in parents)]
    return tuple(parent for parent in parents if parent not in known), np.asarray(row)


def _settled(tables: Tables, evidence: Values) -> dict[Hashable, int] | None:
    """Return what follows for certain, table by table until nothing more does; None if impossible."""
    settled: dict[Hashable, int] = {}
    while True:
        known = {**evidence, **settled}
        more = [pair for name in tables for pair in _consequences(tables, name, known).items()]
        if any(known.get(name, value) != value for name, value in more) or len(dict(more)) < len(
            set(more)
        ):
            return None
        if not more:
            return settled
        settled.update(more)


def _consequences(tables: Tables, name: Hashable, known: Values) -> dict[Hashable, int]:
    """Return what one table says for certain, given what is known; its opposite if that cannot be."""
    parents, on = _restricted(tables, name, known)
    if name not in known:
        return {name: int(on.flat[0])} if (on == 0).all() or (on == 1).all() else {}
    possible = np.argwhere((on if known[name] else 1 - on) > 0)
    if not len(possible):
        return {name: 1 - known[name]}
    same = (possible == possible[0]).all(axis=0)
    return {p: int(v) for p, v, only in zip(parents, possible[0], same, strict=True) if only}


def _is_possible(tables: Tables, known: Values) -> bool:
    """Return whether some state has all that is known; by trying values where tables have zeros."""
    settled = _settled(tables, known)
    if settled is None:
        return False
    known = {**known, **settled}
    for name, value in known.items():
        parents, on = _restricted(tables, name, known)
        # Without a zero, any state of the parents will do, and the tables above have one.
        if parents and ((on if value else 1 - on) == 0).any():
            return any(_is_possible(tables, {**known, parents[0]: trial}) for trial in (0, 1))
    return True


def _with_those_above(tables: Tables, names: set[Hashable]) -> set[Hashable]:
    """Return variables with all those that they depend on."""
    found: set[Hashable] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += tables[name][0]
    return found


def _factor(tables: Tables, name: Hashable, known: Values, softening: float) -> Factor:
    """Return the softened table of a variable, restricted to what is known."""
    parents, on = _restricted(tables, name, known)
    log_odds = soft_log_odds(on, softening, additive=True)
    log = -np.logaddexp(0.0, np.stack([log_odds, -log_odds]))
    return Factor(parents, log[known[name]]) if name in known else Factor((name, *parents), log)


def _leave_out_ends(factors: dict[Hashable, Factor], known: Values) -> None:
    """Leave out tables at the end of the network that are hard, from below."""
    while True:
        used = {above for name, factor in factors.items() for above in factor.scope if above != name}
        ends = [
            name
            for name, factor in factors.items()
            if name not in known and name not in used and _is_hard(factor)
        ]
        if not ends:
            return
        for name in ends:
            del factors[name]


def _is_hard(factor: Factor) -> bool:
    """Return whether a table needs an auxiliary unit, or a weight beyond `SOFT`."""
    coefficients, order = moebius(factor.log), np.indices(factor.log.shape).sum(axis=0)
    beyond = np.where(order == 2, SOFT, np.where(order > 2, NEGLIGIBLE, np.inf))
    return bool((np.abs(coefficients) > beyond).any())


def _replace_functions(factors: dict[Hashable, Factor], tables: Tables, known: Values) -> Names:
    """Put functions in place of variables, from below, where weights become smaller; return which."""
    replaced = []
    for name in reversed(in_order(tables)):
        if name in known or name not in factors:
            continue
        parents, on = _restricted(tables, name, known)
        if not deterministic(on).all():
            continue
        touched = {other: f for other, f in factors.items() if name in f.scope}
        below = {k: f.with_function(name, parents, on) for k, f in touched.items() if k != name}
        if any(len(factor.scope) > WIDEST for factor in below.values()):
            continue
        if _largest_weight(below.values()) < _largest_weight(touched.values()):
            del factors[name]
            factors.update(below)
            replaced.append(name)
    return tuple(replaced)


def _largest_weight(factors: Iterable[Factor]) -> float:
    """Return the largest weight of the machine of some factors."""
    factors = list(factors)
    names = tuple(dict.fromkeys(name for factor in factors for name in factor.scope))
    return float(np.abs(_machine(factors, names).weights).max()) if names else 0.0


def _machine(factors: Iterable[Factor], names: Names) -> BoltzmannMachine:
    """Return the machine whose first units are the variables `names`."""
    place = {name: k for k, name in enumerate(names)}
    placed = ((tuple(place[name] for name in f.scope), f.log) for f in factors)
    return expanded(placed, names, "exact", STRENGTH)
