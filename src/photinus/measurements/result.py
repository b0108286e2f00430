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
from photinus.errors import InvalidInput
from photinus.measurements.knowledge import MORE, Knowledge, quantity_at
from photinus.measurements.lines import Belief, Lines, information, update
from photinus.measurements.observations import Measurement

Array = NDArray[np.float64]
DRAWS = 500
"""Lasers drawn to carry errors over to coefficients."""
NORMAL = 1.96
"""Standard errors on either side of what 95 % of cases are within."""
DOUBTFUL = 0.01
"""Probability of a chi-squared so large below which stated errors are too small."""
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
    covariance: Array
    """Of the coordinates, array (name, name)."""
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
        prior: Belief,
        lines: Lines,
        measurements: Sequence[Measurement],
        measured: Array,
        sigma: Array,
        seed: np.random.SeedSequence,
    ) -> "LaserFit":
        """Return the fit that straight lines through simulations give."""
        from scipy.stats import chi2

        belief = update(prior, lines, measured, sigma)
        left = (measured - _shown(lines, belief)) / np.sqrt(lines.variance(sigma))
        inside = np.linalg.solve(lines.factor, np.linalg.solve(lines.factor, belief.covariance).T)
        freedom = max(1.0, len(left) - float(np.trace(information(lines, sigma) @ inside)))
        total, scale = float(left @ left), 1.0
        if chi2.sf(total, freedom) < DOUBTFUL:
            scale = float(np.sqrt(total / freedom))
            belief = update(prior, lines, measured, scale * sigma)
        return cls(
            knowledge=knowledge,
            mean=belief.mean,
            covariance=belief.covariance,
            laser=knowledge.laser(belief.mean),
            estimates=_estimates(knowledge, belief, np.random.default_rng(seed)),
            compared=_compared(lines, belief, measurements, sigma),
            chi_squared=total,
            freedom=freedom,
            scale=scale,
        )

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


def _shown(lines: Lines, belief: Belief) -> Array:
    """Return what the mean of a belief shows by straight lines."""
    moved = np.linalg.solve(lines.factor, belief.mean - lines.belief.mean)
    return np.asarray(lines.level + lines.slope @ moved)


def _estimates(knowledge: Knowledge, belief: Belief, rng: np.random.Generator) -> tuple[Estimate, ...]:
    """Return what was found of each fitted quantity and of each coefficient that is none of them."""
    errors = np.sqrt(np.diag(belief.covariance))
    found = []
    for k, name in enumerate(knowledge.names):
        ends = (quantity_at(name, belief.mean[k] + side * NORMAL * errors[k]) for side in (-1, 0, 1))
        low, value, high = ends
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
    before = _drawn(knowledge, Belief(knowledge.centre, np.diag(knowledge.width**2)), rng)
    after = _drawn(knowledge, belief, rng)
    here = knowledge.coefficients(belief.mean)
    for k, name in enumerate(COEFFICIENTS):
        fixed = before[:, k].std() < FIXED
        if fixed or name in knowledge.names or name in knowledge.held:
            continue
        low, high = np.exp(np.quantile(after[:, k], [0.025, 0.975]))
        found.append(
            Estimate(
                name=name,
                unit=QUANTITIES[name].unit,
                value=float(here[k]),
                low=float(low),
                high=float(high),
                known=float(before[:, k].std()),
                found=float(after[:, k].std()),
                origin="follows",
            )
        )
    return tuple(found)


def _drawn(knowledge: Knowledge, belief: Belief, rng: np.random.Generator) -> Array:
    """Return logarithms of the coefficients of lasers of a belief, array (laser, coefficient)."""
    found = []
    for at in rng.multivariate_normal(belief.mean, belief.covariance, 2 * DRAWS, method="eigh"):
        try:
            found.append(np.log(knowledge.coefficients(at)))
        except InvalidInput:  # there is no such laser
            continue
        if len(found) == DRAWS:
            break
    return np.array(found)


def _compared(
    lines: Lines, belief: Belief, measurements: Sequence[Measurement], sigma: Array
) -> tuple[Compared, ...]:
    """Return each measurement beside what the mean of a belief shows."""
    shown, found, start = _shown(lines, belief), [], 0
    error = np.sqrt(lines.variance(sigma))
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
                residuals=(each.measured - shown[mine]) / error[mine],
            )
        )
    return tuple(found)
