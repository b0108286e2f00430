"""The measure of our texts: long sentences, and words that we do not use.

``python -m tests.prose [FILE …]`` prints what it finds, one line each, and the count.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_WORDS = 25
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

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
    text = re.sub(r"`[^`]*`", "CODE", text)
    text = re.sub(r"\$[^$]*\$", "FORMULA", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return text.replace("**", "").replace("et al.", "et al").replace("e.g.", "such as")


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a Markdown text."""
    for paragraph in paragraphs(text):
        yield from re.split(r"(?<=[.!?])[)*\"”]*\s+(?=[\"“(*]?[A-Z0-9ΔΣλτδ])", plain(paragraph))


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


def main(paths: list[Path]) -> None:
    """Print what is wrong in each text."""
    total = [0, 0, 0, 0]
    for path in paths:
        text = path.read_text()
        found = long_sentences(text), forbidden(text)
        for line in found[0]:
            print(f"{path.name}: {words(line)} words: {line}")
        for line in found[1]:
            print(f"{path.name}: {line}")
        counts = [len(list(sentences(text))), len(found[0]), len(found[1]), semicolons(text)]
        print("{}: {} sentences, {} long, {} words, {} semicolons".format(path.name, *counts))
        total = [a + b for a, b in zip(total, counts, strict=True)]
    print("all: {} sentences, {} long, {} words, {} semicolons".format(*total))


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]] or TEXTS)
