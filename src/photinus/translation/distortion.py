"""Weights and biases given to neurons that show those of a machine: pre-distortion by the pair table.

Neurons that are given the machine (b', W') show another one. Unit i's log-odds in state z are off by

    e_i(z) = Σ_j [m_ij + (z_j - ½) w_ij],

where m_ij and w_ij are the changes of the middle of i and of the weight. The pair table tells them,
each pair for itself, given what the others bring (`Pairs.changes`). Two conditions are solved together:

* The weight that a pair shows is the machine's, in the mean over states of the others, weighted by how
  much a state tells of it: 1/Σ(1/p) over the four states of the pair, the Fisher information.
* The log-odds of a unit are right in the mean, weighted by σ(1 - σ), so that marginals are kept.

Means are over the target's states, because the network is built to show these.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.logistic import logistic
from photinus.translation.lookup import AS_IT_IS, Met, mean_changes
from photinus.translation.pairs import PairTable

ROUNDS = 16
"""Corrections of weights and biases at most."""
ENOUGH = 1e-3
"""Largest correction at which they end."""
EVALUATIONS = 2**20
"""Looks into the table in each round, pairs times states: so many states are used at most."""
FEWEST, MOST = 8, 4096
"""States that are used at least, and at most."""
CERTAIN = 100.0
"""Log-odds beyond which a unit is sure of itself."""
NEVER = 1e-12
"""Probability below which the state of a pair counts as never met."""


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What units of a target meet: states (state, unit) of its law, with their probabilities."""

    states: NDArray[np.float64]
    probability: NDArray[np.float64]
    field: NDArray[np.float64]
    """Log-odds of each unit in the target, array (state, unit)."""

    @classmethod
    def of(
        cls,
        states: NDArray[np.generic],
        probability: NDArray[np.float64],
        field: NDArray[np.float64],
        pairs: int,
    ) -> "Context":
        """Return as many states as `pairs` leave time for, drawn evenly by their probability."""
        count = int(np.clip(EVALUATIONS // max(1, pairs), FEWEST, MOST))
        if len(states) > count:
            ends = np.cumsum(probability)
            chosen = np.searchsorted(ends, (np.arange(count) + 0.5) / count * ends[-1])
            states, field = states[chosen], field[chosen]
            probability = np.full(count, 1 / count)
        return cls(states.astype(np.float64), probability, np.asarray(field))

    def choice(self) -> NDArray[np.float64]:
        """Return how much the log-odds of each unit matter in each state; sums over states are 1."""
        on = logistic(np.clip(self.field, -700, 700))
        weight = self.probability[:, None] * (on * (1 - on) + 1e-12)
        return np.asarray(weight / weight.sum(axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Coupled pairs of units, and what the others bring them, in a context."""

    table: PairTable
    one: NDArray[np.intp]
    other: NDArray[np.intp]
    delay: NDArray[np.float64]
    """Synaptic delay of each pair, array (pair,) or one for all [τ]."""
    wanted: NDArray[np.float64]
    """Weights of the target, array (pair,)."""

    @classmethod
    def between(
        cls,
        weights: NDArray[np.float64],
        table: PairTable,
        delay: float | NDArray[np.float64] = 0.0,
        among: NDArray[np.bool_] | None = None,
    ) -> "Pairs":
        """Return the pairs with a weight, or those `among` which couplings are, (unit, unit) of bool.

        `delay` is a number or array (unit, unit) [τ].
        """
        one, other = np.nonzero(np.triu(weights if among is None else among, 1))
        delay = np.asarray(delay, np.float64)
        if delay.ndim:
            delay = 0.5 * (delay[one, other] + delay[other, one])
        return cls(table, one, other, delay, weights[one, other])

    def __len__(self) -> int:
        return len(self.one)

    def among(self, units: NDArray[np.intp]) -> "Pairs":
        """Return the pairs of these units alone, which are then counted from 0."""
        place = np.full(max(self.one.max(initial=-1), self.other.max(initial=-1), *units) + 1, -1)
        place[units] = np.arange(len(units))
        one, other = place[self.one], place[self.other]
        both = (one >= 0) & (other >= 0)
        delay = self.delay[both] if self.delay.ndim else self.delay
        return Pairs(self.table, one[both], other[both], delay, self.wanted[both])

    def wanting(self, weights: NDArray[np.float64]) -> "Pairs":
        """Return the same pairs in a target with other weights (unit, unit)."""
        return replace(self, wanted=weights[self.one, self.other])

    def added(self, parts: NDArray[np.float64], n: int) -> NDArray[np.float64]:
        """Return the sum of what pairs bring both their units, array (2, pair), for each of n units."""
        return np.asarray(np.bincount(self.one, parts[0], n) + np.bincount(self.other, parts[1], n))

    def typical(self, context: Context) -> NDArray[np.float64]:
        """Return the middles of both units of each pair, all others averaged over, array (2, pair).

        In each state it is known how probable the four states of the pair are. So few states do.
        """
        off, first, second, both = self._joint(context)
        return np.stack(
            [
                0.5 * np.log(both * first / (second * off)),
                0.5 * np.log(both * second / (first * off)),
            ]
        )

    def _joint(self, context: Context) -> NDArray[np.float64]:
        """Return the probabilities of 00, 10, 01 and 11 of each pair, array (4, pair)."""
        low, high, both = states_of(*self.middles(context, context.field, self.wanted), self.wanted)
        p = context.probability[:, None] / (1 + low + high + both)
        found = np.stack([p.sum(axis=0), *((p * part).sum(axis=0) for part in (low, high, both))])
        return np.asarray(np.maximum(found, NEVER))

    def changes(
        self,
        context: Context,
        middles: tuple[NDArray[np.float64], NDArray[np.float64]],
        weight: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the changes of the weight and of both middles, arrays (state, pair).

        What others bring varies within τ or so, as fast as the pair itself follows. So it is taken in
        part as it is in a state, in part as it is typically, see `AS_IT_IS`.

        Parameters
        ----------
        context
            States of the target.
        middles : two arrays (state, pair)
            Log-odds that the units are given, each while its partner is half on.
        weight : array (pair,) or (state, pair)
            What a partner that is on brings.
        """
        own, other = (
            AS_IT_IS * middle + (1 - AS_IT_IS) * typical
            for middle, typical in zip(middles, self.typical(context), strict=True)
        )
        return self.table.changes(self.delay, weight, own, other)

    def middles(
        self, context: Context, fields: NDArray[np.float64], weight: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the middles of both units, arrays (state, pair), where `fields` are linear."""
        z = context.states
        return (
            fields[:, self.one] + weight * (0.5 - z[:, self.other]),
            fields[:, self.other] + weight * (0.5 - z[:, self.one]),
        )

    def errors(
        self,
        context: Context,
        changes: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """Return e, by how much the log-odds of each unit are off in each state, (state, unit)."""
        z, n = context.states - 0.5, context.states.shape[1]
        weight, own, partner = changes
        found = np.zeros_like(z)
        parts = (
            (self.one, own + z[:, self.other] * weight),
            (self.other, partner + z[:, self.one] * weight),
        )
        for unit, part in parts:
            for row, values in zip(found, part, strict=True):
                row += np.bincount(unit, values, n)
        return found


def states_of(
    one: NDArray[np.float64], other: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return how much likelier than 00 the states 10, 01 and 11 of pairs are, given both middles."""
    low, high = np.exp(np.clip(np.stack([one, other]) - 0.5 * weight, -CERTAIN, CERTAIN))
    return low, high, low * high * np.exp(np.clip(weight, -CERTAIN, CERTAIN))


def information(
    one: NDArray[np.float64], other: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what a state of the others tells of a weight, 1/Σ(1/p), given both middles."""
    low, high, both = states_of(one, other, weight)
    return np.asarray(1 / ((1 + low + high + both) * (1 + 1 / low + 1 / high + 1 / both)))


@dataclass(frozen=True, slots=True, eq=False)
class Distorted:
    """What neurons are given: biases (unit,) and symmetric weights (unit, unit)."""

    biases: NDArray[np.float64]
    weights: NDArray[np.float64]
    lifts: NDArray[np.float64]
    """By how much each pair changes the biases of both its units, array (2, pair)."""

    @classmethod
    def plain(cls, biases: NDArray[np.float64], weights: NDArray[np.float64]) -> "Distorted":
        """Return these biases and weights, as they are."""
        return cls(biases, weights, np.zeros((2, 0)))

    def by_others(self, pairs: Pairs, units: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return by how much partners that are not among `units` change the biases of these."""
        among = np.isin(np.arange(len(self.biases)), units)
        apart = self.lifts * ~np.stack([among[pairs.other], among[pairs.one]])
        return pairs.added(apart, len(self.biases))[units]


def distorted(
    context: Context, biases: NDArray[np.float64], weights: NDArray[np.float64], pairs: Pairs
) -> Distorted:
    """Return what neurons are to be given to show the machine with these biases and weights."""
    met, lifted, full = _met(context, pairs), biases, weights.copy()
    given, lifts, on = pairs.wanted, np.zeros((2, len(pairs))), _on(met)
    for _ in range(ROUNDS if len(pairs) else 0):
        shown, off = _changes(met, given, context.states @ full + lifted, pairs)
        before = given, lifted
        given = pairs.wanted - shown
        full[pairs.one, pairs.other] = full[pairs.other, pairs.one] = given
        lifts = shown * on - off
        lifted = biases + pairs.added(lifts, len(biases))
        if max(np.abs(given - before[0]).max(), np.abs(lifted - before[1]).max()) < ENOUGH:
            break
    return Distorted(lifted, full, lifts)


def lifted_biases(
    context: Context,
    biases: NDArray[np.float64],
    given: NDArray[np.float64],
    pairs: Pairs,
) -> NDArray[np.float64]:
    """Return the biases to give beside the weights `given`, for the marginals of a machine."""
    met, lifted, coupled = _met(context, pairs), biases, given[pairs.one, pairs.other]
    partners, known = context.states @ given, (pairs.wanted - coupled) * _on(met)
    for _ in range(ROUNDS if len(pairs) else 0):
        _, off = _changes(met, coupled, partners + lifted, pairs)
        before, lifted = lifted, biases + pairs.added(known - off, len(biases))
        if np.abs(lifted - before).max() < ENOUGH:
            break
    return lifted


def _met(context: Context, pairs: Pairs) -> Met:
    """Return what the compiled loop needs of states and pairs."""
    delay = np.broadcast_to(pairs.delay, len(pairs)).flatten()
    typical = (1 - AS_IT_IS) * pairs.typical(context)
    told = told_of(context, pairs, pairs.wanted)
    # Views would be other types, for which the loop is compiled again.
    whole: Any = np.ascontiguousarray
    return Met(
        whole(pairs.one),
        whole(pairs.other),
        delay,
        whole(typical),
        whole(told),
        whole(context.choice()),
        whole(context.states),
    )


def _changes(
    met: Met, given: NDArray[np.float64], field: NDArray[np.float64], pairs: Pairs
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean changes of weights (pair,), and of the log-odds of both units (2, pair)."""
    found = np.empty((3, len(pairs)))
    mean_changes(pairs.table.read, met, given, np.ascontiguousarray(field), found)
    return found[0], found[1:]


def _on(met: Met) -> NDArray[np.float64]:
    """Return how often the other unit is on where the log-odds of one matter, array (2, pair)."""
    ways = ((met.one, met.other), (met.other, met.one))
    return np.stack(
        [(met.choice[:, unit] * met.states[:, partner]).sum(axis=0) for unit, partner in ways]
    )


def told_of(context: Context, pairs: Pairs, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much each state tells of each weight, array (state, pair); sums are 1."""
    told = information(*pairs.middles(context, context.field, weight), weight)
    told = context.probability[:, None] * (told + 1e-12)
    return np.asarray(told / told.sum(axis=0))
