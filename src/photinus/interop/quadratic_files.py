"""Files of quadratic models, as dimod writes them: JSON, the binary DIMODBQM, and coordinates as text.

None of them needs dimod.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from photinus._core import files, validate
from photinus.interop.quadratic import Quadratic
from photinus.interop.text import NUMBER, Source, number

SCHEMAS = ("2.0.0", "3.0.0")
VARTYPES = {"BINARY": False, "SPIN": True}
"""Kind of the variables → whether they are spins."""


# JSON


def from_document(source: Source, document: Mapping[str, Any]) -> Quadratic:
    """Return the model of a JSON document, schema 3.0.0."""
    with files.reading(source.name, "BinaryQuadraticModel"):
        schema = document["version"]["bqm_schema"]
        if schema not in SCHEMAS:
            raise ValueError(f"schema must be {' or '.join(SCHEMAS)}, got {validate.shown(schema)}")
        if validate.flag("use_bytes", document.get("use_bytes", False)):
            raise ValueError("use_bytes must be false in JSON")
        vartype = validate.one_of("variable_type", document["variable_type"], VARTYPES)
        return Quadratic.of(
            files.labels_from_json(document["variable_labels"]),
            document["linear_biases"],
            (
                document["quadratic_head"],
                document["quadratic_tail"],
                document["quadratic_biases"],
            ),
            document["offset"],
            spin=VARTYPES[vartype],
        )


def to_document(energy: Quadratic) -> dict[str, Any]:
    """Return a model as a JSON document, schema 3.0.0."""
    return {
        "type": "BinaryQuadraticModel",
        "version": {"bqm_schema": "3.0.0"},
        "use_bytes": False,
        "index_type": "int32",
        "bias_type": "float64",
        "num_variables": len(energy.linear),
        "num_interactions": len(energy.bias),
        "variable_labels": files.labels_to_json(energy.labels),
        "variable_type": "SPIN" if energy.spin else "BINARY",
        "offset": energy.offset,
        "info": {},
        "linear_biases": energy.linear.tolist(),
        "quadratic_biases": energy.bias.tolist(),
        "quadratic_head": energy.head.tolist(),
        "quadratic_tail": energy.tail.tolist(),
    }


# DIMODBQM

MAGIC = b"DIMODBQM"
TYPES = {name: np.dtype(name).newbyteorder("<") for name in ("float32", "float64", "int32", "int64")}


def read_binary(source: Source) -> Quadratic:
    """Return the model of a binary file, version 1 or 2.

    Magic, two bytes of version, length of the header and the header in JSON come first. The offset
    follows, then the start of its neighbours and the bias of each variable. The neighbours of each
    variable with their biases come next, and labels last.
    """
    content = source.content
    if not content.startswith(MAGIC) or len(content) < 14:
        raise source.wrong("it is not a complete DIMODBQM file")
    version, length = tuple(content[8:10]), int.from_bytes(content[10:14], "little")
    if version not in ((1, 0), (2, 0)):
        raise source.wrong(f"its version must be 1.0 or 2.0, got {version[0]}.{version[1]}")
    with files.reading(source.name, "DIMODBQM file"):
        header = _part(content[14 : 14 + length])
        return _body(source, header, content[14 + length :])


def _part(content: bytes) -> Any:
    """Return what a part of a binary file in JSON holds."""
    try:
        return json.loads(content.decode("ascii"))
    except (ValueError, RecursionError):
        raise ValueError("its header or its labels are no complete JSON (truncated?)") from None


def _body(source: Source, header: Mapping[str, Any], body: bytes) -> Quadratic:
    number_type, index_type, start_type = (
        TYPES[validate.one_of(key, header[key], TYPES)] for key in ("dtype", "itype", "ntype")
    )
    if number_type.kind != "f" or "f" in (index_type.kind, start_type.kind):
        raise ValueError("types of biases and positions must be floating and whole")
    n, m = (validate.integer("shape", k, 0, 2**40) for k in header["shape"])
    linear_type = np.dtype([("start", start_type), ("bias", number_type)])
    pair_type = np.dtype([("other", index_type), ("bias", number_type)])
    sizes = np.cumsum([number_type.itemsize, n * linear_type.itemsize, 2 * m * pair_type.itemsize])
    if len(body) < sizes[-1]:
        raise ValueError(
            f"it ends too early, {int(sizes[-1]) - len(body)} bytes are missing (truncated?)"
        )
    offset = np.frombuffer(body, number_type, 1)[0]
    linear = np.frombuffer(body, linear_type, n, int(sizes[0]))
    pairs = np.frombuffer(body, pair_type, 2 * m, int(sizes[1]))
    starts = np.append(linear["start"], 2 * m).astype(np.int64)
    if n and (starts[0] != 0 or (np.diff(starts) < 0).any()):
        raise ValueError("starts of the neighbours must rise from 0")
    owner = np.repeat(np.arange(n), np.diff(starts))
    # Every pair stands with both of its variables.
    once = pairs["other"] < owner
    if int(once.sum()) != m:
        raise ValueError(f"it must have {m} pairs, each with both of its variables")
    return Quadratic.of(
        _labels(header["variables"], body[int(sizes[2]) :], n),
        linear["bias"],
        (pairs["other"][once], owner[once], pairs["bias"][once]),
        float(offset),
        spin=VARTYPES[validate.one_of("vartype", header["vartype"], VARTYPES)],
    )


def _labels(given: Any, rest: bytes, n: int) -> tuple[Any, ...]:
    """Return the labels of a binary file: of its header, of its end, or none."""
    if given is True:
        if rest[:4] != b"VARS":
            raise ValueError("labels must stand at its end (truncated?)")
        length = int.from_bytes(rest[4:8], "little")
        if len(rest) < 8 + length:
            raise ValueError("labels at its end are cut off (truncated?)")
        given = _part(rest[8 : 8 + length])
    return files.labels_from_json(given) if given else tuple(range(n))


# Coordinates

HEAD = re.compile(r"#.*?vartype[:=][ \t]*([-_.a-zA-Z0-9]+)")


def read_coordinates(source: Source) -> Quadratic:
    """Return the model of lines ``i j bias``, after one line ``# vartype=SPIN`` or BINARY.

    Labels are whole numbers. A line with i = j is a linear bias; what comes twice is added up.
    """
    vartype: str | None = None
    triples: list[tuple[int, int, float]] = []
    for line, text in enumerate(source.text().split("\n"), 1):
        head = HEAD.match(text.strip())
        if head:
            if head[1] not in VARTYPES or vartype not in (None, head[1]):
                raise source.wrong(f"vartype must be SPIN or BINARY, once, got {head[1]!r:.80}", line)
            vartype = head[1]
        words = text.split("#")[0].split()
        if words:
            triples.append(_triple(source, words, line))
    if vartype is None:
        raise source.wrong("a line '# vartype=SPIN' or '# vartype=BINARY' must stand in it, got none")
    if not triples:
        raise source.wrong("it must hold at least one line 'i j bias', got none")
    return _from_triples(triples, spin=VARTYPES[vartype])


def _triple(source: Source, words: list[str], line: int) -> tuple[int, int, float]:
    whole = [re.fullmatch(r"[0-9]{1,18}", word) for word in words[:2]]
    if len(words) != 3 or not all(whole) or not NUMBER.fullmatch(words[2]):
        raise source.wrong(f"a line must be 'i j bias', got {' '.join(words)!r:.80}", line)
    return int(words[0]), int(words[1]), number(source, words[2], line)


def _from_triples(triples: list[tuple[int, int, float]], *, spin: bool) -> Quadratic:
    ends = np.array([triple[:2] for triple in triples], np.int64)
    bias = np.array([triple[2] for triple in triples])
    names, place = np.unique(ends, return_inverse=True)
    place = place.reshape(ends.shape)
    single = place[:, 0] == place[:, 1]
    linear = np.zeros(len(names))
    np.add.at(linear, place[single, 0], bias[single])
    head, tail = place[~single].T
    return Quadratic.of(tuple(names.tolist()), linear, (head, tail, bias[~single]), 0.0, spin=spin)


def to_coordinates(energy: Quadratic) -> str:
    """Return a model as coordinates. They hold no offset.

    Raises
    ------
    InvalidInput
        If a label is not a whole number of at least 0.
    """
    labels = [validate.integer("label", label, 0) for label in energy.labels]
    lines = [f"# vartype={'SPIN' if energy.spin else 'BINARY'}"]
    # A variable without bias needs its line too, or it is lost.
    lines += [f"{k} {k} {a!r}" for k, a in zip(labels, energy.linear.tolist(), strict=True)]
    lines += [
        f"{labels[i]} {labels[j]} {q!r}"
        for i, j, q in zip(
            energy.head.tolist(), energy.tail.tolist(), energy.bias.tolist(), strict=True
        )
    ]
    return "\n".join(lines) + "\n"
