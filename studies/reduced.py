"""How well the reduced laser stands for the full one: draws docs/images/reduced.png, prints a table.

Runs other than those that the reduced laser was fitted to and checked with: activation over the
pump, intervals at three pumps, the response to a pulse by the delay since the laser's own spike, and
KL to the target of random machines of five units. Two minutes on two cores.

    python studies/reduced.py
    python studies/reduced.py --steps 10 12 14 16 20   # reduced anew, with so many steps per window
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from photinus import BoltzmannMachine, Calibration, LaserNetwork, SpikeTrains, sample
from photinus.fidelity import kl_divergence
from photinus.plots import ABSORBER, DPI, EXACT, LASER
from photinus.reduced.fitting import (
    COPIES,
    DELAYS,
    PUMPS,
    intervals_of,
    pulsed,
    reduce_laser,
    response,
    uncoupled,
)
from photinus.reduced.simulator import ReducedSimulator
from photinus.simulation.engine import Simulator

CHAINS, SETTLE = 64, 20
WINDOWS = 2000
"""State windows of each run."""
MACHINES = 10
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "reduced.png"
COLOURS = (EXACT, ABSORBER, LASER)


def both(calibration: Calibration, network: LaserNetwork) -> tuple[SpikeTrains, SpikeTrains]:
    """Return spikes of the network at full physics and reduced."""
    assert calibration.reduced is not None
    runs = []
    for simulator in (
        Simulator(network, chains=CHAINS, seed=201, time_step=calibration.time_step),
        ReducedSimulator(network, calibration.reduced, chains=CHAINS, seed=202),
    ):
        simulator.advance(SETTLE * calibration.window)
        pieces = [simulator.advance(WINDOWS / 8 * calibration.window) for _ in range(8)]
        runs.append(SpikeTrains.joined(pieces))
    return runs[0], runs[1]


def activation(spikes: SpikeTrains, window: float) -> NDArray[np.float64]:
    """Return the share of time that each unit is on."""
    lengths = [intervals_of(spikes, unit) for unit in range(spikes.n_units)]
    return np.array([np.minimum(each, window).sum() / max(each.sum(), window) for each in lengths])


def machines() -> list[BoltzmannMachine]:
    """Return random machines of five units, W and b uniform in ±1."""
    random = np.random.default_rng(77)
    uppers = [np.triu(random.uniform(-1, 1, (5, 5)), 1) for _ in range(MACHINES)]
    return [BoltzmannMachine(upper + upper.T, random.uniform(-1, 1, 5)) for upper in uppers]


def compare_steps(steps: list[int], presets: list[str]) -> None:
    """Reduce devices anew with other steps and print how far each is from full physics."""
    print("device         steps per window   activation   intervals   response   networks")
    for preset in presets:
        calibration = Calibration.preset(preset)
        for each in steps:
            found = reduce_laser(calibration, steps=each).agreement
            print(
                f"{preset:14s} {each:16d} {found.activation:12.4f} {found.intervals:11.4f} "
                f"{found.response:10.4f} {found.networks:10.5f}",
                flush=True,
            )


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="*")
    parser.add_argument("--presets", nargs="*", default=["fast-absorber", "high-beta"])
    options = parser.parse_args()
    if options.steps:
        compare_steps(options.steps, options.presets)
        return
    calibration = Calibration.preset()
    window, middle, slope = calibration.window, calibration.midpoint, calibration.slope
    figure = Figure(figsize=(11, 3.6), layout="constrained", dpi=DPI)
    curve, histogram, scatter = figure.subplots(1, 3)

    at = np.arange(-4.0, 8.5, 0.5)
    at = at[middle + slope * at > 0]
    full, reduced = (
        activation(spikes, window)
        for spikes in both(calibration, uncoupled(calibration, middle + slope * at))
    )
    print(f"activation: largest difference {np.abs(full - reduced).max():.4f}")
    curve.plot(at, full, "o", ms=4, color=LASER, label="full physics")
    curve.plot(at, reduced, "-", color=EXACT, lw=1.2, label="reduced")
    curve.set_xlabel("pump, distance from the midpoint [slopes]")
    curve.set_ylabel("activation")

    pair = both(calibration, uncoupled(calibration, middle + slope * np.array(PUMPS)))
    edges = np.linspace(0, 6, 121)
    for unit, (pump, colour) in enumerate(zip(PUMPS, COLOURS, strict=True)):
        length = [intervals_of(spikes, unit) / window for spikes in pair]
        distance = ks_2samp(length[0], length[1]).statistic
        print(f"intervals at {pump:+.1f} slopes: Kolmogorov–Smirnov distance {distance:.4f}")
        for values, line, thick in zip(length, ("-", "--"), (2.5, 1), strict=True):
            density = np.histogram(values, edges)[0] / len(values) / np.diff(edges)
            histogram.plot(
                0.5 * (edges[1:] + edges[:-1]),
                density,
                line,
                lw=thick,
                alpha=0.5 if line == "-" else 1,
                color=colour,
                label=f"{pump:+.1f} slopes" if line == "-" else None,
            )
    histogram.set_xlabel("interval between spikes [τ]")
    histogram.set_ylabel("density")

    heard = [response(spikes, window) for spikes in both(calibration, pulsed(calibration))]
    error = heard[1] - heard[0]
    print(
        f"response to a pulse: root mean square difference {np.sqrt(np.mean(error**2)):.4f}, "
        f"largest {np.abs(error).max():.4f}; {COPIES} targets of each kind"
    )
    for k, (low, high) in enumerate(itertools.pairwise(DELAYS)):
        scatter.plot(heard[0][:, k], heard[1][:, k], "o", ms=5, label=f"{low:g}–{high:g} τ")
    scatter.plot([0, 1], [0, 1], color=EXACT, lw=0.8)
    scatter.set_xlabel("P(fires within τ of a pulse), full physics")
    scatter.set_ylabel("the same, reduced")
    scatter.legend(frameon=False, title="since its own spike", fontsize=8, title_fontsize=8)
    for axes in (curve, histogram):
        axes.legend(frameon=False, fontsize=8)
    for axes in (curve, histogram, scatter):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE)

    print("KL to the target, full physics and reduced:")
    found = []
    for seed, target in enumerate(machines()):
        kl = [
            kl_divergence(
                sample(
                    target, substrate, calibration=calibration, chains=256, draws=400, seed=seed
                ).joint(),
                target.joint(),
            )
            for substrate in ("laser", "laser-reduced")
        ]
        found.append(kl)
        print(f"  {kl[0]:.5f}  {kl[1]:.5f}")
    medians = np.median(found, axis=0)
    print(f"  medians {medians[0]:.5f}  {medians[1]:.5f}")


if __name__ == "__main__":
    main()
