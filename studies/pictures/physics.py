"""What single lasers and pairs do: noise, reduced lasers, synapses, tempering."""

import itertools

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from studies.pictures import stored

from photinus.faces.figures.canvas import bare, blank, lettered, signed, styled
from photinus.faces.figures.look import COLUMN, MM, PAGE
from photinus.faces.figures.palette import EXACT, IDEAL, JUMPS, LASER, MUTED, REDUCED, marks
from photinus.units import ns

NOISE = "noise-fast-absorber"
HOT = "#dfe3e6"
"""Colour of times without draws."""


@styled
def activation() -> Figure:
    """Draw activation by the field equation and event by event, and their difference."""
    found = stored.read(NOISE)
    figure = blank(COLUMN, 72 * MM)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    bare(upper).plot(found["pump"], found["field"], color=LASER.colour, label="field equation")
    bars = JUMPS.line(ls="none", ms=4, mec=EXACT.colour, elinewidth=0.7, ecolor=EXACT.colour)
    label = "event by event (bars: standard error)"
    upper.errorbar(found["pump"], found["events"], found["events_error"], label=label, **bars)
    upper.set_ylabel("P(on)")
    upper.legend(loc="lower right")
    close = float(found["close"])
    bare(lower).axhspan(-close, close, color=MUTED, alpha=0.25, lw=0)
    lower.axhline(0, color=EXACT.colour, lw=0.6)
    error = np.hypot(found["events_error"], found["field_error"])
    lower.errorbar(found["pump"], found["field"] - found["events"], error, **bars)
    lower.set_ylabel("difference")
    lower.set_xlabel("pump over threshold (band: what is asked for)")
    figure.align_ylabels()
    lettered((upper, lower))
    return figure


@styled
def intervals() -> Figure:
    """Draw histograms of the intervals by the field equation and event by event."""
    found = stored.read(NOISE)
    figure = blank(PAGE, 52 * MM)
    panels = figure.subplots(1, len(found["at"]))
    for k, axes in enumerate(panels):
        edges = found["edges"][k] / ns
        field, events = (found[name][k] * ns for name in ("field_density", "events_density"))
        bare(axes).stairs(events, edges, fill=True, color=JUMPS.colour, label="event by event")
        axes.stairs(field, edges, color=LASER.colour, lw=0.8, label="field equation")
        axes.set_xlabel("interval between spikes [ns]")
        axes.set_title(f"P(on) ≈ {found['at'][k]:.1f}")
    panels[0].set_ylabel("density [1/ns]")
    panels[0].legend()
    lettered(panels)
    return figure


@styled
def reduced() -> Figure:
    """Draw activation, intervals and responses of full and reduced lasers."""
    found = stored.read("reduced")
    figure = blank(PAGE, 62 * MM)
    curve, histogram, scatter = panels = figure.subplots(1, 3)
    curve.plot(found["at"], found["full"], **LASER.line(ls="none", label="laser, full physics"))
    look = {"color": REDUCED.colour, "ls": REDUCED.dash, "lw": 1.3, "zorder": 3}
    curve.plot(found["at"], found["reduced"], label="laser-reduced", **look)
    curve.set_xlabel("pump from the midpoint [slopes]")
    curve.set_ylabel("P(on)")
    curve.legend(loc="lower right")
    edges = found["edges"]
    middle = (edges[1:] + edges[:-1]) / 2
    full, short = found["densities"]
    for k, pump in enumerate(found["pumps"]):
        histogram.plot(middle, full[k], color=LASER.colour, lw=0.8)
        histogram.plot(middle, short[k], **look)
        peak = int(full[k].argmax())
        said = {"textcoords": "offset points", "va": "center", "color": EXACT.colour}
        told = signed(f"{pump:+.1f} slopes")
        histogram.annotate(told, (middle[peak], full[k][peak]), (6, 0), **said)
    histogram.set_xlabel("interval between spikes [τ]")
    histogram.set_ylabel("density [1/τ]")
    heard = found["heard"]
    scatter.plot([0, 1], [0, 1], color=EXACT.colour, lw=0.6)
    delays = list(itertools.pairwise(found["delays"]))
    for k, ((low, high), marker) in enumerate(zip(delays, "osD^", strict=True)):
        grey = f"{0.75 * k / len(delays):.2f}"
        settings = {"marker": marker, "ls": "none", "color": grey, "mfc": "white" if k % 2 else grey}
        scatter.plot(heard[0][:, k], heard[1][:, k], label=f"{low:g}–{high:g} τ", **settings)
    scatter.set_xlabel("P(fires within τ of a pulse), laser")
    scatter.set_ylabel("the same, laser-reduced")
    scatter.legend(title="since its own spike", loc="upper left")
    for axes in panels:
        bare(axes)
    lettered(panels)
    return figure


@styled
def response() -> Figure:
    """Draw how the log-hazard of a laser changes after its partner's spike."""
    found = stored.read("response")
    figure = blank(PAGE, 62 * MM)
    panels = figure.subplots(1, len(found["weights"]))
    looks = marks(f"laser, {name}" for name in found["synapses"])
    for k, (axes, weight) in enumerate(zip(panels, found["weights"], strict=True)):
        ideal = [0, weight, weight, 0, 0]
        bare(axes).plot([0, 0, 1, 1, 2], ideal, color=IDEAL.colour, label="ideal neuron's synapse")
        for j, (name, look) in enumerate(zip(found["synapses"], looks, strict=True)):
            label = f"laser, {name} synapse"
            line = look.line(label=label, lw=0.8, elinewidth=0.6)
            axes.errorbar(found["time"], found["change"][k, j], found["error"][k, j], **line)
        axes.set_xlabel("time since the partner's spike [τ]")
        axes.set_title(signed(f"weight {weight:+.0f}"))
    panels[0].set_ylabel("change of the log-hazard [nats]\n(bars: standard error)")
    panels[0].legend()
    lettered(panels)
    return figure


@styled
def tempering() -> Figure:
    """Draw how many units are on over time, in four chains of each run; grey while they are hot."""
    found = stored.read("tempering")
    runs, units = found["runs"], int(found["units"])
    figure = blank(PAGE, 62 * MM)
    panels = figure.subplots(len(runs), 1, sharex=True)
    shades = LinearSegmentedColormap.from_list("on", ["#ffffff", LASER.colour], units + 1)
    shades.set_bad(HOT)
    end = max(found[f"window-{k}"].max() for k in range(len(runs))) + 1
    for k, (axes, title) in enumerate(zip(panels, runs, strict=True)):
        on = np.full((len(found[f"on-{k}"]), end), np.nan)
        on[:, found[f"window-{k}"]] = found[f"on-{k}"]
        box = (0, end, len(on) + 0.5, 0.5)
        shown = axes.imshow(
            on, shades, aspect="auto", extent=box, interpolation="nearest", rasterized=True
        )
        shown.set_clim(-0.5, units + 0.5)
        for row in range(1, len(on)):
            axes.axhline(row + 0.5, color="white", lw=2)
        axes.set_yticks(range(1, len(on) + 1), [f"chain {row}" for row in range(1, len(on) + 1)])
        axes.tick_params(axis="y", length=0)
        axes.set_title(f"lasers, {title}" + (" (grey: hot, no draws)" if "heated" in title else ""))
    panels[-1].set_xlabel("time [τ]")
    bar = figure.colorbar(shown, ax=panels, ticks=range(0, units + 1, 2), aspect=30)
    bar.set_label(f"units on, of {units}")
    lettered(panels)
    return figure
