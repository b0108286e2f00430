"""What fabricated chips show, and how many of them are good enough."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed

GOOD, USABLE = 0.01, 0.1
"""KL less its floor [nats] up to which a laser samples, and samples barely."""
MOST_LONGER = 8
"""Times the usual draws that a chip gets at most."""


def longer(floor: float, most: float = GOOD) -> int:
    """Return how many times as many draws put the floor at half of the limit `most`."""
    return int(np.clip(math.ceil(2 * floor / most), 1, MOST_LONGER)) if math.isfinite(floor) else 1


@dataclass(frozen=True, slots=True, repr=False)
class Chips(Displayed):
    """KLs of some chips, and what exact draws, as noisy, would show; arrays (chip,)."""

    kl: NDArray[np.float64]
    """KL(sampled‖target) [nats]."""
    floor: NDArray[np.float64]
    """KL of as many exact draws [nats]; not a number where it is not known."""

    def __len__(self) -> int:
        return len(self.kl)

    @property
    def excess(self) -> NDArray[np.float64]:
        """KL less its floor [nats], array (chip,)."""
        return self.kl - self.floor

    def told(self, most: float = GOOD) -> NDArray[np.bool_]:
        """Return of which chips one can tell whether they pass, array (chip,).

        Where the floor is above the limit, a chip is told only if it is off the limit by more.
        """
        validate.instance("most", most, float)
        return (self.floor <= most) | (np.abs(self.excess - most) > self.floor)

    def passing(self, most: float = GOOD) -> int:
        """Return how many chips have a KL less its floor of at most `most` [nats]."""
        return int((self.told(most) & (self.excess <= most)).sum())

    def interval(self, most: float = GOOD) -> tuple[float, float]:
        """Return the 95 % interval of the share that passes, of chips that are told.

        Wilson 1927, J. Am. Stat. Assoc. 22, 209. It is (0, 1) where none is told.
        """
        count = int(self.told(most).sum())
        if not count:
            return 0.0, 1.0
        from scipy.stats import binomtest

        found = binomtest(self.passing(most), count).proportion_ci(method="wilson")
        return float(found.low), float(found.high)

    def counted(self, most: float = GOOD) -> str:
        """Return how many pass, as "3 of 3", and of how many one cannot tell."""
        unknown = len(self) - int(self.told(most).sum())
        return f"{self.passing(most)} of {len(self)}" + (
            f" (cannot tell of {unknown}: too few draws)" if unknown else ""
        )
