"""What all runs of a device together tell of its moments, and of how they answer, around a setting.

A device that is designed to answer by J answers by another matrix. Every run tells of both: of the
moments at its own setting, and of what lies between it and the others. So runs are put into one
Gaussian process regression (Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, ch. 2).
At the distance x from the setting of interest, moments are taken as

    m(x) = c + s J x + error(x),    cov(error(x), error(x')) = f (ε² κ + η² κ²) J / n,    κ = xᵀ J x'

and a run of n statistics shows them with its noise, whose covariance goes by J, too. So one small
matrix over runs weighs all statistics. s tells how strongly the device answers in general, f how far it
is from design. Both are those that make the runs most probable (ibid., ch. 5).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from photinus.learning.judgement import Floats, Shown
from photinus.learning.response import Answering

SLOPE_ERROR, BEND = 0.4, 0.5
"""ε, the relative error of J that is expected; η, how much J changes with the distance."""
STRENGTHS, STRENGTH_SPREAD = 2.0 ** np.arange(-1.5, 2.5, 0.5), 0.3
"""s to choose among, and how far ln s is expected to be from 0."""
DOUBTS = 4.0 ** np.arange(-1, 4)
"""f to choose among."""
LEAST_ANSWER = 0.3
"""Part of s J that any direction is taken to answer at least."""
LEAST_NOISE, SMALLEST = 1e-12, 1e-300
FEWEST_RUNS, MOST_ENTRIES = 3, 2**25
"""Runs that are remembered at least; moments of chains that all of them have at most (256 MiB)."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """How moments answer to parameters near a setting: (s + Σ_k a_k x_kᵀ) J."""

    response: Answering
    strength: float
    gains: Floats
    """a, array (run, statistic)."""
    places: Floats
    """x, array (run, statistic)."""

    def undone(self, vectors: Floats) -> Floats:
        """Return (s + Σ a xᵀ)⁻¹ times vectors (vector, statistic), by Woodbury's identity."""
        small = self.strength * np.eye(len(self.places)) + self.places @ self.gains.T
        inner = np.linalg.solve(small, self.places @ vectors.T)
        return np.asarray((vectors - inner.T @ self.gains) / self.strength)

    def done(self, vectors: Floats) -> Floats:
        """Return (s + Σ a xᵀ) times vectors (vector, statistic)."""
        return np.asarray(self.strength * vectors + (vectors @ self.places.T) @ self.gains)


@dataclass(slots=True, eq=False)
class Memory:
    """All runs so far, each with its place among the parameters."""

    places: list[Floats] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    noise: list[float] = field(default_factory=list)
    """What noise adds to ½ dᵀMd of each run."""

    def add(self, place: Floats, shown: Shown, noise: float) -> None:
        """Keep a run; forget the oldest where runs are too large."""
        self.places.append(place)
        self.shown.append(shown)
        self.noise.append(max(noise, LEAST_NOISE))
        room = max(FEWEST_RUNS, MOST_ENTRIES // shown.chains.size)
        for kept in (self.places, self.shown, self.noise):
            del kept[:-room]

    def about(
        self, place: Floats, response: Answering, metric: Callable[[Floats], Floats]
    ) -> tuple[Shown, Answer]:
        """Return what all runs tell of the moments at `place`, and of their answer there.

        `metric` is M times vectors (vector, statistic).
        """
        distances = np.array(self.places) - place
        moved = response.times(distances)
        near = distances @ moved.T
        means = np.array([one.chains.mean(axis=0) for one in self.shown])
        strength, inverse, error = self._likeliest(means - means[-1], moved, near, metric)
        weights = inverse.sum(axis=0) / inverse.sum()
        rest = means - strength * moved
        gains = error * inverse @ (rest - weights @ rest)
        falling = -np.linalg.eigvals(distances @ gains.T).real.min(initial=0.0)
        gains *= min(1.0, (1 - LEAST_ANSWER) * strength / max(falling, SMALLEST))
        return (
            self._mixed(weights, strength * (weights @ moved), response),
            Answer(response, strength, gains, distances),
        )

    def _likeliest(
        self, means: Floats, moved: Floats, near: Floats, metric: Callable[[Floats], Floats]
    ) -> tuple[float, Floats, float]:
        """Return s, the inverse covariance of errors between runs, and f ε², by the evidence."""
        both = np.concatenate([means, moved])
        gram, count = both @ metric(both).T, len(means)
        seen, cross, gone = gram[:count, :count], gram[:count, count:], gram[count:, count:]
        best, found = np.inf, (1.0, np.eye(count), 0.0)
        for doubt in DOUBTS:
            spread = doubt * (SLOPE_ERROR**2 * near + BEND**2 * near**2)
            covariance = spread + 2 * np.diag(self.noise)
            inverse = np.linalg.inv(covariance)
            ones = inverse.sum(axis=0)
            if ones.sum() <= 0:  # rounding, where moments hardly vary
                continue
            left = inverse - np.outer(ones, ones) / ones.sum()
            size = np.linalg.slogdet(covariance)[1] + np.log(ones.sum())
            for strength in STRENGTHS:
                squares = seen - strength * (cross + cross.T) + strength**2 * gone
                prior = (np.log(strength) / STRENGTH_SPREAD) ** 2 / means.shape[1]
                surprise = float((left * squares).sum() + size + prior)
                if surprise < best:
                    best, found = surprise, (float(strength), inverse, doubt * SLOPE_ERROR**2)
        return found

    def _mixed(self, weights: Floats, moved: Floats, response: Answering) -> Shown:
        """Return the mean of all runs by their weights, less what they have `moved`."""
        chains = np.zeros_like(self.shown[0].chains)
        for weight, one in zip(weights, self.shown, strict=True):
            chains += weight * one.chains
        lengths = np.array([one.draws for one in self.shown])
        draws = min(round(1 / float((weights**2 / lengths).sum())), int(lengths.sum()))
        return Shown(chains - moved, draws, response)
