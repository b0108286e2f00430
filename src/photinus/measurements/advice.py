"""Which further measurement would say most about a fitted laser."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.streams import Seed, seed_sequence
from photinus.devices.laser import LaserParameters, instability_pump
from photinus.devices.laser.dynamics import quiet_state
from photinus.devices.laser.measured import SHARES
from photinus.errors import NotConverged
from photinus.measurements.bench import Run, run
from photinus.measurements.curves import Predicted
from photinus.measurements.fit import joined, predict
from photinus.measurements.knowledge import GIVEN, quantity_at
from photinus.measurements.lines import Belief, Lines, information, linearise
from photinus.measurements.noise import relative_noise
from photinus.measurements.observations import (
    FEWEST_INTERVALS,
    Intervals,
    Light,
    Measurement,
    Noise,
    Pulse,
    Rates,
    aligned,
)
from photinus.measurements.result import LaserFit
from photinus.units import ps, quantity

Array = NDArray[np.float64]
LIGHT = (0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.3, 1.6, 2.0, 2.5, 3.0)
"""Currents of a light curve, over that at which the laser pulses by itself, or its threshold."""
RATES = (0.9, 0.95, 1.0, 1.05, 1.1, 1.2)
INTERVALS, PULSE, NOISE = (0.97, 1.1), 1.1, 3.0
WITHIN = 0.3
"""Standard deviation within which lasers are drawn, in their coordinates."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Advice(Displayed):
    """A measurement that could be made, and what it would bring.

    Examples
    --------
    >>> from photinus.measurements import Advice
    >>> Advice(measurement="rates of spikes", gain=0.7).gain
    0.7
    """

    measurement: str
    """What to measure, in words."""
    gain: float
    """Information expected about all quantities together [nats]: ln 2 halves one error."""


def next_measurements(
    fit: LaserFit, *, seed: Seed = 0, threads: int | None = None
) -> tuple[Advice, ...]:
    """Return measurements of the usual kinds and what each would bring, the best first.

    Lasers that the fit leaves possible are simulated. The more they differ in what a measurement would
    show, compared with its usual errors, the more it brings (Lindley 1956, Ann. Math. Stat. 27, 986;
    for normal distributions). One quantity measured by itself, within 5 %, counts as well.

    Parameters
    ----------
    fit
        What was found so far.
    seed, threads
        As in `photinus.sample`.

    Raises
    ------
    InvalidInput
        If `fit` is no fit.

    Examples
    --------
    >>> from photinus.measurements import Light, fit_laser, next_measurements
    >>> light = Light(current=[4e-6, 8e-6, 2e-5, 4e-5], power=[5e-8, 2e-7, 5e-6, 1.6e-5])
    >>> found = fit_laser({"quality": 5000}, [light])  # doctest: +SKIP
    >>> quality = found.estimate("quality")  # doctest: +SKIP
    >>> best = next_measurements(found)[0].measurement  # doctest: +SKIP
    """
    validate.instance("fit", fit, LaserFit)
    seeds = seed_sequence(seed).spawn(2)
    possible = _possible(fit.laser, seeds[0], threads)
    measured = [each for _, each in possible]

    def shown(at: Array, own: np.random.SeedSequence) -> Predicted:
        return predict(fit.knowledge, measured, at, own, level=None, effort=0.5, threads=threads)

    size = len(fit.mean)
    belief = Belief(fit.mean, fit.covariance)
    lines = linearise(shown, belief.within(WITHIN), min(24, 3 * size), seeds[1])
    precision = lines.factor.T @ np.linalg.solve(fit.covariance, lines.factor)
    found, start = [], 0
    for what, each in possible:
        mine = slice(start, start + len(each.measured))
        start = mine.stop
        brought = information(_part(lines, mine), joined([each])[1])
        found.append(Advice(measurement=what, gain=_gain(precision, brought)))
    found += [_alone(fit, k) for k in range(size)]
    return tuple(sorted(found, key=lambda each: -each.gain))


def _gain(precision: Array, brought: Array) -> float:
    """Return by how much the entropy of a normal distribution falls [nats]."""
    before, after = (np.linalg.slogdet(x)[1] for x in (precision, precision + brought))
    return float(after - before) / 2


def _part(lines: Lines, mine: slice) -> Lines:
    """Return the lines of some of the values."""
    names = ("level", "slope", "curvature", "scatter", "error")
    return replace(lines, **{name: getattr(lines, name)[mine] for name in names})


def _alone(fit: LaserFit, k: int) -> Advice:
    """Return what one quantity would bring that is measured by itself."""
    name, variance = fit.knowledge.names[k], float(fit.covariance[k, k])
    width = GIVEN / (1 - quantity_at(name, fit.mean[k])) if name in SHARES else GIVEN
    gain = 0.5 * float(np.log1p(variance / width**2))
    return Advice(measurement=f"{name} by itself, within {100 * GIVEN:g} %", gain=gain)


def _possible(
    laser: LaserParameters, seed: np.random.SeedSequence, threads: int | None
) -> Sequence[tuple[str, Measurement]]:
    """Return measurements that could be made of a laser, as it would show them."""
    try:
        turn, spikes = laser.current(instability_pump(laser)), True
    except NotConverged:
        turn, spikes = laser.threshold_current, False
    light, rates = turn * np.array(LIGHT), turn * np.array(RATES) * spikes
    at = [turn * x for x in INTERVALS] if spikes else []
    bright = PULSE * turn
    recorded = sorted({*light.tolist(), *([bright] if spikes else [])})
    counted = sorted({*rates.tolist(), *at}) if spikes else []
    seen = run(laser, recorded, counted, seed, effort=1.0, threads=threads)
    power = np.array([seen.light(x).mean() for x in light]) * laser.output_power(1.0)
    ends = f"{quantity(light[0], 'A')} to {quantity(light[-1], 'A')}"
    found: list[tuple[str, Measurement]] = [
        (f"light against current, {ends}", Light(current=light, power=power))
    ]
    if spikes:
        found += _of_spikes(seen, bright, rates, at)
    steady = NOISE * turn
    if quiet_state(laser, laser.pump_rate(steady)).is_stable:
        frequency = np.geomspace(1e8, 1e11, 24)
        rin = relative_noise(laser, steady, frequency)
        what = f"intensity noise at {quantity(steady, 'A')}, 100 MHz to 100 GHz"
        found.append((what, Noise(current=steady, frequency=frequency, rin=rin)))
    return found


def _of_spikes(
    seen: Run, bright: float, rates: Array, at: Sequence[float]
) -> list[tuple[str, Measurement]]:
    """Return measurements of spikes, those that have enough of them."""
    found: list[tuple[str, Measurement]] = []
    reach = 10 * seen.laser.photon_lifetime
    time = np.arange(-reach, 2 * reach, max(seen.spacing, ps))
    spikes = aligned(seen, bright, time)
    if len(spikes):
        power = spikes.mean(axis=0) * seen.laser.output_power(1.0)
        what = f"a pulse at {quantity(bright, 'A')}"
        found.append((what, Pulse(current=bright, time=time, power=power)))
    rate = np.array([seen.counts(x).mean() for x in rates])
    if rate.max() > 0:
        ends = f"{quantity(rates[0], 'A')} to {quantity(rates[-1], 'A')}"
        found.append((f"rate of spikes, {ends}", Rates(current=rates, rate=rate)))
    for current in at:
        drawn = seen.intervals(current)
        if len(drawn) >= FEWEST_INTERVALS:
            what = f"{len(drawn)} intervals at {quantity(current, 'A')}"
            found.append((what, Intervals(current=current, interval=drawn)))
    return found
