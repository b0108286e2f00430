"""Units with biases and couplings: what is held, what is checked, energies.

Weights are an array, or sparse rows where there are many units and few couplings.
"""

import functools
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.display import Displayed, joined
from photinus._core.matrices import MOST_DENSE, Matrix, alike, dense, largest, upper
from photinus._core.records import settle
from photinus._core.validate import is_sparse
from photinus.errors import InvalidInput
from photinus.machines.checks import (
    checked_labels,
    in_one_order,
    require_finite_energies,
    symmetric,
)
from photinus.machines.energies import energies

STATES_AT_ONCE = 2**21
"""States, times units, whose energies are told together (50 MB)."""


class Couplings(NamedTuple):
    """Coupled pairs of units, by position, and their weights; arrays (pair,), first < second."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    weight: NDArray[np.float64]


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Coupled(Displayed):
    """Units with biases and couplings, see `photinus.BoltzmannMachine`. Immutable."""

    matrix: Matrix
    """W as it is held, read-only: an array (unit, unit), or sparse rows of SciPy.

    Sparse where there are more than 2000 units and at most an eighth of W is not zero."""
    biases: NDArray[np.float64]
    """b, array (unit,), read-only."""
    labels: tuple[Hashable, ...]
    """One name per unit."""

    def __init__(
        self,
        weights: ArrayLike | Matrix,
        biases: ArrayLike,
        labels: Iterable[Hashable] | None = None,
    ) -> None:
        weights, biases, labels = in_one_order("weights", weights, "biases", biases, labels)
        w = symmetric("weights", weights)
        b = validate.finite_array("biases", biases, 1) + 0.0  # no -0.0: equal machines, equal hash
        validate.same_length("biases", b, "weights", w.shape[0])
        if len(b) == 0:
            raise InvalidInput("biases must have at least 1 entry, got 0")
        validate.locked((w, b))
        settle(self, matrix=w)
        settle(self, biases=b)
        settle(self, labels=checked_labels(labels, len(b)))

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.biases)

    @functools.cached_property
    def weights(self) -> NDArray[np.float64]:
        """W, array (unit, unit), read-only.

        Raises
        ------
        InvalidInput
            If that would be far larger than the machine: for more than 10 000 units with few couplings.
        """
        if is_sparse(self.matrix) and self.n_units > MOST_DENSE:
            raise InvalidInput(
                f"weights are an array for at most {MOST_DENSE:,} units with few couplings, "
                f"this machine has {self.n_units:,}: see its couplings, or its matrix, which is sparse"
            )
        return validate.locked(dense(self.matrix))  # type: ignore[no-any-return]

    @property
    def couplings(self) -> Couplings:
        """Coupled pairs of units and their weights, a tuple of three arrays (pair,)."""
        return Couplings(*upper(self.matrix))

    @property
    def largest_weight(self) -> float:
        """Size of the largest weight, 0 without any."""
        return largest(self.matrix)

    def _line(self) -> str:
        shown = [str(label) for label in self.labels[:12]] + ["…"] * (self.n_units > 12)
        return f"{self.n_units} unit(s): {joined(shown, 130)}"

    def _facts(self) -> dict[str, object]:
        return {
            "units": self.n_units,
            "labels": joined(map(str, self.labels)),
            "couplings": len(self.couplings.weight),
            "largest weight": self.largest_weight,
            "largest bias": float(np.abs(self.biases).max()),
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Coupled):
            return NotImplemented
        return (
            self.labels == other.labels
            and alike(self.matrix, other.matrix)
            and np.array_equal(self.biases, other.biases)
        )

    def __hash__(self) -> int:
        values = self.matrix if isinstance(self.matrix, np.ndarray) else self.matrix.data
        return hash((self.labels, values.tobytes(), self.biases.tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled arrays come back writable; a fresh construction locks them again.
        return type(self), (self.matrix, self.biases, self.labels)

    def energy(self, states: ArrayLike) -> NDArray[np.float64]:
        """Return E(z) = -½ zᵀWz - bᵀz of `states`, array (…, unit) of 0 and 1, as array (…).

        Raises
        ------
        InvalidInput
            If the last axis is not the units, or an entry is neither 0 nor 1. Also if energies could
            overflow, as the sizes of weights and biases add up to more than 1e300.
        """
        z = validate.binary_array("states", validate.aligned("states", states, self.labels))
        if z.ndim == 0 or z.shape[-1] != self.n_units:
            raise InvalidInput(
                f"states must have {self.n_units} units on the last axis, got shape {z.shape}"
            )
        require_finite_energies(self.matrix, self.biases)
        if not isinstance(self.matrix, np.ndarray):
            return energies(self.matrix, self.biases, z)
        if z.size <= STATES_AT_ONCE:
            return self._energies(z)
        rows, some = z.reshape(-1, self.n_units), max(1, STATES_AT_ONCE // self.n_units)
        parts = [self._energies(rows[k : k + some]) for k in range(0, len(rows), some)]
        return np.concatenate(parts).reshape(z.shape[:-1])

    def _energies(self, states: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the energies of states (…, unit), array (…); takes 24 bytes for each number."""
        z = states.astype(np.float64)
        return np.asarray(-np.sum((z @ (self.weights / 2) + self.biases) * z, axis=-1))
