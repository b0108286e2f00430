"""The hazard of a laser over age and drive, smoothed from its intervals."""

import numpy as np
from numpy.typing import NDArray

from photinus.spikes.trains import SpikeTrains

DRIVE_SPLINES, AGE_SPLINES = 28, 72
SMOOTHING = (0.1, 0.03)
"""Weights of the penalties along drive and age."""
LEAST_GAIN = 1e-6
"""Gain of log-likelihood per event that a step of the smoothing must still promise."""


def smooth_hazard(
    spikes: SpikeTrains,
    drives: NDArray[np.float64],
    drive: NDArray[np.float64],
    ages: int,
    step: float,
) -> NDArray[np.float64]:
    """Return the logarithm of the hazard [1/s] at ages and `drive`, array (age, drive)."""
    lane, begins, time = spikes.by_lane()
    events, exposure = np.zeros((2, len(drives), ages))
    same = np.diff(lane) == 0
    last = begins[1:][np.diff(begins) > 0] - 1
    length = np.concatenate([np.diff(time)[same], spikes.stop - time[last]])
    owner = np.concatenate([lane[1:][same], lane[last]]) // spikes.chains
    fired = np.arange(len(length)) < same.sum()
    bin_ = np.minimum((length / step).astype(np.int64), ages - 1)
    np.add.at(events, (owner[fired], bin_[fired]), 1.0)
    # Time spent in the last bin reached, and the whole of every earlier one.
    np.add.at(exposure, (owner, bin_), length - bin_ * step)
    reached = np.zeros_like(exposure)
    np.add.at(reached, (owner, bin_), 1.0)
    later = reached[:, ::-1].cumsum(axis=1)[:, ::-1] - reached
    exposure[:, :-1] += later[:, :-1] * step
    middle = 0.5 * (drives[0] + drives[-1])

    def along(x: NDArray[np.float64]) -> NDArray[np.float64]:
        # Finer in the middle, where activations change most.
        return np.asarray(np.arcsinh(4 * (x - middle) / (drives[-1] - drives[0])))

    return _p_spline(
        _splines(along(drives), along(drives), DRIVE_SPLINES),
        _splines(np.arange(ages) / ages, np.array([0.0, 1.0]), AGE_SPLINES),
        events,
        exposure,
        _splines(along(drive), along(drives), DRIVE_SPLINES),
    ).T


def _splines(x: NDArray[np.float64], span: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return `count` cubic B-splines with equal knots over the range of `span`, array (x, spline)."""
    from scipy.interpolate import BSpline

    low, high = span.min(), span.max()
    knot = (high - low) / (count - 3)
    knots = low + knot * np.arange(-3, count + 1)
    inside = np.clip(x, low, high - 1e-9 * knot)
    return np.asarray(BSpline.design_matrix(inside, knots, 3).toarray())


def _p_spline(
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    events: NDArray[np.float64],
    exposure: NDArray[np.float64],
    wanted: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the smoothed log rate at `wanted` rows and all columns, by penalised scoring."""
    from scipy.linalg import solve

    n, m = rows.shape[1], columns.shape[1]

    def penalty(size: int) -> NDArray[np.float64]:
        bend = np.diff(np.eye(size), 2, axis=0)
        return bend.T @ bend

    def squares(basis: NDArray[np.float64]) -> NDArray[np.float64]:
        return (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)

    # The last term holds coefficients that no datum and no neighbour determines.
    prior = SMOOTHING[0] * np.kron(penalty(n), np.eye(m)) + SMOOTHING[1] * np.kron(
        np.eye(n), penalty(m)
    )
    prior += 1e-6 * np.eye(n * m)
    left, right = squares(rows).T, squares(columns)

    def expected(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(exposure * np.exp(np.clip(rows @ weights @ columns.T, -80, 60)))

    def loss(weights: NDArray[np.float64]) -> float:
        flat = weights.ravel()
        rate = expected(weights).sum() - np.vdot(events, rows @ weights @ columns.T)
        return float(rate + 0.5 * flat @ prior @ flat)

    weights = np.full((n, m), np.log((events.sum() + 1) / exposure.sum()))
    now = loss(weights)
    for _ in range(80):
        mean = expected(weights)
        fisher = (left @ mean @ right).reshape(n, n, m, m).transpose(0, 2, 1, 3)
        slope = (rows.T @ (events - mean) @ columns).ravel() - prior @ weights.ravel()
        step = solve(fisher.reshape(n * m, n * m) + prior, slope, assume_a="pos")
        gain = 0.5 * float(slope @ step)
        if gain < LEAST_GAIN * events.sum():
            break
        share = 1.0
        while (after := loss(weights + share * step.reshape(n, m))) > now and share > 1e-6:
            share *= 0.5
        weights, now = weights + share * step.reshape(n, m), after
    return np.asarray(wanted @ weights @ columns.T)
