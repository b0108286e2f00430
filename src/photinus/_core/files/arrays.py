"""Archives of plain arrays (.npz): written whole, and read from whatever a file may hold."""

import io
import math
import os
import zipfile
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import memory, validate
from photinus._core.files.disk import read_bytes, write_bytes
from photinus.errors import InvalidInput, PhotinusError


def write_npz(
    path: str | os.PathLike[str], arrays: dict[str, Any], *, replace: bool = True, packed: bool = False
) -> None:
    """Write arrays as an .npz to `path` at once; see `write_bytes`."""
    buffer = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(buffer, **arrays)
    write_bytes(path, buffer.getvalue(), replace=replace)


def read_npz(
    path: str | os.PathLike[str],
    names: Collection[str] | None = None,
    what: str = ".npz archive of plain arrays",
    *,
    needed: Collection[str] = (),
    content: bytes | None = None,
) -> dict[str, NDArray[Any]]:
    """Return the arrays of the .npz at `path`, those called `names` or all.

    No pickle is ever executed, and nothing is allocated that the file does not hold. `needed` are the
    names that must be among them, `what` the file is, for messages, and `content` what it holds if that
    is read already.

    Raises
    ------
    InvalidInput
        If the file is missing, damaged, no archive of plain arrays, too large, or without an array
        that is `needed`.
    """
    stream = io.BytesIO(read_bytes(path) if content is None else content)
    try:
        with zipfile.ZipFile(stream) as archive:
            held = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            for name in (each for each in needed if each not in held):
                raise InvalidInput(
                    f"file {str(path)!r} must hold an array {name!r}, got "
                    + validate.cut(str(sorted(held)))
                )
            wanted = {name: held[name] for name in held if names is None or name in names}
            size = sum(entry.file_size for entry in wanted.values())
            memory.require(2.0 * size, f"file {str(path)!r}")
            return {name: _member(archive, entry) for name, entry in wanted.items()}
    except PhotinusError:
        raise
    except Exception:
        # What zipfile, its decompressors and NumPy's reader of headers raise on arbitrary bytes is
        # not written anywhere.
        raise InvalidInput(f"file {str(path)!r} is not a complete {what}") from None


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    """Return one array of an archive, of which the header is checked before anything is allocated."""
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        read: Callable[..., Any] = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(stream)
        start = stream.tell()
        count = math.prod(shape)
        if dtype.kind not in "biufSU" or min(shape, default=0) < 0:
            raise ValueError
        if start + count * dtype.itemsize != entry.file_size:
            raise ValueError
        # One byte more than there should be: reaching the end makes zipfile compare its checksum.
        content = stream.read(entry.file_size - start + 1)
    values = np.empty(count, dtype)
    if values.nbytes:
        values[...] = np.frombuffer(content, dtype, count)
    return values.reshape(shape, order="F" if fortran else "C")
