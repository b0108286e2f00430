"""How errors grow with the number of units, from the tables of the page of that study."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from studies.pictures.tables import DOCS, numbers, table

from photinus.faces.figures.canvas import bare, blank, styled
from photinus.faces.figures.look import MM, PAGE, SMALL
from photinus.faces.figures.palette import IDEAL, LASER, LIF, REDUCED

SCALING = "results/scaling"
PANELS = {
    "Error of a marginal": "error of a marginal, rms",
    "KL of moments": "KL of moments [nats]",
}
FAMILIES = ("dense", "kept", "restricted")
LOOKS = {
    "curve": IDEAL.line(),
    "lif": LIF.line(),
    "laser, exponential": LASER.line(ls=":", marker="x"),
    "laser, measured": LASER.line(),
    "laser, paired": REDUCED.line(),
    "laser, refined": REDUCED.line(ls=":", mfc="white"),
}
"""What is drawn: samplers whose errors can be told from zero."""
CLEAR = 2.0
"""Errors by which a value must differ from zero to be drawn."""
SIZES = (4, 8, 16, 32, 64, 128)


@styled
def growth(docs: Path = DOCS) -> Figure:
    """Draw errors against the number of units: a row for each error, a column for each family."""
    figure = blank(PAGE, 55 * MM * len(PANELS))
    panels = figure.subplots(len(PANELS), len(FAMILIES), sharex=True, sharey="row")
    for row, (title, label) in zip(panels, PANELS.items(), strict=True):
        for axes, family in zip(row, FAMILIES, strict=True):
            _panel(axes, family, table(SCALING, title, docs))
        row[0].set_ylabel(label)
    for axes, family in zip(panels[0], FAMILIES, strict=True):
        axes.set_title(family, loc="left", fontsize=SMALL)
    for axes in panels[-1]:
        axes.set_xlabel("units")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(LOOKS), fontsize=SMALL)
    return figure


def _panel(axes: Axes, family: str, rows: list[dict[str, str]]) -> None:
    """Draw one error of one family."""
    bare(axes).set(xscale="log", yscale="log")
    axes.set_xticks(SIZES, [str(size) for size in SIZES])
    axes.set_xticks([], minor=True)
    for row in rows:
        name = row["sampler"]
        if row["family"] != family or name not in LOOKS:
            continue
        cells = {int(head.split()[-1]): numbers(row[head]) for head in row if head.startswith("n = ")}
        seen = {n: cell for n, cell in cells.items() if cell and cell[0] > CLEAR * cell[1]}
        kl, error = zip(*seen.values(), strict=True) if seen else ((), ())
        axes.errorbar([*seen], kl, error, ms=3, lw=0.9, elinewidth=0.6, label=name, **LOOKS[name])
