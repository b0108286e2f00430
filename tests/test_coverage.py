"""Coverage of the certificate: stated errors and limits hold as often as they say.

Each test repeats a small run many times over a sampler whose law is known, and compares how often, or
how far, truth lies outside with what was stated. ALPHA is the probability of a false alarm of each
comparison. Each has a twin, a statement that is wrong by a little, which must fail it.
"""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, chi2, norm
from studies.coverage import cell, machines, sticky

import photinus as ph
from photinus import BoltzmannMachine
from photinus.diagnostics.bias import compare, hotelling
from photinus.diagnostics.convergence import (
    FALSE_ALARM,
    effective_draws,
    r_hat,
    smallest_effective_draws,
)
from photinus.diagnostics.distance import chain_joints, divergence, kl_divergence, state_shares
from photinus.diagnostics.parts import kl_parts
from photinus.reference.colouring import colouring
from photinus.reference.gibbs import sample_gibbs
from photinus.samplers.samples import Samples
from tests.conftest import ALPHA
from tests.machines import uniform


def strongly_coupled() -> BoltzmannMachine:
    """Return a machine whose Gibbs sweeps are correlated."""
    weights = [[0.0, 2.5, -1, 0], [2.5, 0, 0, 1], [-1.0, 0, 0, 2], [0.0, 1, 2, 0]]
    return BoltzmannMachine(weights, [-1.2, -1.5, -0.5, -1])


def mean_is(values: Any, expected: Any) -> Any:
    """Whether the mean of independent `values` is `expected` within z(ALPHA) standard errors."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return bool(abs(np.mean(values) - expected) < norm.isf(ALPHA / 2) * error)


# The floor of the divergence and its limit

CHAINS, DRAWS, RUNS = 32, 25, 120


@pytest.fixture(scope="module", params=["exact", "gibbs", "ideal"])
def certificates(request: pytest.FixtureRequest) -> Any:
    """Return the certificates of many short runs of a sampler that is exact in law."""
    machine = uniform(4, 1)
    return request.param, [
        ph.sample(
            machine, request.param, chains=CHAINS, draws=DRAWS, burn_in=20, seed=1000 + k, threads=1
        ).fidelity(seed=k)
        for k in range(RUNS)
    ]


def test_exact_runs_exceed_the_limit_as_rarely_as_it_says(certificates: Any) -> None:
    """Between half and twice the stated share, binomial. Twin: one standard deviation as the limit."""
    _name, found = certificates
    most = binom.isf(ALPHA, RUNS, 2 * FALSE_ALARM)
    assert sum(f.kl > f.kl_limit for f in found) <= most
    assert sum(f.biased is True for f in found) <= most
    assert not any(f.grade in ("off", "far off") for f in found)
    assert sum(f.kl > f.kl_floor + f.kl_floor_std for f in found) > most


def test_mean_divergence_is_the_floor(certificates: Any) -> None:
    """The difference of a run and its floor averages to zero. Twin: half as many draws."""
    _name, found = certificates
    kl, floor = (np.array([getattr(f, name) for f in found]) for name in ("kl", "kl_floor"))
    assert mean_is(kl - floor, 0)
    assert not mean_is(kl - 2 * floor, 0)


def test_mean_divergence_of_independent_draws_is_the_textbook_one(certificates: Any) -> None:
    """(K - 1)/(2N) for independent draws; dwell times count for more.

    To first order in 1/N, the next is below 2 % here. Twin: 1.3 times as many states.
    """
    name, found = certificates
    kl = np.array([f.kl for f in found])
    textbook = 15 / (2 * CHAINS * DRAWS)
    if name != "gibbs":  # whose sweeps are all but independent here
        assert mean_is(kl, textbook) == (name == "exact")
        assert not mean_is(kl, 1.3 * textbook)


def test_floor_of_correlated_chains_is_the_mean_of_their_divergence(gibbs_runs: Any) -> None:
    """Chains of known autocorrelation: mean KL and mean floor agree within 4 standard errors.

    Gibbs chains, of which some quantities are slower than others, and chains with τ = 5 throughout,
    where the floor is 5 (K - 1)/(2 N). Twins: as many draws as the slowest unit is worth, and N.
    """
    machine, gibbs = gibbs_runs
    rng = np.random.default_rng(3)
    slow = [sticky(machine, 5.0, (16, 300), rng) for _ in range(150)]
    for runs in (gibbs[:150], slow):
        found = []
        for k, run in enumerate(runs):
            samples = Samples(machine=machine, states=run, substrate="gibbs")
            d = divergence(machine, state_shares(samples), run[..., 0].size, k)
            ess = smallest_effective_draws(machine, run)
            found.append((d.kl, d.floor, 15 / (2 * ess), d.kl > d.limit))
        kl, floor, slowest, above = np.array(found).T
        error = 4 * np.std(kl - floor, ddof=1) / np.sqrt(len(kl))
        assert abs(np.mean(kl - floor)) < error
        if runs is slow:
            assert np.mean(floor) == pytest.approx(5 * 15 / (2 * 16 * 300), rel=0.1)
            assert abs(np.mean(kl) - 15 / (2 * 16 * 300)) > error
        else:
            assert abs(np.mean(kl - slowest)) > error
        assert above.sum() <= binom.isf(ALPHA, len(above), 2 * FALSE_ALARM)


@pytest.mark.parametrize(("name", "groups"), [("exact", 240), ("gibbs", 500), ("ideal", 240)])
def test_parts_of_exact_runs_are_their_noise(name: str, groups: int) -> None:
    """Each part less its stated noise averages to zero.

    Twins: noise off by 0.4; and (number of statistics)/(2N), which is right for independent draws,
    too small for Gibbs sweeps and too large for dwell times. Gibbs sweeps are too little off to be told by fewer runs.
    """
    machine, draws = (strongly_coupled() if name == "gibbs" else uniform(4, 2)), 100
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


def covers(
    estimate: NDArray[np.float64], truth: float, deviation: NDArray[np.float64], draws: NDArray[Any]
) -> bool:
    """Whether errors over sd/sqrt(draws) have unit variance and 95 % lie within 1.96 of them.

    χ² and binomial, each with false alarm ALPHA, on top of 8 % in the variance and 1 % in the
    coverage: the number of draws is an estimate, and the error normal only in the limit.
    """
    z = (estimate - truth) / (deviation / np.sqrt(draws))
    count = len(z)
    low, high = np.asarray(chi2.ppf([ALPHA / 2, 1 - ALPHA / 2], count)) / count
    inside = np.sum(np.abs(z) < norm.isf(0.025))
    few, many = binom.ppf(ALPHA / 2, count, 0.94), binom.isf(ALPHA / 2, count, 0.96)
    return bool(0.92 * low < np.mean(z**2) < 1.08 * high and few <= inside <= many)


def two_state_chains(
    probability: NDArray[np.float64] | float, correlation: float, shape: tuple[int, ...], seed: int
) -> NDArray[np.bool]:
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
def test_errors_of_two_state_chains(correlation: float, shape: tuple[int, int]) -> None:
    """τ_int = (1 + ρ)/(1 - ρ). Twins: the raw number of draws, or twice the effective one."""
    probability, runs = 0.3, 600
    z = two_state_chains(probability, correlation, (runs, *shape), seed=4).astype(np.float64)
    mean, deviation = z.mean(axis=(1, 2)), z.std(axis=(1, 2))
    ess = np.array([effective_draws(chains) for chains in z])
    assert covers(mean, probability, deviation, ess)
    assert not covers(mean, probability, deviation, 2 * ess)
    raw = np.full(runs, z[0].size)
    assert covers(mean, probability, deviation, raw) == (correlation == 0)


def sweep_matrix(machine: ph.BoltzmannMachine) -> Any:
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


def exact_tau(machine: ph.BoltzmannMachine, values: Any) -> Any:
    """Return 1 + 2 Σ_t ρ(t) of a function of the state under Gibbs sweeps, by the matrix."""
    p, joint = sweep_matrix(machine), machine.joint()
    centred = values - joint @ values
    later = np.linalg.solve(np.eye(len(p)) - p + joint, p @ centred)
    return 1 + 2 * (joint @ (centred * later)) / (joint @ centred**2)


@pytest.fixture(scope="module")
def gibbs_runs() -> Any:
    """Return a strongly coupled machine and runs of it, array (run, chain, draw, unit)."""
    machine = strongly_coupled()
    states = sample_gibbs(machine, chains=1000 * 16, draws=300, burn_in=100, seed=5, threads=1)
    return machine, states.reshape(1000, 16, 300, 4)


def test_matrix_of_a_sweep_leaves_the_target_alone(gibbs_runs: Any) -> None:
    machine, _states = gibbs_runs
    p = sweep_matrix(machine)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(machine.joint() @ p, machine.joint(), atol=1e-12)


@pytest.mark.parametrize("unit", [0, 1, 2, 3])
def test_errors_of_gibbs_marginals(gibbs_runs: Any, unit: int) -> None:
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


def test_certificate_states_no_more_draws_than_any_marginal_has(gibbs_runs: Any) -> None:
    """Its effective draws are the fewest of all units: errors of all others are below."""
    machine, states = gibbs_runs
    ess = np.array([smallest_effective_draws(machine, run) for run in states[:100]])
    for unit in range(4):
        tau = exact_tau(machine, machine.states()[:, unit].astype(np.float64))
        assert ess.mean() < 1.05 * states[0, ..., unit].size / tau


def test_effective_draws_of_short_slow_chains() -> None:
    """64 chains of 250 draws, τ = 57: the variance of a mean over N draws is that of 317 draws.

    Σ (1 - lag/N) ρ^lag in place of Σ ρ^lag. Within 6 % in the mean over 40 runs, whose own error is
    2 %. Twin: with a mean per chain, as ArviZ has it, a third is missing.
    """
    from arviz_stats.base import array_stats  # type: ignore[attr-defined]

    coin, tau, shape = BoltzmannMachine([[0.0]], [0.0]), 57.0, (64, 250)
    rng, lags = np.random.default_rng(8), np.arange(1, 250)
    right = 64 * 250 / (1 + 2 * np.sum((1 - lags / 250) * ((tau - 1) / (tau + 1)) ** lags))
    runs = [sticky(coin, tau, shape, rng)[..., 0].astype(float) for _ in range(40)]
    assert np.mean([effective_draws(run) for run in runs]) == pytest.approx(right, rel=0.06)
    split = [array_stats.ess(run, chain_axis=0, draw_axis=1, method="mean") for run in runs]
    assert np.mean(split) < 0.75 * right


# R̂


@pytest.mark.parametrize("probability", [0.5, 0.1, 0.01])
def test_split_r_hat_of_two_values_is_the_rank_normalised_one(probability: float) -> None:
    """Ranks and folded ranks of 0 and 1 are 0 and 1 on another scale."""
    from arviz_stats.base import array_stats  # type: ignore[attr-defined]

    z = two_state_chains(probability, 0.8, (8, 100), 3).astype(float)
    z[0] = 1 - z[0]
    full = array_stats.rhat(z, chain_axis=0, draw_axis=1, method="z_scale")
    assert r_hat(z) == pytest.approx(float(full), rel=1e-9)
    energy = np.random.default_rng(1).normal(size=(8, 100))
    assert r_hat(energy) == array_stats.rhat(energy, chain_axis=0, draw_axis=1, method="rank")


def test_r_hat_of_chains_that_do_not_move() -> None:
    still = np.zeros((4, 20))
    assert np.isnan(r_hat(still))
    still[1] = 1
    assert r_hat(still) == np.inf


# The joint test


@pytest.mark.parametrize("tau", [1.0, 5.0])
@pytest.mark.parametrize(("chains", "draws"), [(16, 100), (64, 50)])
def test_joint_tests_cry_wolf_as_rarely_as_they_say(tau: float, chains: int, draws: int) -> None:
    """Skewed marginals down to 0.0005: at most 1 % false alarms, binomial with ALPHA on 500 runs.

    Twin: t without the floor of its error cries wolf in far more.
    """
    p = np.array([0.001, 0.003, 0.01, 0.05, 0.999, 0.5, 0.3, 0.002, 0.0005])
    runs, (i, j) = 500, np.triu_indices(9, 1)
    z = two_state_chains(p, (tau - 1) / (tau + 1), (runs, chains, 9, draws), 11)
    z = z.astype(np.float32)
    truth = np.concatenate([p, p[i] * p[j]])
    alarms = np.zeros(3)
    for run in z:
        moments = np.matmul(run, run.transpose(0, 2, 1)).astype(float) / draws
        values = np.concatenate([np.diagonal(moments, axis1=1, axis2=2), moments[:, i, j]], axis=1)
        total = chains * draws
        found = compare(values, truth, truth * (1 - truth), total, ess=total / tau)
        alarms += (found.joint_p() < FALSE_ALARM, hotelling(values, truth, total) < FALSE_ALARM, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (values.mean(axis=0) - truth) / (values.std(axis=0, ddof=1) / np.sqrt(chains))
        alarms[2] += np.nanmax(np.abs(t)) > norm.isf(FALSE_ALARM / 2 / len(truth))
    most = binom.isf(ALPHA, runs, FALSE_ALARM)
    assert (alarms[:2] <= most).all()
    assert alarms[2] > most


# Intervals


@pytest.mark.parametrize(
    ("chains", "draws", "tau"), [(4, 200, 2.0), (16, 40, 1.0), (16, 200, 10.0), (64, 100, 2.0)]
)
def test_intervals_cover(chains: int, draws: int, tau: float) -> None:
    """Between 90 and 99 %, binomial with ALPHA each, for a right and for a wrong sampler.

    Worst errors have joint intervals, which may cover more. The right sampler is never called off.
    """
    target, wrong = machines()
    runs = 60
    for law in (target, wrong):
        covered, found = cell(target, law, (chains, draws), tau, runs, 2)
        for name, hits in covered.items():
            if len(hits) < runs / 2:
                continue
            assert sum(hits) >= binom.ppf(ALPHA, len(hits), 0.90), name
            if law is wrong and not name.startswith("worst"):
                assert sum(hits) <= binom.isf(ALPHA, len(hits), 0.99), name
        if law is target:
            assert not any(f.grade in ("off", "far off") for f in found)
            assert sum(f.biased is True for f in found) <= binom.isf(ALPHA, runs, FALSE_ALARM)


@pytest.mark.parametrize(("units", "chains", "draws"), [(8, 16, 100), (12, 64, 400)])
@pytest.mark.parametrize("error", [0.0, 0.05])
def test_intervals_of_a_kl_over_many_states_cover(
    units: int, chains: int, draws: int, error: float
) -> None:
    """Six draws per state in the mean, so most are seen once or never; the machines of runs differ.

    At least 90 %, binomial with ALPHA. Twin: for 12 units, to take off (K - 1)/(2N).
    """
    runs, count = 10, 2**units
    covered, textbook = 0, 0
    for run in range(runs):
        rng = np.random.default_rng((units, run))
        upper = np.triu(rng.uniform(-1, 1, (units, units)), 1)
        wrong = np.triu(rng.normal(0, error, (units, units)), 1)
        target = BoltzmannMachine(upper + upper.T, rng.uniform(-1, 1, units))
        law = BoltzmannMachine(target.weights + wrong + wrong.T, target.biases + error)
        truth = kl_divergence(law.joint(), target.joint())
        states = sticky(law, 1.0, (chains, draws), rng)
        samples = Samples(machine=target, states=states, substrate="exact")
        found = divergence(target, state_shares(samples), chains * draws, run)
        assert found.interval is not None
        low, high = found.interval
        covered += low <= truth <= high
        shift = found.floor - (count - 1) / (2 * chains * draws)
        textbook += low + shift <= truth <= high + shift
    fewest = binom.ppf(ALPHA, runs, 0.90)
    assert covered >= fewest
    assert units < 12 or textbook < fewest
