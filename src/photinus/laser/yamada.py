"""Yamada's dimensionless model, and the way there and back.

With time in photon lifetimes (Yamada 1993, IEEE J. Quantum Electron. 29, 1330; in this form Dubbeldam
& Krauskopf 1999, Opt. Commun. 159, 325; map to a device: Nahmias et al. 2013)::

    dG/dt = γ_G (A - G - G I)     dQ/dt = γ_Q (B - Q - a Q I)     dI/dt = (G - Q - 1) I

    A = τ_ph g_g (P τ_g - N_g,tr)       B = τ_ph g_a N_a,tr       a = g_a τ_a / (g_g τ_g)
    γ_G = τ_ph/τ_g                      γ_Q = τ_ph/τ_a

The quiet state turns unstable at A = 1 + B, which is P τ_g = N_th.
"""

from dataclasses import dataclass

from photinus import _validate
from photinus.laser.parameters import LaserParameters


@dataclass(frozen=True, kw_only=True, slots=True)
class Yamada:
    """The dimensionless parameters of a pumped laser with saturable absorber."""

    A: float
    """Pump; may be negative below transparency."""
    B: float
    """Unsaturated absorption, in units of the cavity loss, >= 0."""
    a: float
    """Ratio of the saturation intensities of gain and absorber, > 0."""
    gamma_G: float
    """γ_G, photon lifetime over gain lifetime, > 0."""
    gamma_Q: float
    """γ_Q, photon lifetime over absorber lifetime, > 0."""

    def __post_init__(self) -> None:
        _validate.number("A", self.A)
        _validate.non_negative("B", self.B)
        for name in ("a", "gamma_G", "gamma_Q"):
            _validate.positive(name, getattr(self, name))

    @property
    def threshold(self) -> float:
        """Pump A at which the quiet state turns unstable, 1 + B."""
        return 1.0 + self.B

    @classmethod
    def from_laser(cls, parameters: LaserParameters, pump: float) -> "Yamada":
        """Return the dimensionless form of a laser at a pump rate [carriers/s]."""
        p = parameters
        pump = _validate.non_negative("pump", pump, "carriers/s")
        return cls(
            A=p.photon_lifetime
            * p.gain_coefficient
            * (pump * p.gain_lifetime - p.gain_transparency),
            B=p.photon_lifetime * p.absorber_coefficient * p.absorber_transparency,
            a=p.absorber_coefficient * p.absorber_lifetime / (p.gain_coefficient * p.gain_lifetime),
            gamma_G=p.photon_lifetime / p.gain_lifetime,
            gamma_Q=p.photon_lifetime / p.absorber_lifetime,
        )

    def to_laser(
        self,
        *,
        photon_lifetime: float,
        gain_coefficient: float,
        gain_transparency: float,
        **others: object,
    ) -> tuple[LaserParameters, float]:
        """Return a laser with these dimensionless parameters, and its pump rate [carriers/s].

        Parameters
        ----------
        photon_lifetime : float [s]
            Sets the unit of time.
        gain_coefficient : float [1/s]
            Modal gain per carrier; sets the unit of the photon number, 1/(g_g τ_g).
        gain_transparency : float [carriers]
            Carriers at transparency, which the dimensionless model does not know.
        others
            Further fields of `LaserParameters` (name, wavelength, noise, efficiencies).

        Raises
        ------
        InvalidInput
            If a value is out of range, or the pump would have to be negative.
        """
        tau = _validate.positive("photon_lifetime", photon_lifetime, "s")
        gain = _validate.positive("gain_coefficient", gain_coefficient, "1/s")
        gain_lifetime, absorber_lifetime = tau / self.gamma_G, tau / self.gamma_Q
        absorber = self.a * gain * gain_lifetime / absorber_lifetime
        parameters = LaserParameters(
            photon_lifetime=tau,
            gain_lifetime=gain_lifetime,
            absorber_lifetime=absorber_lifetime,
            gain_coefficient=gain,
            absorber_coefficient=absorber,
            gain_transparency=gain_transparency,
            absorber_transparency=self.B / (tau * absorber),
            **others,  # type: ignore[arg-type]
        )
        pump = (self.A / (tau * gain) + gain_transparency) / gain_lifetime
        return parameters, _validate.non_negative("pump", pump, "carriers/s")
