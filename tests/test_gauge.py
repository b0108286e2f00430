"""Neurons that stand for 1 - z: laws, evidence, states and moments in either coordinates."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import photinus as ph
from photinus._core import gauge as gauges
from photinus.machines.evidence import Evidence
from tests import machines

KINDS = tuple(machines.GRAPHS)


def relabelled(machine: ph.BoltzmannMachine, gauge: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the law of y, state by state, from energies of z."""
    n = machine.n_units
    law = np.zeros(2**n)
    for index in range(2**n):
        y = np.array([index >> k & 1 for k in range(n)])
        z = np.where(gauge, 1 - y, y)
        law[index] = -float(machine.energy(z))
    law = np.exp(law - law.max())
    return np.asarray(law / law.sum())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e3])
def test_the_flipped_machine_has_the_relabelled_law(kind: str, scale: float) -> None:
    rng = np.random.default_rng([KINDS.index(kind), int(scale)])
    for n in (1, 2, 5, 7):
        machine = machines.machine(kind, n, rng, scale=scale, shuffled=True)
        gauge = rng.random(n) < 0.5
        flipped = machine.flipped(gauge)
        law = relabelled(machine, gauge)
        np.testing.assert_allclose(flipped.joint(), law, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            gauges.flip_joint(machine.joint(), gauge), law, rtol=1e-9, atol=1e-12
        )
        np.testing.assert_allclose(
            flipped.pair_moments(),
            gauges.flip_moments(machine.pair_moments(), gauge),
            rtol=1e-9,
            atol=1e-12,
        )
        y = flipped.states()
        z = gauges.flip_states(y, gauge)
        offset = machine.energy(z) - flipped.energy(y)
        np.testing.assert_allclose(offset, offset[0], rtol=1e-9, atol=1e-9 * scale)


def test_flipping_a_weight_alone_is_not_enough() -> None:
    """The twin: without the change of the partners' biases the law is another one."""
    machine = machines.gaussian(4, seed=1)
    sign = np.array([-1, 1, 1, 1])
    wrong = ph.BoltzmannMachine(np.outer(sign, sign) * machine.weights, sign * machine.biases)
    law = relabelled(machine, sign < 0)
    assert np.abs(wrong.joint() - law).max() > 0.01


def test_flipping_twice_is_flipping_never() -> None:
    rng = np.random.default_rng(3)
    for _ in range(100):
        machine = machines.anywhere(rng)
        gauge = rng.random(machine.n_units) < 0.5
        again = machine.flipped(gauge).flipped(gauge)
        np.testing.assert_array_equal(again.weights, machine.weights)
        size = np.abs(machine.weights).sum(axis=1) + np.abs(machine.biases)
        assert (np.abs(again.biases - machine.biases) <= 1e-14 * size).all()
        assert again.labels == machine.labels


def test_flipping_nothing_is_the_same_machine() -> None:
    machine = machines.gaussian(4)
    assert machine.flipped(np.zeros(4, bool)) is machine
    assert machine.flipped(()) is machine


def test_moments_and_joint_are_those_of_flipped_states() -> None:
    rng = np.random.default_rng(4)
    states = (rng.random((3, 50, 6)) < 0.3).astype(np.uint8)
    gauge = gauges.checked([True, False, True, True, False, False], 6)
    turned = gauges.flip_states(states, gauge)
    assert (turned == np.where(gauge, 1 - states, states)).all()
    moments = np.einsum("cdi,cdj->cij", states, states) / 50
    wanted = np.einsum("cdi,cdj->cij", turned, turned) / 50
    np.testing.assert_allclose(gauges.flip_moments(moments, gauge), wanted, atol=1e-15)
    joint, other = (
        np.bincount((z @ (1 << np.arange(6))).ravel(), minlength=64) / z[..., 0].size
        for z in (states, turned)
    )
    np.testing.assert_array_equal(gauges.flip_joint(joint, gauge), other)


def test_evidence_flips_with_its_machine() -> None:
    """What is left of a machine given evidence has the same law in either coordinates."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        machine = machines.machine("dense", 6, rng, scale=2.0)
        gauge = gauges.checked(rng.random(6) < 0.5, 6)
        known = rng.choice(6, 3, replace=False)
        evidence = Evidence.of({int(k): rng.integers(2, size=2) for k in known}, machine.labels, 2)
        flipped = evidence.flipped(gauge)
        assert (flipped.positions == evidence.positions).all()
        assert (flipped.flipped(gauge).values == evidence.values).all()
        for z, y in zip(evidence.each(), flipped.each(), strict=True):
            law = machine.conditional(z).joint()
            other = machine.flipped(gauge).conditional(y).joint()
            np.testing.assert_allclose(
                gauges.flip_joint(other, gauge[evidence.free]), law, rtol=1e-9, atol=1e-12
            )


@pytest.mark.parametrize("wrong", [[True], [[True, False]], [0, 2], "auto", None, [0.5, 1.0]])
def test_a_gauge_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ph.InvalidInput, match="gauge"):
        machines.gaussian(2).flipped(wrong)
