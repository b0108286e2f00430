"""Laser parameters, presets, and the dimensionless Yamada form."""

import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photinus.devices.laser import LASER_PRESETS, LaserParameters, Yamada
from photinus.errors import InvalidInput
from photinus.units import fJ, mA, ns, ps, uA
from tests.narrow import untyped

CUSTOM: dict[str, Any] = {
    "photon_lifetime": 3 * ps,
    "gain_lifetime": 0.7 * ns,
    "absorber_lifetime": 30 * ps,
    "gain_coefficient": 5e6,
    "absorber_coefficient": 9e7,
    "gain_transparency": 30_000,
    "absorber_transparency": 4_000,
}


@pytest.fixture
def laser() -> LaserParameters:
    return LaserParameters(**CUSTOM)


def test_presets_have_the_thresholds_of_the_design() -> None:
    assert (
        LASER_PRESETS
        == LaserParameters.presets()
        == ("fast-absorber", "slow-absorber", "vcsel-sa", "high-beta", "straight")
    )
    assert LaserParameters.preset().name == "fast-absorber"
    assert LaserParameters.preset().threshold_carriers == pytest.approx(62_500)
    slow = LaserParameters.preset("slow-absorber")
    assert slow.threshold_carriers == pytest.approx(4.75e5)
    assert slow.threshold_current == pytest.approx(38.05 * uA, rel=1e-3)
    assert slow.pump_noise == 2e4


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_threshold_is_where_gain_balances_loss_and_unbleached_absorber(name: str) -> None:
    laser = LaserParameters.preset(name)
    gain = laser.gain_coefficient * (laser.threshold_carriers - laser.gain_transparency)
    absorption = -laser.absorber_coefficient * laser.absorber_transparency
    assert gain + absorption - laser.cavity_loss_rate == pytest.approx(0, abs=1e-6 * gain)


def test_vcsel_agrees_with_its_density_form() -> None:
    # Nahmias et al. 2013, table I, threshold and Yamada parameters worked out with densities.
    laser = LaserParameters.preset("vcsel-sa")
    volume, gamma_a, gamma_s, g_a, g_s = 2.4e-18, 0.06, 0.05, 2.9e-12, 14.5e-12
    n_0a, n_0s, tau_ph = 1.1e24, 0.89e24, 4.8 * ps
    density = n_0a + (1 / tau_ph + gamma_s * g_s * n_0s) / (gamma_a * g_a)
    assert laser.threshold_carriers / volume == pytest.approx(density)
    assert laser.wavelength == pytest.approx(850e-9)
    assert laser.output_efficiency == 0.4


def test_derived_quantities() -> None:
    laser = LaserParameters.preset()
    assert laser.cavity_loss_rate == pytest.approx(2.5e11)
    assert laser.quality_factor == pytest.approx(4861, abs=1)
    assert laser.photon_energy == pytest.approx(1.2816e-19, rel=1e-4)  # 0.79990 eV
    assert laser.absorber_saturation_photons == pytest.approx(400)
    assert laser.spontaneous_emission_factor == pytest.approx(0.01)
    half = laser.replace(output_efficiency=0.5)
    # 1 000 photons leave within 4 ps, half of them as useful light.
    assert half.output_power(1000) * 4 * ps == pytest.approx(0.5 * 0.12816 * fJ, rel=1e-4)


def test_current_and_pump_are_inverse(laser: LaserParameters) -> None:
    weak = laser.replace(pump_efficiency=0.25)
    assert weak.pump_rate(weak.current(1e14)) == pytest.approx(1e14)
    assert weak.current(1e14) == pytest.approx(4 * laser.current(1e14))
    assert laser.current(1e14) == pytest.approx(16.02176634 * uA)
    assert weak.current(weak.threshold_carriers / weak.gain_lifetime) == weak.threshold_current


def test_json_round_trip(laser: LaserParameters) -> None:
    varied = laser.replace(name="seventh", pump_noise=123.0, carrier_noise=False, output_efficiency=0.3)
    document = json.loads(json.dumps(varied.to_dict()))
    assert document["schema"] == 1
    assert LaserParameters.from_dict(document) == varied


def test_changes(laser: LaserParameters) -> None:
    assert laser.replace() == laser
    changed = laser.replace(gain_lifetime=1 * ns)
    assert (changed.gain_lifetime, changed.absorber_lifetime) == (1 * ns, 30 * ps)
    preset = LaserParameters.preset("slow-absorber", pump_noise=0)
    assert (preset.name, preset.pump_noise) == ("custom", 0.0)
    assert preset.replace(name="mine", pump_noise=1).name == "mine"
    assert laser.replace(name="mine").replace(pump_noise=1).name == "mine"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"photon_lifetime": 0}, "photon_lifetime must be above 0 s, got 0"),
        ({"gain_lifetime": -1e-9}, "gain_lifetime must be above 0 s, got -1e-09"),
        ({"absorber_lifetime": math.nan}, "absorber_lifetime must be finite, got nan"),
        (
            {"gain_coefficient": "large"},
            "gain_coefficient must be a number with a unit (10 MHz), got 'large'",
        ),
        ({"absorber_coefficient": math.inf}, "absorber_coefficient must be finite, got inf"),
        ({"wavelength": 0}, "wavelength must be above 0 m, got 0"),
        ({"gain_transparency": -1}, "gain_transparency must be at least 0 carriers, got -1"),
        ({"pump_noise": -5}, "pump_noise must be at least 0 carriers, got -5"),
        ({"pump_efficiency": 1.5}, "pump_efficiency must be at most 1, got 1.5"),
        ({"output_efficiency": 0}, "output_efficiency must be above 0, got 0"),
        (
            {"gain_coefficient": 1e10},
            "gain_coefficient times gain_lifetime must be at most 1 (it is the part of the decay "
            "that emits into the mode), got 7",
        ),
        (
            {"absorber_coefficient": 1e11},
            "absorber_coefficient times absorber_lifetime must be at most 1 (it is the part of the "
            "decay that emits into the mode), got 3",
        ),
        ({"carrier_noise": 1}, "carrier_noise must be True or False, got 1"),
        ({"name": 3}, "name must be a string, got 3"),
    ],
)
def test_invalid_parameters_are_named(
    laser: LaserParameters, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidInput) as error:
        LaserParameters(**{**CUSTOM, **change})
    assert str(error.value) == sentence
    with pytest.raises(InvalidInput) as error:
        laser.replace(**change)
    assert str(error.value) == sentence


def test_misspellings_are_answered_with_the_nearest_name(laser: LaserParameters) -> None:
    with pytest.raises(InvalidInput, match=r"preset must be one of .* got 'fast-absorbr' \(did"):
        LaserParameters.preset("fast-absorbr")
    with pytest.raises(InvalidInput, match="did you mean 'pump_noise'"):
        LaserParameters.preset("slow-absorber", pump_nois=0)
    with pytest.raises(InvalidInput, match="did you mean 'gain_lifetime'"):
        laser.replace(gain_liftime=1)
    with pytest.raises(InvalidInput, match="did you mean 'wavelength'"):
        LaserParameters.from_dict({**laser.to_dict(), "wavelenght": 1e-6})


def test_damaged_dictionaries_are_refused(laser: LaserParameters) -> None:
    document = laser.to_dict()
    with pytest.raises(InvalidInput, match="schema of laser parameters must be 1, got 2"):
        LaserParameters.from_dict({**document, "schema": 2})
    del document["gain_lifetime"]
    with pytest.raises(InvalidInput, match="must include gain_lifetime, which is missing"):
        LaserParameters.from_dict(document)
    with pytest.raises(InvalidInput, match="laser parameters must be a mapping, got 3"):
        LaserParameters.from_dict(untyped(3))


@pytest.mark.parametrize("method", ["current", "pump_rate", "output_power"])
@pytest.mark.parametrize("value", [-1, math.nan, "much"])
def test_conversions_refuse_what_has_no_meaning(
    laser: LaserParameters, method: str, value: float | str
) -> None:
    with pytest.raises(InvalidInput, match="must be"):
        getattr(laser, method)(value)


def test_vcsel_at_its_published_current_is_the_published_yamada_laser() -> None:
    laser = LaserParameters.preset("vcsel-sa")
    yamada = Yamada.from_laser(laser, laser.pump_rate(2 * mA))
    assert yamada.pump == pytest.approx(3.43, abs=0.006)
    assert yamada.absorption == pytest.approx(3.097, abs=0.0005)
    assert yamada.saturation_ratio == pytest.approx(0.417, abs=0.0005)
    assert yamada.gain_rate == pytest.approx(0.0048)
    assert yamada.absorber_rate == pytest.approx(0.048)


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_yamada_threshold_is_the_threshold(name: str) -> None:
    laser = LaserParameters.preset(name)
    yamada = Yamada.from_laser(laser, laser.threshold_carriers / laser.gain_lifetime)
    assert yamada.pump == pytest.approx(yamada.threshold, rel=1e-12)


@given(st.floats(-1, 20), st.floats(0, 20), st.floats(0.05, 20), st.floats(1e-3, 1), st.floats(1e-3, 1))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_yamada_there_and_back(
    pump: float, absorption: float, ratio: float, gain_rate: float, absorber_rate: float
) -> None:
    yamada = Yamada(
        pump=pump,
        absorption=absorption,
        saturation_ratio=ratio,
        gain_rate=gain_rate,
        absorber_rate=absorber_rate,
    )
    laser, rate = yamada.to_laser(photon_lifetime=4 * ps, gain_coefficient=1e6, gain_transparency=5e5)
    assert laser.gain_transparency == 5e5
    again = Yamada.from_laser(laser, rate)
    for name in ("pump", "absorption", "saturation_ratio", "gain_rate", "absorber_rate"):
        assert getattr(again, name) == pytest.approx(getattr(yamada, name), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_laser_there_and_back(name: str) -> None:
    laser = LaserParameters.preset(name)
    yamada = Yamada.from_laser(laser, 3e14)
    again, rate = yamada.to_laser(
        photon_lifetime=laser.photon_lifetime,
        gain_coefficient=laser.gain_coefficient,
        gain_transparency=laser.gain_transparency,
    )
    assert rate == pytest.approx(3e14)
    for field in CUSTOM:
        assert getattr(again, field) == pytest.approx(getattr(laser, field), rel=1e-12)


def test_yamada_refuses_what_has_no_laser() -> None:
    good: dict[str, Any] = {
        "pump": 6.5,
        "absorption": 5.8,
        "saturation_ratio": 1.8,
        "gain_rate": 0.1,
        "absorber_rate": 0.1,
    }
    scales = {"photon_lifetime": 4 * ps, "gain_coefficient": 1e6, "gain_transparency": 1e5}
    for name, value, sentence in [
        ("gain_rate", 0.0, "gain_rate must be above 0, got 0"),
        ("absorption", -1.0, "absorption must be at least 0, got -1"),
        ("pump", math.nan, "pump must be finite, got nan"),
    ]:
        with pytest.raises(InvalidInput, match=sentence):
            Yamada(**{**good, name: value})
    with pytest.raises(InvalidInput, match="pump of the laser must be at least 0 carriers/s, got"):
        Yamada(**{**good, "pump": -10.0}).to_laser(**scales)
    with pytest.raises(InvalidInput, match="photon_lifetime must be above 0 s, got 0"):
        Yamada(**good).to_laser(**{**scales, "photon_lifetime": 0})
    with pytest.raises(InvalidInput, match="gain_coefficient times gain_lifetime must be at most"):
        Yamada(**good).to_laser(**{**scales, "gain_coefficient": 1e11})
    laser = LaserParameters.preset()
    with pytest.raises(InvalidInput, match="pump must be at least 0 carriers/s, got -1"):
        Yamada.from_laser(laser, -1)


def test_import_needs_no_scipy() -> None:
    code = (
        "import sys, photinus.devices.laser; sys.exit('scipy' in sys.modules or 'numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_parameters_are_plain_numbers() -> None:
    laser = LaserParameters(**{**CUSTOM, "gain_lifetime": np.float64(1e-9)})
    assert type(laser.gain_lifetime) is float
