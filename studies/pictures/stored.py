"""Small results that pictures are drawn from, one archive of arrays per measurement."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from photinus._core import files

DATA = Path(__file__).parent / "data"


def path(name: str) -> Path:
    """Return the file of the results called `name`."""
    return DATA / f"{name}.npz"


def write(name: str, arrays: Mapping[str, Any], folder: Path = DATA) -> None:
    """Store results: numbers in single precision, which no picture can tell from double."""
    kept: dict[str, Any] = {}
    for key, given in arrays.items():
        array = np.asarray(given)
        kept[key] = array.astype(np.float32) if array.dtype == np.float64 else array
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **kept)
    files.write_bytes(files.make_folder(folder) / path(name).name, buffer.getvalue())


def read(name: str) -> dict[str, Any]:
    """Return stored results by name."""
    with np.load(path(name)) as archive:
        return {key: archive[key] for key in archive.files}
