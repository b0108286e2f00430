"""A package from outside adds a substrate and a device: by entry points alone, without an installer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import photinus as ph
from photinus.errors import InvalidInput
from photinus.samplers import registry

ROOT = Path(__file__).parent.parent
CODE = (ROOT / "tests" / "outside.py").read_text()
SUBSTRATES = "[photinus.substrates]\ncoins = coins:CoinRun\nhalf = coins:Unfinished\ngone = coins:No\n"
DEVICES = "[photinus.devices]\nrefractory = coins:RefractoryDevice\n"


def package(folder: Path, name: str, code: str, entries: str) -> None:
    """Write a package as an installer leaves it: a folder of code, and one of metadata."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(code)
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(entries)


def ran(folder: Path, program: str) -> str:
    """Return what a program prints in a fresh interpreter that finds the packages of a folder."""
    paths = os.pathsep.join([str(folder), str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def coins(tmp_path: Path) -> Path:
    """Return a folder with a package that registers a substrate, a device, and what is neither."""
    package(tmp_path, "coins", CODE, SUBSTRATES + DEVICES)
    return tmp_path


def test_a_substrate_of_another_package(coins: Path) -> None:
    program = """
import photinus as ph
machine = ph.BoltzmannMachine([[0, 0], [0, 0]], [0, 0], ["a", "b"])
found = ph.sample(machine, "coins", chains=64, draws=50, evidence={"b": 1}, seed=1, path="run.zarr")
print(found.states.shape, found.marginals()[1], abs(found.marginals()[0] - 0.5) < 0.05)
print(ph.load("run.zarr").substrate)
"""
    lines = ran(coins, f"import os\nos.chdir({str(coins)!r})\n{program}").splitlines()
    assert lines == ["(64, 50, 2) 1.0 True", "coins"]


def test_what_another_package_breaks_is_one_sentence(coins: Path) -> None:
    program = """
import photinus as ph
machine = ph.BoltzmannMachine([[0, 0], [0, 0]], [0, 0])
for name in ("coin", "half", "gone"):
    try:
        ph.sample(machine, name)
    except ph.InvalidInput as error:
        print(error)
try:
    ph.sample(machine, "coins", tempering=ph.Tempering())
except ph.InvalidInput as error:
    print(error)
"""
    unknown, half, gone, cold = ran(coins, program).splitlines()
    names = "'laser', 'laser-reduced', 'lif', 'gibbs', 'exact', 'ideal', 'coins', 'gone', 'half', 'refractory'"
    assert unknown == f"substrate must be one of {names}, got 'coin' (did you mean 'coins'?)"
    assert half == (
        "substrate 'half' must be a class with the members of photinus.samplers.Run, "
        "but <class 'coins.Unfinished'> lacks 'advance'"
    )
    assert gone.startswith("'gone' of the package 'coins' cannot be imported: ")
    able = "'laser', 'laser-reduced', 'lif', 'gibbs', 'refractory'"
    assert cold == f"substrate must be one of {able} for tempering, got 'coins'"


def test_the_checks_find_what_is_wrong_with_it(coins: Path) -> None:
    """Coins know nothing of weights; they are right in all else."""
    program = """
from photinus import testing
try:
    testing.check_substrate("coins")
except testing.Unfit as error:
    print(error)
"""
    told = ran(coins, program).splitlines()
    failed = {line.split(": ")[0].removeprefix("coins, ") for line in told}
    assert failed == {"law", "law given evidence"}


CALIBRATION = """
import numpy as np
import photinus as ph
from photinus import devices, testing
from photinus.devices.synapse import SynapticKernel
neuron, u = devices.preset("plain"), np.linspace(-6, 6, 49)
calibration = ph.Calibration(
    parameters=neuron, window=neuron.window, detection_threshold=None, midpoint=0.0, slope=1.0,
    kernel=SynapticKernel(kick=0.0, sustain=1.0, duration=neuron.window), bias_range=(-5, 5),
    weight_range=(-2, 2), drive=u, activation=1 / (1 + np.exp(-u)), time_step=neuron.window / 20,
    midpoint_error=0.0, slope_error=0.0, residual=0.0, kernel_error={}, network_kl=0.0,
    windows_tried=np.array([neuron.window]), windows_kl=np.zeros(1), activation_error=np.zeros(49),
    mean_interval=np.full(49, np.nan), interval_cv=np.full(49, np.nan), seed="0", version="0",
    shortest_interval=np.full(49, np.nan),
)
"""


def test_a_device_of_another_package(coins: Path) -> None:
    """It passes all checks, is sampled by its name, and its runs are stored and read."""
    program = """
testing.check_device(neuron)
testing.check_substrate("refractory", calibration=calibration, bias=0.01)
machine = ph.BoltzmannMachine([[0, 1.0], [1.0, 0]], [0.5, -1], ["rain", "wet"])
options = {"chains": 256, "draws": 100, "seed": 1, "calibration": calibration}
found = ph.sample(machine, "refractory", path="run.zarr", **options)
print(found.fidelity().kl < 0.002, found.network.device, found.physical_time)
again = ph.load("run.zarr")
print(np.array_equal(again.states, found.states), np.array_equal(again.network.drive, found.network.drive))
try:
    ph.sample(machine, "refractory")
except ph.InvalidInput as error:
    print(error)
"""
    said = ran(coins, f"import os\nos.chdir({str(coins)!r})\n{CALIBRATION}{program}").splitlines()
    assert said == [
        "True refractory 0.125",
        "True True",
        "calibration must be given on 'refractory', got None",
    ]


def test_two_packages_of_one_name(coins: Path) -> None:
    package(coins, "other", CODE, "[photinus.substrates]\ncoins = other:CoinRun\n")
    program = """
import photinus as ph
try:
    ph.sample(ph.BoltzmannMachine([[0]], [0]), "coins")
except ph.InvalidInput as error:
    print(error)
"""
    said = ran(coins, program)
    assert "'coins' is registered by the package" in said
    assert "'other'" in said


def test_names_of_photinus_are_never_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan reads the metadata of all packages: not for what is here anyway, nor to list it."""

    def scan(**_: str) -> None:
        raise AssertionError

    monkeypatch.setattr("importlib.metadata.entry_points", scan)
    for name in registry.SUBSTRATES:
        registry.substrate(name)
    ph.sample(ph.BoltzmannMachine([[0]], [0]), "exact", chains=1, draws=1, burn_in=0)
    with pytest.raises(AssertionError):
        registry.substrate("another")


@pytest.mark.parametrize("name", [None, 3, "", ["gibbs"]])
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(InvalidInput, match="^substrate must be one of 'laser', "):
        registry.substrate(name)  # type: ignore[arg-type]
