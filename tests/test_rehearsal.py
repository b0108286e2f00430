"""A gauge that is rehearsed on reduced lasers leaves less that refinement cannot take away."""

from dataclasses import replace

import numpy as np
import pytest

import photinus as ph
from photinus._core.gauge import Gauge
from photinus._core.gauge import of as gauge_of
from photinus.diagnostics.distance import chain_joints
from photinus.diagnostics.parts import kl_parts
from photinus.learning.rehearsal import rehearsed_gauge
from tests.machines import uniform

NONE = np.zeros(5, dtype=bool)


@pytest.fixture(scope="module")
def calibration() -> ph.Calibration:
    return ph.Calibration.preset("fast-absorber")


@pytest.fixture(scope="module")
def ferromagnet() -> ph.BoltzmannMachine:
    """Five units that strongly want to be alike, each a little more on or off than the others."""
    weights = 2.2 * (1 - np.eye(5))
    biases = -weights.sum(axis=1) / 2 + np.linspace(-0.6, 0.6, 5)
    return ph.BoltzmannMachine(weights, biases)


def rehearsed(machine: ph.BoltzmannMachine, calibration: ph.Calibration) -> Gauge:
    return rehearsed_gauge(machine, calibration, NONE, np.random.SeedSequence(1), threads=1)


def test_full_physics_confirms_what_reduced_lasers_chose(
    ferromagnet: ph.BoltzmannMachine, calibration: ph.Calibration
) -> None:
    """Reduced lasers chose; what is left is measured at full physics, with another seed."""
    chosen = rehearsed(ferromagnet, calibration)
    assert np.any(chosen)

    def left(gauge: object) -> float:
        network = ph.translate(ferromagnet, calibration, gauge=gauge)  # type: ignore[arg-type]
        samples = ph.sample(ferromagnet, network=network, chains=64, draws=200, seed=9)
        parts = kl_parts(chain_joints(samples), ferromagnet)
        assert parts.noise is not None
        return parts.higher - parts.noise[2]

    assert left(chosen) < 0.7 * left(NONE)


def test_where_little_is_to_be_gained_no_unit_is_flipped(calibration: ph.Calibration) -> None:
    assert not np.any(rehearsed(uniform(5, 3, 0.5), calibration))


def test_it_keeps_the_gauge_where_it_cannot_tell(
    ferromagnet: ph.BoltzmannMachine, calibration: ph.Calibration
) -> None:
    assert not np.any(rehearsed(ferromagnet, replace(calibration, reduced=None)))
    large = uniform(13, 1, 3.0)
    flips = np.arange(13) % 2 == 0
    kept = rehearsed_gauge(large, calibration, flips, np.random.SeedSequence(1))
    np.testing.assert_array_equal(kept, flips)


def test_a_gauge_that_is_given_is_kept_by_refinement(
    ferromagnet: ph.BoltzmannMachine, calibration: ph.Calibration
) -> None:
    short = {"chains": 8, "draws": 16, "most_rounds": 1, "seed": 1}
    found = ph.refine(ferromagnet, calibration, gauge="none", **short)  # type: ignore[arg-type]
    assert not any(gauge_of(found.network))
    found = ph.refine(ferromagnet, calibration, **short)  # type: ignore[arg-type]
    assert any(gauge_of(found.network))
