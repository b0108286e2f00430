"""Time starts: imports, help, the first sample, and first calls of kernels with and without a cache.

Each figure is the wall time of a fresh interpreter or, for calls, of the call inside of it, beside the
processor time that it took: on a busy machine the second is the one to look at. Modules are compiled
to bytecode beforehand, as an installation does.

- compile: the call with an empty folder for compiled kernels.
- cached: the same with the folder that it has filled. Most of that is Numba loading its own modules.
- cached, next: the same once another kernel has been loaded.
"""

import argparse
import functools
import itertools
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numba

from engine import processor
from photinus import BoltzmannMachine, __version__

COMMAND = "from photinus.faces.cli import main; main()"
CALLS = {
    "full physics": "Simulator(network, chains=1, seed=1).advance(0.01 * ns)",
    "reduced lasers": "ReducedSimulator(network, reduced, chains=1, seed=1).advance(0.1 * ns)",
    "integrate-and-fire": "ph.sample(machine, 'lif', chains=1, draws=1, burn_in=0)",
    "Gibbs": "GibbsSampler(machine, chains=1, seed=1).run(1)",
    "Gibbs, 64-bit fields": "GibbsSampler(large, chains=1, seed=1).run(1)",
    "ideal neurons": "sample_ideal(machine, chains=1, duration=1.0, seed=1)",
    "dwell times": "occupancy(*spikes, chains=1, units=2, window=1.0, start=0.0, stop=2.0)",
    "states on a grid": (
        "states_on_grid(*spikes, chains=1, units=2, window=1.0, first=0.0, interval=1.0, draws=2)"
    ),
    "laser event by event": (
        "simulate_jumps(calibration.laser, [1e12], 1e-12, threshold=calibration.detection_threshold)"
    ),
}
"""First calls of kernels, by what they are of."""
PREPARED = """
import time
import numpy as np
import photinus as ph
from photinus.engines.jumps import simulate_jumps
from photinus.spikes.readout import occupancy, states_on_grid
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.reference._chains import fields
from photinus.reference.gibbs import GibbsSampler
from photinus.reference.ideal import sample_ideal
from photinus.engines.laser.simulator import Simulator
from photinus.units import ns
machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
large = ph.BoltzmannMachine([[0, 1e4], [1e4, 0]], [0.5, -1])
calibration = ph.Calibration.preset()
reduced = calibration.require_reduced()
network = ph.translate(machine, calibration)
spikes = np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1)
"""
WARM = "fields(machine, np.arange(2), np.zeros((1, 2), np.uint8))\n"
TIMED = """
begin = time.perf_counter(), time.process_time()
{call}
print(time.perf_counter() - begin[0], time.process_time() - begin[1])
"""
STORED = """
import os, time
from photinus.faces import cli
from photinus.samplers import storage
append = storage.RunStore.append
def first(*arguments, **options):
    append(*arguments, **options)
    os._exit(0)
storage.RunStore.append = first
cli.main()
"""
Times = tuple[float, float]
"""Wall and processor time [s]."""


def environment(cache: str | None) -> dict[str, str]:
    """Return that of a process with this folder of compiled kernels, or with the usual one."""
    found = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return found if cache is None else found | {"NUMBA_CACHE_DIR": cache}


def process(arguments: list[str]) -> Times:
    """Return the times of a fresh interpreter."""
    before, begin = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment(None), capture_output=True, check=True)
    wall, after = time.perf_counter() - begin, os.times()
    spent = after.children_user + after.children_system
    return wall, spent - before.children_user - before.children_system


def call(name: str, cache: str, *, warm: bool = False) -> Times:
    """Return the times of a call in a fresh interpreter, with another kernel before it if `warm`."""
    code = PREPARED + (WARM if warm else "") + TIMED.format(call=CALLS[name])
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment(cache), capture_output=True, text=True, check=True
    )
    wall, spent = map(float, result.stdout.split())
    return wall, spent


def medians(measure: Callable[[], Times], runs: int) -> Times:
    """Return the medians of `runs` measurements."""
    walls, spent = zip(*(measure() for _ in range(runs)), strict=True)
    return statistics.median(walls), statistics.median(spent)


def line(name: str, *times: Times) -> str:
    """Return a row of a table."""
    return f"{name:38s}" + "".join(f" {wall:7.2f} {spent:7.2f}  " for wall, spent in times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(
        f"Photinus {__version__}, Numba {numba.__version__}, Python {platform.python_version()}, "
        f"{processor()}"
    )
    with tempfile.TemporaryDirectory() as folder:
        model = str(Path(folder) / "model.json")
        BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1]).save(model)
        sampling = ["sample", model, "--out"]
        small = ["--chains", "1", "--draws", "1", "--burn-in", "0"]
        number = itertools.count()

        def stored(code: str, *options: str) -> Times:
            out = str(Path(folder) / f"{next(number)}.zarr")  # each run has a separate store
            return process(["-c", code, *sampling, out, *options])

        every: dict[str, Callable[[], Times]] = {
            "python, nothing else": lambda: process(["-c", ""]),
            "import photinus": lambda: process(["-c", "import photinus"]),
            "photinus --help": lambda: process(["-c", COMMAND, "--help"]),
            "photinus sample: first sample stored": lambda: stored(STORED, *small),
            "  the whole command for 1 draw": lambda: stored(COMMAND, *small),
            "  64 chains of 250 draws, stored": lambda: stored(STORED),
            "  the whole command for these": lambda: stored(COMMAND),
        }
        print(f"\n{'a process, median [s]':38s}    wall     cpu")
        for name, measure in every.items():
            measure()  # fills caches
            print(line(name, medians(measure, options.runs)), flush=True)
        print(
            f"\n{'a first call [s]':38s}       compile           cached        cached, next\n"
            f"{'':38s}" + "    wall     cpu  " * 3
        )
        for name in CALLS:
            cache = str(Path(folder) / name)
            first = call(name, cache)
            call(name, cache, warm=True)
            again = [
                medians(functools.partial(call, name, cache, warm=warm), options.runs)
                for warm in (False, True)
            ]
            print(line(name, first, *again), flush=True)


if __name__ == "__main__":
    main()
