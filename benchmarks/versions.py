"""Time two versions of Photinus in turn: engines, Gibbs sampling, a whole run, and starts.

``python benchmarks/versions.py BEFORE`` compares the work tree with another checkout, such as one that
``git worktree add BEFORE COMMIT`` made. An interpreter of either version stands ready, and both do the
same work on one thread, turn by turn, a fraction of a second each: so a machine that tires meets both.
The ratio is the median over turns. Both versions use the names of version 0.1, which every later one
understands.
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


def serve() -> None:
    """Do each case whose name comes on standard input, and write how long it took [s]."""
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

    def grid(side: int) -> ph.BoltzmannMachine:
        place = np.arange(side**2).reshape(side, side)
        upper = np.zeros((side**2, side**2))
        upper[place[:, :-1], place[:, 1:]] = upper[place[:-1], place[1:]] = 1.0
        return ph.BoltzmannMachine(upper + upper.T, -(upper + upper.T).sum(axis=1) / 2)

    def halves(visible: int, hidden: int) -> ph.BoltzmannMachine:
        upper = np.zeros((visible + hidden, visible + hidden))
        upper[:visible, visible:] = random.normal(0, 4 / (visible + hidden) ** 0.5, (visible, hidden))
        return ph.BoltzmannMachine(upper + upper.T, -(upper + upper.T).sum(axis=1) / 2)

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
        "reduced, grid 64 × 64 × 16": (
            ReducedSimulator(ph.translate(grid(64), lasers), reduced, chains=16, **one),
            lambda s: s.advance(3e-8),
        ),
        "reduced, 64 × 32 × 64": (
            ReducedSimulator(ph.translate(halves(64, 32), lasers), reduced, chains=64, **one),
            lambda s: s.advance(1e-7),
        ),
        "LIF, 50 × 32": (LifSimulator(networks["lif"], chains=32, **one), lambda s: s.advance(2.0)),
        "Gibbs, 50 × 64": (GibbsSampler(wide, chains=64, **one), lambda s: s.run(3000)),
        "Gibbs, grid 32 × 32 × 64": (
            GibbsSampler(grid(32), chains=64, **one),
            lambda s: s.run(0, skip=500),
        ),
        "sample, reduced": (
            None,
            lambda _: ph.sample(small, "laser-reduced", chains=64, draws=1500, **one),
        ),
    }
    print(json.dumps(list(running)), flush=True)
    for line in sys.stdin:
        simulator, run = running[line.rstrip("\n")]
        start = time.perf_counter()
        run(simulator)
        print(time.perf_counter() - start, flush=True)


class Version:
    """An interpreter that stands ready with one version."""

    def __init__(self, root: Path) -> None:
        self.environment = {**os.environ, "PYTHONPATH": str(root / "src")}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.cases: list[str] = json.loads(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def seconds(self, name: str) -> float:
        """Return how long a case or a start takes."""
        if name in STARTS:
            start = time.perf_counter()
            command = [sys.executable, "-c", STARTS[name]]
            subprocess.run(command, env=self.environment, capture_output=True, check=True)
            return time.perf_counter() - start
        assert self.process.stdin is not None
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return float(self._answer())


def main() -> None:
    """Print a table of both versions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, nargs="?", help="folder of the other checkout")
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return
    if arguments.before is None:
        parser.error("BEFORE must be the folder of another checkout")
    versions = Version(HERE), Version(arguments.before)
    print("| case | now [ms] | before [ms] | ratio, median of turns | middle half of turns |")
    print("|---|---|---|---|---|")
    for name in (*versions[0].cases, *STARTS):
        turns = []
        for number in range(arguments.turns + 1):
            order = (0, 1) if number % 2 else (1, 0)
            taken = {k: versions[k].seconds(name) for k in order}
            turns.append((taken[0], taken[1]))
        now, before = zip(*turns[1:], strict=True)  # the first one warms up
        ratios = sorted(a / b for a, b in zip(now, before, strict=True))
        low, middle, high = (ratios[int(q * (len(ratios) - 1))] for q in (0.25, 0.5, 0.75))
        print(
            f"| {name} | {1e3 * statistics.median(now):.1f} | {1e3 * statistics.median(before):.1f} | "
            f"{middle:.3f} | {low:.3f} to {high:.3f} |",
            flush=True,
        )
    for version in versions:
        assert version.process.stdin is not None
        version.process.stdin.close()
        version.process.wait()


if __name__ == "__main__":
    main()
