"""Files of estimators: everything that learning needs to go on, and to predict."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus.errors import InvalidInput
from photinus.learning.ascent import NegativePhase

KIND = "boltzmann-estimator"
UNCHECKED = ("negative", "checkpoint", "resume", "progress", "binarize")
"""Parameters that a checkpoint does not fix; what `binarize` makes of the data it does."""


def write(estimator: Any, path: str | Path) -> None:
    """Write everything that learning needs to go on (.npz)."""
    head = {
        **files.stamp(KIND),
        "features": estimator.n_features_in_,
        "classes": getattr(estimator, "classes_", np.empty(0)).tolist(),
        "labelled": hasattr(estimator, "classes_"),
        "hidden": [int(units) for units in estimator.hidden],
        "visible_couplings": estimator.visible_couplings,
        "history": estimator.history_,
        "binarize": estimator.binarize,
        "generator": estimator._generator.bit_generator.state,
        "run": estimator._run,
    }
    arrays: dict[str, Any] = {
        "head": np.array(files.to_json(head)),
        "weights": estimator.weights_,
        "biases": estimator.biases_,
        "centre": estimator._centre,
        "velocity": estimator._velocity,
        "chains": estimator._chains.astype(np.uint8),
    }
    if estimator._best is not None:
        arrays["best_weights"], arrays["best_biases"] = estimator._best
    if estimator.negative is not None and hasattr(estimator.negative, "state"):
        arrays |= {f"negative.{name}": value for name, value in estimator.negative.state().items()}
    files.write_npz(path, arrays)


def fingerprint(estimator: Any, visible: NDArray[np.float32]) -> dict[str, Any]:
    """Return what must be the same for a checkpoint to be gone on with, for JSON."""
    found = {name: value for name, value in estimator.get_params().items() if name not in UNCHECKED}
    digest = hashlib.sha256(np.packbits(visible.astype(np.uint8), axis=1).tobytes()).hexdigest()
    found = {k: v.item() if isinstance(v, np.generic) else v for k, v in found.items()}
    return {
        **found,
        "hidden": [int(units) for units in estimator.hidden],
        "data": f"{visible.shape} {digest}",
    }


def restore(estimator: Any, path: str | Path, run: dict[str, Any] | None = None) -> None:
    """Go on from a file that `save` wrote; it must be of the same `run`, if one is given."""
    head, arrays = _read(path)
    with files.reading(path, "saved estimator"):
        _take(estimator, path, head, arrays, run)


def load(cls: Any, path: str | Path, negative: NegativePhase | None) -> Any:
    """Return the estimator of kind `cls` that `write` wrote."""
    head, arrays = _read(path)
    with files.reading(path, "saved estimator"):
        return _loaded(cls, path, head, arrays, negative)


def _loaded(
    cls: Any,
    path: str | Path,
    head: dict[str, Any],
    arrays: dict[str, NDArray[Any]],
    negative: NegativePhase | None,
) -> Any:
    units = head["features"] + len(head["classes"]) + sum(head["hidden"])
    if arrays["biases"].shape != (units,) or arrays["chains"].ndim != 3:
        raise InvalidInput(f"biases must have {units} entries, got {arrays['biases'].shape}")
    known = {name: head["run"][name] for name in cls().get_params() if name in (head["run"] or {})}
    found = cls(**{**known, "hidden": tuple(head["hidden"]), "negative": negative})
    found.visible_couplings = head["visible_couplings"]
    found.n_features_in_ = head["features"]
    # Files of before have none, and data of 0 and 1.
    found.binarize = head.get("binarize", found.binarize)
    if head["labelled"]:
        found.classes_ = np.array(head["classes"])
    chains = arrays["chains"]
    found.chains = chains.shape[1]
    if len(chains) > 1:
        found.method, found.replicas = "tempered", len(chains)
    v = found.n_features_in_ + len(head["classes"])
    found._begin(np.zeros((1, v), np.float32), np.random.default_rng(0))
    _take(found, path, head, arrays, None)
    return found


def _take(
    estimator: Any,
    path: str | Path,
    head: dict[str, Any],
    arrays: dict[str, NDArray[Any]],
    run: dict[str, Any] | None,
) -> None:
    """Put the content of a file in the place of what `_begin` made, if it is of the same shape."""
    for name, value in (run or {}).items():
        found = (head["run"] or {}).get(name)
        if found != value:
            raise InvalidInput(
                f"checkpoint {str(path)!r} must be of a run with {name} {value}, got {found}"
            )
    shapes = {
        "weights": estimator.weights_.shape,
        "biases": estimator.biases_.shape,
        "centre": estimator._centre.shape,
        "velocity": estimator._velocity.shape,
        "chains": estimator._chains.shape,
        "best_weights": estimator.weights_.shape,
        "best_biases": estimator.biases_.shape,
    }
    for name in shapes.keys() & {*arrays, "weights", "biases", "centre", "velocity", "chains"}:
        if arrays[name].shape != shapes[name]:
            raise InvalidInput(f"{name} must have shape {shapes[name]}, got {arrays[name].shape}")
        validate.finite_array(name, arrays[name], len(shapes[name]))
    validate.binary_array("chains", arrays["chains"])
    estimator.weights_, estimator.biases_ = (
        arrays[n].astype(np.float32) for n in ("weights", "biases")
    )
    estimator._centre, estimator._velocity = (
        arrays[n].astype(np.float32) for n in ("centre", "velocity")
    )
    estimator._chains = arrays["chains"].astype(np.float32)
    estimator._generator.bit_generator.state = head["generator"]
    estimator.history_, estimator._run = head["history"], head["run"]
    if "best_weights" in arrays:
        estimator._best = arrays["best_weights"], arrays["best_biases"]
    prefix = "negative."
    saved = {name.removeprefix(prefix): v for name, v in arrays.items() if name.startswith(prefix)}
    if saved and estimator.negative is not None and hasattr(estimator.negative, "restore"):
        estimator.negative.restore(saved)


def _read(path: str | Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return head and arrays of a saved estimator."""
    arrays = files.read_npz(path, what="saved estimator")
    try:
        head = json.loads(str(arrays.pop("head")))
        if head["kind"] != KIND:
            raise KeyError
    except (KeyError, ValueError, TypeError, RecursionError):
        raise InvalidInput(f"file {str(path)!r} is not a complete saved estimator") from None
    files.check_schema(path, head.get("schema"), files.SCHEMAS[KIND])
    return head, arrays
