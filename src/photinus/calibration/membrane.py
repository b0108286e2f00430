"""The membrane of a reduced laser, fitted to the joint distributions of small networks."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus.calibration.trials import COUPLED, COUPLED_CHAINS, SmallNetworks, run_reduced
from photinus.engines.reduced.model import EscapeRate
from photinus.errors import InvalidInput

GUESS = (-0.3, 25.0, 0.85, 80.0, 40.0, 330.0, 10.0)
"""Where the fit starts: N_0/N_th, λ_c τ_g, n_c, 1000 τ_l/τ_g, s_0, 1000 τ_q/τ_g, s_1."""
CHANGES = (0.2, 4.0, 0.08, 10.0, 3.0, 30.0, 1.5)
"""By how much each is changed to see what it does."""
ROUNDS = 7
"""Steps of Gauss and Newton at most."""
GAIN = 0.02
"""Part by which a step must lower the sum of squares for another one to be taken."""
LONGEST = 6.0
"""Steps are at most so many `CHANGES`."""
DAMPINGS = (0.01, 0.1, 1.0, 10.0)
"""Tried in turn until a step helps."""
RARE = 1e-4
"""Added to the probability of each state in the weights, so that no unseen one counts for all."""


def constants_of(values: Sequence[float], lifetime: float, threshold: float) -> dict[str, Any]:
    """Return the membrane's constants by name from numbers of order one to a hundred, see `GUESS`."""
    reset, rate, onset, lag, steepness, memory, turn = values
    return {
        "reset": reset * threshold,
        "clamp_rate": abs(rate) / lifetime,
        "clamp_onset": onset,
        "lag": (abs(lag) + 1) * 1e-3 * lifetime,
        "steepness": steepness,
        "memory": (abs(memory) + 5) * 1e-3 * lifetime,
        "turn": turn,
    }


def fit_membrane(
    reduced: EscapeRate,
    small: SmallNetworks,
    wanted: list[NDArray[np.float64]],
    seed: np.random.SeedSequence,
    threads: int,
) -> EscapeRate:
    """Return `reduced` with the constants whose joints come closest to those `wanted`."""
    weight = 1 / np.sqrt(np.concatenate(wanted) + RARE)

    def candidate(values: NDArray[np.float64]) -> EscapeRate:
        constants = constants_of(values.tolist(), reduced.gain_lifetime, reduced.threshold_carriers)
        return replace(reduced, **constants)

    def residuals(values: NDArray[np.float64], threads: int = 1) -> NDArray[np.float64]:
        try:
            tried = candidate(values)
        except InvalidInput:  # out of the range that a constant may have
            return np.full(len(weight), np.inf)
        spikes = run_reduced(small.network, tried, COUPLED, seed, threads, COUPLED_CHAINS)
        return (np.concatenate(small.joints(spikes)) - np.concatenate(wanted)) * weight

    values, now = np.array(GUESS), residuals(np.array(GUESS), threads)
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(ROUNDS):
            before = now @ now
            moved = pool.map(residuals, values + np.diag(CHANGES))
            slope = np.stack([(there - now) for there in moved], axis=1)
            square, downhill = slope.T @ slope, -slope.T @ now
            for damping in DAMPINGS:
                step = np.linalg.solve(square + damping * np.diag(np.diag(square)), downhill)
                there = values + np.clip(step, -LONGEST, LONGEST) * CHANGES
                after = residuals(there, threads)
                if after @ after < now @ now:
                    values, now = there, after
                    break
            if now @ now > (1 - GAIN) * before:
                break
    return candidate(values)
