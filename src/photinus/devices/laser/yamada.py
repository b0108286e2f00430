"""The dimensionless Yamada model: what a laser is, apart from its scales.

Time is in photon lifetimes. With the variables ``G = τ_ph g_g (N_g - N_g,tr)``,
``Q = τ_ph g_a (N_a,tr - N_a)`` and ``I = g_g τ_g S``, the rate equations of
`photinus.devices.laser.dynamics` become, exactly::

    dG/dt = γ_G (A - G - G I)
    dQ/dt = γ_Q (B - Q - a Q I)
    dI/dt = (G - Q - 1) I + ε         ε = g_g τ_g τ_ph R

This is the form of Dubbeldam & Krauskopf 1999 (Opt. Commun. 159, 325). The map of the parameters is
that of Nahmias et al. 2013 (IEEE J. Sel. Top. Quantum Electron. 19, 1800212), in numbers of carriers
instead of densities.
"""

from dataclasses import dataclass

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.records import settle
from photinus.devices.laser.parameters import LaserParameters


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Yamada(Displayed):
    """The five parameters of the Yamada model.

    Raises
    ------
    InvalidInput
        If a value is outside its range.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters, Yamada
    >>> laser = LaserParameters.preset("fast-absorber")
    >>> model = Yamada.from_laser(laser, laser.pump_rate(8e-6))
    >>> round(model.pump, 2), round(model.threshold, 2)
    (1.5, 2.0)
    >>> again, pump = model.to_laser(
    ...     photon_lifetime=laser.photon_lifetime,
    ...     gain_coefficient=laser.gain_coefficient,
    ...     gain_transparency=laser.gain_transparency,
    ... )
    >>> round(pump / laser.pump_rate(8e-6), 6)
    1.0
    """

    pump: float
    """A = τ_ph g_g (P τ_g - N_g,tr); negative below transparency."""
    absorption: float
    """B = τ_ph g_a N_a,tr, loss of the unbleached absorber over the cavity loss, >= 0."""
    saturation_ratio: float
    """a = g_a τ_a / (g_g τ_g), how much earlier the absorber saturates than the gain, > 0."""
    gain_rate: float
    """γ_G = τ_ph / τ_g, > 0."""
    absorber_rate: float
    """γ_Q = τ_ph / τ_a, > 0."""

    def __post_init__(self) -> None:
        settle(self, pump=validate.number("pump", self.pump))
        absorption = validate.non_negative("absorption", self.absorption)
        settle(self, absorption=absorption)
        for name in ("saturation_ratio", "gain_rate", "absorber_rate"):
            settle(self, **{name: validate.positive(name, getattr(self, name))})

    @property
    def threshold(self) -> float:
        """1 + B, the A at which P τ_g = N_th."""
        return 1 + self.absorption

    @classmethod
    def from_laser(cls, parameters: LaserParameters, pump: float) -> "Yamada":
        """Return the parameters of a laser at a pump P [carriers/s], >= 0."""
        validate.instance("parameters", parameters, LaserParameters)
        laser = parameters
        pump = validate.non_negative("pump", pump, "carriers/s")
        gain = laser.photon_lifetime * laser.gain_coefficient
        absorber = laser.photon_lifetime * laser.absorber_coefficient
        return cls(
            pump=gain * (pump * laser.gain_lifetime - laser.gain_transparency),
            absorption=absorber * laser.absorber_transparency,
            saturation_ratio=laser.absorber_coefficient
            * laser.absorber_lifetime
            / (laser.gain_coefficient * laser.gain_lifetime),
            gain_rate=laser.photon_lifetime / laser.gain_lifetime,
            absorber_rate=laser.photon_lifetime / laser.absorber_lifetime,
        )

    def to_laser(
        self, *, photon_lifetime: float, gain_coefficient: float, gain_transparency: float
    ) -> tuple[LaserParameters, float]:
        """Return a laser with these parameters, and its pump P [carriers/s].

        Five numbers leave three scales open.

        Parameters
        ----------
        photon_lifetime
            τ_ph [s], the unit of time.
        gain_coefficient
            g_g [1/s per carrier], the unit of carriers and photons: small for a large laser with
            little spontaneous emission.
        gain_transparency
            N_g,tr [carriers], the pump that A = 0 stands for.

        Raises
        ------
        InvalidInput
            If a scale is outside its range, or A is so low that the pump would be negative.
        """
        photon_lifetime = validate.positive("photon_lifetime", photon_lifetime, "s")
        gain_coefficient = validate.positive("gain_coefficient", gain_coefficient, "1/s")
        gain_lifetime = photon_lifetime / self.gain_rate
        absorber_lifetime = photon_lifetime / self.absorber_rate
        absorber_coefficient = (
            self.saturation_ratio * gain_coefficient * gain_lifetime / absorber_lifetime
        )
        laser = LaserParameters(
            photon_lifetime=photon_lifetime,
            gain_lifetime=gain_lifetime,
            absorber_lifetime=absorber_lifetime,
            gain_coefficient=gain_coefficient,
            absorber_coefficient=absorber_coefficient,
            gain_transparency=gain_transparency,
            absorber_transparency=self.absorption / (photon_lifetime * absorber_coefficient),
            forced=True,  # the model has no scales
        )
        carriers = self.pump / (photon_lifetime * gain_coefficient) + laser.gain_transparency
        pump = validate.non_negative("pump of the laser", carriers / gain_lifetime, "carriers/s")
        return laser, pump
