"""What all runs of a device together tell, on devices whose moments answer linearly."""

import numpy as np
import pytest
from numpy.typing import NDArray

from photinus.learning.judgement import Shown
from photinus.learning.memory import Memory
from photinus.learning.response import Response

COUNT = 6
CHAINS = 64


class Linear:
    """A device of moments m(x) = c + A x, A a matrix of its own; each chain has noise of covariance J."""

    def __init__(self, seed: int, off: float, strength: float = 1.0) -> None:
        self.generator = np.random.default_rng(seed)
        root = self.generator.normal(size=(COUNT, COUNT)) / np.sqrt(COUNT)
        self.designed = root @ root.T + 0.1 * np.eye(COUNT)
        wrong = self.generator.normal(size=(COUNT, COUNT)) * off / np.sqrt(COUNT)
        self.root = np.linalg.cholesky(self.designed)
        self.answer = strength * self.root @ (np.eye(COUNT) + wrong) @ self.root.T
        self.at_rest = self.generator.normal(size=COUNT)
        self.response = Response(matrix=self.designed)
        self.inverse = np.linalg.inv(self.designed)

    def metric(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        return vectors @ self.inverse

    def moments(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.at_rest + self.answer @ place)

    def shown(self, place: NDArray[np.float64], draws: int) -> Shown:
        noise = self.generator.normal(size=(CHAINS, COUNT)) @ self.root.T / np.sqrt(draws)
        return Shown(self.moments(place) + noise, draws, self.response)

    def remembered(self, runs: int, draws: int, size: float) -> tuple[Memory, NDArray[np.float64]]:
        """Return a memory of runs around a place, and that place, where the last one was made."""
        memory, place = Memory(), np.zeros(COUNT)
        for _ in range(runs):
            place = self.generator.normal(size=COUNT) * size
            memory.add(place, self.shown(place, draws), COUNT / (2 * CHAINS * draws))
        return memory, place


def error(device: Linear, off: NDArray[np.float64]) -> float:
    return float(off @ device.metric(off[None])[0])


@pytest.mark.parametrize("strength", [0.5, 1.0, 3.0])
def test_together_runs_tell_the_moments_better_than_the_last_one_does(strength: float) -> None:
    """Twelve runs near each other have less noise than one; half of it is asked for."""
    alone = together = 0.0
    for seed in range(20):
        device = Linear(seed, 0.1, strength)
        memory, place = device.remembered(12, 100, 0.05)
        shown, _ = memory.about(place, device.response, device.metric)
        right = device.moments(place)
        together += error(device, shown.chains.mean(axis=0) - right)
        alone += error(device, memory.shown[-1].chains.mean(axis=0) - right)
        assert 100 < shown.draws <= 1200
    assert together < alone / 2


def test_the_answer_that_was_seen_replaces_the_designed_one() -> None:
    """More runs than parameters tell the whole matrix: the error falls to half and less."""
    for seed in range(5):
        device = Linear(seed, 0.4)
        memory, place = device.remembered(20, 100_000, 0.3)
        _, answer = memory.about(place, device.response, device.metric)
        found = answer.done(device.designed).T
        missed = np.linalg.norm(found - device.answer)
        assert missed < 0.5 * np.linalg.norm(device.designed - device.answer)


@pytest.mark.parametrize("strength", [2**-0.5, 2.0, 4.0])
def test_one_lesson_tells_how_strongly_a_device_answers(strength: float) -> None:
    device = Linear(3, 0.0, strength)
    memory, place = device.remembered(2, 100_000, 0.3)
    _, answer = memory.about(place, device.response, device.metric)
    assert answer.strength == pytest.approx(strength)


def test_a_device_as_designed_is_taken_as_designed() -> None:
    for seed in range(5):
        device = Linear(seed, 0.0)
        memory, place = device.remembered(10, 100, 0.1)
        _, answer = memory.about(place, device.response, device.metric)
        assert answer.strength == 1
        off = answer.done(device.designed).T - device.designed
        assert np.linalg.norm(off) < 0.2 * np.linalg.norm(device.designed)


def test_what_is_done_can_be_undone() -> None:
    device = Linear(1, 1.0, 2.0)
    memory, place = device.remembered(8, 1000, 0.5)
    _, answer = memory.about(place, device.response, device.metric)
    vectors = device.generator.normal(size=(3, COUNT))
    np.testing.assert_allclose(answer.undone(answer.done(vectors)), vectors, rtol=1e-8, atol=1e-10)


def test_nothing_answers_less_than_the_least_part() -> None:
    """A device that answers the wrong way round is not followed: the inverse stays bounded."""
    device = Linear(2, 0.0, -1.0)
    memory, place = device.remembered(12, 10_000, 0.3)
    _, answer = memory.about(place, device.response, device.metric)
    turned = answer.done(np.eye(COUNT))
    assert np.linalg.eigvals(turned).real.min() > 0.29 * answer.strength


def test_runs_without_noise_and_at_one_place_do_no_harm() -> None:
    device = Linear(4, 0.0)
    memory, place = Memory(), np.zeros(COUNT)
    for _ in range(3):
        memory.add(place, device.shown(place, 10), 0.0)
    shown, answer = memory.about(place, device.response, device.metric)
    assert shown.draws == 30
    np.testing.assert_allclose(shown.chains, np.mean([one.chains for one in memory.shown], axis=0))
    assert answer.strength == 1
