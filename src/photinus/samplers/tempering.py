"""Tempering: heat and cool a sampler in cycles, so that it leaves one mode for another.

At temperature T a machine has the weights W/T and biases b/T. In each cycle the temperature rises from
one to its highest value and falls back. Draws are taken at the end of the cold half only. This is
simulated tempering by oscillating noise (Korcsak-Gorzo et al. 2022, PLoS Comput. Biol. 18, e1009753).
Hardware heats a network by attenuating all synapses together and moving the drives along, which is what
the simulation does (`photinus.translation.heated_drive`). The whole cycle counts as time on the chip.
"""

from dataclasses import asdict, dataclass
from math import cos, pi
from typing import Any

from photinus._core import validate
from photinus.errors import InvalidInput


@dataclass(frozen=True, kw_only=True, slots=True)
class Tempering:
    """A cycle of heating and cooling; times in state windows τ, or in sweeps of Gibbs sampling.

    Raises
    ------
    InvalidInput
        If a value is out of its range.
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
