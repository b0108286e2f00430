"""Chains on other processes: the same draws, whatever dies on the way."""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import dask
import distributed
import numpy as np
import pytest
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker
from numpy.testing import assert_array_equal
from studies import killed_workers

import photinus as ph
from photinus._core.streams import ChainsFrom, Role, lane_states
from photinus.errors import InvalidInput, MissingDependency, PhotinusError
from photinus.samplers.registry import SUBSTRATES
from photinus.samplers.workers import SpreadRun, _check_cluster, workers_pool
from tests.conftest import same_spikes
from tests.narrow import untyped
from tests.texts import ROOT

MACHINE = ph.BoltzmannMachine(
    [[0, 1.0, -0.5], [1.0, 0, 0.3], [-0.5, 0.3, 0]], [0.2, -0.4, 0.0], labels=["a", "b", "c"]
)


def same(one: ph.Samples, other: ph.Samples) -> None:
    assert_array_equal(one.states, other.states)
    assert same_spikes(one.spikes, other.spikes)


def test_seed_of_later_chains() -> None:
    seed = np.random.SeedSequence(5, spawn_key=(3,))
    whole = lane_states(seed, Role.ESCAPE, 7, 3)
    assert_array_equal(lane_states(ChainsFrom(4, seed), Role.ESCAPE, 3, 3), whole[4:])
    assert_array_equal(lane_states(ChainsFrom(3, ChainsFrom(1, seed)), Role.ESCAPE, 3, 3), whole[4:])


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_the_same_draws(substrate: str, cluster: Any) -> None:
    clamp = {"b": np.arange(19) % 2}
    options: dict[str, Any] = {"chains": 19, "draws": 12, "burn_in": 3, "seed": 4, "clamp": clamp}
    same(
        ph.sample(MACHINE, substrate, workers=cluster.scheduler_address, **options),
        ph.sample(MACHINE, substrate, **options),
    )


def test_tempered(cluster: Any) -> None:
    options: dict[str, Any] = {
        "chains": 5,
        "draws": 4,
        "burn_in": 2,
        "seed": 4,
        "tempering": ph.Tempering(hottest=3, period=8),
    }
    address = cluster.scheduler_address
    same(
        ph.sample(MACHINE, "laser-reduced", workers=address, **options),
        ph.sample(MACHINE, "laser-reduced", **options),
    )
    with pytest.raises(InvalidInput, match="evidence must be the same for all chains"):
        ph.sample(MACHINE, "laser-reduced", workers=address, clamp={"a": [0, 1, 0, 1, 0]}, **options)


def test_own_processes_store_and_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Any
) -> None:
    """Stopped after some pieces, a run goes on to the same end, on any workers."""
    monkeypatch.setattr("photinus.samplers.spiking.LASER_STEPS_PER_PIECE", 2e3)
    options: dict[str, Any] = {"chains": 6, "draws": 30, "burn_in": 2, "seed": 1}
    whole = ph.sample(MACHINE, "laser-reduced", **options)
    advance, calls = SpreadRun.advance, []

    def interrupted(self: SpreadRun, *arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return advance(self, *arguments)

    monkeypatch.setattr(SpreadRun, "advance", interrupted)
    path = tmp_path / "run.zarr"
    with pytest.raises(ph.sampling.Interrupted) as stop:
        ph.sample(MACHINE, "laser-reduced", workers=1, path=path, **options)
    assert stop.value.samples is not None
    assert 0 < stop.value.samples.draws < 30
    with pytest.raises(InvalidInput, match="workers must be given to go on"):
        ph.sample(MACHINE, "laser-reduced", path=path, resume=True, **options)
    options |= {"path": path, "resume": True, "workers": cluster.scheduler_address}
    same(ph.sample(MACHINE, "laser-reduced", **options), whole)


def test_killed_workers_cost_nothing() -> None:
    """The study `studies.killed_workers`, small: one of two workers dies once a task was done."""
    spread, killer = killed_workers.among_deaths(
        draws=60, count=1, processes=2, every=0.0, memory="512MiB", most=1
    )
    assert killer.killed == 1
    assert killer.counted.done >= 16
    assert killed_workers.same(killed_workers.pieces(60, 1), spread)


def test_a_process_that_dask_gave_up_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photinus.samplers.workers.LOOKED_AFTER", 0.2)
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "0s"}),
        workers_pool(1) as client,
    ):
        assert client is not None
        cluster = untyped(client.cluster)
        first = cluster.workers[0]
        cluster.sync(first.close)
        deadline = time.monotonic() + 60
        while cluster.workers.get(0, first) is first and time.monotonic() < deadline:
            time.sleep(0.05)
        client.wait_for_workers(1, timeout=60)
        assert cluster.workers[0] is not first


class GivenUp(Executor):
    """Gives up the first `count` tasks, and does the others."""

    def __init__(self, count: int) -> None:
        self.left = count

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        done: Future[Any] = Future()
        self.left -= 1
        if self.left >= 0:
            done.set_exception(KilledWorker("task", None, 3))  # type: ignore[arg-type]
        else:
            done.set_result(fn(*args, **kwargs))
        return done


def test_what_dask_gave_up_is_given_out_again() -> None:
    options: dict[str, Any] = {"chains": 2, "draws": 3, "burn_in": 1, "seed": 1}
    found = ph.sample(MACHINE, "gibbs", pool=GivenUp(3), **options)
    same(found, ph.sample(MACHINE, "gibbs", **options))
    with pytest.raises(PhotinusError, match="died again and again"):
        ph.sample(MACHINE, "gibbs", pool=GivenUp(9), **options)


@pytest.mark.parametrize("error", [KilledWorker("task", None, 3), BrokenProcessPool()])  # type: ignore[arg-type]
def test_dying_again_and_again(error: Exception) -> None:
    class Dying(Executor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            done: Future[Any] = Future()
            done.set_exception(error)
            return done

    with pytest.raises(PhotinusError, match="died again and again"):
        ph.sample(MACHINE, "gibbs", pool=Dying(), chains=1, draws=1, burn_in=0)


def test_any_executor_will_do() -> None:
    options: dict[str, Any] = {"chains": 9, "draws": 12, "burn_in": 3, "seed": 4}
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        same(ph.sample(MACHINE, "ideal", pool=pool, **options), ph.sample(MACHINE, "ideal", **options))
        with pytest.raises(InvalidInput, match="^workers must be None with a pool, got 2$"):
            ph.sample(MACHINE, "ideal", pool=pool, workers=2)
    with pytest.raises(InvalidInput, match="^pool must be an Executor, got 2$"):
        ph.sample(MACHINE, "ideal", pool=2)  # type: ignore[arg-type]


def test_bad_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (0, -1, 1.5, 100_000):
        with pytest.raises(InvalidInput, match="workers must be"):
            ph.sample(MACHINE, "gibbs", workers=number)  # type: ignore[arg-type]
    monkeypatch.setattr("photinus.samplers.workers.PATIENCE", 1.0)
    for workers in ("tcp://127.0.0.1:1", "nonsense", ""):
        with pytest.raises(InvalidInput, match="address of a running Dask scheduler"):
            ph.sample(MACHINE, "gibbs", workers=workers)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependency, match=r"photinus\[workers\]"):
        ph.sample(MACHINE, "gibbs", workers=1)


def test_clusters_that_cannot_work(monkeypatch: pytest.MonkeyPatch, cluster: Any) -> None:
    """One without workers would never answer; one of another version would draw something else."""
    monkeypatch.setattr("photinus.samplers.workers.PATIENCE", 1.0)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as empty,
        pytest.raises(InvalidInput, match="a cluster that has some"),
    ):
        ph.sample(MACHINE, "gibbs", workers=empty.scheduler_address)
    monkeypatch.setattr("photinus.samplers.workers.__version__", "0.0.1")
    with pytest.raises(InvalidInput, match=r"must have Photinus 0\.0\.1, .* with \d"):
        ph.sample(MACHINE, "gibbs", workers=cluster.scheduler_address)


def test_a_worker_that_dies_while_it_is_asked_is_no_other_version() -> None:
    """A worker of another version, and one without Photinus, are told; one that is gone is not."""

    class Asked:
        def __init__(self, *answers: Any) -> None:
            self.answers = dict(enumerate(answers))

        def wait_for_workers(self, count: int, timeout: float) -> None: ...

        def run(self, *_: Any, **__: Any) -> dict[int, Any]:
            return self.answers

    right = ph.__version__
    for gone in (CommClosedError("gone"), OSError("refused")):
        _check_cluster(untyped(Asked(right, gone)), "tcp://there:1")
        _check_cluster(untyped(Asked(gone)), "tcp://there:1")
    for other in ("0.0.1", ModuleNotFoundError("photinus")):
        with pytest.raises(InvalidInput, match="workers must have Photinus"):
            _check_cluster(untyped(Asked(right, other)), "tcp://there:1")


def test_a_run_over_slurm_draws_as_alone(cluster: Any) -> None:
    """`examples/slurm.py` passes the address of a scheduler; here it is that of another cluster."""
    small = {"chains": 4, "draws": 3}
    sampled = runpy.run_path(str(ROOT / "examples" / "slurm.py"))["sampled"]
    same(sampled(cluster.scheduler_address, **small), sampled(None, **small))


def test_a_script_without_a_guard(tmp_path: Path) -> None:
    """Its processes would import it, and start processes of their own."""
    script = tmp_path / "script.py"
    script.write_text(
        "import photinus as ph\n"
        "ph.sample(ph.BoltzmannMachine([[0]], [0]), 'gibbs', chains=1, draws=1, burn_in=0, workers=1)\n"
    )
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=100)
    last = result.stderr.splitlines()[-1]
    assert "InvalidInput: workers must be None where processes cannot be started" in last
    assert "__main__" in last


def interrupted(
    tmp_path: Path, wait: Callable[["subprocess.Popen[str]"], None], *options: str
) -> "tuple[subprocess.Popen[str], str]":
    """Return a command of two workers whose whole group got Ctrl-C after `wait`, and what it said."""
    MACHINE.save(tmp_path / "m.json")
    command = [str(Path(sys.executable).parent / "photinus"), "sample", str(tmp_path / "m.json")]
    command += ["--workers", "2", "--out", str(tmp_path / "run.zarr"), *options]
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait(process)
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=100)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert "Traceback" not in said
    return process, said


def test_ctrl_c_at_the_command_line(tmp_path: Path) -> None:
    """The whole group of processes gets the signal: one sentence, no process left over."""

    def until_they_work(process: "subprocess.Popen[str]") -> None:
        while process.poll() is None and not (tmp_path / "run.zarr").exists():
            time.sleep(0.05)
        time.sleep(3)  # the store is made just before the first piece is given out

    process, said = interrupted(tmp_path, until_they_work, "--chains", "512", "--draws", "4000")
    assert "stopped after" in said
    with pytest.raises(ProcessLookupError):
        for _ in range(300):  # those that were told to end need a moment
            os.killpg(process.pid, 0)
            time.sleep(0.1)


def test_ctrl_c_while_processes_start(tmp_path: Path) -> None:
    """Processes that are still importing must not answer it with tracebacks of their own."""

    def until_they_import(process: "subprocess.Popen[str]") -> None:
        def children() -> int:
            lists = Path(f"/proc/{process.pid}/task").glob("*/children")
            return sum(len(path.read_text().split()) for path in lists)

        while children() < 3 and process.poll() is None:  # Python's own helper is one
            time.sleep(0.02)
        time.sleep(0.1)

    interrupted(tmp_path, until_they_import)
