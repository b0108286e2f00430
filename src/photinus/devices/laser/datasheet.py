"""What a laser would have on its data sheet: `photinus.devices.laser.measured` the other way round.

Closed forms, the steady state above threshold, and one spike. A steady state of S photons has the
linewidth R/(4π S) of Schawlow and Townes (without linewidth enhancement, which no rate depends on).
Its relaxation oscillations are the least damped eigenvalues -γ ± i 2π f of the linearised equations.
"""

from dataclasses import dataclass
from math import isfinite, pi
from typing import NamedTuple

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.devices.laser.dynamics import (
    QuietState,
    instability_pump,
    lasing_pump,
    quiet_state,
)
from photinus.devices.laser.parameters import LaserParameters
from photinus.devices.laser.spiking import spike
from photinus.devices.laser.yamada import Yamada
from photinus.errors import NotConverged

LASING = 2.0
"""Current over threshold at which light and relaxation are told, unless another is given."""
ORDINARY_GAIN_RATIO = 3.0
"""An estimate of what one quantum well gives. Its gain is logarithmic in the carriers, so it is a few
times steeper in a section that is hardly pumped."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Datasheet(Displayed):
    """What a laser would have on its data sheet; quantities in SI.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters, datasheet
    >>> sheet = datasheet(LaserParameters.preset("fast-absorber"))
    >>> sheet.name, f"{sheet.wavelength * 1e9:.0f} nm"
    ('fast-absorber', '1550 nm')
    """

    name: str
    """The laser."""
    wavelength: float
    """λ [m]."""
    quality: float
    """Q of the cold cavity."""
    beta: float
    """Part of the decay of the gain carriers that emits into the mode."""
    threshold_current: float
    """[A], absorber unbleached."""
    transparency_current: float
    """[A], of the gain section."""
    slope_efficiency: float
    """[W/A], well above threshold."""
    gain_ratio: float
    """Modal gain per carrier in the absorber over that in the gain section."""
    yamada: Yamada
    """B, a and the rates of the Yamada model; A is that at `current`."""
    current: float
    """I at which the next four hold [A]."""
    power: float
    """Useful light at that current, in the steady state with the fewest photons [W]."""
    relaxation_frequency: float | None
    """f [Hz]; None where the state does not oscillate, or is not stable."""
    damping: float | None
    """γ [1/s]; None where the state is not stable."""
    linewidth: float | None
    """Full width at half maximum [Hz]; None where the state is not stable."""
    pulsing_current: float | None
    """Current above which the laser pulses by itself [A]; None if it never does."""
    pulse_width: float | None
    """Full width at half maximum of a spike [s]; None for a laser that does not spike."""
    pulse_energy: float | None
    """Useful light of a spike [J]; None for a laser that does not spike."""
    pulse_peak: float | None
    """Useful power at its peak [W]; None for a laser that does not spike."""

    @property
    def needs_other_material(self) -> bool:
        """Whether `gain_ratio` is beyond what one material gives in sections of one size.

        Then the absorber has to be of another material, or smaller than the gain section.
        """
        return self.gain_ratio > ORDINARY_GAIN_RATIO


def datasheet(parameters: LaserParameters, current: float | None = None) -> Datasheet:
    """Return what a laser would have on its data sheet.

    Parameters
    ----------
    parameters
        The laser.
    current
        Where light, relaxation and linewidth are told [A], >= 0. By default twice the threshold, or
        twice the current above which the laser stops pulsing and lases, if that is larger.

    Raises
    ------
    InvalidInput
        If the current is negative.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters, datasheet
    >>> sheet = datasheet(LaserParameters.preset("fast-absorber"))
    >>> f"{sheet.threshold_current * 1e6:.1f} µA, a spike of {sheet.pulse_energy * 1e15:.1f} fJ"
    '10.0 µA, a spike of 3.4 fJ'
    """
    validate.instance("parameters", parameters, LaserParameters)
    current = LASING * _lasing_current(parameters) if current is None else current
    pump = parameters.pump_rate(current)
    steady = quiet_state(parameters, pump)
    relaxation = _relaxation(parameters, steady)
    pulses = _pulses(parameters)
    return Datasheet(
        name=parameters.name,
        current=current,
        yamada=Yamada.from_laser(parameters, pump),
        power=parameters.output_power(steady.photons),
        wavelength=parameters.wavelength,
        quality=parameters.quality_factor,
        beta=parameters.spontaneous_emission_factor,
        threshold_current=parameters.threshold_current,
        transparency_current=parameters.current(
            parameters.gain_transparency / parameters.gain_lifetime
        ),
        # Each further carrier becomes a photon, and of its energy the part η_o is useful.
        slope_efficiency=parameters.output_efficiency
        * parameters.photon_energy
        / parameters.current(1.0),
        gain_ratio=parameters.absorber_coefficient / parameters.gain_coefficient,
        relaxation_frequency=relaxation.frequency,
        damping=relaxation.damping,
        linewidth=relaxation.linewidth,
        pulsing_current=pulses.current,
        pulse_width=pulses.width,
        pulse_energy=pulses.energy,
        pulse_peak=pulses.peak,
    )


def _lasing_current(parameters: LaserParameters) -> float:
    """Return the current above which the laser lases steadily [A]; threshold if it always pulses."""
    lasing = lasing_pump(parameters)
    current = parameters.current(lasing) if isfinite(lasing) else 0.0
    return max(current, parameters.threshold_current)


class _Relaxation(NamedTuple):
    """How a steady state oscillates [Hz], is damped [1/s], and its linewidth [Hz]."""

    frequency: float | None = None
    damping: float | None = None
    linewidth: float | None = None


class _Pulses(NamedTuple):
    """Where a laser pulses by itself [A], and width [s], energy [J] and peak [W] of its spike."""

    current: float | None = None
    width: float | None = None
    energy: float | None = None
    peak: float | None = None


def _relaxation(parameters: LaserParameters, steady: QuietState) -> _Relaxation:
    """Return how a steady state answers; nothing for one that is not stable."""
    if not steady.is_stable:
        return _Relaxation()
    slowest = steady.eigenvalues[0]
    emitted = parameters.gain_coefficient * steady.gain_carriers
    emitted += parameters.absorber_coefficient * steady.absorber_carriers
    return _Relaxation(
        frequency=float(abs(slowest.imag)) / (2 * pi) or None,
        damping=float(-slowest.real),
        linewidth=emitted / (4 * pi * steady.photons) if steady.photons else None,
    )


def _pulses(parameters: LaserParameters) -> _Pulses:
    """Return what is known of a laser's spikes."""
    try:
        current = parameters.current(instability_pump(parameters))
    except NotConverged:
        return _Pulses()
    try:
        one = spike(parameters)
    except NotConverged:
        return _Pulses(current)
    return _Pulses(current, one.width, one.optical_energy, one.peak_power)
