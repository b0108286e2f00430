"""Additive synapses of lasers that fire more than once a window: translation weakens them."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from photinus import BoltzmannMachine, Calibration, translate
from photinus.calibration.agreement import divergence
from photinus.calibration.synapse import first_guess, free_parameters
from photinus.calibration.trials import SmallNetworks, run_reduced
from photinus.devices.synapse import SynapticKernel
from photinus.hardware import Receiver
from photinus.networks.couplings import dense

WINDOWS, CHAINS = 250, 96


def additive(calibration: Calibration, **changes: Any) -> Calibration:
    """Return the calibration with the pulse of a photodiode behind an RC filter."""
    pulse = SynapticKernel(
        kick=0.0,
        sustain=2.05,
        duration=0.46 * calibration.window,
        renewing=False,
        shape="exponential",
    )
    return replace(calibration, kernel=pulse, **changes)


def random_machine(seed: int, scale: float) -> BoltzmannMachine:
    rng = np.random.default_rng([seed, 41])
    upper = np.triu(rng.uniform(-scale, scale, (5, 5)), 1)
    return BoltzmannMachine(upper + upper.T, rng.uniform(-scale, scale, 5))


def test_dose_is_the_time_on_per_spike(calibration: Calibration) -> None:
    """At each point of the sweep: p T/τ; below 1 where intervals are shorter than τ."""
    p, interval = calibration.activation, calibration.mean_interval
    some = (p > 0.15) & (p < 0.99)
    found = calibration.dose(np.log(p[some] / (1 - p[some])))
    np.testing.assert_allclose(found, (p * interval)[some] / calibration.window, atol=0.02)
    assert calibration.dose(np.array(-6.0)) == 1.0
    assert 0.9 < calibration.dose(np.array(0.0)) < 1.05
    assert calibration.dose(np.array(6.0)) < 0.8
    lone = replace(calibration, mean_interval=np.full_like(interval, np.nan))
    np.testing.assert_array_equal(lone.dose(np.array([-3.0, 5.0])), 1.0)


def test_only_additive_synapses_are_weakened(calibration: Calibration) -> None:
    """Column j by the mean dose of unit j over the states in which it is on, by enumeration."""
    machine = random_machine(0, 2.0)
    plain = dense(translate(machine, calibration, rule="measured").coupling)
    weak = dense(translate(machine, additive(calibration), rule="measured").coupling)
    for j in range(5):
        total = dose = 0.0
        for state in itertools.product((0, 1), repeat=5):
            z = np.array(state)
            p = np.exp(0.5 * z @ machine.weights @ z + machine.biases @ z)
            field = machine.biases[j] + machine.weights[j] @ z
            total += z[j] * p
            dose += z[j] * p * float(calibration.dose(np.asarray(field)))
        np.testing.assert_allclose(weak[:, j], plain[:, j] * dose / total, rtol=1e-9)
    assert not np.allclose(weak, plain, rtol=0.01)


def test_a_unit_that_is_never_on_keeps_its_couplings(calibration: Calibration) -> None:
    machine = BoltzmannMachine([[0, 1], [1, 0]], [-800.0, 0.5])
    assert np.isfinite(dense(translate(machine, additive(calibration)).coupling)).all()


@pytest.mark.parametrize(("scale", "share"), [(2.0, 0.5), (4.0, 0.8)])
def test_additive_pulses_sample_strong_machines(
    calibration: Calibration, scale: float, share: float
) -> None:
    """Mean KL of eight machines on reduced lasers: at most a share of what it is without doses. With
    24 000 windows each the statistical error of a KL is a few 1e-4, far below the difference."""
    machines = [random_machine(seed, scale) for seed in range(1, 9)]
    means = []
    for intervals in (calibration.mean_interval, np.full_like(calibration.mean_interval, np.nan)):
        small = SmallNetworks.of(additive(calibration, mean_interval=intervals), machines)
        seed = np.random.SeedSequence(3)
        reduced = calibration.require_reduced()
        spikes = run_reduced(small.network, reduced, WINDOWS, seed, None, CHAINS)
        pairs = zip(small.joints(spikes), machines, strict=True)
        means.append(np.mean([divergence(p, m.joint(), CHAINS * WINDOWS) for p, m in pairs]))
    assert means[0] < share * means[1]
    assert means[0] < 0.01 * scale


def test_a_filter_has_pre_emphasis_and_its_circuit_is_linear() -> None:
    kernel = first_guess("filter", 1e-9, renewing=False, decay=None)
    assert kernel.kick > 0
    assert Receiver.of(kernel).one_shots == 0
    assert {*free_parameters("filter", decay=None)} == {"kick", "sustain", "duration"}
    assert {*free_parameters("filter", decay=1e-9)} == {"kick", "sustain"}
    given = first_guess("filter", 1e-9, renewing=False, decay=3e-10)
    assert given.duration == 3e-10
