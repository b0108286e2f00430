"""The rate equations of one laser without noise: its quiet state and its waveforms.

The mean-field form of the equations in `photinus.devices.laser.parameters`, S the photon number::

    dN_g/dt = P - N_g/τ_g - G S       G = g_g (N_g - N_g,tr)/(1 + ε S)
    dN_a/dt = -N_a/τ_a - A S          A = g_a (N_a - N_a,tr)
    dS/dt   = (G + A - κ) S + R       R = g_g N_g + g_a N_a

At given carriers the mean of |E|² over the field noise obeys the last line, by Itô's rule.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.devices.laser.parameters import LaserParameters
from photinus.errors import InvalidInput, NotConverged

if TYPE_CHECKING:
    from scipy.integrate import OdeSolution

Method = Literal["LSODA", "Radau", "BDF"]
METHODS = ("LSODA", "Radau", "BDF")
"""Solvers for stiff equations: multistep with automatic switching, implicit Runge-Kutta, BDF."""

TOLERANCE = 1e-9
"""Error of one solver step, relative and in particles."""

PUMPS_SEARCHED = (0.1, 10.0)
"""Range of P τ_g / N_th in which the quiet state is searched for its loss of stability."""
LARGEST_PUMP = 1e4
"""P τ_g / N_th up to which a laser is searched for the end of its pulsing."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class QuietState(Displayed):
    """The steady state of the rate equations with the fewest photons.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters, quiet_state
    >>> laser = LaserParameters.preset("fast-absorber")
    >>> quiet = quiet_state(laser, laser.pump_rate(8e-6))
    >>> quiet.is_stable, round(quiet.gain_carriers), round(quiet.photons, 1)
    (True, 48638, 3.6)
    """

    pump: float
    """P [carriers/s]."""
    gain_carriers: float
    """N_g."""
    absorber_carriers: float
    """N_a."""
    photons: float
    """S, amplified spontaneous emission as long as the laser does not lase."""
    eigenvalues: NDArray[np.complex128]
    """Eigenvalues of the linearised equations, array (3,) [1/s], the least damped first."""

    @property
    def feedback(self) -> float:
        """Feedback of the absorber over the damping: a₃/(a₁ a₂), at most 1 where it is stable.

        The coefficients are those of the characteristic polynomial λ³ + a₁ λ² + a₂ λ + a₃ (criterion of
        Routh and Hurwitz).
        """
        _, a1, a2, a3 = np.poly(self.eigenvalues).real
        return float(a3 / (a1 * a2)) if a1 * a2 > 0 else float("inf")

    @property
    def is_stable(self) -> bool:
        """Whether small deviations decay."""
        return bool(self.eigenvalues[0].real < 0)

    @property
    def state(self) -> NDArray[np.float64]:
        """(N_g, N_a, S), array (3,)."""
        return np.array([self.gain_carriers, self.absorber_carriers, self.photons])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class Waveform(Displayed):
    """One laser over time, without noise.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters, waveform
    >>> laser = LaserParameters.preset("fast-absorber")
    >>> quiet = waveform(laser, laser.pump_rate(8e-6), 1e-9)
    >>> found = waveform(laser, laser.pump_rate(14e-6), 5e-9, initial=quiet.final_state)
    >>> f"{found.power.max():.1e} W at {found.time[found.power.argmax()]:.1e} s"
    '8.3e-05 W at 3.4e-09 s'
    """

    parameters: LaserParameters
    """The laser."""
    pump: float
    """P [carriers/s], constant."""
    time: NDArray[np.float64]
    """Array (time,) [s], from 0."""
    gain_carriers: NDArray[np.float64]
    """N_g, array (time,)."""
    absorber_carriers: NDArray[np.float64]
    """N_a, array (time,)."""
    photons: NDArray[np.float64]
    """S, array (time,)."""

    @property
    def power(self) -> NDArray[np.float64]:
        """Useful output power η_o κ S h c / λ, array (time,) [W]."""
        return self.photons * self.parameters.output_power(1.0)

    @property
    def final_state(self) -> NDArray[np.float64]:
        """(N_g, N_a, S) at the end, array (3,): where a next waveform can go on."""
        return np.array([self.gain_carriers[-1], self.absorber_carriers[-1], self.photons[-1]])


def quiet_state(parameters: LaserParameters, pump: float) -> QuietState:
    """Return the steady state with the fewest photons at a constant pump.

    Parameters
    ----------
    parameters
        The laser.
    pump
        P [carriers/s], >= 0.

    Raises
    ------
    InvalidInput
        If the pump is negative.

    Notes
    -----
    Both carrier equations at rest are linear in the carriers. With β_g = g_g τ_g and β_a = g_a τ_a they
    leave one cubic for S. With spontaneous emission it always has a root: one, or three for a bistable
    laser, of which the lowest is taken. Far above threshold the only root is the lasing state.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters, instability_pump, quiet_state
    >>> laser = LaserParameters.preset("fast-absorber")
    >>> pump = instability_pump(laser)
    >>> quiet_state(laser, 0.99 * pump).is_stable, quiet_state(laser, 1.01 * pump).is_stable
    (True, False)
    """
    validate.instance("parameters", parameters, LaserParameters)
    pump = validate.non_negative("pump", pump, "carriers/s")
    beta_g = parameters.gain_coefficient * parameters.gain_lifetime
    beta_a = parameters.absorber_coefficient * parameters.absorber_lifetime
    photons = _fewest_photons(parameters, pump)
    eased = 1 + parameters.gain_compression * photons
    gain = pump * parameters.gain_lifetime * eased + beta_g * parameters.gain_transparency * photons
    absorber = beta_a * parameters.absorber_transparency * photons
    state = np.array([gain / (eased + beta_g * photons), absorber / (1 + beta_a * photons), photons])
    eigenvalues = np.linalg.eigvals(rate_equations(parameters, pump)[1](0.0, state))
    return QuietState(
        pump=pump,
        gain_carriers=float(state[0]),
        absorber_carriers=float(state[1]),
        photons=photons,
        eigenvalues=eigenvalues[np.argsort(-eigenvalues.real)].astype(np.complex128),
    )


def _fewest_photons(parameters: LaserParameters, pump: float) -> float:
    """Return the lowest root S >= 0 of dS/dt with the carriers at rest."""
    beta_g = parameters.gain_coefficient * parameters.gain_lifetime
    beta_a = parameters.absorber_coefficient * parameters.absorber_lifetime
    pumped = parameters.gain_coefficient * pump * parameters.gain_lifetime
    loss_g = parameters.gain_coefficient * parameters.gain_transparency
    loss_a = parameters.absorber_coefficient * parameters.absorber_transparency
    # Everything times the two denominators of N_g and N_a, 1 + (β_g + ε) S and 1 + β_a S.
    epsilon = parameters.gain_compression
    s, by_g, by_a = Polynomial([0, 1]), Polynomial([1, beta_g + epsilon]), Polynomial([1, beta_a])
    net = (pumped - loss_g) * by_a - loss_a * by_g - parameters.cavity_loss_rate * by_g * by_a
    emitted = pumped + (pumped * epsilon + beta_g * loss_g) * s
    spontaneous = emitted * by_a + beta_a * loss_a * s * by_g
    balance = net * s + spontaneous
    roots = balance.roots()
    real = roots.real[np.abs(roots.imag) <= 1e-7 * np.abs(roots)]
    # There always is one; an unpumped laser's is zero to rounding, and may come out below.
    photons = float(np.min(real[real >= 0], initial=np.inf))
    photons = photons if np.isfinite(photons) else 0.0
    for _ in range(2):  # the roots are good to some 1e-12 of the largest one; Newton mends the rest
        slope = float(balance.deriv()(photons))
        photons -= float(balance(photons)) / slope if slope else 0.0
    return max(photons, 0.0)


def instability_pump(parameters: LaserParameters) -> float:
    """Return the lowest pump P [carriers/s] at which the quiet state loses its stability.

    Below it the laser rests until it is kicked, above it the laser pulses by itself.

    Raises
    ------
    NotConverged
        If the quiet state is stable wherever it was looked at: such a laser does not pulse.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters, instability_pump
    >>> laser = LaserParameters.preset("fast-absorber")
    >>> f"{laser.current(instability_pump(laser)):.3g} A"
    '1.21e-05 A'
    """
    validate.instance("parameters", parameters, LaserParameters)
    from scipy.optimize import brentq

    scale = parameters.threshold_carriers / parameters.gain_lifetime

    def growth(ratio: float) -> float:
        return float(quiet_state(parameters, ratio * scale).eigenvalues[0].real)

    seen: dict[float, QuietState] = {}
    stable = PUMPS_SEARCHED[0]
    for ratio in np.geomspace(*PUMPS_SEARCHED, 200):
        seen[ratio] = quiet_state(parameters, ratio * scale)
        if seen[ratio].eigenvalues[0].real >= 0:
            return float(brentq(growth, stable, ratio, rtol=1e-10)) * scale
        stable = ratio
    feedback, at = max((quiet.feedback, ratio) for ratio, quiet in seen.items())
    raise NotConverged(
        f"laser {parameters.name!r} does not pulse: its absorber's feedback is at most "
        f"{feedback:.2g} of its damping, at {at:.2g} times its threshold, and must exceed it"
    )


@functools.cache
def lasing_pump(parameters: LaserParameters) -> float:
    """Return the pump P [carriers/s] above which the laser lases steadily, without noise.

    Below it, down to `instability_pump`, the steady state is unstable and the laser pulses. The highest
    such pump is where the damping of its relaxation oscillations wins (Dubbeldam & Krauskopf 1999, Opt.
    Commun. 159, 325). Infinite if it pulses at every pump that was looked at, zero if at none.
    """
    scale = parameters.threshold_carriers / parameters.gain_lifetime
    ratios = np.geomspace(PUMPS_SEARCHED[0], LARGEST_PUMP, 300)
    above = float("inf")
    for ratio in ratios[::-1]:
        if quiet_state(parameters, ratio * scale).eigenvalues[0].real >= 0:
            return above
        above = float(ratio) * scale
    return 0.0


def waveform(
    parameters: LaserParameters,
    pump: float,
    duration: float,
    *,
    initial: ArrayLike | None = None,
    samples: int | None = None,
    method: Method = "LSODA",
) -> Waveform:
    """Return photons and carriers over time at a constant pump, without noise.

    Parameters
    ----------
    parameters
        The laser.
    pump
        P [carriers/s], >= 0.
    duration
        [s], > 0.
    initial : array (3,)
        (N_g, N_a, S) at the start, >= 0; the quiet state by default. A step of the pump is the
        `final_state` of one waveform as the initial state of the next.
    samples
        Number of evenly spaced times, >= 2; the steps of the solver by default.
    method
        "LSODA", "Radau" or "BDF", as in `scipy.integrate.solve_ivp`.

    Raises
    ------
    InvalidInput
        For a value outside its range.
    NotConverged
        If the solver gives up.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters, waveform
    >>> laser = LaserParameters.preset("fast-absorber")
    >>> quiet = waveform(laser, laser.pump_rate(8e-6), 1e-9)
    >>> pulsing = waveform(laser, laser.pump_rate(14e-6), 5e-9, initial=quiet.final_state)
    >>> bool(pulsing.power.max() > 20 * quiet.power.max())
    True
    """
    validate.instance("parameters", parameters, LaserParameters)
    pump = validate.non_negative("pump", pump, "carriers/s")
    duration = validate.positive("duration", duration, "s")
    start = quiet_state(parameters, pump).state if initial is None else _checked_state(initial)
    even = None if samples is None else validate.integer("samples", samples, 2)
    steps, solution = solve(parameters, pump, start, duration, method)
    time = steps if even is None else np.linspace(0.0, duration, even)
    values = solution(time)
    return Waveform(
        parameters=parameters,
        pump=pump,
        time=time,
        gain_carriers=values[0],
        absorber_carriers=values[1],
        photons=values[2],
    )


def _checked_state(initial: ArrayLike) -> NDArray[np.float64]:
    state = validate.finite_array("initial", initial, 1)
    if state.shape != (3,):
        raise InvalidInput(f"initial must have 3 entries (N_g, N_a, S), got {len(state)}")
    if (state < 0).any():
        raise InvalidInput(f"initial must be at least 0, got {state.min():g}")
    return state


def solve(
    parameters: LaserParameters,
    pump: float,
    initial: NDArray[np.float64],
    duration: float,
    method: Method,
) -> tuple[NDArray[np.float64], "OdeSolution"]:
    """Return the solver's steps, array (time,) [s], and (N_g, N_a, S) as a function of time."""
    from scipy.integrate import solve_ivp

    validate.one_of("method", method, METHODS)
    rates, jacobian = rate_equations(parameters, pump)
    result: Any = solve_ivp(
        rates,
        (0.0, duration),
        initial,
        method=method,
        jac=jacobian,
        rtol=TOLERANCE,
        atol=TOLERANCE,
        dense_output=True,
    )
    if not result.success:
        raise NotConverged(
            f"rate equations of laser {parameters.name!r} at pump {pump:g} carriers/s were not "
            f"solved: {result.message}"
        )
    return result.t, result.sol


def rate_equations(
    parameters: LaserParameters, pump: float
) -> tuple[
    Callable[[float, NDArray[np.float64]], NDArray[np.float64]],
    Callable[[float, NDArray[np.float64]], NDArray[np.float64]],
]:
    """Return the rates of (N_g, N_a, S) and their Jacobian, functions of (time, state)."""
    gg, ga = parameters.gain_coefficient, parameters.absorber_coefficient
    ng_tr, na_tr = parameters.gain_transparency, parameters.absorber_transparency
    decay_g, decay_a = 1 / parameters.gain_lifetime, 1 / parameters.absorber_lifetime
    kappa, epsilon = parameters.cavity_loss_rate, parameters.gain_compression

    def rates(_: float, state: NDArray[np.float64]) -> NDArray[np.float64]:
        ng, na, s = state
        gain, absorption = gg * (ng - ng_tr) / (1 + epsilon * s), ga * (na - na_tr)
        return np.array(
            [
                pump - ng * decay_g - gain * s,
                -na * decay_a - absorption * s,
                (gain + absorption - kappa) * s + gg * ng + ga * na,
            ]
        )

    def jacobian(_: float, state: NDArray[np.float64]) -> NDArray[np.float64]:
        ng, na, s = state
        eased = 1 + epsilon * s
        gain, absorption = gg * (ng - ng_tr) / eased, ga * (na - na_tr)
        return np.array(
            [
                [-decay_g - gg * s / eased, 0.0, -gain / eased],
                [0.0, -decay_a - ga * s, -absorption],
                [gg * (s / eased + 1), ga * (s + 1), gain / eased + absorption - kappa],
            ]
        )

    return rates, jacobian
