"""Numba as Photinus uses it: one place for the compiler flags and for the disk cache.

Numba's disk cache notices a change only in the file that holds the kernel, so a changed imported
function would leave the old physics running. All kernels are therefore cached in a folder whose
name is a hash over every source file that holds or feeds a kernel.
"""

import contextlib
import functools
import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs

from photinus._imports import hidden

# Allowed rewrites: contraction to FMA, reassociation, reciprocals. Not "nnan" and "ninf": a blown-up
# lane must stay visible as NaN.
FASTMATH = {"contract", "reassoc", "arcp", "nsz"}


@functools.cache
def _cache_folder() -> str:
    sources = hashlib.sha256()
    for path in _sources():
        sources.update(path.name.encode() + b"\0" + path.read_bytes())
    base = os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_dir("photinus")
    return str(Path(base) / f"kernels-{sources.hexdigest()[:16]}")


def _sources() -> list[Path]:
    """Return this file, all that import it, and the ``__init__`` beside those, for its constants."""
    here = Path(__file__)
    users = {path for path in here.parent.rglob("*.py") if b"_numba import" in path.read_bytes()}
    return sorted({here} | users | {path.with_name("__init__.py") for path in users})


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` without the GIL, cached on disk; threads are the caller's business."""
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = _cache_folder()
    try:
        compiled: Callable[..., Any] = numba.njit(
            function, cache=True, nogil=True, fastmath=FASTMATH, error_model="numpy"
        )
    finally:
        config.CACHE_DIR = before
    return compiled


def _load_arrays_alone() -> None:
    """Import Numba's arrays, which every kernel needs, without SciPy's linear algebra.

    They look for a BLAS, which takes as long as all of Numba's own, and use it for np.cov alone; the
    functions of np.linalg look for themselves when they are compiled.
    """
    loaded = "scipy.linalg" in sys.modules
    with contextlib.nullcontext() if loaded else hidden("scipy.linalg"):
        importlib.import_module("numba.np.arraymath")


_load_arrays_alone()

inlined: Callable[..., Any] = numba.extending.register_jitable
"""Mark scalar arithmetic that a kernel of any target (plain Python included) may call."""
