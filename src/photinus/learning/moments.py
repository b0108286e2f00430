"""Moments that a network shall have, moments that it shows, and how both answer to a change."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.gauge import Gauge, flip_differences
from photinus._core.states import MAX_PER_STEP, pair_shares
from photinus.diagnostics.references import Reference, reference
from photinus.learning.bethe import BetheResponse
from photinus.learning.judgement import Shown, Wanted
from photinus.learning.response import DENSE, Answering, Response
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.couplings import Coupling, entries, is_sparse
from photinus.reference.gibbs import sample_gibbs
from photinus.samplers.samples import Samples

UNSURE = "The moments wanted are not sure, those of one Gibbs run: {reason}."
"""What is said where there is no reference."""
MOST_STATISTICS = DENSE
"""Marginals and pairs up to which all pairs may move; beyond, those with a coupling."""
STATES, FEWEST_STATES, STATE_ENTRIES = 8192, 256, 2**26
"""States that tell a response, at most and at least; entries of these, which most units leave fewer."""
GROUPS, FEWEST_GROUPS, GROUP_ENTRIES = 32, 8, 2**22
"""Groups of chains, each a sample by itself, where there are too many statistics for each chain. Their
moments have so many entries at most, unless they are the fewest."""
FEW = 8
"""Places of an array of all pairs for each statistic, from which on no such array is made."""
GIBBS_CHAINS, GIBBS_DRAWS, GIBBS_BYTES = 128, 1000, 2**28
"""Gibbs run that tells the moments wanted where nothing better does, and how much its states take."""
FEWEST_CHAINS, GIBBS_BURN_IN = 8, 200
"""Chains of this run at least; draws that are dropped. Where units are many, chains are so few that
they draw for as long."""
RIDGE = 1e-4
"""What is added to the Fisher information where it judges. A moment that hardly varies in the machine
counts at most so much, however little it varies."""


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """What of a network may move: marginals, then pairs of units, as (rows, columns)."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    n_units: int

    @classmethod
    def between(cls, coupling: Coupling, structure: str) -> "Statistics":
        """Return all pairs if they may move and are not too many, else those with a coupling."""
        n = coupling.shape[0]
        every = structure == "all" and not is_sparse(coupling)
        if every and n * (n + 1) // 2 <= MOST_STATISTICS:
            rows, columns = np.triu_indices(n, 1)
        else:
            target, source, _ = entries(coupling)
            pairs = np.unique(np.sort(np.stack([target, source], axis=1), axis=1), axis=0)
            rows, columns = pairs[:, 0], pairs[:, 1]
        return cls(np.r_[np.arange(n), rows], np.r_[np.arange(n), columns], n)

    def __len__(self) -> int:
        return len(self.rows)

    def flipped(self, differences: NDArray[np.float64], gauge: Gauge) -> NDArray[np.float64]:
        """Return differences of moments, as they are of the neurons, as those of their units."""
        return flip_differences(differences, self.rows, self.columns, gauge)

    @property
    def are_few(self) -> bool:
        """Whether they are too many for a matrix, and still far fewer than all pairs of units."""
        return len(self) > MOST_STATISTICS and self.n_units**2 > FEW * len(self)

    def response(self, states: NDArray[np.uint8], weight: Any = None) -> Answering:
        """Return the response that states (draw, unit) tell."""
        if self.are_few and weight is None:
            return self.response_at(pair_shares(states, self.rows, self.columns))
        return Response.of_states(states, self.rows, self.columns, weight)

    def response_at(self, moments: NDArray[np.float64]) -> BetheResponse:
        """Return the response where the statistics are `moments`."""
        n = self.n_units
        return BetheResponse(moments, self.rows[n:], self.columns[n:])


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Moments that the network shall have, and the joint where it is enumerated."""

    wanted: Wanted
    joint: NDArray[np.float64] | None
    source: str
    """Name of the reference; see `photinus.diagnostics.references`."""
    doubt: str = ""
    """Why the moments are not sure, a sentence; else empty."""

    @classmethod
    def of(
        cls,
        machine: BoltzmannMachine,
        statistics: Statistics,
        seed: np.random.SeedSequence,
        most_work: float = 0.0,
    ) -> "Target":
        """Return the target of `machine` for what a network can adjust."""
        small = machine.n_units <= MAX_PER_STEP
        joint = machine.joint() if small else None
        number = int(seed.generate_state(1)[0])
        known = reference(machine, number, states=0 if small else STATES, most_work=most_work)
        states, doubt = known.states, ""
        if known.name == "none":
            states = _drawn(machine, seed)
            doubt = UNSURE.format(reason=known.reason)
        if joint is not None:
            response = statistics.response(machine.states(), joint)
        else:
            assert states is not None
            response = statistics.response(_thinned(states))
        moments, root = _right_moments(known, states, statistics)
        wanted = Wanted(
            moments=moments,
            root=root,
            response=response,
            metric=_metric(response, moments),
            directions=_directions(response, len(moments)),
        )
        return cls(wanted, joint, known.name, doubt)


def _drawn(machine: BoltzmannMachine, seed: np.random.SeedSequence) -> NDArray[np.uint8]:
    """Return states (chain, draw, unit) of Gibbs sampling, as many as fit into `GIBBS_BYTES`."""
    room = max(1, GIBBS_BYTES // machine.n_units)
    chains = min(GIBBS_CHAINS, max(FEWEST_CHAINS, room // GIBBS_BURN_IN))
    draws = min(GIBBS_DRAWS, max(1, room // chains))
    return sample_gibbs(machine, chains=chains, draws=draws, burn_in=GIBBS_BURN_IN, seed=seed)


def _right_moments(
    known: Reference, states: NDArray[np.uint8] | None, statistics: Statistics
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the moments of a reference and the root of their noise, (row, statistic).

    What it does not know, such as pairs without a coupling, comes from its states.
    """
    rows, columns = statistics.rows, statistics.columns
    if known.chains is not None:
        return _mean_and_root(known.chains[:, rows, columns])
    if known.moments is not None:
        moments = known.moments[rows, columns]
        if np.isfinite(moments).all():
            return moments, np.zeros((0, len(rows)))
    assert states is not None
    mean, root = _mean_and_root(_chain_moments(_in_groups(states), statistics))
    if known.moments is None:
        return mean, root
    exact = np.isfinite(moments)
    return np.where(exact, moments, mean), np.where(exact, 0.0, root)


def _in_groups(states: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return independent draws, array (1, draw, unit), as `GROUPS` chains; others as they are."""
    if len(states) > 1:
        return states
    length = states.shape[1] // GROUPS
    return states[0, : GROUPS * length].reshape(GROUPS, length, -1)


def _mean_and_root(chains: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean over chains and the root of its covariance."""
    mean = chains.mean(axis=0)
    return mean, (chains - mean) / np.sqrt(len(chains) * (len(chains) - 1))


def _metric(
    response: Answering, moments: NDArray[np.float64]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return M = (F + ridge)⁻¹, or that of the diagonal of F where F is no matrix."""
    if response.matrix is None:
        diagonal = 1 / (moments * (1 - moments) + RIDGE)
        return lambda vectors: vectors * diagonal
    inverse = np.linalg.inv(response.matrix + RIDGE * np.eye(len(moments)))
    return lambda vectors: np.asarray(vectors @ inverse)


def _directions(response: Answering, count: int) -> NDArray[np.float64]:
    """Return the eigenvectors of F that vary by more than the ridge, (direction, statistic)."""
    if response.matrix is None:
        return np.zeros((0, count))
    variance, vectors = np.linalg.eigh(response.matrix)
    return np.asarray(vectors[:, variance > RIDGE].T)


def _thinned(states: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return about `STATES` states (draw, unit) of (chain, draw, unit), from all chains."""
    chains, draws, n = states.shape
    wanted = min(STATES, max(FEWEST_STATES, STATE_ENTRIES // n))
    return states.reshape(-1, n)[:: max(1, chains * draws // wanted)]


def _chain_moments(states: NDArray[np.uint8], statistics: Statistics) -> NDArray[np.float64]:
    """Return the moments of chains (chain, draw, unit), or of groups of them, (chain, statistic)."""
    rows, columns = statistics.rows, statistics.columns
    groups = len(states)
    if len(rows) > MOST_STATISTICS:
        groups = min(groups, GROUPS, max(FEWEST_GROUPS, GROUP_ENTRIES // len(rows)))
    found = np.empty((groups, len(rows)))
    for into, part in zip(found, np.array_split(states, groups), strict=True):
        z = part.reshape(-1, part.shape[2])
        if statistics.are_few:
            into[:] = pair_shares(z, rows, columns)
            continue
        numbers = z.astype(np.float32)
        into[:] = (numbers.T @ numbers)[rows, columns] / np.float64(len(z))
    return found


def shown_by(samples: Samples, statistics: Statistics) -> Shown:
    """Return what a run showed: moments by dwell time, from states where there are very many."""
    if len(statistics) <= MOST_STATISTICS:
        chains = samples.chain_moments()[:, statistics.rows, statistics.columns]
    else:
        chains = _chain_moments(samples.states, statistics)
    if statistics.are_few:
        return Shown(chains, samples.draws, statistics.response_at(chains.mean(axis=0)))
    return Shown(chains, samples.draws, statistics.response(_thinned(samples.states)))
