"""Machines as files: JSON, or an archive of NumPy.

Weights are an array, or the coupled pairs of a machine that is held as a sparse matrix.
"""

import json
import os
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import files, validate
from photinus._core.matrices import Matrix, upper
from photinus.errors import InvalidInput
from photinus.machines.checks import of_pairs

KIND = "boltzmann-machine"
AS_ARRAY = 1
"""Schema of files whose weights are an array, which older versions read, too."""
PAIRS = ("first", "second", "weight")
"""Arrays of coupled pairs, as `BoltzmannMachine.couplings`."""
NAMES = ("kind", "schema", "labels", "weights", *PAIRS, "biases")


def write(
    path: str | os.PathLike[str],
    weights: Matrix,
    biases: NDArray[np.float64],
    labels: tuple[Hashable, ...],
    *,
    replace: bool,
) -> None:
    """Write a machine, as `BoltzmannMachine.save` says."""
    coupled = _weights_out(weights)
    stamp = files.stamp(KIND) | ({"schema": AS_ARRAY} if "weights" in coupled else {})
    if _suffix(path) == ".json":
        document = {**stamp, "labels": files.labels_to_json(labels), **coupled, "biases": biases}
        files.write_json(path, document, replace=replace, indent=None)
        return
    arrays = {
        **{name: np.array(value) for name, value in stamp.items()},
        "labels": np.array(files.to_json(files.labels_to_json(labels))),
        **coupled,
        "biases": biases,
    }
    files.write_npz(path, arrays, replace=replace)


def _weights_out(weights: Matrix) -> dict[str, NDArray[Any]]:
    """Return the arrays that hold weights."""
    if isinstance(weights, np.ndarray):
        return {"weights": weights}
    return dict(zip(PAIRS, upper(weights), strict=True))


def weights_in(document: Mapping[str, Any]) -> ArrayLike | Matrix:
    """Return the weights that a document or an archive holds, as a machine takes them."""
    if PAIRS[0] not in document:
        return document["weights"]  # type: ignore[no-any-return]
    first, second, weight = (document[name] for name in PAIRS)
    return of_pairs(first, second, weight, len(document["biases"]))


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the weights, biases and labels that a file holds, not checked."""
    if _suffix(path) == ".json":
        return files.read_json(path, kind=KIND)
    return of_arrays(path, files.read_npz(path, NAMES))


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
