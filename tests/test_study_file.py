"""Studies from TOML files: points, results, going on, bad input."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import photinus as ph
from photinus.errors import InvalidInput, NotConverged
from photinus.faces.cli import app
from photinus.faces.study import measuring
from photinus.faces.study.plan import Study
from photinus.networks.imperfections import Imperfections

SMALL = """
[machines]
units = 3
index = [0, 1]
[sample]
substrate = ["laser-reduced", "gibbs", "ideal"]
chains = 8
draws = 20
burn_in = 2
[network]
delay = [0.0, 0.1]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "small.toml"
    path.write_text(text)
    return path


def test_points(tmp_path: Path) -> None:
    """Delays do not multiply points of substrates without synapses."""
    found = Study.load(write(tmp_path, SMALL))
    assert len(found.points) == 2 * (2 + 1 + 1)
    assert found.swept == (("machines", "index"), ("sample", "substrate"), ("network", "delay"))
    assert len({point.digest() for point in found.points}) == len(found.points)
    first, other = (
        point.machine() for point in found.points if point.settings["sample"]["substrate"] == "gibbs"
    )
    assert first != other
    assert np.abs(first.weights).max() <= 1


def test_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finished points are not measured again, damaged ones are; added values only add."""
    planned = Study.load(write(tmp_path, SMALL))
    measured, calls = measuring.measured, []

    def stopping(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return measured(*arguments)

    monkeypatch.setattr(measuring, "measured", stopping)
    folder = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        planned.run(folder)
    assert len(list((folder / "points").iterdir())) == 3
    results = planned.run(folder)
    assert len(calls) == 4 + 5
    assert len(results) == 8
    damaged = next((folder / "points").iterdir())
    before = json.loads(damaged.read_text())
    damaged.write_text(damaged.read_text()[:50])
    planned.run(folder)
    assert len(calls) == 10
    again = json.loads(damaged.read_text())
    assert {**before, "wall_time": 0} == {**again, "wall_time": 0}
    Study.load(write(tmp_path, SMALL.replace("[0, 1]", "[0, 1, 2]"))).run(folder)
    assert len(calls) == 14
    table = (folder / "table.csv").read_text().splitlines()
    assert table[0].startswith("index,substrate,delay,kl,kl_floor")
    assert len(table) == 1 + 12


def test_results_are_those_of_sample(tmp_path: Path) -> None:
    text = SMALL.replace("[0, 1]", "1").replace('["laser-reduced", "gibbs", "ideal"]', '"gibbs"')
    planned = Study.load(write(tmp_path, text))
    (result,) = planned.run(tmp_path / "out")
    samples = ph.sample(planned.points[0].machine(), "gibbs", chains=8, draws=20, burn_in=2, seed=0)
    assert result["fidelity"]["kl"] == samples.fidelity().kl
    assert result["failed"] is None


def test_own_devices_are_calibrated_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the calibration: what fails is told in the table, the others are measured."""
    asked = []

    def calibrated(parameters: ph.LaserParameters, **_: Any) -> ph.Calibration:
        asked.append(parameters.gain_lifetime)
        if parameters.gain_lifetime < 0.9e-9:
            raise NotConverged("the device fires no spikes")
        return replace(ph.Calibration.preset(), parameters=parameters)

    monkeypatch.setattr(measuring, "calibrate", calibrated)
    text = """
    [sample]
    substrate = "laser"
    chains = 2
    draws = 3
    burn_in = 1
    [machines]
    units = 2
    index = [0, 1]
    [device]
    gain_lifetime = [0.8e-9, 1.02e-9]
    """
    planned = Study.load(write(tmp_path, text))
    results = planned.run(tmp_path / "out")
    assert sorted(asked) == [0.8e-9, 1.02e-9]
    assert [result["failed"] is None for result in results] == [
        point.settings["device"]["gain_lifetime"] > 0.9e-9 for point in planned.points
    ]
    assert "the device fires no spikes" in (tmp_path / "out" / "table.csv").read_text()


@pytest.mark.filterwarnings("ignore::photinus.TranslationWarning")  # a dead laser is meant
def test_imperfections_are_swept_on_lasers_alone(tmp_path: Path) -> None:
    """A study's chip is the one that `Imperfections.apply` builds with the seed of its samples."""
    text = SMALL.replace('"laser-reduced", "gibbs", "ideal"', '"laser", "gibbs"')
    text = text.replace("[0, 1]", "0").replace("[0.0, 0.1]", "0.0")
    plain = {point.digest() for point in Study.load(write(tmp_path, text)).points}
    planned = Study.load(write(tmp_path, text + "[imperfections]\npump_drift = 0.1\ndead = [0, 1]"))
    assert len(planned.points) == 2 + 1
    assert planned.swept[-1] == ("imperfections", "dead")
    # Points of before keep their names, and so their results.
    assert len({point.digest() for point in planned.points} & plain) == 1
    results = planned.run(tmp_path / "out")
    assert [result["failed"] for result in results] == [None] * 3
    point = planned.points[0]
    machine, faults = point.machine(), point.imperfections()
    assert faults == Imperfections(pump_drift=0.1, dead=0)
    by_hand = ph.sample(machine, chains=8, draws=20, burn_in=2, seed=0, imperfections=faults)
    assert results[0]["fidelity"]["kl"] == by_hand.fidelity().kl
    assert results[1]["fidelity"]["kl"] > by_hand.fidelity().kl


def test_with_workers(tmp_path: Path, cluster: Any) -> None:
    planned = Study.load(write(tmp_path, SMALL))
    one = planned.run(tmp_path / "one")
    two = planned.run(tmp_path / "two", workers=cluster.scheduler_address)
    assert [r["fidelity"] for r in one] == [r["fidelity"] for r in two]


def test_model_file(tmp_path: Path) -> None:
    ph.BoltzmannMachine([[0, 1], [1, 0]], [0, 0]).save(tmp_path / "m.json")
    text = SMALL.replace("units = 3\nindex = [0, 1]", 'file = "m.json"\nscale = [1, -1]')
    first, *_, last = Study.load(write(tmp_path, text)).points
    assert first.machine().weights[0, 1] == 1
    assert last.machine().weights[0, 1] == -1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("units = 3", r"section must be one of .*, got 'units'"),
        ("machines = 3", r"machines must be a section \[machines\], got 3"),
        ("[machine]\nunits = 3", r"got 'machine' \(did you mean 'machines'\?\)"),
        ("[sample]\nchain = 3", r"key in \[sample\] must be one of .* \(did you mean 'chains'\?\)"),
        ("[sample]\nchains = 0", r"\[sample\] chains must be at least 1, got 0"),
        ("[sample]\nchains = []", r"\[sample\] chains must have at least 1 value"),
        ("[sample]\nchains = true", r"\[sample\] chains must be"),
        ("[sample]\nsubstrate = 'lasr'", r"\[sample\] substrate must .*did you mean 'laser'"),
        ("[sample]\nrefined = 1", r"\[sample\] refined must be true or false, got 1"),
        ("[network]\ndelay = -1", r"\[network\] delay must be at least 0"),
        ("[machines]\nfamily = 'unifrom'", r"did you mean 'uniform'"),
        ("[machines]\nfile = 3", r"\[machines\] file must be a file name, got 3"),
        ("[machines]\nfile = 'none.json'", r"'none.json' does not exist|none.json"),
        ("[device]\ngain_liftime = 1e-9", r"\[device\] must .*did you mean 'gain_lifetime'"),
        ("[device]\npreset = 'fast'", r"preset must be one of"),
        ("[device]\ngain_lifetime = -1", r"gain_lifetime must"),
        ("[sample\n", r"is not TOML"),
        ("[imperfections]\nlost_spike = 0.1", r"\[imperfections\] must .*did you mean 'lost_spikes'"),
        ("[imperfections]\nlost_spikes = [0.1, 1.1]", r"lost_spikes must be from 0 to 1, got 1.1"),
        ("[imperfections]\nweight_bits = 0", r"weight_bits must be from 1 to 32, got 0"),
        ("[imperfections]\nmismatch = []", r"\[imperfections\] mismatch must have at least 1 value"),
        ("[imperfections]\nmismatch = 'a'", r"mismatch must be a number, got 'a'"),
        ("imperfections = 3", r"imperfections must be a section \[imperfections\], got 3"),
        ("[sample]\nsubstrate = 'lif'\n[imperfections]\ndead = 1", r"must be left out .*'lif'"),
    ],
)
def test_bad_files(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=message):
        Study.load(write(tmp_path, text))


def test_command_line(tmp_path: Path) -> None:
    path = write(tmp_path, SMALL.replace("[0, 1]", "0").replace("[0.0, 0.1]", "0.0"))
    first = CliRunner().invoke(app, ["study", str(path)])
    assert first.exit_code == 0, first.output
    assert "laser-reduced" in first.output
    assert (tmp_path / "small" / "table.csv").exists()
    bad = CliRunner().invoke(app, ["study", str(write(tmp_path, "[sample]\nchain = 3"))])
    assert bad.exit_code != 0


def test_example() -> None:
    path = Path(__file__).parents[1] / "examples" / "delay-and-scale.toml"
    assert len(Study.load(path).points) == 24


def test_devices_and_calibrations_come_from_files(tmp_path: Path) -> None:
    """A calibration by file is taken as it is; what is in a file is in the name of its results."""
    ph.Calibration.preset("high-beta").save(tmp_path / "mine.json")
    (tmp_path / "laser.json").write_text(json.dumps(ph.LaserParameters.preset("high-beta").to_dict()))
    plain = '[machines]\nunits = 2\n[sample]\nsubstrate = "laser-reduced"\nchains = 4\ndraws = 20\n'
    texts = {
        "preset": '[device]\npreset = "high-beta"\n',
        "calibration": '[device]\ncalibration = "mine.json"\n',
        "file": '[device]\nfile = "laser.json"\n',
    }
    planned = {name: Study.load(write(tmp_path, plain + text)) for name, text in texts.items()}
    digests = {study.points[0].digest() for study in planned.values()}
    assert len(digests) == 3
    for study in planned.values():
        (point,) = study.points
        assert point.parameters() == ph.LaserParameters.preset("high-beta")
    results = [planned[name].run(tmp_path / name)[0] for name in ("preset", "calibration")]
    assert results[0]["fidelity"] == results[1]["fidelity"]
    assert not list((tmp_path / "calibration" / "calibrations").iterdir())
    changed = planned["file"].points[0].digest()
    (tmp_path / "laser.json").write_text(json.dumps(ph.LaserParameters.preset("straight").to_dict()))
    assert planned["file"].points[0].digest() != changed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'preset = "high-beta"\nfile = "laser.json"',
            "must have one of preset, file, calibration, got",
        ),
        ("file = 3", "device. file must be a text, got 3"),
        ('file = "laser.yaml"', "must end in .toml or .json"),
        ('calibration = "none.json"', "none.json"),
    ],
)
def test_wrong_files_of_devices_are_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Study.load(write(tmp_path, f"[device]\n{text}\n"))
