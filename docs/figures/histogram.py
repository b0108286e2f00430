"""
Which classes a dream visits
============================

A classifier that knows nothing of the machine names the digits that each sampler dreamt.
"""

from sklearn.linear_model import LogisticRegression

import photinus as ph
from photinus.learning import BoltzmannEstimator
from photinus.learning.data import digits
from photinus.tasks import evaluation

train, test = digits("train"), digits("test")
estimator = BoltzmannEstimator(hidden=(32,), epochs=50, seed=1).fit(
    train.pixels, train.labels
)

judge = LogisticRegression(max_iter=1000).fit(train.pixels, train.labels)
mixing, names = {}, ()
for substrate in ("gibbs", "ideal"):
    dream = ph.tasks.dream(estimator.machine(), substrate, chains=16, draws=300, seed=2)
    mixing[substrate] = evaluation.mixing(dream, judge)
    names = dream.names

ph.plots.histogram(mixing, names)
