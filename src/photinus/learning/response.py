"""How moments answer to parameters: the covariance of the statistics z_i z_j, dense or by products.

In a Boltzmann machine ∂⟨z_i z_j⟩/∂θ_kl is the covariance of z_i z_j and z_k z_l, the Fisher information
(Amari 1998, Neural Comput. 10, 251).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DENSE = 3000
"""Statistics up to which the response is kept as a matrix; beyond, states are kept and multiplied."""
PRODUCTS, FEWEST_PRODUCTS, PRODUCT_ENTRIES = 40, 8, 2**24
"""Products with the response that a step may take where there is no matrix; numbers that these have at
most, unless they are the fewest."""


class Answering(Protocol):
    """What refinement asks of a response J, whatever it is made of."""

    @property
    def matrix(self) -> Floats | None:
        """J as (statistic, statistic), where it is held so."""

    def mean_with(self, other: Self) -> Self:
        """Return the mean of two responses of the same statistics."""

    def times(self, vectors: Floats) -> Floats:
        """Return J times each of `vectors` (vector, statistic)."""

    def ridge(self, vectors: Floats) -> Floats:
        """Return R, what λ multiplies, times each of `vectors` (vector, statistic)."""

    def resolvent(self, vectors: Floats) -> Callable[[float], Floats]:
        """Return the function λ → (J + λR)⁻¹ times each of `vectors` (vector, statistic), λ > 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """A symmetric, positive semidefinite response, as a matrix or as the states that tell it."""

    matrix: Floats | None = None
    """(statistic, statistic)."""
    states: NDArray[np.float32] | None = None
    """(draw, unit), instead of a matrix."""
    rows: NDArray[np.intp] | None = None
    columns: NDArray[np.intp] | None = None
    """Units (i, j) of each statistic, beside `states`."""

    @classmethod
    def of_states(
        cls,
        states: NDArray[np.uint8],
        rows: NDArray[np.intp],
        columns: NDArray[np.intp],
        weight: Floats | None = None,
    ) -> "Response":
        """Return the covariance of z_i z_j over states (draw, unit), weighted by `weight`."""
        if len(rows) > DENSE and weight is None:
            return cls(states=states.astype(np.float32), rows=rows, columns=columns)
        kind = np.float32 if weight is None else np.float64
        features: NDArray[Any] = (states[:, rows] * states[:, columns]).astype(kind)
        each = np.full(len(states), 1 / len(states), kind) if weight is None else weight
        mean = (each @ features).astype(np.float64)
        second = ((features * each[:, None]).T @ features).astype(np.float64)
        return cls(matrix=second - np.outer(mean, mean))

    def mean_with(self, other: "Response") -> "Response":
        """Return the mean of two responses of the same statistics."""
        if self.matrix is not None and other.matrix is not None:
            return Response(matrix=(self.matrix + other.matrix) / 2)
        assert self.states is not None
        assert other.states is not None
        length = min(len(self.states), len(other.states))
        states = np.concatenate([self.states[:length], other.states[:length]])
        return Response(states=states, rows=self.rows, columns=self.columns)

    def _times(self, vector: Floats) -> Floats:
        """Return J times a vector, from states."""
        assert self.states is not None
        z, n = self.states, self.states.shape[1]
        matrix = np.zeros((n, n), np.float32)
        matrix[self.rows, self.columns] = vector
        value = np.einsum("ij,ij->i", z @ matrix, z)
        value -= value.mean()
        return np.asarray(((z * value[:, None]).T @ z)[self.rows, self.columns], np.float64) / len(z)

    def times(self, vectors: Floats) -> Floats:
        """Return J times each of `vectors` (vector, statistic)."""
        if self.matrix is not None:
            return np.asarray(vectors @ self.matrix)
        return np.array([self._times(vector) for vector in vectors])

    def ridge(self, vectors: Floats) -> Floats:
        """Return what λ multiplies, one, times each of `vectors` (vector, statistic)."""
        return vectors

    def resolvent(self, vectors: Floats) -> Callable[[float], Floats]:
        """Return the function λ → (J + λ)⁻¹ times each of `vectors` (vector, statistic), λ > 0."""
        if self.matrix is not None:
            matrix = self.matrix
            one = np.eye(len(matrix))
            return lambda damping: np.asarray(np.linalg.solve(matrix + damping * one, vectors.T).T)
        spaces = [self._krylov(vector) for vector in vectors]
        return lambda damping: np.array([_inverse(*space, damping) for space in spaces])

    def _krylov(self, vector: Floats) -> tuple[Floats, Floats, float]:
        """Return an orthonormal basis, J in it, and the length of `vector`, its first direction.

        Lanczos (1950, J. Res. Natl. Bur. Stand. 45, 255), made orthogonal again at every step.
        """
        length = float(np.linalg.norm(vector))
        basis = [vector / max(length, 1e-300)]
        image = []
        most = min(PRODUCTS, max(FEWEST_PRODUCTS, PRODUCT_ENTRIES // len(vector)))
        for _ in range(min(most, len(vector))):
            image.append(self._times(basis[-1]))
            rest = image[-1].copy()
            for _ in range(2):
                for direction in basis:
                    rest -= direction * (direction @ rest)
            size = float(np.linalg.norm(rest))
            if size < 1e-9:
                break
            basis.append(rest / size)
        space = np.array(basis[: len(image)])
        return space, space @ np.array(image).T, length


def _inverse(space: Floats, inner: Floats, length: float, damping: float) -> Floats:
    start = np.zeros(len(inner))
    start[0] = length
    return np.asarray(np.linalg.solve(inner + damping * np.eye(len(inner)), start) @ space)
