"""Substrates without a device: Gibbs sampling, enumeration, ideal neurons."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import memory
from photinus.engines.base import BYTES_PER_SPIKE
from photinus.reference.exact import method_for, sample_exact
from photinus.reference.gibbs import GibbsSampler
from photinus.reference.ideal import sample_ideal
from photinus.samplers.request import Piece, Request, Run, WholeRun
from photinus.spikes.trains import SpikeTrains

UNIT_UPDATES_PER_PIECE = 5e7
"""Updates of a Gibbs run between two commits to disk: seconds at most."""


class GibbsRun(Run):
    """Gibbs sampling, one sweep per draw."""

    heated = True
    parallel = True

    def __init__(self, request: Request) -> None:
        self._sampler = GibbsSampler(
            request.machine,
            chains=request.chains,
            seed=request.seed,
            evidence=request.evidence,
            threads=request.threads,
            initial=request.start,
        )
        self._request = request
        self._done, self._draw = 0, request.burn_in
        self._hot = np.ones(request.chains)
        sweep = request.chains * request.machine.n_units
        self.draws_per_piece = max(1, int(UNIT_UPDATES_PER_PIECE / sweep))

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return the next `draws` draws."""
        request = self._request
        ends = [request.window_of(self._draw + d) for d in range(draws)]
        sweeps = np.arange(self._done, ends[-1] + 1)
        states = self._swept(sweeps, np.isin(sweeps, ends))
        report(ends[-1] + 1 - self._done)
        self._done, self._draw = ends[-1] + 1, self._draw + draws
        return Piece(states, None)

    def _swept(self, sweeps: NDArray[np.int64], keep: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Do these sweeps and return the states to keep, array (chain, draw, unit)."""
        warm = np.array([self._request.temperature(int(sweep)) for sweep in sweeps])
        if (self._hot == 1).all():
            return self._sampler.sweep(warm, keep)
        shape = (self._request.chains, int(keep.sum()), self._request.machine.n_units)
        states = np.empty(shape, np.uint8)
        for temperature in np.unique(self._hot):
            chosen = np.flatnonzero(self._hot == temperature)
            states[chosen] = self._sampler.sweep(warm * temperature, keep, chosen)
        return states

    def heat(self, temperatures: NDArray[np.float64]) -> None:
        """Go on with each chain at a temperature."""
        self._hot = temperatures

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the sampler's state."""
        progress = {"done": np.array(self._done), "draw": np.array(self._draw)}
        return {**self._sampler.state(), **progress}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state of the same run."""
        self._sampler.restore(state)
        self._done, self._draw = int(state["done"]), int(state["draw"])


class ExactRun(WholeRun):
    """Independent draws: from the enumerated joint, or along a tree of cliques."""

    independent = True

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.method = method_for(len(request.evidence.free))

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return all draws."""
        request = self.request
        states = sample_exact(
            request.machine,
            chains=request.chains,
            draws=draws,
            seed=request.seed,
            evidence=request.evidence,
        )
        report(request.burn_in + draws)
        return Piece(states, None)


class IdealRun(WholeRun):
    """Ideal refractory neurons (Buesing et al. 2011) in continuous time; time in units of τ."""

    window = 1.0
    least_burn_in = 1

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return all draws and spikes."""
        request = self.request
        n, total = request.machine.n_units, float(request.burn_in + draws)
        memory.require(request.chains * total * n * BYTES_PER_SPIKE, "the spikes of this run")
        chain, unit, time = sample_ideal(
            request.machine,
            chains=request.chains,
            duration=total,
            seed=request.seed,
            evidence=request.evidence,
            threads=request.threads,
            # What was on before the first draw would be missing in its dwell times.
            initial=request.start if request.burn_in else None,
        )
        whole = SpikeTrains(
            chain=chain,
            unit=unit,
            time=time,
            labels=request.machine.labels,
            chains=request.chains,
            start=0.0,
            stop=total,
        )
        states = whole.states(1.0, first=request.burn_in + 1.0, interval=1.0, draws=draws)
        request.evidence.fill(states)
        report(total)
        kept = time >= max(0.0, request.burn_in - 1.0)
        spikes = SpikeTrains(
            chain=chain[kept],
            unit=unit[kept],
            time=time[kept],
            labels=whole.labels,
            chains=whole.chains,
            start=max(0.0, request.burn_in - 1.0),
            stop=total,
        )
        return Piece(states, spikes)
