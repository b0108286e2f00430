"""The driver of a laser: what its input current, of bias and synapses, makes of the pump.

Without bend the pump is the input, and none where that is below zero. A driver that bends gives::

    P(x) = k + y,     y = ((x - k) + sqrt((x - k)² + s²))/2,

k is its knee and s its softness. P follows x far above the knee and approaches k far below it. An idle
current k is the lowest pump. The rest, y, is one branch of a current splitter, y z = s²/4 with
y - z = x - k. Class-AB current amplifiers have it at their input, as a translinear loop of four
transistors (Gilbert 1975, Electron. Lett. 11, 14). The log-odds of a laser fall the faster with the
pump, the lower
that is. Behind such a driver they are nearly straight in the input.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Driver:
    """A driver, all in the unit of its input; see the module's description."""

    knee: float = 0.0
    """k, the pump that it idles at, >= 0."""
    softness: float = 0.0
    """s, >= 0."""

    @property
    def bends(self) -> bool:
        """Whether it is anything else than a plain wire."""
        return self.knee > 0 or self.softness > 0

    def scaled(self, factor: float) -> "Driver":
        """Return the same driver in a unit that is smaller by `factor`."""
        return Driver(self.knee * factor, self.softness * factor)

    def pump(self, given: ArrayLike) -> NDArray[np.float64]:
        """Return the pump at an input of any shape."""
        return bent(np.asarray(given, np.float64), self.knee, self.softness)

    def input(self, pump: ArrayLike) -> NDArray[np.float64]:
        """Return the input at which the pump is `pump`, above the knee (above 0 without bend)."""
        y = np.asarray(pump, np.float64) - self.knee
        with np.errstate(divide="ignore"):
            return np.asarray(self.knee + y - 0.25 * self.softness**2 / y)


def bent(given: NDArray[np.float64], knee: ArrayLike, softness: ArrayLike) -> NDArray[np.float64]:
    """Return the pumps of drivers at inputs; arrays that go together."""
    x = given - np.asarray(knee)
    root = np.hypot(x, softness)
    # Below the knee the sum would subtract numbers of like size.
    below = 0.5 * np.asarray(softness) ** 2 / np.maximum(root - x, np.finfo(float).tiny)
    return np.asarray(knee + np.where(x > 0, 0.5 * (x + root), below))
