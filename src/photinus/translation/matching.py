"""Biases and weights for which the foretold law has the moments of the machine, for few units.

`photinus.translation.distortion` makes each pair right for itself. What is left, curvature above all,
moves marginals and pairs together. So the law that the network would show is solved for. Biases and
weights are corrected by the difference of its moments, like a chip by those it shows
(`photinus.learning.refinement`). δ(b, W) = J⁻¹ (moments of the machine - those of the law), with J the
mean of both covariances. No random number and no simulation is in it.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from photinus.translation.distortion import Distorted

MOST_MATCHED = 9
"""Units up to which laws are solved for."""
ROUNDS = 6
"""Corrections at most."""
LONGEST = 0.7
"""Largest change of a bias or weight in one of them."""
RIDGE = 1e-5
"""Added to the variances: what hardly varies is hardly changed."""
GAIN = 0.05
"""Part by which the squared difference of moments must become smaller for another correction."""


def matched(
    states: NDArray[np.float64],
    target: NDArray[np.float64],
    start: Distorted,
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
    law: Callable[[Distorted], NDArray[np.float64]],
) -> Distorted:
    """Return biases and weights, from `start` on, for which `law` has the moments of `target`.

    Parameters
    ----------
    states : array (state, unit)
        All states.
    target : array (state,)
        Probabilities of the machine.
    start
        Where to begin.
    pairs : two arrays (pair,)
        Pairs whose weights may change.
    law
        What a network with these biases and weights shows, array (state,).
    """
    one, other = pairs
    statistics = np.concatenate([states, states[:, one] * states[:, other]], axis=1)
    wanted, spread = _moments(statistics, target)
    best, now = start, start
    least = np.inf
    for _ in range(ROUNDS + 1):
        shown, varied = _moments(statistics, law(now))
        response = 0.5 * (spread + varied) + RIDGE * np.eye(len(wanted))
        step = np.linalg.solve(response, wanted - shown)
        off = float((wanted - shown) @ step)
        if not off < (1 - GAIN) * least:
            break
        best, least = now, off
        now = _changed(now, one, other, np.clip(step, -LONGEST, LONGEST))
    return best


def _moments(
    statistics: NDArray[np.float64], p: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means (statistic,) and covariance of statistics (state, statistic)."""
    mean = p @ statistics
    return mean, (statistics * p[:, None]).T @ statistics - np.outer(mean, mean)


def _changed(
    given: Distorted, one: NDArray[np.intp], other: NDArray[np.intp], step: NDArray[np.float64]
) -> Distorted:
    """Return biases and weights changed by a step (statistic,)."""
    n = len(given.biases)
    weights = given.weights.copy()
    weights[one, other] += step[n:]
    weights[other, one] = weights[one, other]
    return replace(given, biases=given.biases + step[:n], weights=weights)
