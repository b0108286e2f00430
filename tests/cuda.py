"""What `tests.test_cuda` runs in a process of its own: engines on a device that Python simulates.

The simulator takes a fifth of a millisecond for a step of a laser, so runs are short. Each function
returns plain numbers of engine "cuda", with those of engine "cpu" beside them.

    NUMBA_ENABLE_CUDASIM=1 python -m tests.cuda
"""

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus import LaserNetwork, SpikeTrains, SynapticKernel
from photinus._core.compilation import TILE
from photinus.engines.cuda import device
from photinus.engines.cuda.laser import CudaSimulator
from photinus.engines.laser import loop
from photinus.engines.laser.simulator import Simulator
from photinus.units import ns, ps
from tests.test_simulation import DEVICE, GRID, WINDOW, network

CHAINS, LASERS = 3, 3
STEPS = 100
THREADS = 4
"""Threads of a block: fewer than lanes, and no divisor of their number."""


@contextmanager
def small_blocks(threads: int = THREADS) -> Iterator[None]:
    """Let two blocks, of two chains and of one, have so many threads each."""
    tile, chosen = Simulator.TILE, device.threads_for
    Simulator.TILE, device.threads_for = 4, lambda lanes: threads
    try:
        yield
    finally:
        Simulator.TILE, device.threads_for = tile, chosen


def lanes_of(simulator: Simulator, row: int) -> NDArray[np.float32]:
    """Return a row of the state of all lasers, (chain, unit)."""
    parts = []
    for block in simulator._blocks:
        at = [loop.at(lane, row) for lane in range(block.chains * block.units)]
        parts.append(block.f[at].reshape(block.chains, -1))
    return np.concatenate(parts)


def words_of(simulator: Simulator) -> NDArray[np.uint32]:
    """Return the random states of all lasers."""
    words = [b.r.reshape(-1, loop.WORDS, TILE)[0, :, : b.last_spike.size] for b in simulator._blocks]
    return np.concatenate(words, axis=1)


def rows(spikes: SpikeTrains) -> list[list[int]]:
    """Return spikes as (chain, unit, step)."""
    step = np.rint(spikes.time / GRID).astype(int)
    return [list(map(int, row)) for row in zip(spikes.chain, spikes.unit, step, strict=True)]


def busy() -> LaserNetwork:
    """Return lasers that fire often, each with different delays to the others."""
    weights = np.array([[0, 3, -2], [-3, 0, 2], [4, -1, 0]])
    delay = np.array([[0, 10, 60], [20, 0, 40], [0, 120, 0]]) * ps
    return network([6.0, 7.0, 8.0], weights, delay=delay)


def networks() -> dict[str, LaserNetwork]:
    """Return networks that differ in what the loop does, by name."""
    slow = busy()
    exponential = SynapticKernel(kick=0.28, sustain=0.48, duration=WINDOW, shape="exponential")
    bent = DEVICE.replace(driver_knee=2e-6, driver_softness=1e-6)
    return {
        "delays": slow,
        "one delay": slow.replace(delay=20 * ps),
        "exponential": slow.replace(kernel=exponential),
        "additive": slow.replace(kernel=replace(slow.kernel, renewing=False)),
        "bent": slow.replace(parameters=bent),
        "lagging": slow.replace(rise_time=100 * ps),
        "compressed": slow.replace(parameters=DEVICE.replace(gain_compression=1e-5)),
    }


def started(kind: type[Simulator], network: LaserNetwork, **options: Any) -> Simulator:
    """Return a simulator of chains that have run for a while on the processor."""
    before = Simulator(network, chains=CHAINS, seed=5, threads=1)
    before.advance(1 * ns)
    simulator = kind(network, chains=CHAINS, seed=5, threads=1, **options)
    simulator.restore(before.state())
    return simulator


def alike(network: LaserNetwork, steps: int) -> dict[str, Any]:
    """Return how far the engines are apart after so many steps, and the spikes of both."""
    pair = [started(kind, network) for kind in (Simulator, CudaSimulator)]
    found = [rows(simulator.advance(steps * GRID)) for simulator in pair]
    apart = {}
    for name, row in (("ng", loop.NG), ("na", loop.NA), ("ex", loop.EX), ("pump", loop.PUMP)):
        cpu, cuda = (lanes_of(simulator, row).astype(float) for simulator in pair)
        apart[name] = float(np.max(np.abs(cuda - cpu)) / np.max(np.abs(cpu)))
    same = bool((words_of(pair[0]) == words_of(pair[1])).all())
    return {"apart": apart, "words": same, "cpu": found[0], "cuda": found[1]}


def cut_and_resumed() -> dict[str, Any]:
    """Return spikes of one run, of one in pieces, on other threads, and of engines in turn."""
    network = busy()
    found: dict[str, Any] = {"whole": rows(started(CudaSimulator, network).advance(STEPS * GRID))}
    pieces = started(CudaSimulator, network)
    found["pieces"] = [row for _ in range(3) for row in rows(pieces.advance(STEPS // 3 * GRID))]
    for threads in (1, 7):
        with small_blocks(threads):
            found[f"{threads} threads"] = rows(started(CudaSimulator, network).advance(STEPS * GRID))
    there, back = started(CudaSimulator, network), started(Simulator, network)
    first = rows(there.advance(STEPS // 2 * GRID))
    back.restore(there.state())
    found["turns"] = first + rows(back.advance(STEPS // 2 * GRID))
    return found


def heated() -> dict[str, Any]:
    """Return spikes of both engines with other drives, and synapses of each chain attenuated."""
    found = {}
    for name, kind in (("cpu", Simulator), ("cuda", CudaSimulator)):
        simulator = started(kind, busy())
        change = np.full((CHAINS, LASERS), 2000.0)
        simulator.heat(change, np.array([0.2, 1.0, 1.5]))
        found[name] = rows(simulator.advance(STEPS * GRID))
    return found


def main() -> None:
    """Print what was found, as JSON."""
    # Threads of the simulator are Python's: they should take turns often.
    sys.setswitchinterval(1e-5)
    # Words that wrap, which the simulator takes for mistakes.
    warnings.filterwarnings("ignore", "overflow encountered", RuntimeWarning)
    with small_blocks():
        found = {
            "step": alike(busy(), 1),
            "networks": {name: alike(network, STEPS) for name, network in networks().items()},
            "one run": cut_and_resumed(),
            "heated": heated(),
        }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
