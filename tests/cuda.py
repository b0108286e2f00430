"""What `tests.test_cuda` runs in another process: engines on a device that Python simulates.

The simulator takes some tenth of a millisecond for a step of a laser, so runs are short. What is
printed tells what engine "cuda" did, and engine "cpu" beside it::

    NUMBA_ENABLE_CUDASIM=1 python -m tests.cuda

With "law", it compares intervals of longer runs with those of the processor and of `tests.naive`. That
takes a minute.
"""

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import ks_2samp

from photinus import Calibration, LaserNetwork, SpikeTrains, SynapticKernel
from photinus._core.compilation import SHORT_TILE, TILE
from photinus.engines.cuda import device
from photinus.engines.cuda.laser import CudaSimulator
from photinus.engines.cuda.reduced import CudaReducedSimulator
from photinus.engines.laser import loop
from photinus.engines.laser.simulator import Simulator
from photinus.engines.reduced import membrane
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.networks.depression import Depression
from photinus.units import ns, ps
from tests import naive
from tests.test_simulation import DEVICE, GRID, WINDOW, network

Start = Callable[[LaserNetwork], Any]
"""What gives a simulator of a network."""

CHAINS = 3
STEPS, REDUCED_STEPS = 100, 60
THREADS = 4
"""Threads of a block: fewer than lanes, and no divisor of their number."""


@contextmanager
def small_blocks(threads: int = THREADS) -> Iterator[None]:
    """Let there be two blocks, of two chains and of one, and so many threads in each."""
    kinds: tuple[Any, ...] = (Simulator, ReducedSimulator)
    tiles, chosen = [kind.TILE for kind in kinds], device.threads_for
    for kind in kinds:
        kind.TILE = 4
    device.threads_for = lambda lanes: threads
    try:
        yield
    finally:
        device.threads_for = chosen
        for kind, tile in zip(kinds, tiles, strict=True):
            kind.TILE = tile


@contextmanager
def little_room() -> Iterator[None]:
    """Let launches end early, for want of room for spikes."""
    with patch.object(device, "SPIKES", 0):
        yield


def busy(lasers: int = 3, bias: float = 7.0, **changes: Any) -> LaserNetwork:
    """Return lasers that fire often, with strong couplings."""
    random = np.random.default_rng(1)
    weights = 3.0 * random.normal(size=(lasers, lasers))
    np.fill_diagonal(weights, 0)
    return network(random.uniform(bias - 1, bias + 1, lasers), weights, **changes)


def networks() -> dict[str, LaserNetwork]:
    """Return networks of full physics that differ in what the loop does, by name."""
    exponential = SynapticKernel(kick=0.28, sustain=0.48, duration=WINDOW, shape="exponential")
    delay = np.array([[0, 10, 60], [20, 0, 40], [0, 120, 0]]) * ps
    slow = busy(delay=delay)
    return {
        "delays": slow,
        "one delay": busy(delay=20 * ps),
        "exponential": slow.replace(kernel=exponential),
        "additive": slow.replace(kernel=replace(slow.kernel, renewing=False)),
        "bent": slow.replace(parameters=DEVICE.replace(driver_knee=2e-6, driver_softness=1e-6)),
        "lagging": slow.replace(rise_time=100 * ps),
        "compressed": slow.replace(parameters=DEVICE.replace(gain_compression=1e-5)),
    }


def reduced_networks() -> dict[str, LaserNetwork]:
    """Return networks of reduced lasers, likewise."""
    # Pulses so long that the next spike comes before they end.
    long = SynapticKernel(kick=0.28, sustain=0.48, duration=2 * WINDOW)
    plain = busy(5, 1.0, kernel=long)
    exponential = SynapticKernel(kick=0.28, sustain=0.48, duration=WINDOW, shape="exponential")
    ring = csr_array(np.roll(np.diag(np.full(70, -2e4)), 1, axis=1))
    dense = np.random.default_rng(2).normal(size=(70, 70)) / 3
    np.fill_diagonal(dense, 0)
    return {
        "plain": plain,
        "delayed": busy(5, 1.0, delay=130 * ps, kernel=long),
        "exponential": plain.replace(kernel=exponential),
        "additive": plain.replace(kernel=replace(plain.kernel, renewing=False)),
        "depressed": plain.replace(depression=Depression(use=0.5, recovery=2 * ns)),
        "bent": plain.replace(parameters=DEVICE.replace(driver_knee=2e-6, driver_softness=1e-6)),
        "ring of 70": network(np.full(70, 2.0)).replace(coupling=ring),
        "70, all coupled": network(np.full(70, 0.5), dense),
    }


def full(kind: type[Simulator], chip: LaserNetwork) -> Simulator:
    """Return full physics of chains that have run for a while on the processor."""
    before = Simulator(chip, chains=CHAINS, seed=24, threads=1)
    before.advance(1 * ns)
    simulator = kind(chip, chains=CHAINS, seed=24, threads=1)
    simulator.restore(before.state())
    return simulator


def reduced(kind: type[ReducedSimulator], chip: LaserNetwork) -> ReducedSimulator:
    """Return reduced lasers."""
    return kind(chip, LAW, chains=CHAINS, seed=5, threads=1)


FULL = partial(full, Simulator), partial(full, CudaSimulator)
REDUCED = partial(reduced, ReducedSimulator), partial(reduced, CudaReducedSimulator)
FULL_KINDS = Simulator, CudaSimulator
LAW = Calibration.preset().require_reduced()
REDUCED_KINDS = partial(ReducedSimulator, reduced=LAW), partial(CudaReducedSimulator, reduced=LAW)


def rows_of(simulator: Any, rows: list[int], tile: int, count: int) -> NDArray[Any]:
    """Return rows of the state of all lasers, (row, laser)."""
    parts = []
    for block in simulator._blocks:
        whole = block.f.reshape(-1, count, tile).swapaxes(0, 1).reshape(count, -1)
        parts.append(whole[rows, : block.last_spike.size].astype(float))
    return np.concatenate(parts, axis=1)


def words_of(simulator: Any, tile: int) -> NDArray[Any]:
    """Return the random states of all lasers."""
    parts = []
    for block in simulator._blocks:
        whole = block.r.reshape(-1, loop.WORDS, tile).swapaxes(0, 1).reshape(loop.WORDS, -1)
        parts.append(whole[:, : block.last_spike.size])
    return np.concatenate(parts, axis=1)


def spikes_of(spikes: SpikeTrains, grid: float) -> list[list[float]]:
    """Return spikes as (chain, unit, steps), in the order of their times."""
    steps = np.round(spikes.time / grid, 3)
    order = np.lexsort((spikes.unit, spikes.chain, steps))
    return np.stack([spikes.chain, spikes.unit, steps], axis=1)[order].tolist()


def alike(pair: tuple[Start, Start], chip: LaserNetwork, steps: int) -> dict[str, Any]:
    """Return how far the engines are apart after so many steps, and the spikes of both."""
    both = [start(chip) for start in pair]
    found = [spikes_of(each.advance(steps * each.grid), each.grid) for each in both]
    if pair is FULL:
        rows = {"ex": loop.EX, "ng": loop.NG, "na": loop.NA, "pump": loop.PUMP}
        tile, count = TILE, loop.ROWS
    else:
        rows = {"effective": membrane.EFFECTIVE, "left": membrane.LEFT}
        tile, count = SHORT_TILE, membrane.ROWS
    cpu, cuda = (rows_of(each, list(rows.values()), tile, count) for each in both)
    # Lanes that are no lasers have infinite hazards left.
    there = np.isfinite(cpu).all(axis=0)
    cpu, cuda = cpu[:, there], cuda[:, there]
    apart = np.abs(cuda - cpu).max(axis=1) / np.abs(cpu).max(axis=1)
    words = (words_of(both[0], tile) == words_of(both[1], tile))[:, there]
    return {
        "apart": dict(zip(rows, apart.tolist(), strict=True)),
        "words": bool(words.all()),
        "cpu": found[0],
        "cuda": found[1],
    }


def in_many_ways(pair: tuple[Start, Start], chip: LaserNetwork, steps: int) -> dict[str, Any]:
    """Return spikes of one run, of one in pieces, on other threads, and of engines in turn."""

    def go_on(simulator: Any, by: int) -> list[list[float]]:
        return spikes_of(simulator.advance(by * simulator.grid), simulator.grid)

    found: dict[str, Any] = {"whole": go_on(pair[1](chip), steps)}
    pieces = pair[1](chip)
    found["pieces"] = [row for _ in range(2) for row in go_on(pieces, steps // 2)]
    with small_blocks(7):
        found["threads"] = go_on(pair[1](chip), steps)
    if pair is REDUCED:
        with little_room():
            found["little room"] = go_on(pair[1](chip), steps)
    for name, (first, second) in (("there", pair), ("back", pair[::-1])):
        one, other = first(chip), second(chip)
        half = go_on(one, steps // 2)
        other.restore(one.state())
        found[name] = half + go_on(other, steps // 2)
    return found


def heated(pair: tuple[Start, Start], chip: LaserNetwork, steps: int) -> dict[str, Any]:
    """Return spikes of both engines with other drives, and synapses of each chain attenuated."""
    found = {}
    for name, start in zip(("cpu", "cuda"), pair, strict=True):
        simulator = start(chip)
        simulator.advance(steps // 2 * simulator.grid)
        simulator.heat(np.full((CHAINS, chip.n_units), 5000.0), np.array([0.2, 1.0, 1.5]))
        found[name] = spikes_of(simulator.advance(steps // 2 * simulator.grid), simulator.grid)
    return found


def ladder() -> dict[str, Any]:
    """Return what all short runs gave."""
    with small_blocks():
        return {
            "step": alike(FULL, busy(), 1),
            "reduced step": alike(REDUCED, busy(5, 1.0), 1),
            "full": {name: alike(FULL, chip, STEPS) for name, chip in networks().items()},
            "reduced": {
                name: alike(REDUCED, chip, REDUCED_STEPS if chip.n_units < 9 else 15)
                for name, chip in reduced_networks().items()
            },
            "ways": in_many_ways(FULL, busy(), STEPS),
            "reduced ways": in_many_ways(REDUCED, busy(5, 1.0), REDUCED_STEPS),
            "heated": heated(FULL, busy(), STEPS),
            "reduced heated": heated(REDUCED, busy(5, 1.0), REDUCED_STEPS),
        }


def intervals(chain: Any, unit: Any, time: Any) -> list[NDArray[Any]]:
    """Return the intervals [s] between the spikes of each unit, chains together, without the start."""
    found = []
    for k in range(np.max(unit) + 1):
        lanes = [np.sort(time[(unit == k) & (chain == c) & (time > 1 * ns)]) for c in np.unique(chain)]
        found.append(np.concatenate([np.diff(each) for each in lanes]))
    return found


def law() -> Iterator[str]:
    """Give lines of a table: intervals of each laser, and whether engines agree in them (KS, p)."""
    chip, slow = busy(delay=20 * ps), busy(5, 1.0)
    apart: dict[str, Any] = {
        "full physics": (FULL_KINDS, chip, 8 * ns),
        "reduced": (REDUCED_KINDS, slow, 200 * ns),
    }
    for name, ((cpu, cuda), network_, duration) in apart.items():
        with small_blocks(1):
            found = {"cuda": cuda(network_, chains=8, seed=11).advance(duration)}
        found["cpu"] = cpu(network_, chains=400, seed=12).advance(duration)
        times = {key: intervals(each.chain, each.unit, each.time) for key, each in found.items()}
        if name == "full physics":
            rng = np.random.default_rng(13)
            slowly = naive.simulate(chip, duration, chains=100, rng=rng, dt=GRID / 4, look=GRID)
            times["naive"] = intervals(*slowly)
        for k in range(network_.n_units):
            means = "  ".join(
                f"{key} {each[k].mean() / ns:.3f} ns of {len(each[k])}" for key, each in times.items()
            )
            others = [key for key in times if key != "cuda"]
            p = [ks_2samp(times["cuda"][k], times[key][k]).pvalue for key in others]
            yield f"{name}, laser {k}: {means}; p " + ", ".join(
                f"{value:.2g} ({key})" for key, value in zip(others, p, strict=True)
            )


def main() -> None:
    """Print what was found, as JSON, or a table."""
    # Threads of the simulator are Python's: they should take turns often.
    sys.setswitchinterval(1e-5)
    # Words that wrap, which the simulator takes for mistakes.
    warnings.filterwarnings("ignore", "overflow encountered", RuntimeWarning)
    if sys.argv[1:] == ["law"]:
        sys.stdout.writelines(f"{line}\n" for line in law())
    else:
        sys.stdout.write(json.dumps(ladder()))


if __name__ == "__main__":
    main()
