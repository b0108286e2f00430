"""How well the reduced laser stands for the full one: a table, and what docs/images/reduced.png shows.

Runs other than those that the reduced laser was fitted to and checked with: activation over the
pump, intervals at three pumps, and the response to a pulse by the delay since the laser's own spike. A
minute on two cores.

    python -m studies.reduced
    python -m studies.reduced --networks [--presets fast-absorber high-beta] [--machines 2]
    python -m studies.reduced --one-hot               # units of which one is to be on
    python -m studies.reduced --steps 10 12 14 16 20   # reduced again, with so many steps per window

``--networks`` prints KL(reduced‖full) of machines that no fit has seen, beside what two runs of full
physics differ by: five minutes for each preset.
"""

import argparse
import itertools
import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.special import comb
from scipy.stats import ks_2samp
from studies.pictures import stored

from photinus import BoltzmannMachine, Calibration, LaserNetwork, SpikeTrains, sample
from photinus.calibration.agreement import PUMPS, divergence
from photinus.calibration.reduction import reduce_laser
from photinus.calibration.trials import COPIES, DELAYS, pulsed, response, uncoupled
from photinus.engines.laser.simulator import Simulator
from photinus.engines.reduced.simulator import ReducedSimulator

CHAINS, SETTLE = 64, 20
WINDOWS = 2000
"""State windows of each run."""
FAMILIES = ("uniform", "inhibition", "frustrated", "ferromagnet", "restricted")
SCALES = (1.0, 2.0, 4.0)
NETWORK_CHAINS, DRAWS = 256, 400
SEED = 500
"""Of the machines and runs of `--networks`: fits use others."""
ONE_HOT = ((5, -4.0), (10, -4.0), (20, -16.0))
"""Numbers of units and the weight of all pairs; biases are half of it, with the other sign."""


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
    lengths = spikes.intervals()
    return np.array([np.minimum(each, window).sum() / max(each.sum(), window) for each in lengths])


def machine(family: str, scale: float, units: int, seed: int) -> BoltzmannMachine:
    """Return a random machine of a family, weights up to `scale`."""
    rng = np.random.default_rng([seed, units, FAMILIES.index(family), int(10 * scale)])
    low, high = {"inhibition": (-1, 0), "ferromagnet": (0, 1)}.get(family, (-1, 1))
    weights = scale * rng.uniform(low, high, (units, units))
    biases = scale * rng.uniform(-1, 1, units)
    if family == "frustrated":
        weights = rng.choice([-scale, scale], (units, units))
    if family == "restricted":
        side = np.arange(units) < (units + 1) // 2
        weights *= side[:, None] != side
    weights = np.triu(weights, 1) + np.triu(weights, 1).T
    if family in ("frustrated", "ferromagnet"):  # half of the units on, on average
        biases = rng.uniform(-0.5, 0.5, units) - weights.sum(axis=1) / 2
    return BoltzmannMachine(weights, biases)


def joints(calibration: Calibration, target: BoltzmannMachine, seed: int) -> list[NDArray[np.float64]]:
    """Return the joints of two runs at full physics and of a longer one, reduced."""
    found = []
    for substrate, draws in (("laser", DRAWS), ("laser", DRAWS), ("laser-reduced", 4 * DRAWS)):
        run = sample(
            target,
            substrate,
            calibration=calibration,
            chains=NETWORK_CHAINS,
            draws=draws,
            burn_in=20,
            seed=seed + len(found),
        )
        found.append(run.joint())
    return found


def compare_networks(presets: list[str], count: int) -> None:
    """Print KL(reduced‖full) by family and scale: mean and largest of `count` machines each."""
    seen = DRAWS * NETWORK_CHAINS
    print(
        "preset         units  family        weights   floor     mean      largest   full from target"
    )
    for preset, units in itertools.product(presets, (5, 10)):
        calibration = Calibration.preset(preset)
        for scale in SCALES:
            by_scale = []
            for family in FAMILIES:
                rows = []
                for k in range(count if units == 5 else 1):
                    target = machine(family, scale, units, SEED + k)
                    one, other, reduced = joints(calibration, target, 1000 * (SEED + k))
                    full = 0.5 * (one + other)
                    floor = divergence(one, other, seen)
                    rows.append(
                        (
                            floor,
                            divergence(reduced, full, 2 * seen),
                            divergence(full, target.joint(), seen),
                        )
                    )
                by_scale.append(rows)
                floor, mean, target_kl = np.mean(rows, axis=0)
                print(
                    f"{preset:14s} {units:5d}  {family:12s} {scale:8.0f}   {floor:.5f}   {mean:.5f}   "
                    f"{max(row[1] for row in rows):.5f}   {target_kl:.5f}",
                    flush=True,
                )
            every = np.array(by_scale)[..., 1]
            print(
                f"{preset:14s} {units:5d}  all          {scale:8.0f}   "
                f"{np.mean(np.array(by_scale)[..., 0]):.5f}   {every.mean():.5f}   {every.max():.5f}   "
                f"median {np.median(every):.5f}",
                flush=True,
            )


def compare_one_hot(presets: list[str]) -> None:
    """Print how many units are on where all inhibit all: exact, at full physics, reduced."""
    print("preset         units  weight  exact   full    reduced")
    for preset, (units, weight) in itertools.product(presets, ONE_HOT):
        weights = weight * (1 - np.eye(units))
        target = BoltzmannMachine(weights, np.full(units, -weight / 2))
        k = np.arange(units + 1)
        mass = comb(units, k) * np.exp(weight * k * (k - 1) / 2 - weight / 2 * k)
        on = [float(mass @ k / mass.sum())]
        for substrate in ("laser", "laser-reduced"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # weights beyond what was measured
                run = sample(
                    target,
                    substrate,
                    calibration=Calibration.preset(preset),
                    chains=64,
                    draws=100,
                    burn_in=20,
                    seed=SEED,
                )
            on.append(float(run.states.sum(axis=-1).mean()))
        print(f"{preset:14s} {units:5d}  {weight:6.0f}  " + "   ".join(f"{x:.3f}" for x in on))


def compare_steps(steps: list[int], presets: list[str]) -> None:
    """Reduce devices again with other steps and print how far each is from full physics."""
    print("device         steps per window   activation   intervals   response   networks    strong")
    for preset in presets:
        calibration = Calibration.preset(preset)
        for each in steps:
            found = reduce_laser(calibration, steps=each).agreement
            print(
                f"{preset:14s} {each:16d} {found.activation:12.4f} {found.intervals:11.4f} "
                f"{found.response:10.4f} {found.networks:10.5f} {found.strong:9.5f}",
                flush=True,
            )


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="*")
    parser.add_argument("--networks", action="store_true")
    parser.add_argument("--one-hot", action="store_true")
    parser.add_argument("--machines", type=int, default=2)
    parser.add_argument("--presets", nargs="*", default=["fast-absorber", "high-beta"])
    options = parser.parse_args()
    if options.steps:
        compare_steps(options.steps, options.presets)
        return
    if options.networks:
        compare_networks(options.presets, options.machines)
    if options.one_hot:
        compare_one_hot(options.presets)
    if options.networks or options.one_hot:
        return
    stored.write("reduced", compare_curves(Calibration.preset()))


def compare_curves(calibration: Calibration) -> dict[str, NDArray[np.float64]]:
    """Print how far activation, intervals and responses are apart, and return them to be drawn."""
    window, middle, slope = calibration.window, calibration.midpoint, calibration.slope
    at = np.arange(-4.0, 8.5, 0.5)
    at = at[middle + slope * at > 0]
    full, reduced = (
        activation(spikes, window)
        for spikes in both(calibration, uncoupled(calibration, middle + slope * at))
    )
    print(f"activation: largest difference {np.abs(full - reduced).max():.4f}")
    pair = both(calibration, uncoupled(calibration, middle + slope * np.array(PUMPS)))
    edges = np.linspace(0, 6, 121)
    densities = np.empty((2, len(PUMPS), len(edges) - 1))
    for unit, pump in enumerate(PUMPS):
        length = [spikes.intervals()[unit] / window for spikes in pair]
        distance = ks_2samp(length[0], length[1]).statistic
        print(f"intervals at {pump:+.1f} slopes: Kolmogorov–Smirnov distance {distance:.4f}")
        for k, values in enumerate(length):
            densities[k, unit] = np.histogram(values, edges)[0] / len(values) / np.diff(edges)
    heard = np.array([response(spikes, window) for spikes in both(calibration, pulsed(calibration))])
    error = heard[1] - heard[0]
    print(
        f"response to a pulse: root mean square difference {np.sqrt(np.mean(error**2)):.4f}, "
        f"largest {np.abs(error).max():.4f}; {COPIES} targets of each kind"
    )
    return {
        "at": at,
        "full": full,
        "reduced": reduced,
        "pumps": np.array(PUMPS),
        "edges": edges,
        "densities": densities,
        "delays": np.array(DELAYS),
        "heard": heard,
    }


if __name__ == "__main__":
    main()
