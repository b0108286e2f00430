"""
Learning, epoch by epoch
========================

What a learning machine tells about itself while it learns digits.
"""

import photinus as ph
from photinus.learning import BoltzmannEstimator
from photinus.learning.data import digits

train, test = digits("train"), digits("test")
estimator = BoltzmannEstimator(hidden=(32,), epochs=50, seed=1).fit(
    train.pixels, train.labels
)

ph.plots.learning_curves(estimator.history_)
