"""What a delay of the synapses costs: KL against delay over τ, and how large a chip may be for it.

Random machines that no calibration has seen (W and b uniform in ±1 or ±2), translated. Translation does
not know of the delay; with ``--told`` it is told in a second table. Full physics: a step of reduced
lasers is 0.07 τ, too long to tell such delays. From the KL is taken its floor, what as many draws of
the machine itself would show. The last column of the first table gives the synapses the different
delays of a chip of many lasers on which the machine's are anywhere, with the same mean. From the root
of the repository::

    python -m studies.delays                 # prints all tables, writes src/photinus/data/delays.json
    python -m studies.delays --chips         # the tables of chips only, from that file
    python -m studies.delays --told          # also where translation knows of the delay
"""

import argparse
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from photinus import BoltzmannMachine, Calibration, sample, translate
from photinus._core import files
from photinus.hardware.chip import TIMES, Chip
from photinus.units import ps

FIRST_SEED = 30_000
SHARES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
"""Delays over τ."""
FAMILIES = ((5, 1.0), (8, 1.0), (5, 2.0))
"""Units, and largest |W| and |b|; the first is what the ledger uses, of the others there are fewer."""
DEVICES = ("fast-absorber", "high-beta", "straight")
LARGE, PLACED = 100, 0.03
"""Lasers of the chip on which machines are anywhere, and its mean delay over τ."""
LIMITS = (TIMES, 10.0)
"""KL over that without delay for which tables of chips are printed."""
SIZES = (9, 30, 100, 300, 1000)


def random_machine(seed: int, units: int = 5, scale: float = 1.0) -> BoltzmannMachine:
    """Return a machine with W and b uniform in ± scale."""
    generator = np.random.default_rng(seed)
    weights = np.triu(generator.uniform(-scale, scale, (units, units)), 1)
    return BoltzmannMachine(weights + weights.T, generator.uniform(-scale, scale, units))


def excess(machine: BoltzmannMachine, network: Any, **options: Any) -> float:
    """Return KL(sampled‖target) less its floor [nats]."""
    found = sample(machine, network=network, **{"burn_in": 25, **options}).fidelity()
    assert found.kl is not None
    assert found.kl_floor is not None
    return found.kl - found.kl_floor


def measured(
    device: str, family: tuple[int, float], options: argparse.Namespace
) -> NDArray[np.float64]:
    """Return the KL of each machine, array (machine, column).

    At each delay, then as on a large chip, then at each delay but 0 when translation is told.
    """
    calibration = Calibration.preset(device)
    chip = Chip(lasers=LARGE, latency=0.0)
    matrix = chip.delay_matrix() * (PLACED * calibration.window / chip.delays().mean)
    found = []
    machines = options.machines if family == FAMILIES[0] else options.machines // 2
    for k in track(range(machines), f"{device}, {family}", transient=True):
        machine = random_machine(FIRST_SEED + k, *family)
        places = np.random.default_rng(FIRST_SEED + k).choice(LARGE, machine.n_units, replace=False)
        delays: list[Any] = [share * calibration.window for share in SHARES]
        delays.append(matrix[np.ix_(places, places)])
        designed = translate(machine, calibration)
        options_of = {"chains": 256, "draws": options.draws, "threads": options.threads}
        seed = FIRST_SEED + 1000 + k
        networks: list[Any] = [designed.replace(delay=delay) for delay in delays]
        if options.told:
            networks += [translate(machine, calibration, delay=delay) for delay in delays[1:-1]]
        found.append([excess(machine, network, seed=seed, **options_of) for network in networks])
    return np.array(found)


def share_of(kl: NDArray[np.float64]) -> float:
    """Return the delay over τ at which the mean KL is `TIMES` that without delay, linearly between."""
    ratio = np.maximum.accumulate(kl.mean(axis=0) / kl[:, 0].mean())
    return float(np.interp(TIMES, ratio, SHARES))


def interval(kl: NDArray[np.float64]) -> tuple[float, float]:
    """Return 16 % and 84 % quantiles of `share_of` over bootstrap samples of the machines."""
    draws = np.random.default_rng(0).integers(len(kl), size=(1000, len(kl)))
    low, high = np.quantile([share_of(kl[rows]) for rows in draws], (0.16, 0.84))
    return float(low), float(high)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in markdown."""
    for row in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(row)} |".replace(" --- ", "---"))
    print(flush=True)


def curves(options: argparse.Namespace) -> dict[str, Any]:
    """Print how KL grows with delay, and return what the ledger keeps of it."""
    rows, told_rows, kept = [], [], {}
    for family in FAMILIES[: options.families]:
        for device in options.devices:
            kl = measured(device, family, options)
            alone, placed, told = np.split(kl, [len(SHARES), len(SHARES) + 1], axis=1)
            share, (low, high) = share_of(alone), interval(alone)
            ratio = alone.mean(axis=0) / alone[:, 0].mean()
            rows.append(
                [
                    device,
                    f"{family[0]}, ±{family[1]:g}",
                    f"{alone[:, 0].mean():.5f}",
                    *(f"{r:.2f}" for r in ratio[1:]),
                    f"{share:.3f} ({low:.3f} … {high:.3f})",
                    f"{placed.mean() / alone[:, 0].mean():.2f}",
                ]
            )
            print(rows[-1], flush=True)
            if told.size:
                told = np.concatenate([alone[:, :1], told], axis=1)
                told_rows.append(
                    [
                        device,
                        f"{family[0]}, ±{family[1]:g}",
                        *(f"{k:.5f}" for k in told.mean(axis=0)),
                        "{:.3f} ({:.3f} … {:.3f})".format(share_of(told), *interval(told)),
                    ]
                )
                print(told_rows[-1], flush=True)
                told_ratio = [round(float(k), 3) for k in told.mean(axis=0) / told[:, 0].mean()]
            if family == FAMILIES[0]:
                kept[device] = {
                    "window": Calibration.preset(device).window,
                    "delay": list(SHARES),
                    "ratio": [round(float(r), 3) for r in ratio],
                    "kl": round(float(alone[:, 0].mean()), 6),
                    **({"told": told_ratio} if told.size else {}),
                }
    shown = [f"{s:g} τ" for s in SHARES[1:]]
    last = f"mean {PLACED:g} τ on {LARGE} lasers"
    table(["device", "n, scale", "KL at 0", *shown, f"{TIMES:g} × KL at", last], rows)
    if told_rows:
        named = [f"KL at {s:g} τ, told" for s in SHARES[1:]]
        table(["device", "n, scale", "KL at 0", *named, f"{TIMES:g} × KL at"], told_rows)
    return kept


def chips(devices: Sequence[str], told: bool) -> None:
    """Print delays of chips, the window that each needs, and how large a chip each preset allows."""
    rows = []
    planned = [Chip(lasers=n) for n in SIZES]
    planned.append(Chip(lasers=1294, synapses=794_000))
    for chip in planned:
        found = chip.delays()
        rows.append(
            [
                f"{chip.lasers:,}",
                f"{chip.synapses:,}",
                f"{1e3 * chip.side:.3g} mm",
                *(f"{x / ps:,.3g}" for x in (found.least, found.mean, found.most)),
                *(
                    f"{chip.smallest_window(d, t, told=told) / ps:,.0f}"
                    for t in LIMITS
                    for d in devices
                ),
            ]
        )
    head = ["lasers", "synapses", "side", "least [ps]", "mean", "most"]
    limits = [f"{d}, {t:g} ×{', told' if told else ''}" for t in LIMITS for d in devices]
    table([*head, *(f"τ [ps]: {limit}" for limit in limits)], rows)
    rows = []
    for name, chip in (
        ("ring weights of 80 × 45 µm², 10 ps latency", Chip(lasers=2)),
        ("the same without latency", Chip(lasers=2, latency=0.0)),
        ("weights of 20 × 20 µm², 2 ps", Chip(lasers=2, area_per_weight=400e-12, latency=2 * ps)),
        (
            "electrical crossbar, rows 20 µm apart, 10 ps",
            Chip(lasers=2, layout="crossbar", path="electrical", area_per_weight=1e-12),
        ),
    ):
        most = [
            chip.most_lasers(Calibration.preset(d).window, d, t, told=told)
            for t in LIMITS
            for d in devices
        ]
        rows.append([name, *(f"{n:,}" if n else "none" for n in most)])
    table(["most lasers, all to all", *limits], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--machines", type=int, default=6)
    add("--draws", type=int, default=400)
    add("--threads", type=int)
    add("--devices", nargs="+", default=list(DEVICES), choices=DEVICES)
    add("--families", type=int, default=len(FAMILIES), help="how many of the families of machines")
    add("--told", action="store_true", help="also tell translation of the delay")
    add("--chips", action="store_true", help="only the tables of chips, from what was measured before")
    options = parser.parse_args()
    if not options.chips:
        path = Path(str(resources.files("photinus").joinpath("data/delays.json")))
        known = json.loads(path.read_text())["devices"]
        kept = {"about": "python -m studies.delays", "devices": known | curves(options)}
        files.write_json(path, kept)
    for told in (False, True)[: 1 + options.told]:
        chips(options.devices, told)


if __name__ == "__main__":
    main()
