"""What the server sends: one binary frame, of a head in JSON and arrays as they lie in memory.

A frame is the length of its head (four bytes, little-endian), the head, and the arrays, each at a
multiple of eight bytes. The head names what each array is called, its type, shape and place.
"""

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = {"float32": "<f4", "float64": "<f8", "int32": "<i4", "uint8": "|u1"}
"""Types that a browser has an array of."""
GRAIN = 8
"""Bytes that arrays are aligned to, so that a browser reads them where they are."""


def packed(kind: str, values: Mapping[str, Any]) -> bytes:
    """Return a frame of this kind; arrays among the values travel as bytes, the rest as JSON."""
    arrays = {name: _plain(value) for name, value in values.items() if isinstance(value, np.ndarray)}
    told = {name: _finite(value) for name, value in values.items() if name not in arrays}
    places, offset = [], 0
    for name, array in arrays.items():
        places.append([name, array.dtype.name, array.shape, offset])
        offset += _padded(array.nbytes)
    head = json.dumps({"kind": kind, **told, "arrays": places}, allow_nan=False).encode()
    head += b" " * (_padded(len(head) + 4) - len(head) - 4)
    body = (array.tobytes().ljust(_padded(array.nbytes), b"\0") for array in arrays.values())
    return b"".join((struct.pack("<I", len(head)), head, *body))


def unpacked(frame: bytes) -> dict[str, Any]:
    """Return what a frame holds, as the page reads it."""
    (length,) = struct.unpack_from("<I", frame)
    values: dict[str, Any] = json.loads(frame[4 : 4 + length])
    for name, kind, shape, offset in values.pop("arrays"):
        count = math.prod(shape)
        flat = np.frombuffer(frame, TYPES[kind], count, 4 + length + offset)
        values[name] = flat.reshape(shape)
    return values


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array in a type that a browser has."""
    kinds = {"f": "float32", "b": "uint8", "i": "int32", "u": "int32"}
    name = array.dtype.name if array.dtype.name in TYPES else kinds[array.dtype.kind]
    return np.ascontiguousarray(array, TYPES[name])


def _padded(size: int) -> int:
    return -(-size // GRAIN) * GRAIN


def _finite(value: Any) -> Any:
    """Return a value for JSON, with None for numbers that JSON does not know."""
    if isinstance(value, Mapping):
        return {str(name): _finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    if isinstance(value, np.generic):
        return _finite(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
