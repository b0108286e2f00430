"""From what a laboratory knows of a laser to the coefficients of its rate equations.

A data sheet has Q, β and a threshold current where `photinus.devices.laser.parameters` has lifetimes,
coefficients and numbers of carriers. These relations tie them together; all but the last are products::

    Q = 2π c τ_ph/λ         β = g_g τ_g              g_a/g_g         N_g,tr/N_th
    B = τ_ph g_a N_a,tr     a = g_a τ_a/(g_g τ_g)    I_th = q N_th/(η_i τ_g)
    N_g,tr = n_g V_g        N_a,tr = n_a V_a         I_tr = q N_g,tr/(η_i τ_g)
    g_g = Γ_g (c/n_gr) a_g/V_g                       g_a = Γ_a (c/n_gr) a_a/V_a
    dP/dI = η_i η_o h c/(λ q)                        N_th = N_g,tr + (1 + B)/(τ_ph g_g)

The slope dP/dI is that of light against current above threshold, where each further carrier becomes a
photon. Densities and volumes are those of Nahmias et al. 2013 (IEEE J. Sel. Top. Quantum Electron. 19,
1800212), with a differential gain per area and the group index, as in Coldren & Corzine, Diode Lasers
and Photonic Integrated Circuits, ch. 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log, pi
from typing import Any, NamedTuple

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.errors import InvalidInput
from photinus.units import (
    elementary_charge,
    ns,
    planck_constant,
    ps,
    quantity,
    speed_of_light,
)


class Known(NamedTuple):
    """A quantity that can be known of a laser."""

    unit: str
    """SI unit, as in `photinus.units.parse`."""
    meaning: str
    """What it is, in a few words."""
    example: str
    """A value with its unit, as people write it."""


QUANTITIES = {
    "wavelength": Known("m", "vacuum wavelength λ", "1550 nm"),
    "quality": Known("", "quality factor Q of the cold cavity, absorber not counted", "5000"),
    "photon_lifetime": Known("s", "lifetime τ_ph of a photon in the cold cavity", "4 ps"),
    "gain_lifetime": Known("s", "carrier lifetime τ_g in the gain section", "1 ns"),
    "absorber_lifetime": Known("s", "carrier lifetime τ_a in the absorber", "20 ps"),
    "beta": Known("", "part β of the gain carriers' decay that emits into the mode", "0.01"),
    "gain_coefficient": Known("1/s", "modal gain g_g per carrier of the gain section", "1e7 1/s"),
    "absorber_coefficient": Known("1/s", "modal gain g_a per carrier of the absorber", "1.25e8 1/s"),
    "gain_ratio": Known("", "g_a over g_g", "12.5"),
    "saturation_ratio": Known(
        "", "a = g_a τ_a/(g_g τ_g), how much earlier the absorber saturates", "0.25"
    ),
    "absorber_loss": Known("", "loss B of the unbleached absorber over the loss of the cavity", "1"),
    "threshold_carriers": Known("carriers", "carriers N_th at threshold", "62500"),
    "threshold_current": Known(
        "A", "current that holds N_th without light, absorber unbleached", "10 uA"
    ),
    "gain_transparency": Known(
        "carriers", "carriers N_g,tr at which the gain section is transparent", "12500"
    ),
    "transparency_current": Known("A", "current that makes the gain section transparent", "2 uA"),
    "transparency_share": Known("", "N_g,tr over N_th", "0.2"),
    "absorber_transparency": Known(
        "carriers", "carriers N_a,tr at which the absorber is transparent", "2000"
    ),
    "pump_efficiency": Known("", "carriers per electron of the pump current, η_i", "0.8"),
    "output_efficiency": Known("", "part of the cavity's loss that is useful light, η_o", "0.5"),
    "slope_efficiency": Known("W/A", "slope of light against current, well above threshold", "0.2 W/A"),
    "gain_volume": Known("m³", "active volume V_g of the gain section", "0.02 um3"),
    "absorber_volume": Known("m³", "active volume V_a of the absorber", "0.005 um3"),
    "gain_density": Known(
        "1/m³", "carriers per volume at which the gain section is transparent", "1e18 cm^-3"
    ),
    "absorber_density": Known(
        "1/m³", "carriers per volume at which the absorber is transparent", "1e18 cm^-3"
    ),
    "differential_gain": Known(
        "m²", "differential gain a_g of the gain section's material", "8e-16 cm2"
    ),
    "differential_absorption": Known(
        "m²", "differential gain a_a of the absorber's material", "2e-15 cm2"
    ),
    "gain_confinement": Known("", "confinement Γ_g of the mode in the gain section", "0.3"),
    "absorber_confinement": Known("", "confinement Γ_a of the mode in the absorber", "0.1"),
    "group_index": Known("", "group index of the mode, for the two above", "4"),
}
"""What can be known of a laser, by name."""
COEFFICIENTS = (
    "wavelength",
    "photon_lifetime",
    "gain_lifetime",
    "absorber_lifetime",
    "gain_coefficient",
    "absorber_coefficient",
    "gain_transparency",
    "absorber_transparency",
    "pump_efficiency",
    "output_efficiency",
)
"""What the rate equations need of them: fields of `LaserParameters`."""
ASSUMED = {
    "wavelength": 1.55e-6,
    "photon_lifetime": 4 * ps,
    "pump_efficiency": 1.0,
    "gain_lifetime": 1 * ns,
    "absorber_lifetime": 20 * ps,
    "beta": 0.01,
    "absorber_loss": 1.0,
    "gain_ratio": 12.5,
    "transparency_share": 0.2,
    "output_efficiency": 1.0,
}
"""What is assumed where nothing is known, in this order: the preset "fast-absorber" in ratios that do
not depend on a laser's size."""
SHARES = ("pump_efficiency", "output_efficiency", "beta", "transparency_share")
"""Quantities of at most 1."""
AGREEMENT = 0.01
"""By how much two ways to the same quantity may differ, as a share of it."""


class _Product:
    """A relation ``constant × Π quantity^exponent = 1``."""

    def __init__(self, constant: float, above: str, below: str) -> None:
        self.constant = constant
        self.exponents = dict.fromkeys(above.split(), 1) | dict.fromkeys(below.split(), -1)
        self.names = tuple(self.exponents)

    def solve(self, name: str, values: Mapping[str, float]) -> float:
        """Return the one quantity that is missing."""
        rest = log(self.constant)
        rest += sum(power * log(values[n]) for n, power in self.exponents.items() if n != name)
        return exp(-rest * self.exponents[name])


class _Balance:
    """N_th - N_g,tr = (1 + B)/(τ_ph g_g), with N_g,tr in carriers or as a share of N_th."""

    def __init__(self, transparency: str) -> None:
        self.names = (
            "threshold_carriers",
            transparency,
            "absorber_loss",
            "photon_lifetime",
            "gain_coefficient",
        )

    def solve(self, name: str, values: Mapping[str, float]) -> float:
        """Return the one quantity that is missing; below zero where the others leave no room."""
        threshold, transparency, loss, lifetime, gain = (values.get(n, 1.0) for n in self.names)
        shared = self.names[1] == "transparency_share"
        room = (1 + loss) / (lifetime * gain)
        above = threshold * (1 - transparency) if shared else threshold - transparency
        if name == "threshold_carriers":
            return room / (1 - transparency) if shared else room + transparency
        if name == self.names[1]:
            return 1 - room / threshold if shared else threshold - room
        if name == "absorber_loss":
            return above * lifetime * gain - 1
        return (1 + loss) / (above * lifetime * gain)  # the missing one of the two counts as 1


_RELATIONS: tuple[_Product | _Balance, ...] = (
    _Product(2 * pi * speed_of_light, "photon_lifetime", "wavelength quality"),
    _Product(1.0, "gain_coefficient gain_lifetime", "beta"),
    _Product(
        elementary_charge, "threshold_carriers", "pump_efficiency gain_lifetime threshold_current"
    ),
    _Product(
        elementary_charge, "gain_transparency", "pump_efficiency gain_lifetime transparency_current"
    ),
    _Product(1.0, "photon_lifetime absorber_coefficient absorber_transparency", "absorber_loss"),
    _Product(1.0, "absorber_coefficient", "gain_coefficient gain_ratio"),
    _Product(1.0, "gain_ratio absorber_lifetime", "gain_lifetime saturation_ratio"),
    _Product(1.0, "gain_transparency", "threshold_carriers transparency_share"),
    _Product(1.0, "gain_density gain_volume", "gain_transparency"),
    _Product(1.0, "absorber_density absorber_volume", "absorber_transparency"),
    _Product(
        planck_constant * speed_of_light / elementary_charge,
        "pump_efficiency output_efficiency",
        "wavelength slope_efficiency",
    ),
    _Product(
        speed_of_light,
        "gain_confinement differential_gain",
        "group_index gain_volume gain_coefficient",
    ),
    _Product(
        speed_of_light,
        "absorber_confinement differential_absorption",
        "group_index absorber_volume absorber_coefficient",
    ),
    _Balance("gain_transparency"),
    _Balance("transparency_share"),
)


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Derivation(Displayed):
    """What follows from what is known of a laser, and what had to be assumed."""

    values: Mapping[str, float] = field(hash=False)
    """Every quantity that is known in the end, name → value in SI."""
    sources: Mapping[str, frozenset[str]] = field(hash=False)
    """Name → the given and assumed quantities that it follows from."""
    given: frozenset[str]
    """Names of what was given."""
    assumed: tuple[str, ...]
    """Names of what was assumed, in the order of `ASSUMED`."""

    @property
    def coefficients(self) -> dict[str, float]:
        """The fields of `LaserParameters` that follow."""
        return {name: self.values[name] for name in COEFFICIENTS}

    def told(self) -> str:
        """Return what was assumed, in one sentence."""
        shown = [f"{name} {_shown(name, self.values[name])}" for name in self.assumed]
        return f"nothing given says {_listed(shown)}: assumed"

    def origin(self, name: str) -> str:
        """Return "given", "assumed", or what the quantity follows from."""
        if name in self.given:
            return "given"
        return "assumed" if name in self.assumed else "from " + ", ".join(sorted(self.sources[name]))


def derive(known: Mapping[str, Any]) -> Derivation:
    """Return all quantities of a laser that follow from the known ones.

    Parameters
    ----------
    known
        Quantities by the names in `QUANTITIES`, in SI or as texts with a unit.

    Raises
    ------
    InvalidInput
        For an unknown name, a value outside its range, values that contradict each other, or one
        that nothing can be made of.

    Examples
    --------
    >>> from photinus.devices.laser.measured import derive
    >>> found = derive({"quality": 5000, "beta": 0.05, "threshold_current": "8 uA"})
    >>> round(found.coefficients["gain_coefficient"])
    50000000
    """
    values = {name: _checked(name, value) for name, value in known.items()}
    sources = {name: frozenset({name}) for name in values}
    given = frozenset(values)
    assumed: list[str] = []
    for name, value in ASSUMED.items():
        if assumed or "wavelength" in values:  # nobody wants it to follow from Q and a lifetime
            _follow(values, sources)
        if name not in values and any(needed not in values for needed in COEFFICIENTS):
            values[name], sources[name] = value, frozenset({name})
            assumed.append(name)
    _follow(values, sources)
    _require_used(given, values)
    return Derivation(values=values, sources=sources, given=given, assumed=tuple(assumed))


def _checked(name: str, value: Any) -> float:
    """Return a known quantity as a number > 0 in SI; transparencies may be 0."""
    validate.one_of("quantity of a laser", name, QUANTITIES)
    unit = QUANTITIES[name].unit
    number = validate.positive(name, value, unit)
    if name in SHARES and number > 1:
        raise InvalidInput(f"{name} must be at most 1, got {number:g}")
    return number


def _follow(values: dict[str, float], sources: dict[str, frozenset[str]]) -> None:
    """Add what follows, until nothing more does."""
    waiting = list(_RELATIONS)
    while waiting:
        ready = [each for each in waiting if sum(name not in values for name in each.names) <= 1]
        if not ready:
            return
        relation = ready[0]
        waiting = [each for each in waiting if each is not relation]
        missing = [name for name in relation.names if name not in values]
        # Of a complete relation, what follows for its last quantity from the others must agree.
        name = missing[0] if missing else _latest(relation.names, sources)
        value = relation.solve(name, {n: values[n] for n in relation.names if n != name})
        others = frozenset().union(*(sources[n] for n in relation.names if n != name))
        if missing:
            values[name], sources[name] = _possible(name, value, values, others), others
        elif abs(value - values[name]) > AGREEMENT * values[name]:
            raise InvalidInput(
                f"{name} must agree with {_listed(others)}, from which {_shown(name, value)} follows, "
                f"got {_shown(name, values[name])}"
            )


def _latest(names: tuple[str, ...], sources: Mapping[str, frozenset[str]]) -> str:
    """Return a given quantity among `names` where there is one, to name in a message."""
    return next((name for name in names if sources[name] == {name}), names[-1])


def _possible(name: str, value: float, values: Mapping[str, float], others: frozenset[str]) -> float:
    """Return what follows for a quantity, unless no laser can have it."""
    if name in SHARES and value > 1:
        if value > 1 + 1e-9:
            raise InvalidInput(
                f"{name} must be at most 1, got {value:.3g}, which follows from {_listed(others)}"
            )
        return 1.0
    if value > 0:
        return value
    # Only the balance of gain and loss can leave less than nothing.
    loss = (1 + values.get("absorber_loss", 0.0)) / (
        values["photon_lifetime"] * values["gain_coefficient"]
    )
    bound = (loss + values.get("gain_transparency", 0.0)) / values["threshold_carriers"]
    told = "threshold_current" if "threshold_current" in values else "threshold_carriers"
    raise InvalidInput(
        f"{told} must be above {_shown(told, bound * values[told])} to overcome the losses that "
        f"follow from {_listed(others - {told})}, got {_shown(told, values[told])}; a larger beta "
        "or quality lowers that bound"
    )


def _require_used(given: frozenset[str], values: Mapping[str, float]) -> None:
    """Raise for a given quantity that no coefficient and no complete relation uses."""
    complete = [each.names for each in _RELATIONS if all(name in values for name in each.names)]
    for name in sorted(given - set(COEFFICIENTS)):
        if not any(name in names for names in complete):
            needed = [each.names for each in _RELATIONS if name in each.names]
            missing = min(([n for n in names if n not in values] for names in needed), key=len)
            raise InvalidInput(f"{name} says nothing alone: {_listed(missing)} must be given too")


def _listed(names: Any) -> str:
    *first, last = names if isinstance(names, list) else sorted(names)
    return f"{', '.join(first)} and {last}" if first else last


def _shown(name: str, value: float) -> str:
    unit = QUANTITIES[name].unit
    if unit in ("s", "m", "A"):
        return quantity(value, unit)
    return f"{value:.4g} {unit}".rstrip()
