"""BIF, the interchange format for Bayesian networks: read and written.

Grammar: Cozman et al., *Interchange Format for Bayesian Networks*, version 0.15 (1998). Beside that,
names may hold anything but brackets, commas, bars and semicolons, as files of bnlearn have them.
"""

import itertools
import math
import re
from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.interop.drafts import Draft
from photinus.interop.text import Source, Word, Words
from photinus.machines.bayes import BayesianNetwork
from photinus.machines.variables import MOST_ENTRIES

PATTERN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?(?:\*/|\Z))|"(?P<quoted>[^"\n]*)"|[{}()\[\];,|]|[^\s{}()\[\];,|"]+|.""",
    re.DOTALL,
)
PLAIN = re.compile(r"[^\s{}()\[\];,|\"]+(?: [^\s{}()\[\];,|\"]+)*")
"""A name that comes back as it was."""


def read(source: Source) -> BayesianNetwork:
    """Return the network of a BIF file."""
    words, draft = Words(source, PATTERN), Draft(source)
    late = []
    while not words.at(""):
        kind = words.expect("network", "variable", "probability").text
        if kind == "network":
            words.phrase("{")
            words.skip("{", "}")
        elif kind == "variable":
            _variable(words, draft)
        else:
            # A table may stand above its variables.
            late.append(_entries(words))
    for line, variables, entries in late:
        name, *parents = variables
        draft.table(name, parents, _filled(draft, line, variables, entries), line)
    return draft.network()


def _variable(words: Words, draft: Draft) -> None:
    line, name = words.next.line, words.phrase("{")
    words.expect("{")
    states: list[str] = []
    while not words.at("}"):
        if words.expect("type", "property").text == "property":
            _skip_statement(words)
            continue
        words.expect("discrete")
        words.expect("[")
        count = words.count(f"number of states of {name!r}", MOST_ENTRIES)
        words.expect("]")
        words.expect("{")
        while not words.at("}"):
            states.append(words.phrase(",", "}"))
            if not words.at("}"):
                words.expect(",")
        if len(states) != count:
            raise words.wrong(f"variable {name!r} must have {count} states, got {len(states)}")
        words.expect("}")
        words.expect(";")
    words.expect("}")
    draft.variable(name, states, line)


def _skip_statement(words: Words) -> None:
    while words.take().text != ";":
        pass


Entry = tuple[tuple[str, ...] | str, list[float], Word]
"""States of the parents, or the keyword; the numbers; the word where they begin."""


def _entries(words: Words) -> tuple[int, list[str], list[Entry]]:
    """Return line, variables and entries of a probability block."""
    line = words.expect("(").line
    variables = [words.phrase("|", ",", ")")]
    while not words.at(")"):
        words.expect("|" if len(variables) == 1 else ",", ",")
        variables.append(words.phrase(",", ")"))
    words.expect(")")
    words.expect("{")
    entries: list[Entry] = []
    while not words.at("}"):
        start = words.expect("(", "table", "default", "property")
        if start.text == "property":
            _skip_statement(words)
            continue
        head: tuple[str, ...] | str = start.text
        if start.text == "(":
            head = _states(words)
        entries.append((head, _numbers(words), start))
    words.expect("}")
    return line, variables, entries


def _states(words: Words) -> tuple[str, ...]:
    found = [words.phrase(",", ")")]
    while not words.at(")"):
        words.expect(",")
        found.append(words.phrase(",", ")"))
    words.expect(")")
    return tuple(found)


def _numbers(words: Words) -> list[float]:
    found = []
    while not words.at(";"):
        found.append(words.number())
        if words.at(","):
            words.take()
    words.expect(";")
    return found


def _filled(draft: Draft, line: int, variables: list[str], entries: list[Entry]) -> NDArray[np.float64]:
    """Return the table that its entries fill, axes (*parents, variable)."""
    name, *parents = variables
    shape = draft.shape(name, parents, line)
    draft.room(shape, line)
    table = np.full(shape, np.nan)
    seen: set[tuple[str, ...] | str] = set()
    # A default holds where no other entry stands.
    for head, numbers, start in sorted(entries, key=lambda entry: entry[0] != "default"):
        if head in seen or (seen and "table" in (head, *seen)):
            raise draft.source.wrong(
                f"table of {name!r} must have each of its rows once, got {_shown(head)} again",
                start.line,
            )
        seen.add(head)
        wanted = math.prod(shape) if head == "table" else shape[-1]
        if len(numbers) != wanted:
            raise draft.source.wrong(
                f"this entry of the table of {name!r} must have {wanted} numbers, got {len(numbers)}",
                start.line,
            )
        if head == "table":
            # The first variable of the block, the table's own, runs slowest.
            table[...] = np.moveaxis(np.reshape(numbers, shape[-1:] + shape[:-1]), 0, -1)
        elif head == "default":
            table[...] = numbers
        else:
            table[_place(draft, name, parents, head, start.line)] = numbers
    if np.isnan(table).any():
        empty = np.argwhere(np.isnan(table))[0][:-1]
        states = tuple(draft.states[p][k] for p, k in zip(parents, empty, strict=True))
        raise draft.source.wrong(f"table of {name!r} must have an entry for {states!r}, got none", line)
    return table


def _shown(head: tuple[str, ...] | str) -> str:
    return head if isinstance(head, str) else validate.shown(head)


def _place(
    draft: Draft, name: str, parents: list[str], states: tuple[str, ...] | str, line: int
) -> tuple[int, ...]:
    if len(states) != len(parents):
        raise draft.source.wrong(
            f"this entry of the table of {name!r} must name {len(parents)} states, got {len(states)}",
            line,
        )
    place = []
    for parent, state in zip(parents, states, strict=True):
        if state not in draft.states[parent]:
            raise draft.source.wrong(
                f"state of {parent!r} must be one of {draft.states[parent]!r:.300}, got {state!r}", line
            )
        place.append(draft.states[parent].index(state))
    return tuple(place)


def written(network: BayesianNetwork) -> str:
    """Return a network as BIF; what `read` gives of it is the same network.

    Raises
    ------
    InvalidInput
        If a name holds what BIF can't: brackets, commas, bars, semicolons, quotes, or ends in a space.
    """
    validate.instance("network", network, BayesianNetwork)
    lines = ["network unknown {", "}"]
    for name, states in network.states.items():
        listed = ", ".join(map(_named, states))
        lines += [
            f"variable {_named(name)} {{",
            f"  type discrete [ {len(states)} ] {{ {listed} }};",
            "}",
        ]
    for name in network.variables:
        parents, table = network.parents(name), network.probabilities(name)
        given = f" | {', '.join(map(_named, parents))}" if parents else ""
        lines.append(f"probability ( {_named(name)}{given} ) {{")
        for place in itertools.product(*(range(n) for n in table.shape[:-1])):
            numbers = ", ".join(repr(float(p)) for p in table[place])
            if parents:
                given = ", ".join(
                    _named(network.states[p][k]) for p, k in zip(parents, place, strict=True)
                )
                lines.append(f"  ({given}) {numbers};")
            else:
                lines.append(f"  table {numbers};")
        lines.append("}")
    return "\n".join(lines) + "\n"


def _named(name: Hashable) -> str:
    text = str(name)
    if not PLAIN.fullmatch(text) or text.startswith(("//", "/*")):
        raise InvalidInput(
            f"names must be words without brackets, commas, bars and semicolons in BIF, got {name!r}"
        )
    return text
