"""Images from every source, and machines of other packages."""

import gzip
import io
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neural_network import BernoulliRBM

from photinus import BoltzmannMachine
from photinus.errors import InvalidInput, MissingDependency
from photinus.learning import data
from photinus.learning.imports import from_rbms, from_sklearn
from photinus.learning.units import Units
from tests.narrow import untyped

GREY = np.random.default_rng(0).integers(0, 256, (7, 4, 6)).astype(np.uint8)
LABELS = np.arange(7, dtype=np.uint8)


def idx(array: NDArray[np.uint8]) -> bytes:
    """Return the bytes of an IDX file (LeCun et al. 1998)."""
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of IDX files, the training part packed."""
    images, labels = data.MNIST_FILES["train"]
    (tmp_path / f"{images}.gz").write_bytes(gzip.compress(idx(GREY)))
    (tmp_path / f"{labels}.gz").write_bytes(gzip.compress(idx(LABELS)))
    images, labels = data.MNIST_FILES["test"]
    (tmp_path / images).write_bytes(idx(GREY[:3]))
    (tmp_path / labels).write_bytes(idx(LABELS[:3]))
    return tmp_path


def test_idx_files(folder: Path) -> None:
    train, test = (data.load("mnist", part, data_dir=folder) for part in ("train", "test"))
    np.testing.assert_array_equal(train.pixels, (GREY > 127.5).reshape(7, 24))
    np.testing.assert_array_equal(train.labels, LABELS)
    assert (train.shape, len(train), len(test)) == ((4, 6), 7, 3)
    pooled = data.load("mnist14", data_dir=folder)
    means = GREY.reshape(7, 2, 2, 3, 2).mean(axis=(2, 4))
    np.testing.assert_array_equal(pooled.pixels, (means > 127.5).reshape(7, 6))
    assert pooled.shape == (2, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(GREY)[:-1], "is not complete"),
        (idx(GREY)[:7], "must be an IDX file of bytes"),
        (b"", "must be an IDX file of bytes"),
        (b"\0\0\x0d\3" + idx(GREY)[4:], "must be an IDX file of bytes"),
        (gzip.compress(idx(GREY))[:-9], "is not complete"),
        (idx(GREY[:5]), "must hold as many labels as images"),
    ],
)
def test_damaged_idx_files_are_one_sentence(folder: Path, content: bytes, message: str) -> None:
    (folder / data.MNIST_FILES["train"][0]).write_bytes(content)  # goes before the packed one
    with pytest.raises(InvalidInput, match=message):
        data.mnist(folder)


def test_missing_idx_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"data_dir must hold train-images.* or .*\.gz, got"):
        data.mnist(tmp_path)
    with pytest.raises(InvalidInput, match="data_dir must be the folder of the MNIST files"):
        data.load("mnist")
    with pytest.raises(InvalidInput, match=r"pool must divide the size of the images \(4×6\), got 5"):
        images, labels = data.MNIST_FILES["train"]
        (tmp_path / images).write_bytes(idx(GREY))
        (tmp_path / labels).write_bytes(idx(LABELS))
        data.mnist(tmp_path, pool=5)


def test_openml_is_asked_through_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        data = np.repeat(np.arange(6) * 50.0, 784).reshape(6, 784)
        target = np.array(list("012345"))

    asked = []

    def fetch(name: str, **options: Any) -> type[Found]:
        asked.append(name)
        return Found

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    monkeypatch.setattr(data, "MNIST_TRAINING", 4)
    train, test = data.load("openml-mnist"), data.load("openml-mnist", "test")
    assert asked == ["mnist_784", "mnist_784"]
    np.testing.assert_array_equal(train.labels, [0, 1, 2, 3])
    np.testing.assert_array_equal(test.labels, [4, 5])
    np.testing.assert_array_equal(train.pixels.mean(axis=1), [0, 0, 0, 1])
    assert train.shape == (28, 28)

    def offline(name: str, **options: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", offline)
    with pytest.raises(InvalidInput, match=r"they cannot be downloaded \(no route to host\)"):
        data.load("openml-mnist")


def test_the_digits_have_two_parts() -> None:
    train, test = data.load("digits"), data.load("digits", "test")
    assert (len(train), len(test), train.shape) == (1437, 360, (8, 8))
    assert set(np.unique(train.pixels)) == {0, 1}
    # A few digits are alike to the pixel, but the parts share no image.
    both = {image.tobytes() for image in train.pixels} & {image.tobytes() for image in test.pixels}
    assert len(both) < 0.05 * len(test)


def save(path: Path, **arrays: Any) -> str:
    np.savez(path, **arrays)
    return str(path)


def test_archives_hold_back_every_fifth_image(tmp_path: Path) -> None:
    path = save(tmp_path / "own.npz", images=GREY / 255, labels=LABELS.astype(int))
    train, test = data.load(path), data.load(path, "test")
    np.testing.assert_array_equal(test.labels, [0, 5])
    np.testing.assert_array_equal(train.labels, [1, 2, 3, 4, 6])
    np.testing.assert_array_equal(test.pixels, (GREY.max() / 2 < GREY)[[0, 5]].reshape(2, 24))
    assert train.shape == (4, 6)


def test_archives_may_have_their_own_test_part(tmp_path: Path) -> None:
    flat = GREY.reshape(7, 24) > 100
    path = save(tmp_path / "own.npz", images=flat, test_images=flat[:2])
    train, test = data.load(path), data.load(path, "test")
    np.testing.assert_array_equal(train.pixels, flat)
    np.testing.assert_array_equal(test.pixels, flat[:2])
    assert train.labels is None
    assert train.shape == (1, 24)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": GREY}, r"must hold an array 'images', got \['pictures'\]"),
        ({"images": GREY[0, 0]}, r"images must be numbers of shape .* got uint8 \(6,\)"),
        ({"images": GREY[:0]}, "images must be numbers of shape"),
        ({"images": GREY.astype(str)}, "images must be numbers of shape"),
        ({"images": GREY[:4]}, "must hold at least 5 images"),
        ({"images": -1.0 * GREY}, "finite values that are not negative"),
        ({"images": GREY * np.nan}, "finite values that are not negative"),
        ({"images": GREY, "labels": LABELS[:2]}, "labels must be one whole number per image"),
        ({"images": GREY, "labels": LABELS / 2}, "labels must be one whole number per image"),
        (
            {"images": GREY, "test_images": GREY[:, :2]},
            r"test_images must have the shape of images \(4, 6\)",
        ),
    ],
)
def test_bad_archives_are_one_sentence(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        data.load(save(tmp_path / "own.npz", **arrays))


def test_bad_names_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"data must be one of .*did you mean 'digits'\?"):
        data.load("digit")
    with pytest.raises(InvalidInput, match="part must be one of 'train', 'test', got 'all'"):
        data.load("digits", "all")
    with pytest.raises(InvalidInput, match="does not exist"):
        data.load(str(tmp_path / "none.npz"))
    (tmp_path / "half.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(InvalidInput, match=r"is not a complete \.npz archive"):
        data.load(str(tmp_path / "half.npz"))
    for threshold in (0, 1, 2):
        with pytest.raises(InvalidInput, match="threshold must be between 0 and 1"):
            data.binary(GREY, threshold)


# Machines of others: asymmetric numbers of units, so that a transposed matrix cannot pass.


def free_energies(machine: BoltzmannMachine, visible: int) -> NDArray[np.float64]:
    """Return -log Σ_h exp(-E(v, h)) by enumeration, array (state of v,)."""
    joint = machine.joint().reshape(-1, 2**visible).sum(axis=0)
    return -np.log(joint)


def test_the_machine_of_scikit_learn_has_its_free_energies() -> None:
    X = np.random.default_rng(0).integers(0, 2, (60, 4))
    rbm = BernoulliRBM(3, n_iter=20, learning_rate=0.5, random_state=0).fit(X)
    machine = from_sklearn(rbm)
    states = (np.arange(16)[:, None] >> np.arange(4)) & 1
    theirs = rbm._free_energy(states)
    ours = free_energies(machine, 4)
    np.testing.assert_allclose(ours - ours[0], theirs - theirs[0], rtol=1e-9, atol=1e-9)
    assert np.ptp(theirs) > 0.1
    units = Units.of(machine)
    assert (len(units.features), len(units.hidden), units.names) == (4, 3, ())


def test_what_scikit_learn_has_not_fitted_is_refused() -> None:
    with pytest.raises(InvalidInput, match="rbm must be a fitted BernoulliRBM"):
        from_sklearn(BernoulliRBM(3))
    with pytest.raises(InvalidInput, match="rbm must be a fitted BernoulliRBM, got 7"):
        from_sklearn(untyped(7))


def rbms_file(
    path: Path, *, kind: str = "BBRBM", nested: bool = True, drop: tuple[str, ...] = ()
) -> Path:
    """Write a file as rbms 0.2 … 0.6 do, with two updates."""
    rng = np.random.default_rng(3)
    with h5py.File(path, "w") as file:
        if kind:
            file["model_type"] = kind
        file["hyperparameters/lr"] = 0.01
        for update in (10, 2):
            group = file.create_group(f"update_{update}")
            place = group.create_group("params") if nested else group
            shapes: dict[str, int | tuple[int, ...]] = {"weight_matrix": (4, 3), "vbias": 4, "hbias": 3}
            for name, shape in shapes.items():
                if name not in drop:
                    place[name] = rng.normal(size=shape).astype(np.float32)
    return path


@pytest.mark.parametrize("nested", [True, False])
def test_the_file_of_rbms_holds_the_machine(tmp_path: Path, nested: bool) -> None:
    path = rbms_file(tmp_path / "rbm.h5", nested=nested)
    for update, given in ((10, None), (2, 2)):
        machine = from_rbms(path, given)
        with h5py.File(path) as file:
            group = file[f"update_{update}/params" if nested else f"update_{update}"]
            w, a, b = (group[name][()].astype(float) for name in ("weight_matrix", "vbias", "hbias"))
        v, h = np.array([1, 0, 1, 1]), np.array([0, 1, 1])
        # E = -a·v - b·h - v W h
        expected = -a @ v - b @ h - v @ w @ h
        np.testing.assert_allclose(machine.energy([*v, *h]), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "update", "message"),
    [
        ({"kind": "PBRBM"}, None, r"must hold a BBRBM \(0/1 units on both sides\), got 'PBRBM'"),
        ({}, 3, r"update must be one of \[2, 10\], got 3"),
        ({"drop": ("hbias",)}, None, "'hbias' is missing"),
    ],
)
def test_bad_files_of_rbms_are_one_sentence(
    tmp_path: Path, options: dict[str, Any], update: int | None, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        from_rbms(rbms_file(tmp_path / "rbm.h5", **options), update)


def test_damaged_files_of_rbms_are_one_sentence(tmp_path: Path) -> None:
    path = rbms_file(tmp_path / "rbm.h5")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InvalidInput, match="is not a complete HDF5 file"):
        from_rbms(path)
    with pytest.raises(InvalidInput, match="does not exist"):
        from_rbms(tmp_path / "none.h5")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    with pytest.raises(InvalidInput, match="must hold updates of a machine"):
        from_rbms(tmp_path / "empty.h5")


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("h5py", lambda: from_rbms("x.h5")),
        ("sklearn.datasets", lambda: data.load("digits")),
        ("sklearn.datasets", lambda: data.load("openml-mnist")),
    ],
)
def test_a_missing_package_is_named_with_an_extra_that_exists(
    monkeypatch: pytest.MonkeyPatch, module: str, call: Callable[..., Any]
) -> None:
    import re
    import tomllib
    from pathlib import Path

    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependency, match=r"pip install 'photinus\[(\w+)\]'") as raised:
        call()
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    named = re.search(r"photinus\[(\w+)\]", str(raised.value))
    assert named is not None
    assert named[1] in project["project"]["optional-dependencies"]


def test_every_extra_that_a_message_names_exists() -> None:
    import re
    import tomllib
    from pathlib import Path

    root = Path(__file__).parents[1]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {
        extra
        for file in (root / "src").rglob("*.py")
        for pair in re.findall(r'optional\(\s*"[\w.]+", "(\w+)"|photinus\[(\w+)\]', file.read_text())
        for extra in filter(None, pair)
    }
    assert {"learn", "rbms", "workers", "demo"} <= named <= set(extras)


def test_an_archive_from_a_pipe_is_read_once() -> None:
    """What a pipe gave once is gone: what is wrong with it is told from the first reading."""
    buffer = io.BytesIO()
    np.savez(buffer, pictures=GREY)
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as stream:
        stream.write(buffer.getvalue())
    with (
        os.fdopen(reader, "rb"),
        pytest.raises(InvalidInput, match=r"array 'images', got \['pictures'\]"),
    ):
        data.archive(f"/dev/fd/{reader}")
