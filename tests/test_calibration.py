"""The protocol: what it finds on the shipped devices, and what it says where there is nothing."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from photinus import Calibration, LaserParameters, calibrate
from photinus.calibration.activation import _crossing, fit_logistic, survey
from photinus.calibration.bench import Bench
from photinus.calibration.synapse import MACHINES, Fit
from photinus.devices import SHIPPED_PRESETS, device_of, preset
from photinus.devices.laser import spike
from photinus.errors import InvalidInput, NotConverged
from photinus.translation.neuron import monotone

# 5.33 standard errors of a normal variable: false alarm 1e-7 a figure, 1e-6 for all of a test.
SIGMAS = 5.33
CHAINS = 24


@pytest.fixture(scope="module")
def again() -> Any:
    """Calibrate the default device once more, in the same window, with another seed and fewer chains."""
    window = Calibration.preset().window
    return calibrate(LaserParameters.preset(), window=window, seed=12345, chains=CHAINS)


def constants(calibration: Any) -> Any:
    """Return the fitted constants, name → (value, standard error)."""
    found = {
        "midpoint": (calibration.midpoint, calibration.midpoint_error),
        "slope": (calibration.slope, calibration.slope_error),
    }
    for name, error in calibration.kernel_error.items():
        found[name] = (getattr(calibration.kernel, name), error)
    return found


@pytest.mark.parametrize("name", ["midpoint", "slope", "kick", "sustain"])
def test_shipped_default_is_found_again_within_its_errors(again: Any, name: str) -> None:
    """Two independent calibrations differ by noise only; false alarm 1e-7 each."""
    (mine, my_error), (shipped, shipped_error) = (
        constants(c)[name] for c in (again, Calibration.preset())
    )
    error = np.hypot(my_error, shipped_error)
    assert abs(mine - shipped) < SIGMAS * error
    # Power: a constant that is off by a quarter would be seen.
    assert 0.25 * shipped > SIGMAS * error


def test_read_out_is_found_again(again: Any) -> None:
    shipped = Calibration.preset()
    assert again.window == shipped.window
    assert again.detection_threshold == pytest.approx(shipped.detection_threshold, rel=1e-6)
    assert again.parameters == shipped.parameters


def test_windows_are_as_fine_as_their_noise() -> None:
    """Windows of five seeds: neither one number, nor further from the shipped one than noise takes them.

    With 16 chains each scatters by 6 %, their mean by 2.5 %; the shipped one has two digits.
    """
    laser, shipped = LaserParameters.preset(), Calibration.preset()
    setting = device_of(laser).setting(laser)
    found = []
    for seed in range(5):
        seeds = [*np.random.SeedSequence(seed).spawn(9)]
        bench = Bench(laser, setting, shipped.kernel, 16, setting.time_step, None, seeds)
        found.append(survey(bench, None, lambda: None)[0])
    assert len(set(found)) > 2
    assert [float(f"{window:.3g}") for window in found] == found
    assert np.mean(found) == pytest.approx(shipped.window, rel=0.13)


def test_activation_curves_agree_point_by_point(again: Any) -> None:
    """Fresh curve against the shipped one; Bonferroni over its points at 1e-6 in all.

    Errors come from CHAINS chains, or from more, so a Student bound with CHAINS - 1 degrees of freedom.
    """
    from scipy.stats import t

    shipped = Calibration.preset()
    expected, shipped_error = (
        np.interp(again.drive, shipped.drive, values)
        for values in (shipped.activation, shipped.activation_error)
    )
    inside = (again.activation > 0.1) & (again.activation < 0.9)
    error = np.hypot(again.activation_error, shipped_error)[inside]
    bound = t.isf(1e-6 / inside.sum() / 2, CHAINS - 1)
    # Linear interpolation between points of the shipped table adds up to 0.004 where it bends most.
    assert (np.abs(again.activation - expected)[inside] < bound * error + 0.004).all()


@pytest.mark.parametrize("name", SHIPPED_PRESETS)
def test_shipped_calibrations_are_of_their_preset_and_sane(name: str) -> None:
    calibration = Calibration.preset(name)
    calibration.require(preset(name))
    assert calibration.parameters == preset(name)
    if isinstance(calibration.parameters, LaserParameters):
        peak = spike(calibration.parameters).peak_photons
        assert calibration.detection_threshold == pytest.approx(0.5 * peak, rel=1e-3)
        assert calibration.window in calibration.windows_tried
        tried = calibration.windows_kl[calibration.windows_tried == calibration.window]
        assert tried <= calibration.windows_kl[0]
    assert np.nanmin(calibration.shortest_interval) > 0.3 * calibration.window
    assert calibration.network_kl < 0.005
    assert calibration.bias_range[0] < -1
    assert calibration.bias_range[1] > 3
    assert (np.diff(calibration.drive) > 0).all()
    assert calibration.samples_or_pulses.startswith("samples:")


def test_inverse_activation_reads_the_measured_curve() -> None:
    calibration = Calibration.preset()
    known = (calibration.activation > 0.02) & (calibration.activation < 0.98)
    p = calibration.activation[known]
    carriers = calibration.drive_at(np.log(p / (1 - p)))
    np.testing.assert_allclose(carriers, calibration.drive[known], rtol=0.002)
    wide = calibration.drive_at(np.linspace(-30, 30, 601))
    assert (np.diff(wide) > 0).all()


def test_a_window_must_be_significantly_better() -> None:
    rng = np.random.default_rng(3)
    base = rng.uniform(1e-4, 1e-3, 24)
    kernel = Calibration.preset().kernel

    def fit(kl: NDArray[np.float64]) -> Fit:
        return Fit(kernel=kernel, error={}, kl=kl)

    assert fit(base - 5e-5).beats(fit(base))
    assert not fit(base).beats(fit(base))
    assert not fit(rng.permutation(base)).beats(fit(base))


def test_objective_covers_both_signs_and_no_machine_twice() -> None:
    seen = {(m.weights.tobytes(), m.biases.tobytes()) for m in MACHINES}
    assert len(seen) == len(MACHINES) == 24
    upper = np.concatenate([m.weights[np.triu_indices(m.n_units, 1)] for m in MACHINES])
    assert min(upper) == -1
    assert max(upper) == 1
    assert abs(upper.mean()) < 0.25


def test_current_is_that_of_a_laser() -> None:
    calibration = Calibration.preset()
    assert calibration.current[0] == pytest.approx(
        calibration.laser.current(calibration.drive[0] / calibration.laser.gain_lifetime)
    )
    with pytest.raises(InvalidInput, match="calibration must be that of a laser"):
        _ = Calibration.preset("lif-hcs").half_current


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"synapse": "triangle"}, "synapse must be one of"),
        ({"window": -1e-9}, "window must be above 0 s"),
        ({"decay": 0.0}, "decay must be above 0 s"),
    ],
)
def test_calibrate_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        calibrate(LaserParameters.preset(), **changes)


def test_a_device_that_pulses_is_called_so() -> None:
    worse = dataclasses.replace(Calibration.preset(), residual=0.2, network_kl=0.3)
    assert worse.samples_or_pulses.startswith("pulses")
    rough = dataclasses.replace(Calibration.preset(), residual=0.1, network_kl=0.05)
    assert rough.samples_or_pulses.startswith("samples roughly")


def test_fit_refuses_a_step() -> None:
    x = np.linspace(0, 1, 20)
    with pytest.raises(NotConverged, match=r"at least 4 points between 0.05 and 0.95, got 0"):
        fit_logistic(x, (x > 0.5).astype(float), np.full(20, 0.01))


def test_crossing_is_the_last_one_and_may_be_missing() -> None:
    x = np.arange(5.0)
    assert _crossing(x, np.array([1.0, 0.9, np.nan, 0.1, 0.0]), 0.5) == pytest.approx(2.0)
    assert _crossing(x, np.ones(5), 0.5) is None
    assert _crossing(x, np.zeros(5), 0.5) is None


def test_a_laser_that_cannot_spike_is_refused() -> None:
    dull = LaserParameters.preset(absorber_transparency=1.0)
    with pytest.raises(NotConverged, match="does not pulse: its absorber's feedback is at most"):
        calibrate(dull, seed=0)


@given(
    st.lists(st.floats(0.01, 5), min_size=2, max_size=12),
    st.lists(st.integers(-3000, 3000), min_size=13, max_size=13),
)
def test_monotone_interpolation_is_that_of_scipy(widths: list[float], values: list[int]) -> None:
    x = np.cumsum([0.3, *widths])
    y = np.array(values[: len(x)]) / 1000
    at = np.linspace(x[0], x[-1], 57)
    np.testing.assert_allclose(monotone(at, x, y), PchipInterpolator(x, y)(at), rtol=1e-9, atol=1e-9)
    assert np.all(np.diff(monotone(at, x, np.sort(y))) >= -1e-9)


def test_a_laser_that_fires_too_regularly_is_told_how_much_noise_helps() -> None:
    laser, many = LaserParameters.preset(), 300.0
    changes = {
        f"{x}_coefficient": getattr(laser, f"{x}_coefficient") / many for x in ("gain", "absorber")
    }
    changes |= {
        f"{x}_transparency": getattr(laser, f"{x}_transparency") * many for x in ("gain", "absorber")
    }
    large = laser.replace(**changes, forced=True)
    # Trials of 8 chains do not tell 0.3 from 1 % apart here.
    told = r"a pump_noise of \d+ carriers \((0.3|1) % .*\) gives it one"
    with pytest.raises(NotConverged, match=told):
        calibrate(large, chains=8)
