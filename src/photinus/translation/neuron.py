"""What translation needs to know of a neuron: its activation, its synapse, its state window."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed, curve
from photinus._core.logistic import logistic
from photinus._core.records import settle
from photinus.devices import Parameters, device_of
from photinus.devices.laser.parameters import LaserParameters, is_laser
from photinus.devices.synapse import SynapticKernel
from photinus.errors import InvalidInput
from photinus.translation.pairs import PairTable

RELIABLE = 0.004
"""Probability from which on (and up to one minus it) a point of the activation table is inverted."""

SELDOM = 0.1
"""Probability of being on below which a neuron's spikes count as too far apart to overlap."""

ANY = tuple(range(9))
"""Any number of dimensions."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class Neuron(Displayed):
    """The constants that turn a Boltzmann machine into drives and couplings.

    The drive of a laser is P τ_g, the pump rate times the carrier lifetime of the gain section, in
    carriers. That of an integrate-and-fire neuron is its mean free membrane potential, in volts. Arrays
    are read-only copies.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.translation import Neuron
    >>> neuron = ph.Calibration.preset("fast-absorber")
    >>> isinstance(neuron, Neuron), neuron.bias_range
    (True, (-2.0046447973492123, 8.01375743792503))
    """

    parameters: Parameters
    """The device that was measured."""
    window: float
    """State window τ [s]."""
    detection_threshold: float | None
    """Photon number in the cavity at which a spike counts; None for neurons without light."""
    midpoint: float
    """Drive at which a neuron is on half of the time."""
    slope: float
    """α, change of the drive that changes the log-odds by one."""
    kernel: SynapticKernel
    """The synapse whose coupling α W acts as the weight W."""
    bias_range: tuple[float, float]
    """Biases within which the activation is logistic to 0.05."""
    weight_range: tuple[float, float]
    """Weights that the synapse was measured with."""
    drive: NDArray[np.float64]
    """Drives of the sweep, array (point,)."""
    activation: NDArray[np.float64]
    """Probability of being on, array (point,)."""
    time_step: float
    """Integration step that was used [s]."""
    pairs: PairTable | None = None
    """What coupled pairs show, if it was measured; see `photinus.translation.pairs`."""
    mean_interval: NDArray[np.float64] | None = None
    """Mean interspike interval, array (point,) [s]; nan where there were too few spikes."""

    def __post_init__(self) -> None:
        validate.instance("parameters", self.parameters, Parameters)
        validate.locked(validate.instance("pairs", self.pairs, PairTable | None))
        validate.instance("kernel", self.kernel, SynapticKernel)
        settle(self, midpoint=validate.number("midpoint", self.midpoint))
        for name in ("window", "slope", "time_step"):
            unit = "" if name == "slope" else "s"
            settle(self, **{name: validate.positive(name, getattr(self, name), unit)})
        for name, plausible in device_of(self.parameters).plausible(self.parameters).items():
            plausible.check(name, getattr(self, name))
        for name in ("bias_range", "weight_range"):
            ends = validate.finite_array(name, getattr(self, name), 1)
            if ends.shape != (2,) or not ends[0] < ends[1]:
                raise InvalidInput(
                    f"{name} must be two numbers that rise, got {validate.shown(getattr(self, name))}"
                )
            settle(self, **{name: (float(ends[0]), float(ends[1]))})
        for name in ("drive", "activation"):
            settle(self, **{name: validate.column(name, getattr(self, name))})
        validate.same_length("activation", self.activation, "drive", len(self.drive))
        if self.pairs is not None:
            validate.same_length("pairs.activation", self.pairs.activation, "drive", len(self.drive))

        if self.mean_interval is not None:
            settle(self, mean_interval=validate.column("mean_interval", self.mean_interval))
            validate.same_length("mean_interval", self.mean_interval, "drive", len(self.drive))

    def _picture(self) -> str:
        return curve(self.drive, self.activation)

    @property
    def laser(self) -> LaserParameters:
        """The device, which must be a laser.

        Raises
        ------
        InvalidInput
            If it is not.
        """
        if not is_laser(self.parameters):
            raise InvalidInput(
                f"calibration must be that of a laser, got that of {self.parameters.name!r}"
            )
        return self.parameters

    def logistic(self, drive: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the fitted probability of being on at `drive`."""
        return logistic_curve(validate.finite_array("drive", drive, ANY), self.midpoint, self.slope)

    def drive_at(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the drive at which a neuron is on with probability σ(log_odds): the measured curve.

        The inverse of the activation table, monotone between its points where a probability is known
        well (0.4 to 99.6 %), and straight beyond.
        """
        log_odds = validate.finite_array("log_odds", log_odds, ANY)
        p = self.activation
        known = (p > RELIABLE) & (p < 1 - RELIABLE)
        x, y = np.log(p[known] / (1 - p[known])), self.drive[known]
        rising = np.concatenate([[True], x[1:] > np.maximum.accumulate(x)[:-1] + 0.05])
        x, y = x[rising], y[rising]
        inner = monotone(np.clip(log_odds, x[0], x[-1]), x, y)
        foot = (y[3] - y[0]) / (x[3] - x[0]) * np.minimum(log_odds - x[0], 0.0)
        shoulder = (y[-1] - y[-4]) / (x[-1] - x[-4]) * np.maximum(log_odds - x[-1], 0.0)
        return np.asarray(inner + foot + shoulder)

    def sharpened(self) -> Self:
        """Return the neuron with the activation that was measured for longest."""
        return self if self.pairs is None else replace(self, activation=self.pairs.activation)

    def dose(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the time that a neuron is on per spike, in state windows: p T/τ, T its mean interval.

        This is 1 as long as no interval is shorter than τ. The pulses of an additive synapse add up to
        as much less or more than one pulse while the neuron is on.
        """
        log_odds = validate.finite_array("log_odds", log_odds, ANY)
        if self.mean_interval is None:
            return np.ones_like(log_odds)
        known = (self.activation > SELDOM) & np.isfinite(self.mean_interval)
        if not known.any():
            return np.ones_like(log_odds)
        per_spike = (self.activation * self.mean_interval)[known] / self.window
        return np.interp(self.drive_at(log_odds), self.drive[known], per_spike, left=1.0)

    def fits(self, parameters: Parameters) -> bool:
        """Return whether this is a calibration of `parameters`, whatever their name."""
        validate.instance("parameters", parameters, Parameters)
        return self._differs(parameters) is None

    def _differs(self, parameters: Parameters) -> str | None:
        """Return the first parameter that is another one here."""
        mine, other = self.parameters.to_dict(), parameters.to_dict()
        keys = [*mine, *(key for key in other if key not in mine)]
        return next(
            (k for k in keys if k not in ("name", "forced") and mine.get(k) != other.get(k)), None
        )

    def require(self, parameters: Parameters) -> None:
        """Raise `InvalidInput` unless this is a calibration of `parameters`."""
        if not hasattr(parameters, "to_dict"):
            raise InvalidInput(f"parameters must be a device's, got {validate.shown(parameters)}")
        key = self._differs(parameters)
        if key is not None:
            mine, other = self.parameters.to_dict(), parameters.to_dict()
            raise InvalidInput(
                f"calibration must be of the same device: {key} is {mine.get(key)!r} there, "
                f"{other.get(key)!r} here"
            )


def logistic_curve(x: NDArray[np.float64], midpoint: float, slope: float) -> NDArray[np.float64]:
    """Return 1/(1 + exp(-(x - midpoint)/slope))."""
    return logistic(np.clip((x - midpoint) / slope, -700, 700))


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
