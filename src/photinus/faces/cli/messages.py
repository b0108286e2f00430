"""What the command line says: tables, warnings, why it stopped; and its exit codes."""

import json
import math
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.table import Table

OUTPUT_ERROR = 1
INPUT_ERROR = 2
INTERRUPTED = 130
WIDE = 120
"""Columns of a table where nobody says how many there are."""
SHORT = 30
"""Longest cells that are broken into lines only where there is no room [columns]."""


def stop(why: Any, status: int) -> NoReturn:
    """Say in one line why nothing was done, and end."""
    text = why if isinstance(why, str) else why.format_message()
    if why.__class__.__name__ == "NoArgsIsHelpError":
        typer.echo(text, err=True)
    else:
        typer.echo(f"photinus: {' '.join(text.split())}", err=True)
    sys.exit(status)


def typed() -> str:
    """Return the command that runs, as one types it."""
    return shlex.join(["photinus", *sys.argv[1:]])


def tell(message: Warning | str, *_: Any, **__: Any) -> None:
    """Show a warning as people read it."""
    typer.echo(f"photinus: {message}", err=True)


def table(title: str, rows: Iterable[Iterable[str]], head: tuple[str, ...] = ("", "")) -> None:
    """Print a table under its title, as wide as the terminal at most.

    No word is cut in two. Where columns are too narrow for their longest words, each row is a list.
    """
    from rich.cells import cell_len
    from rich.console import Console

    cells = [head, *map(tuple, rows)]
    words = [
        max((cell_len(w) for cell in column for w in cell.split()), default=0)
        for column in zip(*cells, strict=True)
    ]
    # What is piped into a file has more room than a terminal, unless the user says how much.
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else WIDE
    # What people call their units is no markup: z[i] stays z[i].
    console = Console(width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.print(title, style="bold")
    if sum(words) + 2 * (len(words) - 1) <= console.width:
        console.print(_columns(cells, _widths(cells, words, console.width)), soft_wrap=False)
    else:
        for row in cells[1:]:
            for line in _lines(row, head, console.width):
                console.print(line)
    console.print()


def _widths(cells: Sequence[tuple[str, ...]], words: Sequence[int], width: int) -> list[int]:
    """Return widths of columns, each as wide as its longest word at least.

    Short columns become as wide as their cells. What is left of the terminal goes where most of a cell
    is still to be told.
    """
    from rich.cells import cell_len

    whole = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    left, found = width - sum(words) - 2 * (len(words) - 1), list(words)
    for k in sorted(range(len(whole)), key=whole.__getitem__):
        if whole[k] <= SHORT and whole[k] - found[k] <= left:
            left -= whole[k] - found[k]
            found[k] = whole[k]
    while left and any(a < b for a, b in zip(found, whole, strict=True)):
        most = max(range(len(found)), key=lambda k: whole[k] / max(found[k], 1))
        found[most] += 1
        left -= 1
    return found


def _columns(cells: Sequence[tuple[str, ...]], widths: Sequence[int]) -> "Table":
    """Return rows as columns of these widths."""
    from rich.table import Table

    head, *rows = cells
    shown = Table(show_header=any(head), box=None, pad_edge=False)
    for name, width in zip(head, widths, strict=True):
        shown.add_column(name, overflow="fold", width=width)
    for row in rows:
        shown.add_row(*row)
    return shown


def _lines(row: tuple[str, ...], head: tuple[str, ...], width: int) -> Iterator[str]:
    """Yield a row as lines: its first cell, then the others, indented, each behind its name."""
    yield from wrapped(row[0], width)
    for name, cell in zip(head[1:], row[1:], strict=True):
        if cell:
            text = f"{name}: {cell}" if name else cell
            yield from (f"  {line}" for line in wrapped(text, width - 2))


def wrapped(text: str, width: int) -> list[str]:
    """Return lines of a text of at most so many columns; longer words stay whole."""
    return [
        line
        for part in text.splitlines()
        for line in textwrap.wrap(part, max(1, width), break_long_words=False, break_on_hyphens=False)
    ]


def say(text: str) -> None:
    """Print sentences, in lines that a terminal need not break."""
    width = shutil.get_terminal_size((WIDE, 24)).columns
    typer.echo("\n".join(wrapped(text, width)))


def print_json(document: Any) -> None:
    """Print a result for programs."""
    typer.echo(json_of(document))


def json_of(document: Any) -> str:
    """Return a result as JSON; numbers that are not finite become null."""
    return json.dumps(_finite(document), indent=1, allow_nan=False, default=str)


def _finite(value: Any) -> Any:
    """Return a document of plain values, with None for numbers that JSON does not know."""
    if hasattr(value, "tolist"):  # arrays and scalars of NumPy, which need not be loaded here
        return _finite(value.tolist())
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
