"""What chips and other machines take per sample, as a picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from photinus._core import validate
from photinus.faces.figures.plots import ABSORBER, DPI, EXACT, FLOOR, LASER, MUTED
from photinus.hardware.comparison import Peer, events_per_update
from photinus.hardware.ledger import Ledger

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure(ledger: Ledger, others: Sequence[Peer]) -> "Figure":
    """Draw energy per update against updates per second, both logarithmic.

    Hollow where a figure was not read in its source, triangles where it is projected. Machines whose
    energy is unknown stand at the lower edge, those whose speed is unknown at the left one; where both
    are, they are in the table alone.
    """
    validate.instance("ledger", ledger, Ledger)
    from matplotlib.figure import Figure

    c, per_update = ledger.counts, events_per_update(ledger)
    cases = [ledger.energies(case)["unit update"] for case in ("best", "expected", "worst")]
    own = [energy for energy in cases if energy]
    placed = [(p, t, p.energy(per_update)) for p in others if (t := p.total(c.free)) is not None]
    bars = [(peer, total, energy) for peer, total, energy in placed if energy is not None]
    speeds = [c.updates, *(total for _, total, _ in placed)]
    energies = [*own, *(end for _, _, energy in bars for end in energy)]
    floor, slowest = min(energies) / 3e3, min(speeds) / 30
    at_rest = [(p, e) for p in others if p.total(c.free) is None and (e := p.energy(per_update))]

    drawn = Figure(figsize=(WIDTH, HEIGHT), layout="constrained", dpi=DPI)
    axes = drawn.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set(xscale="log", yscale="log")
    axes.set_xlim(slowest / 2, max(speeds) * 30)
    axes.set_ylim(floor / 3, max(energies) * 10)
    for peer, total, energy in placed:
        if energy is None:
            inside = EXACT if peer.verified else "white"
            axes.plot(total, floor, "v", color=EXACT, mfc=inside, ms=6)
            beside: dict[str, Any] = {"textcoords": "offset points", "rotation": 90, "ha": "center"}
            axes.annotate(peer.name, (total, floor), (0, 8), fontsize=SMALL, color=EXACT, **beside)
            continue
        colour = ABSORBER if peer.kind == "projected" else FLOOR
        marker = "^" if peer.kind == "projected" else "o"
        axes.plot([total, total], energy, color=colour, lw=1.2)
        inside = colour if peer.verified else "white"
        axes.plot(total, _middle(energy), marker, ms=7, color=colour, mfc=inside)
    for peer, energy in at_rest:
        inside = EXACT if peer.verified else "white"
        axes.plot([slowest, slowest], energy, color=EXACT, lw=1.2)
        axes.plot(slowest, _middle(energy), "<", ms=6, color=EXACT, mfc=inside)
    axes.plot([c.updates] * len(own), own, "-", color=LASER, lw=2)
    axes.plot(c.updates, own[0], "*", color=LASER, ms=15)
    axes.plot([c.updates] * (len(own) - 1), own[1:], "_", color=LASER, ms=14, mew=2)

    marked = [*((p.name, t, e) for p, t, e in bars), *((p.name, slowest, e) for p, e in at_rest)]
    names = [f"{c.lasers:,} lasers", *(name for name, _, _ in marked)]
    points = [(c.updates, own[0]), *((at, _middle(energy)) for _, at, energy in marked)]
    for k, (name, point, offset) in enumerate(
        zip(names, points, _places(names, points, axes.get_xlim(), axes.get_ylim()), strict=True)
    ):
        axes.annotate(
            name,
            point,
            offset,
            textcoords="offset points",
            ha="left" if offset[0] > 0 else "right",
            fontsize=SMALL,
            color=EXACT if k else LASER,
        )
    axes.grid(color=MUTED, alpha=0.2)
    axes.set_xlabel("unit updates per second, whole machine")
    axes.set_ylabel("energy per unit update [J]")
    axes.set_title(
        "circles: measured, triangles: projected; hollow: not read in a source; lower and left edge: "
        "energy or speed unknown\nstar: these lasers, best case; dashes: expected and worst",
        fontsize=9,
    )
    return drawn


WIDTH, HEIGHT = 9.0, 6.0
"""Size of the figure [inch]."""


SMALL = 8
"""Size of the names of machines [pt]."""


PLACES = ((6, 3), (6, -11), (-6, 3), (-6, -11), (6, 16), (-6, 16))
"""Where a name can stand beside its marker [pt], the best place first; negative x: to its left."""


def _middle(energy: tuple[float, float]) -> float:
    return float(np.sqrt(energy[0] * energy[1]))


def _places(
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
) -> list[tuple[int, int]]:
    """Return one of `PLACES` per name: if possible they cover no marker, no other name, no axis."""
    spans = np.log([x_range, y_range])
    inches = 72 * np.array([0.9 * WIDTH, 0.87 * HEIGHT])
    at = (np.log(points) - spans[:, 0]) / (spans[:, 1] - spans[:, 0]) * inches
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in at]
    taken += [(-1e3, 0.0, 0.0, inches[1]), (inches[0], 0.0, inches[0] + 1e3, inches[1])]
    chosen = []
    for k, name in enumerate(names):
        boxes = []
        for dx, dy in PLACES:
            length = 0.58 * SMALL * len(name)
            left = at[k, 0] + dx - (length if dx < 0 else 0)
            boxes.append((left, at[k, 1] + dy, left + length, at[k, 1] + dy + SMALL))
        covered = [
            sum(_overlap(box, other) for j, other in enumerate(taken) if j != k) for box in boxes
        ]
        best = int(np.argmin(covered))
        chosen.append(PLACES[best])
        taken.append(boxes[best])
    return chosen


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Return the area that two boxes (left, bottom, right, top) share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)
