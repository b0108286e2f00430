"""Figures of runs and calibrations, made without pyplot and without a display.

Every function returns a Matplotlib figure, and takes a `style`. Those with one pair of axes draw on
`ax`, where that is given. Autocorrelations, traces and the like are ArviZ's, which takes
`Samples.to_arviz`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from photinus._core import validate
from photinus.calibration import Calibration
from photinus.devices.laser import Spike
from photinus.diagnostics.distance import kl_divergence
from photinus.errors import InvalidInput
from photinus.faces.figures.canvas import DPI as DPI
from photinus.faces.figures.canvas import Style, bare, blank, figure_of, named, on, plain, styled
from photinus.samplers.samples import Samples
from photinus.units import ps, quantity, scaled, uA

if TYPE_CHECKING:
    from photinus.faces.demo.posterior import Posterior

LASER, EXACT, FLOOR, ABSORBER, MUTED = "#d1495b", "#222222", "#00798c", "#edae49", "#9aa0a6"
TALLEST = 100.0
"""Inches of a raster; matplotlib draws no more than 2¹⁶ pixels."""
CUT: dict[str, Any] = {"marker": [(-0.5, -1), (0.5, 1)], "ms": 9}


@styled
def spike(event: Spike, *, style: Style = None) -> Figure:
    """Draw one spike: carriers in both sections and photons, on a broken time axis.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.devices.laser import LaserParameters, spike
    >>> figure = ph.plots.spike(spike(LaserParameters.preset("fast-absorber")))
    >>> len(figure.axes)
    6
    """
    validate.instance("event", event, Spike)
    wave, figure = event.waveform, blank(8, 5.2)
    time = wave.time - event.peak_time
    near = 3 * event.width
    windows = [(max(float(time[0]), -2 * near), near), (near, float(time[-1]))]
    rows = (
        ("gain section\n[carriers]", wave.gain_carriers, FLOOR),
        ("absorber\n[carriers]", wave.absorber_carriers, ABSORBER),
        ("photons", wave.photons, LASER),
    )
    grid = figure.subplots(len(rows), len(windows), sharex="col", sharey="row")
    for i, (name, values, colour) in enumerate(rows):
        for j, window in enumerate(windows):
            axes = bare(grid[i, j])
            axes.plot(time / ps, values, color=colour, lw=1.8)
            axes.set_xlim(window[0] / ps, window[1] / ps)
            axes.spines["left"].set_visible(j == 0)
            # Slanted strokes where the axis is cut.
            cuts = [1.0] * (j < len(windows) - 1) + [0.0] * (j > 0)
            for cut in cuts:
                axes.plot([cut], [0], "k", transform=axes.transAxes, clip_on=False, **CUT)
        grid[i, 0].set_ylabel(name)
    grid[2, 0].set_yscale("log")
    for axes in grid[:, 1:].ravel():
        axes.tick_params(which="both", left=False)
    figure.supxlabel("time from the peak [ps] (axis broken)")
    figure.suptitle(
        f"one spike: {event.peak_photons:.3g} photons at the peak, {event.width / ps:.1f} ps wide"
    )
    return figure


@styled
def activation(calibration: Calibration, *, style: Style = None) -> Figure:
    """Draw the activation curve with its logistic fit, and what is left.

    Examples
    --------
    >>> import photinus as ph
    >>> figure = ph.plots.activation(ph.Calibration.preset("fast-absorber"))
    >>> figure.savefig("activation.svg")
    """
    validate.instance("calibration", calibration, Calibration)
    figure = blank(6.4, 5)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    current = calibration.current / uA
    fit = calibration.logistic(calibration.drive)
    bare(upper).errorbar(
        current,
        calibration.activation,
        calibration.activation_error,
        fmt="o",
        ms=3.5,
        color=LASER,
        label="measured on the laser",
    )
    upper.plot(current, fit, color=EXACT, lw=1.2, label="logistic fit (5–95 %)")
    upper.axvline(calibration.half_current / uA, color=MUTED, lw=0.8, ls=":")
    upper.set_ylabel(f"P(on), window τ = {quantity(calibration.window, 's')}")
    upper.legend(frameon=False, loc="upper left")
    bare(lower).axhline(0, color=EXACT, lw=0.8)
    lower.errorbar(
        current,
        calibration.activation - fit,
        calibration.activation_error,
        fmt="o",
        ms=3,
        color=LASER,
    )
    lower.set_ylabel("residual")
    lower.set_xlabel("pump current [µA]")
    upper.set_title(f"{plain(calibration.parameters.name)}: activation curve")
    return figure


@styled
def raster(
    samples: Samples,
    chain: int = 0,
    windows: int = 40,
    *,
    ax: Axes | None = None,
    style: Style = None,
) -> Figure:
    """Draw the spikes of one chain with the unit states that follow from them.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    >>> samples = ph.sample(machine, chains=2, draws=40, seed=1)
    >>> figure = ph.plots.raster(samples, windows=20)
    >>> figure.axes[0].get_xlabel()
    'time [ns]'
    """
    validate.instance("samples", samples, Samples)
    if samples.spikes is None or samples.window is None:
        raise InvalidInput(
            f"samples must have spikes for a raster, those of {samples.substrate!r} don't"
        )
    chain = validate.integer("chain", chain, 0, samples.chains - 1)
    windows = validate.integer("windows", windows, 1)
    labels, tau = samples.machine.labels, samples.window
    start = samples.burn_in * tau
    scale, prefix = scaled(tau)
    axes = bare(on(ax, 8, min(0.9 + 0.32 * len(labels), TALLEST)))
    mine = samples.spikes.chain == chain
    time, unit = samples.spikes.time[mine], samples.spikes.unit[mine]
    end = min(windows, samples.draws) * tau / scale
    for k in range(len(labels)):
        begins = (time[unit == k] - start) / scale
        bars = [(b, tau / scale) for b in begins]
        if samples.spikes.gauge[k]:
            bars = _gaps(bars, end)
        axes.broken_barh(bars, (k - 0.36, 0.72), facecolor=LASER, alpha=0.28, lw=0)
        axes.plot(begins, np.full(len(begins), k), "|", color=LASER, ms=9, mew=1.4)
    axes.set_xlim(0, end)
    names = [
        f"{plain(label)} (1 - z)" if flipped else plain(label)
        for label, flipped in zip(labels, samples.spikes.gauge, strict=True)
    ]
    axes.set_yticks(range(len(labels)), names)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlabel(f"time [{prefix}s]")
    flips = "; off, where a laser stands for 1 - z" if samples.spikes.gauge.any() else ""
    axes.set_title(f"spikes (ticks) and unit states (bars: on for τ after a spike{flips})")
    return figure_of(axes)


def _gaps(bars: Sequence[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    """Return as (start, length) what bars that are sorted leave free between 0 and `end`."""
    free, start = [], 0.0
    for at, length in [*bars, (end, 0.0)]:
        if at > start:
            free.append((start, at - start))
        start = max(start, at + length)
    return free


@styled
def joint(samples: Samples, most: int = 64, *, ax: Axes | None = None, style: Style = None) -> Figure:
    """Draw sampled against exact probabilities of the most likely states, sorted.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    >>> figure = ph.plots.joint(ph.sample(machine, "gibbs", chains=8, draws=200, seed=1))
    >>> figure.axes[0].get_ylabel()
    'probability'
    """
    most = validate.integer("most", most, 1)
    target = validate.instance("samples", samples, Samples).target()
    exact, sampled = target.joint(), samples.free_joint()
    order = np.argsort(exact)[::-1][:most]
    axes = bare(on(ax, 8, 3.6))
    place = np.arange(len(order))
    axes.bar(place, exact[order], color=MUTED, width=0.9, label="exact")
    axes.plot(place, sampled[order], "o", ms=3.5, color=LASER, label=f"sampled ({samples.substrate})")
    axes.set_yscale("log")
    axes.set_xlabel(f"states by probability (the {len(order)} likeliest of {len(exact)})")
    axes.set_ylabel("probability")
    axes.legend(frameon=False)
    return figure_of(axes)


def divergence_times(samples: Samples, points: int = 14) -> NDArray[np.float64]:
    """Return times after burn-in, geometric from one τ to the whole run."""
    validate.instance("samples", samples, Samples)
    assert samples.window is not None
    return np.geomspace(1, samples.draws, points) * samples.window


@styled
def divergence(
    runs: Mapping[str, Samples],
    exact_runs: Sequence[Samples],
    *,
    ax: Axes | None = None,
    style: Style = None,
) -> Figure:
    """Draw KL(sampled‖target) against physical time, with what exact samplers show.

    All runs are of the same machine, as long and with as many chains as the exact ones.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> one, *others = (ph.sample(machine, "ideal", chains=8, draws=200, seed=k) for k in range(3))
    >>> figure = ph.plots.divergence({"ideal": one}, others)
    >>> figure.axes[0].get_xlabel()
    'physical time per chain [s] (8 chains together)'
    """
    named("runs", runs, Samples, "samples")
    exact_runs = validate.listed("exact_runs", exact_runs)
    if not exact_runs:
        raise InvalidInput("exact_runs must have at least 1 entry, got 0")
    for run in exact_runs:
        validate.instance("every run", run, Samples)
    samples = next(iter(runs.values()))
    if samples.window is None:
        raise InvalidInput(f"runs must be of a substrate with time, got {samples.substrate!r}")
    target = samples.machine.joint()
    times = divergence_times(samples)
    assert samples.window is not None
    scale, prefix = scaled(samples.window)
    floors = np.array(
        [
            [kl_divergence(run.free_joint(t / samples.window), target) for t in times]
            for run in exact_runs
        ]
    )
    axes = bare(on(ax, 6.4, 4.2))
    for marker, (name, run) in zip("os^v", runs.items(), strict=False):
        curve = [kl_divergence(run.free_joint(t), target) for t in times]
        axes.loglog(
            times / scale, curve, f"{marker}-", color=LASER, ms=4, label=f"lasers, {plain(name)}"
        )
    axes.fill_between(
        times / scale, floors.min(axis=0), floors.max(axis=0), color=FLOOR, alpha=0.25, lw=0
    )
    axes.loglog(
        times / scale,
        floors.mean(axis=0),
        color=FLOOR,
        label=f"floor: ideal neurons ({len(exact_runs)} runs)",
    )
    axes.set_xlabel(f"physical time per chain [{prefix}s] ({samples.chains} chains together)")
    axes.set_ylabel("KL(sampled ‖ target) [nats]")
    axes.legend(frameon=False)
    return figure_of(axes)


@styled
def posterior(results: "Sequence[Posterior]", *, style: Style = None) -> Figure:
    """Draw the posteriors of Gibbs sampling and of lasers against the exact ones.

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
    figure = blank(4.4 * len(results), 4.8)
    for axes, result in zip(np.atleast_1d(figure.subplots(1, len(results))), results, strict=True):
        bare(axes).plot([0, 1], [0, 1], color=EXACT, lw=0.8)
        axes.plot(result.exact, result.gibbs, "o", ms=5, mfc="none", color=FLOOR, label="Gibbs")
        axes.plot(result.exact, result.lasers, "o", ms=3, color=LASER, label="lasers")
        axes.set_xlabel("exact P(malignant | evidence)")
        axes.set_ylabel("sampled")
        axes.set_title(result.title, fontsize=10)
        axes.set_aspect("equal")
        axes.legend(frameon=False)
    return figure
