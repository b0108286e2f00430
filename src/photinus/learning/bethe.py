"""How moments of many units answer to parameters where few pairs are coupled, from moments alone.

States tell a response only if they are more than the statistics. Of 10⁵ units with 10⁶ couplings they
never are. So the response is that of a tree with the marginals and pairs that are seen. With
x = z - ⟨z⟩, a pair is what its units tell, and a rest q that they do not::

    z_i z_j = a_ij x_i + a_ji x_j + q_ij + const

On a tree, rests are independent of all units, and correlations r multiply along a path. So J is
L diag(C, D) Lᵀ with sparse L of the a_ij, and D the variances of q. C, the covariance of units, is
S B⁻¹ S with S the standard deviations of x::

    B_ij = -r_ij / (1 - r_ij²),    B_ii = 1 + Σ_j r_ij² / (1 - r_ij²)

That is the approximation of Bethe (Ricci-Tersenghi 2012, J. Stat. Mech. P08015). On other graphs J is
not exact. The trust region and the memory of runs see to that.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_VARIANCE = 1e-9
"""Variance that every unit is taken to have."""
LARGEST_CORRELATION = 0.99
"""Of a pair, which leaves its units something to tell."""
LEAST_EIGENVALUE = 0.02
"""Of B; where loops or noise make it smaller, correlations count less."""
STEPS = 60
"""Products that tell it."""
PRECISION = 1e-4
"""Relative error of a solution, in which there is more noise than that."""


@dataclass(frozen=True, eq=False)
class BetheResponse:
    """The response of marginals, then of pairs of units (rows, columns)."""

    moments: Floats
    """⟨z_i⟩, then ⟨z_i z_j⟩, array (statistic,)."""
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    """Units (i, j) of each pair, array (pair,)."""

    matrix: None = None

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.moments) - len(self.rows)

    def mean_with(self, other: "BetheResponse") -> "BetheResponse":
        """Return the response half way between two, at the mean of their moments."""
        return BetheResponse((self.moments + other.moments) / 2, self.rows, self.columns)

    @functools.cached_property
    def _pairs(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Correlation, a_ij, a_ji and variance of the rest of each pair."""
        i, j, both = self.rows, self.columns, self.moments[self.units :]
        a, b = self.moments[i], self.moments[j]
        va, vb = self._variance[i], self._variance[j]
        size = np.sqrt(va * vb)
        r = np.clip((both - a * b) / size, -LARGEST_CORRELATION, LARGEST_CORRELATION)
        # Least squares of z_i z_j by z_i and z_j.
        with_i, with_j = both * (1 - a), both * (1 - b)
        det = va * vb * (1 - r**2)
        first = (vb * with_i - r * size * with_j) / det
        second = (va * with_j - r * size * with_i) / det
        rest = both * (1 - both) - first * with_i - second * with_j
        return r, np.clip(first, 0, 1), np.clip(second, 0, 1), np.maximum(rest, 0.0)

    @functools.cached_property
    def _variance(self) -> Floats:
        mean = self.moments[: self.units]
        return np.maximum(mean * (1 - mean), LEAST_VARIANCE)

    @functools.cached_property
    def _inverse(self) -> Any:
        """C⁻¹, sparse rows (unit, unit)."""
        from scipy.sparse import csr_array, diags_array

        i, j, n, r = self.rows, self.columns, self.units, self._pairs[0]
        weight = 1 / (1 - r**2)
        off = csr_array((np.r_[-r * weight, -r * weight], (np.r_[i, j], np.r_[j, i])), shape=(n, n))
        own = np.bincount(i, r**2 * weight, n) + np.bincount(j, r**2 * weight, n)
        more = csr_array(off + diags_array(own))
        more = more * min(1.0, (1 - LEAST_EIGENVALUE) / max(-_least_eigenvalue(more), 1e-9))
        scale = diags_array(1 / np.sqrt(self._variance))
        return csr_array(scale @ (more + diags_array(np.ones(n))) @ scale)

    def _gathered(self, vectors: Floats, sign: float = 1.0) -> Floats:
        """Return Lᵀ times each of `vectors` (vector, statistic); its inverse with the other sign."""
        _, first, second, _ = self._pairs
        found, n = vectors.copy(), self.units
        for into in found:
            into[:n] += sign * np.bincount(self.rows, into[n:] * first, n)
            into[:n] += sign * np.bincount(self.columns, into[n:] * second, n)
        return found

    def _spread(self, vectors: Floats, sign: float = 1.0) -> Floats:
        """Return L times each of `vectors` (vector, statistic); its inverse with the other sign."""
        _, first, second, _ = self._pairs
        found, n = vectors.copy(), self.units
        for into in found:
            into[n:] += sign * (first * into[self.rows])
            into[n:] += sign * (second * into[self.columns])
        return found

    def times(self, vectors: Floats) -> Floats:
        """Return J times each of `vectors` (vector, statistic)."""
        found, n = self._gathered(vectors), self.units
        found[:, :n] = _solved(self._inverse, found[:, :n])
        found[:, n:] *= self._pairs[3]
        return self._spread(found)

    def ridge(self, vectors: Floats) -> Floats:
        """Return L Lᵀ, what λ multiplies, times each of `vectors` (vector, statistic)."""
        return self._spread(self._gathered(vectors))

    def resolvent(self, vectors: Floats) -> Callable[[float], Floats]:
        """Return the function λ → (J + λ L Lᵀ)⁻¹ times each of `vectors` (vector, statistic), λ > 0."""
        from scipy.sparse import csr_array, eye_array

        own, n = self._spread(vectors, -1.0), self.units

        def solved(damping: float) -> Floats:
            found = own.copy()
            matrix = csr_array(eye_array(n) + damping * self._inverse)
            found[:, :n] = (own[:, :n] - _solved(matrix, own[:, :n])) / damping
            found[:, n:] /= self._pairs[3] + damping
            return self._gathered(found, -1.0)

        return solved


def _least_eigenvalue(matrix: Any) -> float:
    """Return the least eigenvalue of a symmetric matrix, by the recurrence of Lanczos (1950).

    Not made orthogonal again: that repeats eigenvalues, and moves none.
    """
    from scipy.linalg import eigvalsh_tridiagonal

    now = np.random.default_rng(0).normal(size=matrix.shape[0])
    now /= np.linalg.norm(now)
    before, size = np.zeros_like(now), 0.0
    inner, beside = [], []
    for _ in range(min(STEPS, len(now))):
        following = matrix @ now - size * before
        inner.append(float(now @ following))
        following -= inner[-1] * now
        size = float(np.linalg.norm(following))
        beside.append(size)
        if size < 1e-9:
            break
        before, now = now, following / size
    return float(eigvalsh_tridiagonal(inner, beside[:-1])[0])


def _solved(matrix: Any, vectors: Floats) -> Floats:
    """Return the inverse of a positive definite matrix times each of `vectors`, by conjugate gradients.

    Hestenes & Stiefel (1952, J. Res. Natl. Bur. Stand. 49, 409).
    """
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import cg

    diagonal = diags_array(1 / matrix.diagonal())
    return np.array([cg(matrix, vector, rtol=PRECISION, M=diagonal)[0] for vector in vectors])
