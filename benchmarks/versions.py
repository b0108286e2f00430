"""Time two versions of Photinus in turn: engines, Gibbs sampling, a whole run, and starts.

``python benchmarks/versions.py BEFORE`` compares the work tree with another checkout, such as one that
``git worktree add BEFORE COMMIT`` made. Each round starts a fresh interpreter for either version; the
figure of a round is the shortest of some repetitions on one thread, and ratios are those of a round.
Both versions use the names of version 0.1, which every later one understands.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
STARTS = {
    "import photinus": "import photinus",
    "photinus --help": (
        "import sys; sys.argv = ['photinus', '--help'];from photinus.cli import main; main()"
    ),
    "first sample, stored": (
        "import photinus as ph, tempfile; m = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1]);"
        "path = tempfile.mkdtemp() + '/a.zarr';"
        "ph.sample(m, 'laser', chains=4, draws=8, burn_in=0, seed=1, path=path)"
    ),
}


def measured(repetitions: int) -> dict[str, float]:
    """Return the shortest time of each case [s] with the version at hand."""
    import numpy as np
    from photinus.reduced.simulator import ReducedSimulator
    from photinus.reference.lif import LifSimulator
    from photinus.simulation.engine import Simulator

    import photinus as ph
    from photinus.reference.gibbs import GibbsSampler

    random = np.random.default_rng(0)

    def machine(n: int) -> ph.BoltzmannMachine:
        upper = np.triu(random.normal(0, 0.3, (n, n)), 1)
        return ph.BoltzmannMachine(upper + upper.T, random.normal(0, 0.5, n))

    small, wide = machine(5), machine(50)
    lasers, neurons = ph.Calibration.preset(), ph.Calibration.preset("lif-hcs")
    reduced = lasers.require_reduced()
    networks: dict[str, Any] = {
        "small": ph.translate(small, lasers),
        "wide": ph.translate(wide, lasers),
        "lif": ph.translate(wide, neurons),
    }
    one: dict[str, Any] = {"seed": 1, "threads": 1}
    running: dict[str, tuple[Any, Callable[[Any], Any]]] = {
        "full physics, 5 × 256": (
            Simulator(networks["small"], chains=256, **one),
            lambda s: s.advance(1e-8),
        ),
        "full physics, 50 × 32": (
            Simulator(networks["wide"], chains=32, **one),
            lambda s: s.advance(1e-8),
        ),
        "reduced, 5 × 256": (
            ReducedSimulator(networks["small"], reduced, chains=256, **one),
            lambda s: s.advance(1e-6),
        ),
        "reduced, 50 × 64": (
            ReducedSimulator(networks["wide"], reduced, chains=64, **one),
            lambda s: s.advance(3e-7),
        ),
        "LIF, 50 × 32": (LifSimulator(networks["lif"], chains=32, **one), lambda s: s.advance(2.0)),
        "Gibbs, 50 × 64": (GibbsSampler(wide, chains=64, **one), lambda s: s.run(3000)),
        "sample, reduced": (
            None,
            lambda _: ph.sample(small, "laser-reduced", chains=64, draws=1500, **one),
        ),
    }
    found = {}
    for name, (simulator, run) in running.items():
        run(simulator)
        times = []
        for _ in range(repetitions):
            start = time.perf_counter()
            run(simulator)
            times.append(time.perf_counter() - start)
        found[name] = min(times)
    return found


def of_version(root: Path, repetitions: int) -> dict[str, float]:
    """Return the figures of the checkout at `root`, its starts included [s]."""
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    command = [sys.executable, __file__, "--one", str(repetitions)]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    for name, code in STARTS.items():
        times = []
        for _ in range(repetitions):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", code], env=environment, capture_output=True, check=True
            )
            times.append(time.perf_counter() - start)
        found[name] = min(times)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, nargs="?", help="folder of the other checkout")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measured(arguments.one)))
        return
    if arguments.before is None:
        parser.error("BEFORE must be the folder of another checkout")
    rounds = []
    for number in range(arguments.rounds):
        # The other one first in every second round: machines tire, and wake up.
        order = (HERE, arguments.before)[:: -1 if number % 2 else 1]
        figures = {root: of_version(root, arguments.repetitions) for root in order}
        rounds.append((figures[HERE], figures[arguments.before]))
    print("| case | now [ms] | before [ms] | ratio, median of rounds | from … to |")
    print("|---|---|---|---|---|")
    for name in rounds[0][0]:
        now, before = ([pair[k][name] for pair in rounds] for k in (0, 1))
        ratios = [a / b for a, b in zip(now, before, strict=True)]
        print(
            f"| {name} | {1e3 * statistics.median(now):.1f} | {1e3 * statistics.median(before):.1f} | "
            f"{statistics.median(ratios):.3f} | {min(ratios):.3f} … {max(ratios):.3f} |"
        )


if __name__ == "__main__":
    main()
