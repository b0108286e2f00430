"""What limits a design: one bar per change, the largest on top."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.faces.figures.canvas import Style, bare, figure_of, on, plain, signed, styled
from photinus.faces.figures.look import MM
from photinus.faces.figures.palette import IDEAL, INK, LASER

ROW = 5 * MM
"""Height of a bar with its share of the space between [inch]."""


@styled
def tornado(
    changes: Mapping[str, tuple[float, float]],
    unit: str = "change of KL [nats]",
    *,
    errors: str = "standard error",
    ax: Axes | None = None,
    style: Style = None,
) -> Figure:
    """Draw changes and their standard errors as bars, the largest on top.

    Parameters
    ----------
    changes
        Name → change and its standard error, at least one.
    unit
        What stands at the axis.
    errors
        What the errors are, at the axis too.
    ax, style
        Axes to draw on, and a style of Matplotlib; by default a new figure in the look of all.

    Raises
    ------
    InvalidInput
        If there are no changes, or one is not two numbers.

    Examples
    --------
    >>> import photinus as ph
    >>> figure = ph.plots.tornado({"mismatch 2 %": (0.02, 0.003), "delay 10 ps": (-0.001, 0.001)})
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['delay 10 ps', 'mismatch 2 %']
    """
    if not isinstance(changes, Mapping) or not changes:
        raise InvalidInput(
            f"changes must be a mapping name → (change, error), got {validate.shown(changes)}"
        )
    known = {name: validate.finite_array(f"change {name!r}", x, 1) for name, x in changes.items()}
    for name, pair in known.items():
        if pair.shape != (2,):
            raise InvalidInput(f"change {name!r} must be two numbers, got {len(pair)}")
    names = sorted(known, key=lambda name: abs(known[name][0]))
    value, error = np.array([known[name] for name in names]).T
    axes = bare(on(ax, (len(names) + 3) * ROW))
    colours = [LASER.colour if x > 0 else IDEAL.colour for x in value]
    bars = {"xerr": error, "error_kw": {"ecolor": INK, "elinewidth": 0.6}}
    axes.barh(np.arange(len(names)), value, 0.7, color=colours, **bars)
    axes.axvline(0, color=INK, lw=0.6)
    axes.set_yticks(np.arange(len(names)), [plain(name) for name in names])
    axes.tick_params(axis="y", length=0)
    # A power of ten stands at the axis, beside the unit.
    power = 3 * math.floor(math.log10(float(np.abs(value).max()) or 1.0) / 3)
    axes.xaxis.set_major_formatter(lambda at, _: signed(f"{at / 10.0**power:g}"))
    said = unit.replace("[", f"[10$^{{{power}}}$ ", 1) if power else unit
    axes.set_xlabel(f"{said}\n(lines: {errors})")
    return figure_of(axes)
