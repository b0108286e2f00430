"""Which laser samples best: many devices calibrated, the front of samples per second against energy.

Each trial is one device: is it excitable, how does it calibrate (τ, α), how near do small machines come
to their targets at a fixed budget, and what pump energy does an effective sample cost. Optuna proposes
devices for five aims at once: effective samples per second of chip time, pump energy per effective
sample, KL, how far the log-odds are from a straight line over ±5, and KL with a synaptic delay. The
presets are the first trials. Trials are kept in an SQLite file as they finish, so that
the study goes on where it stopped. Needs the extra "explore". From the root of the repository::

    python -m studies.explorer --devices 200     # goes on until there are so many
    python -m studies.explorer --confirm 6       # then measures the best again, at length
    python -m studies.explorer --report          # the report of what there is

A device costs as little as tells it from others: without spikes of its own, or at random, it is dropped
before its synapse is fitted; the others get calibrations of few chains, few draws, and the largest step
that the engine takes, with which spike rates are about one per cent off, alike for all. The best of
many noisy figures look better than they are, so the presets and those on the front are measured again
with full calibrations, other machines and other seeds; what is said of a better default rests on that.

Writes docs/results/explorer.md, docs/images/explorer.png and explorer-map.png; calibrations of the
devices measured again are beside the results.

The energy counts the carriers of the constant pumps times the energy of a photon, and nothing else: no
voltage, no synapses, no detectors, no read-out.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator
from studies.pages import DOCS, write_page
from studies.pictures.chips import explorer

from photinus import (
    BoltzmannMachine,
    Calibration,
    LaserNetwork,
    LaserParameters,
    calibrate,
    sample,
    translate,
)
from photinus._core import files
from photinus._core.results import Results
from photinus.calibration.straight import curvature
from photinus.devices.laser.dynamics import instability_pump
from photinus.diagnostics.convergence import smallest_effective_draws
from photinus.diagnostics.distance import kl_divergence
from photinus.engines.laser.simulator import largest_time_step
from photinus.errors import MissingDependency, NotConverged, PhotinusError
from photinus.faces.figures.canvas import blank, lettered, styled
from photinus.faces.figures.look import MM, PAGE
from photinus.faces.figures.palette import MUTED
from photinus.hardware import Chip
from photinus.units import ns, ps

try:
    import optuna
except ImportError:
    raise MissingDependency(
        'optuna must be installed to explore devices: pip install "photinus[explore]"'
    ) from None

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = 3
"""Raised when what is computed changes: trials of before do not count."""
KIND = "photinus-explorer-device"
UNITS = 5
CALIBRATION_CHAINS = 8
"""An eighth of what a calibration has by default: enough to tell devices apart."""
RANDOM_TRIALS = 60
"""Devices drawn at random before the optimiser learns from them."""
GOOD = 0.01
"""Largest mean KL [nats] of a device on the front."""
SYNAPSES = ("rectangle", "plain", "charge")
AIMS: Sequence[Literal["maximize", "minimize"]] = (
    "maximize",
    "minimize",
    "minimize",
    "minimize",
    "minimize",
)
DELAY = 10 * ps
"""Synaptic delay of the last aim: 0.7 mm of silicon waveguide."""
SPACE: dict[str, tuple[float, float, bool]] = {
    "photon_lifetime": (1 * ps, 10 * ps, True),
    "gain_lifetime": (0.2 * ns, 2.5 * ns, True),
    "absorber_lifetime": (5 * ps, 200 * ps, True),
    "absorption": (0.3, 4.0, True),
    "saturation_ratio": (0.1, 10.0, True),
    "spontaneous_emission": (1e-3, 0.1, True),
    "transparency": (0.2, 2.0, True),
    "pump_noise": (0.0, 0.06, False),
}
"""Lowest and highest value, and whether on a logarithmic scale. Apart from the lifetimes [s]:
absorption B = τ_ph g_a N_a,tr and saturation ratio a = g_a τ_a / (g_g τ_g) of the Yamada model,
spontaneous emission factor β = g_g τ_g, transparency τ_ph g_g N_g,tr, pump noise σ_N / N_th."""
MEASURED_FIRST = ("fast-absorber", "slow-absorber", "high-beta")
"""Presets within that space."""
FORMER = {
    "former 210": (1.1 * ps, 1.2 * ns, 5.8 * ps, 0.4, 0.1, 0.083, 1.7, 0.016),
    "former 31": (2.3 * ps, 0.37 * ns, 6.1 * ps, 2.6, 0.14, 0.08, 1.0, 0.055),
    "former 219": (2.9 * ps, 2.3 * ns, 6.5 * ps, 0.38, 0.14, 0.097, 1.9, 0.038),
    "former 142": (8.8 * ps, 0.25 * ns, 34 * ps, 3.9, 1.2, 0.078, 0.79, 0.0052),
}
"""Front of a search for speed, energy and KL alone, in the order of `SPACE`, rounded."""
NOTHING = (0.0, 1e-9, 10.0, 10.0, 10.0)
"""What the optimiser is told of a device that does not sample, so that it looks elsewhere."""


def laser_of(x: Mapping[str, float]) -> LaserParameters:
    """Return the laser at a point of the space."""
    gain = x["spontaneous_emission"] / x["gain_lifetime"]
    absorber = x["saturation_ratio"] * x["spontaneous_emission"] / x["absorber_lifetime"]
    laser = LaserParameters(
        name="explored",
        photon_lifetime=x["photon_lifetime"],
        gain_lifetime=x["gain_lifetime"],
        absorber_lifetime=x["absorber_lifetime"],
        gain_coefficient=gain,
        absorber_coefficient=absorber,
        gain_transparency=x["transparency"] / (x["photon_lifetime"] * gain),
        absorber_transparency=x["absorption"] / (x["photon_lifetime"] * absorber),
    )
    return laser.replace(pump_noise=x["pump_noise"] * laser.threshold_carriers)


def point_of(laser: LaserParameters) -> dict[str, float]:
    """Return where a laser is in the space; the inverse of `laser_of`."""
    per_carrier = laser.photon_lifetime * laser.gain_coefficient
    absorption = laser.photon_lifetime * laser.absorber_coefficient * laser.absorber_transparency
    saturation = laser.absorber_coefficient * laser.absorber_lifetime
    return {
        "photon_lifetime": laser.photon_lifetime,
        "gain_lifetime": laser.gain_lifetime,
        "absorber_lifetime": laser.absorber_lifetime,
        "absorption": absorption,
        "saturation_ratio": saturation / laser.spontaneous_emission_factor,
        "spontaneous_emission": laser.spontaneous_emission_factor,
        "transparency": per_carrier * laser.gain_transparency,
        "pump_noise": laser.pump_noise / laser.threshold_carriers,
    }


def machine_of(index: int) -> BoltzmannMachine:
    """Return a random machine, W and b uniform in ±1."""
    random = np.random.default_rng([index, 607])
    upper = np.triu(random.uniform(-1, 1, (UNITS, UNITS)), 1)
    return BoltzmannMachine(upper + upper.T, random.uniform(-1, 1, UNITS))


@dataclass(frozen=True)
class Budget:
    """On what a calibrated device is judged."""

    machines: range
    chains: int
    draws: int
    seed: int


SEARCH = Budget(range(3), 64, 150, 0)
CONFIRMED = Budget(range(3, 9), 128, 400, 1)
"""Machines and seeds that the search has not seen."""


@dataclass(frozen=True)
class Found:
    """What a device does on each machine, and the mean over them."""

    rate: list[float]
    """Effective samples per second of chip time, one chain."""
    energy: list[float]
    """Pump energy of each effective sample [J]."""
    kl: list[float]
    """KL(sampled‖target) [nats]."""

    def means(self) -> tuple[float, float, float]:
        """Return the means over the machines."""
        rate, energy, kl = (float(np.mean(values)) for values in asdict(self).values())
        return rate, energy, kl

    def errors(self) -> tuple[float, float, float]:
        """Return the standard errors of the means."""
        rate, energy, kl = (
            # Equal up to rounding is equal: rates are at most 1/τ, and reach it.
            0.0
            if np.ptp(values) <= 1e-9 * np.mean(values)
            else float(np.std(values, ddof=1) / np.sqrt(len(values)))
            for values in asdict(self).values()
        )
        return rate, energy, kl


def measure(trial: "optuna.Trial", synapse: str, threads: int | None) -> tuple[float, ...]:
    """Return the five aims: effective samples per second, energy of each [J], KLs, curvature."""
    x = {
        name: trial.suggest_float(name, low, high, log=log) for name, (low, high, log) in SPACE.items()
    }
    try:
        laser = laser_of(x)
        instability_pump(laser)
        trial.set_user_attr("excitable", True)
        step = largest_time_step(laser)
        calibration = calibrate(
            laser, synapse=synapse, chains=CALIBRATION_CHAINS, time_step=step, threads=threads
        )
        found = sampled(calibration, SEARCH, step, threads)
        delayed = sampled(calibration, SEARCH, step, threads, delay=DELAY)
    except PhotinusError as error:
        trial.set_user_attr("why_not", str(error))
        return NOTHING
    notes = {
        "window": calibration.window,
        "slope": calibration.slope / calibration.midpoint,
        "residual": calibration.residual,
        "network_kl": calibration.network_kl,
        "verdict": calibration.samples_or_pulses,
        "half_current": calibration.half_current,
        **asdict(found),
    }
    for name, value in notes.items():
        trial.set_user_attr(name, value)
    return (*found.means(), curvature(calibration), delayed.means()[2])


def sampled(
    calibration: Calibration,
    budget: Budget,
    step: float | None,
    threads: int | None,
    *,
    delay: float = 0.0,
) -> Found:
    """Return what a calibrated device does on the machines of `budget`, with a synaptic delay [s].

    Raises
    ------
    NotConverged
        If a unit never flips: there are no effective samples.
    """
    found = Found([], [], [])
    draws = budget.chains * budget.draws
    for index in budget.machines:
        machine = machine_of(index)
        samples = sample(
            machine,
            calibration=calibration,
            network=translate(machine, calibration, delay=delay),
            chains=budget.chains,
            draws=budget.draws,
            seed=1000 * budget.seed + index,
            time_step=step,
            threads=threads,
        )
        network = samples.network
        assert isinstance(network, LaserNetwork)
        effective = smallest_effective_draws(machine, samples.states)
        if not effective > 0:
            raise NotConverged(f"units of machine {index} are stuck: there are no effective samples")
        rate = effective / (draws * calibration.window)
        found.rate.append(rate)
        found.energy.append(float(network.supplied.sum()) * calibration.laser.photon_energy / rate)
        found.kl.append(kl_divergence(samples.joint(), machine.joint()))
    return found


def candidates(study: "optuna.Study", most: int) -> "list[optuna.trial.FrozenTrial]":
    """Return the presets, then up to `most` devices of the front, spread along it."""
    sampling = measured(study)
    presets = [t for t in sampling if "preset" in t.user_attrs]
    best = [t for t in front([t for t in sampling if t.values[2] <= GOOD]) if t not in presets]
    places = np.unique(np.linspace(0, len(best) - 1, min(most, len(best))).round().astype(int))
    return [*presets, *(best[k] for k in places)]


def confirm(trial: Any, synapse: str, calibration_file: Path, threads: int | None) -> dict[str, Any]:
    """Return what a device does when it is measured at length; its calibration is kept."""
    preset = trial.user_attrs.get("preset")
    laser = LaserParameters.preset(preset) if preset else laser_of(trial.params)
    calibration = calibrate(laser, synapse=synapse, threads=threads)
    calibration.save(calibration_file)
    return asdict(sampled(calibration, CONFIRMED, None, threads))


def opened(path: Path, seed: int, drawn: int = RANDOM_TRIALS) -> "optuna.Study":
    """Return the study stored at `path`; a new one begins with presets and the former front.

    Of the others, the first `drawn` are drawn at random.
    """
    files.make_folder(path.parent)
    study = optuna.create_study(
        storage=f"sqlite:///{path}",
        study_name=f"explorer-{SCHEMA}",
        directions=AIMS,
        load_if_exists=True,
    )
    done = len(study.trials)
    # A seed that moves on, so that a resumed study does not draw the same devices again.
    study.sampler = optuna.samplers.TPESampler(seed=seed + done, n_startup_trials=drawn)
    known = {trial.user_attrs.get(kind) for trial in study.trials for kind in ("preset", "former")}
    for name in MEASURED_FIRST:
        if name not in known:
            inside = {
                key: float(np.clip(value, *SPACE[key][:2]))
                for key, value in point_of(LaserParameters.preset(name)).items()
            }
            study.enqueue_trial(inside, user_attrs={"preset": name})
    for name, values in FORMER.items():
        if name not in known:
            study.enqueue_trial(dict(zip(SPACE, values, strict=True)), user_attrs={"former": name})
    return study


def finished(study: "optuna.Study") -> "list[optuna.trial.FrozenTrial]":
    """Return the devices that were looked at to the end."""
    done: list[optuna.trial.FrozenTrial] = study.get_trials(
        deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)
    )
    return done


def measured(study: "optuna.Study") -> "list[optuna.trial.FrozenTrial]":
    """Return those of them that sample."""
    return [t for t in finished(study) if "why_not" not in t.user_attrs]


def front(trials: "Sequence[optuna.trial.FrozenTrial]") -> "list[optuna.trial.FrozenTrial]":
    """Return the trials that no other beats in both rate and energy, the fastest first."""
    best: list[Any] = []
    for trial in sorted(trials, key=lambda t: (-t.values[0], t.values[1])):
        if not best or trial.values[1] < best[-1].values[1]:
            best.append(trial)
    return best


def straightest(study: "optuna.Study") -> "list[optuna.trial.FrozenTrial]":
    """Return good devices that no other beats in all aims, the straightest first."""
    best = [trial for trial in study.best_trials if trial.values[2] <= GOOD]
    return sorted(best, key=lambda trial: trial.values[3])


def name_of(trial: Any) -> str:
    """Return what a device is called."""
    notes = trial.user_attrs
    return str(notes.get("preset") or notes.get("former") or f"device {trial.number}")


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


def beats(found: Found, other: Found) -> bool:
    """Return whether a device is faster, takes less, and has no larger KL, machine by machine."""

    def gain(better: Sequence[float], worse: Sequence[float]) -> tuple[float, float]:
        ratio = np.log(worse) - np.log(better)
        return float(ratio.mean()), float(2 * ratio.std(ddof=1) / np.sqrt(len(ratio)))

    faster, faster_error = gain(other.rate, found.rate)
    cheaper, cheaper_error = gain(found.energy, other.energy)
    truer, truer_error = gain(found.kl, other.kl)
    return faster > faster_error and cheaper > cheaper_error and truer >= -truer_error


FRONT = "![Energy against rate of presets and of devices that the search found](../images/explorer.png)"
SPACE_MAPS = "![What was found over two planes of the space](../images/explorer-map.png)"
"""Pictures at the end of the page."""


def page(study: "optuna.Study", synapse: str, confirmed: Mapping[str, Found]) -> str:
    """Return the report as markdown."""
    trials, sampling = finished(study), measured(study)
    good = [t for t in sampling if t.values[2] <= GOOD]
    excitable = sum("excitable" in t.user_attrs for t in trials)
    presets = {t.user_attrs["preset"]: t for t in sampling if "preset" in t.user_attrs}
    head = (
        "| device | 10⁶ effective samples/s | fJ each | KL [nats] | bend | KL at 10 ps "
        "| τ [ns] | α/x½ | parameters |"
    )
    lines = [
        "# Which laser samples best",
        "",
        f"Written by `python -m studies.explorer` (synapse: {synapse}). The head of "
        "`studies/explorer.py` tells the method, and what the energy counts.",
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
    lines += [FRONT, "", SPACE_MAPS, ""]
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
    add("--report", action="store_true", help="look at no further device")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # a device dropped is one line of ours
    study = opened(options.results / f"{options.synapse}.sqlite3", options.seed, options.drawn)

    def progress(study: Any, trial: Any) -> None:
        found = trial.user_attrs.get("why_not") or (
            "{:.3g} effective samples/s, {:.3g} J each, KL {:.2g}".format(*trial.values)
            if trial.values
            else "stopped"
        )
        print(f"{len(finished(study))}/{options.devices} device {trial.number}: {found}", flush=True)

    try:
        while not options.report and len(finished(study)) < options.devices:
            study.optimize(
                lambda trial: measure(trial, options.synapse, options.threads),
                n_trials=1,
                callbacks=[progress],
            )
        confirmed, kept = {}, Results(options.results, KIND, SCHEMA)
        for trial in (
            candidates(study, options.confirm)
            if options.confirm and len(finished(study)) >= options.devices
            else ()
        ):
            name = name_of(trial)
            file = f"{options.synapse}-{SCHEMA}-{name.replace(' ', '-')}"
            if options.report:
                stored = kept.read(file)
            else:
                beside = options.results / f"{file}.calibration.json"
                stored = kept.get(
                    file,
                    partial(confirm, trial, options.synapse, beside, options.threads),
                )
            if stored is None:
                continue
            confirmed[name] = Found(stored["rate"], stored["energy"], stored["kl"])
            print(
                "{}: {:.3g} effective samples/s, {:.3g} J each, KL {:.2g}".format(
                    name, *confirmed[name].means()
                ),
                flush=True,
            )
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    if not measured(study):
        print("no device measured yet: run without --report", file=sys.stderr)
        return 1
    text = page(study, options.synapse, confirmed)
    print(text)
    images = files.make_folder(options.docs / "images")
    write_page(options.docs, "explorer", text, options.results)
    if confirmed:
        explorer(options.docs).savefig(images / "explorer.png")
    draw_maps(study).savefig(images / "explorer-map.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
