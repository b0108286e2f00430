"""Engines of lasers by name: on the processor ("cpu") or on an NVIDIA device ("cuda").

Another engine is a line in each table. Its class takes the arguments of `Simulator` or
`ReducedSimulator`, and is imported when it is asked for.
"""

import importlib
from typing import Any

from photinus._core import validate

FULL = {
    "cpu": "photinus.engines.laser.simulator:Simulator",
    "cuda": "photinus.engines.cuda.laser:CudaSimulator",
}
"""Full physics."""
REDUCED = {
    "cpu": "photinus.engines.reduced.simulator:ReducedSimulator",
    "cuda": "photinus.engines.cuda.reduced:CudaReducedSimulator",
}
"""Reduced lasers."""


def chosen(table: dict[str, str], engine: str) -> Any:
    """Return the class of an engine.

    Raises
    ------
    InvalidInput
        If there is none of this name.
    """
    module, name = table[validate.one_of("engine", engine, table)].split(":")
    return getattr(importlib.import_module(module), name)
