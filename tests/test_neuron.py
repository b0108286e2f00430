"""What translation needs of a neuron, without a calibration: curves in closed form."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

import photinus as ph
from photinus.devices.synapse import SynapticKernel
from photinus.errors import InvalidInput
from photinus.translation import Neuron, translate
from photinus.translation.rules import slopes
from photinus.units import ms, mV, ns, ps

MIDPOINT, SLOPE = 70_000.0, 2_000.0
FIELDS = np.linspace(-7.0, 8.0, 61)
"""Log-odds at the drives of the sweep."""


def sigma(u: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-u)))


def neuron(**changes: Any) -> Neuron:
    """A laser whose activation is a logistic to the last digit."""
    values: dict[str, Any] = {
        "parameters": ph.LaserParameters.preset(),
        "window": 1.0 * ns,
        "detection_threshold": 1_000.0,
        "midpoint": MIDPOINT,
        "slope": SLOPE,
        "kernel": SynapticKernel(kick=0.3, sustain=1.2, duration=1.0 * ns),
        "bias_range": (-4.0, 4.0),
        "weight_range": (-2.0, 2.0),
        "drive": MIDPOINT + SLOPE * FIELDS,
        "activation": sigma(FIELDS),
        "time_step": 0.5 * ps,
    }
    return Neuron(**{**values, **changes})


MACHINES = {
    "pair": ph.BoltzmannMachine([[0, 1.5], [1.5, 0]], [0.5, -1]),
    "both signs": ph.BoltzmannMachine([[0.0, -2, 1], [-2.0, 0, 0.5], [1, 0.5, 0]], [1, 0, -3]),
    "isolated": ph.BoltzmannMachine(np.zeros((3, 3)), [-2, 0, 2]),
    "tiny": ph.BoltzmannMachine([[0, 1e-6], [1e-6, 0]], [1e-6, -1e-6]),
    "sampled fields": ph.BoltzmannMachine(0.3 * (np.ones((20, 20)) - np.eye(20)), np.full(20, -3.0)),
}


@pytest.mark.parametrize("rule", ["linear", "measured"])
@pytest.mark.parametrize("name", MACHINES)
def test_a_logistic_neuron_is_translated_by_its_line(rule: str, name: str) -> None:
    """The inverse of a logistic is a straight line: both rules are x½ + α b and α W."""
    machine = MACHINES[name]
    network = translate(machine, neuron(), rule=rule)
    assert_allclose(network.drive, MIDPOINT + SLOPE * machine.biases, rtol=1e-9)
    assert_allclose(np.asarray(network.coupling), SLOPE * machine.weights, rtol=1e-9, atol=1e-9)
    assert_allclose(slopes(machine, neuron()), SLOPE, rtol=1e-9)
    assert (network.window, network.labels) == (1.0 * ns, machine.labels)


def test_a_bent_neuron_is_translated_by_its_curve() -> None:
    """A unit that nothing drives gets the drive of its own bias, off the line where the curve is."""
    bent = MIDPOINT + SLOPE * (FIELDS + 0.02 * FIELDS * np.abs(FIELDS))
    found = neuron(drive=bent)
    machine = ph.BoltzmannMachine(np.zeros((3, 3)), [-3.0, 0.0, 3.0])  # all are points of the table
    expected = MIDPOINT + SLOPE * np.array([-3.18, 0.0, 3.18])
    assert_allclose(translate(machine, found).drive, expected, rtol=1e-9)
    line = np.asarray(translate(machine, found, rule="linear").drive)
    assert np.abs(line - expected).max() > 0.1 * SLOPE


def test_the_drive_of_log_odds_is_the_inverse_of_the_curve() -> None:
    """Also between and beyond the points that are known well (0.4 to 99.6 %), and in any shape."""
    wanted = np.array([[-20.0, -5.6, -1.23, 0.0], [0.77, 3.3, 5.9, 30.0]])
    assert_allclose(neuron().drive_at(wanted), MIDPOINT + SLOPE * wanted, rtol=1e-12)
    assert_allclose(neuron().logistic(neuron().drive_at(wanted)), sigma(wanted), rtol=1e-9, atol=1e-13)


def test_noise_in_the_foot_does_not_bend_the_inverse() -> None:
    """Points below 0.4 % carry hardly a spike: what is wrong with them changes nothing."""
    p = sigma(FIELDS)
    noisy = np.where(p < 0.004, 3 * p[::-1].min(), p)
    wanted = np.linspace(-5.0, 5.0, 11)
    assert_allclose(neuron(activation=noisy).drive_at(wanted), neuron().drive_at(wanted), rtol=1e-12)


def test_neurons_with_voltages_are_translated_too() -> None:
    """The drive of an integrate-and-fire neuron is a voltage; the rule is the same."""
    middle, slope = -52.0 * mV, 0.4 * mV
    lif = neuron(
        parameters=ph.LifParameters.preset(),
        window=10 * ms,
        detection_threshold=None,
        midpoint=middle,
        slope=slope,
        kernel=SynapticKernel(kick=0.0, sustain=1.0, duration=10 * ms, shape="exponential"),
        drive=middle + slope * FIELDS,
        time_step=0.1 * ms,
    )
    machine = MACHINES["both signs"]
    network = translate(machine, lif)
    assert_allclose(network.drive, middle + slope * machine.biases, rtol=1e-9)
    with pytest.raises(InvalidInput, match="must be that of a laser"):
        _ = lif.laser


def test_a_neuron_cannot_be_changed_afterwards() -> None:
    given = sigma(FIELDS)
    found = neuron(activation=given)
    given[:] = 0
    assert_allclose(found.activation, sigma(FIELDS))
    for values in (found.activation, found.drive):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slope": 0.0}, "slope must be .* got 0"),
        ({"window": -1 * ns}, "window must be .*got -1e-09"),
        ({"midpoint": np.nan}, "midpoint must be .* got nan"),
        ({"bias_range": (1.0, -1.0)}, "bias_range must be two numbers that rise"),
        ({"activation": sigma(FIELDS)[:-1]}, "activation must have 61 entries"),
        ({"parameters": "fast-absorber"}, "parameters must be"),
        ({"kernel": None}, "kernel must be"),
    ],
)
def test_what_no_neuron_can_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        neuron(**changes)


def test_a_neuron_belongs_to_its_device() -> None:
    found, device = neuron(), ph.LaserParameters.preset()
    assert found.fits(device)
    assert not found.fits(device.replace(gain_lifetime=0.9 * device.gain_lifetime))
    with pytest.raises(InvalidInput, match="gain_lifetime is"):
        found.require(device.replace(gain_lifetime=0.9 * device.gain_lifetime))
