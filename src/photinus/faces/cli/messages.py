"""What the command line says: tables, warnings, why it stopped; and its exit codes."""

import json
import math
import os
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

import typer

OUTPUT_ERROR = 1
INPUT_ERROR = 2
INTERRUPTED = 130
WIDE = 120
"""Columns of a table where nobody says how many there are."""


def stop(why: Any, status: int) -> NoReturn:
    """Say in one line why nothing was done, and end."""
    text = why if isinstance(why, str) else why.format_message()
    if why.__class__.__name__ == "NoArgsIsHelpError":
        typer.echo(text, err=True)
    else:
        typer.echo(f"photinus: {' '.join(text.split())}", err=True)
    sys.exit(status)


def tell(message: Warning | str, *_: Any, **__: Any) -> None:
    """Show a warning as people read it."""
    typer.echo(f"photinus: {message}", err=True)


def table(title: str, rows: Iterable[Iterable[str]], head: tuple[str, ...] = ("", "")) -> None:
    """Print a table under its title."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    shown = Table(show_header=any(head), box=None, pad_edge=False)
    cells = [head, *map(tuple, rows)]
    words = [
        max((cell_len(w) for cell in column for w in cell.split()), default=0)
        for column in zip(*cells, strict=True)
    ]
    # Rather a little too wide than words cut in two, but for names longer than lines.
    whole = sum(words) + 2 * len(words) <= WIDE
    for name, longest in zip(head, words, strict=True):
        shown.add_column(name, overflow="fold", min_width=longest if whole else None)
    for row in cells[1:]:
        shown.add_row(*row)
    # A report that is piped into a file must not be cut at 80 columns, unless the user says so.
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else WIDE
    # What people call their units is no markup: z[i] stays z[i].
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    if whole:
        console.width = max(console.width, sum(words) + 2 * len(words))
    console.print(title, style="bold")
    console.print(shown)
    console.print()


def print_json(document: Any) -> None:
    """Print a result for programs; numbers that are not finite become null."""
    typer.echo(json.dumps(_finite(document), indent=1, allow_nan=False, default=str))


def _finite(value: Any) -> Any:
    """Return a document with None for numbers that JSON does not know."""
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
