"""Straight lines through what lasers show, and what measurements say by them.

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
PARTS, REPEATS = (1.0, 0.5, 0.25, 0.1), 4
"""Parts of a step that are tried, and simulations of each."""
Predict = Callable[[Array, np.random.SeedSequence], Predicted]
"""From coordinates of a laser and a seed to what it shows."""
FARTHEST = 3.0
"""Standard deviations by which the mean moves in a round at most: farther out lines are not known."""


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


def best_step(
    predict: Predict,
    prior: Belief,
    lines: Lines,
    end: Array,
    measured: Array,
    sigma: Array,
    seed: np.random.SeedSequence,
) -> Array:
    """Return where between the mean of the lines and `end` a laser agrees best with all that is known.

    Lines lead too far where they bend. Several lasers on the way are simulated, each some times.
    """
    start = lines.belief.mean
    best, least = start, _loss(prior, start, lines.level, measured, sigma, lines.error)
    for part in PARTS:
        there = start + part * (end - start)
        try:
            seen = [predict(there, own) for own in seed.spawn(REPEATS)]
        except (InvalidInput, NotConverged):  # there is no such laser
            continue
        level = np.mean([each.values for each in seen], axis=0)
        error = np.mean([each.variance for each in seen], axis=0) / REPEATS
        now = _loss(prior, there, level, measured, sigma, error)
        if now < least:
            best, least = there, now
    return best


def _loss(prior: Belief, at: Array, level: Array, measured: Array, sigma: Array, error: Array) -> float:
    """Return how far a laser is from measurements and from what was known, the noise counted."""
    away = at - prior.mean
    left = (measured - level) ** 2 / (sigma**2 + error)
    # A term for the noise, without which more of it would always look better.
    return float(
        left.sum() + np.log1p(error / sigma**2).sum() + away @ np.linalg.solve(prior.covariance, away)
    )


def update(prior: Belief, lines: Lines, measured: Array, sigma: Array) -> Belief:
    """Return the belief after measurements, from that before any and the lines of this round."""
    before = lines.factor.T @ np.linalg.solve(prior.covariance, lines.factor)
    start = np.linalg.solve(lines.factor, prior.mean - lines.belief.mean)
    precision = before + information(lines, sigma)
    pull = lines.slope.T @ ((measured - lines.level) / lines.variance(sigma))
    step = np.linalg.solve(precision, before @ start + pull)
    step *= min(1.0, FARTHEST / max(float(np.linalg.norm(step)), 1e-300))
    covariance = lines.factor @ np.linalg.inv(precision) @ lines.factor.T
    return Belief(lines.belief.mean + lines.factor @ step, (covariance + covariance.T) / 2)
