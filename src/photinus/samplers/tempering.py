"""Tempering: heat a sampler, so that it leaves one mode for another.

In cycles (`Tempering`), or several copies at once (`Parallel`). At temperature T a machine has the
weights W/T and biases b/T.

In each cycle the temperature rises from one to its highest value and falls back. Draws are taken at the
end of the cold half only: simulated tempering by oscillating noise (Korcsak-Gorzo et al. 2022, PLoS
Comput. Biol. 18, e1009753). Hardware heats a network by attenuating all synapses together and moving
the pumps along, which is what the simulation does (`photinus.translation.heated_drive`). The whole
cycle counts as time on the chip.

Copies of a network run at one temperature each. From time to time neighbours in temperature are
swapped, with the probability min(1, exp((1/T - 1/T')(E - E'))) for the energies E, E' of their states.
That is replica exchange (Swendsen & Wang 1986, Phys. Rev. Lett. 57, 2607; Hukushima & Nemoto 1996, J.
Phys. Soc. Jpn. 65, 1604). Draws are those of the copy that is at temperature one. All copies count as
hardware.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import cos, pi
from typing import Any

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.records import settle
from photinus.errors import InvalidInput

MOST_COPIES = 1000
"""Of one network: no chip will have more."""
SETTLED = 5
"""Windows between swaps, by default. More gain nothing (docs/how-to/tempering.md)."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Tempering(Displayed):
    """A cycle of heating and cooling; times in state windows τ, or in sweeps of Gibbs sampling.

    Raises
    ------
    InvalidInput
        If a value is out of its range.

    Examples
    --------
    >>> import photinus as ph
    >>> cycle = ph.Tempering(hottest=4, period=40)
    >>> [round(cycle.temperature(window)) for window in (0, 5, 10, 15, 20)], cycle.draws_per_cycle
    ([1, 3, 4, 2, 1], 10)
    """

    hottest: float = 4.0
    """Highest temperature, >= 1."""
    period: int = 40
    """Windows of a cycle: half of it warm, the rest cold; a multiple of 4, >= 4."""

    def __post_init__(self) -> None:
        if validate.positive("hottest", self.hottest) < 1:
            raise InvalidInput(f"hottest must be at least 1, got {self.hottest:g}")
        validate.integer("period", self.period, 4)
        if self.period % 4:
            raise InvalidInput(f"period must be a multiple of 4, got {self.period}")

    @property
    def draws_per_cycle(self) -> int:
        """Draws taken in each cycle, one per window of its last quarter."""
        return self.period // 4

    def temperature(self, window: int) -> float:
        """Return T in the given window, counted from the start of the run.

        T = 1 + (T_max - 1) (1 - cos 2πx)/2 over the first half of a cycle, x from 0 to 1; then 1.
        """
        half = self.period // 2
        phase = window % self.period
        if phase >= half:
            return 1.0
        return 1.0 + (self.hottest - 1.0) * round((1.0 - cos(2 * pi * (phase + 0.5) / half)) / 2, 12)

    def window_of(self, draw: int) -> int:
        """Return the window at whose end a draw is taken; draws and windows count from 0."""
        cycle, place = divmod(draw, self.draws_per_cycle)
        return (cycle + 1) * self.period - self.draws_per_cycle + place

    def to_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Parallel(Displayed):
    """Copies at several temperatures, which are swapped between them.

    Raises
    ------
    InvalidInput
        If the temperatures do not start at one and rise, or a value is out of its range.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 6], [6, 0]], [-3, -3])
    >>> copies = ph.Parallel(temperatures=(1, 2, 4))
    >>> samples = ph.sample(machine, "gibbs", tempering=copies, chains=16, draws=100, seed=1)
    >>> copies.copies, samples.marginals().round(1)
    (3, array([0.5, 0.5]))
    """

    temperatures: Sequence[float] = (1.0, 1.4, 2.0, 2.8, 4.0)
    """T of each copy, at least two, rising from 1."""
    every: int = SETTLED
    """Windows τ, or sweeps of Gibbs sampling, from one round of swaps to the next, >= 1.

    Neurons remember the other temperature for a window or two: swapped every window, refined lasers
    are several times as far off. Gibbs sampling remembers nothing, so that 1 is best there.
    """

    def __post_init__(self) -> None:
        given = validate.finite_array("temperatures", self.temperatures, 1).tolist()
        if len(given) < 2 or given[0] != 1 or any(b <= a for a, b in pairwise(given)):
            raise InvalidInput(
                f"temperatures must be at least two that rise from 1, got {validate.shown(given)}"
            )
        settle(self, temperatures=tuple(given))
        settle(self, every=validate.integer("every", self.every, 1))

    @classmethod
    def rising(cls, copies: int, *, hottest: float = 4.0, every: int = SETTLED) -> "Parallel":
        """Return copies whose temperatures rise by one factor each, from 1 to the hottest.

        Parameters
        ----------
        copies
            Number of copies, from 2 to 1000.
        hottest
            Temperature of the last one, > 1.
        every
            As in the class.

        Raises
        ------
        InvalidInput
            If a number is out of its range.

        Examples
        --------
        >>> import photinus as ph
        >>> ph.Parallel.rising(3, hottest=9).temperatures
        (1.0, 3.0, 9.0)
        """
        copies = validate.integer("copies", copies, 2, MOST_COPIES)
        if validate.positive("hottest", hottest) <= 1:
            raise InvalidInput(f"hottest must be above 1, got {hottest:g}")
        steps = [float(hottest) ** (k / (copies - 1)) for k in range(copies)]
        return cls(temperatures=tuple(steps), every=every)

    @property
    def copies(self) -> int:
        """Number of copies."""
        return len(self.temperatures)

    def window_of(self, draw: int) -> int:
        """Return the window at whose end a draw is taken: every one."""
        return draw

    def to_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return {"temperatures": list(self.temperatures), "every": self.every}


def tempering_of(values: Mapping[str, Any] | None) -> Tempering | Parallel | None:
    """Return what `to_dict` of either gave."""
    if not values:
        return None
    return Parallel(**values) if "temperatures" in values else Tempering(**values)
