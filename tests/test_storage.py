"""Stores: what is written comes back, whatever stopped the run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import tracemalloc
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from zarr.core.array import Array

import photinus as ph
from photinus import BoltzmannMachine
from photinus.engines.laser.simulator import TIME_STEP
from photinus.errors import InvalidInput
from photinus.machines import coupled
from photinus.samplers import abstract, spiking, storage
from photinus.samplers.sampling import Interrupted
from photinus.samplers.storage import arrays
from tests.narrow import lasers, there, untyped

CHAINS, DRAWS, BURN_IN = 3, 15, 4
ARGUMENTS: dict[str, Any] = {"chains": CHAINS, "draws": DRAWS, "burn_in": BURN_IN, "seed": 5}
MACHINE = BoltzmannMachine(
    [[0, 0.8, -0.5], [0.8, 0, 0.3], [-0.5, 0.3, 0]], [0.2, -0.4, 0.1], ["grass is wet", -7, "Ω/2"]
)
DRAWS_PER_PIECE = 3


class Impatient:
    """A progress display at which somebody presses Ctrl-C (or worse) after `left` draws."""

    def __init__(self, left: float, stop: type[KeyboardInterrupt] = KeyboardInterrupt) -> None:
        self.left, self.why = left, stop

    def start(self, description: str, total: float) -> None:
        pass

    def advance(self, amount: float) -> None:
        self.left -= amount
        if self.left < 0:
            raise self.why

    def stop(self) -> None:
        pass


def steps_per_piece() -> float:
    window = ph.Calibration.preset().window
    return 1.01 * DRAWS_PER_PIECE * CHAINS * MACHINE.n_units * window / TIME_STEP


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let lasers be stored every few draws."""
    monkeypatch.setattr(spiking, "LASER_STEPS_PER_PIECE", steps_per_piece())


@pytest.fixture(scope="module")
def whole() -> ph.Samples:
    """The run that nobody interrupted."""
    return ph.sample(MACHINE, "laser", **ARGUMENTS)


def assert_same(a: ph.Samples, b: ph.Samples) -> None:
    assert a.machine == b.machine
    assert np.array_equal(a.states, b.states)
    assert a.states.dtype == b.states.dtype
    assert (a.substrate, a.burn_in, a.window, a.complete) == (
        b.substrate,
        b.burn_in,
        b.window,
        b.complete,
    )
    assert dict(a.attributes) == dict(b.attributes)
    assert list(a.clamp) == list(b.clamp)
    assert all(np.array_equal(a.clamp[label], b.clamp[label]) for label in a.clamp)
    assert (a.spikes is None) == (b.spikes is None)
    if a.spikes is not None and b.spikes is not None:
        for name in ("chain", "unit", "time"):
            x, y = getattr(a.spikes, name), getattr(b.spikes, name)
            assert np.array_equal(x, y)
            assert x.dtype == y.dtype
        assert (a.spikes.labels, a.spikes.chains) == (b.spikes.labels, b.spikes.chains)
        assert a.spikes.start == pytest.approx(b.spikes.start)
        assert a.spikes.stop == pytest.approx(b.spikes.stop)
    assert (a.network is None) == (b.network is None)
    if a.network is not None:
        for name in untyped(a.network).__dataclass_fields__:
            x, y = getattr(a.network, name), getattr(b.network, name)
            assert np.array_equal(x, y) if isinstance(x, np.ndarray) else x == y


@pytest.mark.parametrize("substrate", ["laser", "lif", "gibbs", "exact", "ideal"])
@pytest.mark.parametrize(
    "clamp", [{}, {-7: 1}, {"Ω/2": np.array([1, 0, 1])}], ids=["free", "all", "each"]
)
def test_round_trip(
    tmp_path: Path, substrate: str, clamp: dict[int | str, NDArray[np.int64] | int]
) -> None:
    samples = ph.sample(MACHINE, substrate, **ARGUMENTS, clamp=clamp)
    samples.save(tmp_path / "saved.zarr")
    written = ph.sample(MACHINE, substrate, **ARGUMENTS, clamp=clamp, path=tmp_path / "run.zarr")
    for loaded in (ph.load(tmp_path / "saved.zarr"), ph.load(str(tmp_path / "run.zarr")), written):
        assert_same(loaded, samples)
        assert loaded.pair_moments() == pytest.approx(samples.pair_moments())
        if "Ω/2" not in clamp:
            assert loaded.fidelity() == samples.fidelity()
            assert np.array_equal(loaded.joint(), samples.joint())


def test_ideal_spikes_begin_where_they_say(tmp_path: Path) -> None:
    samples = ph.sample(MACHINE, "ideal", **ARGUMENTS, path=tmp_path / "run.zarr")
    loaded = ph.load(tmp_path / "run.zarr")
    spikes = there(loaded.spikes)
    assert spikes.time.min() >= spikes.start
    assert np.array_equal(spikes.rates(), there(samples.spikes).rates())


def test_saving_leaves_nothing_else(tmp_path: Path, whole: ph.Samples) -> None:
    whole.save(tmp_path / "a.zarr")
    assert os.listdir(tmp_path) == ["a.zarr"]
    ph.load(tmp_path / "a.zarr").save(tmp_path / "b.zarr")
    assert_same(ph.load(tmp_path / "b.zarr"), whole)


def test_network_with_arrays_comes_back(tmp_path: Path) -> None:
    network = lasers(ph.translate(MACHINE, ph.Calibration.preset(), delay=np.full((3, 3), 2e-11)))
    network = network.replace(detection_threshold=network.detection_threshold * np.array([1, 0.9, 1.1]))
    samples = ph.sample(MACHINE, "laser", **ARGUMENTS, network=network)
    samples.save(tmp_path / "a.zarr")
    assert_same(ph.load(tmp_path / "a.zarr"), samples)


# Other readers


def opened(path: Path) -> xr.DataTree:
    import xarray

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = xarray.open_datatree(path, engine="zarr")
        tree.load()
    return tree


@pytest.mark.parametrize("substrate", ["ideal", "gibbs", "exact"])
@pytest.mark.parametrize("way", ["save", "path"])
def test_xarray_reads_what_to_datatree_gives(tmp_path: Path, substrate: str, way: str) -> None:
    import xarray

    path = tmp_path / "a.zarr"
    samples = ph.sample(MACHINE, substrate, **ARGUMENTS, path=path if way == "path" else None)
    if way == "save":
        samples.save(path)
    xarray.testing.assert_equal(opened(path), samples.to_datatree())


@pytest.mark.parametrize("substrate", ["gibbs", "exact"])
@pytest.mark.parametrize("group", ["posterior", "sample_stats", "target"])
def test_xarray_reads_each_group(tmp_path: Path, substrate: str, group: str) -> None:
    import xarray

    samples = ph.sample(MACHINE, substrate, **ARGUMENTS, path=tmp_path / "a.zarr")
    tree, expected = opened(tmp_path / "a.zarr"), samples.to_datatree()
    xarray.testing.assert_equal(tree[group].to_dataset(), expected[group].to_dataset())
    assert tree["posterior/z"].dims == ("chain", "draw", "unit")
    assert untyped(tree["posterior/unit"].values).tolist() == ["grass is wet", "-7", "Ω/2"]


@pytest.mark.parametrize("group", ["posterior", "sample_stats", "target", "spikes"])
def test_xarray_reads_each_group_of_a_laser_run(tmp_path: Path, whole: ph.Samples, group: str) -> None:
    import xarray

    whole.save(tmp_path / "a.zarr")
    tree = opened(tmp_path / "a.zarr")
    xarray.testing.assert_equal(tree[group].to_dataset(), whole.to_datatree()[group].to_dataset())
    if group == "posterior":
        assert tree["posterior/time"].attrs["units"] == "s"
        expected = (BURN_IN + np.arange(DRAWS) + 1) * there(whole.window)
        assert tree["posterior/time"].values == pytest.approx(expected)


def test_network_of_the_tree_is_that_of_the_store(tmp_path: Path, whole: ph.Samples) -> None:
    import xarray

    whole.save(tmp_path / "a.zarr")
    xarray.testing.assert_equal(opened(tmp_path / "a.zarr"), whole.to_datatree())


def test_arviz_reads_a_complete_run(tmp_path: Path) -> None:
    import arviz_stats.base

    ph.sample(MACHINE, "gibbs", chains=4, draws=100, burn_in=10, seed=1, path=tmp_path / "a")
    z = opened(tmp_path / "a")["posterior/z"]
    chain, draw = (tuple(z.dims).index(name) for name in ("chain", "draw"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stats = arviz_stats.base.array_stats  # type: ignore[attr-defined]
        ess = stats.ess(z.values, chain_axis=chain, draw_axis=draw, method="mean")
        rhat = stats.rhat(z.values, chain_axis=chain, draw_axis=draw)
    assert ess.shape == rhat.shape == (3,)
    assert (ess > 50).all()
    assert (rhat < 1.2).all()


def test_energy_is_stored(tmp_path: Path, whole: ph.Samples) -> None:
    whole.save(tmp_path / "a.zarr")
    found = untyped(opened(tmp_path / "a.zarr")["sample_stats/energy"].values)
    assert np.array_equal(found, MACHINE.energy(whole.states))


# Interruptions


@pytest.mark.parametrize("after", [0, BURN_IN + 1, BURN_IN + 7, BURN_IN + DRAWS - 1])
@pytest.mark.parametrize("clamp", [{}, {-7: [0, 1, 1]}], ids=["free", "clamped"])
def test_interrupted_run_is_readable_and_resumes_to_the_same_result(
    tmp_path: Path, pieces: None, after: int, clamp: dict[int | str, list[int]]
) -> None:
    path = tmp_path / "run.zarr"
    with pytest.raises(Interrupted) as stop:
        ph.sample(MACHINE, **ARGUMENTS, clamp=clamp, path=path, progress=Impatient(after))
    # A piece is an amount of work: with one of three lasers clamped it has more draws.
    per_piece = DRAWS_PER_PIECE + bool(clamp)
    kept = max(0, after - BURN_IN) // per_piece * per_piece
    part = ph.load(path)
    assert not part.complete
    assert part.states.shape == (CHAINS, kept, 3)
    if kept:
        assert_same(there(stop.value.samples), part)
        assert part.marginals().shape == (3,)
    else:
        assert stop.value.samples is None
    resumed = ph.sample(MACHINE, **ARGUMENTS, clamp=clamp, path=path, resume=True)
    complete = ph.sample(MACHINE, **ARGUMENTS, clamp=clamp)
    assert_same(resumed, complete)
    assert_same(ph.load(path), complete)
    opened(path)
    assert not (path / "checkpoint").exists()


def test_interrupted_again_and_again(tmp_path: Path, pieces: None, whole: ph.Samples) -> None:
    path = tmp_path / "run.zarr"
    for _ in range(20):
        try:
            ph.sample(MACHINE, **ARGUMENTS, path=path, resume=True, progress=Impatient(_seen(path)))
            break
        except Interrupted:
            pass
    else:
        pytest.fail("no progress from one resumption to the next")
    assert_same(ph.load(path), whole)


def _seen(path: Path) -> int:
    """Progress that lets about two more pieces through."""
    done = ph.load(path).draws if path.exists() else 0
    return BURN_IN + done + 2 * DRAWS_PER_PIECE + 1


def test_resuming_a_complete_run_gives_it_back(tmp_path: Path, pieces: None, whole: ph.Samples) -> None:
    path = tmp_path / "run.zarr"
    ph.sample(MACHINE, **ARGUMENTS, path=path)
    assert_same(ph.sample(MACHINE, **ARGUMENTS, path=path, resume=True), whole)


def test_resuming_what_is_not_there_starts_it(tmp_path: Path, whole: ph.Samples) -> None:
    assert_same(ph.sample(MACHINE, **ARGUMENTS, path=tmp_path / "a", resume=True), whole)


def test_fresh_entropy_is_taken_from_the_store(tmp_path: Path, pieces: None) -> None:
    path = tmp_path / "run.zarr"
    arguments = {**ARGUMENTS, "seed": None}
    with pytest.raises(Interrupted):
        ph.sample(MACHINE, **arguments, path=path, progress=Impatient(BURN_IN + 7))
    resumed = ph.sample(MACHINE, **arguments, path=path, resume=True)
    seed = int(resumed.attributes["seed_entropy"])
    assert_same(resumed, ph.sample(MACHINE, **{**ARGUMENTS, "seed": seed}))


class PowerCut(Exception):
    pass


@pytest.mark.parametrize("writes", [0, 4, 10, 17, 26, 38])
def test_run_that_dies_while_it_writes(
    tmp_path: Path, pieces: None, whole: ph.Samples, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Nine arrays are placed per piece; half way through any of them nothing of it counts."""
    path, place = tmp_path / "run.zarr", arrays.place
    done: list[str] = []

    def failing(array: Array, values: NDArray[Any], first: int, axis: int = 0) -> None:  # type: ignore[type-arg]
        if len(done) == writes:
            # What a kill in the middle leaves: resized, and only some of it written.
            place(array, np.zeros_like(values), first, axis)
            raise PowerCut
        done.append(array.path)
        place(array, values, first, axis)

    with monkeypatch.context() as patch:
        patch.setattr(arrays, "place", failing)
        with pytest.raises(PowerCut):
            ph.sample(MACHINE, **ARGUMENTS, path=path)
    per_piece = 9  # z, energy, twice (draw, time), three of spikes
    part = ph.load(path)
    assert not part.complete
    assert part.draws == writes // per_piece * DRAWS_PER_PIECE
    assert np.array_equal(part.states, whole.states[:, : part.draws])
    assert_same(ph.sample(MACHINE, **ARGUMENTS, path=path, resume=True), whole)
    assert_same(ph.load(path), whole)
    opened(path)


@pytest.mark.parametrize("commits", [1, 2, 4])
def test_run_that_dies_before_a_piece_counts(
    tmp_path: Path, pieces: None, whole: ph.Samples, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    """Everything of a piece is written, checkpoint included, but the header does not say so yet."""
    path, commit = tmp_path / "run.zarr", storage.RunStore._commit
    done: list[int] = []

    def failing(self: Any) -> None:
        if len(done) == commits:
            raise PowerCut
        done.append(1)
        commit(self)

    with monkeypatch.context() as patch:
        patch.setattr(storage.RunStore, "_commit", failing)
        with pytest.raises(PowerCut):
            ph.sample(MACHINE, **ARGUMENTS, path=path)
    assert ph.load(path).draws == (commits - 1) * DRAWS_PER_PIECE
    assert_same(ph.sample(MACHINE, **ARGUMENTS, path=path, resume=True), whole)
    assert_same(ph.load(path), whole)


def test_run_that_dies_after_its_last_piece(
    tmp_path: Path, pieces: None, whole: ph.Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left to do then is tidying up."""
    import zarr

    def failing(*args: Any, **kwargs: Any) -> None:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(zarr, "consolidate_metadata", failing)
        with pytest.raises(PowerCut):
            ph.sample(MACHINE, **ARGUMENTS, path=tmp_path / "run.zarr")
    assert_same(ph.load(tmp_path / "run.zarr"), whole)
    assert_same(ph.sample(MACHINE, **ARGUMENTS, path=tmp_path / "run.zarr", resume=True), whole)


def test_killed_process(tmp_path: Path, whole: ph.Samples) -> None:
    """SIGKILL in the middle of the third piece: no handler runs, no buffer is flushed."""
    program = f"""
import os, signal
import photinus as ph
from photinus.samplers.storage import arrays
from tests import test_storage as t
t.spiking.LASER_STEPS_PER_PIECE = t.steps_per_piece()
place, calls = arrays.place, []
def failing(array, values, first, axis=0):
    calls.append(1)
    place(array, values, first, axis)
    if len(calls) == 22:
        os.kill(os.getpid(), signal.SIGKILL)
arrays.place = failing
ph.sample(t.MACHINE, **t.ARGUMENTS, path={str(tmp_path / "run.zarr")!r})
"""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.path.join(root, "src"), root])}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    part = ph.load(tmp_path / "run.zarr")
    assert not part.complete
    assert part.draws == 6
    assert np.array_equal(part.states, whole.states[:, :6])
    assert_same(ph.sample(MACHINE, **ARGUMENTS, path=tmp_path / "run.zarr", resume=True), whole)
    assert_same(ph.load(tmp_path / "run.zarr"), whole)


def test_control_c_waits_for_the_piece_that_is_being_written(
    tmp_path: Path, pieces: None, whole: ph.Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, place, calls = tmp_path / "run.zarr", arrays.place, []

    def pressed(array: Array, values: NDArray[Any], first: int, axis: int = 0) -> None:  # type: ignore[type-arg]
        calls.append(1)
        if len(calls) == 12:
            os.kill(os.getpid(), signal.SIGINT)
        place(array, values, first, axis)

    with monkeypatch.context() as patch:
        patch.setattr(arrays, "place", pressed)
        with pytest.raises(Interrupted) as stop:
            ph.sample(MACHINE, **ARGUMENTS, path=path)
    assert there(stop.value.samples).draws == 6
    assert_same(ph.load(path), there(stop.value.samples))
    assert_same(ph.sample(MACHINE, **ARGUMENTS, path=path, resume=True), whole)


def test_an_alarm_waits_for_the_piece_that_is_being_written(
    tmp_path: Path, pieces: None, whole: ph.Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `TimeoutError` is an error of the system by class; it must not read as one of the disk."""
    path, place, calls = tmp_path / "run.zarr", arrays.place, []

    def late(array: Array, values: NDArray[Any], first: int, axis: int = 0) -> None:  # type: ignore[type-arg]
        calls.append(1)
        if len(calls) == 12:
            signal.raise_signal(signal.SIGALRM)
        place(array, values, first, axis)

    def answer(number: int, frame: Any) -> None:
        raise TimeoutError("time is up")

    before = signal.signal(signal.SIGALRM, answer)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(arrays, "place", late)
            with pytest.raises(TimeoutError, match=r"^time is up$"):
                ph.sample(MACHINE, **ARGUMENTS, path=path)
        assert signal.getsignal(signal.SIGALRM) is answer
    finally:
        signal.signal(signal.SIGALRM, before)
    assert ph.load(path).draws == 6
    assert_same(ph.sample(MACHINE, **ARGUMENTS, path=path, resume=True), whole)


def test_gibbs_run_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stored in pieces, too; whole, it is one piece."""
    arguments: dict[str, Any] = {**ARGUMENTS, "draws": 40, "clamp": {"Ω/2": [0, 1, 1]}}
    complete = ph.sample(MACHINE, "gibbs", **arguments)
    monkeypatch.setattr(abstract, "UNIT_UPDATES_PER_PIECE", 10 * CHAINS * 3)
    path = tmp_path / "run.zarr"
    with pytest.raises(Interrupted):
        ph.sample(MACHINE, "gibbs", **arguments, path=path, progress=Impatient(BURN_IN + 25))
    assert ph.load(path).draws == 20
    assert_same(ph.sample(MACHINE, "gibbs", **arguments, path=path, resume=True), complete)
    assert_same(ph.load(path), complete)


def test_saved_part_of_a_run_is_readable_but_not_resumed(tmp_path: Path, pieces: None) -> None:
    """It has no checkpoint to go on from, and says so instead of adding to what it has."""
    with pytest.raises(Interrupted) as stop:
        ph.sample(MACHINE, **ARGUMENTS, progress=Impatient(BURN_IN + 7))
    path = tmp_path / "part.zarr"
    there(stop.value.samples).save(path)
    with pytest.raises(InvalidInput, match="cannot be resumed: it was saved without a checkpoint$"):
        ph.sample(MACHINE, **ARGUMENTS, path=path, resume=True)
    assert_same(ph.load(path), there(stop.value.samples))


@pytest.fixture(scope="module")
def stopped_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was interrupted, for all tests."""
    path = tmp_path_factory.mktemp("stopped") / "run.zarr"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(spiking, "LASER_STEPS_PER_PIECE", steps_per_piece())
        ph.sample(MACHINE, **ARGUMENTS, path=path, progress=Impatient(BURN_IN + 7))
    return path


@pytest.fixture
def stopped(tmp_path: Path, pieces: None, stopped_once: Path) -> Path:
    """A run that was interrupted."""
    return shutil.copytree(stopped_once, tmp_path / "run.zarr")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chains": 4}, "^resume needs .*: chains was 3, got 4$"),
        ({"draws": 30}, "^resume needs .*: draws_requested was 15, got 30$"),
        ({"burn_in": 5}, "^resume needs .*: burn_in was 4, got 5$"),
        ({"seed": 6}, "^resume needs .*: seed_entropy was '5', got '6'$"),
        ({"substrate": "gibbs"}, "^resume needs .*: substrate was 'laser', got 'gibbs'$"),
        ({"rule": "linear"}, "^resume needs .*: rule was 'auto', got 'linear'$"),
        ({"time_step": TIME_STEP / 2}, "^resume needs .*: time_step was "),
        ({"clamp": {-7: 1}}, "^resume needs .*: evidence was "),
        ({"clamp_mode": "laser"}, "^resume needs .*: evidence_mode was 'pump', got 'laser'$"),
        ({"machine": BoltzmannMachine(np.zeros((3, 3)), [0, 0, 0])}, "^resume needs .*: labels was "),
        (
            {"machine": BoltzmannMachine(MACHINE.weights * 2, MACHINE.biases, MACHINE.labels)},
            "^resume needs the machine of the stored run, got another one$",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_resuming_with_other_arguments_is_refused(
    stopped: Path, changes: dict[str, Any], message: str
) -> None:
    arguments: dict[str, Any] = {"machine": MACHINE, **ARGUMENTS, **changes}
    with pytest.raises(InvalidInput, match=message):
        ph.sample(**arguments, path=stopped, resume=True)
    # And nothing was harmed.
    assert ph.load(stopped).draws == 6


def test_resuming_with_another_network_is_refused(stopped: Path) -> None:
    """Same rule, device and machine, but a delay: another experiment."""
    network = lasers(ph.load(stopped).network).replace(delay=1e-10)
    first = stopped.with_name("network.zarr")
    arguments: dict[str, Any] = {**ARGUMENTS, "network": ph.load(stopped).network}
    with pytest.raises(Interrupted):
        ph.sample(MACHINE, **arguments, path=first, progress=Impatient(BURN_IN + 7))
    with pytest.raises(InvalidInput, match="^resume needs the network of the stored run"):
        ph.sample(MACHINE, **{**arguments, "network": network}, path=first, resume=True)


# Paths


def test_existing_paths_are_kept(tmp_path: Path, whole: ph.Samples) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder"):
        with pytest.raises(InvalidInput, match=rf"^path .*{name}' exists already"):
            whole.save(tmp_path / name)
        with pytest.raises(InvalidInput, match=rf"^path .*{name}' exists already"):
            ph.sample(MACHINE, "gibbs", **ARGUMENTS, path=tmp_path / name)
        with pytest.raises(InvalidInput, match=r"is not a Zarr store that Photinus wrote$"):
            ph.sample(MACHINE, "gibbs", **ARGUMENTS, path=tmp_path / name, resume=True)
    assert (tmp_path / "file").read_text() == "precious"
    assert os.listdir(tmp_path / "folder") == []


def test_missing_folders_are_named(tmp_path: Path, whole: ph.Samples) -> None:
    for write in (
        whole.save,
        lambda path: ph.sample(MACHINE, "gibbs", **ARGUMENTS, path=path),
    ):
        with pytest.raises(InvalidInput, match=r"^path .* cannot be written: .*none' is no folder$"):
            write(tmp_path / "none" / "run.zarr")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_unwritable_folders_are_named(
    tmp_path: Path, whole: ph.Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write anywhere, so what the system answers is feigned.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    message = "^path .* cannot be written: no permission in its folder$"
    with pytest.raises(InvalidInput, match=message):
        whole.save(tmp_path / "run.zarr")
    with pytest.raises(InvalidInput, match=message):
        ph.sample(MACHINE, "gibbs", **ARGUMENTS, path=tmp_path / "run.zarr")


def full(*args: Any, **kwargs: Any) -> None:
    raise OSError(28, "No space left on device")


def test_failed_save_leaves_nothing(
    tmp_path: Path, whole: ph.Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "place", full)
    with pytest.raises(ph.PhotinusError, match=r"cannot be written: No space left on device"):
        whole.save(tmp_path / "run.zarr")
    assert os.listdir(tmp_path) == []


def test_failed_save_names_the_path_that_was_asked_for(
    tmp_path: Path, whole: ph.Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "place", full)
    message = r"^path .*/run.zarr' cannot be written: No space left on device$"
    with pytest.raises(ph.PhotinusError, match=message):
        whole.save(tmp_path / "run.zarr")


def test_disk_that_fills_up_during_a_run_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "place", full)
    with pytest.raises(ph.PhotinusError, match=r"No space left on device"):
        ph.sample(MACHINE, "gibbs", **ARGUMENTS, path=tmp_path / "run.zarr")


def test_refused_run_leaves_no_store(tmp_path: Path) -> None:
    machine = BoltzmannMachine(1 - np.eye(60), np.zeros(60))  # too wide to be exact
    with pytest.raises(InvalidInput):
        ph.sample(machine, "exact", **ARGUMENTS, path=tmp_path / "run.zarr")
    assert os.listdir(tmp_path) == []


# Damage


@pytest.fixture(scope="module")
def store_once(tmp_path_factory: pytest.TempPathFactory, whole: ph.Samples) -> Path:
    path = tmp_path_factory.mktemp("store") / "run.zarr"
    whole.save(path)
    return path


@pytest.fixture
def store(tmp_path: Path, store_once: Path) -> Path:
    return shutil.copytree(store_once, tmp_path / "run.zarr")


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"^run .*none' does not exist$"):
        ph.load(tmp_path / "none")
    (tmp_path / "file").write_bytes(b"\0\1\2")
    (tmp_path / "folder").mkdir()
    import zarr

    zarr.create_group(tmp_path / "other")
    for name in ("file", "folder", "other"):
        with pytest.raises(InvalidInput, match=r"^run .* is not a Zarr store that Photinus wrote$"):
            ph.load(tmp_path / name)


def header_of(store: Path) -> dict[str, Any]:
    return json.loads(json.loads((store / "zarr.json").read_text())["attributes"]["photinus"])


def edit_header(store: Path, drop: list[str] | tuple[Any, ...] = (), **changes: Any) -> None:
    """Change the header of a store as somebody would who knows of its checksum."""
    document = json.loads((store / "zarr.json").read_text())
    header = {k: v for k, v in (header_of(store) | changes).items() if k not in drop}
    text = json.dumps(header)
    document["attributes"] = {"photinus": text, "photinus_crc32": zlib.crc32(text.encode())}
    (store / "zarr.json").write_text(json.dumps(document))


@pytest.mark.parametrize("schema", [4, 0, "1", None])
def test_schemas_of_other_versions_are_refused(store: Path, schema: int | str | None) -> None:
    edit_header(store, schema=schema)
    with pytest.raises(InvalidInput, match=r"must have a schema from 1 to 3, got .*newer version"):
        ph.load(store)
    with pytest.raises(InvalidInput, match=r"must have a schema from 1 to 3"):
        ph.sample(MACHINE, **ARGUMENTS, path=store, resume=True)


def test_truncated_root_is_refused(store: Path) -> None:
    text = (store / "zarr.json").read_text()
    for length in (0, 1, len(text) // 2):
        (store / "zarr.json").write_text(text[:length])
        with pytest.raises(InvalidInput, match=r"is not a Zarr store that Photinus wrote$"):
            ph.load(store)


@pytest.mark.parametrize("group", ["posterior/z", "target/weights", "spikes/time", "network/pump"])
def test_missing_arrays_are_one_sentence(store: Path, group: str) -> None:
    # Without the summary that Zarr keeps of all its arrays, which would still name it.
    document = json.loads((store / "zarr.json").read_text())
    document.pop("consolidated_metadata")
    (store / "zarr.json").write_text(json.dumps(document))
    shutil.rmtree(store / group)
    with pytest.raises(InvalidInput, match=r"^run .*run.zarr' is damaged: "):
        ph.load(store)


@pytest.mark.parametrize("array", ["posterior/z", "target/weights", "spikes/time"])
def test_garbage_in_a_chunk_is_one_sentence(store: Path, array: str) -> None:
    chunk = next(p for p in sorted((store / array / "c").rglob("*")) if p.is_file())
    chunk.write_bytes(b"\xff\0garbage")
    with pytest.raises(InvalidInput, match=r"^run .*run.zarr' is damaged: "):
        ph.load(store)


@pytest.mark.parametrize("array", ["posterior/z", "spikes/time"])
def test_missing_chunks_are_noticed(store: Path, array: str) -> None:
    shutil.rmtree(store / array / "c")
    with pytest.raises(InvalidInput, match=r"is damaged"):
        ph.load(store)


@pytest.mark.parametrize(
    "changes", [{"draws": "x"}, {"labels": ["a"]}, {"window": None}, {"network": {}}, {"clamp": 3}]
)
def test_damaged_headers_are_one_sentence(store: Path, changes: dict[str, Any]) -> None:
    edit_header(store, **changes)
    with pytest.raises(InvalidInput, match=r"^(run .*is damaged: |file |labels )"):
        ph.load(store)


def test_other_errors_of_a_damaged_store_never_come_through(store: Path) -> None:
    text = (store / "zarr.json").read_text()
    for name in header_of(store):
        (store / "zarr.json").write_text(text)
        edit_header(store, drop=[name])
        with pytest.raises(InvalidInput):
            ph.load(store)


# Every value


@pytest.mark.parametrize(
    ("array", "place", "value"),
    [
        ("posterior/z", (0, 0, 0), 9),
        ("posterior/z", (2, 3, 1), None),
        ("sample_stats/energy", (0, 1), 1.5),
        ("target/weights", (0, 1), 0.9),
        ("target/biases", 0, 7.0),
        ("spikes/unit", 0, 131072),
        ("spikes/chain", 0, -1),
        ("spikes/time", 0, 1.0),
        ("network/pump", 1, 1.0),
    ],
)
def test_a_changed_value_is_found(
    store: Path, array: str, place: int | tuple[int, ...], value: float | None
) -> None:
    """None: the other one of two values that are both allowed, which only a checksum can tell."""
    import zarr

    found: Any = zarr.open_group(store, mode="r+")[array]
    found[place] = 1 - found[place] if value is None else value
    with pytest.raises(InvalidInput, match=rf"^run .* is damaged: .*{array.split('/')[1]}"):
        ph.load(store)


def test_a_changed_letter_of_the_header_is_found(store: Path) -> None:
    text = (store / "zarr.json").read_text()
    for old, new in (("grass", "glass"), ('\\"burn_in\\": 4', '\\"burn_in\\": 3')):
        assert old in text
        (store / "zarr.json").write_text(text.replace(old, new))
        with pytest.raises(InvalidInput, match="header is not what was written"):
            ph.load(store)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"draws": -1}, "draws must be at least 0"),
        ({"draws": 10**6}, "entries of 1000000"),
        ({"spikes": 10**9}, "entries of 1000000000"),
        ({"chains": 2}, "states are uint8 of shape"),
        ({"chains": True}, "chains must be a whole number"),
        ({"window": float("inf")}, "window must be finite"),
        ({"window": -1.0}, "window must be above 0"),
        ({"clamp": [["rain", 1]]}, "known unit must be one of"),
        ({"clamp": [[-7, 2]]}, "must be 0 or 1"),
        ({"clamp": [[-7, [0, 1]]]}, "one per chain"),
        ({"labels": ["a", "a", "b"]}, "labels must differ"),
        ({"attributes": 3}, "attributes must not be 3"),
        ({"complete": "yes"}, "complete must not be 'yes'"),
        ({"tempering": {"hottest": 0.5, "period": 40}}, "hottest must be at least 1"),
        ({"tempering": {"hot": 2}}, "damaged"),
        ({"checksums": {}}, "not what was written"),
    ],
)
def test_values_of_the_header_are_checked(store: Path, changes: dict[str, Any], message: str) -> None:
    edit_header(store, **changes)
    with pytest.raises(InvalidInput, match=message):
        ph.load(store)


def test_damaged_checkpoint_is_not_gone_on_with(stopped: Path) -> None:
    import zarr

    slot = header_of(stopped)["checkpoint"]
    group: Any = zarr.open_group(stopped, mode="r+")[f"checkpoint/{slot}"]
    name = next(n for n, a in sorted(group.arrays()) if a.dtype.kind == "f" and a.size)
    array = group[name]
    array[...] = np.asarray(array[...]) + 1
    with pytest.raises(InvalidInput, match="its checkpoint is damaged$"):
        ph.sample(MACHINE, **ARGUMENTS, path=stopped, resume=True)
    assert ph.load(stopped).draws == 6


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files as version 0.1.0 wrote them before stores had checksums; see `test_older_*`."""
    folder = tmp_path_factory.mktemp("older")
    with tarfile.open(Path(__file__).parent / "data" / "schema-1.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def test_older_store_loads(older: Path) -> None:
    found = ph.load(older / "laser.zarr")
    assert found.machine == MACHINE
    assert (found.chains, found.draws, found.burn_in, found.complete) == (2, 6, 2, True)
    # Evidence on the unit -7, another one in each chain.
    assert found.clamp[-7].tolist() == [1, 0]
    assert found.states[0, :, 1].all()
    assert not found.states[1, :, 1].any()
    assert len(there(found.spikes)) == len(there(found.spikes).time) > 0
    assert there(found.network).labels == MACHINE.labels


def test_older_stopped_store_is_kept(older: Path, tmp_path: Path) -> None:
    """Its chains started otherwise: it is read, and not mixed with draws of this version."""
    shutil.copytree(older / "stopped.zarr", tmp_path / "run.zarr")
    arguments: dict[str, Any] = {"chains": 2, "draws": 12, "burn_in": 2, "seed": 5}
    before = ph.load(tmp_path / "run.zarr")
    assert (before.draws, before.complete) == (6, False)
    again = ph.sample(MACHINE, "gibbs", **arguments, path=tmp_path / "run.zarr", resume=True)
    assert np.array_equal(again.states[:, :6], before.states)
    assert np.array_equal(ph.load(tmp_path / "run.zarr").states, again.states)
    assert ph.load(tmp_path / "run.zarr").complete


def test_older_store_is_checked_by_value(older: Path, tmp_path: Path) -> None:
    import zarr

    for array, place, value in (("posterior/z", (0, 0, 0), 9), ("spikes/unit", 0, 131072)):
        path = tmp_path / array.replace("/", "-")
        shutil.copytree(older / "laser.zarr", path)
        stored: Any = zarr.open_group(path, mode="r+")[array]
        stored[place] = value
        with pytest.raises(InvalidInput, match=r"is damaged: .*(9|unit)"):
            ph.load(path)


def test_older_files_load(older: Path) -> None:
    from photinus.learning.estimator import BoltzmannEstimator

    for name in ("machine.json", "machine.npz"):
        assert BoltzmannMachine.load(older / name) == MACHINE
    network = ph.LaserNetwork.load(older / "network.json")
    assert network.labels == MACHINE.labels
    assert BoltzmannEstimator.load(older / "estimator.npz").machine().n_units == 6


# Killed at once, written twice


def half_made(path: Path) -> None:
    """What older versions left behind when they were killed while they made a store."""
    import zarr

    posterior = zarr.create_group(path).create_group("posterior")
    posterior.create_array("z", shape=(3, 0, 3), dtype="u1", chunks=(3, 1, 3))


def test_half_made_store_is_started_again(tmp_path: Path) -> None:
    import zarr

    half_made(tmp_path / "half")
    zarr.create_group(tmp_path / "empty")
    for name in ("half", "empty"):
        with pytest.raises(InvalidInput, match="exists already"):
            ph.sample(MACHINE, "gibbs", **ARGUMENTS, path=tmp_path / name)
        found = ph.sample(MACHINE, "gibbs", **ARGUMENTS, path=tmp_path / name, resume=True)
        assert_same(ph.load(tmp_path / name), found)
    half_made(tmp_path / "told")
    with pytest.raises(InvalidInput, match="stopped before it held anything: resume it"):
        ph.load(tmp_path / "told")


@pytest.mark.parametrize("foreign", ["array", "attribute", "file", "draws", "group"])
def test_what_others_wrote_is_never_taken_for_a_half_made_store(tmp_path: Path, foreign: str) -> None:
    import zarr

    path = tmp_path / "theirs.zarr"
    half_made(path)
    root: Any = zarr.open_group(path, mode="r+")
    if foreign == "array":
        root["posterior"].create_array("theta", shape=(3,), dtype="f8")
    elif foreign == "attribute":
        root.attrs["created_by"] = "somebody"
    elif foreign == "file":
        (path / "notes.txt").write_text("precious")
    elif foreign == "draws":
        root["posterior/z"].resize((3, 4, 3))
    else:
        root.create_group("prior")
    before = sorted(p.relative_to(path) for p in path.rglob("*"))
    with pytest.raises(InvalidInput, match="is not a Zarr store that Photinus wrote"):
        ph.sample(MACHINE, "gibbs", **ARGUMENTS, path=path, resume=True)
    assert sorted(p.relative_to(path) for p in path.rglob("*")) == before


def test_store_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever array of the store its making stops at, nothing is at its path, nothing beside it."""
    left, array = [0], arrays.create

    def failing(*args: Any, **kwargs: Any) -> Array:  # type: ignore[type-arg]
        left[0] -= 1
        if left[0] == 0:
            raise OSError(28, "No space left on device")
        return array(*args, **kwargs)

    monkeypatch.setattr(arrays, "create", failing)
    for last in (1, 4, 7):
        left[0] = last
        with pytest.raises(ph.PhotinusError, match="No space left on device"):
            ph.sample(MACHINE, "gibbs", **ARGUMENTS, path=tmp_path / "run.zarr")
        assert os.listdir(tmp_path) == []


def test_savers_side_by_side(tmp_path: Path) -> None:
    runs = [ph.sample(MACHINE, "gibbs", **{**ARGUMENTS, "seed": seed}) for seed in range(4)]
    told = []

    def save(run: ph.Samples) -> None:
        try:
            run.save(tmp_path / "run.zarr")
        except InvalidInput as error:
            told.append(str(error))

    threads = [threading.Thread(target=save, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 3
    assert all("exists already" in sentence for sentence in told)
    found = ph.load(tmp_path / "run.zarr").states
    assert sum(np.array_equal(found, run.states) for run in runs) == 1
    assert os.listdir(tmp_path) == ["run.zarr"]


def test_two_that_go_on_with_one_run(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one to write a piece is told, and the first one's run is whole."""
    check = storage.RunStore._check_alone
    raced: list[int] = []

    def checked(self: Any) -> None:
        if not raced:
            raced.append(1)
            ph.sample(MACHINE, **ARGUMENTS, path=stopped, resume=True)
        check(self)

    monkeypatch.setattr(storage.RunStore, "_check_alone", checked)
    with pytest.raises(ph.PhotinusError, match="is written by another process too"):
        ph.sample(MACHINE, **ARGUMENTS, path=stopped, resume=True)
    assert_same(ph.load(stopped), ph.sample(MACHINE, **ARGUMENTS))


# Kinds of labels and numbers


def test_numbers_of_numpy_are_stored(tmp_path: Path) -> None:
    machine = BoltzmannMachine([[0, 1.0], [1.0, 0]], [0, 0], np.array([3, 4]))
    arguments: dict[str, Any] = {
        "chains": np.int64(2),
        "draws": np.int32(30),
        "burn_in": np.uint8(3),
        "seed": 0,
    }
    clamp = {np.int64(4): np.array([1, 0])}
    run = ph.sample(machine, "gibbs", **arguments, clamp=clamp, path=tmp_path / "a.zarr")
    run.save(tmp_path / "b.zarr")
    for name in ("a.zarr", "b.zarr"):
        found = ph.load(tmp_path / name)
        assert found.machine.labels == (3, 4)
        assert np.array_equal(found.states, run.states)
        assert {k: v.tolist() for k, v in found.clamp.items()} == {4: [1, 0]}


def test_tree_has_only_what_netcdf_holds(tmp_path: Path, whole: ph.Samples) -> None:
    import xarray

    tree = whole.to_datatree()
    for node in tree.subtree:
        for value in (
            *node.attrs.values(),
            *(a for v in node.variables.values() for a in v.attrs.values()),
        ):
            assert isinstance(value, (str, int, float, np.number, np.ndarray))
    assert json.loads(tree.attrs["photinus"])["labels"] == list(MACHINE.labels)
    with arrays.quiet():
        tree.to_zarr(tmp_path / "tree.zarr")
    back = xarray.open_datatree(tmp_path / "tree.zarr", engine="zarr")
    assert back.attrs == tree.attrs
    # A store opened by xarray holds no more.
    whole.save(tmp_path / "run.zarr")
    attributes = opened(tmp_path / "run.zarr").attrs
    assert all(isinstance(value, (str, int)) for value in attributes.values())
    stored = json.loads(attributes["photinus"])
    assert {k: stored[k] for k in json.loads(tree.attrs["photinus"])} == json.loads(
        tree.attrs["photinus"]
    )


def test_states_are_bits_and_pieces_are_written_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last piece takes less memory than states have on disk; of coins, each takes a bit there."""
    machine, path = BoltzmannMachine(np.zeros((256, 256)), np.zeros(256)), tmp_path / "run.zarr"
    taken, append = [], storage.RunStore.append

    def watched(store: storage.RunStore, *piece: Any, complete: bool) -> None:
        if complete:
            tracemalloc.start()
        append(store, *piece, complete=complete)
        if complete:
            taken.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    monkeypatch.setattr(storage.RunStore, "append", watched)
    monkeypatch.setattr(abstract, "UNIT_UPDATES_PER_PIECE", 40 * 20 * 256)
    monkeypatch.setattr(coupled, "STATES_AT_ONCE", 2**12)
    samples = ph.sample(machine, "gibbs", chains=20, draws=2000, burn_in=0, seed=1, path=path)
    size = sum(file.stat().st_size for file in (path / "posterior" / "z").rglob("*") if file.is_file())
    assert 1 <= 8 * size / samples.states.size < 1.1
    assert taken[0] < size
