"""Draws the rooms of the code from the linter's contracts: a picture and a table.

A row is a room, a column what it may use. The contracts are those of `pyproject.toml`, which
`lint-imports` checks. What is used at present comes from the imports themselves.
"""

import importlib
import inspect
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

import grimp

ROOT = Path(__file__).parents[2]
CELL, LEFT, TOP = 26, 128, 112
"""Size of a cell, and of the margins with names [pixels]."""
INK, USED, ALLOWED, FORBIDDEN = "#1f2933", "#0072b2", "#9aa5b1", "#d55e00"


class Rooms(NamedTuple):
    """Rooms from the floor up, and who may not use whom although it stands above."""

    names: list[str]
    forbidden: dict[str, set[str]]

    def may_use(self, room: str) -> list[str]:
        """Return the rooms that a room may use, the lowest first."""
        below = self.names[: self.names.index(room)]
        return [name for name in below if name not in self.forbidden.get(room, set())]


def rooms() -> Rooms:
    """Return what the contracts say."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    forbidden = {
        _short(contract["source_modules"][0]): {_short(name) for name in contract["forbidden_modules"]}
        for contract in contracts
        if contract["type"] == "forbidden"
    }
    return Rooms([_short(name) for name in reversed(layers)], forbidden)


def _short(module: str) -> str:
    return module.removeprefix("photinus.")


def used(names: list[str]) -> set[tuple[str, str]]:
    """Return the pairs (room, what it imports from)."""
    graph = grimp.build_graph("photinus", exclude_type_checking_imports=True)
    homes = {f"photinus.{name}": name for name in names}
    found = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            ends = (".".join(one.split(".")[:2]) for one in (module, imported))
            room, other = (homes.get(end) for end in ends)
            if room and other and room != other:
                found.add((room, other))
    return found


def picture(plan: Rooms, imports: set[tuple[str, str]]) -> str:
    """Return the matrix of rooms as SVG."""
    side = CELL * len(plan.names)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + side + 8} {TOP + side + 8}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">',
        "<title>Which room may use which</title>",
        '<rect width="100%" height="100%" fill="white"/>',
        *_names(plan.names),
        *_cells(plan, imports),
        "</svg>",
    ]
    return "\n".join(parts)


def _names(names: list[str]) -> Iterator[str]:
    for k, name in enumerate(names):
        x, y = LEFT + (k + 0.5) * CELL, TOP + (k + 0.5) * CELL
        yield f'<text x="{LEFT - 8}" y="{y + 4:g}" text-anchor="end">{escape(name)}</text>'
        yield f'<text transform="translate({x + 4:g} {TOP - 8}) rotate(-60)">{escape(name)}</text>'


def _cells(plan: Rooms, imports: set[tuple[str, str]]) -> Iterator[str]:
    for row, room in enumerate(plan.names):
        for column, other in enumerate(plan.names[:row]):
            x, y = LEFT + (column + 0.5) * CELL, TOP + (row + 0.5) * CELL
            if other not in plan.may_use(room):
                d = f"M{x - 4:g} {y - 4:g}l8 8m0 -8l-8 8"
                yield f'<path d="{d}" stroke="{FORBIDDEN}" stroke-width="1.5"/>'
            elif (room, other) in imports:
                yield f'<circle cx="{x:g}" cy="{y:g}" r="6" fill="{USED}"/>'
            else:
                yield f'<circle cx="{x:g}" cy="{y:g}" r="3" fill="none" stroke="{ALLOWED}"/>'


def table(plan: Rooms) -> str:
    """Return the table of rooms in Markdown, the floor first."""
    lines = ["| room | what it is | may use |", "|---|---|---|"]
    for place, name in enumerate(plan.names):
        text = inspect.getdoc(importlib.import_module(f"photinus.{name}")) or ""
        first = " ".join(text.split("\n\n")[0].split())
        without = sorted(plan.forbidden.get(name, ()), key=plan.names.index)
        above = "all above" if place else "nothing"
        allowed = f"{above} but {', '.join(f'`{other}`' for other in without)}" if without else above
        lines.append(f"| `{name}` | {first} | {allowed} |")
    return "\n".join(lines) + "\n"


def write_architecture(folder: Path) -> None:
    """Write picture and table into `folder`."""
    folder.mkdir(exist_ok=True)
    plan = rooms()
    (folder / "rooms.svg").write_text(picture(plan, used(plan.names)))
    (folder / "rooms.txt").write_text(table(plan))
