"""Lasers from what is known of them, their data sheets, and the command `device`."""

import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.constants import c, e, h

from photinus import calibrate
from photinus.devices.laser import (
    LASER_PRESETS,
    LaserParameters,
    datasheet,
    quiet_state,
    spike,
    waveform,
)
from photinus.devices.laser.cures import cures
from photinus.devices.laser.measured import ASSUMED, COEFFICIENTS, QUANTITIES, SHARES, derive
from photinus.errors import AssumptionWarning, InvalidInput, NotConverged
from photinus.units import ns, parse, ps, uA
from tests.conftest import Run

LAB = {
    "quality": 5000,
    "wavelength": "1550 nm",
    "beta": 0.05,
    "threshold_current": "8 uA",
    "gain_lifetime": "0.6 ns",
    "absorber_lifetime": "30 ps",
}
"""What one laboratory knows of its laser."""


def by_hand(laser: LaserParameters) -> dict[str, float]:
    """Return the quantities of a laser, each from its definition in the rate equations."""
    x = laser
    kappa = 1 / x.photon_lifetime
    threshold = (
        x.gain_transparency
        + (kappa + x.absorber_coefficient * x.absorber_transparency) / x.gain_coefficient
    )
    per_current = x.pump_efficiency * x.gain_lifetime / e
    return {
        **{name: getattr(x, name) for name in COEFFICIENTS},
        "quality": 2 * math.pi * c / x.wavelength * x.photon_lifetime,
        "beta": x.gain_coefficient * x.gain_lifetime,
        "gain_ratio": x.absorber_coefficient / x.gain_coefficient,
        "saturation_ratio": x.absorber_coefficient
        * x.absorber_lifetime
        / (x.gain_coefficient * x.gain_lifetime),
        "absorber_loss": x.absorber_coefficient * x.absorber_transparency / kappa,
        "threshold_carriers": threshold,
        "threshold_current": threshold / per_current,
        "transparency_current": x.gain_transparency / per_current,
        "transparency_share": x.gain_transparency / threshold,
        "slope_efficiency": x.pump_efficiency * x.output_efficiency * h * c / x.wavelength / e,
    }


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_every_quantity_follows_from_the_coefficients(name: str) -> None:
    laser = LaserParameters.preset(name)
    found = derive({name: getattr(laser, name) for name in COEFFICIENTS})
    assert found.assumed == ()
    for quantity, value in by_hand(laser).items():
        assert found.values[quantity] == pytest.approx(value, rel=1e-9), quantity


# One quantity of each group says where the group is. Drawn whole, they fix the laser.
GROUPS = (
    ("wavelength",),
    ("quality", "photon_lifetime"),
    ("gain_lifetime",),
    ("beta", "gain_coefficient"),
    ("threshold_current", "threshold_carriers"),
    ("transparency_current", "gain_transparency", "transparency_share", "absorber_loss"),
    ("gain_ratio", "absorber_coefficient"),
    ("absorber_lifetime", "saturation_ratio"),
    ("pump_efficiency",),
    ("output_efficiency", "slope_efficiency"),
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(LASER_PRESETS), st.tuples(*(st.sampled_from(group) for group in GROUPS)))
def test_any_ten_independent_quantities_give_the_laser_back(
    preset: str, names: tuple[str, ...]
) -> None:
    laser = LaserParameters.preset(preset)
    values = by_hand(laser)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = LaserParameters.from_measured(**{name: values[name] for name in names})
    for name in COEFFICIENTS:
        assert getattr(found, name) == pytest.approx(getattr(laser, name), rel=1e-6), name


def test_volumes_and_material_give_coefficients() -> None:
    with pytest.warns(AssumptionWarning):
        laser = LaserParameters.from_measured(
            gain_volume="0.02 µm³",
            gain_density="1e18 cm^-3",
            differential_gain="8e-16 cm2",
            gain_confinement=0.3,
            group_index=4,
        )
    assert laser.gain_transparency == pytest.approx(20_000)
    assert laser.gain_coefficient == pytest.approx(0.3 * c / 4 * 8e-20 / 0.02e-18)


def test_what_nothing_follows_for_is_assumed_and_named() -> None:
    with pytest.warns(AssumptionWarning, match="pump_efficiency 1, absorber_loss 1, gain_ratio 12.5"):
        laser = LaserParameters.from_measured(**LAB)
    assert laser.quality_factor == pytest.approx(5000)
    assert laser.threshold_current == pytest.approx(8 * uA)
    assert laser.spontaneous_emission_factor == pytest.approx(0.05)
    assert (laser.gain_lifetime, laser.absorber_lifetime) == (0.6 * ns, 30 * ps)
    found = derive(LAB)
    assert found.origin("quality") == "given"
    assert found.origin("gain_ratio") == "assumed"
    assert found.origin("gain_coefficient") == "from beta, gain_lifetime"


def test_nothing_known_is_the_default_laser() -> None:
    assert derive({}).assumed == tuple(ASSUMED)
    found = derive({}).coefficients
    assert found == pytest.approx({n: getattr(LaserParameters.preset(), n) for n in COEFFICIENTS})


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        ({"qualty": 5000}, "did you mean 'quality'"),
        ({"beta": 2}, "beta must be at most 1, got 2"),
        ({"quality": -1}, "quality must be above 0, got -1"),
        ({"quality": "5 ns"}, "quality must be a number"),
        ({"quality": 5000, "photon_lifetime": "2 ps"}, "photon_lifetime|quality must agree with"),
        ({"threshold_current": "0.7 uA"}, "threshold_current must be above 8.01 µA .*, got 700 nA"),
        ({"differential_gain": "5e-16 cm2"}, "differential_gain says nothing alone"),
        ({"slope_efficiency": "3 W/A"}, "output_efficiency must be at most 1, got 3.75"),
    ],
)
def test_what_cannot_be_is_one_sentence(known: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        LaserParameters.from_measured(**known)


def test_examples_of_quantities_can_be_read() -> None:
    for name, known in QUANTITIES.items():
        value = parse(known.example, known.unit, name)
        assert value > 0
        assert value <= 1 or name not in SHARES


@pytest.mark.parametrize("name", ["fast-absorber", "vcsel-sa"])
def test_slope_and_relaxation_are_those_of_the_rate_equations(name: str) -> None:
    laser = LaserParameters.preset(name)
    sheet = datasheet(laser)
    assert sheet.damping is not None
    assert sheet.relaxation_frequency is not None
    powers = [
        laser.output_power(quiet_state(laser, laser.pump_rate(current)).photons)
        for current in (40 * sheet.current, 41 * sheet.current)
    ]
    assert (powers[1] - powers[0]) / sheet.current == pytest.approx(sheet.slope_efficiency, rel=0.01)
    # Kick the steady state a little and count the maxima of its ringing.
    steady = quiet_state(laser, laser.pump_rate(sheet.current))
    period = 1 / sheet.relaxation_frequency
    wave = waveform(
        laser, steady.pump, 2 * period, initial=steady.state * [1.0, 1.0, 1.001], samples=6000
    )
    ringing = (wave.photons - steady.photons) * np.exp(sheet.damping * wave.time)
    turns = wave.time[1:][(ringing[:-1] < 0) & (ringing[1:] >= 0)]
    assert turns[1] - turns[0] == pytest.approx(period, rel=0.02)


def test_a_laser_that_never_spikes_has_a_sheet_without_pulses() -> None:
    dull = LaserParameters.preset(absorber_transparency=0.0)
    sheet = datasheet(dull)
    assert sheet.pulse_energy is None
    assert sheet.threshold_current > 0


def test_the_command_writes_a_file_that_it_can_read(run: Run, tmp_path: Path) -> None:
    assert run("device", "new", "laser.toml")[0] == 0
    status, out, err = run("device", "show", "laser.toml")
    assert status == 0
    assert "10 µA" in out
    assert "assumed" in err
    # Every line that is a comment is a quantity that can be read, too.
    text = (tmp_path / "laser.toml").read_text()
    entries = {line.lstrip("# ").partition(" = ")[0] for line in text.splitlines() if " = " in line}
    assert set(QUANTITIES) <= entries
    status, _, err = run("device", "new", "laser.toml")
    assert status == 2
    assert "exists already" in err


def test_the_command_prints_json(run: Run) -> None:
    status, out, _ = run("device", "show", "high-beta", "--json")
    assert status == 0
    sheet = json.loads(out)
    assert sheet["parameters"]["name"] == "high-beta"
    assert sheet["quality"] == pytest.approx(2795, abs=1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("quality = ", "is not TOML"),
        ("foo = 1", "got 'foo'"),
        ("quality = [1, 2]", "quality must be a number"),
        ("threshold_current = '1 pA'", "threshold_current must be above"),
        ("pump_noise = -1", "pump_noise must be at least 0"),
    ],
)
def test_a_wrong_file_is_one_sentence(run: Run, tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    status, _, err = run("device", "show", "x.toml")
    told = [line for line in err.splitlines() if "assumed" not in line]
    assert status == 2
    assert len(told) == 1
    assert sentence in told[0]


def test_cures_of_a_laser_that_does_not_spike_work_and_are_the_smallest() -> None:
    dull = LaserParameters.preset(absorber_transparency=500)
    with pytest.raises(NotConverged):
        spike(dull)
    found = cures(dull)
    assert found
    factors = [abs(math.log(cure.factor)) for cure in found]
    assert factors == sorted(factors)
    best = found[0]
    assert spike(dull.replace(**{best.name: best.value})).peak_photons > 0
    less = getattr(dull, best.name) * best.factor**0.7
    with pytest.raises(NotConverged):
        spike(dull.replace(**{best.name: less}))


def test_a_laser_that_spikes_needs_no_cure() -> None:
    assert cures(LaserParameters.preset()) == ()


def test_a_calibration_that_fails_names_a_cure_by_its_number() -> None:
    dull = LaserParameters.preset(absorber_transparency=500)
    with pytest.raises(NotConverged, match=r"absorber_coefficient \d.* \(1\.\d+ times today's\)"):
        calibrate(dull)
