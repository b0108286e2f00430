"""From machines to lasers and back, the report of validity, and files of calibrations."""

import dataclasses
import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photinus import BoltzmannMachine, Calibration, LaserParameters, translate
from photinus.devices.laser import LASER_PRESETS
from photinus.engines.reduced import ReducedLaser
from photinus.errors import InvalidInput
from photinus.machines.evidence import Evidence
from photinus.networks.lif import LifNetwork
from photinus.translation.drives import evidence_drive
from photinus.translation.pairs import PairTable
from photinus.translation.rules import DRIVEN_BIAS, recover
from photinus.translation.validity import check
from tests.narrow import lasers, untyped

SHIPPED = [
    name for name in LASER_PRESETS if (resources.files("photinus") / "data" / f"{name}.json").is_file()
]


def machine_of(n: int, seed: int = 0, scale: float = 0.6) -> BoltzmannMachine:
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.normal(size=(n, n)), 1) * scale
    return BoltzmannMachine(
        upper + upper.T, rng.normal(size=n) * scale, [f"unit {k}" for k in range(n)]
    )


@st.composite
def machines(draw: Callable[..., Any], reach: float = 1.5) -> BoltzmannMachine:
    n = draw(st.integers(1, 6))
    number = st.floats(-reach, reach)
    weights = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            weights[i, j] = weights[j, i] = draw(number)
    return BoltzmannMachine(weights, draw(st.lists(number, min_size=n, max_size=n)))


# The linear rule


def test_formulas_of_the_linear_rule(calibration: Calibration) -> None:
    """P = (N½ + α b)/τ_g, coupling α W; checked with numbers that are not those of the code."""
    machine = machine_of(4)
    network = lasers(translate(machine, calibration, rule="linear", delay=2e-11))
    lifetime = calibration.laser.gain_lifetime
    for k in range(4):
        pump = (calibration.midpoint + calibration.slope * machine.biases[k]) / lifetime
        assert network.pump[k] == pytest.approx(pump, rel=1e-12)
        for j in range(4):
            coupling = calibration.slope * machine.weights[k, j]
            assert network.coupling[k, j] == pytest.approx(coupling, rel=1e-12)
    assert network.labels == machine.labels
    assert network.parameters == calibration.parameters
    assert network.window == network.kernel.duration == calibration.window
    assert network.kernel == calibration.kernel
    assert network.detection_threshold == calibration.detection_threshold
    assert network.delay == 2e-11
    off, on = network.driven_pump
    assert off == 0
    assert on == pytest.approx((calibration.midpoint + DRIVEN_BIAS * calibration.slope) / lifetime)


def test_a_bias_of_zero_is_half_on_and_a_pump_is_never_negative(calibration: Calibration) -> None:
    machine = BoltzmannMachine(np.zeros((2, 2)), [0.0, -1e4])
    for rule in ("linear", "measured"):
        network = lasers(translate(machine, calibration, rule=rule))
        assert network.pump[1] == 0
    half = lasers(translate(machine, calibration, rule="linear")).pump[0]
    assert calibration.logistic(half * calibration.laser.gain_lifetime) == pytest.approx(0.5)
    assert network.parameters.current(half) == pytest.approx(calibration.half_current)


@settings(deadline=None)
@given(machines())
def test_round_trip_of_the_linear_rule(machine: BoltzmannMachine) -> None:
    calibration = Calibration.preset()
    found = recover(translate(machine, calibration, rule="linear"), calibration)
    assert found.labels == machine.labels
    assert found.weights == pytest.approx(machine.weights, abs=1e-12)
    assert found.biases == pytest.approx(machine.biases, abs=1e-10)


def test_recover_refuses_another_device_and_asymmetric_couplings(calibration: Calibration) -> None:
    machine = machine_of(3)
    network = translate(machine, calibration, rule="linear")
    parameters = calibration.laser.replace(gain_lifetime=2 * calibration.laser.gain_lifetime)
    with pytest.raises(InvalidInput, match=r"^calibration must be of the same device: gain_lifetime"):
        recover(network.replace(parameters=parameters), calibration)
    with pytest.raises(InvalidInput, match=r"symmetric"):
        recover(translate(machine, calibration), calibration)


def test_unknown_rule(calibration: Calibration) -> None:
    with pytest.raises(InvalidInput, match=r"^rule must be one of .*\(did you mean 'linear'\?\)$"):
        translate(machine_of(2), calibration, rule="linea")


# The measured rule


def logistic_device(calibration: Calibration) -> Calibration:
    """A device whose measured curve is exactly the logistic."""
    log_odds = np.linspace(-5, 5, 41)
    carriers = calibration.midpoint + calibration.slope * log_odds
    table: dict[str, Any] = dict.fromkeys(
        ("activation_error", "mean_interval", "interval_cv", "shortest_interval"), np.ones(41)
    )
    activation = 1 / (1 + np.exp(-log_odds))
    changes = {"drive": carriers, "activation": activation, "pairs": None, **table}
    return dataclasses.replace(calibration, **changes)


@settings(deadline=None)
@given(machines(reach=0.8))
def test_rules_agree_where_the_activation_is_logistic(machine: BoltzmannMachine) -> None:
    device = logistic_device(Calibration.preset())
    measured = translate(machine, device, rule="measured", gauge="none")
    linear = translate(machine, device, rule="linear")
    assert lasers(measured).pump == pytest.approx(lasers(linear).pump, rel=1e-6)
    assert measured.coupling == pytest.approx(linear.coupling, rel=1e-3, abs=1e-6 * device.slope)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_measured_rule_by_naive_least_squares(calibration: Calibration, n: int) -> None:
    """The line through N(u) over the target distribution, weights σ(u)σ(-u), by plain polyfit."""
    machine = machine_of(n, seed=n, scale=1.0)
    network = lasers(translate(machine, calibration, rule="measured", gauge="none"))
    states, joint = machine.states(), machine.joint()
    for k in range(n):
        u = np.array([machine.biases[k] + machine.weights[k] @ z for z in states])
        if np.ptp(u) == 0:
            expected = calibration.drive_at(u[:1])[0]
        else:
            weight = joint / (1 + np.exp(u)) / (1 + np.exp(-u))
            slope, middle = np.polyfit(u, calibration.drive_at(u), 1, w=np.sqrt(weight))
            expected = middle + slope * machine.biases[k]
            assert network.coupling[k] == pytest.approx(slope * machine.weights[k], rel=1e-6)
        found = network.pump[k] * calibration.laser.gain_lifetime
        assert found == pytest.approx(expected, rel=1e-6)


def test_a_laser_without_partners_gets_the_measured_pump(calibration: Calibration) -> None:
    machine = BoltzmannMachine(np.zeros((3, 3)), [-1.5, 0.0, 1.5])
    network = lasers(translate(machine, calibration, rule="measured", gauge="none"))
    carriers = network.pump * calibration.laser.gain_lifetime
    assert carriers == pytest.approx(calibration.drive_at(machine.biases))
    known = np.interp(carriers, calibration.drive, calibration.activation)
    assert known == pytest.approx(1 / (1 + np.exp(-machine.biases)), abs=0.01)


def test_large_machines_are_translated_by_sampling(calibration: Calibration) -> None:
    """Enumeration ends at 14 units: two independent halves of 14 look the same either way."""
    small = machine_of(8, seed=3, scale=0.4)
    zero = np.zeros((8, 8))
    double = BoltzmannMachine(
        np.block([[small.weights, zero], [zero, small.weights]]), np.tile(small.biases, 2)
    )
    found, exact, again = (lasers(translate(m, calibration)) for m in (double, small, double))
    assert found.pump == pytest.approx(np.tile(exact.pump, 2), rel=0.01)
    assert np.array_equal(found.pump, again.pump)  # no hidden randomness


def test_drive_given_evidence(calibration: Calibration) -> None:
    """A laser whose partners are all known gets exactly the pump of its field, chain by chain."""
    machine = BoltzmannMachine([[0, 1.0, -0.5], [1.0, 0, 0.4], [-0.5, 0.4, 0]], [0.2, -0.3, 0.1])
    network = translate(machine, calibration, rule="measured", gauge="none")
    values = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [1, 0]], np.uint8)
    evidence = Evidence.of({1: values[:, 0], 2: values[:, 1]}, machine.labels, 5)
    drive = evidence_drive(machine, calibration, network, evidence, rule="measured")
    assert drive.shape == (5, 3)
    assert np.array_equal(drive[:, 1:], np.tile(network.drive[1:], (5, 1)))
    for row, given_values in zip(drive, values, strict=True):
        field = machine.biases[0] + machine.weights[0, 1:] @ given_values
        # What the known partners add comes through the synapse or through the pump.
        assert row[0] == pytest.approx(calibration.drive_at(np.array([field]))[0], rel=1e-9)


# The report of validity


def test_everything_inside(calibration: Calibration) -> None:
    found = check(BoltzmannMachine([[0, 0.1], [0.1, 0]], [0.1, -0.1]), calibration)
    assert found
    assert (found.biases, found.drives, found.weights) == ((), (), ())
    assert str(found) == "everything is inside the calibrated range"


def test_report_names_units_and_weights(calibration: Calibration) -> None:
    low, high = calibration.bias_range
    weights = np.zeros((4, 4))
    weights[0, 1] = weights[1, 0] = calibration.weight_range[1] + 0.5
    weights[2, 3] = weights[3, 2] = calibration.weight_range[0] - 0.25
    biases = [high - 0.5, 0.0, low - 1.0, 0.0]
    machine = BoltzmannMachine(weights, biases, ["rain", "wet", "cold", "dry"])
    found = check(machine, calibration)
    assert not found
    assert found.biases == (("cold", low - 1.0),)
    assert found.weights == (
        ("rain", "wet", calibration.weight_range[1] + 0.5),
        ("cold", "dry", calibration.weight_range[0] - 0.25),
    )
    # Named with the log-odds that its partners can drive it to, and only if its bias is inside.
    driven = dict(found.drives)
    assert driven["rain"] == pytest.approx(high + calibration.weight_range[1])
    assert "cold" not in driven
    text = str(found)
    assert f"biases outside [{low:+.2f}, {high:+.2f}]: cold ({low - 1:+.2f})" in text
    assert "cold–dry" in text
    assert "rain–wet" in text
    assert "units that partners can drive outside" in text


@given(machines(reach=6.0))
@settings(deadline=None)
def test_report_against_every_state(machine: BoltzmannMachine) -> None:
    calibration = Calibration.preset()
    found = check(machine, calibration)
    low, high = calibration.bias_range
    outside = {label for label, _ in (*found.biases, *found.drives)}
    fields = machine.states() @ machine.weights + machine.biases
    reached = np.concatenate([fields, machine.biases[None]])
    margin = 1e-9
    surely = np.any((reached < low - margin) | (reached > high + margin), axis=0)
    perhaps = np.any((reached < low + margin) | (reached > high - margin), axis=0)
    assert {k for k in range(machine.n_units) if surely[k]} <= outside
    assert outside <= {k for k in range(machine.n_units) if perhaps[k]}
    weakest, strongest = calibration.weight_range
    pairs = {(i, j) for i, j, _ in found.weights}
    expected = {
        (i, j)
        for i in range(machine.n_units)
        for j in range(i + 1, machine.n_units)
        if not weakest <= machine.weights[i, j] <= strongest
    }
    assert pairs == expected
    assert bool(found) == (not outside and not pairs)


# Calibrations on disk


@pytest.mark.parametrize("name", LASER_PRESETS)
def test_presets_are_installed(name: str) -> None:
    if name not in SHIPPED:
        pytest.skip(f"the calibration of {name} is not measured yet")
    document = json.loads((resources.files("photinus") / "data" / f"{name}.json").read_text())
    assert document["kind"] == "calibration"
    calibration = Calibration.preset(name)
    calibration.require(LaserParameters.preset(name))
    assert calibration.parameters == LaserParameters.preset(name)
    assert translate(machine_of(3), calibration).n_units == 3


def test_unknown_preset() -> None:
    with pytest.raises(InvalidInput, match=r"^preset must be .*\(did you mean 'fast-absorber'\?\)$"):
        Calibration.preset("fast-absorbr")


def test_file_round_trip(tmp_path: Path, calibration: Calibration) -> None:
    path = tmp_path / "laser.json"
    calibration.save(path)
    found = Calibration.load(str(path))
    for name in calibration.__dataclass_fields__:
        a, b = getattr(found, name), getattr(calibration, name)
        if isinstance(b, np.ndarray):
            np.testing.assert_allclose(a, b, rtol=1e-5, equal_nan=True)
            assert a.dtype == b.dtype
        elif isinstance(b, PairTable | ReducedLaser):
            assert a.to_dict() == b.to_dict()
        else:
            assert a == b
            assert type(a) is type(b)
    # What was loaded is saved as the very same file.
    found.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()
    assert "NaN" not in path.read_text()


def test_tables_with_gaps_come_back(tmp_path: Path, calibration: Calibration) -> None:
    gaps = np.linspace(1e-9, 2e-9, len(calibration.mean_interval))
    gaps[:3] = np.nan
    dataclasses.replace(calibration, mean_interval=gaps).save(tmp_path / "laser.json")
    found = Calibration.load(tmp_path / "laser.json").mean_interval
    assert np.isnan(found[:3]).all()
    assert not np.isnan(found[3])


def test_damaged_files_are_one_sentence(tmp_path: Path, calibration: Calibration) -> None:
    path = tmp_path / "laser.json"
    with pytest.raises(InvalidInput, match=r"^file .*laser.json' does not exist$"):
        Calibration.load(path)
    calibration.save(path)
    text = path.read_text()
    for length in [0, 1, len(text) // 3, len(text) // 2, len(text) - 3]:
        path.write_text(text[:length])
        with pytest.raises(InvalidInput, match=r"is not complete JSON \(truncated\?\)$"):
            Calibration.load(path)
    with pytest.raises(InvalidInput, match=r"cannot be read"):
        Calibration.load(tmp_path)
    with pytest.raises(InvalidInput, match=r"cannot be written"):
        calibration.save(tmp_path / "none" / "laser.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "boltzmann-machine"}, "must hold a calibration, got 'boltzmann-machine'"),
        ({"kind": None}, "must hold a calibration, got None"),
        ({"schema": 3}, r"must have a schema from 1 to 2, got 3 \(written by a newer version\?\)"),
        ({"schema": "1"}, "must have a schema from 1 to 2, got '1'"),
        ({"parameters": {"name": "x"}}, "is not a valid calibration: "),
        ({"activation": ["much"]}, "is not a valid calibration: "),
        ({"bias_range": 3}, "is not a valid calibration: "),
    ],
)
def test_wrong_documents_are_named(
    tmp_path: Path, calibration: Calibration, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "laser.json"
    calibration.save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(InvalidInput, match=message):
        Calibration.load(path)


def test_missing_entries_are_named(tmp_path: Path, calibration: Calibration) -> None:
    path = tmp_path / "laser.json"
    calibration.save(path)
    document = json.loads(path.read_text())
    for name in calibration.__dataclass_fields__:
        if name in ("pairs", "reduced"):  # what a file may lack
            continue
        path.write_text(json.dumps({key: value for key, value in document.items() if key != name}))
        with pytest.raises(InvalidInput, match=rf"not a valid calibration: '{name}' is missing"):
            Calibration.load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"window": "long"},
        {"window": 0},
        {"slope": None},
        {"slope": -1.0},
        {"midpoint": [1]},
        {"activation": [0.5]},
        {"bias_range": [1, 2, 3]},
    ],
)
def test_wrong_values_of_a_calibration(
    tmp_path: Path, calibration: Calibration, changes: dict[str, Any]
) -> None:
    """Values of a wrong sort must not come through to the simulation."""
    path = tmp_path / "laser.json"
    calibration.save(path)
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, **changes}))
    with pytest.raises(InvalidInput):
        Calibration.load(path)


def test_require_compares_the_device_but_not_its_name(calibration: Calibration) -> None:
    parameters = calibration.laser
    calibration.require(parameters.replace(name="mine"))
    for name in ("gain_lifetime", "photon_lifetime", "absorber_coefficient", "wavelength"):
        other = parameters.replace(**{name: 1.25 * getattr(parameters, name)})
        with pytest.raises(InvalidInput, match=rf"^calibration must be of the same device: {name} is "):
            calibration.require(other)
    with pytest.raises(InvalidInput, match=r"carrier_noise is True there, False here"):
        calibration.require(parameters.replace(carrier_noise=False))


# Integrate-and-fire neurons


def test_integrate_and_fire_neurons_are_translated_by_the_same_rules() -> None:
    calibration, machine = Calibration.preset("lif-hcs"), machine_of(3)
    network = translate(machine, calibration, rule="linear")
    assert isinstance(network, LifNetwork)
    expected = calibration.midpoint + calibration.slope * machine.biases
    assert network.drive == pytest.approx(expected, rel=1e-12)
    assert network.coupling == pytest.approx(calibration.slope * machine.weights, rel=1e-12)
    assert network.window == untyped(calibration.parameters).refractory_time
    off, on = network.driven_drive
    assert off < network.drive.min() < network.drive.max() < on
    again = recover(network, calibration)
    assert again.biases == pytest.approx(machine.biases)
    with pytest.raises(InvalidInput, match="delay must be one number"):
        translate(machine, calibration, delay=np.zeros((3, 3)))
