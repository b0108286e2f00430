"""The protocol: what it finds on the shipped devices, and what it says where there is nothing."""

import dataclasses

import numpy as np
import pytest

from photinus import Calibration, LaserParameters, calibrate
from photinus.calibration import PAIRS, _crossing, _fit_logistic, _pair_statistics
from photinus.errors import NotConverged
from photinus.laser import PRESETS, spike

# 5.33 standard errors of a normal variable: false alarm 1e-7 a figure, 1e-6 for all of a test.
SIGMAS = 5.33


@pytest.fixture(scope="module")
def again():
    """Calibrate the default device once more, with another seed."""
    return calibrate(LaserParameters.preset(), seed=12345)


@pytest.mark.parametrize("name", ["midpoint", "slope", "kick", "sustain"])
def test_shipped_default_is_found_again_within_its_errors(again, name):
    """Two independent calibrations differ by noise only; false alarm 1e-7 each."""
    shipped = Calibration.preset()
    difference = abs(getattr(again, name) - getattr(shipped, name))
    error = np.hypot(getattr(again, f"{name}_error"), getattr(shipped, f"{name}_error"))
    assert difference < SIGMAS * error
    # Power: a constant that is off by a quarter would be seen.
    assert 0.25 * getattr(shipped, name) > SIGMAS * error


def test_read_out_is_found_again(again):
    shipped = Calibration.preset()
    assert again.window == shipped.window
    assert again.detection_threshold == pytest.approx(shipped.detection_threshold, rel=1e-6)
    assert again.parameters == shipped.parameters


def test_activation_curves_agree_point_by_point(again):
    """Fresh curve against the shipped one; Bonferroni over its points at 1e-6 in all.

    Errors come from 64 chains each, so a Student bound with 63 degrees of freedom.
    """
    from scipy.stats import t

    shipped = Calibration.preset()
    expected = np.interp(again.pump_carriers, shipped.pump_carriers, shipped.activation)
    inside = (again.activation > 0.1) & (again.activation < 0.9)
    error = np.sqrt(2) * again.activation_error[inside]
    bound = t.isf(1e-6 / inside.sum() / 2, 63)
    # Linear interpolation between points of the shipped table adds up to 0.004 where it bends most.
    assert (np.abs(again.activation - expected)[inside] < bound * error + 0.004).all()


@pytest.mark.parametrize("name", PRESETS)
def test_shipped_calibrations_are_of_their_preset_and_sane(name):
    calibration = Calibration.preset(name)
    calibration.require(LaserParameters.preset(name))
    assert calibration.parameters == LaserParameters.preset(name)
    assert calibration.detection_threshold == pytest.approx(
        0.5 * spike(calibration.parameters).peak_photons, rel=1e-3
    )
    assert np.nanmin(calibration.shortest_interval) > 0.3 * calibration.window
    assert calibration.pair_kl < 0.005
    assert calibration.bias_range[0] < -1
    assert calibration.bias_range[1] > 3
    assert (np.diff(calibration.pump_carriers) > 0).all()
    assert calibration.samples_or_pulses.startswith("samples:")


def test_inverse_activation_reads_the_measured_curve():
    calibration = Calibration.preset()
    known = (calibration.activation > 0.02) & (calibration.activation < 0.98)
    p = calibration.activation[known]
    carriers = calibration.carriers(np.log(p / (1 - p)))
    np.testing.assert_allclose(carriers, calibration.pump_carriers[known], rtol=0.002)
    wide = calibration.carriers(np.linspace(-30, 30, 601))
    assert (np.diff(wide) > 0).all()


def test_pair_statistics_are_those_of_the_pairs():
    joint, covariance = _pair_statistics()
    b1, b2, w = PAIRS[3]
    weight = np.array([1, np.exp(b1), np.exp(b2), np.exp(b1 + b2 + w)])
    np.testing.assert_allclose(joint[3], weight / weight.sum())
    p1 = joint[3, 1] + joint[3, 3]
    assert covariance[3, 0, 0] == pytest.approx(p1 * (1 - p1))


def test_a_device_that_pulses_is_called_so():
    worse = dataclasses.replace(Calibration.preset(), residual=0.2, pair_kl=0.3)
    assert worse.samples_or_pulses.startswith("pulses")
    rough = dataclasses.replace(Calibration.preset(), residual=0.1, pair_kl=0.05)
    assert rough.samples_or_pulses.startswith("samples roughly")


def test_fit_refuses_a_step():
    x = np.linspace(0, 1, 20)
    with pytest.raises(NotConverged, match=r"at least 4 points between 0.05 and 0.95, got 0"):
        _fit_logistic(x, (x > 0.5).astype(float), np.full(20, 0.01))


def test_crossing_is_the_last_one_and_may_be_missing():
    x = np.arange(5.0)
    assert _crossing(x, np.array([1.0, 0.9, np.nan, 0.1, 0.0]), 0.5) == pytest.approx(2.0)
    assert _crossing(x, np.ones(5), 0.5) is None
    assert _crossing(x, np.zeros(5), 0.5) is None


def test_a_laser_that_cannot_spike_is_refused():
    dull = LaserParameters.preset(absorber_transparency=1.0)
    with pytest.raises(NotConverged, match="stable"):
        calibrate(dull, seed=0)
