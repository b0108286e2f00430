"""Linear response of the quiet laser: against the rate equations, closed forms and limits."""

import numpy as np
import pytest

from photinus import Calibration, InvalidInput, LaserParameters
from photinus.devices.laser import LASER_PRESETS, quiet_state, waveform
from photinus.devices.laser.response import predicted_kernel, response
from photinus.units import ns, ps


def pump_of(name: str, bias: float) -> float:
    calibration = Calibration.preset(name)
    return float(calibration.drive_at(np.array([bias]))[0]) / calibration.laser.gain_lifetime


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_static_gain_is_the_slope_of_the_quiet_state(name: str) -> None:
    laser, pump = LaserParameters.preset(name), pump_of(name, -3.0)
    step = 1e-5 * pump
    low, high = (quiet_state(laser, pump + s).gain_carriers for s in (-step, step))
    found = response(laser, pump).static_gain
    assert found == pytest.approx((high - low) / (2 * step * laser.gain_lifetime), rel=1e-4)
    assert 0 < found < 1


@pytest.mark.parametrize("name", LASER_PRESETS)
@pytest.mark.parametrize("bias", [-3.0, -1.5, 0.0])
def test_adiabatic_rate_gives_the_same_static_gain(name: str, bias: float) -> None:
    """At rest light and absorber have followed, so elimination is exact there."""
    answer = response(LaserParameters.preset(name), pump_of(name, bias))
    lifetime = answer.parameters.gain_lifetime
    assert 1 / (answer.adiabatic_rate * lifetime) == pytest.approx(answer.static_gain, rel=1e-9)


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_step_and_kick_are_those_of_the_rate_equations(name: str) -> None:
    """A change of a ten-thousandth: the nonlinear solution must follow to 1 %; twins must not."""
    laser, pump = LaserParameters.preset(name), pump_of(name, -3.0)
    answer, quiet = response(laser, pump), quiet_state(laser, pump)
    duration = 2 * laser.gain_lifetime
    stepped = waveform(laser, 1.0001 * pump, duration, initial=quiet.state)
    size = 0.0001 * pump * laser.gain_lifetime
    risen = (stepped.gain_carriers - quiet.gain_carriers) / size
    expected = answer.step(stepped.time)
    assert np.abs(risen - expected).max() < 0.01 * expected.max()
    assert np.abs(risen - 1.05 * expected).max() > 0.01 * expected.max()

    size = 1e-4 * quiet.gain_carriers
    kicked = waveform(laser, pump, duration, initial=quiet.state + np.array([size, 0, 0]))
    left = (kicked.gain_carriers - quiet.gain_carriers) / size
    assert np.abs(left - answer.kick(kicked.time)).max() < 0.01
    assert np.abs(left - answer.kick(0.9 * kicked.time)).max() > 0.01


def test_dark_laser_is_a_leaky_integrator() -> None:
    """Without light N_g forgets with τ_g and no drive is lost."""
    dark = LaserParameters.preset(forced=True, gain_coefficient=1e-3, absorber_coefficient=1e-3)
    answer = response(dark, 1e12)
    time = np.linspace(0, 3 * ns, 50)
    assert answer.static_gain == pytest.approx(1, rel=1e-6)
    np.testing.assert_allclose(answer.kick(time), np.exp(-time / dark.gain_lifetime), rtol=1e-6)
    np.testing.assert_allclose(answer.step(time), -np.expm1(-time / dark.gain_lifetime), rtol=1e-5)


def test_predicted_kernel_of_a_dark_laser_is_the_rectangle() -> None:
    """A kick of one carrier and the pulse that keeps it: exact within the window, then a tail.

    With τ_g short against τ the tail is small, and the fit approaches kick 1, sustain 1.
    """
    dark = LaserParameters.preset(
        forced=True, gain_coefficient=1e-3, absorber_coefficient=1e-3, gain_lifetime=50 * ps
    )
    kick, sustain = predicted_kernel(dark, 1e12, 20 * ns)
    assert kick == pytest.approx(1, abs=0.05)
    assert sustain == pytest.approx(1, abs=0.01)


def test_clamping_shortens_the_memory() -> None:
    """The harder it is pumped, the less of a pump change is left, and the less pre-emphasis it needs."""
    laser = LaserParameters.preset("slow-absorber")
    answers = [response(laser, pump_of("slow-absorber", bias)) for bias in (-3.0, -1.5, 0.0)]
    gains = [answer.static_gain for answer in answers]
    assert gains == sorted(gains, reverse=True)
    kicks = [
        predicted_kernel(laser, answer.quiet.pump, Calibration.preset("slow-absorber").window)[0]
        for answer in answers
    ]
    assert kicks == sorted(kicks, reverse=True)


@pytest.mark.parametrize(
    ("pump", "window", "message"),
    [(-1.0, 1 * ns, "pump must be at least 0"), (1e13, 0.0, "window must be above 0 s")],
)
def test_refuses(pump: float, window: float, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        predicted_kernel(LaserParameters.preset(), pump, window)
