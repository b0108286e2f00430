"""What arrays and labels must be to describe a machine."""

from collections.abc import Hashable, Iterable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import memory, validate
from photinus._core.matrices import Matrix, dense, entries, largest, row_sizes
from photinus.errors import InvalidInput

LARGEST_SUM = 1e300
"""Of the sizes of all weights and biases: up to here no energy overflows."""
SYMMETRY_TOLERANCE = 1e-12
"""Largest difference of W_ij and W_ji, in units of the largest weight (at least 1)."""
MOST_PLAIN = 2000
"""Units up to which weights are always held as an array (32 MB)."""
FULL = 1 / 8
"""Part of all weights that are not zero, above which they are held as an array, too."""


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
    w: Matrix, b: NDArray[np.float64], names: str = "weights and biases"
) -> None:
    """Raise where a sum of weights and biases could overflow."""
    with np.errstate(over="ignore"):
        size = row_sizes(w).sum() / 2 + np.abs(b).sum()
    if not size <= LARGEST_SUM:
        raise InvalidInput(f"sizes of {names} must add up to at most {LARGEST_SUM:g}, got {size:.3g}")


def symmetric(name: str, value: ArrayLike | Matrix) -> Matrix:
    """Return `value` as a symmetric matrix with zero diagonal, `held`; its upper half counts."""
    if validate.is_sparse(value):
        sparse: Any = value
        if sparse.ndim == 2 and not _is_array(sparse.shape[0], sparse.nnz):
            return _symmetric_rows(name, sparse)
    given: Any = value
    matrix = validate.finite_array(name, given, 2)
    _require_square(name, matrix)
    loops = np.flatnonzero(np.diagonal(matrix))
    if loops.size:
        _refuse_loop(name, int(loops[0]), matrix[loops[0], loops[0]])
    tolerance = SYMMETRY_TOLERANCE * np.abs(matrix).max(initial=1.0)
    skew = np.argwhere(np.abs(matrix - matrix.T) > tolerance)
    if skew.size:
        i, j = (int(k) for k in skew[0])
        _refuse_skew(name, i, j, matrix[i, j], matrix[j, i])
    upper = np.triu(matrix, 1)
    return held(upper + upper.T)


def held(matrix: Matrix) -> Matrix:
    """Return a matrix as machines hold it: an array, or sparse rows of many units with few couplings.

    How it is held depends on what it is, not on where it comes from.
    """
    n = matrix.shape[0]
    if not isinstance(matrix, np.ndarray):
        return dense(matrix) if _is_array(n, matrix.nnz) else matrix
    if _is_array(n, n * n) and _is_array(n, int(np.count_nonzero(matrix))):
        return matrix
    from scipy.sparse import csr_array

    return csr_array(matrix)


def _is_array(n: int, entries: int) -> bool:
    """Return whether a matrix of n units with so many entries is held as an array."""
    return n <= MOST_PLAIN or entries > FULL * n * n


def _symmetric_rows(name: str, value: Any) -> Matrix:
    """Return `symmetric` of a sparse matrix, without an array."""
    from scipy.sparse import csr_array, triu

    _require_square(name, value)
    rows = csr_array(value)
    numbers = validate.finite_array(name, rows.data, 1)
    rows = csr_array((numbers, rows.indices.copy(), rows.indptr.copy()), shape=rows.shape)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    loops = np.flatnonzero(rows.diagonal())
    if loops.size:
        _refuse_loop(name, int(loops[0]), rows.diagonal()[loops[0]])
    skew = rows - rows.T
    skew.eliminate_zeros()
    if not skew.nnz:
        return held(rows)
    row, column, off = entries(skew)
    wrong = np.flatnonzero(np.abs(off) > SYMMETRY_TOLERANCE * max(1.0, largest(rows)))
    if wrong.size:
        i, j = int(row[wrong[0]]), int(column[wrong[0]])
        _refuse_skew(name, i, j, float(rows[i, j]), float(rows[j, i]))
    upper = csr_array(triu(rows, 1))
    return held(csr_array(upper + upper.T))


def of_pairs(first: ArrayLike, second: ArrayLike, weights: ArrayLike, n: int) -> Matrix:
    """Return the symmetric matrix of `n` units whose pairs have these weights.

    Weights of a pair that comes several times are added up.
    """
    i, j = validate.positions("first", first, n), validate.positions("second", second, n)
    values = validate.finite_array("weights", weights, 1)
    for name, end in (("first", i), ("second", j)):
        validate.same_length(name, end, "weights", len(values))
    loops = np.flatnonzero(i == j)
    if loops.size:
        raise InvalidInput(f"pairs must be of two units, got {i[loops[0]]} with itself")
    if _is_array(n, 0):
        matrix = np.zeros((n, n))
        np.add.at(matrix, (i, j), values)
        return np.asarray(matrix + matrix.T)
    from scipy.sparse import csr_array

    # One after the other, in the order given: a sum must not depend on how rows are sorted.
    order = np.lexsort((j, i))
    i, j, values = i[order], j[order], values[order]
    fresh = np.ones(len(i), bool)
    fresh[1:] = (np.diff(i) != 0) | (np.diff(j) != 0)
    summed = np.bincount(np.cumsum(fresh) - 1, values, int(fresh.sum()))
    directed = csr_array((summed, (i[fresh], j[fresh])), shape=(n, n))
    return csr_array(directed + directed.T)


def of_block(block: NDArray[np.float64]) -> Matrix:
    """Return the symmetric matrix of two sides whose units are coupled by a block (first, second)."""
    first, second = block.shape
    n = first + second
    if _is_array(n, 2 * int(np.count_nonzero(block))):
        memory.require(24.0 * n * n, f"a machine of {n} units")
        whole = np.zeros((n, n))
        whole[:first, first:] = block
        return np.asarray(whole + whole.T)
    from scipy.sparse import block_array, csr_array

    rows: Any = csr_array(block)
    parts: Any = [[None, rows], [rows.T, None]]
    return csr_array(block_array(parts))


def _require_square(name: str, matrix: Any) -> None:
    if matrix.shape[0] != matrix.shape[1]:
        raise InvalidInput(f"{name} must be square, got shape {matrix.shape}")


def _refuse_loop(name: str, k: int, value: float) -> NoReturn:
    raise InvalidInput(f"{name} must have a zero diagonal, got {value:g} at unit {k}")


def _refuse_skew(name: str, i: int, j: int, one: float, other: float) -> NoReturn:
    raise InvalidInput(
        f"{name} must be symmetric, got {one:.17g} at ({i}, {j}) and {other:.17g} at ({j}, {i})"
    )


def checked_labels(labels: Iterable[Hashable] | None, n: int) -> tuple[Hashable, ...]:
    """Return one label per unit: whatever can be hashed, all different.

    Not True and False, which are the same as 1 and 0, nor what differs from itself.
    """
    if labels is None:
        return tuple(range(n))
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise InvalidInput(f"labels must be a list of names, got {labels!r}")
    checked: dict[Hashable, None] = {}
    for label in labels:
        plain = label.item() if isinstance(label, np.generic) else label
        if not _is_name(plain):
            raise InvalidInput(
                "labels must be hashable values, not None, nan, True or False, "
                f"got {validate.shown(label)}"
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
