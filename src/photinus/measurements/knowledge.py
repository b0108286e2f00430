"""What is known of a laser before it is measured: quantities, each with its uncertainty.

A laser is described by what its file gives, and by what `photinus.devices.laser.measured` assumes for
the rest. Each of these is a coordinate: the logarithm of the quantity, or of q/(1 - q) for a share q.
What is known beforehand is a normal distribution in these coordinates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import hush, validate
from photinus._core.display import Displayed
from photinus.devices.laser import LaserParameters
from photinus.devices.laser.measured import ASSUMED, COEFFICIENTS, QUANTITIES, SHARES, derive
from photinus.errors import AssumptionWarning, InvalidInput

Array = NDArray[np.float64]
GIVEN = 0.05
"""Standard error of what is given, as a share of it, unless another is."""
WIDTHS = {
    "photon_lifetime": 0.7,
    "gain_lifetime": 0.7,
    "absorber_lifetime": 0.7,
    "beta": 1.0,
    "absorber_loss": 0.5,
    "gain_ratio": 0.5,
    "transparency_share": 0.7,
    "pump_efficiency": 1.0,
    "output_efficiency": 1.0,
}
"""Standard deviation of what is assumed, in its coordinate: 0.7 is a factor of two."""
EFFICIENCY = 0.5
"""Where an efficiency is looked for of which nothing is known; 1 is the most that it can be."""
MORE = {"pump_noise": "carriers", "gain_compression": ""}
"""Further parameters that can be fitted, with their units, where they are given and above 0."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class Knowledge(Displayed):
    """What is known of a laser: coordinates, where they are expected, and how surely.

    Examples
    --------
    >>> from photinus.measurements import Knowledge
    >>> known = Knowledge.of({"quality": 5000, "gain_lifetime": "1 ns"}, {"quality": "10 %"})
    >>> known.names[:3], known.assumed[:2]
    (('quality', 'gain_lifetime', 'pump_efficiency'), ('wavelength', 'pump_efficiency'))
    >>> round(known.values(known.centre)["quality"]), len(known.coefficients(known.centre))
    (5000, 10)
    >>> round(known.laser(known.centre).gain_lifetime * 1e12)
    1000
    """

    names: tuple[str, ...]
    """Quantities that are fitted."""
    assumed: tuple[str, ...]
    """Those that nothing given says."""
    centre: Array
    """Where each is expected, array (name,), in its coordinate."""
    width: Array
    """Its standard deviation there, array (name,)."""
    held: Mapping[str, Any]
    """What is not fitted, by name."""

    @classmethod
    def of(
        cls,
        known: Mapping[str, Any],
        uncertainty: Mapping[str, Any] | None = None,
        hold: tuple[str, ...] = (),
    ) -> "Knowledge":
        """Return what is known of a laser, before any measurement.

        Parameters
        ----------
        known
            Quantities by name, as for `LaserParameters.from_measured`.
        uncertainty
            Standard errors as shares, by name: ``{"beta": "30 %"}``; 5 % for what is not named. Of what
            is assumed, 0.7 is a factor of two.
        hold
            Names of what is not fitted. The wavelength never is.

        Raises
        ------
        InvalidInput
            For an unknown name, or quantities that contradict each other.
        """
        with hush.untold(AssumptionWarning):
            LaserParameters.from_measured(**known)
        given = {name: _in_si(name, value) for name, value in known.items() if name in QUANTITIES}
        kept = _independent(given)
        found = derive(kept)
        free: dict[str, float] = {**kept, **{name: ASSUMED[name] for name in found.assumed}}
        for name in found.assumed:
            if name.endswith("_efficiency"):
                free[name] = EFFICIENCY
        more = {n: validate.number(n, known[n], unit) for n, unit in MORE.items() if n in known}
        free |= {name: value for name, value in more.items() if value > 0}
        errors = {
            name: validate.positive(f"uncertainty of {name}", value)
            for name, value in (uncertainty or {}).items()
        }
        for name in (*errors, *hold):
            validate.one_of("quantity of this laser", name, free)
        # An efficiency of exactly 1 has no coordinate: nothing is left to find.
        fixed = {"wavelength", *hold, *(n for n in free if n in SHARES and free[n] >= 1)}
        names = tuple(name for name in free if name not in fixed)
        if not names:
            raise InvalidInput("hold must leave a quantity to fit, got all of them")
        width = [errors.get(name, WIDTHS[name] if name in found.assumed else GIVEN) for name in names]
        others = {name: value for name, value in known.items() if name not in (*QUANTITIES, *names)}
        return cls(
            names=names,
            assumed=found.assumed,
            centre=np.array([coordinate(name, free[name]) for name in names]),
            # Errors are of quantities; a share q near 1 moves by less than its coordinate.
            width=np.array(
                [
                    w / (1 - free[n]) if n in SHARES and n not in found.assumed else w
                    for n, w in zip(names, width, strict=True)
                ]
            ),
            held={**others, **{name: free[name] for name in free if name in fixed}},
        )

    def values(self, at: ArrayLike) -> dict[str, float]:
        """Return the quantities at coordinates, array (name,), and those that are held."""
        own = {n: quantity_at(n, float(x)) for n, x in zip(self.names, np.asarray(at), strict=True)}
        return {**self.held, **own}

    def laser(self, at: ArrayLike) -> LaserParameters:
        """Return the laser at coordinates, array (name,).

        Raises
        ------
        InvalidInput
            If there is no such laser.
        """
        return LaserParameters.from_measured(**self.values(at))

    def coefficients(self, at: ArrayLike) -> Array:
        """Return the coefficients at coordinates, in the order of `COEFFICIENTS`."""
        known = {name: value for name, value in self.values(at).items() if name in QUANTITIES}
        found = derive(known).coefficients
        return np.array([found[name] for name in COEFFICIENTS])


def coordinate(name: str, value: float) -> float:
    """Return the coordinate of a quantity: its logarithm, or that of q/(1 - q) for a share."""
    return float(np.log(value / (1 - value) if name in SHARES else value))


def quantity_at(name: str, at: float) -> float:
    """Return the quantity that has a coordinate."""
    return float(1 / (1 + np.exp(-at)) if name in SHARES else np.exp(at))


def _in_si(name: str, value: Any) -> float:
    return validate.positive(name, value, QUANTITIES[name].unit)


def _independent(given: Mapping[str, float]) -> dict[str, float]:
    """Return what is given without what follows from the rest of it."""
    kept = dict(given)
    for name in reversed(list(given)):
        rest = {other: value for other, value in kept.items() if other != name}
        try:
            found = derive(rest)
        except InvalidInput:  # the rest says nothing without it
            continue
        if name in found.values and found.sources[name] <= set(rest):
            kept = rest
    return kept
