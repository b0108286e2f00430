"""Habits of the command line: help, version, JSON, a first model, what is never overwritten."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

import photinus as ph
from photinus.faces.cli.entry import COMMANDS
from photinus.faces.cli.inputs import read_known
from photinus.faces.cli.messages import table
from photinus.samplers import samples, sampling
from tests.conftest import Run

SMALL = ("--chains", 4, "--draws", 40)
SILENT = ("init", "studio")
"""Commands that print nothing but where they wrote."""


@pytest.fixture
def model(run: Run, tmp_path: Path) -> Path:
    """Write the machine of `photinus init` and return its path."""
    assert run("init")[0] == 0
    return tmp_path / "model.json"


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"photinus {ph.__version__}\n", "")


@pytest.mark.parametrize("command", ["", *(command.__name__ for command in COMMANDS)])
def test_short_help(run: Run, command: str) -> None:
    code, out, _ = run(*filter(None, [command]), "-h")
    assert code == 0
    assert out == run(*filter(None, [command]), "--help")[1]


@pytest.mark.parametrize("command", [command.__name__ for command in COMMANDS])
def test_every_command_prints_json(run: Run, command: str) -> None:
    assert ("--json" in run(command, "--help")[1]) == (command not in SILENT)


def test_the_first_model_loads_and_says_what_it_is(run: Run, model: Path) -> None:
    machine = ph.BoltzmannMachine.load(model)
    assert machine.labels == ("cloudy", "rain", "wet")
    assert machine.weights[1, 2] == 2.0
    assert "labels" in " ".join(json.loads(model.read_text())["about"])
    code, _, err = run("init")
    assert code == 2
    assert "exists already: choose another one, or replace it with --force" in err
    assert run("init", "--force")[0] == 0
    assert run("init", "model.npz")[0] == 2


def test_results_as_json(run: Run, model: Path, tmp_path: Path) -> None:
    code, out, _ = run("sample", model, "--substrate", "gibbs", *SMALL, "--json", "--seed", 3)
    found = json.loads(out)
    assert code == 0
    assert found["marginals"] == json.loads((tmp_path / found["report"]).read_text())["marginals"]
    assert found["run"]["units"] == 3
    assert (found["run"]["chains"], found["run"]["draws"], found["run"]["seed"]) == (4, 40, 3)
    assert found["run"]["complete"] is True
    again = ph.sample(ph.BoltzmannMachine.load(model), "gibbs", chains=4, draws=40, burn_in=25, seed=3)
    assert found["marginals"]["wet"] == again.marginals()[2]
    found = json.loads(run("report", "run.zarr", "--json")[1])
    assert (tmp_path / found["report"]).exists()
    found = json.loads(run("translate", model, "--json")[1])
    network = ph.networks.lasers.LaserNetwork.load(tmp_path / found["network"])
    assert found["drives"] == dict(zip(network.labels, network.currents, strict=True))
    assert found["predicted_kl"]["kl"] > 0
    found = json.loads(run("info", "--json")[1])
    assert found["presets"]["lif-hcs"]["threshold"] == ph.LifParameters.preset("lif-hcs").threshold
    assert found["versions"]["photinus"] == ph.__version__


def test_a_refined_network_is_sampled_into_a_store_of_the_same_name(run: Run, model: Path) -> None:
    code, out, _ = run(
        "refine", model, "--out", "refined.json", "--chains", 8, "--draws", 20, "--rounds", 2, "--json"
    )
    found = json.loads(out)
    assert code == 0
    assert len(found["rounds"]) <= 2
    code, _, err = run("sample", model, "--network", "refined.json", "--out", "refined.zarr", *SMALL)
    assert code == 0, err
    assert Path("refined.zarr.report.json").exists()


def test_info_lists_neurons_of_every_device(run: Run) -> None:
    out = run("info")[1]
    assert "fast-absorber" in out
    assert "lif-hcs" in out


def test_columns_are_respected(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("sample", model, "--substrate", "gibbs", *SMALL, "--force")
    monkeypatch.setenv("COLUMNS", "60")
    narrow = run(*arguments)[1]
    monkeypatch.delenv("COLUMNS")
    wide = run(*arguments)[1]
    # The last line names files, and is left to the terminal.
    narrowest, widest = (max(map(cell_len, text.splitlines()[:-1])) for text in (narrow, wide))
    assert narrowest <= 60 < widest <= 120


def test_folders_of_results_are_kept(run: Run, tmp_path: Path) -> None:
    weights = [[0.0, 1.0], [1.0, 0.0]]
    ph.BoltzmannMachine(weights, [0.0, 0.0], ["v0", "h0"]).save(tmp_path / "m.json")
    arguments = ("dream", "m.json", "--substrate", "gibbs", "--draws", 5)
    for name in ("dream", "dream-2"):
        assert run(*arguments)[0] == 0
        assert (tmp_path / "runs" / name / "report.html").exists()
    (tmp_path / "kept").mkdir()
    assert run(*arguments, "--out", "kept")[0] == 0  # an empty folder may be filled
    (tmp_path / "kept" / "mine.txt").write_text("mine")
    code, _, err = run(*arguments, "--out", "kept")
    assert code == 2
    assert "'kept' has files in it" in err
    assert run(*arguments, "--out", "kept", "--force")[0] == 0
    assert (tmp_path / "kept" / "mine.txt").read_text() == "mine"


def test_force_replaces_a_store_only_by_another(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ("sample", model, "--substrate", "gibbs", *SMALL)
    assert run(*first)[0] == 0
    before = samples.load("run.zarr").states
    for wrong in (("--chains", 0), ("--evidence", "rian=1"), ("--seed", -1), ("--hottest", 0)):
        assert run(*first, "--force", *wrong)[0] == 2
        assert np.array_equal(samples.load("run.zarr").states, before)

    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sampling, "_advance", pressed)
        code, _, err = run(*first, "--force", "--seed", 1)
    assert (code, err) == (130, "photinus: stopped after 0 draws per chain; nothing was replaced\n")
    assert np.array_equal(samples.load("run.zarr").states, before)
    assert run(*first, "--force", "--seed", 1)[0] == 0
    assert not np.array_equal(samples.load("run.zarr").states, before)
    assert not list(tmp_path.glob(".photinus-*"))


@pytest.mark.parametrize("command", ["sample", "infer"])
def test_stores_replace_nothing_else_and_are_refused_before_any_work(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def worked(*_: object, **__: object) -> None:
        raise AssertionError("it worked before it asked")

    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("precious")
    monkeypatch.setattr(sampling, "_advance", worked)
    for out, why in (
        ("folder", "is not a Zarr store that Photinus wrote"),
        ("model.json", "is not a Zarr store that Photinus wrote"),
        ("/dev/full", "a store is a folder"),
    ):
        code, _, err = run(command, model, "--substrate", "gibbs", *SMALL, "--out", out, "--force")
        assert code == 2
        assert why in err
    assert (tmp_path / "folder" / "mine").read_text() == "precious"
    assert ph.BoltzmannMachine.load(model).n_units == 3


@pytest.mark.parametrize("command", ["sample", "infer"])
def test_tempering_is_a_cycle_or_copies(run: Run, model: Path, tmp_path: Path, command: str) -> None:
    few = ("--substrate", "gibbs", "--chains", 4, "--draws", 30, "--force", "--out", "run.zarr")
    for options, plan in (
        (("--hottest", 3, "--period", 8), ph.Tempering(hottest=3, period=8)),
        (("--hottest", 2), ph.Tempering(hottest=2, period=40)),
        (("--copies", 3), ph.Parallel(temperatures=(1, 2, 4), every=5)),
        (("--copies", 3, "--hottest", 9, "--period", 1), ph.Parallel(temperatures=(1, 3, 9), every=1)),
        ((), None),
    ):
        assert run(command, model, *few, *options)[0] == 0
        assert ph.load(tmp_path / "run.zarr").tempering == plan
    for options, why in (
        (("--period", 8), "--period needs --hottest or --copies, got 8 alone"),
        (("--copies", 1), "copies must be from 2 to 1000, got 1"),
        (("--copies", 3, "--hottest", 1), "hottest must be above 1, got 1"),
        (("--copies", 3, "--period", 0), "every must be at least 1, got 0"),
    ):
        code, _, err = run(command, model, *few, *options)
        assert (code, err) == (2, f"photinus: {why}\n")


@pytest.mark.parametrize("command", ["sample", "infer"])
def test_a_preset_that_is_not_there_is_told_where_it_is_not_used(
    run: Run, model: Path, command: str
) -> None:
    code, _, err = run(command, model, "--substrate", "gibbs", *SMALL, "--laser", "fast-absorbre")
    assert code == 2
    assert "did you mean 'fast-absorber'?" in err


def test_evidence_with_several_equals_signs() -> None:
    assert read_known(["a=b=c"], {"a": ("x", "b=c"), "a=b": ("x", "y")}) == {"a": "b=c"}
    assert read_known(["a=b=c"], {"a": ("x", "y"), "a=b": ("x", "c")}) == {"a=b": "c"}
    assert read_known(["a=b=c"], {"a": ("x", "y"), "b": (0, 1)}) == {"a": "b=c"}
    with pytest.raises(ph.InvalidInput, match="one that reads as each of"):
        read_known(["a=b=c"], {"a": ("x", "b=c"), "a=b": ("x", "c")})


def test_words_of_a_head_stay_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rich takes more from wide columns than their longest words bear."""
    head = ("variable", "state", "P(state | evidence)", "standard error", "exact")
    for columns in (5, 30, 43, 44, 60, 80):
        monkeypatch.setenv("COLUMNS", str(columns))
        table("Posterior", [("lung", "yes", "0.5025", "0.0304", "0.4887")], head)
        words = [word.strip(":") for word in capsys.readouterr().out.split()]
        assert {"P(state", "evidence)", "standard", "error"} <= set(words)


WIDE_TABLES: dict[str, list[tuple[str, ...]]] = {
    "prices": [
        ("", "price", "expected", "worst", "kind and source"),
        ("detection and drivers", "320 fJ/update", "2.62 mW", "8.18 mW", "projected, unverified: " * 4),
    ],
    "facts": [
        ("", ""),
        ("what next?", "refine the network: `photinus.refine(machine, calibration)` " * 3),
    ],
    "a source beside numbers": [
        ("", "price", "expected", "worst", "kind and source"),
        (
            "one-shots of synapses that are not linear",
            "350 fJ/spike",
            "1.77 mW",
            "6.08 mW",
            "projected, unverified: neurons that make one pulse of a trigger, doi "
            "10.1109/TNANO.2025.3613362; both slower than a nanosecond, so this is an estimate alone",
        ),
    ],
    "six columns of long words": [
        ("imperfection", *(f"uncommonly-long-column-{k}" for k in range(5))),
        ("mismatch of all parameters", *("0.19 % (0.16 % to 0.23 %)" for _ in range(5))),
    ],
}


@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize("name", WIDE_TABLES)
def test_tables_fit_the_terminal_and_cut_no_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    head, rows = WIDE_TABLES[name][0], WIDE_TABLES[name][1:]
    table(name, rows, head)
    out = capsys.readouterr().out
    assert max(map(cell_len, out.splitlines())) <= columns
    shown = {word.strip(":") for word in out.split()}
    wanted = {word.strip(":") for row in (head, *rows) for cell in row for word in cell.split()}
    # The name of the first column is left out where rows are lists.
    assert wanted - set(head[0].split()) <= shown


def test_the_commands_fit_eighty_columns(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    commands = (
        ("info",),
        ("translate", model),
        ("sample", model, "--substrate", "laser-reduced", "--out", "r.zarr", *SMALL),
        ("infer", model, "--substrate", "gibbs", "--burn-in", "4", *SMALL),
        ("ledger", "r.zarr"),
        ("refine", model, "--rounds", "2", "--force", "--chains", "8"),
    )
    for arguments in commands:
        code, out, err = run(*arguments)
        assert code == 0, err
        assert max(map(cell_len, out.splitlines())) <= 80, arguments
