"""
Energy and speed beside other machines
======================================

Energy per update of a unit against updates per second: this chip, from its ledger, and machines of the
literature. Entries that nobody read in a source are marked.
"""

import photinus as ph
from photinus.hardware import peers

machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
ledger = ph.sample(machine, "laser", chains=16, draws=100, seed=1).ledger()

ph.plots.energy_and_speed(ledger, peers())
