"""A package from outside adds a substrate and a device: by entry points alone, without an installer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import photinus as ph
from photinus._core import plugins
from photinus.errors import InvalidInput
from photinus.samplers import registry

ROOT = Path(__file__).parent.parent
SUBSTRATE = '''
"""Fair coins, as another package might have them: right for machines without weights and biases."""

import numpy as np

from photinus.samplers import Piece, WholeRun


class CoinRun(WholeRun):
    independent = True

    def advance(self, draws, report):
        request = self.request
        shape = (request.chains, draws, request.machine.n_units)
        states = np.random.default_rng(request.seed).integers(0, 2, shape, np.uint8)
        request.evidence.fill(states)
        report(request.burn_in + draws)
        return Piece(states, None)


class Unfinished:
    pass
'''


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
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def coins(tmp_path: Path) -> Path:
    """Return a folder with a package that registers a substrate, and two that are no substrates."""
    entries = "[photinus.substrates]\ncoins = coins:CoinRun\nhalf = coins:Unfinished\ngone = coins:No\n"
    package(tmp_path, "coins", SUBSTRATE, entries)
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
    names = "'laser', 'laser-reduced', 'lif', 'gibbs', 'exact', 'ideal', 'coins', 'gone', 'half'"
    assert unknown == f"substrate must be one of {names}, got 'coin' (did you mean 'coins'?)"
    assert half == (
        "substrate 'half' must be a class with the members of photinus.samplers.Run, "
        "but <class 'coins.Unfinished'> lacks 'advance'"
    )
    assert gone.startswith("'gone' of the package 'coins' cannot be imported: ")
    assert cold == (
        "substrate must be one of 'laser', 'laser-reduced', 'lif', 'gibbs' for tempering, got 'coins'"
    )


def test_the_checks_find_what_is_wrong_with_it(coins: Path) -> None:
    """Coins know nothing of weights, and chains do not have random numbers of their place."""
    program = """
from photinus import testing
try:
    testing.check_substrate("coins")
except testing.Unfit as error:
    print(error)
"""
    told = ran(coins, program).splitlines()
    failed = {line.split(": ")[0].removeprefix("coins, ") for line in told}
    assert failed == {"law", "law given evidence", "workers"}


def test_two_packages_of_one_name(coins: Path) -> None:
    package(coins, "other", SUBSTRATE, "[photinus.substrates]\ncoins = other:CoinRun\n")
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

    monkeypatch.setattr(plugins, "entry_points", scan)
    for name in registry.SUBSTRATES:
        registry.substrate(name)
    ph.sample(ph.BoltzmannMachine([[0]], [0]), "exact", chains=1, draws=1, burn_in=0)
    with pytest.raises(AssertionError):
        registry.substrate("another")


@pytest.mark.parametrize("name", [None, 3, "", ["gibbs"]])
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(InvalidInput, match="^substrate must be one of 'laser', "):
        registry.substrate(name)  # type: ignore[arg-type]
