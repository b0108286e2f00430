"""What figures are drawn on: a new one in the look of all, or axes that the caller has."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib import style as styles
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure, SubFigure

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.faces.figures.look import COLUMN, DPI
from photinus.faces.figures.look import style as look

Style = str | Path | Mapping[str, Any] | list[Any] | None
"""Styles of Matplotlib: a name, a file, settings by name, or several of these."""
P = ParamSpec("P")
Drawn = TypeVar("Drawn")


class Drawing(Figure):
    """A figure that keeps the settings in which it was made.

    Matplotlib makes ticks, and decides how files are written, when a figure is saved.
    """

    settings: Any = None
    """Settings by name."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw in the settings of the figure."""
        with matplotlib.rc_context(self.settings):
            super().draw(renderer)

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Save in the settings of the figure, as `Figure.savefig`."""
        with matplotlib.rc_context(self.settings):
            super().savefig(*args, **kwargs)


def blank(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    return Drawing(figsize=(width, height), layout="constrained", dpi=DPI)


def bare(axes: Axes) -> Axes:
    """Return axes without their upper and right edges."""
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def lettered(panels: Sequence[Axes]) -> None:
    """Write a bold letter beside each of several panels, above its upper left corner.

    A panel alone needs none.
    """
    if len(panels) < 2:
        return
    for letter, axes in zip("abcdefghijklmnopqrstuvwxyz", panels, strict=False):
        axes.set_title(letter, loc="left", fontweight="bold", fontsize=8)


def on(ax: Axes | None, height: float, width: float = COLUMN) -> Axes:
    """Return the axes given, or those of a new figure of a size in inches.

    Raises
    ------
    InvalidInput
        If they are none of Matplotlib's.
    """
    if ax is None:
        return blank(width, height).subplots()
    given: Axes = validate.instance("ax", ax, Axes)
    return given


def named(name: str, given: Any, kind: Any, what: str) -> Mapping[str, Any]:
    """Return a mapping from names to things of a kind, which `what` says in a word.

    Raises
    ------
    InvalidInput
        If it is none, is empty, or has other things in it.
    """
    if not isinstance(given, Mapping) or not given:
        raise InvalidInput(f"{name} must be a mapping name → {what}, got {validate.shown(given)}")
    for each in given.values():
        validate.instance(f"every entry of {name}", each, kind)
    return given


def figure_of(axes: Axes) -> Figure:
    """Return the figure that axes are in."""
    found = axes.figure
    while isinstance(found, SubFigure):
        found = found.figure
    assert isinstance(found, Figure)
    return found


def styled(draw: Callable[P, Drawn]) -> Callable[P, Drawn]:
    """Let a function draw in the look of all figures, and on it in the style that it is given.

    On axes of the caller only the style counts.
    """

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Drawn:
        style: Any = kwargs.get("style")
        parameters: Any = matplotlib.rcParams
        before = dict(parameters)
        with matplotlib.rc_context():
            if kwargs.get("ax") is None:
                parameters.update(look())
            if style is not None:
                _use(style)
            result = draw(*args, **kwargs)
            if isinstance(result, Drawing) and result.settings is None:
                now = dict(parameters)
                result.settings = {key: now[key] for key in now if now[key] != before[key]}
            return result

    return drawn


def _use(style: Any) -> None:
    """Set a style of Matplotlib."""
    try:
        styles.use(style)
    except (OSError, KeyError, TypeError, ValueError, AttributeError):
        raise InvalidInput(
            "style must be the name or file of a style of Matplotlib, or its settings, "
            f"got {validate.shown(style)}"
        ) from None


def signed(text: str) -> str:
    """Return a number as text, or words with one, with a minus sign in place of a hyphen."""
    return text.replace("-", "\N{MINUS SIGN}")


def plain(label: object) -> str:
    """Return a label as text that matplotlib doesn't take for a formula."""
    return str(label).replace("$", r"\$")
