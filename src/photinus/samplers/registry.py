"""Substrates by name."""

from collections.abc import Callable

from photinus.samplers.abstract import ExactRun, GibbsRun, IdealRun
from photinus.samplers.request import Request, Run
from photinus.samplers.spiking import LaserRun, LifRun, ReducedRun

TEMPERED = ("laser", "laser-reduced", "lif", "gibbs")
"""Substrates that can be heated."""


IMPERFECT = ("laser", "laser-reduced")
"""Substrates that can have imperfections."""


SUBSTRATES: dict[str, Callable[[Request], Run]] = {
    "laser": LaserRun,
    "laser-reduced": ReducedRun,
    "lif": LifRun,
    "gibbs": GibbsRun,
    "exact": ExactRun,
    "ideal": IdealRun,
}
"""Samplers by name: each starts a run for a checked request."""


SPIKING = ("laser", "laser-reduced", "lif")
"""Substrates that simulate a device, and thus take a calibration and a network."""
