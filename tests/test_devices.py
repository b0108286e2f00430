"""The registry of devices: those of this package, and those that another package names."""

import textwrap
from pathlib import Path

import numpy as np
import pytest

import photinus as ph
from photinus import devices
from photinus.devices import registry
from photinus.errors import InvalidInput

PACKAGE = """
    from photinus.devices import Device
    from photinus.engines.lif.device import LifDevice

    class Renamed(LifDevice):
        name = "outside"
        presets = ("from-outside",)

        def preset(self, name):
            return (self.name, name)

    class Bare(Device):
        name = "bare"

    class Misnamed(LifDevice):
        pass
"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that names four devices, three of them unfit."""
    (tmp_path / "outsider.py").write_text(textwrap.dedent(PACKAGE))
    info = tmp_path / "outsider-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outsider\nVersion: 1.0\n")
    places = {
        "outside": "Renamed",
        "bare": "Bare",
        "misnamed": "Misnamed",
        "lost": "Nothing",
        "lif": "Bare",
    }
    lines = [f"{name} = outsider:{place}" for name, place in places.items()]
    (info / "entry_points.txt").write_text("\n".join(["[photinus.devices]", *lines]) + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry.device.cache_clear()


def test_devices_of_this_package_are_found_without_a_look_at_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "plugins", None)
    registry.device.cache_clear()
    for name in registry.SHIPPED_PRESETS:
        parameters = devices.preset(name)
        device = devices.device_of(parameters)
        assert name in device.presets
        assert device.parameters_from_dict(parameters.to_dict()) == parameters
        assert devices.parameters_from_dict(parameters.to_dict()) == parameters


@pytest.mark.parametrize("name", ["fast-absorber", "lif-hcs"])
def test_networks_come_back_from_files(name: str, tmp_path: Path) -> None:
    machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -0.5])
    network = ph.translate(machine, ph.Calibration.preset(name))
    network.save(tmp_path / "network.json")
    again = devices.load_network(tmp_path / "network.json")
    assert again.device == network.device == devices.substrate_of(network)
    assert np.array_equal(again.drive, network.drive)
    assert devices.driven_levels(again) == devices.held(again) == network.holding
    assert network.holding[0] < network.drive.min() < network.drive.max() < network.holding[1]


@pytest.mark.usefixtures("outside")
def test_another_package_adds_a_device() -> None:
    assert devices.names() == ("laser", "lif", "bare", "lost", "misnamed", "outside")
    assert devices.device("outside").presets == ("from-outside",)
    # The built-in one stands, whatever another package calls its own.
    assert type(devices.device("lif")).__name__ == "LifDevice"


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bare", "device 'bare' must have the members of .* lacks 'noun', 'plural'$"),
        ("misnamed", "device 'misnamed' must have this name, but it calls itself 'lif'"),
        ("lost", "'lost' of the package 'outsider' cannot be imported"),
    ],
)
def test_unfit_devices_are_refused(name: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        devices.device(name)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InvalidInput, match="^device must be one of .*laser.*lif.*, got 'diode'"):
        devices.device("diode")
    with pytest.raises(InvalidInput, match="^preset must be one of"):
        devices.preset("diode")
    with pytest.raises(InvalidInput, match="^thing must be a network or parameters, got float"):
        devices.device_of(3.0)  # type: ignore[arg-type]
