"""
Spikes and the states that they make
====================================

A dot is a spike. A bar lasts for the window τ after it: as long, the unit is 1.
"""

import photinus as ph

machine = ph.BoltzmannMachine([[0, 2], [2, 0]], [-1, -1], labels=["rain", "wet"])
samples = ph.sample(machine, "laser", chains=8, draws=100, seed=1)

ph.plots.raster(samples, windows=30)
