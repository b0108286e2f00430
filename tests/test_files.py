"""The one writer: nothing is lost that was there, and what is there is whole."""

import json
import os
import stat
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus._core import files
from photinus.errors import InvalidInput, NotConverged
from photinus.tasks import tasks  # noqa: F401, before anything is patched
from tests.conftest import Run
from tests.narrow import untyped

MACHINE = ph.BoltzmannMachine([[0.0, 1.0], [1.0, 0.0]], [0.5, -1.0], ["z[i]", "w[/b] :smile:"])


def alone(*arguments: Path | str, **options: Any) -> Any:
    """Run the command line in a process that ends by itself."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(ph.__file__).parents[1]),
        **options.pop("env", {}),
    }
    command = [
        sys.executable,
        "-c",
        "from photinus.faces.cli import main; main()",
        *map(str, arguments),
    ]
    return subprocess.run(command, env=environment, timeout=120, **{"capture_output": True, **options})


def mode(path: Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


# Files


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_new_files_have_the_mode_of_the_process(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        files.write_text(tmp_path / "ours", "x")
        (tmp_path / "theirs").write_text("x")
    finally:
        os.umask(before)
    assert mode(tmp_path / "ours") == mode(tmp_path / "theirs") == 0o666 & ~mask


def test_replaced_files_keep_their_mode(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    for kept in (0o600, 0o664, 0o644):
        path.write_text("old")
        path.chmod(kept)
        MACHINE.save(path)
        assert mode(path) == kept


@pytest.mark.parametrize("there", [True, False])
def test_links_are_followed(tmp_path: Path, there: bool) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    if there:
        target.write_text("old")
    link.symlink_to("target.json")
    (tmp_path / "further.json").symlink_to("link.json")
    MACHINE.save(tmp_path / "further.json")
    assert link.is_symlink()
    assert (tmp_path / "further.json").is_symlink()
    assert not target.is_symlink()
    assert ph.BoltzmannMachine.load(target) == MACHINE


def test_pipes_are_written_into(tmp_path: Path) -> None:
    path, found = tmp_path / "pipe.json", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()), daemon=True)
    reader.start()
    MACHINE.save(path)
    reader.join(10)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert json.loads(found[0])["labels"] == list(MACHINE.labels)


def test_devices_are_written_into(tmp_path: Path) -> None:
    files.write_text("/dev/null", "x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(InvalidInput, match=r"^path '/dev/full' cannot be written: No space left"):
        files.write_text("/dev/full", "x")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    with pytest.raises(InvalidInput, match="it has no end"):
        ph.BoltzmannMachine.load(tmp_path / "zero.json")


@pytest.mark.parametrize("as_file", [False, True])
def test_standard_output_is_a_place_to_write_to(tmp_path: Path, as_file: bool) -> None:
    """Also where it is a file: that one is not replaced under the feet of who writes to it."""
    MACHINE.save(tmp_path / "m.json")
    with open(tmp_path / "out", "wb") as stream:
        place = (
            {"stdout": stream, "stderr": subprocess.PIPE, "capture_output": False} if as_file else {}
        )
        done = alone("translate", tmp_path / "m.json", "--out", "/dev/stdout", **place)
    assert done.returncode == 0, done.stderr
    out = (tmp_path / "out").read_bytes() if as_file else done.stdout
    document, end = json.JSONDecoder().raw_decode(out.decode())
    assert document["kind"] == "laser-network"
    assert "Network: /dev/stdout" in out.decode()[end:]


@pytest.mark.parametrize("replace", [True, False])
def test_writers_side_by_side(tmp_path: Path, replace: bool) -> None:
    path, told = tmp_path / "one.txt", []
    texts = [str(k) * 500_000 for k in range(6)]

    def write(text: str) -> None:
        try:
            files.write_text(path, text, replace=replace)
        except InvalidInput as error:
            told.append(str(error))

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    seen = []
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            seen.append(path.read_text())
    assert {*seen, path.read_text()} <= set(texts)
    assert len(told) == (0 if replace else 5)
    assert all("exists already" in sentence for sentence in told)
    assert os.listdir(tmp_path) == ["one.txt"]


def test_a_file_that_came_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, fsync = tmp_path / "m.json", os.fsync

    def slow(number: int) -> None:
        path.write_text("precious")
        fsync(number)

    monkeypatch.setattr(os, "fsync", slow)
    with pytest.raises(InvalidInput, match="exists already"):
        MACHINE.save(path, replace=False)
    assert path.read_text() == "precious"
    assert os.listdir(tmp_path) == ["m.json"]


def test_failed_writes_leave_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.json"
    path.write_text("precious")

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInput, match=r"m.json' cannot be written: No space left on device$"):
        MACHINE.save(path)
    assert path.read_text() == "precious"
    assert os.listdir(tmp_path) == ["m.json"]


def test_a_folder_goes_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of removing a store leaves none, not a part that nothing can read."""
    import shutil

    ph.sample(MACHINE, "gibbs", chains=2, draws=30, seed=0, path=tmp_path / "run.zarr")

    def pressed(folder: Path, **_: Any) -> None:
        os.unlink(Path(folder) / "zarr.json")
        raise KeyboardInterrupt

    from photinus.samplers import storage

    monkeypatch.setattr(shutil, "rmtree", pressed)
    with pytest.raises(KeyboardInterrupt):
        storage.remove(tmp_path / "run.zarr")
    assert not (tmp_path / "run.zarr").exists()


def test_impossible_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "loop.json").symlink_to("loop.json")
    network = ph.translate(MACHINE, ph.Calibration.preset())
    run = ph.sample(MACHINE, "gibbs", chains=2, draws=30, seed=0)
    bad = [
        "",
        ".",
        "/",
        "a\0b.json",
        "x" * 300 + ".json",
        "folder.json",
        "file/x.json",
        "no/x.json",
        "loop.json",
    ]
    path: Any
    for path in (*bad, None, 3, b"\0.json"):
        for write in (MACHINE.save, network.save, ph.Calibration.preset().save, run.save):
            with pytest.raises(InvalidInput) as error:
                write(path)
            assert "\n" not in str(error.value)
        for read in (ph.BoltzmannMachine.load, ph.LaserNetwork.load, ph.Calibration.load, ph.load):
            with pytest.raises(InvalidInput):
                read(path)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.json", "loop.json"]


def test_names_of_the_longest_length(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250 + ".json")
    MACHINE.save(path)
    assert ph.BoltzmannMachine.load(path) == MACHINE


@pytest.mark.parametrize("preset", ["fast-absorber", "lif-hcs"])
def test_labels_of_networks_come_back(tmp_path: Path, preset: str) -> None:
    network = ph.translate(MACHINE, ph.Calibration.preset(preset))
    for labels in [((0, 1), (1, (0, "x"))), (np.int64(3), np.str_("a")), (0.5, "½"), (None, True)]:
        given = network.replace(labels=labels)
        given.save(tmp_path / "n.json")
        assert untyped(type(network)).load(tmp_path / "n.json").labels == labels
    for label in (frozenset({1}), 1j, float("nan")):
        with pytest.raises(InvalidInput, match="labels must be text, numbers or tuples"):
            network.replace(labels=("a", label)).save(tmp_path / "n.json")


# Commands


def write_model(folder: Path) -> str:
    MACHINE.save(folder / "m.json")
    return "m.json"


NEIGHBOURS = {
    "sample": (["m.json", "--substrate", "gibbs", "--out", "o.zarr"], ["o.zarr.report.json", "o.zarr"]),
    "translate": (["m.json", "--out", "o.json"], ["o.json"]),
    "refine": (["m.json", "--out", "o.json"], ["o.json", "o.rounds.json"]),
    "calibrate": (["fast-absorber", "--out", "o.json"], ["o.json"]),
    "learn": (["--data", "digits", "--out", "o.npz"], ["o.npz", "o.checkpoint.npz", "o.html"]),
    "report": (["r.zarr", "--out", "o.html"], ["o.html"]),
}


@pytest.mark.parametrize("command", NEIGHBOURS)
def test_every_file_is_asked_for_before_any_work(
    run: Run, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever file of a command is there already, it is refused at once, and kept."""
    write_model(tmp_path)
    ph.sample(MACHINE, "gibbs", chains=4, draws=30, seed=0, path=tmp_path / "r.zarr")

    def work(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("work was begun")

    monkeypatch.setattr("photinus.samplers.sampling.sample", work)
    monkeypatch.setattr("photinus.learning.refinement.refine", work)
    monkeypatch.setattr("photinus.calibration.calibrate", work)
    monkeypatch.setattr("photinus.learning.BoltzmannEstimator.fit", work)
    monkeypatch.setattr("photinus.faces.report.run.run_page", work)
    arguments, files = NEIGHBOURS[command]
    for name in files:
        (tmp_path / name).write_text("precious")
        code, _, err = run(command, *arguments)
        assert code == 2
        assert f"path '{name}' exists already" in err
        assert err.count("\n") == 1
        assert (tmp_path / name).read_text() == "precious"
        (tmp_path / name).unlink()


def test_what_is_advised_where_a_file_exists_can_be_done(run: Run, tmp_path: Path) -> None:
    """Only runs can be resumed; --force and `replace=` are named where there are such."""
    write_model(tmp_path)
    options = ["--substrate", "gibbs", "--chains", 4, "--draws", 30, "--burn-in", 5]
    for arguments in (["sample", "m.json", *options], ["translate", "m.json"]):
        assert run(*arguments)[0] == 0
    told = run("sample", "m.json", *options)[2]
    assert "choose another one; --resume goes on with a run, --force replaces one" in told
    assert run("sample", "m.json", *options, "--resume")[0] == 0
    told = run("translate", "m.json")[2]
    assert told.endswith("choose another one, or replace it with --force\n")
    assert run("translate", "m.json", "--force")[0] == 0
    (tmp_path / "folder").mkdir()
    assert run("translate", "m.json", "--out", "folder")[2].endswith("choose another one\n")
    samples = ph.load(tmp_path / "run.zarr")
    network = ph.LaserNetwork.load(tmp_path / "network.json")
    with pytest.raises(InvalidInput, match="choose another one$"):
        samples.save(tmp_path / "run.zarr")
    with pytest.raises(InvalidInput, match="choose another one, or have it replaced$"):
        network.save(tmp_path / "network.json", replace=False)
    with pytest.raises(InvalidInput, match="or resume it if it holds a run$"):
        ph.sample(samples.machine, "gibbs", chains=4, draws=30, path=tmp_path / "run.zarr")


def test_resume_never_replaces_a_model(run: Run, tmp_path: Path) -> None:
    """With the model m.json beside the store m.zarr: the report has a name of its own."""
    before = (tmp_path / write_model(tmp_path)).read_bytes()
    options = ["--substrate", "gibbs", "--chains", 4, "--draws", 30, "--burn-in", 5, "--out", "m.zarr"]
    for more in ([], ["--resume"]):
        assert run("sample", "m.json", *options, *more)[0] == 0
    assert json.loads((tmp_path / "m.zarr.report.json").read_text())["kind"] == "photinus-report"
    assert (tmp_path / "m.json").read_bytes() == before
    for other in ("precious", '{"kind": "photinus-report", "schema": 1, "store": "other.zarr"}'):
        (tmp_path / "m.zarr.report.json").write_text(other)
        code, _, err = run("sample", "m.json", *options, "--resume")
        assert code == 2
        assert "m.zarr.report.json" in err
        assert (tmp_path / "m.zarr.report.json").read_text() == other


def test_force_replaces_what_photinus_wrote(run: Run, tmp_path: Path) -> None:
    write_model(tmp_path)
    options = ["--substrate", "gibbs", "--chains", 4, "--draws", 30, "--burn-in", 5]
    for seed in (1, 2):
        assert run("sample", "m.json", *options, "--seed", seed, "--force")[0] == 0
        assert ph.load(tmp_path / "run.zarr").attributes["seed_entropy"] == str(seed)
        assert run("translate", "m.json", "--force")[0] == 0
        assert run("report", "run.zarr", "--force")[0] == 0
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_text("precious")
    code, _, err = run("sample", "m.json", *options, "--out", "theirs", "--force")
    assert code == 2
    assert "is not a Zarr store that Photinus wrote" in err
    assert (tmp_path / "theirs" / "file").read_text() == "precious"


def test_study_keeps_a_table_of_others(run: Run, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[sample]\nsubstrate = 'gibbs'\nchains = 4\ndraws = 50\n")
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "table.csv").write_text("precious")
    code, _, err = run("study", "s.toml")
    assert code == 2
    assert "table.csv' exists already" in err
    assert (tmp_path / "s" / "table.csv").read_text() == "precious"


@pytest.mark.parametrize(
    ("why", "again"),
    [
        (InvalidInput("the states of this run would need about 3 GiB of memory"), True),
        (MemoryError(), True),
        (NotConverged("the device fires no spikes"), False),
    ],
)
def test_study_remembers_only_what_a_point_itself_shows(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    why: InvalidInput | MemoryError | NotConverged,
    again: bool,
) -> None:
    from photinus.faces.study import measuring
    from photinus.faces.study.plan import Study

    (tmp_path / "s.toml").write_text("[sample]\nsubstrate = 'gibbs'\nchains = 4\ndraws = 50\n")
    planned = Study.load(tmp_path / "s.toml")

    def failing(*args: ph.BoltzmannMachine | str, **kwargs: Any) -> None:
        raise why

    with monkeypatch.context() as patch:
        patch.setattr(measuring, "sample", failing)
        (first,) = planned.run(tmp_path / "out")
    assert first["failed"]
    (second,) = planned.run(tmp_path / "out")
    assert (second["failed"] is None) == again


def test_labels_are_no_markup(run: Run, tmp_path: Path) -> None:
    write_model(tmp_path)
    code, out, _ = run("translate", "m.json")
    assert code == 0
    for label in MACHINE.labels:
        assert str(label) in out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_without_all_letters(tmp_path: Path, encoding: str) -> None:
    ph.BoltzmannMachine([[0, 1.0], [1.0, 0]], [0.5, -1], ["Ω½", "b"]).save(tmp_path / "m.json")
    for command, status in ((["translate", "m.json"], 0), (["translate", "m.json"], 2)):
        done = alone(*command, cwd=tmp_path, env={"PYTHONIOENCODING": encoding})
        assert b"Traceback" not in done.stderr
        assert done.returncode == status


def test_output_that_nobody_takes(tmp_path: Path) -> None:
    """A closed pipe, a full disk, no output at all: what was computed is there, and no traceback."""
    write_model(tmp_path)
    shell = (
        f"{sys.executable} -c 'from photinus.faces.cli import main; main()' translate m.json --force "
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(ph.__file__).parents[1])}
    for end in ("| true", "> /dev/full", ">&-", "2>&-", "> /dev/full 2>&1"):
        (tmp_path / "network.json").unlink(missing_ok=True)
        done = subprocess.run(
            ["bash", "-c", shell + end], cwd=tmp_path, env=environment, capture_output=True, timeout=120
        )
        assert b"Traceback" not in done.stderr, end
        assert b"Exception ignored" not in done.stderr, end
        assert ph.LaserNetwork.load(tmp_path / "network.json").n_units == 2


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["sampel", "m.json"], "Did you mean 'sample'?"),
        (["sample"], "Missing argument"),
        (["sample", "m.json", "--drwas", 3], "--draws"),
        (["sample", "m.json", "--draws", "x"], "--draws"),
        (["sample", "m.json", "more"], "more"),
        (["sample", "m.json", "--out", "."], "path must name a file"),
        (["sample", "m.json", "--out", ""], "path must name a file"),
        (["sample", "m.json", "--out", ".."], "exists already"),
        (["sample", "m.json", "--out", "m.json/x"], "Not a directory"),
        (["translate", "m.json", "--out", ""], "path must name a file"),
        (["refine", "m.json", "--out", "."], "path must name a file"),
        (["calibrate", "fast-absorber", "--out", ""], "path must name a file"),
        (["report", "m.json"], "is not a Zarr store"),
        (["report", ""], "path must name a file"),
        (["ledger", "none"], "does not exist"),
        (["study", "."], "path must name a file"),
        (["study", "m.json"], "is not TOML"),
        (["dream", "m.json", "--out", ""], "path must name a file"),
        (["complete", "m.json", "--out", "m.json/x"], "Not a directory"),
        (["demo", "--out", "m.json/x"], "Not a directory"),
        (["info", "more"], "more"),
    ],
)
def test_bad_arguments_are_one_line(
    run: Run, tmp_path: Path, arguments: list[int | str], part: str
) -> None:
    write_model(tmp_path)
    code, out, err = run(*arguments)
    assert code == 2
    assert part in err
    assert err.startswith("photinus: ")
    assert err.count("\n") == 1
    assert out == ""
    assert os.listdir(tmp_path) == ["m.json"]


def test_interrupted_commands_say_so(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path)

    def pressed(*args: ph.BoltzmannMachine | ph.Calibration, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("photinus.learning.refinement.refine", pressed)
    code, _, err = run("refine", "m.json")
    assert (code, err) == (130, "photinus: stopped\n")


def test_report_of_a_run_without_draws(run: Run, tmp_path: Path) -> None:
    class Stop:
        def start(self, description: str, total: float) -> None: ...
        def stop(self) -> None: ...
        def advance(self, amount: float) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ph.sample(MACHINE, chains=4, draws=40, burn_in=5, path=tmp_path / "r.zarr", progress=Stop())
    assert ph.load(tmp_path / "r.zarr").draws == 0
    code, _, _ = run("report", "r.zarr")
    assert code == 0
    assert "4 chains of 0 draws" in (tmp_path / "r.html").read_text()


def test_package_says_that_it_is_typed() -> None:
    assert (Path(ph.__file__).parent / "py.typed").exists()


def test_long_documents_are_written_without_a_second_copy(tmp_path: Path) -> None:
    path, numbers = tmp_path / "long.json", np.random.default_rng(1).random((20_000, 3)).tolist()
    tracemalloc.start()
    files.write_json(path, {"kind": numbers})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.read_text() == json.dumps({"kind": numbers}, indent=1) + "\n"
    assert peak < 3 * path.stat().st_size
