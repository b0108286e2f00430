"""Are the chains long enough to say anything: R̂, effective draws, drift.

R̂ and effective draws are those of Vehtari et al. 2021 (Bayesian Analysis 16, 667), by arviz-stats.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus.machines.boltzmann import BoltzmannMachine

FEW_DRAWS = 4
"""Draws per chain below which neither autocorrelation nor R̂ can be estimated."""
RHAT_LIMIT = 1.05
"""Largest R̂ of converged chains: each is then about 20 autocorrelation times long."""
FALSE_ALARM = 0.01
"""Share of the runs of an exact sampler that a test calls wrong."""
FEWEST_EFFECTIVE = 50
"""Effective draws that chains must have to be called converged."""
MOST_WATCHED = 2000
"""Units that are looked at one by one, at most."""
MOST_PAIRS = 32
"""Strongest couplings whose pairs are looked at, beside all units and the energy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Convergence:
    """Whether chains agree with each other, and how many independent draws they are worth."""

    rhat: float | None
    """Largest R̂ of units, energy and pairs; infinite where chains stay at different values; None where
    nothing flips or draws are too few."""
    rhat_of: str
    """Quantity with the largest R̂."""
    rhat_limit: float
    """What it must not exceed: `RHAT_LIMIT`, or more for short chains, whose R̂ is larger by chance."""
    ess: float
    """Fewest effective draws of units that flip, energy and pairs; nan if unknown."""
    ess_of: str
    """Quantity with the fewest effective draws."""
    unit_ess: tuple[float, ...]
    """Effective draws of each unit, nan where unknown."""
    drift: float
    """Probability that stationary chains differ as much between their halves as these; 1 if unknown."""
    drift_of: str
    """Quantity that differs most."""

    @property
    def converged(self) -> bool:
        """Whether chains agree with each other, do not drift, and are worth some draws."""
        agree = self.rhat is not None and self.rhat <= self.rhat_limit
        return agree and self.drift >= FALSE_ALARM and self.ess >= FEWEST_EFFECTIVE


def _stats() -> Any:
    """Return the part of ArviZ that works on plain arrays."""
    # Here, because it loads pandas and takes longer than most runs.
    from arviz_stats.base import array_stats  # type: ignore[attr-defined]

    return array_stats


def effective_draws(values: NDArray[np.float64]) -> float:
    """Return the effective number of independent draws of `values` (chain, draw); nan if constant.

    Geyer's initial monotone sequence, as ArviZ computes it, on all chains joined end to end. Chains
    are independent and of one law, so the joint mean is that of each. A mean per chain would leave a
    rest of τ/(draws per chain) in every correlation. It adds up to far too few effective draws where
    chains are short. A product across a seam is 0 in the mean. This gives lags the weight 1 -
    lag/draws, which they have in the variance of a mean.
    """
    if values.shape[1] < FEW_DRAWS or np.ptp(values) == 0:
        return float("nan")
    joined = np.ascontiguousarray(values).reshape(1, -1)
    return float(_stats().ess(joined, chain_axis=0, draw_axis=1, method="identity"))


def r_hat(values: NDArray[np.float64]) -> float:
    """Return R̂ of `values` (chain, draw): split, rank-normalised, the larger of bulk and folded.

    Infinite if every half chain is constant, but not all at one value. nan if all values are equal, or
    for fewer than four draws. Values of two kinds have two ranks, so ranks, and folded ranks, are these
    values on another scale: R̂ is then the plain split one. One chain counts as its two halves.
    """
    chains, draws = values.shape
    if draws < FEW_DRAWS or np.ptp(values) == 0:
        return float("nan")
    half = draws // 2
    halves = np.concatenate([values[:, :half], values[:, -half:]])
    if np.ptp(halves, axis=1).max() == 0:
        return float("inf") if np.ptp(halves) > 0 else float("nan")
    binary = bool(((values == values.min()) | (values == values.max())).all())
    if chains == 1 and not binary:
        values, binary = halves, False
    data, method = (halves, "identity") if binary else (values, "rank")
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(_stats().rhat(data, chain_axis=0, draw_axis=1, method=method))


def watched(units: int) -> NDArray[np.intp]:
    """Return the positions of the units that are looked at one by one, rising: all, or `MOST_WATCHED`.

    Some hundreds of them, evenly spread, show whether chains of a large machine agree.
    """
    return np.unique(np.linspace(0, units - 1, min(units, MOST_WATCHED)).astype(np.intp))


def quantities(
    machine: BoltzmannMachine, states: NDArray[np.uint8]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Give (name, values (chain, draw)) of units, the energy, and the pairs of largest weight.

    Units are those of `watched`.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    for unit in watched(machine.n_units):
        yield str(machine.labels[unit]), states[..., unit].astype(np.float64)
    yield "the energy", machine.energy(states)
    first, second, weight = machine.couplings
    for k in np.argsort(-np.abs(weight), kind="stable")[:MOST_PAIRS]:
        i, j = int(first[k]), int(second[k])
        name = f"{machine.labels[i]} and {machine.labels[j]}"
        yield name, (states[..., i] & states[..., j]).astype(np.float64)


def smallest_effective_draws(machine: BoltzmannMachine, states: NDArray[np.uint8]) -> float:
    """Return the effective number of independent draws of `states` (chain, draw, unit).

    The smallest over the units that flip, the energy and the most strongly coupled pairs, at most the
    number of draws. It is nan if none can be estimated.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    found = np.array([effective_draws(values) for _, values in quantities(machine, states)])
    known = found[np.isfinite(found)]
    return float(min(known.min(), states[..., 0].size)) if known.size else float("nan")


def convergence(machine: BoltzmannMachine, states: NDArray[np.uint8]) -> Convergence:
    """Return how well `states` (chain, draw, unit) have converged, whatever their target is."""
    validate.instance("machine", machine, BoltzmannMachine)
    chains, draws, _units = states.shape
    seen: list[tuple[str, float, float, float]] = []
    units, unit_ess = watched(machine.n_units).tolist(), np.full(machine.n_units, np.nan)
    for k, (name, values) in enumerate(quantities(machine, states)):
        known = draws >= FEW_DRAWS and np.ptp(values) > 0
        ess = effective_draws(values) if known else float("nan")
        if k < len(units):
            unit_ess[units[k]] = ess
        if known:
            seen.append((name, r_hat(values), ess, _drift(values)))
    worst = max(((r, name) for name, r, _, _ in seen if r == r), default=(None, ""))
    fewest = min(((e, name) for name, _, e, _ in seen if e == e), default=(float("nan"), ""))
    drift = min(((p, name) for name, _, _, p in seen), default=(1.0, ""))
    return Convergence(
        rhat=worst[0],
        rhat_of=worst[1],
        rhat_limit=max(RHAT_LIMIT, _largest_by_chance(chains, draws, len(seen))),
        ess=min(fewest[0], float(chains * draws)),
        ess_of=fewest[1],
        unit_ess=tuple(unit_ess.tolist()),
        drift=1 - (1 - drift[0]) ** len(seen),
        drift_of=drift[1],
    )


def _drift(values: NDArray[np.float64]) -> float:
    """Return the probability of so large a mean difference of the halves of chains; 1 if unknown.

    Student's t, paired by chain. A start that is not forgotten shows here as much as in the mean.
    """
    chains, draws = values.shape
    half = draws // 2
    change = values[:, -half:].mean(axis=1) - values[:, :half].mean(axis=1)
    spread = float(change.std(ddof=1)) if chains > 1 else 0.0
    if spread == 0:
        return 1.0
    from scipy.special import stdtr

    return float(2 * stdtr(chains - 1, -abs(change.mean()) / spread * np.sqrt(chains)))


def _largest_by_chance(chains: int, draws: int, count: int) -> float:
    """Return what the largest R̂ of `count` quantities exceeds in `FALSE_ALARM` of independent draws."""
    half = draws // 2
    if half < 2 or count == 0:
        return float("inf")
    from scipy.special import fdtri

    ratio = fdtri(2 * chains - 1, 2 * chains * (half - 1), (1 - FALSE_ALARM) ** (1 / count))
    return float(np.sqrt((ratio + half - 1) / half))
