"""Importance weights: draws of one machine as draws of another, and when not to trust them."""

from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus import InvalidInput
from photinus.diagnostics.weights import weighted
from tests.machines import two_modes, uniform
from tests.narrow import untyped

MACHINE = uniform(6, seed=4)


@pytest.mark.parametrize("substrate", ["exact", "gibbs", "ideal"])
def test_hot_samples_are_led_back(substrate: Any) -> None:
    """Six marginals within 5 standard errors each (4e-6 for all); plain averages are outside."""
    hot = ph.sample(MACHINE.heated(2), substrate, chains=64, draws=400, seed=1)
    found, right = hot.reweighted(MACHINE), MACHINE.marginals()
    assert found.trusted
    assert found.verdict.startswith("trusted: ")
    assert (np.abs(found.mean() - right) < 5 * found.errors()).all()
    assert (np.abs(hot.states.mean(axis=(0, 1)) - right) > 5 * found.errors()).sum() >= 3


def test_weights_are_those_of_the_two_laws() -> None:
    hot = ph.sample(MACHINE.heated(3), "exact", chains=4, draws=50, seed=2)
    weights = hot.reweighted(MACHINE).weights
    ratio = np.exp(MACHINE.log_probability(hot.states) - MACHINE.heated(3).log_probability(hot.states))
    np.testing.assert_allclose(weights, ratio / ratio.sum(), rtol=1e-9)


def test_effective_draws_are_kishs() -> None:
    """Of two kinds of draws, a share 1/4 with ten times the weight."""
    values, log_weights = np.zeros((2, 8, 1)), np.zeros((2, 8))
    log_weights[:, :2] = np.log(10.0)
    found = weighted(values, log_weights, float("nan"))
    assert found.ess == pytest.approx((4 * 10 + 12) ** 2 / (4 * 100 + 12))
    assert weighted(values, log_weights, 8.0).ess == pytest.approx(found.ess / 2)
    assert np.isnan(found.pareto_k)
    assert found.weights.sum() == pytest.approx(1)


def test_errors_are_those_over_many_runs() -> None:
    """The spread of 60 runs is the error told, within a factor of 1.5 (60 runs: 9 % at one sigma)."""
    runs = [ph.sample(MACHINE.heated(2), "exact", chains=16, draws=50, seed=k) for k in range(60)]
    found = [run.reweighted(MACHINE) for run in runs]
    spread = np.std([one.mean() for one in found], axis=0, ddof=1)
    told = np.sqrt(np.mean([one.errors() ** 2 for one in found], axis=0))
    assert ((spread / told > 1 / 1.5) & (spread / told < 1.5)).all()


def test_samples_of_another_mode_are_not_trusted() -> None:
    """Hot samples hardly meet the modes of a cold machine: a few draws decide."""
    cold = two_modes(8, 5.0)
    far = ph.sample(cold.heated(100), "exact", chains=8, draws=100, seed=1).reweighted(cold)
    assert not far.trusted
    assert far.verdict.startswith("not to be trusted: ")
    assert far.ess < 50


def test_heavy_tails_are_told() -> None:
    """Weights with a tail of shape 2 have no mean; those of shape 0.2 do."""
    rng = np.random.default_rng(1)
    values = np.zeros((4, 5000, 1))
    exponential = rng.exponential(size=(4, 5000))
    heavy, light = (weighted(values, shape * exponential, float("nan")) for shape in (2.0, 0.2))
    assert heavy.pareto_k == pytest.approx(2, abs=0.5)
    assert light.pareto_k == pytest.approx(0.2, abs=0.2)
    assert not heavy.trusted
    assert light.trusted


def test_evidence_is_the_same_for_both() -> None:
    hot = ph.sample(MACHINE.heated(2), "exact", chains=64, draws=300, seed=1, evidence={0: 1})
    found = hot.reweighted(MACHINE)
    right = MACHINE.conditional({0: 1}).marginals()
    assert found.mean()[0] == pytest.approx(1)
    assert (np.abs(found.mean()[1:] - right) < 5 * found.errors()[1:]).all()


def test_reweighting_refuses() -> None:
    samples = ph.sample(MACHINE, "exact", chains=2, draws=5, evidence={0: [0, 1]}, burn_in=0)
    with pytest.raises(InvalidInput, match="differs between chains"):
        samples.reweighted(MACHINE)
    with pytest.raises(InvalidInput, match="^machine must have the labels of the samples"):
        ph.sample(MACHINE, "exact", chains=2, draws=5, burn_in=0).reweighted(uniform(3))
    with pytest.raises(InvalidInput, match="^machine must be a BoltzmannMachine, got 3$"):
        samples.reweighted(untyped(3))
    with pytest.raises(InvalidInput, match="^samples must have draws that the law wanted allows"):
        weighted(np.zeros((1, 2, 1)), np.full((1, 2), -np.inf), 2.0)
