"""Names of a package that are loaded on first use, as in SPEC 1 of Scientific Python.

A package says in an ``if TYPE_CHECKING`` block what it holds, for readers, checkers and the linter of
layers; at run time `loader` finds it.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


def loader(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a package's `__getattr__`.

    Parameters
    ----------
    package
        Full name of the package.
    homes
        Name → full name of the module that holds it; a module that bears the name is it itself.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = importlib.import_module(homes[name])
        return home if home.__name__ == f"{package}.{name}" else getattr(home, name)

    return load
