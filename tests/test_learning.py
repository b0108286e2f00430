"""Exact fits: moments are met, gradients are right, what has no maximum is refused."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from photinus._core.states import MAX_PER_STEP
from photinus.errors import InvalidInput, NotConverged
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.fitting import fit_exact, fit_moments
from photinus.machines.likelihood import _Likelihood
from tests.machines import gaussian


def correlated_data(samples: int, n: int, seed: int) -> NDArray[np.uint8]:
    """Noisy copies of a common coin."""
    rng = np.random.default_rng(seed)
    common = rng.integers(0, 2, (samples, 1))
    flipped = rng.random((samples, n)) < np.linspace(0.1, 0.45, n)
    return np.asarray(common ^ flipped, dtype=np.uint8)


def mean_log_likelihood(machine: BoltzmannMachine, data: NDArray[np.uint8]) -> float:
    return float(machine.log_probability(data).mean())


@pytest.mark.parametrize("n", [1, 2, 6, 12])
def test_the_fit_has_the_moments_of_the_data(n: int) -> None:
    data = correlated_data(500, n, seed=n)
    machine = fit_exact(data)
    z = data.astype(float)
    np.testing.assert_allclose(machine.pair_moments(), z.T @ z / 500, rtol=0, atol=1e-9)


def test_sixteen_units() -> None:
    assert MAX_PER_STEP == 16
    data = correlated_data(400, 16, seed=1)
    z = data.astype(float)
    moments = fit_exact(data).pair_moments()
    np.testing.assert_allclose(moments, z.T @ z / 400, rtol=0, atol=1e-6)
    with pytest.raises(InvalidInput, match="at most 16 units, got 17"):
        fit_exact(correlated_data(400, 17, seed=1))


@pytest.mark.parametrize(("n", "scale"), [(1, 1.0), (3, 2.0), (7, 1.0), (10, 0.7)])
def test_a_known_machine_is_recovered_from_its_exact_law(n: int, scale: float) -> None:
    machine = gaussian(n, seed=n, scale=scale)
    fitted = fit_moments(machine.pair_moments(), labels=machine.labels)
    np.testing.assert_allclose(fitted.weights, machine.weights, rtol=0, atol=1e-6)
    np.testing.assert_allclose(fitted.biases, machine.biases, rtol=0, atol=1e-6)


def test_a_sample_of_a_law_with_whole_counts_recovers_the_machine() -> None:
    # p ∝ (1, 2, 3, 12) is the machine b = (log 2, log 3), W = log 2.
    counts = {(0, 0): 1, (1, 0): 2, (0, 1): 3, (1, 1): 12}
    data = [z for z, count in counts.items() for _ in range(count)]
    machine = BoltzmannMachine.fit(data, labels=["x", "y"])
    np.testing.assert_allclose(machine.biases, np.log([2, 3]), atol=1e-9)
    assert machine.weights[0, 1] == pytest.approx(np.log(2), abs=1e-9)
    assert machine.labels == ("x", "y")


def test_no_neighbour_is_more_likely() -> None:
    data, l2 = correlated_data(60, 4, seed=3), 0.05

    def objective(machine: BoltzmannMachine) -> float:
        penalty = l2 / 2 * np.sum(np.triu(machine.weights, 1) ** 2)
        return float(penalty) - mean_log_likelihood(machine, data)

    machine = fit_exact(data, l2=l2)
    best = objective(machine)
    rng = np.random.default_rng(0)
    for _ in range(50):
        upper = np.triu(rng.normal(size=(4, 4)), 1)
        moved = BoltzmannMachine(
            machine.weights + 1e-3 * (upper + upper.T), machine.biases + 1e-3 * rng.normal(size=4)
        )
        assert objective(moved) > best


def test_value_is_the_penalised_negative_log_likelihood() -> None:
    data, l2 = correlated_data(50, 3, seed=2), 0.3
    z = data.astype(float)
    machine = gaussian(3, seed=9)
    i, j = np.triu_indices(3, 1)
    theta = np.concatenate([machine.biases, machine.weights[i, j]])
    value, _ = _Likelihood.of(z.T @ z / 50, l2).value_and_gradient(theta)
    penalty = l2 / 2 * np.sum(machine.weights[i, j] ** 2)
    assert value == pytest.approx(penalty - mean_log_likelihood(machine, data), rel=1e-13)


def test_gradient_and_hessian_agree_with_finite_differences() -> None:
    z = correlated_data(50, 4, seed=2).astype(float)
    likelihood = _Likelihood.of(z.T @ z / 50, 0.2)
    theta = np.random.default_rng(1).normal(size=10)
    _, gradient = likelihood.value_and_gradient(theta)
    hessian = likelihood.hessian(theta)
    for k, step in enumerate(np.eye(10) * 1e-5):
        up, gradient_up = likelihood.value_and_gradient(theta + step)
        down, gradient_down = likelihood.value_and_gradient(theta - step)
        assert (up - down) / 2e-5 == pytest.approx(gradient[k], abs=1e-9)
        np.testing.assert_allclose((gradient_up - gradient_down) / 2e-5, hessian[k], atol=1e-8)


def test_l2_shrinks_weights_but_not_marginals() -> None:
    data = correlated_data(200, 5, seed=4)
    sizes = []
    for l2 in (0.0, 0.01, 0.1, 1.0, 100.0):
        machine = fit_exact(data, l2=l2)
        sizes.append(float(np.sum(machine.weights**2)))
        # Biases are free, so the marginals are met whatever the penalty.
        np.testing.assert_allclose(machine.marginals(), data.mean(axis=0), atol=1e-9)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 1e-3 < sizes[0]


@pytest.mark.parametrize("l2", [0.0, 1.0])
@pytest.mark.parametrize("value", [0, 1])
def test_a_constant_unit_is_refused_always(l2: float, value: int) -> None:
    data = correlated_data(20, 3, seed=0)
    data[:, 1] = value
    with pytest.raises(InvalidInput, match=f"unit 'b' must be both 0 and 1.*mean is {value}"):
        fit_exact(data, l2=l2, labels=["a", "b", "c"])


@pytest.mark.parametrize("missing", list(itertools.product((0, 1), repeat=2)))
def test_an_empty_cell_is_refused_without_l2(missing: tuple[int, int]) -> None:
    data = [(a, b, c) for a, b, c in itertools.product((0, 1), repeat=3) if (a, c) != missing]
    with pytest.raises(
        InvalidInput,
        match=rf"'a' and 'c' must show all four states.*never {missing[0]} and {missing[1]}.*l2",
    ):
        fit_exact(data, labels=["a", "b", "c"])
    machine = fit_exact(data, l2=0.01, labels=["a", "b", "c"])
    assert 0.5 < np.abs(machine.weights[0, 2]) < 20


def test_a_maximum_at_infinity_that_no_pair_shows_is_not_converged() -> None:
    # Never 000 nor 111: all pairs show their four states, yet the moments lie on a facet,
    # 1 - Σ <z_i> + Σ <z_i z_j> = 0.
    data = [z for z in itertools.product((0, 1), repeat=3) if 0 < sum(z) < 3]
    with pytest.raises(NotConverged, match="maximum may lie at infinity, set l2 above 0"):
        fit_exact(data)
    assert np.abs(fit_exact(data, l2=0.01).weights).max() < 20
    # One sample inside, and the maximum exists.
    assert np.abs(fit_exact([*data, (1, 1, 1)]).weights).max() < 20


def test_moments_that_no_law_has_are_refused() -> None:
    impossible = np.full((3, 3), 0.05) + 0.45 * np.eye(3)  # pairs fine, P(no unit on) < 0
    with pytest.raises(NotConverged):
        fit_moments(impossible)
    with pytest.raises(InvalidInput, match="never 1 and 0"):
        fit_moments([[0.5, 0.6], [0.6, 0.5]])
    with pytest.raises(InvalidInput, match="moments must be a symmetric matrix"):
        fit_moments([[0.5, 0.1], [0.2, 0.5]])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[0, 2]], "data must be 0 or 1, got 2"),
        ([0, 1], r"data must have shape \(sample, unit\).*got \(2,\)"),
        (np.zeros((0, 3)), r"got \(0, 3\)"),
        ([[0, 1], [1]], r"data must be 0 or 1, got \[\[0, 1\], \[1\]\]"),
        ([["0", "1"]], "data must be 0 or 1"),
    ],
)
def test_wrong_data(data: NDArray[np.uint8], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        fit_exact(data)


def test_wrong_options() -> None:
    data = correlated_data(50, 2, seed=0)
    with pytest.raises(InvalidInput, match="l2 must be at least 0, got -1"):
        fit_exact(data, l2=-1)
    with pytest.raises(InvalidInput, match="labels must have 2 entries"):
        fit_exact(data, labels=["a"])
