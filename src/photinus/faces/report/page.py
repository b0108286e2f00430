"""Pages of HTML: one file, pictures inside."""

import base64
import io
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as version_of
from importlib.resources import files as resources
from typing import TYPE_CHECKING, Any

from photinus._core.version import __version__

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

ONE_COLUMN = 4.0
"""Width of a figure [inch] up to which two stand side by side."""
PARTS = ("numpy", "scipy", "numba", "matplotlib")
"""Packages whose versions a page tells."""
Row = Sequence[str]


@dataclass(frozen=True)
class Picture:
    """A figure of a page, with its caption and what it says to those who do not see it."""

    title: str
    text: str
    alt: str
    kind: str
    """``svg+xml``, ``png`` or ``gif``."""
    data: str
    """The file in base 64."""
    width: str = "page"
    """``page``, or ``column`` where two stand side by side."""
    spikes: Mapping[str, Any] | None = None
    """What a raster draws that can be zoomed, see `raster.js`."""


@dataclass(frozen=True)
class Table:
    """A table: with a head, or rows of (what, value)."""

    title: str
    head: Row
    rows: Sequence[Row]
    text: str = ""
    """What stands above it."""


@dataclass(frozen=True)
class Part:
    """Pictures and tables that belong together."""

    title: str
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Chapter:
    """A part of a report: a sentence, tables that are folded, and an appendix that is folded."""

    title: str
    text: str
    tables: Sequence[Table]
    appendix: Part | None = None


def png(figure: "Figure") -> bytes:
    """Return `figure` as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def pdf(figure: "Figure") -> bytes:
    """Return `figure` as a PDF file, the same each time."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="pdf", metadata={"CreationDate": None})
    return buffer.getvalue()


def svg(figure: "Figure") -> bytes:
    """Return `figure` as an SVG file, the same each time."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def picture(
    title: str, text: str, figure: "Figure | bytes", *, spikes: Mapping[str, Any] | None = None
) -> Picture:
    """Return a picture for the page: a figure, or an animation as the bytes of a GIF."""
    if isinstance(figure, bytes):
        data, kind, width, axes = figure, "gif", "page", ""
    else:
        data, kind = svg(figure), "svg+xml"
        width = "column" if figure.get_figwidth() <= ONE_COLUMN else "page"
        axes = _axes(figure)
    alt = " ".join(f"{title}. {text} {axes}".split())
    return Picture(title, text, alt, kind, base64.b64encode(data).decode(), width, spikes)


def _axes(figure: "Figure") -> str:
    """Return what stands at the axes of a figure, for those who do not see it."""
    pairs = ((axes.get_ylabel(), axes.get_xlabel()) for axes in figure.axes)
    said = dict.fromkeys(f"{y} against {x}" for y, x in pairs if x and y)
    return f"Shows {'; '.join(said)}." if said else ""


def render(
    *,
    title: str,
    lead: str = "",
    card: Sequence[tuple[str, str]] = (),
    first: Part | None = None,
    pictures: Sequence[Picture] = (),
    tables: Sequence[Table] = (),
    chapters: Sequence[Chapter] = (),
    command: str | None = None,
) -> str:
    """Return the page of a report.

    Parameters
    ----------
    title, lead
        Of the page.
    card
        Questions and answers that come first.
    first
        What comes next, its tables open.
    pictures, tables, chapters
        The rest; tables are folded.
    command
        What made the page, as one types it.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("photinus", "data"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    drawn = [*(first.pictures if first else ()), *pictures]
    live = any(each.spikes is not None for each in drawn)
    script = resources("photinus").joinpath("data/raster.js").read_text(encoding="utf-8")
    return environment.get_template("report.html.j2").render(
        version=__version__,
        title=title,
        lead=lead,
        card=card,
        first=first,
        pictures=pictures,
        tables=tables,
        chapters=chapters,
        made=Table("How this page was made", (), made_rows(command)),
        live=live,
        script=script,
    )


def made_rows(command: str | None) -> list[tuple[str, str]]:
    """Return what made a page, as rows of (what, value)."""
    parts = ", ".join(f"{name} {version_of(name)}" for name in PARTS)
    return [
        *([] if command is None else [("command", command)]),
        ("Photinus", __version__),
        ("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        ("packages", parts),
    ]


GENERATOR = '<meta name="generator" content="Photinus'
"""Stands in the head of every page."""


def is_page(path: "str | os.PathLike[str]") -> bool:
    """Return whether the file at `path` is a report that Photinus wrote."""
    try:
        with open(path, "rb") as stream:
            return GENERATOR.encode() in stream.read(2000)
    except OSError:
        return False


def task_page(
    title: str,
    lead: str,
    tables: "list[tuple[str, list[tuple[str, str]]]]",
    pictures: "list[tuple[str, str, Figure | bytes]]",
    command: str | None = None,
) -> str:
    """Return the report of a task as HTML; pictures are (title, text, figure or GIF).

    The first table is the summary.
    """
    (_, card), *others = tables
    return render(
        title=title,
        lead=lead,
        card=card,
        pictures=[picture(*each) for each in pictures],
        tables=[Table(name, (), rows) for name, rows in others],
        command=command,
    )
