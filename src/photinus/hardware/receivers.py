"""The circuit between a spike and the lasers that it drives, and the carriers of its pulses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.devices.laser import LaserParameters
from photinus.devices.synapse import SynapticKernel


@dataclass(frozen=True, slots=True, repr=False)
class Receiver(Displayed):
    """What turns the light of spikes into synaptic currents.

    A filter that is linear may come after the weights: its detector stands at the target and sees the
    weighted light of all sources. Then the light of a spike is split over its targets. What is not
    linear, a pulse of fixed length or one that renews, must be made before weights are added up. Then
    its detector stands at the source, sees the whole spike, and triggers a one-shot.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.hardware import Receiver
    >>> kernel = ph.SynapticKernel(kick=0, sustain=1, duration="1 ns")
    >>> print(Receiver.of(kernel).circuit)
    photodiode, limiting amplifier, retriggerable one-shot
    """

    place: str
    """Where its photodiode is: "source" or "target"."""
    circuit: str
    """Its parts, in the order of the signal."""
    state: str
    """What it keeps between spikes."""
    one_shots: int
    """Pulses that it makes of a spike: 1, or 0 for a linear filter."""

    @classmethod
    def of(cls, kernel: SynapticKernel) -> "Receiver":
        """Return the circuit that a synaptic kernel asks for."""
        validate.instance("kernel", kernel, SynapticKernel)
        kick = ", differentiator beside it" if kernel.kick and kernel.sustain else ""
        if kernel.shape == "exponential" or not kernel.sustain:
            if not kernel.renewing:
                filtered = "RC filter, " if kernel.sustain else ""
                circuit = f"photodiode, {filtered}linear amplifier{kick}"
                return cls("target", circuit, "one charge per target", 0)
            circuit = f"photodiode, one-shot that charges a capacitor to a fixed voltage{kick}"
            return cls("source", circuit, "one charge per source", 1)
        if kernel.renewing:
            circuit = f"photodiode, limiting amplifier, retriggerable one-shot{kick}"
            return cls("source", circuit, "one timer per source", 1)
        circuit = f"photodiode, limiting amplifier, one-shots in turn{kick}"
        return cls("source", circuit, "as many timers per source as pulses overlap", 1)

    def __str__(self) -> str:
        return f"{self.circuit}; at each {self.place}, {self.state}"


def carriers_per_pulse(kernel: SynapticKernel, laser: LaserParameters) -> float:
    """Return the carriers that a whole pulse adds, per carrier of coupling.

    Rectangle and exponential have the same area, height times duration.
    """
    validate.instance("kernel", kernel, SynapticKernel)
    validate.instance("laser", laser, LaserParameters)
    return kernel.kick + kernel.sustain * kernel.duration / laser.gain_lifetime


def pulse_share(
    kernel: SynapticKernel,
    chain: NDArray[np.int32],
    unit: NDArray[np.int32],
    time: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the part of a whole pulse that each spike adds, array (spike,).

    A renewing synapse gets back only what it lost since the last spike of its source.
    """
    validate.instance("kernel", kernel, SynapticKernel)
    share = np.ones(len(time))
    if not kernel.renewing or len(time) < 2:
        return share
    order = np.lexsort((time, unit, chain))
    same = (np.diff(chain[order]) == 0) & (np.diff(unit[order]) == 0)
    since = np.diff(time[order]) / kernel.duration
    part = np.minimum(since, 1.0) if kernel.shape == "rectangle" else -np.expm1(-since)
    share[order[1:]] = np.where(same, part, 1.0)
    return share
