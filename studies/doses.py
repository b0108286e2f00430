"""Linear synapses, with and without doses: lasers whose pulses add up, against the default synapse.

Samples from random machines (n = 5, W and b uniform in ±scale, those of `studies.kernels`), translated
and not refined, all in one network at full physics. Synapses were fitted to other machines, the pairs,
triples and crowds of `photinus.calibration.synapse.targets`. Prints a Markdown table of
KL(sampled‖target).

    python -m studies.doses [--machines 8]
    python -m studies.doses --fit exponential kick rectangle [--reach 4]
    python -m studies.doses --pairs FILE    # write the calibration of the filter, with a pair table
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from studies.kernels import FIRST_SEED, random_machine

from photinus import Calibration
from photinus.calibration.agreement import divergence
from photinus.calibration.bench import Bench
from photinus.calibration.pairs import measure_pairs
from photinus.calibration.synapse import fit_synapse, targets
from photinus.calibration.trials import SmallNetworks
from photinus.devices import device_of
from photinus.devices.synapse import SynapticKernel
from photinus.engines.laser import Simulator
from photinus.units import ps

SCALES = (1.0, 2.0, 4.0)
CHAINS, WINDOWS = 64, 320
PAIR_WINDOWS = 1200
"""State windows of each pair of a pair table."""
FILTER, RECTANGLE = ("exponential", False), ("rectangle", True)
"""Shape, and whether pulses renew."""
FITTED = {
    "exponential, additive": (FILTER, (0.0, 2.6298809272730836, 0.38625495852385366)),
    "exponential with kick, additive": (FILTER, (0.127, 1.968, 0.466)),
    "rectangle, renewing, fitted to 4": (RECTANGLE, (0.267, 0.792, 1.0)),
}
"""What `--fit` found for weights up to 2, or 4: kick, height in drive per coupling, duration over τ."""
STARTS = {
    "exponential": (FILTER, (0.0, 2.6, 0.4)),
    "kick": (FILTER, (0.15, 2.2, 0.45)),
    "rectangle": (RECTANGLE, (0.33, 0.7, 1.0)),
}
"""Where fits start, by the name for `--fit`."""
FREE = {
    "exponential": {"sustain": 0.2, "duration": 0.06},
    "kick": {"kick": 0.08, "sustain": 0.2, "duration": 0.06},
    "rectangle": {"kick": 0.08, "sustain": 0.15},
}
"""What is fitted, with steps of finite differences."""
RISES = (5 * ps, 10 * ps)
"""Rise times of drivers, which make of a kick a pulse of one pole, and of an exponential one of two."""


@dataclass(frozen=True)
class Kind:
    """What is compared."""

    calibration: Calibration
    rise: float = 0.0
    """Rise time of the drivers [s]."""


def with_kernel(kind: tuple[str, bool], pulse: tuple[float, float, float]) -> Calibration:
    """Return the default laser with another synapse; `pulse` is kick, height and duration over τ."""
    shipped = Calibration.preset()
    kernel = SynapticKernel(
        kick=pulse[0],
        sustain=pulse[1],
        duration=pulse[2] * shipped.window,
        shape=kind[0],
        renewing=kind[1],
    )
    return replace(shipped, kernel=kernel)


def kinds(only: Sequence[str] | None) -> Iterator[tuple[str, Kind]]:
    """Return what is compared, by name; `only` some of them."""
    compared = {"rectangle with pre-emphasis, renewing": Calibration.preset()}
    compared |= {name: with_kernel(*FITTED[name]) for name in FITTED}
    for name, calibration in compared.items():
        if only is not None and name not in only:
            continue
        yield name, Kind(calibration)
        for rise in RISES:
            yield f"{name}; drivers rise in {rise / ps:.0f} ps", Kind(calibration, rise)
    if only is not None:
        return
    plain = with_kernel(*FITTED["exponential, additive"])
    never = np.full_like(plain.mean_interval, np.nan)
    yield "exponential, additive, without doses", Kind(replace(plain, mean_interval=never))


def fit(name: str, options: argparse.Namespace) -> None:
    """Print the synapse that brings small networks nearest to their targets."""
    calibration = with_kernel(*STARTS[name])
    laser = calibration.laser
    found = device_of(laser).setting(laser)
    seeds = [*np.random.SeedSequence(5).spawn(9)]
    bench = Bench(laser, found, calibration.kernel, 32, found.time_step, options.threads, seeds)
    best = fit_synapse(
        bench,
        calibration,
        FREE[name],
        machines=targets(options.reach),
        steps=3,
        advance=lambda: None,
    )
    kernel = best.kernel
    print(
        f"{name}, |W| up to {options.reach:g}: kick {kernel.kick:.3f}, height {kernel.sustain:.3f}, "
        f"duration {kernel.duration / calibration.window:.3f} τ, mean KL {best.mean_kl:.5f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--machines", type=int, default=8, help="machines of each scale")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", nargs="+", choices=FITTED, help="only these")
    parser.add_argument("--fit", nargs="+", choices=STARTS, help="fit these, and nothing else")
    parser.add_argument("--pairs", help="file to write the calibration of the filter to, nothing else")
    parser.add_argument("--reach", type=float, default=2.0, help="largest weight of a fit")
    options = parser.parse_args()
    if options.pairs:
        filtered = replace(with_kernel(*FITTED["exponential with kick, additive"]), pairs=None)
        table = measure_pairs(filtered, windows=PAIR_WINDOWS, seed=0, threads=options.threads)
        replace(filtered, pairs=table).save(options.pairs)
        return
    for name in options.fit or ():
        fit(name, options)
    if options.fit:
        return
    seeds = range(FIRST_SEED, FIRST_SEED + options.machines)
    machines = [random_machine(seed, scale) for scale in SCALES for seed in seeds]
    print("| synapse |" + "".join(f" ±{scale:g}: median (worst) |" for scale in SCALES))
    print("|---|" + "---|" * len(SCALES))
    for name, kind in kinds(options.only):
        small = SmallNetworks.of(kind.calibration, machines)
        network = small.network.replace(rise_time=kind.rise)
        running = Simulator(network, chains=CHAINS, seed=9, threads=options.threads)
        running.advance(20 * network.window)
        joints = small.joints(running.advance(WINDOWS * network.window))
        seen = CHAINS * WINDOWS
        pairs = zip(joints, machines, strict=True)
        kl = np.array([divergence(p, m.joint(), seen) for p, m in pairs]).reshape(len(SCALES), -1)
        cells = [f" {np.median(row):.5f} ({row.max():.5f}) |" for row in kl]
        print(f"| {name} |" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
