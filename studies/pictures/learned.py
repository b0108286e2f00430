"""What learned machines do, and learning in the loop, from tables and stored results."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from studies.pictures.tables import DOCS, numbers, table

from photinus.faces.figures.canvas import bare, blank, figure_of, lettered, on, styled
from photinus.faces.figures.look import MM, PAGE, SMALL
from photinus.faces.figures.palette import GIBBS, REDUCED

LOOP, MIXING = "results/in-the-loop", "results/mixing"
IMAGES = 20_000
"""Training images of a pass of learning in the loop."""


@styled
def in_the_loop(docs: Path = DOCS) -> Figure:
    """Draw the loss on the chip against the images that it has learned from."""
    rows = {row[""]: numbers(row["loss [nats]"]) for row in table(LOOP, "", docs)}
    passes = [name for name in rows if "translated" in name and "full" not in name]
    passes += [name for name in rows if "after pass" in name]
    mean, error = np.array([rows[name] for name in passes]).T
    axes = bare(on(None, 58 * MM))
    at = IMAGES * np.arange(len(passes)) / 1000
    label = "laser-reduced, chip as built"
    axes.errorbar(at, mean, error, elinewidth=0.7, **REDUCED.line(label=label, ls="-", ms=4))
    for name, look, label in (
        ("chip as designed", REDUCED, "laser-reduced, chip as designed"),
        ("Gibbs sampling", GIBBS, "Gibbs sampling"),
    ):
        value, spread = rows[name]
        axes.axhspan(value - spread, value + spread, color=look.colour, alpha=0.15, lw=0)
        axes.axhline(value, color=look.colour, ls=look.dash, label=label)
    axes.set_ylim(0.5, 1.02)
    axes.set_xlabel("images learned from, with the chip in the loop [10³]")
    axes.set_ylabel("mean loss of sampled classes [nats]")
    axes.set_title("bars and bands: ±1 standard error over images", loc="left", fontsize=SMALL)
    axes.legend()
    return figure_of(axes)


@styled
def mixing(docs: Path = DOCS) -> Figure:
    """Draw changes of class and indirect likelihood against fidelity, method by method."""
    rows = table(MIXING, "", docs)
    figure = blank(PAGE, 66 * MM)
    panels = figure.subplots(1, 2)
    columns = {
        "changes of class per µs and chain": "changes of class per µs and chain [1/µs]",
        "ISL [nats]": "indirect likelihood of test images, ISL [nats]\n(errors lie inside the marks)",
    }
    methods = {"plain": "*", "depression": "v", "heated": "^"}
    for axes, (column, title) in zip(panels, columns.items(), strict=True):
        for substrate, look in (("laser-reduced", REDUCED), ("gibbs", GIBBS)):
            for method, marker in methods.items():
                some = [r for r in rows if r["sampler"].startswith(f"{substrate}, {method}")]
                if not some:
                    continue
                sure = [numbers(row["confidence"])[0] for row in some]
                found = np.array([(*numbers(row[column]), 0.0)[:2] for row in some])
                line = look.line(marker=marker, ms=7 if marker == "*" else 4, lw=0.7, elinewidth=0.6)
                label = f"{substrate}, {method}"
                axes.errorbar(sure, found[:, 0], found[:, 1], **line, label=label)
        bare(axes).set_xlabel("fidelity: confidence of an independent classifier")
        axes.set_ylabel(title)
    panels[0].legend(loc="lower left")
    lettered(panels)
    return figure
