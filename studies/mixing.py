"""Who mixes best: plain sampling, short-term depression, tempering, at equal fidelity.

A machine learned on images dreams on reduced lasers for 2 µs of chip time, whatever the method:
plainly; with synapses that tire (Leng et al. 2018); heated and cooled in cycles, drawing when cold
(Korcsak-Gorzo et al. 2022). Fidelity is how sure an independent classifier is of the images; a method
that shows more classes by showing no digits is not better. The indirect sampling likelihood of test
images judges both at once. Gibbs sampling, for as many sweeps as there are state windows, stands
beside.

    python -m studies.mixing MACHINE.npz DATA_DIR [--pool 2] [--out DIR]

MACHINE is what `studies.mnist` keeps as machine.npz. Each variant is stored when it is finished;
writes docs/results/mixing.md and its picture.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from studies.mnist import Figures, table, tell
from studies.pages import DOCS, write_page

from photinus import BoltzmannMachine, Calibration, LaserNetwork, Tempering, translate
from photinus._core.results import ArrayResults
from photinus.learning import data
from photinus.networks.lasers import Depression
from photinus.tasks import evaluation, tasks
from photinus.units import us

RESULTS = Path(__file__).parent / "results" / "mixing"
KIND = "photinus-mixing-part"
CHAINS, DREAM = 16, 2 * us
RECOVERY = 28
"""Recovery time of depressed synapses [τ], that of Leng et al. 2018 in refractory times."""
USES = (0.002, 0.005, 0.01, 0.02, 0.05)
HOTTEST = (1.25, 1.5, 2.0, 3.0)
PERIOD = 40
TOLERATED = 0.02
"""Confidence that a method may lose to plain lasers and count as of equal fidelity."""


@dataclass(frozen=True)
class Variant:
    """One way to sample."""

    method: str
    value: float | None
    substrate: str = "laser-reduced"

    @property
    def name(self) -> str:
        """Its name in tables and files."""
        way = {
            "depression": f"depression, U = {self.value}",
            "tempering": f"heated to T = {self.value}",
        }
        return f"{self.substrate}, {way.get(self.method, self.method)}"


VARIANTS = (
    Variant("plain", None),
    *(Variant("depression", use) for use in USES),
    *(Variant("tempering", hottest) for hottest in HOTTEST),
    Variant("plain", None, "gibbs"),
    *(Variant("tempering", hottest, "gibbs") for hottest in HOTTEST[1:3]),
)


def dream(
    machine: BoltzmannMachine,
    variant: Variant,
    judge: evaluation.Classifier,
    test: data.Images,
    length: float,
) -> Figures:
    """Return how one variant mixes."""
    calibration = Calibration.preset()
    windows = round(length / calibration.window)
    options: dict[str, Any] = {"draws": windows}
    if variant.method == "tempering":
        assert variant.value is not None
        cycle = Tempering(hottest=variant.value, period=PERIOD)
        options = {"tempering": cycle, "draws": windows // PERIOD * cycle.draws_per_cycle}
    elif variant.method == "depression":
        assert variant.value is not None
        network = translate(machine, calibration)
        assert isinstance(network, LaserNetwork)
        fatigue = Depression(use=variant.value, recovery=RECOVERY * calibration.window)
        options["network"] = network.replace(depression=fatigue)
    begin = time.perf_counter()
    found = tasks.dream(machine, variant.substrate, chains=CHAINS, burn_in=0, seed=3, **options)
    wall = time.perf_counter() - begin
    mixing = evaluation.mixing(found, judge)
    pixels = found.pixels.reshape(-1, found.pixels.shape[2])
    # Tempered runs have fewer draws in the same time, not fewer images to judge by.
    some = pixels[:: 4 if variant.method != "tempering" else 1]
    isl, error = evaluation.indirect_likelihood(some, test.pixels)
    per_window = options["draws"] / windows
    return {
        "wall": wall,
        "visited": mixing.visited,
        "all_visited": np.nan if mixing.all_visited is None else mixing.all_visited / per_window,
        "entropy": mixing.entropy,
        "entropy_error": mixing.entropy_error,
        "confidence": mixing.confidence,
        # Changes from draw to draw, per chain and time on the chip, the heated time included.
        "switches": mixing.switches * per_window / calibration.window * us,
        "indirect": isl,
        "indirect_error": error,
    }


def best(found: dict[Variant, Figures]) -> str:
    """Return the sentence that says who mixes best at equal fidelity."""
    lasers = {v: f for v, f in found.items() if v.substrate == "laser-reduced"}
    level = next(float(f["confidence"]) for v, f in lasers.items() if v.method == "plain")
    equal = {v: f for v, f in lasers.items() if float(f["confidence"]) >= level - TOLERATED}
    lines = []
    for key, title, unit in (
        ("switches", "most changes of class", "per µs"),
        ("entropy", "widest histogram", "nats"),
        ("indirect", "best indirect likelihood", "nats"),
    ):
        winner = max(equal, key=lambda v: float(equal[v][key]))
        lines.append(f"- {title}: **{winner.name}**, {float(equal[winner][key]):.2f} {unit}")
    return (
        f"Among lasers that lose at most {TOLERATED} of the confidence of plain ones ({level:.3f}):\n\n"
        + "\n".join(lines)
    )


PAGE = """# Who mixes best: results

Written by `python -m studies.mixing MACHINE.npz DATA_DIR`. A machine of {units} units dreams on
{chains} chains for {time:.1f} µs of chip time each. That is {windows} windows τ, or as many sweeps of
Gibbs sampling. Depressed synapses recover with {recovery} τ. A tempered run is heated and cooled
every {period} τ and draws in the last quarter of each cycle. The time spent hot counts. An
independent perceptron names the classes.

{table}

{best}

![Mixing against fidelity](../images/mixing.png)
"""


def report(machine: BoltzmannMachine, found: dict[Variant, Figures], length: float) -> str:
    """Return the page."""
    rows = [
        (
            variant.name,
            f"{float(f['switches']):.1f}",
            f"{int(f['visited'])}",
            "" if np.isnan(f["all_visited"]) else f"{float(f['all_visited']):.0f}",
            f"{float(f['entropy']):.2f} ± {float(f['entropy_error']):.2f}",
            f"{float(f['confidence']):.3f}",
            f"{float(f['indirect']):.1f} ± {float(f['indirect_error']):.1f}",
        )
        for variant, f in found.items()
    ]
    head = (
        "sampler",
        "changes of class per µs and chain",
        "classes",
        "all visited after [τ]",
        "entropy [nats]",
        "confidence",
        "ISL [nats]",
    )
    return PAGE.format(
        units=machine.n_units,
        chains=CHAINS,
        time=length / us,
        windows=round(length / Calibration.preset().window),
        recovery=RECOVERY,
        period=PERIOD,
        table=table(head, rows),
        best=best(found),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("machine", type=Path)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--pool", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--docs", type=Path, default=DOCS)
    parser.add_argument("--time", type=float, default=DREAM / us, help="of each dream [µs]")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    machine, length = BoltzmannMachine.load(options.machine), options.time * us
    judge = evaluation.independent_classifier(data.mnist(options.data_dir, pool=options.pool))
    test = data.mnist(options.data_dir, "test", pool=options.pool)
    parts = ArrayResults(options.out, KIND)
    found = {
        variant: parts.get(
            variant.name.replace(", ", "-").replace(" ", ""),
            lambda v=variant: dream(machine, v, judge, test, length),
            tell=tell,
        )
        for variant in VARIANTS
    }
    (options.docs / "images").mkdir(parents=True, exist_ok=True)
    page = report(machine, found, length)
    write_page(options.docs, "mixing", page, options.out)
    print(page)


if __name__ == "__main__":
    main()
