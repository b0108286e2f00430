"""What refinement does to machines that no choice of it has seen, beside an earlier refinement.

Each machine is translated, refined with one seed, and measured with another. With `--before COMMIT`
the refinement of that commit does the same, from the same start with the same budget. Prints two
Markdown tables: errors before and after, and how many single moments got better or worse by more than
4 joint standard errors. Every machine's numbers go to the results file, one JSON line each.

    python studies/refinement.py [--cases uniform-1 dense-20x4 …] [--machines 3] [--before COMMIT]
"""

import argparse
import json
import subprocess
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus import BoltzmannMachine, Calibration, refine, sample, translate
from photinus.devices import substrate_of
from photinus.diagnostics.distance import kl_divergence
from photinus.faces.demo.digits import DIGITS
from photinus.learning.data import digits
from photinus.learning.estimator import BoltzmannEstimator
from photinus.networks.couplings import dense
from photinus.samplers.samples import Samples

FIRST_SEED = 70_000
"""Of the machines; tests and calibrations draw others."""


def machine(seed: int, units: int, scale: float, sign: int = 0, bias: float = 0.0) -> BoltzmannMachine:
    """Return W and b uniform in ±scale, all weights of one sign if that is not 0, biases shifted."""
    generator = np.random.default_rng(seed)
    weights = np.triu(generator.uniform(-scale, scale, (units, units)), 1)
    weights = sign * np.abs(weights) if sign else weights
    return BoltzmannMachine(weights + weights.T, generator.uniform(-scale, scale, units) + bias)


def beta(seed: int) -> BoltzmannMachine:
    """Return W and b as 2·(Beta(½, ½) - ½), mostly near ±1."""
    generator = np.random.default_rng(seed)
    weights = np.triu(2 * generator.beta(0.5, 0.5, (5, 5)) - 1, 1)
    return BoltzmannMachine(weights + weights.T, 2 * generator.beta(0.5, 0.5, 5) - 1)


def ferromagnet(seed: int, units: int, scale: float) -> BoltzmannMachine:
    """Return positive weights and biases that make all-off and all-on about equally probable."""
    found = machine(seed, units, scale, sign=1)
    return BoltzmannMachine(found.weights, -found.weights.sum(axis=1) / 2)


def restricted(seed: int, visible: int, hidden: int, scale: float) -> BoltzmannMachine:
    """Return a machine whose weights join two sides, W and b uniform in ±scale."""
    found = machine(seed, visible + hidden, scale)
    side = np.arange(visible + hidden) < visible
    return BoltzmannMachine(found.weights * (side[:, None] != side), found.biases)


def digits_machine(seed: int) -> BoltzmannMachine:
    """Return the restricted machine of 138 units that the demo learns from handwritten digits."""
    train = digits("train")
    return BoltzmannEstimator(**DIGITS, seed=seed).fit(train.pixels, train.labels).machine()


CASES: dict[str, Callable[[int], BoltzmannMachine]] = {
    "uniform-1": lambda seed: machine(seed, 5, 1.0),
    "uniform-2": lambda seed: machine(seed, 5, 2.0),
    "beta": beta,
    "ferromagnet": lambda seed: ferromagnet(seed, 5, 2.0),
    "frustrated": lambda seed: machine(seed, 5, 2.0, sign=-1, bias=2.0),
    "negative biases": lambda seed: machine(seed, 5, 1.0, bias=-1.5),
    "restricted": lambda seed: restricted(seed, 3, 2, 2.0),
    "restricted-4": lambda seed: restricted(seed, 6, 4, 4.0),
    "ferromagnet-10x4": lambda seed: ferromagnet(seed, 10, 4.0),
    "dense-20x4": lambda seed: machine(seed, 20, 4.0),
    "digits": digits_machine,
}
"""Kinds of machines by name: functions of a seed."""


def earlier(commit: str) -> Callable[..., Any]:
    """Return the `refine` of a commit."""
    text = subprocess.run(
        ["git", "show", f"{commit}:src/photinus/refinement.py"],
        capture_output=True,
        check=True,
        text=True,
        cwd=Path(__file__).parent,
    ).stdout
    module = types.ModuleType("photinus.refinement_before")
    module.__package__ = "photinus"
    import sys

    sys.modules[module.__name__] = module
    exec(compile(text, f"refinement.py of {commit}", "exec"), module.__dict__)
    found: Callable[..., Any] = module.__dict__["refine"]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Pair moments of a network or a reference, with their standard errors, arrays (unit, unit)."""

    moments: NDArray[np.float64]
    error: NDArray[np.float64]
    kl: float | None = None

    @classmethod
    def of(cls, samples: Samples) -> "Seen":
        """Return what samples show; chains are the independent draws."""
        chains = samples.chain_moments()
        small = samples.machine.n_units <= 16
        return cls(
            samples.pair_moments(),
            chains.std(axis=0, ddof=1) / np.sqrt(len(chains)),
            kl_divergence(samples.free_joint(), samples.machine.joint()) if small else None,
        )


def seen(target: BoltzmannMachine, network: Any, options: Any) -> Seen:
    """Return what a network shows in a run that no refinement took part in."""
    return Seen.of(sample(target, substrate_of(network), network=network, burn_in=25, **options))


def errors(one: Seen, reference: Seen) -> dict[str, Any]:
    """Return how far the moments of a network are off, and its KL where that can be had."""
    difference = one.moments - reference.moments
    marginal = np.diagonal(difference)
    pairs = difference[np.triu_indices(len(difference), 1)]
    return {
        "kl": one.kl,
        "marginal": float(np.abs(marginal).max()),
        "marginal rms": float(np.sqrt(np.mean(marginal**2))),
        "pair": float(np.abs(pairs).max()),
        "pair rms": float(np.sqrt(np.mean(pairs**2))),
        "sum": float(np.abs(difference[np.triu_indices(len(difference))]).sum()),
    }


def worse(before: Seen, after: Seen, reference: Seen, moved: NDArray[np.bool_]) -> dict[str, Any]:
    """Count moments that are further off after than before by more than 4 joint standard errors.

    The reference is the same for both: its noise drops out where both are off to the same side.
    """
    old, new = before.moments - reference.moments, after.moments - reference.moments
    across = np.sign(old) != np.sign(new)
    joint = np.sqrt(before.error**2 + after.error**2 + 4 * across * reference.error**2)
    lost = np.abs(new) - np.abs(old)
    upper = np.triu(np.ones_like(moved))
    far = (lost > 4 * joint + 1e-12) & upper
    better = (lost < -4 * joint - 1e-12) & upper
    return {
        "moments": int(upper.sum()),
        "better": int(better.sum()),
        "worse": int(far.sum()),
        "worse of those that may move": int((far & moved).sum()),
        "worse by at most": float(lost[far].max(initial=0.0)),
    }


def reference_of(target: BoltzmannMachine) -> Seen:
    """Return the pair moments of a machine: exact, or of a long Gibbs run."""
    if target.n_units <= 20:
        moments = target.pair_moments()
        return Seen(moments, np.zeros_like(moments))
    return Seen.of(sample(target, "gibbs", chains=256, draws=4000, burn_in=1000, seed=5))


def measure(case: str, seed: int, refiners: dict[str, Any], options: Any) -> dict[str, Any]:
    """Return the errors of one machine: translated, and refined in each way."""
    target, calibration = CASES[case](seed), Calibration.preset(options.device)
    network, reference = translate(target, calibration), reference_of(target)
    budget = {"chains": options.chains, "draws": options.draws, "threads": options.threads}
    judging = budget | {"draws": options.judged or options.draws, "seed": seed + 1}
    start = seen(target, network, judging)
    found = {"case": case, "seed": seed, "translated": errors(start, reference)}
    for name, adjust in refiners.items():
        result = adjust(
            target, calibration, network=network, seed=seed, most_rounds=options.rounds, **budget
        )
        end = seen(target, result.network, judging)
        moved = (dense(result.network.coupling) != 0) | np.eye(target.n_units, dtype=bool)
        found[name] = errors(end, reference) | {
            "worse": worse(start, end, reference, moved),
            "rounds": len(result.rounds),
            "converged": result.converged,
            "reason": getattr(result, "reason", ""),
            "divergences": [entry.divergence for entry in result.rounds],
            "draws": sum(entry.draws for entry in result.rounds),
        }
    return found


def moment_by_moment(results: list[dict[str, Any]], way: str) -> str:
    """Return how many moments refinement made better or worse, as Markdown; one row per machine."""
    lines = [
        "| machine | moments | better | worse | … may move | worse by | sum before | after |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for found in results:
        count, after = found[way]["worse"], found[way]["sum"]
        cells = [found["case"], count["moments"], count["better"], count["worse"]]
        cells += [count["worse of those that may move"], f"{count['worse by at most']:.2g}"]
        cells += [f"{found['translated']['sum']:.3g}", f"{after:.3g}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def table(results: list[dict[str, Any]], ways: list[str]) -> str:
    """Return medians and worst values of every case, as Markdown."""
    lines = [
        "| machines | | count | " + " | ".join(ways) + " | rounds |",
        "|---|---|---|" + "---|" * (len(ways) + 1),
    ]
    for case in dict.fromkeys(found["case"] for found in results):
        of = [found for found in results if found["case"] == case]
        rounds = int(max(found[ways[-1]]["rounds"] for found in of))
        for number in ("kl", "marginal", "pair", "marginal rms", "pair rms"):
            values = [[found[way][number] for found in of] for way in ways]
            if values[0][0] is None:
                continue
            cells = [f"{np.median(one):.2g} ({max(one):.2g})" for one in values]
            lines.append(f"| {case} | {number} | {len(of)} | {' | '.join(cells)} | {rounds} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Refinement on held-out machines.")
    parser.add_argument("--cases", nargs="+", default=list(CASES)[:7], choices=list(CASES))
    parser.add_argument("--machines", type=int, default=3, help="machines of each kind")
    parser.add_argument("--first", type=int, default=FIRST_SEED, help="seed of the first machine")
    parser.add_argument("--device", default="fast-absorber")
    parser.add_argument("--chains", type=int, default=256)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--judged", type=int, default=0, help="draws of the judging run")
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--before", help="commit whose refinement is compared")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--results", type=Path, default=Path("runs/refinement.jsonl"))
    options = parser.parse_args()
    refiners: dict[str, Any] = {"before": earlier(options.before)} if options.before else {}
    refiners["now"] = refine
    options.results.parent.mkdir(parents=True, exist_ok=True)
    results = []
    for case in options.cases:
        for k in range(options.machines):
            results.append(measure(case, options.first + k, refiners, options))
            with options.results.open("a") as out:
                out.write(json.dumps(results[-1]) + "\n")
    print(table(results, ["translated", *refiners]))
    print()
    print(moment_by_moment(results, "now"))


if __name__ == "__main__":
    main()
