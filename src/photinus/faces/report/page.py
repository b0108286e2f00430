"""Pages of HTML: one file, pictures inside."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure


def png(figure: "Figure") -> bytes:
    """Return `figure` as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def render(**content: Any) -> str:
    """Return the page of a report, with `content` in its template."""
    import jinja2

    from photinus._core.version import __version__

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("photinus", "data"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html.j2").render(version=__version__, **content)


GENERATOR = '<meta name="generator" content="Photinus'
"""Stands in the head of every page."""


def is_page(path: "str | os.PathLike[str]") -> bool:
    """Return whether the file at `path` is a report that Photinus wrote."""
    try:
        with open(path, "rb") as stream:
            return GENERATOR.encode() in stream.read(2000)
    except OSError:
        return False


def picture(title: str, text: str, figure: "Figure | bytes") -> dict[str, str]:
    """Return a picture for the page: a figure, or an animation as the bytes of a GIF."""
    kind, content = ("gif", figure) if isinstance(figure, bytes) else ("png", png(figure))
    return {"title": title, "text": text, "kind": kind, "data": base64.b64encode(content).decode()}


@dataclass(frozen=True)
class Table:
    """A table of a chapter."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: str = ""
    """What stands under it."""


@dataclass(frozen=True)
class Chapter:
    """A part of a report with its tables and pictures."""

    title: str
    text: str
    tables: Sequence[Table]
    pictures: Sequence[Mapping[str, str]]


def task_page(
    title: str,
    lead: str,
    tables: "list[tuple[str, list[tuple[str, str]]]]",
    pictures: "list[tuple[str, str, Figure | bytes]]",
) -> str:
    """Return the report of a task as HTML; pictures are (title, text, figure or GIF)."""
    return render(
        title=title,
        lead=lead,
        tables=tables,
        comparison=None,
        pictures=[picture(*each) for each in pictures],
        chapters=[],
    )
