"""Tables of the study."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from photinus.units import quantity

from .moments import root

GOAL_KL = 0.1
"""KL of moments [nats] to which the time of one chain is told."""
CLEAR = 2.0
"""Errors by which a value must differ from zero to be part of a fit."""
NAMES = (
    "gibbs",
    "ideal",
    "curve",
    "lif",
    "laser, exponential",
    "laser, measured",
    "laser, gauge",
    "laser, paired",
    "laser, refined",
)
"""Samplers in the order of tables."""
SHOWN = ("marginal", "pair", "kl", "kl_marginals")
"""What is tabled."""
HEAD = (
    "| family | units | sampler | marginal, rms | pair, rms | KL of moments | KL of marginals | KL "
    f"| reference, rms | time to KL {GOAL_KL:g} |\n|---|---|---|---|---|---|---|---|---|---|"
)
Found: TypeAlias = Sequence[Mapping[str, Any]]
Table: TypeAlias = Mapping[tuple[str, int, str], Found]


def mean(found: Found, key: str) -> tuple[float, float] | None:
    """Return the mean over machines with the error of runs of finite length; None if not known."""
    if key not in found[0]:
        return None
    values = np.array([each[key] for each in found])
    return float(values[:, 0].mean()), float(np.sqrt((values[:, 1] ** 2).sum()) / len(values))


def time_to(found: Found, goal: float = GOAL_KL) -> float:
    """Return the time of one chain until its KL of moments is `goal` [s], inf if it never is."""
    kl = mean(found, "kl")
    if kl is None:
        return float("nan")
    spent = np.mean([each["kl_spent"] for each in found])
    left = goal - max(0.0, kl[0])
    window = float(np.mean([each["window"] for each in found]))
    return float(spent * window / left) if left > 0 else float("inf")


def shown(found: Found, key: str) -> str:
    """Return a value with the error that runs of finite length leave, or a time, as a cell."""
    if key == "time":
        time = time_to(found)
        return "" if np.isnan(time) else "never" if np.isinf(time) else quantity(time, "s")
    if key == "reference":
        error = float(np.mean([each["reference"] for each in found]))
        return "exact" if error == 0 else f"{error:.4f}"
    value = mean(found, key)
    if value is None:
        return ""
    if key in ("marginal", "pair"):
        return "{:.4f} ± {:.4f}".format(*root(value))
    return f"{value[0]:.2g} ± {value[1]:.1g}"


def row(family: str, units: int, name: str, found: Found) -> str:
    """Return a row of the table of all that was measured."""
    keys = ("marginal", "pair", "kl", "kl_marginals", "all", "reference", "time")
    return f"| {family} | {units} | {name} | {' | '.join(shown(found, key) for key in keys)} |"


def grid(table: Table, key: str) -> str:
    """Return a table of one value: a row for each family and sampler, a column for each size."""
    sizes = sorted({units for _, units, _ in table})
    families = list(dict.fromkeys(family for family, _, _ in table))
    lines = [
        f"| family | sampler | {' | '.join(f'n = {n}' for n in sizes)} |",
        "|---" * (len(sizes) + 2) + "|",
    ]
    for family, name in itertools.product(families, NAMES):
        of = [table.get((family, n, name)) for n in sizes]
        cells = ["" if found is None else shown(found, key) for found in of]
        if any(cells):
            lines.append(f"| {family} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def report(table: Table) -> str:
    """Return all tables that a page of docs shows."""
    titles = {
        "marginal": "Error of a marginal",
        "pair": "Error of a pair",
        "kl": "KL of moments",
        "kl_marginals": "KL of marginals",
        "time": "Time on the chip",
        "reference": "Error of the reference",
    }
    lines = [f"\n## {title}\n\n{grid(table, key)}" for key, title in titles.items()]
    return "\n".join([*lines, "\n## Exponents", exponents(table)])


def growth(table: Table, family: str, name: str, key: str) -> tuple[float, float, int] | None:
    """Return the exponent of a value in n, its error and how many machines it rests on.

    By least squares of logarithms over machines. The error is that of the slope.
    """
    x, y = [], []
    for (of, units, by), found in table.items():
        for each in found if (of, by) == (family, name) else ():
            if key in each and each[key][0] > CLEAR * each[key][1]:
                x.append(np.log(units))
                y.append(np.log(each[key][0]) / (1 if key.startswith("kl") else 2))
    if len(set(x)) < 3:
        return None
    slope, start = np.polyfit(x, y, 1)
    rest = np.array(y) - start - slope * np.array(x)
    error = np.sqrt(rest @ rest / (len(x) - 2) / np.sum((np.array(x) - np.mean(x)) ** 2))
    return float(slope), float(error), len(x)


def exponents(table: Table) -> str:
    """Return a table of exponents."""
    lines = [
        "",
        "| family | sampler | marginal, rms | pair, rms | KL of moments | KL of marginals |",
        "|---|---|---|---|---|---|",
    ]
    for family, name in dict.fromkeys((family, name) for family, _, name in table):
        fits = [growth(table, family, name, key) for key in SHOWN]
        cells = ["" if f is None else f"{f[0]:.2f} ± {f[1]:.2f} ({f[2]})" for f in fits]
        if any(cells):
            lines.append(f"| {family} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
