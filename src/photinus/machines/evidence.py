"""Evidence: which units are known, and their values in each chain. Parsed once, where it comes in."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.gauge import Gauge, flip_states
from photinus.errors import InvalidInput


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evidence(Displayed):
    """Known units and their values in each chain. Immutable.

    `Evidence.of` makes one of a mapping, and checks it. Whatever takes evidence takes either.

    Examples
    --------
    >>> from photinus.machines.evidence import Evidence
    >>> evidence = Evidence.of({"wet": 1}, ("rain", "wet", "cold"), chains=2)
    >>> evidence.positions, evidence.values.tolist(), evidence.free
    (array([1]), [[1], [1]], array([0, 2]))
    """

    labels: tuple[Hashable, ...]
    """Of all units, known or not."""
    positions: NDArray[np.intp]
    """Where the known units are among all units, array (k,), rising, read-only."""
    values: NDArray[np.uint8]
    """Their values, array (chain, k) of 0 and 1, read-only."""

    def __post_init__(self) -> None:
        validate.locked((self.positions, self.values))

    @classmethod
    def of(cls, given: "Given | None", labels: tuple[Hashable, ...], chains: int = 1) -> "Evidence":
        """Return what a mapping says about units of these labels; None is no evidence.

        Raises
        ------
        InvalidInput
            For an unknown label, a value other than 0 or 1, a wrong number of values, or no unit left.
        """
        if isinstance(given, Evidence):
            if given.labels == labels and given.chains == chains:
                return given
            given = given.to_dict()
        given = {} if given is None else given
        if not isinstance(given, Mapping):
            raise InvalidInput(f"evidence must be a mapping unit → 0 or 1, got {given!r}")
        place = {label: k for k, label in enumerate(labels)} if given else {}
        columns: dict[int, NDArray[np.uint8]] = {}
        for label, value in given.items():
            unit = _place(label, place)
            if unit in columns:
                raise InvalidInput(f"evidence must name each unit once, got {labels[unit]!r} twice")
            columns[unit] = _column(label, value, chains)
        if len(columns) == len(labels):
            raise InvalidInput(
                f"evidence must leave at least one unit free, got all {len(columns)} units"
            )
        positions = np.array(sorted(columns), np.intp)
        values = np.zeros((chains, len(positions)), np.uint8)
        for k, unit in enumerate(positions.tolist()):
            values[:, k] = columns[unit]
        return cls(labels, positions, values)

    @classmethod
    def at(cls, positions: ArrayLike, values: ArrayLike, labels: tuple[Hashable, ...]) -> "Evidence":
        """Return the evidence of units at rising positions (k,), with values (chain, k)."""
        return cls(labels, np.array(positions, np.intp), np.array(values, np.uint8))

    @classmethod
    def either(
        cls,
        evidence: "Given | None",
        clamp: "Given | None",
        labels: tuple[Hashable, ...],
        chains: int = 1,
    ) -> "Evidence":
        """Return what one of two arguments says: `clamp` is what version 0.1 calls evidence."""
        return cls.of(validate.either(evidence=evidence, clamp=clamp), labels, chains)

    @property
    def chains(self) -> int:
        """Number of chains."""
        return len(self.values)

    @property
    def free(self) -> NDArray[np.intp]:
        """Positions of the units that are not known, rising."""
        free = np.ones(len(self.labels), bool)
        free[self.positions] = False
        return np.flatnonzero(free)

    @property
    def units(self) -> tuple[Hashable, ...]:
        """Labels of the known units."""
        return tuple(self.labels[k] for k in self.positions)

    def __len__(self) -> int:
        return len(self.positions)

    def to_dict(self) -> dict[Hashable, Any]:
        """Return unit → 0 or 1 where all chains have the same value, else unit → array (chain,)."""
        columns = zip(self.units, self.values.T, strict=True)
        return {label: int(column[0]) if _alike(column) else column for label, column in columns}

    def common(self) -> "Evidence":
        """Return the evidence of one chain, which is that of all.

        Raises
        ------
        InvalidInput
            If chains have different evidence: they have different targets.
        """
        for label, column in zip(self.units, self.values.T, strict=True):
            if not _alike(column):
                raise InvalidInput(
                    f"evidence of unit {label!r} differs between chains: there is no common target"
                )
        return self.part(slice(1))

    def part(self, chains: slice) -> "Evidence":
        """Return the evidence of some of the chains."""
        return Evidence(self.labels, self.positions, self.values[chains])

    def repeated(self, times: int) -> "Evidence":
        """Return the evidence with each chain so many times, one after the other."""
        return Evidence(self.labels, self.positions, np.repeat(self.values, times, axis=0))

    def flipped(self, gauge: Gauge) -> "Evidence":
        """Return what is known of y, where y_k = 1 - z_k for units with ``gauge[k]``."""
        if not gauge.any():
            return self
        return Evidence(self.labels, self.positions, flip_states(self.values, gauge[self.positions]))

    def each(self) -> Iterator["Evidence"]:
        """Give the evidence of one chain after the other."""
        return (self.part(slice(k, k + 1)) for k in range(self.chains))

    def distinct(self) -> tuple["Evidence", NDArray[np.intp]]:
        """Return every different evidence once, as chains, and which of them each chain has."""
        values, which = np.unique(self.values, axis=0, return_inverse=True)
        return Evidence(self.labels, self.positions, values), which.ravel()

    def fill(self, states: NDArray[np.uint8]) -> None:
        """Write the values into states, array (chain, unit) or (chain, draw, unit)."""
        states[..., self.positions] = self.values if states.ndim == 2 else self.values[:, None]

    def states(self) -> NDArray[np.uint8]:
        """Return the states in which all free units are off, array (chain, unit)."""
        states = np.zeros((self.chains, len(self.labels)), np.uint8)
        self.fill(states)
        return states

    def through(self, coupling: Any) -> NDArray[np.float64]:
        """Return what the known units do to all units, array (chain, unit).

        `coupling` is an array or a sparse matrix (target, source): weights, or couplings of a network.
        """
        return np.asarray((coupling[:, self.positions] @ self.values.T.astype(np.float64)).T)


# The key is Any, not Hashable: a mapping is typed by its keys, and those of users are str or int.
Given = Mapping[Any, ArrayLike] | Evidence
"""Evidence as it is given: unit → 0 or 1 for all chains, or unit → array (chain,)."""


def _alike(column: NDArray[np.uint8]) -> bool:
    """Return whether all chains have the same value."""
    return bool((column == column[0]).all())


def _place(label: Hashable, place: Mapping[Hashable, int]) -> int:
    """Return the position of a unit, or name the nearest one."""
    if label not in place:
        validate.one_of("known unit", str(label), [str(unit) for unit in place])
        raise InvalidInput(f"known unit must be one of {tuple(place)!r}, got {label!r}")
    return place[label]


def _column(label: Hashable, value: ArrayLike, chains: int) -> NDArray[np.uint8]:
    """Return the value of a unit, or one value per chain."""
    given = validate.binary_array(f"evidence of unit {label!r}", value)
    if given.shape not in ((), (chains,)):
        raise InvalidInput(
            f"evidence of unit {label!r} must be one value or one per chain ({chains}), "
            f"got shape {given.shape}"
        )
    return given
