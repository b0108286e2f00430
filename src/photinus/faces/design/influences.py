"""Differences between measurements, with the noise of machines and of calibration in their errors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus.faces.design.verdict import Influence, Shown

NO_NOISE = (0.0, 0.0, 0.0)
"""Of differences within one calibration."""


def averaged(shown: Sequence[Shown]) -> Shown:
    """Return the means over repeats, machine by machine."""
    return Shown(
        np.mean([each.kl for each in shown], axis=0),
        np.mean([each.rate for each in shown], axis=0),
        np.mean([each.energy for each in shown], axis=0),
    )


def calibration_noise(groups: Sequence[Sequence[Shown]]) -> tuple[float, float, float]:
    """Return the noise of one calibration: in KL [nats], speed and energy (shares).

    Each group has repeats of one laser, calibrated with other seeds. The variance within groups is
    pooled over all of them. At least one group must have two repeats.
    """
    squares, freedom = np.zeros(3), 0
    for group in groups:
        middle = averaged(group)
        off = np.array(
            [
                (
                    (each.kl - middle.kl).mean(),
                    (each.rate / middle.rate - 1).mean(),
                    (each.energy / middle.energy - 1).mean(),
                )
                for each in group
            ]
        )
        squares += (off**2).sum(axis=0)
        freedom += len(group) - 1
    kl, rate, energy = np.sqrt(squares / freedom)
    return float(kl), float(rate), float(energy)


def influence(
    name: str,
    value: Any,
    before: Sequence[Shown],
    after: Sequence[Shown],
    noise: tuple[float, float, float] = NO_NOISE,
) -> Influence:
    """Return the differences between repeated measurements on the same machines.

    Errors are those over machines, and of `noise` in the means over the repeats.
    """
    first, last = averaged(before), averaged(after)
    repeats = (1 / len(before) + 1 / len(after)) ** 0.5
    kl, rate, energy = (each * repeats for each in noise)
    return Influence(
        name,
        value,
        kl=mean(last.kl - first.kl, kl),
        rate=mean(last.rate / first.rate - 1, rate),
        energy=mean(last.energy / first.energy - 1, energy),
    )


def nothing(name: str, value: Any, why: str) -> Influence:
    """Return the influence of a change after which a laser does not sample."""
    never = (float("inf"), 0.0)
    return Influence(name, value, kl=never, rate=(-1.0, 0.0), energy=never, failed=why)


def mean(values: NDArray[np.float64], noise: float = 0.0) -> tuple[float, float]:
    """Return the mean over runs, and its standard error with a noise that all runs share."""
    return float(values.mean()), float(np.hypot(values.std(ddof=1) / len(values) ** 0.5, noise))


def by_size(found: Sequence[Influence]) -> tuple[Influence, ...]:
    """Return influences, the largest change of KL first."""
    return tuple(sorted(found, key=lambda each: -abs(each.kl[0])))
