"""The events of a laser, one by one: their rates, and the compiled loop that lets them happen."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from photinus._core.compilation import inlined, kernel
from photinus.devices.laser.parameters import LaserParameters
from photinus.engines.laser.step import REARM, SUBSTEPS

FEW = 16.0
"""Expected events of a leap below which they are drawn one by one: that is cheaper as well."""


class Event(IntEnum):
    """The events; those of the light come first, the frequent ones first among them."""

    GAIN_EMISSION = 0
    ABSORBER_ABSORPTION = 1
    CAVITY_LOSS = 2
    ABSORBER_EMISSION = 3
    GAIN_ABSORPTION = 4
    ABSORBER_DECAY = 5
    PUMP = 6
    GAIN_DECAY = 7
    PUMP_NOISE_UP = 8
    PUMP_NOISE_DOWN = 9


class Number(IntEnum):
    """What is counted, in the order of `photinus.devices.laser.Waveform.final_state`."""

    GAIN_CARRIERS = 0
    ABSORBER_CARRIERS = 1
    PHOTONS = 2


CHANGE = np.array(
    [
        [-1, 0, +1],
        [0, +1, -1],
        [0, 0, -1],
        [0, -1, +1],
        [+1, 0, -1],
        [0, -1, 0],
        [+1, 0, 0],
        [-1, 0, 0],
        [+1, 0, 0],
        [-1, 0, 0],
    ]
)
"""What each event adds to each number, array (event, number)."""
CHANGE.setflags(write=False)


_LIGHT = 6  # events of the light


class Rates(NamedTuple):
    """Rates [1/s] per particle (per photon and carrier for the gains), and of pump and its noise."""

    gain: float
    gain_absorption: float
    absorber: float
    absorber_absorption: float
    absorber_decay: float
    loss: float
    pump: float
    gain_decay: float
    pump_noise: float
    compression: float

    @classmethod
    def of(cls, laser: LaserParameters, pump: float) -> "Rates":
        """Return the rates of a laser at a pump rate."""
        gain, absorber = laser.gain_coefficient, laser.absorber_coefficient
        return cls(
            gain,
            gain * laser.gain_transparency,
            absorber,
            absorber * laser.absorber_transparency,
            max(1 / laser.absorber_lifetime - absorber, 0.0),
            laser.cavity_loss_rate,
            pump,
            max(1 / laser.gain_lifetime - gain, 0.0),
            laser.pump_noise**2 / laser.gain_lifetime,
            laser.gain_compression,
        )


@inlined
def _poisson(rng, mean):  # type: ignore[no-untyped-def]
    """Return a Poisson number: by inversion if the mean is small, where NumPy's way costs more."""
    if mean > 12.0:
        return rng.poisson(mean)
    left = rng.random()
    probability = np.exp(-mean)
    count = 0
    while left > probability and count < 100:
        left -= probability
        count += 1
        probability *= mean / count
    return count


@inlined
def _set_rates(rate, ng, na, n, laser):  # type: ignore[no-untyped-def]
    """Write the rates of the events of the light into `rate` and return their sum."""
    eased = n / (1.0 + laser.compression * n)
    rate[0] = laser.gain * ng * (eased + 1)
    rate[1] = laser.absorber_absorption * n
    rate[2] = laser.loss * n
    rate[3] = laser.absorber * na * (n + 1)
    rate[4] = laser.gain_absorption * eased
    rate[5] = laser.absorber_decay * na
    return rate[0] + rate[1] + rate[2] + rate[3] + rate[4] + rate[5]


@inlined
def _without_light(rng, laser, dt, state, events):  # type: ignore[no-untyped-def]
    """Pump the gain section for `dt` and let it decay: little happens to its many carriers."""
    ng = state[0]
    pumped = _poisson(rng, laser.pump * dt)
    decayed = min(_poisson(rng, laser.gain_decay * ng * dt), ng)
    ng += pumped - decayed
    events[6] += pumped
    events[7] += decayed
    if laser.pump_noise > 0.0:
        up = _poisson(rng, laser.pump_noise * dt)
        down = min(_poisson(rng, laser.pump_noise * dt), ng + up)
        ng += up - down
        events[8] += up
        events[9] += down
    state[0] = ng


@inlined
def _one_event(rng, total, rate, state, events):  # type: ignore[no-untyped-def]
    """Let one event of the light happen, each with its share of the `total` rate."""
    # A trifle less than the sum: rounding must not reach an event of rate zero.
    u = rng.random() * total * (1.0 - 1e-12) - rate[0]
    k = 0
    # Bounded, for a total that overflows is never used up.
    while u >= 0.0 and k < _LIGHT - 1:
        k += 1
        u -= rate[k]
    events[k] += 1
    for number in range(3):
        state[number] += CHANGE[k, number]


@inlined
def _leap(rng, tau, laser, rate, count, state, events):  # type: ignore[no-untyped-def]
    """Let all events of the light within `tau` happen at once; return the time that it took."""
    ng, na, n = state
    # The numbers that are expected half-way give the rates.
    half = 0.5 * tau
    n_mid = max(n + half * (rate[0] + rate[3] - rate[1] - rate[2] - rate[4]), 0.0)
    ng_mid = max(ng + half * (rate[4] - rate[0]), 0.0)
    na_mid = max(na + half * (rate[1] - rate[3] - rate[5]), 0.0)
    _set_rates(rate, ng_mid, na_mid, n_mid, laser)
    while True:
        for k in range(_LIGHT):
            count[k] = _poisson(rng, rate[k] * tau)
        n_new = n + count[0] + count[3] - count[1] - count[2] - count[4]
        ng_new = ng + count[4] - count[0]
        na_new = na + count[1] - count[3] - count[5]
        if n_new >= 0 and ng_new >= 0 and na_new >= 0:
            break
        # More went than there was: a shorter leap (Cao, Gillespie & Petzold 2005).
        tau *= 0.5
    state[0], state[1], state[2] = ng_new, na_new, n_new
    for k in range(_LIGHT):
        events[k] += count[k]
    return tau


@kernel
def run_laser(  # type: ignore[no-untyped-def]
    rng, laser, dt, leap, high, state, events, fired, samples, every
):
    """Advance one laser by ``len(fired)`` grid steps and return the number of spikes.

    `state` is (N_g, N_a, n); it, `events`, `fired` (grid steps) and `samples` are written.
    """
    low = REARM * high
    excited = False
    spikes = 0
    rate = np.empty(_LIGHT)
    count = np.empty(_LIGHT, np.int64)
    for step in range(len(fired)):
        peak = 0
        for _ in range(SUBSTEPS):
            _without_light(rng, laser, dt, state, events)
            left = dt
            while left > 0.0:
                ng, na, n = state
                total = _set_rates(rate, ng, na, n, laser)
                # Events per photon, or per carrier of a section, whichever are more.
                turnover = max(
                    laser.gain * ng
                    + laser.absorber * na
                    + laser.gain_absorption
                    + laser.absorber_absorption
                    + laser.loss,
                    max(laser.absorber_decay + laser.absorber * (n + 1), laser.gain * (n + 1)),
                )
                if total * leap < FEW * turnover:
                    left -= rng.standard_exponential() / total
                    if left > 0.0:
                        _one_event(rng, total, rate, state, events)
                else:
                    tau = left / np.ceil(left * turnover / leap)
                    left -= _leap(rng, tau, laser, rate, count, state, events)
                    if left < 1e-9 * dt:
                        left = 0.0
            peak = max(peak, state[2])

        if peak > high:
            if not excited:
                fired[spikes] = step + 1
                spikes += 1
            excited = True
        elif state[2] < low:
            excited = False
        if every > 0 and (step + 1) % every == 0:
            for number in range(3):  # Numba takes seconds to compile the assignment of an array
                samples[(step + 1) // every - 1, number] = state[number]
    return spikes
