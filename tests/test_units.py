"""Quantities with units, what is plausible, and what was meant by what is not."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus.devices import device_of
from photinus.devices.laser import LaserParameters, spike
from photinus.devices.laser.parameters import PLAUSIBLE as LASER
from photinus.devices.lif import LifParameters
from photinus.devices.lif.parameters import PLAUSIBLE as LIF
from photinus.devices.synapse import PLAUSIBLE_SYNAPSE, SynapticKernel
from photinus.errors import NotConverged
from photinus.faces import cli
from photinus.faces.cli.inputs import read_imperfections, read_parameters
from photinus.faces.study.plan import Study
from photinus.hardware import Prices
from photinus.networks.imperfections import PLAUSIBLE as IMPERFECTION
from photinus.networks.imperfections import Imperfections
from photinus.networks.lasers import PLAUSIBLE_TIMES, LaserNetwork
from photinus.units import Allowed, parse
from tests.narrow import untyped


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("4ps", "s", 4e-12),
        (" 4 ps ", "s", 4e-12),
        ("4e3 fs", "s", 4e-12),
        ("4e-12", "s", 4e-12),
        ("0.8 ns", "s", 8e-10),
        (".8ns", "s", 8e-10),
        ("30 µs", "s", 3e-5),
        ("30 μs", "s", 3e-5),
        ("30us", "s", 3e-5),
        ("2 h", "s", 7200.0),
        ("1550 nm", "m", 1.55e-6),
        ("10uA", "A", 1e-5),
        ("-50 mV", "V", -0.05),
        ("2 mW", "W", 2e-3),
        ("5 fJ", "J", 5e-15),
        ("20 GHz", "Hz", 2e10),
        ("1/ns", "1/s", 1e9),
        ("1 /ns", "1/s", 1e9),
        ("3 per second", "1/s", 3.0),
        ("2 1/us", "1/s", 2e6),
        ("2 s^-1", "1/s", 2.0),
        ("300 K", "K", 300.0),
        ("5 mK", "K", 5e-3),
        ("2000 carriers", "carriers", 2000.0),
        ("2%", "", 0.02),
        ("0.5 %", "loss", 0.005),
        ("3dB", "loss", 1 - 10**-0.3),
        ("-20 dB", "ratio", 0.01),
        ("7", "", 7.0),
    ],
)
def test_quantities_are_read(text: str, unit: str, value: float) -> None:
    assert parse(text, unit) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("digits", ["4", "0.37", "2.3", "12.5", "999", "1e2"])
@pytest.mark.parametrize(
    ("unit", "power"), [("fs", -15), ("ps", -12), ("ns", -9), ("us", -6), ("ms", -3)]
)
def test_a_prefix_is_a_power_of_ten_to_the_last_digit(digits: str, unit: str, power: int) -> None:
    assert parse(f"{digits} {unit}", "s") == float(f"{float(digits)}e{power}")


@pytest.mark.parametrize(
    ("text", "unit", "parts"),
    [
        ("4 uA", "s", ["a time (4 ps)", "'4 uA'", "a current"]),
        ("4 1/s", "s", ["a time", "a rate"]),
        ("4 dB", "s", ["a time", "decibels"]),
        ("4 dB", "", ["percentage", "decibels"]),
        ("4 %", "s", ["a time", "percentage"]),
        ("4 PS", "s", ["unit 'PS' is unknown", "did you mean 'ps'?"]),
        ("4 pz", "s", ["unit 'pz' is unknown", "did you mean 'ps'?"]),
        ("4 nsec", "s", ["unit 'nsec' is unknown", "did you mean 'ns'?"]),
        ("4 parsecs", "s", ["unit 'parsecs' is unknown"]),
        ("ps", "s", ["a number with a unit (4 ps)", "'ps'"]),
        ("", "s", ["a number with a unit", "''"]),
        ("4,5 ps", "s", ["a number with a unit", "'4,5 ps'"]),
        ("4 5 ps", "s", ["a number with a unit", "'4 5 ps'"]),
        ("a", "", ["a number", "'a'"]),
    ],
)
def test_what_is_no_such_quantity_is_refused(text: str, unit: str, parts: list[str]) -> None:
    with pytest.raises(ph.InvalidInput) as error:
        parse(text, unit, "lifetime")
    sentence = str(error.value)
    assert sentence.startswith("lifetime must be ")
    assert "\n" not in sentence
    for part in parts:
        assert part in sentence


# ------------------------------------------------------------------------- ranges

SMALL = {"gain_coefficient": 1e6, "absorber_coefficient": 1e6}
SHORT = {"gain_lifetime": 1e-12, "absorber_lifetime": 1e-12}
SLOW = {name: 10.0 for name in LIF if name.endswith("_time")} | {"time_step": 0.1}
FAST = {name: 1e-8 for name in LIF if name.endswith("_time")} | {"time_step": 1e-10}


def laser(name: str, value: Any, **more: Any) -> LaserParameters:
    around = SHORT if name.endswith("coefficient") else SMALL
    return LaserParameters.preset(**{**around, **more, name: value})


def lif(name: str, value: Any, **more: Any) -> LifParameters:
    around = SLOW if name == "time_step" or value in (10.0, 100.0) else FAST
    return LifParameters.preset(**{**around, **more, name: value})


def refusal(call: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(ph.InvalidInput) as error:
        call(*arguments, **more)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", LASER)
def test_lasers_keep_to_their_ranges(name: str) -> None:
    low, high = LASER[name].low, LASER[name].high
    for value in (low, high):
        assert getattr(laser(name, value), name) == value
    beyond = {high * 1.01} | ({low / 1.01} if low else {-1.0})
    for value in beyond:
        assert name in refusal(laser, name, value)
    if not name.endswith("efficiency"):
        tiny = {"gain_lifetime": 1e-13, "absorber_lifetime": 1e-13}
        more = tiny if name.endswith("coefficient") else {}
        assert getattr(laser(name, high * 1.01, forced=True, **more), name) == high * 1.01


@pytest.mark.parametrize("name", LIF)
def test_neurons_keep_to_their_ranges(name: str) -> None:
    low, high = LIF[name].low, LIF[name].high
    # A reset lies below its threshold, so that one end of each cannot be had.
    ends = {"threshold": {high}, "reset": {low}}.get(name, {low, high})
    for value in ends:
        assert getattr(lif(name, value), name) == value
    for value in {x * 1.01 for x in ends if x} | ({low / 1.01} if low > 0 else set()):
        if not low <= value <= high:
            assert name in refusal(lif, name, value)


@pytest.mark.parametrize("name", IMPERFECTION)
def test_imperfections_keep_to_their_ranges(name: str) -> None:
    low, high = IMPERFECTION[name].low, IMPERFECTION[name].high
    for value in (low, high):
        assert getattr(Imperfections(**untyped({name: value})), name) == value
    for value in (high + abs(high) / 100, low - max(abs(low), 1) / 100):
        assert name in refusal(Imperfections, **{name: value})


def kernel(**changes: Any) -> SynapticKernel:
    return SynapticKernel(**{"kick": 0.3, "sustain": 0.7, "duration": 1e-9, **changes})


@pytest.mark.parametrize("name", PLAUSIBLE_SYNAPSE)
def test_synapses_keep_to_their_ranges(name: str) -> None:
    low, high = PLAUSIBLE_SYNAPSE[name].low, PLAUSIBLE_SYNAPSE[name].high
    for value in (low, high):
        assert getattr(kernel(**{name: value}), name) == value
    assert name in refusal(kernel, **{name: 1.01 * high})
    assert kernel(duration="300 ps").duration == 3e-10


def machine() -> ph.BoltzmannMachine:
    return ph.BoltzmannMachine(np.array([[0.0, 1.0], [1.0, 0.0]]), [0.5, -0.5])


def test_times_of_networks_keep_to_their_ranges() -> None:
    network = ph.translate(machine(), ph.Calibration.preset())
    assert isinstance(network, LaserNetwork)
    for name in ("window", "delay"):
        for value in (PLAUSIBLE_TIMES[name].low, PLAUSIBLE_TIMES[name].high):
            assert getattr(network.replace(**{name: value}), name) == value
        assert name in refusal(network.replace, **{name: 1.01 * PLAUSIBLE_TIMES[name].high})
    assert "delay must be" in refusal(network.replace, delay=np.array([[0, 30.0], [0, 0]]))
    assert "did you mean 1 ns?" in refusal(network.replace, kernel=kernel(duration=1.0)).replace(
        "1 ps or ", ""
    ).replace(" or 1 ps", "")
    forced = network.replace(parameters=network.parameters.replace(forced=True), delay=4)
    assert forced.delay == 4


def test_a_delay_may_have_a_unit() -> None:
    for preset in ("fast-absorber", "lif-hcs"):
        calibration = ph.Calibration.preset(preset)
        assert ph.translate(machine(), calibration, delay="30 ps").delay == 3e-11
        assert ph.translate(machine(), calibration, delay=0).delay == 0  # a whole number is one
        assert "did you mean" in refusal(ph.translate, machine(), calibration, delay=30)


# ------------------------------------------------------------------------- suggestions


def test_four_seconds_were_four_picoseconds() -> None:
    sentence = refusal(LaserParameters.preset, photon_lifetime=4)
    assert sentence == ("photon_lifetime must be from 100 fs to 1 ns, got 4 s: did you mean 4 ps?")


@pytest.mark.parametrize("power", [-12, -9, -6, -3, 3, 6, 9, 12])
@pytest.mark.parametrize("preset", [*ph.LaserParameters.presets(), "lif-hcs"])
def test_a_wrong_prefix_is_answered_with_the_right_value(preset: str, power: int) -> None:
    """Each parameter of each preset, off by a power of a thousand."""
    kind, table = (LifParameters, LIF) if preset == "lif-hcs" else (LaserParameters, LASER)
    device, seen = kind.preset(preset), 0
    for name, plausible in table.items():
        right = getattr(device, name)
        wrong = right * 10.0**power
        if plausible.low <= wrong <= plausible.high or not plausible.unit:
            continue
        values = {**device.to_dict(), name: wrong}
        sentence = refusal(kind.from_dict, values)
        assert plausible.shown(float(f"{right:.6g}")) in sentence.partition("did you mean")[2], sentence
        seen += 1
    assert seen or abs(power) == 3


def test_two_meant_as_percent() -> None:
    assert "did you mean 2 %?" in refusal(Imperfections, mismatch=2)
    assert Imperfections(mismatch=untyped("2%")) == Imperfections(mismatch=0.02)


def test_nothing_is_suggested_where_nothing_fits() -> None:
    assert "did you mean" not in refusal(Allowed("s", 1e-12, 2e-12).check, "time", 5.0)
    assert "did you mean" not in refusal(LaserParameters.preset, pump_noise=-5)


# ------------------------------------------------------------------------- at the doors


def test_forced_values_are_kept_in_files(tmp_path: Path) -> None:
    odd = LaserParameters.preset(photon_lifetime=4, forced=True)
    assert odd.photon_lifetime == 4
    assert LaserParameters.from_dict(json.loads(json.dumps(odd.to_dict()))).photon_lifetime == 4
    assert "forced" not in LaserParameters.preset().to_dict()
    assert "forced" not in LifParameters.preset().to_dict()
    preset = LaserParameters.preset()
    assert preset.replace(name=preset.name, forced=True) == preset
    assert "forced must be" in refusal(LaserParameters.preset, forced="yes")
    assert (
        LifParameters.preset(membrane_time=1e-12, time_step=1e-13, forced=True).membrane_time == 1e-12
    )


def test_json_files_of_devices_take_units(tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    values = LaserParameters.preset().to_dict() | {"photon_lifetime": "4 ps", "wavelength": "1550nm"}
    path.write_text(json.dumps(values))
    assert read_parameters(str(path), [], forced=False) == LaserParameters.preset()
    assert read_parameters(str(path), ["gain_lifetime=0.8ns"], forced=False).gain_lifetime == 0.8e-9
    path.write_text(json.dumps(values | {"photon_lifetime": 4}))
    assert "did you mean 4 ps?" in refusal(read_parameters, str(path), [], forced=False)
    assert read_parameters(str(path), [], forced=True).photon_lifetime == 4


def test_the_command_line_takes_units_and_refuses_four_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["photinus", "calibrate", "fast-absorber", "--set", "photon_lifetime=4"]
    )
    monkeypatch.setattr("photinus.calibration.calibrate", None)  # refused before
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "did you mean 4 ps?" in error
    assert not list(tmp_path.iterdir())
    found = read_imperfections(["mismatch=2%", "delay=30ps", "coupling_loss=3dB", "dead=2"])
    assert found == Imperfections(mismatch=0.02, delay=3e-11, coupling_loss=1 - 10**-0.3, dead=2)
    assert read_parameters("fast-absorber", ["photon_lifetime=4"], forced=True).photon_lifetime == 4
    assert (
        read_parameters("fast-absorber", ["gain_lifetime=0.8ns"], forced=False).gain_lifetime == 8e-10
    )


def test_studies_take_units(tmp_path: Path) -> None:
    path: Path = tmp_path / "study.toml"

    def study(text: str) -> Study:
        path.write_text(text)
        return Study.load(path)

    named = study(
        "[device]\ngain_lifetime = ['1 ns', 0.8e-9]\n[imperfections]\nmismatch = ['2%', 0.03]"
    )
    plain = study(
        "[device]\ngain_lifetime = [1e-9, '0.8ns']\n[imperfections]\nmismatch = [0.02, '3 %']"
    )
    assert [p.digest() for p in named.points] == [p.digest() for p in plain.points]
    assert study("[network]\ndelay = ['30 ps', 0.1]").points[0].settings["network"]["delay"] == "30 ps"
    assert "did you mean" in refusal(study, "[network]\ndelay = '30 s'")
    assert "did you mean 4 ps?" in refusal(study, "[device]\nphoton_lifetime = 4")
    assert len(study("[device]\nphoton_lifetime = 4\nforced = true").points) == 1
    assert "percentage" in refusal(study, "[imperfections]\nmismatch = '2 dB'")


def test_price_lists_take_units() -> None:
    entry = {"unit": "J/update", "source": "mine", "kind": "user"}
    assert (
        Prices.from_dict({"detection": {**entry, "value": "5 fJ"}}).entries["detection"].value == 5e-15
    )
    assert "a current" in refusal(Prices.from_dict, {"detection": {**entry, "value": "5 uA"}})
    assert "did you mean" in refusal(Prices.from_dict, {"detection": {**entry, "value": 5}})


@pytest.mark.parametrize("preset", ["fast-absorber", "lif-hcs"])
@pytest.mark.parametrize("name", ["window", "time_step", "midpoint", "slope"])
@pytest.mark.parametrize("factor", [1e12, 1e300])
def test_calibration_files_with_absurd_constants_are_refused(
    tmp_path: Path, preset: str, name: str, factor: float
) -> None:
    path = tmp_path / "calibration.json"
    ph.Calibration.preset(preset).save(path)
    document = json.loads(path.read_text())
    ph.Calibration.load(path)
    path.write_text(json.dumps({**document, name: document[name] * factor}))
    assert name in refusal(ph.Calibration.load, path)


@pytest.mark.parametrize("name", LASER)
def test_calibration_files_of_absurd_lasers_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "calibration.json"
    ph.Calibration.preset().save(path)
    document = json.loads(path.read_text())
    document["parameters"][name] = 1e300
    path.write_text(json.dumps(document))
    assert name in refusal(ph.Calibration.load, path)


# ------------------------------------------------------------------------- what failed, in terms of what was given


def test_a_laser_without_a_spike_says_so_in_terms_of_what_was_given() -> None:
    """No pump is given, so none is blamed."""
    heavy = LaserParameters.preset(
        "high-beta", absorber_lifetime="1.5 ps", gain_transparency=200, absorber_transparency=600
    )
    with pytest.raises(NotConverged) as error:
        spike(heavy)
    assert "pump must" not in str(error.value)
    assert "kick must" not in str(error.value)
    assert "half bleach its absorber" in str(error.value)


def test_a_neuron_without_a_range_of_biases_is_told_what_to_change() -> None:
    neuron = LifParameters.preset().replace(reset="-58 mV", name="deep")
    assert device_of(neuron).advice(neuron).startswith("its reset lies 8 mV below its threshold")
