"""The figures."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from photinus.faces.figures.plots import ABSORBER, DPI, EXACT, LASER, MUTED

from . import report
from .points import SWEPT
from .report import FEWEST, Curves, Study
from .results import PARTS
from .variants import EXACT_IN_LAW, REFINED, VARIANTS

DIVERGENCE = "KL(sampled ‖ target) [nats]"


def figures(study: Study) -> Iterator[tuple[str, Figure]]:
    """Give name and figure of all that can be drawn."""
    kinds = study.selection.kinds()
    if any(study.found(name, *kind) for kind in kinds for name in VARIANTS):
        yield "draws", divergences(study)
    if any(result["parts"] for kind in kinds for result in study.found(REFINED, *kind)):
        yield "parts", parts(study)
    for name, curves in study.sweeps().items():
        if any(found for curve in list(curves.values())[1:] for found in curve.values()):
            yield name, sweep(name, curves)


def divergences(study: Study) -> Figure:
    """Draw KL against draws: median and quartiles of each variant, one panel per kind of machine."""
    figure, panels = _panels(study, 2.9, share=True)
    for kind, axes in zip(study.selection.kinds(), panels, strict=True):
        for name, variant in VARIANTS.items():
            found = study.found(name, *kind)
            if found:
                low, middle, high = np.percentile([r["kl"] for r in found], [25, 50, 75], axis=0)
                draws = found[0]["draws"]
                axes.fill_between(draws, low, high, color=variant.colour, alpha=0.12, lw=0)
                axes.loglog(
                    draws, middle, variant.line, color=variant.colour, lw=1.5, label=_label(name)
                )
    figure.supxlabel("draws, all chains together")
    _legend(figure, panels, 2 if len(study.selection.sizes) < 4 else 4)
    return figure


def parts(study: Study) -> Figure:
    """Draw the parts of the KL of every refined machine as stacked bars, largest first."""
    figure, panels = _panels(study, 2.5, share=False)
    for kind, axes in zip(study.selection.kinds(), panels, strict=True):
        found = [result["parts"] for result in study.found(REFINED, *kind) if result["parts"]]
        if not found:
            continue
        found.sort(key=lambda each: -sum(each["kl"].values()))
        place, base = np.arange(len(found)), np.zeros(len(found))
        for part, colour in zip(PARTS, (LASER, ABSORBER, MUTED), strict=True):
            height = np.array([each["kl"][part] for each in found])
            axes.bar(place, height, bottom=base, color=colour, width=0.85, label=part)
            base += height
        noise = [sum(each["noise"].values()) for each in found]
        axes.plot(place, noise, "_", color=EXACT, ms=7, mew=1.5, label="sampling noise alone")
        axes.set_xlim(-0.6, max(len(found), FEWEST) - 0.4)
        axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    figure.supxlabel("refined machines, by their divergence")
    _legend(figure, panels, 4)
    return figure


def sweep(name: str, curves: Curves) -> Figure:
    """Draw median and quartiles of the KL against what is swept, for each variant."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained", dpi=DPI)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    for variant_name, curve in curves.items():
        known = {value: report.divergences(found) for value, found in curve.items() if found}
        if known:
            variant = VARIANTS[variant_name]
            percentiles = [np.percentile(kl, [25, 50, 75]) for kl in known.values()]
            low, middle, high = np.transpose(percentiles)
            axes.fill_between(list(known), low, high, color=variant.colour, alpha=0.15, lw=0)
            axes.plot(
                list(known),
                middle,
                f"o{variant.line}",
                color=variant.colour,
                ms=4,
                label=_label(variant_name),
            )
    axes.set_yscale("log")
    if name == "delay":
        axes.set_xscale("symlog", linthresh=0.01, linscale=0.5)
        axes.set_xlim(-0.001, 0.45)
    else:
        axes.set_xscale("log")
    values = list(next(iter(curves.values())))
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.set_xticks([], minor=True)
    quantity = {"delay": "synaptic delay [τ]", "scale": "factor on weights and biases"}[name]
    axes.set_xlabel(f"{quantity} ({SWEPT[0]}, n = {SWEPT[1]})")
    axes.set_ylabel(DIVERGENCE)
    axes.legend(frameon=False)
    return figure


def _label(name: str) -> str:
    return f"{name} (floor)" if name == EXACT_IN_LAW else name


def _panels(study: Study, height: float, *, share: bool) -> tuple[Figure, list[Axes]]:
    """Return a figure with one panel per kind of machine, families in rows."""
    rows, columns = len(study.selection.families), len(study.selection.sizes)
    size = (max(6.4, 2.6 * columns), height * rows + 0.9)
    figure = Figure(figsize=size, layout="constrained", dpi=DPI)
    panels = list(figure.subplots(rows, columns, sharex=share, sharey=share, squeeze=False).ravel())
    for (family, n), axes in zip(study.selection.kinds(), panels, strict=True):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(f"{family}, n = {n}", fontsize=10)
        if not share:
            axes.set_xticks([])
    figure.supylabel(DIVERGENCE)
    return figure, panels


def _legend(figure: Figure, panels: Sequence[Axes], columns: int) -> None:
    """Put one legend for all panels above them."""
    entries: dict[str, Artist] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        entries.update(zip(labels, handles, strict=True))
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="outside upper center",
        ncols=columns,
        frameon=False,
        fontsize=9,
    )
