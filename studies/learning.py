"""How often images come out right after learning with the defaults, and after few updates.

    python -m studies.learning             # the digits, half a minute
    python -m studies.learning DATA_DIR    # and small parts of MNIST, 14×14 pixels; some minutes

Classes are those of lowest exact free energy. Each row is learned from another random part of the
training images, drawn by its seed.
"""

import argparse
from typing import Any

import numpy as np

from photinus.learning.data import Images, digits, mnist
from photinus.learning.estimator import BoltzmannEstimator

FEW_EPOCHS = 5
"""Passes over all digits that make some 140 updates."""
PARTS = (1000, 100)
"""Training images of MNIST."""
TESTED = 2000
"""Test images of MNIST."""


def right(train: Images, test: Images, images: int, seed: int, **options: Any) -> str:
    """Return a row of the table: what was learned from, and the part of the test that is right."""
    rng = np.random.default_rng(seed)
    train = train[rng.choice(len(train.pixels), images, replace=False)]
    estimator = BoltzmannEstimator(seed=seed, **options).fit(train.pixels, train.labels)
    epochs = len(estimator.history_)
    updates = epochs * -(-images // estimator.batch_size)
    score = estimator.score(test.pixels, test.labels)
    return f"{images} | {seed} | {epochs} | {updates} | {100 * score:.1f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data_dir", nargs="?", help="folder of the IDX files of MNIST")
    parser.add_argument("--seeds", type=int, default=1, help="parts of MNIST of each size")
    chosen = parser.parse_args()
    print("| data | images | seed | epochs | updates | right |\n" + "|---" * 6 + "|")
    train, test = digits("train"), digits("test")
    everything = len(train.pixels)
    print(f"| digits | {right(train, test, everything, 0)} |", flush=True)
    print(f"| digits | {right(train, test, everything, 0, epochs=FEW_EPOCHS)} |", flush=True)
    if chosen.data_dir is None:
        return
    train, test = (mnist(chosen.data_dir, part, pool=2) for part in ("train", "test"))
    test = test[np.random.default_rng(0).choice(len(test.pixels), TESTED, replace=False)]
    for images in PARTS:
        for seed in range(chosen.seeds):
            print(f"| mnist14 | {right(train, test, images, seed)} |", flush=True)


if __name__ == "__main__":
    main()
