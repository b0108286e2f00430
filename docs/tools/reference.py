"""Writes the pages of the API reference: one per room, with every public name of it."""

import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType

import photinus

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.public import ROOMS, door  # what is public is told in one place


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
    lines = ["API reference", "=============", "", "Every public name, room by room.", ""]
    return "\n".join(
        [*lines, ".. toctree::", "   :maxdepth: 1", "", *(f"   {name}" for name in pages), ""]
    )


def _page(module: ModuleType, names: list[str], known: set[int]) -> str:
    """Return the page of a room. A name that another page has is linked from there only."""
    title = module.__name__
    first = (inspect.getdoc(module) or "").split("\n\n")[0]
    lines = [title, "=" * len(title), "", first, "", f".. currentmodule:: {title}", ""]
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
