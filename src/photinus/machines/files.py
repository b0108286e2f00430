"""Machines as files: JSON, or an archive of NumPy."""

import json
import os
from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus.errors import InvalidInput

KIND = "boltzmann-machine"


def write(
    path: str | os.PathLike[str],
    weights: NDArray[np.float64],
    biases: NDArray[np.float64],
    labels: tuple[Hashable, ...],
    *,
    replace: bool,
) -> None:
    """Write a machine, as `BoltzmannMachine.save` says."""
    if _suffix(path) == ".json":
        document = {
            **files.stamp(KIND),
            "labels": files.labels_to_json(labels),
            "weights": weights.tolist(),
            "biases": biases.tolist(),
        }
        files.write_json(path, document, replace=replace, indent=None)
        return
    arrays = {
        **{name: np.array(value) for name, value in files.stamp(KIND).items()},
        "labels": np.array(files.to_json(files.labels_to_json(labels))),
        "weights": weights,
        "biases": biases,
    }
    files.write_npz(path, arrays, replace=replace)


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the weights, biases and labels that a file holds, not checked."""
    if _suffix(path) == ".json":
        return files.read_json(path, kind=KIND)
    return of_arrays(path, files.read_npz(path, ("kind", "schema", "labels", "weights", "biases")))


def _suffix(path: str | os.PathLike[str]) -> str:
    validate.instance("path", path, (str, os.PathLike))
    suffix = files.named(path).suffix
    if suffix not in (".json", ".npz"):
        raise InvalidInput(f"model file {str(path)!r} must end in .json or .npz")
    return suffix


def of_arrays(path: str | os.PathLike[str], arrays: dict[str, Any]) -> dict[str, Any]:
    """Return the arrays of an archive, with `labels` as a list or None."""
    labels = arrays.get("labels")
    if "kind" not in arrays:
        return {**arrays, "labels": None if labels is None else labels.tolist()}
    with files.reading(path, KIND):
        kind, schema = arrays["kind"].item(), arrays["schema"].item()
        names = json.loads(arrays["labels"].item()) if kind == KIND else None
    files.check_document(path, {"kind": kind, "schema": schema}, kind=KIND)
    return {**arrays, "labels": names}
