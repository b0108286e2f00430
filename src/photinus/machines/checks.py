"""What arrays and labels must be to describe a machine."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus.errors import InvalidInput

LARGEST_SUM = 1e300
"""Of the sizes of all weights and biases: up to here no energy overflows."""
SYMMETRY_TOLERANCE = 1e-12
"""Largest difference of W_ij and W_ji, in units of the largest weight (at least 1)."""


def in_one_order(
    name: str, matrix: Any, other: str, vector: Any, labels: Iterable[Hashable] | None
) -> tuple[Any, Any, Iterable[Hashable] | None]:
    """Return matrix and vector in the order of the labels, which their names give if need be."""
    if labels is not None and not isinstance(labels, str) and isinstance(labels, Iterable):
        labels = tuple(labels)
    rows, columns = (validate.array_names(matrix, axis) for axis in (0, 1))
    found = next((n for n in (rows, columns, validate.array_names(vector, 0)) if n is not None), None)
    if found is None:
        return matrix, vector, labels
    order = found if labels is None else checked_labels(labels, len(found))
    return (
        validate.aligned(name, matrix, order, (0, 1)),
        validate.aligned(other, vector, order, (0,)),
        order,
    )


def require_finite_energies(
    w: NDArray[np.float64], b: NDArray[np.float64], names: str = "weights and biases"
) -> None:
    """Raise where a sum of weights and biases could overflow."""
    with np.errstate(over="ignore"):
        size = np.abs(w).sum() / 2 + np.abs(b).sum()
    if not size <= LARGEST_SUM:
        raise InvalidInput(f"sizes of {names} must add up to at most {LARGEST_SUM:g}, got {size:.3g}")


def symmetric(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return `value` as a symmetric matrix with zero diagonal; its upper half counts."""
    matrix = validate.finite_array(name, value, 2)
    if matrix.shape[0] != matrix.shape[1]:
        raise InvalidInput(f"{name} must be square, got shape {matrix.shape}")
    loops = np.flatnonzero(np.diagonal(matrix))
    if loops.size:
        k = int(loops[0])
        raise InvalidInput(f"{name} must have a zero diagonal, got {matrix[k, k]:g} at unit {k}")
    tolerance = SYMMETRY_TOLERANCE * np.abs(matrix).max(initial=1.0)
    skew = np.argwhere(np.abs(matrix - matrix.T) > tolerance)
    if skew.size:
        i, j = (int(k) for k in skew[0])
        raise InvalidInput(
            f"{name} must be symmetric, got {matrix[i, j]:.17g} at ({i}, {j}) "
            f"and {matrix[j, i]:.17g} at ({j}, {i})"
        )
    upper = np.triu(matrix, 1)
    return np.asarray(upper + upper.T)


def checked_labels(labels: Iterable[Hashable] | None, n: int) -> tuple[Hashable, ...]:
    """Return one label per unit: whatever can be hashed, all different.

    Not True and False, which are the same as 1 and 0, nor what differs from itself.
    """
    if labels is None:
        return tuple(range(n))
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise InvalidInput(f"labels must be a list of text, numbers or tuples, got {labels!r}")
    checked: dict[Hashable, None] = {}
    for label in labels:
        plain = label.item() if isinstance(label, np.generic) else label
        if not _is_name(plain):
            raise InvalidInput(
                f"labels must be text, numbers or tuples of these, got {validate.shown(label)}"
            )
        if plain in checked:
            raise InvalidInput(f"labels must differ from each other, got {plain!r} twice")
        checked[plain] = None
    validate.same_length("labels", tuple(checked), "biases", n)
    return tuple(checked)


def _is_name(label: Any) -> bool:
    """Return whether a label can be hashed, equals itself, and is no mere yes or no."""
    try:
        hash(label)
        return not (label is None or isinstance(label, bool)) and bool(label == label)
    except (TypeError, ValueError):
        return False
