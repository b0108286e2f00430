"""What chips bear, take and need, from the tables of the pages of results."""

import re
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from studies.pictures.tables import DOCS, numbers, table, tables

from photinus.faces.figures.canvas import bare, blank, figure_of, on, styled
from photinus.faces.figures.look import MM, PAGE, SMALL
from photinus.faces.figures.palette import INK, LASER, MUTED

ROBUSTNESS, EXPLORER = "results/robustness", "results/explorer"
COLUMNS = 6
WORDS = 24
"""Letters of a line of a panel's title."""
MOST_TICKS = 5
LOW, HIGH = 1e-4, 10.0
"""Range of KL that all panels share [nats]."""
TOLERATED = "#e7f1ec"


@styled
def robustness(docs: Path = DOCS) -> Figure:
    """Draw KL against the size of each imperfection, what is borne least first.

    Shaded is the KL up to twice that of faultless chips. Scales of the KL are shared.
    """
    rows = next(rows for _, rows in tables(ROBUSTNESS, docs) if rows and "size" in rows[0])
    names = [n for n in dict.fromkeys(row["imperfection"] for row in rows)]
    curves = {n: [row for row in rows if row["imperfection"] == n] for n in names}
    curves = {n: mine for n, mine in curves.items() if len(mine) > 1 and "–" not in mine[0]["refined"]}
    level, borne = _doubled(docs), table(ROBUSTNESS, "Tolerances", docs)
    order = sorted(curves, key=lambda name: _severity(name, borne))
    lines = -(-(len(order) + 1) // COLUMNS)
    figure = blank(PAGE, 37 * MM * lines)
    panels = figure.subplots(lines, COLUMNS, sharey=True, squeeze=False).ravel()
    for k, (axes, name) in enumerate(zip(panels, order, strict=False)):
        _panel(axes, curves[name], level)
        unit = curves[name][0]["size"].partition(" ")[2]
        # A number stays with its unit.
        told = re.sub(r"(?<=\d) (?=\w+\b)", "\N{NO-BREAK SPACE}", name)
        said = textwrap.fill(f"{k + 1} {told} [{unit or 1}]", WORDS)
        axes.set_title(said + "\n" * ("\n" not in said), loc="left", fontsize=SMALL)
    for axes in panels[len(order) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    panels[len(order)].legend(handles, labels, loc="upper left", borderpad=0)
    figure.supylabel("mean KL(sampled ‖ target) [nats]; bars: standard error over machines")
    return figure


def _doubled(docs: Path) -> float:
    """Return twice the KL of faultless translated networks, which the page tells."""
    text = (docs / f"{ROBUSTNESS}.md").read_text(encoding="utf-8")
    said = text.split("faultless translated network (", 1)[1]
    return numbers(said)[0]


def _severity(name: str, borne: list[dict[str, str]]) -> tuple[bool, float]:
    """Return what sorts imperfections: relative ones first, what is borne least before others."""
    said = next((row["doubled, translated"] for row in borne if row["imperfection"] == name), "")
    size = numbers(said)
    return "%" not in said, size[0] if size else float("inf")


def _panel(axes: Axes, rows: list[dict[str, str]], level: float) -> None:
    """Draw one imperfection, translated and refined."""
    place = np.arange(len(rows))
    bare(axes).axhspan(LOW, level, color=TOLERATED, lw=0, label="at most doubled")
    for kind, look in (
        ("translated", LASER.line(label="laser, translated")),
        ("refined", LASER.line(label="laser, refined", ls="--", marker="s", mfc="white")),
    ):
        kl, error = np.array([(*numbers(row[kind]), 0.0)[:2] for row in rows]).T
        below = np.minimum(error, kl * 0.9)
        axes.errorbar(place, kl, [below, error], elinewidth=0.6, lw=0.9, **look)
    axes.set_yscale("log")
    axes.set_ylim(LOW, HIGH)
    every = 2 if len(rows) > MOST_TICKS else 1
    axes.set_xticks(place[::every], [row["size"].partition(" ")[0] for row in rows][::every])
    axes.set_xticks(place, minor=True)
    axes.tick_params(axis="x", labelsize=5)
    axes.set_xlim(-0.4, len(rows) - 0.6)


@styled
def explorer(docs: Path = DOCS) -> Figure:
    """Draw energy against rate of presets and of the devices on the front, measured again."""
    rows = table(EXPLORER, "Measured again", docs)
    axes = bare(on(None, 68 * MM))
    for row in rows:
        rate, rate_error = numbers(row["10⁶ effective samples/s"])[:2]
        energy, energy_error = numbers(row["fJ each"])[:2]
        device = row["device"].startswith("device")
        look = LASER.line(ls="none", ms=4, mfc="white" if device else LASER.colour)
        axes.errorbar(rate, energy, energy_error, rate_error, elinewidth=0.7, **look)
        kl = numbers(row["KL [nats]"])[0]
        # Presets are named right of their mark, others left: two of them nearly cover each other.
        said: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": SMALL}
        said |= {"xytext": (-5, 0), "ha": "right"} if device else {"xytext": (5, 0), "ha": "left"}
        axes.annotate(f"{row['device']} ({kl * 1e3:.2f})", (rate, energy), color=INK, **said)
    axes.set(xscale="log", yscale="log")
    axes.set_xlim(100, 30_000)
    axes.set_xticks([100, 300, 1000, 3000, 10_000], ["100", "300", "1,000", "3,000", "10,000"])
    axes.set_yticks([1, 3, 10, 30, 100, 300, 1000], ["1", "3", "10", "30", "100", "300", "1,000"])
    axes.set_xticks([], minor=True)
    axes.set_yticks([], minor=True)
    axes.set_xlabel("effective samples per second of chip time [10⁶/s]")
    axes.set_ylabel("pump energy per effective sample [fJ]")
    note = "filled: presets; hollow: found by the search; in brackets: KL [10⁻³ nats]"
    axes.set_title(note, loc="left", fontsize=SMALL)
    axes.grid(color=MUTED, alpha=0.25)
    return figure_of(axes)
