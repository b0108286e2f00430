"""The second act: handwritten digits, learned, dreamt and completed."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from photinus._core.progress import Progress
from photinus.calibration import Calibration
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.tasks.results import Completion, Dream

if TYPE_CHECKING:
    pass

DIGITS: dict[str, Any] = {"hidden": (64,), "epochs": 300, "learning_rate": 0.1, "batch_size": 50}
"""Learning of the 8×8 digits: seconds."""


COMPLETED = 100
"""Test images of which the lower half is completed."""


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """The second act: handwritten digits, learned, dreamt and completed."""

    machine: BoltzmannMachine
    accuracy: float
    """Part of the test images that the machine classifies rightly, by exact free energy."""
    dream: Dream
    """On full physics."""
    gibbs: Completion
    lasers: Completion
    """The lower half of test images, by Gibbs sampling and by full physics."""
    wall_time: float
    """Wall time of the act [s]."""


def learn_digits(
    calibration: Calibration,
    seed: np.random.SeedSequence,
    threads: int | None,
    progress: Progress | bool | None,
) -> Digits:
    """Learn the 8×8 digits, dream them on lasers, complete their lower halves."""
    from photinus.learning.data import digits
    from photinus.learning.estimator import BoltzmannEstimator
    from photinus.tasks.tasks import complete, dream, mask

    start = time.perf_counter()
    train, test = digits("train"), digits("test")
    learning, dreaming, completing = seed.spawn(3)
    estimator = BoltzmannEstimator(
        **DIGITS, seed=int(learning.generate_state(1)[0]), progress=progress
    ).fit(train.pixels, train.labels)
    machine = estimator.machine()
    options: dict[str, Any] = {"threads": threads, "calibration": calibration}
    dreamt = dream(machine, chains=16, draws=200, seed=dreaming, progress=progress, **options)
    shown, known = test[:COMPLETED], mask(test.shape, "half")
    by_gibbs, by_lasers = (
        complete(machine, shown.pixels, known, substrate, seed=completing, **options)
        for substrate in ("gibbs", "laser")
    )
    assert test.labels is not None
    return Digits(
        machine,
        estimator.score(test.pixels, test.labels),
        dreamt,
        by_gibbs,
        by_lasers,
        time.perf_counter() - start,
    )
