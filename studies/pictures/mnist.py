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


def histogram() -> Figure:
    """Draw how often each class was dreamt."""
    found = stored.read(DATA)
    names = [n.removeprefix("counts ") for n in found if n.startswith("counts ")]
    mixing: Any = {
        n: Mixing(found[f"counts {n}"], int(found[f"counts {n}"][0].sum()), 1.0, 0.0, 1.0, 1.0, None)
        for n in names
    }
    return pictures.histogram(mixing, tuple("0123456789"))


def energies() -> Figure:
    """Draw the energy of the first chain of each sampler."""
    found = stored.read(DATA)
    names = [n.removeprefix("energy ") for n in found if n.startswith("energy ")]
    return pictures.energies({n: found[f"energy {n}"].astype(np.float64) for n in names})


def filters() -> Figure:
    """Draw the weights of the strongest hidden units."""
    found = stored.read(DATA)
    scale = float(found["filters_scale"])
    return pictures.filters(found["filters"].astype(np.float64) * scale, SHAPE)
