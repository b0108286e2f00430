"""What figures are drawn on: a new one, or axes that the caller has; in a style, if one is given."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib import style as styles
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from photinus._core import validate
from photinus.errors import InvalidInput

DPI = 130

Style = str | Path | Mapping[str, Any] | list[Any] | None
"""Styles of Matplotlib: a name, a file, settings by name, or several of these."""
P = ParamSpec("P")
Drawn = TypeVar("Drawn")


def blank(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    return Figure(figsize=(width, height), layout="constrained", dpi=DPI)


def bare(axes: Axes) -> Axes:
    """Return axes without their upper and right edges."""
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def on(ax: Axes | None, width: float, height: float) -> Axes:
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
    """Let a function draw in the style that its argument `style` names."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Drawn:
        style: Any = kwargs.get("style")
        if style is None:
            return draw(*args, **kwargs)
        with matplotlib.rc_context():
            _use(style)
            return draw(*args, **kwargs)

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


def plain(label: object) -> str:
    """Return a label as text that matplotlib doesn't take for a formula."""
    return str(label).replace("$", r"\$")
