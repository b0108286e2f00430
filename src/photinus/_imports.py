"""Imports cut short: what a library loads for parts of it that nobody asked for."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def hidden(module: str) -> Iterator[None]:
    """Let imports of `module`, which has not been imported yet, fail as if it was not installed."""
    modules: dict[str, Any] = sys.modules
    modules[module] = None
    try:
        yield
    finally:
        del modules[module]
