"""Large Bayesian networks: posterior marginals sampled, against exact ones.

Reads a network of two-valued variables from a BIF file, such as win95pts of the public repositories.
The second state of a variable is 1. Exact marginals come from bucket elimination over its tables, which
shares no code with the library. Prints a Markdown table.

    python studies/networks.py win95pts.bif --evidence Problem1=1 --copies 12 --hottest 10
"""

import argparse
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import photinus as ph

Factor = tuple[tuple[str, ...], NDArray[np.float64]]


def read(path: Path) -> ph.BayesianNetwork:
    """Return the network of a BIF file."""
    text = path.read_text()
    known = re.finditer(r"variable\s+(\S+)\s*\{\s*type discrete \[\s*\d+\s*\]\s*\{([^}]*)\}", text)
    states = {m[1]: [state.strip() for state in m[2].split(",")] for m in known}
    tables: dict[str, Any] = {}
    for m in re.finditer(r"probability\s*\(([^)]*)\)\s*\{([^}]*)\}", text):
        head, _, above = m[1].partition("|")
        parents = tuple(name.strip() for name in above.split(",") if name.strip())
        if not parents:
            tables[head.strip()] = _second(re.findall(r"table([^;]*);", m[2])[0])
            continue
        rows = {}
        for given, values in re.findall(r"\(([^)]*)\)([^;]*);", m[2]):
            named = [state.strip() for state in given.split(",")]
            row = tuple(states[p].index(state) for p, state in zip(parents, named, strict=True))
            rows[row] = _second(values)
        tables[head.strip()] = parents, rows
    return ph.BayesianNetwork(tables)


def _second(values: str) -> float:
    return float(values.split(",")[1])


def exact(network: ph.BayesianNetwork, evidence: Mapping[str, int]) -> dict[str, float]:
    """Return P(variable = 1 | evidence) by bucket elimination, once for each variable."""
    factors = [_factor(network, name, evidence) for name in network.variables]
    asked = [str(name) for name in network.variables if name not in evidence]
    return {name: _marginal(factors, name) for name in asked}


def _factor(network: ph.BayesianNetwork, name: Any, evidence: Mapping[str, int]) -> Factor:
    parents, rows = network.tables[name]
    scope = (name, *parents)
    table = np.zeros((2,) * len(scope))
    for row, p in rows.items():
        table[(1, *row)], table[(0, *row)] = p, 1 - p
    place = tuple(evidence.get(str(each), slice(None)) for each in scope)
    return tuple(str(each) for each in scope if each not in evidence), table[place]


def _product(factors: list[Factor]) -> Factor:
    scope = tuple(dict.fromkeys(name for names, _ in factors for name in names))
    result = np.ones((2,) * len(scope))
    for names, table in factors:
        order = np.argsort([scope.index(name) for name in names])
        shape = [2 if name in names else 1 for name in scope]
        result = result * table.transpose(order).reshape(shape)
    return scope, result


def _marginal(factors: list[Factor], asked: str) -> float:
    left = {name for names, _ in factors for name in names} - {asked}
    while left:
        sizes = {v: len({n for names, _ in factors if v in names for n in names}) for v in left}
        name = min(left, key=lambda v: (sizes[v], v))
        left.discard(name)
        scope, table = _product([f for f in factors if name in f[0]])
        axis = scope.index(name)
        factors = [f for f in factors if name not in f[0]]
        factors.append((scope[:axis] + scope[axis + 1 :], table.sum(axis=axis)))
    _, table = _product(factors)
    return float(table[1] / table.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--evidence", nargs="*", default=[], help="VARIABLE=0 or 1")
    parser.add_argument("--substrates", nargs="*", default=["gibbs"])
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--hottest", type=float, default=10.0)
    parser.add_argument("--chains", type=int, default=64)
    parser.add_argument("--draws", type=int, default=1500)
    parser.add_argument("--not-refined", action="store_true")
    parser.add_argument("--certificate", action="store_true")
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ph.TranslationWarning)
    network = read(options.path)
    evidence = {name: int(value) for name, _, value in (e.partition("=") for e in options.evidence)}
    right, tempering = exact(network, evidence), None
    if options.copies > 1:
        spread = np.geomspace(1, options.hottest, options.copies)
        tempering = ph.Parallel(temperatures=tuple(spread.tolist()), every=1)
    print("| substrate | copies | units | largest weight | worst marginal | off by | its error |")
    print("|---|---|---|---|---|---|---|")
    for substrate in options.substrates:
        found = ph.infer(
            network,
            evidence,
            substrate,
            chains=options.chains,
            draws=options.draws,
            burn_in=options.draws // 2,
            refined=not options.not_refined,
            seed=options.seed,
            tempering=tempering,
        )
        off = {name: abs(found.marginals[name][1] - p) for name, p in right.items()}
        worst, machine = max(off, key=lambda name: off[name]), found.reduction.machine
        assert machine is not None
        largest = np.abs(machine.weights).max()
        print(
            f"| {substrate} | {options.copies} | {machine.n_units} | {largest:.1f} | {worst} "
            f"| {off[worst]:.3f} | {found.errors[worst][1]:.3f} |",
            flush=True,
        )
        if found.weights is not None:
            print(f"weights: {found.weights.verdict}")
        if options.certificate and found.samples is not None:
            certificate = found.samples.fidelity()
            print(f"certificate: {certificate.verdict}; next: {certificate.advice}", flush=True)


if __name__ == "__main__":
    main()
