"""Digests of code and data: equal as long as what they draw is equal."""

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LENGTH = 16


def digest(parts: Iterable[str]) -> str:
    """Return one digest of several texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:LENGTH]


def content(path: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:LENGTH]


def code(path: Path) -> str:
    """Return the digest of a Python file, whatever its comments, docstrings and white space."""
    text = path.read_text(encoding="utf-8")
    rows = text.splitlines(keepends=True)
    # From texts, not from syntax trees, which are not the same in every version of Python.
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            rows[row - 1] = rows[row - 1][:column] + "\n"
    node: Any
    for node in ast.walk(ast.parse(text)):
        if _is_text(node):
            rows[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return digest(["".join("".join(rows).split())])


def _is_text(node: Any) -> bool:
    """Return whether a statement is a text alone, as docstrings are."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
