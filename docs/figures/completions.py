"""
Images completed
================

The upper half of each image is known, and each sampler makes up the lower half.
"""

import photinus as ph
from photinus.learning import BoltzmannEstimator
from photinus.learning.data import digits

train, test = digits("train"), digits("test")
estimator = BoltzmannEstimator(hidden=(32,), epochs=50, seed=1).fit(
    train.pixels, train.labels
)

known = ph.tasks.mask(test.shape, "half")
found = {
    name: ph.tasks.complete(
        estimator.machine(), test.pixels[:8], known, name, draws=100, seed=3
    )
    for name in ("gibbs", "ideal")
}

ph.plots.completions(found, images=8)
