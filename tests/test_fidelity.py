"""The certificate: each figure against theory, and against samplers that are exact or wrong.

ALPHA is the probability of a false alarm of each statistical test. A wrong machine must be noticed
with the same bounds (power).
"""

import dataclasses
import functools
import inspect
import json
import re
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import binom, norm

import photinus as ph
from photinus import BoltzmannMachine
from photinus.diagnostics import references, verdict
from photinus.diagnostics.convergence import effective_draws
from photinus.diagnostics.distance import (
    FLOOR_RUNS,
    chain_joints,
    divergence,
    kl_divergence,
    state_shares,
)
from photinus.diagnostics.parts import kl_parts
from photinus.diagnostics.temperature import effective_beta
from photinus.diagnostics.verdict import GRADES
from photinus.errors import InvalidInput
from photinus.faces.cli import app
from photinus.faces.report.rows import marginal_rows
from photinus.faces.report.run import run_page
from photinus.machines.fitting import fit_moments
from photinus.reference.exact import sample_exact
from photinus.samplers.samples import Samples
from tests.conftest import ALPHA
from tests.machines import gaussian, uniform
from tests.machines import machine as make
from tests.narrow import there, untyped

random_machine = functools.partial(gaussian, scale=0.7)


def scaled(machine: BoltzmannMachine, beta: float) -> BoltzmannMachine:
    return BoltzmannMachine(beta * machine.weights, beta * machine.biases, machine.labels)


def sticky(
    machine: BoltzmannMachine, tau: float, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return draws of a chain that stays with probability ρ, else draws anew: τ = (1 + ρ)/(1 - ρ)."""
    fresh = rng.random(shape) >= (tau - 1) / (tau + 1)
    fresh[:, 0] = True
    drawn = np.searchsorted(np.cumsum(machine.joint()), rng.random(shape), side="right")
    latest = np.maximum.accumulate(np.where(fresh, np.arange(shape[1]), 0), axis=1)
    index = np.minimum(np.take_along_axis(drawn, latest, axis=1), 2**machine.n_units - 1)
    return ((index[..., None] >> np.arange(machine.n_units)) & 1).astype(np.uint8)


def against(samples: Samples, machine: BoltzmannMachine) -> Samples:
    """Return `samples` as if they were meant for another machine."""
    return dataclasses.replace(samples, machine=machine)


def test_kl_by_hand() -> None:
    assert kl_divergence(np.array([0.5, 0.5]), np.array([0.25, 0.75])) == pytest.approx(
        0.5 * np.log(2) + 0.5 * np.log(2 / 3)
    )
    # It is KL(sampled‖target), not the other way round, and a state that was not visited adds nothing.
    assert kl_divergence(np.array([1.0, 0.0]), np.array([0.2, 0.8])) == pytest.approx(np.log(5))
    assert kl_divergence(np.array([0.3, 0.7]), np.array([0.3, 0.7])) == 0


def test_kl_refuses_an_impossible_state() -> None:
    with pytest.raises(InvalidInput, match="target must give every sampled state"):
        kl_divergence(np.array([0.5, 0.5]), np.array([0.0, 1.0]))


counts = arrays(np.int64, st.shared(st.integers(1, 40), key="n"), elements=st.integers(0, 1000))


@given(counts.filter(np.any), counts)
def test_kl_is_never_negative(sampled: NDArray[np.int64], target: NDArray[np.int64]) -> None:
    """Up to rounding, also where states were not visited (where masking makes it negative)."""
    p, q = sampled / sampled.sum(), (target + 1) / (target + 1).sum()
    value = kl_divergence(p, q)
    assert value >= -1e-14
    # Pinsker: a bound from below that a vanishing implementation would break.
    assert value >= np.abs(p - q).sum() ** 2 / 2 - 1e-14


# Effective temperature


@pytest.mark.parametrize(
    ("chains", "draws", "tau"), [(64, 50, 1), (16, 40, 5), (4, 60, 5), (4, 400, 20)]
)
def test_beta_interval_covers_as_often_as_it_says(chains: int, draws: int, tau: int) -> None:
    """Exact draws of known autocorrelation: the count of hits is binomial, false alarm ALPHA.

    Between 92 and 98 % is allowed: Student's t of few chains is an approximation here. Pieces of such
    short chains as groups, as it once was, cover 53 % at 16 x 40. Power: draws of a machine 1.5 times as
    strong must be missed by most intervals, where there are many chains.
    """
    machine, runs = random_machine(4, 1), 400

    def covered(source: BoltzmannMachine, seed: int) -> bool:
        states = sticky(source, tau, (chains, draws), np.random.default_rng((seed, chains, tau)))
        low, high = there(effective_beta(machine, states)[1])
        return low <= 1 <= high

    hits = sum(covered(machine, seed) for seed in range(runs))
    assert binom.ppf(ALPHA / 2, runs, 0.92) <= hits <= binom.isf(ALPHA / 2, runs, 0.98)
    if chains == 64:
        wrong = sum(covered(scaled(machine, 1.5), seed) for seed in range(100))
        assert wrong < binom.ppf(ALPHA / 2, 100, 0.92)


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.3])
def test_beta_is_the_scale_of_the_machine(beta: float) -> None:
    """Within z(ALPHA) standard errors of the interval itself."""
    machine = random_machine(5, 2)
    states = sample_exact(scaled(machine, beta), chains=200, draws=200, seed=3)
    found, interval = effective_beta(machine, states)
    low, high = there(interval)
    error = (high - low) / (2 * 1.96)
    assert abs(found - beta) < norm.isf(ALPHA / 2) * error
    assert error < 0.02


def test_beta_of_one_unit_in_closed_form() -> None:
    """One unit with bias b: σ(β b) is the share of ones."""
    states = np.zeros((4, 80, 1), np.uint8)
    states[:, :64] = 1
    found, _ = effective_beta(BoltzmannMachine([[0.0]], [0.7]), states)
    assert found == pytest.approx(np.log(4) / 0.7, rel=1e-8)


def test_beta_without_meaning_is_nan() -> None:
    states = sample_exact(random_machine(2), chains=4, draws=50, seed=0)
    found, interval = effective_beta(BoltzmannMachine(np.zeros((2, 2)), [0, 0]), states)
    assert np.isnan(found)
    assert interval is None


def test_one_chain_has_no_beta_interval() -> None:
    states = sample_exact(random_machine(2), chains=1, draws=70, seed=0)
    assert effective_beta(random_machine(2), states)[1] is None
    found = Samples(machine=random_machine(2), states=states, substrate="gibbs").fidelity()
    assert found.beta_interval is None
    assert found.grade == "cannot tell yet"


def test_beta_that_is_infinite_is_not_reported_as_a_number() -> None:
    """Every unit in its likelier state: the pseudo-likelihood grows for ever with β."""
    states = np.ones((4, 20, 2), np.uint8)
    found, _ = effective_beta(BoltzmannMachine([[0, 1], [1, 0]], [0.5, 1]), states)
    assert not np.isfinite(found)


# Effective draws


def binary_chains(flip: float, chains: int, draws: int, seed: int) -> NDArray[np.float64]:
    """Return a chain that flips with probability `flip`: autocorrelation (1 - 2 flip)^lag."""
    rng = np.random.default_rng(seed)
    flips = rng.random((chains, draws)) < flip
    flips[:, 0] = rng.random(chains) < 0.5
    return (np.cumsum(flips, axis=1) % 2).astype(np.float64)


@pytest.mark.parametrize("flip", [0.05, 0.25, 0.5, 0.6])
def test_ess_of_a_binary_chain(flip: float) -> None:
    """τ_int = (1 + ρ)/(1 - ρ) = (1 - flip)/flip.

    Its relative error over N draws, summed to lag M, is sqrt(2 (2M + 1)/N) (Madras & Sokal 1988);
    M = 10 τ is more than the estimator uses. On top 2 % for the bias of its cut.
    """
    chains, draws = 200, 2000
    tau = (1 - flip) / flip
    found = chains * draws / effective_draws(binary_chains(flip, chains, draws, 1))
    bound = 0.02 + norm.isf(ALPHA / 2) * np.sqrt(2 * (20 * max(tau, 1) + 1) / (chains * draws))
    assert abs(found / tau - 1) < bound
    # Power: a chain that is 1.5 times as slow is told apart.
    slower = chains * draws / effective_draws(binary_chains(flip / 1.5, chains, draws, 1))
    assert abs(slower / tau - 1) > bound


def test_ess_of_constant_or_few_draws_is_nan() -> None:
    assert np.isnan(effective_draws(np.ones((4, 100))))
    assert np.isnan(effective_draws(np.array([[0.0, 1.0, 0.0]])))


def test_certificate_takes_the_slowest_quantity() -> None:
    """Two independent units, one of them sticky: the ESS is that of the sticky one."""
    machine = BoltzmannMachine(np.zeros((2, 2)), [0, 0])
    states = np.stack([binary_chains(p, 50, 400, 2) for p in (0.5, 0.05)], axis=-1).astype(np.uint8)
    fidelity = Samples(machine=machine, states=states, substrate="gibbs").fidelity()
    sticky = effective_draws(states[..., 1].astype(np.float64))
    assert fidelity.ess == sticky < 0.1 * states[..., 0].size
    assert fidelity.tau_int == pytest.approx(states[..., 0].size / sticky)


# Divergence and its floor


@pytest.mark.parametrize("name", ["exact", "gibbs", "ideal"])
def test_exact_samplers_are_at_the_floor(name: str) -> None:
    """One run within six standard deviations of the floor (χ² of 15 degrees: ALPHA).

    Power: against a machine whose biases are off by 0.5 the same samples are far above.
    """
    machine = random_machine(4, 3)
    samples = ph.sample(machine, name, chains=64, draws=300, burn_in=30, seed=4)
    fidelity = samples.fidelity()
    assert fidelity.reference == "enumeration"
    assert 0 < there(fidelity.kl) < there(fidelity.kl_floor) + 6 * there(fidelity.kl_floor_std)
    assert fidelity.grade == "indistinguishable"
    assert not fidelity.biased
    shifted = BoltzmannMachine(machine.weights, machine.biases + 0.5)
    wrong = against(samples, shifted).fidelity()
    assert there(wrong.kl) > there(wrong.kl_floor) + 30 * there(wrong.kl_floor_std)
    assert there(wrong.kl) > 10 * there(wrong.kl_limit)
    assert there(wrong.marginal_error) > 0.05 > 5 * there(fidelity.marginal_error) / 2
    assert wrong.biased
    assert wrong.grade == "far off"


def test_shares_of_time_are_at_their_floor() -> None:
    """KLs of 12 runs of ideal neurons against their floors, where most of 256 states are seen seldom.

    The ratio of the means has a standard error of 0.04. One number of effective draws gave 1.45 there.
    """
    kl, floor = np.zeros(12), np.zeros(12)
    for k in range(12):
        machine = uniform(8, seed=k, scale=2)
        samples = ph.sample(machine, "ideal", chains=64, draws=50, burn_in=50, seed=k)
        found = divergence(machine, state_shares(samples), 64 * 50, seed=k, timed=True)
        kl[k], floor[k] = found.kl, found.floor
    assert floor.mean() / kl.mean() == pytest.approx(1.0, abs=0.2)


def test_floor_of_independent_draws_is_the_textbook_one() -> None:
    """(K - 1)/(2 N), within four standard deviations of χ² as the spread over 50 chains tells it.

    The relative error of a floor from C chains is sqrt(2/((C - 1) (K - 1))), and as much again from its
    runs. Twin: half as many draws.
    """
    machine = random_machine(4, 5, scale=0.3)
    samples = ph.sample(machine, "exact", chains=50, draws=400, burn_in=0, seed=6)
    ratio = there(samples.fidelity().kl_floor) * 2 * samples.states[..., 0].size / (2**4 - 1)
    bound = 4 * np.sqrt(2 / (49 * 15) + 2 / (FLOOR_RUNS * 15))
    assert abs(ratio - 1) < bound < 1


def test_quick_floor_and_errors_by_hand() -> None:
    machine = random_machine(3, 7)
    samples = ph.sample(machine, "exact", chains=8, draws=100, burn_in=0, seed=8)
    fidelity = samples.fidelity()
    assert fidelity.kl_quick_floor == pytest.approx(7 / (2 * fidelity.ess))
    z = samples.states.reshape(-1, 3).astype(np.float64)
    errors = np.abs(z.T @ z / len(z) - machine.pair_moments())
    assert fidelity.marginal_error == pytest.approx(np.diagonal(errors).max())
    assert fidelity.pair_error == pytest.approx(errors[np.triu_indices(3, 1)].max())
    assert fidelity.to_dict()["kl"] == fidelity.kl


def test_evidence_is_judged_against_the_conditional() -> None:
    machine = random_machine(4, 9)
    clamp = {1: 1, 3: 0}
    samples = ph.sample(machine, "gibbs", chains=32, draws=300, seed=1, clamp=clamp)
    fidelity = samples.fidelity()
    found = kl_divergence(samples.free_joint(), machine.conditional(clamp).joint())
    assert there(fidelity.kl) == pytest.approx(found)
    assert there(fidelity.kl) < 0.01
    assert fidelity.frozen == ()


def test_same_evidence_per_chain_is_common_and_different_evidence_is_refused() -> None:
    machine = random_machine(3)
    same = ph.sample(machine, "gibbs", chains=4, draws=30, seed=1, clamp={0: [1, 1, 1, 1]})
    assert (
        same.fidelity().kl
        == ph.sample(machine, "gibbs", chains=4, draws=30, seed=1, clamp={0: 1}).fidelity().kl
    )
    mixed = ph.sample(machine, "gibbs", chains=4, draws=30, seed=1, clamp={0: [1, 1, 0, 1]})
    with pytest.raises(InvalidInput, match="evidence of unit 0 differs between chains"):
        mixed.fidelity()


def test_frozen_units_are_named() -> None:
    machine = BoltzmannMachine(np.zeros((3, 3)), [0, 30, -30], labels=["free", "stuck on", "off"])
    fidelity = ph.sample(machine, "exact", chains=16, draws=100, burn_in=0, seed=0).fidelity()
    assert fidelity.frozen == ("stuck on", "off")
    assert "2 unit(s) never flipped" in fidelity.verdict
    assert np.isfinite(fidelity.ess)


def test_unit_that_differs_between_chains_only_is_not_frozen_by_mistake() -> None:
    """Each chain stuck in its own state: it did flip between chains, and ESS shows the rest."""
    machine = BoltzmannMachine([[0.0]], [0.0])
    states = np.zeros((4, 100, 1), np.uint8)
    states[2:] = 1
    fidelity = Samples(machine=machine, states=states, substrate="gibbs").fidelity()
    assert fidelity.ess < 10
    assert fidelity.rhat == np.inf
    assert not fidelity.converged
    assert fidelity.frozen == ()
    assert fidelity.grade == "cannot tell yet"


@pytest.mark.parametrize("n", [21, 28])
def test_large_machines_are_judged_by_moments(n: int) -> None:
    """Enumerated up to 24 units; beyond, two samplers that agree. No KL: no run fills the joint."""
    machine = random_machine(n, 1, scale=0.2)
    samples = ph.sample(machine, "gibbs", chains=64, draws=250, seed=2)
    fidelity = samples.fidelity()
    assert (fidelity.kl, fidelity.kl_floor, fidelity.kl_floor_std) == (None, None, None)
    assert fidelity.kl_quick_floor is None
    assert fidelity.reference == ("enumeration" if n <= 24 else "ideal")
    assert 0 < there(fidelity.marginal_error) < 0.03
    assert fidelity.grade in ("indistinguishable", "cannot tell yet")
    assert not fidelity.biased
    shifted = BoltzmannMachine(machine.weights, machine.biases + 0.5)
    wrong = against(samples, shifted).fidelity()
    assert there(wrong.marginal_error) > 0.05
    assert wrong.grade == "far off"


def test_evidence_can_bring_a_large_machine_within_reach() -> None:
    machine = random_machine(22, 1, scale=0.2)
    clamp = dict.fromkeys(range(12), 1)
    fidelity = ph.sample(machine, "gibbs", chains=16, draws=100, seed=2, clamp=clamp).fidelity()
    assert fidelity.reference == "enumeration"
    assert fidelity.kl is not None


@pytest.mark.parametrize("name", ["exact", "gibbs", "ideal"])
@pytest.mark.parametrize(("chains", "draws"), [(1, 1), (1, 2), (1, 5), (3, 1), (1, 40)])
@pytest.mark.parametrize("n", [1, 3])
def test_shortest_runs_give_a_certificate_without_warnings(
    name: str, chains: int, draws: int, n: int
) -> None:
    samples = ph.sample(random_machine(n), name, chains=chains, draws=draws, burn_in=0, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fidelity = samples.fidelity()
    assert there(fidelity.kl) >= 0
    assert fidelity.kl_floor is None or fidelity.kl_floor > 0
    assert fidelity.grade == "cannot tell yet"
    assert fidelity.verdict.startswith(fidelity.grade)
    json.dumps(fidelity.to_dict(), allow_nan=False)
    if draws == 1:
        assert np.isnan(fidelity.ess)
        assert "too few draws for an ESS" in fidelity.verdict


def test_no_draws_are_refused() -> None:
    machine = random_machine(2)
    samples = Samples(machine=machine, states=np.empty((3, 0, 2), np.uint8), substrate="gibbs")
    with pytest.raises(InvalidInput, match="samples must hold at least one draw"):
        samples.fidelity()


def test_certificate_is_reproducible() -> None:
    samples = ph.sample(random_machine(3), "gibbs", chains=4, draws=50, seed=1)
    assert samples.fidelity(3) == samples.fidelity(3)
    assert samples.fidelity(3).kl_floor != samples.fidelity(4).kl_floor


def test_one_wrong_draw_of_an_all_but_certain_unit() -> None:
    """The KL is exact although the target gives that state e^-40."""
    states = np.zeros((4, 100, 1), np.uint8)
    states[0, 3] = 1
    machine = BoltzmannMachine([[0.0]], [-40.0])
    fidelity = Samples(machine=machine, states=states, substrate="gibbs").fidelity()
    p = 1 / 400
    assert there(fidelity.kl) == pytest.approx(p * (np.log(p) + 40) + (1 - p) * np.log(1 - p), rel=1e-9)
    assert fidelity.grade != "indistinguishable"


# Four questions, one word


def coupled(n: int, seed: int, scale: float, kind: str = "dense", **options: Any) -> BoltzmannMachine:
    return make(kind, n, np.random.default_rng(seed), scale=scale, **options)


def judged(
    machine: BoltzmannMachine, law: BoltzmannMachine | None = None, substrate: str = "gibbs", **run: Any
) -> ph.Fidelity:
    """Return the certificate of samples of another law, as if they were meant for the machine."""
    return against(ph.sample(law or machine, substrate, **run), machine).fidelity()


@pytest.mark.parametrize("seed", range(6))
def test_couplings_switched_off_are_far_off(seed: int) -> None:
    """22 units whose couplings hardly matter for marginals, which are right: pair moments tell."""
    n, rng = 22, np.random.default_rng(seed)
    upper = np.triu(rng.uniform(-0.5, 0.5, (n, n)) * (rng.random((n, n)) < 0.15), 1)
    machine = BoltzmannMachine(upper + upper.T, rng.uniform(-0.5, 0.5, n))
    p = machine.marginals()
    independent = BoltzmannMachine(np.zeros((n, n)), np.log(p / (1 - p)))
    pairs = np.abs(np.outer(p, p) - machine.pair_moments())[np.triu_indices(n, 1)].max()
    found = judged(machine, independent, chains=64, draws=250, seed=seed)
    assert 0.015 < pairs < 0.07
    assert found.grade == "far off"
    assert there(found.marginal_error) < 0.02
    assert found.pair_error == pytest.approx(pairs, abs=0.015)
    assert there(found.beta_interval)[1] < 0.85
    right = judged(machine, None, "exact", chains=64, draws=250, seed=seed)
    assert right.grade in ("indistinguishable", "cannot tell yet")
    assert not right.biased


@pytest.mark.parametrize("n", [22, 30])
@pytest.mark.parametrize("draws", [40, 250])
def test_right_chains_that_mix_slowly_are_not_called_off(n: int, draws: int) -> None:
    """A ferromagnet: Gibbs chains stay in one of two modes. Twin: the same draws without couplings."""
    weights = np.full((n, n), 8.0 / n)
    np.fill_diagonal(weights, 0)
    machine = BoltzmannMachine(weights, -weights.sum(axis=1) / 2 + 0.02)
    found = judged(machine, chains=64, draws=draws, seed=1)
    assert found.grade == "cannot tell yet"
    assert there(found.rhat) > 1.5
    assert "temper" in found.advice
    if n <= 24:  # beyond, two samplers do not converge either, and there is no reference
        free = BoltzmannMachine(np.zeros((n, n)), machine.biases)
        assert judged(machine, free, chains=64, draws=draws, seed=1).grade == "far off"


@pytest.mark.parametrize("draws", [10, 40])
def test_short_right_run_of_a_restricted_machine_is_not_called_off(draws: int) -> None:
    rng = np.random.default_rng(0)
    weights = np.zeros((30, 30))
    weights[:20, 20:] = rng.normal(size=(20, 10)) * 0.5
    machine = BoltzmannMachine(weights + weights.T, rng.normal(size=30) * 0.5)
    found = judged(machine, chains=64, draws=draws, burn_in=10, seed=1)
    assert found.grade == "cannot tell yet"
    assert not found.biased


@pytest.mark.parametrize("seed", range(8))
def test_one_bias_off_by_a_tenth_is_seen(seed: int) -> None:
    """n = 10; a marginal wrong by 7 to 8 standard errors is never called indistinguishable."""
    machine = coupled(10, seed, 0.7)
    biases = machine.biases.copy()
    biases[3] += 0.1
    found = judged(machine, BoltzmannMachine(machine.weights, biases), chains=64, draws=500, seed=seed)
    assert there(found.p_value) < 1e-4
    assert found.grade in ("close", "off", "cannot tell yet")
    assert found.biased or not found.converged
    assert not judged(machine, chains=64, draws=500, seed=seed).biased


def test_couplings_that_count_twice_are_far_off() -> None:
    """n = 20, sparse: as a sampler once had it. The floor does not come from the sampler under test."""
    machine = coupled(20, 5, 0.7, "some_isolated")
    twice = BoltzmannMachine(2 * machine.weights, machine.biases)
    found = judged(machine, twice, chains=64, draws=250, seed=1)
    assert found.grade == "far off"
    assert there(found.beta_interval)[0] > 1.1
    right = judged(machine, None, "exact", chains=64, draws=250, seed=1)
    assert right.grade == "indistinguishable"


@pytest.mark.parametrize(("chains", "draws"), [(64, 10), (64, 20), (16, 40), (4, 60), (4, 400)])
@pytest.mark.parametrize("name", ["exact", "gibbs", "ideal"])
def test_short_right_runs_are_never_called_off(chains: int, draws: int, name: str) -> None:
    for seed in range(6):
        machine = coupled(6, seed, 2.0)
        found = judged(machine, None, name, chains=chains, draws=draws, burn_in=10, seed=seed)
        assert found.grade in ("indistinguishable", "close", "cannot tell yet")


def test_wrong_sampler_is_called_off_by_few_draws() -> None:
    machine = coupled(6, 1, 1.0)
    wrong = BoltzmannMachine(machine.weights, machine.biases + 1)
    assert judged(machine, wrong, chains=64, draws=4, burn_in=4, seed=1).grade == "cannot tell yet"
    assert judged(machine, wrong, chains=64, draws=10, burn_in=10, seed=1).grade == "far off"


@pytest.mark.parametrize("on", [0, 1])
def test_chains_that_stay_in_one_mode_are_not_indistinguishable(on: int) -> None:
    """All off or all on has half of the mass each; every chain sees one of them only."""
    weights = np.full((8, 8), 2.0)
    np.fill_diagonal(weights, 0)
    machine = BoltzmannMachine(weights, np.full(8, -7.0))
    states = np.full((64, 250, 8), on, np.uint8)
    found = Samples(machine=machine, states=states, substrate="lif", burn_in=25).fidelity()
    assert found.marginal_error == pytest.approx(0.5, abs=1e-6)
    assert found.grade in ("cannot tell yet", "far off")
    assert len(found.frozen) == 8
    assert "temper" in found.advice
    states[::2] = 1 - on
    found = Samples(machine=machine, states=states, substrate="lif", burn_in=25).fidelity()
    assert found.rhat == np.inf
    assert found.grade == "cannot tell yet"


def test_dead_unit_is_far_off() -> None:
    """A unit that the others ask to be on, and that never is: no mode explains that."""
    machine = BoltzmannMachine([[0, 0.5], [0.5, 0]], [3.0, 0.0])
    states = sample_exact(machine, chains=64, draws=100, seed=1)
    states[..., 0] = 0
    found = Samples(machine=machine, states=states, substrate="laser", burn_in=25).fidelity()
    assert found.grade == "far off"
    assert found.biased


def test_impossible_states_have_a_finite_divergence() -> None:
    """The target gives them e^-2000: KL is that many nats, not an error."""
    machine = BoltzmannMachine([[0, -2000.0], [-2000.0, 0]], [0, 0])
    states = sample_exact(BoltzmannMachine(np.zeros((2, 2)), [0, 0]), chains=16, draws=50, seed=1)
    found = Samples(machine=machine, states=states, substrate="laser", burn_in=25).fidelity()
    both = (states.sum(axis=-1) == 2).mean()
    assert found.kl == pytest.approx(2000 * both, rel=0.01)
    assert found.grade == "far off"
    json.dumps(found.to_dict(), allow_nan=False)


def test_every_certificate_answers_four_questions() -> None:
    found = judged(coupled(5, 1, 1.0), chains=32, draws=100, seed=1)
    assert found.on_convergence.startswith("yes: R̂ is at most ")
    assert found.on_bias.startswith("no sign of it (p = ")
    for measure in ("a marginal by", "a pair moment by", "KL", "β_eff"):
        assert measure in found.on_distance
    assert found.verdict.startswith(found.grade)
    assert found.grade in GRADES
    assert found.advice


def test_advice_names_what_refinement_has() -> None:
    """Refinement by its defaults: how many rounds it may take, and what its end says."""
    strong, weak = (untyped(SimpleNamespace(network=True, strong=size)) for size in (4.0, 1.0))
    rounds = inspect.signature(ph.refine).parameters["most_rounds"].default
    assert f"all its {rounds} rounds" in verdict._remedy(strong)
    assert "bring no gain" in verdict._remedy(strong)
    for told in (verdict._remedy(strong), verdict._remedy(weak)):
        assert "`photinus.refine(machine, calibration)` or `photinus refine`" in told
        assert "damping" not in told
        assert told.startswith("refine the network")
    assert "If it is a refined one already" in verdict._remedy(weak)
    assert "refine" not in verdict._remedy(untyped(SimpleNamespace(network=False, strong=4.0)))


def test_verdict_gives_the_worst_error_its_own_interval_and_says_whose_p_it_is() -> None:
    """And no p is printed as 0, be it ever so small."""
    right, wrong = coupled(5, 1, 1.0), coupled(5, 2, 1.0)
    found = judged(right, law=wrong, chains=64, draws=500, seed=1)
    assert found.grade == "far off"
    told = re.search(
        r"is off by ([\d.]+) \(95 %: ([\d.]+) to ([\d.]+); all tests together: p [=<] [\d.e-]+\)$",
        found.verdict,
    )
    assert told is not None, found.verdict
    size, low, high = map(float, told.groups())
    assert low < high
    assert low - 0.005 <= size <= high + 0.005
    assert verdict.chance(0.0) == "p < 1e-300"
    assert verdict.chance(2.5e-12) == "p = 2e-12"
    assert not re.search(r"p = 0\b(?!\.)", f"{found.verdict} {found.on_bias}")


# References


@pytest.mark.parametrize("kind", ["tree", "chain", "grid", "star", "isolated", "some_isolated"])
def test_tree_decomposition_agrees_with_enumeration(kind: str) -> None:
    machine = coupled(14, 3, 1.5, kind, shuffled=True)
    moments = there(there(references._by_tree(machine)).moments)
    exact, coupled_ones = machine.pair_moments(), (machine.weights != 0) | np.eye(14, dtype=bool)
    assert np.isfinite(moments[coupled_ones]).all()
    known = np.isfinite(moments)
    np.testing.assert_allclose(moments[known], exact[known], atol=1e-9)


def tree_marginals(machine: BoltzmannMachine, parent: list[int]) -> Any:
    """Return marginals of a tree by messages towards each unit in turn; no unit before its parent."""
    n, found = machine.n_units, np.empty(machine.n_units)
    near: list[set[int]] = [set() for _ in range(n)]
    for child in range(1, n):
        near[child].add(parent[child])
        near[parent[child]].add(child)

    def message(unit: int, towards: int | None) -> NDArray[np.float64]:
        own = np.array([0.0, machine.biases[unit]])
        for other in near[unit] - {towards}:
            weight = np.array([[0, 0], [0, machine.weights[other, unit]]])
            own = own + np.logaddexp.reduce(message(other, unit)[:, None] + weight, axis=0)
        return own

    for unit in range(n):
        off, on = message(unit, None)
        found[unit] = 1 / (1 + np.exp(off - on))
    return found


def test_tree_of_two_hundred_units_by_messages() -> None:
    rng = np.random.default_rng(4)
    parent = [0] + [int(rng.integers(child)) for child in range(1, 200)]
    weights = np.zeros((200, 200))
    for child in range(1, 200):
        weights[child, parent[child]] = weights[parent[child], child] = rng.normal()
    machine = BoltzmannMachine(weights, rng.normal(size=200))
    found = references.reference(machine, 0)
    assert found.name == "tree decomposition"
    marginals = np.diagonal(there(found.moments))
    np.testing.assert_allclose(marginals, tree_marginals(machine, parent), atol=1e-9)


def test_two_samplers_agree_with_enumeration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each moment within z of its own error; the sampler under test is never the reference."""
    machine = coupled(12, 2, 0.7)
    monkeypatch.setattr(references, "MAX_ENUMERATED", 8)
    monkeypatch.setattr(references, "_by_tree", lambda *_: None)
    names = {"gibbs": "ideal", "ideal": "gibbs", "laser": "ideal", "": "ideal and gibbs"}
    for tested, name in names.items():
        found = references.reference(machine, 1, tested=tested)
        assert found.name == name
        chains = there(found.chains)
        error = chains.std(axis=0, ddof=1) / np.sqrt(len(chains))
        z = (there(found.moments) - machine.pair_moments()) / error
        assert np.abs(z).max() < 5.5


def test_samplers_that_disagree_are_no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = coupled(12, 2, 0.7)
    monkeypatch.setattr(references, "MAX_ENUMERATED", 8)
    monkeypatch.setattr(references, "_by_tree", lambda *_: None)
    right = references._gibbs
    wrong = BoltzmannMachine(machine.weights, machine.biases + 0.2)
    monkeypatch.setattr(references, "_gibbs", lambda _, draws, seed: right(wrong, draws, seed))
    found = references.reference(machine, 1)
    assert (found.name, found.moments) == ("none", None)
    assert "disagree" in found.reason
    judgement = judged(machine, chains=64, draws=200, seed=1)
    assert judgement.grade == "cannot tell yet"
    assert "disagree" in judgement.verdict


def test_too_many_units_are_told_at_once() -> None:
    machine = coupled(700, 1, 0.01)
    found = judged(machine, chains=16, draws=40, seed=1)
    assert (found.reference, found.marginal_error) == ("none", None)
    assert found.grade == "cannot tell yet"
    assert "too many for a reference" in found.verdict
    json.dumps(found.to_dict(), allow_nan=False)


# Draws needed, tables


def test_draws_needed_reach_the_error() -> None:
    """Independent draws: p (1 - p)/error² in all; a run of that length has that standard error."""
    machine = BoltzmannMachine(np.zeros((2, 2)), [0.0, 3.0], ["even", "rare"])
    samples = ph.sample(machine, "exact", chains=16, draws=200, burn_in=0, seed=1)
    needed = samples.draws_needed(0.005)
    assert needed.unit == "even"
    assert needed.effective == pytest.approx(0.25 / 0.005**2, rel=0.01)
    assert needed.draws * needed.chains == pytest.approx(0.25 / 0.005**2, rel=0.15)
    assert needed.time is None
    longer = ph.sample(machine, "exact", chains=16, draws=needed.draws, burn_in=0, seed=2)
    assert longer.fidelity().units[0].error == pytest.approx(0.005, rel=0.6)
    sticky_states = sticky(machine, 9.0, (16, 2000), np.random.default_rng(1))
    slow = Samples(machine=machine, states=sticky_states, substrate="gibbs").draws_needed(0.005)
    assert slow.draws * 16 == pytest.approx(9 * 0.25 / 0.005**2, rel=0.2)


def test_draws_needed_tells_the_time_on_the_chip() -> None:
    machine = BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    samples = ph.sample(machine, "lif", chains=8, draws=50, seed=1)
    needed = samples.draws_needed()
    assert needed.time == pytest.approx(
        (samples.burn_in + needed.draws) * there(samples.network).window
    )


@pytest.mark.parametrize("error", [0, -1, 0.6, np.nan, np.inf])
def test_draws_needed_refuses_what_makes_no_sense(error: float) -> None:
    samples = ph.sample(random_machine(2), "exact", chains=4, draws=50, burn_in=0, seed=1)
    with pytest.raises(InvalidInput, match="error must be"):
        samples.draws_needed(error)
    frozen = dataclasses.replace(samples, states=samples.states * 0)
    with pytest.raises(InvalidInput, match="must have a unit that flips"):
        frozen.draws_needed()


def test_marginal_rows_stand_beside_the_right_values() -> None:
    labels = ["[red]a[/red]", "b", "c"]
    machine = BoltzmannMachine(random_machine(3).weights, random_machine(3).biases, labels)
    found = ph.sample(machine, "gibbs", chains=16, draws=200, seed=1).fidelity()
    rows = marginal_rows(found)
    assert [row[0] for row in rows] == labels
    for row, unit, right in zip(rows, found.units, machine.marginals(), strict=True):
        assert row[1:] == (f"{unit.probability:.4f}", f"{unit.error:.4f}", f"{right:.4f}")
        assert abs(unit.probability - right) < 6 * there(unit.error)
        low, high = there(unit.interval)
        assert low < unit.probability < high


def test_long_tables_of_marginals_begin_with_the_worst() -> None:
    machine = BoltzmannMachine(np.zeros((24, 24)), np.zeros(24))
    states = sample_exact(machine, chains=16, draws=100, seed=1)
    states[..., 17] |= states[..., 3]
    rows = marginal_rows(Samples(machine=machine, states=states, substrate="exact").fidelity(), 5)
    assert len(rows) == 6
    assert rows[0][0] == "17"
    assert rows[-1][0] == "… and 19 others"


def test_sample_prints_marginals_first_and_then_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    machine = BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], ["rain", "wet"])
    machine.save("model.json")
    command = ["sample", "model.json", "--substrate", "gibbs", "--out", "r.zarr", "--seed", "1"]
    app([*command, "--chains", "16", "--draws", "100"], standalone_mode=False)
    out = capsys.readouterr().out
    places = [out.index(word) for word in ("P(on)", "rain", "verdict", "converged?", "substrate")]
    assert places == sorted(places)
    found = ph.load("r.zarr").fidelity()
    for unit, right in zip(found.units, machine.marginals(), strict=True):
        row = next(line for line in out.splitlines() if line.startswith(str(unit.label)))
        assert row.split()[1:] == [f"{unit.probability:.4f}", f"{unit.error:.4f}", f"{right:.4f}"]

    def refuse(constant: Any) -> None:
        raise AssertionError(f"{constant} is no strict JSON")

    document = json.loads((tmp_path / "r.zarr.report.json").read_text(), parse_constant=refuse)
    assert document["fidelity"]["grade"] == found.grade
    page = run_page(ph.load("r.zarr"))
    assert page.index("P(on)") < page.index("verdict") < page.index("substrate")


def test_pieces_of_chains_have_the_moments_of_the_whole() -> None:
    """Draws, and dwell times of spikes: the mean over equal pieces is that of the chain."""
    for name in ("gibbs", "ideal"):
        samples = ph.sample(random_machine(3), name, chains=2, draws=60, burn_in=5, seed=1)
        pieces = samples.chain_moments(4)
        assert pieces.shape == (8, 3, 3)
        np.testing.assert_allclose(
            pieces.reshape(2, 4, 3, 3).mean(axis=1), samples.chain_moments(), atol=1e-6
        )
        with pytest.raises(InvalidInput, match="pieces"):
            samples.chain_moments(61)


# Parts of the divergence


def tilted(machine: BoltzmannMachine, size: float, order: int) -> NDArray[np.float64]:
    """Return the joint of `machine` with an added interaction of `order` units."""
    states = machine.states()
    weight = machine.joint() * np.exp(size * states[:, :order].prod(axis=1))
    return weight / weight.sum()


def random_joint(n: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).dirichlet(np.full(2**n, 3.0))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_parts_add_up(n: int, scale: float) -> None:
    """Pythagoras, twice, for any distribution against any machine; no part is negative."""
    machine, joint = random_machine(n, n, scale=scale), random_joint(n, n)
    parts = kl_parts(joint, machine)
    assert parts.total == pytest.approx(kl_divergence(joint, machine.joint()), abs=1e-9)
    assert min(parts.marginals, parts.pairs, parts.higher) >= -1e-12
    assert parts.noise is None


def test_parts_of_boltzmann_machines() -> None:
    """Other biases are seen in the first part alone, a machine has no higher order, itself nothing."""
    machine, other = random_machine(5, 1), random_machine(5, 2)
    own = kl_parts(machine.joint(), machine)
    assert max(map(abs, (own.marginals, own.pairs, own.higher))) < 1e-12
    shifted = BoltzmannMachine(machine.weights, other.biases)
    parts = kl_parts(shifted.joint(), machine)
    assert parts.marginals == pytest.approx(kl_divergence(shifted.joint(), machine.joint()), abs=1e-12)
    assert max(abs(parts.pairs), abs(parts.higher)) < 1e-12
    parts = kl_parts(other.joint(), machine)
    assert min(parts.marginals, parts.pairs) > 0.01
    assert abs(parts.higher) < 1e-12


def test_pairs_part_is_what_is_left_with_the_right_marginals() -> None:
    """Two units, target independent: KL = mutual information + what the marginals are off."""
    joint = random_joint(2, 5).reshape(2, 2)  # axis 0 is unit 1
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    machine = BoltzmannMachine(np.zeros((2, 2)), [0.3, -0.8])
    parts = kl_parts(joint.ravel(), machine)
    assert parts.pairs == pytest.approx(kl_divergence(joint.ravel(), independent.ravel()), abs=1e-12)
    assert parts.marginals == pytest.approx(
        kl_divergence(independent.ravel(), machine.joint()), abs=1e-12
    )


def test_higher_part_is_the_distance_to_the_closest_machine() -> None:
    """A triple interaction has one; whatever weights and biases the target has does not change it."""
    joint = tilted(random_machine(4, 3), 1.0, 3)
    first, second = (kl_parts(joint, random_machine(4, seed)) for seed in (4, 5))
    assert first.higher == pytest.approx(second.higher, abs=1e-12)
    assert first.higher > 1e-3
    # No machine nearby is closer.
    moments = (random_machine(4).states().T * joint) @ random_machine(4).states()
    closest = fit_moments(moments)
    assert first.higher == pytest.approx(kl_divergence(joint, closest.joint()), abs=1e-12)
    for seed in range(20):
        away = random_machine(4, seed, scale=0.01)
        near = BoltzmannMachine(closest.weights + away.weights, closest.biases + away.biases)
        assert kl_divergence(joint, near.joint()) > first.higher


def test_parts_with_strong_weights_are_found() -> None:
    """Where Newton's method from the target's biases goes astray."""
    for seed in range(5):
        machine, joint = random_machine(6, seed, scale=4), random_joint(6, seed)
        parts = kl_parts(joint, machine)
        assert parts.total == pytest.approx(kl_divergence(joint, machine.joint()), abs=1e-9)


def test_parts_refuse_what_has_none() -> None:
    machine = random_machine(2)
    for wrong in (np.ones(3) / 3, np.ones((2, 2, 2)) / 8, np.full(4, 0.3), np.array([2, -1, 0, 0])):
        with pytest.raises(InvalidInput, match="sampled must have"):
            kl_parts(wrong, machine)
    with pytest.raises(InvalidInput, match="must show all four states"):
        kl_parts(np.array([0.5, 0.25, 0.25, 0]), machine)


@pytest.mark.parametrize("name", ["exact", "gibbs", "ideal"])
def test_chain_joints_are_those_of_the_chains(name: str) -> None:
    """Their mean is the joint of all; with fewer draws, that of the shorter run."""
    machine = random_machine(3, 1)
    samples = ph.sample(machine, name, chains=5, draws=40, burn_in=5, seed=1, clamp={1: 1})
    joints = chain_joints(samples)
    assert joints.shape == (5, 4)
    np.testing.assert_allclose(joints.mean(axis=0), samples.free_joint(), atol=1e-12)
    moments = np.einsum("cs,sk->ck", joints, [[0, 0], [1, 0], [0, 1], [1, 1]])
    np.testing.assert_allclose(moments, samples.chain_marginals()[:, [0, 2]], atol=1e-6)
    shorter = ph.sample(machine, name, chains=5, draws=15, burn_in=5, seed=1, clamp={1: 1})
    if name != "exact":  # its draws depend on how many there are
        np.testing.assert_allclose(chain_joints(samples, 15), chain_joints(shorter), atol=1e-12)
    with pytest.raises(InvalidInput, match="draws must be from 1 to 40"):
        chain_joints(samples, 41)


def test_limit_of_the_floor_is_above_the_floor() -> None:
    samples = ph.sample(random_machine(3), "exact", chains=8, draws=50, burn_in=0, seed=2)
    fidelity = samples.fidelity()
    assert there(fidelity.kl_limit) > there(fidelity.kl_floor) + there(fidelity.kl_floor_std)
