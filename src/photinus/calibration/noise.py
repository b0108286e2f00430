"""What noise would make a laser calibrate that fires too regularly: tried, not guessed."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from photinus.calibration.activation import NotRandom, activation_curve, survey, sweep
from photinus.calibration.bench import Bench
from photinus.devices import device_of
from photinus.devices.laser.parameters import PLAUSIBLE, LaserParameters, is_laser
from photinus.errors import InvalidInput, NotConverged

SHARES = (0.003, 0.01, 0.03, 0.1)
"""Pump noise that is tried, over the threshold carriers."""
CHAINS = 8
"""Of each trial."""


@contextlib.contextmanager
def cured(bench: Bench, window: float | None) -> Iterator[None]:
    """Add to errors about an activation curve what would give the device one."""
    try:
        yield
    except NotRandom as error:
        raise NotConverged(f"{error}; {_cure(bench, window)}") from None


def _cure(bench: Bench, window: float | None) -> str:
    """Return what to change, as half a sentence: the least noise that was tried and helps."""
    parameters = bench.parameters
    if not is_laser(parameters):
        return device_of(parameters).advice(parameters)
    for share in SHARES:
        noise = share * parameters.threshold_carriers
        if noise > parameters.pump_noise and _calibrates(bench, parameters, noise, window):
            told = PLAUSIBLE["pump_noise"].shown(float(f"{noise:.2g}"))
            return f"a pump_noise of {told} ({100 * share:g} % of the threshold's) gives it one"
    most = 100 * SHARES[-1]
    return f"pump_noise of up to {most:g} % of the threshold carriers gives it none"


def _calibrates(bench: Bench, laser: LaserParameters, noise: float, window: float | None) -> bool:
    """Return whether a laser with that pump noise [carriers] has an activation curve."""
    try:
        noisy = replace(bench, parameters=laser.replace(pump_noise=noise), chains=CHAINS)
        near, guess = survey(noisy, window, lambda: None)
        activation_curve(noisy, *sweep(noisy, near, guess), near)
    except (InvalidInput, NotConverged):
        return False
    return True
