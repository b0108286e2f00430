"""Time and memory from a file of 100 000 units with 10⁶ couplings to its first sample, and beyond.

Every row is a process of its own, as a command is. It loads the file that the first one wrote. Then it
draws from one chain, four windows or sweeps after as many of burn-in, translation included. One row
certifies and stores what Gibbs sampling drew. The last one makes one round of refinement. Wall time and
time of the processor are those of each step; peak memory is that of the whole process.

    python benchmarks/sparse.py                                   # 10⁵ units, 10⁶ couplings
    python benchmarks/sparse.py --units 1000000 --degree 20       # 10⁶ units, 10⁷ couplings
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import photinus as ph
from photinus.errors import TranslationWarning

STEPS = ("build", "gibbs", "ideal", "laser-reduced", "laser", "lif", "judged", "refine")
DRAWS = 4
"""Draws, and as many of burn-in."""
SCALE = 0.3
"""Spread of the weights."""

Step = tuple[str, Callable[[], object]]


def built(units: int, degree: int) -> ph.BoltzmannMachine:
    """Return a random machine in which each unit has about `degree` partners."""
    random = np.random.default_rng(1)
    first = np.repeat(np.arange(units), degree // 2)
    second = (first + random.integers(1, units, first.size)) % units
    weights = random.normal(0, SCALE, first.size)
    return ph.BoltzmannMachine.from_couplings(first, second, weights, random.normal(0, 1, units))


def refined(machine: ph.BoltzmannMachine) -> object:
    """Return what one round of refinement finds."""
    calibration = ph.Calibration.preset("fast-absorber")
    return ph.refine(
        machine, calibration, substrate="laser-reduced", chains=8, draws=16, most_rounds=1, seed=1
    )


def steps(what: str, file: Path, units: int, degree: int) -> Iterator[Step]:
    """Give the steps of a row, each with its name."""
    if what == "build":
        machine = built(units, degree)
        yield "build", lambda: built(units, degree)
        yield "write", lambda: machine.save(file)
        return
    machine = ph.BoltzmannMachine.load(file)
    yield "load", lambda: ph.BoltzmannMachine.load(file)
    if what == "refine":
        yield "one round", lambda: refined(machine)
        return
    if what != "judged":
        yield (
            "first samples",
            lambda: ph.sample(machine, what, chains=1, draws=DRAWS, burn_in=DRAWS, seed=1),
        )
        return
    samples = ph.sample(machine, "gibbs", chains=16, draws=20, burn_in=5, seed=1)
    yield "certificate", samples.fidelity
    yield "pair moments", samples.coupled_moments
    yield "store", lambda: samples.save(file.with_suffix(".zarr"))


def row(what: str, file: Path, units: int, degree: int) -> None:
    """Print the time of each step of a row, and the peak memory of this process."""
    warnings.simplefilter("ignore", TranslationWarning)
    told = []
    for name, step in steps(what, file, units, degree):
        wall, own = time.perf_counter(), time.process_time()
        step()
        wall, own = time.perf_counter() - wall, time.process_time() - own
        told.append(f"{name} {wall:.1f} s ({own:.1f} s)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"| {what} | {', '.join(told)} | {peak:.2f} GiB |", flush=True)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--degree", type=int, default=20)
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--row", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.row:
        row(given.row, given.file, given.units, given.degree)
        return
    load = os.getloadavg()[0]
    print(f"{given.units} units, {given.units * given.degree // 2} couplings; load {load:.1f}")
    print("| | wall time (of the processor) | peak memory |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "machine.npz"
        for what in dict.fromkeys(("build", *given.steps)):
            size = ["--units", str(given.units), "--degree", str(given.degree)]
            command = [sys.executable, __file__, "--row", what, "--file", str(file), *size]
            if subprocess.run(command).returncode:
                print(f"| {what} | stopped | |", flush=True)


if __name__ == "__main__":
    main()
