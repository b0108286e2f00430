"""
What hidden units look for
==========================

Weights of each hidden unit onto the pixels, the strongest units first.
"""

import photinus as ph
from photinus.learning import BoltzmannEstimator
from photinus.learning.data import digits

train, test = digits("train"), digits("test")
estimator = BoltzmannEstimator(hidden=(32,), epochs=50, seed=1).fit(
    train.pixels, train.labels
)

pixels = len(test.pixels[0])
ph.plots.filters(estimator.machine().weights[:pixels, -32:], test.shape)
