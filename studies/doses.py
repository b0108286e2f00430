"""A linear synapse, with and without doses: lasers whose pulses add up, against the default synapse.

Samples from random machines (n = 5, W and b uniform in ±scale, those of `studies.kernels`), translated
and not refined, all in one network at full physics. The additive exponential is the one that a fit with
weights up to 2 found for the default laser. Prints a Markdown table of KL(sampled‖target).

    python -m studies.doses [--machines 8]
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from studies.kernels import FIRST_SEED, random_machine

from photinus import Calibration
from photinus.calibration.agreement import divergence
from photinus.calibration.trials import SmallNetworks
from photinus.devices.synapse import SynapticKernel
from photinus.engines.laser import Simulator

SCALES = (1.0, 2.0, 4.0)
CHAINS, WINDOWS = 64, 320
HEIGHT, DECAY = 2.6298809272730836, 0.38625495852385366
"""Of the exponential: drive per coupling, and time constant in units of τ."""


def kinds() -> Iterator[tuple[str, Calibration]]:
    """Return what is compared, by name."""
    shipped = Calibration.preset()
    kernel = SynapticKernel(
        kick=0.0,
        sustain=HEIGHT,
        duration=DECAY * shipped.window,
        renewing=False,
        shape="exponential",
    )
    filtered = replace(shipped, kernel=kernel)
    never = np.full_like(shipped.mean_interval, np.nan)
    yield "rectangle with pre-emphasis, renewing", shipped
    yield "exponential, additive, with doses", filtered
    yield "exponential, additive, without", replace(filtered, mean_interval=never)


def main() -> None:
    parser = argparse.ArgumentParser(description="A linear synapse, with and without doses.")
    parser.add_argument("--machines", type=int, default=8, help="machines of each scale")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.machines)
    machines = [random_machine(seed, scale) for scale in SCALES for seed in seeds]
    print("| synapse |" + "".join(f" ±{scale:g}: median (worst) |" for scale in SCALES))
    print("|---|" + "---|" * len(SCALES))
    for name, calibration in kinds():
        small = SmallNetworks.of(calibration, machines)
        running = Simulator(small.network, chains=CHAINS, seed=9, threads=options.threads)
        running.advance(20 * calibration.window)
        joints = small.joints(running.advance(WINDOWS * calibration.window))
        seen = CHAINS * WINDOWS
        pairs = zip(joints, machines, strict=True)
        kl = np.array([divergence(p, m.joint(), seen) for p, m in pairs]).reshape(len(SCALES), -1)
        cells = [f" {np.median(row):.5f} ({row.max():.5f}) |" for row in kl]
        print(f"| {name} |" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
