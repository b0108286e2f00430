"""Which driver to build: fidelity with each kind of synaptic pulse, translated and refined.

Every kind is calibrated on the same device with the same state window, then used for random machines
(n = 5, W and b uniform in ±1) that no calibration has seen. Prints a Markdown table; calibrations are
kept in the results folder, so that a second run starts from them.

    python studies/kernels.py [--device fast-absorber] [--machines 10] [--results FOLDER]
"""

import argparse
from pathlib import Path

import numpy as np
from rich.progress import track

from photinus import BoltzmannMachine, Calibration, calibrate, refine, sample, translate
from photinus.devices import preset, substrate_of

KERNELS = {
    "rectangle with pre-emphasis, renewing": {"synapse": "rectangle"},
    "rectangle with pre-emphasis, additive": {"synapse": "rectangle", "renewing": False},
    "plain rectangle, renewing": {"synapse": "plain"},
    "exponential, fitted decay, renewing": {"synapse": "exponential"},
    "exponential, fitted decay, additive": {"synapse": "exponential", "renewing": False},
    "exponential, decay τ/4, renewing": {"synapse": "exponential", "decay": 0.25},
    "exponential, decay τ, renewing": {"synapse": "exponential", "decay": 1.0},
    "charge injection, renewing": {"synapse": "charge"},
    "charge injection, additive": {"synapse": "charge", "renewing": False},
}
"""Kinds of pulse; decay times in units of the state window."""
FIRST_SEED = 20_000


def random_machine(seed: int, units: int = 5) -> BoltzmannMachine:
    generator = np.random.default_rng(seed)
    weights = np.triu(generator.uniform(-1, 1, (units, units)), 1)
    return BoltzmannMachine(weights + weights.T, generator.uniform(-1, 1, units))


def calibrated(device: str, name: str, results: Path) -> Calibration:
    """Return the calibration of a device with a kind of pulse, from the results or measured."""
    path = results / f"{device}, {name.replace('/', ' over ')}.json"
    if path.exists():
        return Calibration.load(path)
    window = Calibration.preset(device).window
    options = dict(KERNELS[name])
    if "decay" in options:
        options["decay"] = options["decay"] * window
    calibration = calibrate(preset(device), window=window, progress=True, **options)
    calibration.save(path)
    return calibration


def divergence(machine: BoltzmannMachine, calibration: Calibration, seed: int, refined: bool) -> float:
    """Return the KL of 1e5 state windows in all, translated or refined."""
    network = translate(machine, calibration)
    if refined:
        network = refine(machine, calibration, network=network, seed=seed).network
    samples = sample(
        machine,
        substrate_of(network),
        chains=256,
        draws=400,
        burn_in=25,
        seed=seed + 1000,
        network=network,
    )
    return samples.fidelity().kl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="fast-absorber")
    parser.add_argument("--machines", type=int, default=10)
    parser.add_argument("--results", type=Path, default=Path("studies/results/kernels"))
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    seeds = range(FIRST_SEED, FIRST_SEED + options.machines)
    rows = []
    for name in KERNELS:
        calibration = calibrated(options.device, name, options.results)
        kernel = calibration.kernel
        columns = [
            [
                divergence(random_machine(seed), calibration, seed, refined)
                for seed in track(seeds, f"{name}, {'refined' if refined else 'translated'}")
            ]
            for refined in (False, True)
        ]
        rows.append(
            f"| {name} | {kernel.kick:.2f} | {kernel.sustain:.2f} "
            f"| {kernel.duration / calibration.window:.2f} "
            f"| {calibration.network_kl:.5f} | {np.median(columns[0]):.5f} "
            f"| {np.median(columns[1]):.5f} |"
        )
    print(
        f"\n{options.device}, {options.machines} machines, medians of KL(sampled‖target), "
        "256 chains × 400 τ\n\n"
        "| pulse | kick | height | duration / τ | pairs and triples | translated | refined |\n"
        "|---|---|---|---|---|---|---|"
    )
    print("\n".join(rows))


if __name__ == "__main__":
    main()
