"""Digests of code and data: equal as long as what they draw is equal."""

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

LENGTH = 16


def digest(parts: Iterable[str]) -> str:
    """Return one digest of several texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:LENGTH]


def content(path: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:LENGTH]


@cache
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


def used(path: Path, folders: Mapping[str, Path]) -> set[Path]:
    """Return a Python file and all that it imports, directly or not, from packages in `folders`."""
    found, left = set(), [path]
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left += [source for name in _imported(each) for source in _sources(name, folders)]
    return found


@cache
def _imported(path: Path) -> tuple[str, ...]:
    """Return full names of what a file imports: modules, and names in them that may be modules."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return tuple(found)


def _sources(name: str, folders: Mapping[str, Path]) -> Iterator[Path]:
    """Yield the file of a module in one of the packages."""
    for package, folder in folders.items():
        if name.startswith(f"{package}."):
            source = folder / f"{name.removeprefix(f'{package}.')}.py"
            if source.exists():
                yield source


def _is_text(node: Any) -> bool:
    """Return whether a statement is a text alone, as docstrings are."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
