"""Time the full-physics engine: nanoseconds of wall time per laser and integration step.

Two layouts: 5 units × 256 chains, and 300 units × 16 chains with dense coupling, both at half
activation, where lasers spike most irregularly. The best and the median of several runs are printed.
"""

import argparse
import platform
import statistics
import time

import numba
import numpy as np

from photinus import BoltzmannMachine, Calibration, __version__, simulate, translate
from photinus._core.threads import available_threads, processor
from photinus.engines.laser.simulator import TIME_STEP
from photinus.units import ns

LAYOUTS = ((5, 256, 100 * ns), (300, 16, 30 * ns))


def machine(units: int) -> BoltzmannMachine:
    """Return a dense random machine whose fields stay of order one."""
    generator = np.random.default_rng(units)
    weights = np.triu(generator.uniform(-1, 1, (units, units)) * (5 / units) ** 0.5, 1)
    return BoltzmannMachine(weights + weights.T, generator.uniform(-1, 1, units))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, available_threads()])
    options = parser.parse_args()
    print(
        f"Photinus {__version__}, Numba {numba.__version__}, Python {platform.python_version()}, "
        f"{processor()}"
    )
    print("units chains threads   ns/laser-step (best, median)   laser-ns per second   spikes/ns/laser")
    for units, chains, duration in LAYOUTS:
        network = translate(machine(units), Calibration.preset())
        for threads in sorted(set(options.threads)):
            simulate(network, 1 * ns, chains=chains, seed=0, threads=threads)  # compiles or loads
            walls = []
            for _ in range(options.runs):
                begin = time.perf_counter()
                spikes = simulate(network, duration, chains=chains, seed=1, threads=threads)
                walls.append(time.perf_counter() - begin)
            steps = units * chains * duration / TIME_STEP
            best, median = (1e9 * f(walls) / steps for f in (min, statistics.median))
            speed = units * chains * duration / ns / statistics.median(walls)
            rate = len(spikes) / (units * chains * duration / ns)
            print(
                f"{units:5d} {chains:6d} {threads:7d}   {best:12.2f} {median:12.2f}   "
                f"{speed:20,.0f}   {rate:15.2f}"
            )


if __name__ == "__main__":
    main()
