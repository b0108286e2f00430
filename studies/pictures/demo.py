"""README's picture, and the digits that lasers dream."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from studies.pictures import stored

from photinus.faces.figures.canvas import bare, blank, lettered, styled
from photinus.faces.figures.look import PAGE
from photinus.faces.figures.pictures import CHIP, draw_strip
from photinus.faces.figures.plots import AROUND, ROW, draw_spikes
from photinus.faces.figures.posteriors import TALL, draw_posteriors
from photinus.spikes.trains import SpikeTrains
from photinus.units import ns

WAYS = ("exact", "gibbs", "lasers")


@styled
def readme() -> Figure:
    """Draw spikes of nine lasers above the posteriors that lasers compute."""
    found = stored.read("demo")
    labels, window = tuple(found["labels"].tolist()), float(found["window"])
    tall = AROUND + ROW * len(labels)
    figure = blank(PAGE, tall + TALL)
    upper, lower = figure.subfigures(2, 1, height_ratios=[tall, TALL])
    axes = bare(upper.subplots())
    draw_spikes(axes, _spikes(found, labels), 0, window, (0.0, 40 * window), "laser")
    results: Any = [
        SimpleNamespace(title=title, draws=draws, **{way: found[way][k] for way in WAYS})
        for k, (title, draws) in enumerate(zip(found["titles"], found["draws"], strict=True))
    ]
    lettered([axes, *draw_posteriors(lower, results)])
    return figure


def _spikes(found: dict[str, Any], labels: tuple[str, ...]) -> SpikeTrains:
    """Return the stored spikes of one chain."""
    time = found["time"].astype(np.float64)
    return SpikeTrains(
        chain=np.zeros(len(time), np.int32),
        unit=found["unit"].astype(np.int32),
        time=time,
        labels=labels,
        chains=1,
        start=float(time.min()),
        stop=float(time.max()),
        gauge=found["gauge"],
    )


@styled
def dream() -> Figure:
    """Draw the digits of some chains over the time on the chip."""
    found = stored.read("demo")
    times = found["dream_draws"] * float(found["dream_interval"]) / ns
    shape = (int(found["dream_shape"][0]), int(found["dream_shape"][1]))
    return draw_strip(None, found["dream"] / 255, shape, times, CHIP.format("laser"))
