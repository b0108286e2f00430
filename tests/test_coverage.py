"""Coverage of the certificate: stated errors and limits hold as often as they say.

Each test repeats a small run many times over a sampler whose law is known, and compares how often, or
how far, truth lies outside with what was stated. ALPHA is the probability of a false alarm of each
comparison. Each has a twin, a statement that is wrong by a little, which must fail it.
"""

import numpy as np
import pytest
from scipy.stats import binom, chi2, norm

import photinus as ph
from photinus import BoltzmannMachine
from photinus.fidelity import (
    FALSE_ALARM,
    FLOOR_RUNS,
    _limit,
    chain_joints,
    effective_draws,
    kl_parts,
    smallest_effective_draws,
)
from photinus.reference.gibbs import colouring, sample_gibbs

ALPHA = 1e-6


def random_machine(n, seed):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.uniform(-1, 1, (n, n)), 1)
    return BoltzmannMachine(upper + upper.T, rng.uniform(-1, 1, n))


def strongly_coupled():
    """Return a machine whose Gibbs sweeps are correlated."""
    weights = [[0, 2.5, -1, 0], [2.5, 0, 0, 1], [-1, 0, 0, 2], [0, 1, 2, 0]]
    return BoltzmannMachine(weights, [-1.2, -1.5, -0.5, -1])


def mean_is(values, expected):
    """Whether the mean of independent `values` is `expected` within z(ALPHA) standard errors."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return bool(abs(np.mean(values) - expected) < norm.isf(ALPHA / 2) * error)


# The floor of the divergence and its limit

CHAINS, DRAWS, RUNS = 32, 25, 150


@pytest.fixture(scope="module", params=["exact", "gibbs", "ideal"])
def certificates(request):
    """Return the certificates of many short runs of a sampler that is exact in law."""
    machine = random_machine(4, 1)
    return request.param, [
        ph.sample(
            machine, request.param, chains=CHAINS, draws=DRAWS, burn_in=20, seed=1000 + k, threads=1
        ).fidelity(seed=k)
        for k in range(RUNS)
    ]


def test_exact_runs_exceed_the_limit_as_rarely_as_it_says(certificates):
    """Between half and twice the stated share, binomial. Twin: one standard deviation as the limit."""
    _name, found = certificates
    most = binom.isf(ALPHA, RUNS, 2 * FALSE_ALARM)
    assert sum(f.kl > f.kl_limit for f in found) <= most
    assert sum(f.verdict.startswith("indist") for f in found) >= RUNS - most
    assert sum(f.kl > f.kl_floor + f.kl_floor_std for f in found) > most


@pytest.mark.parametrize("freedom", [3, 7, 15, 31])
def test_limit_of_divergences_at_the_floor(freedom):
    """Sums of squares: the share above the limit is within 0.006 and 0.014, binomial.

    Twin: mean plus three standard deviations, exceeded in more runs the fewer states there are.
    """
    runs = 40_000
    draws = chi2.rvs(freedom, size=(runs, FLOOR_RUNS + 1), random_state=freedom)
    floor, kl = draws[:, 1:], draws[:, 0]
    limit = _limit(floor)
    low, high = binom.ppf(ALPHA / 2, runs, 0.006), binom.isf(ALPHA / 2, runs, 0.014)
    assert low <= np.sum(kl > limit) <= high
    three = floor.mean(axis=1) + 3 * floor.std(axis=1, ddof=1)
    assert np.sum(kl > three) > high


def test_mean_divergence_is_the_floor(certificates):
    """The difference of a run and its floor averages to zero. Twin: half as many draws."""
    _name, found = certificates
    kl, floor = (np.array([getattr(f, name) for f in found]) for name in ("kl", "kl_floor"))
    assert mean_is(kl - floor, 0)
    assert not mean_is(kl - 2 * floor, 0)


def test_mean_divergence_of_independent_draws_is_the_textbook_one(certificates):
    """(K - 1)/(2N) for independent draws; dwell times count for more.

    To first order in 1/N, the next is below 2 % here. Twin: 1.3 times as many states.
    """
    name, found = certificates
    kl = np.array([f.kl for f in found])
    textbook = 15 / (2 * CHAINS * DRAWS)
    if name != "gibbs":  # whose sweeps are all but independent here
        assert mean_is(kl, textbook) == (name == "exact")
        assert not mean_is(kl, 1.3 * textbook)


@pytest.mark.parametrize("name", ["exact", "gibbs", "ideal"])
def test_parts_of_exact_runs_are_their_noise(name):
    """Each part less its stated noise averages to zero.

    Twins: noise off by 0.4; and (number of statistics)/(2N), which is right for independent draws,
    too small for Gibbs sweeps and too large for dwell times.
    """
    machine, groups, draws = (strongly_coupled() if name == "gibbs" else random_machine(4, 2)), 500, 100
    chains = groups * CHAINS
    samples = ph.sample(machine, name, chains=chains, draws=draws, burn_in=20, seed=30, threads=1)
    found = [kl_parts(each, machine) for each in chain_joints(samples).reshape(groups, CHAINS, -1)]
    parts = np.array([(part.marginals, part.pairs, part.higher) for part in found])
    noise = np.array([part.noise for part in found])
    for k in range(3):
        assert mean_is(parts[:, k] - noise[:, k], 0)
        assert not mean_is(parts[:, k] - 1.4 * noise[:, k], 0)
    independent, whole = 15 / (2 * CHAINS * draws), parts.sum(axis=1)
    assert mean_is(whole, independent) == (name == "exact")
    if name != "exact":
        assert (whole.mean() > independent) == (name == "gibbs")


# Effective draws


def covers(estimate, truth, deviation, draws):
    """Whether errors over sd/sqrt(draws) have unit variance and 95 % lie within 1.96 of them.

    χ² and binomial, each with false alarm ALPHA, on top of 8 % in the variance and 1 % in the
    coverage: the number of draws is an estimate, and the error normal only in the limit.
    """
    z = (estimate - truth) / (deviation / np.sqrt(draws))
    count = len(z)
    low, high = chi2.ppf([ALPHA / 2, 1 - ALPHA / 2], count) / count
    inside = np.sum(np.abs(z) < norm.isf(0.025))
    few, many = binom.ppf(ALPHA / 2, count, 0.94), binom.isf(ALPHA / 2, count, 0.96)
    return bool(0.92 * low < np.mean(z**2) < 1.08 * high and few <= inside <= many)


def two_state_chains(probability, correlation, shape, seed):
    """Return stationary 0/1 chains (…, draw) of mean `probability` and ρ(lag) = correlation^lag."""
    rng = np.random.default_rng(seed)
    states = np.empty(shape, bool)
    state = rng.random(shape[:-1]) < probability
    rise = (1 - correlation) * probability
    fall = (1 - correlation) * (1 - probability)
    for draw in range(shape[-1]):
        states[..., draw] = state
        word = rng.random(shape[:-1])
        state = np.where(state, word >= fall, word < rise)
    return states


@pytest.mark.parametrize("correlation", [0.9, 0.5, 0.0, -0.3])
@pytest.mark.parametrize("shape", [(4, 2000), (64, 250)])
def test_errors_of_two_state_chains(correlation, shape):
    """τ_int = (1 + ρ)/(1 - ρ). Twins: the raw number of draws, or twice the effective one."""
    probability, runs = 0.3, 600
    z = two_state_chains(probability, correlation, (runs, *shape), seed=4).astype(np.float64)
    mean, deviation = z.mean(axis=(1, 2)), z.std(axis=(1, 2))
    ess = np.array([effective_draws(chains) for chains in z])
    assert covers(mean, probability, deviation, ess)
    assert not covers(mean, probability, deviation, 2 * ess)
    raw = np.full(runs, z[0].size)
    assert covers(mean, probability, deviation, raw) == (correlation == 0)


def sweep_matrix(machine):
    """Return the transition matrix of one Gibbs sweep, group by group, array (state, state)."""
    states = machine.states()
    field = states @ machine.weights + machine.biases
    whole = np.eye(len(states))
    for k in np.argsort(colouring(machine.weights != 0), kind="stable"):
        on = 1 / (1 + np.exp(-field[:, k]))
        step = np.zeros_like(whole)
        index = np.arange(len(states))
        step[index, index | (1 << k)] += on
        step[index, index & ~(1 << k)] += 1 - on
        whole = whole @ step
    return whole


def exact_tau(machine, values):
    """Return 1 + 2 Σ_t ρ(t) of a function of the state under Gibbs sweeps, by the matrix."""
    p, joint = sweep_matrix(machine), machine.joint()
    centred = values - joint @ values
    later = np.linalg.solve(np.eye(len(p)) - p + joint, p @ centred)
    return 1 + 2 * (joint @ (centred * later)) / (joint @ centred**2)


@pytest.fixture(scope="module")
def gibbs_runs():
    """Return a strongly coupled machine and runs of it, array (run, chain, draw, unit)."""
    machine = strongly_coupled()
    states = sample_gibbs(machine, chains=1000 * 16, draws=300, burn_in=100, seed=5, threads=1)
    return machine, states.reshape(1000, 16, 300, 4)


def test_matrix_of_a_sweep_leaves_the_target_alone(gibbs_runs):
    machine, _states = gibbs_runs
    p = sweep_matrix(machine)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(machine.joint() @ p, machine.joint(), atol=1e-12)


@pytest.mark.parametrize("unit", [0, 1, 2, 3])
def test_errors_of_gibbs_marginals(gibbs_runs, unit):
    """Estimated and exact τ_int both cover, and agree within 5 %. Twin: the raw number of draws."""
    machine, states = gibbs_runs
    values = machine.states()[:, unit].astype(np.float64)
    z = states[..., unit].astype(np.float64)
    raw = np.full(len(z), z[0].size)
    mean, deviation, truth = z.mean(axis=(1, 2)), z.std(axis=(1, 2)), machine.marginals()[unit]
    ess = np.array([effective_draws(chains) for chains in z])
    tau = exact_tau(machine, values)
    assert tau > 1.5
    assert covers(mean, truth, deviation, ess)
    assert covers(mean, truth, deviation, raw / tau)
    assert not covers(mean, truth, deviation, raw)
    assert np.mean(raw / ess) == pytest.approx(tau, rel=0.05)


def test_certificate_states_no_more_draws_than_any_marginal_has(gibbs_runs):
    """Its effective draws are the fewest of all units: errors of all others are below."""
    machine, states = gibbs_runs
    ess = np.array([smallest_effective_draws(machine, run) for run in states[:100]])
    for unit in range(4):
        tau = exact_tau(machine, machine.states()[:, unit].astype(np.float64))
        assert ess.mean() < 1.05 * states[0, ..., unit].size / tau
