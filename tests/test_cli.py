"""The command line end to end, and one clear sentence for every bad input."""

import functools
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus.faces.demo import digits, job
from photinus.faces.demo import posterior as posteriors
from photinus.hardware import own_gibbs
from tests.conftest import Run
from tests.narrow import there


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Write a small machine and return its path."""
    path = tmp_path / "model.json"
    weights = [[0.0, 0.8, 0.0], [0.8, 0.0, -0.5], [0.0, -0.5, 0.0]]
    ph.BoltzmannMachine(weights, [0.1, -0.3, 0.4], labels=["a", "b", "c d"]).save(path)
    return path


def refused(result: tuple[int | str, str, str], *parts: str) -> bool:
    """Assert exit code 2 and a single sentence that names what is wrong."""
    code, _, err = result
    assert code == 2
    assert "Traceback" not in err
    for part in parts:
        assert part in err
    return True


def test_sample_writes_a_store_and_a_report(run: Run, model: Path, tmp_path: Path) -> None:
    code, out, _ = run(
        "sample", model, "--out", "r.zarr", "--chains", 16, "--draws", 60, "--seed", 3,
        "--evidence", "c d=1",
    )  # fmt: skip
    assert code == 0
    samples = ph.load(tmp_path / "r.zarr")
    assert samples.states.shape == (16, 60, 3)
    assert (samples.states[:, :, 2] == 1).all()
    report = json.loads((tmp_path / "r.zarr.report.json").read_text())
    assert report["fidelity"]["kl"] == samples.fidelity().kl
    assert " ".join(report["fidelity"]["verdict"].split()) in " ".join(out.split())
    code, out, _ = run("report", "r.zarr")
    assert code == 0
    page = (tmp_path / "r.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 3
    assert "http" not in page.split("</style>")[1]


@pytest.mark.parametrize("given", [("a=1", "a=0"), ("a=1", "a=1"), ("c d=0", "b=1", "c d=1")], ids=str)
def test_evidence_given_twice_is_refused(
    run: Run, model: Path, tmp_path: Path, given: tuple[str, ...]
) -> None:
    clamps = [word for pair in given for word in ("--clamp", pair)]
    twice = repr(given[0].partition("=")[0])
    assert refused(
        run("sample", model, "--substrate", "gibbs", "--out", "r.zarr", *clamps),
        f"--evidence must name each unit once, got {twice} twice",
    )
    assert not (tmp_path / "r.zarr").exists()


def test_evidence_of_labels_that_read_alike_is_refused(run: Run, tmp_path: Path) -> None:
    ph.BoltzmannMachine(np.zeros((3, 3)), np.zeros(3), labels=[1, "1", 2]).save(tmp_path / "m.json")
    options = ("sample", "m.json", "--substrate", "gibbs", "--draws", "30", "--out", "r.zarr")
    assert refused(run(*options, "--clamp", "1=1"), "--evidence must name one unit, got '1=1'")
    assert run(*options, "--clamp", "2=1")[0] == 0


@pytest.mark.parametrize("substrate", ["gibbs", "exact", "ideal"])
def test_sample_on_references(run: Run, model: Path, tmp_path: Path, substrate: str) -> None:
    """Marginals lie within 0.15, six standard errors of 308 draws: false alarm below 1e-6 with each seed."""
    options = ("--substrate", substrate, "--chains", 8, "--draws", 50, "--seed", 3)
    code, out, _ = run("sample", model, *options, "--out", "r.zarr")
    assert code == 0
    words = " ".join(out.split())
    machine = ph.BoltzmannMachine.load(model)
    samples = ph.load(tmp_path / "r.zarr")
    every = np.array(list(itertools.product((0, 1), repeat=3)))
    law = np.exp(0.5 * np.einsum("si,ij,sj->s", every, machine.weights, every) + every @ machine.biases)
    law /= law.sum()
    for unit, label in enumerate(machine.labels):
        on, _, right = (float(x) for x in there(re.search(rf"^{label} +(.*)$", out, re.M))[1].split())
        assert right == pytest.approx(law @ every[:, unit], abs=6e-5)
        assert on == pytest.approx(samples.marginals()[unit], abs=6e-5)
        assert on == pytest.approx(right, abs=0.15)
    fidelity = samples.fidelity()
    kl = float(there(re.search(r"KL\(sampled‖target\) +([\d.e-]+) nats", out))[1])
    assert kl == pytest.approx(fidelity.kl, rel=0.01)
    if samples.spikes is None:  # with spikes, time in each state counts, not states at draws alone
        share = np.bincount(samples.states.reshape(-1, 3) @ (4, 2, 1), minlength=8) / 400
        assert kl == pytest.approx(np.sum(share * np.log(np.maximum(share, 1e-300) / law)), rel=0.01)
    assert f"verdict {' '.join(fidelity.verdict.split())}" in words
    assert "target's moments from enumeration" in words


def test_translate_writes_a_network_that_sample_takes(run: Run, model: Path, tmp_path: Path) -> None:
    code, out, _ = run("translate", model, "--rule", "linear")
    assert code == 0
    assert "µA" in out
    network = ph.LaserNetwork.load(tmp_path / "network.json")
    assert network.labels == ("a", "b", "c d")
    assert run("sample", model, "--network", "network.json", "--chains", 2, "--draws", 30)[0] == 0


def test_refine_writes_a_better_network(run: Run, model: Path, tmp_path: Path) -> None:
    code, out, _ = run("refine", model, "--chains", 32, "--draws", 32, "--rounds", 4)
    assert code == 0
    assert "misfit" in out
    assert ph.LaserNetwork.load(tmp_path / "network.json").labels == ("a", "b", "c d")
    record = json.loads((tmp_path / "network.rounds.json").read_text())
    assert 1 <= len(record["rounds"]) <= 4
    assert " ".join(out.split()).count(record["reason"]) == 1
    assert "before" in out
    assert "after" in out
    assert refused(run("refine", model), "network.json", "exists already")
    (tmp_path / "other.rounds.json").write_text("precious")
    assert refused(run("refine", model, "--out", "other.json"), "other.rounds.json", "exists already")
    assert (tmp_path / "other.rounds.json").read_text() == "precious"
    assert refused(run("refine", model, "--force", "--structure", "some"), "structure", "given")
    assert refused(run("refine", model, "--force", "--chains", 2), "chains", "at least 8")
    assert refused(run("refine", model, "--force", "--substrate", "gibbs"), "substrate", "'gibbs'")


def test_info_and_help(run: Run) -> None:
    code, out, _ = run("info")
    assert code == 0
    assert "fast-absorber" in out
    code, out, _ = run("--help")
    assert code == 0
    for command in ("demo", "sample", "calibrate", "translate", "report", "info"):
        assert command in out


def once(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, which is called once for each title among its arguments."""
    known = {}

    def call(*arguments: Any) -> Any:
        titles = tuple(value for value in arguments if isinstance(value, str))
        if titles not in known:
            known[titles] = function(*arguments)
        return known[titles]

    return call


def test_demo_does_the_main_job(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "REFINEMENT", {"chains": 64, "draws": 160, "most_rounds": 6})
    monkeypatch.setattr(job, "own_gibbs", functools.partial(own_gibbs, seconds=0.05))
    for name in ("learn_digits", "posterior_of"):
        monkeypatch.setattr(job, name, once(getattr(job, name)))
    monkeypatch.setattr(digits, "DIGITS", {**digits.DIGITS, "epochs": 20})
    monkeypatch.setattr(digits, "COMPLETED", 10)
    monkeypatch.setattr(posteriors, "REPEATS", 2)
    code, out, _ = run("demo", "--chains", 32, "--draws", 100)
    assert code == 0
    folder = tmp_path / "runs" / "demo"
    numbers = json.loads((folder / "demo.json").read_text())
    assert numbers["train_patients"] + numbers["test_patients"] == 569
    assert len(numbers["machine"]["labels"]) == 9
    for posterior in numbers["posteriors"]:
        # 171 patients and a classifier of about 94 %: below 85 % is 5 standard deviations off.
        assert all(accuracy > 0.85 for accuracy in posterior["accuracy"].values())
        # 1 000 draws a patient: 0.09 is 5.6 standard errors, 171 patients; the lasers may add a bias.
        assert posterior["largest_disagreement"]["gibbs"] < 0.09
        assert posterior["largest_disagreement"]["lasers"] < 0.15
    assert numbers["fidelity"]["kl"] < 0.1
    refined = numbers["refined_fidelity"]
    # What refinement leaves is 0.014 in a long run; a short one adds its floor, about as much.
    assert refined["kl"] < refined["kl_floor"] + 0.03
    for name in ("spike", "activation", "raster", "joint", "divergence", "posterior"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "report.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 9
    assert len(page) < 3e6
    assert "malignant" in out


# ------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--chains", "0"], ["chains", "at least 1", "0"]),
        (["--draws", "0"], ["draws", "at least 1", "0"]),
        (["--burn-in", "300"], ["burn_in", "at most", "250", "300"]),
        (["--clamp", "a=2"], ["--evidence", "a=2"]),
        (["--clamp", "a"], ["--evidence", "'a'"]),
        (["--clamp", "z=1"], ["'z'", "'a'"]),
        (["--clamp", "a=1", "--clamp", "b=0", "--clamp", "c d=0"], ["at least one unit free"]),
        (["--substrate", "lasr"], ["substrate", "'lasr'", "did you mean 'laser'"]),
        (["--laser", "fast-absorbr"], ["preset", "did you mean 'fast-absorber'"]),
        (["--rule", "linea"], ["rule", "did you mean 'linear'"]),
        (["--calibration", "missing.json"], ["'missing.json'", "does not exist"]),
        (["--network", "missing.json"], ["'missing.json'", "does not exist"]),
        (["--out", "no/such/r.zarr"], ["no/such/r.zarr", "cannot be written"]),
        (["--threads", "0"], ["--threads"]),
        (["--seed", "-1"], ["--seed"]),
        (["--chains", "many"], ["--chains"]),
        (["--nonsense"], ["--nonsense"]),
    ],
)
def test_sample_refuses(run: Run, model: Path, arguments: list[str], parts: list[str]) -> None:
    assert refused(run("sample", model, *arguments), *parts)


def test_models_that_cannot_be_read(run: Run, tmp_path: Path, model: Path) -> None:
    assert refused(run("sample", "none.json"), "none.json", "does not exist")
    cut = tmp_path / "cut.json"
    cut.write_text(model.read_text()[:40])
    assert refused(run("sample", cut), "truncated")
    noise = tmp_path / "noise.txt"
    noise.write_text("some text")
    assert refused(run("sample", noise), "noise.txt", "JSON of Photinus", "begins like none of them")
    other = tmp_path / "other.json"
    ph.translate(ph.BoltzmannMachine([[0]], [0]), ph.Calibration.preset()).save(other)
    assert refused(run("sample", other), "boltzmann-machine", "laser-network")
    newer = tmp_path / "newer.json"
    newer.write_text(model.read_text().replace('"schema": 1', '"schema": 9'))
    assert refused(run("translate", newer), "schema", "9")
    broken = tmp_path / "broken.npz"
    np.savez(broken, weights=np.array([[0.0, 1.0], [2.0, 0.0]]), biases=np.zeros(2))
    assert refused(run("sample", broken), "symmetric")


def test_existing_outputs_are_kept(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "run.zarr").mkdir()
    assert refused(run("sample", model), "run.zarr", "exists already")
    (tmp_path / "network.json").write_text("{}")
    assert refused(run("translate", model), "network.json", "exists already")
    assert (tmp_path / "network.json").read_text() == "{}"
    (tmp_path / "calibration.json").write_text("{}")
    assert refused(run("calibrate", "fast-absorber"), "calibration.json", "exists already")


def test_a_report_never_overwrites_another_file(run: Run, model: Path, tmp_path: Path) -> None:
    """With --out model.zarr the report stands beside the model; what is there already is kept."""
    before = model.read_text()
    (tmp_path / "model.zarr.report.json").write_text("precious")
    assert refused(
        run("sample", model, "--out", "model.zarr"), "model.zarr.report.json", "exists already"
    )
    assert (tmp_path / "model.zarr.report.json").read_text() == "precious"
    assert model.read_text() == before


def test_demo_refuses_a_folder_that_cannot_be_made(run: Run, model: Path) -> None:
    assert refused(run("demo", "--out", model / "inside"), "cannot be written")


def test_calibrate_refuses_bad_devices(run: Run, tmp_path: Path) -> None:
    assert refused(run("calibrate", "nonsense"), "preset", "nonsense")
    assert refused(
        run("calibrate", "fast-absorber", "--set", "gain_lifetime=-1"), "gain_lifetime", "-1"
    )
    assert refused(run("calibrate", "fast-absorber", "--set", "gain_lifetim=1"), "gain_lifetime")
    assert refused(run("calibrate", "fast-absorber", "--set", "gain_lifetime"), "NAME=VALUE")
    (tmp_path / "laser.json").write_text("[1]")
    assert refused(run("calibrate", "laser.json"), "laser.json")


def test_calibration_of_another_device(run: Run, model: Path, tmp_path: Path) -> None:
    ph.Calibration.preset("slow-absorber").save(tmp_path / "slow.json")
    result = run("sample", model, "--laser", "vcsel-sa", "--calibration", "slow.json")
    assert refused(result, "same device", "wavelength")


def test_report_of_no_run(run: Run, tmp_path: Path) -> None:
    assert refused(run("report", "none.zarr"), "none.zarr", "does not exist")
    (tmp_path / "empty.zarr").mkdir()
    assert refused(run("report", "empty.zarr"), "not a Zarr store that Photinus wrote")


def test_interrupted_run_resumes_to_the_same_result(model: Path, tmp_path: Path, run: Run) -> None:
    """Ctrl-C a real process, read what is there, go on: same result as a run left alone.

    The signal comes while the third of some twenty pieces is simulated.
    """
    program = """
import os, signal, threading
import photinus.sampling as s
from photinus.faces.cli import main
s.LASER_STEPS_PER_PIECE, s.LASER_STEPS_PER_CHUNK = 1e7, 5e6
advance, calls = s.SpikingRun.advance, []
def pressed(*arguments):
    calls.append(arguments)
    if len(calls) == 3:
        threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT)).start()
    return advance(*arguments)
s.SpikingRun.advance = pressed
main()
"""
    arguments = ["sample", str(model), "--chains", "16", "--draws", "2000", "--seed", "5"]
    process = subprocess.run(
        [sys.executable, "-c", program, *arguments, "--out", str(tmp_path / "cut.zarr")],
        capture_output=True,
        text=True,
        timeout=200,
    )
    err = process.stderr
    assert process.returncode == 130, err
    assert "--resume" in err
    assert "Traceback" not in err
    part = ph.load(tmp_path / "cut.zarr")
    assert not part.complete
    assert 0 < part.draws < 2000
    assert run("report", tmp_path / "cut.zarr")[0] == 0
    assert run(*arguments, "--out", tmp_path / "cut.zarr", "--resume")[0] == 0
    assert run(*arguments, "--out", tmp_path / "whole.zarr")[0] == 0
    resumed, whole = ph.load(tmp_path / "cut.zarr"), ph.load(tmp_path / "whole.zarr")
    assert resumed.complete
    np.testing.assert_array_equal(resumed.states, whole.states)
    np.testing.assert_array_equal(there(resumed.spikes).time, there(whole.spikes).time)
    assert refused(
        run(*arguments, "--out", tmp_path / "cut.zarr", "--resume", "--chains", 8), "chains", "16"
    )


def test_import_is_light() -> None:
    """`import photinus` loads none of the heavy packages (and so takes well under 0.5 s)."""
    program = (
        "import sys, photinus\n"
        "heavy = ('numba', 'scipy', 'xarray', 'zarr', 'matplotlib', 'sklearn')\n"
        "print(*[name for name in heavy if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.split() == []
