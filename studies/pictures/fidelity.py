"""How far samples are from random machines, from the tables of the page of results."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from studies.pictures.tables import DOCS, Rows, numbers, table

from photinus.faces.figures.canvas import bare, blank, figure_of, lettered, on, styled
from photinus.faces.figures.look import MM, PAGE, SMALL
from photinus.faces.figures.palette import EXACT, INK, LASER, MUTED, SUBSTRATES, Mark

PAGE_NAME = "results/fidelity"
REFINED = "laser fast-absorber refined"
KL = "KL(sampled ‖ target) [nats]"
PRESETS = {"fast": "o", "slow": "s", "vcsel": "D", "straight": "P", "high": "X"}
"""Marker of each device, by how its preset's name begins."""
WAYS = {"linear": (0, (1, 1)), "measured": "-", "refined": "--"}
"""Dash of each way to set a network."""
GREYS = {"marginals": LASER.colour, "pairs": "#e9a8a0", "higher order": "#d5d8dc"}


def look(variant: str) -> Mark:
    """Return the mark of a variant: colour of its substrate, marker of its device, dash of its way."""
    words = variant.split()
    base = SUBSTRATES[words[0]]
    marker = next((m for name, m in PRESETS.items() if name in variant), base.marker)
    way = words[-1] if words[-1] in WAYS else ""
    return Mark(base.colour, marker, WAYS.get(way, base.dash), filled=base.filled and way != "refined")


@styled
def sizes(docs: Path = DOCS) -> Figure:
    """Draw KL against the number of units: median and quartiles of each variant, by family."""
    rows = table(PAGE_NAME, "Random machines", docs)
    families = list(dict.fromkeys(row["family"] for row in rows))
    figure = blank(PAGE, 84 * MM)
    panels = figure.subplots(1, len(families), sharex=True, sharey=True, squeeze=False)[0]
    for axes, family in zip(panels, families, strict=True):
        mine = [row for row in rows if row["family"] == family]
        names = list(dict.fromkeys(row["variant"] for row in mine))
        for k, name in enumerate(names):
            shift = 1 + 0.012 * (k - len(names) / 2)  # so that bars stand beside each other
            _curve(axes, [row for row in mine if row["variant"] == name], "n", name, shift)
        counts = sorted({int(row["n"]) for row in mine})
        bare(axes).set(xscale="log", yscale="log")
        axes.set_xticks(counts, [str(n) for n in counts])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("units n")
        axes.set_title(f"family {family}")
    panels[0].set_ylabel(f"{KL}\nmedian, bars: quartiles of the machines")
    for axes, family in zip(panels, families, strict=True):
        _name(axes, [row for row in rows if row["family"] == family])
    lettered(panels)
    return figure


def _name(axes: Axes, rows: Rows) -> None:
    """Write the name of each variant right of its curve, one above the other."""
    ends = {row["variant"]: (float(row["n"]), numbers(row["median KL [nats]"])) for row in rows}
    known = {name: (n, kl[0]) for name, (n, kl) in ends.items() if kl}
    low, high = axes.get_ylim()
    apart = (high / low) ** 0.048
    largest, place = max(int(row["n"]) for row in rows), high
    for name, (n, kl) in sorted(known.items(), key=lambda item: -item[1][1]):
        place = min(place / apart, kl)
        said = f"{name} (floor)" if name == "ideal" else name.removeprefix("laser ")
        axes.plot([n * 1.04, largest * 1.14], [kl, place], "-", color=MUTED, lw=0.4)
        axes.text(largest * 1.16, place, said, va="center", fontsize=SMALL, color=look(name).colour)
    axes.set_xlim(right=largest * 2.3)
    axes.set_ylim(min(low, place / apart), high)


def _curve(axes: Axes, rows: Rows, column: str, name: str, shift: float = 1.0) -> None:
    """Draw median and quartiles of one variant against a column."""
    rows = [row for row in rows if numbers(row["median KL [nats]"])]
    if not rows:
        return
    at = np.array([float(row[column]) for row in rows]) * shift
    middle = np.array([numbers(row["median KL [nats]"])[0] for row in rows])
    low, high = np.array([numbers(row["quartiles"])[:2] for row in rows]).T
    label = f"{name} (floor)" if name == "ideal" else name
    bars = [middle - np.minimum(low, middle), np.maximum(high, middle) - middle]
    axes.errorbar(at, middle, bars, **look(name).line(label=label, elinewidth=0.6, lw=0.9))


@styled
def parts(docs: Path = DOCS) -> Figure:
    """Draw the parts of the mean KL of refined lasers as stacked bars, with what noise alone shows."""
    rows = table(PAGE_NAME, "What the divergence consists of", docs)
    rows = [row for row in rows if row["variant"] == REFINED]
    families = list(dict.fromkeys(row["family"] for row in rows))
    figure = blank(PAGE, 64 * MM)
    panels = figure.subplots(1, len(families), sharey=True, squeeze=False)[0]
    for axes, family in zip(panels, families, strict=True):
        mine = [row for row in rows if row["family"] == family]
        place, base = np.arange(len(mine)), np.zeros(len(mine))
        whole = np.array([sum(numbers(row[part])[0] for part in GREYS) for row in mine])
        for part, colour in GREYS.items():
            height = 100 * np.array([numbers(row[part])[0] for row in mine]) / whole
            edge = {"edgecolor": INK, "lw": 0.5}
            axes.bar(place, height, bottom=base, color=colour, width=0.7, label=part, **edge)
            base += height
        noise = [sum(numbers(row[part])[1] for part in GREYS) for row in mine]
        line = {"color": EXACT.colour, "ms": 26, "mew": 1.2, "ls": "none"}
        axes.plot(
            place, 100 * np.array(noise) / whole, marker="_", label="sampling noise alone", **line
        )
        for at, kl in zip(place, whole, strict=True):
            axes.text(at, 101, f"{1e3 * kl:.2g}", ha="center", va="bottom", fontsize=SMALL)
        axes.set_xticks(place, [f"n = {row['n']}" for row in mine])
        axes.tick_params(axis="x", length=0)
        bare(axes).set_title(f"family {family}", pad=9)
    panels[0].set_ylabel("part of the mean KL(sampled ‖ target) [%]\nabove bars: all of it [10⁻³ nats]")
    handles, labels = panels[0].get_legend_handles_labels()
    look: Any = {"markerscale": 0.5, "title": "laser fast-absorber, refined"}
    figure.legend(handles, labels, loc="outside right center", **look)
    lettered(panels)
    return figure


@styled
def sweep(heading: str, docs: Path = DOCS) -> Figure:
    """Draw median and quartiles of the KL against what is swept."""
    rows = table(PAGE_NAME, heading, docs)
    column = next(iter(rows[0]))
    at = np.array([float(row[column]) for row in rows])
    axes = bare(on(None, 62 * MM))
    for key, name in {
        "floor": "ideal",
        "translated": "laser fast-absorber measured",
        "refined": "laser fast-absorber refined",
    }.items():
        known = [k for k, row in enumerate(rows) if len(numbers(row[key])) >= 3]
        if not known:
            continue
        middle, low, high = np.array([numbers(rows[k][key])[:3] for k in known]).T
        bars = [middle - np.minimum(low, middle), np.maximum(high, middle) - middle]
        label = "ideal neurons (floor)" if key == "floor" else f"laser fast-absorber, {key}"
        axes.errorbar(at[known], middle, bars, **look(name).line(label=label, elinewidth=0.7))
    axes.set_yscale("log")
    if at.min() == 0:
        axes.set_xscale("symlog", linthresh=0.01, linscale=0.5)
        axes.set_xlim(-0.001, 0.5)
    else:
        axes.set_xscale("log")
    axes.set_xticks(at, [f"{value:g}" for value in at])
    axes.set_xticks([], minor=True)
    axes.set_xlabel({"delay [τ]": "synaptic delay [τ]"}.get(column, "factor on weights and biases"))
    axes.set_ylabel(KL)
    axes.set_title("median; bars: quartiles of 10 machines, uniform, n = 5", loc="left", fontsize=SMALL)
    axes.grid(axis="y", color=MUTED, alpha=0.25)
    axes.legend()
    return figure_of(axes)


def delay(docs: Path = DOCS) -> Figure:
    """Draw KL against the delay of synapses."""
    return sweep("Synaptic delay", docs)


def scale(docs: Path = DOCS) -> Figure:
    """Draw KL against the strength of weights and biases."""
    return sweep("Strength of weights and biases", docs)


CAPTIONS = {
    "sizes": "KL against the number of units, for each way to sample",
    "parts": "What the KL of refined lasers consists of",
    "delay": "KL against the delay of synapses",
    "scale": "KL against the strength of weights and biases",
}
"""What each picture shows."""


def drawable(docs: Path) -> dict[str, Callable[[Path], Figure]]:
    """Return what a page in a folder like `docs` has the tables for."""
    parted = any(r["variant"] == REFINED for r in table(PAGE_NAME, "What the divergence", docs))
    found = {
        "sizes": sizes if table(PAGE_NAME, "Random machines", docs) else None,
        "parts": parts if parted else None,
        "delay": delay if table(PAGE_NAME, "Synaptic delay", docs) else None,
        "scale": scale if table(PAGE_NAME, "Strength of", docs) else None,
    }
    return {name: draw for name, draw in found.items() if draw is not None}
