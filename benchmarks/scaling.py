"""Full physics from one laser to 100 000: wall time, rate, cost of a laser-step, memory.

Lasers on their own, lasers with sparse random couplings (SciPy's CSR all the way), and a restricted
machine of 784 + 10 + 500 units beside as many lasers that are not coupled. The laser-time is the same
for most rows, so that a cost linear in lasers and in chains shows as a constant column. Memory is what
the process gained at its peak, from its start on; each row runs in a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

from engine import processor
from photinus import Calibration, LaserNetwork, __version__, simulate
from photinus._threads import available_threads
from photinus.simulation.engine import TIME_STEP
from photinus.units import ns

ROWS = (
    ("uncoupled", 1, 1),
    ("uncoupled", 10, 1),
    ("uncoupled", 100, 1),
    ("uncoupled", 1_000, 1),
    ("uncoupled", 10_000, 1),
    ("uncoupled", 100_000, 1),
    ("sparse", 100, 1),
    ("sparse", 1_000, 1),
    ("sparse", 10_000, 1),
    ("sparse", 100_000, 1),
    ("sparse", 100, 10),
    ("sparse", 100, 100),
    ("sparse", 100, 1_000),
    ("uncoupled", 1_294, 1),
    ("restricted", 1_294, 1),
    ("uncoupled", 1_294, 4),
    ("restricted", 1_294, 4),
    ("uncoupled", 1_294, 16),
    ("restricted", 1_294, 16),
)
LASER_TIME = 100_000 * ns
"""Time of all lasers of a row together; one laser alone gets a hundredth."""
NEIGHBOURS = 8
VISIBLE, HIDDEN = 794, 500


def coupling_of(kind: str, n: int) -> Any:
    """Return couplings in log-odds, array or sparse matrix (target, source)."""
    from scipy.sparse import block_array, coo_array, csr_array

    generator = np.random.default_rng(n)
    if kind == "uncoupled":
        return csr_array((n, n))
    if kind == "restricted":
        block = csr_array(generator.normal(0, 0.1, (VISIBLE, HIDDEN)))
        return block_array([[None, block], [block.T, None]]).tocsr()
    source = np.repeat(np.arange(n), NEIGHBOURS // 2)
    target = (source + generator.integers(1, n, len(source))) % n
    half = coo_array((generator.uniform(-1, 1, len(source)), (target, source)), shape=(n, n)).tocsr()
    return half + half.T


def network_of(kind: str, n: int) -> LaserNetwork:
    """Return lasers of the default device at half activation, with those couplings."""
    c = Calibration.preset()
    return LaserNetwork(
        parameters=c.laser,
        pump=np.full(n, c.midpoint / c.laser.gain_lifetime),
        coupling=c.slope * coupling_of(kind, n),
        kernel=c.kernel,
        window=c.window,
        detection_threshold=c.detection_threshold,
        driven_pump=(0.0, c.drive_at(np.array(8.0)) / c.laser.gain_lifetime),
    )


def measure(kind: str, n: int, chains: int) -> dict[str, float]:
    """Return wall time [s], laser-ns per second, ns per laser-step and memory [MB] of one row."""
    simulate(network_of("uncoupled", 40), 0.1 * ns, seed=0)  # loads the kernel
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    network = network_of(kind, n)
    lasers = n * chains
    duration = max(LASER_TIME / lasers, 1 * ns) if lasers > 1 else LASER_TIME / 100
    begin = time.perf_counter()
    simulate(network, duration, chains=chains, seed=1)
    wall = time.perf_counter() - begin
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    done = lasers * duration
    return {
        "duration": duration / ns,
        "wall": wall,
        "speed": done / ns / wall,
        "step": 1e9 * wall / (done / TIME_STEP),
        "memory": memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        kind, n, chains = options.row
        print(json.dumps(measure(kind, int(n), int(chains))))
        return
    print(f"Photinus {__version__}, {available_threads()} threads, {processor()}")
    print(
        "couplings    lasers  chains   time [ns]   wall [s]   laser-ns/s   ns/laser-step   memory [MB]"
    )
    for kind, n, chains in ROWS:
        command = [sys.executable, __file__, "--row", kind, str(n), str(chains)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        print(
            f"{kind:10s} {n:8,d} {chains:7,d} {found['duration']:11,.1f} {found['wall']:10.2f} "
            f"{found['speed']:12,.0f} {found['step']:15.2f} {found['memory']:13.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
