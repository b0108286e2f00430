"""One spike of one laser, without noise: its shape, its energy and where every particle goes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.devices.laser.dynamics import (
    Method,
    QuietState,
    Waveform,
    instability_pump,
    quiet_state,
    solve,
)
from photinus.devices.laser.parameters import LaserParameters
from photinus.errors import InvalidInput, NotConverged

if TYPE_CHECKING:
    from scipy.integrate import OdeSolution

PUMP_FRACTION = 0.98
"""Default pump of a spike, over the pump at which the quiet state loses its stability."""
KICK_FRACTION = 0.05
"""Default kick of a spike, over the threshold carriers."""
THRESHOLD_FRACTION = 0.5
"""Detection threshold over the peak of a spike."""
EDGE_FRACTION = 0.01
"""A spike lasts while the photons exceed the quiet ones by this part of the peak's excess."""
LIFETIMES_FOLLOWED = 5.0
"""Time for which a spike and the recovery are followed, in gain lifetimes."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Books(Displayed):
    """Where the carriers and photons of a stretch of time went, in particles.

    Integrated over the stretch, the rate equations are three accounts::

        gain      pumped - gain_decay - stimulated                   = gain_change
        absorber  absorbed - absorber_decay                          = absorber_change
        photons   stimulated - absorbed + spontaneous - emitted      = photon_change

    The spontaneous emission of both sections into the mode takes its carriers out of `gain_decay`
    and `absorber_decay`. The rest of the decay, `lost`, makes no photon in the mode. The sum of the
    accounts is ``pumped - emitted - lost = change of all excitations``.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters, spike
    >>> books = spike(LaserParameters.preset("fast-absorber")).books
    >>> round(books.pumped), round(books.emitted), abs(books.residual) < 1e-3 * books.pumped
    (9206, 26256, True)
    """

    pumped: float
    """∫ P dt."""
    gain_decay: float
    """∫ N_g/τ_g dt."""
    absorber_decay: float
    """∫ N_a/τ_a dt."""
    stimulated: float
    """∫ G S dt, stimulated emission minus absorption in the gain section."""
    absorbed: float
    """∫ -A S dt, absorption minus stimulated emission in the absorber."""
    spontaneous: float
    """∫ R dt, spontaneous emission into the mode."""
    emitted: float
    """∫ κ S dt, photons that left the cavity, useful or not."""
    gain_change: float
    """N_g at the end minus at the start."""
    absorber_change: float
    """N_a at the end minus at the start."""
    photon_change: float
    """S at the end minus at the start."""

    @property
    def lost(self) -> float:
        """Carriers that decayed without a photon into the mode."""
        return self.gain_decay + self.absorber_decay - self.spontaneous

    @property
    def residual(self) -> float:
        """Largest imbalance of the three accounts, over the emitted photons."""
        gain = self.pumped - self.gain_decay - self.stimulated - self.gain_change
        absorber = self.absorbed - self.absorber_decay - self.absorber_change
        photons = self.stimulated - self.absorbed + self.spontaneous - self.emitted
        photons -= self.photon_change
        return max(abs(gain), abs(absorber), abs(photons)) / self.emitted


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class Spike(Displayed):
    """A spike without noise, excited by a kick of the gain carriers at time 0.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters, spike
    >>> event = spike(LaserParameters.preset("fast-absorber"))
    >>> f"{event.width:.1e} s, {event.peak_power:.1e} W, {event.optical_energy:.1e} J"
    '3.0e-11 s, 9.3e-05 W, 3.4e-15 J'
    """

    waveform: Waveform
    """The spike and the recovery."""
    quiet: QuietState
    """The state that was kicked."""
    kick: float
    """Carriers added to N_g."""
    start: float
    """When the photons first exceed the quiet ones by 1 % of the peak's excess [s]."""
    peak_time: float
    """[s]."""
    stop: float
    """When they fall back below that level [s]."""
    peak_photons: float
    """S at the first maximum above 1/(g_a τ_a)."""
    width: float
    """Full width at half maximum of S [s]."""
    reset_carriers: float
    """First minimum of N_g after the peak: the reset of the membrane."""
    books: Books
    """The accounts from `start` to `stop`."""

    @property
    def peak_power(self) -> float:
        """Useful output power at the peak [W], output efficiency included."""
        return self.waveform.parameters.output_power(self.peak_photons)

    @property
    def photons_emitted(self) -> float:
        """Photons that left the cavity from `start` to `stop`, useful or not."""
        return self.books.emitted

    @property
    def optical_energy(self) -> float:
        """Useful light of the spike η_o h c / λ times the emitted photons [J]."""
        laser = self.waveform.parameters
        return laser.output_efficiency * laser.photon_energy * self.books.emitted

    @property
    def gain_carriers_consumed(self) -> float:
        """Carriers that stimulated emission took from the gain section."""
        return self.books.stimulated

    @property
    def absorber_carriers_generated(self) -> float:
        """Carriers that absorption put into the absorber."""
        return self.books.absorbed


def spike(
    parameters: LaserParameters,
    pump: float | None = None,
    *,
    kick: float | None = None,
    duration: float | None = None,
    method: Method = "LSODA",
) -> Spike:
    """Return the spike that follows a kick of the quiet laser.

    Parameters
    ----------
    parameters
        The laser.
    pump
        P [carriers/s], > 0. By default 98 % of the pump at which the quiet state loses its
        stability (`instability_pump`): nearly as excitable as a laser at rest can be.
    kick
        Carriers added to N_g at time 0, > 0; by default 5 % of the threshold carriers. In a laser
        with little spontaneous emission the spike hardly depends on it.
    duration
        How long to follow spike and recovery [s]; five gain lifetimes by default.
    method
        Solver, as in `waveform`.

    Raises
    ------
    InvalidInput
        For a value outside its range, a pump at which the laser is not quiet, or a kick (at this
        pump) that excites no spike. A spike is a pulse whose photons exceed 1/(g_a τ_a), which
        bleaches the absorber.
    NotConverged
        If neither pump nor kick is given and the laser does not spike, or the spike does not end in
        time.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters, spike
    >>> event = spike(LaserParameters.preset("high-beta"))
    >>> round(event.photons_emitted), round(event.gain_carriers_consumed)
    (3515, 5622)
    """
    validate.instance("parameters", parameters, LaserParameters)
    given = pump is not None or kick is not None
    pump = PUMP_FRACTION * instability_pump(parameters) if pump is None else pump
    pump = validate.positive("pump", pump, "carriers/s")
    kick = KICK_FRACTION * parameters.threshold_carriers if kick is None else kick
    kick = validate.positive("kick", kick, "carriers")
    duration = LIFETIMES_FOLLOWED * parameters.gain_lifetime if duration is None else duration
    duration = validate.positive("duration", duration, "s")
    quiet = _quiet(parameters, pump, given)
    steps, solution = solve(
        parameters, pump, quiet.state + np.array([kick, 0.0, 0.0]), duration, method
    )
    gain_carriers, absorber_carriers, photons = solution(steps)
    _check_spike(parameters, pump, kick, quiet, photons, given)
    above = int(np.argmax(photons > parameters.absorber_saturation_photons))
    first = above + _first_maximum(photons[above:])
    peak_time, peak = _refined_maximum(steps, first, lambda t: float(solution(t)[2]))
    edge = quiet.photons + EDGE_FRACTION * (peak - quiet.photons)
    if photons[first:].min() >= edge:
        raise NotConverged(
            f"the spike of laser {parameters.name!r} at pump {pump:g} carriers/s does not end "
            f"within {duration:g} s"
        )
    start, stop = _edges(steps, first, solution, edge)
    rise, fall = _edges(steps, first, solution, peak / 2)
    lowest = first + _first_maximum(-gain_carriers[first:])
    _, reset = _refined_maximum(steps, lowest, lambda t: -float(solution(t)[0]))
    return Spike(
        waveform=Waveform(
            parameters=parameters,
            pump=pump,
            time=steps,
            gain_carriers=gain_carriers,
            absorber_carriers=absorber_carriers,
            photons=photons,
        ),
        quiet=quiet,
        kick=kick,
        start=start,
        peak_time=peak_time,
        stop=stop,
        peak_photons=peak,
        width=fall - rise,
        reset_carriers=-reset,
        books=_account(parameters, pump, steps, solution, start, stop),
    )


def _quiet(parameters: LaserParameters, pump: float, given: bool) -> QuietState:
    """Return the state that is kicked; `given` says whether the caller chose pump or kick."""
    quiet = quiet_state(parameters, pump)
    if not quiet.photons >= parameters.absorber_saturation_photons:
        return quiet
    if not given:
        raise NotConverged(_why_no_spike(parameters, f"already rests at {quiet.photons:.3g} photons"))
    raise InvalidInput(
        f"pump must be low enough to leave laser {parameters.name!r} quiet, got {pump:g} "
        f"carriers/s, which keeps {quiet.photons:g} photons in the cavity"
    )


def _check_spike(
    parameters: LaserParameters,
    pump: float,
    kick: float,
    quiet: QuietState,
    photons: NDArray[np.float64],
    given: bool,
) -> None:
    """Raise unless these photons, after a kick, are those of a spike."""
    least, highest = max(parameters.absorber_saturation_photons, 2 * quiet.photons), photons.max()
    if not highest <= least:
        return
    if not given:
        why = f"rises from {quiet.photons:.3g} to {highest:.3g} photons when it is kicked"
        raise NotConverged(_why_no_spike(parameters, why))
    raise InvalidInput(
        f"kick must make laser {parameters.name!r} spike at pump {pump:g} carriers/s, got {kick:g} "
        f"carriers, which raise at most {highest:.3g} photons (a spike exceeds {least:.3g})"
    )


def _why_no_spike(parameters: LaserParameters, what: str) -> str:
    """Return why a laser that was tried where it is most excitable has no spike."""
    return (
        f"laser {parameters.name!r} has no spike: just below the pump at which it pulses by itself it "
        f"{what}, and {parameters.absorber_saturation_photons:.3g} half bleach its absorber"
    )


def _first_maximum(values: NDArray[np.float64]) -> int:
    """Return the index of the first value that a smaller one follows, or of the last."""
    falling = np.flatnonzero(np.diff(values) < 0)
    return int(falling[0]) if falling.size else len(values) - 1


def _refined_maximum(
    steps: NDArray[np.float64], index: int, function: Callable[[float], float]
) -> tuple[float, float]:
    """Return where and how high the maximum of `function` beside step `index` is."""
    from scipy.optimize import minimize_scalar

    low, high = float(steps[index - 1]), float(steps[min(index + 1, len(steps) - 1)])
    result = minimize_scalar(
        lambda time: -function(time),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-6 * (high - low)},
    )
    return float(result.x), -float(result.fun)


def _edges(
    steps: NDArray[np.float64], peak: int, solution: "OdeSolution", level: float
) -> tuple[float, float]:
    """Return when the photons cross `level` last before step `peak` and first after it."""
    from scipy.optimize import brentq

    def excess(time: float) -> float:
        return float(solution(time)[2]) - level

    below = solution(steps)[2] < level
    before = int(np.flatnonzero(below[:peak])[-1])
    after = peak + int(np.argmax(below[peak:]))
    rise = brentq(excess, steps[before], steps[before + 1], xtol=1e-20, rtol=1e-12)
    fall = brentq(excess, steps[after - 1], steps[after], xtol=1e-20, rtol=1e-12)
    return float(rise), float(fall)


def _account(
    parameters: LaserParameters,
    pump: float,
    steps: NDArray[np.float64],
    solution: "OdeSolution",
    start: float,
    stop: float,
) -> Books:
    """Integrate the rate equations term by term, by Gauss's rule within each solver step."""
    knots = np.concatenate([[start], steps[(steps > start) & (steps < stop)], [stop]])
    nodes, weights = np.polynomial.legendre.leggauss(6)
    half = np.diff(knots)[:, np.newaxis] / 2
    time = (knots[:-1, np.newaxis] + half * (1 + nodes)).ravel()
    weight = (half * weights).ravel()
    ng, na, s = solution(time)
    gain = parameters.gain_coefficient * (ng - parameters.gain_transparency)
    gain = gain / (1 + parameters.gain_compression * s)
    absorption = parameters.absorber_coefficient * (na - parameters.absorber_transparency)
    spontaneous = parameters.gain_coefficient * ng + parameters.absorber_coefficient * na
    change = solution(stop) - solution(start)
    return Books(
        pumped=pump * (stop - start),
        gain_decay=float(weight @ ng) / parameters.gain_lifetime,
        absorber_decay=float(weight @ na) / parameters.absorber_lifetime,
        stimulated=float(weight @ (gain * s)),
        absorbed=-float(weight @ (absorption * s)),
        spontaneous=float(weight @ spontaneous),
        emitted=float(weight @ s) * parameters.cavity_loss_rate,
        gain_change=float(change[0]),
        absorber_change=float(change[1]),
        photon_change=float(change[2]),
    )
