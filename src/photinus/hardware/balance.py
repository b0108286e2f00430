"""Where the pump's energy goes: pump = stored + spontaneous + absorbed + light out.

Every carrier and every photon counts as one photon energy h c / λ. Added up, the rate equations of
`photinus.devices.laser.dynamics` leave ::

    P = d(N_g + N_a + S)/dt + (1 - β_g) N_g/τ_g + (1 - β_a) N_a/τ_a + κ S

with β_x = g_x τ_x the part of a section's decay that emits into the mode. What is emitted into the
mode is in the light out, and what the absorber takes is either still stored or has decayed there.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.streams import Seed
from photinus.devices.laser import LaserParameters
from photinus.devices.laser.dynamics import TOLERANCE, rate_equations
from photinus.engines.events import Event
from photinus.engines.jumps import simulate_jumps
from photinus.errors import InvalidInput
from photinus.networks.couplings import entries
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import SpikeTrains

SETTLING_LIFETIMES = 10.0
"""Gain lifetimes before an account begins."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Balance(Displayed):
    """The energy account of one laser [J], with the number of spikes in it.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters
    >>> from photinus.hardware import balance
    >>> laser = LaserParameters.preset("fast-absorber")
    >>> one = balance(laser, laser.pump_rate(14e-6), 20e-9).per_spike
    >>> f"{one.pump:.1e} J in, {one.emitted:.1e} J out as light"
    '1.1e-14 J in, 3.6e-15 J out as light'
    """

    spikes: int
    """Spikes of the account."""
    pump: float
    """What the pump put into the gain section."""
    stored: float
    """Carriers and photons at the end minus at the start."""
    spontaneous: float
    """Decay of gain carriers that makes no photon in the mode."""
    absorbed: float
    """Decay of absorber carriers that makes no photon in the mode."""
    emitted: float
    """Light that left the cavity, useful or not."""

    @property
    def residual(self) -> float:
        """Imbalance over the pump energy."""
        spent = self.stored + self.spontaneous + self.absorbed + self.emitted
        return abs(self.pump - spent) / self.pump

    @property
    def per_spike(self) -> "Balance":
        """The account of a mean spike.

        Raises
        ------
        InvalidInput
            If there was none.
        """
        if self.spikes == 0:
            raise InvalidInput("balance must hold at least 1 spike, got 0")
        energies = [f.name for f in fields(self) if f.name != "spikes"]
        return Balance(spikes=1, **{name: getattr(self, name) / self.spikes for name in energies})


def balance(parameters: LaserParameters, pump: float, duration: float) -> Balance:
    """Return the account of one laser without noise, by its rate equations.

    Parameters
    ----------
    parameters
        The laser.
    pump
        P [carriers/s], > 0. The laser spikes by itself above `instability_pump`.
    duration
        Time of the account [s], > 0; it begins ten gain lifetimes after the pump was switched on.

    Notes
    -----
    The four energies are integrated beside carriers and photons, each from its own term of the
    equations. So the balance closes only if the terms agree.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters
    >>> from photinus.hardware import balance
    >>> laser = LaserParameters.preset("fast-absorber")
    >>> account = balance(laser, laser.pump_rate(14e-6), 20e-9)
    >>> account.spikes, abs(account.residual) < 1e-6
    (20, True)
    """
    validate.instance("parameters", parameters, LaserParameters)
    from scipy.integrate import solve_ivp

    pump = validate.positive("pump", pump, "carriers/s")
    duration = validate.positive("duration", duration, "s")
    rates, _ = rate_equations(parameters, pump)
    decay_g = 1 / parameters.gain_lifetime - parameters.gain_coefficient
    decay_a = 1 / parameters.absorber_lifetime - parameters.absorber_coefficient
    kappa = parameters.cavity_loss_rate
    threshold = parameters.absorber_saturation_photons

    def extended(time: float, state: NDArray[np.float64]) -> NDArray[np.float64]:
        ng, na, s = state[:3]
        return np.concatenate([rates(time, state[:3]), [ng * decay_g, na * decay_a, kappa * s]])

    def crossing(_: float, state: NDArray[np.float64]) -> float:
        return float(state[2] - threshold)

    crossing.direction = 1.0  # type: ignore[attr-defined]
    settings: dict[str, Any] = {
        "method": "LSODA",
        "rtol": TOLERANCE,
        "atol": TOLERANCE,
        "events": crossing,
    }
    settle = SETTLING_LIFETIMES * parameters.gain_lifetime
    before = solve_ivp(extended, (0.0, settle), np.zeros(6), **settings)
    start = np.concatenate([before.y[:3, -1], np.zeros(3)])
    after: Any = solve_ivp(extended, (0.0, duration), start, **settings)
    stored = float(after.y[:3, -1].sum() - start[:3].sum())
    spontaneous, absorbed, emitted = (float(x) for x in after.y[3:, -1])
    quantum = parameters.photon_energy
    return Balance(
        spikes=len(after.t_events[0]),
        pump=quantum * pump * duration,
        stored=quantum * stored,
        spontaneous=quantum * spontaneous,
        absorbed=quantum * absorbed,
        emitted=quantum * emitted,
    )


def noisy_balance(
    parameters: LaserParameters,
    pump: float,
    duration: float,
    *,
    threshold: float | None = None,
    chains: int = 1,
    seed: Seed = 0,
) -> Balance:
    """Return the account of lasers with all their noise, event by event (`simulate_jumps`).

    Parameters
    ----------
    parameters, pump
        The laser and its pump P [carriers/s], > 0.
    duration
        Time per laser [s], > 0.
    threshold
        Photons at which a spike counts; by default those that half bleach the absorber.
    chains
        Independent lasers, all in one account.
    seed
        Integer, SeedSequence or None.

    Notes
    -----
    Pump and light out are numbers of events. What decays is not the events themselves. It is the number
    of carriers that the mean rate of the rate equations lets decay, at the carriers seen on a grid of
    time. So the balance closes as far as the events follow the rate equations.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters
    >>> from photinus.hardware import noisy_balance
    >>> laser = LaserParameters.preset("fast-absorber")
    >>> account = noisy_balance(laser, laser.pump_rate(12e-6), 5e-9, seed=1)
    >>> f"{account.pump:.1e} J in, {account.emitted:.1e} J out as light"
    '4.8e-14 J in, 9.9e-15 J out as light'
    """
    validate.instance("parameters", parameters, LaserParameters)
    pump = validate.positive("pump", pump, "carriers/s")
    duration = validate.positive("duration", duration, "s")
    run = simulate_jumps(
        parameters,
        [pump],
        duration,
        threshold=parameters.absorber_saturation_photons if threshold is None else threshold,
        chains=chains,
        seed=seed,
        sample_every=1,
        threads=1,
    )
    events = run.events.sum(axis=(0, 1))
    time = run.spikes.duration
    carriers = run.samples.mean(axis=(1, 2)).sum(axis=0)  # of all lasers together
    decay_g = 1 / parameters.gain_lifetime - parameters.gain_coefficient
    decay_a = 1 / parameters.absorber_lifetime - parameters.absorber_coefficient
    noise = int(events[Event.PUMP_NOISE_UP] - events[Event.PUMP_NOISE_DOWN])
    quantum = parameters.photon_energy
    return Balance(
        spikes=len(run.spikes),
        pump=quantum * (int(events[Event.PUMP]) + noise),
        stored=quantum * float((run.final - run.initial).sum()),
        spontaneous=quantum * float(carriers[0]) * decay_g * time,
        absorbed=quantum * float(carriers[1]) * decay_a * time,
        emitted=quantum * int(events[Event.CAVITY_LOSS]),
    )


def recorded_balance(network: LaserNetwork, spikes: SpikeTrains, unit: int = 0) -> Balance:
    """Return the account of a recorded laser of a simulation (`photinus.simulate`).

    Parameters
    ----------
    network
        What was simulated; the laser must have no synapses to it.
    spikes
        Its spikes, with the waveforms of `unit` in the first recorded chain at their first place. The
        grid must be fine enough to follow a spike (``every=1``).
    unit
        Position of the laser.

    Raises
    ------
    InvalidInput
        If nothing was recorded, or other lasers drive this one.

    Notes
    -----
    The pump is its mean rate times the time. All else is integrated over the recorded waveforms by the
    trapezoidal rule. So the balance closes only as far as the simulation follows the rate equations.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.hardware import recorded_balance
    >>> network = ph.translate(ph.BoltzmannMachine([[0]], [1]), ph.Calibration.preset())
    >>> recording = ph.Recording(units=(0,), stop=20e-9)
    >>> spikes = ph.simulate(network, 20e-9, seed=1, recording=recording)
    >>> account = recorded_balance(network, spikes)
    >>> account.spikes > 0, f"{account.per_spike.pump:.0e} J"
    (True, '2e-14 J')
    """
    validate.instance("network", network, LaserNetwork)
    validate.instance("spikes", spikes, SpikeTrains)
    unit = validate.integer("unit", unit, 0, network.n_units - 1)
    waves = spikes.waveforms
    if waves is None:
        raise InvalidInput("spikes must come with recorded waveforms, got none")
    if unit in entries(network.coupling)[0]:
        raise InvalidInput(f"unit must be a laser without synapses to it, got {unit}")
    laser = network.each_device()[unit]
    gain, absorber, photons = (
        np.asarray(values[0, 0], np.float64)
        for values in (waves.gain_carriers, waves.absorber_carriers, waves.photons)
    )
    decay_g = 1 / laser.gain_lifetime - laser.gain_coefficient
    decay_a = 1 / laser.absorber_lifetime - laser.absorber_coefficient
    start, end = float(waves.time[0]), float(waves.time[-1])
    mine = (spikes.chain == 0) & (spikes.unit == unit)
    inside = mine & (spikes.time >= start) & (spikes.time <= end)
    total = gain + absorber + photons
    quantum = laser.photon_energy
    return Balance(
        spikes=int(inside.sum()),
        pump=quantum * float(network.supplied[unit]) * (end - start),
        stored=quantum * float(total[-1] - total[0]),
        spontaneous=quantum * decay_g * float(np.trapezoid(gain, waves.time)),
        absorbed=quantum * decay_a * float(np.trapezoid(absorber, waves.time)),
        emitted=quantum * laser.cavity_loss_rate * float(np.trapezoid(photons, waves.time)),
    )
