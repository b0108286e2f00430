"""What exact samplers would show of shares of time, which are read off spikes.

A state that is seldom seen is left soon, as many units want to flip. So its share is worth more
independent draws than that of a common state: four times as many in a machine of eight ideal neurons.
One number of draws for all states makes their noise, and so the floor, up to 45 % too high.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

EDGES = (0.1, 0.5, 2.0, 8.0, 30.0, 100.0)
"""Expected draws in a state that part the classes of states."""


@dataclass(frozen=True, slots=True)
class Class:
    """States about equally probable."""

    states: NDArray[np.intp]
    chances: NDArray[np.float64]
    """Probability of each."""
    effective: float
    """Independent draws whose shares of these states are as noisy."""

    def times(self, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return states that are visited, and their shares of the time.

        Visits of a state follow each other at random, and each lasts an exponential time. So 2 N q
        visits have the noise of N draws.
        """
        mean = 2 * self.effective * self.chances
        total = mean.sum()
        if total < len(mean):
            ends = np.cumsum(mean)
            index = np.searchsorted(ends, rng.random(rng.poisson(total)) * ends[-1], side="right")
            found, visits = np.unique(np.minimum(index, len(mean) - 1), return_counts=True)
        else:
            counts = rng.poisson(mean)
            found = np.flatnonzero(counts)
            visits = counts[found]
        return self.states[found], rng.gamma(visits) / (2 * self.effective)


def classes(
    shares: "csr_array",
    p: NDArray[np.float64],
    q: NDArray[np.float64],
    draws: float,
    weight: NDArray[np.float64],
    otherwise: float,
) -> list[Class]:
    """Return states in classes by their probability, each with its number of effective draws.

    Parameters
    ----------
    shares : sparse array (group, state)
        Share of time of each independent group in each state.
    p, q : array (state,)
        Their mean, and the target.
    draws
        Of all groups together.
    weight : array (state,)
        What squares of errors are weighted with.
    otherwise
        Effective draws of states whose noise is not known: they were never seen.
    """
    count = shares.shape[0]
    squares = np.asarray(shares.multiply(shares).sum(axis=0)).ravel() / count
    noise = weight * np.maximum(squares - p**2, 0.0) / (count - 1)
    independent = weight * q * (1 - q)
    kind = np.digitize(q * draws, EDGES)
    found = []
    for k in range(len(EDGES) + 1):
        states = np.flatnonzero(kind == k)
        seen = float(noise[states].sum())
        effective = float(independent[states].sum()) / seen if seen > 0 else otherwise
        if len(states) and effective > 0:
            found.append(Class(states, q[states], min(effective, 1e9)))
    return found


def divergence_of_visits(
    q: NDArray[np.float64], parts: Sequence[Class], rng: np.random.Generator
) -> float:
    """Return the KL from q (state,) of the shares of time that visits of these classes have."""
    drawn = [part.times(rng) for part in parts]
    states = np.concatenate([found for found, _ in drawn])
    time = np.concatenate([share for _, share in drawn])
    if not len(time):
        return 0.0
    p = time / time.sum()
    return float(p @ np.log(p / np.maximum(q[states], 1e-300)))
