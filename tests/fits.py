"""A laser fitted in the blink of an eye."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus.measurements import Knowledge, LaserFit, Light
from photinus.measurements.bench import run
from photinus.measurements.curves import Predicted
from photinus.measurements.fit import concluded, narrowed, predict

Array = NDArray[np.float64]
KNOWN = {"wavelength": "1550 nm", "threshold_current": "20 uA", "quality": 4870}


@functools.cache
def small_fit(claimed: float = 1.0) -> LaserFit:
    """Return a fit of one quantity to three values, without a search for its start.

    The values are one standard error off those of a laser; `claimed` times that error is stated.
    """
    named = Knowledge.of(KNOWN).names
    held = tuple(name for name in named if name != "output_efficiency")
    knowledge = Knowledge.of(KNOWN, hold=held)
    current = np.array([1e-5, 1.6e-5, 8e-5])
    options: Any = {"level": None, "effort": 0.1, "threads": 1}
    seen = run(knowledge.laser([0.2]), [*current], [], np.random.SeedSequence(3), **options)
    power = np.array([seen.light(x).mean() for x in current]) * seen.laser.output_power(1.0)
    error = 0.05 * power
    light = Light(current=current, power=power + error * [1, -1, 1], error=claimed * error)

    def shown(at: Array, seed: np.random.SeedSequence, much: float) -> Predicted:
        return predict(knowledge, [light], at, seed, **options)

    start = knowledge.centre
    surfaces = narrowed(knowledge, [light], shown, start, np.random.SeedSequence(1))
    return concluded(knowledge, [light], surfaces, np.random.SeedSequence(2))
