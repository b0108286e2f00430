"""Variables that are summed out before anything is sampled, as their tables need strong weights.

Summed over one variable, the product of the functions that it is in becomes one function of the
variables around it. The host does that, exactly, where the table is small: smallest first (variable
elimination: Dechter 1999, Artif. Intell. 113, 41). It stops once the functions that are left ask for
gentle weights. Where that can't be reached, it goes back to where units times largest weight were
fewest. Each variable comes back by a look-up in its probabilities, given the variables around it.
"""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from photinus.machines.cliques import log_sum
from photinus.machines.codes import Code
from photinus.machines.factors import Difficulty, Factor, Pair, difficulty
from photinus.machines.tables import Cpt
from photinus.machines.variables import States

HARD = 5.0
"""Weights beyond which neurons hardly follow, whatever refines them."""
MOST_ENTRIES = 2**12
"""Of a table that is made to sum a variable out."""


def sum_out(
    pairs: Sequence[Pair], states: States, softening: float, code: str
) -> tuple[tuple[Pair, ...], dict[Hashable, Cpt]]:
    """Return the functions that are left, and the table of each variable that is gone.

    Parameters
    ----------
    pairs
        Functions of the variables.
    states
        Names of the states of these variables, and of others perhaps.
    softening
        Part of its largest value that a new function is at least.
    code
        Of the units.

    Returns
    -------
    tuple
        Functions, and variable → (others, P(variable | others)), each after the variables it needs.
    """
    left = [_Weighed.of(pair, code) for pair in pairs]
    best, gone = left, list[tuple[Hashable, Cpt]]()
    kept = 0
    while (name := _next(left, states)) is not None:
        touched = [one.pair.hard for one in left if name in one.pair.hard.scope]
        new, table = _summed(touched, name, states, softening)
        left = [one for one in left if name not in one.pair.hard.scope]
        left.append(_Weighed.of(new, code))
        gone.append((name, table))
        if _price(left, states, code) < _price(best, states, code):
            best, kept = left, len(gone)
    return tuple(one.pair for one in best), dict(reversed(gone[:kept]))


class _Weighed(NamedTuple):
    """A function, and what it asks of a machine."""

    pair: Pair
    difficulty: Difficulty

    @classmethod
    def of(cls, pair: Pair, code: str) -> "_Weighed":
        return cls(pair, difficulty(pair.soft, code))


def _names(left: Sequence[_Weighed]) -> list[Hashable]:
    """Return the variables of some functions."""
    return list(dict.fromkeys(name for one in left for name in one.pair.hard.scope))


def _price(left: Sequence[_Weighed], states: States, code: str) -> float:
    """Return units times largest weight; weights that are gentle cost the same."""
    codes = (
        Code(code if len(states[name]) > 2 else "one-hot", len(states[name])) for name in _names(left)
    )
    units = sum(own.units for own in codes) + sum(one.difficulty.hidden for one in left)
    return units * max([HARD, *(one.difficulty.largest for one in left)])


def _next(left: Sequence[_Weighed], states: States) -> Hashable | None:
    """Return the variable of a hard function that goes with the smallest table; None if none may."""
    entries = {
        name: math.prod(len(states[other]) for other in _around(left, name))
        for one in left
        if one.difficulty.largest > HARD
        for name in one.pair.hard.scope
    }
    allowed = {name: size for name, size in entries.items() if size <= MOST_ENTRIES}
    return min(allowed, key=lambda name: allowed[name], default=None)


def _around(left: Sequence[_Weighed], name: Hashable) -> list[Hashable]:
    """Return a variable and all that it shares a function with."""
    return _names([one for one in left if name in one.pair.hard.scope])


def _summed(
    factors: Sequence[Factor], name: Hashable, states: States, softening: float
) -> tuple[Pair, Cpt]:
    """Return the product of some functions summed over a variable, and its probabilities before."""
    others = tuple(dict.fromkeys(one for f in factors for one in f.scope if one != name))
    scope = (name, *others)
    log = np.zeros([len(states[one]) for one in scope])
    for factor in factors:
        log = log + factor.over(scope)
    total = log_sum(log)
    possible = ~np.isneginf(total)
    shares = np.exp(np.where(possible, log - np.where(possible, total, 0.0), -math.log(len(log))))
    total = total - (total.max() if possible.any() else 0.0)
    soft = Factor(others, np.asarray(np.log(np.maximum(np.exp(total), softening))))
    return Pair(Factor(others, total), soft), (others, np.moveaxis(shares, 0, -1))
