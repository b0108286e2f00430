"""Networks with states of any name and number, and plain writers of the formats that others read.

Each writer is a loop over the table as its format's description says, apart from how the reader does it.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.texts import ROOT

Name = Any


class Plain(NamedTuple):
    """A network as it is: states, parents and tables (*parents, variable)."""

    states: dict[Name, tuple[Name, ...]]
    parents: dict[Name, tuple[Name, ...]]
    tables: dict[Name, NDArray[np.float64]]


STATES: dict[Name, tuple[str, ...]] = {
    "Disease": ("PFC", "Fallot", "Lung"),
    "X-ray": ("Normal", "Asy/Patch"),
    "3rd": ("<5", "5-12", "12+", "n.a."),
    "Left_arm": ("1", "0"),
}
SPACED: dict[Name, tuple[str, ...]] = {
    "Disease": ("PFC", "of Fallot", "Lung"),
    "X ray": ("Normal", "Asy / Patch"),
    "3rd": ("less than 5", "5-12", "12+", "n.a."),
    "Left_arm": ("1", "0"),
}
"""The same with spaces, which only formats with quotes or brackets can tell."""
NUMBERS: dict[Name, tuple[Any, ...]] = {k: tuple(range(n)) for k, n in enumerate((3, 2, 4, 2))}


def network(states: dict[Name, tuple[Any, ...]], seed: int = 0) -> Plain:
    """Return a network over four variables, the last of which has two parents in falling order."""
    random = np.random.default_rng(seed)
    a, b, c, d = states
    parents: dict[Name, tuple[Name, ...]] = {a: (), b: (a,), c: (), d: (c, a)}
    tables = {}
    for name, above in parents.items():
        shape = tuple(len(states[each]) for each in (*above, name))
        table = random.gamma(1.0, size=shape)
        tables[name] = table / table.sum(axis=-1, keepdims=True)
    return Plain(states, parents, tables)


def rows(plain: Plain, name: Name) -> Iterator[tuple[tuple[int, ...], list[float]]]:
    """Yield positions of the parents' states, and the row, the last parent fastest."""
    sizes = [len(plain.states[parent]) for parent in plain.parents[name]]
    for place in itertools.product(*map(range, sizes)):
        yield place, plain.tables[name][place].tolist()


def flat(plain: Plain, name: Name, between: str = " ") -> str:
    return between.join(repr(p) for _, row in rows(plain, name) for p in row)


def bif(plain: Plain) -> str:
    text = 'network "a b" {\n  property author {x} ;\n}\n'.replace("{x}", "me")
    for name, states in plain.states.items():
        text += (
            f"variable {name} {{\n  type discrete [ {len(states)} ] {{ {', '.join(states)} }};\n}}\n"
        )
    for name, parents in plain.parents.items():
        given = f" | {', '.join(parents)}" if parents else ""
        text += f"probability ( {name}{given} ) {{\n"
        for place, row in rows(plain, name):
            head = ", ".join(plain.states[p][k] for p, k in zip(parents, place, strict=True))
            text += f"  ({head}) " if parents else "  table "
            text += ", ".join(map(repr, row)) + ";\n"
        text += "}\n"
    return text


def bif_tables(plain: Plain) -> str:
    """Return BIF with whole tables, the variable itself slowest, and tables above variables."""
    text = "// tables first\n"
    for name, parents in plain.parents.items():
        given = f" | {', '.join(parents)}" if parents else ""
        columns = [row for _, row in rows(plain, name)]
        numbers = " ".join(repr(row[k]) for k in range(len(columns[0])) for row in columns)
        text += f"probability({name}{given}) {{ table {numbers}; }}\n"
    for name, states in plain.states.items():
        text += f"variable {name} {{ type discrete[{len(states)}] {{{', '.join(states)}}}; }}\n"
    return text


def hugin(plain: Plain) -> str:
    text = "net\n{\n  node_size = (80 40);\n}\n"
    for name, states in plain.states.items():
        listed = " ".join(f'"{state}"' for state in states)
        text += f'node "{name}"\n{{\n  label = "";\n  states = ({listed});\n}}\n'
    for name, parents in plain.parents.items():
        given = " ".join(f'"{parent}"' for parent in parents)
        text += (
            f'potential ("{name}" | {given})\n{{ data = ('
            if parents
            else f'potential ("{name}")\n{{ data = ('
        )
        text += (
            "".join(f"({' '.join(map(repr, row))})" for _, row in rows(plain, name)) + ");  % end\n}\n"
        )
    return text


def xmlbif(plain: Plain) -> str:
    text = '<?xml version="1.0"?>\n<!DOCTYPE BIF [\n<!ELEMENT BIF ( NETWORK )*>\n]>\n<BIF VERSION="0.3"><NETWORK><NAME>n</NAME>\n'
    for name, states in plain.states.items():
        outcomes = "".join(f"<OUTCOME>{escaped(state)}</OUTCOME>" for state in states)
        text += f'<VARIABLE TYPE="nature"><NAME>{escaped(name)}</NAME>{outcomes}</VARIABLE>\n'
    for name, parents in plain.parents.items():
        given = "".join(f"<GIVEN>{escaped(parent)}</GIVEN>" for parent in parents)
        numbers = flat(plain, name).replace(" ", " <!-- next -->\n", 1)
        text += f"<DEFINITION><FOR>{escaped(name)}</FOR>{given}<TABLE>{numbers}</TABLE></DEFINITION>\n"
    return text + "</NETWORK></BIF>\n"


def xdsl(plain: Plain) -> str:
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<smile version="1.0" id="net"><nodes>\n'
    for name, states in plain.states.items():
        listed = "".join(f'<state id="{escaped(state)}" />' for state in states)
        above = f"<parents>{' '.join(plain.parents[name])}</parents>" if plain.parents[name] else ""
        numbers = f"<probabilities>{flat(plain, name)}</probabilities>"
        text += f'<cpt id="{escaped(name)}">{listed}{above}{numbers}</cpt>\n'
    return text + "</nodes><extensions><genie/></extensions></smile>\n"


def uai(plain: Plain) -> str:
    place = {name: k for k, name in enumerate(plain.states)}
    text = (
        f"BAYES\n{len(place)}\n{' '.join(str(len(s)) for s in plain.states.values())}\n{len(place)}\n"
    )
    for name, parents in plain.parents.items():
        text += (
            " ".join(str(k) for k in (len(parents) + 1, *(place[p] for p in parents), place[name]))
            + "\n"
        )
    for name in plain.parents:
        text += f"\n{plain.tables[name].size}\n {flat(plain, name)}\n"
    return text


def markov(scopes: Sequence[tuple[int, ...]], tables: Sequence[NDArray[np.float64]]) -> str:
    """Return a UAI file of a Markov network."""
    sizes: dict[int, int] = {}
    for scope, table in zip(scopes, tables, strict=True):
        sizes |= dict(zip(scope, table.shape, strict=True))
    text = f"MARKOV\n{len(sizes)}\n{' '.join(str(sizes[k]) for k in sorted(sizes))}\n{len(scopes)}\n"
    text += "".join(f"{len(scope)} {' '.join(map(str, scope))}\n" for scope in scopes)
    for table in tables:
        values = [table[place] for place in itertools.product(*map(range, table.shape))]
        text += f"\n{len(values)}\n" + " ".join(repr(float(v)) for v in values) + "\n"
    return text


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def shared(*names: str) -> list[Path]:
    """Return the files of the data beside the repository that match, none where there are no data."""
    for folder in ROOT.parents:
        if (folder / "shared" / "data").is_dir():
            return sorted(p for name in names for p in (folder / "shared" / "data").glob(name))
    return []


def data(*names: str) -> list[Any]:
    """Return the same as parameters of a test that is skipped where there are none."""
    found = shared(*names)
    reason = "the folder shared/data is not beside the repository"
    return [pytest.param(p, id=p.name) for p in found] or [
        pytest.param(None, marks=pytest.mark.skip(reason=reason))
    ]
