"""What spikes of single neurons show while they come in: intervals, and the share of time on."""

import numpy as np
from numpy.typing import NDArray

from photinus.spikes.trains import SpikeTrains

LONGEST = 6.0
"""Longest interval of the histogram, in τ."""
BINS = 48
FINE = 8
"""Parts of a bin that the law is compared in."""


class Intervals:
    """Intervals and time on of many chains of one neuron; times in seconds.

    Parameters
    ----------
    chains
        Number of chains.
    window
        State window τ [s].
    start
        Time at which it begins to look [s].
    """

    def __init__(self, chains: int, window: float, start: float) -> None:
        self._window, self._start, self._end = window, start, start
        self._last = np.full(chains, -np.inf)
        self._on = np.zeros(chains)
        self._counts = np.zeros(BINS * FINE + 1, np.int64)

    def add(self, spikes: SpikeTrains, first: int = 0) -> None:
        """Count the next spikes of chains from `first` on, one unit each."""
        mine = spikes.of_chains(first, first + len(self._last))
        chain, time = mine.chain, mine.time
        self._end = spikes.end
        new = np.r_[True, np.diff(chain) > 0][: len(chain)]
        before = np.where(new, self._last[chain], np.r_[0.0, time[:-1]][: len(time)])
        gap = (time - before)[np.isfinite(before)]
        np.add.at(self._on, chain[np.isfinite(before)], np.minimum(gap, self._window))
        self._last[chain] = time  # times of a chain rise, so the last one stays
        width = LONGEST * self._window / (BINS * FINE)
        place = np.minimum((gap / width).astype(np.int64), BINS * FINE)
        self._counts += np.bincount(place, minlength=len(self._counts))

    @property
    def count(self) -> int:
        """Number of intervals."""
        return int(self._counts.sum())

    def shares(self) -> NDArray[np.float64]:
        """Return the share of time on of each chain, array (chain,); nan before any time has passed."""
        time = self._end - self._start
        if time <= 0:
            return np.full(len(self._on), np.nan, np.float64)
        pending = np.minimum(self._end - self._last, self._window)
        on = self._on + np.where(np.isfinite(self._last), pending, 0.0)
        return np.asarray(on / time, np.float64)

    def density(self) -> NDArray[np.float64]:
        """Return the histogram as a density [1/τ], array (bin,)."""
        coarse = self._counts[:-1].reshape(BINS, FINE).sum(axis=1)
        return np.asarray(coarse / max(self.count, 1) * BINS / LONGEST)

    def ideal(self) -> NDArray[np.float64]:
        """Return the density of an ideal neuron that is on as often [1/τ], array (bin,).

        After a spike it rests for τ, then fires with the hazard p/(1-p)/τ (Buesing et al. 2011, PLoS
        Comput. Biol. 7, e1002211), p the share of time on.
        """
        edges = np.linspace(0, LONGEST, BINS + 1)
        return np.diff(self._law(edges)) * BINS / LONGEST

    def distance(self) -> float:
        """Return the largest distance of the law of intervals from the ideal neuron's, 0 to 1."""
        if not self.count:
            return float("nan")
        edges = np.linspace(0, LONGEST, BINS * FINE + 1)[1:]
        found = np.cumsum(self._counts[:-1]) / self.count
        return float(np.abs(found - self._law(edges)).max())

    def _law(self, interval: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the ideal neuron's probability of an interval of at most so many τ."""
        p = float(np.clip(np.nanmean(self.shares()), 1e-9, 1 - 1e-9))
        return -np.expm1(-p / (1 - p) * np.maximum(interval - 1, 0))
