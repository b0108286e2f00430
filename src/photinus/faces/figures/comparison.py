"""What chips and other machines take per sample, as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import textalloc
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.faces.figures.canvas import Style, bare, figure_of, on, styled
from photinus.faces.figures.plots import ABSORBER, EXACT, FLOOR, LASER, MUTED
from photinus.hardware.comparison import Peer, events_per_update
from photinus.hardware.ledger import CASES, Ledger

WIDTH, HEIGHT = 9.0, 6.0
"""Size of the figure [inch]."""
SMALL = 8
"""Size of the names of machines [pt]."""
TITLE = (
    "circles: measured, triangles: projected; hollow: not read in a source; lower and left edge: "
    "energy or speed unknown\nstar: these lasers, best case; dashes: expected and worst"
)


@dataclass(frozen=True)
class _Spot:
    """Where a machine stands, and how it looks."""

    peer: Peer
    speed: float | None
    energy: tuple[float, float] | None

    def look(self) -> tuple[str, str]:
        """Return marker and colour."""
        if self.energy is None:
            return "v", EXACT
        if self.speed is None:
            return "<", EXACT
        return ("^", ABSORBER) if self.peer.kind == "projected" else ("o", FLOOR)


@styled
def figure(
    ledger: Ledger, others: Sequence[Peer], *, ax: Axes | None = None, style: Style = None
) -> Figure:
    """Draw energy per update against updates per second, both logarithmic.

    Hollow where a figure was not read in its source, triangles where it is projected. Machines whose
    energy is unknown stand at the lower edge, those whose speed is unknown at the left one. Where both
    are, they are in the table alone.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.hardware import peers
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> ledger = ph.sample(machine, chains=4, draws=30, seed=1).ledger()
    >>> figure = ph.plots.energy_and_speed(ledger, peers())
    >>> figure.axes[0].get_xlabel()
    'unit updates per second, whole machine'
    """
    validate.instance("ledger", ledger, Ledger)
    c, per_update = ledger.counts, events_per_update(ledger)
    own = [energy for case in CASES if (energy := ledger.energies(case)["unit update"])]
    spots = [_Spot(peer, peer.total(c.free), peer.energy(per_update)) for peer in others]
    spots = [spot for spot in spots if spot.speed is not None or spot.energy is not None]
    speeds = [c.updates, *(spot.speed for spot in spots if spot.speed is not None)]
    placed = [spot.energy for spot in spots if spot.speed is not None and spot.energy is not None]
    energies = [*own, *(end for energy in placed for end in energy)]
    slowest, floor = min(speeds) / 30, min(energies) / 3e3

    axes = bare(on(ax, WIDTH, HEIGHT))
    drawn = figure_of(axes)
    if axes.figure is not drawn:
        raise InvalidInput("ax must not be in a subfigure, where names of machines cannot be placed")
    axes.set(xscale="log", yscale="log")
    axes.set_xlim(slowest / 2, max(speeds) * 30)
    axes.set_ylim(floor / 3, max(energies) * 10)
    axes.grid(color=MUTED, alpha=0.2)
    axes.set_xlabel("unit updates per second, whole machine")
    axes.set_ylabel("energy per unit update [J]")
    axes.set_title(TITLE, fontsize=9)
    marks = [_mark(axes, spot, slowest, floor) for spot in spots]
    axes.plot([c.updates] * len(own), own, "-", color=LASER, lw=2)
    axes.plot(c.updates, own[0], "*", color=LASER, ms=15)
    axes.plot([c.updates] * (len(own) - 1), own[1:], "_", color=LASER, ms=14, mew=2)
    names = [f"{c.lasers:,} lasers", *(spot.peer.name for spot in spots)]
    _name(drawn, axes, names, [(c.updates, own[0]), *marks], floor)
    return drawn


energy_and_speed = figure
"""What `figure` is called at the door of the room, where there are others."""


def _mark(axes: Axes, spot: _Spot, slowest: float, floor: float) -> tuple[float, float]:
    """Draw a machine, its range of energies as a line, and return where its marker is."""
    marker, colour = spot.look()
    inside = colour if spot.peer.verified else "white"
    speed = slowest if spot.speed is None else spot.speed
    middle = floor if spot.energy is None else float(np.sqrt(spot.energy[0] * spot.energy[1]))
    if spot.energy is not None:
        axes.plot([speed, speed], spot.energy, color=colour, lw=1.2)
    axes.plot(speed, middle, marker, ms=7 if marker in "o^" else 6, color=colour, mfc=inside)
    return speed, middle


def _name(
    drawn: Figure,
    axes: Axes,
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    floor: float,
) -> None:
    """Write names beside markers, where they cover as little as can be; upright at the lower edge."""
    upright, level = [], []
    for k, (name, point) in enumerate(zip(names, points, strict=True)):
        if point[1] == floor:
            beside: dict[str, Any] = {"textcoords": "offset points", "rotation": 90, "ha": "center"}
            upright.append(axes.annotate(name, point, (0, 8), fontsize=SMALL, color=EXACT, **beside))
        else:
            level.append((name, point, EXACT if k else LASER))
    drawn.draw_without_rendering()
    lines = [np.asarray(line.get_data(), np.float64) for line in axes.get_lines()]
    lines = [line for line in lines if line.shape[1] > 1] + [_axis_of(axes, text) for text in upright]
    textalloc.allocate(
        axes,
        [x for _, (x, _), _ in level],
        [y for _, (_, y), _ in level],
        [name for name, _, _ in level],
        x_scatter=[x for x, _ in points],
        y_scatter=[y for _, y in points],
        x_lines=[line[0] for line in lines],
        y_lines=[line[1] for line in lines],
        textsize=SMALL,
        textcolor=[colour for _, _, colour in level],
        linecolor=MUTED,
        linewidth=0.6,
    )


def _axis_of(axes: Axes, text: Text) -> NDArray[np.float64]:
    """Return the line along the middle of an upright text, array (x and y, lower and upper end)."""
    box = axes.transData.inverted().transform(text.get_window_extent())
    middle = np.sqrt(box[0, 0] * box[1, 0])
    return np.array([[middle, middle], box[:, 1]])
