"""What neurons show, foretold: their log-odds from curve and pair table, and the law that follows.

Neurons are taken for ideal ones that are given the measured curve (docs/explanation/translation.md).
Unit k goes on at the rate e^u and off at the rate 1, with u its log-odds in the present state. What
pairs are off is added to u. The stationary law of this Markov chain is solved for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus.translation.distortion import Context, Pairs
from photinus.translation.neuron import Neuron

LOWEST, HIGHEST, STEP = -40.0, 40.0, 0.005
"""Log-odds of the inverted curve."""
FASTEST = 25.0
"""Log-odds beyond which rates stay."""
MOST_SOLVED = 9
"""Units whose stationary law is solved for: a system of 2^n equations."""
PANEL = 32
"""States that are taken away from it together."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The measured activation, backwards: log-odds at a drive."""

    drive: NDArray[np.float64]
    log_odds: NDArray[np.float64]

    @classmethod
    def of(cls, neuron: Neuron) -> "Curve":
        """Return the curve of a neuron, made to rise everywhere."""
        log_odds = np.arange(LOWEST, HIGHEST + STEP, STEP)
        rising = neuron.drive_at(log_odds) + 1e-9 * neuron.slope * log_odds
        return cls(np.maximum.accumulate(rising), log_odds)

    def __call__(self, drive: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of being on at drives of any shape."""
        return np.asarray(np.interp(drive, self.drive, self.log_odds))


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Log-odds of the neurons of a network in the states of a context."""

    alone: NDArray[np.float64]
    """From the curve, array (state, unit)."""
    weight: NDArray[np.float64]
    """What the partners of a pair bring each other in the mean of both, array (state, pair)."""
    changes: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    """What the pair table adds to weight and middles, arrays (state, pair)."""
    together: NDArray[np.float64]
    """With what pairs are off, array (state, unit)."""

    @classmethod
    def by(
        cls,
        context: Context,
        drive: NDArray[np.float64],
        coupling: NDArray[np.float64],
        curve: Curve,
        pairs: Pairs,
    ) -> "Shown":
        """Return what neurons with these drives (unit,) and couplings (target, source) show."""
        z = context.states
        given = z @ coupling.T + drive
        alone = curve(given)
        middles, weights = [], []
        for unit, partner in ((pairs.one, pairs.other), (pairs.other, pairs.one)):
            brought = coupling[unit, partner]
            off = given[:, unit] - brought * z[:, partner]
            low, high = curve(off), curve(off + brought)
            middles.append(0.5 * (low + high))
            weights.append(high - low)
        weight = 0.5 * (weights[0] + weights[1])
        changes = pairs.changes(context, (middles[0], middles[1]), weight)
        return cls(alone, weight, changes, alone + pairs.errors(context, changes))


def stationary(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stationary law of units with these log-odds in all states (state, unit), (state,).

    Notes
    -----
    Grassmann, Taksar & Heyman 1985 (Oper. Res. 33, 1107): no difference is taken, so that rare states
    and slow modes come out to all digits.
    """
    count, n = log_odds.shape
    index = np.arange(count)
    rates = np.zeros((count, count))
    up = np.exp(np.clip(log_odds, -FASTEST, FASTEST))
    for k in range(n):
        on = index >> k & 1 == 1
        rates[index ^ (1 << k), index] = np.where(on, 1.0, up[:, k])
    # States are taken away one by one, the last first, and put back in turn. What that does to states
    # beyond a panel is added up for the whole panel: one product of matrices in place of many.
    left = np.ones(count)
    for end in range(count, 1, -PANEL):
        first = max(end - PANEL, 1)
        for k in range(end - 1, first - 1, -1):
            left[k] = rates[:k, k].sum()
            rates[:k, k] /= left[k]
            rates[:k, first:k] += np.outer(rates[:k, k], rates[k, first:k])
            rates[first:k, :first] += np.outer(rates[first:k, k], rates[k, :first])
        rates[:first, :first] += rates[:first, first:end] @ rates[first:end, :first]
    law = np.zeros(count)
    law[0] = 1.0
    for k in range(1, count):
        law[k] = rates[k, :k] @ law[:k] / left[k]
    return np.asarray(law / law.sum())
