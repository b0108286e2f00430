"""The page of tables."""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .points import SCALES, SEED, SWEEP_MACHINES, SWEPT, Point, Selection, Target
from .results import PARTS, Measured
from .variants import (
    DELAYS,
    EXACT_IN_LAW,
    REFINED,
    TRANSLATED,
    VARIANTS,
    at_delay,
)

LIMITS: dict[tuple[str, int, str], float] = {
    ("uniform", 5, TRANSLATED): 0.004,
    ("uniform", 5, REFINED): 0.0005,
    ("beta", 5, TRANSLATED): 0.01,
    ("beta", 5, REFINED): 0.001,
    ("uniform", 10, TRANSLATED): 0.02,
    ("uniform", 10, REFINED): 0.004,
}
"""Largest median KL that the design asks for, per family, size and variant."""
RESAMPLES = 10_000
FEWEST = 5
"""Machines from which on an interval of their median is given."""


@dataclass(frozen=True)
class Study:
    """A selection and the results that there are."""

    selection: Selection
    results: Measured

    def found(
        self, name: str, family: str, size: int, scale: float = 1.0, machines: int | None = None
    ) -> list[dict[str, Any]]:
        """Return the results of a variant over all machines of a kind, or the first so many.

        There are none as long as one is missing, so that no figure is of fewer machines than another.
        """
        count = min(self.selection.machines, machines or self.selection.machines)
        targets = [Target(family, size, index, scale) for index in range(count)]
        points = [Point(target, name, self.selection.budget) for target in targets]
        whole = all(point in self.results for point in points)
        return [self.results[point] for point in points] if whole else []

    def swept(self, name: str, scale: float = 1.0) -> list[dict[str, Any]]:
        """Return the results of a variant on the machines of the sweeps."""
        return self.found(name, *SWEPT, scale, SWEEP_MACHINES)

    def sweeps(self) -> "dict[str, Curves]":
        """Return the curves of each sweep that is selected."""
        every = (EXACT_IN_LAW, TRANSLATED, REFINED)
        floor = self.swept(EXACT_IN_LAW)
        delays = {name: {d: self.swept(at_delay(name, d)) for d in DELAYS} for name in every[1:]}
        whole: dict[str, Curves] = {
            "delay": {EXACT_IN_LAW: dict.fromkeys(DELAYS, floor), **delays},
            "scale": {name: {s: self.swept(name, s) for s in SCALES} for name in every},
        }
        return {name: whole[name] for name in self.selection.experiments if name in whole}


Curves = dict[str, dict[float, list[dict[str, Any]]]]
"""Variant → swept value → results of the machines."""


def divergences(results: Iterable[dict[str, Any]]) -> list[float]:
    """Return the KL of each result over the whole budget."""
    return [float(result["kl"][-1]) for result in results]


def page(study: Study, code: str, measured_by: Iterable[str]) -> str:
    """Return the whole page in Markdown; `code` names the folder of results."""
    budget = study.selection.budget
    head = (
        "# Fidelity: results\n\n"
        "Written by `python -m studies.fidelity report`. "
        "[How fidelity is measured](../explanation/fidelity-study.md) tells the method. "
        f"Each machine got {budget.chains} chains × {budget.draws} draws. "
        f"The digest of the code is {code}."
    )
    others = sorted(set(measured_by) - {code})
    if others:
        head += f" **Some were measured by other code: {', '.join(others)}.**"
    head += _missing(study)
    sections = {
        "Against the design's targets": _against_limits(study),
        "Random machines": _grid(study),
        "What the divergence consists of": _parts(study),
        "Refinement": _refinement(study),
        "Synaptic delay": _sweep(study, "delay", "delay [τ]"),
        "Strength of weights and biases": _sweep(study, "scale", "W and b ×"),
    }
    return "\n\n".join([head, *(f"## {title}\n\n{text}" for title, text in sections.items() if text)])


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the median: percentiles over bootstrap resamples (Efron 1979)."""
    picked = np.random.default_rng(SEED).choice(np.asarray(values), (RESAMPLES, len(values)))
    low, high = np.percentile(np.median(picked, axis=1), [2.5, 97.5])
    return float(low), float(high)


def short(*values: float) -> str:
    """Return values with two significant figures, as a range if there are several."""
    return " … ".join(f"{value:.2g}" for value in values)


def median(values: Iterable[float]) -> float:
    """Return the median; nan of nothing."""
    known = list(values)
    return float(np.median(known)) if known else math.nan


def interval(values: Sequence[float]) -> str:
    """Return the 95 % interval of the median."""
    return short(*median_interval(values)) if len(values) >= FEWEST else "–"


def quartiles(values: Sequence[float]) -> str:
    """Return the range of the quartiles."""
    return short(*np.percentile(values, [25, 75])) if values else "–"


def _table(head: str, rows: Sequence[Sequence[object]], note: str = "") -> str:
    """Return a table in Markdown with a note below; nothing without rows."""
    if not rows:
        return ""
    columns = head.split(" | ")
    lines = [columns, ["---"] * len(columns), *rows]
    table = "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)
    return f"{table}\n\n{note}" if note else table


def _missing(study: Study) -> str:
    """Return a sentence on what is left out; nothing if all is there."""
    asked = Counter(point.variant for point in study.selection.points())
    there = Counter(point.variant for point in study.results)
    left = [f"`{name}` ({there[name]} of {asked[name]})" for name in asked if there[name] < asked[name]]
    return f"\n\nOnly whole rows are shown. Not all was measured of: {', '.join(left)}." if left else ""


def _against_limits(study: Study) -> str:
    rows = []
    for (family, size, name), limit in LIMITS.items():
        kl = divergences(study.found(name, family, size))
        met = "–" if not kl else "yes" if median(kl) <= limit else "no"
        middle = short(median(kl)) if kl else "–"
        rows.append((family, size, name, f"≤ {limit:g}", middle, interval(kl), met, len(kl)))
    head = "family | n | variant | target | median KL | 95 % of the median | met | machines"
    return _table(head, rows)


def _grid(study: Study) -> str:
    rows = []
    for (family, size), name in itertools.product(study.selection.kinds(), VARIANTS):
        found = study.found(name, family, size)
        if found:
            kl = divergences(found)
            floor = median(divergences(study.found(EXACT_IN_LAW, family, size)))
            cells = (
                short(median(kl)),
                quartiles(kl),
                interval(kl),
                f"{median(kl) / floor:.1f}",
                short(median(result["marginal_error"] for result in found)),
                short(median(result["pair_error"] for result in found)),
                short(median(r["ess"] / r["draws"][-1] for r in found if r["ess"] is not None)),
            )
            rows.append((family, size, name, *cells, len(found)))
    head = (
        "family | n | variant | median KL [nats] | quartiles | 95 % of the median | × floor | "
        "marginal error | pair error | ESS / draws | machines"
    )
    note = (
        f"The floor is the median KL of `{EXACT_IN_LAW}`, refractory neurons that are exact in law, "
        "over the same time. Errors are the largest of a machine, median over machines."
    )
    return _table(head, rows, note)


def _parts(study: Study) -> str:
    rows = []
    for (family, size), name in itertools.product(study.selection.kinds(), VARIANTS):
        found = [r["parts"] for r in study.found(name, family, size) if r["parts"] is not None]
        if found:
            mean = {
                (what, part): float(np.mean([parts[what][part] for parts in found]))
                for what, part in itertools.product(("kl", "noise"), PARTS)
            }
            cells = [f"{short(mean['kl', p])} ({short(mean['noise', p])})" for p in PARTS]
            rows.append((family, size, name, *cells, len(found)))
    note = (
        "Means over machines [nats]; in brackets what sampling noise alone would show, nothing is "
        "subtracted. Biases (pumps) could remove the first part, weights (couplings) the second, "
        "neither the third."
    )
    return _table("family | n | variant | marginals | pairs | higher order | machines", rows, note)


def _refinement(study: Study) -> str:
    rows = []
    for (family, size), name in itertools.product(study.selection.kinds(), VARIANTS):
        found = [result for result in study.found(name, family, size) if "rounds" in result]
        if found:
            converged = sum(bool(result["converged"]) for result in found)
            rounds = [result["rounds"] for result in found]
            cells = (f"{median(rounds):g}", max(rounds), f"{converged} of {len(found)}")
            seconds = f"{median(result['refining_seconds'] for result in found):.1f}"
            rows.append((family, size, name, *cells, seconds))
    head = "family | n | variant | median rounds | most rounds | converged | median wall time [s]"
    return _table(head, rows)


def _sweep(study: Study, name: str, head: str) -> str:
    curves = study.sweeps().get(name, {})
    rows = []
    for value in next(iter(curves.values()), {}):
        found = {variant: curve[value] for variant, curve in curves.items()}
        if any(found[variant] for variant in (TRANSLATED, REFINED)):
            kl = [divergences(results) for results in found.values()]
            cells = [f"{short(median(each))} ({quartiles(each)})" if each else "–" for each in kl]
            higher = [r["parts"]["kl"]["higher"] for r in found[REFINED] if r["parts"]]
            converged = sum(bool(result["converged"]) for result in found[REFINED])
            cells += [short(median(higher)), f"{converged} of {len(found[REFINED])}"]
            rows.append((f"{value:g}", *cells, " / ".join(str(len(each)) for each in kl)))
    family, size = SWEPT
    note = (
        f"Median KL and quartiles [nats], {family}, n = {size}. Of the refined networks also the "
        "median of the part of higher order, and how many refinements converged."
    )
    columns = "floor | translated | refined | higher order | converged | machines"
    return _table(f"{head} | {columns}", rows, note)
