"""How much imperfection the sampling survives: KL against the size of each, and tolerances.

Random machines of five units on lasers at full physics, measured by `photinus.faces.robustness`. Each
imperfection is put on the translated network, then the network is refined in the loop with the
imperfection in place and measured again. The yardstick of both is the KL of the translated network
without fault; the tolerance is the size at which the mean over machines is twice that. Beside it, what
each does to a learned machine: the part of the test images of the 8×8 digits that lasers classify
rightly, translated and, for what reduced lasers have too, after learning in the loop. Each point is one
small file, so that the study goes on where it stopped. From the root of the repository::

    python -m studies.robustness                 # measure what is missing, then write the report
    python -m studies.robustness --report        # the report of what there is
    python -m studies.robustness --only pump_drift lost_spikes --machines 1    # a part

Writes docs/results/robustness.md, docs/images/robustness.png and, for reports of runs,
tolerances.json in the folder of results, and prints the tables. About half a minute per point and
core with the default budget; 494 points with four machines.
"""

import argparse
import functools
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from studies.pages import DOCS, write_page
from studies.pictures.chips import robustness

from photinus import BoltzmannMachine, Calibration
from photinus._core import files
from photinus._core.results import Results
from photinus._core.threads import available_threads
from photinus.errors import PhotinusError
from photinus.faces.demo.digits import DIGITS as LEARNING
from photinus.faces.report.hardware import TOLERANCES
from photinus.faces.robustness.measuring import Length, judged
from photinus.faces.robustness.sweeps import SWEEPS, Sweep
from photinus.faces.robustness.tolerances import RESAMPLED, crossing
from photinus.faces.robustness.tolerances import tolerance as tolerance_of
from photinus.learning.data import digits
from photinus.learning.estimator import BoltzmannEstimator
from photinus.learning.loop import DeviceChains
from photinus.networks.imperfections import Imperfections
from photinus.tasks.tasks import classify

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = 1
"""Raised when what is computed changes: results of before do not count."""
KIND = "photinus-robustness-point"
LATER = "## Laser, driver and heat"
"""Head of the sections that `studies.tolerances` writes into the report of this study."""
REFINED = f"{LATER}, refined"
"""Head of the one that it writes after refinement."""
TOLERANCES_FILE = "tolerances.json"
"""For ``photinus report RUN --tolerances FILE``; in the folder of results."""
UNITS = 5
ABSOLUTE = 0.01
"""KL [nats] of the second tolerance."""
DIGITS, LEARNED = -1, -2
"""The machine that classifies digits, in place of a random one; the same once it has learned in the
loop."""
PASSES, RATE, WINDOWS = 6, 0.02, 10
"""Passes through the training digits with the chip in the loop, their learning rate, and the state
windows between two updates."""
IMAGES, IMAGE_DRAWS, IMAGE_BURN_IN = 200, 20, 8
"""Test images, and draws for each."""


FIXED = ("efficiency", "weight_bits", "coupling_loss", "splitter_loss", "crosstalk")
"""Imperfections that only change pumps and couplings, so that reduced lasers have them too."""


@dataclass(frozen=True)
class Budget:
    """How long every point is measured."""

    chains: int
    draws: int


@dataclass(frozen=True)
class Point:
    """One imperfection of one size on one machine; `sweep` is empty where there is none."""

    sweep: str
    size: float
    machine: int

    def name(self, budget: Budget) -> str:
        """Return the name of its result."""
        identity = [SCHEMA, self.sweep, self.size, self.machine, UNITS, budget.chains, budget.draws]
        digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:10]
        return f"{self.sweep or 'none'}-{self.size:g}-{self.machine}-{digest}"

    def __str__(self) -> str:
        machine = {DIGITS: "digits", LEARNED: "digits learned in the loop"}
        where = machine.get(self.machine, f"machine {self.machine}")
        return f"{self.sweep or 'none'} {self.size:g}, {where}"


def machine_of(index: int) -> BoltzmannMachine:
    """Return a random machine, W and b uniform in ±1."""
    random = np.random.default_rng([index, 606])
    upper = np.triu(random.uniform(-1, 1, (UNITS, UNITS)), 1)
    return BoltzmannMachine(upper + upper.T, random.uniform(-1, 1, UNITS))


@functools.cache
def digits_machine() -> BoltzmannMachine:
    """Return the machine of the demo's second act, learned without any fault."""
    train = digits("train")
    return BoltzmannEstimator(**LEARNING, seed=0).fit(train.pixels, train.labels).machine()


def classified(machine: BoltzmannMachine, substrate: str = "laser", **options: Any) -> float:
    """Return the part of the test images that lasers classify rightly; options as in `sample`."""
    test = digits("test")[:IMAGES]
    assert test.labels is not None
    found = classify(
        machine,
        test.pixels,
        substrate,
        draws=IMAGE_DRAWS,
        burn_in=IMAGE_BURN_IN,
        seed=1,
        **options,
    )
    return found.accuracy(test.labels)


def learned(faults: Imperfections, threads: int | None) -> float:
    """Return what reduced lasers classify rightly after learning in the loop with faults in place.

    Moments of 138 units are too many for the refinement of small machines, which did not converge.
    """
    train = digits("train")
    chip = DeviceChains(
        Calibration.preset(),
        alter=lambda network: faults.apply(network, seed=1),
        windows=WINDOWS,
        chains=50,
        seed=2,
        threads=threads,
    )
    estimator = BoltzmannEstimator(**LEARNING, seed=0).fit(train.pixels, train.labels)
    chip.network(estimator.machine())
    estimator.negative, estimator.learning_rate = chip, RATE
    for _ in range(PASSES):
        estimator.partial_fit(train.pixels, train.labels)
    machine = estimator.machine()
    network = chip.network(machine)
    return classified(machine, "laser-reduced", network=network, threads=threads)


def measure(point: Point, budget: Budget, threads: int | None) -> dict[str, Any]:
    """Return KL(sampled‖target) of the translated network and of the refined one [nats].

    Of the digits: the accuracy.
    """
    calibration = Calibration.preset()
    sweep = SWEEPS.get(point.sweep)
    faults = Imperfections() if sweep is None else sweep.make(point.size, calibration)
    if point.machine in (DIGITS, LEARNED):
        accuracy = (
            learned(faults, threads)
            if point.machine == LEARNED
            else classified(digits_machine(), imperfections=faults, threads=threads)
        )
        return {"accuracy": accuracy}
    found = judged(
        machine_of(point.machine),
        calibration,
        faults,
        Length(budget.chains, budget.draws),
        refined=True,
        seed=point.machine,
        threads=threads,
    )
    # This page has KLs with their floor.
    for kind in ("translated", "refined"):
        found[kind] += found[f"{kind} floor"]
    return found


def points(names: tuple[str, ...], machines: int) -> Iterator[Point]:
    """Yield all points, machine by machine, so that an early stop leaves all sweeps."""
    for machine in (*range(machines)[:2], DIGITS, LEARNED, *range(2, machines)):
        yield Point("", 0.0, machine)
        for name in names if machine != LEARNED else [n for n in names if n in FIXED]:
            for size in SWEEPS[name].sizes:
                yield Point(name, size, machine)


Table = Mapping[Point, Mapping[str, Any]]


def curve(
    table: Table, name: str, kind: str, machines: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return sizes (size,), KL (machine, size) and the yardstick (machine,), where all are there."""
    done = [m for m in range(machines) if Point("", 0.0, m) in table]
    sizes = SWEEPS[name].sizes
    done = [m for m in done if all(Point(name, size, m) in table for size in sizes)]
    values = [[table[Point(name, size, m)][kind] for size in sizes] for m in done]
    yardstick = [table[Point("", 0.0, m)]["translated"] for m in done]
    return (
        np.array(sizes),
        np.array(values, np.float64).reshape(len(done), len(sizes)),
        np.array(yardstick),
    )


def tolerance(sweep: Sweep, found: tuple[Any, Any, Any], level: float | None) -> str:
    """Return the size at which the mean KL is `level`, or twice the yardstick, with its error."""
    return tolerance_of(sweep, *found, level)


HEAD = (
    "imperfection",
    "doubled, translated",
    "doubled, refined",
    f"KL {ABSOLUTE}, translated",
    f"KL {ABSOLUTE}, refined",
)
"""Names of the columns of `tolerances`."""


def tolerances(table: Table, names: tuple[str, ...], machines: int) -> list[list[str]]:
    """Return rows of what each imperfection may be."""
    return [
        [
            SWEEPS[name].title,
            *(
                tolerance(SWEEPS[name], curve(table, name, kind, machines), level)
                for level in (None, ABSOLUTE)
                for kind in ("translated", "refined")
            ),
        ]
        for name in names
    ]


def page(table: Table, names: tuple[str, ...], machines: int, budget: Budget) -> str:
    """Return the report as markdown."""
    bases = [table[p] for p in (Point("", 0.0, m) for m in range(machines)) if p in table]
    faultless = {kind: np.mean([b[kind] for b in bases]) for kind in ("translated", "refined")}
    lines = [
        "# Robustness: how much imperfection the sampling survives",
        "",
        "Written by `python -m studies.robustness`. The head of `studies/robustness.py` tells the "
        "method, `photinus.networks.imperfections.Imperfections` has the definitions.",
        "",
        f"{len(bases)} random machines of {UNITS} units (W and b uniform in ±1), device "
        f"`{Calibration.preset().parameters.name}`, full physics, {budget.chains} chains × "
        f"{budget.draws} draws. Mean KL(sampled‖target) without fault: {faultless['translated']:.2g} "
        f"nats translated, {faultless['refined']:.2g} refined. In brackets: 16 % and 84 % quantiles "
        f"of {RESAMPLED} bootstrap samples of the machines.",
        "",
        "## Tolerances",
        "",
        "Size at which the mean KL is twice that of the faultless translated network "
        f"({2 * faultless['translated']:.2g}), and at which it is {ABSOLUTE} nats. *Refined* is "
        "measured after refinement with the imperfection in place.",
        "",
        f"| {' | '.join(HEAD)} |",
        "|---|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in tolerances(table, names, machines)),
        "",
        "## Mean KL [nats], and digits classified rightly",
        "",
        f"*Digits* is the part of {IMAGES} test images of the 8×8 digits whose class lasers find, from "
        f"{IMAGE_DRAWS} draws per image. The machine is that of the demo's second act, translated. "
        f"Without fault it is {_accuracy(table, '', 0.0)}. *Learned* is the same on reduced lasers "
        f"after {PASSES} passes through the training digits with the faulty chip in the loop. "
        f"Without fault it is {_accuracy(table, '', 0.0, LEARNED)}.",
        "",
        "| imperfection | size | translated | refined | digits | learned |",
        "|---|---|---|---|---|---|",
    ]
    for name in names:
        sizes, kl, _ = curve(table, name, "translated", machines)
        refined = curve(table, name, "refined", machines)[1]
        for k, size in enumerate(sizes if len(kl) else ()):
            cells = [
                *(_mean(values[:, k]) for values in (kl, refined)),
                _accuracy(table, name, size),
                _accuracy(table, name, size, LEARNED) if name in FIXED else "",
            ]
            lines.append(f"| {SWEEPS[name].title} | {SWEEPS[name].shown(size)} | {' | '.join(cells)} |")
    least = breakers(table, names, machines)
    if least:
        lines += [
            "",
            "## What would break a chip first",
            "",
            "The three relative imperfections with the smallest size at which the KL of the translated "
            "network doubles. Those with another unit (delays, kelvin, bits, rates) cannot be ranked "
            "with them. The table of tolerances has them.",
            "",
            *least,
        ]
    return "\n".join(lines) + "\n\n![KL against the size of each](../images/robustness.png)\n"


def _accuracy(table: Table, name: str, size: float, machine: int = DIGITS) -> str:
    """Return the accuracy of the digits with its binomial standard error."""
    found = table.get(Point(name, float(size), machine))
    if found is None:
        return "not measured"
    p = found["accuracy"]
    return f"{100 * p:.1f} ± {100 * np.sqrt(p * (1 - p) / IMAGES):.1f} %"


def breakers(table: Table, names: tuple[str, ...], machines: int) -> list[str]:
    """Return the three relative imperfections that are tolerated least, and what refinement does."""
    least = []
    for name in names:
        sizes, kl, yardstick = curve(table, name, "translated", machines)
        if SWEEPS[name].unit != "%" or not len(kl):
            continue
        size = crossing(sizes, kl.mean(axis=0), 2 * float(yardstick.mean()))
        if np.isfinite(size):
            least.append((size, name))
    lines = []
    for _, name in sorted(least)[:3]:
        before, after = (
            tolerance(SWEEPS[name], curve(table, name, kind, machines), None)
            for kind in ("translated", "refined")
        )
        lines.append(f"1. {SWEEPS[name].title}: doubled {before}; after refinement {after}.")
    return lines


def _mean(values: NDArray[np.float64]) -> str:
    error = f" ± {values.std(ddof=1) / np.sqrt(len(values)):.1g}" if len(values) > 1 else ""
    return f"{values.mean():.2g}{error}"


def section(text: str, head: str = LATER) -> str:
    """Return the sections of a page whose heads begin with `head`; nothing if it has none."""
    found = re.search(rf"{head}.*?(?=\n!\[|\n## (?!{head[3:]}))", text, re.DOTALL)
    return found[0].rstrip() if found else ""


def with_section(text: str, later: str, head: str = LATER) -> str:
    """Return a page with that section in place of the one it has, or before its figure."""
    old = section(text, head)
    if old:
        return text.replace(old, later)
    return text.replace("\n![", f"\n{later}\n\n![", 1) if later else text


def _tell(point: str, _: str, result: Mapping[str, Any]) -> None:
    """Say what was measured just now."""
    numbers = {name: value for name, value in result.items() if isinstance(value, float)}
    print(point + "".join(f", {name} {value:.2g}" for name, value in numbers.items()), flush=True)


def main() -> int:
    """Measure what is missing and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", nargs="+", choices=SWEEPS, default=tuple(SWEEPS), metavar="NAME")
    add("--machines", type=int, default=4)
    add("--chains", type=int, default=256)
    add("--draws", type=int, default=400)
    add("--threads", type=int)
    add("--results", type=Path, default=ROOT / "studies" / "results" / "robustness")
    add("--docs", type=Path, default=DOCS, help="folder of the report")
    add("--report", action="store_true", help="measure nothing")
    options = parser.parse_args()
    budget, names = Budget(options.chains, options.draws), tuple(options.only)
    threads = available_threads(options.threads)
    kept = Results(files.make_folder(options.results), KIND, SCHEMA)
    wanted = list(points(names, options.machines))
    table: dict[Point, Mapping[str, Any]] = {}
    try:
        for k, point in enumerate(wanted):
            name = point.name(budget)
            said = f"{k + 1}/{len(wanted)} {point}"
            found = (
                kept.read(name)
                if options.report
                else kept.get(
                    name,
                    partial(measure, point, budget, threads),
                    tell=partial(_tell, said),
                )
            )
            if found is not None:
                table[point] = found
    except PhotinusError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    if Point("", 0.0, 0) not in table:
        print("no results yet: run without --report", file=sys.stderr)
        return 1
    text = page(table, names, options.machines, budget)
    print(text)
    images = files.make_folder(options.docs / "images")
    before = options.docs / "results" / "robustness.md"
    if before.exists():
        text = with_section(text, section(before.read_text(encoding="utf-8")))
    write_page(options.docs, "robustness", text, options.results)
    robustness(options.docs).savefig(images / "robustness.png")
    document = {
        **files.stamp(TOLERANCES),
        "about": f"Random machines of {UNITS} units, at most {options.machines}: size at which mean "
        f"KL is twice that of the faultless translated network, and at which it is {ABSOLUTE} nats.",
        "head": HEAD,
        "rows": tolerances(table, names, options.machines),
    }
    files.write_text(options.results / TOLERANCES_FILE, json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
