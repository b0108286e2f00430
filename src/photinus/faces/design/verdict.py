"""What a design's measurements add up to."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.display import Displayed
from photinus.calibration import Calibration
from photinus.devices.laser.datasheet import Datasheet
from photinus.devices.synapse import SynapticKernel
from photinus.faces.design.chips import GOOD, USABLE, Chips
from photinus.hardware import Ledger, LinkBudget
from photinus.machines.boltzmann import BoltzmannMachine


@dataclass(frozen=True, slots=True)
class Shown:
    """What lasers do on some machines; arrays (machine,)."""

    kl: NDArray[np.float64]
    """KL(sampled‖target) [nats]."""
    rate: NDArray[np.float64]
    """Effective draws per second of one chip [1/s]."""
    energy: NDArray[np.float64]
    """Pump energy of an effective draw [J], as photons of the mode."""


@dataclass(frozen=True, slots=True, repr=False)
class Influence(Displayed):
    """What one change does, with standard errors over machines and calibrations."""

    name: str
    """Parameter or imperfection."""
    value: Any
    """What it was set to, in SI."""
    kl: tuple[float, float]
    """Change of the KL [nats], and its error."""
    rate: tuple[float, float]
    """Change of the effective draws per second, as a share of them, and its error."""
    energy: tuple[float, float]
    """Change of the energy of an effective draw, as a share of it, and its error."""
    failed: str = ""
    """Why the changed laser does not sample at all, if so."""


@dataclass(frozen=True, slots=True, repr=False)
class Synapse(Displayed):
    """A kind of synapse, fitted to the laser by a quick calibration."""

    kind: str
    """As in `photinus.calibrate`."""
    kernel: SynapticKernel | None
    """What was fitted; None if the laser did not calibrate with it."""
    window: float
    """State window τ that goes with it [s]."""
    kl: tuple[float, float]
    """Mean KL over the machines, and its standard error with that of calibration [nats]."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Design(Displayed):
    """A design's verdict, with everything that it rests on."""

    sheet: Datasheet
    """The laser's data sheet."""
    calibration: Calibration
    """What it does as a neuron."""
    machines: tuple[BoltzmannMachine, ...]
    """What it was tried on."""
    shown: Shown
    """What it did there, without fault."""
    floor: float
    """KL that exact draws, as noisy, would show in the mean [nats]."""
    predicted: float
    """KL that `photinus.predict` expects in the mean [nats]."""
    ledger: Ledger
    """Power and energy of a chip, from the first machine's run."""
    parameters: tuple[Influence, ...]
    """What each parameter of the laser does, raised by a tenth; the largest change of KL first."""
    faults: tuple[Influence, ...]
    """What each imperfection does at its usual size; the largest change of KL first."""
    synapses: tuple[Synapse, ...]
    """What each kind of synapse shows on the same machines, the smallest KL first."""
    links: tuple[LinkBudget, ...]
    """What each link needs, the hardest first; none without a layout."""
    chips: Chips
    """Chips as they are fabricated."""
    refined: Chips
    """The first of them after refinement."""

    @property
    def kl(self) -> float:
        """Mean KL without fault [nats]."""
        return float(self.shown.kl.mean())

    @property
    def excess(self) -> float:
        """Mean KL without fault, less its floor [nats]."""
        return self.kl - self.floor

    @property
    def samples(self) -> str:
        """Whether it samples, by the KL less its floor: "yes", "barely" or "no"."""
        return "yes" if self.excess <= GOOD else "barely" if self.excess <= USABLE else "no"
