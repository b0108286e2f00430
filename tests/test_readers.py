"""Every reader of a file, given anything: a result or a PhotinusError, in little memory and time."""

import contextlib
import gzip
import io
import json
import shutil
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from h5py._hl.files import File
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies._internal.core import DataObject
from numpy.typing import NDArray

import photinus as ph
from photinus import devices
from photinus.errors import InvalidInput, PhotinusError
from photinus.faces.cli.inputs import read_parameters
from photinus.faces.report.hardware import load_tolerances
from photinus.faces.study.plan import Study
from photinus.hardware import Prices
from photinus.learning import data as images
from photinus.learning.estimator import BoltzmannEstimator
from photinus.learning.imports import from_rbms
from tests.narrow import there

FOLDER = Path(tempfile.mkdtemp(prefix="photinus-readers-"))
MACHINE = ph.BoltzmannMachine(
    [[0, 0.8, 0], [0.8, 0, -0.5], [0, -0.5, 0]], [0.1, 0, -1], ["a", 7, "z[i]"]
)
few = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
ODD: st.SearchStrategy = st.sampled_from(
    [None, True, -1, 0, 1e308, -1e-320, float("nan"), float("inf"), 2**70, 10**299, "", "x", "1e-9", "\ud800",
     "\0", [], {}, [[]], [1, "a"], {"a": 1}, [[1, 2], [3]], [None] * 3, "a" * 200]
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _tidy() -> Iterator[Any]:
    yield
    shutil.rmtree(FOLDER, ignore_errors=True)


def fine(load: Callable[..., Any], path: Path) -> None:
    """Load a file; nothing but a PhotinusError may come out, and one line of it."""
    told = ""
    try:
        load(path)
    except PhotinusError as error:
        told = str(error)
    assert "\n" not in told
    assert len(told) < 1600


def bent(document: Any, draw: Callable[..., Any], depth: int = 0) -> Any:
    """Return a JSON document with one part replaced, dropped, or repeated."""
    if (
        depth > 5
        or not isinstance(document, (dict, list))
        or not document
        or draw(st.integers(0, 4)) == 0
    ):
        return draw(ODD)
    copy: Any = document.copy()
    key = draw(st.sampled_from(sorted(copy) if isinstance(copy, dict) else range(len(copy))))
    how = draw(st.integers(0, 7))
    if how == 0:
        del copy[key]
    elif how == 1:
        copy["new" if isinstance(copy, dict) else slice(0, 0)] = [copy[key]]
    else:
        copy[key] = bent(copy[key], draw, depth + 1)
    return copy


def broken(content: bytes, draw: Callable[..., Any]) -> bytes:
    """Return bytes with a piece of them cut, changed or put in."""
    at, length = draw(st.integers(0, len(content))), draw(st.sampled_from([0, 1, 2, 8, 100]))
    return content[:at] + draw(st.binary(max_size=12)) + content[at + length :]


def saved(save: Callable[..., Any], name: str) -> bytes:
    save(FOLDER / name)
    return (FOLDER / name).read_bytes()


def tolerances() -> dict[str, int | list[list[str] | str] | str]:
    return {
        "kind": "photinus-tolerances",
        "schema": 1,
        "head": ["a", "b"],
        "rows": [["1", "2"]],
        "about": "c",
    }


JSON = {
    "machine": (ph.BoltzmannMachine.load, lambda: json.loads(saved(MACHINE.save, "m.json"))),
    "network": (
        devices.load_network,
        lambda: json.loads(saved(ph.translate(MACHINE, ph.Calibration.preset()).save, "n.json")),
    ),
    "lif-network": (
        devices.load_network,
        lambda: json.loads(
            saved(ph.translate(MACHINE, ph.Calibration.preset("lif-hcs")).save, "l.json")
        ),
    ),
    "calibration": (
        ph.Calibration.load,
        lambda: json.loads(saved(ph.Calibration.preset().save, "c.json")),
    ),
    "tolerances": (load_tolerances, tolerances),
    "laser": (
        lambda path: read_parameters(str(path), [], forced=False),
        lambda: ph.LaserParameters.preset().to_dict(),
    ),
    "lif": (
        lambda path: read_parameters(str(path), [], forced=False),
        lambda: ph.Calibration.preset("lif-hcs").parameters.to_dict(),
    ),
}


@pytest.mark.parametrize("name", JSON)
def test_json_files(name: str) -> None:
    load, make = JSON[name]
    document = make()
    text = json.dumps(document).encode()
    path = FOLDER / f"{name}.json"

    @few
    @given(st.data())
    def check(data: DataObject) -> None:
        if data.draw(st.booleans()):
            path.write_bytes(broken(text, data.draw))
        else:
            path.write_text(json.dumps(bent(document, data.draw)))
        fine(load, path)

    path.write_bytes(text)
    load(path)
    check()


ODD_FILES = {
    "empty": b"",
    "nul": b"\0" * 50,
    "number": b"3",
    "deep": b"[" * 100_000,
    "deep and closed": b"[" * 5000 + b"]" * 5000,
    "deep map": b'{"a":' * 100_000,
    "digits": b"[1" + b"0" * 400 + b"]",
    "very many digits": b"[1" + b"0" * 10_000 + b"]",
    "not utf-8": b'{"kind": "\xff"}',
    "twice": b'{"kind": "boltzmann-machine", "kind": "laser-network"}',
    "text": b"hello",
    "gzip": gzip.compress(b"{}"),
    "zip": b"PK\x03\x04",
    "pickle": b"\x80\x04N.",
}


@pytest.mark.parametrize("odd", ODD_FILES)
def test_odd_files_are_refused_by_every_reader(odd: str) -> None:
    readers = {name: (load, ".json") for name, (load, _) in JSON.items()}
    readers |= {
        "npz": (ph.BoltzmannMachine.load, ".npz"),
        "archive": (images.archive, ".npz"),
        "estimator": (BoltzmannEstimator.load, ".npz"),
        "rbms": (from_rbms, ".h5"),
        "store": (ph.load, ".zarr"),
    }
    for name, (load, suffix) in readers.items():
        path = FOLDER / f"odd-{name}{suffix}"
        path.write_bytes(ODD_FILES[odd])
        with pytest.raises(PhotinusError):
            load(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_json_of_other_editors_is_read(encoding: str) -> None:
    path = FOLDER / "editor.json"
    text = saved(MACHINE.save, "m.json").decode().replace("\n", "\r\n")
    path.write_bytes(text.encode(encoding))
    assert ph.BoltzmannMachine.load(path) == MACHINE


# TOML

STUDY = b"""
[machines]
units = [2, 3]
scale = 1.5
[sample]
substrate = "gibbs"
chains = 4
refined = false
[network]
delay = 0.1
[device]
gain_lifetime = [1e-9, 1.1e-9]
[imperfections]
dead = 1
"""
PRICES = b"""
[pump]
value = 2e-19
unit = "J/electron"
source = "measured"
kind = "measured"
range = [1e-19, 3e-19]
"""


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {as_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return "3" if value is None else json.dumps(value)


@pytest.mark.parametrize(("load", "content"), [(Study.load, STUDY), (Prices.load, PRICES)])
def test_toml_files(load: Callable[..., Any], content: bytes) -> None:
    path, document = FOLDER / "file.toml", tomllib.loads(content.decode())

    @few
    @given(st.data())
    def check(data: DataObject) -> None:
        if data.draw(st.booleans()):
            path.write_bytes(broken(content, data.draw))
        else:
            new = bent(document, data.draw)
            text = (
                "".join(f"{k} = {as_toml(v)}\n" for k, v in new.items())
                if isinstance(new, dict)
                else "x"
            )
            path.write_bytes(text.encode(errors="replace"))
        fine(load, path)

    check()
    path.write_bytes(b"a = " + b"[" * 50_000)
    fine(load, path)
    path.write_bytes(b"a = 1" + b"0" * 5000)
    fine(load, path)


def test_toml_of_other_editors_is_read() -> None:
    path = FOLDER / "editor.toml"
    for change in (lambda c: b"\xef\xbb\xbf" + c, lambda c: c.replace(b"\n", b"\r\n")):
        path.write_bytes(change(b"[sample]\nchains = 4\n"))
        assert Study.load(path).points[0].settings["sample"]["chains"] == 4


# Archives


def machine_arrays() -> dict[str, NDArray[Any]]:
    with np.load(FOLDER / "m.npz") as file:
        return dict(file)


def estimator_arrays() -> dict[str, NDArray[Any]]:
    with np.load(FOLDER / "e.npz") as file:
        return dict(file)


def image_arrays() -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(0)
    return {"images": random.random((10, 4, 3)), "labels": np.arange(10) % 2}


def learned(path: Path) -> None:
    x = (np.random.default_rng(0).random((20, 4)) < 0.5).astype(int)
    BoltzmannEstimator((2,), epochs=1, chains=4).fit(x).save(path)


ARRAYS: st.SearchStrategy = st.sampled_from(
    [np.zeros(0), np.zeros((2, 0)), np.array(3), np.array("x"), np.array([["a", "b"]]), np.zeros((3, 3), "c16"),
     np.full((3, 3), np.nan), np.zeros((3, 3, 3)), np.zeros(3, "M8[s]"), np.zeros(2, [("a", "f4")]),
     np.array(b"{}"), np.array('{"kind": 3}'), np.array("[" * 9999), np.full(3, 2**63, "u8"), np.array([True]),
     np.array(-1), np.full((3, 3), 1e308), np.zeros((3, 3), "f2")]
)  # fmt: skip


@pytest.mark.parametrize(
    ("load", "make"),
    [
        (ph.BoltzmannMachine.load, machine_arrays),
        (images.archive, image_arrays),
        (BoltzmannEstimator.load, estimator_arrays),
    ],
)
def test_archives(load: Callable[..., Any], make: Callable[..., Any]) -> None:
    MACHINE.save(FOLDER / "m.npz")
    learned(FOLDER / "e.npz")
    arrays, path = make(), FOLDER / "file.npz"
    np.savez(path, **arrays)
    load(path)
    content = path.read_bytes()

    @few
    @given(st.data())
    def check(data: DataObject) -> None:
        how = data.draw(st.integers(0, 3))
        if how == 0:
            path.write_bytes(broken(content, data.draw))
        elif how == 1 and "head" in arrays:
            head = bent(json.loads(str(arrays["head"])), data.draw)
            np.savez(path, **(arrays | {"head": np.array(json.dumps(head))}))
        else:
            name = data.draw(st.sampled_from(sorted(arrays)))
            np.savez(path, **(arrays | {name: data.draw(ARRAYS)}))
        fine(load, path)

    check()


def header(shape: tuple[int, ...], descr: str = "<f8") -> bytes:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": descr, "fortran_order": False, "shape": shape})
    return head.getvalue()


@pytest.mark.parametrize("load", [ph.BoltzmannMachine.load, images.archive, BoltzmannEstimator.load])
@pytest.mark.parametrize("shape", [(10**6, 10**6), (2**40, 2**40), (-1,), (3, 3), (2**64,)])
def test_headers_that_lie_allocate_nothing(load: Callable[..., Any], shape: tuple[int, ...]) -> None:
    import tracemalloc

    path = FOLDER / "lie.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("weights", "biases", "images", "head"):
            archive.writestr(f"{name}.npy", header(shape) + b"\0" * 8)
    tracemalloc.start()
    with pytest.raises(InvalidInput, match="is not a complete"):
        load(path)
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def test_archive_that_unpacks_to_more_than_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from photinus._core import memory

    path = FOLDER / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", header((5, 2_000_000), "|u1") + bytes(10_000_000))
    monkeypatch.setattr(memory, "available", lambda: 10e6)
    with pytest.raises(InvalidInput, match="would need about"):
        images.archive(path)


def test_pickles_are_never_executed(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Path]]:
            return Path.touch, (tmp_path / "pwned",)

    arrays: dict[str, Any] = {
        name: np.array([Evil()], dtype=object) for name in ("weights", "biases", "images", "head")
    }
    np.savez(tmp_path / "evil.npz", **arrays)
    for load in (ph.BoltzmannMachine.load, images.archive, BoltzmannEstimator.load):
        with pytest.raises(InvalidInput, match="is not a complete"):
            load(tmp_path / "evil.npz")
    assert not (tmp_path / "pwned").exists()


def test_arrays_come_back_in_every_layout() -> None:
    """Against NumPy's own reader: orders, kinds and sizes of arrays."""
    from photinus._core import files

    arrays = {
        "c": np.arange(24.0).reshape(2, 3, 4),
        "f": np.asfortranarray(np.arange(12).reshape(3, 4)),
        "scalar": np.array(3.5),
        "text": np.array(["ä", "bc"]),
        "none": np.zeros((0, 5), np.uint8),
        "no letters": np.array(""),
        "big": np.arange(4, dtype=">i4"),
        "bool": np.array([True, False]),
    }
    for packed in (False, True):
        files.write_npz(FOLDER / "all.npz", arrays, packed=packed)
        found = files.read_npz(FOLDER / "all.npz")
        with np.load(FOLDER / "all.npz") as theirs:
            for name in arrays:
                assert np.array_equal(found[name], theirs[name])
                assert (found[name].dtype, found[name].shape) == (
                    arrays[name].dtype,
                    arrays[name].shape,
                )


# IDX


def idx(array: NDArray[np.uint8]) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


GREY = np.random.default_rng(1).integers(0, 256, (6, 4, 4)).astype(np.uint8)


def folder(pixels: bytes, names: tuple[str, str] = images.MNIST_FILES["train"], n: int = 6) -> Path:
    for path in FOLDER.glob("train*"):
        path.unlink()
    (FOLDER / names[0]).write_bytes(pixels)
    (FOLDER / names[1]).write_bytes(idx(np.zeros(n, np.uint8)))
    return FOLDER


def test_idx_files() -> None:
    @few
    @given(st.data())
    def check(data: DataObject) -> None:
        content = broken(idx(GREY), data.draw)
        fine(images.mnist, folder(gzip.compress(content, 1) if data.draw(st.booleans()) else content))
        fine(images.mnist, folder(broken(gzip.compress(idx(GREY), 1), data.draw)))

    check()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be an IDX file"),
        (b"\0\0\x08", "must be an IDX file"),
        (b"\0\0\x08\x03", "must be an IDX file"),
        (idx(GREY)[:-1], "not complete"),
        (idx(GREY) + b"\0", "not complete"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "must be an IDX file"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "would need about"),
        (b"\0\0\x08\xff" + b"\xff" * 1020, "must be an IDX file"),
        (idx(np.zeros((0, 4, 4), np.uint8)), "as many labels|at least 1"),
        (idx(np.zeros((6, 0, 4), np.uint8)), "at least 1 with at least 1 pixel"),
        (gzip.compress(idx(GREY))[:-12], "not complete"),
    ],
)
def test_idx_files_that_are_wrong(content: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        images.mnist(folder(content))


def test_idx_without_any_image() -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        images.mnist(folder(idx(np.zeros((0, 4, 4), np.uint8)), n=0))


@pytest.mark.parametrize("end", ["", ".gz"])
def test_idx_names_with_a_dot(end: str) -> None:
    first, second = (name.replace("-idx", ".idx") + end for name in images.MNIST_FILES["train"])
    names = first, second
    found = images.mnist(folder(gzip.compress(idx(GREY)) if end else idx(GREY), names))
    assert np.array_equal(found.pixels, (GREY > 127.5).reshape(6, 16))


def test_binary_idx_files() -> None:
    """Images of 0 and 1 are taken as they are; their brightest pixel is 1, not 255."""
    binary = (GREY > 127).astype(np.uint8)
    assert np.array_equal(images.mnist(folder(idx(binary))).pixels, binary.reshape(6, 16))
    grey = images.mnist(folder(idx(GREY)), pool=2).pixels
    blocks = GREY.reshape(6, 2, 2, 2, 2).mean(axis=(2, 4))
    assert np.array_equal(grey, (blocks > 127.5).reshape(6, 4))
    few_on = binary.reshape(6, 2, 2, 2, 2).sum(axis=(2, 4))
    assert np.array_equal(images.mnist(folder(idx(binary)), pool=2).pixels, (few_on > 2).reshape(6, 4))


# HDF5


def test_rbms_files() -> None:
    h5py = pytest.importorskip("h5py")
    path = FOLDER / "x.h5"

    def make(change: Callable[..., Any] = lambda file: None) -> Path:
        with h5py.File(path, "w") as file:
            group = file.create_group("update_5/params")
            group["weight_matrix"], group["vbias"], group["hbias"] = (
                np.ones((4, 3)),
                np.zeros(4),
                np.zeros(3),
            )
            change(file)
        return path

    def replace(name: str, value: Any) -> Callable[..., Any]:
        def change(file: File) -> None:
            del file[name]
            if value is not None:
                file[name] = value

        return change

    assert from_rbms(make()).n_units == 7
    # Read as if the odd entry were not there, or refused.
    as_array = np.array([b"BBRBM"])
    assert from_rbms(make(lambda f: f.__setitem__("model_type", as_array))).n_units == 7
    for name in ("update_²", "update_", "update_-1", "update_1e3", "update_x"):
        assert from_rbms(make(lambda f, name=name: f.create_group(name))).n_units == 7
    assert from_rbms(make(lambda f: f.__setitem__("update_9", 3.0))).n_units == 7
    params = "update_5/params/"
    odd = [
        None,
        3.0,
        "text",
        np.zeros((4, 3), "c16"),
        np.full((4, 3), np.nan),
        np.zeros(0),
        [b"a", b"b"],
    ]
    for name in ("weight_matrix", "vbias", "hbias"):
        for value in odd:
            with pytest.raises(InvalidInput):
                from_rbms(make(replace(params + name, value)))
    for change in (
        lambda f: f.__setitem__("model_type", 3),
        lambda f: f.__setitem__("model_type", [b"BBRBM", b"x"]),
        lambda f: f.create_group("model_type"),
        lambda f: (f.pop(params + "vbias"), f.create_group(params + "vbias")),
        lambda f: (f.pop("update_5"), f.create_group("update_5")),
        lambda f: f.__setitem__("update_9/params", 3.0),
        lambda f: (
            f.pop(params + "weight_matrix"),
            f.create_dataset(params + "weight_matrix", (10**6, 10**6), "f8", chunks=(100, 100)),
        ),
    ):
        with pytest.raises(InvalidInput):
            from_rbms(make(change))


# Stores


def test_stores() -> None:
    """Any file of a store with a piece of it changed: the same samples, or one sentence."""
    whole = FOLDER / "whole.zarr"
    run = ph.sample(MACHINE, "ideal", chains=2, draws=6, burn_in=1, seed=0)
    run.save(whole)
    files = sorted(p.relative_to(whole) for p in whole.rglob("*") if p.is_file())
    broken_ones = []

    @settings(few, max_examples=40)
    @given(st.data())
    def check(data: DataObject) -> None:
        name = data.draw(st.sampled_from(files))
        path, content = whole / name, (whole / name).read_bytes()
        path.write_bytes(broken(content, data.draw))
        try:
            with contextlib.suppress(PhotinusError):
                found = ph.load(whole)
                assert np.array_equal(found.states, run.states)
                assert found.machine == run.machine
                assert np.array_equal(there(found.spikes).time, there(run.spikes).time)
                return
            broken_ones.append(name)
        finally:
            path.write_bytes(content)

    check()
    assert broken_ones
    ph.load(whole)
