"""What networks of neurons that take a drive have in common, whatever a neuron is."""

import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

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


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class NeuronNetwork(Displayed):
    """Neurons of one kind, each with its drive, and the couplings between them.

    A kind derives from it, names its files in `_KIND`, and checks in `_check` what it cannot do.

    Raises
    ------
    InvalidInput
        If a value is out of range, not finite, or of the wrong shape.
    """

    _KIND: ClassVar[str]
    """What its documents are called."""
    _NEURON: ClassVar[Any] = object
    """Class of its parameters."""
    ARRAYS: ClassVar = ("drive", "coupling", "synapses")
    """Entries of `to_dict` that are arrays; `synapses` where couplings are sparse, as of lasers."""
    parameters: Any
    """The neuron that every unit is made of."""
    drive: NDArray[np.float64]
    """Constant drive of each neuron, array (unit,)."""
    coupling: Coupling
    """What unit j, while it is on, adds to the drive of unit i, array (i, j) or sparse."""
    kernel: SynapticKernel
    """What one spike does to its targets."""
    window: float
    """State window τ [s]."""
    driven_drive: tuple[float, float]
    """Drives that keep a neuron off and on."""
    delay: float = 0.0
    """Time from a spike to its effect [s]."""
    labels: tuple[Hashable, ...] = field(default=())
    """One name per neuron; by default 0 … n-1."""
    gauge: gauges.Gauge = field(default_factory=lambda: gauges.NONE)
    """True for neurons that stand for 1 - z of their unit, array (unit,)."""

    def __post_init__(self) -> None:
        validate.instance("parameters", self.parameters, self._NEURON)
        validate.instance("kernel", self.kernel, SynapticKernel)
        drive = validate.finite_array("drive", self.drive, 1)
        n = len(drive)
        if n == 0:
            raise InvalidInput("drive must have at least 1 entry, got 0")
        coupling = checked(self.coupling, n, "neuron")
        labels = validate.labels_beside("drive", n, self.labels)
        driven = validate.finite_array("driven_drive", self.driven_drive, 1)
        if driven.shape != (2,):
            raise InvalidInput(f"driven_drive must be two drives (off, on), got {self.driven_drive!r}")
        validate.locked((drive, coupling))
        settle(self, drive=drive, coupling=coupling, labels=labels, driven_drive=tuple(driven.tolist()))
        settle(self, delay=validate.non_negative("delay", self.delay, "s"))
        settle(self, window=validate.positive("window", self.window, "s"))
        settle(self, gauge=gauges.checked(self.gauge, n))
        self._check()

    def _check(self) -> None:
        """Raise for what this kind of neuron cannot do."""

    @property
    def n_units(self) -> int:
        """Number of neurons."""
        return len(self.drive)

    @property
    def holding(self) -> tuple[float, float]:
        """Drives that keep a neuron off and on."""
        return self.driven_drive

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        for name in changes:
            validate.one_of(f"field of {type(self).__name__}", name, self.__dataclass_fields__)
        return replace(self, **changes)

    def driven(self, drive: NDArray[np.float64], coupling: Coupling | None = None) -> Self:
        """Return a copy with other drives and couplings."""
        return self.replace(drive=drive, coupling=self.coupling if coupling is None else coupling)

    def settings(self) -> list[str]:
        """Return what to set each neuron to, for people."""
        return [f"{drive:.4g}" for drive in self.drive]

    def to_dict(self) -> dict[str, Any]:
        """Return everything, with a kind and a schema number; arrays as they are."""
        return {
            **files.stamp(self._KIND),
            "parameters": self.parameters.to_dict(),
            "kernel": self.kernel.to_dict(),
            "window": self.window,
            "driven_drive": list(self.driven_drive),
            "delay": self.delay,
            "labels": files.labels_to_json(self.labels),
            **gauges.written(self.gauge),
            **self._more(),
            "drive": self.drive,
            **written(self.coupling),
        }

    def _more(self) -> dict[str, Any]:
        """Return further entries of the document."""
        return {}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Return the network that `to_dict` described."""
        return cls(
            parameters=parameters_from_dict(document["parameters"]),
            kernel=SynapticKernel(**document["kernel"]),
            driven_drive=tuple(document["driven_drive"]),
            labels=files.labels_from_json(document["labels"]),
            gauge=document.get("gauge", ()),
            coupling=read(document, len(document["drive"])),
            **{name: document[name] for name in ("drive", "window", "delay")},
            **cls._given(document),
        )

    @classmethod
    def _given(cls, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return further fields that a document gives."""
        return {}

    def save(self, path: str | os.PathLike[str], *, replace: bool = True) -> None:
        """Write the network as JSON to `path`; a file there is replaced, unless `replace` is False."""
        files.write_json(path, self.to_dict(), replace=replace)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a network that `save` wrote.

        Raises
        ------
        InvalidInput
            If the file is missing, truncated, of another kind or of a newer schema.
        """
        document: Mapping[str, Any] = files.read_json(path, kind=cls._KIND)
        with files.reading(path, cls._KIND):
            return cls.from_dict(document)
