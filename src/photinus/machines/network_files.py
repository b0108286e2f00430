"""Networks as files: JSON with the states of each variable, and tables or factors as nested lists."""

import os
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus.errors import InvalidInput
from photinus.machines.tables import Cpt
from photinus.machines.variables import States

BAYESIAN = "bayesian-network"
MARKOV = "markov-network"


def write(
    path: str | os.PathLike[str],
    kind: str,
    states: States,
    content: Mapping[str, Any],
    *,
    replace: bool,
) -> None:
    """Write a network of a kind."""
    validate.instance("path", path, (str, os.PathLike))
    if files.named(path).suffix != ".json":
        raise InvalidInput(f"network file {str(path)!r} must end in .json")
    variables = [{"name": name, "states": list(own)} for name, own in states.items()]
    document = {**files.stamp(kind), "variables": variables, **content}
    files.write_json(path, document, replace=replace, indent=None)


def tables_content(cpts: Mapping[Hashable, Cpt]) -> dict[str, Any]:
    """Return the tables of a Bayesian network as plain values."""
    tables = [
        {"variable": name, "parents": list(parents), "probabilities": array.tolist()}
        for name, (parents, array) in cpts.items()
    ]
    return {"tables": tables}


def factors_content(
    factors: Iterable[tuple[Iterable[Hashable], NDArray[np.float64]]],
) -> dict[str, Any]:
    """Return the factors of a Markov network as plain values."""
    return {"factors": [{"scope": list(scope), "values": array.tolist()} for scope, array in factors]}


def states_in(document: Mapping[str, Any]) -> dict[Any, tuple[Any, ...]]:
    """Return the variables of a document, and their states."""
    found: dict[Any, tuple[Any, ...]] = {}
    for variable in document["variables"]:
        if variable["name"] in found:
            raise InvalidInput(f"variables must differ from each other, got {variable['name']!r} twice")
        found[variable["name"]] = tuple(variable["states"])
    return found


def tables_in(document: Mapping[str, Any]) -> dict[Any, Any]:
    """Return the tables of a document, in the order of its variables."""
    found: dict[Any, Any] = {}
    for table in document["tables"]:
        if table["variable"] in found:
            raise InvalidInput(f"variable {table['variable']!r} must have one table, got two")
        found[table["variable"]] = tuple(table["parents"]), table["probabilities"]
    states = states_in(document)
    for name in states:
        if name not in found:
            raise InvalidInput(f"variable {name!r} must have a table, got none")
    return {name: found[name] for name in states} | found


def factors_in(document: Mapping[str, Any]) -> list[tuple[tuple[Any, ...], Any]]:
    """Return the factors of a document."""
    return [(tuple(factor["scope"]), factor["values"]) for factor in document["factors"]]
