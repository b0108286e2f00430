"""Pictures of what learned machines make: dream strips, completions, filters, animations."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus.errors import InvalidInput
from photinus.faces.figures.canvas import (
    Style,
    bare,
    blank,
    figure_of,
    lettered,
    named,
    on,
    plain,
    styled,
)
from photinus.faces.figures.look import COLUMN, MM, PAGE
from photinus.faces.figures.palette import INK, LASER, marks
from photinus.tasks.evaluation import Mixing
from photinus.tasks.results import Completion, Dream
from photinus.units import ns

PER_STRIP = 16
"""Images in a strip."""
FRAME_MS = 60
"""Time for which an animation shows a draw [ms]."""
NAMES = 24 * MM
"""Width that the names of rows take [inch]."""
HIDDEN = (0.55, 0.83, 0.95)
"""Colour of pixels that are hidden: no grey, which would be a probability."""
HATCHES = ("", "////", "....", "xxxx")


def _mosaic(images: NDArray[np.float64], shape: tuple[int, int], gap: int = 1) -> NDArray[np.float64]:
    """Return images (row, column, pixel) side by side, with gaps of nan between."""
    rows, columns = images.shape[:2]
    height, width = shape
    whole = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for i in range(rows):
        for j in range(columns):
            top, left = i * (height + gap), j * (width + gap)
            whole[top : top + height, left : left + width] = images[i, j].reshape(shape)
    return whole


def _inked(mosaic: NDArray[np.float64], hidden: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Return a mosaic in colours, array (y, x, 3): dark ink on white paper, pale grey gaps."""
    colours = np.repeat(1 - np.nan_to_num(mosaic, nan=0.12)[..., None], 3, axis=2)
    if hidden is not None:
        colours[hidden] = HIDDEN
    return colours


def _tiled(ax: Axes | None, rows: int, columns: int, shape: tuple[int, int], below: float) -> Axes:
    """Return axes that fit rows of images and their names, with a height `below` them [inch]."""
    height, width = shape
    tall = (PAGE - NAMES) * rows * (height + 1) / (columns * (width + 1))
    axes = on(ax, tall + below, PAGE)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return axes


def _middles(count: int, size: int) -> NDArray[np.float64]:
    """Return where the middles of images with gaps are, in pixels of a mosaic."""
    return np.asarray((np.arange(count) + 0.5) * (size + 1) - 1, np.float64)


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
    columns = min(validate.integer("columns", columns, 1), draws)
    chosen = np.unique(np.linspace(0, draws - 1, columns).astype(int))
    images = dream.smooth[:chains][:, chosen].astype(np.float64)
    substrate = plain(dream.samples.substrate)
    if dream.interval is None:
        return draw_strip(ax, images, dream.shape, chosen, f"draw ({substrate})")
    return draw_strip(ax, images, dream.shape, chosen * dream.interval / ns, CHIP.format(substrate))


CHIP = "time on the chip [ns] ({})"


def draw_strip(
    ax: Axes | None,
    images: NDArray[np.float64],
    shape: tuple[int, int],
    places: NDArray[np.float64],
    what: str,
) -> Figure:
    """Draw images, array (chain, column, pixel), with the number of each column and what it says."""
    chains, columns = images.shape[:2]
    axes = _tiled(ax, chains, columns, shape, 9 * MM)
    axes.imshow(_inked(_mosaic(images, shape)), interpolation="nearest")
    axes.set_yticks(_middles(chains, shape[0]), [f"chain {k + 1}" for k in range(chains)])
    axes.set_xticks(_middles(columns, shape[1]), [f"{place:,.0f}" for place in places])
    axes.set_xlabel(what)
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
    rows = np.stack([truth, truth, *(each.mean[:n] for each in found.values())])
    hidden = np.zeros(rows.shape)
    hidden[1] = ~np.broadcast_to(first.known[:n], truth.shape)
    axes = _tiled(ax, len(rows), n, first.shape, 2 * MM)
    covered = np.nan_to_num(_mosaic(hidden, first.shape)) > 0
    axes.imshow(_inked(_mosaic(rows, first.shape), covered), interpolation="nearest")
    axes.set_xticks([])
    names = ["truth", "known\n(blue: hidden)", *map(plain, found)]
    axes.set_yticks(_middles(len(rows), first.shape[0]), names)
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
    axes = _tiled(ax, len(images), columns, shape, 12 * MM)
    scale = float(np.abs(images).max()) or 1.0
    shown = axes.imshow(
        _mosaic(images, shape), cmap="RdBu_r", vmin=-scale, vmax=scale, interpolation="nearest"
    )
    axes.set_xticks([])
    axes.set_yticks([])
    bar = figure_of(axes).colorbar(shown, ax=axes, location="bottom", aspect=45, pad=0.03, shrink=0.5)
    bar.set_label("weight from a pixel to a hidden unit [nats]")
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
    axes = bare(on(ax, 58 * MM, PAGE))
    axes.set_ylabel("part of the draws")
    width = 0.8 / len(found)
    for k, (look, (name, each)) in enumerate(zip(marks(found), found.items(), strict=True)):
        where = np.arange(len(each.histogram)) + (k - (len(found) - 1) / 2) * width
        label = f"{plain(name)} (entropy {each.entropy:.2f} nats)"
        error = _error_of_classes(each)
        face = look.colour if look.filled else "white"
        hatch = HATCHES[k % len(HATCHES)]
        bars: dict[str, Any] = {"facecolor": face, "edgecolor": look.colour, "lw": 0.6, "hatch": hatch}
        axes.bar(where, each.histogram, width * 0.9, label=label, **bars)
        if error is not None:
            axes.errorbar(where, each.histogram, error, fmt="none", ecolor=INK, elinewidth=0.6)
            axes.set_ylabel("part of the draws\n(bars: standard error over chains)")
    axes.set_xticks(np.arange(len(names)), [plain(name) for name in names])
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("class, by an independent classifier")
    axes.set_ylim(0)
    axes.legend()
    return figure_of(axes)


def _error_of_classes(mixing: Mixing) -> NDArray[np.float64] | None:
    """Return the standard error of the part of each class, by how chains differ."""
    counts = np.asarray(mixing.counts, np.float64)
    if len(counts) < 2 or not counts.sum(axis=1).all():
        return None
    parts = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(parts.std(axis=0, ddof=1) / np.sqrt(len(parts)))


@styled
def energies(
    found: Mapping[str, NDArray[np.float64]],
    *,
    interval: float | None = None,
    ax: Axes | None = None,
    style: Style = None,
) -> Figure:
    """Draw the energy of a chain, array (draw,), sampler by sampler (name → energies).

    Over the draws, or over time where the `interval` between draws [s] is given. Pale lines are the
    energies, the others their mean over a fortieth of the run.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> samples = ph.sample(machine, "gibbs", chains=2, draws=50, seed=1)
    >>> figure = ph.plots.energies({"gibbs": machine.energy(samples.states[0])})
    >>> figure.axes[0].get_ylabel()
    'energy of one chain [nats]'
    """
    named("found", found, object, "energies")
    axes = bare(on(ax, 55 * MM, PAGE))
    for look, (name, given) in zip(marks(found), found.items(), strict=True):
        energy = validate.finite_array("every entry of found", given, 1)
        place = np.arange(len(energy)) * (1 if interval is None else interval / ns)
        near = max(1, len(energy) // 40)
        label = f"{plain(name)}, mean over {near} draws" if near > 1 else plain(name)
        axes.plot(place, energy, lw=0.3, alpha=0.35 if near > 1 else 0.0, color=look.colour)
        smooth = np.convolve(energy, np.ones(near) / near, "valid")
        middle = place[(near - 1) // 2 :][: len(smooth)]
        axes.plot(middle, smooth, ls=look.dash, lw=1.2, color=look.colour, label=label)
    axes.set_xlabel("draw" if interval is None else "time on the chip [ns]")
    axes.set_ylabel("energy of one chain [nats]")
    axes.legend(ncols=len(found))
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
        "reconstruction": "part of the pixels\nreconstructed wrongly",
        "weight_norm": "norm of the weights [nats]",
    }
    known = [key for key in shown if key in history[0] and not np.isnan(history[0][key])]
    figure = blank(PAGE if len(known) > 2 else COLUMN, 48 * MM)
    epochs = [entry["epoch"] for entry in history]
    panels = figure.subplots(1, len(known), squeeze=False)[0]
    for axes, key in zip(panels, known, strict=True):
        bare(axes).plot(epochs, [entry[key] for entry in history], color=LASER.colour)
        axes.set_xlabel("epoch")
        axes.set_ylabel(shown[key])
    lettered(panels)
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
        whole = np.nan_to_num(_mosaic(images.reshape(rows, columns, -1), dream.shape), nan=0.35)
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
