"""What a calibration found: the constants that translation needs, with their errors."""

import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus import _files, _validate
from photinus.devices import PRESETS, Parameters, parameters_from_dict
from photinus.errors import InvalidInput
from photinus.laser import LaserParameters
from photinus.network import SynapticKernel
from photinus.reduced import ReducedLaser
from photinus.reference.lif import LifParameters
from photinus.units import Allowed

SCHEMA = 2
KIND = "calibration"
DEFAULT_PRESET = PRESETS[0]
RELIABLE = 0.004
"""Probability from which on (and up to one minus it) a point of the activation table is inverted."""

ANY = tuple(range(9))
"""Any number of dimensions."""

_TABLE = (
    "drive",
    "activation",
    "activation_error",
    "mean_interval",
    "interval_cv",
    "shortest_interval",
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Calibration:
    """The constants that turn a Boltzmann machine into drives and couplings, with their errors.

    The drive of a laser is P τ_g, the pump rate times the carrier lifetime of the gain section, in
    carriers; that of an integrate-and-fire neuron its mean free membrane potential, in volts.
    Arrays are read-only copies.
    """

    parameters: Parameters
    """The device that was measured."""
    window: float
    """State window τ [s]."""
    detection_threshold: float | None
    """Photon number in the cavity at which a spike counts; None for neurons without light."""
    midpoint: float
    """Drive at which a neuron is on half of the time."""
    midpoint_error: float
    """Standard error of `midpoint`."""
    slope: float
    """α, change of the drive that changes the log-odds by one."""
    slope_error: float
    """Standard error of `slope`."""
    residual: float
    """Largest deviation of the measured activation from the logistic between 5 and 95 %."""
    kernel: SynapticKernel
    """The synapse whose coupling α W acts as the weight W."""
    kernel_error: Mapping[str, float]
    """Standard errors of what was fitted of `kernel`, by name."""
    network_kl: float
    """Mean KL(sampled‖target) of the calibration's pairs and triples [nats]."""
    windows_tried: NDArray[np.float64]
    """State windows that were compared, array (window,) [s]."""
    windows_kl: NDArray[np.float64]
    """What `network_kl` was with each after a first fit of the synapse, array (window,) [nats]."""
    bias_range: tuple[float, float]
    """Biases within which the activation is logistic to 0.05."""
    weight_range: tuple[float, float]
    """Weights that the synapse was measured with."""
    drive: NDArray[np.float64]
    """Drives of the sweep, array (point,)."""
    activation: NDArray[np.float64]
    """Probability of being on, array (point,)."""
    activation_error: NDArray[np.float64]
    """Standard error of `activation`, array (point,)."""
    mean_interval: NDArray[np.float64]
    """Mean interspike interval, array (point,) [s]; nan where there were too few spikes."""
    interval_cv: NDArray[np.float64]
    """Coefficient of variation of the intervals, array (point,)."""
    shortest_interval: NDArray[np.float64]
    """Shortest interval seen, array (point,) [s]."""
    time_step: float
    """Integration step that was used [s]."""
    seed: str
    """Entropy of the seed."""
    version: str
    """Version of Photinus that measured."""
    reduced: ReducedLaser | None = None
    """The device as an escape rate, if it was reduced; see `require_reduced`."""

    def __post_init__(self) -> None:
        _validate.instance("parameters", self.parameters, (LaserParameters, LifParameters))
        _validate.instance("kernel", self.kernel, SynapticKernel)
        _validate.instance("reduced", self.reduced, ReducedLaser | None)
        object.__setattr__(self, "midpoint", _validate.number("midpoint", self.midpoint))
        for name in ("window", "slope", "time_step"):
            unit = "" if name == "slope" else "s"
            object.__setattr__(self, name, _validate.positive(name, getattr(self, name), unit))
        for name in ("midpoint_error", "slope_error", "residual", "network_kl"):
            object.__setattr__(self, name, _validate.non_negative(name, getattr(self, name)))
        if not self.parameters.forced:
            for name, plausible in _plausible(self.parameters).items():
                plausible.check(name, getattr(self, name))
        for name in ("bias_range", "weight_range"):
            ends = _validate.finite_array(name, getattr(self, name), 1)
            if ends.shape != (2,) or not ends[0] < ends[1]:
                raise InvalidInput(
                    f"{name} must be two numbers that rise, got {_validate.shown(getattr(self, name))}"
                )
            object.__setattr__(self, name, (float(ends[0]), float(ends[1])))
        for name in (*_TABLE, "windows_tried", "windows_kl"):
            array = np.array(_validate.plain_array(name, getattr(self, name)), np.float64)
            if array.ndim != 1:
                raise InvalidInput(f"{name} must have 1 dimension, got shape {array.shape}")
            object.__setattr__(self, name, _validate.locked(array))
        for name in _TABLE:
            _validate.same_length(name, getattr(self, name), "drive", len(self.drive))
        if not isinstance(self.kernel_error, Mapping):
            raise InvalidInput(
                f"kernel_error must be a mapping name → error, got {_validate.shown(self.kernel_error)}"
            )
        object.__setattr__(self, "kernel_error", MappingProxyType(dict(self.kernel_error)))
        _validate.locked(self.reduced)

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled arrays come back writable; a fresh construction locks them again.
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return _rebuilt, ({**values, "kernel_error": dict(self.kernel_error)},)

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

    @property
    def laser(self) -> LaserParameters:
        """The device, which must be a laser.

        Raises
        ------
        InvalidInput
            If it is not.
        """
        if not isinstance(self.parameters, LaserParameters):
            raise InvalidInput(
                f"calibration must be that of a laser, got that of {self.parameters.name!r}"
            )
        return self.parameters

    def logistic(self, drive: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the fitted probability of being on at `drive`."""
        return logistic(_validate.finite_array("drive", drive, ANY), self.midpoint, self.slope)

    def drive_at(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the drive at which a neuron is on with probability σ(log_odds): the measured curve.

        The inverse of the activation table, monotone between its points where a probability is known
        well (0.4 to 99.6 %), and straight beyond.
        """
        log_odds = _validate.finite_array("log_odds", log_odds, ANY)
        p = self.activation
        known = (p > RELIABLE) & (p < 1 - RELIABLE)
        x, y = np.log(p[known] / (1 - p[known])), self.drive[known]
        rising = np.concatenate([[True], x[1:] > np.maximum.accumulate(x)[:-1] + 0.05])
        x, y = x[rising], y[rising]
        inner = monotone(np.clip(log_odds, x[0], x[-1]), x, y)
        foot = (y[3] - y[0]) / (x[3] - x[0]) * np.minimum(log_odds - x[0], 0.0)
        shoulder = (y[-1] - y[-4]) / (x[-1] - x[-4]) * np.maximum(log_odds - x[-1], 0.0)
        return np.asarray(inner + foot + shoulder)

    def fits(self, parameters: Parameters) -> bool:
        """Return whether this is a calibration of `parameters`, whatever their name."""
        _validate.instance("parameters", parameters, Parameters)
        return self._differs(parameters) is None

    def _differs(self, parameters: Parameters) -> str | None:
        """Return the first parameter that is another one here."""
        mine, other = self.parameters.to_dict(), parameters.to_dict()
        return next(
            (key for key in mine if key not in ("name", "forced") and mine[key] != other.get(key)), None
        )

    def require(self, parameters: Parameters) -> None:
        """Raise `InvalidInput` unless this is a calibration of `parameters`."""
        if not hasattr(parameters, "to_dict"):
            raise InvalidInput(f"parameters must be a device's, got {_validate.shown(parameters)}")
        key = self._differs(parameters)
        if key is not None:
            mine, other = self.parameters.to_dict(), parameters.to_dict()
            raise InvalidInput(
                f"calibration must be of the same device: {key} is {mine[key]!r} there, "
                f"{other.get(key)!r} here"
            )

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

    def save(self, path: str | os.PathLike[str], *, replace: bool = True) -> None:
        """Write the calibration as JSON to `path`.

        A file that is there already is replaced, unless `replace` is False.
        """
        document: dict[str, Any] = {"kind": KIND, "schema": SCHEMA}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "reduced" and value is None:
                continue
            if field.name in ("parameters", "kernel", "reduced"):
                value = value.to_dict()
            elif isinstance(value, np.ndarray):
                value = [None if np.isnan(x) else float(f"{x:.6g}") for x in value]
            elif isinstance(value, Mapping):
                value = dict(value)
            document[field.name] = value
        text = _files.to_json(document, indent=1)
        # One line per list of numbers: tables stay readable, and so do their changes.
        _files.write_text(path, re.sub(r"\[[^][{}]*\]", _on_one_line, text) + "\n", replace=replace)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Calibration":
        """Read a calibration that `save` wrote.

        Raises
        ------
        InvalidInput
            If the file is missing, truncated, of another kind or of another schema.
        """
        document = _files.read_json(path, kind=KIND, schema=SCHEMA)
        with _files.reading(path, KIND):
            names = [field.name for field in fields(cls) if field.name != "reduced"]
            values = {name: document[name] for name in names}
            if "reduced" in document:
                values["reduced"] = ReducedLaser.from_dict(document["reduced"])
            values["parameters"] = parameters_from_dict(values["parameters"])
            values["kernel"] = SynapticKernel(**values["kernel"])
            for name in ("bias_range", "weight_range"):
                values[name] = tuple(values[name])
            for name in (*_TABLE, "windows_tried", "windows_kl"):
                values[name] = np.array([np.nan if x is None else x for x in values[name]], np.float64)
            return cls(**values)

    @classmethod
    def preset(cls, name: str = DEFAULT_PRESET) -> "Calibration":
        """Return the calibration of a preset that ships with the package."""
        return _shipped(_validate.one_of("preset", name, PRESETS))


@functools.cache
def _shipped(name: str) -> Calibration:
    """Return the calibration of a preset: read once, for it can't be changed."""
    return Calibration.load(str(files("photinus") / "data" / f"{name}.json"))


def _rebuilt(values: dict[str, Any]) -> Calibration:
    """Return the calibration of these fields, for pickle."""
    return Calibration(**values)


def _plausible(parameters: Parameters) -> dict[str, Allowed]:
    """Return what constants can be; drives are of the size of the device's threshold."""
    if isinstance(parameters, LaserParameters):
        scale = parameters.threshold_carriers
        return {
            "window": Allowed("s", 1e-13, 1e-6, 1e-9),
            "time_step": Allowed("s", 1e-17, 1e-9, 0.5e-12),
            "midpoint": Allowed("carriers", 1e-3 * scale, 1e3 * scale),
            "slope": Allowed("carriers", 1e-7 * scale, 1e2 * scale),
        }
    return {
        "window": Allowed("s", 1e-8, 10.0, 10e-3),
        "time_step": Allowed("s", 1e-10, 1.0, 1e-4),
        "midpoint": Allowed("V", -10.0, 10.0, 50e-3),
        "slope": Allowed("V", 1e-12, 1.0, 1e-3),
    }


def _on_one_line(match: re.Match[str]) -> str:
    return " ".join(match[0].split())


def logistic(x: NDArray[np.float64], midpoint: float, slope: float) -> NDArray[np.float64]:
    """Return 1/(1 + exp(-(x - midpoint)/slope))."""
    return 1.0 / (1.0 + np.exp(-np.clip((x - midpoint) / slope, -700, 700)))


def monotone(
    at: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the piecewise cubic through (x, y) that is monotone where the points are.

    Slopes by Fritsch & Butland 1984, SIAM J. Sci. Stat. Comput. 5, 300. SciPy's `PchipInterpolator`
    gives the same, but its import takes as long as a small run.

    Parameters
    ----------
    at : array of any shape
        Where to, between the first and the last of `x`.
    x, y : array (point,)
        At least three points, `x` rising.
    """
    width = np.diff(x)
    chord = np.diff(y) / width
    before, after = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    same = chord[:-1] * chord[1:] > 0
    left, right = np.where(same, chord[:-1], 1.0), np.where(same, chord[1:], 1.0)
    inner = np.where(same, (before + after) / (before / left + after / right), 0.0)
    # At the ends: three points, without overshoot.
    ends = [
        ((2 * w0 + w1) * c0 - w0 * c1) / (w0 + w1)
        for w0, w1, c0, c1 in ((*width[:2], *chord[:2]), (*width[:-3:-1], *chord[:-3:-1]))
    ]
    for k, (c0, c1) in enumerate((chord[:2], chord[:-3:-1])):
        if ends[k] * c0 <= 0:
            ends[k] = 0.0
        elif c0 * c1 <= 0 and abs(ends[k]) > 3 * abs(c0):
            ends[k] = 3 * c0
    slope = np.concatenate([ends[:1], inner, ends[1:]])
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    t = (at - x[i]) / width[i]
    rise = width[i] * (slope[i] * (1 - t) ** 2 * t - slope[i + 1] * t**2 * (1 - t))
    return np.asarray(y[i] * (1 + 2 * t) * (1 - t) ** 2 + y[i + 1] * t**2 * (3 - 2 * t) + rise)
