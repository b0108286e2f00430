"""Command line of the study."""

import argparse
import warnings
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import photinus as ph
from photinus._core.results import ArrayResults

from . import __doc__ as description
from .moments import GROUPS, Reference, moments, reference, squared
from .page import HEAD, report, row
from .samplers import CHAINS, SAMPLERS, sampled
from .targets import COUNTED, UNITS, pairs_of, target

RESULTS = Path(__file__).parents[1] / "results" / "scaling"
KIND = "photinus-scaling-point"
SCHEMA = 2
"""Raised when what is computed changes: results of before do not count."""
BUDGET, FEWEST, MOST = 2.5e6, 150, 4000
"""Units times draws of all chains, and draws of each."""
MOST_UNITS = {"laser, refined": 64}
"""Where a sampler would take too long beyond, or has no reference."""


@cache
def known(family: str, units: int, index: int) -> Reference:
    """Return `reference` of a machine."""
    return reference(family, target(family, units, index))


def measured(family: str, units: int, index: int, name: str) -> dict[str, Any]:
    """Return what one sampler makes of one machine."""
    machine = target(family, units, index)
    pairs = pairs_of(machine)
    draws = int(np.clip(BUDGET / (CHAINS * units), FEWEST, MOST))
    states, window = sampled(name, machine, draws)
    right = known(family, units, index)
    found, exact = moments(states, pairs), right.moments
    result: dict[str, Any] = {"window": window, "pairs": len(pairs[0]), "draws": draws}
    result["reference"] = right.error
    result["marginal"] = squared(found[:, :units], exact[:, :units]) / units
    result["pair"] = squared(found[:, units:], exact[:, units:]) / max(1, len(pairs[0]))
    # Variance of means over one chain, times its length: what one window is worth.
    chains = states.mean(axis=1)
    result["variance"] = float(chains.var(axis=0, ddof=1).mean() * draws)
    for key, size in (("kl_marginals", units), ("kl", found.shape[1])):
        if size > len(right.covariance):
            continue
        ridge = right.covariance[:size, :size] + 1e-7 * np.eye(size)
        weigh = partial(np.linalg.solve, ridge)
        result[key] = squared(found[:, :size], exact[:, :size], weigh) / 2
        spread = found[:, :size] - found[:, :size].mean(axis=0)
        worth = np.sum(spread * weigh(spread.T).T) / (GROUPS - 1)
        result[f"{key}_spent"] = float(worth / 2 * draws * CHAINS / GROUPS)
    if units <= COUNTED:
        index_of = states.astype(np.int64) @ (1 << np.arange(units))
        p = machine.joint()
        counts = [np.bincount(part.ravel(), minlength=len(p)) for part in np.split(index_of, GROUPS)]
        share = np.array(counts) / (draws * CHAINS / GROUPS)
        result["all"] = squared(share / np.sqrt(p), np.stack([np.sqrt(p)] * 2)) / 2
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--families", nargs="+", choices=UNITS, default=list(UNITS))
    add("--units", nargs="+", type=int, help="default: up to 200")
    add("--samplers", nargs="+", choices=SAMPLERS, default=SAMPLERS)
    add("--machines", type=int, default=2)
    add("--out", type=Path, default=RESULTS)
    add("--report", action="store_true", help="measure nothing")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore", ph.TranslationWarning)
    store = ArrayResults(options.out, KIND, SCHEMA)
    print(HEAD)
    table: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for family in options.families:
        for units in options.units or UNITS[family]:
            for name in options.samplers:
                if units > MOST_UNITS.get(name, units):
                    continue
                points = []
                for index in range(options.machines):
                    file = f"{family}-{units}-{index}-{name}"
                    measure = partial(measured, family, units, index, name)
                    found = store.read(file) if options.report else store.get(file, measure)
                    points += [] if found is None else [found]
                if points:
                    table[family, units, name] = points
                    print(row(family, units, name, points), flush=True)
    print(report(table))


if __name__ == "__main__":
    main()
