"""What a laboratory measures of a laser: light, pulses, rates and intervals of spikes, noise.

Each kind knows what must be simulated for it, and compares in a scale in which its errors hardly
depend on the value. Light and rates are compared as arsinh(y/2σ): a logarithm above the error σ, a
straight line below. Shares of intervals are compared as square roots.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.records import settle
from photinus.errors import InvalidInput
from photinus.measurements.bench import Run
from photinus.measurements.curves import CURRENT, Array, Curve, Predicted, numbers, settle_curve
from photinus.measurements.noise import relative_noise

CLASSES = 8
"""Classes of intervals that are compared, each with the same share of the measured ones."""
FEWEST_INTERVALS = 50


@dataclass(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class Light(Curve):
    """Mean light against current.

    Examples
    --------
    >>> from photinus.measurements import Light
    >>> light = Light(current=[5e-6, 20e-6], power=[1e-7, 2e-6])
    >>> [f"{error:.2g}" for error in light.spread]
    ['1.3e-08', '7e-08']
    >>> [f"{power:.2g}" for power in light.plain(light.scaled(light.values))]
    ['1e-07', '2e-06']

    What a laser would show, in the scale in which both are compared:

    >>> import numpy as np
    >>> from photinus import LaserParameters
    >>> from photinus.measurements.bench import run
    >>> laser, seed = LaserParameters.preset("high-beta"), np.random.SeedSequence(1)
    >>> seen = run(laser, light.recorded, [], seed, level=None, effort=0.1, threads=1)
    >>> light.predicted(seen).values.shape
    (2,)
    """

    label: ClassVar[str] = "light"
    share: ClassVar[float] = 0.03
    floor: ClassVar[float] = 0.005
    current: ArrayLike
    """Array (point,) [A]."""
    power: ArrayLike
    """Useful light, array (point,) [W]."""
    error: ArrayLike | None = None
    """Standard error [W], one or array (point,); by default 3 % and 0.5 % of the largest."""

    def __post_init__(self) -> None:
        settle_curve(self, "current", "power", {"current": "A", "power": "W"})

    @property
    def points(self) -> Array:
        """Currents [A]."""
        return np.asarray(self.current)

    @property
    def values(self) -> Array:
        """Powers [W]."""
        return np.asarray(self.power)

    @property
    def recorded(self) -> tuple[float, ...]:
        """Currents at which light must be simulated."""
        return tuple(self.points.tolist())

    counted: ClassVar[tuple[float, ...]] = ()

    def predicted(self, run: Run) -> Predicted:
        """Return what a simulation says."""
        per_chain = np.stack([run.light(x).mean(axis=1, dtype=np.float64) for x in self.recorded], 1)
        return self._means(per_chain * run.laser.output_power(1.0))


@dataclass(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class Rates(Curve):
    """Rate of spikes against current.

    Examples
    --------
    >>> from photinus.measurements import Rates
    >>> Rates(current=[11e-6], rate=[2e8]).spread
    array([12000000.])
    """

    label: ClassVar[str] = "rates"
    share: ClassVar[float] = 0.05
    floor: ClassVar[float] = 0.01
    current: ArrayLike
    """Array (point,) [A]."""
    rate: ArrayLike
    """Spikes per second, array (point,) [1/s]."""
    error: ArrayLike | None = None
    """Standard error [1/s], one or array (point,); by default 5 % and 1 % of the largest."""

    def __post_init__(self) -> None:
        settle_curve(self, "current", "rate", {"current": "A", "rate": "1/s"})

    @property
    def points(self) -> Array:
        """Currents [A]."""
        return np.asarray(self.current)

    @property
    def values(self) -> Array:
        """Rates [1/s]."""
        return np.asarray(self.rate)

    recorded: ClassVar[tuple[float, ...]] = ()

    @property
    def counted(self) -> tuple[float, ...]:
        """Currents at which spikes must be simulated."""
        return tuple(self.points.tolist())

    def predicted(self, run: Run) -> Predicted:
        """Return what a simulation says."""
        return self._means(np.stack([run.counts(x) for x in self.counted], axis=1))


@dataclass(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class Pulse(Curve):
    """A spike over time: the mean of spikes whose peaks lie on each other.

    Its own time does not count: what is simulated is moved to where it agrees best.

    Examples
    --------
    >>> from photinus.measurements import Pulse
    >>> pulse = Pulse(current="12 uA", time=[0, 1e-11, 2e-11], power=[0, 1e-4, 0])
    >>> pulse.recorded
    (1.2e-05,)
    """

    label: ClassVar[str] = "pulse"
    share: ClassVar[float] = 0.0
    floor: ClassVar[float] = 0.03
    current: float
    """At which it was measured [A]."""
    time: ArrayLike
    """Array (point,) [s], rising."""
    power: ArrayLike
    """Useful light, array (point,) [W]."""
    error: ArrayLike | None = None
    """Standard error [W], one or array (point,); by default 3 % of the peak."""

    def __post_init__(self) -> None:
        settle(self, current=validate.allowed("current of a pulse", self.current, CURRENT))
        settle_curve(self, "time", "power", {"time": "s", "power": "W"})
        if (np.diff(self.points) <= 0).any():
            raise InvalidInput("time must rise from entry to entry")

    @property
    def points(self) -> Array:
        """Times [s]."""
        return np.asarray(self.time)

    @property
    def values(self) -> Array:
        """Powers [W]."""
        return np.asarray(self.power)

    @property
    def recorded(self) -> tuple[float, ...]:
        """The current, at which light must be simulated."""
        return (self.current,)

    counted: ClassVar[tuple[float, ...]] = ()

    def predicted(self, run: Run) -> Predicted:
        """Return what a simulation says."""
        peak = float(self.points[np.argmax(self.values)])
        before, after = peak - self.points[0], self.points[-1] - peak
        margin = (before + after) / 4
        count = max(32, round((before + after + 2 * margin) / run.spacing))
        around = np.linspace(-before - margin, after + margin, count)
        found = aligned(run, self.current, around) * run.laser.output_power(1.0)
        if len(found) < 2:
            return Predicted(np.zeros(len(self.points)), np.zeros(len(self.points)))
        mean, variance = found.mean(axis=0), found.var(axis=0, ddof=1) / len(found)
        shifts = np.linspace(-margin, margin, 81)
        moved = np.stack([np.interp(self.points - peak - s, around, mean) for s in shifts])
        scaled = self.scaled(moved)
        best = np.argmin((((scaled - self.measured) / self.sigma) ** 2).sum(axis=1))
        errors = np.interp(self.points - peak - shifts[best], around, variance)
        return Predicted(scaled[best], errors / (moved[best] ** 2 + 4 * self.spread**2))


def aligned(run: Run, current: float, around: Array) -> Array:
    """Return the photons around each spike's peak, array (spike, time)."""
    light, threshold = run.light(current), run.threshold(current)
    reach = int(np.ceil(np.abs(around).max() / run.spacing)) + 2
    grid = np.arange(-reach, reach + 1)
    found = []
    for chain in light:
        for peak in _peaks(chain, threshold):
            if reach < peak < len(chain) - reach - 1:
                piece = chain[peak - reach : peak + reach + 1].astype(np.float64)
                a, b, c = piece[reach - 1 : reach + 2]
                # A parabola through the highest sample and its neighbours has its top beside it.
                offset = 0.5 * (a - c) / (a - 2 * b + c) if a - 2 * b + c < 0 else 0.0
                found.append(np.interp(around / run.spacing + offset, grid, piece))
    return np.array(found).reshape(len(found), len(around))


def _peaks(light: NDArray[np.float32], threshold: float) -> list[int]:
    """Return where the light above a threshold is highest, each time that it is above."""
    above = np.flatnonzero(np.diff(np.r_[False, light > threshold, False].astype(np.int8)))
    return [int(a + np.argmax(light[a:b])) for a, b in above.reshape(-1, 2)]


@dataclass(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class Intervals(Displayed):
    """Intervals between the spikes at a current.

    Raises
    ------
    InvalidInput
        If there are fewer than 50, or one is not above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.measurements import Intervals
    >>> drawn = np.random.default_rng(1).exponential(2e-9, 800)
    >>> Intervals(current="11 uA", interval=drawn).values.round(3)[:2]
    array([0.125, 0.125])
    """

    label: ClassVar[str] = "intervals"
    current: float
    """At which they were measured [A]."""
    interval: ArrayLike
    """Array (interval,) [s]; or the middle of each class of a histogram."""
    count: ArrayLike | None = None
    """How many intervals each class of the histogram has, array (class,); by default one."""
    edges: Array = field(init=False)
    """Edges of the classes that are compared, array (class - 1,) [s]."""
    values: Array = field(init=False)
    """Share of the intervals in each class, array (class,)."""
    number: float = field(init=False)
    """How many intervals there are."""

    def __post_init__(self) -> None:
        settle(self, current=validate.allowed("current of intervals", self.current, CURRENT))
        interval = validate.finite_array("interval", self.interval, 1)
        count = np.ones(len(interval)) if self.count is None else numbers("count", self.count, "")
        if len(count) != len(interval):
            raise InvalidInput(f"count must have {len(interval)} entries, got {len(count)}")
        if (interval <= 0).any():
            raise InvalidInput(f"interval must be above 0, got {interval.min():g}")
        if count.sum() < FEWEST_INTERVALS:
            raise InvalidInput(
                f"there must be at least {FEWEST_INTERVALS} intervals, got {count.sum():g}"
            )
        order = np.argsort(interval)
        interval, count = interval[order], count[order]
        below = np.cumsum(count) / count.sum()
        last = np.unique(np.searchsorted(below, np.arange(1, CLASSES) / CLASSES))
        last = last[last < len(interval) - 1]
        edges = (interval[last] + interval[last + 1]) / 2
        shares = np.diff(np.r_[0.0, below[last], 1.0])
        settle(self, interval=interval, count=count, edges=edges, values=shares)
        settle(self, number=float(count.sum()))

    recorded: ClassVar[tuple[float, ...]] = ()

    @property
    def counted(self) -> tuple[float, ...]:
        """The current, at which spikes must be simulated."""
        return (self.current,)

    @property
    def points(self) -> Array:
        """Upper edges of the classes [s]; the last one is that of the longest interval."""
        return np.asarray(np.r_[self.edges, np.asarray(self.interval).max()])

    @property
    def spread(self) -> Array:
        """Standard errors of the shares."""
        return np.asarray(np.sqrt(self.values / self.number))

    @property
    def measured(self) -> Array:
        """Roots of the shares."""
        return np.asarray(np.sqrt(self.values))

    @property
    def sigma(self) -> Array:
        """Their standard errors, alike for all."""
        return np.full(len(self.values), 0.5 / np.sqrt(self.number))

    def plain(self, scaled: Array) -> Array:
        """Return shares from their roots."""
        return np.asarray(scaled**2)

    def predicted(self, run: Run) -> Predicted:
        """Return what a simulation says."""
        found = run.intervals(self.current)
        classes = np.bincount(np.searchsorted(self.edges, found), minlength=len(self.values))
        # As if half an interval more were in each class, so that a class without any is no zero.
        number = len(found) + len(self.values) / 2
        shares = (classes + 0.5) / number
        return Predicted(np.sqrt(shares), np.full(len(self.values), 0.25 / number))


@dataclass(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class Noise(Curve):
    """Relative intensity noise of steady light against frequency, shot noise taken off.

    Examples
    --------
    >>> from photinus.measurements import Noise
    >>> Noise(current="30 uA", frequency=[1e9], rin=[1e-13]).spread
    array([1.e-14])
    """

    label: ClassVar[str] = "noise"
    share: ClassVar[float] = 0.1
    floor: ClassVar[float] = 0.0
    current: float
    """At which it was measured [A]."""
    frequency: ArrayLike
    """Array (point,) [Hz]."""
    rin: ArrayLike
    """One-sided spectral density of δP/P, array (point,) [1/Hz]."""
    error: ArrayLike | None = None
    """Standard error [1/Hz], one or array (point,); by default 10 %."""

    def __post_init__(self) -> None:
        settle(self, current=validate.allowed("current of noise", self.current, CURRENT))
        settle_curve(self, "frequency", "rin", {"frequency": "Hz", "rin": "1/Hz"})

    @property
    def points(self) -> Array:
        """Frequencies [Hz]."""
        return np.asarray(self.frequency)

    @property
    def values(self) -> Array:
        """Spectral densities [1/Hz]."""
        return np.asarray(self.rin)

    recorded: ClassVar[tuple[float, ...]] = ()
    counted: ClassVar[tuple[float, ...]] = ()

    def predicted(self, run: Run) -> Predicted:
        """Return what linear response says."""
        found = relative_noise(run.laser, self.current, self.points)
        return Predicted(self.scaled(found), np.zeros(len(found)))


Measurement = Light | Rates | Pulse | Intervals | Noise
KINDS: Sequence[Callable[..., Any]] = (Light, Rates, Pulse, Intervals, Noise)
