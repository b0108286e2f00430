"""The response of sparse machines that moments tell: exact on trees, useful beyond."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

import photinus as ph
from photinus.learning import bethe
from photinus.learning.bethe import BetheResponse
from photinus.learning.judgement import Shown, Wanted
from photinus.learning.trust import search
from photinus.reference.gibbs import sample_gibbs


def enumerated(
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    weight: NDArray[np.float64],
    biases: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return moments (statistic,) and their covariance, from the sum over all states."""
    n = len(biases)
    states = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    features = np.concatenate([states, states[:, first] * states[:, second]], axis=1).astype(float)
    law = np.exp(features @ np.concatenate([biases, weight]))
    law /= law.sum()
    moments = law @ features
    return moments, (features * law[:, None]).T @ features - np.outer(moments, moments)


def coupled(
    kind: str, n: int, random: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs of a random tree, a hub, a tree beside units alone, or a ring."""
    units = np.arange(1, n)
    if kind == "tree":
        return np.array([random.integers(0, k) for k in units]), units
    if kind == "hub":
        return np.zeros(n - 1, np.intp), units
    if kind == "alone":
        return units[: n // 2] - 1, units[: n // 2]
    return np.arange(n), np.roll(np.arange(n), -1)


@pytest.mark.parametrize("kind", ["tree", "hub", "alone"])
def test_exact_on_trees(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products and solutions are those of the enumerated covariance; on a ring they are not."""
    monkeypatch.setattr(bethe, "PRECISION", 1e-10)
    random, n = np.random.default_rng(5), 9
    for kind_, exact in ((kind, True), ("ring", False)):
        first, second = coupled(kind_, n, random)
        weight, biases = random.normal(0, 1.5, len(first)), random.normal(0, 1, n)
        moments, covariance = enumerated(first, second, weight, biases)
        response = BetheResponse(moments, first, second)
        found = response.times(np.eye(len(moments)))
        assert np.allclose(found, covariance, atol=1e-8) == exact
        assert_allclose(found, found.T, atol=1e-8)
        ridge = response.ridge(np.eye(len(moments)))
        for damping in (1e-3, 0.1, 10.0):
            solved = response.resolvent(found + damping * ridge)(damping)
            assert_allclose(solved, np.eye(len(moments)), atol=1e-6)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_any_weights_give_finite_positive_answers(size: float) -> None:
    """Frozen units, pairs that are always alike, moments that no law has: xᵀJx >= 0, solutions finite."""
    random, n = np.random.default_rng(7), 60
    first = np.repeat(np.arange(n), 4)
    second = (first + random.integers(1, n, first.size)) % n
    machine = ph.BoltzmannMachine.from_couplings(
        first, second, size * random.normal(0, 1, first.size), random.normal(0, 1, n)
    )
    first, second, _ = machine.couplings
    states = sample_gibbs(machine, chains=4, draws=8, burn_in=4, seed=1).reshape(-1, n).astype(float)
    seen = np.concatenate([states.mean(axis=0), (states[:, first] * states[:, second]).mean(axis=0)])
    for moments in (seen, random.random(len(seen)), np.zeros(len(seen)), np.ones(len(seen))):
        response = BetheResponse(moments, first, second)
        vectors = random.normal(size=(3, len(seen)))
        products = response.times(vectors)
        assert ((products * vectors).sum(axis=1) >= -1e-6 * (vectors**2).sum(axis=1)).all()
        for damping in (1e-6, 1.0):
            assert np.isfinite(response.resolvent(vectors)(damping)).all()


def test_loops_may_not_make_it_indefinite() -> None:
    """A frustrated lattice near its transition: correlations count less, until C is a covariance."""
    n = 400
    rows, columns = np.divmod(np.arange(n), 20)
    right, down = rows * 20 + (columns + 1) % 20, (rows + 1) % 20 * 20 + columns
    first, second = np.tile(np.arange(n), 2), np.concatenate([right, down])
    moments = np.concatenate([np.full(n, 0.5), np.full(2 * n, 0.25 + 0.25 * 0.6)])
    response = BetheResponse(moments, first, second)
    inverse = response._inverse.toarray()
    least = np.linalg.eigvalsh(inverse / 4)[0]
    assert 0.5 * bethe.LEAST_EIGENVALUE < least < 2 * bethe.LEAST_EIGENVALUE


def test_a_sparse_device_is_corrected_within_a_few_rounds() -> None:
    """100 units of degree 6 whose couplings arrive at 0.7: Gibbs sampling judges start and end."""
    random, n = np.random.default_rng(3), 100
    first = np.repeat(np.arange(n), 3)
    second = (first + random.integers(1, n, first.size)) % n
    machine = ph.BoltzmannMachine.from_couplings(
        first, second, random.normal(0, 0.5, first.size), random.normal(0, 1, n)
    )
    first, second, weight = machine.couplings

    def shown(
        theta: NDArray[np.float64], draws: int, seed: int, chains: int = 32
    ) -> NDArray[np.float64]:
        built = ph.BoltzmannMachine.from_couplings(first, second, theta[n:], theta[:n])
        states = sample_gibbs(built, chains=chains, draws=draws, burn_in=30, seed=seed)
        z = states.astype(np.float32)
        pairs = (z[:, :, first] * z[:, :, second]).mean(axis=1)
        return np.concatenate([z.mean(axis=1), pairs], axis=1).astype(float)

    start = np.concatenate([machine.biases, weight])
    exact = shown(start, 1000, 99).mean(axis=0)
    variance = exact * (1 - exact) + 1e-4

    def off(theta: NDArray[np.float64]) -> float:
        found = shown(theta, 1000, 77).mean(axis=0) - exact
        return float((found**2 / variance).sum() / 2)

    def device(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([theta[:n] + 0.2, 0.7 * theta[n:]])

    def measure(theta: NDArray[np.float64], draws: int) -> Shown:
        chains = shown(device(theta), draws, draws + 1)
        return Shown(chains, draws, BetheResponse(chains.mean(axis=0), first, second))

    wanted = Wanted(
        moments=exact,
        root=np.zeros((0, len(start))),
        response=BetheResponse(exact, first, second),
        metric=lambda vectors: vectors / variance,
        directions=np.zeros((0, len(start))),
    )
    found = search(start, measure, lambda theta, by: theta + by, wanted, draws=200, most_rounds=5)
    assert off(device(found.best.setting)) < 0.1 * off(device(start))
