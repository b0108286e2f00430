"""Text of a model file: decoded, cut into words that know their line, and what is wrong with it."""

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from photinus._core import validate
from photinus.errors import InvalidInput

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""How a text begins that says itself how it is encoded."""


class Source(NamedTuple):
    """Where a model comes from: a name for messages, and what is there."""

    name: str
    content: bytes

    def wrong(self, why: str, line: int | None = None) -> InvalidInput:
        """Return the sentence on what is wrong with it."""
        where = "" if line is None else f", line {line}"
        return InvalidInput(f"file {self.name!r}{where}: {why}")

    def text(self) -> str:
        """Return the content as text, with one kind of line ends and without a byte order mark."""
        mark, encoding = next(
            (pair for pair in MARKS if self.content.startswith(pair[0])), (b"", "utf-8")
        )
        try:
            text = self.content[len(mark) :].decode(encoding)
        except UnicodeDecodeError as error:
            line = 1 + self.content.count(b"\n", 0, error.start)
            raise self.wrong("it must be text in UTF-8", line) from None
        if "\0" in text:
            raise self.wrong("it must be text, got a NUL", 1 + text.count("\n", 0, text.index("\0")))
        return text.replace("\r\n", "\n").replace("\r", "\n")


class Word(NamedTuple):
    """A piece of text that means one thing."""

    text: str
    line: int
    quoted: bool = False


END = ""
"""What stands behind the last word."""


class Words:
    """The words of a text, taken one after the other.

    `pattern` has one group: `quoted` for names in quotes, `skip` for comments and white space; what is
    in neither is a word as it stands.
    """

    def __init__(self, source: Source, pattern: re.Pattern[str]) -> None:
        self.source = source
        self._left = self._cut(source.text(), pattern)
        self.next = next(self._left)

    @staticmethod
    def _cut(text: str, pattern: re.Pattern[str]) -> Iterator[Word]:
        line, seen = 1, 0
        for match in pattern.finditer(text):
            line, seen = line + text.count("\n", seen, match.start()), match.start()
            if match["quoted"] is not None:
                yield Word(match["quoted"], line, True)
            elif match["skip"] is None:
                yield Word(match[0], line)
        line += text.count("\n", seen)
        while True:
            yield Word(END, line)

    def take(self) -> Word:
        """Return the next word and go on; at the end there is none."""
        word = self.next
        if word.text == END and not word.quoted:
            raise self.wrong("it ends too early (truncated?)")
        self.next = next(self._left)
        return word

    def wrong(self, why: str, word: Word | None = None) -> InvalidInput:
        """Return the sentence on what is wrong at a word, by default the next one."""
        return self.source.wrong(why, (word or self.next).line)

    def at(self, *texts: str) -> bool:
        """Return whether the next word is one of these, not in quotes."""
        return not self.next.quoted and self.next.text in texts

    def expect(self, *texts: str) -> Word:
        """Take a word that must be one of these."""
        if not self.at(*texts):
            wanted = " or ".join(map(repr, texts))
            if self.at(END):
                self.take()
            raise self.wrong(f"{wanted} must stand here, got {validate.shown(self.next.text)}")
        return self.take()

    def phrase(self, *ends: str) -> str:
        """Take a name: all words up to one of `ends`, which stays; white space counts as one space."""
        first, found = self.next, []
        while not self.at(*ends):
            found.append(self.take().text)
        if not found:
            raise self.wrong("a name must stand here, got none", first)
        return " ".join(found)

    def skip(self, opening: str, closing: str) -> None:
        """Take a block in brackets, whatever is in it."""
        self.expect(opening)
        depth = 1
        while depth:
            depth += self.at(opening) - self.at(closing)
            self.take()

    def number(self) -> float:
        """Take a number."""
        word = self.take()
        return number(self.source, word.text, word.line)

    def count(self, what: str, most: int) -> int:
        """Take a whole number from 0 to `most`."""
        word = self.take()
        if not re.fullmatch(r"[0-9]{1,18}", word.text) or int(word.text) > most:
            raise self.wrong(
                f"{what} must be a whole number from 0 to {most}, got {validate.shown(word.text)}", word
            )
        return int(word.text)


NUMBER = re.compile(r"[+-]?(\d++(\.\d*+)?+|\.\d++)([eE][+-]?\d++)?", re.ASCII)
"""A number as files have it; Python would take 1_000 and nan, too."""


def number(source: Source, text: str, line: int | None = None) -> float:
    """Return the finite number that a text is."""
    value = float(text) if NUMBER.fullmatch(text) else float("inf")
    if abs(value) == float("inf"):
        raise source.wrong(f"a finite number must stand here, got {validate.shown(text)}", line)
    return value
