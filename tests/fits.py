"""A laser fitted in the blink of an eye."""

import functools

import numpy as np
from numpy.typing import NDArray

from photinus.measurements import Knowledge, LaserFit, Light
from photinus.measurements.fit import joined, predict
from photinus.measurements.lines import Belief, linearise
from photinus.measurements.observations import Predicted

Array = NDArray[np.float64]
KNOWN = {"wavelength": "1550 nm", "threshold_current": "20 uA", "quality": 4870}


@functools.cache
def small_fit() -> LaserFit:
    """Return a fit of one quantity to three values, without a search for its start."""
    named = Knowledge.of(KNOWN).names
    held = tuple(name for name in named if name != "output_efficiency")
    knowledge = Knowledge.of(KNOWN, hold=held)
    light = Light(current=[1e-5, 1.6e-5, 8e-5], power=[3e-8, 1.4e-7, 6e-6])
    prior = Belief(knowledge.centre, np.diag(knowledge.width**2))

    def shown(at: Array, seed: np.random.SeedSequence) -> Predicted:
        options = {"level": None, "effort": 0.1, "threads": 1}
        return predict(knowledge, [light], at, seed, **options)

    lines = linearise(shown, prior.within(0.1), 4, np.random.SeedSequence(1))
    measured, sigma = joined([light])
    return LaserFit.of(knowledge, prior, lines, [light], measured, sigma, np.random.SeedSequence(2))
