"""Learn the digits that the studio shows, and write them into the package: data/digits.npz.

Weights and biases are rounded to three decimals, so that the file is small.

Usage: python -m studies.studio
"""

from pathlib import Path

import numpy as np

from photinus.faces.demo.digits import DIGITS
from photinus.learning.data import digits
from photinus.learning.estimator import BoltzmannEstimator
from photinus.machines.boltzmann import BoltzmannMachine

OUT = Path(__file__).parent.parent / "src" / "photinus" / "data" / "digits.npz"
DECIMALS = 3


def main() -> None:
    train, test = digits("train"), digits("test")
    estimator = BoltzmannEstimator(**DIGITS, seed=0).fit(train.pixels, train.labels)
    learned = estimator.machine()
    rounded = BoltzmannMachine(
        np.round(learned.weights, DECIMALS), np.round(learned.biases, DECIMALS), learned.labels
    )
    whole = OUT.with_suffix(".full.npz")
    rounded.save(whole)
    with np.load(whole) as arrays:
        np.savez_compressed(OUT, **arrays)
    whole.unlink()
    print(f"{OUT.name}: {OUT.stat().st_size / 1e3:.0f} kB, {rounded.n_units} units")
    print(f"accuracy on test images, before rounding: {estimator.score(test.pixels, test.labels):.1%}")


if __name__ == "__main__":
    main()
