"""Which driver to build: fidelity with each kind of synaptic pulse, translated and refined.

Every kind is calibrated on the same device with the same state window, then used for random machines
(n = 5, W and b uniform in ±1) that no calibration has seen. Prints a Markdown table; calibrations are
kept in the results folder, so that a second run starts from them.

    python studies/kernels.py [--device fast-absorber] [--machines 10] [--results FOLDER]
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from photinus import BoltzmannMachine, Calibration, calibrate, refine, sample, translate
from photinus.devices import preset, substrate_of

KERNELS: dict[str, dict[str, Any]] = {
    "rectangle with pre-emphasis, renewing": {"synapse": "rectangle"},
    "rectangle with pre-emphasis, additive": {"synapse": "rectangle", "renewing": False},
    "plain rectangle, renewing": {"synapse": "plain"},
    "exponential, fitted decay, renewing": {"synapse": "exponential"},
    "exponential, fitted decay, additive": {"synapse": "exponential", "renewing": False},
    "charge injection, renewing": {"synapse": "charge"},
    "charge injection, additive": {"synapse": "charge", "renewing": False},
}
"""Kinds of pulse: arguments of `calibrate`."""
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
    calibration = calibrate(preset(device), window=window, progress=True, **KERNELS[name])
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
    parser.add_argument("--refined", type=int, default=0, help="machines that are refined as well")
    parser.add_argument("--results", type=Path, default=Path("studies/results/kernels"))
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    counts = {"translated": options.machines, "refined": options.refined}
    rows = []
    for name in KERNELS:
        calibration = calibrated(options.device, name, options.results)
        kernel = calibration.kernel
        medians = []
        for way, count in counts.items():
            kls = [
                divergence(
                    random_machine(FIRST_SEED + k), calibration, FIRST_SEED + k, way == "refined"
                )
                for k in track(range(count), f"{name}, {way}")
            ]
            medians.append(f"{np.median(kls):.5f}" if kls else "")
        rows.append(
            f"| {name} | {kernel.kick:.2f} | {kernel.sustain:.2f} "
            f"| {kernel.duration / calibration.window:.2f} "
            f"| {calibration.network_kl:.5f} | {' | '.join(medians)} |"
        )
    print(
        f"\n{options.device}, {counts} machines, medians of KL(sampled‖target), "
        "256 chains × 400 τ\n\n"
        "| pulse | kick | height | duration / τ | pairs and triples | translated | refined |\n"
        "|---|---|---|---|---|---|---|"
    )
    print("\n".join(rows))


if __name__ == "__main__":
    main()
