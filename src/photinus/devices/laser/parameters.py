"""The parameters of a two-section nanolaser, its presets, and what follows from them.

The equations (Itô, |E|² = S is the photon number)::

    G = g_g (N_g - N_g,tr)/(1 + ε S)     A = g_a (N_a - N_a,tr)     R = g_g N_g + g_a N_a     κ = 1/τ_ph
    dE   = ½ (G + A - κ) E dt + sqrt(R/2) (dW1 + i dW2)
    dN_g = (P - N_g/τ_g - G S) dt - (g_g N_g/R) dB + shot and pump noise
    dN_a = (-N_a/τ_a - A S) dt    - (g_a N_a/R) dB,      dB = 2 sqrt(R/2) Re(E* (dW1 + i dW2))

are the two-section rate equations with saturable absorber (Yamada 1993, IEEE J. Quantum Electron.
29, 1330; with densities instead of numbers: Nahmias et al. 2013, IEEE J. Sel. Top. Quantum
Electron. 19, 1800212) with a Langevin field. R is the spontaneous emission into the mode;
Einstein's relation ties it to the gain, so the noise is not a free knob. Its carriers are part of
N_g/τ_g and N_a/τ_a, the total decay, which cannot be slower. So g_g τ_g <= 1 and g_a τ_a <= 1. Here dB
are the photons that the noise brings beyond their mean. They are missing where they were emitted
(McKinstrie 2020, J. Opt. Soc. Am. B 37, 1333). ``docs/explanation/noise.md`` compares with the exact
process.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import pi
from typing import Any, ClassVar, TypeGuard

from photinus._core import files, hush, validate
from photinus._core.display import Displayed
from photinus._core.records import RARE, changed, document_of, fields_from, settle
from photinus.devices.laser import measured
from photinus.devices.laser.driver import Driver
from photinus.errors import AssumptionWarning, InvalidInput
from photinus.units import Allowed, elementary_charge, ns, planck_constant, ps, speed_of_light

KIND = "laser-parameters"
PLAUSIBLE = {
    "wavelength": Allowed("m", 100e-9, 20e-6),
    "photon_lifetime": Allowed("s", 0.1e-12, 1e-9, 4e-12),
    "gain_lifetime": Allowed("s", 1e-12, 100e-9, 1e-9),
    "absorber_lifetime": Allowed("s", 0.1e-12, 100e-9, 20e-12),
    "gain_coefficient": Allowed("1/s", 1e2, 1e12),
    "absorber_coefficient": Allowed("1/s", 1e2, 1e12),
    "gain_transparency": Allowed("carriers", 0.0, 1e10),
    "absorber_transparency": Allowed("carriers", 0.0, 1e10),
    "pump_noise": Allowed("carriers", 0.0, 1e9),
    "pump_efficiency": Allowed("", 1e-12, 1.0),
    "output_efficiency": Allowed("", 1e-12, 1.0),
    "driver_knee": Allowed("A", 0.0, 1.0),
    "driver_softness": Allowed("A", 0.0, 1.0),
    "gain_compression": Allowed("", 0.0, 1.0),
}
"""Values that a laser can have, with a factor of ten or more on either side. They go from the smallest
cavities and fastest carriers that theory talks of to large lasers. The lower end of the efficiencies is
what `photinus.networks.imperfections` gives a dead laser."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class LaserParameters(Displayed):
    """A nanolaser with a gain section and a saturable absorber; every quantity in SI, or with a unit.

    A text with a unit is taken in place of a number: ``photon_lifetime="4 ps"``.

    There is no linewidth enhancement factor. It turns only the phase of the field, and neither the
    photon number nor the law of the noise depends on the phase.

    Raises
    ------
    InvalidInput
        If a value is outside its range or, unless `forced`, not plausible (`PLAUSIBLE`). Also if a
        section would emit more into the mode than it decays.

    Examples
    --------
    >>> from photinus import LaserParameters
    >>> laser = LaserParameters.preset("fast-absorber")
    >>> round(laser.threshold_carriers)
    62500
    >>> LaserParameters.presets()[:2], LaserParameters.from_dict(laser.to_dict()) == laser
    (('fast-absorber', 'slow-absorber'), True)
    >>> f"{laser.output_power(2900):.1e} W"
    '9.3e-05 W'
    """

    device: ClassVar[str] = "laser"
    """Kind of neuron, see `photinus.devices`."""
    name: str = "custom"
    """What to call the device."""
    wavelength: float = 1.55e-6
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
    driver_knee: float = field(default=0.0, metadata=RARE)
    """Idle current of a driver that bends [A], >= 0; see `photinus.devices.laser.driver`."""
    driver_softness: float = field(default=0.0, metadata=RARE)
    """Width of its knee [A], >= 0; without both the pump current is what the driver is given."""
    gain_compression: float = field(default=0.0, metadata=RARE)
    """ε, per photon, >= 0: bright light burns a hole into the gain, which is half as large at 1/ε
    photons. Spontaneous emission is left as it is: it counts where light is faint."""
    forced: bool = field(default=False, compare=False, metadata=RARE)
    """Whether values that are possible and not plausible are taken."""

    def __post_init__(self) -> None:
        if not isinstance(self.forced, bool):
            raise InvalidInput(f"forced must be True or False, got {self.forced!r}")
        for name, plausible in PLAUSIBLE.items():
            positive = plausible.low > 0
            check = validate.positive if positive else validate.non_negative
            value = check(name, getattr(self, name), plausible.unit)
            if name.endswith("_efficiency") and value > 1:
                raise InvalidInput(f"{name} must be at most 1, got {value:g}")
            settle(self, **{name: value if self.forced else plausible.check(name, value)})
        for section in ("gain", "absorber"):
            product = getattr(self, f"{section}_coefficient") * getattr(self, f"{section}_lifetime")
            if product > 1:
                raise InvalidInput(
                    f"{section}_coefficient times {section}_lifetime must be at most 1 (it is the "
                    f"part of the decay that emits into the mode), got {product:g}"
                )
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
            pump noise to fire at random. "vcsel-sa": a large laser, Nahmias et al. 2013.
            "high-beta": few carriers, much of their emission into the mode; the fastest sampler of
            those that ``docs/results/explorer.md`` looks at. "straight": the default one behind a
            driver that makes its log-odds straight, for machines with low biases.
        **changes
            New values, as in `replace`.

        Raises
        ------
        InvalidInput
            For an unknown preset or parameter, or a value outside its range.
        """
        validate.one_of("preset", name, _BY_NAME)
        return _BY_NAME[name].replace(**changes) if changes else _BY_NAME[name]

    @staticmethod
    def presets() -> tuple[str, ...]:
        """Return the names of the presets."""
        return tuple(_BY_NAME)

    @classmethod
    def from_measured(cls, **known: Any) -> "LaserParameters":
        """Return the laser that follows from what is known of it, in SI or as texts with a unit.

        ``from_measured(quality=5000, beta=0.05, threshold_current="8 uA")``. What nothing follows for
        is assumed, as `photinus.devices.laser.measured.ASSUMED` says, and a warning names it.

        Parameters
        ----------
        **known
            Quantities of `photinus.devices.laser.measured.QUANTITIES`: Q, β, currents, lifetimes,
            volumes, densities … Any other field of this class is taken as it is.

        Raises
        ------
        InvalidInput
            For an unknown name, a value outside its range, or values that contradict each other.

        Examples
        --------
        >>> import warnings
        >>> from photinus.devices.laser import LaserParameters
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     laser = LaserParameters.from_measured(quality=5000, threshold_current="20 uA")
        >>> round(laser.threshold_current * 1e6)
        20
        """
        own = {f.name for f in fields(cls)} - set(measured.QUANTITIES)
        for name in known:
            validate.one_of("quantity of a laser", name, [*measured.QUANTITIES, *sorted(own)])
        found = measured.derive({name: value for name, value in known.items() if name not in own})
        if found.assumed:
            hush.tell(found.told(), AssumptionWarning)
        kept = {name: value for name, value in known.items() if name in own}
        return cls(**{**found.coefficients, **kept})

    def replace(self, **changes: Any) -> "LaserParameters":
        """Return a copy with some values changed; a changed preset is "custom" unless named.

        Raises
        ------
        InvalidInput
            For an unknown parameter or a value outside its range.
        """
        return changed(self, changes, entry="laser parameter", presets=_BY_NAME)

    def to_dict(self) -> dict[str, Any]:
        """Return the values for JSON, with a schema number; `forced` only if it is."""
        return document_of(self, KIND)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "LaserParameters":
        """Return the parameters that `to_dict` wrote.

        Raises
        ------
        InvalidInput
            For an unknown or missing entry, or another schema.
        """
        return cls(
            **fields_from(
                cls,
                values,
                what="laser parameters",
                entry="laser parameter",
                schema=files.SCHEMAS[KIND],
            )
        )

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
        """Energy of one photon, h c / λ [J]."""
        return planck_constant * speed_of_light / self.wavelength

    @property
    def spontaneous_emission_factor(self) -> float:
        """β = g_g τ_g, part of the decay of the gain carriers that emits into the mode."""
        return self.gain_coefficient * self.gain_lifetime

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

    @property
    def driver(self) -> Driver:
        """The driver, as it bends pump rates [carriers/s]."""
        return Driver(self.driver_knee, self.driver_softness).scaled(
            self.pump_efficiency / elementary_charge
        )

    def current(self, pump: float) -> float:
        """Return the current I = q P / η_i [A] of a pump rate P [carriers/s]."""
        pump = validate.non_negative("pump", pump, "carriers/s")
        return pump * elementary_charge / self.pump_efficiency

    def pump_rate(self, current: float) -> float:
        """Return the pump rate P = η_i I / q [carriers/s] of a current I [A]."""
        current = validate.non_negative("current", current, "A")
        return current * self.pump_efficiency / elementary_charge

    def output_power(self, photons: float) -> float:
        """Return the useful power η_o κ S h c / λ [W] at S photons in the cavity."""
        photons = validate.non_negative("photons", photons)
        return self.output_efficiency * self.cavity_loss_rate * photons * self.photon_energy


def _vcsel_with_absorber() -> LaserParameters:
    """Return the VCSEL of Nahmias et al. 2013, table I, from densities to numbers of carriers.

    A density equation ``dn/dt = -Γ g (n - n_0) S / V`` becomes one of numbers N = n V. The coefficient
    is Γ g / V and the transparency n_0 V. Their spontaneous emission β B n² is replaced by Einstein's
    relation, as for every laser here.
    """
    volume = 2.4e-18  # [m³], the same for both sections
    gain_confinement, absorber_confinement = 0.06, 0.05
    differential_gain, differential_absorption = 2.9e-12, 14.5e-12  # [m³/s]
    gain_density, absorber_density = 1.1e24, 0.89e24  # at transparency [1/m³]
    return LaserParameters(
        name="vcsel-sa",
        wavelength=0.85e-6,
        photon_lifetime=4.8 * ps,
        gain_lifetime=1 * ns,
        absorber_lifetime=100 * ps,
        gain_coefficient=gain_confinement * differential_gain / volume,
        absorber_coefficient=absorber_confinement * differential_absorption / volume,
        gain_transparency=gain_density * volume,
        absorber_transparency=absorber_density * volume,
        output_efficiency=0.4,
    )


_BY_NAME = {
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
    # Near one of the fastest devices of studies/explorer.py, in round numbers; nobody has made it. 2000
    # carriers at transparency are a gain section of 0.002 µm³ at 1e18 carriers per cm³.
    "high-beta": LaserParameters(
        name="high-beta",
        photon_lifetime=2.3 * ps,
        gain_lifetime=0.37 * ns,
        absorber_lifetime=6 * ps,
        gain_coefficient=2.16e8,
        absorber_coefficient=1.85e9,
        gain_transparency=2_000,
        absorber_transparency=600,
        pump_noise=500,
    ),
}
# Its driver was fitted: photinus calibrate fast-absorber --straight --reach 2
_BY_NAME["straight"] = _BY_NAME["fast-absorber"].replace(
    name="straight",
    driver_knee=1.0290948595063022e-05,
    driver_softness=1.6735380342216385e-06,
)

LASER_PRESETS = tuple(_BY_NAME)
"""Names of the lasers that ship, the default first."""
PRESETS = LASER_PRESETS
"""Their name in version 0.1."""


def is_laser(parameters: Any) -> TypeGuard[LaserParameters]:
    """Return whether these are a laser's, for what only light has: currents, counts, chips."""
    return isinstance(parameters, LaserParameters)
