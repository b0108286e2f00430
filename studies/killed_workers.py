"""A run on a cluster whose workers are killed again and again, compared with the same run alone.

A `LocalCluster` of four processes does at least 64 tasks: 16 blocks of chains in each of four runs.
Every few seconds one of its workers is killed (SIGKILL), and another one starts. The next death waits
until a task was done: Dask gives up a task whose worker has died four times. The draws and the spikes
must be those of a single process, bit for bit.

    python -m studies.killed_workers
"""

import argparse
import os
import random
import signal
import threading
import time
from typing import Any

import distributed
import numpy as np
from distributed.diagnostics.plugin import SchedulerPlugin

import photinus as ph

CHAINS, BURN_IN = 64, 4
UNITS = 12


class Counted(SchedulerPlugin):
    """Counts tasks that were done, and those whose worker died while they were in its hands."""

    def __init__(self) -> None:
        self.done = self.lost = 0

    def transition(self, key: Any, start: str, finish: str, *_: Any, **__: Any) -> None:
        """Hear that a task went from one state to another."""
        if start == "processing":
            self.done += finish == "memory"
            self.lost += finish in ("released", "waiting")


def machine() -> ph.BoltzmannMachine:
    """Return a random machine."""
    generator = np.random.default_rng(1)
    upper = np.triu(generator.normal(0, 0.4, (UNITS, UNITS)), 1)
    return ph.BoltzmannMachine(upper + upper.T, generator.normal(0, 0.5, UNITS))


def killing(
    cluster: distributed.LocalCluster, every: float, over: threading.Event, counted: Counted
) -> int:
    """Kill a worker `every` so many seconds until it is over; return how many."""
    chosen, killed, done = random.Random(1), 0, 0
    while not over.wait(every):
        alive = [worker.pid for worker in cluster.workers.values() if worker.pid]
        if alive and counted.done > done:
            done = counted.done
            os.kill(chosen.choice(alive), signal.SIGKILL)
            killed += 1
    return killed


def pieces(draws: int, count: int, **options: Any) -> list[ph.Samples]:
    """Return a run in `count` pieces, each a run of its own seed, so that there are tasks enough."""
    each = {"chains": CHAINS, "draws": draws, "burn_in": BURN_IN}
    return [ph.sample(machine(), "laser", seed=k, **each, **options) for k in range(count)]


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two deaths")
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--runs", type=int, default=4, help="of 16 blocks of chains each")
    options = parser.parse_args()
    start = time.perf_counter()
    alone = pieces(options.draws, options.runs)
    print(f"alone: {time.perf_counter() - start:.0f} s", flush=True)
    over, counted, deaths = threading.Event(), Counted(), [0]
    with distributed.LocalCluster(
        n_workers=options.processes,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as cluster:
        cluster.scheduler.add_plugin(counted)

        def kill() -> None:
            deaths[0] = killing(cluster, options.every, over, counted)

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            start = time.perf_counter()
            spread = pieces(options.draws, options.runs, workers=cluster.scheduler_address)
            wall = time.perf_counter() - start
        finally:
            over.set()
            killer.join()
    print(
        f"{options.processes} processes: {wall:.0f} s, {counted.done} tasks done, {deaths[0]} workers "
        f"killed, {counted.lost} tasks done again"
    )
    same = all(
        np.array_equal(getattr(a.spikes, name), getattr(b.spikes, name))
        for a, b in zip(alone, spread, strict=True)
        for name in ("chain", "unit", "time")
    ) and all(np.array_equal(a.states, b.states) for a, b in zip(alone, spread, strict=True))
    print("the same draws and spikes" if same else "DIFFERENT draws")
    raise SystemExit(not same)


if __name__ == "__main__":
    main()
