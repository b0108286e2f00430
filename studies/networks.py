"""Networks of others: posterior marginals sampled, against exact ones.

Reads networks of any number of states from files (BIF, XMLBIF, UAI and the other formats of
`photinus.interop`). Exact marginals come from a tree of cliques, which tests compare with another
library. Prints a Markdown table, one row per network and substrate.

    python studies/networks.py win95pts.bif --evidence Problem1=No_Output --copies 12 --hottest 10
"""

import argparse
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import photinus as ph
from photinus.faces.cli.inputs import read_known
from photinus.interop import read_model
from photinus.tasks import Posterior

HEAD = (
    "| network | given | substrate | copies | units | largest weight | off by | its error | time here |"
)


def largest(posterior: Posterior) -> tuple[str, float, float]:
    """Return the marginal that is farthest off: its name, by how much, and its standard error."""
    rows = [row for row in posterior.rows() if row[4] is not None]
    name, state, p, error, exact = max(rows, key=lambda row: abs(row[2] - (row[4] or 0.0)))
    return f"{name} = {state}", abs(p - (exact or 0.0)), error


def row(path: Path, evidence: Mapping[Any, Any], substrate: str, options: argparse.Namespace) -> str:
    """Return the line of one network on one substrate, and what there is to say of it."""
    model, tempering = read_model(path), None
    if options.copies > 1:
        tempering = ph.Parallel.rising(options.copies, hottest=options.hottest, every=1)
    found = ph.infer(
        model,
        evidence,
        substrate,
        chains=options.chains,
        draws=options.draws,
        burn_in=options.draws // 2,
        refined=not options.not_refined,
        code=options.code,
        seed=options.seed,
        tempering=tempering,
    )
    told = "exact unknown | "
    if found.exact is not None:
        worst, off, error = largest(found)
        told = f"{off:.3f} ({worst}) | {error:.3f}"
    known = ", ".join(f"{name} = {state}" for name, state in evidence.items()) or "nothing"
    line = (
        f"| {path.stem} | {known} | {substrate} | {options.copies} | {found.units} "
        f"| {found.largest_weight:.1f} | {told} | {found.wall_time:.1f} s |"
    )
    if found.weights is not None:
        line += f"\nweights: {found.weights.verdict}"
    if options.certificate and found.fidelity is not None:
        line += f"\ncertificate: {found.verdict}; next: {found.fidelity.advice}"
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--evidence", nargs="*", default=[], help="VARIABLE=STATE, for one network")
    parser.add_argument("--substrates", nargs="*", default=["gibbs"])
    parser.add_argument("--copies", type=int, default=1, help="copies of parallel tempering")
    parser.add_argument("--hottest", type=float, default=10.0)
    parser.add_argument("--chains", type=int, default=64)
    parser.add_argument("--draws", type=int, default=1500)
    parser.add_argument("--code", default="auto", help="auto, one-hot or binary")
    parser.add_argument("--not-refined", action="store_true")
    parser.add_argument("--certificate", action="store_true")
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ph.TranslationWarning)
    print(HEAD)
    print("|" + "---|" * (HEAD.count("|") - 1))
    for path in options.paths:
        model = read_model(path)
        machine = isinstance(model, ph.BoltzmannMachine)
        states = dict.fromkeys(model.labels, (0, 1)) if machine else model.states
        evidence = read_known(options.evidence, states)
        for substrate in options.substrates:
            print(row(path, evidence, substrate, options), flush=True)


if __name__ == "__main__":
    main()
