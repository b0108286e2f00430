"""The laser that does what was measured, and how surely it is known."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.progress import Progress, tracked
from photinus._core.streams import Seed, seed_sequence
from photinus.errors import InvalidInput, NotConverged
from photinus.measurements.bench import run
from photinus.measurements.curves import Predicted
from photinus.measurements.knowledge import Knowledge
from photinus.measurements.observations import Intervals, Light, Measurement, Noise, Pulse, Rates
from photinus.measurements.result import LaserFit
from photinus.measurements.search import descend, search
from photinus.measurements.surfaces import Density, Surfaces
from photinus.measurements.walk import WALKERS, walk

Array = NDArray[np.float64]
Shown = Callable[[Array, np.random.SeedSequence, float], Predicted]
"""From coordinates of a laser, a seed and an effort to what it shows."""
DRAWN = 120
"""Lasers that are drawn for a start."""
BRIEF, USUAL = 0.25, 0.5
"""Efforts of single simulations."""
MOVE = 0.04
"""Step for slopes of the search, in coordinates."""
SEARCH_ERROR = 0.1
"""Error of the model while it is searched, in the scale of comparison."""
FIRST = 0.4
"""Standard deviations of what is known within which lasers are drawn in the first round."""
HEATS = (300.0, 100.0, 30.0, 10.0, 4.0, 4.0, 4.0, 4.0, 4.0)
"""By how much variances of the measurements are raised in each round: narrower and narrower."""
HOT = 10.0
"""Heat above which simulations are brief."""
FEWEST, PER_FEATURE = 24, 1.5
"""Lasers that are simulated in each round: at least, and per feature of the surfaces."""
ROUNDS_USED = 5
"""Rounds that surfaces go through: the last ones."""
REACH, FINAL_REACH = 2.5, 3.0
"""Standard deviations of simulated lasers within which surfaces are believed."""
STEPS, FINAL_STEPS = 300, 1500
"""Steps of each walker in a round, and for the result."""
DOUBTFUL = 0.01
"""Probability of a chi-squared so large below which stated errors are too small."""


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
    with tracked(progress, "fitting the laser", 2 + len(HEATS)) as advance:
        start = _start(knowledge, measurements, seeds[0], advance, effort, **setting)

        def shown(at: Array, own: np.random.SeedSequence, much: float) -> Predicted:
            return predict(knowledge, measurements, at, own, effort=much * effort, **setting)

        surfaces = narrowed(knowledge, measurements, shown, start, seeds[1], advance)
    return concluded(knowledge, measurements, surfaces, seeds[2])


def narrowed(
    knowledge: Knowledge,
    measurements: Sequence[Measurement],
    shown: Shown,
    start: Array,
    seed: np.random.SeedSequence,
    advance: Callable[[float], None] = lambda _: None,
) -> Surfaces:
    """Return surfaces through lasers that do nearly what was measured.

    In each round lasers are drawn that may do so by the surfaces of the round before.
    """
    measured, sigma = joined(measurements)
    size = len(start)
    count = max(FEWEST, round(PER_FEATURE * (1 + size + size * (size + 1) // 2)))
    rng = np.random.default_rng(seed.spawn(1)[0])
    drawn = start + FIRST * knowledge.width * rng.standard_normal((4 * count, size))
    rounds: list[tuple[Array, Array, Array]] = []
    for heat in HEATS:
        much = BRIEF if heat > HOT else USUAL
        rounds = [*rounds[1 - ROUNDS_USED :], _simulated(shown, drawn, count, much, seed)]
        surfaces = Surfaces.through(*(np.concatenate(part) for part in zip(*rounds, strict=True)))
        density = Density(
            surfaces, knowledge.centre, knowledge.width, measured, sigma, REACH, heat, fair=False
        )
        drawn = rng.permutation(_walked(density, np.concatenate([x[0] for x in rounds]), STEPS, rng)[0])
        advance(1.0)
    return surfaces


def _simulated(
    shown: Shown, drawn: Array, count: int, much: float, seed: np.random.SeedSequence
) -> tuple[Array, Array, Array]:
    """Return places, what lasers there show, and its variance, of the first ones that can be."""
    found = []
    for at in drawn:
        try:
            found.append((at, *shown(at, seed.spawn(1)[0], much)))
        except (InvalidInput, NotConverged):  # there is no such laser
            continue
        if len(found) == count:
            break
    if len(found) < count // 2:
        raise NotConverged(
            "few lasers can have what is known and measured: give wider uncertainties, or check the "
            "units of the measurements"
        )
    places, values, variance = (np.array(part) for part in zip(*found, strict=True))
    return places, values, variance


def _walked(
    density: Density, places: Array, steps: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return draws from a density and their own; walkers start at the likeliest of some places."""
    order = np.argsort(-density(places))[np.arange(WALKERS) % len(places)]
    about = 0.01 * rng.standard_normal((WALKERS, places.shape[1])) @ density.surfaces.factor.T
    return walk(density, places[order] + about, steps, rng)


def concluded(
    knowledge: Knowledge,
    measurements: Sequence[Measurement],
    surfaces: Surfaces,
    seed: np.random.SeedSequence,
) -> LaserFit:
    """Return what measurements say by surfaces; if nothing fits, stated errors were too small."""
    from scipy.stats import chi2

    measured, sigma = joined(measurements)
    rng = np.random.default_rng(seed)

    def found(scale: float) -> LaserFit:
        density = Density(
            surfaces, knowledge.centre, knowledge.width, measured, scale * sigma, FINAL_REACH
        )
        starts = (
            surfaces.middle + rng.standard_normal((WALKERS, len(knowledge.names))) @ surfaces.factor.T
        )
        draws, densities = _walked(density, starts, FINAL_STEPS, rng)
        return LaserFit.of(knowledge, draws, densities, surfaces, measurements, scale)

    first = found(1.0)
    if chi2.sf(first.chi_squared, first.freedom) >= DOUBTFUL:
        return first
    return found(float(np.sqrt(first.chi_squared / first.freedom)))


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
