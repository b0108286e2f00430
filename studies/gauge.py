"""What the gauge does to the fidelity of lasers: which stand for z of their unit, and which for 1 - z.

Each machine is translated in every gauge, and refined if that is asked for; its KL is measured with
another seed. Prints one Markdown row per family: medians over machines, and on how many of them `auto`
is within 10 % of the best. Every machine's numbers go to the results file, one JSON line each.

    python studies/gauge.py [--families uniform …] [--scales 2 4] [--units 5] [--machines 6]
    python studies/gauge.py --refined        # after refinement, with full physics
    python studies/gauge.py --families demo  # the machine of the demo
    python studies/gauge.py --digits         # the restricted machine of 138 units that the demo learns
"""

import argparse
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import photinus as ph
from photinus._core.gauge import Gauge
from photinus._core.streams import seed_sequence
from photinus.diagnostics.distance import kl_divergence
from photinus.faces.demo.digits import DIGITS
from photinus.faces.demo.patients import L2, load_data
from photinus.learning.data import digits
from photinus.learning.estimator import BoltzmannEstimator
from photinus.translation import choose_gauge

FIRST_SEED = 80_100
"""Of the machines. What `auto` goes by was chosen on 80 000 to 80 005; tests draw others."""
GAUGES = ("none", "per-unit", "likely")
AS_GOOD = 1.1
"""KL over the best one, up to which a gauge counts as the best: noise moves it as much."""


def machine(
    seed: int, units: int, scale: float, weights: tuple[float, float], biases: tuple[float, float]
) -> ph.BoltzmannMachine:
    """Return W and b uniform between bounds; those of W times the scale."""
    generator = np.random.default_rng(seed)
    upper = np.triu(scale * generator.uniform(*weights, (units, units)), 1)
    return ph.BoltzmannMachine(upper + upper.T, generator.uniform(*biases, units))


def uniform(seed: int, units: int, scale: float) -> ph.BoltzmannMachine:
    """Return W and b uniform in ± scale."""
    return machine(seed, units, scale, (-1, 1), (-scale, scale))


def ferromagnet(seed: int, units: int, scale: float) -> ph.BoltzmannMachine:
    """Return positive weights and biases that make all-off and all-on about equally probable."""
    found = machine(seed, units, scale, (0, 1), (0, 0))
    return ph.BoltzmannMachine(found.weights, -found.weights.sum(axis=1) / 2)


def negative(seed: int, units: int, scale: float) -> ph.BoltzmannMachine:
    """Return W uniform in ± scale, and biases from -4 to 0."""
    return machine(seed, units, scale, (-1, 1), (-4, 0))


def frustrated(seed: int, units: int, scale: float) -> ph.BoltzmannMachine:
    """Return units that inhibit each other, and want to be on."""
    return machine(seed, units, scale, (-1, 0), (0, 4))


def restricted(seed: int, units: int, scale: float) -> ph.BoltzmannMachine:
    """Return W and b uniform in ± scale, weights only between two sides."""
    found = uniform(seed, units, scale)
    side = np.arange(units) < -(-units // 2)
    return ph.BoltzmannMachine(found.weights * (side[:, None] != side), found.biases)


def demo(seed: int, units: int, scale: float) -> ph.BoltzmannMachine:
    """Return the machine that the demo learns of its patients with this seed, whatever the rest."""
    data = load_data(seed_sequence(seed - FIRST_SEED).spawn(8)[0])
    return ph.BoltzmannMachine.fit(data.train, l2=L2, labels=data.labels)


FAMILIES: dict[str, Callable[[int, int, float], ph.BoltzmannMachine]] = {
    f.__name__: f for f in (uniform, ferromagnet, negative, frustrated, restricted, demo)
}


class Bench:
    """Measures machines as the command line asks."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.calibration = options, ph.Calibration.preset(options.preset)
        self.run = {"chains": options.chains, "draws": options.draws, "threads": options.threads}

    def write(self, **row: Any) -> None:
        """Add a line to the results."""
        about = {name: getattr(self.options, name) for name in ("preset", "substrate", "refined")}
        with self.options.out.open("a") as file:
            file.write(json.dumps({**about, **row}) + "\n")

    def divergence(self, target: ph.BoltzmannMachine, gauge: Gauge) -> float:
        """Return the KL of lasers in a gauge [nats]."""
        options: dict[str, Any] = {"calibration": self.calibration, "gauge": gauge}
        if self.options.refined:
            found = ph.refine(target, self.calibration, gauge=gauge, seed=1, most_rounds=12, **self.run)
            options = {"network": found.network}
        return self.kl(target, self.options.substrate, **options)

    def kl(self, target: ph.BoltzmannMachine, substrate: str, **options: Any) -> float:
        """Return the KL of what a substrate samples [nats]."""
        samples = ph.sample(target, substrate, seed=2, **self.run, **options)
        return float(kl_divergence(samples.free_joint(), target.joint()))

    def measured(self, target: ph.BoltzmannMachine) -> dict[str, Any]:
        """Return the KL of each gauge and of ideal neurons, and how many units each flips."""
        found: dict[str, Any] = {"ideal": self.kl(target, "ideal")}
        known: dict[bytes, float] = {}
        for name in (*GAUGES, "auto"):
            gauge = choose_gauge(target, self.calibration, name, corrected=self.options.refined)
            key = gauge.tobytes()
            if key not in known:
                known[key] = self.divergence(target, gauge)
            found[name], found[f"{name} flips"] = known[key], int(gauge.sum())
        return found

    def family(self, name: str, scale: float) -> str:
        """Return the row of a family."""
        rows = []
        for k in range(self.options.machines):
            seed = FIRST_SEED + self.options.first + k
            target = FAMILIES[name](seed, self.options.units, scale)
            rows.append(self.measured(target))
            self.write(family=name, scale=scale, units=target.n_units, seed=seed, **rows[-1])
        medians = (f"{np.median([row[g] for row in rows]):.2g}" for g in ("ideal", *GAUGES, "auto"))
        best = sum(row["auto"] <= AS_GOOD * min(row[g] for g in GAUGES) for row in rows)
        return f"| {name} | {scale:g} | {' | '.join(medians)} | {best} of {len(rows)} |"

    def digits(self) -> str:
        """Return the row of the digits machine: errors of marginals and pairs, spikes."""
        train = digits("train")
        target = BoltzmannEstimator(**DIGITS, seed=0).fit(train.pixels, train.labels).machine()
        long = {**self.run, "chains": 256, "draws": 2000, "burn_in": 200}
        wanted = ph.sample(target, "gibbs", seed=3, **long).pair_moments()
        lines = []
        for name in GAUGES:
            gauge = choose_gauge(target, self.calibration, name)
            samples = ph.sample(
                target, "laser-reduced", seed=2, calibration=self.calibration, gauge=gauge, **self.run
            )
            error = samples.pair_moments() - wanted
            single = float(np.sqrt(np.mean(np.diagonal(error) ** 2)))
            pairs = float(np.sqrt(np.mean(error[np.triu_indices(target.n_units, 1)] ** 2)))
            assert samples.spikes is not None
            spikes = len(samples.spikes) / samples.chains / (samples.draws + 1)
            self.write(family="digits", gauge=name, marginals=single, pairs=pairs, spikes=spikes)
            lines.append(f"| {name} | {int(gauge.sum())} | {single:.3f} | {pairs:.3f} | {spikes:.1f} |")
        return "\n".join(lines)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = [name for name in FAMILIES if name != "demo"]
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=usual)
    parser.add_argument("--scales", nargs="+", type=float, default=[2.0, 4.0])
    parser.add_argument("--units", type=int, default=5)
    parser.add_argument("--machines", type=int, default=6)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--refined", action="store_true")
    parser.add_argument("--digits", action="store_true")
    parser.add_argument("--substrate", default="laser")
    parser.add_argument("--preset", default="fast-absorber")
    parser.add_argument("--chains", type=int, default=256)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path, default=Path("gauge.jsonl"))
    options = parser.parse_args()
    warnings.simplefilter("ignore", ph.TranslationWarning)
    bench = Bench(options)
    if options.digits:
        print(
            "| gauge | flipped | marginals off by | pairs off by | spikes per τ |\n" + 5 * "|---" + "|"
        )
        print(bench.digits())
        return
    print(
        "| family | scale | ideal | none | per-unit | likely | auto | auto is best |\n"
        + 8 * "|---"
        + "|"
    )
    for scale in options.scales:
        for name in options.families:
            print(bench.family(name, scale), flush=True)


if __name__ == "__main__":
    main()
