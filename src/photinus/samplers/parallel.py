"""Parallel tempering on any substrate whose chains can each have a temperature."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.streams import ChainsFrom, Role, first_chain_of, philox
from photinus.reference import starts
from photinus.reference._chains import energies
from photinus.samplers.request import Piece, Request, Run
from photinus.samplers.tempering import Parallel
from photinus.spikes.trains import SpikeTrains


class ParallelRun(Run):
    """Each chain is several copies at different temperatures; draws are those of the cold one.

    Temperatures are swapped, not states: that is what digital logic beside a chip can do, by drives
    and attenuations. Copy r of chain c is chain ``c * copies + r`` of the run below. Every random
    number of a swap belongs to a chain, a temperature, and the number of the swap. So draws depend
    neither on threads, nor on how the work is cut.
    """

    heated = parallel = True

    def __init__(self, request: Request, kind: type[Run], plan: Parallel) -> None:
        self._request, self._plan = request, plan
        self._inner = kind(_copied(request, plan.copies))
        self.window, self.network = self._inner.window, self._inner.network
        self.time_step, drive = self._inner.time_step, self._inner.drive
        self.drive = None if drive is None else drive[:: plan.copies]
        self.draws_per_piece = self._inner.draws_per_piece
        # Which temperature each copy has, (chain, copy); copies start in order.
        self._level = np.tile(np.arange(plan.copies), (request.chains, 1))
        self._done = _unswapped(request.burn_in)
        self._swaps = np.array(0)
        # Spikes of all copies and chains after the burn-in, (unit,).
        self._spikes = np.zeros(request.machine.n_units, np.int64)
        self._inner.heat(self._temperatures())

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return the next `draws` draws."""
        request, parts = self._request, []
        if self._done == _unswapped(request.burn_in):
            self._drop(request.burn_in - self._done, report)
        for length in self._stretches(draws):
            parts.append(self._stretch(length, report))
        return Piece(np.concatenate(parts, axis=1), None)

    def _drop(self, windows: int, report: Callable[[float], None]) -> None:
        """Spend what is left of the burn-in."""
        for length in self._stretches(windows):
            self._stretch(length, report)

    def _stretches(self, windows: int) -> list[int]:
        """Return the lengths of the stretches up to each round of swaps."""
        every, done = self._plan.every, self._done
        ends = [*range(done + every - done % every, done + windows, every), done + windows]
        return [int(length) for length in np.diff([done, *ends]) if length]

    def _stretch(self, windows: int, report: Callable[[float], None]) -> NDArray[np.uint8]:
        """Return the cold states of so many windows, (chain, window, unit); swap if it is time."""
        piece = self._inner.advance(windows, report)
        self._count(piece.spikes)
        copies = piece.states.reshape(*self._level.shape, *piece.states.shape[1:])
        cold = (self._level == 0).argmax(axis=1)
        states = np.array(copies[np.arange(len(cold)), cold])
        self._done += windows
        if self._done % self._plan.every == 0:
            self._swap(copies[:, :, -1])
        return states

    def _count(self, spikes: SpikeTrains | None) -> None:
        """Count the spikes of this stretch; a piece may bring some from before."""
        if spikes is not None and self._done >= self._request.burn_in:
            fresh = spikes.unit[spikes.time > self._done * float(self.window or 0.0)]
            self._spikes += np.bincount(fresh, minlength=len(self._spikes))

    def activity(self) -> NDArray[np.float64] | None:
        """Return spikes per second and unit of all copies together, (unit,), where there are some."""
        windows = self._done - self._request.burn_in
        if self.window is None or windows <= 0:
            return None
        return np.asarray(self._spikes / (self._request.chains * windows * self.window))

    def _swap(self, states: NDArray[np.uint8]) -> None:
        """Swap temperatures of neighbours, even and odd pairs in turn; states (chain, copy, unit)."""
        beta = 1 / np.array(self._plan.temperatures)
        # Not by a product of matrices, whose rounding depends on threads.
        energy = energies(self._request.machine, states.reshape(-1, states.shape[-1]))
        energy = energy.reshape(self._level.shape)
        row = np.arange(len(states))
        for low in range(int(self._swaps) % 2, len(beta) - 1, 2):
            # The copies at temperatures `low` and `low + 1`.
            one, other = ((self._level == low + k).argmax(axis=1) for k in (0, 1))
            gain = (beta[low] - beta[low + 1]) * (energy[row, one] - energy[row, other])
            accepted = np.log(self._uniform(low)) < gain
            here = row[accepted]
            self._level[here, one[accepted]] = low + 1
            self._level[here, other[accepted]] = low
        self._swaps = self._swaps + 1
        self._inner.heat(self._temperatures())

    def _uniform(self, low: int) -> NDArray[np.float64]:
        """Return one number in (0, 1) per chain for the pair of temperatures from `low` on."""
        seed, chains = self._request.seed, self._request.chains
        k0, k1 = (int(word) for word in seed.generate_state(2, np.uint32))
        chain = np.arange(chains) + first_chain_of(seed)
        words = (low, int(Role.SWAP), int(self._swaps))
        pair, role, number = (np.full(chains, word) for word in words)
        counter = (pair, chain, role, number)
        drawn = philox(tuple(c.astype(np.uint32) for c in counter), (k0, k1))
        return np.asarray((drawn[0] + 0.5) / 2.0**32)

    def _temperatures(self) -> NDArray[np.float64]:
        """Return the temperature of each copy, as chains of the run below."""
        return np.asarray(np.array(self._plan.temperatures)[self._level].ravel())

    def outside(self) -> list[str]:
        """Return what the device cannot do of what is asked for, a sentence each."""
        return self._inner.outside()

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the state of the copies, and which temperatures they have."""
        own = {
            "level": self._level,
            "swaps": self._swaps,
            "windows": np.array(self._done),
            "spikes": self._spikes,
        }
        return {**self._inner.state(), **{f"parallel.{k}": v.copy() for k, v in own.items()}}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state of the same run."""
        self._inner.restore(state)
        self._level = np.array(state["parallel.level"])
        self._swaps = np.array(state["parallel.swaps"])
        self._done = int(state["parallel.windows"])
        self._spikes = np.array(state["parallel.spikes"])
        self._inner.heat(self._temperatures())


def _unswapped(burn_in: int) -> int:
    """Return for how many windows copies burn in without swaps, in which they are driven to starts."""
    return starts.BURN_IN_PER_DRIVEN * starts.driven_windows(burn_in)


def _copied(request: Request, copies: int) -> Request:
    """Return the request for all copies as chains, the copies of a chain side by side."""
    seed = request.seed
    plain = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size)
    prepared = request.prepared
    if prepared is not None and prepared[1] is not None:
        prepared = prepared[0], np.repeat(prepared[1], copies, axis=0)
    return replace(
        request,
        chains=copies * request.chains,
        burn_in=_unswapped(request.burn_in),
        seed=ChainsFrom(copies * first_chain_of(seed), plain),
        evidence=request.evidence.repeated(copies),
        start=np.repeat(request.start, copies, axis=0),
        tempering=None,
        prepared=prepared,
    )
