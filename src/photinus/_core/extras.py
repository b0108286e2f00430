"""Optional packages, each of an extra: imported when they are asked for, or named in one sentence."""

import importlib
from typing import Any

from photinus.errors import MissingDependency

NAMES = {"sklearn": "scikit-learn"}
"""Packages that are installed under another name than they are imported."""


def optional(module: str, extra: str, what: str) -> Any:
    """Return an optional module.

    Parameters
    ----------
    module
        Full name, such as "pandas".
    extra
        Extra of Photinus that installs it.
    what
        What needs it, to begin the sentence with.

    Raises
    ------
    MissingDependency
        If its package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        package = NAMES.get(package, package)
        raise MissingDependency(
            f"{what} needs {package}, which is not installed: pip install 'photinus[{extra}]'"
        ) from None
