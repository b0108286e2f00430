"""What is counted while draws come in: marginals, joint, and the divergence as it falls."""

import contextlib

import numpy as np
from numpy.typing import NDArray

from photinus._core.states import states_of
from photinus.diagnostics.distance import divergence
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine

MOST_UNITS = 12
"""Free units up to which all their states are counted."""
MOST_BARS = 32
"""States that are shown, the most probable ones."""
FIRST_POINT = 8
"""Draws of each chain before the first point of the divergence."""
POINTS_PER_DECADE = 8


class Tally:
    """Counts of the free units of all chains.

    Parameters
    ----------
    target
        What they should come from: the machine given the evidence.
    free : array (k,)
        Positions of its units among those of the draws.
    chains
        Number of chains.
    """

    def __init__(self, target: BoltzmannMachine, free: NDArray[np.intp], chains: int) -> None:
        self._target, self._free = target, free
        self.draws = 0
        self._on = np.zeros(target.n_units)
        self._counts: NDArray[np.int64] | None = None
        self._points: list[tuple[float, ...]] = []
        self._next = FIRST_POINT
        if target.n_units <= MOST_UNITS:
            self._counts = np.zeros((chains, 2**target.n_units), np.int64)
            probable = np.argsort(-target.joint(), kind="stable")[:MOST_BARS]
            self._shown = np.sort(probable)

    def add(self, states: NDArray[np.uint8]) -> None:
        """Count draws, array (chain, draw, unit); note a divergence where one is due."""
        chains, draws, _ = states.shape
        own = states[:, :, self._free]
        self.draws += draws
        self._on += own.mean(axis=0).sum(axis=0)
        if self._counts is None:
            return
        size = self._counts.shape[1]
        index = own @ (1 << np.arange(own.shape[2])) + size * np.arange(chains)[:, None]
        self._counts += np.bincount(index.ravel(), minlength=chains * size).reshape(chains, size)
        if self.draws >= self._next:
            self._note(self._counts)

    def _note(self, counts: NDArray[np.int64]) -> None:
        from scipy.sparse import csr_array

        self._next = int(np.ceil(self.draws * 10 ** (1 / POINTS_PER_DECADE)))
        found = divergence(self._target, csr_array(counts / self.draws), counts.sum(), seed=0)
        self._points.append((self.draws, found.kl, found.floor, found.limit))

    @property
    def marginals(self) -> NDArray[np.float64]:
        """Share of draws in which each free unit is 1."""
        return self._on / max(self.draws, 1)

    def sampled(self) -> dict[str, NDArray[np.float64]]:
        """Return what the draws show, by the name of the page's array."""
        found = {"marginals": self.marginals}
        if self._counts is not None:
            joint = self._counts.sum(axis=0) / max(self._counts.sum(), 1)
            found["joint"] = joint[self._shown]
            points = np.reshape(self._points, (-1, 4)).T
            found |= zip(("kl_draws", "kl", "kl_floor", "kl_limit"), points, strict=True)
        return found

    def exact(self) -> dict[str, NDArray[np.generic]]:
        """Return what is known without sampling, by the name of the page's array."""
        known: dict[str, NDArray[np.generic]] = {}
        with contextlib.suppress(InvalidInput):  # too far from a tree: nobody knows them
            known["exact_marginals"] = self._target.marginals()
        if self._counts is not None:
            known["shown"] = states_of(self._shown, self._target.n_units)
            known["exact_joint"] = self._target.joint()[self._shown]
        return known
