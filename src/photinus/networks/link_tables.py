"""Tables of links, as comma-separated values with units in their head."""

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Any

from photinus._core import validate
from photinus.errors import InvalidInput

COLUMNS = ("from", "to", "loss", "length", "delay", "gain", "bits", "crossings")
"""Of a table."""
UNITS = {"loss": "loss", "length": "m", "delay": "s", "gain": "ratio", "bits": ""}
"""Unit of what a column of a table holds, where its head gives none."""


def links_of(text: str) -> Iterable[dict[str, Any]]:
    """Return the lines of a table as links, values with the units of the head."""
    lines = csv.reader(StringIO(text), skipinitialspace=True)
    head = [_column(title) for title in next(lines, [])]
    if not head:
        raise InvalidInput(f"it must have a head, as {', '.join(COLUMNS[:3])}, got an empty file")
    for name, _ in head:
        if [other for other, _ in head].count(validate.one_of("column", name, COLUMNS)) > 1:
            raise InvalidInput(f"columns must differ, got {name!r} twice")
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(head):
            raise InvalidInput(f"line {lines.line_num} must have {len(head)} cells, got {len(cells)}")
        row = {
            name: f"{cell.strip()} {unit}".strip()
            for (name, unit), cell in zip(head, cells, strict=True)
            if cell.strip()
        }
        of = f"of the link from {row.get('from')!r} to {row.get('to')!r} in line {lines.line_num}"
        yield {name: _value(name, text, of) for name, text in row.items()}


def _column(title: str) -> tuple[str, str]:
    """Return name and unit of a column: "loss [dB]"."""
    name, _, unit = title.strip().partition("[")
    return name.strip().lower(), unit.rstrip("] ")


def _value(name: str, text: str, of: str) -> Any:
    """Return what one cell holds."""
    if name in ("from", "to"):
        return text
    if name in ("bits", "crossings"):
        if not text.isdecimal():
            raise InvalidInput(f"{name} {of} must be a whole number, got {text!r}")
        return int(text)
    validate.number(f"{name} {of}", text, UNITS[name])
    return text  # a message shall tell it as it was written
