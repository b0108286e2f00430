"""Engine "cuda": a device that Python simulates, in a process of its own, and code compiled for one.

The engines share arithmetic and random words, so that for a while they give the same spikes. Beyond,
`python -m tests.cuda law` compares them in law with each other and with `tests.naive`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
import pytest

import photinus as ph
from photinus.engines.cuda import device, laser_loop, reduced_loop
from photinus.engines.cuda.laser import CudaSimulator
from photinus.engines.cuda.reduced import CudaReducedSimulator
from photinus.errors import InvalidInput, MissingDependency
from photinus.spikes.trains import Recording
from photinus.units import ns
from tests.conftest import Run
from tests.test_simulation import coupled

ULP = 2.0**-23
"""Distance of numbers in single precision, as part of them."""


@pytest.fixture(scope="module")
def found() -> Any:
    """Return what the engines did, see `tests.cuda`."""
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    command = [sys.executable, "-m", "tests.cuda"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("step", ["step", "reduced step"])
def test_one_step_is_that_of_the_processor(found: Any, step: str) -> None:
    """Up to rounding: compiled loops of the processor multiply and add at once, or reorder sums."""
    assert found[step]["words"]
    assert all(apart <= 4 * ULP for apart in found[step]["apart"].values())


FULL_NETWORKS = ("delays", "one delay", "exponential", "additive", "bent", "lagging", "compressed")
REDUCED_NETWORKS = (
    "plain",
    "delayed",
    "exponential",
    "additive",
    "depressed",
    "bent",
    "ring of 70",
    "70, all coupled",
)


@pytest.mark.parametrize(
    ("engine", "name"),
    [("full", name) for name in FULL_NETWORKS] + [("reduced", name) for name in REDUCED_NETWORKS],
)
def test_the_first_spikes_are_those_of_the_processor(found: Any, engine: str, name: str) -> None:
    one = found[engine][name]
    assert one["words"]
    assert len(one["cuda"]) >= 4
    assert one["cuda"] == one["cpu"]
    # Light grows by some powers of ten in a spike, and rounding with it.
    assert all(apart < 1e-3 for apart in one["apart"].values())


@pytest.mark.parametrize("engine", ["full", "reduced"])
def test_each_network_gives_other_spikes(found: Any, engine: str) -> None:
    """So that what is compared above is what the networks have and others have not."""
    spikes = {json.dumps(one["cuda"]) for one in found[engine].values()}
    assert len(spikes) == len(found[engine]) >= 7


WAYS = ("pieces", "threads", "there", "back")


@pytest.mark.parametrize(
    ("engine", "way"),
    [(engine, way) for engine in ("ways", "reduced ways") for way in WAYS]
    + [("reduced ways", "little room")],
)
def test_one_run_is_the_same_however_it_is_done(found: Any, engine: str, way: str) -> None:
    """In pieces, on other threads, and in turns with the processor, which takes over the state."""
    assert len(found[engine]["whole"]) >= 4
    assert found[engine][way] == found[engine]["whole"]


@pytest.mark.parametrize("threads", [1, 3, 64])
def test_lanes_that_fired_are_put_in_order(threads: int) -> None:
    """In whatever order threads come, and however many there are."""
    lanes = np.random.default_rng(threads).permutation(500)[:41]
    ordered = np.full(60, -1)
    for thread in reversed(range(threads)):
        device.put_in_order(lanes, len(lanes), thread, threads, ordered)
    assert ordered[:41].tolist() == sorted(lanes.tolist())
    assert (ordered[41:] == -1).all()


@pytest.mark.parametrize("engine", ["heated", "reduced heated"])
def test_other_drives_and_synapses_act_alike(found: Any, engine: str) -> None:
    assert len(found[engine]["cuda"]) >= 4
    assert found[engine]["cuda"] == found[engine]["cpu"]


# ---------------------------------------------------------------------------- code for a device


class Recorder:
    """Takes the place of a compiled loop and keeps the types that it is called with."""

    types: tuple[Any, ...] = ()

    def __getitem__(self, _: Any) -> "Recorder":
        return self

    def __call__(self, *arguments: Any) -> None:
        self.types = tuple(map(numba.typeof, arguments))
        raise StopIteration


def compiled(function: Any, types: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the PTX code of a loop for an H100, compiled without a device."""
    pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")
    from numba.cuda import dispatcher

    def nothing(x: Any) -> None:
        x[0] = 1

    try:
        device.cuda.compile_ptx(nothing, numba.void(numba.int64[::1]), cc=(9, 0))
    except Exception as error:
        pytest.skip(f"no CUDA compiler: {str(error).splitlines()[0]}")
    hopper = SimpleNamespace(compute_capability=(9, 0))
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: hopper)
    code, _ = device.cuda.compile_ptx(function, numba.void(*types), cc=(9, 0))
    return str(code)


def _full() -> Any:
    return CudaSimulator(coupled(), chains=2, seed=1)


def _reduced() -> Any:
    law = ph.Calibration.preset().require_reduced()
    return CudaReducedSimulator(coupled().replace(delay=0.0), law, chains=2, seed=1)


@pytest.mark.parametrize(("module", "start"), [(laser_loop, _full), (reduced_loop, _reduced)])
def test_compiled_loops_have_no_double_precision(
    module: Any, start: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, loop = Recorder(), module.advance.py_func
    monkeypatch.setattr(device, "require", lambda: None)
    monkeypatch.setattr(device, "upload", lambda arrays: arrays)
    monkeypatch.setattr(module, "advance", recorder)
    with pytest.raises(StopIteration):
        start().advance(1 * ns)
    code = compiled(loop, recorder.types, monkeypatch)
    assert ".f32" in code
    assert ".f64" not in code


def test_double_precision_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def halves(x: Any) -> None:
        x[0] = 0.1 * x[0]

    assert ".f64" in compiled(halves, (numba.float32[::1],), monkeypatch)


# ---------------------------------------------------------------------------- what cannot be


@pytest.fixture
def without_device(monkeypatch: pytest.MonkeyPatch) -> None:
    if device.cuda.is_available():
        pytest.skip("there is a device")


MACHINE = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])


@pytest.mark.usefixtures("without_device")
@pytest.mark.parametrize("substrate", ["laser", "laser-reduced"])
def test_no_device_is_one_sentence(substrate: str) -> None:
    with pytest.raises((InvalidInput, MissingDependency), match=r"^engine .*'cpu'|photinus\[cuda\]"):
        ph.sample(MACHINE, substrate, engine="cuda")


def test_a_device_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "cuda", SimpleNamespace(is_available=lambda: False))
    monkeypatch.setattr(device, "optional", lambda *_: None)
    with pytest.raises(InvalidInput, match="engine must be 'cpu' where no NVIDIA device is found"):
        ph.sample(MACHINE, engine="cuda")


@pytest.mark.usefixtures("without_device")
def test_no_device_is_one_sentence_on_the_command_line(run: Run) -> None:
    MACHINE.save("machine.json")
    code, _, err = run("sample", "machine.json", "--engine", "cuda")
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert "engine" in err


def test_unknown_engines_are_named() -> None:
    with pytest.raises(
        InvalidInput, match=r"engine of 'laser' must be one of 'cpu', 'cuda', got 'gpu'"
    ):
        ph.sample(MACHINE, engine="gpu")
    with pytest.raises(InvalidInput, match=r"engine of 'gibbs' must be one of 'cpu', got 'cuda'"):
        ph.sample(MACHINE, "gibbs", engine="cuda")
    neurons = ph.translate(MACHINE, ph.Calibration.preset("lif-hcs"))
    with pytest.raises(InvalidInput, match=r"engine for .* must be one of 'cpu', got 'cuda'"):
        ph.simulate(neurons, 0.1, engine="cuda")


def test_a_stored_run_goes_on_with_its_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "require", lambda: None)
    monkeypatch.setattr(device, "upload", lambda arrays: arrays)
    options: dict[str, Any] = {"chains": 1, "draws": 2, "burn_in": 0, "seed": 1}
    ph.sample(MACHINE, "laser-reduced", path=tmp_path / "run.zarr", **options)
    with pytest.raises(InvalidInput, match=r"engine was 'cpu', got 'cuda'"):
        ph.sample(
            MACHINE,
            "laser-reduced",
            engine="cuda",
            path=tmp_path / "run.zarr",
            resume=True,
            **options,
        )


def test_waveforms_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "require", lambda: None)
    monkeypatch.setattr(device, "upload", lambda arrays: arrays)
    recording = Recording(units=(0,), chains=(0,), start=0.0, stop=1 * ns)
    with pytest.raises(InvalidInput, match="recording must be None for engine 'cuda'"):
        CudaSimulator(coupled(), chains=1, seed=1).advance(1 * ns, recording)


def test_memory_of_the_device_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(get_memory_info=lambda: (1000, 2000))
    fake = SimpleNamespace(current_context=lambda: context, to_device=lambda array: array)
    monkeypatch.setattr(device, "cuda", fake)
    with pytest.raises(InvalidInput, match="chains must be fewer for engine 'cuda'"):
        device.upload({"state": np.zeros(1000)})
