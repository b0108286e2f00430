"""One validator per recurring argument: ``<argument> must be <allowed>, got <value>``."""

import math
import operator
from collections.abc import Hashable, Iterable, Mapping, Sized
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus import units
from photinus._core import hush, memory
from photinus.errors import InvalidInput

LARGEST_WHOLE = 2**53
"""Up to here double precision holds every whole number."""
LARGEST_INTEGER = 2**63 - 1
"""Of what a count can be; seeds may be larger."""
MOST_DIGITS = 30
"""Of a whole number in a message."""
MOST_LISTED = 12
"""Names that a message lists before it says what was given."""
LONGEST_SHOWN = 120
"""Characters of a value in a message."""


def plain_array(name: str, value: Any, wanted: str = "an array of numbers") -> NDArray[Any]:
    """Return `value` as an array of plain numbers: the door for every array from outside.

    Lists, NumPy arrays of any layout, frames of pandas, arrays of xarray and sparse matrices of SciPy
    come in. Their numbers may be bool, whole or floating; those missing in pandas become nan. Names of
    rows and columns are dropped here, see `aligned`.

    Raises
    ------
    InvalidInput
        For complex numbers, text, dates, objects, records, uneven rows, masked entries, and whole
        numbers that double precision can't hold.
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise InvalidInput(
            f"{name} must not have masked entries, got {int(np.ma.getmaskarray(value).sum())} of them"
        )
    if is_sparse(value):
        memory.require(8.0 * math.prod(value.shape), f"{name} as a dense array")
    try:
        dense = value.toarray() if is_sparse(value) else _unboxed(value)
        with hush.silenced():
            array = np.asarray(dense)
    except (TypeError, ValueError, OverflowError, RecursionError, MemoryError):
        raise InvalidInput(f"{name} must be {wanted}, got {shown(value)}") from None
    if array.dtype.kind not in "biuf":
        raise InvalidInput(f"{name} must be {wanted}, got {_of_what(array, value)}")
    if array.dtype.kind in "iu" and array.size:
        largest = max(int(array.max()), -int(array.min()))
        if largest > LARGEST_WHOLE:
            raise InvalidInput(f"{name} must hold whole numbers of at most 2**53, got {largest}")
    return np.asarray(array)


def _unboxed(value: Any) -> Any:
    """Return numbers of pandas in types that NumPy lacks, such as Float64, as NumPy's, else `value`."""
    if type(value).__module__.partition(".")[0] != "pandas" or not hasattr(value, "to_numpy"):
        return value
    types = list(value.dtypes) if value.ndim == 2 else [value.dtype]
    kinds = {each.kind for each in types}
    plain = all(isinstance(each, np.dtype) for each in types) and (len(kinds) < 2 or "b" not in kinds)
    if plain or not kinds <= set("biuf"):
        return value
    if "f" in kinds or np.asarray(value.isna()).any():
        return value.to_numpy(dtype=np.float64, na_value=np.nan)
    return value.to_numpy(dtype=bool if kinds == {"b"} else np.int64)


def _of_what(array: NDArray[Any], value: Any) -> str:
    """Return in words what an array holds that is not numbers."""
    if array.ndim == 0 and array.dtype.kind in "OUS":
        return shown(value)
    kinds = {"c": "complex numbers", "U": "text", "S": "text", "T": "text", "M": "dates"}
    kinds |= {"m": "times", "V": "records", "O": "objects"}
    return f"{kinds.get(array.dtype.kind, str(array.dtype))} ({shown(value)})"


def shown(value: Any) -> str:
    """Return `value` for a message: on one line, and short."""
    if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
        return f"a whole number of {int(math.log10(abs(value))) + 1} digits"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # whatever another's repr raises, the message must come out
        text = f"an object of {type(value).__name__}"
    return cut(text, LONGEST_SHOWN)


def cut(text: str, most: int = 300) -> str:
    """Return `text` with at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def is_sparse(value: object) -> bool:
    """Return whether `value` is a sparse matrix of SciPy, which is not imported to find out."""
    return type(value).__module__.startswith("scipy.sparse")


def finite_array(name: str, value: ArrayLike, ndim: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Return a copy of `value` as a float64 array of `ndim` dimensions, all entries finite."""
    given = plain_array(name, value)
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if given.ndim not in allowed:
        wanted = " or ".join(str(n) for n in allowed)
        raise InvalidInput(
            f"{name} must have {wanted} dimension(s), got {given.ndim} (shape {given.shape})"
        )
    with np.errstate(over="ignore"):
        array = np.array(given, dtype=np.float64, order="C")
    bad = np.argwhere(~np.isfinite(array))
    if bad.size:
        where = tuple(int(i) for i in bad[0])
        raise InvalidInput(f"{name} must be finite, got {array[where]} at index {where}")
    return array


def binary_array(name: str, value: ArrayLike) -> NDArray[np.uint8]:
    """Return a copy of `value` as an array of 0 and 1, of any shape."""
    array = plain_array(name, value, "0 or 1")
    bad = (array != 0) & (array != 1)
    if bad.any():
        raise InvalidInput(f"{name} must be 0 or 1, got {array[bad][0]}")
    return array.astype(np.uint8, order="C")


def array_names(value: Any, axis: int) -> tuple[Hashable, ...] | None:
    """Return the names of the entries of a frame of pandas or an array of xarray along an axis.

    None for other arrays, and where the entries are just counted: 0 … n-1.
    """
    module = type(value).__module__.partition(".")[0]
    if module == "pandas" and hasattr(value, "axes"):
        index: Any = value.axes[axis] if -len(value.axes) <= axis < len(value.axes) else None
    elif module == "xarray" and hasattr(value, "dims") and hasattr(value, "coords"):
        dims = value.dims if isinstance(value.dims, tuple) else ()
        dim = dims[axis] if -len(dims) <= axis < len(dims) else None
        index = value.coords[dim].values if dim in value.coords else None
    else:
        return None
    if index is None:
        return None
    names = tuple(n.item() if isinstance(n, np.generic) else n for n in index)
    return None if names == tuple(range(len(names))) else names


def aligned(name: str, value: Any, labels: tuple[Hashable, ...], axes: tuple[int, ...] = (-1,)) -> Any:
    """Return `value` with its entries in the order of `labels`, if they have names; else as it is.

    Raises
    ------
    InvalidInput
        If its names are not `labels` in some order.
    """
    for axis in axes:
        names = array_names(value, axis)
        if names is None or names == labels:
            continue
        order = _order(name, names, labels)
        where = axis % len(value.shape)
        value = (
            value.iloc[(slice(None),) * where + (order,)]
            if hasattr(value, "iloc")
            else value[(slice(None),) * where + (order,)]
        )
    return value


def _order(name: str, names: tuple[Hashable, ...], labels: tuple[Hashable, ...]) -> list[int]:
    """Return where each label is among the names of `name`."""
    place = {known: k for k, known in enumerate(names)}
    if len(place) < len(names):
        twice = next(known for k, known in enumerate(names) if place[known] != k)
        raise InvalidInput(f"names of {name} must differ from each other, got {twice!r} twice")
    for label in labels:
        if label not in place:
            raise InvalidInput(
                f"names of {name} must be the labels of the units, {label!r} is missing among "
                f"{shown(list(names))}"
            )
    if len(place) > len(labels):
        other = next(known for known in names if known not in labels)
        raise InvalidInput(f"names of {name} must be the labels of the units, got {other!r} too")
    return [place[label] for label in labels]


def locked(value: Any) -> Any:
    """Return `value` with every array in it read-only: arrays, and those in records and tuples."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    elif is_sparse(value):
        for part in (value.data, value.indices, value.indptr):
            part.setflags(write=False)
    elif isinstance(value, (tuple, list)):
        for one in value:
            locked(one)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            locked(getattr(value, field.name))
    return value


T = TypeVar("T")


@overload
def instance(name: str, value: Any, kind: type[T]) -> T: ...
@overload
def instance(name: str, value: Any, kind: Any) -> Any: ...
def instance(name: str, value: Any, kind: Any) -> Any:
    """Return `value` if it is of the class `kind`, or of one of several: a tuple or ``A | B | None``.

    A text names classes of this package that the caller cannot import: ``"Samples | None"``.
    """
    if isinstance(kind, str):
        wanted = kind.split(" | ")
        bases = [base for base in type(value).__mro__ if base.__module__.startswith("photinus.")]
        fits = any(base.__name__ in wanted for base in bases) or (value is None and "None" in wanted)
    else:
        kinds = kind if isinstance(kind, tuple) else get_args(kind) or (kind,)
        wanted = ["None" if one is type(None) else one.__name__ for one in kinds]
        fits = isinstance(value, kinds)
    if not fits:
        plain = value is None or isinstance(value, (str, bytes, int, float, complex, list, tuple, dict))
        got = shown(value) if plain else type(value).__name__
        article = "an" if wanted[0][0] in "AEIOU" else "a"
        raise InvalidInput(f"{name} must be {article} {' or '.join(wanted)}, got {got}")
    return value


def flag(name: str, value: Any) -> bool:
    """Return `value` as True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise InvalidInput(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def listed(name: str, value: Any) -> tuple[Any, ...]:
    """Return `value`, a list or another collection that is not text, as a tuple."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise InvalidInput(f"{name} must be a list, got {shown(value)}")
    try:
        return tuple(value)
    except TypeError:  # an array without dimensions says that it can be gone through
        raise InvalidInput(f"{name} must be a list, got {shown(value)}") from None


def number(name: str, value: Any, unit: str = "") -> float:
    """Return `value` as a finite float; a text is a number with a unit, see `units.parse`."""
    if isinstance(value, str):
        value = units.parse(value, unit, name)
    try:
        if isinstance(value, np.ma.MaskedArray) or np.ndim(value):
            raise TypeError
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(f"{name} must be a number, got {shown(value)}") from None
    if not math.isfinite(result):
        raise InvalidInput(f"{name} must be finite, got {result}")
    return result


def positive(name: str, value: Any, unit: str = "") -> float:
    """Return `value` as a float above zero."""
    result = number(name, value, unit)
    if result <= 0:
        raise InvalidInput(
            f"{name} must be above 0{unit and ' ' + unit}, got {_as_given(value, result)}"
        )
    return result


def non_negative(name: str, value: Any, unit: str = "") -> float:
    """Return `value` as a float of at least zero."""
    result = number(name, value, unit)
    if result < 0:
        raise InvalidInput(
            f"{name} must be at least 0{unit and ' ' + unit}, got {_as_given(value, result)}"
        )
    return result


def _as_given(value: Any, number: float) -> str:
    """Return a number for a message, a text as it was written."""
    return value.strip() if isinstance(value, str) else f"{number:g}"


def fraction(name: str, value: Any, most: float = 1.0) -> float:
    """Return `value` as a float from 0 to `most`."""
    return within(name, value, 0, most)


def within(name: str, value: Any, least: float, most: float, unit: str = "") -> float:
    """Return `value` as a float from `least` to `most`."""
    return allowed(name, value, units.Allowed(unit, least, most))


def allowed(name: str, value: Any, plausible: "units.Allowed") -> float:
    """Return `value` as a float that is plausible."""
    written = value.strip() if isinstance(value, str) else ""
    return plausible.check(name, number(name, value, plausible.unit), written)


def integer(name: str, value: Any, minimum: int, maximum: int | None = LARGEST_INTEGER) -> int:
    """Return `value` as an int within [minimum, maximum]; None for no maximum."""
    try:
        if isinstance(value, (bool, np.bool_, np.ma.MaskedArray)):
            raise TypeError
        result = operator.index(value)
    except TypeError:
        raise InvalidInput(f"{name} must be a whole number, got {shown(value)}") from None
    if result < minimum or (maximum is not None and result > maximum):
        open_ended = maximum is None or (maximum == LARGEST_INTEGER and result < minimum)
        bound = f"at least {minimum}" if open_ended else f"from {minimum} to {maximum}"
        raise InvalidInput(f"{name} must be {bound}, got {shown(result)}")
    return result


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of `allowed`, else name the nearest allowed one."""
    choices = list(allowed)
    if isinstance(value, str) and value in choices:
        return str(value)
    near = get_close_matches(str(value)[:LONGEST_SHOWN], choices, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    listed = ", ".join(repr(c) for c in choices)
    if len(choices) > MOST_LISTED:  # what is wrong comes first
        raise InvalidInput(
            f"{name} must be one of {len(choices)} names, got {shown(value)}{hint}: {listed}"
        )
    raise InvalidInput(f"{name} must be one of {listed}, got {shown(value)}{hint}")


def either(**given: Any) -> Any:
    """Return the value that one of several names of the same argument has; None for none.

    Raises
    ------
    InvalidInput
        If more than one of them is given.
    """
    said = [name for name, value in given.items() if value is not None]
    if len(said) > 1:
        names = " and ".join(given)
        raise InvalidInput(f"{names} are the same thing: one of them must be None")
    return given[said[0]] if said else None


def labels_beside(name: str, n: int, labels: Any) -> tuple[Hashable, ...]:
    """Return one label for each of the `n` entries of `name`, 0 … n-1 if none are given.

    Raises
    ------
    InvalidInput
        If labels are too few or many, not hashable, or not all different.
    """
    given = listed("labels", labels) or tuple(range(n))
    same_length("labels", given, name, n)
    for label in given:
        if not isinstance(label, Hashable):
            raise InvalidInput(f"labels must be hashable, got {shown(label)}")
    if len(set(given)) < n:
        raise InvalidInput(f"labels must differ from each other, got {given!r}")
    return given


def same_length(name: str, value: Sized, other: str, length: int) -> None:
    """Raise unless `value` has `length` entries, as `other` has."""
    try:
        given = len(value)
    except TypeError:
        raise InvalidInput(f"{name} must have {length} entries, got {shown(value)}") from None
    if given != length:
        raise InvalidInput(f"{name} must have {length} entries as {other} has, got {given}")


def positions(name: str, value: ArrayLike, count: int) -> NDArray[np.intp]:
    """Return positions among so many things, array (k,)."""
    array = plain_array(name, value)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InvalidInput(f"{name} must be whole numbers in 1 dimension, got shape {array.shape}")
    if array.size and not 0 <= array.min() <= array.max() < count:
        raise InvalidInput(f"{name} must be from 0 to {count - 1}, got {array.min()} to {array.max()}")
    return array.astype(np.intp)


def column(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return a read-only copy of numbers in one dimension; not a number where there is none."""
    array = np.array(plain_array(name, value), np.float64)
    if array.ndim != 1:
        raise InvalidInput(f"{name} must have 1 dimension, got shape {array.shape}")
    array.setflags(write=False)
    return array
