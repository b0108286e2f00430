"""What a driver that bends brings: machines with low biases on lasers, without and with it.

Samples from the demo's machine (nine units, six biases below −2) and from random ones (n = 5, W and b
uniform in ±scale) at full physics, translated and not refined, each laser standing for its own unit.
Prints a Markdown table: how far the log-odds are from a straight line, medians of KL(sampled‖target),
effective samples per second of chip time and pump energy of each.

    python studies/driver.py [--machines 8] [--devices NAME …]
"""

import argparse

import numpy as np

from photinus import BoltzmannMachine, Calibration, sample, translate
from photinus.calibration.straight import curvature
from photinus.diagnostics.convergence import smallest_effective_draws
from photinus.diagnostics.distance import kl_divergence
from photinus.faces.demo.patients import L2, load_data
from photinus.networks.lasers import LaserNetwork

FIRST_SEED = 90_000
"""Of the random machines; tests and calibrations draw others."""
CHAINS, DRAWS = 128, 200


def demo_machine(split: int) -> BoltzmannMachine:
    """Return the machine of the demo, learned from one split of the patients."""
    data = load_data(split)
    return BoltzmannMachine.fit(data.train, l2=L2, labels=data.labels)


def random_machine(seed: int, scale: float) -> BoltzmannMachine:
    """Return a machine with W and b uniform in ±scale."""
    random = np.random.default_rng(seed)
    upper = np.triu(random.uniform(-scale, scale, (5, 5)), 1)
    return BoltzmannMachine(upper + upper.T, random.uniform(-scale, scale, 5))


def measured(
    machine: BoltzmannMachine, calibration: Calibration, seed: int, threads: int | None
) -> tuple[float, float, float]:
    """Return KL [nats], effective samples per second, and pump energy of each [J]."""
    network = translate(machine, calibration, gauge="none")
    assert isinstance(network, LaserNetwork)
    run = sample(
        machine,
        network=network,
        calibration=calibration,
        chains=CHAINS,
        draws=DRAWS,
        seed=seed,
        threads=threads,
    )
    effective = smallest_effective_draws(machine, run.states)
    rate = effective / (CHAINS * DRAWS * calibration.window)
    energy = float(network.supplied.sum()) * calibration.laser.photon_energy / rate
    return kl_divergence(run.free_joint(), machine.joint()), rate, energy


def main() -> None:
    parser = argparse.ArgumentParser(description="What a driver that bends brings.")
    parser.add_argument("--machines", type=int, default=8, help="machines of each kind")
    parser.add_argument("--devices", nargs="+", default=["fast-absorber", "straight"])
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    kinds = {"demo": [demo_machine(k) for k in range(min(options.machines, 4))]}
    for scale in (1.0, 2.0, 4.0):
        machines = range(FIRST_SEED, FIRST_SEED + options.machines)
        kinds[f"±{scale:g}"] = [random_machine(seed, scale) for seed in machines]
    print("| device | bend | machines | KL: median (worst) | 10⁶ effective samples/s | fJ each |")
    print("|---|---|---|---|---|---|")
    for device in options.devices:
        calibration = Calibration.preset(device)
        bend = curvature(calibration)
        for kind, machines in kinds.items():
            found = np.array(
                [measured(m, calibration, k, options.threads) for k, m in enumerate(machines)]
            )
            kl, rate, energy = found.T
            print(
                f"| {device} | {bend:.2f} | {kind} | {np.median(kl):.5f} ({kl.max():.5f}) "
                f"| {np.median(rate) * 1e-6:.0f} | {np.median(energy) * 1e15:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
