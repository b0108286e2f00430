"""Pictures of what learned machines make: dream strips, completions, filters, animations."""

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus.errors import InvalidInput
from photinus.faces.figures.canvas import Style, bare, blank, figure_of, named, on, plain, styled
from photinus.faces.figures.plots import EXACT, FLOOR, LASER
from photinus.tasks.evaluation import Mixing
from photinus.tasks.results import Completion, Dream
from photinus.units import ns

PER_STRIP = 16
"""Images in a strip."""
FRAME_MS = 60
"""Time for which an animation shows a draw [ms]."""


def _mosaic(images: NDArray[np.float64], shape: tuple[int, int], gap: int = 1) -> NDArray[np.float64]:
    """Return images (row, column, pixel) side by side, with gaps of middle grey."""
    rows, columns = images.shape[:2]
    height, width = shape
    whole = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), 0.35)
    for i in range(rows):
        for j in range(columns):
            top, left = i * (height + gap), j * (width + gap)
            whole[top : top + height, left : left + width] = images[i, j].reshape(shape)
    return whole


@styled
def strip(
    dream: Dream,
    *,
    chains: int = 6,
    columns: int = PER_STRIP,
    ax: Axes | None = None,
    style: Style = None,
) -> Figure:
    """Draw evenly spaced images of some chains, with the physical time under them.

    Examples
    --------
    >>> import numpy as np
    >>> import photinus as ph
    >>> from photinus.learning import BoltzmannEstimator
    >>> from photinus.tasks import dream
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> machine = BoltzmannEstimator((3,), epochs=10, seed=0).fit(images).machine()
    >>> figure = ph.plots.strip(dream(machine, "gibbs", draws=30, seed=1))
    """
    validate.instance("dream", dream, Dream)
    chains = min(validate.integer("chains", chains, 1), dream.smooth.shape[0])
    draws = dream.smooth.shape[1]
    chosen = np.unique(np.linspace(0, draws - 1, min(columns, draws)).astype(int))
    images = dream.smooth[:chains][:, chosen].astype(np.float64)
    height, width = dream.shape
    axes = on(ax, 10, 10 * chains * (height + 1) / (len(chosen) * (width + 1)) + 0.9)
    axes.imshow(_mosaic(images, dream.shape), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks((np.arange(len(chosen)) + 0.5) * (width + 1) - 1)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    if dream.interval is None:
        axes.set_xticklabels([str(k) for k in chosen])
        axes.set_xlabel(f"draw; a row is a chain on {dream.samples.substrate!r}")
    else:
        axes.set_xticklabels([f"{k * dream.interval / ns:.0f}" for k in chosen])
        axes.set_xlabel(f"time on the chip [ns]; a row is a chain on {dream.samples.substrate!r}")
    return figure_of(axes)


@styled
def completions(
    found: Mapping[str, Completion],
    *,
    images: int = 12,
    ax: Axes | None = None,
    style: Style = None,
) -> Figure:
    """Draw truth, what was known, and what each sampler (name → result) made of it.

    Examples
    --------
    >>> import numpy as np
    >>> import photinus as ph
    >>> from photinus.learning import BoltzmannEstimator
    >>> from photinus.tasks import complete, mask
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> machine = BoltzmannEstimator((3,), epochs=10, seed=0).fit(images).machine()
    >>> found = complete(machine, images[:2], mask((2, 2), "half"), "gibbs", draws=30, seed=1)
    >>> figure = ph.plots.completions({"gibbs": found})
    """
    first = next(iter(named("found", found, Completion, "completion").values()))
    n = min(validate.integer("images", images, 1), len(first.truth))
    truth = first.truth[:n].astype(np.float64)
    known = np.where(first.known[:n], truth, 0.35)
    rows = np.stack([truth, known, *(each.mean[:n] for each in found.values())])
    height, width = first.shape
    axes = on(ax, 10, 10 * len(rows) * (height + 1) / (n * (width + 1)) + 0.3)
    axes.imshow(_mosaic(rows, first.shape), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks(
        (np.arange(len(rows)) + 0.5) * (height + 1) - 1, ["truth", "known", *map(plain, found)]
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure_of(axes)


@styled
def filters(
    weights: NDArray[np.float64],
    shape: tuple[int, int],
    *,
    most: int = 64,
    ax: Axes | None = None,
    style: Style = None,
) -> Figure:
    """Draw the weights of the strongest hidden units onto the pixels, array (pixel, hidden).

    Examples
    --------
    >>> import numpy as np
    >>> import photinus as ph
    >>> weights = np.random.default_rng(1).normal(size=(64, 9))
    >>> figure = ph.plots.filters(weights, (8, 8))
    """
    weights = validate.finite_array("weights", weights, 2)
    most = validate.integer("most", most, 1)
    if 0 in weights.shape or len(weights) != math.prod(shape):
        raise InvalidInput(
            f"weights must have shape (pixel, hidden) with {math.prod(shape)} pixels, "
            f"got {weights.shape}"
        )
    strongest = np.argsort(-np.linalg.norm(weights, axis=0))[:most]
    columns = min(16, len(strongest))
    strongest = strongest[: len(strongest) // columns * columns]
    images = weights[:, strongest].T.reshape(-1, columns, weights.shape[0])
    scale = float(np.abs(images).max()) or 1.0
    axes = on(ax, 10, 10 * len(images) / columns * shape[0] / shape[1] + 0.3)
    axes.imshow(_mosaic(images / (2 * scale) + 0.5, shape), cmap="RdBu_r", vmin=0, vmax=1)
    axes.set_axis_off()
    return figure_of(axes)


@styled
def histogram(
    found: Mapping[str, Mixing],
    names: tuple[str, ...],
    *,
    ax: Axes | None = None,
    style: Style = None,
) -> Figure:
    """Draw how often each class was dreamt, sampler beside sampler (name → mixing).

    Examples
    --------
    >>> import numpy as np
    >>> import photinus as ph
    >>> from photinus.learning import BoltzmannEstimator
    >>> from photinus.tasks import dream, evaluation
    >>> from sklearn.linear_model import LogisticRegression
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> judge = LogisticRegression().fit(images, [0, 1] * 20)
    >>> model = BoltzmannEstimator((3,), batch_size=8, epochs=60, learning_rate=0.3, seed=0)
    >>> model = model.fit(images, [0, 1] * 20)
    >>> found = dream(model.machine(), "gibbs", draws=50, seed=1)
    >>> mixing = evaluation.mixing(found, judge)
    >>> figure = ph.plots.histogram({"gibbs": mixing}, found.names)
    """
    named("found", found, Mixing, "mixing")
    axes = bare(on(ax, 7, 3.2))
    width = 0.8 / len(found)
    colours = (LASER, EXACT, FLOOR)
    for k, (name, each) in enumerate(found.items()):
        where = np.arange(len(each.histogram)) + (k - (len(found) - 1) / 2) * width
        label = f"{plain(name)} (entropy {each.entropy:.2f} nats)"
        axes.bar(where, each.histogram, width, label=label, color=colours[k % len(colours)])
    axes.set_xticks(np.arange(len(names)), [plain(name) for name in names])
    axes.set_xlabel("class, by an independent classifier")
    axes.set_ylabel("part of the draws")
    axes.legend(frameon=False)
    return figure_of(axes)


@styled
def energies(
    found: Mapping[str, NDArray[np.float64]],
    *,
    interval: float | None = None,
    ax: Axes | None = None,
    style: Style = None,
) -> Figure:
    """Draw the energy of a chain, array (draw,), sampler by sampler (name → energies).

    Over the draws, or over time where the `interval` between draws [s] is given.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> samples = ph.sample(machine, "gibbs", chains=2, draws=50, seed=1)
    >>> figure = ph.plots.energies({"gibbs": machine.energy(samples.states[0])})
    >>> figure.axes[0].get_ylabel()
    'energy'
    """
    named("found", found, object, "energies")
    axes = bare(on(ax, 8, 3))
    for (name, given), colour in zip(found.items(), cycle((LASER, EXACT, FLOOR))):
        energy = validate.finite_array("every entry of found", given, 1)
        place = np.arange(len(energy)) * (1 if interval is None else interval / ns)
        axes.plot(place, energy, lw=0.8, label=name, color=colour)
    axes.set_xlabel("draw" if interval is None else "time on the chip [ns]")
    axes.set_ylabel("energy")
    axes.legend(frameon=False)
    return figure_of(axes)


@styled
def learning_curves(history: Sequence[Mapping[str, float]], *, style: Style = None) -> Figure:
    """Draw what learning tells about itself, epoch by epoch (`BoltzmannEstimator.history_`).

    Examples
    --------
    >>> import numpy as np
    >>> import photinus as ph
    >>> from photinus.learning import BoltzmannEstimator
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> model = BoltzmannEstimator((3,), epochs=10, seed=0).fit(images)
    >>> figure = ph.plots.learning_curves(model.history_)
    >>> figure.axes[0].get_xlabel()
    'epoch'
    """
    shown = {
        "pseudo_likelihood": "pseudo-likelihood [nats]",
        "validation": "of the images held back [nats]",
        "reconstruction": "pixels reconstructed wrongly",
        "weight_norm": "norm of the weights",
    }
    known = [key for key in shown if key in history[0] and not np.isnan(history[0][key])]
    figure = blank(3.2 * len(known), 2.6)
    epochs = [entry["epoch"] for entry in history]
    for axes, key in zip(np.atleast_1d(figure.subplots(1, len(known))), known, strict=True):
        bare(axes).plot(epochs, [entry[key] for entry in history], color=LASER)
        axes.set_xlabel("epoch")
        axes.set_title(shown[key], fontsize=9)
    return figure


def animation(dream: Dream, *, chains: int = 8, frames: int = 120) -> bytes:
    """Return an animated GIF of some chains side by side, evenly spaced draws, as bytes."""
    validate.instance("dream", dream, Dream)
    import io

    from PIL import Image

    chains = min(validate.integer("chains", chains, 1), dream.smooth.shape[0])
    draws = dream.smooth.shape[1]
    chosen = np.unique(np.linspace(0, draws - 1, min(validate.integer("frames", frames, 1), draws)))
    columns = int(np.ceil(chains / max(1, round(chains**0.5 / 1.5))))
    rows = int(np.ceil(chains / columns))
    pictures = []
    for draw in chosen.astype(int):
        images = np.zeros((rows * columns, dream.smooth.shape[2]))
        images[:chains] = dream.smooth[:chains, draw]
        whole = _mosaic(images.reshape(rows, columns, -1), dream.shape)
        scale = max(1, 480 // whole.shape[1])
        grey = np.kron(np.round(255 * whole).astype(np.uint8), np.ones((scale, scale), np.uint8))
        pictures.append(Image.fromarray(grey))
    buffer = io.BytesIO()
    pictures[0].save(
        buffer, "GIF", save_all=True, append_images=pictures[1:], duration=FRAME_MS, loop=0
    )
    return buffer.getvalue()


def animate(dream: Dream, path: str | Path, *, chains: int = 8, frames: int = 120) -> None:
    """Write an `animation` to a file.

    Raises
    ------
    InvalidInput
        If the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> import photinus as ph
    >>> from photinus.learning import BoltzmannEstimator
    >>> from photinus.tasks import dream
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> machine = BoltzmannEstimator((3,), epochs=10, seed=0).fit(images).machine()
    >>> ph.plots.animate(dream(machine, "gibbs", draws=30, seed=1), "dream.gif")
    """
    validate.instance("dream", dream, Dream)
    files.write_bytes(path, animation(dream, chains=chains, frames=frames))
