"""
Energy of a chain
=================

A chain that stays at one level is stuck. One that wanders mixes.
"""

import photinus as ph
from photinus.learning import BoltzmannEstimator
from photinus.learning.data import digits

train, test = digits("train"), digits("test")
estimator = BoltzmannEstimator(hidden=(32,), epochs=50, seed=1).fit(
    train.pixels, train.labels
)

machine = estimator.machine()
found = {
    name: machine.energy(
        ph.sample(machine, name, chains=1, draws=300, seed=2).states[0]
    )
    for name in ("gibbs", "ideal")
}

ph.plots.energies(found)
