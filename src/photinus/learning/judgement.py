"""What one run of a device says about its setting: how far moments are off, and what noise explains."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from photinus.learning.response import Answering, Response

Floats = NDArray[np.float64]
Setting = TypeVar("Setting")
FALSE_ALARM = 0.01
"""Chance that a misfit counts as significant although there is none."""
MOST_COPIED = 2**22
"""Numbers of a root of noise that are copied where that is quicker."""
FLOOR = 1e-8
"""Variance of a mean that is added where a moment was never seen to vary."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What one run of a device showed."""

    chains: Floats
    """Moments of each chain (or group of chains), array (chain, statistic)."""
    draws: int
    """Draws per chain."""
    response: Answering
    """∂m/∂θ as this run tells it."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """What moments are wanted."""

    moments: Floats
    root: Floats
    """Noise of `moments` where they are sampled: (row, statistic), rowsᵀrows their covariance."""
    response: Answering
    """∂m/∂θ where the moments are right."""
    metric: Callable[[Floats], Floats]
    """M times vectors (vector, statistic)."""
    directions: Floats
    """Along which noise is near a normal one, (direction, statistic): there moments vary enough."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged(Generic[Setting]):
    """A setting of the device, what it showed, and what that is worth."""

    setting: Setting
    shown: Shown
    difference: Floats
    """Moments wanted less moments seen."""
    loss: float
    """Q, less what noise adds to it."""
    error: float
    """Standard error of `loss`; noise of the wanted moments aside."""
    noise: float
    """What noise alone adds to Q."""
    p_value: float
    """Chance of a misfit as large as this one from noise alone."""
    root: Floats
    """Noise of the moments seen, (row, statistic)."""

    @property
    def draws(self) -> int:
        """Draws per chain behind it."""
        return self.shown.draws

    def lean(self) -> "Judged[Setting]":
        """Return what is remembered of a run when the next ones are made: all but arrays of moments."""
        none = np.zeros((0, 0))
        shown = Shown(none, self.draws, Response())
        return replace(self, shown=shown, difference=none.ravel(), root=none)


def judge(setting: Setting, shown: Shown, wanted: Wanted) -> Judged[Setting]:
    """Return what a run says about a setting."""
    from scipy.stats import f

    count = len(shown.chains)
    mean = shown.chains.mean(axis=0)
    difference = wanted.moments - mean
    root = (shown.chains - mean) / np.sqrt(count * (count - 1))
    weighed = wanted.metric(difference[None])[0]
    every = [root, wanted.root]
    total, spread = _noise(every, wanted.metric)
    own_spread = _noise([root], wanted.metric)[1] if len(wanted.root) else spread
    squared = float(difference @ weighed)
    along = float(((root @ weighed) ** 2).sum())
    # dᵀMd under noise alone: near a chi-square of so many degrees of freedom (Satterthwaite 1946,
    # Biometrics Bull. 2, 110), over a mean that is estimated from as many in every chain but one.
    freedom = total**2 / spread if spread > 0 else 1.0
    ratio = squared / total if total > 0 else np.inf * squared
    overall = float(f.sf(ratio, freedom, freedom * (count - 1)))
    p_value = min(1.0, 2 * min(overall, _joint(difference, every, count, wanted.directions)))
    return Judged(
        setting=setting,
        shown=shown,
        difference=difference,
        loss=(squared - total) / 2,
        error=float(np.sqrt(along + own_spread / 2)),
        noise=total / 2,
        p_value=p_value,
        root=root,
    )


def _noise(parts: list[Floats], metric: Callable[[Floats], Floats]) -> tuple[float, float]:
    """Return tr(MΣ) and tr(MΣMΣ) of Σ = RᵀR, the latter freed of the bias of few rows.

    R comes in `parts`, some rows each.
    """
    gram = _gram(parts, metric)
    rows = max(len(gram) - 1, 1)
    total, squares = float(np.trace(gram)), float((gram**2).sum())
    return total, max((squares - total**2 / rows) * rows / (rows + 1), squares / len(gram))


def _gram(parts: list[Floats], metric: Callable[[Floats], Floats]) -> Floats:
    """Return R M Rᵀ, some rows at once where a copy of R would take most of the memory."""
    if sum(part.size for part in parts) <= MOST_COPIED:
        root = np.concatenate(parts)
        return np.asarray(root @ metric(root).T)
    some = max(1, MOST_COPIED // parts[0].shape[1])
    pieces = (part[k : k + some] for part in parts for k in range(0, len(part), some))
    weighed = (metric(piece) for piece in pieces)
    return np.concatenate([np.hstack([one @ part.T for part in parts]) for one in weighed])


def _joint(difference: Floats, parts: list[Floats], chains: int, directions: Floats) -> float:
    """Return the p-value of the moments along `directions`: by T², or of all moments, the largest.

    Hotelling (1931, Ann. Math. Stat. 2, 360) where there are chains enough for a covariance; else
    Bonferroni over moments.
    """
    from scipy.stats import f, t

    count = len(directions)
    if 0 < 2 * count < chains:
        along, noise = directions @ difference, np.concatenate(parts) @ directions.T
        covariance = noise.T @ noise + 1e-15 * np.eye(count)
        squared = float(along @ np.linalg.solve(covariance, along))
        return float(f.sf(squared * (chains - count) / (count * (chains - 1)), count, chains - count))
    if not len(difference):
        return 1.0
    error = np.sqrt(sum(row**2 for part in parts for row in part) + FLOOR)
    largest = float(np.abs(difference / error).max())
    return min(1.0, 2 * len(difference) * float(t.sf(largest, chains - 1)))
