"""Quiet states, waveforms and spikes of the noiseless laser."""

import dataclasses
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photinus.devices.laser import (
    LASER_PRESETS,
    LaserParameters,
    Yamada,
    instability_pump,
    quiet_state,
    spike,
    waveform,
)
from photinus.devices.laser.dynamics import METHODS, Method, rate_equations
from photinus.errors import InvalidInput, NotConverged
from photinus.units import fJ, ns, ps


def threshold_pump(laser: LaserParameters) -> float:
    return laser.threshold_carriers / laser.gain_lifetime


def naive_rates(
    laser: LaserParameters,
    pump: float,
    state: Any,
) -> tuple[Any, Any, Any]:
    """The rate equations once more, written from the formulas."""
    n_g, n_a, s = state
    g = laser.gain_coefficient * (n_g - laser.gain_transparency)
    a = laser.absorber_coefficient * (n_a - laser.absorber_transparency)
    r = laser.gain_coefficient * n_g + laser.absorber_coefficient * n_a
    return (
        pump - n_g / laser.gain_lifetime - g * s,
        -n_a / laser.absorber_lifetime - a * s,
        (g + a - 1 / laser.photon_lifetime) * s + r,
    )


def naive_waveform(
    laser: LaserParameters, pump: float, state: NDArray[np.float64], duration: float, dt: float
) -> NDArray[np.float64]:
    """Classical Runge-Kutta at a fixed step."""
    states = [tuple(state)]

    def shifted(state: Sequence[float], rates: Sequence[float], step: float) -> tuple[float, ...]:
        return tuple(x + step * r for x, r in zip(state, rates, strict=True))

    for _ in range(round(duration / dt)):
        x = states[-1]
        k1 = naive_rates(laser, pump, x)
        k2 = naive_rates(laser, pump, shifted(x, k1, dt / 2))
        k3 = naive_rates(laser, pump, shifted(x, k2, dt / 2))
        k4 = naive_rates(laser, pump, shifted(x, k3, dt))
        mean = [(a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(k1, k2, k3, k4, strict=True)]
        states.append(shifted(x, mean, dt))
    return np.array(states).T


lasers = st.builds(
    lambda a, b, ratio, rates, small, transparency: Yamada(
        pump=a,
        absorption=b,
        saturation_ratio=ratio,
        gain_rate=rates[0],
        absorber_rate=rates[1],
    ).to_laser(
        photon_lifetime=4 * ps,
        gain_coefficient=small * rates[0] / (4 * ps) / max(ratio, 1),
        gain_transparency=transparency / (small * rates[0] / max(ratio, 1)),
    ),
    st.floats(0, 12),
    st.floats(0, 8),
    st.floats(0.1, 20),
    st.tuples(st.floats(1e-3, 0.5), st.floats(1e-3, 0.5)),
    st.floats(1e-6, 1),
    st.floats(0, 2),
)


@given(lasers)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_quiet_state_is_the_lowest_rest_point(case: tuple[LaserParameters, float]) -> None:
    laser, pump = case
    quiet = quiet_state(laser, pump)
    flows = (
        pump + laser.gain_coefficient * laser.gain_transparency * quiet.photons,
        laser.absorber_coefficient * laser.absorber_transparency * quiet.photons,
        laser.cavity_loss_rate * quiet.photons,
    )
    for rate, flow in zip(naive_rates(laser, pump, quiet.state), flows, strict=True):
        assert abs(rate) <= 1e-7 * flow + 1e-9
    # Below it the photon number rises, so no rest point was skipped.
    s = np.geomspace(1e-6, 0.999, 400) * quiet.photons
    beta_g = laser.gain_coefficient * laser.gain_lifetime
    beta_a = laser.absorber_coefficient * laser.absorber_lifetime
    n_g = (pump * laser.gain_lifetime + beta_g * laser.gain_transparency * s) / (1 + beta_g * s)
    n_a = beta_a * laser.absorber_transparency * s / (1 + beta_a * s)
    assert (naive_rates(laser, pump, (n_g, n_a, s))[2] >= -1e-9 * laser.cavity_loss_rate * s).all()


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_quiet_photons_are_amplified_spontaneous_emission(name: str) -> None:
    laser = LaserParameters.preset(name)
    quiet = quiet_state(laser, 0.95 * threshold_pump(laser))
    emission = (
        laser.gain_coefficient * quiet.gain_carriers
        + laser.absorber_coefficient * quiet.absorber_carriers
    )
    gain = laser.gain_coefficient * (quiet.gain_carriers - laser.gain_transparency)
    gain += laser.absorber_coefficient * (quiet.absorber_carriers - laser.absorber_transparency)
    closed_form = emission * laser.photon_lifetime / (1 - gain / laser.cavity_loss_rate)
    assert quiet.photons == pytest.approx(closed_form, rel=1e-9)
    assert quiet.is_stable


def test_quiet_states_known_before() -> None:
    slow = LaserParameters.preset("slow-absorber")
    assert quiet_state(slow, 4.4e5 / slow.gain_lifetime).photons == pytest.approx(11.2, abs=0.1)
    dark = quiet_state(slow, 0.0)
    assert dark.state.tolist() == [0, 0, 0]
    assert dark.is_stable


def test_quiet_state_of_a_bistable_laser_is_the_lower_one() -> None:
    yamada = Yamada(pump=3.9, absorption=3, saturation_ratio=10, gain_rate=0.01, absorber_rate=0.01)
    laser, pump = yamada.to_laser(photon_lifetime=4 * ps, gain_coefficient=10, gain_transparency=1e6)
    quiet = quiet_state(laser, pump)
    assert quiet.is_stable
    assert quiet.photons < 1e-3 * laser.absorber_saturation_photons
    # It ends in a fold just below A = 1 + B = 4, where the photons jump.
    above, pump = dataclasses.replace(yamada, pump=4.01).to_laser(
        photon_lifetime=4 * ps, gain_coefficient=10, gain_transparency=1e6
    )
    assert quiet_state(above, pump).photons > above.absorber_saturation_photons


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_jacobian_is_the_derivative_of_the_rates(name: str) -> None:
    laser = LaserParameters.preset(name)
    rates, jacobian = rate_equations(laser, threshold_pump(laser))
    state = np.array([0.8 * laser.threshold_carriers, 0.3 * laser.absorber_transparency, 777.0])
    assert rates(0.0, state) == pytest.approx(naive_rates(laser, threshold_pump(laser), state))
    exact = jacobian(0.0, state)
    for k in range(3):
        step = np.zeros(3, complex)
        step[k] = 1e-30j  # complex step: no cancellation
        assert rates(0.0, state + step).imag / 1e-30 == pytest.approx(exact[:, k], rel=1e-12)


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_instability_separates_rest_from_pulsing(name: str) -> None:
    laser = LaserParameters.preset(name)
    pump = instability_pump(laser)
    assert quiet_state(laser, 0.999 * pump).is_stable
    assert not quiet_state(laser, 1.001 * pump).is_stable
    below, above = (
        waveform(laser, factor * pump, 40 * ns, initial=quiet.state * [1.001, 1, 1]).photons
        for factor in (0.9, 1.1)
        for quiet in [quiet_state(laser, factor * pump)]
    )
    assert below[-1] == pytest.approx(quiet_state(laser, 0.9 * pump).photons, rel=1e-3)
    assert above[len(above) // 2 :].max() > laser.absorber_saturation_photons


def test_instability_known_before() -> None:
    # Fractions of the threshold, from the sign of the eigenvalues over a fine grid of pumps.
    for name, ratio in (("fast-absorber", 1.2067), ("slow-absorber", 0.9826), ("vcsel-sa", 1.0084)):
        laser = LaserParameters.preset(name)
        assert instability_pump(laser) / threshold_pump(laser) == pytest.approx(ratio, abs=1e-4)


def test_instability_tends_to_the_yamada_threshold_without_spontaneous_emission() -> None:
    yamada = Yamada(pump=4, absorption=3.1, saturation_ratio=2, gain_rate=0.0048, absorber_rate=0.048)
    errors = []
    for coefficient in (7e4, 7e2, 7.0):
        laser, _ = yamada.to_laser(
            photon_lifetime=4.8 * ps, gain_coefficient=coefficient, gain_transparency=1e6
        )
        errors.append(abs(instability_pump(laser) / threshold_pump(laser) - 1))
    assert all(later < earlier / 5 for earlier, later in pairwise(errors))
    assert errors[-1] < 2e-4


def test_laser_without_absorber_does_not_pulse() -> None:
    laser = LaserParameters.preset(absorber_transparency=0).replace(name="plain")
    with pytest.raises(NotConverged, match="laser 'plain' does not pulse: its absorber's feedback"):
        instability_pump(laser)
    with pytest.raises(NotConverged, match="laser 'plain' does not pulse"):
        spike(laser)


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_stable_lasers_come_to_rest(name: str) -> None:
    laser = LaserParameters.preset(name)
    pump = 0.9 * instability_pump(laser)
    quiet = quiet_state(laser, pump)
    started = waveform(laser, pump, 60 * laser.gain_lifetime, initial=(0, 0, 0))
    assert started.final_state == pytest.approx(quiet.state, rel=1e-6)
    assert (started.photons[1:] > 0).all()
    assert waveform(laser, pump, 1 * ns).final_state == pytest.approx(quiet.state, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LASER_PRESETS)
def test_waveform_agrees_with_naive_runge_kutta(name: str, method: Method) -> None:
    laser = LaserParameters.preset(name)
    pump = 0.98 * instability_pump(laser)
    start = quiet_state(laser, pump).state * [1.1, 1, 1]
    duration, dt = 200 * ps, 0.05 * ps
    naive = naive_waveform(laser, pump, start, duration, dt)
    ours = waveform(laser, pump, duration, initial=start, samples=4001, method=method)
    assert ours.time[1] == pytest.approx(dt)
    assert naive[2].max() > 5 * laser.absorber_saturation_photons
    for mine, other in zip(
        (ours.gain_carriers, ours.absorber_carriers, ours.photons), naive, strict=True
    ):
        assert np.abs(mine - other).max() < 2e-6 * other.max()


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_waveform_obeys_the_yamada_equations(name: str) -> None:
    from scipy.integrate import solve_ivp

    laser = LaserParameters.preset(name)
    pump = 0.98 * instability_pump(laser)
    start = quiet_state(laser, pump).state * [1.1, 1, 1]
    ours = waveform(laser, pump, 300 * ps, initial=start, samples=500)
    y = Yamada.from_laser(laser, pump)
    unit = laser.gain_coefficient * laser.gain_lifetime  # I = unit · S

    def rates(_: float, state: NDArray[np.float64]) -> list[float]:
        gain, absorption, intensity = state
        # ε = g_g τ_g τ_ph R with the carriers expressed by G and Q.
        carriers = gain + laser.photon_lifetime * laser.gain_coefficient * laser.gain_transparency
        emission = unit * (carriers + y.absorption - absorption)
        return [
            y.gain_rate * (y.pump - gain - gain * intensity),
            y.absorber_rate * (y.absorption - absorption * (1 + y.saturation_ratio * intensity)),
            (gain - absorption - 1) * intensity + emission,
        ]

    gain = laser.photon_lifetime * laser.gain_coefficient * (start[0] - laser.gain_transparency)
    left = laser.absorber_transparency - start[1]
    absorption = laser.photon_lifetime * laser.absorber_coefficient * left
    times = ours.time / laser.photon_lifetime
    theirs = solve_ivp(
        rates,
        (0, times[-1]),
        [gain, absorption, unit * start[2]],
        t_eval=times,
        method="DOP853",
        rtol=1e-10,
        atol=1e-12,
    )
    assert np.abs(theirs.y[2] / unit - ours.photons).max() < 1e-5 * ours.photons.max()


def test_waveforms_can_be_joined() -> None:
    laser = LaserParameters.preset("slow-absorber")
    pump = 0.98 * instability_pump(laser)
    start = quiet_state(laser, pump).state * [1.05, 1, 1]
    whole = waveform(laser, pump, 1 * ns, initial=start)
    part = waveform(laser, pump, 0.1 * ns, initial=start)
    rest = waveform(laser, pump, 0.9 * ns, initial=part.final_state)
    assert rest.final_state == pytest.approx(whole.final_state, rel=1e-5)
    assert whole.power[0] == pytest.approx(laser.output_power(start[2]))


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_books_of_a_spike_balance(name: str) -> None:
    books = spike(LaserParameters.preset(name)).books
    assert books.residual < 1e-8
    change = books.gain_change + books.absorber_change + books.photon_change
    assert books.pumped - books.emitted - books.lost == pytest.approx(change, abs=1e-7 * books.emitted)
    assert 0 < books.lost < books.gain_decay + books.absorber_decay
    assert books.emitted < books.stimulated + books.spontaneous


@pytest.mark.parametrize("name", LASER_PRESETS)
@pytest.mark.parametrize(
    "entry",
    ["pumped", "gain_decay", "absorber_decay", "stimulated", "absorbed", "spontaneous", "emitted"],
)
def test_books_notice_a_missing_entry(name: str, entry: str) -> None:
    books = spike(LaserParameters.preset(name)).books
    wrong = dataclasses.replace(books, **{entry: getattr(books, entry) * 0.9})
    assert wrong.residual > 1e-7


@pytest.mark.parametrize("name", LASER_PRESETS)
@pytest.mark.parametrize("method", ["Radau", "BDF"])
def test_solvers_agree_on_a_spike(name: str, method: Method) -> None:
    laser = LaserParameters.preset(name)
    one, other = spike(laser), spike(laser, method=method)
    for measure in ("peak_photons", "width", "photons_emitted", "reset_carriers", "peak_time"):
        assert getattr(other, measure) == pytest.approx(getattr(one, measure), rel=1e-6)


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_measures_agree_with_the_waveform(name: str) -> None:
    laser = LaserParameters.preset(name, output_efficiency=0.5)
    fired = spike(laser)
    start = fired.quiet.state + np.array([fired.kick, 0, 0])
    fine = waveform(laser, fired.waveform.pump, fired.stop + 100 * ps, initial=start, samples=50001)
    photons, time = fine.photons, fine.time
    step = time[1]
    assert fired.peak_photons == pytest.approx(photons.max(), rel=1e-5)
    assert fired.peak_power == pytest.approx(fine.power.max(), rel=1e-5)
    assert fired.peak_time == pytest.approx(time[photons.argmax()], abs=2 * step)
    above = time[photons > photons.max() / 2]
    assert fired.width == pytest.approx(above[-1] - above[0], abs=2.5 * step)
    level = fired.quiet.photons + 0.01 * (photons.max() - fired.quiet.photons)
    inside = photons > level
    assert fired.start == pytest.approx(time[inside][0], abs=2 * step)
    assert fired.stop == pytest.approx(time[inside][-1], abs=2 * step)
    assert fired.optical_energy == pytest.approx(fine.power[inside].sum() * step, rel=1e-3)
    assert fired.photons_emitted == pytest.approx(
        2 * fired.optical_energy / laser.photon_energy, rel=1e-9
    )
    assert fired.reset_carriers == pytest.approx(fired.waveform.gain_carriers.min(), rel=1e-4)
    assert fired.gain_carriers_consumed > fired.photons_emitted
    assert fired.absorber_carriers_generated > laser.absorber_transparency / 2


def test_slow_absorber_spike_known_before() -> None:
    # Literature notes: ~3e5 photons, 36-38 fJ, ~15 ps, 7e4 at the peak, reset to 1.4e5 carriers.
    laser = LaserParameters.preset("slow-absorber")
    pump = 4.4e5 / laser.gain_lifetime
    fired = spike(laser, pump, kick=0.04 * laser.threshold_carriers)
    assert fired.photons_emitted == pytest.approx(2.9e5, rel=0.05)
    assert 35 * fJ < fired.optical_energy < 38 * fJ
    assert 12 * ps < fired.width < 16 * ps
    assert fired.peak_photons == pytest.approx(7.3e4, rel=0.1)
    assert fired.reset_carriers == pytest.approx(1.37e5, rel=0.03)


def test_fast_absorber_spike_known_before() -> None:
    # The spikes of the simulation with noise emit 2-3e4 photons and reset N_g to about half.
    laser = LaserParameters.preset()
    fired = spike(laser)
    assert 2e4 < fired.photons_emitted < 3e4
    assert 2e3 < fired.peak_photons < 4e3
    assert fired.reset_carriers / laser.threshold_carriers == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("name", ["slow-absorber", "vcsel-sa"])
def test_spikes_of_a_laser_with_little_spontaneous_emission_are_all_or_none(name: str) -> None:
    laser = LaserParameters.preset(name)
    pump = 0.95 * instability_pump(laser)
    quiet = quiet_state(laser, pump)
    saturation = laser.absorber_saturation_photons

    def peak(kick: float) -> float:
        kicked = quiet.state + np.array([kick, 0, 0])
        return waveform(laser, pump, 5 * laser.gain_lifetime, initial=kicked).photons.max()

    low, high = 0.0, 0.2 * laser.threshold_carriers
    while high - low > 1e-4 * high:
        kick = (low + high) / 2
        low, high = (low, kick) if peak(kick) > saturation else (kick, high)
    assert peak(0.9 * low) < 0.2 * saturation
    assert peak(1.1 * high) > 30 * saturation


def test_strong_spontaneous_emission_makes_spikes_graded() -> None:
    # The contrast to the test above: no threshold in the strict sense.
    laser = LaserParameters.preset("fast-absorber")
    peaks = [spike(laser, kick=k * laser.threshold_carriers).peak_photons for k in (0.025, 0.05, 0.1)]
    assert peaks[1] > 2 * peaks[0]
    assert peaks[2] > 1.5 * peaks[1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pump": -1}, "pump must be above 0 carriers/s, got -1"),
        ({"pump": math.nan}, "pump must be finite, got nan"),
        ({"kick": 0}, "kick must be above 0 carriers, got 0"),
        ({"duration": -1}, "duration must be above 0 s, got -1"),
        ({"method": "Euler"}, "method must be one of 'LSODA', 'Radau', 'BDF', got 'Euler'"),
        (
            {"pump": 1e15},
            "pump must be low enough to leave laser 'fast-absorber' quiet, got 1e+15 carriers/s",
        ),
        (
            {"kick": 100},
            "kick must make laser 'fast-absorber' spike at pump 7.39106e+13 "
            "carriers/s, got 100 carriers",
        ),
    ],
)
def test_spike_names_bad_input(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput) as error:
        spike(LaserParameters.preset(), **change)
    assert str(error.value).startswith(sentence)


def test_spike_that_is_cut_short_is_refused() -> None:
    laser = LaserParameters.preset()
    end = spike(laser).peak_time
    with pytest.raises(NotConverged, match="does not end within"):
        spike(laser, duration=end)


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        ((-1, 1e-9), {}, "pump must be at least 0 carriers/s, got -1"),
        ((1e13, 0), {}, "duration must be above 0 s, got 0"),
        ((1e13, 1e-9), {"initial": [1, 2]}, "initial must have 3 entries"),
        ((1e13, 1e-9), {"initial": [1, 2, -3]}, "initial must be at least 0, got -3"),
        ((1e13, 1e-9), {"initial": [1, 2, math.nan]}, "initial must be finite, got nan at index"),
        ((1e13, 1e-9), {"samples": 1}, "samples must be at least 2, got 1"),
        ((1e13, 1e-9), {"samples": 10.5}, "samples must be a whole number, got 10.5"),
        ((1e13, 1e-9), {"method": "radau"}, "did you mean 'Radau'?"),
    ],
)
def test_waveform_names_bad_input(
    arguments: tuple[float, float], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidInput) as error:
        waveform(LaserParameters.preset(), *arguments, **options)
    assert sentence in str(error.value)


def test_quiet_state_names_bad_input() -> None:
    with pytest.raises(InvalidInput, match="pump must be at least 0 carriers/s, got -5"):
        quiet_state(LaserParameters.preset(), -5)
