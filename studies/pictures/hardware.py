"""Energy against speed of a chip of MNIST's size and of other machines."""

from matplotlib.figure import Figure

from photinus import Calibration
from photinus.faces.figures.comparison import figure
from photinus.hardware import Counts, Ledger, peers

LASERS, SYNAPSES = 784 + 10 + 500, 2 * (784 + 10) * 500
WEIGHT, ACTIVATION = 0.1, 0.5
"""Mean |W| and P(on) of a machine of that size."""


def energy_and_speed() -> Figure:
    """Draw the ledger of a planned chip, by rates alone, beside the machines of the literature."""
    counts = Counts.planned(
        Calibration.preset(), lasers=LASERS, synapses=SYNAPSES, weight=WEIGHT, activation=ACTIVATION
    )
    return figure(Ledger.of(counts), peers())
