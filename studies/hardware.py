"""What the chip would do and take: ledgers of the demo's network and of one of MNIST's size.

Prints energy balance per spike, ledgers with best and worst case, the comparison with other machines
and one sentence on each network. Times this computer's own Gibbs sampler: run it on idle cores. Half a
minute.

    python studies/hardware.py
    python studies/hardware.py --machine mnist.npz      a learned machine in place of the size alone
    python studies/hardware.py --without-gibbs          where cores are not idle
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from photinus import BoltzmannMachine, Calibration, Recording, sample, simulate, translate
from photinus._core.threads import available_threads
from photinus.faces.demo.patients import L2, load_data
from photinus.hardware import (
    Counts,
    Heat,
    Ledger,
    balance,
    headline,
    noisy_balance,
    own_gibbs,
    peers,
    recorded_balance,
)
from photinus.hardware.comparison import HEAD, rows
from photinus.units import fJ

VISIBLE, LABELS, HIDDEN = 784, 10, 500
LIFETIMES = 200
"""Length of the energy account, in gain lifetimes."""


def table(title: str, head: Sequence[str], body: Iterable[Sequence[str]]) -> None:
    print(f"\n{title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in body:
        print("| " + " | ".join(row) + " |")


def balances(calibration: Calibration) -> None:
    """Print where the pump energy of a spike goes, without and with noise."""
    laser = calibration.laser
    pump = 1.1 * calibration.midpoint / laser.gain_lifetime
    time = LIFETIMES * laser.gain_lifetime
    terms = ("pump", "stored", "spontaneous", "absorbed", "emitted")
    alone = translate(BoltzmannMachine(np.zeros((1, 1)), np.zeros(1)), calibration)
    alone = alone.replace(pump=np.array([pump]))
    begin = 10 * laser.gain_lifetime
    recording = Recording(units=(0,), start=begin, stop=begin + time)
    run = simulate(alone, begin + time, seed=1, threads=1, recording=recording)
    body = []
    for name, account in (
        ("without noise", balance(laser, pump, time)),
        ("simulation", recorded_balance(alone, run)),
        (
            "event by event",
            noisy_balance(laser, pump, time, threshold=calibration.detection_threshold, seed=1),
        ),
    ):
        spike = account.per_spike
        energies = [f"{getattr(spike, term) / fJ:.3f}" for term in terms]
        body.append([name, str(account.spikes), *energies, f"{account.residual:.1e}"])
    title = "Energy per spike [fJ], pump 1.1 times that of half activation"
    table(title, ("", "spikes", *terms, "open"), body)


def demo_network(calibration: Calibration, threads: int) -> tuple[Ledger, BoltzmannMachine]:
    """Return the ledger of the demo's network, counted in a run, and its machine."""
    data = load_data(0)
    machine = BoltzmannMachine.fit(data.train, l2=L2, labels=data.labels)
    samples = sample(
        machine, chains=64, draws=400, burn_in=25, seed=0, calibration=calibration, threads=threads
    )
    return samples.ledger(), machine


def digits_network(
    calibration: Calibration, weight: float, activation: float
) -> tuple[Ledger, BoltzmannMachine]:
    """Return the ledger of MNIST's size, by rates alone, and a random machine of that size."""
    lasers = VISIBLE + LABELS + HIDDEN
    counts = Counts.planned(
        calibration,
        lasers=lasers,
        synapses=2 * (VISIBLE + LABELS) * HIDDEN,
        weight=weight,
        activation=activation,
    )
    weights = np.zeros((lasers, lasers))
    spread = weight * np.sqrt(np.pi / 2)  # of a normal variable whose mean size is `weight`
    block = np.random.default_rng(0).normal(0, spread, (VISIBLE + LABELS, HIDDEN))
    weights[: VISIBLE + LABELS, VISIBLE + LABELS :] = block
    field = weights + weights.T
    return Ledger.of(counts), BoltzmannMachine(field, -field.sum(axis=1) / 2)


def learned_network(
    path: Path, calibration: Calibration, threads: int
) -> tuple[Ledger, BoltzmannMachine]:
    """Return the ledger of a learned machine, counted in a run of reduced lasers."""
    machine = BoltzmannMachine.load(path)
    samples = sample(
        machine,
        "laser-reduced",
        chains=2,
        draws=100,
        burn_in=25,
        seed=0,
        calibration=calibration,
        threads=threads,
    )
    return samples.ledger(), machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--machine", type=Path, help="learned machine (.json or .npz)")
    parser.add_argument("--weight", type=float, default=0.1, help="mean |W| of MNIST's size")
    parser.add_argument("--activation", type=float, default=0.5, help="mean P(on) of MNIST's size")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")
    parser.add_argument("--without-gibbs", action="store_true", help="where cores are not idle")
    options = parser.parse_args()
    threads = available_threads(options.threads)
    calibration = Calibration.preset()
    balances(calibration)
    demo = demo_network(calibration, threads)
    if options.machine is None:
        digits = digits_network(calibration, options.weight, options.activation)
        size = f"MNIST's size (mean |W| {options.weight:g}, P(on) {options.activation:g})"
    else:
        digits = learned_network(options.machine, calibration, threads)
        size = f"the machine in {options.machine.name}"
    for title, (ledger, machine) in (("the demo's network", demo), (size, digits)):
        gibbs = None
        if not options.without_gibbs:
            gibbs = own_gibbs(machine, seconds=2.0, threads=threads)
        others = [*peers(), *([] if gibbs is None else [gibbs])]
        table(f"Chip of {title}", ("what", "value"), ledger.count_rows())
        cases = ("", "best", "expected", "worst")
        table(f"Power and energy of {title}", cases, ledger.result_rows())
        table(f"Heat of {title}", ("what", "value"), Heat.of(ledger).rows())
        table(f"Prices of {title}", ("", "price", "expected", "worst", "from"), ledger.price_rows())
        table(f"Other machines beside {title}", HEAD, rows(ledger, others))
        print(f"\n{headline(ledger, gibbs)}")


if __name__ == "__main__":
    main()
