"""What a calibration found: the constants that translation needs, with their errors."""

import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus._core.records import settle, values_of
from photinus.devices import SHIPPED_PRESETS, parameters_from_dict
from photinus.devices.synapse import SynapticKernel
from photinus.engines.reduced import ReducedLaser
from photinus.errors import InvalidInput
from photinus.translation.neuron import Neuron
from photinus.translation.pairs import PairTable

KIND = "calibration"
OPTIONAL: dict[str, Any] = {"pairs": PairTable, "reduced": ReducedLaser}
"""What a calibration may hold or not, and what it is."""
DEFAULT_PRESET = SHIPPED_PRESETS[0]
_TABLE = (
    "activation_error",
    "mean_interval",
    "interval_cv",
    "shortest_interval",
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class Calibration(Neuron):
    """A neuron as it was measured: its constants with their errors, and how they were found.

    Arrays are read-only copies.

    Examples
    --------
    >>> import photinus as ph
    >>> calibration = ph.Calibration.preset("fast-absorber")
    >>> f"{calibration.window:.2g} s, {calibration.half_current:.2g} A"
    '1.1e-09 s, 1.2e-05 A'
    >>> round(float(calibration.logistic(calibration.drive_at(1.0))), 2)
    0.74
    >>> calibration.fits(ph.LaserParameters.preset("high-beta"))
    False
    >>> calibration.require(calibration.parameters)
    >>> calibration.dose([0.0, 3.0]).round(1)
    array([1. , 0.9])
    """

    midpoint_error: float
    """Standard error of `midpoint`."""
    slope_error: float
    """Standard error of `slope`."""
    residual: float
    """Largest deviation of the measured activation from the logistic between 5 and 95 %."""
    kernel_error: Mapping[str, float]
    """Standard errors of what was fitted of `kernel`, by name."""
    network_kl: float
    """Mean KL(sampled‖target) of the calibration's pairs and triples [nats]."""
    windows_tried: NDArray[np.float64]
    """State windows that were compared, array (window,) [s]."""
    windows_kl: NDArray[np.float64]
    """What `network_kl` was with each after a first fit of the synapse, array (window,) [nats]."""
    activation_error: NDArray[np.float64]
    """Standard error of `activation`, array (point,)."""
    mean_interval: NDArray[np.float64]
    """Mean interspike interval, array (point,) [s]; nan where there were too few spikes."""
    interval_cv: NDArray[np.float64]
    """Coefficient of variation of the intervals, array (point,)."""
    shortest_interval: NDArray[np.float64]
    """Shortest interval seen, array (point,) [s]."""
    seed: str
    """Entropy of the seed."""
    version: str
    """Version of Photinus that measured."""
    reduced: ReducedLaser | None = None
    """The device as an escape rate, if it was reduced; see `require_reduced`."""

    def __post_init__(self) -> None:
        validate.instance("reduced", self.reduced, ReducedLaser | None)
        Neuron.__post_init__(self)
        for name in ("midpoint_error", "slope_error", "residual", "network_kl"):
            settle(self, **{name: validate.non_negative(name, getattr(self, name))})
        for name in (*_TABLE, "windows_tried", "windows_kl"):
            settle(self, **{name: validate.column(name, getattr(self, name))})
        for name in _TABLE:
            validate.same_length(name, getattr(self, name), "drive", len(self.drive))
        if not isinstance(self.kernel_error, Mapping):
            raise InvalidInput(
                f"kernel_error must be a mapping name → error, got {validate.shown(self.kernel_error)}"
            )
        settle(self, kernel_error=MappingProxyType(dict(self.kernel_error)))
        validate.locked(self.reduced)

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled arrays come back writable; a fresh construction locks them again.
        return _rebuilt, ({**values_of(self), "kernel_error": dict(self.kernel_error)},)

    @property
    def samples_or_pulses(self) -> str:
        """A plain judgement: whether this device samples, roughly samples, or merely pulses."""
        if self.residual <= 0.06 and self.network_kl <= 0.02:
            return (
                f"samples: activation logistic to {self.residual:.3f}, "
                f"pairs and triples within KL {self.network_kl:.2g} of their target"
            )
        if self.residual <= 0.12 and self.network_kl <= 0.1:
            return (
                f"samples roughly: activation logistic to {self.residual:.3f}, "
                f"pairs and triples within KL {self.network_kl:.2g} of their target"
            )
        return (
            f"pulses rather than samples: activation off a logistic by {self.residual:.3f}, "
            f"pairs and triples by KL {self.network_kl:.2g}"
        )

    @property
    def current(self) -> NDArray[np.float64]:
        """Pump current at each point of the sweep, array (point,) [A]; lasers only."""
        laser = self.laser
        return np.array([laser.current(x / laser.gain_lifetime) for x in self.drive])

    @property
    def half_current(self) -> float:
        """Pump current at which a laser is on half of the time [A]; lasers only."""
        return self.laser.current(self.midpoint / self.laser.gain_lifetime)

    def require_reduced(self) -> ReducedLaser:
        """Return the reduced laser.

        Raises
        ------
        InvalidInput
            If the device was not reduced, or if the reduced laser is not like it.
        """
        name = self.parameters.name
        if self.reduced is None:
            raise InvalidInput(
                f"calibration of {name!r} must hold a reduced laser for this substrate, got none: "
                "calibrate with reduced=True (photinus calibrate --reduced)"
            )
        failures = self.reduced.agreement.failures()
        if failures:
            raise InvalidInput(
                f"substrate must not be 'laser-reduced' for the device {name!r}: {'; '.join(failures)}"
            )
        return self.reduced

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as it stands in its JSON file."""
        document = files.stamp(KIND)
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in OPTIONAL and value is None:
                continue
            if field.name in ("parameters", "kernel", *OPTIONAL):
                value = value.to_dict()
            elif isinstance(value, np.ndarray):
                value = [None if np.isnan(x) else float(f"{x:.6g}") for x in value]
            elif isinstance(value, Mapping):
                value = dict(value)
            document[field.name] = value
        return document

    def save(self, path: str | os.PathLike[str], *, replace: bool = True) -> None:
        """Write the calibration as JSON to `path`.

        A file that is there already is replaced, unless `replace` is False.
        """
        files.write_text(path, text_of(self.to_dict()), replace=replace)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Calibration":
        """Read a calibration that `save` wrote.

        Raises
        ------
        InvalidInput
            If the file is missing, truncated, of another kind or of another schema.
        """
        document = files.read_json(path, kind=KIND)
        with files.reading(path, KIND):
            names = [field.name for field in fields(cls) if field.name not in OPTIONAL]
            values = {name: document[name] for name in names}
            for name, kind in OPTIONAL.items():
                if name in document:
                    values[name] = kind.from_dict(document[name])
            values["parameters"] = parameters_from_dict(values["parameters"])
            values["kernel"] = SynapticKernel(**values["kernel"])
            for name in ("bias_range", "weight_range"):
                values[name] = tuple(values[name])
            for name in ("drive", "activation", *_TABLE, "windows_tried", "windows_kl"):
                values[name] = np.array([np.nan if x is None else x for x in values[name]], np.float64)
            return cls(**values)

    @classmethod
    def preset(cls, name: str = DEFAULT_PRESET) -> "Calibration":
        """Return the calibration of a preset that ships with the package."""
        return _shipped(validate.one_of("preset", name, SHIPPED_PRESETS))


def text_of(document: Mapping[str, Any]) -> str:
    """Return a calibration's document as its file has it."""
    text = files.to_json(document, indent=1)
    # One line per list of numbers: tables stay readable, and so do their changes.
    return re.sub(r"\[[^][{}]*\]", _on_one_line, text) + "\n"


@functools.cache
def _shipped(name: str) -> Calibration:
    """Return the calibration of a preset: read once, for it can't be changed."""
    return Calibration.load(str(resources.files("photinus") / "data" / f"{name}.json"))


def _rebuilt(values: dict[str, Any]) -> Calibration:
    """Return the calibration of these fields, for pickle."""
    return Calibration(**values)


def _on_one_line(match: re.Match[str]) -> str:
    return " ".join(match[0].split())
