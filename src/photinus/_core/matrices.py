"""Matrices between units: an array, or a sparse matrix of SciPy in rows where few units are coupled.

SciPy is imported only where there is something sparse.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from photinus.errors import InvalidInput

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Matrix: TypeAlias = Union[NDArray[Any], "csr_array"]
"""Array (row, column), or a sparse matrix of SciPy in rows."""

MOST_DENSE = 10_000
"""Units up to which a sparse matrix is made an array on request (0.8 GB)."""

Entries: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any]]
"""Row, column and value of what is not zero, row by row."""


def entries(matrix: Matrix) -> Entries:
    """Return row, column and value of all entries that are not zero, in the order of rows."""
    if isinstance(matrix, np.ndarray):
        row, column = np.nonzero(matrix)
        return row, column, matrix[row, column]
    matrix = matrix.tocsr()
    if not matrix.has_sorted_indices:
        matrix = matrix.sorted_indices()
    found = matrix.tocoo()
    there = found.data != 0
    row, column = (index[there].astype(np.intp) for index in found.coords)
    return row, column, found.data[there]


def upper(matrix: Matrix) -> Entries:
    """Return the entries above the diagonal."""
    if isinstance(matrix, np.ndarray):
        return entries(np.triu(matrix, 1))
    row, column, value = entries(matrix)
    above = row < column
    return row[above], column[above], value[above]


def dense(matrix: Matrix, name: str = "couplings") -> NDArray[Any]:
    """Return a matrix as an array.

    Raises
    ------
    InvalidInput
        If that would be far larger than what it holds: sparse, with more than `MOST_DENSE` rows.
    """
    if isinstance(matrix, np.ndarray):
        return matrix
    if matrix.shape[0] > MOST_DENSE:
        raise InvalidInput(
            f"{name} are an array for at most {MOST_DENSE:,} units with few couplings, "
            f"got {matrix.shape[0]:,}"
        )
    return np.asarray(matrix.toarray())


def part(matrix: Matrix, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Matrix:
    """Return some rows and columns, in the order that is asked for."""
    if isinstance(matrix, np.ndarray):
        return matrix[np.ix_(rows, columns)]
    return matrix[rows][:, columns]


def mapped(matrix: Matrix, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Matrix:
    """Return a matrix with each entry changed; zero must stay zero."""
    if isinstance(matrix, np.ndarray):
        return change(matrix)
    found = matrix.copy()
    found.data = change(matrix.data)
    return found


def scaled(matrix: Matrix, factor: NDArray[np.float64]) -> Matrix:
    """Return a square matrix with each entry (i, j) times the factors of i and of j."""
    if isinstance(matrix, np.ndarray):
        return np.asarray(np.outer(factor, factor) * matrix + 0.0)
    rows = np.repeat(factor, np.diff(matrix.indptr))
    return mapped(matrix, lambda values: rows * factor[matrix.indices] * values)


def rows_scaled(matrix: Matrix, factor: NDArray[np.float64]) -> Matrix:
    """Return a matrix with each row times a factor."""
    if isinstance(matrix, np.ndarray):
        return np.asarray(factor[:, None] * matrix)
    each = np.repeat(factor, np.diff(matrix.indptr))
    return mapped(matrix, lambda values: each * values)


def columns_scaled(matrix: Matrix, factor: NDArray[np.float64]) -> Matrix:
    """Return a matrix with each column times a factor."""
    if isinstance(matrix, np.ndarray):
        return np.asarray(matrix * factor)
    return mapped(matrix, lambda values: values * factor[matrix.indices])


def row_sizes(matrix: Matrix) -> NDArray[np.float64]:
    """Return the sum of the sizes of each row, array (row,)."""
    sizes: Any = abs(matrix)
    return np.asarray(sizes.sum(axis=1))


def largest(matrix: Matrix) -> float:
    """Return the largest size of an entry."""
    values = matrix if isinstance(matrix, np.ndarray) else matrix.data
    return float(np.abs(values).max(initial=0.0))


def alike(one: Matrix, other: Matrix) -> bool:
    """Return whether two matrices are held the same way and equal each other."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return False
    return one.shape == other.shape and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("indptr", "indices", "data")
    )
