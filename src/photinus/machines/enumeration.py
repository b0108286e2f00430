"""All states of a machine with few units, gone through block by block."""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.states import require_enumerable, states_of
from photinus.errors import InvalidInput
from photinus.machines.checks import require_finite_energies

LOW_UNITS = 12
"""Units of the low half of an enumeration; the others are the high half."""
STATES_PER_BLOCK = 2**20
"""States whose energies are held at one time."""
ROUNDING_TOLERANCE = 1e-6
"""Largest rounding of an energy with which states of nearly equal energy are told apart."""
FAR_BELOW = 45.0
"""States whose log weight is so far below the largest one change no moment."""


class Sums(NamedTuple):
    """What one pass over all states adds up, with log weights counted from the largest one."""

    peak: float
    total: float
    entropy: float
    moments: NDArray[np.float64]


def _adds_exactly(w: NDArray[np.float64], b: NDArray[np.float64], size: float) -> bool:
    """Return whether sums of weights and biases have no rounding: whole numbers, not too large."""
    whole = bool((w == np.rint(w)).all() and (b == np.rint(b)).all())
    return whole and 4 * size < validate.LARGEST_WHOLE


class Enumeration:
    """All states of a machine with given weights (unit, unit) and biases (unit,)."""

    def __init__(self, weights: NDArray[np.float64], biases: NDArray[np.float64]) -> None:
        self.weights, self.biases = weights, biases

    def joint(self) -> NDArray[np.float64]:
        """Return p of every state, array (2**unit,)."""
        sums = self.sums
        joint = np.empty(2 ** len(self.biases))
        for first, log_weight in self._log_weights():
            log_weight -= sums.peak
            np.exp(log_weight, out=log_weight)
            log_weight /= sums.total
            joint[first : first + log_weight.size] = log_weight.ravel()
        return joint

    @functools.cached_property
    def _halves(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """All states of the low and of the high units, arrays (2**unit, unit)."""
        require_enumerable(len(self.biases))
        low = min(len(self.biases), LOW_UNITS)
        high = len(self.biases) - low
        z_low, z_high = states_of(np.arange(2**low), low), states_of(np.arange(2**high), high)
        return z_low.astype(np.float64), z_high.astype(np.float64)

    def _log_weights(self) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Give (index of the first state, -E as array (high state, low state)), block by block.

        -E is the own part of the low units, plus that of the high ones, plus a bilinear cross term.
        """
        z_low, z_high = self._halves
        k = z_low.shape[1]
        w, b = self.weights, self.biases
        own_low = np.sum((z_low @ (w[:k, :k] / 2) + b[:k]) * z_low, axis=1)
        own_high = np.sum((z_high @ (w[k:, k:] / 2) + b[k:]) * z_high, axis=1)
        rows = STATES_PER_BLOCK // len(z_low)
        for first in range(0, len(z_high), rows):
            block = slice(first, first + rows)
            log_weight = (z_high[block] @ w[k:, :k]) @ z_low.T
            log_weight += own_low
            log_weight += own_high[block, None]
            yield first << k, log_weight

    @functools.cached_property
    def sums(self) -> Sums:
        """What one pass over all states adds up."""
        z_low, z_high = self._halves
        require_finite_energies(self.weights, self.biases)
        peak = max(float(log_weight.max()) for _, log_weight in self._log_weights())
        self._require_told_apart(peak)
        low_mass, high_mass = np.zeros(len(z_low)), np.zeros(len(z_high))
        cross = np.zeros((z_high.shape[1], z_low.shape[1]))
        fall = 0.0
        for first, log_weight in self._log_weights():
            high = slice(first // len(z_low), first // len(z_low) + len(log_weight))
            log_weight -= peak
            weight = np.exp(log_weight)
            low_mass += weight.sum(axis=0)
            high_mass[high] = weight.sum(axis=1)
            cross += z_high[high].T @ (weight @ z_low)
            fall += float(np.vdot(weight, log_weight))
        total = float(low_mass.sum())
        moments = np.block(
            [
                [(z_low.T * low_mass) @ z_low, cross.T],
                [cross, (z_high.T * high_mass) @ z_high],
            ]
        )
        return Sums(peak, total, float(np.log(total)) - fall / total, moments / total)

    def _require_told_apart(self, peak: float) -> None:
        """Raise where rounding of huge energies would decide which states are likely.

        A sum of n² terms of at most size S is off by about 2 n S times the rounding unit. That counts
        only if there is more than one state that may be the likeliest.
        """
        size = np.abs(self.biases).sum() + np.abs(self.weights).sum() / 2
        rounding = 2 * len(self.biases) * size * np.finfo(np.float64).eps
        if rounding <= ROUNDING_TOLERANCE or _adds_exactly(self.weights, self.biases, size):
            return
        near = peak - FAR_BELOW - 2 * rounding
        if sum(int((log_weight >= near).sum()) for _, log_weight in self._log_weights()) > 1:
            raise InvalidInput(
                "weights and biases must be smaller for exact answers: several states have energies "
                f"that are equal within rounding ({rounding:.2g}), the sizes add up to {size:.2g}"
            )
