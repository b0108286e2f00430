"""
Distance from the target over time
==================================

KL(sampled‖target) falls as draws are added. The band is what samplers that are exact in law show over
the same time.
"""

import photinus as ph

machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
exact = [ph.sample(machine, "ideal", chains=16, draws=400, seed=k) for k in range(8)]

ph.plots.divergence(
    {"laser": ph.sample(machine, "laser", chains=16, draws=400, seed=9)}, exact
)
