"""The study of scaling: exact references, errors without a floor, exponents; and pages in parts."""

from typing import Any

import numpy as np
import pytest
from studies.robustness import LATER, REFINED, section, with_section
from studies.scaling.moments import GROUPS, reference, squared
from studies.scaling.page import GOAL_KL, growth, time_to
from studies.scaling.targets import pairs_of, target


@pytest.mark.parametrize("family", ["dense", "restricted"])
def test_exact_moments_and_their_covariance(family: str) -> None:
    machine = target(family, 12, 0)
    found = reference(family, machine)
    pairs = pairs_of(machine)
    states = machine.states().astype(float)
    each = np.concatenate([states, states[:, pairs[0]] * states[:, pairs[1]]], axis=1)
    mean = machine.joint() @ each
    covariance = (each * machine.joint()[:, None]).T @ each - np.outer(mean, mean)
    np.testing.assert_allclose(found.moments, [mean, mean], atol=1e-6)
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-5)
    assert found.error == 0


@pytest.mark.parametrize("bias", [0.0, 0.02])
def test_squared_errors_have_no_floor(bias: float) -> None:
    # 16 groups of 400 moments, each off by chance by 0.05: a plain mean square would show 0.0025/16.
    noise = np.random.default_rng(3).normal(0, 0.05, (GROUPS, 400))
    right = np.zeros((2, 400))
    found, error = squared(noise + bias, right)
    assert abs(found / 400 - bias**2) < 4 * error / 400
    assert error / 400 < 0.0025 / 16 / 5


def test_a_power_of_n_is_found_again() -> None:
    table: Any = {
        ("dense", n, "curve"): [{"kl": (c * n**2.5, 1e-9), "marginal": (c * n**1.5, 1e-9)}] * 2
        for n, c in ((4, 1.1), (8, 0.9), (16, 1.0), (32, 1.05))
    }
    for key, power in (("kl", 2.5), ("marginal", 0.75)):
        fit = growth(table, "dense", "curve", key)
        assert fit is not None
        assert abs(fit[0] - power) < 3 * fit[1] < 0.3
    assert growth(table, "dense", "lif", "kl") is None


def test_time_to_a_kl_that_is_never_reached() -> None:
    point = {"kl": (0.05, 0.01), "kl_spent": 10.0, "window": 1e-9}
    assert time_to([point]) == pytest.approx(10.0 * 1e-9 / (GOAL_KL - 0.05))
    assert time_to([{**point, "kl": (0.2, 0.01)}]) == np.inf


def test_a_page_keeps_the_section_of_another_study() -> None:
    page = "# Title\n\n## One\n\ntext\n\n![figure](a.png)\n"
    grown = with_section(page, f"{LATER}\n\nfirst\n\n{LATER}: more\n\nfirst")
    assert section(grown) == f"{LATER}\n\nfirst\n\n{LATER}: more\n\nfirst"
    assert grown.endswith("first\n\n![figure](a.png)\n")
    changed = with_section(grown, f"{LATER}\n\nsecond")
    assert "first" not in changed
    refined = with_section(grown, f"{REFINED}\n\nthird", REFINED)
    assert section(refined) == f"{section(grown)}\n\n{REFINED}\n\nthird"
    assert "third" not in with_section(refined, f"{REFINED}\n\nfourth", REFINED)
    assert with_section(page, section(page)) == page
