"""A network of neurons of one's own kind: drives, couplings, synapse, delay."""

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
from photinus.devices.registry import parameters_from_dict
from photinus.devices.synapse import SynapticKernel
from photinus.errors import InvalidInput
from photinus.networks.couplings import Coupling, checked, read, written

KIND = "own-network"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class OwnNetwork(Displayed):
    """Neurons of a kind that `photinus.engines.own.OwnDevice` describes, and their couplings.

    Raises
    ------
    InvalidInput
        If a value is out of range, not finite, or of the wrong shape.
    """

    parameters: Any
    """The neuron that every unit is made of."""
    drive: NDArray[np.float64]
    """Constant drive of each neuron, array (unit,)."""
    coupling: Coupling
    """What unit j, while it is on, adds to the drive of unit i, array (i, j) or sparse."""
    kernel: SynapticKernel
    """What one spike does to its targets; a rectangle must be renewing."""
    window: float
    """State window τ [s]."""
    holding: tuple[float, float]
    """Drives that keep a neuron off and on."""
    delay: float = 0.0
    """Time from a spike to its effect [s]."""
    labels: tuple[Hashable, ...] = field(default=())
    """One name per neuron; by default 0 … n-1."""
    gauge: gauges.Gauge = field(default_factory=lambda: gauges.NONE)
    """True for neurons that stand for 1 - z of their unit, array (unit,)."""

    ARRAYS: ClassVar = ("drive", "coupling", "synapses")
    """Entries of `to_dict` that are arrays."""

    def __post_init__(self) -> None:
        kernel = validate.instance("kernel", self.kernel, SynapticKernel)
        drive = validate.finite_array("drive", self.drive, 1)
        n = len(drive)
        if n == 0:
            raise InvalidInput("drive must have at least 1 entry, got 0")
        if kernel.shape == "rectangle" and not kernel.renewing:
            raise InvalidInput(
                "kernel must renew its pulse where it is a rectangle, got an additive one"
            )
        coupling = checked(self.coupling, n, "neuron")
        labels = validate.labels_beside("drive", n, self.labels)
        validate.locked((drive, coupling))
        settle(self, drive=drive, coupling=coupling, labels=labels)
        settle(self, delay=validate.non_negative("delay", self.delay, "s"))
        settle(self, window=validate.positive("window", self.window, "s"))
        low, high = (validate.number("holding", level) for level in self.holding)
        settle(self, holding=(low, high), gauge=gauges.checked(self.gauge, n))

    @property
    def device(self) -> str:
        """Name of its device."""
        return str(self.parameters.device)

    @property
    def n_units(self) -> int:
        """Number of neurons."""
        return len(self.drive)

    def replace(self, **changes: Any) -> "OwnNetwork":
        """Return a copy with some fields changed."""
        for name in changes:
            validate.one_of("field of OwnNetwork", name, self.__dataclass_fields__)
        return replace(self, **changes)

    def driven(self, drive: NDArray[np.float64], coupling: Coupling | None = None) -> "OwnNetwork":
        """Return a copy with other drives and couplings."""
        return self.replace(drive=drive, coupling=self.coupling if coupling is None else coupling)

    def settings(self) -> list[str]:
        """Return what to set each neuron to, for people."""
        return [f"{drive:.4g}" for drive in self.drive]

    def to_dict(self) -> dict[str, Any]:
        """Return everything, with a kind, the device and a schema number; arrays as they are."""
        return {
            **files.stamp(KIND),
            "device": self.device,
            "parameters": self.parameters.to_dict(),
            "kernel": self.kernel.to_dict(),
            "window": self.window,
            "holding": list(self.holding),
            "delay": self.delay,
            "labels": files.labels_to_json(self.labels),
            "gauge": self.gauge.tolist(),
            "drive": self.drive,
            **written(self.coupling),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "OwnNetwork":
        """Return the network that `to_dict` described."""
        return cls(
            parameters=parameters_from_dict(document["parameters"]),
            kernel=SynapticKernel(**document["kernel"]),
            holding=tuple(document["holding"]),
            labels=files.labels_from_json(document["labels"]),
            coupling=read(document, len(document["drive"])),
            **{name: document[name] for name in ("drive", "window", "delay", "gauge")},
        )

    def save(self, path: str | os.PathLike[str], *, replace: bool = True) -> None:
        """Write the network as JSON to `path`; a file there is replaced, unless `replace` is False."""
        files.write_json(path, self.to_dict(), replace=replace)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "OwnNetwork":
        """Read a network that `save` wrote.

        Raises
        ------
        InvalidInput
            If the file is missing, truncated, of another kind or of a newer schema.
        """
        document: Mapping[str, Any] = files.read_json(path, kind=KIND)
        with files.reading(path, KIND):
            return cls.from_dict(document)
