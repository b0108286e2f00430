"""Writes the pages of the API reference: one per room, with every public name of it."""

import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType

import photinus

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.public import ROOMS, door  # what is public is told in one place

INTRODUCTION = """Every public name, room by room. Begin with :doc:`photinus`: most work needs
nothing else. Its figures are in :doc:`photinus.faces.figures`, which is `photinus.plots` for short."""


def write_reference(folder: Path) -> None:
    """Write the pages into `folder`, an index first; pages that are right already are left alone."""
    folder.mkdir(exist_ok=True)
    known: set[int] = set()
    pages = {"photinus": _page(photinus, sorted(photinus.__all__), known)}
    for room in ROOMS:
        module = importlib.import_module(f"photinus.{room}")
        pages[f"photinus.{room}"] = _page(module, door(module), known)
    pages["index"] = _index(pages)
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def _index(pages: dict[str, str]) -> str:
    lines = ["API reference", "=============", "", INTRODUCTION, ""]
    lines += [".. list-table::", "   :widths: 30 70", ""]
    for name in pages:
        module = importlib.import_module(name)
        lines += [f"   * - :doc:`{name}`", f"     - {_first(module)}"]
    lines += ["", ".. toctree::", "   :hidden:", "", *(f"   {name}" for name in pages), ""]
    return "\n".join(lines)


def _first(module: ModuleType) -> str:
    """Return the first sentences of what a room says of itself, on one line."""
    return " ".join((inspect.getdoc(module) or "").split("\n\n")[0].split())


def _page(module: ModuleType, names: list[str], known: set[int]) -> str:
    """Return the page of a room. A name that another page has is linked from there only."""
    title = module.__name__
    lines = [title, "=" * len(title), "", _first(module), "", f".. currentmodule:: {title}", ""]
    for name in names:
        value = getattr(module, name)
        if isinstance(value, ModuleType):
            continue
        again = "   :no-index:\n" if id(value) in known and not _is_plain(value) else ""
        known.add(id(value))
        lines += [f".. {_directive(value)}:: {name}", *again.splitlines(), *_members(value), ""]
    return "\n".join(lines)


def _is_plain(value: object) -> bool:
    """Return whether equal values are one object, as numbers and texts are."""
    return isinstance(value, (str, int, float, tuple, frozenset))


def _directive(value: object) -> str:
    if isinstance(value, type):
        return "autoexception" if issubclass(value, Exception) else "autoclass"
    return "autofunction" if callable(value) else "autodata"


def _members(value: object) -> list[str]:
    return ["   :members:"] if isinstance(value, type) else []
