"""Machines that others have learned: scikit-learn's `BernoulliRBM`, HDF5 files of the package rbms."""

import io
import os
import re
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import files, memory, validate
from photinus._core.extras import optional
from photinus.errors import InvalidInput, PhotinusError
from photinus.learning.units import labelled
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.checks import of_block

MODEL = "BBRBM"
"""Name that rbms gives to restricted machines of 0/1 units on both sides."""
ARRAYS = ("weight_matrix", "vbias", "hbias")
UPDATE = "update_"
"""Start of the names of checkpoints in an rbms file; the number of updates follows."""


class Restricted(Protocol):
    """What scikit-learn's `BernoulliRBM` holds once it is fitted."""

    components_: NDArray[Any]
    """Weights, array (hidden, visible)."""
    intercept_visible_: NDArray[Any]
    intercept_hidden_: NDArray[Any]


def restricted(
    weights: ArrayLike, visible: ArrayLike, hidden: ArrayLike, *, classes: tuple[object, ...] = ()
) -> BoltzmannMachine:
    """Return the machine of p(v, h) ∝ exp(vᵀWh + aᵀv + bᵀh), labelled as learned ones are.

    Parameters
    ----------
    weights : array (visible, hidden)
        W.
    visible, hidden : array (visible,), array (hidden,)
        Biases a and b.
    classes
        Names of the classes that the last visible units stand for.

    Raises
    ------
    InvalidInput
        If the arrays do not fit each other, or are not finite.
    """
    classes = validate.listed("classes", classes)
    w = validate.finite_array("weights", weights, 2)
    a, b = validate.finite_array("visible", visible, 1), validate.finite_array("hidden", hidden, 1)
    if w.shape != (len(a), len(b)):
        raise InvalidInput(
            f"weights must have shape (visible, hidden) = {(len(a), len(b))}, got {w.shape}"
        )
    if len(classes) >= len(a):
        raise InvalidInput(f"classes must be fewer than the {len(a)} visible units, got {len(classes)}")
    labels = labelled(len(a) - len(classes), classes, (len(b),))
    return BoltzmannMachine(of_block(w), np.concatenate([a, b]), labels)


def from_sklearn(rbm: Restricted) -> BoltzmannMachine:
    """Return the machine that scikit-learn's `BernoulliRBM` has learned.

    Raises
    ------
    InvalidInput
        If it is not fitted, or something else.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neural_network import BernoulliRBM
    >>> from photinus.interop import from_sklearn
    >>> rbm = BernoulliRBM(n_components=3, n_iter=2, random_state=0).fit(np.eye(4))
    >>> from_sklearn(rbm).n_units
    7
    """
    try:
        weights = np.asarray(rbm.components_).T
        visible, hidden = rbm.intercept_visible_, rbm.intercept_hidden_
    except AttributeError:
        raise InvalidInput(f"rbm must be a fitted BernoulliRBM, got {rbm!r}") from None
    return restricted(weights, visible, hidden)


def from_rbms(path: str | os.PathLike[str], update: int | None = None) -> BoltzmannMachine:
    """Return a machine that the package rbms (DsysDML) has learned, from its HDF5 file.

    Parameters
    ----------
    path
        File with groups ``update_N`` that hold `weight_matrix` (visible, hidden), `vbias` and `hbias`,
        in a group `params` or by themselves.
    update
        N; the last one by default.

    Raises
    ------
    MissingDependency
        If h5py is not installed.
    InvalidInput
        If the file is damaged, of another kind of machine, or has no such update.

    Examples
    --------
    >>> import h5py
    >>> import numpy as np
    >>> from photinus.interop import from_rbms
    >>> with h5py.File("rbm.h5", "w") as file:
    ...     group = file.create_group("update_1/params")
    ...     group["weight_matrix"] = np.ones((3, 2))
    ...     group["vbias"], group["hbias"] = np.zeros(3), np.zeros(2)
    >>> from_rbms("rbm.h5").n_units
    5
    """
    optional("h5py", "rbms", "a file of rbms")  # or else a missing file is told first
    return read_rbms(files.read_bytes(path), str(path), update)


def read_rbms(content: bytes, name: str, update: int | None = None) -> BoltzmannMachine:
    """Return the machine that the `content` of an HDF5 file holds; see `from_rbms`."""
    h5py = optional("h5py", "rbms", "a file of rbms")
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            return _read(file, name, update)
    except (PhotinusError, KeyboardInterrupt):
        raise
    except Exception:
        # What h5py raises on files of arbitrary content is not written anywhere.
        raise InvalidInput(f"file {name!r} is not a complete HDF5 file") from None


def _read(file: Any, path: str, update: int | None) -> BoltzmannMachine:
    kind = _text(file["model_type"]) if "model_type" in file else MODEL
    if kind != MODEL:
        raise InvalidInput(f"file {path!r} must hold a {MODEL} (0/1 units on both sides), got {kind!r}")
    updates = {
        int(name.removeprefix(UPDATE)): file[name]
        for name in file
        if re.fullmatch(rf"{UPDATE}[0-9]{{1,18}}", name) and hasattr(file[name], "keys")
    }
    if not updates:
        raise InvalidInput(f"file {path!r} must hold updates of a machine that rbms learned, got none")
    chosen = max(updates) if update is None else validate.integer("update", update, 0)
    if chosen not in updates:
        raise InvalidInput(f"update must be one of {sorted(updates)}, got {chosen}")
    group = updates[chosen]
    params = group.get("params", group)
    group = params if hasattr(params, "keys") else group
    missing = [name for name in ARRAYS if name not in group]
    if missing:
        raise InvalidInput(f"file {path!r} must hold {', '.join(ARRAYS)}, {missing[0]!r} is missing")
    with files.reading(path, "file of rbms"):
        return restricted(*(_numbers(group, name) for name in ARRAYS))


def _text(entry: Any) -> str:
    """Return the one text of an HDF5 entry, whether it is a scalar or an array of one."""
    values = np.ravel(entry[()])
    value = values[0] if values.size == 1 else values.tolist()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _numbers(group: Any, name: str) -> Any:
    """Return an array of an HDF5 file; one that was never written takes no room until it is read."""
    entry = group[name]
    if hasattr(entry, "keys"):
        raise InvalidInput(f"{name} must be an array, got a group")
    memory.require(2.0 * entry.size * entry.dtype.itemsize, name)
    return entry[()]
