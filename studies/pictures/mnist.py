"""Dreams and completions of MNIST, from stored results."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from studies.pictures import stored

from photinus.faces.figures import pictures
from photinus.faces.figures.canvas import styled
from photinus.tasks.evaluation import Mixing
from photinus.tasks.tasks import Completion
from photinus.units import ns

SHAPE = (28, 28)
DATA = "mnist"


@styled
def dream(name: str) -> Figure:
    """Draw some chains of one sampler."""
    found = stored.read(DATA)
    images, draws = found[f"dream {name}"] / 255, found[f"draws {name}"]
    interval = float(found[f"interval {name}"])
    if np.isnan(interval):
        return pictures.draw_strip(None, images, SHAPE, draws, f"draw ({name})")
    what = pictures.CHIP.format(name)
    return pictures.draw_strip(None, images, SHAPE, draws * interval / ns, what)


def completed(hidden: str) -> Figure:
    """Draw what samplers make of images of which a part is hidden."""
    found = stored.read(DATA)
    names = [n.removeprefix(f"{hidden} ") for n in found if n.startswith(f"{hidden} ")]
    truth = found[f"truth {hidden}"]
    known = np.unpackbits(found[f"known {hidden}"], axis=1, count=truth.shape[1]).astype(bool)
    return pictures.completions(
        {n: Completion(truth, known, found[f"{hidden} {n}"] / 255, SHAPE) for n in names}
    )


@styled
def histogram() -> Figure:
    """Draw how often each class was dreamt."""
    found = stored.read(DATA)
    names = [n.removeprefix("counts ") for n in found if n.startswith("counts ")]
    mixing: Any = {
        n: Mixing(found[f"counts {n}"], int(found[f"counts {n}"][0].sum()), 1.0, 0.0, 1.0, 1.0, None)
        for n in names
    }
    figure = pictures.histogram(mixing, tuple("0123456789"))
    # The page has the entropies with their errors, from all digits of the counts.
    figure.axes[0].legend(figure.axes[0].containers, names)
    return figure


def filters() -> Figure:
    """Draw the weights of the strongest hidden units, in units of the largest."""
    figure = pictures.filters(stored.read(DATA)["filters"] / 127, SHAPE)
    figure.axes[1].set_xlabel("weight from a pixel to a hidden unit, in units of the largest")
    return figure
