"""What all measured curves have: points, values, errors, and the scale in which they are compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.records import settle
from photinus.errors import InvalidInput
from photinus.units import Allowed

Array = NDArray[np.float64]
CURRENT = Allowed("A", 1e-10, 1.0, 10e-6)
"""Of lasers; a number of microamperes without its unit is above."""


class Predicted(NamedTuple):
    """What a simulation says of a measurement, in the scale in which it is compared."""

    values: Array
    variance: Array
    """Of the values, since the simulation is short."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class Curve(Displayed):
    """Values at points, with their errors."""

    label: ClassVar[str]
    share: ClassVar[float]
    """Error where none is given, as a share of the value …"""
    floor: ClassVar[float]
    """… and of the largest one."""

    @property
    def values(self) -> Array:
        """What was measured, in SI."""
        raise NotImplementedError

    @property
    def points(self) -> Array:
        """Where it was measured, in SI."""
        raise NotImplementedError

    @property
    def spread(self) -> Array:
        """Standard errors, in SI."""
        own: Any = getattr(self, "error", None)
        if own is not None:
            return np.asarray(own)
        size = np.abs(self.values)
        return np.asarray(self.share * size + self.floor * size.max())

    @property
    def measured(self) -> Array:
        """Values in the scale of comparison."""
        return self.scaled(self.values)

    @property
    def sigma(self) -> Array:
        """Their standard errors in that scale."""
        return np.asarray(self.spread / np.sqrt(self.values**2 + 4 * self.spread**2))

    def scaled(self, values: Array) -> Array:
        """Return values in the scale of comparison."""
        return np.asarray(np.arcsinh(values / (2 * self.spread)))

    def plain(self, scaled: Array) -> Array:
        """Return what `scaled` was made of."""
        return np.asarray(2 * self.spread * np.sinh(scaled))

    def _means(self, per_chain: Array) -> Predicted:
        """Return means over chains, array (chain, point), in the scale of comparison."""
        mean = per_chain.mean(axis=0)
        variance = per_chain.var(axis=0, ddof=1) / len(per_chain)
        return Predicted(self.scaled(mean), variance / (mean**2 + 4 * self.spread**2))


def settle_curve(record: Any, x: str, y: str, units: Mapping[str, str]) -> None:
    """Check the arrays of a curve and keep them."""
    given = {name: numbers(name, getattr(record, name), units[name]) for name in (x, y)}
    if record.error is not None:
        error = validate.finite_array("error", record.error, (0, 1))
        given["error"] = np.broadcast_to(error, given[y].shape).copy() if error.ndim == 0 else error
        if (given["error"] <= 0).any():
            raise InvalidInput(f"error must be above 0, got {given['error'].min():g}")
    for name, array in given.items():
        if len(array) != len(given[x]):
            raise InvalidInput(f"{name} must have {len(given[x])} entries, got {len(array)}")
    if not np.abs(given[y]).max(initial=0.0) > 0:
        raise InvalidInput(f"{y} must have an entry other than 0, got none")
    settle(record, **given)


def numbers(name: str, value: ArrayLike, unit: str) -> Array:
    """Return an array of one dimension that holds something; currents and frequencies are >= 0."""
    array = validate.finite_array(name, value, 1)
    if not array.size:
        raise InvalidInput(f"{name} must have at least 1 entry, got 0")
    if unit != "W" and unit != "s" and (array < 0).any():
        raise InvalidInput(f"{name} must be at least 0, got {array.min():g}")
    return array
