"""NET, the format of Hugin, for networks of discrete chance nodes.

Grammar: Hugin API Reference Manual, chapter "The NET language". Data are nested by the parents in their
order, the node's own states innermost.
"""

import re

from photinus.interop.drafts import Draft
from photinus.interop.text import Source, Words
from photinus.machines.bayes import BayesianNetwork

PATTERN = re.compile(
    r"""(?P<skip>\s+|%[^\n]*)|"(?P<quoted>(?:[^"\\]|\\.)*)"|[{}()=;|]|[^\s{}()=;|"%]+|.""", re.DOTALL
)
BLOCKS = ("net", "class", "node", "discrete", "continuous", "decision", "utility", "potential")


def read(source: Source) -> BayesianNetwork:
    """Return the network of a NET file."""
    words, draft = Words(source, PATTERN), Draft(source)
    late = []
    while not words.at(""):
        kind = words.expect(*BLOCKS)
        if kind.text == "net":
            words.skip("{", "}")
        elif kind.text in ("node", "discrete"):
            _node(words, draft, kind.text)
        elif kind.text == "potential":
            late.append(_potential(words))
        else:
            raise words.wrong(f"nodes must be discrete chance nodes, got {kind.text!r}", kind)
    for line, scope, values in late:
        draft.table(scope[0], scope[1:], values, line)
    return draft.network()


def _node(words: Words, draft: Draft, kind: str) -> None:
    if kind == "discrete":
        words.expect("node")
    name = words.take()
    states: list[str] = []
    words.expect("{")
    while not words.at("}"):
        key = words.take().text
        words.expect("=")
        if key == "states":
            if states:
                raise words.wrong(f"states of {name.text!r} must be given once, got them twice")
            words.expect("(")
            while not words.at(")"):
                states.append(words.take().text)
            words.expect(")")
            words.expect(";")
        else:
            _skip_statement(words)
    words.expect("}")
    draft.variable(name.text, states, name.line)


def _skip_statement(words: Words) -> None:
    while not words.at(";"):
        words.take()
    words.expect(";")


def _potential(words: Words) -> tuple[int, list[str], list[float]]:
    """Return line, variables and numbers of a table."""
    line, scope, values = words.expect("(").line, [words.take().text], list[float]()
    if words.at("|"):
        words.take()
        while not words.at(")"):
            scope.append(words.take().text)
    words.expect(")")
    words.expect("{")
    while not words.at("}"):
        key = words.take()
        if key.text.startswith("model_"):
            raise words.wrong(f"tables must be given as data, got {key.text!r}", key)
        words.expect("=")
        if key.text == "data":
            if values:
                raise words.wrong(f"data of {scope[0]!r} must be given once, got them twice", key)
            values = _data(words)
        else:
            _skip_statement(words)
    words.expect("}")
    return line, scope, values


def _data(words: Words) -> list[float]:
    found = []
    while not words.at(";"):
        if words.at("(", ")"):
            words.take()
        else:
            found.append(words.number())
    words.expect(";")
    return found
