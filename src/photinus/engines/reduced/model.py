r"""The reduced laser: an escape rate, measured on the full model, instead of field and photons.

Between two spikes the field is eliminated. What is left of a laser is how long ago it fired (its age a)
and the drive D = P τ_g that it feels. At a constant drive this is exact as far as one spike makes the
laser forget what was before it. Intervals are then independent, and their hazard h(a, D) says
everything. It is measured on the full model and kept as a table. A rate that depends on N_g alone would
not do. After the recovery light and carriers ring, small pulses reset the carriers unseen, and the
hazard rises and falls with them.

A drive that varies acts through an effective one, the constant drive that would have brought the
laser to where it is. N_g recovers from its reset N_0 as a leaky integrator. Amplified spontaneous
emission pulls it to where a constant drive keeps it, the faster the higher it stands::

    dN/dt = (D - N)/τ_g + λ(N) (N_0 + w (D - N_0) - N),   w = 1 - exp(-a/τ_g),
    λ(N) = λ_c max(N/N_th - n_c, 0)²,
    x = N_0 + (N - N_0)/w,         the effective drive: equal to D as long as that is constant,
    dz/dt = (x - z)/τ_l,           what the light has felt of it,
    dq/dt = (D - x)/τ_g - q/τ_q,   carriers in excess of those that go with x,
    hazard = h(a, z) (1 + s q/16)¹⁶,   s = max(s_0 - s_1 (z - x½)/α, 0)/N_th,

A kick of c carriers is a drive of c τ_g for an instant, x½ and α are midpoint and slope of the
activation. The power stands for exp(s q). The excess is what pre-emphasis brings: a population of
lasers near threshold is shifted at once, long before the light settles.

N_0, λ_c, n_c, τ_l, τ_q, s_0 and s_1 are fitted to the joint distributions of small machines at full
physics (`photinus.calibration.reduction`). They are constants of this recursion at its time step, and
only nearly those of a laser. N_0 for instance, which weighs what early drives do later, comes out below
the true reset. The equations are Photinus's own; that escape rates reduce stochastic neurons is common
knowledge (Gerstner & Kistler 2002, "Spiking Neuron Models", chapter 5).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.records import values_of
from photinus.engines.reduced import membrane
from photinus.errors import InvalidInput
from photinus.networks.couplings import entries

if TYPE_CHECKING:
    from photinus.networks.lasers import LaserNetwork

ROWS = 192
"""Rows of the table that the inner loop reads, equally spaced in w."""
PARTS = 8
"""Ages over which the hazard of a step is averaged."""
MOST = 1e4
"""Drive beyond which more changes nothing [N_th]."""

LARGEST = 1e3
"""Drives, carriers and ages that a table may hold at most [N_th, τ_g]."""
LIFETIMES, CARRIERS = (1e-14, 1e-3), (1e-3, 1e12)
"""Range of τ_g [s] and of N_th."""
RANGES: dict[str, tuple[float, float, str]] = {
    "time_step": (1e-6, 10, "τ_g"),
    "reset": (-LARGEST, LARGEST, "N_th"),
    "clamp_rate": (0, 1e6, "/τ_g"),
    "clamp_onset": (-LARGEST, LARGEST, ""),
    "lag": (1e-6, LARGEST, "τ_g"),
    "memory": (1e-6, LARGEST, "τ_g"),
    "steepness": (-1e4, 1e4, ""),
    "turn": (-1e4, 1e4, ""),
    "midpoint": (-LARGEST, LARGEST, "N_th"),
    "slope": (1e-6, LARGEST, "N_th"),
}
"""Least and largest value of each constant, and what it is measured in."""
LOG_HAZARDS = (-300.0, 60.0)
"""Range of log(h τ_g); beyond, single precision would not hold the hazard of a step."""
UNEVEN = 1e-3
"""Difference that the steps of a table's axis may have, as part of a step: they are rounded."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Agreement(Displayed):
    """How far the reduced laser is from full physics, as measured when it was fitted.

    Examples
    --------
    >>> from photinus.engines.reduced import Agreement
    >>> found = Agreement(activation=0.02, intervals=0.01, response=0.02, networks=0.0005)
    >>> found.failures()
    ['its activation is off by 0.020 (allowed 0.01)']
    """

    activation: float
    """Largest difference of the probability of being on, over the sweep."""
    intervals: float
    """Largest Kolmogorov–Smirnov distance of the intervals, at the pumps `PUMPS` of the fitting."""
    response: float
    """Root mean square difference of the probability to fire within τ of a pulse, over biases, signs of
    the pulse and delays since a spike."""
    networks: float
    """Mean KL of small machines with weights up to 2 from those of full physics [nats]; the fit has
    not seen them."""
    strong: float = math.nan
    """The same with weights up to 4; not a number where it was not measured."""

    def __str__(self) -> str:
        verdict = "too far off to be used" if self.failures() else "holds"
        return (
            f"{verdict}: activation within {self.activation:.3f}, intervals {self.intervals:.3f} "
            f"(Kolmogorov–Smirnov), response to a pulse {self.response:.3f}, small networks KL "
            f"{self.networks:.2g}, with strong couplings {self.strong:.2g}"
        )

    def failures(self) -> list[str]:
        """Return what is too far off to be used, in words."""
        named = {
            "activation": "its activation is off by {:.3f} (allowed {})",
            "intervals": "its intervals are off by {:.3f} (Kolmogorov–Smirnov, allowed {})",
            "response": "its response to a pulse is off by {:.3f} (allowed {})",
            "networks": "its small networks are off by KL {:.4f} (allowed {})",
        }
        return [
            text.format(getattr(self, name), LIMITS[name])
            for name, text in named.items()
            if not getattr(self, name) <= LIMITS[name]
        ]


LIMITS = {"activation": 0.01, "intervals": 0.02, "response": 0.05, "networks": 0.002}
"""Disagreement above which a device is not reduced."""
STRONG = 0.01
"""Largest `Agreement.strong` with which strong couplings are used without a word."""
REACH = (3.0, 6.0)
"""Couplings that a laser may hear, root of the sum of their squares [slopes]: where agreement was
measured without strong weights, and with them. A weight makes a coupling of about as many slopes."""

PUSHED = 4.0
"""Sum of the couplings that excite one laser, beyond which modes may have the wrong weight [slopes].
Lasers are then pushed far above where they fire, and stay on a little less than at full physics."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class EscapeRate(Displayed):
    """A laser as an escape rate: what the reduced engine runs, however well it is known.

    Examples
    --------
    >>> import photinus as ph
    >>> reduced = ph.Calibration.preset("fast-absorber").require_reduced()
    >>> f"{reduced.time_step:.1e} s, {len(reduced.age)} ages, {len(reduced.drive)} drives"
    '7.9e-11 s, 180 ages, 101 drives'
    """

    time_step: float
    """Step of the recursion [s]."""
    reset: float
    """N_0 [carriers]."""
    clamp_rate: float
    """λ_c [1/s]."""
    clamp_onset: float
    """n_c."""
    lag: float
    """τ_l [s]."""
    memory: float
    """τ_q [s]."""
    steepness: float
    """s_0."""
    turn: float
    """s_1."""
    midpoint: float
    """x½ [carriers]."""
    slope: float
    """α [carriers]."""
    threshold_carriers: float
    """N_th."""
    gain_lifetime: float
    """τ_g [s]."""
    drive: NDArray[np.float64]
    """Drives of the table, equally spaced, array (column,) [carriers]."""
    age: NDArray[np.float64]
    """Ages of the table, equally spaced, array (row,) [s]; the last stands for all later ones."""
    log_hazard: NDArray[np.float64]
    """log(h τ_g), array (row, column)."""

    def __post_init__(self) -> None:
        validate.within("reduced.gain_lifetime", self.gain_lifetime, *LIFETIMES, "s")
        validate.within("reduced.threshold_carriers", self.threshold_carriers, *CARRIERS)
        units = {"τ_g": self.gain_lifetime, "/τ_g": 1 / self.gain_lifetime, "": 1.0}
        units["N_th"] = self.threshold_carriers
        for name, (least, most, unit) in RANGES.items():
            value = validate.number(f"reduced.{name}", getattr(self, name))
            validate.within(f"reduced.{name}", value / units[unit], least, most, unit)
        drive, age, log = self._axis("drive", "N_th"), self._axis("age", "τ_g"), self.log_hazard
        validate.within("reduced.drive", drive[0] / units["N_th"], -LARGEST, LARGEST, "N_th")
        validate.within("reduced.drive", drive[-1] / units["N_th"], -LARGEST, LARGEST, "N_th")
        validate.within("reduced.age", age[0] / units["τ_g"], 0, LARGEST, "τ_g")
        validate.within("reduced.age", age[-1] / units["τ_g"], 0, LARGEST, "τ_g")
        if log.shape != (len(age), len(drive)):
            raise InvalidInput(
                f"reduced.log_hazard must have shape {(len(age), len(drive))}, got {log.shape}"
            )
        validate.finite_array("reduced.log_hazard", log, 2)
        for value in (log.min(), log.max()):
            validate.within("reduced.log_hazard", value, *LOG_HAZARDS)

    def _axis(self, name: str, unit: str) -> NDArray[np.float64]:
        """Return an axis of the table, which must rise by equal steps."""
        axis = validate.finite_array(f"reduced.{name}", getattr(self, name), 1)
        step = np.diff(axis)
        if len(axis) < 2 or not (step > 0).all() or np.ptp(step) > UNEVEN * step.mean():
            raise InvalidInput(f"reduced.{name} must hold two numbers or more that rise by equal steps")
        return axis

    def constants(self) -> NDArray[np.float32]:
        """Return what the inner loop multiplies with, see `photinus.engines.reduced.membrane`."""
        dt, threshold = self.time_step, self.threshold_carriers
        values = np.zeros(membrane.CONSTANTS)
        values[membrane.REST] = -self.reset
        values[membrane.MOST] = MOST * threshold
        values[membrane.LEAK] = -math.expm1(-dt / self.gain_lifetime)
        values[membrane.CLAMP] = self.clamp_rate * dt / threshold**2
        values[membrane.ONSET] = self.clamp_onset * threshold - self.reset
        values[membrane.LAG] = -math.expm1(-dt / self.lag)
        values[membrane.KEEP] = math.exp(-dt / self.memory)
        turn = -self.turn / self.slope / threshold
        values[membrane.TILT] = self.steepness / threshold + turn * (self.reset - self.midpoint)
        values[membrane.TURN] = turn
        values[membrane.LOWEST] = self.drive[0] - self.reset
        values[membrane.SCALE] = (len(self.drive) - 1) / (self.drive[-1] - self.drive[0])
        return values.astype(np.float32)

    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the hazard per step, and half of what it gains meanwhile, as part of it.

        Arrays (risen part, drive), the risen part from 0 to 1.
        """
        risen = (np.arange(ROWS) + 0.5) / ROWS
        age, half = -np.log1p(-risen) * self.gain_lifetime, 0.5 * self.time_step
        hazard, before, after = (self.hazard_per_step(at) for at in (age, age - half, age + half))
        gain = 0.5 * (after - before) / np.maximum(hazard, np.finfo(np.float32).tiny)
        return hazard.astype(np.float32), np.clip(gain, -1.0, 1.0).astype(np.float32)

    def hazard_per_step(self, age: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the hazard used up in a step whose middle is at `age` [s], array (age, drive)."""
        parts = (np.arange(PARTS) + 0.5) / PARTS - 0.5
        at = np.maximum(age[:, None] + parts * self.time_step, 0.0)
        position = np.interp(at, self.age, np.arange(len(self.age)))
        first = np.minimum(position.astype(int), len(self.age) - 2)
        part = (position - first)[..., None]
        log = self.log_hazard[first] * (1 - part) + self.log_hazard[first + 1] * part
        return np.asarray(np.exp(log).mean(axis=1) * (self.time_step / self.gain_lifetime))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class ReducedLaser(EscapeRate):
    """An escape rate that was compared with full physics.

    Examples
    --------
    >>> import photinus as ph
    >>> reduced = ph.Calibration.preset("fast-absorber").require_reduced()
    >>> reduced.agreement.failures()
    []
    """

    agreement: Agreement
    """How far it is from full physics."""

    @classmethod
    def of(cls, rate: EscapeRate, agreement: Agreement) -> "ReducedLaser":
        """Return `rate` with the agreement that was measured."""
        validate.instance("rate", rate, EscapeRate)
        validate.instance("agreement", agreement, Agreement)
        return cls(**values_of(rate), agreement=agreement)

    def to_dict(self) -> dict[str, Any]:
        """Return the values for JSON, tables to four digits."""
        values = values_of(self)
        values["agreement"] = asdict(self.agreement)
        values["drive"] = [float(f"{x:.8g}") for x in self.drive]
        values["age"] = [float(f"{x:.8g}") for x in self.age]
        values["log_hazard"] = [[round(float(x), 3) for x in row] for row in self.log_hazard]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ReducedLaser":
        """Return the reduced laser that `to_dict` described."""
        given = _fields_of(cls, "reduced", values)
        for name, dimensions in (("drive", 1), ("age", 1), ("log_hazard", 2)):
            given[name] = validate.finite_array(f"reduced.{name}", given[name], dimensions)
        for name in ("gain_lifetime", "threshold_carriers", *RANGES):
            given[name] = _plain_number(f"reduced.{name}", given[name])
        # Files from before strong couplings were looked at have no such entry.
        known = given["agreement"]
        known = {"strong": math.nan, **known} if isinstance(known, Mapping) else known
        agreement = _fields_of(Agreement, "reduced.agreement", known)
        given["agreement"] = Agreement(
            **{k: _plain_number(f"reduced.agreement.{k}", v) for k, v in agreement.items()}
        )
        return cls(**given)

    def check(self, network: "LaserNetwork", known: Sequence[int] | NDArray[np.intp] = ()) -> list[str]:
        """Return in sentences what of a network is beyond where it is known to be like full physics.

        Parameters
        ----------
        network
            Lasers that this reduced laser stands for.
        known : array (k,), optional
            Positions of units that are evidence: what they bring is constant.
        """
        validate.instance("network", network, "LaserNetwork")
        target, source, coupling = entries(network.coupling)
        among = ~np.isin(target, known) & ~np.isin(source, known)
        target, coupling = target[among], coupling[among] / self.slope
        n, reach = network.n_units, REACH[self.agreement.strong <= STRONG]
        heard = np.bincount(target, coupling**2, n) ** 0.5
        pushed = np.bincount(target, np.maximum(coupling, 0.0), n)
        found = []
        for values, most, what in (
            (heard, reach, "root of the sum of squares of what one laser hears"),
            (pushed, PUSHED, "sum of what excites one laser"),
        ):
            worst = int(np.argmax(values))
            if values[worst] > most:
                label = network.labels[worst]
                found.append(f"up to {most:g} slopes ({what}), got {values[worst]:.3g} at {label!r}")
        if not found:
            return []
        return [
            f"reduced lasers are known to be like full physics for couplings {' and '.join(found)}: "
            "compare with substrate 'laser'"
        ]


def _fields_of(kind: type, name: str, values: Any) -> dict[str, Any]:
    """Return the fields of a record of `kind` from what a file holds."""
    if not isinstance(values, Mapping):
        raise InvalidInput(f"{name} must be a table of names and values, got {values!r}")
    names = [field.name for field in fields(kind)]
    for missing in (each for each in names if each not in values):
        raise InvalidInput(f"{name}.{missing} is missing")
    return {each: values[each] for each in names}


def _plain_number(name: str, value: Any) -> float:
    """Return a number of a file, which may be infinite or not a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInput(f"{name} must be a number, got {value!r}")
    try:
        return float(value)
    except OverflowError:
        return math.inf
