"""How large an imperfection may be before it doubles the KL of translated machines: a quick look.

Sweeps of ``studies/robustness.py`` on machines of ``studies/delays.py``, translated, full physics: no
refinement, no digits, and the floor taken from every KL. Each point is one small file, so that the
study goes on where it stopped. From the root of the repository::

    python -m studies.tolerances compression rise_time pump_noise pump_noise_corner self_heating

``--page docs/results/robustness.md`` writes the tables into a section of that page as well.
"""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from rich.progress import track
from studies.delays import FIRST_SEED, excess, random_machine
from studies.pages import origin
from studies.robustness import LATER, ROOT, SWEEPS, crossing, with_section

from photinus import Calibration, LaserNetwork, translate
from photinus._core import files
from photinus._core.results import Results
from photinus.networks.imperfections import Imperfections

LEVELS = (0.001, 0.01)
"""KL [nats] beside twice that without fault."""
SETTLED = 150
"""Burn-in [τ]: three thermal time constants of the sweep."""


def kl_of(
    calibration: Calibration, faults: Imperfections, options: argparse.Namespace, title: str
) -> tuple[float, float]:
    """Return the mean KL over machines less its floor [nats], and its standard error."""
    store = Results(options.results, "photinus-tolerance-point")

    def measure(k: int) -> dict[str, float]:
        machine = random_machine(FIRST_SEED + k)
        designed = translate(machine, calibration)
        assert isinstance(designed, LaserNetwork)
        more = excess(
            machine,
            faults.apply(designed, seed=k),
            imperfections=faults,
            chains=256,
            draws=options.draws,
            burn_in=SETTLED,
            seed=FIRST_SEED + 3000 + k,
            threads=options.threads,
        )
        return {"excess": more}

    found = [
        store.get(f"{options.device}-{options.draws}-{title}-{k}", partial(measure, k))["excess"]
        for k in track(range(options.machines), title, transient=True)
    ]
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(len(found)))


def page(
    options: argparse.Namespace,
    without: tuple[float, float],
    found: Mapping[str, Sequence[tuple[float, float]]],
) -> str:
    """Return both tables as a section of a page."""
    doubled = 2 * without[0]
    cells: list[str] = []
    for name, kl in found.items():
        sweep = SWEEPS[name]
        sizes, means = np.array(sweep.sizes), np.maximum([mean for mean, _ in kl], 1e-6)
        row = [sweep.title]
        for level in (doubled, *LEVELS):
            at = crossing(sizes, means, level)
            below = f"below {sweep.shown(sizes[0])}" if at == 0 else f"above {sweep.shown(sizes[-1])}"
            row.append(sweep.shown(at) if 0 < at < np.inf else below)
        cells.append(f"| {' | '.join(row)} |")
    each = [
        f"| {SWEEPS[name].title} | {SWEEPS[name].shown(size)} | {mean:.5f} ± {error:.1g} |"
        for name, kl in found.items()
        for size, (mean, error) in zip(SWEEPS[name].sizes, kl, strict=True)
    ]
    levels = " | ".join(f"KL {level:g}" for level in LEVELS)
    return "\n".join(
        [
            LATER,
            "",
            origin(options.results),
            "",
            f"Written by `python -m studies.tolerances {' '.join(found)} --draws {options.draws}`, on "
            f"{options.machines} other machines of five units in ±1, device `{options.device}`, "
            "translated only. The floor is taken from every KL. Without fault it is "
            f"{without[0]:.5f} ± {without[1]:.1g} nats. Errors are standard errors over machines.",
            "",
            f"| imperfection | doubled | {levels} |",
            "|---|---|---|---|",
            *cells,
            "",
            f"{LATER}: each size",
            "",
            "| imperfection | size | KL less its floor [nats] |",
            "|---|---|---|",
            *each,
        ]
    )


def main() -> None:
    """Measure the sweeps that are asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("sweeps", nargs="+", choices=SWEEPS)
    add("--device", default="fast-absorber")
    add("--machines", type=int, default=3)
    add("--draws", type=int, default=400)
    add("--threads", type=int)
    add("--results", type=Path, default=ROOT / "studies" / "results" / "tolerances")
    add("--page", type=Path, help="page of docs that gets the tables")
    options = parser.parse_args()
    if options.draws < SETTLED:
        parser.error(f"--draws must be at least {SETTLED}, as many as the burn-in, got {options.draws}")
    if options.machines < 2:
        parser.error(f"--machines must be at least 2, got {options.machines}")
    calibration = Calibration.preset(options.device)
    without = kl_of(calibration, Imperfections(), options, "no fault")
    found = {}
    for name in options.sweeps:
        sweep = SWEEPS[name]
        found[name] = [
            kl_of(
                calibration,
                sweep.make(size, calibration.window),
                options,
                f"{name} {size:g}",
            )
            for size in sweep.sizes
        ]
    text = page(options, without, found)
    print(text)
    if options.page is not None:
        files.write_text(options.page, with_section(options.page.read_text(encoding="utf-8"), text))


if __name__ == "__main__":
    main()
