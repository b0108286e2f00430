"""What chips and other machines take per sample, as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import textalloc
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.faces.figures.canvas import Style, bare, figure_of, on, styled
from photinus.faces.figures.look import MM, PAGE, SMALL
from photinus.faces.figures.palette import INK, LASER, MUTED
from photinus.hardware.comparison import Peer, events_per_update
from photinus.hardware.ledger import CASES, Ledger

HEIGHT = 120 * MM
TITLE = (
    "circles: measured; triangles: projected; hollow: not read in a source; lines: range of energies"
)
PAPER = "#eceef0"
"""Ground of the strips for what is unknown."""
STRIP = 0.28
"""Part of the height that machines of unknown energy have."""
LEVELS = 7
"""Levels on which names stand there."""


@dataclass(frozen=True)
class _Spot:
    """Where a machine stands, and how it looks."""

    peer: Peer
    speed: float | None
    energy: tuple[float, float] | None


@styled
def figure(
    ledger: Ledger, others: Sequence[Peer], *, ax: Axes | None = None, style: Style = None
) -> Figure:
    """Draw energy per update against updates per second, both logarithmic.

    Hollow where a figure was not read in its source, triangles where it is projected. Machines whose
    energy or speed is unknown stand in separate grey strips beside the scales. Where both are,
    they are in the table alone. The chip has two bands: lasers alone, and all that has a price.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.hardware import peers
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> ledger = ph.sample(machine, chains=4, draws=30, seed=1).ledger()
    >>> figure = ph.plots.energy_and_speed(ledger, peers())
    >>> figure.axes[0].get_xlabel()
    'unit updates per second, whole machine [1/s]'
    """
    validate.instance("ledger", ledger, Ledger)
    c, per_update = ledger.counts, events_per_update(ledger)
    own = [energy for case in CASES if (energy := ledger.energies(case)["unit update"])]
    spots = [_Spot(peer, peer.total(c.free), peer.energy(per_update)) for peer in others]
    spots = [spot for spot in spots if spot.speed is not None or spot.energy is not None]
    axes = bare(on(ax, HEIGHT, PAGE))
    drawn = figure_of(axes)
    if axes.figure is not drawn:
        raise InvalidInput("ax must not be in a subfigure, where names of machines cannot be placed")
    slow, low = _scales(axes, c.updates, own, spots)
    axes.set_xlabel("unit updates per second, whole machine [1/s]")
    axes.set_ylabel("energy per unit update [J]")
    axes.set_title(TITLE, loc="left", fontsize=SMALL)
    known = [spot for spot in spots if spot.energy is not None]
    marks = [_mark(axes, spot, slow) for spot in known]
    names = [*_bands(axes, ledger, own), *(spot.peer.name for spot in known)]
    points = [*((c.updates, energy) for energy in (own[0], own[-1])[: len(own)]), *marks]
    _unknown(axes, [spot for spot in spots if spot.energy is None], low)
    _name(drawn, axes, names, points)
    return drawn


energy_and_speed = figure
"""What `figure` is called at the door of the room, where there are others."""


def _scales(
    axes: Axes, updates: float, own: Sequence[float], spots: Sequence[_Spot]
) -> tuple[float, float]:
    """Set the scales; return the speed of the left strip, and where the lower one ends."""
    speeds = [updates, *(spot.speed for spot in spots if spot.speed is not None)]
    energies = [*own, *(end for spot in spots if spot.energy is not None for end in spot.energy)]
    low, high = min(energies) / 10, max(energies) * 30
    slowest, fastest = min(speeds) / 4, max(speeds) * 100
    axes.set(xscale="log", yscale="log")
    bottom = low if all(spot.energy is not None for spot in spots) else low * (low / high) ** STRIP
    left = slowest if all(spot.speed is not None for spot in spots) else slowest / 100
    axes.set_xlim(left, fastest)
    axes.set_ylim(bottom, high)
    powers = np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1, 2)
    axes.set_yticks(10.0**powers)
    axes.set_yticks([], minor=True)
    rates = np.arange(np.ceil(np.log10(slowest)), np.floor(np.log10(fastest)) + 1, 2)
    axes.set_xticks(10.0**rates)
    axes.set_xticks([], minor=True)
    axes.grid(color=MUTED, alpha=0.25)
    if bottom < low:
        axes.axhspan(bottom, low, color=PAPER, lw=0, zorder=0.9)
        axes.text(fastest, low, "energy unknown ", ha="right", va="top", fontsize=SMALL, style="italic")
    if left < slowest:
        axes.axvspan(left, slowest, color=PAPER, lw=0, zorder=0.9)
        middle = np.sqrt(left * slowest)
        said: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": SMALL, "style": "italic"}
        axes.text(middle, high, "speed unknown ", rotation=90, **said)
    return float(np.sqrt(left * slowest)), float(low)


def _bands(axes: Axes, ledger: Ledger, own: Sequence[float]) -> list[str]:
    """Draw what the chip takes: lasers alone, and with all that has a price; return their names."""
    speed, names = ledger.counts.updates, [f"{ledger.counts.lasers:,} lasers alone"]
    axes.plot(speed, own[0], "*", color=LASER.colour, ms=9)
    if len(own) > 1:
        width = 1.6
        low, high = min(own[1:]), max(own[1:])
        # A band of one point would be no band.
        ends = (low / 1.3, high * 1.3)
        axes.fill_between([speed / width, speed * width], *ends, color=LASER.colour, lw=0, alpha=0.9)
        axes.plot([speed, speed], [own[0], ends[0]], ":", color=LASER.colour, lw=0.8)
        names.append("whole chip, expected to worst")
    return names


def _mark(axes: Axes, spot: _Spot, slow: float) -> tuple[float, float]:
    """Draw a machine of known energy, its range as a line, and return where its marker is."""
    assert spot.energy is not None
    speed = slow if spot.speed is None else spot.speed
    middle = float(np.sqrt(spot.energy[0] * spot.energy[1]))
    axes.plot([speed, speed], spot.energy, color=INK, lw=0.8)
    _point(axes, spot.peer, speed, middle)
    return speed, middle


def _point(axes: Axes, peer: Peer, x: float, y: float) -> None:
    """Draw the marker of a machine."""
    marker = "^" if peer.kind == "projected" else "o"
    axes.plot(x, y, marker, ms=4.5, color=INK, mfc=INK if peer.verified else "white")


def _unknown(axes: Axes, spots: Sequence[_Spot], low: float) -> None:
    """Draw the machines of unknown energy in their strip, with their names on several levels."""
    bottom, fastest = axes.get_ylim()[0], axes.get_xlim()[1]
    for k, spot in enumerate(sorted(spots, key=lambda each: each.speed or 0.0)):
        assert spot.speed is not None
        level = (k % LEVELS + 0.9) / (LEVELS + 0.8)
        place = low * (bottom / low) ** level
        _point(axes, spot.peer, spot.speed, place)
        last = spot.speed > fastest / 1e4
        ha, away = ("right", -4) if last else ("left", 4)
        said: dict[str, Any] = {"ha": ha, "va": "center", "fontsize": SMALL}
        said |= {"textcoords": "offset points", "xytext": (away, 0)}
        axes.annotate(spot.peer.name, (spot.speed, place), **said)


def _name(
    drawn: Figure, axes: Axes, names: Sequence[str], points: Sequence[tuple[float, float]]
) -> None:
    """Write names beside markers, where they cover as little as can be."""
    drawn.draw_without_rendering()
    lines = [np.asarray(line.get_data(), np.float64) for line in axes.get_lines()]
    lines = [line for line in lines if line.shape[1] > 1]
    textalloc.allocate(
        axes,
        [x for x, _ in points],
        [y for _, y in points],
        list(names),
        x_scatter=[x for x, _ in points],
        y_scatter=[y for _, y in points],
        x_lines=[line[0] for line in lines],
        y_lines=[line[1] for line in lines],
        textsize=SMALL,
        textcolor=[LASER.colour if "lasers alone" in n or "whole chip" in n else INK for n in names],
        linecolor=MUTED,
        linewidth=0.5,
    )
