"""Time Gibbs sampling: nanoseconds per unit update, beside NumPy, THRML and dwave-samplers.

The machines are restricted ones (visible × hidden), a chessboard, a dense one, and a random sparse one;
`benchmarks/peers.py` tells what the others do. All take turns in one run. Ours costs what flips, so the
share of units that flip in a sweep is printed too. The ratio is the time over ours.

    python benchmarks/gibbs.py                  # all cores, for ours, NumPy and dwave-samplers
    python benchmarks/gibbs.py --threads 1 --only grid
"""

import argparse
import platform
from collections.abc import Callable
from functools import partial

import numba
import numpy as np

from peers import beside, blas_threads, machines
from photinus import BoltzmannMachine, __version__
from photinus._core.threads import available_threads, processor
from photinus.reference.gibbs import GibbsSampler
from turns import Times, in_turns

OURS, SET_UP = "Photinus", "dwave-samplers, one sweep"
SLOWER = {"NumPy": 1, "THRML": 4, "dwave-samplers": 2}
"""By how much fewer sweeps each is given than ours, so that turns are of like length."""
MOST_SET_UP = 0.5
"""Part of a turn that may be set-up. Beyond it, a turn tells little of a sweep, and is left out."""


def costs(
    name: str, machine: BoltzmannMachine, chains: int, threads: int, updates: float, runs: int
) -> dict[str, Times]:
    """Return the nanoseconds per unit update of ours and of each other sampler."""
    ours = GibbsSampler(machine, chains=chains, seed=0, threads=threads)
    ours.run(0, skip=100)
    sweep = chains * machine.n_units
    counts = {OURS: max(1, round(updates / sweep))}
    calls: dict[str, Callable[[], object]] = {OURS: lambda: ours.run(0, skip=counts[OURS])}
    for peer, sweeps in beside(name, machine, chains, threads).items():
        counts[peer] = max(2, counts[OURS] // SLOWER[peer])
        calls[peer] = partial(sweeps, counts[peer])
        if peer == "dwave-samplers":
            calls[SET_UP] = partial(sweeps, 1)
    with blas_threads(threads):
        found = in_turns(calls, runs)
    set_up = found.pop(SET_UP, None)
    if set_up:
        counts["dwave-samplers"] -= 1
        whole = found.pop("dwave-samplers")
        if set_up.high < MOST_SET_UP * whole.low:
            found["dwave-samplers"] = Times(*(t - set_up.median for t in whole))
    return {peer: times.over(counts[peer] * sweep) for peer, times in found.items()}


def flip_share(machine: BoltzmannMachine, chains: int) -> float:
    """Return the share of units that a sweep changes."""
    states = GibbsSampler(machine, chains=chains, seed=0).run(10, skip=100).astype(np.int8)
    return float((np.diff(states, axis=1) != 0).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--chains", type=int, default=64)
    parser.add_argument(
        "--threads", type=int, default=available_threads(), help="of all but JAX, which has its own"
    )
    parser.add_argument("--updates", type=float, default=1e7, help="unit updates per turn of ours")
    parser.add_argument("--only", nargs="*", help="machines whose name begins like this")
    options = parser.parse_args()
    print(
        f"Photinus {__version__}, Numba {numba.__version__}, NumPy {np.__version__}, Python "
        f"{platform.python_version()}, {processor()}, {options.chains} chains, "
        f"{options.threads} thread(s)"
    )
    print("machine        sampler         ns/update (median, middle half)  time/ours  units that flip")
    for name, machine in machines().items():
        if options.only and not name.startswith(tuple(options.only)):
            continue
        found = costs(name, machine, options.chains, options.threads, options.updates, options.runs)
        for peer, times in found.items():
            share = f"{flip_share(machine, options.chains):12.2f}" if peer == OURS else ""
            print(
                f"{name:14s} {peer:14s} {times.median:11.2f}   ({times.low:.2f} to {times.high:.2f})"
                f" {times.median / found[OURS].median:12.1f} {share}",
                flush=True,
            )


if __name__ == "__main__":
    main()
