"""How errors grow with the number of units, from the tables of the page of that study."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from studies.pictures.tables import DOCS, numbers, table

from photinus.faces.figures.canvas import bare, blank, lettered, styled
from photinus.faces.figures.look import MM, PAGE
from photinus.faces.figures.palette import IDEAL, LIF, REDUCED

SCALING = "results/scaling"
PANELS = {
    "Error of a marginal": "error of a marginal, rms\n(bars: standard error)",
    "KL of moments": "KL of moments [nats]\n(bars: standard error)",
}
FAMILIES = {
    "dense": "dense: all pairs coupled",
    "kept": "kept: fields as wide as with 5 units",
    "restricted": "restricted: 8 units, and all others",
}
"""What machines of each family are."""
LOOKS = {
    "lif": LIF.line(),
    "laser, exponential": REDUCED.line(ls="-.", marker="X"),
    "laser, measured": REDUCED.line(ls="-", marker="o"),
    "laser, paired": REDUCED.line(ls="--", marker="s"),
    "laser, refined": REDUCED.line(ls=(0, (1, 1)), marker="^", mfc="white"),
    "curve": IDEAL.line(),
}
"""What is drawn: samplers whose errors can be told from zero. Lasers are reduced ones."""
CLEAR = 2.0
"""Errors by which a value must differ from zero to be drawn."""
SIZES = (4, 8, 16, 32, 64, 128, 200)


@styled
def growth(docs: Path = DOCS) -> Figure:
    """Draw errors against the number of units: a row for each error, a column for each family."""
    figure = blank(PAGE, 55 * MM * len(PANELS))
    panels = figure.subplots(len(PANELS), len(FAMILIES), sharex=True, sharey="row")
    for row, (title, label) in zip(panels, PANELS.items(), strict=True):
        for axes, family in zip(row, FAMILIES, strict=True):
            _panel(axes, family, table(SCALING, title, docs))
        row[0].set_ylabel(label)
    for axes, said in zip(panels[0], FAMILIES.values(), strict=True):
        axes.set_title(said)
    for axes in panels[-1]:
        axes.set_xlabel("units")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    named = [label.replace("laser,", "laser-reduced,") for label in labels]
    figure.legend(handles, named, loc="outside lower center", ncols=len(LOOKS) // 2)
    lettered(panels.ravel())
    return figure


def _panel(axes: Axes, family: str, rows: list[dict[str, str]]) -> None:
    """Draw one error of one family."""
    bare(axes).set(xscale="log", yscale="log")
    axes.set_xticks(SIZES, [str(size) if size != 128 else "" for size in SIZES])
    axes.set_xticks([], minor=True)
    for row in rows:
        name = row["sampler"]
        if row["family"] != family or name not in LOOKS:
            continue
        cells = {int(head.split()[-1]): numbers(row[head]) for head in row if head.startswith("n = ")}
        seen = {n: cell for n, cell in cells.items() if cell and cell[0] > CLEAR * cell[1]}
        kl, error = zip(*seen.values(), strict=True) if seen else ((), ())
        axes.errorbar([*seen], kl, error, ms=3, lw=0.9, elinewidth=0.6, label=name, **LOOKS[name])
