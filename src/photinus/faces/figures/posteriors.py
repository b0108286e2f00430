"""Posteriors of many patients, sampled against exact."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from photinus.faces.figures.canvas import Style, blank, lettered, plain, styled
from photinus.faces.figures.look import MM, PAGE, SMALL
from photinus.faces.figures.palette import GIBBS, INK, LASER, MUTED

if TYPE_CHECKING:
    from photinus.faces.demo.posterior import Posterior

TALL = 92 * MM
ALIKE = 1e-9
"""Exact probabilities that are so close are of the same evidence."""
WAYS = {"gibbs": ("Gibbs sampling", GIBBS), "lasers": ("lasers", LASER)}


@styled
def posterior(results: "Sequence[Posterior]", *, style: Style = None) -> Figure:
    """Draw the posteriors of Gibbs sampling and of lasers against the exact ones.

    Patients with the same evidence have one exact probability: one mark stands for them, larger for
    more of them. Below is the difference, with what independent draws would show.

    Examples
    --------
    >>> import numpy as np
    >>> import photinus as ph
    >>> from photinus.faces.demo.posterior import Posterior
    >>> exact = np.array([0.1, 0.5, 0.9])
    >>> found = Posterior(
    ...     title="three patients",
    ...     evidence=("radius",),
    ...     truth=exact > 0.5,
    ...     exact=exact,
    ...     gibbs=exact,
    ...     lasers=exact - 0.01,
    ...     draws=100,
    ...     chip_time=1e-7,
    ... )
    >>> figure = ph.plots.posterior([found])
    """
    figure = blank(PAGE, TALL)
    lettered(draw_posteriors(figure, results))
    return figure


def draw_posteriors(figure: Figure | SubFigure, results: "Sequence[Posterior]") -> list[Axes]:
    """Draw posteriors on a figure or a part of one, and return the upper panels."""
    grid = figure.subplots(2, len(results), sharex=True, squeeze=False, height_ratios=[5, 3])
    for (upper, lower), result in zip(grid.T, results, strict=True):
        groups = _groups(result.exact)
        upper.plot([0, 1], [0, 1], color=INK, lw=0.6, zorder=0)
        p = np.linspace(0, 1, 101)
        noise = 2 * np.sqrt(p * (1 - p) / result.draws)
        lower.fill_between(p, -noise, noise, color=MUTED, alpha=0.3, lw=0)
        for way in WAYS:
            _draw(upper, lower, way, result, groups)
        upper.set_title(plain(result.title))
        lower.set_xlabel("exact P(malignant | evidence)")
        lower.axhline(0, color=INK, lw=0.6, zorder=0)
        largest = max(abs(edge) for edge in lower.get_ylim())
        lower.set_ylim(-largest, largest)
    grid[0, 0].set_ylabel("sampled P(malignant | evidence)")
    grid[1, 0].set_ylabel("sampled − exact")
    grid[0, 0].legend(loc="upper left", title="area of a mark: patients", title_fontsize=SMALL)
    note = "band: ±2 standard errors of independent draws\nbars: ±1 standard deviation of patients"
    grid[1, 0].set_title(note, loc="left", fontsize=SMALL)
    return list(grid[0])


def _groups(exact: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Return which patients have the same exact probability, group by group."""
    order = np.argsort(exact, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(exact[order]) > ALIKE) + 1)


def _draw(
    upper: Axes, lower: Axes, way: str, result: "Posterior", groups: list[NDArray[np.intp]]
) -> None:
    """Draw what one way found: a mark for each group of patients."""
    name, look = WAYS[way]
    values = getattr(result, way)
    exact = np.array([result.exact[group[0]] for group in groups])
    mean = np.array([values[group].mean() for group in groups])
    spread = [values[group].std(ddof=1) if len(group) > 1 else 0.0 for group in groups]
    area = np.array([4.0 + 1.5 * len(group) for group in groups])
    face = look.colour if look.filled else "none"
    settings: dict[str, Any] = {
        "marker": look.marker,
        "facecolors": face,
        "edgecolors": look.colour,
        "lw": 0.7,
    }
    upper.scatter(exact, mean, s=area, label=name, **settings)
    lower.errorbar(exact, mean - exact, spread, fmt="none", ecolor=look.colour, elinewidth=0.6)
    lower.scatter(exact, mean - exact, s=area, **settings)
