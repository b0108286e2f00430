"""How far pumps and weights go since they were set."""

import math

import numpy as np

from photinus._core import validate


def drifted(
    elapsed: float, *, linear: float = 0.0, flicker: float = 0.0, bandwidth: float = 1.0
) -> float:
    """Return how far a value went since it was set: `weight_drift` or `pump_drift`.

    Parameters
    ----------
    elapsed
        Time since it was set [s], >= 0.
    linear
        Standard deviation of the drift's rate, relative to the value [1/s], >= 0.
    flicker
        Strength h of 1/f noise: relative one-sided spectral density h/f, >= 0.
    bandwidth
        B, frequency up to which there is such noise [Hz], > 0.

    Returns
    -------
    float
        Relative standard deviation. That of 1/f noise is 2 ∫ h/f (1 - cos 2πft) df from 0 to B = 2h (γ
        + ln x - Ci x) at x = 2πBt. It grows with the logarithm of time and needs no lower limit of the
        frequency.
    """
    elapsed = validate.non_negative("elapsed", elapsed, "s")
    linear = validate.non_negative("linear", linear, "1/s")
    flicker = validate.non_negative("flicker", flicker)
    x = 2 * math.pi * validate.positive("bandwidth", bandwidth, "Hz") * elapsed
    if flicker == 0 or x == 0:
        return linear * elapsed
    from scipy.special import sici

    cin = max(0.0, float(np.euler_gamma + math.log(x) - sici(x)[1]))
    return math.hypot(linear * elapsed, math.sqrt(2 * flicker * cin))
