"""The laser that does what was measured, and how surely it is known."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.progress import Progress, tracked
from photinus._core.streams import Seed, seed_sequence
from photinus.errors import InvalidInput
from photinus.measurements.bench import run
from photinus.measurements.curves import Predicted
from photinus.measurements.knowledge import Knowledge
from photinus.measurements.lines import Belief, best_step, linearise, update
from photinus.measurements.observations import Intervals, Light, Measurement, Noise, Pulse, Rates
from photinus.measurements.result import LaserFit
from photinus.measurements.search import descend, search

Array = NDArray[np.float64]
DRAWN = 120
"""Lasers that are drawn for a start."""
BRIEF, USUAL = 0.25, 0.5
"""Efforts of the search."""
WITHIN = (0.04, 0.06, 0.1, 0.15)
"""Standard deviations within which lasers are drawn in each round, in their coordinates."""
PAIRS = (16, 16, 16, 32)
"""Pairs of lasers that are drawn in each round; fewer where few quantities are fitted."""
MOVE = 0.04
"""Step for slopes of the search, in coordinates."""
SEARCH_ERROR = 0.02
"""Error of the model while it is searched, in the scale of comparison."""


def fit_laser(
    known: Mapping[str, Any],
    measurements: Sequence[Measurement],
    *,
    uncertainty: Mapping[str, Any] | None = None,
    hold: Sequence[str] = (),
    level: float | str | None = None,
    effort: float = 1.0,
    seed: Seed = 0,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> LaserFit:
    """Fit a laser to what was measured of it.

    Everything is simulated with full physics. Light is its mean with all spikes in it. A pulse is the
    mean of spikes that noise sets off.

    Parameters
    ----------
    known
        What is known beforehand, as for `LaserParameters.from_measured`. What is not given is assumed,
        within a factor of about two.
    measurements
        `Light`, `Rates`, `Pulse`, `Intervals` and `Noise`, at least one.
    uncertainty
        Standard errors of what is known, as shares by name: ``{"beta": "30 %"}``. 5 % for others that
        are given.
    hold
        Names of quantities to leave as they are known.
    level
        Useful power above which the laboratory counts a spike [W]; by default half the peak of a
        typical one.
    effort
        Simulated time over the usual one, > 0.
    seed, threads, progress
        As in `photinus.sample`.

    Raises
    ------
    InvalidInput
        For values outside their ranges, or quantities that contradict each other.
    NotConverged
        If no laser can have what is known and measured.

    Examples
    --------
    >>> from photinus.measurements import Light, fit_laser
    >>> light = Light(current=[4e-6, 8e-6, 2e-5, 4e-5], power=[5e-8, 2e-7, 5e-6, 1.6e-5])
    >>> found = fit_laser({"quality": 5000}, [light])  # doctest: +SKIP
    """
    knowledge = Knowledge.of(known, uncertainty, tuple(hold))
    measurements = validate.listed("measurements", measurements)
    for each in measurements:
        validate.instance("measurement", each, (Light, Rates, Pulse, Intervals, Noise))
    if not measurements:
        raise InvalidInput("measurements must have at least 1 entry, got 0")
    level = None if level is None else validate.positive("level", level, "W")
    effort = validate.positive("effort", effort)
    seeds = seed_sequence(seed).spawn(3)
    setting = {"level": level, "threads": threads}
    prior = Belief(knowledge.centre, np.diag(knowledge.width**2))
    measured, sigma = joined(measurements)

    def shown(at: Array, own: np.random.SeedSequence) -> Predicted:
        return predict(knowledge, measurements, at, own, effort=effort, **setting)

    with tracked(progress, "fitting the laser", 2 + len(WITHIN)) as advance:
        start = _start(knowledge, measurements, seeds[0], advance, effort, **setting)
        belief = Belief(start, prior.covariance)
        for most, pairs, own in zip(WITHIN, PAIRS, seeds[1].spawn(len(WITHIN)), strict=True):
            fewer = min(pairs, pairs * len(start) // 8 + 1)
            lines = linearise(shown, belief.within(most), fewer, own)
            led = update(prior, lines, measured, sigma)
            belief = Belief(
                best_step(shown, prior, lines, led.mean, measured, sigma, own), led.covariance
            )
            advance(1.0)
    return LaserFit.of(knowledge, prior, lines, belief.mean, measurements, measured, sigma, seeds[2])


def joined(measurements: Sequence[Measurement]) -> tuple[Array, Array]:
    """Return all values in the scales of comparison, and their standard errors."""
    return (
        np.concatenate([each.measured for each in measurements]),
        np.concatenate([each.sigma for each in measurements]),
    )


def predict(
    knowledge: Knowledge,
    measurements: Sequence[Measurement],
    at: Array,
    seed: np.random.SeedSequence,
    **options: Any,
) -> Predicted:
    """Return what the laser at coordinates would show of each measurement, one after the other."""
    light = sorted({x for each in measurements for x in each.recorded})
    counted = sorted({x for each in measurements for x in each.counted})
    found = run(knowledge.laser(at), light, counted, seed, **options)
    parts = [each.predicted(found) for each in measurements]
    return Predicted(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.variance for part in parts]),
    )


def _start(
    knowledge: Knowledge,
    measurements: Sequence[Measurement],
    seed: np.random.SeedSequence,
    advance: Callable[[float], None],
    effort: float,
    **setting: Any,
) -> Array:
    """Return coordinates from which straight lines lead on.

    Rates and intervals depend on what is faint in a laser that is not yet right. So light, pulses and
    noise are fitted first, where there are any, then all measurements.
    """
    first = [each for each in measurements if isinstance(each, Light | Pulse | Noise)]

    def residuals(some: Sequence[Measurement], much: float, **options: Any) -> Callable[[Array], Array]:
        measured, sigma = joined(some)
        (own,) = seed.spawn(1)

        def left(at: Array) -> Array:
            place = knowledge.centre + knowledge.width * at
            same = np.random.SeedSequence(own.entropy, spawn_key=own.spawn_key)
            found = predict(knowledge, some, place, same, effort=much * effort, **options)
            return (found.values - measured) / np.sqrt(sigma**2 + SEARCH_ERROR**2 + found.variance)

        return left

    stage: list[Measurement] = [*first] or list(measurements)
    free = {**setting, "level": None} if first else setting
    rng = np.random.default_rng(seed.spawn(1)[0])
    brief, usual = residuals(stage, BRIEF, **free), residuals(stage, USUAL, **free)
    moves = np.minimum(MOVE / knowledge.width, 0.5)
    count, values = min(DRAWN, 14 * len(moves)), len(joined(stage)[0])
    at = search(brief, usual, moves, count, values, rng)
    advance(1.0)
    if len(measurements) > len(stage):
        at = descend(residuals(measurements, USUAL, **setting), at, moves).at
    advance(1.0)
    return np.asarray(knowledge.centre + knowledge.width * at)
