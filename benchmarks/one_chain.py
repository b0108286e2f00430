"""Time one chain of many lasers, full physics, on one thread and on several.

The lasers have about ten synapses each, at half activation. The numbers of threads take turns, a second
each, so that a machine that tires meets all of them; the factor is the median over turns. All must give
the same spikes, which is checked.

    python benchmarks/one_chain.py                    # 10 000 lasers, one and all threads
    python benchmarks/one_chain.py --lasers 1000 100000 --threads 1 2 3
"""

import argparse
import platform
import statistics
import time

import numba
import numpy as np

from photinus import Calibration, __version__
from photinus._core.threads import available_threads, processor
from photinus.engines.laser.simulator import Simulator
from scaling import network, sparse


def turns(
    lasers: int, threads: list[int], count: int, seconds: float
) -> tuple[float, list[list[float]]]:
    """Return how long [s] a chain is simulated for, and the wall times of each number of threads."""
    chip = network(Calibration.preset(), sparse(lasers))
    running = [Simulator(chip, seed=1, threads=k) for k in threads]
    duration = 40 * running[0].grid
    for simulator in running:  # compiles or loads
        simulator.advance(duration)
    begin = time.perf_counter()
    running[0].advance(duration)
    duration *= seconds / (time.perf_counter() - begin)
    for simulator in running[1:]:
        simulator.advance(running[0].time - simulator.time)
    walls: list[list[float]] = [[] for _ in threads]
    for _ in range(count):
        spikes = []
        for simulator, wall in zip(running, walls, strict=True):
            begin = time.perf_counter()
            spikes.append(simulator.advance(duration))
            wall.append(time.perf_counter() - begin)
        for other in spikes[1:]:
            np.testing.assert_array_equal(spikes[0].time, other.time)
            np.testing.assert_array_equal(spikes[0].unit, other.unit)
    return duration, walls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lasers", type=int, nargs="+", default=[10_000])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, available_threads()])
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0, help="about how long a turn takes")
    options = parser.parse_args()
    print(
        f"Photinus {__version__}, Numba {numba.__version__}, Python {platform.python_version()}, "
        f"{processor()}; one chain, {options.turns} turns"
    )
    print(" lasers threads  ns/laser-step (best, median)  factor (median, middle half, best/best)")
    for lasers in options.lasers:
        duration, walls = turns(lasers, options.threads, options.turns, options.seconds)
        steps = lasers * duration / Simulator(network(Calibration.preset(), sparse(1))).time_step
        for threads, wall in zip(options.threads, walls, strict=True):
            factors = [one / several for one, several in zip(walls[0], wall, strict=True)]
            low, middle, high = np.quantile(factors, (0.25, 0.5, 0.75))
            best, median = (1e9 * f(wall) / steps for f in (min, statistics.median))
            print(
                f"{lasers:7d} {threads:7d}  {best:12.3f} {median:12.3f}     {middle:8.2f} "
                f"({low:.2f} to {high:.2f}), {min(walls[0]) / min(wall):.2f}"
            )


if __name__ == "__main__":
    main()
