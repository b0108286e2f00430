"""Samplers on sparse machines of a hundred units and more: against exact inference and a naive loop.

Chains are independent; a test of m numbers raises a false alarm with probability ALPHA (a t-quantile
with Bonferroni's correction), and each has a twin that must fail. Exact values are of machines whose
connected parts are small enough to enumerate, or that are trees (message passing, written here).
"""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import t as student

from photinus.machines.boltzmann import BoltzmannMachine
from photinus.reference import couplings
from photinus.reference.gibbs import GibbsSampler, sample_gibbs
from photinus.reference.ideal import sample_ideal
from tests import machines
from tests.narrow import untyped
from tests.test_layouts import wrongly_filled

ALPHA = 1e-5
CHAINS = 128


def parts(machine: BoltzmannMachine) -> list[NDArray[np.int64]]:
    """Return the connected parts of a machine, lists of units."""
    _, part = connected_components(csr_array(machine.weights != 0), directed=False)
    return [np.flatnonzero(part == k) for k in range(part.max() + 1)]


def enumerated(machine: BoltzmannMachine) -> NDArray[np.float64]:
    """Return exact pair moments (unit, unit) of a machine, part by part; the diagonal has marginals."""
    found = np.zeros(machine.weights.shape)
    for units in parts(machine):
        n = len(units)
        states = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        weights, biases = machine.weights[np.ix_(units, units)], machine.biases[units]
        log_weight = np.einsum("si,ij,sj->s", states, weights / 2, states) + states @ biases
        p = np.exp(log_weight - log_weight.max())
        found[np.ix_(units, units)] = (states * (p / p.sum())[:, None]).T @ states
    return found


def passed_on(machine: BoltzmannMachine) -> NDArray[np.float64]:
    """Return exact pair moments of the coupled pairs and marginals of a tree, by message passing."""
    w, b = machine.weights, machine.biases
    odds = {}

    def message(i: int, j: int) -> float:
        """Return the log odds that the part behind i, seen from j, gives to z_j."""
        if (i, j) not in odds:
            own = b[i] + heard(i, j)
            odds[i, j] = np.log1p(np.exp(own + w[i, j])) - np.log1p(np.exp(own))
        return odds[i, j]

    def heard(i: int, but: int | None = None) -> float:
        """Return the sum of the messages to i, of all partners or all but one."""
        total: float = sum(message(int(k), i) for k in np.flatnonzero(w[i]) if k != but)
        return total

    found = np.zeros(w.shape)
    for i in range(len(b)):
        field = b[i] + heard(i)
        found[i, i] = 1 / (1 + np.exp(-field))
    for i, j in np.argwhere(w):
        rest = [b[a] + heard(a, c) for a, c in ((i, j), (j, i))]
        both = np.exp(sum(rest) + w[i, j])
        found[i, j] = both / (1 + np.exp(rest[0]) + np.exp(rest[1]) + both)
    return found


def naive_gibbs(
    machine: BoltzmannMachine, chains: int, draws: int, burn_in: int, seed: int
) -> NDArray[np.uint8]:
    """Return draws (chain, draw, unit) of a sequential sweep in plain NumPy, unit after unit."""
    rng, n = np.random.default_rng(seed), machine.n_units
    z = rng.integers(0, 2, (n, chains)).astype(float)
    partners = [np.flatnonzero(row) for row in machine.weights]
    found = np.empty((chains, draws, n), np.uint8)
    for sweep in range(burn_in + draws):
        chance = rng.random((n, chains))
        for k in range(n):
            field = machine.biases[k] + machine.weights[k, partners[k]] @ z[partners[k]]
            z[k] = chance[k] < 1 / (1 + np.exp(-field))
        if sweep >= burn_in:
            found[:, sweep - burn_in] = z.T
    return found


def moments(
    states: NDArray[np.uint8], pairs: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> NDArray[np.float32]:
    """Return marginals and moments of `pairs` of each chain, array (chain, number)."""
    z = states.astype(np.float32)
    i, j = pairs
    return np.hstack([z.mean(axis=1), np.stack([(c[:, i] * c[:, j]).mean(axis=0) for c in z])])


def pairs_of(machine: BoltzmannMachine) -> Any:
    return np.nonzero(np.triu(machine.weights))


def alarm(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Return whether means differ; arrays (chain, number), or exact values (number,) as `other`."""
    difference, variance, freedom = one.mean(axis=0), one.var(axis=0, ddof=1) / len(one), len(one) - 1
    if other.ndim == 2:
        difference = difference - other.mean(axis=0)
        variance = variance + other.var(axis=0, ddof=1) / len(other)
    else:
        difference = difference - other
    bound = student.isf(ALPHA / len(difference) / 2, freedom) * np.sqrt(variance)
    return bool((np.abs(difference) > bound).any())


def faulty(machine: BoltzmannMachine, chains: int, seed: int) -> GibbsSampler:
    """Return a sampler in which some couplings count twice, as those of sparse machines once did."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(couplings, "FEW", -1)
        sampler = GibbsSampler(machine, chains=chains, seed=seed)
    assert sampler._couplings is not None
    units = sampler._units
    weights = np.rint(machine.weights[np.ix_(units, units)] / sampler._quantum)
    sampler._couplings = wrongly_filled(weights.astype(sampler._field.dtype), sampler._couplings)
    sampler._field = sampler._fields()
    return sampler


@pytest.mark.parametrize("degree", [4, 12, 24])
def test_gibbs_against_a_naive_loop(degree: int) -> None:
    rng = np.random.default_rng(degree)
    graph = machines.random_graph(130, degree, rng)
    upper = np.triu(rng.uniform(-1, 1, graph.shape) * graph, 1)
    machine = BoltzmannMachine(upper + upper.T, rng.uniform(-1, 1, len(graph)))
    pairs = pairs_of(machine)
    naive = moments(naive_gibbs(machine, CHAINS, 100, 50, seed=1), pairs)
    states = sample_gibbs(machine, chains=CHAINS, draws=200, burn_in=50, seed=2)
    assert not alarm(moments(states, pairs), naive)
    assert alarm(moments(faulty(machine, CHAINS, 2).run(200, skip=50), pairs), naive)


def small_parts(rng: np.random.Generator) -> NDArray[np.bool]:
    """Return 150 units in parts of at most fourteen, in random order."""
    while True:
        graph = machines.random_graph(150, 0.9, rng)
        _, part = connected_components(untyped(csr_array(graph)), directed=False)
        if np.bincount(part).max() <= 14:
            return graph


def of_graph(graph: NDArray[np.bool], rng: np.random.Generator) -> BoltzmannMachine:
    order = rng.permutation(len(graph))
    # Hubs of many strong partners would hardly ever move.
    scale = min(1.5, 4 / np.sqrt(graph.sum(axis=1).max()))
    upper = np.triu(rng.uniform(-scale, scale, graph.shape) * graph[np.ix_(order, order)], 1)
    return BoltzmannMachine(upper + upper.T, rng.uniform(-1, 1, len(graph)))


def known(kind: str) -> tuple[BoltzmannMachine, NDArray[np.float64]]:
    """Return a machine of 150 units and its exact pair moments."""
    rng = np.random.default_rng(5)
    if kind == "small parts":
        machine = of_graph(small_parts(rng), rng)
        return machine, enumerated(machine)
    machine = of_graph(machines.GRAPHS[kind](150, rng), rng)
    return machine, enumerated(machine) if kind == "blocks" else passed_on(machine)


KNOWN = ["small parts", "blocks", "tree", "chain", "star"]


@pytest.mark.parametrize("kind", KNOWN)
def test_gibbs_against_exact_inference(kind: str) -> None:
    machine, exact = known(kind)
    pairs = pairs_of(machine)
    truth = np.append(np.diagonal(exact), exact[pairs])
    states = sample_gibbs(machine, chains=CHAINS, draws=300, burn_in=60, seed=1)
    assert not alarm(moments(states, pairs), truth)
    other = BoltzmannMachine(machine.weights, machine.biases + 0.05)
    states = sample_gibbs(other, chains=CHAINS, draws=300, burn_in=60, seed=1)
    assert alarm(moments(states, pairs), truth)


def ideal_rates(machine: BoltzmannMachine, seed: int) -> NDArray[np.float64]:
    """Return spikes per τ of each unit, array (chain, unit): they fire once for each τ of being on."""
    chains, duration, start = CHAINS // 2, 100.0, 20.0
    chain, unit, time = sample_ideal(machine, chains=chains, duration=duration, seed=seed)
    late = time >= start
    n = machine.n_units
    counts = np.bincount(chain[late] * n + unit[late], minlength=chains * n)
    return counts.reshape(chains, n) / (duration - start)


@pytest.mark.parametrize("kind", ["small parts", "tree", "star"])
def test_ideal_neurons_against_exact_inference(kind: str) -> None:
    machine, exact = known(kind)
    assert not alarm(ideal_rates(machine, 1), np.diagonal(exact))
    other = BoltzmannMachine(machine.weights, machine.biases + 0.1)
    assert alarm(ideal_rates(other, 1), np.diagonal(exact))


def test_exact_inference_by_two_ways() -> None:
    """Message passing and enumeration agree on small trees, and with the machine's enumeration."""
    rng = np.random.default_rng(3)
    for _ in range(5):
        machine = of_graph(machines.tree(11, rng), rng)
        coupled = (machine.weights != 0) | np.eye(11, dtype=bool)
        np.testing.assert_allclose(
            passed_on(machine)[coupled], enumerated(machine)[coupled], rtol=1e-10
        )
        np.testing.assert_allclose(enumerated(machine), machine.pair_moments(), rtol=1e-10)
