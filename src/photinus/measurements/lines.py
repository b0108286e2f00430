"""Straight lines through what lasers show, and how much measurements would say by them.

Lasers are drawn from a normal distribution, each is simulated, and straight lines are fitted to all of
them. What they leave over is told apart: the noise of a short simulation, and curvature. Curvature
counts as an error of the model. This is statistical linear regression, as in the iterated posterior
linearisation of García-Fernández et al. 2015 (IEEE Trans. Signal Process. 63, 5561). Slopes that are
noise alone look like information, so what they would bring is taken off.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus.errors import InvalidInput, NotConverged
from photinus.measurements.curves import Predicted

Array = NDArray[np.float64]
Predict = Callable[[Array, np.random.SeedSequence], Predicted]
"""From coordinates of a laser and a seed to what it shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What is known: a normal distribution of coordinates."""

    mean: Array
    covariance: Array

    def within(self, most: float) -> "Belief":
        """Return it with no direction in which the standard deviation is above `most`."""
        values, vectors = np.linalg.eigh(self.covariance)
        return Belief(self.mean, (vectors * np.minimum(values, most**2)) @ vectors.T)


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Straight lines through what lasers of a belief show, per standard deviation of the belief."""

    belief: Belief
    factor: Array
    """Cholesky factor of the belief's covariance, array (name, name)."""
    level: Array
    """What the laser at the mean shows, the mean of several simulations, array (value,)."""
    slope: Array
    """Array (value, name)."""
    curvature: Array
    """Variance of what lasers show about the lines, less that of their simulation, array (value,)."""
    scatter: Array
    """Variance about the lines, array (value,)."""
    error: Array
    """Variance of `level`, array (value,)."""
    doubt: Array
    """Covariance of the slopes over `scatter`, array (name, name)."""

    def variance(self, sigma: Array) -> Array:
        """Return the variance of a measurement about the lines, array (value,)."""
        return np.asarray(sigma**2 + self.curvature + self.error)


def linearise(predict: Predict, belief: Belief, pairs: int, seed: np.random.SeedSequence) -> Lines:
    """Simulate lasers of a belief and fit straight lines through what they show.

    Lasers come in pairs on opposite sides of the mean. Both get the same random numbers, so that slopes
    are free of much of the noise. The laser at the mean is simulated with several others: its mean is
    not moved by curvature, as that of all lasers is.
    """
    size = len(belief.mean)
    factor = np.asarray(np.linalg.cholesky(belief.covariance), np.float64)
    drawn = np.random.default_rng(seed.spawn(1)[0]).standard_normal((4 * pairs, size))
    here = [predict(belief.mean, own).values for own in seed.spawn(pairs // 2 + 2)]
    places, shown, variance = [], [], []
    for u, own in zip(drawn, seed.spawn(len(drawn)), strict=True):
        for side in (u, -u):
            try:
                # A fresh copy, since simulations spawn from it.
                found = predict(belief.mean + factor @ side, _copy(own))
            except (InvalidInput, NotConverged):  # there is no such laser
                continue
            places.append(side)
            shown.append(found.values)
            variance.append(found.variance)
        if len(places) >= 2 * pairs:
            break
    if len(places) < 2 * size:
        raise NotConverged(
            "few lasers can have what is known and measured: give wider uncertainties, or check the "
            "units of the measurements"
        )
    level = np.asarray(np.mean(here, axis=0), np.float64)
    return _through(belief, factor, level, np.array(places), np.array(shown) - level, variance)


def _copy(seed: np.random.SeedSequence) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)


def _through(
    belief: Belief, factor: Array, level: Array, places: Array, shown: Array, variance: list[Array]
) -> Lines:
    """Return straight lines through what was shown less `level`, array (laser, value)."""
    design = np.column_stack([np.ones(len(places)), places])
    spread = np.linalg.inv(design.T @ design)
    fitted = spread @ design.T @ shown
    scatter = ((shown - design @ fitted) ** 2).sum(axis=0) / (len(places) - design.shape[1])
    simulation = np.mean(variance, axis=0)
    return Lines(
        belief=belief,
        factor=factor,
        level=level,
        slope=fitted[1:].T,
        curvature=np.maximum(scatter - simulation, 0.0),
        scatter=scatter,
        error=simulation / (len(places) // 4 + 2),
        doubt=spread[1:, 1:],
    )


def information(lines: Lines, sigma: Array) -> Array:
    """Return Fisher's information of measurements, in standard deviations of the lines' belief.

    Less what slopes of noise alone would bring, and never below zero in any direction.
    """
    weight = 1 / lines.variance(sigma)
    raw = lines.slope.T @ (weight[:, None] * lines.slope) - float(weight @ lines.scatter) * lines.doubt
    values, vectors = np.linalg.eigh((raw + raw.T) / 2)
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)
