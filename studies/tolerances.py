"""How large an imperfection may be before it doubles the KL of translated machines: a quick look.

Sweeps of ``studies/robustness.py`` on machines of ``studies/delays.py``, translated, full physics: no
refinement, no digits, and the floor taken from every KL. From the root of the repository::

    python -m studies.tolerances compression rise_time pump_noise pump_noise_corner self_heating
"""

import argparse

import numpy as np
from rich.progress import track
from studies.delays import FIRST_SEED, excess, random_machine, table
from studies.robustness import SWEEPS, crossing

from photinus import Calibration, LaserNetwork, translate
from photinus.networks.imperfections import Imperfections

LEVELS = (0.001, 0.01)
"""KL [nats] beside twice that without fault."""
SETTLED = 150
"""Burn-in [τ]: three thermal time constants of the sweep."""


def main() -> None:
    """Measure the sweeps that are asked for and print one row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("sweeps", nargs="+", choices=SWEEPS)
    add("--device", default="fast-absorber")
    add("--machines", type=int, default=3)
    add("--draws", type=int, default=400)
    add("--threads", type=int)
    options = parser.parse_args()
    if options.draws < SETTLED:
        parser.error(f"--draws must be at least {SETTLED}, as many as the burn-in, got {options.draws}")
    calibration = Calibration.preset(options.device)

    def mean(faults: Imperfections, title: str) -> float:
        found = []
        for k in track(range(options.machines), title, transient=True):
            machine = random_machine(FIRST_SEED + k)
            designed = translate(machine, calibration)
            assert isinstance(designed, LaserNetwork)
            found.append(
                excess(
                    machine,
                    faults.apply(designed, seed=k),
                    imperfections=faults,
                    chains=256,
                    draws=options.draws,
                    burn_in=SETTLED,
                    seed=FIRST_SEED + 3000 + k,
                    threads=options.threads,
                )
            )
        return float(np.mean(found))

    without = mean(Imperfections(), "no fault")
    print(f"KL without fault {without:.5f}", flush=True)
    rows = []
    for name in options.sweeps:
        sweep = SWEEPS[name]
        kl = []
        for size in sweep.sizes:
            kl.append(mean(sweep.make(size, calibration.window), sweep.shown(size)))
            print(f"{name} {sweep.shown(size)}: {kl[-1]:.5f}", flush=True)
        sizes = np.array(sweep.sizes)
        cells = []
        for level in (2 * without, *LEVELS):
            at = crossing(sizes, np.maximum(kl, 1e-6), level)
            inside = 0 < at < np.inf
            below = f"below {sweep.shown(sizes[0])}" if at == 0 else f"above {sweep.shown(sizes[-1])}"
            cells.append(sweep.shown(at) if inside else below)
        rows.append([sweep.title, *cells])
    table(["imperfection", "doubled", *(f"KL {level:g}" for level in LEVELS)], rows)


if __name__ == "__main__":
    main()
