"""Tables of pages of results, read back: a picture cannot tell anything else than its page."""

import re
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
NUMBER = r"[-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?"
Rows = list[dict[str, str]]


def lines(page: str, docs: Path = DOCS) -> list[str]:
    """Return heads and rows of the tables of a page, as in ``results/fidelity``."""
    text = (docs / f"{page}.md").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.startswith(("|", "## "))]


def tables(page: str, docs: Path = DOCS) -> Iterator[tuple[str, Rows]]:
    """Yield the tables of a page: the heading before it, and its rows by column."""
    heading, head = "", None
    rows: Rows = []
    for line in [*lines(page, docs), "## "]:
        if line.startswith("## "):
            if head is not None:
                yield heading, rows
            heading, head, rows = line.removeprefix("## "), None, []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if head is None:
            head = cells
        elif not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            rows.append(dict(zip(head, cells, strict=True)))


def table(page: str, heading: str, docs: Path = DOCS) -> Rows:
    """Return the rows of the table under the heading that begins so; nothing if there is none."""
    return next((rows for title, rows in tables(page, docs) if title.startswith(heading)), [])


def numbers(cell: str) -> list[float]:
    """Return the numbers in a cell, the middle first, then what is behind ± or in brackets."""
    return [float(each.replace(",", "").replace("−", "-")) for each in re.findall(NUMBER, cell)]
