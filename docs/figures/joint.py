"""
Sampled and exact probabilities of states
=========================================

Each joint state of all units: how often lasers were in it, beside its exact probability.
"""

import photinus as ph

weights = [[0, 1, -1], [1, 0, 1], [-1, 1, 0]]
machine = ph.BoltzmannMachine(weights, [0.5, -1, 0], labels=["rain", "wet", "sun"])

ph.plots.joint(ph.sample(machine, "laser", chains=32, draws=250, seed=1))
