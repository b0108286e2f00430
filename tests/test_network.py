"""The description of a network: what it accepts, what it refuses, and its file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photinus._core.files import SCHEMAS
from photinus.devices.laser import LaserParameters
from photinus.devices.synapse import SynapticKernel
from photinus.errors import InvalidInput
from photinus.networks.lasers import KIND, MISMATCHED, LaserNetwork
from photinus.units import ps
from tests.narrow import array

KERNEL = SynapticKernel(kick=0.25, sustain=0.5, duration=480 * ps)


def network(**changes: Any) -> LaserNetwork:
    values = {
        "parameters": LaserParameters.preset(),
        "pump": [1e14, 1.1e14, 0.0],
        "coupling": [[0, 1e4, -5e3], [2e4, 0, 0], [0, 3e3, 0]],
        "kernel": KERNEL,
        "window": 480 * ps,
        "detection_threshold": 4000.0,
        "driven_pump": (0.0, 2e14),
    }
    return LaserNetwork(**{**values, **changes})


def same(a: LaserNetwork, b: LaserNetwork) -> None:
    assert a.parameters == b.parameters
    assert a.kernel == b.kernel
    assert (a.window, a.driven_pump, a.labels) == (b.window, b.driven_pump, b.labels)
    assert a.devices == b.devices
    for name in ("pump", "coupling", "detection_threshold", "delay"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert type(getattr(a, name)) is type(getattr(b, name))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kick": -0.1}, r"kick must be at least 0, got -0\.1"),
        ({"kick": "much"}, "kick must be a number, got 'much'"),
        ({"sustain": -1}, "sustain must be at least 0, got -1"),
        ({"sustain": np.nan}, "sustain must be finite, got nan"),
        ({"duration": 0}, "duration must be above 0 s, got 0"),
        ({"duration": np.inf}, "duration must be finite, got inf"),
        ({"shape": "rectangel"}, "shape must be one of .*"),
    ],
)
def test_kernel_refuses(changes: dict[str, Any], message: str) -> None:
    values = {"kick": 0.25, "sustain": 0.5, "duration": 480 * ps, **changes}
    with pytest.raises(InvalidInput, match=f"^{message}$"):
        SynapticKernel(**values)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pump": []}, "pump must have at least 1 entry, got 0"),
        ({"pump": 1e14}, r"pump must have 1 dimension\(s\), got 0 \(shape \(\)\)"),
        ({"pump": "abc"}, "pump must be an array of numbers, got 'abc'"),
        ({"pump": [1e14, np.nan, 0]}, r"pump must be finite, got nan at index \(1,\)"),
        (
            {"pump": [1e14, -2.0, 0]},
            "pump must be at least 0 carriers/s, got -2 for laser 1",
        ),
        (
            {"pump": [1e14, -2.0, 0], "labels": ("a", "b", "c")},
            "pump must be at least 0 carriers/s, got -2 for laser 'b'",
        ),
        ({"coupling": np.zeros((2, 2))}, r"coupling must have shape \(3, 3\), got \(2, 2\)"),
        ({"coupling": np.zeros(3)}, r"coupling must have 2 dimension\(s\), got 1 \(shape \(3,\)\)"),
        ({"coupling": np.full((3, 3), np.inf)}, r"coupling must be finite, got inf at .*\(0, 0\)"),
        ({"coupling": np.eye(3)}, "coupling must have a zero diagonal: .* no synapse to itself"),
        ({"delay": -1e-12}, "delay must be at least 0 s, got -1e-12"),
        (
            {"delay": np.zeros((2, 3))},
            r"delay must be a number or have shape \(3, 3\), got \(2, 3\)",
        ),
        ({"delay": np.zeros(3)}, r"delay must have 0 or 2 dimension\(s\), got 1 \(shape \(3,\)\)"),
        ({"labels": ("a", "b")}, "labels must have 3 entries as pump has, got 2"),
        ({"window": 0}, "window must be above 0 s, got 0"),
        ({"detection_threshold": 0}, "detection_threshold must be above 0 photons, got 0"),
        (
            {"detection_threshold": [1.0, 2.0]},
            "detection_threshold must be a number or have 3 entries, got 2",
        ),
        (
            {"driven_pump": (-1.0, 1.0)},
            r"driven_pump must be two .* at least 0 carriers/s, got \(-1.0, 1.0\)",
        ),
    ],
)
def test_network_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{message}$") as caught:
        network(**changes)
    assert "\n" not in str(caught.value)


def test_defaults_and_derived() -> None:
    n = network()
    assert n.n_units == 3
    assert n.labels == (0, 1, 2)
    assert n.delay == 0.0
    np.testing.assert_allclose(n.currents, [n.parameters.current(x) for x in n.pump], rtol=1e-15)


def test_arrays_are_copies_and_read_only() -> None:
    pump = np.array([1e14, 1.1e14, 0.0])
    n = network(pump=pump)
    pump[0] = 0.0
    assert n.pump[0] == 1e14
    with pytest.raises(ValueError, match="read-only"):
        n.pump[0] = 0.0


def test_replace() -> None:
    n = network()
    same(n.replace(), n)
    assert n.replace(window=1e-9).window == 1e-9
    with pytest.raises(InvalidInput, match="did you mean 'window'"):
        n.replace(windo=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"labels": ("rain", "grass", "sky")},
        {"labels": ("a", 1, 2.5)},
        {"delay": 1e-12 * np.arange(9).reshape(3, 3), "detection_threshold": [1.0, 2.0, 3.0]},
        {"kernel": SynapticKernel(kick=0.0, sustain=1.0, duration=1e-10, renewing=False)},
        {"kernel": SynapticKernel(kick=0.0, sustain=1.0, duration=1e-10, shape="exponential")},
        {
            "devices": (
                LaserParameters.preset(),
                LaserParameters.preset("slow-absorber"),
                LaserParameters.preset(),
            )
        },
    ],
)
def test_file_round_trip(tmp_path: Path, changes: dict[str, Any]) -> None:
    original = network(**changes)
    original.save(tmp_path / "network.json")
    same(LaserNetwork.load(tmp_path / "network.json"), original)


def altered(path: Path, **changes: Any) -> None:
    document = json.loads(path.read_text())
    for name, value in changes.items():
        if value is None:
            del document[name]
        else:
            document[name] = value
    path.write_text(json.dumps(document))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "network.json"
    network().save(path)
    return path


def refused(path: Path, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        LaserNetwork.load(path)
    assert "network.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    refused(tmp_path / "network.json", "does not exist")


def test_truncated_file(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-40])
    refused(saved, "truncated")


def test_wrong_kind(saved: Path) -> None:
    altered(saved, kind="calibration")
    refused(saved, "must hold a laser-network, got 'calibration'")
    saved.write_text("[1, 2]")
    refused(saved, "must hold a laser-network, got 'list'")


@pytest.mark.parametrize("schema", [SCHEMAS[KIND] + 1, 0, "1", True])
def test_unreadable_schema(saved: Path, schema: int | str) -> None:
    altered(saved, schema=schema)
    refused(saved, f"must have a schema from 1 to {SCHEMAS[KIND]}")


def test_missing_and_bad_entries(saved: Path) -> None:
    original = saved.read_text()
    for name in ("pump", "coupling", "kernel", "window", "parameters", "driven_pump", "labels"):
        saved.write_text(original)
        altered(saved, **{name: None})
        refused(saved, f"'{name}' is missing")
    saved.write_text(original)
    altered(saved, window=-1)
    refused(saved, "not a valid laser-network: window must be above 0 s")
    saved.write_text(original)
    altered(saved, kernel={"kick": 1.0})
    refused(saved, "not a valid laser-network")
    saved.write_text(original)
    altered(saved, driven_pump=[1.0])
    refused(saved, "not a valid laser-network")


@pytest.mark.parametrize("pair", [(1.0,), (1.0, 2.0, 3.0), 1.0, None])
def test_driven_pump_must_be_a_pair(pair: float | tuple[float, ...] | None) -> None:
    with pytest.raises(InvalidInput, match="driven_pump must"):
        network(driven_pump=pair)


def test_labels_must_differ() -> None:
    with pytest.raises(InvalidInput, match="labels must"):
        network(labels=("a", "a", "b"))


def test_save_into_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be written"):
        network().save(tmp_path / "nowhere" / "network.json")


# ---------------------------------------------------------------------------- mismatch


def test_mismatch_has_the_spread_asked_for() -> None:
    """Standard deviation of 7 x 400 log factors; a chi-square of 2800 leaves ±7 % at 1e-6."""
    n = network(pump=np.ones(400), coupling=np.zeros((400, 400)), labels=())
    found = n.mismatched(0.05, seed=1)
    logs = [
        np.log(getattr(device, name) / getattr(n.parameters, name))
        for device in found.devices
        for name in MISMATCHED
    ]
    assert np.std(logs) == pytest.approx(0.05, rel=0.07)
    assert np.std(logs) != pytest.approx(0.06, rel=0.07)


def test_mismatch_is_reproducible_and_selective() -> None:
    n = network()
    everything = n.mismatched(0.05, seed=1)
    assert everything.devices == n.mismatched(0.05, seed=1).devices
    assert everything.devices != n.mismatched(0.05, seed=2).devices
    only = n.mismatched(0.05, seed=1, names=["gain_lifetime"])
    for one, device in zip(only.devices, everything.devices, strict=True):
        assert one == n.parameters.replace(gain_lifetime=device.gain_lifetime)
    assert n.mismatched(0.0, seed=1).devices == (n.parameters.replace(name="custom"),) * n.n_units


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"spread": -0.1}, "spread must be at least 0"),
        ({"spread": 0.1, "names": ["wavelength"]}, "name must be one of"),
    ],
)
def test_mismatch_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        network().mismatched(**arguments)


def test_devices_must_be_one_per_laser() -> None:
    with pytest.raises(InvalidInput, match="devices"):
        network(devices=(network().parameters,))


def test_drive_and_driven_are_each_other() -> None:
    n = network()
    drive = n.drive + 100.0
    assert n.driven(drive).drive == pytest.approx(drive)
    assert (n.driven(-drive).pump == 0).all()
    assert np.array_equal(array(n.driven(drive).coupling), array(n.coupling))
