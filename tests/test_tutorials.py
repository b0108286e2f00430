"""Tutorials and scripts of figures name only what is public. `make docs` runs them."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from photinus.faces import figures
from tests.prose import forbidden, long_sentences
from tests.texts import ROOT

TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.py"))
FIGURES = sorted((ROOT / "docs" / "figures").glob("*.py"))
SCRIPTS = [*TUTORIALS, *FIGURES]
NO_FIGURES = {"style": "a look for figures"}
"""Public names of `photinus.plots` that draw nothing → what they are."""


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), path.name)


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of what is imported from Photinus; no name for whole modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "photinus":
            yield from ((node.module or "", one.name) for one in node.names)
        elif isinstance(node, ast.Import):
            yield from ((one.name, "") for one in node.names if one.name.startswith("photinus"))


def used(tree: ast.Module) -> Iterator[str]:
    """Yield names like `plots.raster` that are taken from `ph`."""
    for node in ast.walk(tree):
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if parts and isinstance(node, ast.Name) and node.id == "ph":
            yield ".".join(parts)


def private(path: str) -> bool:
    return any(part.startswith("_") for part in path.split("."))


def wrong(tree: ast.Module) -> list[str]:
    """Return what is named but private or not there."""
    found = []
    for module, name in imported(tree):
        home = importlib.import_module(module)
        if private(module) or private(name) or (name and not hasattr(home, name)):
            found.append(f"{module} {name}")
    for path in used(tree):
        value: object = importlib.import_module("photinus")
        for part in path.split("."):
            if private(part) or not hasattr(value, part):
                found.append(path)
                break
            value = getattr(value, part)
    return found


def prose(path: Path) -> str:
    """Return the texts between the code blocks, without what stands in a block of their own."""
    tree = parsed(path)
    texts = [ast.get_docstring(tree) or ""]
    for block in path.read_text().split("# %%\n")[1:]:
        lines = []
        for line in block.splitlines():
            if not line.startswith("#"):
                break
            lines.append(line[2:])
        texts.append("\n".join(lines))
    plain = [line for line in "\n\n".join(texts).splitlines() if not line.startswith((" ", "=", "-"))]
    return "\n".join(plain)


def test_there_are_tutorials_in_order() -> None:
    assert [path.name[:3] for path in TUTORIALS] == [f"{k:02}_" for k in range(1, len(TUTORIALS) + 1)]
    assert len(TUTORIALS) >= 9


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_compiles_and_names_public_things(path: Path) -> None:
    tree = parsed(path)
    compile(tree, path.name, "exec")
    assert wrong(tree) == []
    title, line, *_ = (ast.get_docstring(tree) or "").splitlines()
    assert set(line) == {"="}
    assert len(line) == len(title)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_plain(path: Path) -> None:
    assert list(long_sentences(prose(path))) == []
    assert list(forbidden(prose(path))) == []


def test_every_figure_is_in_the_gallery() -> None:
    drawn = {name.removeprefix("plots.") for path in FIGURES for name in used(parsed(path))}
    assert set(figures.__all__) - set(NO_FIGURES) <= drawn


def test_wrong_names_are_found() -> None:
    tree = ast.parse(
        "import photinus as ph\nfrom photinus._core import validate\n"
        "from photinus.units import no_such\nph.plots.nothing(1)\nph._secret\n"
    )
    names = {"photinus._core validate", "photinus.units no_such", "plots.nothing", "_secret"}
    assert set(wrong(tree)) == names
