"""No machine and no calibration file takes the interpreter down, on any substrate.

What a compiled loop reads past the end of an array ends the process, so cases run in one of their
own: it must end well, and every case must give draws or one sentence.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

HEAD = """
import json, sys, tempfile, warnings
from pathlib import Path
import numpy as np
import photinus as ph
from tests import machines

warnings.simplefilter("error", RuntimeWarning)
rng = np.random.default_rng(int(sys.argv[1]))

def tried(machine, substrate, **options):
    try:
        drawn = ph.sample(machine, substrate, chains=3, draws=8, burn_in=4, seed=1, threads=1, **options)
    except ph.PhotinusError as error:
        assert len(str(error).splitlines()) == 1, error
        return str(error)
    assert set(np.unique(drawn.states)) <= {0, 1}
    assert np.isfinite(drawn.marginals()).all()

def all_to_all(n, weight, bias):
    return ph.BoltzmannMachine(weight * (1 - np.eye(n)), np.full(n, bias))
"""

MACHINES = """
def max_cut(n):
    graph = machines.random_graph(n, 4, rng)
    return ph.BoltzmannMachine(-2.0 * 10 ** rng.uniform(0, 3) * graph, 10 ** rng.uniform(0, 3) * graph.sum(axis=1))

def qubo(n):
    rows = rng.integers(-100, 101, (n, n)).astype(float)
    return ph.BoltzmannMachine((rows + rows.T) * (1 - np.eye(n)), rows.diagonal())

def one_hot(n):
    weight = -(10 ** rng.uniform(-1, 6))
    return all_to_all(n, weight, rng.choice([0, -weight / 2, weight, -weight * (n - 1) / 2]))

kinds = [one_hot, max_cut, qubo, lambda n: machines.anywhere(rng, n)]
for k in range(26):
    size = int(rng.integers(2, 28))
    machine = kinds[k % len(kinds)](size)
    for substrate in ("laser-reduced", "laser", "lif", "ideal", "gibbs", "exact"):
        if substrate == "exact" and machine.n_units > 12:
            continue
        told = tried(machine, substrate)
        assert told is None or "range of numbers" in told, told
print("alive")
"""

CALIBRATIONS = """
text = json.loads((Path(ph.__file__).parent / "data" / "fast-absorber.json").read_text())
absurd = [0, -1, 1e-300, 1e-30, 1e30, 1e300, -1e300, float("nan"), float("inf"), -float("inf"), None, "x", [], {}]
near = [1e-4, 0.01, 100.0, 1e4, -1.0, -100.0]
weights = np.zeros((5, 5))  # two units that exclude each other, and three that go together
weights[:2, :2], weights[2:, 2:] = -20.0, 5.0
np.fill_diagonal(weights, 0)
machine = ph.BoltzmannMachine(weights, [10.0, 10.0, -5.0, -5.0, -5.0])
accepted = refused = 0

def read(document, path):
    global accepted, refused
    path.write_text(document)
    try:
        calibration = ph.Calibration.load(path)
    except ph.InvalidInput as error:
        assert len(str(error).splitlines()) == 1, error
        refused += 1
        return
    accepted += 1
    tried(machine, "laser-reduced", calibration=calibration)

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "c.json"
    for name, value in text["reduced"].items():
        if isinstance(value, float):
            changes = absurd + [value * factor for factor in near]
        elif isinstance(value, list):
            changes = absurd + [value[:1], value[::-1], [*value[:-1], 1e300], [*value[:-1], float("nan")]]
            if not isinstance(value[0], list):
                changes += [list(np.multiply(value, factor)) for factor in near]
            else:
                changes += [value[:-1], [row[:-1] for row in value]]
                changes += [list(map(list, np.add(value, shift))) for shift in (-1e3, -200, 20, 50, 1e3)]
        else:
            changes = absurd
        rest = {k: v for k, v in text["reduced"].items() if k != name}
        read(json.dumps({**text, "reduced": rest}), path)
        # Once for all changes: it is long.
        start, end = json.dumps({**text, "reduced": {name: "HERE", **rest}}).split('"HERE"')
        for change in changes:
            read(start + json.dumps(change) + end, path)
    for name in ("midpoint", "slope"):
        for factor in near:
            read(json.dumps({**text, name: text[name] * factor}), path)
assert accepted > 30 and refused > 150, (accepted, refused)
print("alive")
"""


@pytest.mark.parametrize("cases", [MACHINES, CALIBRATIONS], ids=["machines", "calibrations"])
def test_the_interpreter_survives(cases: str) -> None:
    script = HEAD + cases
    run = subprocess.run(
        [sys.executable, "-c", script, "7"], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.strip().endswith("alive")
