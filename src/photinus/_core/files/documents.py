"""JSON and TOML: how values are written, and what is said of files that hold something else."""

import contextlib
import io
import json
import math
import os
import tomllib
from collections.abc import Hashable, Iterable, Iterator
from typing import Any

import numpy as np

from photinus._core.files.disk import read_bytes, write_bytes
from photinus._core.files.kinds import SCHEMAS
from photinus.errors import InvalidInput, PhotinusError

MOST_DIGITS = 300
"""Digits of the longest number that a JSON file may hold; float64 ends at 309."""
MOST_LETTERS = 1000
"""Length of a sentence on what is wrong with a file."""
NOT_TEXT = "it must be text in UTF-8, got other bytes"


def write_json(
    path: str | os.PathLike[str], document: Any, *, replace: bool = True, indent: int | None = 1
) -> None:
    """Write `document` as JSON to `path` at once; see `write_bytes`."""
    write_bytes(path, _in_bytes(document, indent), replace=replace)


def _in_bytes(document: Any, indent: int | None) -> bytes:
    """Return `document` as a file has it: letter by letter, without a second copy of a large one."""
    content = io.BytesIO()
    with io.TextIOWrapper(content, "ascii", newline="\n") as text:
        if indent is None:  # all at once, which is quicker
            text.write(to_json(document))
        else:
            with _storable():
                json.dump(document, text, indent=indent, default=_plain)
        text.write("\n")
        text.flush()
        return content.getvalue()


def to_json(document: Any, *, indent: int | None = None) -> str:
    """Return `document` as JSON; numbers and arrays of NumPy, and paths, are as plain ones."""
    with _storable():
        return json.dumps(document, indent=indent, default=_plain)


@contextlib.contextmanager
def _storable() -> Iterator[None]:
    """Say in one sentence what cannot be stored."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"what is stored must be numbers, text, lists or mappings: {error}"
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"got {type(value).__name__} {value!r:.80}")


def labels_to_json(labels: Iterable[Hashable]) -> list[Any]:
    """Return labels as JSON has them, tuples as lists; `labels_from_json` gives them back.

    Raises
    ------
    InvalidInput
        If a label is neither text nor a number nor a tuple of these.
    """
    return [_label_to_json(label) for label in labels]


def _label_to_json(label: Hashable) -> Any:
    plain = label.item() if isinstance(label, np.generic) else label
    if isinstance(plain, tuple):
        return [_label_to_json(part) for part in plain]
    if plain is None or isinstance(plain, (str, int)):
        return plain
    if isinstance(plain, float) and math.isfinite(plain):
        return plain
    raise InvalidInput(f"labels must be text, numbers or tuples of these to be stored, got {label!r}")


def labels_from_json(labels: Iterable[Any]) -> tuple[Hashable, ...]:
    """Return the labels that `labels_to_json` stored."""
    if isinstance(labels, (str, dict)):
        raise InvalidInput(f"labels must be a list, got {labels!r}")
    return tuple(labels_from_json(label) if isinstance(label, list) else label for label in labels)


def parse_json(path: str | os.PathLike[str], content: bytes | None = None) -> Any:
    """Return what the JSON file at `path` holds, or its `content` if that is read already."""
    content = read_bytes(path) if content is None else content
    try:
        return json.loads(content, object_pairs_hook=_mapping, parse_int=_whole)
    except InvalidInput as error:
        raise InvalidInput(f"file {str(path)!r} is not valid JSON: {error}") from None
    except RecursionError:
        raise InvalidInput(f"file {str(path)!r} is not valid JSON: nested too deeply") from None
    except ValueError as error:  # not JSON, or not text
        line = getattr(error, "lineno", 1 + content.count(b"\n", 0, getattr(error, "start", 0)))
        raise InvalidInput(
            f"file {str(path)!r}, line {line}: it is not complete JSON (truncated?)"
        ) from None


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(f"it has {twice!r:.80} twice")
    return found


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise InvalidInput(f"it has a number of {len(digits)} digits")
    return int(digits)


def parse_toml(path: str | os.PathLike[str], what: str) -> dict[str, Any]:
    """Return what the TOML file at `path` holds; `what` it is, for the message."""
    content = read_bytes(path)
    try:
        # Editors on Windows put a byte order mark first.
        return tomllib.loads(content.decode("utf-8-sig"))
    except RecursionError:
        raise InvalidInput(f"file {str(path)!r} is not {what}: nested too deeply") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"file {str(path)!r} is not {what}: {NOT_TEXT}") from None
    except ValueError as error:  # not TOML, or a number of thousands of digits
        raise InvalidInput(f"file {str(path)!r} is not {what}: {error}") from None


def read_json(path: str | os.PathLike[str], *, kind: str, schema: int | None = None) -> dict[str, Any]:
    """Return the JSON document at `path`, of `kind` and at most of `schema`, or that of `SCHEMAS`."""
    document = parse_json(path)
    check_document(path, document, kind=kind, schema=schema)
    assert isinstance(document, dict)
    return document


def check_document(
    path: str | os.PathLike[str], document: Any, *, kind: str, schema: int | None = None
) -> None:
    """Raise unless the `document` from `path` is a mapping of `kind`, at most of `schema`."""
    if not isinstance(document, dict) or document.get("kind") != kind:
        found = document.get("kind") if isinstance(document, dict) else type(document).__name__
        raise InvalidInput(f"file {str(path)!r} must hold a {kind}, got {found!r:.80}")
    check_schema(path, document.get("schema"), SCHEMAS[kind] if schema is None else schema)


def check_schema(path: str | os.PathLike[str], found: Any, schema: int) -> None:
    """Raise unless `found` is a schema number that this version can read."""
    if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= schema:
        raise InvalidInput(
            f"file {str(path)!r} must have a schema from 1 to {schema}, got {found!r:.80} "
            "(written by a newer version?)"
        )


@contextlib.contextmanager
def reading(path: str | os.PathLike[str], kind: str) -> Iterator[None]:
    """Turn missing or malformed entries of the file at `path` into one sentence."""
    try:
        yield
    except KeyError as error:
        raise InvalidInput(
            f"file {str(path)!r} is not a valid {kind}: {error!s:.80} is missing"
        ) from None
    except (
        PhotinusError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        MemoryError,
    ) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, InvalidInput) and why.startswith(f"file {str(path)!r}"):
            raise  # it says already which file, as of one that is missing
        if isinstance(error, UnicodeDecodeError):
            why = NOT_TEXT
        if len(why) > MOST_LETTERS:
            # Some show all of a wrong value, however long; what is allowed stands before or behind.
            why = f"{why[: MOST_LETTERS // 2]} … {why[-MOST_LETTERS // 2 :]}"
        raise InvalidInput(f"file {str(path)!r} is not a valid {kind}: {why}") from None
