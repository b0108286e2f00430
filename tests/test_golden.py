"""Results are those that version 0.1 gave; see `tests.golden`."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

import photinus as ph
from tests import golden

RECORD = json.loads(golden.FILE.read_text())
# Enumeration, random integers and sums of NumPy: the same everywhere.
ANYWHERE = {"exact", "exact, evidence"}
OF_VERSION_0_1 = {"laser": "e5680348f5970298a903"}
"""States of those whose numbers a later version changed."""


def test_every_case_is_recorded() -> None:
    assert set(RECORD) == {"processor", *golden.CASES}


@pytest.mark.parametrize("name", golden.CASES)
def test_results_are_those_recorded(name: str) -> None:
    if name not in ANYWHERE and RECORD["processor"] != golden.processor():
        pytest.skip(f"recorded on another processor: {RECORD['processor']}")
    assert golden.CASES[name]() == RECORD[name]


def test_another_seed_gives_another_record() -> None:
    assert golden._run("gibbs", seed=1) != RECORD["gibbs"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of files that version 0.1 wrote."""
    folder = tmp_path_factory.mktemp("version-0.1")
    with tarfile.open(golden.FILE.with_name("version-0.1.tar.xz")) as packed:
        packed.extractall(folder, filter="data")
    return folder


def test_files_of_version_0_1_load(archive: Path) -> None:
    machine, calibration = golden.machine(), ph.Calibration.preset()
    for name in ("machine.json", "machine.npz"):
        loaded = ph.BoltzmannMachine.load(archive / name)
        assert np.array_equal(loaded.weights, machine.weights)
        assert loaded.labels == machine.labels
    assert ph.Calibration.load(archive / "calibration.json").fits(calibration.parameters)
    network = ph.LaserNetwork.load(archive / "network.json")
    assert np.allclose(
        network.drive,
        ph.translate(machine, calibration, rule=golden.RULE, gauge="none").drive,
        rtol=1e-12,
    )
    assert ph.LifNetwork.load(archive / "lif-network.json").labels == machine.labels


@pytest.mark.parametrize("substrate", golden.HEATED)
def test_stores_of_version_0_1_load(archive: Path, substrate: str) -> None:
    samples = ph.load(archive / f"{substrate}.zarr")
    assert samples.states.shape == (4, 24, 5)
    assert (samples.states[:, :, 1] == 1).all()
    if RECORD["processor"] == golden.processor():
        now = RECORD[f"{substrate}, evidence"]["states"]
        assert golden.digest(samples.states) == OF_VERSION_0_1.get(substrate, now)


@pytest.mark.parametrize("substrate", golden.HEATED)
def test_stopped_runs_of_version_0_1_go_on(archive: Path, substrate: str) -> None:
    if RECORD["processor"] != golden.processor():
        pytest.skip(f"stopped on another processor: {RECORD['processor']}")
    path = archive / f"{substrate}-stopped.zarr"
    assert not ph.load(path).complete
    # Without a word on the gauge, it is that of the stored run.
    options = {**golden.SMALL, "gauge": "auto"}
    resumed = ph.sample(golden.machine(), substrate, path=path, resume=True, **options)
    assert golden.digest(resumed.states) == RECORD[substrate]["states"]
