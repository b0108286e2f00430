"""Binary images to learn from: digits that scikit-learn ships, MNIST files, archives of one's own."""

import gzip
import io
import math
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, memory, validate
from photinus._core.display import Displayed
from photinus._core.extras import optional
from photinus.errors import InvalidInput

THRESHOLD = 0.5
"""Pixels above this part of the brightest one are 1."""
TEST_EVERY = 5
"""Of the 8×8 digits, and of archives without a test part, every fifth image is held back."""
NAMES = ("digits", "mnist", "mnist14", "openml-mnist")
"""Data that `load` knows by name."""
IDX_BYTES = 0x08
"""Code of unsigned bytes in an IDX file."""
MNIST_TRAINING = 60_000
"""Training images of MNIST, which come first."""
ARCHIVED = ("images", "labels", "test_images", "test_labels")
"""Arrays of an archive."""
MNIST_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Images(Displayed):
    """Binary images with their classes."""

    pixels: NDArray[np.uint8]
    """Array (image, pixel) of 0 and 1, row by row."""
    labels: NDArray[np.int64] | None
    """Array (image,), None without classes."""
    shape: tuple[int, int]
    """Height and width."""

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: "slice | NDArray[np.intp]") -> "Images":
        labels = None if self.labels is None else self.labels[index]
        return Images(self.pixels[index], labels, self.shape)


def binary(grey: NDArray[np.generic], threshold: float = THRESHOLD) -> NDArray[np.uint8]:
    """Return 1 where a value lies above `threshold` times the largest one."""
    threshold = validate.number("threshold", threshold)
    if not 0 < threshold < 1:
        raise InvalidInput(f"threshold must be between 0 and 1, got {threshold:g}")
    values = np.asarray(grey, np.float64)
    if not np.isfinite(values).all() or values.min(initial=0) < 0:
        raise InvalidInput("images must hold finite values that are not negative")
    above: NDArray[np.uint8] = (values > threshold * values.max(initial=0)).astype(np.uint8)
    return above


def digits(part: str = "train") -> Images:
    """Return the 1 797 handwritten digits of 8×8 pixels (Alpaydin & Kaynak 1998) or a part of them.

    Parameters
    ----------
    part
        "train" (four fifths) or "test"; every fifth image is a test image.

    Raises
    ------
    MissingDependency
        If scikit-learn, which ships them, is not installed.
    """
    validate.one_of("part", part, MNIST_FILES)
    found = optional("sklearn.datasets", "learn", "a set of digits").load_digits()
    whole = Images(binary(found.data), found.target.astype(np.int64), (8, 8))
    return whole[_chosen(len(whole), part)]


def _chosen(images: int, part: str) -> NDArray[np.intp]:
    """Return which of so many images belong to a part."""
    held = np.arange(images) % TEST_EVERY == 0
    return np.flatnonzero(held if part == "test" else ~held)


def mnist(folder: str | os.PathLike[str], part: str = "train", *, pool: int = 1) -> Images:
    """Return MNIST (LeCun et al. 1998, Proc. IEEE 86, 2278) from IDX files, packed by gzip or not.

    Parameters
    ----------
    folder
        Holds train-images-idx3-ubyte and its three companions, with or without .gz; a dot before
        "idx3", as some programs unpack them, will do.
    part
        "train" (60 000 images) or "test" (10 000).
    pool
        Average so many pixels each way before the threshold: 2 gives 14×14.

    Raises
    ------
    InvalidInput
        If a file is missing or damaged.
    """
    validate.one_of("part", part, MNIST_FILES)
    pool = validate.integer("pool", pool, 1)
    images, labels = (_idx(folder, name) for name in MNIST_FILES[part])
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise InvalidInput(
            f"data_dir {str(folder)!r} must hold as many labels as images, "
            f"got shapes {images.shape} and {labels.shape}"
        )
    return _pooled(images, labels, pool)


def openml(part: str = "train", *, pool: int = 1) -> Images:
    """Return MNIST as scikit-learn's `fetch_openml` downloads it, once, into its own data folder.

    Parameters
    ----------
    part, pool
        As in `mnist`.

    Raises
    ------
    MissingDependency
        If scikit-learn is not installed.
    InvalidInput
        If the data are neither there already nor can be downloaded.
    """
    validate.one_of("part", part, MNIST_FILES)
    pool = validate.integer("pool", pool, 1)
    datasets = optional("sklearn.datasets", "learn", "a download of MNIST")
    try:
        found = datasets.fetch_openml("mnist_784", version=1, as_frame=False, parser="liac-arff")
    except OSError as error:
        raise InvalidInput(
            f"data_dir must be the folder of the MNIST files, as they cannot be downloaded ({error})"
        ) from None
    some = slice(MNIST_TRAINING) if part == "train" else slice(MNIST_TRAINING, None)
    images = np.asarray(found.data[some], np.float64).reshape(-1, 28, 28)
    return _pooled(images, np.asarray(found.target[some]), pool)


def _pooled(images: NDArray[Any], labels: NDArray[Any], pool: int) -> Images:
    """Return binary images from grey ones of 0 to 255, array (image, row, column)."""
    n, height, width = images.shape
    if not images.size:
        raise InvalidInput(f"images must be at least 1 with at least 1 pixel, got shape {images.shape}")
    if height % pool or width % pool:
        raise InvalidInput(f"pool must divide the size of the images ({height}×{width}), got {pool}")
    grey = images.reshape(n, height // pool, pool, width // pool, pool).mean(axis=(2, 4))
    # Each pixel against the brightest possible one, not the brightest of these. In files of images
    # that somebody has made binary already, that is 1.
    brightest = 255 if images.max() > 1 else 1
    pixels = (grey > brightest * THRESHOLD).astype(np.uint8).reshape(n, -1)
    return Images(pixels, labels.astype(np.int64), (height // pool, width // pool))


def _idx(folder: str | os.PathLike[str], name: str) -> NDArray[np.uint8]:
    """Return the array of an IDX file."""
    names = [each + end for each in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]
    found = (Path(folder) / each for each in names)
    path = next((each for each in found if os.path.lexists(each)), None)
    if path is None:
        raise InvalidInput(f"data_dir must hold {name} or {name}.gz, got {str(folder)!r}")
    content = files.read_bytes(path)
    stream = io.BytesIO(content)
    packed = content[:2] == b"\x1f\x8b"
    try:
        return _idx_array(gzip.GzipFile(fileobj=stream) if packed else stream, path)
    except (OSError, EOFError, zlib.error):
        raise InvalidInput(f"file {str(path)!r} is not complete (truncated?)") from None


def _idx_array(stream: io.BufferedIOBase, path: Path) -> NDArray[np.uint8]:
    """Return the array of an open IDX file."""
    head = stream.read(4)
    if len(head) < 4 or head[:3] != bytes([0, 0, IDX_BYTES]) or not 1 <= head[3] <= 3:
        raise InvalidInput(f"file {str(path)!r} must be an IDX file of bytes")
    sizes = stream.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise InvalidInput(f"file {str(path)!r} must be an IDX file of bytes")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    # Only as much as the head says is unpacked, and only if it fits: heads lie, archives explode.
    size = math.prod(shape)
    memory.require(float(size), f"file {str(path)!r}")
    content = stream.read(size)
    if len(content) < size or stream.read(1):
        raise EOFError
    return np.frombuffer(content, np.uint8).reshape(shape)


def archive(path: str | os.PathLike[str], part: str = "train") -> Images:
    """Return the images of an .npz: `images`, array (image, pixel) or (image, row, column), `labels`.

    Binary or grey; `labels` may be missing. The test part is `test_images` and `test_labels`; in an
    archive without these, every fifth image.

    Raises
    ------
    InvalidInput
        If the file is damaged, or holds no such array.
    """
    validate.one_of("part", part, MNIST_FILES)
    arrays = files.read_npz(path, ARCHIVED, needed=("images",))
    train = _archived(arrays, "")
    if "test_images" not in arrays:
        if len(train) < TEST_EVERY:
            raise InvalidInput(
                f"file {str(path)!r} must hold at least {TEST_EVERY} images, of which every fifth is "
                f"held back, or test_images, got {len(train)}"
            )
        return train[_chosen(len(train), part)]
    test = _archived(arrays, "test_")
    if test.shape != train.shape:
        raise InvalidInput(f"test_images must have the shape of images {train.shape}, got {test.shape}")
    return test if part == "test" else train


def _archived(arrays: dict[str, NDArray[Any]], prefix: str) -> Images:
    """Return the images of an archive whose names begin with `prefix`."""
    images, labels = arrays[f"{prefix}images"], arrays.get(f"{prefix}labels")
    if images.ndim not in (2, 3) or 0 in images.shape or images.dtype.kind not in "biuf":
        raise InvalidInput(
            f"{prefix}images must be numbers of shape (image, pixel) or (image, row, column), "
            f"got {images.dtype} {images.shape}"
        )
    if labels is not None and (labels.shape != images.shape[:1] or labels.dtype.kind not in "iu"):
        raise InvalidInput(
            f"{prefix}labels must be one whole number per image, got {labels.dtype} {labels.shape}"
        )
    shape = images.shape[1:] if images.ndim == 3 else square(images.shape[1])
    pixels = binary(images).reshape(len(images), -1)
    return Images(pixels, None if labels is None else labels.astype(np.int64), shape)


def square(pixels: int) -> tuple[int, int]:
    """Return height and width of an image of so many pixels: a square if they make one, else a row."""
    side = round(pixels**0.5)
    return (side, side) if side * side == pixels else (1, pixels)


def load(data: str, part: str = "train", *, data_dir: str | os.PathLike[str] | None = None) -> Images:
    """Return images by name, or of the .npz at a path.

    Parameters
    ----------
    data
        "digits"; "mnist" or "mnist14" (14×14), from `data_dir`; "openml-mnist", downloaded the first
        time; or the path of an .npz, see `archive`.
    part
        "train" or "test".
    data_dir
        Folder of the MNIST files.
    """
    if data == "digits":
        return digits(part)
    if data in ("mnist", "mnist14"):
        if data_dir is None:
            raise InvalidInput(
                f"data_dir must be the folder of the MNIST files for data={data!r}, got None "
                "(where there is a network, 'openml-mnist' downloads them)"
            )
        return mnist(data_dir, part, pool=2 if data == "mnist14" else 1)
    if data == "openml-mnist":
        return openml(part)
    if data.endswith(".npz"):
        return archive(data, part)
    validate.one_of("data", data, (*NAMES, "FILE.npz"))
    raise InvalidInput("data must be the path of an .npz, got the placeholder 'FILE.npz'")
