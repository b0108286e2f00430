"""How warm lasers get by what they take, and what that does to their threshold.

A laser's heat is what its currents bring, each electron at the energy of a photon, less its useful
light. It warms by thermal resistance times heat, and its threshold follows exp(T/T0) (Pankove 1968).
"""

from dataclasses import dataclass
from math import exp

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.hardware.ledger import Ledger
from photinus.units import quantity

THERMAL_RESISTANCE = 1e6
"""Of lasers in a photonic-crystal slab, at most [K/W] (Nozaki, Kita and Baba 2007, Opt. Express 15,
7506, doi 10.1364/oe.15.007506, abstract)."""
CHARACTERISTIC_TEMPERATURE = 60.0
"""T0 [K] that is typical of GaInAsP on InP at 1.3 µm, where 150 K was reached.

From the abstract of "Gain measurement of high characteristic temperature 1.3 µm GaInAsP/InP
strained-layer quantum well lasers".
"""


@dataclass(frozen=True, slots=True, repr=False)
class Heat(Displayed):
    """Heat of a chip and of its lasers.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.hardware import Heat
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0, 0])
    >>> ledger = ph.sample(machine, "laser-reduced", chains=8, draws=50, seed=1).ledger()
    >>> heat = Heat.of(ledger, thermal_resistance="1e5 K/W")
    >>> 0.5 < heat.warming < 1.5, 0 < heat.threshold_rise < 0.05
    (True, True)
    """

    laser: float
    """Heat of a laser, in the mean [W]; without voltage above the photon energy."""
    warming: float
    """How much warmer than the chip it is [K]."""
    threshold_rise: float
    """Share by which its threshold is higher for that."""
    density: float
    """Expected power of the whole chip over its area [W/m²]."""

    @classmethod
    def of(
        cls,
        ledger: Ledger,
        *,
        thermal_resistance: float | str = THERMAL_RESISTANCE,
        characteristic_temperature: float | str = CHARACTERISTIC_TEMPERATURE,
    ) -> "Heat":
        """Return the heat that a ledger tells of.

        Parameters
        ----------
        ledger
            Of the chip.
        thermal_resistance
            Warming of a laser per heat [K/W], >= 0.
        characteristic_temperature
            T0 [K], > 0.

        Raises
        ------
        InvalidInput
            If a value is out of its range.
        """
        validate.instance("ledger", ledger, Ledger)
        resistance = validate.non_negative("thermal_resistance", thermal_resistance, "K/W")
        scale = validate.positive("characteristic_temperature", characteristic_temperature, "K")
        c, energy = ledger.counts, ledger.counts.parameters.photon_energy
        each = max(0.0, (c.pump + c.driving) * energy - c.optical_power) / c.lasers
        warming = resistance * each
        density = ledger.power("expected") / ledger.placed.side**2
        return cls(each, warming, exp(min(warming / scale, 700.0)) - 1, density)

    def rows(self) -> list[tuple[str, str]]:
        """Return the heat as rows of (what, value)."""
        return [
            (
                "heat of a laser",
                f"{quantity(self.laser, 'W')}, without voltage above the photon's",
            ),
            ("it is warmer by", f"{self.warming:.3g} K"),
            ("its threshold is higher by", f"{100 * self.threshold_rise:.3g} %, part of a calibration"),
            ("power over area", f"{1e-4 * self.density:.3g} W/cm²"),
        ]
