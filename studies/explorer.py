"""Which laser samples best: the front of samples per second against energy, and its report.

`photinus.faces.explorer` searches; its description says how. Presets and the front of a former search
are looked at first. Needs the extra "explore". From the root of the repository::

    python -m studies.explorer --devices 200     # goes on until there are so many
    python -m studies.explorer --confirm 6       # then measures the best again, at length

The presets and those on the front are measured again with full calibrations, other machines and other
seeds; what is said of a better default rests on that. Writes docs/results/explorer.md
and docs/images/explorer.png. Beside the results lie calibrations of the devices measured again, and a
map of what was found.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator
from studies.pages import DOCS, write_page
from studies.pictures.chips import explorer

from photinus import LaserParameters
from photinus._core import files
from photinus.errors import PhotinusError
from photinus.faces.explorer import Found, explore
from photinus.faces.explorer.measuring import CONFIRMED, SEARCH, UNITS, beats
from photinus.faces.explorer.search import (
    DELAY,
    GOOD,
    RANDOM_TRIALS,
    SYNAPSES,
    finished,
    front,
    measured,
    name_of,
    straightest,
)
from photinus.faces.explorer.space import SPACE, laser_of
from photinus.faces.figures.canvas import blank, lettered, styled
from photinus.faces.figures.look import MM, PAGE
from photinus.faces.figures.palette import MUTED
from photinus.hardware import Chip
from photinus.units import ns, ps

if TYPE_CHECKING:
    import optuna

ROOT = Path(__file__).resolve().parents[1]
MEASURED_FIRST = ("fast-absorber", "slow-absorber", "high-beta")
"""Presets within that space."""
FORMER = {
    "former 210": (1.1 * ps, 1.2 * ns, 5.8 * ps, 0.4, 0.1, 0.083, 1.7, 0.016),
    "former 31": (2.3 * ps, 0.37 * ns, 6.1 * ps, 2.6, 0.14, 0.08, 1.0, 0.055),
    "former 219": (2.9 * ps, 2.3 * ns, 6.5 * ps, 0.38, 0.14, 0.097, 1.9, 0.038),
    "former 142": (8.8 * ps, 0.25 * ns, 34 * ps, 3.9, 1.2, 0.078, 0.79, 0.0052),
}
"""Front of a search for speed, energy and KL alone, in the order of `SPACE`, rounded."""
ROW = "| {} | {:.3g} | {:.3g} | {:.2g} | {:.2g} | {:.2g} | {:.2g} | {:.2g} % | {} |"


def _row(trial: Any) -> str:
    notes, x = trial.user_attrs, trial.params
    device = (
        f"τ_ph {x['photon_lifetime'] / ps:.2g} ps, τ_g {x['gain_lifetime'] / ns:.2g} ns, "
        f"τ_a {x['absorber_lifetime'] / ps:.2g} ps, B {x['absorption']:.2g}, "
        f"a {x['saturation_ratio']:.2g}, β {x['spontaneous_emission']:.2g}, "
        f"transparency {x['transparency']:.2g}, noise {x['pump_noise']:.2g}"
    )
    name = name_of(trial)
    rate, energy, *others = trial.values
    return ROW.format(
        name, rate * 1e-6, energy * 1e15, *others, notes["window"] / ns, 100 * notes["slope"], device
    )


def verdict(confirmed: Mapping[str, Found]) -> list[str]:
    """Return the devices measured again as a table, and which beat the default one."""
    lines = [
        "## Measured again",
        "",
        f"Full calibrations, {len(CONFIRMED.machines)} machines that the search has not seen, "
        f"{CONFIRMED.chains} chains × {CONFIRMED.draws} draws; ± standard error over the machines.",
        "",
        "| device | 10⁶ effective samples/s | fJ each | KL [nats] |",
        "|---|---|---|---|",
    ]
    for name, found in confirmed.items():
        cells = [
            f"{scale * mean:.3g} ± {scale * error:.1g}"
            for scale, mean, error in zip((1e-6, 1e15, 1), found.means(), found.errors(), strict=True)
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    default = confirmed.get("fast-absorber")
    if default is not None:
        better = [
            name for name, found in confirmed.items() if found is not default and beats(found, default)
        ]
        lines += [
            "",
            "These are better than `fast-absorber` in rate and energy and no worse in KL: "
            f"{', '.join(better) or 'none'}. Each is judged by two standard errors of its ratio, "
            "machine by machine. The preset `high-beta` is one of the fast devices in round numbers. "
            "All this is without synaptic delay, which costs fast devices more.",
        ]
    return [*lines, ""]


def sizes(windows: Mapping[str, float]) -> list[str]:
    """Return how large a chip each device may be used on, given their windows τ [s]."""
    lines = [
        "## How large a chip may be",
        "",
        "Lasers coupled all to all for which delay at most doubles the KL of translated machines, at "
        "the device's own τ. [Delays](delays.md) tells the method. Weights are published rings of "
        "80 × 45 µm². Devices that were not measured there have the strictest limit that was.",
        "",
        "| device | τ [ns] | 10 ps latency | no latency |",
        "|---|---|---|---|",
    ]
    for name, window in windows.items():
        cells = [
            str(Chip(lasers=2, latency=latency).most_lasers(window, name) or "none")
            for latency in (10 * ps, 0.0)
        ]
        lines.append(f"| {name} | {window / ns:.2g} | {' | '.join(cells)} |")
    return [*lines, ""]


FRONT = "![Energy against rate of presets and of devices that the search found](../images/explorer.png)"
"""Pictures at the end of the page."""


def page(study: "optuna.Study", synapse: str, confirmed: Mapping[str, Found]) -> str:
    """Return the report as markdown."""
    trials, sampling = finished(study), measured(study)
    good = [t for t in sampling if t.values[2] <= GOOD]
    excitable = sum("excitable" in t.user_attrs for t in trials)
    presets = {name_of(t): t for t in sampling if name_of(t) in MEASURED_FIRST}
    head = (
        "| device | 10⁶ effective samples/s | fJ each | KL [nats] | bend | KL at 10 ps "
        "| τ [ns] | α/x½ | parameters |"
    )
    lines = [
        "# Which laser samples best",
        "",
        f"Written by `python -m studies.explorer` (synapse: {synapse}). `photinus.faces.explorer` "
        "tells the method, and what the energy counts.",
        "",
        f"Of {len(trials)} devices {excitable} are excitable. {len(sampling)} were calibrated and "
        f"measured, and {len(good)} of these have a mean KL of at most {GOOD} nats. Each sampled from "
        f"{len(SEARCH.machines)} random machines of {UNITS} units, translated, with {SEARCH.chains} "
        f"chains × {SEARCH.draws} draws. Rates are for one chain. They are at most 1/τ, since a draw "
        "counts once at most.",
        "",
        "## Presets",
        "",
        head,
        "|---|---|---|---|---|---|---|---|---|",
        *[_row(trial) for trial in presets.values()],
        "",
        f"## Front of devices with KL up to {GOOD} nats",
        "",
        head,
        "|---|---|---|---|---|---|---|---|---|",
        *[_row(trial) for trial in front(good)],
        "",
        "## Straight, and little troubled by delay",
        "",
        "Devices with that KL that no other beats in all five aims, the straightest first. *Bend* is "
        "how far the log-odds are from a straight line over ±5, as `photinus.calibration.straight` "
        f"measures it. The last KL is with a synaptic delay of {DELAY / ps:.0f} ps.",
        "",
        head,
        "|---|---|---|---|---|---|---|---|---|",
        *[_row(trial) for trial in straightest(study)],
        "",
    ]
    if confirmed:
        lines += verdict(confirmed)
    named = {**presets, **{name_of(trial): trial for trial in front(good)}}
    lines += sizes({name: trial.user_attrs["window"] for name, trial in named.items()})
    lines += [FRONT, ""]
    return "\n".join(lines)


MAPS: tuple[tuple[str, Callable[[Any], float]], ...] = (
    ("log10 KL [nats]", lambda t: np.log10(t.values[2])),
    ("τ [ns]", lambda t: t.user_attrs["window"] / ns),
    ("α/x½ [%]", lambda t: 100 * t.user_attrs["slope"]),
    ("log10 fJ per effective sample", lambda t: np.log10(t.values[1] * 1e15)),
)
PLANES = (("absorption", "saturation_ratio"), ("spontaneous_emission", "gain_lifetime"))


def _logarithmic(axes: Any) -> None:
    """Make both scales logarithmic, with plain numbers at 1, 2 and 5 of each decade."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FormatStrFormatter("%g"))
        axis.set_minor_locator(NullLocator())


@styled
def draw_maps(study: "optuna.Study") -> Figure:
    """Draw what was found over two planes of the space; small grey dots do not sample at all."""
    figure = blank(PAGE, 88 * MM)
    panels = figure.subplots(len(PLANES), len(MAPS), sharex="row", sharey="row")
    sampling = measured(study)
    others = [t for t in finished(study) if "why_not" in t.user_attrs]
    for row, (across, up) in zip(panels, PLANES, strict=True):
        unit = {"gain_lifetime": ns}.get(up, 1.0)
        for axes, (title, value) in zip(row, MAPS, strict=True):
            at = [
                ([t.params[across] for t in s], [t.params[up] / unit for t in s])
                for s in (others, sampling)
            ]
            axes.plot(*at[0], ".", color=MUTED, ms=1.5)
            shown = axes.scatter(*at[1], c=[value(t) for t in sampling], s=6)
            figure.colorbar(shown, ax=axes, location="top", label=title)
            _logarithmic(axes)
            axes.set_xlabel(across.replace("_", " "))
        row[0].set_ylabel(up.replace("_", " ") + (" [ns]" if unit == ns else ""))
    lettered(panels.ravel())
    return figure


def main() -> int:
    """Look at devices until there are enough, then write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--devices", type=int, default=200, help="devices in all, those of before included")
    add("--drawn", type=int, default=RANDOM_TRIALS, help="devices drawn before the optimiser learns")
    add("--synapse", choices=SYNAPSES, default=SYNAPSES[0])
    add("--seed", type=int, default=0)
    add("--confirm", type=int, default=6, help="devices of the front measured again; 0: none")
    add("--threads", type=int)
    add("--results", type=Path, default=ROOT / "studies" / "results" / "explorer")
    add("--docs", type=Path, default=DOCS, help="folder of the report")
    options = parser.parse_args()
    first = [LaserParameters.preset(name) for name in MEASURED_FIRST]
    first += [laser_of(dict(zip(SPACE, x, strict=True)), name) for name, x in FORMER.items()]
    try:
        found = explore(
            options.results,
            first=first,
            devices=options.devices,
            drawn=options.drawn,
            confirmed=options.confirm,
            synapse=options.synapse,
            seed=options.seed,
            threads=options.threads,
            tell=lambda line: print(line, flush=True),
        )
    except PhotinusError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    text = page(found.study, options.synapse, found.confirmed)
    print(text)
    images = files.make_folder(options.docs / "images")
    write_page(options.docs, "explorer", text, options.results)
    if found.confirmed:
        explorer(options.docs).savefig(images / "explorer.png")
    draw_maps(found.study).savefig(options.results / "map.pdf")
    return 0


if __name__ == "__main__":
    sys.exit(main())
