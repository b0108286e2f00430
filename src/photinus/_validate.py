"""One validator per recurring argument: ``<argument> must be <allowed>, got <value>``."""

import math
import operator
from collections.abc import Hashable, Iterable, Mapping, Sized
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus import units
from photinus.errors import InvalidInput


def finite_array(name: str, value: ArrayLike, ndim: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Return `value` as a float64 array of `ndim` dimensions, all entries finite."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} must be an array of numbers, got {value!r}") from None
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if array.ndim not in allowed:
        wanted = " or ".join(str(n) for n in allowed)
        raise InvalidInput(
            f"{name} must have {wanted} dimension(s), got {array.ndim} (shape {array.shape})"
        )
    bad = np.argwhere(~np.isfinite(array))
    if bad.size:
        where = tuple(int(i) for i in bad[0])
        raise InvalidInput(f"{name} must be finite, got {array[where]} at index {where}")
    return array


def binary_array(name: str, value: ArrayLike) -> NDArray[np.uint8]:
    """Return `value` as an array of 0 and 1, of any shape."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidInput(f"{name} must be an array of 0 and 1, got uneven rows") from None
    if array.dtype.kind not in "biuf":
        raise InvalidInput(f"{name} must be 0 or 1, got {value!r}")
    bad = (array != 0) & (array != 1)
    if bad.any():
        raise InvalidInput(f"{name} must be 0 or 1, got {array[bad][0]}")
    return array.astype(np.uint8)


def number(name: str, value: Any, unit: str = "") -> float:
    """Return `value` as a finite float; a text is a number with a unit, see `units.parse`."""
    if isinstance(value, str):
        value = units.parse(value, unit, name)
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} must be a number, got {value!r}") from None
    if not math.isfinite(result):
        raise InvalidInput(f"{name} must be finite, got {result}")
    return result


def positive(name: str, value: Any, unit: str = "") -> float:
    """Return `value` as a float above zero."""
    result = number(name, value, unit)
    if result <= 0:
        raise InvalidInput(f"{name} must be above 0{unit and ' ' + unit}, got {result:g}")
    return result


def non_negative(name: str, value: Any, unit: str = "") -> float:
    """Return `value` as a float of at least zero."""
    result = number(name, value, unit)
    if result < 0:
        raise InvalidInput(f"{name} must be at least 0{unit and ' ' + unit}, got {result:g}")
    return result


def fraction(name: str, value: Any, most: float = 1.0) -> float:
    """Return `value` as a float from 0 to `most`."""
    return within(name, value, 0, most)


def within(name: str, value: Any, least: float, most: float, unit: str = "") -> float:
    """Return `value` as a float from `least` to `most`."""
    return allowed(name, value, units.Allowed(unit, least, most))


def allowed(name: str, value: Any, plausible: "units.Allowed") -> float:
    """Return `value` as a float that is plausible."""
    return plausible.check(name, number(name, value, plausible.unit))


def integer(name: str, value: Any, minimum: int, maximum: int | None = None) -> int:
    """Return `value` as an int within [minimum, maximum]."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        result = operator.index(value)
    except TypeError:
        raise InvalidInput(f"{name} must be a whole number, got {value!r}") from None
    if result < minimum or (maximum is not None and result > maximum):
        bound = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise InvalidInput(f"{name} must be {bound}, got {result}")
    return result


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of `allowed`, else name the nearest allowed one."""
    choices = list(allowed)
    if value in choices:
        return str(value)
    near = get_close_matches(str(value), choices, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    listed = ", ".join(repr(c) for c in choices)
    raise InvalidInput(f"{name} must be one of {listed}, got {value!r}{hint}")


def same_length(name: str, value: Sized, other: str, length: int) -> None:
    """Raise unless `value` has `length` entries, as `other` has."""
    if len(value) != length:
        raise InvalidInput(f"{name} must have {length} entries as {other} has, got {len(value)}")


def clamp(
    evidence: Mapping[Hashable, ArrayLike], labels: tuple[Hashable, ...], chains: int
) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Return the units that `evidence` fixes and their values, arrays (k,) and (chain, k).

    A value is 0 or 1 for all chains, or an array (chain,) of 0 and 1: each chain its own evidence.

    Raises
    ------
    InvalidInput
        For an unknown label, a value other than 0 or 1, a wrong number of values, or no unit left.
    """
    if not isinstance(evidence, Mapping):
        raise InvalidInput(f"clamp must be a mapping label → 0 or 1, got {evidence!r}")
    units: list[int] = []
    columns: list[NDArray[np.uint8]] = []
    for label, value in evidence.items():
        if label not in labels:
            one_of("clamped unit", str(label), [str(known) for known in labels])
            raise InvalidInput(f"clamped unit must be one of {labels!r}, got {label!r}")
        given = binary_array(f"clamp of unit {label!r}", value)
        if given.shape not in ((), (chains,)):
            raise InvalidInput(
                f"clamp of unit {label!r} must be one value or one per chain ({chains}), "
                f"got shape {given.shape}"
            )
        units.append(labels.index(label))
        columns.append(np.broadcast_to(given, (chains,)))
    if len(units) == len(labels):
        raise InvalidInput(f"clamp must leave at least one unit free, got all {len(units)} clamped")
    order = np.argsort(units)
    values = np.stack(columns, axis=1)[:, order] if units else np.zeros((chains, 0), np.uint8)
    return np.asarray(units, dtype=np.intp)[order], values
