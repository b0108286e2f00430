"""What is left of a Bayesian network to sample, once evidence is known and some variables need not be.

Each step is exact, and comes before tables are softened into weights:

* **Evidence** restricts tables, and may settle more variables: an OR that is off has no cause that is
  on.
* **Barren variables** are neither evidence, nor asked for, nor above one that is: their tables sum to
  one (Shachter 1986, Oper. Res. 34, 871). So do tables at the end of the network that are asked for.
  These are left out where they would need strong weights or auxiliary units.
* **Functions** are variables whose tables are all 0 and 1. In the tables below it the function takes
  the place of the variable, where this makes the weights of the machine smaller.
* **Sums.** Variables whose tables need strong weights all the same are summed out, see
  `photinus.machines.summing`.

Variables that are left out come back by a look-up in their own table, given the variables above them.
Those that were summed out come back by their probabilities, given the variables around them.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus._core.display import Displayed
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.codes import INVALID
from photinus.machines.expansion import Expansion
from photinus.machines.factors import Factor, Names, Pair, Values, difficulty, expanded, largest_weight
from photinus.machines.softening import soft_factor, soft_log_table
from photinus.machines.summing import sum_out
from photinus.machines.tables import Cpt, in_order
from photinus.machines.variables import States, impossible, named_states

SOFT = 2.0
"""Weights up to which a variable at the end of the network is sampled: translation is good there."""
WIDEST = 8
"""Most variables of a table in which a function takes the place of a variable."""

Floats = NDArray[np.float64]
Cpts = Mapping[Hashable, Cpt]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reduction(Displayed):
    """A network with evidence, reduced to what has to be sampled. Immutable."""

    states: States
    """Names of the states of all variables."""
    evidence: Mapping[Hashable, Hashable]
    """What was given, variable → state."""
    asked: Names
    """Variables that are asked for."""
    settled: Mapping[Hashable, Hashable]
    """What follows from it for certain."""
    barren: Names
    """Variables whose tables are left out."""
    replaced: Names
    """Variables whose place is taken by the function of their parents that they are."""
    summed: Names
    """Variables that are summed out, each after those that its table needs."""
    sampled: Names
    """Variables that are left: the first units of the machine."""
    factors: tuple[Factor, ...]
    """Softened tables of the variables left."""
    hard: tuple[Factor, ...]
    """Tables before they were softened, minus infinity for what cannot be."""
    tables: Cpts
    """Tables by which variables that are left out come back."""
    expansion: Expansion | None
    """Its machine has the joint of the variables left, given the evidence; None if none is left."""

    @property
    def machine(self) -> BoltzmannMachine | None:
        """What is to be sampled; None if no variable is left."""
        return None if self.expansion is None else self.expansion.machine

    def complete(self, units: NDArray[np.uint8], seed: np.random.SeedSequence) -> NDArray[np.int16]:
        """Return which state every variable is in, array (chain, draw, variable).

        A draw in which units are in no valid state has -1 for all variables.

        Parameters
        ----------
        units : array (chain, draw, unit)
            States of the machine.
        seed
            Of the variables that are drawn from their tables.
        """
        place = {name: k for k, name in enumerate(self.states)}
        numbers = np.zeros((*units.shape[:2], len(place)), np.int16)
        for name, state in {**self.evidence, **self.settled}.items():
            numbers[..., place[name]] = self.states[name].index(state)
        if self.expansion is not None:
            numbers[..., [place[name] for name in self.sampled]] = self.expansion.numbers(units)
        invalid = (numbers == INVALID).any(axis=-1)
        generator = np.random.default_rng(seed)
        for name in self._looked_up():
            cumulated = np.cumsum(self.chances(name, numbers), axis=-1)[..., :-1]
            drawn = generator.random(numbers.shape[:2])[..., None] >= cumulated
            numbers[..., place[name]] = drawn.sum(axis=-1)
        numbers[invalid] = INVALID
        return numbers

    def _looked_up(self) -> list[Hashable]:
        """Return the variables that come back by their tables, each after those that it needs."""
        below = {name: self.tables[name] for name in (*self.barren, *self.replaced)}
        return [*self.summed, *in_order(below)]

    def chances(self, name: Hashable, numbers: NDArray[np.int16]) -> Floats:
        """Return the probabilities of a variable's states, array (chain, draw, state).

        They are rows of its table, given the variables above it. Those of variables that were sampled
        or are known are 0 and 1.

        Parameters
        ----------
        name
            The variable.
        numbers : array (chain, draw, variable)
            From `complete`.
        """
        place = {name: k for k, name in enumerate(self.states)}
        if name in (*self.barren, *self.replaced, *self.summed):
            parents, array = self.tables[name]
            rows = array[tuple(numbers[..., place[parent]] for parent in parents)]
            return np.broadcast_to(rows, (*numbers.shape[:2], array.shape[-1]))
        return np.eye(len(self.states[name]))[numbers[..., place[name]]]

    def log_weights(self, numbers: NDArray[np.int16]) -> Floats:
        """Return log p - log q of states of all variables, array (chain, draw, variable).

        p is the law of the network, q that of its softened tables, up to a constant: importance
        weights, array (chain, draw). They are equal if nothing had to be softened.
        """
        values = {name: numbers[..., k] for k, name in enumerate(self.states)}
        total = np.zeros(numbers.shape[:2])
        for sign, factors in ((1, self.hard), (-1, self.factors)):
            for factor in factors:
                total += sign * factor.log[tuple(values[name] for name in factor.scope)]
        return total


def reduced(
    tables: Cpts,
    states: States,
    evidence: Values,
    query: Names | None,
    softening: float,
    code: str,
    summing: bool,
) -> Reduction:
    """Return what has to be sampled of a network; see `BayesianNetwork.reduced`."""
    settled = _settled(tables, evidence)
    if settled is None:
        raise impossible(named_states(evidence, states))
    known = {**evidence, **settled}
    needed = set(tables) if query is None else above(tables, {*evidence, *query})
    pairs = {name: _pair(tables, name, known, softening) for name in tables if name in needed}
    coding = "binary" if code == "auto" else code
    _leave_out_ends(pairs, known, coding)
    barren = [name for name in tables if name not in pairs and name not in known]
    replaced = _replace_functions(pairs, tables, states, known, coding)
    own, summed = tuple(pairs.values()), dict[Hashable, Cpt]()
    if summing:
        own, summed = sum_out(own, states, softening, coding)
    left = tuple(name for name in tables if name in pairs and name not in {*known, *summed})
    soft = tuple(pair.soft for pair in own)
    return Reduction(
        states,
        named_states(evidence, states),
        tuple(n for n in tables if n not in evidence) if query is None else tuple(query),
        named_states(settled, states),
        tuple(barren),
        replaced,
        tuple(summed),
        left,
        soft,
        tuple(pair.hard for pair in own),
        {**tables, **summed},
        expanded(soft, left, states, code) if left else None,
    )


def restricted(
    factors: Iterable[Factor],
    states: States,
    evidence: Values,
    query: Names | None,
    softening: float,
    code: str,
    summing: bool,
) -> Reduction:
    """Return what has to be sampled of a Markov network; see `MarkovNetwork.reduced`."""
    pairs = tuple(
        Pair(each.given(evidence), Factor(each.scope, soft).given(evidence))
        for each in factors
        for soft in (soft_factor(np.exp(each.log), softening),)
    )
    summed = dict[Hashable, Cpt]()
    if summing:
        pairs, summed = sum_out(pairs, states, softening, "binary" if code == "auto" else code)
    if any(np.isneginf(pair.hard.log).all() for pair in pairs):
        raise impossible(named_states(evidence, states))
    free = tuple(name for name in states if name not in evidence)
    left = tuple(name for name in free if name not in summed)
    soft = tuple(pair.soft for pair in pairs)
    return Reduction(
        states,
        named_states(evidence, states),
        free if query is None else query,
        {},
        (),
        (),
        tuple(summed),
        left,
        soft,
        tuple(pair.hard for pair in pairs),
        summed,
        expanded(soft, left, states, code) if left else None,
    )


def _restricted(tables: Cpts, name: Hashable, known: Values) -> tuple[Names, Floats]:
    """Return the parents of a variable that are not known, and its table for these."""
    parents, array = tables[name]
    row = array[tuple(known.get(parent, slice(None)) for parent in parents)]
    return tuple(parent for parent in parents if parent not in known), np.asarray(row)


def _settled(tables: Cpts, evidence: Values) -> dict[Hashable, int] | None:
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


def _consequences(tables: Cpts, name: Hashable, known: Values) -> dict[Hashable, int]:
    """Return what one table says for certain, given what is known; another state if it cannot be."""
    parents, array = _restricted(tables, name, known)
    if name not in known:
        found = np.flatnonzero(array.reshape(-1, array.shape[-1]).any(axis=0))
        return {name: int(found[0])} if len(found) == 1 else {}
    possible = np.argwhere(array[..., known[name]] > 0)
    if not len(possible):
        return {name: (known[name] + 1) % array.shape[-1]}
    same = (possible == possible[0]).all(axis=0)
    return {p: int(v) for p, v, only in zip(parents, possible[0], same, strict=True) if only}


def is_possible(tables: Cpts, known: Values) -> bool:
    """Return whether some state has all that is known; by trying values where tables have zeros."""
    settled = _settled(tables, known)
    if settled is None:
        return False
    known = {**known, **settled}
    for name, value in known.items():
        parents, array = _restricted(tables, name, known)
        # Without a zero, any state of the parents will do, and the tables above have one.
        if parents and (array[..., value] == 0).any():
            trials = range(array.shape[0])
            return any(is_possible(tables, {**known, parents[0]: trial}) for trial in trials)
    return True


def above(tables: Cpts, names: Iterable[Hashable]) -> set[Hashable]:
    """Return variables with all those that they depend on."""
    found: set[Hashable] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += tables[name][0]
    return found


def _pair(tables: Cpts, name: Hashable, known: Values, softening: float) -> Pair:
    """Return the table of a variable, restricted to what is known; before and after it is softened."""
    parents, array = _restricted(tables, name, known)
    with np.errstate(divide="ignore"):
        hard = np.log(np.moveaxis(array, -1, 0))
    logs = hard, soft_log_table(array, softening, additive=True)
    if name in known:
        return Pair(*(Factor(parents, log[known[name]]) for log in logs))
    return Pair(*(Factor((name, *parents), log) for log in logs))


def _leave_out_ends(pairs: dict[Hashable, Pair], known: Values, code: str) -> None:
    """Leave out tables at the end of the network that are hard, from below."""
    while True:
        used = {one for name, pair in pairs.items() for one in pair.soft.scope if one != name}
        ends = [
            name
            for name, pair in pairs.items()
            if name not in known and name not in used and _is_hard(pair.soft, code)
        ]
        if not ends:
            return
        for name in ends:
            del pairs[name]


def _is_hard(factor: Factor, code: str) -> bool:
    """Return whether a table needs an auxiliary unit, or a weight beyond `SOFT`."""
    hidden, largest = difficulty(factor, code)
    return hidden > 0 or largest > SOFT


def _replace_functions(
    pairs: dict[Hashable, Pair], tables: Cpts, states: States, known: Values, code: str
) -> Names:
    """Put functions in place of variables, from below, where weights become smaller; return which."""
    replaced = []
    for name in reversed(in_order(tables)):
        if name in known or name not in pairs:
            continue
        parents, array = _restricted(tables, name, known)
        if not ((array == 0) | (array == 1)).all():
            continue
        touched = {other: pair for other, pair in pairs.items() if name in pair.soft.scope}
        value = array.argmax(axis=-1).astype(np.float64)
        below = {k: p.with_function(name, parents, value) for k, p in touched.items() if k != name}
        if any(len(pair.soft.scope) > WIDEST for pair in below.values()):
            continue
        before, after = ([pair.soft for pair in some.values()] for some in (touched, below))
        if largest_weight(after, states, code) < largest_weight(before, states, code):
            del pairs[name]
            pairs.update(below)
            replaced.append(name)
    return tuple(replaced)
