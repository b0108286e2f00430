"""The public face: names, signatures, members, one line each.

``python -m tests.public`` prints it; its output is ``tests/data/public.txt``. A line that is lost or
changed there is a change that somebody's code may notice.
"""

import enum
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import photinus
from tests.texts import resolve

FILE = Path(__file__).parent / "data" / "public.txt"
ROOMS = (
    "calibration",
    "devices",
    "devices.laser",
    "devices.lif",
    "diagnostics",
    "engines",
    "engines.reduced",
    "errors",
    "faces.figures",
    "hardware",
    "interop",
    "interop.dimod",
    "learning",
    "machines",
    "measurements",
    "networks",
    "reference",
    "samplers",
    "spikes",
    "tasks",
    "testing",
    "translation",
    "units",
)
"""Rooms and houses in them whose doors are public."""
FORMER = """
    bayes bayes.BayesianNetwork bayes.SOFTENING calibration.protocol diagnostics.verdict evaluation
    fidelity.kl_parts imperfections imperfections.Imperfections laser.dynamics.lasing_pump laser.jumps
    laser.parameters laser.response learning.data learning.data.digits learning.loop
    learning.loop.DeviceChains ledger ledger.comparison network reference.lif reference.lif.LifNetwork
    reference.lif.LifParameters reference.lif.LifSimulator reference.lif.activation
    reference.lif.area_rule_sustain reference.lif.free_membrane study.Study.load translation.check
    translation.heated_drive units.ns
"""
"""Names inside photinus that README and docs of version 0.1 showed, where they were then."""


def signature(value: Any) -> str:
    """Return names, kinds and defaults of the parameters; types are the type checker's matter."""
    if isinstance(value, enum.EnumType):
        return "(value)"  # Python's versions say more, and not the same
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()]
    text = str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def members(name: str, kind: type) -> Iterator[str]:
    """Yield a line for each public member of a class."""
    for member in sorted(m for m in dir(kind) if not m.startswith("_")):
        value = inspect.getattr_static(kind, member)
        if any(member in vars(base) for base in kind.__mro__ if base.__module__.startswith("photinus")):
            shown = signature(getattr(kind, member)) if callable(getattr(kind, member, None)) else ""
            yield f"{name}.{member}{'' if isinstance(value, property) else shown}"


def lines_of(name: str, value: object) -> Iterator[str]:
    """Yield the lines of one public name."""
    if isinstance(value, ModuleType):
        yield f"{name} (module)"
    elif isinstance(value, type):
        yield f"{name}{signature(value)}"
        yield from members(name, value)
    else:
        yield f"{name}{signature(value) if callable(value) else ''}"


def door(module: ModuleType) -> list[str]:
    """Return what a room shows: its ``__all__``, else every name that is ours and no module."""
    shown = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and getattr(value, "__module__", "photinus").startswith("photinus")
    ]
    return sorted(shown)


def public() -> list[str]:
    """Return the lines of the public face, sorted."""
    found = {
        line
        for name in photinus.__all__
        for line in lines_of(f"photinus.{name}", getattr(photinus, name))
    }
    for room in ROOMS:
        module = importlib.import_module(f"photinus.{room}")
        for name in door(module):
            found |= set(lines_of(f"photinus.{room}.{name}", getattr(module, name)))
    for name in FORMER.split():
        found |= set(lines_of(f"photinus.{name}", resolve(f"photinus.{name}")))
    return sorted(found)


if __name__ == "__main__":
    sys.stdout.write("\n".join(public()) + "\n")
