"""How near translated networks come to machines that nothing was fitted to, and how well that is told.

Each machine is translated by both rules in the gauge that `auto` chooses, and simulated with full
physics. Ideal neurons with as many draws give the floor. Prints one Markdown row per family and scale:
median KL [nats] of each way, its median ratio to the floor, and the median share of the KL beyond its
noise that no biases and weights could remove. Then how often the predicted KL is within a factor of 2
of the measured one less its floor, where that is larger than the floor.

    python -m studies.translation [--preset straight …] [--scales 1 2 4] [--units 5] [--machines 4]
    python -m studies.translation --preset calibration.json ...    # of a file
    python -m studies.translation --refined    # and after refinement, from the paired start
"""

import argparse
import warnings
from collections.abc import Sequence

import numpy as np
from studies.gauge import FAMILIES

import photinus as ph
from photinus.diagnostics.distance import chain_joints, kl_divergence
from photinus.diagnostics.parts import kl_parts

FIRST_SEED = 91_500
"""Of the machines. No rule, table or device was chosen by these."""
RULES = ("measured", "paired")
REFINED = "refined"


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--preset", nargs="+", default=["fast-absorber", "high-beta", "straight"])
    parser.add_argument("--families", nargs="+", default=list(FAMILIES)[:5], choices=list(FAMILIES))
    parser.add_argument("--scales", nargs="+", type=float, default=[1.0, 2.0, 4.0])
    parser.add_argument("--units", type=int, default=5)
    parser.add_argument("--machines", type=int, default=4)
    parser.add_argument("--chains", type=int, default=256)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--first", type=int, default=FIRST_SEED)
    parser.add_argument("--refined", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ph.TranslationWarning)
    ways = (*RULES, REFINED) if options.refined else RULES
    heads = " | ".join(f"{way} | × | higher" for way in ways)
    print(f"| device | family | scale | floor | {heads} |")
    print("|---" * (4 + 3 * len(ways)) + "|")
    told: dict[str, list[float]] = {rule: [] for rule in RULES}
    for preset in options.preset:
        calibration = _calibration(preset)
        for family in options.families:
            for scale in options.scales:
                rows = [
                    measured(
                        FAMILIES[family](options.first + k, options.units, scale), calibration, options
                    )
                    for k in range(options.machines)
                ]
                print(row(preset, family, scale, rows, ways), flush=True)
                for rule in RULES:
                    told[rule] += [
                        found[f"{rule}, predicted"] / (found[rule] - found["floor"])
                        for found in rows
                        if found[rule] > 2 * found["floor"]
                    ]
    for rule, ratios in told.items():
        near = sum(0.5 <= ratio <= 2 for ratio in ratios)
        print(f"\nPredicted within a factor of 2, rule {rule}: {near} of {len(ratios)} machines.")


def _calibration(name: str) -> ph.Calibration:
    """Return the calibration of a preset, or of a file."""
    return ph.Calibration.load(name) if name.endswith(".json") else ph.Calibration.preset(name)


def measured(
    machine: ph.BoltzmannMachine, calibration: ph.Calibration, options: argparse.Namespace
) -> dict[str, float]:
    """Return the floor, and measured and predicted KL by each rule [nats]."""
    run = {name: getattr(options, name) for name in ("chains", "draws", "threads")}

    def look(substrate: str, name: str, network: ph.LaserNetwork | None = None) -> None:
        samples = ph.sample(machine, substrate, network=network, seed=2, **run)
        found[name] = float(kl_divergence(samples.free_joint(), machine.joint()))
        found[f"{name}, higher"] = higher(samples, machine)

    found: dict[str, float] = {}
    look("ideal", "floor")
    for rule in RULES:
        network = ph.translate(machine, calibration, rule=rule)
        look(network.device, rule, network)
        found[f"{rule}, predicted"] = ph.predict(machine, calibration, network).kl
    if options.refined:
        refined = ph.refine(machine, calibration, seed=1, **run).network
        look(refined.device, REFINED, refined)
    return found


def higher(samples: ph.Samples, machine: ph.BoltzmannMachine) -> float:
    """Return the share of the KL that is of three and more units, both less noise; nan if unknown."""
    try:
        parts = kl_parts(chain_joints(samples), machine)
    except ph.PhotinusError:  # a pair never shows one of its states
        return np.nan
    assert parts.noise is not None
    beyond = parts.total - sum(parts.noise)
    return float(np.clip((parts.higher - parts.noise[2]) / beyond, 0, 1)) if beyond > 0 else np.nan


def row(
    preset: str, family: str, scale: float, rows: list[dict[str, float]], ways: Sequence[str]
) -> str:
    """Return a row of the table: medians over machines."""
    cells = [f"{np.median([found['floor'] for found in rows]):.2g}"]
    for way in ways:
        cells.append(f"{np.median([found[way] for found in rows]):.2g}")
        cells.append(f"{np.median([found[way] / found['floor'] for found in rows]):.1f}")
        shares = [share for found in rows if np.isfinite(share := found[f"{way}, higher"])]
        cells.append(f"{100 * np.median(shares):.0f} %" if shares else "")
    return f"| {preset} | {family} | {scale:g} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
