"""UAI: Markov and Bayesian networks as numbers only, and their evidence.

Format: http://graphmod.ics.uci.edu/uai08/FileFormat. Variables are called 0 … n-1, and so are their
states. In a table the last variable of its scope runs fastest; in a Bayesian network it is the one that
the table is of.
"""

import math
import re
from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus.interop.drafts import MOST_VARIABLES, Draft, require_entries
from photinus.interop.text import Source, Words
from photinus.machines.bayes import BayesianNetwork
from photinus.machines.markov import MarkovNetwork
from photinus.machines.variables import MOST_ENTRIES

PATTERN = re.compile(r"(?P<skip>\s+|#[^\n]*)|(?P<quoted>(?!))|[^\s#]+")
KINDS = ("MARKOV", "BAYES")

Factor = tuple[tuple[int, ...], NDArray[np.float64]]


def read(source: Source) -> BayesianNetwork | MarkovNetwork:
    """Return the network of a UAI file."""
    words = Words(source, PATTERN)
    kind = words.expect(*KINDS).text
    variables = words.count("number of variables", MOST_VARIABLES)
    if not variables:
        raise words.wrong("it must hold at least one variable, got none")
    draft = Draft(source)
    for name in range(variables):
        line = words.next.line
        draft.variable(name, range(words.count(f"number of states of {name}", MOST_ENTRIES)), line)
    factors = _factors(words, draft)
    if not words.at(""):
        raise words.wrong(f"it must end here, got {words.next.text!r:.80}")
    if kind == "MARKOV":
        return MarkovNetwork(factors, draft.states)
    for scope, table in factors:
        if not scope:
            raise source.wrong("tables of a Bayesian network must have a variable, got none")
        draft.table(scope[-1], scope[:-1], table)
    return draft.network()


def _factors(words: Words, draft: Draft) -> list[Factor]:
    scopes = []
    for _ in range(words.count("number of tables", MOST_VARIABLES)):
        line, size = words.next.line, words.count("number of variables of a table", 100)
        scope = tuple(words.count("variable", len(draft.states) - 1) for _ in range(size))
        if len(set(scope)) < size:
            raise words.source.wrong(f"variables of a table must differ, got {scope!r}", line)
        shape = tuple(len(draft.states[name]) for name in scope)
        require_entries(words.source, f"table of {scope!r}", shape, line)
        scopes.append((scope, shape))
    return [(scope, _table(words, scope, shape)) for scope, shape in scopes]


def _table(words: Words, scope: tuple[int, ...], shape: tuple[int, ...]) -> NDArray[np.float64]:
    line = words.next.line
    size, wanted = words.count("number of entries", MOST_ENTRIES), math.prod(shape)
    if size != wanted:
        raise words.source.wrong(f"table of {scope!r} must have {wanted} entries, got {size}", line)
    values = np.array([words.number() for _ in range(size)]).reshape(shape)
    if (values < 0).any() or not values.any():
        raise words.source.wrong(
            f"table of {scope!r} must have entries of at least 0, not all of them 0, "
            f"got {values.min():g}",
            line,
        )
    return values


def evidence(source: Source, network: BayesianNetwork | MarkovNetwork) -> dict[Hashable, Hashable]:
    """Return variable → state of an evidence file (.evid) for a network of a UAI file.

    The file has the number of known variables, then position and value of each. The number of samples,
    which must be 1, may come first.
    """
    validate.instance("network", network, BayesianNetwork | MarkovNetwork)
    words = Words(source, PATTERN)
    numbers: list[int] = []
    while not words.at(""):
        numbers.append(words.count("a number of an evidence file", 10**9))
    if len(numbers) > 1 and numbers[0] == 1 and len(numbers) == 2 + 2 * numbers[1]:
        del numbers[0]
    if not numbers or len(numbers) != 1 + 2 * numbers[0]:
        raise source.wrong(
            "it must have the number of known variables, then position and value of each, "
            f"got {len(numbers)} numbers"
        )
    names, found = tuple(network.states), {}
    for place, value in zip(numbers[1::2], numbers[2::2], strict=True):
        if place >= len(names):
            raise source.wrong(f"variable must be from 0 to {len(names) - 1}, got {place}")
        states = network.states[names[place]]
        if value >= len(states):
            raise source.wrong(f"value of {place} must be from 0 to {len(states) - 1}, got {value}")
        if names[place] in found:
            raise source.wrong(f"variables must differ, got {place} twice")
        found[names[place]] = states[value]
    return found
