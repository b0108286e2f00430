"""
A dream
=======

Nothing is known, and the machine makes up digits. A row is a chain, from left to right. `animate`
writes the same as a moving picture.
"""

import tempfile

import photinus as ph
from photinus.learning import BoltzmannEstimator
from photinus.learning.data import digits

train, test = digits("train"), digits("test")
estimator = BoltzmannEstimator(hidden=(32,), epochs=50, seed=1).fit(
    train.pixels, train.labels
)

dream = ph.tasks.dream(estimator.machine(), "gibbs", chains=6, draws=300, seed=2)
with tempfile.TemporaryDirectory() as folder:
    ph.plots.animate(dream, f"{folder}/dream.gif")

ph.plots.strip(dream)
