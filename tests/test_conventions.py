"""Signs, factors and index order, each against a plain sum over states.

The machines have no symmetry between their units, so that a swapped index, a wrong sign or a lost
factor of two shows.
"""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine

# Every entry differs in size, some in sign, one pair is not coupled; exact in binary.
WEIGHTS = np.array(
    [
        [0.0, 1.5, -0.25, 0.0],
        [1.5, 0.0, 3.0, -2.0],
        [-0.25, 3.0, 0.0, 0.75],
        [0.0, -2.0, 0.75, 0.0],
    ]
)
BIASES = np.array([0.5, -1.25, 2.0, -0.125])
MACHINE = BoltzmannMachine(WEIGHTS, BIASES, labels=["a", "b", "c", "d"])


def spin_energy(
    J: NDArray[np.float64], h: NDArray[np.float64], offset: float, s: tuple[int, ...]
) -> float:
    """H(s) in the convention of dimod: each pair once."""
    n = len(s)
    pairs = sum(J[i, j] * s[i] * s[j] for i in range(n) for j in range(i + 1, n))
    return float(sum(h[k] * s[k] for k in range(n)) + pairs + offset)


def test_energy_and_index() -> None:
    energy = {
        (0, 0, 0, 0): 0.0,
        (1, 0, 0, 0): -0.5,
        (0, 0, 0, 1): 0.125,
        (1, 1, 0, 0): -(1.5 + 0.5 - 1.25),
        (0, 1, 0, 1): -(-2.0 - 1.25 - 0.125),
        (1, 1, 1, 1): -(1.5 - 0.25 + 3.0 - 2.0 + 0.75 + 0.5 - 1.25 + 2.0 - 0.125),
    }
    joint = MACHINE.joint()
    for z, expected in energy.items():
        assert MACHINE.energy(z) == expected
        index = sum(bit << k for k, bit in enumerate(z))
        assert np.log(joint[index]) == pytest.approx(-expected - MACHINE.log_partition())
        assert MACHINE.states(index, index + 1)[0].tolist() == list(z)


def test_spin_energy_is_the_energy_of_every_state() -> None:
    J, h, offset = MACHINE.to_spin()
    for z in itertools.product((0, 1), repeat=4):
        s = tuple(2 * bit - 1 for bit in z)
        assert spin_energy(J, h, offset, s) == MACHINE.energy(z)


def test_spin_convention_of_peers() -> None:
    """h_i = -(b_i/2 + Σ_j W_ij/4), J_ij = -W_ij/4, offset = -(Σ b/2 + Σ_{i<j} W/4)."""
    J, h, offset = MACHINE.to_spin()
    np.testing.assert_array_equal(J, -WEIGHTS / 4)
    np.testing.assert_array_equal(h, [-(0.25 + 1.25 / 4), -(-0.625 + 2.5 / 4), -1.875, 0.375])
    assert offset == -(1.125 / 2 + 3.0 / 4)


def test_spin_round_trip_is_exact() -> None:
    J, h, _ = MACHINE.to_spin()
    assert BoltzmannMachine.from_spin(J, h, labels=["a", "b", "c", "d"]) == MACHINE
    assert BoltzmannMachine.from_spin(J, h).labels == (0, 1, 2, 3)


def test_spin_round_trip_of_random_machines() -> None:
    rng = np.random.default_rng(4)
    for n in (1, 2, 5, 9):
        upper = np.triu(rng.normal(size=(n, n)), 1)
        machine = BoltzmannMachine(upper + upper.T, rng.normal(size=n))
        again = BoltzmannMachine.from_spin(*machine.to_spin()[:2])
        np.testing.assert_allclose(again.weights, machine.weights, rtol=1e-15)
        np.testing.assert_allclose(again.biases, machine.biases, rtol=1e-13, atol=1e-14)


def test_from_spin_has_the_law_of_the_spins() -> None:
    rng = np.random.default_rng(5)
    J = np.triu(rng.normal(size=(4, 4)), 1)
    J, h = J + J.T, rng.normal(size=4)
    machine = BoltzmannMachine.from_spin(J, h)
    weight = np.empty(16)
    for s in itertools.product((-1, 1), repeat=4):
        index = sum((spin == 1) << k for k, spin in enumerate(s))
        weight[index] = np.exp(-spin_energy(J, h, 0.0, s))
    np.testing.assert_allclose(machine.joint(), weight / weight.sum(), rtol=1e-12)


def test_ferromagnet_aligns_and_positive_field_points_down() -> None:
    pair = np.array([[0.0, -2.0], [-2.0, 0.0]])  # J < 0: aligned, in the sign of dimod
    aligned = BoltzmannMachine.from_spin(pair, [0, 0])
    assert aligned.joint()[[0, 3]].sum() > 0.95
    assert BoltzmannMachine.from_spin([[0]], [1.5]).marginals()[0] < 0.05


def test_clamping_moves_the_bias_by_the_weight() -> None:
    rest = MACHINE.conditional({"b": 1, "d": 0})
    np.testing.assert_array_equal(rest.biases, [0.5 + 1.5, 2.0 + 3.0])
    np.testing.assert_array_equal(rest.weights, [[0, -0.25], [-0.25, 0]])
    assert rest.labels == ("a", "c")


def test_wrong_spin_models() -> None:
    with pytest.raises(InvalidInput, match=r"J must be symmetric, got 1 at \(0, 1\) and 0 at"):
        BoltzmannMachine.from_spin([[0, 1], [0, 0]], [0, 0])
    with pytest.raises(InvalidInput, match="J must have a zero diagonal, got 2 at unit 0"):
        BoltzmannMachine.from_spin([[2]], [0])
    with pytest.raises(InvalidInput, match="h must have 1 entries as J has, got 2"):
        BoltzmannMachine.from_spin([[0]], [0, 0])
    with pytest.raises(InvalidInput, match=r"J must be square, got shape \(1, 2\)"):
        BoltzmannMachine.from_spin([[0, 0]], [0])
