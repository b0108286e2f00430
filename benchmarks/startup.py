"""Time what a user waits for: imports, first and cached calls of the simulators, the first sample.

Every figure is that of a fresh process, the smallest of several. "First call" starts from an empty
kernel cache and so compiles; "cached call" is the same in the next process. Calls are short, so that
they cost little beside compiling or loading. The samples of the command line are two lasers, 64 chains
of 250 draws, with certificate and store.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine import processor
from photinus import BoltzmannMachine, __version__

PREPARE = """
import time
import numpy as np
import photinus as ph
from photinus.reduced.simulator import ReducedSimulator
from photinus.reference.gibbs import sample_gibbs
from photinus.simulation.engine import Simulator
machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
calibration = ph.Calibration.preset()
network = ph.translate(machine, calibration)
begin = time.perf_counter()
{call}
print(time.perf_counter() - begin)
"""
CALLS = {
    "full physics": "Simulator(network, chains=4, seed=0).advance(1e-9)",
    "reduced lasers": "ReducedSimulator(network, calibration.reduced, chains=4, seed=0).advance(1e-8)",
    "Gibbs": "sample_gibbs(machine, chains=4, draws=10, seed=0)",
    "ideal neurons": "ph.sample(machine, 'ideal', chains=4, draws=10, burn_in=5, seed=0)",
    "LIF neurons": "ph.sample(machine, 'lif', chains=2, draws=2, burn_in=1, seed=0)",
}


def run(arguments: list[str], cache: Path) -> tuple[float, str]:
    """Return wall time [s] and output of a Python process."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return time.perf_counter() - begin, done.stdout


def call(code: str, cache: Path) -> float:
    """Return the time of the call in a fresh process [s]."""
    return float(run(["-c", PREPARE.format(call=code)], cache)[1].split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = range(parser.parse_args().runs)
    print(f"Photinus {__version__}, Python {sys.version.split()[0]}, {processor()}")
    with tempfile.TemporaryDirectory() as folder:
        cache, model = Path(folder) / "cache", Path(folder) / "model.json"
        BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1]).save(model)
        program = "import sys; from photinus.cli import main; main()"
        alone = min(run(["-c", "import photinus"], cache)[0] for _ in runs)
        helped = min(run(["-c", program, "--help"], cache)[0] for _ in runs)
        print(f"import photinus      {alone:8.2f} s")
        print(f"photinus --help      {helped:8.2f} s")
        print("                     first call   cached call")
        for name, code in CALLS.items():
            first = call(code, cache)
            print(f"{name:20s} {first:8.2f} s {min(call(code, cache) for _ in runs):11.2f} s")
        walls = []
        for k in runs:
            out = ["--out", str(Path(folder) / f"run-{k}.zarr")]
            walls.append(run(["-c", program, "sample", str(model), "--seed", "1", *out], cache)[0])
        print(f"photinus sample      {walls[0]:8.2f} s {min(walls[1:], default=walls[0]):11.2f} s")


if __name__ == "__main__":
    main()
