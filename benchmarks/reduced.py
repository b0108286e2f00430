"""Time the reduced laser: beside full physics, and beside block Gibbs sampling.

First table: laser-nanoseconds simulated per second of wall time, full physics and reduced, in turns.
Second: nanoseconds of wall time per unit and τ of restricted machines, beside one unit update of
NumPy's and THRML's block Gibbs and of ours (see `benchmarks/gibbs.py`). One τ is what a draw of the
substrate takes, as one unit update is what a unit takes in a Gibbs sweep; a sweep mixes more.
"""

import argparse
import platform
from collections.abc import Callable
from functools import partial

import numba
import numpy as np

from engine import LAYOUTS, machine, processor
from peers import RESTRICTED, beside, blas_threads, machines
from photinus import BoltzmannMachine, Calibration, LaserNetwork, __version__, translate
from photinus._core.threads import available_threads
from photinus.calibration.reduction import uncoupled
from photinus.engines.laser.simulator import Simulator
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.reference.gibbs import GibbsSampler
from photinus.units import ns
from turns import Times, in_turns

UPDATES_PER_RUN = 1e7
SHARE_OF_REDUCED = 20
"""How many times longer, in laser time, the reduced model runs."""


def network_of(target: BoltzmannMachine, calibration: Calibration) -> LaserNetwork:
    network = translate(target, calibration)
    assert isinstance(network, LaserNetwork)
    return network


def beside_full_physics(calibration: Calibration, threads: int, runs: int) -> None:
    print("units chains threads   laser-ns per second: full    reduced   ratio   ns per laser-step")
    reduced = calibration.require_reduced()
    for units, chains, duration in LAYOUTS:
        network = network_of(machine(units), calibration)
        full = Simulator(network, chains=chains, seed=1, threads=threads)
        quick = ReducedSimulator(network, reduced, chains=chains, seed=1, threads=threads)
        longer = SHARE_OF_REDUCED * duration
        found = in_turns(
            {"full": lambda: full.advance(duration), "reduced": lambda: quick.advance(longer)},  # noqa: B023
            runs,
        )
        lasers = units * chains / ns
        speed = lasers * duration / found["full"].median
        quicker = lasers * longer / found["reduced"].median
        step = 1e9 / (quicker * ns) * reduced.time_step
        print(
            f"{units:5d} {chains:6d} {threads:7d} {speed:27.3g} {quicker:10.3g} {quicker / speed:7.1f} "
            f"{step:12.2f}"
        )


def costs(
    name: str, target: BoltzmannMachine, calibration: Calibration, chains: int, threads: int,
    updates: float, runs: int,
) -> dict[str, Times]:  # fmt: skip
    """Return nanoseconds per unit and window of reduced lasers, and per unit update of the others."""
    sweep = chains * target.n_units
    count = max(1, round(updates / sweep))
    lasers = ReducedSimulator(
        network_of(target, calibration),
        calibration.require_reduced(),
        chains=chains,
        seed=1,
        threads=threads,
    )
    gibbs = GibbsSampler(target, chains=chains, seed=0, threads=threads)
    calls: dict[str, Callable[[], object]] = {
        "reduced": lambda: lasers.advance(count * calibration.window),
        "our Gibbs": lambda: gibbs.run(0, skip=count),
    }
    for peer, sweeps in beside(name, target, chains, threads).items():
        if peer in ("NumPy", "THRML"):
            calls[peer] = partial(sweeps, count)
    with blas_threads(threads):
        found = in_turns(calls, runs)
    return {label: times.over(count * sweep) for label, times in found.items()}


def beside_gibbs(calibration: Calibration, chains: int, threads: int, runs: int) -> None:
    print("ns per unit and τ, or per unit update, and as part of ours")
    print(f"{'machine':15s}{'reduced':>10s}{'NumPy':>16s}{'THRML':>16s}{'our Gibbs':>16s}")
    for name, target in machines().items():
        if name.startswith("dense"):
            continue
        found = costs(name, target, calibration, chains, threads, UPDATES_PER_RUN, runs)
        cost = {label: times.median for label, times in found.items()}
        columns = [
            f"{cost[peer]:9.1f} ({cost[peer] / cost['reduced']:4.2f})"
            if peer in cost
            else " " * 15 + "–"
            for peer in ("NumPy", "THRML", "our Gibbs")
        ]
        print(f"{name:15s}{cost['reduced']:10.1f}" + "".join(columns), flush=True)


def by_layout(calibration: Calibration, chains: int, threads: int, runs: int) -> None:
    """Print the cost of a unit and τ of several networks: what a change of the kernel does."""
    every = machines()
    networks = {
        f"{units} × {many}": (network_of(machine(units), calibration), many)
        for units, many, _ in LAYOUTS
    }
    for visible, hidden in reversed(RESTRICTED):
        name = f"{visible} × {hidden}"
        networks[name] = network_of(every[name], calibration), chains
    for name, distance in (("uncoupled", 0.0), ("quiet", -8.0)):
        drive = np.full(96, calibration.midpoint + distance * calibration.slope)
        networks[name] = uncoupled(calibration, drive), chains
    calls: dict[str, Callable[[], object]] = {}
    updates = {}
    for name, (network, many) in networks.items():
        lasers = ReducedSimulator(
            network, calibration.require_reduced(), chains=many, seed=1, threads=threads
        )
        count = max(1, round(UPDATES_PER_RUN / 5 / network.n_units / many))
        updates[name] = count * network.n_units * many
        calls[name] = partial(lasers.advance, count * calibration.window)
    for name, times in in_turns(calls, runs).items():
        print(f"{name:12s}{times.over(updates[name]).median:8.1f} ns per unit and τ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--chains", type=int, default=64)
    parser.add_argument("--threads", type=int, nargs="*", default=sorted({1, available_threads()}))
    parser.add_argument("--layouts", action="store_true", help="only the reduced model, by network")
    options = parser.parse_args()
    print(
        f"Photinus {__version__}, Numba {numba.__version__}, NumPy {np.__version__}, Python "
        f"{platform.python_version()}, {processor()}"
    )
    calibration = Calibration.preset()
    if options.layouts:
        for threads in options.threads:
            print(f"{threads} thread(s)")
            by_layout(calibration, options.chains, threads, options.runs)
        return
    for threads in options.threads:
        beside_full_physics(calibration, threads, options.runs)
    for threads in options.threads:
        print(f"\n{options.chains} chains, {threads} thread(s); THRML takes all there are")
        beside_gibbs(calibration, options.chains, threads, options.runs)


if __name__ == "__main__":
    main()
