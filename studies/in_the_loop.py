"""Learning in the loop: a machine that learns on an imperfect chip, beside one only translated.

A 14×14 machine (196 pixels, 10 classes, 200 hidden units) is learned ideally on MNIST, then goes on
learning with the chip as its negative phase. The chip's lasers make 5 % more or fewer carriers of their
currents each, and its weights have 6 bits. Judged by classes sampled on the chip itself, all lasers
simulated, clamped ones driven: mean -log of the part of draws that show the right class, and errors.

    python -m studies.in_the_loop DATA_DIR [--passes 2] [--images 1000]
"""

import argparse
import time

import numpy as np

from photinus import Calibration, tasks
from photinus.boltzmann import BoltzmannMachine
from photinus.imperfections import Imperfections
from photinus.learning import BoltzmannEstimator, data
from photinus.learning.loop import DeviceChains
from photinus.network import LaserNetwork

CHIP = Imperfections(efficiency_mismatch=0.05, weight_bits=6)
CHIP_SEED = 7
DRAWS = 100
PASS = 20_000
"""Images of one pass of learning on the chip."""


def judge(
    machine: BoltzmannMachine, images: data.Images, substrate: str, network: LaserNetwork | None
) -> tuple[float, float, float]:
    """Return the mean log loss, its standard error, and the part of images classified wrongly."""
    options = {} if network is None else {"network": network, "clamp_mode": "laser"}
    found = tasks.classify(machine, images.pixels, substrate, draws=DRAWS, seed=5, **options)
    assert images.labels is not None
    shown = found.probabilities[np.arange(len(images)), images.labels]
    losses = -np.log((DRAWS * shown + 0.5) / (DRAWS + 5))
    error = losses.std() / np.sqrt(len(losses))
    return float(losses.mean()), float(error), 1 - found.accuracy(images.labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=0.01)
    options = parser.parse_args()
    learned = data.mnist(options.data_dir, pool=2)
    test = data.mnist(options.data_dir, "test", pool=2)[: options.images]
    calibration = Calibration.preset()
    estimator = BoltzmannEstimator((200,), epochs=options.epochs, learning_rate=0.05)
    estimator.fit(learned.pixels, learned.labels)
    chip = DeviceChains(calibration, alter=lambda network: CHIP.apply(network, CHIP_SEED), seed=3)
    designed = DeviceChains(calibration)
    machine = estimator.machine()

    def show(name: str, substrate: str, device: DeviceChains | None) -> float:
        begin = time.perf_counter()
        now = estimator.machine()
        loss, error, wrong = judge(now, test, substrate, device and device.network(now))
        wall = time.perf_counter() - begin
        print(
            f"{name:44s} {loss:.4f} ± {error:.4f}   {100 * wrong:5.1f} %   ({wall:.0f} s)", flush=True
        )
        return loss

    print(f"{machine.n_units} units, {len(test)} test images      loss [nats]        wrong")
    show("Gibbs sampling", "gibbs", None)
    ideal = show("chip as designed, translated", "laser-reduced", designed)
    translated = show("chip as built, translated", "laser-reduced", chip)
    estimator.learning_rate = options.rate
    estimator.negative = chip
    for k in range(options.passes):
        part = slice(k * PASS % len(learned), k * PASS % len(learned) + PASS)
        estimator.partial_fit(learned[part].pixels, learned[part].labels)
        after = show(f"chip as built, learned in the loop, pass {k + 1}", "laser-reduced", chip)
        print(f"    recovered {100 * (translated - after) / (translated - ideal):.0f} % of the loss")


if __name__ == "__main__":
    main()
