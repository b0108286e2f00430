"""Time simulations of 1 to 100 000 lasers: wall time and memory against lasers, couplings and chains.

Every row is measured in a separate process: wall time as the median of the runs that follow a first
one, peak memory (all of the process, beside that of the same process before it built the network).
Three tables: lasers in one chain with ten synapses each, as sparse rows; five lasers in more and more
chains; the restricted machine of 784 + 10 + 500 units with and without its couplings, whose ratio is
what the coupling costs. All lasers are at half activation.

    python benchmarks/scaling.py                      # full physics
    python benchmarks/scaling.py --substrate reduced
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from typing import Any

import numba
import numpy as np
from scipy.sparse import csr_array

from engine import processor
from photinus import Calibration, __version__
from photinus._core.threads import available_threads
from photinus.engines.laser.simulator import Simulator
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.networks.lasers import Coupling, LaserNetwork
from photinus.units import ns

LASERS = (1, 10, 100, 1_000, 10_000, 100_000)
CHAINS = (1, 4, 16, 64, 256, 1024, 4096)
RESTRICTED = (784 + 10, 500)
RESTRICTED_CHAINS = (1, 4, 16, 64)
SYNAPSES = 10
SUBSTRATES = ("full", "reduced")


def sparse(units: int) -> csr_array:
    """Return random couplings of about `SYNAPSES` sources per laser, whose sums are of order one."""
    generator = np.random.default_rng(units)
    count = SYNAPSES * units
    target, source = generator.integers(0, units, (2, count))
    values = np.where(target == source, 0.0, generator.normal(scale=SYNAPSES**-0.5, size=count))
    found = csr_array((values, (target, source)), shape=(units, units))
    found.eliminate_zeros()
    return found


def restricted(coupled: bool) -> Coupling:
    """Return the couplings of a restricted machine, whose fields are of order one."""
    visible, hidden = RESTRICTED
    weights = np.zeros((visible + hidden, visible + hidden))
    if coupled:
        spread = 4 / (visible + hidden) ** 0.5
        block = np.random.default_rng(0).normal(scale=spread, size=(visible, hidden))
        weights[:visible, visible:], weights[visible:, :visible] = block, block.T
    return weights


def network(calibration: Calibration, weights: Coupling) -> LaserNetwork:
    """Return lasers at half activation with these weights, whose mean is taken off the drives."""
    from photinus.devices import assemble, setting

    balance = np.asarray(weights.sum(axis=1)).ravel() / 2
    found = assemble(
        calibration.parameters,
        drive=calibration.midpoint - calibration.slope * balance,
        coupling=calibration.slope * weights,
        kernel=calibration.kernel,
        window=calibration.window,
        detection_threshold=calibration.detection_threshold,
        driven=setting(calibration.parameters).bracket,
    )
    assert isinstance(found, LaserNetwork)
    return found


def peak_memory() -> float:
    """Return the most memory that this process has had [MiB]."""
    # Not getrusage: there a process inherits the peak of the one that started it.
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def measured(
    kind: str, units: int, chains: int, substrate: str, threads: int, runs: int, seconds: float
) -> dict[str, Any]:
    """Return what one row says; `seconds` is about how long a run takes."""
    calibration = Calibration.preset()
    # Compiles or loads, and has the modules in memory before it is looked at.
    warm_up = simulator(network(calibration, np.zeros((1, 1))), 1, substrate, threads, calibration)
    warm_up.advance(1 * ns)
    before = peak_memory()
    weights = sparse(units) if kind == "sparse" else restricted(kind == "coupled")
    begin = time.perf_counter()
    running = simulator(network(calibration, weights), chains, substrate, threads, calibration)
    building = time.perf_counter() - begin
    duration = 20 * running.time_step
    while True:
        begin = time.perf_counter()
        running.advance(duration)
        if (wall := time.perf_counter() - begin) > seconds / 4:
            break
        duration *= 4
    walls, spikes = [], 0
    duration *= seconds / wall
    for _ in range(runs):
        begin = time.perf_counter()
        spikes = len(running.advance(duration))
        walls.append(time.perf_counter() - begin)
    return {
        "lasers": weights.shape[0],
        "synapses": int(np.count_nonzero(weights.data if kind == "sparse" else weights)),
        "chains": chains,
        "building": building,
        "wall": statistics.median(walls),
        "duration": duration,
        "step": running.time_step,
        "memory": peak_memory() - before,
        "spikes": spikes,
    }


def simulator(
    net: LaserNetwork, chains: int, substrate: str, threads: int, calibration: Calibration
) -> Simulator | ReducedSimulator:
    if substrate == "full":
        return Simulator(net, chains=chains, seed=1, threads=threads)
    return ReducedSimulator(net, calibration.require_reduced(), chains=chains, seed=1, threads=threads)


def apart(*arguments: Any) -> dict[str, Any]:
    """Return `measured(*arguments)` of a separate process."""
    command = [sys.executable, __file__, "--row", json.dumps(arguments)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def line(row: dict[str, Any]) -> str:
    """Return a row of a table."""
    lasers = row["lasers"] * row["chains"]
    speed = lasers * row["duration"] / ns / row["wall"]
    per_step = 1e9 * row["wall"] / (lasers * row["duration"] / row["step"])
    return (
        f"{row['lasers']:7d} {row['synapses']:9d} {row['chains']:6d} {row['building']:9.2f} "
        f"{row['duration'] / ns:12.4g} {row['wall']:8.2f} {speed:18.4g} {per_step:14.2f} "
        f"{row['memory']:13.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--substrate", choices=SUBSTRATES, default="full")
    parser.add_argument("--threads", type=int, default=available_threads())
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="about how long a run takes")
    parser.add_argument("--most", type=int, default=LASERS[-1], help="lasers times chains at most")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        print(json.dumps(measured(*json.loads(options.row))))
        return
    common = (options.substrate, options.threads, options.runs, options.seconds)
    print(
        f"Photinus {__version__}, Numba {numba.__version__}, Python {platform.python_version()}, "
        f"{processor()}; {options.substrate}, {options.threads} thread(s)"
    )
    head = (
        " lasers  synapses chains  build [s]  laser time [ns] wall [s]   laser-ns per second "
        "ns/laser-step  memory [MiB]"
    )
    print(f"\nLasers, about {SYNAPSES} synapses each\n{head}")
    for units in LASERS:
        if units <= options.most:
            print(line(apart("sparse", units, 1, *common)), flush=True)
    print(f"\nChains\n{head}")
    for chains in CHAINS:
        if 5 * chains <= options.most:
            print(line(apart("sparse", 5, chains, *common)), flush=True)
    print(f"\nA restricted machine, {' + '.join(map(str, RESTRICTED))} units\n{head}   coupled/not")
    for chains in RESTRICTED_CHAINS:
        if sum(RESTRICTED) * chains > options.most:
            continue
        alone, coupled = (apart(kind, 0, chains, *common) for kind in ("uncoupled", "coupled"))
        cost = [row["wall"] / row["duration"] for row in (alone, coupled)]
        print(line(alone))
        print(f"{line(coupled)} {cost[1] / cost[0]:13.2f}", flush=True)


if __name__ == "__main__":
    main()
