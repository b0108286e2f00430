"""A network of leaky integrate-and-fire neurons: drives, couplings, synaptic kernel, delay."""

import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus._core import gauge as gauges
from photinus._core.display import Displayed
from photinus._core.records import settle
from photinus.devices.lif.parameters import LifParameters
from photinus.devices.synapse import SynapticKernel
from photinus.errors import InvalidInput
from photinus.machines.evidence import Evidence
from photinus.networks.couplings import Coupling, checked, read, written
from photinus.units import Allowed, quantity

KIND = "lif-network"
PLAUSIBLE_TIMES = {
    "window": Allowed("s", 1e-8, 10.0, 10e-3),
    "delay": Allowed("s", 0.0, 10.0, 1e-3),
}
"""Times that networks of these neurons can have."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class LifNetwork(Displayed):
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

    device: ClassVar[str] = "lif"
    parameters: LifParameters
    drive: NDArray[np.float64]
    coupling: Coupling
    kernel: SynapticKernel
    window: float
    driven_drive: tuple[float, float]
    delay: float = 0.0
    labels: tuple[Hashable, ...] = field(default=())
    gauge: gauges.Gauge = field(default_factory=lambda: gauges.NONE)

    def __post_init__(self) -> None:
        validate.instance("parameters", self.parameters, LifParameters)
        validate.instance("kernel", self.kernel, SynapticKernel)
        drive = validate.finite_array("drive", self.drive, 1)
        n = len(drive)
        if n == 0:
            raise InvalidInput("drive must have at least 1 entry, got 0")
        coupling = checked(self.coupling, n, "neuron")
        if self.kernel.shape != "exponential":
            raise InvalidInput(f"kernel must have the shape 'exponential', got {self.kernel.shape!r}")
        labels = validate.labels_beside("drive", n, self.labels)
        driven = validate.finite_array("driven_drive", self.driven_drive, 1)
        if driven.shape != (2,):
            raise InvalidInput(
                f"driven_drive must be two potentials (off, on), got {self.driven_drive!r}"
            )
        validate.locked((drive, coupling))
        settle(self, drive=drive)
        settle(self, coupling=coupling)
        settle(self, delay=validate.non_negative("delay", self.delay, "s"))
        settle(self, window=validate.positive("window", self.window, "s"))
        if not self.parameters.forced:
            for name in ("delay", "window"):
                PLAUSIBLE_TIMES[name].check(name, getattr(self, name))
        settle(self, labels=labels)
        settle(self, gauge=gauges.checked(self.gauge, n))
        settle(self, driven_drive=tuple(driven.tolist()))

    @property
    def n_units(self) -> int:
        """Number of neurons."""
        return len(self.drive)

    @property
    def holding(self) -> tuple[float, float]:
        """Drives that keep a neuron off and on [V]."""
        return self.driven_drive

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

    def replace(self, **changes: Any) -> "LifNetwork":
        """Return a copy with some fields changed."""
        for name in changes:
            validate.one_of("field of LifNetwork", name, self.__dataclass_fields__)
        return replace(self, **changes)

    ARRAYS: ClassVar = ("drive", "coupling", "synapses")
    """Entries of `to_dict` that are arrays; `synapses` where couplings are sparse, as of lasers."""

    def settings(self) -> list[str]:
        """Return what to set each neuron to, for people."""
        return [quantity(drive, "V", 4) for drive in self.drive]

    def driven(self, drive: NDArray[np.float64], coupling: Coupling | None = None) -> "LifNetwork":
        """Return a copy with other drives and couplings [V]."""
        return self.replace(drive=drive, coupling=self.coupling if coupling is None else coupling)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, with a kind and a schema number; arrays as they are."""
        return {
            **files.stamp(KIND),
            "parameters": self.parameters.to_dict(),
            "kernel": self.kernel.to_dict(),
            "window": self.window,
            "driven_drive": list(self.driven_drive),
            "delay": self.delay,
            "labels": files.labels_to_json(self.labels),
            **gauges.written(self.gauge),
            "drive": self.drive,
            **written(self.coupling),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "LifNetwork":
        """Return the network that `to_dict` described."""
        return cls(
            parameters=LifParameters.from_dict(document["parameters"]),
            kernel=SynapticKernel(**document["kernel"]),
            driven_drive=tuple(document["driven_drive"]),
            labels=files.labels_from_json(document["labels"]),
            gauge=document.get("gauge", ()),
            coupling=read(document, len(document["drive"])),
            **{name: document[name] for name in ("drive", "window", "delay")},
        )

    def save(self, path: str | os.PathLike[str], *, replace: bool = True) -> None:
        """Write the network as JSON (with a schema number) to `path`.

        A file that is there already is replaced, unless `replace` is False.
        """
        files.write_json(path, self.to_dict(), replace=replace)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "LifNetwork":
        """Read a network that `save` wrote.

        Raises
        ------
        InvalidInput
            If the file is missing, truncated, of another kind or of a newer schema.
        """
        document: Mapping[str, Any] = files.read_json(path, kind=KIND)
        with files.reading(path, KIND):
            return cls.from_dict(document)
