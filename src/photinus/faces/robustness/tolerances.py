"""The size at which an imperfection is too large, read off KLs that were measured."""

import numpy as np
from numpy.typing import NDArray

from photinus.faces.robustness.sweeps import Sweep

RESAMPLED = 2000
"""Bootstrap samples of the machines behind an error bar."""
LEAST = 1e-6
"""Smallest KL [nats] that curves go down to; less is noise about zero."""


def crossing(sizes: NDArray[np.float64], kl: NDArray[np.float64], level: float) -> float:
    """Return the size at which `kl` reaches `level`, between sizes log-linearly; 0 or inf outside.

    More of an imperfection makes nothing better, so what falls is noise. The curve is the rising one
    next to log `kl` (isotonic regression). So a single high point among low ones is no crossing.
    """
    from scipy.optimize import isotonic_regression

    kl = np.exp(isotonic_regression(np.log(kl)).x)
    above = np.flatnonzero(kl >= level)
    if not len(above):
        return float("inf")
    k = int(above[0])
    if k == 0:
        return 0.0
    log = np.log(kl[k - 1 : k + 1])
    share = (np.log(level) - log[0]) / (log[1] - log[0])
    return float(np.exp(np.log(sizes[k - 1]) + share * np.log(sizes[k] / sizes[k - 1])))


def tolerance(
    sweep: Sweep,
    sizes: NDArray[np.float64],
    kl: NDArray[np.float64],
    yardstick: NDArray[np.float64],
    level: float | None,
) -> str:
    """Return the size at which the mean KL is `level`, or twice the yardstick's, with its error.

    Parameters
    ----------
    sweep
        What was measured.
    sizes, kl
        Sizes, array (size,), and KLs, array (machine, size) [nats].
    yardstick
        KLs without fault, array (machine,).
    level
        KL [nats]; None for twice the mean of the yardstick.
    """
    if not len(kl):
        return "not measured"

    def of(rows: NDArray[np.intp]) -> float:
        wanted = 2 * max(yardstick[rows].mean(), LEAST) if level is None else level
        return crossing(sizes, np.maximum(kl[rows].mean(axis=0), LEAST), float(wanted))

    best = of(np.arange(len(kl)))
    if best == 0:
        return f"beyond already at {sweep.shown(sizes[0])}"
    if best == np.inf:
        return f"not up to {sweep.shown(sizes[-1])}"
    if len(kl) < 2:
        return sweep.shown(best)
    random = np.random.default_rng(0)
    draws = random.integers(len(kl), size=(RESAMPLED, len(kl)))
    low, high = np.quantile([of(rows) for rows in draws], (0.16, 0.84), method="nearest")
    ends = (
        f"below {sweep.shown(sizes[0])}" if low == 0 else sweep.shown(low),
        f"above {sweep.shown(sizes[-1])}" if high == np.inf else sweep.shown(high),
    )
    return f"{sweep.shown(best)} ({ends[0]} to {ends[1]})"
