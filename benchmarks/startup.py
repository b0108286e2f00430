"""Time starts: imports, help, the first sample, and first calls of kernels with and without a cache.

Each figure is the wall time of a fresh interpreter or, for calls, of the call inside of it. "First"
has an empty folder for compiled kernels, "cached" the folder that the first has filled.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numba

from engine import processor
from photinus import BoltzmannMachine, __version__

COMMAND = "from photinus.cli import main; main()"
CALL = """
import time
import photinus as ph
from photinus.units import ns
machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
calibration = ph.Calibration.preset()
network = ph.translate(machine, calibration)
from photinus.simulation.engine import Simulator
from photinus.reduced.simulator import ReducedSimulator
from photinus.reference.gibbs import GibbsSampler
calls = {
    "full": lambda: Simulator(network, chains=1, seed=1).advance(0.01 * ns),
    "reduced": lambda: ReducedSimulator(
        network, calibration.require_reduced(), chains=1, seed=1
    ).advance(0.1 * ns),
    "gibbs": lambda: GibbsSampler(machine, chains=1, seed=1).run(1),
}
begin = time.perf_counter()
calls[NAME]()
print(time.perf_counter() - begin)
"""


def started(arguments: list[str], cache: str | None) -> str:
    """Return the output of a fresh interpreter, with this folder of compiled kernels or the usual."""
    folder = {} if cache is None else {"NUMBA_CACHE_DIR": cache}
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


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
        out = str(Path(folder) / "RUN.zarr")
        print("wall time of a process, median [s]")
        sampling = ["-c", COMMAND, "sample", model, "--chains", "1", "--draws", "1", "--burn-in", "0"]
        every = {
            "python, nothing else": ["-c", ""],
            "import photinus": ["-c", "import photinus"],
            "photinus --help": ["-c", COMMAND, "--help"],
            "photinus sample, 1 draw": [*sampling, "--out", out],
        }
        for name, arguments in every.items():
            walls = []
            # The first fills caches; each run has a store of its own.
            for run in range(options.runs + 1):
                named = [part.replace("RUN", str(run)) for part in arguments]
                begin = time.perf_counter()
                started(named, None)
                walls.append(time.perf_counter() - begin)
            print(f"{name:26s} {statistics.median(walls[1:]):8.2f}")
        print("\nwall time of the first call in a process [s]\n            first   cached (median)")
        for name in ("full", "reduced", "gibbs"):
            code = ["-c", f"NAME = {name!r}\n{CALL}"]
            cache = str(Path(folder) / name)
            first = float(started(code, cache))
            again = [float(started(code, cache)) for _ in range(options.runs)]
            print(f"{name:10s} {first:7.2f} {statistics.median(again):8.3f}")


if __name__ == "__main__":
    main()
