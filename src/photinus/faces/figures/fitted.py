"""What was measured of a laser beside what the fitted one shows."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from photinus._core import validate
from photinus.faces.figures.canvas import Style, bare, blank, lettered, styled
from photinus.faces.figures.look import COLUMN, MM, PAGE
from photinus.faces.figures.palette import INK, LASER, MUTED
from photinus.measurements import LaserFit
from photinus.measurements.observations import Intervals
from photinus.measurements.result import Compared
from photinus.units import quantity, scaled

TALL = 70 * MM
AXES = {
    "light": ("pump current", "A", "light [W]"),
    "rates": ("pump current", "A", "rate of spikes [1/s]"),
    "pulse": ("time", "s", "light [W]"),
    "intervals": ("interval", "s", "share of intervals"),
    "noise": ("frequency", "Hz", "intensity noise [1/Hz]"),
}
"""What stands at the axes of each kind of measurement: name, unit of x, and y."""
MEASURED = "measured (bars: standard error)"
FALLING = ("light", "noise")
"""Kinds whose values go over decades."""


@styled
def residuals(fit: LaserFit, *, style: Style = None) -> Figure:
    """Draw each measurement beside what the fitted laser shows, and what is left over below.

    Parameters
    ----------
    fit
        What `photinus.measurements.fit_laser` found.
    style
        A style of Matplotlib; by default the look of all.

    Raises
    ------
    InvalidInput
        If `fit` is no fit.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.measurements import Light, fit_laser
    >>> light = Light(current=[1e-5, 1.6e-5, 8e-5], power=[3e-8, 1.4e-7, 6e-6])
    >>> held = ["beta", "absorber_loss", "gain_ratio", "pump_efficiency", "photon_lifetime"]
    >>> held += ["absorber_lifetime", "gain_lifetime"]
    >>> found = fit_laser({"threshold_current": "20 uA"}, [light], hold=held, effort=0.1)
    >>> len(ph.plots.residuals(found).axes)
    2
    """
    validate.instance("fit", fit, LaserFit)
    count = len(fit.compared)
    figure = blank(COLUMN if count == 1 else PAGE, TALL)
    grid = figure.subplots(2, count, squeeze=False, height_ratios=[5, 2], sharex="col")
    for (upper, lower), each in zip(grid.T, fit.compared, strict=True):
        _values(bare(upper), each)
        _left(bare(lower), each)
    grid[0, 0].legend(loc="best")
    grid[1, 0].set_ylabel("residual [σ]")
    lettered(list(grid[0]))
    return figure


def _values(axes: Axes, each: Compared) -> None:
    """Draw measured values with their errors, and the fitted laser."""
    kind = each.measurement
    axes.errorbar(
        each.points, each.measured, each.error, ls="none", marker="o", color=INK, label=MEASURED
    )
    axes.plot(each.points, each.predicted, color=LASER.colour, label="fitted", zorder=3)
    if kind.label in FALLING and (each.measured > 0).all():
        axes.set_yscale("log")
    current = getattr(kind, "current", None)
    if isinstance(current, float):
        axes.set_title(f"at {quantity(current, 'A', 4)}")
    axes.set_ylabel(AXES[kind.label][2])
    if axes.get_yscale() != "log" and not isinstance(kind, Intervals):
        axes.yaxis.set_major_formatter(EngFormatter(sep="\N{NO-BREAK SPACE}"))


def _left(axes: Axes, each: Compared) -> None:
    """Draw residuals in standard errors."""
    name, unit, _ = AXES[each.measurement.label]
    axes.axhspan(-2, 2, color=MUTED, alpha=0.3, lw=0)
    axes.axhline(0, color=INK, lw=0.6)
    axes.plot(each.points, each.residuals, ls="none", marker="o", color=INK)
    largest = max(3.0, 1.1 * float(np.abs(each.residuals).max()))
    axes.set_ylim(-largest, largest)
    if each.measurement.label == "noise":
        axes.set_xscale("log")
    axes.set_xlabel(f"{name} [{_prefixed(axes, each.points, unit)}]")


def _prefixed(axes: Axes, points: NDArray[np.float64], unit: str) -> str:
    """Let ticks of the x axis count in a unit with a prefix, and return it."""
    scale, prefix = scaled(float(points.max()))
    axes.xaxis.set_major_formatter(lambda at, _: f"{at / scale:g}")
    return f"{prefix}{unit}"
