"""Whether fitted lasers are within their errors: hidden lasers, measured with noise, then fitted.

Each laser is drawn from what a laboratory knows of it (Q, lifetime, β, threshold with their errors)
and from what is assumed for the rest. It must spike. Its light, pulse, rates and intervals are
simulated with other random numbers than those of the fit, and get the errors of a measurement. Each
laser is one small file, so that the study goes on where it stopped. From the root of the repository::

    python -m studies.fit --lasers 20 --page docs/how-to/devices.md
"""

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from studies.pages import origin
from studies.robustness import ROOT

from photinus._core import files
from photinus._core.results import Results
from photinus.devices.laser import LaserParameters, instability_pump, quiet_state, spike
from photinus.devices.laser.measured import COEFFICIENTS, SHARES
from photinus.errors import InvalidInput, NotConverged
from photinus.measurements import (
    Intervals,
    Knowledge,
    Light,
    Noise,
    Pulse,
    Rates,
    fit_laser,
    relative_noise,
)
from photinus.measurements.bench import Run, run
from photinus.measurements.observations import Measurement, aligned
from photinus.units import ps

KNOWN = {
    "wavelength": "1550 nm",
    "quality": 5000,
    "gain_lifetime": "1 ns",
    "beta": 0.01,
    "threshold_current": "20 uA",
}
"""What the laboratory says of each laser …"""
UNCERTAINTY = {"quality": "10 %", "gain_lifetime": "20 %", "beta": "50 %", "threshold_current": "10 %"}
"""… and how surely it knows it."""
LIGHT = (0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.3, 1.6, 2.0, 2.5, 3.0)
"""Currents of the measurements, over that at which the laser pulses by itself."""
RATES, INTERVALS, PULSE = (0.9, 0.95, 1.0, 1.05, 1.1, 1.2), (0.97, 1.1), 1.1
MOST_INTERVALS = 2000
FEWEST_INTERVALS = 200
EFFORT = 16.0
"""Simulated time of a measurement over that of the fit. A laboratory measures for so long that stated
errors are all that there are; with 4, rates of rare spikes were off by several of them."""
MARK = "## How sure the errors are"


def hidden(k: int) -> tuple[Knowledge, LaserParameters]:
    """Return what is known of laser k, and the laser: one that spikes."""
    knowledge = Knowledge.of(KNOWN, UNCERTAINTY)
    rng = np.random.default_rng([190, k])
    while True:
        at = knowledge.centre + knowledge.width * rng.standard_normal(len(knowledge.names))
        try:
            laser = knowledge.laser(at)
            spike(laser)
        except (InvalidInput, NotConverged):
            continue
        if laser.current(instability_pump(laser)) < 3 * laser.threshold_current:
            return knowledge, laser


def measure(laser: LaserParameters, k: int) -> tuple[list[Measurement], float]:
    """Return what a laboratory measures of a laser, and the power above which it counts spikes [W]."""
    pulsing = laser.current(instability_pump(laser))
    level = 0.5 * spike(laser).peak_power
    rng = np.random.default_rng([191, k])
    light, rates = pulsing * np.array(LIGHT), pulsing * np.array(RATES)
    at = [pulsing * x for x in INTERVALS]
    counted = sorted({*rates.tolist(), *at})
    recorded = sorted({*light.tolist(), PULSE * pulsing})
    seen = run(laser, recorded, counted, np.random.SeedSequence([192, k]), level=level, effort=EFFORT)
    power = np.array([seen.light(x).mean() for x in light]) * laser.output_power(1.0)
    rate = np.array([seen.counts(x).mean() for x in rates])
    found: list[Measurement] = [
        Light(current=light, **_noisy("power", power, 0.03, 0.002, rng)),
        _pulse(seen, PULSE * pulsing, rng),
        Rates(current=rates, **_noisy("rate", rate, 0.05, 0.01, rng)),
    ]
    for current in at:
        drawn = rng.permutation(seen.intervals(current))[:MOST_INTERVALS]
        if len(drawn) >= FEWEST_INTERVALS:
            found.append(Intervals(current=current, interval=drawn))
    return found, level


def _pulse(seen: Run, current: float, rng: np.random.Generator) -> Pulse:
    """Return the mean of the spikes at a current, as long as it is bright."""
    time = np.arange(-200, 400, 2) * ps
    power = aligned(seen, current, time).mean(axis=0) * seen.laser.output_power(1.0)
    bright = np.flatnonzero(power > 0.05 * power.max())
    kept = slice(max(bright[0] - 5, 0), bright[-1] + 6)
    step = max(1, (kept.stop - kept.start) // 60)
    time, power = time[kept][::step], power[kept][::step]
    return Pulse(current=current, time=time, **_noisy("power", power, 0.0, 0.03, rng))


def _noisy(
    name: str, true: NDArray[np.float64], share: float, floor: float, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Return values with errors of a share of them and of the largest; none is below 0."""
    error = share * true + floor * true.max()
    seen = np.maximum(true + error * rng.standard_normal(len(true)), 0)
    return {name: seen, "error": error}


def judged(k: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return how far the truth is from the middle of its interval, in half its width, by name."""
    _, laser = hidden(k)
    measurements, level = measure(laser, k)
    start = time.process_time()
    found = fit_laser(
        KNOWN,
        measurements,
        uncertainty=UNCERTAINTY,
        level=level,
        seed=options.seed,
        threads=options.threads,
    )
    deviations, kept = {}, {}
    for name in COEFFICIENTS:
        if name != "wavelength":
            each = found.estimate(name)
            shares = np.array([each.low, each.high, getattr(laser, name)])
            low, high, true = np.log(shares / (1 - shares) if name in SHARES else shares)
            deviations[name] = float((2 * true - low - high) / (high - low))
            kept[name] = each.found / each.known
    return {
        "deviations": deviations,
        "kept": kept,
        "chi_squared": found.chi_squared / found.freedom,
        "scale": found.scale,
        "seconds": time.process_time() - start,
    }


def tables(k: int, folder: Path) -> str:
    """Write what a laboratory has of laser k, all five kinds, and return the command that fits it."""
    _, laser = hidden(k)
    measurements, level = measure(laser, k)
    measurements.append(_noise(laser, k))
    folder.mkdir(parents=True, exist_ok=True)
    known = [f'{name} = "{value}"' for name, value in KNOWN.items()]
    sure = [f'{name} = "{value}"' for name, value in UNCERTAINTY.items()]
    files.write_text(folder / "laser.toml", "\n".join([*known, "[uncertainty]", *sure]) + "\n")
    words = ["photinus device fit", str(folder / "laser.toml")]
    for number, each in enumerate(measurements):
        head, option = TABLES[type(each)]
        current = getattr(each, "current", 0.0)
        path = folder / f"{option}{number}.csv"
        columns = [np.asarray(getattr(each, name.split(" [")[0])) for name in head.split(", ")]
        rows = "".join(", ".join(f"{x:.6g}" for x in row) + "\n" for row in zip(*columns, strict=True))
        files.write_text(path, f"{head}\n{rows}")
        words.append(
            f"--{option} " + (f"{current * 1e6:.6g}uA:" if np.ndim(current) == 0 else "") + str(path)
        )
    return " ".join([*words, f"--level {level * 1e6:.6g}uW"])


TABLES: dict[type, tuple[str, str]] = {
    Light: ("current [A], power [W], error [W]", "li"),
    Pulse: ("time [s], power [W], error [W]", "pulse"),
    Rates: ("current [A], rate [1/s], error [1/s]", "rate"),
    Intervals: ("interval [s]", "isi"),
    Noise: ("frequency [Hz], rin [1/Hz], error [1/Hz]", "rin"),
}
"""Head of the table of each kind of measurement, and its option."""


def _noise(laser: LaserParameters, k: int) -> Noise:
    """Return the intensity noise of steady light, at the first multiple of threshold that is steady."""
    steps = (laser.threshold_current * 1.5**power for power in range(1, 20))
    current = next(x for x in steps if quiet_state(laser, laser.pump_rate(x)).is_stable)
    frequency = np.geomspace(1e8, 1e11, 24)
    rin = relative_noise(laser, current, frequency)
    rng = np.random.default_rng([193, k])
    return Noise(current=current, frequency=frequency, **_noisy("rin", rin, 0.1, 0.0, rng))


def facts(options: argparse.Namespace) -> str:
    """Return how much more light a laser gives than its quiet state, just below where it pulses."""
    laser = LaserParameters.preset("fast-absorber")
    current = 0.95 * laser.current(instability_pump(laser))
    seed = np.random.SeedSequence(options.seed)
    photons = run(laser, [current], [], seed, effort=EFFORT, threads=options.threads).light(current)
    each = photons.mean(axis=1, dtype=np.float64) / quiet_state(laser, laser.pump_rate(current)).photons
    return (
        f"mean light over that at rest: {each.mean():.2f} ± {each.std(ddof=1) / len(each) ** 0.5:.2f}"
    )


def report(found: list[dict[str, Any]]) -> str:
    """Return the table and the headline."""
    names = list(found[0]["deviations"])
    z = np.array([[each["deviations"][name] for name in names] for each in found])
    kept = np.array([[each["kept"][name] for name in names] for each in found])
    inside, half = np.abs(z) <= 1, np.abs(z) <= 0.5
    lines = [
        f"**{100 * inside.mean():.1f} % of {z.size} coefficients of {len(z)} hidden lasers are within "
        f"their 95 % intervals** ({100 * half.mean():.1f} % are with intervals half as wide).",
        "",
        "| coefficient | within its interval | rms deviation, in half its width | error now / before |",
        "|---|---|---|---|",
    ]
    for k, name in enumerate(names):
        rms = np.sqrt((z[:, k] ** 2).mean())
        lines.append(
            f"| `{name}` | {inside[:, k].sum()} of {len(z)} | {rms:.2f} | {np.median(kept[:, k]):.2f} |"
        )
    seconds = np.median([each["seconds"] for each in found])
    lines += ["", f"A fit took {seconds:.0f} s of processor time (median)."]
    scaled = sum(each["scale"] > 1 for each in found)
    lines += [f"Residuals were larger than stated errors for {scaled} of {len(z)} lasers."]
    return "\n".join(lines)


def main() -> None:
    """Fit hidden lasers and print how many coefficients are within their errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--lasers", type=int, default=20)
    add("--first", type=int, default=0)
    add("--seed", type=int, default=19)
    add("--threads", type=int)
    add("--results", type=Path, default=ROOT / "studies" / "results" / "fit")
    add("--page", type=Path, help="page of docs that gets the table")
    add("--tables", type=Path, help="folder: only write the tables of laser --first, all five kinds")
    add("--facts", action="store_true", help="only what spikes below threshold do to the light")
    options = parser.parse_args()
    if options.tables:
        print(tables(options.first, options.tables))
        return
    if options.facts:
        print(facts(options))
        return
    store = Results(options.results, "photinus-fit-study")
    found = [
        store.get(f"laser-{k}", partial(judged, k, options))
        for k in track(range(options.first, options.first + options.lasers), "lasers")
    ]
    text = report(found)
    print(text)
    if options.page:
        page = files.read_bytes(options.page).decode()
        before, _, after = page.partition(f"{MARK}\n")
        _, _, rest = after.partition("\n## ")
        section = f"{MARK}\n\n{origin(options.results)}\n\n{text}\n"
        files.write_text(options.page, before + section + (f"\n## {rest}" if rest else ""))


if __name__ == "__main__":
    main()
