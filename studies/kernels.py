"""Which driver to build: fidelity with each kind of synaptic pulse, by scale of the machines.

Every kind is used on the same device with the same state window, for random machines (n = 5, W and b
uniform in ±scale) that no calibration has seen. Beside them stand integrate-and-fire neurons with their
own pulse and with the lasers' shorter one, and ideal neurons, which show what so many draws can show.
Pulses are those that full calibrations fitted (`FITTED`); ``--calibrate`` measures them again and keeps
the calibrations in the results folder. Prints a Markdown table; each divergence is kept there too, so
that a run goes on where it stopped.

    python studies/kernels.py [--machines 4] [--scale 1 2 4] [--kinds NAME …] [--results FOLDER]
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from photinus import BoltzmannMachine, Calibration, calibrate, refine, sample, translate
from photinus._core.results import Results
from photinus.devices import preset, substrate_of
from photinus.devices.synapse import SynapticKernel

IDEAL = "ideal neurons"
KERNELS: dict[str, dict[str, Any]] = {
    "rectangle with pre-emphasis, renewing": {"synapse": "rectangle"},
    "rectangle with pre-emphasis, additive": {"synapse": "rectangle", "renewing": False},
    "plain rectangle, renewing": {"synapse": "plain"},
    "exponential, fitted decay, renewing": {"synapse": "exponential"},
    "exponential, fitted decay, additive": {"synapse": "exponential", "renewing": False},
    "exponential, decay τ, renewing": {"synapse": "exponential", "decay": 1.0},
    "charge injection, renewing": {"synapse": "charge"},
    "charge injection, additive": {"synapse": "charge", "renewing": False},
    "LIF, exponential, decay τ, renewing": {
        "device": "lif-hcs",
        "synapse": "exponential",
        "decay": 1.0,
    },
    "LIF, exponential, decay 0.4 τ, renewing": {
        "device": "lif-hcs",
        "synapse": "exponential",
        "decay": 0.4,
    },
}
"""Kinds of pulse: arguments of `calibrate`, decays in units of τ; the device where it isn't a laser."""
FITTED = {
    "rectangle with pre-emphasis, additive": (0.33, 0.69, 1.00),
    "plain rectangle, renewing": (0.00, 1.07, 1.00),
    "exponential, fitted decay, renewing": (0.00, 2.58, 0.40),
    "exponential, fitted decay, additive": (0.00, 2.63, 0.39),
    "charge injection, renewing": (0.79, 0.00, 1.00),
    "charge injection, additive": (0.76, 0.00, 1.00),
}
"""Kick, height and duration / τ that ``--calibrate`` found for fast-absorber."""
FIRST_SEED = 20_000
KIND = "photinus-pulse-divergence"


def random_machine(seed: int, scale: float, units: int = 5) -> BoltzmannMachine:
    generator = np.random.default_rng(seed)
    weights = scale * np.triu(generator.uniform(-1, 1, (units, units)), 1)
    return BoltzmannMachine(weights + weights.T, scale * generator.uniform(-1, 1, units))


def calibrated(name: str, options: argparse.Namespace) -> Calibration:
    """Return the calibration of a kind of pulse: shipped, as fitted before, or measured."""
    asked = dict(KERNELS[name])
    device = asked.pop("device", options.device)
    shipped = Calibration.preset(device)
    if name in (next(iter(KERNELS)), "LIF, exponential, decay τ, renewing"):
        return shipped
    if name in FITTED and device == "fast-absorber" and not options.calibrate:
        kick, height, duration = FITTED[name]
        kernel = SynapticKernel(
            kick=kick,
            sustain=height,
            duration=duration * shipped.window,
            renewing=asked.get("renewing", True),
            shape="exponential" if asked["synapse"] == "exponential" else "rectangle",
        )
        return replace(shipped, kernel=kernel)
    path = options.results / f"{device}, {name}.json"
    if path.exists():
        return Calibration.load(path)
    if "decay" in asked:
        asked["decay"] *= shipped.window
    calibration = calibrate(
        preset(device), window=shipped.window, threads=options.threads, progress=True, **asked
    )
    calibration.save(path)
    return calibration


def divergence(
    machine: BoltzmannMachine, calibration: Calibration | None, seed: int, options: argparse.Namespace
) -> float:
    """Return the KL of 1e5 state windows in all; of ideal neurons without a calibration."""
    settings: dict[str, Any] = {"threads": options.threads, "seed": seed + 1000}
    substrate = "ideal"
    if calibration is not None:
        network = translate(machine, calibration, gauge="none")
        if options.refined:
            network = refine(
                machine, calibration, network=network, seed=seed, threads=options.threads
            ).network
        settings["network"], substrate = network, substrate_of(network)
    return sample(machine, substrate, chains=256, draws=400, burn_in=25, **settings).fidelity().kl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="fast-absorber")
    parser.add_argument("--machines", type=int, default=10)
    parser.add_argument("--scale", type=float, nargs="+", default=[1.0, 2.0, 4.0])
    parser.add_argument("--kinds", nargs="+", choices=[*KERNELS, IDEAL], default=[*KERNELS, IDEAL])
    parser.add_argument("--refined", action="store_true", help="refine each network as well")
    parser.add_argument("--calibrate", action="store_true", help="measure all pulses again")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--results", type=Path, default=Path("studies/results/kernels"))
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in options.kinds:
        calibration = None if name == IDEAL else calibrated(name, options)
        medians = []
        for scale in options.scale:
            kls = [
                kept(name, scale, k, calibration, options)
                for k in track(range(options.machines), f"{name}, ±{scale:g}")
            ]
            medians.append(f"{np.median(kls):.5f} ({min(kls):.5f} … {max(kls):.5f})")
        pulse = ["", "", ""]
        if calibration is not None:
            kernel = calibration.kernel
            numbers = (kernel.kick, kernel.sustain, kernel.duration / calibration.window)
            pulse = [f"{x:.2f}" for x in numbers]
        rows.append(f"| {' | '.join([name, *pulse, *medians])} |")
    heads = ["pulse", "kick", "height", "duration / τ", *(f"±{scale:g}" for scale in options.scale)]
    print(
        f"\n{options.device}, {options.machines} machines, medians (lowest … highest) of "
        f"KL(sampled‖target), 256 chains × 400 τ{', refined' if options.refined else ''}\n\n"
        f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}"
    )
    print("\n".join(rows))


def kept(
    name: str, scale: float, k: int, calibration: Calibration | None, options: argparse.Namespace
) -> float:
    """Return a divergence from the results folder, or measure it and put it there."""
    way = "refined" if options.refined else "translated"

    def measure() -> dict[str, float]:
        machine = random_machine(FIRST_SEED + k, scale)
        return {"kl": divergence(machine, calibration, FIRST_SEED + k, options)}

    file = f"{options.device}, {name}, {way}, {scale:g}, {k}.kl"
    return float(Results(options.results, KIND).get(file, measure)["kl"])


if __name__ == "__main__":
    main()
