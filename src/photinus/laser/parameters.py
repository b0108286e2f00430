"""The parameters of a two-section nanolaser, its presets, and what follows from them.

The equations (Itô, |E|² = S is the photon number)::

    G = g_g (N_g - N_g,tr)     A = g_a (N_a - N_a,tr)     R = g_g N_g + g_a N_a     κ = 1/τ_ph
    dE   = ½ (G + A - κ) E dt + sqrt(R/2) (dW1 + i dW2)
    dN_g = (P - N_g/τ_g - G S) dt + noise
    dN_a = (-N_a/τ_a - A S) dt

are the two-section rate equations with saturable absorber (Yamada 1993, IEEE J. Quantum Electron.
29, 1330; in numbers of carriers: Nahmias et al. 2013, IEEE J. Sel. Top. Quantum Electron. 19,
1800212) with a Langevin field. R is the spontaneous emission into the mode; Einstein's relation ties
it to the gain, so the noise is not a free knob. The linewidth enhancement factor is left out: it
turns only the phase of E, and neither |E|² nor the law of the noise depends on the phase.
"""

from dataclasses import asdict, dataclass, fields, replace
from math import pi
from typing import Any

from photinus import _validate
from photinus.errors import InvalidInput
from photinus.units import (
    elementary_charge,
    nm,
    ns,
    planck_constant,
    ps,
    speed_of_light,
)

SCHEMA = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class LaserParameters:
    """A nanolaser with a gain section and a saturable absorber; every quantity in SI.

    Raises
    ------
    InvalidInput
        If a value is outside its range.

    Examples
    --------
    >>> laser = LaserParameters.preset("fast-absorber")
    >>> round(laser.threshold_carriers)
    62500
    """

    name: str = "custom"
    """What to call the device."""
    wavelength: float = 1550 * nm
    """λ, vacuum wavelength of the mode [m], > 0."""
    photon_lifetime: float
    """τ_ph = 1/κ, lifetime of a photon in the cold cavity [s], > 0."""
    gain_lifetime: float
    """τ_g, carrier lifetime in the gain section [s], > 0."""
    absorber_lifetime: float
    """τ_a, carrier lifetime in the saturable absorber [s], > 0."""
    gain_coefficient: float
    """g_g, modal gain per carrier in the gain section [1/s], > 0."""
    absorber_coefficient: float
    """g_a, modal gain per carrier in the absorber [1/s], > 0."""
    gain_transparency: float
    """N_g,tr, carriers at which the gain section is transparent, >= 0."""
    absorber_transparency: float
    """N_a,tr, carriers at which the absorber is transparent (bleached), >= 0."""
    pump_noise: float = 0.0
    """σ_N, standard deviation that white pump noise alone would give N_g [carriers], >= 0."""
    carrier_noise: bool = True
    """Whether pumping and decay of the gain carriers carry shot noise."""
    pump_efficiency: float = 1.0
    """η_i, carriers in the gain section per electron of the pump current, in (0, 1]."""
    output_efficiency: float = 1.0
    """η_o, part of the cavity loss that leaves as useful light, in (0, 1]."""

    def __post_init__(self) -> None:
        for name in (
            "wavelength",
            "photon_lifetime",
            "gain_lifetime",
            "absorber_lifetime",
            "gain_coefficient",
            "absorber_coefficient",
        ):
            unit = "m" if name == "wavelength" else "s" if name.endswith("lifetime") else "1/s"
            object.__setattr__(self, name, _validate.positive(name, getattr(self, name), unit))
        for name in ("gain_transparency", "absorber_transparency", "pump_noise"):
            value = _validate.non_negative(name, getattr(self, name), "carriers")
            object.__setattr__(self, name, value)
        for name in ("pump_efficiency", "output_efficiency"):
            value = _validate.positive(name, getattr(self, name))
            if value > 1:
                raise InvalidInput(f"{name} must be at most 1, got {value:g}")
            object.__setattr__(self, name, value)
        if not isinstance(self.carrier_noise, bool):
            raise InvalidInput(f"carrier_noise must be True or False, got {self.carrier_noise!r}")
        if not isinstance(self.name, str):
            raise InvalidInput(f"name must be a string, got {self.name!r}")

    @classmethod
    def preset(cls, name: str = "fast-absorber", **changes: Any) -> "LaserParameters":
        """Return a preset, with some values changed: ``preset("slow-absorber", pump_noise=0)``.

        Parameters
        ----------
        name
            "fast-absorber" (default): fires by spontaneous emission alone. "slow-absorber": needs
            pump noise to fire at random. "vcsel-sa": Nahmias et al. 2013.
        """
        _validate.one_of("preset", name, _PRESETS)
        return _PRESETS[name].replace(**changes) if changes else _PRESETS[name]

    @staticmethod
    def presets() -> tuple[str, ...]:
        """Return the names of the presets."""
        return tuple(_PRESETS)

    def replace(self, **changes: Any) -> "LaserParameters":
        """Return a copy with some values changed."""
        for name in changes:
            _validate.one_of("laser parameter", name, [f.name for f in fields(self)])
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the values for JSON, with a schema number."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "LaserParameters":
        """Return the parameters that `to_dict` wrote.

        Raises
        ------
        InvalidInput
            For an unknown or missing entry, or a newer schema.
        """
        entries = dict(values)
        schema = entries.pop("schema", SCHEMA)
        if schema != SCHEMA:
            raise InvalidInput(f"schema of laser parameters must be {SCHEMA}, got {schema!r}")
        names = [f.name for f in fields(cls)]
        for name in entries:
            _validate.one_of("laser parameter", name, names)
        try:
            return cls(**entries)
        except TypeError as error:
            raise InvalidInput(f"laser parameters are incomplete: {error}") from None

    @property
    def cavity_loss_rate(self) -> float:
        """κ = 1/τ_ph [1/s]."""
        return 1.0 / self.photon_lifetime

    @property
    def quality_factor(self) -> float:
        """Q = 2π c τ_ph / λ, of the cold cavity."""
        return 2 * pi * speed_of_light * self.photon_lifetime / self.wavelength

    @property
    def photon_energy(self) -> float:
        """h c / λ [J]."""
        return planck_constant * speed_of_light / self.wavelength

    @property
    def threshold_carriers(self) -> float:
        """N_th = N_g,tr + (κ + g_a N_a,tr)/g_g: gain balances loss and unbleached absorber."""
        loss = self.cavity_loss_rate + self.absorber_coefficient * self.absorber_transparency
        return self.gain_transparency + loss / self.gain_coefficient

    @property
    def threshold_current(self) -> float:
        """Current that keeps N_th without light, q N_th / (η_i τ_g) [A]."""
        return self.current(self.threshold_carriers / self.gain_lifetime)

    @property
    def absorber_saturation_photons(self) -> float:
        """1/(g_a τ_a), photon number that half bleaches the absorber in the steady state."""
        return 1.0 / (self.absorber_coefficient * self.absorber_lifetime)

    def current(self, pump: float) -> float:
        """Return the current I = q P / η_i [A] of a pump rate P [carriers/s]."""
        return float(pump) * elementary_charge / self.pump_efficiency

    def pump_rate(self, current: float) -> float:
        """Return the pump rate P = η_i I / q [carriers/s] of a current [A]."""
        current = _validate.non_negative("current", current, "A")
        return current * self.pump_efficiency / elementary_charge


def _vcsel_with_absorber() -> LaserParameters:
    """Return Table I of Nahmias et al. 2013 (densities, m³), converted to numbers of carriers."""
    volume = 2.4e-18
    gain_confinement, absorber_confinement = 0.06, 0.05
    return LaserParameters(
        name="vcsel-sa",
        wavelength=850 * nm,
        photon_lifetime=4.8 * ps,
        gain_lifetime=1 * ns,
        absorber_lifetime=100 * ps,
        gain_coefficient=gain_confinement * 2.9e-12 / volume,
        absorber_coefficient=absorber_confinement * 14.5e-12 / volume,
        gain_transparency=1.1e24 * volume,
        absorber_transparency=0.89e24 * volume,
        output_efficiency=0.4,
    )


_PRESETS = {
    "fast-absorber": LaserParameters(
        name="fast-absorber",
        photon_lifetime=4 * ps,
        gain_lifetime=1 * ns,
        absorber_lifetime=20 * ps,
        gain_coefficient=1e7,
        absorber_coefficient=1.25e8,
        gain_transparency=12_500,
        absorber_transparency=2_000,
    ),
    "slow-absorber": LaserParameters(
        name="slow-absorber",
        photon_lifetime=4 * ps,
        gain_lifetime=2 * ns,
        absorber_lifetime=100 * ps,
        gain_coefficient=2e6,
        absorber_coefficient=4e7,
        gain_transparency=1e5,
        absorber_transparency=12_500,
        pump_noise=2e4,
    ),
    "vcsel-sa": _vcsel_with_absorber(),
}

PRESETS = tuple(_PRESETS)
"""Names of the presets, the default first."""
