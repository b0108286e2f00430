"""What a delay of the synapses costs two devices: KL on machines that no calibration has seen.

Random machines (n = 5, W and b uniform in ±1), translated; prints a table of medians and ranges.

    python studies/delays.py [--machines 4] [--delay 0 10 30] [--devices fast-absorber high-beta]
"""

import argparse

import numpy as np
from rich.progress import track

from photinus import BoltzmannMachine, Calibration, sample, translate
from photinus.units import ps

FIRST_SEED = 30_000


def random_machine(seed: int, units: int = 5) -> BoltzmannMachine:
    generator = np.random.default_rng(seed)
    weights = np.triu(generator.uniform(-1, 1, (units, units)), 1)
    return BoltzmannMachine(weights + weights.T, generator.uniform(-1, 1, units))


def divergence(device: str, delay: float, seed: int, threads: int | None) -> float:
    """Return the KL of 1e5 state windows in all, every synapse as late as `delay` [s]."""
    machine = random_machine(seed)
    network = translate(machine, Calibration.preset(device), delay=delay)
    drawn = sample(
        machine,
        "laser",
        chains=256,
        draws=400,
        burn_in=25,
        seed=seed + 1000,
        network=network,
        threads=threads,
    )
    return drawn.fidelity().kl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--devices", nargs="+", default=["fast-absorber", "high-beta"])
    parser.add_argument("--machines", type=int, default=4)
    parser.add_argument("--delay", type=float, nargs="+", default=[0.0, 10.0, 30.0], help="[ps]")
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    print(f"| device | τ [ps] | {' | '.join(f'{d:g} ps' for d in options.delay)} |")
    print(f"|---|---|{'---|' * len(options.delay)}")
    for device in options.devices:
        cells = []
        for delay in options.delay:
            kls = [
                divergence(device, delay * ps, FIRST_SEED + k, options.threads)
                for k in track(range(options.machines), f"{device}, {delay:g} ps", transient=True)
            ]
            cells.append(f"{np.median(kls):.5f} ({min(kls):.5f} … {max(kls):.5f})")
        window = Calibration.preset(device).window / ps
        print(f"| {device} | {window:.0f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
