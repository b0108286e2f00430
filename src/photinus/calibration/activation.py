"""The activation curve of a device: where it lies, a long sweep of the drive, and its logistic fit."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus import units
from photinus._core import validate
from photinus.calibration.bench import Bench, activation, intervals_by_unit
from photinus.devices import Parameters, device_of
from photinus.errors import NotConverged
from photinus.spikes.trains import SpikeTrains
from photinus.translation.neuron import logistic_curve

SURVEY_POINTS = 32
"""Drives in each step of the survey."""
FIT_BAND = (0.05, 0.95)
"""Probabilities between which the logistic is fitted (protocol of `sbs`)."""
TOLERATED_ERROR = 0.05
"""Largest error of the activation that counts as inside the calibrated range of biases."""


class NotRandom(NotConverged):
    """A device has no activation curve: it fires too regularly, or not at all."""


def fit_logistic(
    x: NDArray[np.float64], p: NDArray[np.float64], error: NDArray[np.float64]
) -> tuple[float, float, float, float, float]:
    """Return midpoint, slope, their standard errors, and the largest residual in the band."""
    from scipy.optimize import curve_fit

    band = (p > FIT_BAND[0]) & (p < FIT_BAND[1])
    if band.sum() < 4:
        raise NotRandom(
            f"the activation must have at least 4 points between {FIT_BAND[0]} and {FIT_BAND[1]}, "
            f"got {int(band.sum())}: the device switches from silent to always on"
        )
    guess = (float(np.interp(0.5, p[band], x[band])), float(np.ptp(x[band])) / 5)
    (midpoint, slope), covariance = curve_fit(
        logistic_curve, x[band], p[band], p0=guess, sigma=np.maximum(error[band], 1e-4)
    )
    midpoint_error, slope_error = np.sqrt(np.diag(covariance))
    residual = np.abs(logistic_curve(x[band], midpoint, slope) - p[band]).max()
    return (
        float(midpoint),
        float(slope),
        float(midpoint_error),
        float(slope_error),
        float(residual),
    )


def survey(
    bench: Bench, window: float | None, advance: Callable[[], None]
) -> tuple[float, tuple[float, float]]:
    """Return a first state window (or the given one), and a first (midpoint, slope)."""
    memory = bench.setting.time_constant
    settle = 12 * memory
    bracket = bench.setting.bracket
    # Each survey narrows the drives to where firing goes from rare to regular.
    for stage in range(3):
        drive = np.linspace(*bracket, SURVEY_POINTS)
        duration = settle + (40 if stage < 2 else 200) * memory
        spikes = bench.run(bench.network(drive, memory), duration, stage, bench.chains // 2)
        mean, cv, _ = intervals_by_unit(spikes, settle)
        if stage < 2:
            bracket = _zoom(drive, spikes.rates().mean(axis=0), cv, bracket)
        advance()
    half = _crossing(drive, cv, 0.5)
    if half is None:
        low, high = bench.setting.bracket
        raise NotRandom(
            f"device {bench.parameters.name!r} never fires at random at drives from {low:.3g} to "
            f"{high:.3g}: there is no activation curve to calibrate"
        )
    known = np.isfinite(mean)
    if window is None:
        window = rounded(np.interp(half, drive[known], mean[known]) / 2)
    p, error = activation(spikes, window, settle)
    midpoint, slope, *_ = fit_logistic(drive, p, error)
    return window, (midpoint, slope)


def rounded(window: float) -> float:
    """Return a state window as it is told: in as many digits as its noise leaves.

    Between seeds it scatters by 1 to 2 % (presets, 64 chains). Two digits would be steps of up to 9 %.
    A small change of the device would change its speed by nothing, or by too much.
    """
    return float(f"{window:.3g}")


def _zoom(
    grid: NDArray[np.float64],
    rate: NDArray[np.float64],
    cv: NDArray[np.float64],
    bracket: tuple[float, float],
) -> tuple[float, float]:
    """Return the pumps between the last silent point and the first that fires regularly."""
    firing = rate > 0.01 * rate.max(initial=0.0)
    if not firing.any():
        return bracket
    first = max(int(np.argmax(firing)) - 1, 0)
    regular = firing & (np.nan_to_num(cv, nan=np.inf) < 0.12)
    last = int(np.argmax(regular)) if regular.any() else len(grid) - 1
    return float(grid[first]), float(grid[max(last, first + 1)])


def _crossing(x: NDArray[np.float64], y: NDArray[np.float64], level: float) -> float | None:
    """Return where the falling curve y(x) last crosses `level`, None if it does not."""
    known = np.isfinite(y)
    x, y = x[known], y[known]
    above = np.flatnonzero(y >= level)
    if len(above) == 0 or above[-1] + 1 >= len(y):
        return None
    k = above[-1]
    return float(np.interp(level, [y[k + 1], y[k]], [x[k + 1], x[k]]))


def sweep(
    bench: Bench, window: float, guess: tuple[float, float]
) -> tuple[NDArray[np.float64], SpikeTrains]:
    """Return the drives of the long sweep and the spikes that they bring."""
    drive = guess[0] + guess[1] * np.linspace(-6, 8, 57)
    drive = drive[drive > device_of(bench.parameters).least_drive]
    duration = bench.settle(window) + 200 * window
    return drive, bench.run(bench.network(drive, window), duration, 3)


def activation_curve(
    bench: Bench, drive: NDArray[np.float64], spikes: SpikeTrains, window: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the sweep read out with a state window, and its logistic fit: constants, and the rest."""
    validate.instance("spikes", spikes, SpikeTrains)
    settle = bench.settle(window)
    p, error = activation(spikes, window, settle)
    mean, cv, shortest = intervals_by_unit(spikes, settle)
    midpoint, slope, midpoint_error, slope_error, residual = fit_logistic(drive, p, error)
    bias = (drive - midpoint) / slope
    good = np.abs(p - logistic_curve(bias, 0.0, 1.0)) <= TOLERATED_ERROR
    middle = int(np.argmin(np.abs(bias)))
    first, last = middle, middle
    while first > 0 and good[first - 1]:
        first -= 1
    while last < len(bias) - 1 and good[last + 1]:
        last += 1
    if first == last:
        off = abs(p[middle] - logistic_curve(bias[middle], 0.0, 1.0))
        raise NotRandom(_why_not_logistic(bench.parameters, window, off, p[middle]))
    constants = {
        "midpoint": midpoint,
        "slope": slope,
        "bias_range": (float(bias[first]), float(bias[last])),
        "drive": drive,
        "activation": p,
        "mean_interval": mean,
    }
    measured = {
        "midpoint_error": midpoint_error,
        "slope_error": slope_error,
        "residual": residual,
        "activation_error": error,
        "interval_cv": cv,
        "shortest_interval": shortest,
    }
    return constants, measured


def _why_not_logistic(parameters: Parameters, window: float, off: float, on: float) -> str:
    """Return why a device has no range of biases."""
    return (
        f"device {parameters.name!r} has no range of biases: in a state window of "
        f"{units.quantity(window, 's')} its activation is off a logistic by {off:.2g} even at "
        f"P(on) = {on:.2g}, where {TOLERATED_ERROR} is allowed"
    )
