"""One laser without noise: quiet state, waveforms, the single spike and its books.

Mean-field rate equations of `photinus.laser.parameters`: the photon number S = ⟨|E|²⟩ obeys
``dS/dt = (G + A - κ) S + R`` by Itô's rule, carriers as there. The solvers work on log S, which
spans seven decades within a spike.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus import _validate
from photinus.errors import InvalidInput, NotConverged
from photinus.laser.parameters import LaserParameters

RELATIVE_TOLERANCE = 1e-9
SPIKE_EDGE = 0.01
"""A spike lasts while the photon number is above this fraction of its peak."""


@dataclass(frozen=True, slots=True, eq=False)
class QuietState:
    """Steady state of a laser that does not lase.

    Attributes
    ----------
    gain_carriers, absorber_carriers, photons : float
    eigenvalues : array (3,) of complex
        Of the linearised rate equations in (S, N_g, N_a) [1/s].
    """

    gain_carriers: float
    absorber_carriers: float
    photons: float
    eigenvalues: NDArray[np.complex128]

    @property
    def is_stable(self) -> bool:
        """Whether small disturbances die out."""
        return bool((self.eigenvalues.real < 0).all())


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """Photons and carriers over time, arrays (sample,); time in seconds."""

    time: NDArray[np.float64]
    photons: NDArray[np.float64]
    gain_carriers: NDArray[np.float64]
    absorber_carriers: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Spike:
    """One spike and its books, over the time that it is above 1 % of its peak.

    All numbers are exact counts of the rate equations; the books say
    gain carriers: `pumped` = `stored_gain` + `spontaneous` + `stimulated`;
    absorber carriers: `absorbed` = `stored_absorber` + `absorber_decay`;
    photons: `stimulated` + `spontaneous_emission` = `photons_emitted` + `absorbed` + `stored_photons`.
    """

    waveform: Waveform
    """From the excitation to the end of the simulated time; time 0 at the peak."""
    pump: float
    """Pump rate [carriers/s]."""
    start: float
    """Begin of the spike [s]."""
    stop: float
    """End of the spike [s]."""
    peak_photons: float
    """Largest photon number in the cavity."""
    width: float
    """Full width at half maximum of the photon number [s]."""
    photons_emitted: float
    """Photons lost from the cavity, κ ∫ S dt."""
    optical_energy: float
    """Useful light out, η_o h c/λ times `photons_emitted` [J]."""
    peak_power: float
    """Useful light at the peak [W]."""
    reset_carriers: float
    """Smallest number of gain carriers after the spike."""
    pumped: float
    """Carriers that the pump brought, P Δt."""
    spontaneous: float
    """Gain carriers lost to spontaneous decay, ∫ N_g/τ_g dt."""
    stimulated: float
    """Gain carriers lost to net stimulated emission, ∫ G S dt."""
    spontaneous_emission: float
    """Photons emitted spontaneously into the mode, ∫ R dt."""
    absorbed: float
    """Photons absorbed in the saturable absorber, -∫ A S dt."""
    absorber_decay: float
    """Absorber carriers lost to spontaneous decay, ∫ N_a/τ_a dt."""
    stored_gain: float
    """Change of the gain carriers."""
    stored_absorber: float
    """Change of the absorber carriers."""
    stored_photons: float
    """Change of the photon number."""

    @property
    def imbalance(self) -> float:
        """Largest relative error of the three books; the solver's accuracy."""
        books = (
            (self.pumped - self.stored_gain - self.spontaneous - self.stimulated, self.stimulated),
            (self.absorbed - self.stored_absorber - self.absorber_decay, self.absorbed),
            (
                self.stimulated
                + self.spontaneous_emission
                - self.photons_emitted
                - self.absorbed
                - self.stored_photons,
                self.photons_emitted,
            ),
        )
        return max(abs(error) / abs(size) for error, size in books)


def _steady_carriers(p: LaserParameters, pump: float, photons: float) -> tuple[float, float]:
    """Return (N_g, N_a) at which both sections are steady at a fixed photon number."""
    gs, as_ = p.gain_coefficient * photons, p.absorber_coefficient * photons
    gain = (pump + gs * p.gain_transparency) / (1 / p.gain_lifetime + gs)
    return gain, as_ * p.absorber_transparency / (1 / p.absorber_lifetime + as_)


def _net_and_noise(p: LaserParameters, gain: float, absorber: float) -> tuple[float, float]:
    """Return net gain G + A - κ and spontaneous emission R [1/s]."""
    net = (
        p.gain_coefficient * (gain - p.gain_transparency)
        + p.absorber_coefficient * (absorber - p.absorber_transparency)
        - p.cavity_loss_rate
    )
    return net, p.gain_coefficient * gain + p.absorber_coefficient * absorber


def _jacobian(p: LaserParameters, s: float, gain: float, absorber: float) -> NDArray[np.float64]:
    """Return the Jacobian of (dS, dN_g, dN_a)/dt by (S, N_g, N_a)."""
    net, _ = _net_and_noise(p, gain, absorber)
    gg, ga = p.gain_coefficient, p.absorber_coefficient
    return np.array(
        [
            [net, gg * (s + 1), ga * (s + 1)],
            [-gg * (gain - p.gain_transparency), -1 / p.gain_lifetime - gg * s, 0.0],
            [-ga * (absorber - p.absorber_transparency), 0.0, -1 / p.absorber_lifetime - ga * s],
        ]
    )


def quiet_state(parameters: LaserParameters, pump: float) -> QuietState:
    """Return the steady state with the fewest photons at a pump rate [carriers/s].

    Raises
    ------
    InvalidInput
        If the pump is negative.
    """
    from scipy.optimize import brentq

    pump = _validate.non_negative("pump", pump, "carriers/s")

    def balance(log_photons: float) -> float:
        photons = float(np.exp(log_photons))
        net, emission = _net_and_noise(parameters, *_steady_carriers(parameters, pump, photons))
        return net + emission / photons

    grid = np.linspace(np.log(1e-9), np.log(1e12), 2000)
    values = np.array([balance(x) for x in grid])
    falling = np.flatnonzero((values[:-1] > 0) & (values[1:] <= 0))
    if len(falling) == 0:  # without pump nothing is emitted at all
        photons = 0.0
    else:
        first = falling[0]
        photons = float(np.exp(brentq(balance, grid[first], grid[first + 1], xtol=1e-14)))
    gain, absorber = _steady_carriers(parameters, pump, photons)
    eigenvalues = np.linalg.eigvals(_jacobian(parameters, photons, gain, absorber))
    return QuietState(gain, absorber, photons, eigenvalues.astype(np.complex128))


def instability_pump(parameters: LaserParameters) -> float:
    """Return the pump rate at which the quiet state loses stability [carriers/s].

    Raises
    ------
    NotConverged
        If it is stable up to ten times the threshold: the device cannot pulse by itself.
    """
    from scipy.optimize import brentq

    unit = parameters.threshold_carriers / parameters.gain_lifetime

    def growth(x: float) -> float:
        return float(quiet_state(parameters, x * unit).eigenvalues.real.max())

    grid = np.geomspace(0.3, 10, 120)
    values = np.array([growth(x) for x in grid])
    rising = np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0))
    if len(rising) == 0:
        raise NotConverged(
            f"the quiet state of laser {parameters.name!r} is stable up to 10 times its threshold"
        )
    return unit * float(brentq(growth, grid[rising[0]], grid[rising[0] + 1], xtol=1e-10))


def _integrate(
    p: LaserParameters,
    pump: float,
    duration: float,
    initial: tuple[float, float, float],
    method: str,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times and (log S, N_g, N_a, ∫S, ∫GS, ∫AS, ∫R, ∫N_g/τ_g, ∫N_a/τ_a), array (9, time)."""
    from scipy.integrate import solve_ivp

    def derivative(_: float, y: NDArray[np.float64]) -> list[float]:
        s, gain, absorber = float(np.exp(y[0])), float(y[1]), float(y[2])
        net, emission = _net_and_noise(p, gain, absorber)
        gs = p.gain_coefficient * (gain - p.gain_transparency) * s
        as_ = p.absorber_coefficient * (absorber - p.absorber_transparency) * s
        decay_g, decay_a = gain / p.gain_lifetime, absorber / p.absorber_lifetime
        return [
            net + emission / s,
            pump - decay_g - gs,
            -decay_a - as_,
            s,
            gs,
            as_,
            emission,
            decay_g,
            decay_a,
        ]

    start = [np.log(max(initial[0], 1e-12)), initial[1], initial[2], 0, 0, 0, 0, 0, 0]
    scale = p.threshold_carriers
    tolerance = [1e-10, *([1e-10 * scale] * 2), 1e-10 * scale * 1e-12, *([1e-10 * scale] * 5)]
    solution = solve_ivp(
        derivative,
        (0.0, duration),
        start,
        method=method,
        rtol=RELATIVE_TOLERANCE,
        atol=tolerance,
        max_step=duration / 50,
    )
    if not solution.success:
        raise NotConverged(f"the rate equations could not be solved: {solution.message}")
    return solution.t, solution.y


def waveform(
    parameters: LaserParameters,
    pump: float,
    duration: float,
    *,
    initial: tuple[float, float, float] | None = None,
    method: str = "LSODA",
) -> Waveform:
    """Return the noise-free waveform of a laser.

    Parameters
    ----------
    parameters
        The device.
    pump
        Pump rate [carriers/s], >= 0.
    duration
        Time to follow [s], > 0.
    initial
        (photons, gain carriers, absorber carriers) at the start; by default the quiet state.
    method
        "LSODA", "Radau" or "BDF": SciPy's stiff solvers.

    Raises
    ------
    InvalidInput, NotConverged
        If an argument is out of its range, or the solver fails.
    """
    pump = _validate.non_negative("pump", pump, "carriers/s")
    duration = _validate.positive("duration", duration, "s")
    _validate.one_of("method", method, ("LSODA", "Radau", "BDF"))
    if initial is None:
        quiet = quiet_state(parameters, pump)
        initial = (quiet.photons, quiet.gain_carriers, quiet.absorber_carriers)
    elif len(initial) != 3 or min(initial) < 0:
        raise InvalidInput(f"initial must be three numbers of at least 0, got {initial!r}")
    time, y = _integrate(parameters, pump, duration, initial, method)
    return Waveform(time, np.exp(y[0]), y[1], y[2])


def spike(
    parameters: LaserParameters,
    pump: float | None = None,
    *,
    excitation: float = 0.05,
    method: str = "LSODA",
) -> Spike:
    """Return the spike that a quiet laser fires when its gain carriers are raised above threshold.

    Parameters
    ----------
    parameters
        The device.
    pump
        Pump rate [carriers/s]; by default 95 % of the one at which the quiet state turns unstable.
    excitation
        The gain carriers start at (1 + excitation) times the threshold, > 0.
    method
        As for `waveform`.

    Raises
    ------
    NotConverged
        If no spike follows, or the device has no unstable quiet state to take the pump from.
    """

    excitation = _validate.positive("excitation", excitation)
    if pump is None:
        pump = 0.95 * instability_pump(parameters)
    quiet = quiet_state(parameters, pump)
    raised = (1 + excitation) * parameters.threshold_carriers
    initial = (max(quiet.photons, 1.0), raised, quiet.absorber_carriers)
    time, y = _integrate(parameters, pump, 4 * parameters.gain_lifetime, initial, method)
    photons = np.exp(y[0])
    # The first peak that stands out of the quiet state; later ones belong to the next spike.
    peaks = np.flatnonzero((photons[1:-1] > photons[:-2]) & (photons[1:-1] >= photons[2:])) + 1
    tall = [k for k in peaks if photons[k] > 20 * max(quiet.photons, 1.0)]
    if not tall:
        raise NotConverged(
            f"laser {parameters.name!r} fires no spike at a pump of {pump:.3g} carriers/s"
        )
    peak = tall[0]
    begin, end = _edges(time, photons, peak, SPIKE_EDGE)
    half = _edges(time, photons, peak, 0.5)
    # Linear between the solver's steps: the books are linear, so they stay balanced.
    rows = np.vstack([photons, y[1:]])
    at = np.array([[np.interp(t, time, row) for row in rows] for t in (begin, end)])
    change = at[1] - at[0]
    loss, energy = parameters.cavity_loss_rate, parameters.photon_energy
    useful = parameters.output_efficiency * energy
    return Spike(
        waveform=Waveform(time - time[peak], photons, y[1], y[2]),
        pump=pump,
        start=begin - time[peak],
        stop=end - time[peak],
        peak_photons=float(photons[peak]),
        width=half[1] - half[0],
        photons_emitted=float(loss * change[3]),
        optical_energy=float(useful * loss * change[3]),
        peak_power=float(useful * loss * photons[peak]),
        reset_carriers=float(y[1][time >= time[peak]].min()),
        pumped=pump * (end - begin),
        spontaneous=float(change[7]),
        stimulated=float(change[4]),
        spontaneous_emission=float(change[6]),
        absorbed=float(-change[5]),
        absorber_decay=float(change[8]),
        stored_gain=float(change[1]),
        stored_absorber=float(change[2]),
        stored_photons=float(change[0]),
    )


def _edges(
    time: NDArray[np.float64], photons: NDArray[np.float64], peak: int, level: float
) -> tuple[float, float]:
    """Return when the photon number rises above and falls below `level` of the peak."""
    above = photons > level * photons[peak]
    before = np.flatnonzero(~above[:peak])
    after = np.flatnonzero(~above[peak:])
    first = before[-1] if len(before) else 0
    last = peak + after[0] if len(after) else len(time) - 1
    target = np.log(level * photons[peak])
    log = np.log(photons)
    begin = np.interp(target, log[first : first + 2], time[first : first + 2])
    end = np.interp(-target, -log[last - 1 : last + 1], time[last - 1 : last + 1])
    return float(begin), float(end)

