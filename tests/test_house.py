"""The house: what CONTRIBUTING says of the rooms is what `make lint` checks, and the knots are none."""

import ast
import re
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from tests.texts import ROOT, TEXTS

PACKAGE = ROOT / "src" / "photinus"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
MOST_LOOSE = 5
MOST_HIDDEN = 8


def module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room(name: str) -> str:
    """Return the room of a module, "" for the package itself."""
    return name.split(".")[1] if "." in name else ""


def is_checking(node: Any) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(node: Any, inside: bool = False) -> Iterator[Any]:
    """Yield (module, whether inside a function) of every import of ours that runs."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        names = []
    for name in names:
        while name and name not in FILES:
            name = name.rpartition(".")[0]
        if name and name != "photinus":
            yield name, inside
    inside = inside or isinstance(node, ast.FunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        if not is_checking(child):
            yield from imports(child, inside)


IMPORTS = {name: set(imports(ast.parse(path.read_text()))) for name, path in FILES.items()}
EDGES = {name: {to for to, _ in found if to != name} for name, found in IMPORTS.items()}


def test_few_files_lie_loose() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_LOOSE


def test_no_cycles_of_files() -> None:
    TopologicalSorter(EDGES).prepare()


def test_no_cycles_of_rooms() -> None:
    rooms: dict[Any, Any] = {}
    for name, found in EDGES.items():
        rooms.setdefault(room(name), set()).update({room(to) for to in found} - {room(name)})
    TopologicalSorter(rooms).prepare()


def test_a_cycle_is_found() -> None:
    with pytest.raises(CycleError):
        TopologicalSorter(EDGES | {"photinus.errors": {"photinus.samplers.sampling"}}).prepare()


def test_few_imports_hide_in_functions() -> None:
    hidden = [
        (name, to)
        for name, found in IMPORTS.items()
        for to, inside in found
        if inside and (to, False) not in found and room(name) != "faces"
    ]
    assert len(hidden) <= MOST_HIDDEN, hidden


def test_imports_inside_functions_are_seen() -> None:
    tree = ast.parse("def f():\n    from photinus.errors import InvalidInput\n")
    assert list(imports(tree)) == [("photinus.errors", True)]
    tree = ast.parse("if TYPE_CHECKING:\n    from photinus.errors import InvalidInput\n")
    assert list(imports(tree)) == []


def told() -> dict[str, set[str]]:
    """Return room → rooms that it may use, as CONTRIBUTING's table says."""
    found: dict[Any, Any] = {}
    for name, may in re.findall(
        r"^\| `(\w+)` \|.*\| ([^|]*) \|$", TEXTS["CONTRIBUTING.md"], re.MULTILINE
    ):
        if may.startswith(("all above", "nothing")):
            found[name] = set(found) - set(re.findall(r"`(\w+)`", may))
    return found


def contracted() -> dict[str, set[str]]:
    """Return room → rooms that it may use, as the contracts of pyproject.toml say."""
    (layers,) = (contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")
    layers = [layer.removeprefix("photinus.") for layer in reversed(layers)]
    found = {name: set(layers[:place]) for place, name in enumerate(layers)}
    for contract in CONTRACTS:
        if contract["type"] == "forbidden":
            (name,) = contract["source_modules"]
            found[room(name)] -= {room(other) for other in contract["forbidden_modules"]}
    return found


def test_contributing_says_what_the_contracts_say() -> None:
    assert told() == contracted()
    assert list(told()) == list(contracted())


def test_every_room_is_in_the_contracts() -> None:
    assert {room(name) for name in FILES} - {""} == set(contracted())


@pytest.mark.parametrize("name", contracted())
def test_rooms_use_what_they_may(name: str) -> None:
    used = {room(to) for file, found in EDGES.items() if room(file) == name for to in found} - {name}
    assert used <= contracted()[name]
