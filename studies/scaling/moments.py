"""Moments of a target by a way of their own, and errors of moments without their floor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import photinus as ph

from .targets import ENUMERATED, HIDDEN, Pairs, pairs_of

LARGEST = 2100
"""Most moments whose covariance is inverted."""
GROUPS = 16
"""Of chains: squared errors are products of those of different groups."""
REFERENCE_CHAINS, BUDGET, FEWEST, MOST = 64, 6e6, 400, 10_000
"""Chains of a run of the reference, units times draws, and draws of each chain."""
COPIES = tuple(np.geomspace(1, 2.5, 5).tolist())


@dataclass(frozen=True)
class Reference:
    """What is right."""

    moments: NDArray[np.float64]
    """By two independent ways, array (2, moment)."""
    covariance: NDArray[np.float64]
    """Of all moments, or of the marginals where those would be too many."""

    @property
    def error(self) -> float:
        """Root mean square error of the mean of both ways."""
        return float(np.sqrt(np.mean((self.moments[0] - self.moments[1]) ** 2)) / 2)


def moments(states: NDArray[np.uint8], pairs: Pairs) -> NDArray[np.float64]:
    """Return marginals and moments of pairs of each group of chains, array (group, moment)."""
    found = []
    for group in np.split(states, GROUPS):
        z = group.reshape(-1, group.shape[-1]).astype(np.float32)
        both = (z.T @ z / len(z)).astype(np.float64)
        found.append(np.concatenate([np.diagonal(both), both[pairs]]))
    return np.array(found)


def reference(family: str, machine: ph.BoltzmannMachine) -> Reference:
    """Return moments of the target by two independent ways, the same twice where they are exact."""
    n, pairs = machine.n_units, pairs_of(machine)
    if family == "restricted":
        exact, covariance = restricted(machine, pairs)
        return Reference(np.stack([exact, exact]), covariance)
    if n <= ENUMERATED:
        states = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        energy = 0.5 * np.sum(states @ machine.weights * states, axis=1) + states @ machine.biases
        p = np.exp(energy - energy.max())
        exact, covariance = _covariance(states.astype(np.uint8), pairs, p / p.sum())
        return Reference(np.stack([exact, exact]), covariance)
    draws = int(np.clip(BUDGET / (REFERENCE_CHAINS * n), FEWEST, MOST))
    runs = [
        ph.sample(
            machine,
            "gibbs",
            chains=REFERENCE_CHAINS,
            draws=draws,
            burn_in=draws // 2,
            seed=seed,
            threads=1,
            tempering=ph.Parallel(temperatures=COPIES, every=1),
        ).states
        for seed in (11, 12)
    ]
    both_ways = np.stack([moments(states, pairs).mean(axis=0) for states in runs])
    drawn = np.concatenate(runs).reshape(-1, n)[:: 1 + int(n > 40)]
    few = n + len(pairs[0]) <= LARGEST
    of = pairs if few else (pairs[0][:0], pairs[1][:0])
    return Reference(both_ways, _covariance(drawn, of, np.full(len(drawn), 1 / len(drawn)))[1])


def restricted(
    machine: ph.BoltzmannMachine, pairs: Pairs
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return exact moments and their covariance, summed over states of the `HIDDEN` units.

    Given those, the others are independent, and each moment is a straight line in one of them.
    """
    seen = machine.n_units - HIDDEN
    hidden = (np.arange(2**HIDDEN)[:, None] >> np.arange(HIDDEN)) & 1
    field = machine.biases[HIDDEN:] + hidden @ machine.weights[:HIDDEN, HIDDEN:]
    weight = hidden @ machine.biases[:HIDDEN] + np.logaddexp(0, field).sum(axis=1)
    p = np.exp(weight - weight.max())
    p /= p.sum()
    on = 1 / (1 + np.exp(-field))
    first, second = pairs[0], pairs[1] - HIDDEN
    given = np.concatenate([hidden, on, hidden[:, first] * on[:, second]], axis=1)
    mean = p @ given
    covariance = (given * p[:, None]).T @ given - np.outer(mean, mean)
    # What goes with a seen unit: its marginal, and its pairs where the hidden unit is on.
    slope = np.concatenate([np.ones((len(p), seen)), hidden[:, first]], axis=1)
    unit = np.concatenate([np.arange(seen), second])
    for k in range(seen):
        mine = np.flatnonzero(unit == k)
        part = slope[:, mine]
        spread = p * on[:, k] * (1 - on[:, k])
        covariance[np.ix_(HIDDEN + mine, HIDDEN + mine)] += (part * spread[:, None]).T @ part
    return mean, covariance


def _covariance(
    states: NDArray[np.uint8], pairs: Pairs, p: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return marginals and moments of pairs of weighted states, and their covariance."""
    size = states.shape[1] + len(pairs[0])
    mean, square = np.zeros(size), np.zeros((size, size))
    for part in np.array_split(np.arange(len(states)), max(1, len(states) * size // 4_000_000)):
        z = states[part].astype(np.float32)
        each = np.concatenate([z, z[:, pairs[0]] * z[:, pairs[1]]], axis=1)
        weighted = each * p[part, None].astype(np.float32)
        mean += weighted.sum(axis=0, dtype=np.float64)
        square += weighted.T @ each
    return mean, np.asarray(square - np.outer(mean, mean))


def squared(
    found: NDArray[np.float64],
    right: NDArray[np.float64],
    weigh: Callable[[NDArray[np.float64]], NDArray[np.float64]] = np.asarray,
) -> NDArray[np.float64]:
    """Return Σ δ·weigh(δ) over moments without its floor, and its error, array (2,).

    `found` is an array (group, moment), `right` (2, moment).
    """
    one, other = found - right[0], weigh((found - right[1]).T).T
    product = one @ other.T
    count = len(found)

    def mean(left: NDArray[np.intp]) -> float:
        among = product[np.ix_(left, left)]
        return float((among.sum() - np.trace(among)) / (len(left) * (len(left) - 1)))

    everyone = np.arange(count)
    parts = np.array([mean(np.delete(everyone, k)) for k in everyone])
    error = np.sqrt((count - 1) / count * np.sum((parts - parts.mean()) ** 2))
    return np.array([mean(everyone), error])


def root(pair: Sequence[float]) -> tuple[float, float]:
    """Return the root of a squared error with its error; 0 where noise made the square negative."""
    value, error = float(pair[0]), float(pair[1])
    size = np.sqrt(max(value, 0.0))
    return size, error / (2 * max(size, np.sqrt(error)))
