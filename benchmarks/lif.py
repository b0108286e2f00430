"""Time the LIF simulator, and show how its activation curve depends on the integration step.

Speed: nanoseconds per neuron and step of 0.1 ms, wall time (best and median of several runs) and
processor time of all threads (best, for machines that do other work as well), networks at half
activation with dense coupling.

Accuracy: probability of being on over seven drives, by integration step, and by the theory of bursts
(`photinus.devices.lif.activation`).
"""

import argparse
import platform
import statistics
import time

import numba
import numpy as np
from numpy.typing import NDArray

from photinus import SynapticKernel, __version__
from photinus._core.threads import available_threads
from photinus.devices.lif import LifParameters, activation, area_rule_sustain
from photinus.engines.lif.simulator import LifSimulator
from photinus.networks.lif import LifNetwork

NEURON = LifParameters.preset()
LAYOUTS = ((5, 256, 10.0), (300, 16, 2.0))
CHAINS = 64
SETTLE = 0.2
"""Seconds dropped at the start of each measurement."""


def network(drive: NDArray[np.float64], coupling: NDArray[np.float64]) -> LifNetwork:
    """Return neurons of the preset with the synapse of the PSP-area rule."""
    kernel = SynapticKernel(
        kick=0, sustain=area_rule_sustain(NEURON), duration=NEURON.synaptic_time, shape="exponential"
    )
    return LifNetwork(
        parameters=NEURON,
        drive=drive,
        coupling=coupling,
        kernel=kernel,
        window=NEURON.refractory_time,
        driven_drive=(-60e-3, -40e-3),
    )


def random_network(units: int) -> LifNetwork:
    """Return a dense symmetric network whose fields stay of order one (α about 0.6 mV)."""
    generator = np.random.default_rng(units)
    weights = np.triu(generator.uniform(-1, 1, (units, units)) * (5 / units) ** 0.5, 1)
    biases = generator.uniform(-1, 1, units)
    return network(-50.5e-3 + 0.6e-3 * biases, 0.6e-3 * (weights + weights.T))


def print_speed(runs: int, thread_counts: list[int]) -> None:
    print("units chains threads   ns/neuron-step (best, median, processor)   spikes/s/neuron")
    for units, chains, duration in LAYOUTS:
        for threads in thread_counts:
            simulator = LifSimulator(random_network(units), chains=chains, seed=0, threads=threads)
            simulator.advance(SETTLE)  # compiles or loads, and settles
            walls, cpu = [], []
            for _ in range(runs):
                begin, busy = time.perf_counter(), time.process_time()
                spikes = simulator.advance(duration)
                walls.append(time.perf_counter() - begin)
                cpu.append(time.process_time() - busy)
            steps = units * chains * duration / simulator.time_step
            best, median = (1e9 * f(walls) / steps for f in (min, statistics.median))
            print(
                f"{units:5d} {chains:6d} {threads:7d} {best:15.2f} {median:8.2f} "
                f"{1e9 * min(cpu) / steps:8.2f} {spikes.rates().mean():25.1f}"
            )


def print_accuracy(duration: float) -> None:
    drive = np.linspace(-52e-3, -49e-3, 7)
    print("p_on at drives [mV]   " + "".join(f"{1e3 * v:8.1f}" for v in drive) + "    error up to")
    for divisor in (1, 2, 4, 8):
        dt = NEURON.time_step / divisor
        simulator = LifSimulator(
            network(drive, np.zeros((7, 7))), chains=CHAINS, seed=divisor, time_step=dt
        )
        simulator.advance(SETTLE)
        p = simulator.advance(duration).rates() * NEURON.refractory_time
        error = p.std(axis=0, ddof=1) / CHAINS**0.5
        print(
            f"steps of {1e3 * dt:6.4f} ms    "
            + "".join(f"{x:8.4f}" for x in p.mean(axis=0))
            + f" {error.max():14.4f}"
        )
    print("theory of bursts      " + "".join(f"{x:8.4f}" for x in activation(NEURON, drive)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--duration", type=float, default=100.0, help="seconds per chain for p_on")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, available_threads()])
    options = parser.parse_args()
    print(
        f"Photinus {__version__}, Numba {numba.__version__}, Python {platform.python_version()}, "
        f"{platform.machine()}"
    )
    print_speed(options.runs, sorted(set(options.threads)))
    print_accuracy(options.duration)


if __name__ == "__main__":
    main()
