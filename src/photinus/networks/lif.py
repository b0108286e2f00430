"""A network of leaky integrate-and-fire neurons: drives, couplings, synaptic kernel, delay."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus.devices.lif.parameters import LifParameters
from photinus.errors import InvalidInput
from photinus.machines.evidence import Evidence
from photinus.networks.depression import Depression
from photinus.networks.neurons import NeuronNetwork
from photinus.units import Allowed, quantity

PLAUSIBLE_TIMES = {
    "window": Allowed("s", 1e-8, 10.0, 10e-3),
    "delay": Allowed("s", 0.0, 10.0, 1e-3),
}
"""Times that networks of these neurons can have."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class LifNetwork(NeuronNetwork):
    """Neurons of one kind, each with its drive, and the couplings between them.

    Parameters
    ----------
    parameters
        The neuron that every unit is made of.
    drive : array (unit,)
        V̄, mean free potential of each neuron without its partners [V].
    coupling : array (unit, unit)
        Effect of neuron j on neuron i, ``coupling[i, j]`` [V]. While j is on, i shall behave as if its
        drive were higher by that (α W for a weight W). Any real matrix, not necessarily symmetric; the
        diagonal must be zero. For large networks with few couplings a sparse matrix of SciPy.
    kernel
        What one spike does to its targets, of shape "exponential". The synaptic current I of i rises by
        ``sustain * coupling[i, j]`` [V] and decays with the time constant `duration`. V itself jumps by
        ``kick * coupling[i, j]``. A renewing synapse gets back only what it lost since its last spike,
        so that the current of one source never exceeds its full height.
    window
        State window τ [s]: unit k is 1 while neuron k has fired within the last τ; τ_ref.
    driven_drive
        Drives [V] that keep a neuron off and on, for evidence that is driven physically.
    delay
        Time from a spike to its effect [s], >= 0; rounded to the integration step.
    labels
        One name per neuron; by default 0 … n-1.
    gauge : array (unit,) of bool
        True for neurons that stand for 1 - z of their unit, see `LaserNetwork`; by default none does.
    depression
        Short-term depression of the synapses; by default none.

    Raises
    ------
    InvalidInput
        If a value is out of range, not finite, or of the wrong shape.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> network = ph.translate(machine, ph.Calibration.preset("lif-hcs"))
    >>> type(network).__name__, network.drive.round(3)
    ('LifNetwork', array([-0.05 , -0.051]))
    >>> len(network.settings()), ph.LifNetwork.from_dict(network.to_dict()).n_units
    (2, 2)
    """

    _KIND: ClassVar = "lif-network"
    _NEURON: ClassVar = LifParameters
    device: ClassVar[str] = "lif"
    parameters: LifParameters
    depression: Depression | None = None

    def _check(self) -> None:
        validate.instance("depression", self.depression, Depression | None)
        if self.kernel.shape != "exponential":
            raise InvalidInput(f"kernel must have the shape 'exponential', got {self.kernel.shape!r}")
        if not self.parameters.forced:
            for name, allowed in PLAUSIBLE_TIMES.items():
                allowed.check(name, getattr(self, name))

    def drive_given(self, evidence: Evidence) -> NDArray[np.float64]:
        """Return the drives that known partners give, array (chain, unit) [V].

        `evidence` speaks of the neurons as they are, whatever the gauge.

        A partner that is on for good adds its coupling to the drive, one that is off adds nothing. That
        is what a coupling means (α W), and what a synaptic kernel is calibrated for. The mean current
        of a partner that fires all the time is ``theory.mean_current(kernel, window)`` times that. The
        factor is near one but not one, because a calibrated synaptic kernel makes up for the shape of
        its pulses.
        """
        return np.asarray(self.drive + evidence.values @ self.coupling[:, evidence.positions].T)

    def clamped_drive(self, fixed: NDArray[np.intp], values: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return `drive_given` for units at positions (k,) with values (chain, k): its older form."""
        return self.drive_given(Evidence.at(fixed, values, self.labels))

    def settings(self) -> list[str]:
        """Return what to set each neuron to, for people."""
        return [quantity(drive, "V", 4) for drive in self.drive]

    def _more(self) -> dict[str, Any]:
        return {} if self.depression is None else {"depression": self.depression.to_dict()}

    @classmethod
    def _given(cls, document: Mapping[str, Any]) -> dict[str, Any]:
        given = document.get("depression")
        return {"depression": Depression(**given)} if given else {}
