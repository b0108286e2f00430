"""A network of spiking nanolasers: pumps, couplings, synaptic kernel, delays."""

import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, TypeGuard

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus._core import gauge as gauges
from photinus._core.display import Displayed
from photinus._core.records import settle
from photinus._core.streams import Seed, seed_sequence
from photinus.devices.laser import LaserParameters
from photinus.devices.synapse import SynapticKernel
from photinus.errors import InvalidInput
from photinus.networks.couplings import Coupling, checked, is_sparse, read, written
from photinus.networks.depression import Depression
from photinus.units import Allowed, quantity

KIND = "laser-network"
FIELDS = ("parameters", "kernel", "window", "driven_pump", "labels", "pump", "delay")
"""Entries that every document of a network has."""
MISMATCHED = (
    "photon_lifetime",
    "gain_lifetime",
    "absorber_lifetime",
    "gain_coefficient",
    "absorber_coefficient",
    "gain_transparency",
    "absorber_transparency",
)
"""Parameters in which fabricated lasers differ; append new ones, so that seeds keep their meaning."""
PLAUSIBLE_TIMES = {
    "window": Allowed("s", 1e-13, 1e-6, 1e-9),
    "duration": Allowed("s", 1e-14, 1e-3, 1e-9),
    "delay": Allowed("s", 0.0, 1e-6),
    "rise_time": Allowed("s", 0.0, 1e-6, 20e-12),
}
"""Times that lasers can have: state window, synaptic pulse, and delay (1 µs is 200 m of waveguide)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class LaserNetwork(Displayed):
    """Lasers, each with its pump, and the couplings between them.

    Parameters
    ----------
    parameters
        The laser that every unit is made of, as designed.
    pump : array (unit,)
        Constant pump rate of each laser [carriers/s], >= 0: what its current gives in a laser as
        designed. `currents` gives it in amperes. Where the driver bends, it is what the driver is
        given, and `supplied` what the laser gets.
    coupling : array (unit, unit)
        Effect of laser j on laser i, ``coupling[i, j]`` [carriers]. While j is on, i shall behave as if
        its pump were higher by ``coupling[i, j] / gain_lifetime``. Any real matrix, not necessarily
        symmetric; the diagonal must be zero. For large networks with few couplings a sparse matrix of
        SciPy (kept as csr_array); then `delay` is one number.
    kernel
        What one spike does to its targets.
    window
        State window τ [s]: unit k is 1 while laser k has fired within the last τ.
    detection_threshold : float or array (unit,)
        Photon number in the cavity above which the read-out sees a spike. It looks for the next one
        once the photon number has fallen below a quarter of that.
    driven_pump
        Pump rates [carriers/s] that keep a laser off and on, for evidence that is driven physically.
    delay : float or array (unit, unit)
        Time from a spike to its effect [s], >= 0; ``delay[i, j]`` for the synapse from j to i. One
        delay may be a text: "30 ps".
    labels
        One name per laser; by default 0 … n-1.
    devices
        One laser per unit where they are not as designed, see `mismatched`; by default all are.
    depression
        Short-term depression of the synapses; by default none.
    gauge : array (unit,) of bool
        True for lasers that stand for 1 - z of their unit; by default none does. Pumps and couplings
        are those of the lasers as they are. Evidence, and states that are read out, speak of z.
    rise_time
        Time in which drivers rise from 10 to 90 % [s], a low pass of one pole for pumps and synapses.
        Full physics alone simulates it. By default 0.
    layout
        What the chip is laid out like, as `Layout.apply` leaves it here (`photinus.networks.layout`):
        refinement couples only what has a link. By default nothing, so that every pair may be coupled.

    Raises
    ------
    InvalidInput
        If a value is out of range, not finite, or of the wrong shape.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    >>> network = ph.translate(machine, ph.Calibration.preset("fast-absorber"))
    >>> network.labels, [f"{current:.2g} A" for current in network.currents]
    (('rain', 'wet'), ['1.2e-05 A', '1.2e-05 A'])
    >>> brighter = network.driven(1.01 * network.drive)
    >>> len(brighter.settings()), bool((brighter.currents > network.currents).all())
    (2, True)
    >>> len(network.mismatched(0.05, seed=1).each_device())
    2
    >>> ph.LaserNetwork.from_dict(network.to_dict()).n_units
    2
    """

    device: ClassVar[str] = "laser"
    parameters: LaserParameters
    pump: NDArray[np.float64]
    coupling: Coupling
    kernel: SynapticKernel
    window: float
    detection_threshold: float | NDArray[np.float64]
    driven_pump: tuple[float, float]
    delay: float | NDArray[np.float64] = 0.0
    labels: tuple[Hashable, ...] = field(default=())
    devices: tuple[LaserParameters, ...] = ()
    depression: Depression | None = None
    gauge: gauges.Gauge = field(default_factory=lambda: gauges.NONE)
    rise_time: float = 0.0
    layout: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        validate.instance("parameters", self.parameters, LaserParameters)
        validate.instance("kernel", self.kernel, SynapticKernel)
        pump = validate.finite_array("pump", self.pump, 1)
        n = len(pump)
        if n == 0:
            raise InvalidInput("pump must have at least 1 entry, got 0")
        if (pump < 0).any():
            k = int(np.argmax(pump < 0))
            name = self.labels[k] if len(self.labels) == n else k
            raise InvalidInput(
                f"pump must be at least 0 carriers/s, got {pump[k]:g} for laser {name!r}"
            )
        coupling = checked(self.coupling, n)
        given = validate.number("delay", self.delay, "s") if isinstance(self.delay, str) else self.delay
        delay = validate.finite_array("delay", given, (0, 2))
        if delay.ndim and delay.shape != (n, n):
            raise InvalidInput(f"delay must be a number or have shape ({n}, {n}), got {delay.shape}")
        if delay.ndim and is_sparse(coupling):
            raise InvalidInput("delay must be one number where coupling is sparse, got an array")
        if (delay < 0).any():
            raise InvalidInput(f"delay must be at least 0 s, got {delay.min():g}")
        labels = validate.labels_beside("pump", n, self.labels)
        driven = validate.finite_array("driven_pump", self.driven_pump, 1)
        if driven.shape != (2,) or (driven < 0).any():
            raise InvalidInput(
                "driven_pump must be two pump rates (off, on) of at least 0 carriers/s, "
                f"got {self.driven_pump!r}"
            )
        off, on = driven.tolist()
        for array in (pump, delay):
            array.setflags(write=False)
        settle(self, pump=pump)
        settle(self, coupling=validate.locked(coupling))
        settle(self, delay=delay if delay.ndim else float(delay))
        settle(self, labels=labels)
        settle(self, driven_pump=(off, on))
        settle(self, window=validate.positive("window", self.window, "s"))
        threshold = validate.finite_array("detection_threshold", self.detection_threshold, (0, 1))
        if threshold.ndim and threshold.shape != (n,):
            raise InvalidInput(
                f"detection_threshold must be a number or have {n} entries, got {len(threshold)}"
            )
        if (threshold <= 0).any():
            raise InvalidInput(f"detection_threshold must be above 0 photons, got {threshold.min():g}")
        threshold.setflags(write=False)
        settle(self, detection_threshold=threshold if threshold.ndim else float(threshold))
        validate.instance("depression", self.depression, Depression | None)
        settle(self, rise_time=validate.non_negative("rise_time", self.rise_time, "s"))
        layout = validate.instance("layout", self.layout, Mapping)
        settle(self, layout=MappingProxyType(dict(layout)))
        settle(self, devices=validate.listed("devices", self.devices))
        settle(self, gauge=gauges.checked(self.gauge, n))
        if self.devices:
            validate.same_length("devices", self.devices, "pump", n)
        self._check_times()

    def _check_times(self) -> None:
        """Raise unless all times are plausible for lasers, or these lasers are forced."""
        if self.parameters.forced:
            return
        times = {
            "window": self.window,
            "duration": self.kernel.duration,
            "delay": float(np.max(self.delay)),
            "rise_time": self.rise_time,
        }
        for name, plausible in PLAUSIBLE_TIMES.items():
            plausible.check(name, times[name])

    @property
    def n_units(self) -> int:
        """Number of lasers."""
        return len(self.pump)

    @property
    def drive(self) -> NDArray[np.float64]:
        """P τ_g of each laser, array (unit,) [carriers]: the scale on which calibrations measure."""
        return self.pump * self.parameters.gain_lifetime

    @property
    def supplied(self) -> NDArray[np.float64]:
        """Pump rate that each laser gets from its driver without synapses, array (unit,)."""
        driver = self.parameters.driver
        return np.where(self.pump > 0, driver.pump(self.pump), 0.0) if driver.bends else self.pump

    @property
    def holding(self) -> tuple[float, float]:
        """Drives that keep a laser off and on [carriers]."""
        off, on = (pump * self.parameters.gain_lifetime for pump in self.driven_pump)
        return off, on

    def driven(self, drive: NDArray[np.float64], coupling: Coupling | None = None) -> "LaserNetwork":
        """Return a copy with other drives [carriers] (those below zero become zero) and couplings."""
        drive = validate.finite_array("drive", drive, 1)
        return self.replace(
            pump=np.maximum(drive, 0.0) / self.parameters.gain_lifetime,
            coupling=self.coupling if coupling is None else coupling,
        )

    def each_device(self) -> tuple[LaserParameters, ...]:
        """Return the laser behind every unit."""
        return self.devices or (self.parameters,) * self.n_units

    def mismatched(
        self, spread: float, *, seed: Seed = None, names: Sequence[str] = MISMATCHED
    ) -> "LaserNetwork":
        """Return a copy whose lasers differ from each other, as fabricated ones do.

        Parameters
        ----------
        spread
            Standard deviation of the logarithm of each parameter, >= 0: 0.05 for five per cent.
        seed
            Integer, SeedSequence or None.
        names
            Parameters that differ, each independently; by default everything that makes the dynamics.

        Raises
        ------
        InvalidInput
            For an unknown parameter, or a spread that leaves its range.
        """
        spread = validate.non_negative("spread", spread)
        names = [validate.one_of("name", n, MISMATCHED) for n in validate.listed("names", names)]
        generator = np.random.default_rng(seed_sequence(seed))
        # Drawn for every parameter, so that one laser keeps its deviation whatever else is varied.
        factors = np.exp(spread * generator.standard_normal((self.n_units, len(MISMATCHED))))
        devices = tuple(
            device.replace(
                **{name: getattr(device, name) * row[MISMATCHED.index(name)] for name in names},
                forced=True,  # chance may leave what is plausible
            )
            for device, row in zip(self.each_device(), factors, strict=True)
        )
        return self.replace(devices=devices)

    @property
    def currents(self) -> NDArray[np.float64]:
        """Pump current of each laser, array (unit,) [A]."""
        return np.array([self.parameters.current(p) for p in self.pump])

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled arrays come back writable; a fresh construction locks them again.
        values = {name: getattr(self, name) for name in self.__slots__}
        return _rebuilt, ({**values, "layout": dict(self.layout)},)

    def settings(self) -> list[str]:
        """Return what to set each laser to, for people."""
        return [quantity(current, "A", 4) for current in self.currents]

    def replace(self, **changes: Any) -> "LaserNetwork":
        """Return a copy with some fields changed."""
        try:
            return replace(self, **changes)
        except TypeError:
            for name in changes:
                validate.one_of("field of LaserNetwork", name, self.__dataclass_fields__)
            raise

    ARRAYS: ClassVar = ("pump", "coupling", "synapses", "delay", "detection_threshold")
    """Entries of `to_dict` that are arrays or numbers: `coupling` if that is an array, else `synapses`,
    array (synapse, 3) of target, source and coupling."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything, with a kind and a schema number; arrays as they are."""
        return {
            **files.stamp(KIND),
            "parameters": self.parameters.to_dict(),
            "kernel": self.kernel.to_dict(),
            "window": self.window,
            "driven_pump": list(self.driven_pump),
            "labels": files.labels_to_json(self.labels),
            "devices": [device.to_dict() for device in self.devices],
            "depression": None if self.depression is None else self.depression.to_dict(),
            **gauges.written(self.gauge),
            **({"rise_time": self.rise_time} if self.rise_time else {}),
            **({"layout": dict(self.layout)} if self.layout else {}),
            "pump": self.pump,
            "delay": np.asarray(self.delay),
            "detection_threshold": np.asarray(self.detection_threshold),
            **written(self.coupling),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "LaserNetwork":
        """Return the network that `to_dict` described."""
        if not isinstance(document, Mapping):
            raise InvalidInput(
                f"document must be a mapping with {', '.join(FIELDS)}, got {validate.shown(document)}"
            )
        missing = [name for name in FIELDS if name not in document]
        if missing:
            raise InvalidInput(
                f"document must be a mapping with {', '.join(FIELDS)}, but {missing[0]!r} is missing"
            )
        return cls(
            parameters=LaserParameters.from_dict(document["parameters"]),
            kernel=SynapticKernel(**document["kernel"]),
            window=document["window"],
            driven_pump=tuple(document["driven_pump"]),
            labels=files.labels_from_json(document["labels"]),
            devices=tuple(LaserParameters.from_dict(d) for d in document.get("devices", ())),
            depression=Depression(**given) if (given := document.get("depression")) else None,
            rise_time=document.get("rise_time", 0.0),
            layout=document.get("layout", {}),
            pump=document["pump"],
            coupling=read(document, len(document["pump"])),
            delay=document["delay"],
            detection_threshold=document["detection_threshold"],
            gauge=document.get("gauge", ()),
        )

    def save(self, path: str | os.PathLike[str], *, replace: bool = True) -> None:
        """Write the network as JSON (with a schema number) to `path`.

        A file that is there already is replaced, unless `replace` is False.
        """
        files.write_json(path, self.to_dict(), replace=replace)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "LaserNetwork":
        """Read a network that `save` wrote."""
        document: Mapping[str, Any] = files.read_json(path, kind=KIND)
        with files.reading(path, KIND):
            return cls.from_dict(document)


def is_of_lasers(network: Any) -> TypeGuard[LaserNetwork]:
    """Return whether something is a network of lasers, for what only light has: counts, chips."""
    return getattr(network, "device", None) == LaserNetwork.device


def _rebuilt(values: dict[str, Any]) -> LaserNetwork:
    """Return the network of these fields, for pickle."""
    return LaserNetwork(**values)
