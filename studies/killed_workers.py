"""A run on a cluster whose workers are killed again and again, compared with the same run alone.

A `LocalCluster` of four processes does 64 tasks: 16 blocks of chains in each of four runs. Every few
seconds one of its workers is killed (SIGKILL), and another one starts. The next death waits until all
processes are there again and a task was done: on few cores they would do nothing but start. The draws
and the spikes must be those of a single process, bit for bit. The memory of workers is bounded, and the
largest that was seen is printed.

    python -m studies.killed_workers
"""

import argparse
import math
import os
import random
import signal
import threading
import time
from pathlib import Path
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


class Killer(threading.Thread):
    """Kills a worker every few seconds, `most` at most, and looks at the memory of all."""

    def __init__(self, cluster: Any, processes: int, every: float, most: float) -> None:
        super().__init__()
        self.cluster, self.processes, self.every, self.most = cluster, processes, every, most
        self.counted, self.over = Counted(), threading.Event()
        self.killed = self.largest = 0
        cluster.scheduler.add_plugin(self.counted)

    def __enter__(self) -> "Killer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()

    def run(self) -> None:
        """Kill until it is over."""
        chosen, done, last = random.Random(1), 0, time.monotonic()
        while not self.over.wait(0.1):
            # Dask gives up a worker that takes long to come back; left alone, none would remain.
            self.cluster.loop.add_callback(self.cluster.scale, self.processes)
            workers = [worker.pid for worker in self.cluster.workers.values() if worker.pid]
            self.largest = max(self.largest, *map(resident, workers), 0)
            complete = len(self.cluster.scheduler.workers) == len(workers) == self.processes
            due = self.counted.done > done and time.monotonic() > last + self.every
            if complete and due and self.killed < self.most:
                done, last = self.counted.done, time.monotonic()
                os.kill(chosen.choice(workers), signal.SIGKILL)
                self.killed += 1


def resident(process: int) -> int:
    """Return the memory of a process [bytes]; none if it is gone."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def machine() -> ph.BoltzmannMachine:
    """Return a random machine."""
    generator = np.random.default_rng(1)
    upper = np.triu(generator.normal(0, 0.4, (UNITS, UNITS)), 1)
    return ph.BoltzmannMachine(upper + upper.T, generator.normal(0, 0.5, UNITS))


def pieces(draws: int, count: int, **options: Any) -> list[ph.Samples]:
    """Return a run in `count` pieces, each a run of its own seed, so that there are tasks enough."""
    each: dict[str, Any] = {"chains": CHAINS, "draws": draws, "burn_in": BURN_IN}
    return [ph.sample(machine(), "laser", seed=k, **each, **options) for k in range(count)]


def among_deaths(
    draws: int, count: int, processes: int, every: float, memory: str, most: float = math.inf
) -> tuple[list[ph.Samples], Killer]:
    """Return the same run, spread over processes of which at most `most` are killed, and the killer."""
    with (
        distributed.LocalCluster(
            n_workers=processes,
            threads_per_worker=1,
            memory_limit=memory,
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as cluster,
        Killer(cluster, processes, every, most) as killer,
    ):
        return pieces(draws, count, workers=cluster.scheduler_address), killer


def same(alone: list[ph.Samples], spread: list[ph.Samples]) -> bool:
    """Return whether two runs have the same draws and spikes."""
    return all(
        np.array_equal(a.states, b.states)
        and all(
            np.array_equal(getattr(a.spikes, name), getattr(b.spikes, name))
            for name in ("chain", "unit", "time")
        )
        for a, b in zip(alone, spread, strict=True)
    )


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two deaths, at least")
    parser.add_argument("--draws", type=int, default=800)
    parser.add_argument("--runs", type=int, default=4, help="of 16 blocks of chains each")
    parser.add_argument("--memory", default="512MiB", help="bound of each worker")
    options = parser.parse_args()
    start = time.perf_counter()
    alone = pieces(options.draws, options.runs)
    print(f"alone: {time.perf_counter() - start:.0f} s", flush=True)
    start = time.perf_counter()
    spread, killer = among_deaths(
        options.draws, options.runs, options.processes, options.every, options.memory
    )
    print(
        f"{options.processes} processes: {time.perf_counter() - start:.0f} s, {killer.counted.done} "
        f"tasks done, {killer.killed} workers killed, {killer.counted.lost} tasks done again, at most "
        f"{killer.largest / 2**20:.0f} MiB each"
    )
    equal = same(alone, spread)
    print("the same draws and spikes" if equal else "DIFFERENT draws")
    raise SystemExit(not equal)


if __name__ == "__main__":
    main()
