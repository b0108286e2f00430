"""Fidelity of translation (and of refinement): ten random machines that no calibration has seen.

n = 5, W and b uniform in ±1, seeds 0–9, 256 chains × 75 draws after 25 of
burn-in, default laser. Beside the lasers the floor: the KL of an exact sampler over the same time.
"""

import argparse

import numpy as np

from photinus import BoltzmannMachine, Calibration, refine, sample, translate


def random_machine(seed: int, units: int = 5) -> BoltzmannMachine:
    """Return a machine with W and b uniform in ±1."""
    generator = np.random.default_rng(seed)
    weights = np.triu(generator.uniform(-1, 1, (units, units)), 1)
    return BoltzmannMachine(weights + weights.T, generator.uniform(-1, 1, units))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laser", default="fast-absorber")
    parser.add_argument("--draws", type=int, default=75)
    parser.add_argument("--refine", action="store_true", help="refine in the loop as well")
    parser.add_argument("--rules", nargs="*", default=["linear", "measured"])
    options = parser.parse_args()
    calibration = Calibration.preset(options.laser)
    print(f"{options.laser}: KL(sampled‖target), 256 chains × {options.draws} draws")
    columns = [*options.rules, *(["refined"] if options.refine else [])]
    print("seed      floor " + "".join(f"{name:>12}" for name in columns))
    rows = []
    for seed in range(10):
        machine = random_machine(seed)
        row = []
        for rule in options.rules:
            network = translate(machine, calibration, rule=rule)
            samples = sample(
                machine, chains=256, draws=options.draws, burn_in=25, seed=seed, network=network
            )
            fidelity = samples.fidelity()
            row.append(fidelity.kl)
        if options.refine:
            network = refine(machine, calibration, seed=seed).network
            samples = sample(
                machine, chains=256, draws=options.draws, burn_in=25, seed=100 + seed, network=network
            )
            row.append(samples.fidelity().kl)
        rows.append([fidelity.kl_floor, *row])
        print(f"{seed:4d} " + "".join(f"{value:12.5f}" for value in rows[-1]))
    print("mean " + "".join(f"{value:12.5f}" for value in np.mean(rows, axis=0)))


if __name__ == "__main__":
    main()
