"""One table of all that is compared: this machine, versions, medians, spread, peers in the same run.

Every row is a median over turns, in which ours and the others alternate, with the middle half of the
turns. `benchmarks/README.md` tells what each part measures. Others that are not installed are left out;
`make bench` installs them into an environment of its own.

    make bench                                          # all, about ten minutes on two quiet cores
    python benchmarks/table.py --quick                  # fewer and shorter turns
    python benchmarks/table.py --page docs/results/benchmarks.md
"""

import argparse
import datetime
import os
import platform
import subprocess
from collections.abc import Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

import brian
import gibbs
import reduced
from engine import LAYOUTS, machine
from one_chain import turns
from peers import blas_threads, machines
from photinus import Calibration, __version__
from photinus._core.threads import available_threads, processor
from photinus.engines.laser.simulator import TIME_STEP, Simulator
from photinus.units import ns, ps
from turns import Times, in_turns

PACKAGES = ("numba", "numpy", "scipy", "brian2", "dwave-samplers", "jax", "thrml")
CHAINS = 64
LASERS = 10_000
MARKER = "<!-- written by benchmarks/table.py -->"


class Effort(NamedTuple):
    """How much is done."""

    runs: int
    updates: float
    """Unit updates of a turn."""
    duration: float
    """Laser time beside Brian2 [s]."""


FULL, QUICK = Effort(7, 1e7, 100 * ns), Effort(3, 2e6, 30 * ns)
Row = tuple[str, str, Times, float]
"""Machine, whose, nanoseconds, and these over ours."""


def rows(name: str, found: dict[str, Times]) -> Iterator[Row]:
    """Give the rows of one machine, ours first."""
    ours = next(iter(found.values()))
    for whose, times in found.items():
        yield name, whose, times, times.median / ours.median


def full_physics(threads: int, effort: Effort) -> Iterator[Row]:
    """Give full physics and reduced lasers on as many threads, per laser and nanosecond."""
    calibration = Calibration.preset()
    law = calibration.require_reduced()
    for units, chains, duration in LAYOUTS:
        network = reduced.network_of(machine(units), calibration)
        full = Simulator(network, chains=chains, seed=1, threads=threads)
        quick = reduced.ReducedSimulator(network, law, chains=chains, seed=1, threads=threads)
        longer = reduced.SHARE_OF_REDUCED * duration
        calls = {
            "full physics": partial(full.advance, duration),
            "reduced": partial(quick.advance, longer),
        }
        found = in_turns(calls, effort.runs)
        lasers = units * chains / ns
        yield from rows(
            f"{units} × {chains}",
            {
                "full physics": found["full physics"].over(lasers * duration),
                "reduced": found["reduced"].over(lasers * longer),
            },
        )


def beside_brian(effort: Effort) -> Iterator[Row]:
    """Give full physics beside Brian2 at the largest step that gives it the right rate."""
    network, duration = brian.lasers(5, 256, True), effort.duration
    count = 5 * 256 * duration / ns
    ours = [brian.ours(network, 256, duration, TIME_STEP, 1)[1] for _ in range(effort.runs)]
    theirs = [brian.brian(network, 256, duration, 1 * ps)[1] for _ in range(min(effort.runs, 3))]
    yield from rows(
        "5 × 256",
        {"Photinus, 0.5 ps": spread(ours).over(count), "Brian2, 1 ps": spread(theirs).over(count)},
    )


def spread(walls: list[float]) -> Times:
    """Return the median and the middle half."""
    return Times(*np.quantile(walls, (0.5, 0.25, 0.75)))


def one_chain(effort: Effort) -> Iterator[Row]:
    """Give one chain of many lasers on one thread and on all, per laser and step."""
    threads = sorted({1, available_threads()})
    duration, walls = turns(LASERS, threads, effort.runs, 0.5)
    steps = LASERS * duration / TIME_STEP
    found = {f"{k} thread(s)": spread(wall).over(steps) for k, wall in zip(threads, walls, strict=True)}
    yield from rows(f"{LASERS} lasers", found)


def reduced_lasers(threads: int, effort: Effort) -> Iterator[Row]:
    """Give reduced lasers per unit and window, beside what Gibbs samplers take per unit update."""
    for name, target in machines().items():
        if not name.startswith("dense"):
            yield from rows(
                name,
                reduced.costs(
                    name, target, Calibration.preset(), CHAINS, threads, effort.updates, effort.runs
                ),
            )


def gibbs_sampling(threads: int, effort: Effort) -> Iterator[Row]:
    """Give Gibbs samplers per unit update."""
    for name, target in machines().items():
        yield from rows(name, gibbs.costs(name, target, CHAINS, threads, effort.updates, effort.runs))


def parts(threads: int, effort: Effort) -> Iterator[tuple[str, Iterator[Row]]]:
    """Give the parts of the table: what a row counts, and its rows."""
    yield "laser and ns, full physics and reduced lasers", full_physics(threads, effort)
    if find_spec("brian2"):
        yield "laser and ns, beside Brian2", beside_brian(effort)
    yield "laser and step, one chain on many threads", one_chain(effort)
    yield "unit and window of reduced lasers, or unit update", reduced_lasers(threads, effort)
    yield "unit update of Gibbs sampling", gibbs_sampling(threads, effort)


def commit() -> str:
    """Return the commit of this checkout; ``+`` tells of changes that no commit has."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    told = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    return told.stdout.strip() or "unknown"


def heading(threads: int) -> str:
    """Return what ran where."""
    told = []
    for package in PACKAGES:
        try:
            told.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            told.append(f"no {package}")
    return (
        f"Photinus {__version__}, commit {commit()}, Python {platform.python_version()}, "
        f"{', '.join(told)}. {processor()}, {os.cpu_count()} cores, {threads} thread(s), "
        f"load {os.getloadavg()[0]:.1f} at the start."
    )


def lines(threads: int, effort: Effort) -> Iterator[str]:
    """Give the table line by line."""
    yield heading(threads)
    yield ""
    yield "| ns for each | machine | | median | middle half | over the first |"
    yield "|---|---|---|---|---|---|"
    for what, found in parts(threads, effort):
        for name, whose, times, ratio in found:
            yield (
                f"| {what} | {name} | {whose} | {times.median:.3g} | {times.low:.3g} to "
                f"{times.high:.3g} | {ratio:.2g} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns")
    parser.add_argument("--threads", type=int, default=available_threads())
    parser.add_argument("--page", type=Path, help="write the table below the marker of this page, too")
    options = parser.parse_args()
    told = []
    with blas_threads(options.threads):
        for line in lines(options.threads, QUICK if options.quick else FULL):
            print(line, flush=True)
            told.append(line)
    if options.page:
        title, _, rest = options.page.read_text().split("\n", 2)
        above = rest.split("*\n", 1)[-1].split(MARKER)[0].strip("\n")
        measured = (
            f"*Measured on {datetime.date.today()} with Photinus {__version__}, commit {commit()}, on "
            f"{processor()}, {options.threads} threads.*"
        )
        options.page.write_text("\n\n".join((title, measured, above, MARKER, "\n".join(told))) + "\n")


if __name__ == "__main__":
    main()
