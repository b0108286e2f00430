"""A synapse: what one spike does to the neuron behind it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.records import settle, values_of
from photinus.errors import InvalidInput
from photinus.units import Allowed

SHAPES = ("rectangle", "exponential")
"""Shapes of a synaptic pulse."""


PLAUSIBLE_SYNAPSE = {
    "kick": Allowed("", 0.0, 1e3),
    "sustain": Allowed("", 0.0, 1e3),
    "duration": Allowed("s", 1e-14, 1e9, 1e-9),
}
"""What a synapse can be, of any kind of neuron."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class SynapticKernel(Displayed):
    """What one spike does to the neuron behind a synapse, per unit of coupling.

    A spike of laser j changes laser i twice, where c carriers are the coupling from j to i. It does so
    at once by ``kick * c`` carriers in the gain section, and by an extra pump that starts at ``sustain
    * c / gain_lifetime``. A *rectangle* keeps that height for `duration`; an *exponential* decays with
    the time constant `duration`, as the current of a photodiode behind an RC filter. With ``sustain=0``
    the synapse injects charge and nothing else.

    The kick is pre-emphasis: it takes the place of the slow rise that the carrier lifetime imposes on
    a plain pulse. A *renewing* synapse saturates: a further spike of j brings its pulse back to its
    start instead of adding a second one. A rectangle's end moves out by the time t since the last
    spike, with the share t/duration of the kick. An exponential gets back what it lost since, the share
    1 - exp(-t/duration) of height and kick. That is a synapse with short-term depression, U = 1 and
    recovery time = duration (Tsodyks & Markram 1997, PNAS 94, 719). A laser that stays on thus drives
    its partners steadily. In an *additive* one, pulses add up.

    Examples
    --------
    >>> import photinus as ph
    >>> kernel = ph.SynapticKernel(kick=0.33, sustain=0.7, duration=1.1e-9)
    >>> kernel.shape, kernel.renewing
    ('rectangle', True)
    """

    kick: float
    """Carriers added at once, in units of the coupling, >= 0."""
    sustain: float
    """Height of the pump pulse at its start in units of coupling / gain lifetime, >= 0."""
    duration: float
    """Length of a rectangle, or time constant of an exponential [s], > 0."""
    renewing: bool = True
    """Whether a spike during the pulse renews it; otherwise pulses add up."""
    shape: str = "rectangle"
    """Either `rectangle` or `exponential`."""

    def __post_init__(self) -> None:
        validate.one_of("shape", self.shape, SHAPES)
        if not isinstance(self.renewing, (bool, np.bool_)):
            raise InvalidInput(f"renewing must be True or False, got {self.renewing!r}")
        settle(self, kick=validate.non_negative("kick", self.kick))
        settle(self, sustain=validate.non_negative("sustain", self.sustain))
        settle(self, duration=validate.positive("duration", self.duration, "s"))
        for name, plausible in PLAUSIBLE_SYNAPSE.items():
            plausible.check(name, getattr(self, name))

    def to_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return values_of(self)
