"""The look of all figures: sizes of a journal's columns, type, and how vector files are written."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.font_manager import fontManager

from photinus.faces.figures.palette import CYCLE, INK, MUTED

MM = 1 / 25.4
"""A millimetre [inch]."""
COLUMN, PAGE = 88 * MM, 180 * MM
"""Width of one column of a journal, and of two [inch]."""
SIZE = 7.0
"""Size of all words [pt]."""
SMALL = 6.0
"""Size of words inside a picture [pt]."""
DPI = 200
"""Pixels per inch of pictures made of pixels."""
FONTS = ("Arial", "Helvetica", "Liberation Sans", "Nimbus Sans", "TeX Gyre Heros", "FreeSans")
"""Type that is asked for, the first one that the machine has; DejaVu Sans is on every machine."""


class Look(dict[str, Any]):
    """Settings of Matplotlib that are in force within ``with``; also a style that Matplotlib takes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._open: list[AbstractContextManager[None]] = []

    def __enter__(self) -> "Look":
        settings: Any = self
        context = matplotlib.rc_context(settings)
        context.__enter__()
        self._open.append(context)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.pop().__exit__(kind, error, trace)


def families() -> list[str]:
    """Return the type that this machine has, the one that is asked for first.

    DejaVu Sans has the signs that others lack. Last is what readers of an SVG file have.
    """
    there = {entry.name for entry in fontManager.ttflist}
    return [*(name for name in FONTS if name in there), "DejaVu Sans", "sans-serif"]


def style() -> Look:
    """Return the look of Photinus' figures, for figures beside them.

    Words have 7 points in a sans-serif type. Colours can be told apart by the colour-blind and in grey.
    PDF and SVG files keep words as words. Widths are left to you: a journal's column has 88 mm, its
    page 180 mm.

    Returns
    -------
    Look
        Settings of Matplotlib by name. They hold within a ``with`` block, and Matplotlib takes them
        wherever it takes a style.

    Examples
    --------
    >>> import photinus as ph
    >>> from matplotlib.figure import Figure
    >>> with ph.plots.style():
    ...     figure = Figure(figsize=(88 / 25.4, 60 / 25.4))
    ...     axes = figure.subplots()
    >>> axes.xaxis.label.get_fontsize()
    7.0
    """
    names = families()
    return Look(
        {
            "font.family": names,
            "font.size": SIZE,
            "mathtext.fontset": "custom",
            **{f"mathtext.{kind}": names[0] for kind in ("rm", "sf")},
            "mathtext.it": f"{names[0]}:italic",
            "mathtext.bf": f"{names[0]}:bold",
            "mathtext.bfit": f"{names[0]}:italic:bold",
            "mathtext.cal": names[0],
            "mathtext.tt": "DejaVu Sans Mono",
            **{
                f"{what}size": SIZE
                for what in ("axes.label", "axes.title", "xtick.label", "ytick.label", "legend.font")
            },
            **{f"{what}size": SIZE for what in ("legend.title_font", "figure.title", "figure.label")},
            "axes.edgecolor": INK,
            "axes.linewidth": 0.6,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=CYCLE),
            "axes.unicode_minus": True,
            "grid.color": MUTED,
            "grid.linewidth": 0.4,
            **{f"{axis}tick.{which}.width": 0.6 for axis in "xy" for which in ("major", "minor")},
            **{f"{axis}tick.major.size": 2.5 for axis in "xy"},
            **{f"{axis}tick.minor.size": 1.5 for axis in "xy"},
            "lines.linewidth": 1.0,
            "lines.markersize": 3.0,
            "lines.markeredgewidth": 0.7,
            "errorbar.capsize": 0.0,
            "hatch.linewidth": 0.5,
            "legend.frameon": False,
            "legend.handlelength": 2.4,
            "figure.dpi": DPI,
            "savefig.dpi": "figure",
            "pdf.fonttype": 42,
            "ps.fonttype": 42,
            "svg.fonttype": "none",
            "svg.hashsalt": "photinus",
        }
    )
