"""Curved surfaces through what lasers show, and how likely the measurements are by them.

Lasers of many places are simulated, each briefly, and a quadratic function of the coordinates is
fitted to each measured value. It smooths the noise of short simulations, and follows valleys that
bend. Second-order terms are pulled towards zero by ridge regression. How much is decided for each
value by generalised cross-validation (Golub, Heath & Wahba 1979, Technometrics 21, 215).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
PULLS = (1e-2, 0.3, 3.0, 30.0)
"""Penalties of the squared second-order coefficients that are tried; more would leave no doubt."""


def features(x: Array) -> Array:
    """Return 1, all coordinates and their products, array (place, feature)."""
    i, j = np.triu_indices(x.shape[1])
    return np.column_stack([np.ones(len(x)), x, x[:, i] * x[:, j]])


@dataclass(frozen=True, slots=True, eq=False)
class Surfaces:
    """Quadratic functions of the coordinates, one per measured value."""

    middle: Array
    """Mean of the places, array (name,)."""
    factor: Array
    """Cholesky factor of their covariance, array (name, name)."""
    coefficients: Array
    """Array (feature, value)."""
    scatter: Array
    """Variance of what lasers show about the surface, array (value,)."""
    curvature: Array
    """The same less that of short simulations: what no quadratic function does, array (value,)."""
    inverses: tuple[Array, ...]
    """Covariance of the coefficients over `scatter` with each pull, arrays (feature, feature)."""
    pulled: NDArray[np.intp]
    """The pull of each value, array (value,)."""

    @classmethod
    def through(cls, places: Array, shown: Array, variance: Array) -> "Surfaces":
        """Fit surfaces.

        Parameters
        ----------
        places : array (laser, name)
            Coordinates.
        shown, variance : array (laser, value)
            What each laser shows, and the variance of that since its simulation is short.
        """
        middle = places.mean(axis=0)
        spread = np.atleast_2d(np.cov(places.T))
        factor = np.asarray(np.linalg.cholesky(spread + 1e-12 * np.eye(len(middle))), np.float64)
        design = features(np.linalg.solve(factor, (places - middle).T).T)
        second = np.arange(design.shape[1]) > len(middle)
        inverses: list[Array] = []
        found, scatter, score = [], [], []
        for pull in PULLS:
            normal = design.T @ design + pull * np.diag(second.astype(float))
            inverse = np.asarray(np.linalg.inv(normal), np.float64)
            coefficients = inverse @ design.T @ shown
            freedom = len(places) - float(np.sum((design @ inverse) * design))
            squares = ((shown - design @ coefficients) ** 2).sum(axis=0)
            found.append(coefficients)
            inverses.append(inverse)
            scatter.append(squares / max(freedom, 1.0))
            score.append(squares / max(freedom, 1.0) ** 2)
        pulled, values = np.argmin(score, axis=0), np.arange(shown.shape[1])
        about = np.array(scatter)[pulled, values]
        return cls(
            middle=middle,
            factor=factor,
            coefficients=np.array(found)[pulled, :, values].T,
            scatter=about,
            curvature=np.maximum(about - variance.mean(axis=0), 0.0),
            inverses=tuple(inverses),
            pulled=pulled,
        )

    def whitened(self, places: Array) -> Array:
        """Return places in standard deviations of those that were simulated, array (place, name)."""
        return np.asarray(np.linalg.solve(self.factor, (places - self.middle).T).T)

    def at(self, places: Array) -> tuple[Array, Array]:
        """Return what lasers show, and the variance of that, arrays (place, value)."""
        design = features(self.whitened(places))
        doubt = np.stack([((design @ one) * design).sum(axis=1) for one in self.inverses], axis=1)
        return design @ self.coefficients, self.curvature + self.scatter * doubt[:, self.pulled]


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """Logarithm of how likely places are: by what was known, and by measurements.

    Parameters of the search are there, too. With `heat` above 1, measurements count for less. `reach`
    keeps places within some standard deviations of those that were simulated. `fair` says whether
    doubtful surfaces make a place less likely: a search is drawn to where it knows little, a result
    must not be.
    """

    surfaces: Surfaces
    centre: Array
    width: Array
    measured: Array
    sigma: Array
    reach: float
    heat: float = 1.0
    fair: bool = True

    def __call__(self, places: Array) -> Array:
        """Return it for places, array (place, name) → array (place,)."""
        shown, doubt = self.surfaces.at(places)
        variance = self.heat * self.sigma**2 + doubt
        left = (self.measured - shown) ** 2 / variance
        if self.fair:
            left = left + np.log(variance)
        known = ((places - self.centre) / self.width) ** 2
        near = (self.surfaces.whitened(places) / self.reach) ** 2
        return np.asarray(-0.5 * (left.sum(axis=1) + known.sum(axis=1) + near.sum(axis=1)))
