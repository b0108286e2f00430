"""What two coupled neurons do in place of the weight and the biases that they were given.

A coupling acts late, lasts too long and meets partners that recover from a spike. Two neurons that
stand for the weight W then show another one, and other biases. Both are measured, see
`photinus.calibration.pairs`. The joint of a pair, p(z_i, z_j), says what it shows::

    W' = log p(1,1) p(0,0) / p(1,0) p(0,1),        middle_i' = ½ log p(1,1) p(1,0) / p(0,1) p(0,0)

The *middle* of a unit is its log-odds while its partner is half on, b_i + W/2. In these coordinates a
table that is square holds all pairs of which something can be seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.records import settle
from photinus.errors import InvalidInput
from photinus.translation.lookup import Table, look_up


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class PairTable(Displayed):
    """By how much coupled pairs are off, over delay, weight and the middles of both units.

    Arrays are read-only copies. Between the points of the axes values are interpolated linearly, beside
    weight 0 by the parabola through it and both its neighbours. Beyond the ends they stay.
    """

    activation: NDArray[np.float64]
    """Activation at the drives of the calibration, measured for longer, array (point,)."""
    delay: NDArray[np.float64]
    """Synaptic delays, array (delay,) [τ], rising from 0."""
    weight: NDArray[np.float64]
    """Weights W, array (weight,), rising."""
    middle: NDArray[np.float64]
    """Middles of a unit, array (middle,), rising."""
    weight_change: NDArray[np.float64]
    """W' - W, array (delay, weight, middle of one unit, middle of the other)."""
    middle_change: NDArray[np.float64]
    """Change of the first unit's middle, array as `weight_change`."""

    def __post_init__(self) -> None:
        settle(self, activation=validate.column("pairs.activation", self.activation))
        for name in ("delay", "weight", "middle"):
            axis = validate.column(f"pairs.{name}", getattr(self, name))
            if len(axis) < 2 or not (np.diff(axis) > 0).all():
                raise InvalidInput(f"pairs.{name} must hold at least two numbers that rise")
            settle(self, **{name: axis})
        shape = (len(self.delay), len(self.weight), len(self.middle), len(self.middle))
        for name in ("weight_change", "middle_change"):
            table = validate.finite_array(f"pairs.{name}", getattr(self, name), 4)
            if table.shape != shape:
                raise InvalidInput(f"pairs.{name} must have shape {shape}, got {table.shape}")
            table.setflags(write=False)
            settle(self, **{name: table})

    def holds(self, weights: NDArray[np.float64]) -> bool:
        """Return whether the table reaches as far as all these weights, in any gauge of their units."""
        return bool(np.abs(weights).max(initial=0.0) <= min(-self.weight[0], self.weight[-1]))

    @property
    def read(self) -> Table:
        """The table as compiled loops read it."""
        return Table(self.delay, self.weight, self.middle, self.weight_change, self.middle_change)

    def changes(
        self,
        delay: float | NDArray[np.float64],
        weight: NDArray[np.float64],
        own: NDArray[np.float64],
        other: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the changes of the weight and of both middles, own and other's; arrays broadcast.

        Parameters
        ----------
        delay
            Synaptic delay [τ].
        weight, own, other
            Weight, and the middles of both units.
        """
        at = [np.asarray(x, np.float64) for x in (delay, weight, own, other)]
        shape = np.broadcast_shapes(*(x.shape for x in at))
        found = np.empty((3, int(np.prod(shape))))
        look_up(self.read, tuple(np.broadcast_to(x, shape).flatten() for x in at), found)
        weights, owns, others = found.reshape(3, *shape)
        return weights, owns, others

    def to_dict(self) -> dict[str, Any]:
        """Return the values for JSON, changes to four digits."""
        digits = {name: 4 if name.endswith("change") else 6 for name in self.__dataclass_fields__}
        return {name: np.round(getattr(self, name), k).tolist() for name, k in digits.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "PairTable":
        """Return the table that `to_dict` described."""
        if not isinstance(values, Mapping):
            raise InvalidInput(f"pairs must be a table of names and values, got {values!r}")
        for name in cls.__dataclass_fields__:
            if name not in values:
                raise InvalidInput(f"pairs.{name} is missing")
        return cls(**{name: values[name] for name in cls.__dataclass_fields__})
