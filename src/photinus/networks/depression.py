"""Short-term depression: synapses that tire of what has been on for long."""

import math
from dataclasses import dataclass

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.records import settle, values_of


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Depression(Displayed):
    """Short-term depression of all synapses of a network (Tsodyks & Markram 1997, PNAS 94, 719).

    Neuron j has resources R_j from 0 to 1. A pulse that its spike sends is R_j times as high as the
    coupling says. Then U R_j are used up, and come back with the time constant `recovery`: dR_j/dt = (1
    - R_j)/recovery. So what has been on for long loses its hold on the network, which goes on to other
    states (Leng et al. 2018, Sci. Rep. 8, 10651). It is not the machine's law any more: weights between
    units that stay on are smaller by the factor `steady`.
    """

    use: float
    """U, part of the resources that a spike uses up, from 0 to 1."""
    recovery: float
    """Time constant with which they come back [s], > 0."""

    def __post_init__(self) -> None:
        settle(self, use=validate.fraction("use", self.use))
        settle(self, recovery=validate.positive("recovery", self.recovery, "s"))

    def steady(self, interval: float) -> float:
        """Return R that a neuron's spikes meet in the long run, one every `interval` [s]."""
        kept = math.exp(-validate.positive("interval", interval, "s") / self.recovery)
        return (1 - kept) / (1 - (1 - self.use) * kept)

    def to_dict(self) -> dict[str, float]:
        """Return the values for JSON."""
        return values_of(self)
