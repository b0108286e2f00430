"""Chains of lasers that go on while weights change."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photinus import BoltzmannMachine, Calibration
from photinus.errors import InvalidInput
from photinus.learning.estimator import BoltzmannEstimator
from photinus.learning.loop import DeviceChains
from photinus.networks.imperfections import Imperfections

CALIBRATION = Calibration.preset()
CHAINS = 400


def restricted(seed: int = 0, scale: float = 0.6) -> BoltzmannMachine:
    rng = np.random.default_rng(seed)
    w = np.zeros((7, 7))
    w[:4, 4:] = rng.normal(0, scale, (4, 3))
    return BoltzmannMachine(w + w.T, rng.normal(0, scale, 7))


def test_states_are_those_of_the_machine() -> None:
    machine = restricted()
    chip = DeviceChains(CALIBRATION, chains=CHAINS, windows=20, seed=1)
    mean = np.mean([chip(machine) for _ in range(5)], axis=(0, 1))
    # Six standard errors of 2000 draws, and 0.02 for what translation misses.
    np.testing.assert_allclose(mean, machine.marginals(), atol=6 * 0.5 / np.sqrt(2000) + 0.02)


@pytest.mark.parametrize("substrate", ["laser-reduced", "laser"])
def test_states_go_on(substrate: str) -> None:
    # Two deep modes, never left in so short a time: a chain must stay where it is.
    n = 8
    machine = BoltzmannMachine(2.5 * (1 - np.eye(n)), np.full(n, -2.5 * (n - 1) / 2))
    chip = DeviceChains(CALIBRATION, substrate=substrate, chains=40, windows=3, seed=1)
    up = np.arange(40) < 20
    chip.restore({"calls": np.array(0), "states": np.repeat(up[:, None], n, axis=1).astype(np.uint8)})
    for _ in range(3):
        assert ((chip(machine).mean(axis=1) > 0.5) == up).mean() > 0.9
    # A chip that forgets goes where the first spikes lead it, whatever it was.
    fresh = DeviceChains(CALIBRATION, substrate=substrate, chains=40, windows=3, seed=1)
    assert ((fresh(machine).mean(axis=1) > 0.5) == up).mean() < 0.75


@pytest.mark.parametrize("substrate", ["laser-reduced", "laser"])
def test_new_biases_and_weights_reach_the_chip(substrate: str) -> None:
    chip = DeviceChains(CALIBRATION, substrate=substrate, chains=200, windows=6, seed=1)
    alone = BoltzmannMachine(np.zeros((3, 3)), [-1.0, 0.0, 1.0])
    chip(alone)
    turned = BoltzmannMachine(np.zeros((3, 3)), [1.0, 0.0, -1.0])
    mean = np.mean([chip(turned).mean(axis=0) for _ in range(4)], axis=0)
    np.testing.assert_allclose(mean, turned.marginals(), atol=6 * 0.5 / np.sqrt(800) + 0.02)
    pair = BoltzmannMachine([[0, 3, 0], [3, 0, 0], [0, 0, 0]], [-1.5, -1.5, 0])
    states = np.concatenate([chip(pair) for _ in range(4)])
    together = np.mean(states[:, 0] * states[:, 1])
    assert abs(together - pair.pair_moments()[0, 1]) < 6 * 0.5 / np.sqrt(800) + 0.03


def test_a_chip_goes_on_from_a_stored_state() -> None:
    machine, other = restricted(), restricted(1)
    chip = DeviceChains(CALIBRATION, chains=20, windows=4, seed=3)
    chip(machine)
    state = chip.state()
    expected = [chip(other) for _ in range(2)]
    again = DeviceChains(CALIBRATION, chains=20, windows=4, seed=3)
    again.restore(state)
    for states in expected:
        np.testing.assert_array_equal(again(other), states)


def test_learning_on_a_chip_resumes_exactly(tmp_path: Path) -> None:
    X = np.random.default_rng(0).integers(0, 2, (40, 4))

    def learn(epochs: int, **options: Any) -> BoltzmannEstimator:
        chip = DeviceChains(CALIBRATION, chains=20, windows=3, seed=3)
        parameters = {"hidden": (3,), "epochs": 3, "batch_size": 10, "negative": chip, **options}
        return BoltzmannEstimator(**parameters).fit(X)

    class Stop:
        left = 2.0

        def start(self, description: str, total: float) -> None:
            """Do nothing."""

        def advance(self, amount: float) -> None:
            """Press Ctrl-C in the end."""
            self.left -= amount
            if self.left <= 0:
                raise KeyboardInterrupt

        def stop(self) -> None:
            """Do nothing."""

    path = tmp_path / "checkpoint.npz"
    with pytest.raises(KeyboardInterrupt):
        learn(3, checkpoint=path, progress=Stop())
    assert learn(3, checkpoint=path, resume=True).machine() == learn(3).machine()


class NegativeOnly:
    """A chip that is asked for the negative phase alone."""

    def __init__(self, chip: Any) -> None:
        self.chip = chip

    def __call__(self, machine: BoltzmannMachine) -> Any:
        return self.chip(machine)


def test_learning_takes_back_what_the_chip_does_wrong() -> None:
    """A chip whose lasers differ by 10 % shows the data after learning on it, not before."""
    rng = np.random.default_rng(1)
    coin = np.random.default_rng(0).integers(0, 2, 600)
    X = (coin[:, None] ^ (rng.random((600, 4)) < [0.1, 0.2, 0.3, 0.2])).astype(int)
    ideal = BoltzmannEstimator((2,), epochs=100, batch_size=50, learning_rate=0.3, seed=1).fit(X, None)

    def learned(wrap: Callable[..., Any]) -> Any:
        chip = DeviceChains(
            CALIBRATION,
            alter=lambda network: Imperfections(efficiency_mismatch=0.1).apply(network, 5),
            chains=200,
            windows=5,
            seed=2,
        )

        def misfit(machine: BoltzmannMachine) -> Any:
            states = np.concatenate([chip(machine)[:, :4] for _ in range(10)]).astype(float)
            return float(np.abs(states.T @ states / len(states) - X.T @ X / len(X)).max())

        found = copy.deepcopy(ideal)
        before = misfit(found.machine())
        found.negative, found.learning_rate, found.batch_size = wrap(chip), 0.2, 100
        for _ in range(15):
            found.partial_fit(X)
        return before, misfit(found.machine())

    before, after = learned(lambda chip: chip)
    # Moments of 2000 draws have errors of 0.011 at most.
    assert before > 0.1
    assert after < 0.06
    # Computed means of hidden units do not agree with lasers that are off by themselves.
    assert learned(NegativeOnly)[1] > 0.1


def test_bad_arguments_are_one_sentence() -> None:
    with pytest.raises(InvalidInput, match="substrate must be one of"):
        DeviceChains(CALIBRATION, substrate="gibbs")
    with pytest.raises(InvalidInput, match="windows must be at least 1"):
        DeviceChains(CALIBRATION, windows=0)
    with pytest.raises(InvalidInput, match="calibration must be of lasers"):
        DeviceChains(Calibration.preset("lif-hcs"))(restricted())
