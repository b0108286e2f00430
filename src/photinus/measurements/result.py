"""What a fit found: the laser, how surely it is known, what the measurements leave open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.devices.laser import LaserParameters
from photinus.devices.laser.measured import COEFFICIENTS, QUANTITIES
from photinus.errors import InvalidInput, NotConverged
from photinus.measurements.knowledge import MORE, Knowledge, quantity_at
from photinus.measurements.observations import Measurement
from photinus.measurements.surfaces import Surfaces

Array = NDArray[np.float64]
DRAWS = 500
"""Lasers that are kept of those that may do what was measured."""
WIDER = 2.1
"""By how much draws are spread about their mean. Surfaces follow a part of a valley that bends, and
walkers know no more than that. With this, 95 % of 180 coefficients of 20 lasers were within their
intervals, lasers 4 to 23 of `studies/fit.py`."""
ENDS = (0.025, 0.975)
"""Shares of the lasers below the ends of an interval."""
FIXED = 1e-9
"""Relative error below which a coefficient follows from what is held alone."""
OPEN = 0.7
"""Part of the uncertainty beforehand from which on a direction is open."""
NAMED = 0.3
"""Share of a direction from which on a quantity is named."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Estimate(Displayed):
    """One quantity as it was found; in SI."""

    name: str
    unit: str
    value: float
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end."""
    known: float
    """Standard error beforehand, in the coordinate of `Knowledge`."""
    found: float
    """Standard error now; as small as this, it is also the relative one of the quantity."""
    origin: str
    """"given", "assumed", or "follows" for a coefficient that follows from the others."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Direction(Displayed):
    """A combination of quantities that the measurements leave open."""

    kept: float
    """Part of the uncertainty beforehand that is left."""
    shares: Mapping[str, float]
    """Name → share in the combination, with its sign, the largest first."""

    def told(self) -> str:
        """Return it in words: what can change together unseen."""
        signs = [f"{'+' if share > 0 else '−'}{name}" for name, share in self.shares.items()]
        return " ".join(signs)


@dataclass(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class Compared(Displayed):
    """A measurement beside what the fitted laser shows, in SI."""

    measurement: Measurement
    points: Array
    """Array (point,)."""
    measured: Array
    """Array (point,)."""
    error: Array
    """Standard errors of `measured`, as they were given."""
    predicted: Array
    """Array (point,)."""
    residuals: Array
    """Difference in standard errors, those of the model included, array (point,)."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class LaserFit(Displayed):
    """A laser fitted to measurements.

    Examples
    --------
    >>> from photinus.measurements import LaserFit
    >>> LaserFit.open.__doc__.splitlines()[0]
    'Combinations of quantities that are nearly as unsure as before, the most unsure first.'
    """

    knowledge: Knowledge
    """What was known beforehand."""
    mean: Array
    """Likeliest coordinates, array (name,)."""
    draws: Array
    """Coordinates of lasers that may do what was measured, each as likely, array (laser, name).

    They are spread more widely than the fit says by itself, see `photinus.measurements.result.WIDER`.
    """
    laser: LaserParameters
    """The laser at `mean`."""
    estimates: tuple[Estimate, ...]
    """Quantities that were fitted, then coefficients that follow."""
    compared: tuple[Compared, ...]
    """Each measurement beside the fitted laser."""
    chi_squared: float
    """Sum of the squared residuals, before errors were scaled."""
    freedom: float
    """Values less what was fitted to them: what `chi_squared` is expected to be."""
    scale: float
    """By which stated errors were multiplied, since residuals are larger than they say; 1 if not."""

    @classmethod
    def of(
        cls,
        knowledge: Knowledge,
        draws: Array,
        densities: Array,
        surfaces: Surfaces,
        measurements: Sequence[Measurement],
        scale: float,
    ) -> "LaserFit":
        """Return the fit that has some draws, with their densities, array (draw,)."""
        likeliest = draws[np.argsort(-densities)]
        mean = likeliest[_real(knowledge, likeliest, most=1)[0][0]]
        wide = np.random.default_rng(0).permutation(widened(draws, knowledge.width))
        real, after = _real(knowledge, wide)
        kept = wide[real]
        compared = _compared(surfaces, mean, measurements)
        left = np.concatenate([each.residuals for each in compared])
        # A quantity that measurements say nothing of uses up none of them.
        fitted = float(np.sum(np.maximum(1 - (draws.std(axis=0) / knowledge.width) ** 2, 0.0)))
        return cls(
            knowledge=knowledge,
            mean=mean,
            draws=kept,
            laser=knowledge.laser(mean),
            estimates=_estimates(knowledge, mean, kept, after),
            compared=compared,
            chi_squared=float(left @ left),
            freedom=max(1.0, len(left) - fitted),
            scale=scale,
        )

    @property
    def covariance(self) -> Array:
        """Of the coordinates, array (name, name)."""
        return np.atleast_2d(np.cov(self.draws.T))

    @property
    def errors(self) -> Array:
        """Standard errors of the coordinates, array (name,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def correlation(self) -> Array:
        """Correlations of the coordinates, array (name, name)."""
        return np.asarray(self.covariance / np.outer(self.errors, self.errors))

    @property
    def open(self) -> tuple[Direction, ...]:
        """Combinations of quantities that are nearly as unsure as before, the most unsure first."""
        width = self.knowledge.width
        values, vectors = np.linalg.eigh(self.covariance / np.outer(width, width))
        found = []
        for value, vector in zip(values[::-1], vectors.T[::-1], strict=True):
            order = [k for k in np.argsort(-np.abs(vector)) if abs(vector[k]) >= NAMED]
            sign = np.sign(vector[order[0]])
            shares = {self.knowledge.names[k]: float(sign * vector[k]) for k in order}
            found.append(Direction(kept=float(np.sqrt(value)), shares=shares))
        return tuple(direction for direction in found if direction.kept >= OPEN)

    def estimate(self, name: str) -> Estimate:
        """Return what was found of a quantity.

        Raises
        ------
        InvalidInput
            For a name that is none of the estimates.
        """
        known = {each.name: each for each in self.estimates}
        return known[validate.one_of("estimate", name, known)]

    def _facts(self) -> Mapping[str, object]:
        ratio = f"{self.chi_squared:.0f} for {self.freedom:.0f}"
        shown = {each.name: f"{each.value:.4g}" for each in self.estimates if each.origin != "follows"}
        return {**shown, "chi-squared": ratio}

    def to_dict(self) -> dict[str, Any]:
        """Return the fit for JSON: laser, estimates, correlations, what is open."""
        return {
            "laser": self.laser.to_dict(),
            "estimates": [
                {field: getattr(each, field) for field in Estimate.__slots__} for each in self.estimates
            ],
            "names": list(self.knowledge.names),
            "correlation": self.correlation.tolist(),
            "open": [{"kept": each.kept, "shares": dict(each.shares)} for each in self.open],
            "chi_squared": self.chi_squared,
            "freedom": self.freedom,
            "scale": self.scale,
        }


def widened(draws: Array, width: Array) -> Array:
    """Return draws spread by `WIDER`, in no direction beyond what was known before.

    Parameters
    ----------
    draws : array (draw, name)
        Coordinates.
    width : array (name,)
        Standard deviations of what was known.
    """
    mean = draws.mean(axis=0)
    apart = (draws - mean) / width
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(apart.T)))
    # Rounding may leave a direction without any spread a little below 0.
    factor = np.clip(1 / np.sqrt(np.maximum(values, 1e-12)), 1.0, WIDER)
    return np.asarray(mean + width * (((apart @ vectors) * factor) @ vectors.T))


def _real(knowledge: Knowledge, draws: Array, most: int = DRAWS) -> tuple[list[int], Array]:
    """Return which draws are lasers, `most` at most, and logarithms of their coefficients."""
    found, coefficients = [], []
    for k, at in enumerate(draws):
        try:
            coefficients.append(np.log(knowledge.coefficients(at)))
        except InvalidInput:
            continue
        found.append(k)
        if len(found) == most:
            break
    if not found:
        raise NotConverged("no laser can have what is known and measured: give wider uncertainties")
    return found, np.array(coefficients)


def _estimates(knowledge: Knowledge, mean: Array, draws: Array, after: Array) -> tuple[Estimate, ...]:
    """Return what was found of each fitted quantity and of each coefficient that is none of them."""
    found = []
    errors, ends = draws.std(axis=0, ddof=1), np.quantile(draws, ENDS, axis=0)
    for k, name in enumerate(knowledge.names):
        low, value, high = (quantity_at(name, x) for x in (ends[0, k], mean[k], ends[1, k]))
        found.append(
            Estimate(
                name=name,
                unit=QUANTITIES[name].unit if name in QUANTITIES else MORE[name],
                value=value,
                low=low,
                high=high,
                known=float(knowledge.width[k]),
                found=float(errors[k]),
                origin="assumed" if name in knowledge.assumed else "given",
            )
        )
    drawn = np.random.default_rng(0).standard_normal((4 * DRAWS, len(mean)))
    before = _real(knowledge, knowledge.centre + knowledge.width * drawn)[1]
    here, ends = knowledge.coefficients(mean), np.exp(np.quantile(after, ENDS, axis=0))
    for k, name in enumerate(COEFFICIENTS):
        fixed = before[:, k].std() < FIXED
        if fixed or name in knowledge.names or name in knowledge.held:
            continue
        found.append(
            Estimate(
                name=name,
                unit=QUANTITIES[name].unit,
                value=float(here[k]),
                low=float(ends[0, k]),
                high=float(ends[1, k]),
                known=float(before[:, k].std()),
                found=float(after[:, k].std(ddof=1)),
                origin="follows",
            )
        )
    return tuple(found)


def _compared(
    surfaces: Surfaces, mean: Array, measurements: Sequence[Measurement]
) -> tuple[Compared, ...]:
    """Return each measurement beside what a laser shows."""
    (shown,), (doubt,) = surfaces.at(mean[None])
    found, start = [], 0
    for each in measurements:
        mine = slice(start, start + len(each.measured))
        start = mine.stop
        found.append(
            Compared(
                measurement=each,
                points=each.points,
                measured=each.values,
                error=each.spread,
                predicted=each.plain(shown[mine]),
                residuals=(each.measured - shown[mine]) / np.sqrt(each.sigma**2 + doubt[mine]),
            )
        )
    return tuple(found)
