"""Figures of runs and calibrations, made without pyplot and without a display.

Every function returns a Matplotlib figure, and takes a `style`. Those with one pair of axes draw on
`ax`, where that is given. Autocorrelations, traces and the like are ArviZ's, which takes
`Samples.to_arviz`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from photinus._core import validate
from photinus.calibration import Calibration
from photinus.devices import device_of
from photinus.devices.laser import Spike
from photinus.diagnostics.distance import kl_divergence
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
from photinus.faces.figures.look import COLUMN, MM, PAGE, SMALL
from photinus.faces.figures.look import DPI as DPI
from photinus.faces.figures.palette import EXACT, IDEAL, INK, LASER, MUTED, mark, marks
from photinus.samplers.samples import Samples
from photinus.spikes.trains import SpikeTrains
from photinus.units import ps, quantity, scaled

ROW = 4.4 * MM
"""Height of a unit in a raster [inch]."""
AROUND = 15 * MM
"""Height of title, ticks and name of the time axis [inch]."""
MOST_ROWS = 280
"""Units that a raster has room for, the first ones: matplotlib draws no more than 2¹⁶ pixels."""
FEW_STATES = 32
"""States up to which a joint distribution names each, on a linear scale."""
FEWEST_CHAINS = 4
"""Chains from which an error is told by how they differ."""
CUT: dict[str, Any] = {"marker": [(-0.5, -1), (0.5, 1)], "ms": 5}


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
    wave, figure = event.waveform, blank(COLUMN, 72 * MM)
    time = wave.time - event.peak_time
    near = 3 * event.width
    windows = [(max(float(time[0]), -2 * near), near), (near, float(time[-1]))]
    rows = (
        ("gain section\n[carriers]", wave.gain_carriers, INK),
        ("absorber\n[carriers]", wave.absorber_carriers, INK),
        ("light\n[photons]", wave.photons, LASER.colour),
    )
    grid = figure.subplots(len(rows), len(windows), sharex="col", sharey="row")
    for i, (name, values, colour) in enumerate(rows):
        for j, window in enumerate(windows):
            axes = bare(grid[i, j])
            axes.plot(time / ps, values, color=colour)
            axes.set_xlim(window[0] / ps, window[1] / ps)
            axes.spines["left"].set_visible(j == 0)
            # Slanted strokes where the axis is cut.
            cuts = [1.0] * (j < len(windows) - 1) + [0.0] * (j > 0)
            for cut in cuts:
                axes.plot([cut], [0], "k", transform=axes.transAxes, clip_on=False, **CUT)
        grid[i, 0].set_ylabel(name)
        grid[i, 0].yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    grid[2, 0].set_yscale("log")
    for axes in grid[:, 1:].ravel():
        axes.tick_params(which="both", left=False)
    figure.align_ylabels(grid[:, 0])
    figure.supxlabel("time from the peak [ps], axis broken", fontsize="medium")
    grid[0, 1].set_title(
        f"{event.peak_photons:,.0f} photons at the peak, {event.width / ps:.1f} ps wide", loc="right"
    )
    lettered(grid[:, 0])
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
    c = validate.instance("calibration", calibration, Calibration)
    figure = blank(COLUMN, 76 * MM)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    device, fit = device_of(c.parameters), c.logistic(c.drive)
    drive, name = device.axis(c.parameters, c.drive)
    half, _ = device.axis(c.parameters, np.array([c.midpoint]))
    bars = LASER.line(ls="none", elinewidth=0.7)
    bare(upper).errorbar(
        drive, c.activation, c.activation_error, label="measured (bars: standard error)", **bars
    )
    upper.plot(drive, fit, color=EXACT.colour, lw=0.8, label="logistic fit to 5–95 %", zorder=3)
    upper.plot([drive.min(), half[0]], [0.5, 0.5], color=MUTED, lw=0.6, ls=":")
    upper.set_ylabel(f"P(on), window τ = {quantity(c.window, 's')}")
    upper.legend(loc="lower right")
    bare(lower).axhline(0, color=EXACT.colour, lw=0.6)
    lower.errorbar(drive, c.activation - fit, c.activation_error, **bars)
    lower.set_ylabel("measured − fit")
    lower.set_xlabel(name)
    figure.align_ylabels()
    upper.set_title(plain(c.parameters.name), loc="right")
    lettered((upper, lower))
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

    Of more than `MOST_ROWS` units, the first ones are shown.

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
    end = min(windows, samples.draws) * samples.window
    start = samples.burn_in * samples.window
    tall = AROUND + ROW * min(samples.machine.n_units, MOST_ROWS)
    axes = bare(on(ax, tall, PAGE))
    draw_spikes(axes, samples.spikes, chain, samples.window, (start, start + end), samples.substrate)
    return figure_of(axes)


def draw_spikes(
    axes: Axes,
    spikes: SpikeTrains,
    chain: int,
    window: float,
    shown: tuple[float, float],
    substrate: str,
) -> None:
    """Draw the spikes of one chain between two times `shown` [s], counted from the first."""
    validate.instance("spikes", spikes, SpikeTrains)
    labels, flips, (start, end) = spikes.labels[:MOST_ROWS], spikes.gauge[:MOST_ROWS], shown
    scale, prefix = scaled(end - start)
    tau, length, colour = window / scale, (end - start) / scale, mark(substrate).colour
    mine = (spikes.chain == chain) & (spikes.unit < len(labels))
    time, unit = spikes.time[mine], spikes.unit[mine]
    for k in range(len(labels)):
        at = (time[unit == k] - start) / scale
        bars = _merged(at, tau, length)
        if flips[k]:
            bars = _gaps(bars, length)
        axes.broken_barh(bars, (k - 0.36, 0.72), facecolor=colour, alpha=0.25, lw=0)
        axes.plot(at, np.full(len(at), k), "|", color=colour, ms=6, mew=0.8)
    names = [
        f"{plain(label)} (1 − z)" if flipped else plain(label)
        for label, flipped in zip(labels, flips, strict=True)
    ]
    axes.set_xlim(0, length)
    axes.set_yticks(range(len(labels)), names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlabel(f"time [{prefix}s]")
    off = "; (1 − z): off there" if flips.any() else ""
    said = f"ticks: spikes; bars: unit on for τ = {quantity(window, 's')} after a spike{off}"
    axes.set_title(said, loc="right", fontsize=SMALL)


def _merged(starts: NDArray[np.float64], length: float, end: float) -> list[tuple[float, float]]:
    """Return as (start, length) where intervals of one length, between 0 and `end`, cover time.

    Those that overlap are one, so that no part is drawn twice.
    """
    found: list[tuple[float, float]] = []
    for start in np.sort(starts):
        first, last = max(0.0, float(start)), min(float(start) + length, end)
        if last <= first:
            continue
        if found and first <= sum(found[-1]):
            first = found.pop()[0]
        found.append((first, last - first))
    return found


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
    """Draw sampled against exact probabilities of the most likely states, the likeliest first.

    Up to 32 states are named by their bits, on a linear scale. Bars are standard errors, by how
    chains differ; there are none with fewer than four chains.

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
    order = np.argsort(-exact, kind="stable")[:most]
    few = len(exact) <= FEW_STATES
    axes = bare(on(ax, (58 if few else 52) * MM, COLUMN if few else PAGE))
    place, look = np.arange(len(order)), mark(samples.substrate)
    axes.bar(place, exact[order], color="#d5d8dc", width=0.8, label="exact")
    error = _errors(samples, order)
    label = samples.substrate + (
        "" if error is None else f" (± standard error, {samples.chains} chains)"
    )
    marks_only = look.line(ls="none", label=label)
    axes.errorbar(place, sampled[order], error, elinewidth=0.7, **marks_only)
    units = ", ".join(plain(samples.machine.labels[k]) for k in samples.free_units)
    if few:
        bits = len(samples.free_units)
        names = ["".join(str(state >> k & 1) for k in range(bits)) for state in order.tolist()]
        axes.set_xticks(place, names, rotation=90 if len(order) * bits > 30 else 0)
        axes.tick_params(axis="x", length=0)
        axes.set_xlabel(f"state ({units})")
        axes.set_ylim(0, 1.3 * float(max(exact[order].max(), sampled[order].max())))
    else:
        axes.set_yscale("log")
        axes.set_xlim(-1, len(order))
        axes.set_xticks([k for k in (0, *range(9, len(order), 10))])
        axes.xaxis.set_major_formatter(lambda at, _: f"{at + 1:.0f}")
        axes.set_xlabel(f"rank of the state, 1: likeliest (the first {len(order)} of {len(exact):,})")
    axes.set_ylabel("probability")
    axes.legend(loc="upper right")
    return figure_of(axes)


def _errors(samples: Samples, states: NDArray[np.intp]) -> NDArray[np.float64] | None:
    """Return standard errors of the probabilities of states, array (state,); None for few chains."""
    if samples.chains < FEWEST_CHAINS:
        return None
    free = samples.free_units
    index = samples.states[:, :, free] @ (np.int64(1) << np.arange(len(free), dtype=np.int64))
    parts = np.stack([(index == state).mean(axis=1) for state in states])
    return np.asarray(parts.std(axis=1, ddof=1) / np.sqrt(samples.chains))


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
    'time on the chip, per chain [s] (8 chains together)'
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
    target, times, tau = samples.machine.joint(), divergence_times(samples), samples.window
    scale, prefix = scaled(samples.draws * tau)
    floors = np.array(
        [[kl_divergence(run.free_joint(t / tau), target) for t in times] for run in exact_runs]
    )
    axes = bare(on(ax, 62 * MM))
    looks = marks(run.substrate for run in runs.values())
    for look, (name, run) in zip(looks, runs.items(), strict=True):
        curve = [kl_divergence(run.free_joint(t), target) for t in times]
        said = plain(name) if str(name).startswith(run.substrate) else f"{run.substrate}, {plain(name)}"
        axes.loglog(times / scale, curve, **look.line(label=said))
    band = (floors.min(axis=0), floors.max(axis=0))
    axes.fill_between(times / scale, *band, color=IDEAL.colour, alpha=0.25, lw=0)
    label = f"floor: ideal neurons (band: range of {len(exact_runs)} runs)"
    axes.loglog(times / scale, floors.mean(axis=0), **IDEAL.line(marker="", label=label))
    axes.set_xlabel(f"time on the chip, per chain [{prefix}s] ({samples.chains} chains together)")
    axes.set_ylabel("KL(sampled ‖ target) [nats]")
    axes.legend(loc="lower left")
    return figure_of(axes)
