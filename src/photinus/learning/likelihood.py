"""The partition function of machines that are too large to enumerate.

In a bipartite machine (restricted, or deep) one side sums out: with sides A and B,

    log p*(z_A) = b_A·z_A + Σ_j log(1 + exp(b_j + Σ_i W_ij z_i)),   j in B.

Annealed importance sampling (Neal 2001, Stat. Comput. 11, 125; for restricted machines Salakhutdinov &
Murray 2008, ICML, section 4.1) goes from independent units to the machine in many small steps. It gives
an estimate of Z without bias, so of log Z one that is low by Jensen's inequality. The same path
backwards from the machine's own states gives one that is high (Grosse et al. 2015, arXiv:1511.02543,
bidirectional Monte Carlo). With states from a long chain instead of exact ones it is a check, no bound.
"""

import contextlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.logistic import logistic, softplus
from photinus._core.matrices import Matrix, dense, entries, part
from photinus._core.states import MAX_ENUMERATED, MAX_PER_RUN
from photinus._core.streams import Seed, seed_sequence
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.cliques import TooWide

STATES_PER_BLOCK = 4096
MOST_CHAINS = 10**8
"""Of annealing, and its steps: years of work."""
LARGEST_ANNEALED = 1e6
"""Weight or bias: single precision tells energies apart up to here."""


@dataclass(frozen=True, slots=True, repr=False)
class PartitionEstimate(Displayed):
    """log Z and how well it is known.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.learning import log_partition
    >>> found = log_partition(ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1]))
    >>> found.method, round(found.value, 3), found.error
    ('exact', 1.54, 0.0)
    """

    value: float
    """log Z."""
    error: float
    """Standard error of `value`; 0 if exact."""
    reverse: float | None
    """log Z from annealing backwards, no less than `value` but for errors; None if exact."""
    method: str
    """"exact" or "annealed"."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """A machine in two sides without couplings inside."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    weights: NDArray[np.float32]
    """Array (first, second)."""
    first_biases: NDArray[np.float32]
    second_biases: NDArray[np.float32]

    @classmethod
    def of(cls, machine: BoltzmannMachine) -> "Sides":
        """Return the sides; the second is the smaller one.

        Raises
        ------
        InvalidInput
            If the couplings have an odd cycle.
        """
        side = two_sides(machine.matrix)
        if side is None:
            raise InvalidInput(
                "machine must be close to a tree, or bipartite (restricted or deep) to anneal, "
                "its couplings have a cycle of odd length"
            )
        first, second = np.flatnonzero(side == 0), np.flatnonzero(side == 1)
        if len(first) < len(second):
            first, second = second, first
        w = dense(part(machine.matrix, first, second)).astype(np.float32)
        b = machine.biases.astype(np.float32)
        return cls(first, second, np.ascontiguousarray(w), b[first], b[second])

    def field(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the log odds of the second side given states of the first."""
        return np.asarray(z @ self.weights + self.second_biases)

    def log_weight(
        self, z: NDArray[np.float32], field: NDArray[np.float32], beta: float, base: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return log p*_β of states of the first side with their `field`, array (chain,).

        p_β has β times the couplings and the second side's biases; the first side's go from `base`
        to its own.
        """
        own = (z @ (beta * self.first_biases + (1 - beta) * base)).astype(np.float64)
        return np.asarray(own + softplus(np.float32(beta) * field).sum(axis=1, dtype=np.float64))

    def sweep(
        self,
        field: NDArray[np.float32],
        beta: float,
        base: NDArray[np.float32],
        generator: np.random.Generator,
    ) -> NDArray[np.float32]:
        """Return the first side after one block Gibbs sweep at β from states with this `field`."""
        h = bernoulli(np.float32(beta) * field, generator)
        back = h @ self.weights.T + self.first_biases
        back *= np.float32(beta)
        back += np.float32(1 - beta) * base
        return bernoulli(back, generator)


def two_sides(couplings: Matrix) -> NDArray[np.intp] | None:
    """Return 0 or 1 for each unit so that no coupling stays within a side, None if there is no way.

    Every unit gets a double, and couplings lead from units to doubles. A unit can be reached from its
    double if, and only if, it is in a cycle of odd length.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    i, j, _ = entries(couplings)
    n = couplings.shape[0]
    doubled = coo_array((np.ones(len(i), np.int8), (i, j + n)), shape=(2 * n, 2 * n))
    _, part = connected_components(doubled, directed=False)
    unit, double = part[:n], part[n:]
    return None if np.any(unit == double) else np.asarray(unit > double, np.intp)


def bernoulli(log_odds: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    """Return 0 and 1 with these log odds, which are overwritten."""
    uniform = generator.random(log_odds.shape, dtype=np.float32)
    return (uniform < logistic(log_odds, out=log_odds)).astype(np.float32)


def log_partition(
    machine: BoltzmannMachine,
    *,
    chains: int = 256,
    temperatures: int = 2000,
    base: NDArray[np.float64] | None = None,
    states: ArrayLike | None = None,
    seed: Seed = 0,
) -> PartitionEstimate:
    """Return log Z of a machine: exact where that can be had, else annealed.

    Parameters
    ----------
    machine
        One of at most 24 units, or close enough to a tree (`photinus.machines.cliques`), or bipartite.
        It is annealed if its smaller side has more than 20 units and the others don't hold.
    chains, temperatures
        Independent annealing runs, and steps of each (evenly spaced inverse temperatures).
    base : array (unit,), optional
        Biases of the independent units to begin with; those of the larger side are used. By default
        the machine's own. The closer to the data's log odds, the smaller the error.
    states : array (chain, unit), optional
        States of the machine to anneal backwards from, such as those of a long chain. By default these
        are the ends of the forward runs, which are only as good as those.
    seed
        Of the annealing.

    Raises
    ------
    InvalidInput
        If the machine is none of these, a number is out of range, or an array does not
        fit the machine.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.learning import log_partition
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> round(log_partition(machine).value, 6) == round(machine.log_partition(), 6)
    True
    """
    validate.instance("machine", machine, BoltzmannMachine)
    chains = validate.integer("chains", chains, 2, MOST_CHAINS)
    temperatures = validate.integer("temperatures", temperatures, 1, MOST_CHAINS)
    exact = _exact(machine)
    if exact is not None:
        return PartitionEstimate(exact, 0.0, None, "exact")
    sides = Sides.of(machine)
    largest = max(machine.largest_weight, np.abs(machine.biases).max())
    if largest > LARGEST_ANNEALED:
        raise InvalidInput(
            f"weights and biases must be at most {LARGEST_ANNEALED:g} to anneal, got {largest:g}"
        )
    biases = machine.biases if base is None else validate.finite_array("base", base, 1)
    validate.same_length("base", biases, "biases", machine.n_units)
    own = biases[sides.first].astype(np.float32)
    forward, backward = seed_sequence(seed).spawn(2)
    generator = np.random.default_rng(forward)
    betas = np.linspace(0, 1, temperatures + 1)
    z = bernoulli(np.tile(own, (chains, 1)), generator)
    work = np.zeros(chains)
    for low, high in pairwise(betas):
        field = sides.field(z)
        work += sides.log_weight(z, field, high, own) - sides.log_weight(z, field, low, own)
        z = sides.sweep(field, high, own, generator)
    start = float(softplus(own).sum(dtype=np.float64)) + len(sides.second) * np.log(2)
    value, error = _log_mean(work)
    if states is not None:
        given = validate.binary_array("states", states)
        if given.ndim != 2 or given.shape[1] != machine.n_units or len(given) < 2:
            raise InvalidInput(
                f"states must have shape (chain, {machine.n_units}), chain >= 2, got {given.shape}"
            )
        z = given[:, sides.first].astype(np.float32)
    generator = np.random.default_rng(backward)
    back = np.zeros(len(z))
    for high, low in pairwise(betas[::-1]):
        z = sides.sweep(sides.field(z), high, own, generator)
        field = sides.field(z)
        back += sides.log_weight(z, field, low, own) - sides.log_weight(z, field, high, own)
    return PartitionEstimate(start + value, error, start - _log_mean(back)[0], "annealed")


def _exact(machine: BoltzmannMachine) -> float | None:
    """Return log Z by enumeration, of one side perhaps, or a tree of cliques; None if none will do."""
    side = two_sides(machine.matrix) if machine.n_units > MAX_ENUMERATED else None
    if side is not None and np.bincount(side, minlength=2).min() <= MAX_PER_RUN:
        return _summed(machine, Sides.of(machine))
    with contextlib.suppress(TooWide):
        return machine.log_partition()
    return None


def _log_mean(work: NDArray[np.float64]) -> tuple[float, float]:
    """Return log <exp(work)> and its standard error."""
    peak = work.max()
    weight = np.exp(work - peak)
    error = weight.std(ddof=1) / weight.mean() / np.sqrt(len(work))
    return float(peak + np.log(weight.mean())), float(error)


def _summed(machine: BoltzmannMachine, sides: Sides) -> float:
    """Return log Z by enumerating the second side, the first summed out."""
    n = len(sides.second)
    w = dense(part(machine.matrix, sides.first, sides.second))
    first, second = machine.biases[sides.first], machine.biases[sides.second]
    total = -np.inf
    for start in range(0, 2**n, STATES_PER_BLOCK):
        index = np.arange(start, min(start + STATES_PER_BLOCK, 2**n))
        h = ((index[:, None] >> np.arange(n)) & 1).astype(np.float64)
        logs = h @ second + np.logaddexp(0, h @ w.T + first).sum(axis=1)
        total = np.logaddexp(total, np.logaddexp.reduce(logs))
    return float(total)
