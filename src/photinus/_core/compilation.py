"""Numba as Photinus uses it: one place for the compiler flags and for the disk cache.

Numba's disk cache notices a change only in the file of the compiled loop. It takes another folder where
the wanted one cannot be written. So a changed imported function would leave the old physics running.
Here compiled code lies in a folder whose name is a hash over every source file of a compiled loop, and
of what it calls. Where there is no such folder, loops are compiled in every process.
"""

import contextlib
import functools
import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs
from llvmlite import ir
from numba.core import cgutils
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps
from numba.np.arrayobj import make_array

# Allowed rewrites: contraction to FMA, reassociation, reciprocals. Not "nnan" and "ninf": a blown-up
# lane must stay visible as NaN.
FASTMATH = {"contract", "reassoc", "arcp", "nsz"}
TILE = 32
"""Lanes per tile of full physics: no more than a word has bits; see `docs/results/performance.md`."""
SHORT_TILE = 32
"""The same of neurons and reduced lasers, whose steps are short."""


@functools.cache
def _cache_folder() -> Path | None:
    """Return the folder of compiled code; None where it cannot be written or sources are missing."""
    base = Path(os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_dir("photinus"))
    # Without a home, "~" would become a folder in the working directory.
    if base.parts[:1] == ("~",):
        return None
    try:
        folder = base / f"kernels-{_fingerprint()}"
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return None
    return folder


def _fingerprint() -> str:
    """Return a hash over all sources of compiled loops and the version of the compiler."""
    content = hashlib.sha256(numba.__version__.encode())
    for path in _sources():
        content.update(path.name.encode() + b"\0" + path.read_bytes())
    return content.hexdigest()[:16]


def _sources() -> list[Path]:
    """Return this file and all of the package that import it."""
    here = Path(__file__)
    users = {
        path for path in here.parents[1].rglob("*.py") if b"compilation import" in path.read_bytes()
    }
    return sorted({here} | users)


class _DiskCache(NullCache):
    """Compiled code of one loop: a file for each signature and processor, headed by its checksum.

    Files are written whole and never changed, so processes that start together cannot mix them up. What
    cannot be read counts as missing, and what cannot be written is not kept.
    """

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        line = function.__code__.co_firstlineno
        self._stem = folder / f"{function.__module__}.{function.__qualname__}-{line}"

    def _path(self, signature: Any, processor: Any) -> Path:
        key = hashlib.sha256(repr((signature, processor.magic_tuple())).encode())
        return self._stem.with_name(f"{self._stem.name}-{key.hexdigest()[:16]}.bin")

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the code for a signature, or None."""
        context.refresh()
        try:
            content = self._path(signature, context.codegen()).read_bytes()
            checksum, code = content[:32], content[32:]
            if hashlib.sha256(code).digest() == checksum:
                return CompileResult._rebuild(context, *pickle.loads(code))  # type: ignore[no-untyped-call]
        except (OSError, pickle.PickleError):
            pass
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep the code for a signature."""
        code = dumps(result._reduce())  # type: ignore[no-untyped-call]
        path = self._path(signature, result.codegen)
        with contextlib.suppress(OSError):
            handle, name = tempfile.mkstemp(dir=path.parent)
            try:
                with open(handle, "wb") as file:
                    file.write(hashlib.sha256(code).digest() + code)
                os.replace(name, path)
            except OSError:
                os.unlink(name)


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` without the GIL, cached on disk; threads are the caller's business."""
    compiled: Any = numba.njit(function, nogil=True, fastmath=FASTMATH, error_model="numpy")
    folder = _cache_folder()
    if folder is not None:
        compiled._cache = _DiskCache(function, folder)
    return compiled  # type: ignore[no-any-return]


def for_each(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a loop that takes a compiled function; in every process, for each function that comes."""
    compiled: Any = numba.njit(function, nogil=True, fastmath=FASTMATH, error_model="numpy")
    return compiled  # type: ignore[no-any-return]


def scalar(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile arithmetic of somebody else, for a loop of `for_each`."""
    compiled: Any = numba.njit(function, error_model="numpy")
    return compiled  # type: ignore[no-any-return]


def _mark_wide(_: Any) -> tuple[Any, Callable[..., Any]]:
    """Return how `wide` is typed and compiled."""

    def mark(context: Any, builder: Any, *_: Any) -> Any:
        # Past the list of attributes that llvmlite knows.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return numba.types.void(), mark


def _mark_apart(_: Any) -> tuple[Any, Callable[..., Any]]:
    """Return how `apart` is typed and compiled."""

    def mark(context: Any, builder: Any, *_: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return numba.types.void(), mark


def _mark_disjoint(_: Any) -> tuple[Any, Callable[..., Any]]:
    """Return how `disjoint` is typed and compiled."""

    def mark(context: Any, builder: Any, *_: Any) -> Any:
        for argument in builder.function.args:
            if isinstance(argument.type, ir.PointerType):
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return numba.types.void(), mark


wide: Any = numba.extending.intrinsic(_mark_wide)
"""Called in a loop's function: let it use the widest vectors that there are.

For many processors the compiler prefers half of that, as older ones slowed down.
"""
apart: Any = numba.extending.intrinsic(_mark_apart)
"""Called in a loop's function: keep it apart from its callers, whose vectors may be narrower.

Worth its call where a loop is long.
"""


def _find_positive(_: Any, array: Any, first: Any) -> tuple[Any, Callable[..., Any]]:
    """Return how `positive_of_tile` is typed and compiled."""

    def find(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = make_array(signature.args[0])(context, builder, args[0])  # type: ignore[no-untyped-call]
        start = cgutils.get_item_pointer(  # type: ignore[no-untyped-call]
            context, builder, signature.args[0], made, [args[1]], wraparound=False
        )
        numbers = ir.VectorType(ir.FloatType(), TILE)
        loaded = builder.load(builder.bitcast(start, numbers.as_pointer()))
        loaded.align = 4
        above = builder.fcmp_ordered(">", loaded, ir.Constant(numbers, None))
        return builder.bitcast(above, ir.IntType(TILE))

    return numba.types.uint32(array, numba.types.uintp), find


def _borrow(_: Any, array: Any) -> tuple[Any, Callable[..., Any]]:
    """Return how `borrowed` is typed and compiled."""

    def borrow(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = make_array(signature.args[0])(context, builder, args[0])  # type: ignore[no-untyped-call]
        for owner in ("meminfo", "parent"):
            setattr(made, owner, ir.Constant(getattr(made, owner).type, None))
        return made._getvalue()

    return array(array), borrow


borrowed: Any = numba.extending.intrinsic(_borrow)
"""Called with an array that the caller keeps: the same, and no reference to it is counted.

A function counts those of its arrays at each call, in memory that all processors share. That takes
longer than some dozens of multiplications.
"""
positive_of_tile: Any = numba.extending.intrinsic(_find_positive)
"""Called with float32 numbers and the first of TILE: a uint32 whose bits tell which are above zero."""
disjoint: Any = numba.extending.intrinsic(_mark_disjoint)
"""Called in a loop's function: its arrays do not overlap, so no call has to find out."""


def lowest_bit(word: Any) -> int:
    """Return the number of the lowest bit that is set in an unsigned word, which is not zero."""
    return (int(word) & -int(word)).bit_length() - 1


@numba.extending.intrinsic
def _trailing_zeros(_: Any, word: Any) -> Any:
    """Return the same in one instruction; for zero, the number of bits."""

    def count(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return word(word), count


@numba.extending.overload(lowest_bit)
def _lowest_bit(word):  # type: ignore[no-untyped-def]
    return lambda word: _trailing_zeros(word)  # type: ignore[call-arg]


inlined: Callable[..., Any] = numba.extending.register_jitable
"""Mark scalar arithmetic that a loop of any target (plain Python included) may call."""
