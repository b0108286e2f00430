"""The measure of our texts: long sentences, and words that we do not use.

``python -m tests.prose [FILE …]`` prints what it finds, one line each, and the count. Of a Python file
it reads the docstrings, the messages of errors and the help texts.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_WORDS = 25
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TALK = {"echo", "warn", "require"}
"""Calls, beside those of errors, whose text people read."""

FORBIDDEN = {
    r"dearer": "more expensive, larger",
    r"anew": "again",
    r"of (its|their|your|our) own": "own, separate",
    r"clamp(s|ed)? (?=units?\b)": "evidence",
    r"the clamps?": "evidence",
    r"bigger|biggest": "larger, largest",
}
"""Pattern of a word that we do not use → what to write in its place."""


def paragraphs(text: str) -> Iterator[str]:
    """Yield paragraphs and items of lists, without code, tables, headings, quotes and formulas."""
    text = re.sub(r"```.*?```", "\n\n", text, flags=re.DOTALL)
    text = re.sub(r"\$\$.*?\$\$", "FORMULA", text, flags=re.DOTALL)
    text = re.sub(r"^(#|\||!\[|>).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\s*([-*]|\d+\.) ", "\n\n", text, flags=re.MULTILINE)
    for part in re.split(r"\n\s*\n", text):
        if part.strip():
            yield " ".join(part.split())


def plain(text: str) -> str:
    """Return text with code and formulas as one word each, and links as what they show."""
    text = re.sub(r"``.*?``|`[^`]*`", "CODE", text)
    text = re.sub(r"\$[^$]*\$", "FORMULA", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return text.replace("**", "").replace("et al.", "et al").replace("e.g.", "such as")


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a Markdown text."""
    for paragraph in paragraphs(text):
        yield from re.split(r"(?<=[.!?])[)*\"”]*\s+(?=[\"“(*]?[A-Z0-9ΔΣλτδ]|[\"“]\w)", plain(paragraph))


def words(sentence: str) -> int:
    """Return the number of words of a sentence; numbers count, signs do not."""
    return sum(bool(re.search(r"\w", word)) for word in sentence.split())


def long_sentences(text: str) -> list[str]:
    """Return the sentences of a Markdown text above the limit."""
    return [s for s in sentences(text) if words(s) > MOST_WORDS]


def forbidden(text: str) -> list[str]:
    """Return the words of a Markdown text that we do not use, each with what to write instead."""
    prose = " ".join(map(plain, paragraphs(text)))
    return [
        f"{match.group(0)}: write {better}"
        for pattern, better in FORBIDDEN.items()
        for match in re.finditer(rf"\b({pattern})\b", prose, re.IGNORECASE)
    ]


def semicolons(text: str) -> int:
    """Return the number of semicolons in the prose of a Markdown text."""
    return sum(map(lambda part: plain(part).count(";"), paragraphs(text)))


def prose_of(source: str) -> str:
    """Return what people read in a Python source, as Markdown: docstrings, messages, help texts."""
    tree = ast.parse(source)
    found = [unfolded(text) for text in docstrings(tree)]
    return "\n\n".join([*found, *messages(tree)])


def docstrings(tree: ast.AST) -> Iterator[str]:
    """Yield the docstrings of modules, classes, functions and variables."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield inspect.cleandoc(value.value)


def unfolded(docstring: str) -> str:
    """Return a docstring with each item of its sections as a paragraph, without examples and code."""
    lines, depth, code = [""], 0, False
    for line in docstring.splitlines():
        indent = len(line) - len(line.lstrip())
        if code and line.strip() and indent <= depth:
            code = False
        if line.lstrip().startswith((">>>", "...")) or re.fullmatch(r"-{3,}|={3,}", line.strip()):
            lines.append("")
        elif not code:
            # An item of a section stands in a line, and what is said of it further in.
            apart = indent != depth or re.match(r"\s*(\* |[\w, ]+ : )", line)
            line, code = re.sub(r" ?::$", ".", line), line.endswith("::")
            lines += ["", line.strip()] if apart else [line.strip()]
            if line.strip():
                depth = indent
    return "\n".join(lines)


def messages(tree: ast.AST) -> Iterator[str]:
    """Yield the texts of errors and warnings that are made, and of help, with values as one word."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        spoken = name in TALK or re.search(r"(Input|Error|Dependency|Converged|Warning|Unfit)$", name)
        given = [*node.args] if spoken else []
        for value in given + [each.value for each in node.keywords if each.arg == "help"]:
            yield _text(value)


def _text(value: ast.expr) -> str:
    """Return the text of an expression, "" if it is none."""
    if isinstance(value, ast.Constant):
        return str(value.value)
    if isinstance(value, ast.JoinedStr):
        return "".join(_text(part) for part in value.values)
    if isinstance(value, ast.BinOp):
        return _text(value.left) + _text(value.right)
    return "VALUE" if isinstance(value, ast.FormattedValue) else ""


def text_of(path: Path) -> str:
    """Return the prose of a file as Markdown."""
    return prose_of(path.read_text()) if path.suffix == ".py" else path.read_text()


def main(paths: list[Path]) -> None:
    """Print what is wrong in each text."""
    total = [0, 0, 0, 0]
    for path in paths:
        text = text_of(path)
        found = long_sentences(text), forbidden(text)
        for line in found[0]:
            print(f"{path}: {words(line)} words: {line}")
        for line in found[1]:
            print(f"{path}: {line}")
        counts = [len(list(sentences(text))), len(found[0]), len(found[1]), semicolons(text)]
        if path.suffix == ".md" or any(found):
            print("{}: {} sentences, {} long, {} words, {} semicolons".format(path.name, *counts))
        total = [a + b for a, b in zip(total, counts, strict=True)]
    print("all: {} sentences, {} long, {} words, {} semicolons".format(*total))


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]] or [*TEXTS, *SOURCES])
