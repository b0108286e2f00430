"""A trust region for a device whose moments are measured with noise.

A device has parameters θ and shows moments m(θ), each time with the noise of a finite run. Wanted are
θ whose moments are t. With d = t - m and the response J ≈ ∂m/∂θ, the step is that of Levenberg
(1944, Q. Appl. Math. 2, 164) and Marquardt (1963, J. SIAM 11, 431), with F = J::

    δ(λ) = (J + λ)⁻¹ d

Steps are judged by the loss Q(d) = ½ dᵀMd, less what noise alone adds to it. Noise is known by its
root R: one row per chain, RᵀR the covariance of d.

* λ is the one whose step promises most: Q(d) - Q(d - Jδ) less tr(M J (J + λ)⁻¹ RᵀR), which is what a
  step gains falsely, and breaks, by following noise (Mallows 1973, Technometrics 15, 661).
* It is never below the trust λ, which falls after steps that gained what they promised, and grows
  after others (Moré 1978, Lect. Notes Math. 630, 105).
* A step is taken back if it lost, unless noise explains the loss.
* A run whose noise hides the promised gain is followed by one of twice the length.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from photinus.learning.response import DENSE, Response

Floats = NDArray[np.float64]
Setting = TypeVar("Setting")

FALSE_ALARM = 0.01
"""Chance that a misfit counts as significant although there is none."""
DAMPINGS = 10.0 ** np.arange(-6, 2.5, 0.5)
"""λ among which the step is chosen."""
FIRST_DAMPING = 0.01
"""Trust λ of the first step: what an unknown device is trusted with."""
LARGEST_STEP = 1.0
"""Largest change of one parameter in one step."""
GOOD, BAD = 0.7, 0.3
"""Gain seen over gain promised, from which on the trust λ falls, and below which it grows."""
FALL, GROW = 4.0, 4.0
STRENGTHS, STRENGTH_SPREAD = (0.3, 2.0), 0.3
"""Range of a parameter's strength, and how far it is expected to be from 1."""
MODEL_ERROR, FADE = 0.2, 0.7
"""Relative error of a predicted change of moments; what is left of a lesson after the next step."""
WORTH = 0.2
"""Promise over the noise of Q, up to which a step is not worth a run where no misfit is seen."""
DOUBT = 2.0
"""Standard errors up to which a loss may be noise."""
FLOOR = 1e-8
"""Variance of a mean that is added where a moment was never seen to vary."""
FEW = 8
"""Rows of noise that tell what a step promises where the response is no matrix."""
IN_VAIN = 4
"""Corrections in a row without a gain, the noise aside, after which there is no point in more."""

CONVERGED = "No misfit is left that {draws} draws of every chain can show (p = {p:.2g})."
IN_VAIN_SAYS = f"{IN_VAIN} corrections in a row brought no gain that stands out of the noise."


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What one run of a device showed."""

    chains: Floats
    """Moments of each chain (or group of chains), array (chain, statistic)."""
    draws: int
    """Draws per chain."""
    response: Response
    """∂m/∂θ as this run tells it."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """What moments are wanted."""

    moments: Floats
    root: Floats
    """Noise of `moments` where they are sampled: (row, statistic), rowsᵀrows their covariance."""
    response: Response
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


@dataclass(frozen=True, slots=True, eq=False)
class Trial(Generic[Setting]):
    """One run of the device in the course of a search."""

    judged: Judged[Setting]
    damping: float
    """λ of the step that led here; 0 for the start."""
    promised: float
    """Gain that was expected of that step."""
    gained: float
    """Gain seen."""
    accepted: bool


@dataclass(slots=True, eq=False)
class Search(Generic[Setting]):
    """What came of it."""

    best: Judged[Setting]
    trials: list[Trial[Setting]] = field(default_factory=list)
    converged: bool = False
    reason: str = ""


def judge(setting: Setting, shown: Shown, wanted: Wanted) -> Judged[Setting]:
    """Return what a run says about a setting."""
    from scipy.stats import f

    count = len(shown.chains)
    mean = shown.chains.mean(axis=0)
    difference = wanted.moments - mean
    root = (shown.chains - mean) / np.sqrt(count * (count - 1))
    weighed = wanted.metric(difference[None])[0]
    every = np.concatenate([root, wanted.root])
    total, spread = _noise(every, wanted.metric)
    own_spread = _noise(root, wanted.metric)[1] if len(wanted.root) else spread
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


def _noise(root: Floats, metric: Callable[[Floats], Floats]) -> tuple[float, float]:
    """Return tr(MΣ) and tr(MΣMΣ) of Σ = RᵀR, the latter freed of the bias of few rows."""
    gram = root @ metric(root).T
    rows = max(len(root) - 1, 1)
    total, squares = float(np.trace(gram)), float((gram**2).sum())
    return total, max((squares - total**2 / rows) * rows / (rows + 1), squares / len(root))


def _joint(difference: Floats, root: Floats, chains: int, directions: Floats) -> float:
    """Return the p-value of the moments along `directions`: by T², or of all moments, the largest.

    Hotelling (1931, Ann. Math. Stat. 2, 360) where there are chains enough for a covariance; else
    Bonferroni over moments.
    """
    from scipy.stats import f, t

    count = len(directions)
    if 0 < 2 * count < chains:
        along, noise = directions @ difference, root @ directions.T
        covariance = noise.T @ noise + 1e-15 * np.eye(count)
        squared = float(along @ np.linalg.solve(covariance, along))
        return float(f.sf(squared * (chains - count) / (count * (chains - 1)), count, chains - count))
    if not len(difference):
        return 1.0
    error = np.sqrt((root**2).sum(axis=0) + FLOOR)
    largest = float(np.abs(difference / error).max())
    return min(1.0, 2 * len(difference) * float(t.sf(largest, chains - 1)))


class Strengths:
    """How much of a parameter's change reaches the moments: a in ∂m/∂θ = J diag(a), 1 as designed.

    Each step is a linear regression of the moments' change on a, with a normal prior around 1. What
    older steps taught fades: a device that saturates answers elsewhere in another way.
    """

    def __init__(self, count: int) -> None:
        self.precision = np.zeros((count, count))
        self.told = np.zeros(count)
        self.value = np.ones(count)

    def learn(
        self, change: Floats, now: Judged[Any], then: Judged[Any], metric: Callable[[Floats], Floats]
    ) -> None:
        """Take in that a change of the parameters led from `now` to `then`."""
        response = now.shown.response.mean_with(then.shown.response).matrix
        if response is None:
            return
        effect = response * change
        weighed = metric(effect.T)
        moved = now.difference - then.difference
        size = float(moved @ metric(moved[None])[0])
        noise = 2 * (now.noise + then.noise) + MODEL_ERROR**2 * size
        share = len(change) / max(noise, 1e-300)
        self.precision = FADE * self.precision + share * weighed @ effect
        self.told = FADE * self.told + share * weighed @ moved
        prior = STRENGTH_SPREAD**-2
        value = np.linalg.solve(self.precision + prior * np.eye(len(change)), self.told + prior)
        self.value = np.clip(value, *STRENGTHS)


def step(
    now: Judged[Setting], wanted: Wanted, least: float, strength: Floats
) -> tuple[Floats, float, float]:
    """Return the step that promises most with λ of at least `least`, its λ, and its promise."""
    response = now.shown.response.mean_with(wanted.response)
    root = _few(np.concatenate([now.root, wanted.root]))
    vectors = np.concatenate([now.difference[None], root])
    solve = response.resolvent(vectors)
    best, falling = None, 0
    for damping in (least, *DAMPINGS[least < DAMPINGS]):
        solved = solve(damping)
        change = solved[0] / strength
        share = min(1.0, LARGEST_STEP / max(float(np.abs(change).max()), 1e-300))
        moved = share * (vectors - damping * solved)
        weighed = wanted.metric(moved)
        promise = float(weighed[0] @ (now.difference - moved[0] / 2))
        promise -= float((weighed[1:] * root).sum())
        if best is None or promise > best[2]:
            best, falling = (share * change, float(damping), promise), 0
        elif (falling := falling + 1) > 2:
            break
    assert best is not None
    return best


def _few(root: Floats) -> Floats:
    """Return a root with few rows that gives the same covariance on average.

    Sums of rows with random signs (Hutchinson 1990, Commun. Stat. Simul. 19, 433).
    """
    if root.shape[1] <= DENSE:
        return root
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (FEW, len(root)))
    return np.asarray(signs @ root / np.sqrt(FEW))


def search(
    start: Setting,
    measure: Callable[[Setting, int], Shown],
    apply: Callable[[Setting, Floats], Setting],
    wanted: Wanted,
    *,
    draws: int,
    most_rounds: int,
    damping: float | None = None,
    report: Callable[[Trial[Setting]], None] = lambda trial: None,
) -> Search[Setting]:
    """Change the setting of a device until its moments are those wanted.

    Parameters
    ----------
    start
        Setting to start from.
    measure
        Runs the device with a setting for so many draws per chain.
    apply
        Returns a setting that is changed by δ.
    wanted
        Moments that the device shall show.
    draws
        Draws per chain of the longest run; the first has an eighth of it.
    most_rounds
        Runs in all.
    damping
        Least λ; None leaves it to what is seen.
    report
        Called after every run.
    """
    length = -(-draws // 8)
    now: Judged[Setting] = judge(start, measure(start, length), wanted)
    found = Search(now)
    _enter(found, Trial(now, 0.0, 0.0, 0.0, True), report)
    history = [now]
    strengths = Strengths(len(now.difference))
    trust, grow, vain = FIRST_DAMPING if damping is None else max(damping, DAMPINGS[0]), GROW, 0
    while True:
        settled = now.p_value >= FALSE_ALARM
        full = now.draws >= draws
        least = trust if damping is None else max(damping, trust)
        change, used, promised = step(now, wanted, least, strengths.value)
        if settled and full and promised < WORTH * now.noise:
            found.converged, found.best = True, now
            found.reason = CONVERGED.format(draws=now.draws, p=now.p_value)
            break
        if vain >= IN_VAIN:
            found.reason = IN_VAIN_SAYS
            break
        if len(found.trials) >= most_rounds:
            found.reason = f"No more than {most_rounds} measurements were allowed."
            break
        if promised <= 0 or (settled and not full):
            # Nothing to correct by: look again, longer.
            more = measure(now.setting, draws if full else draws - now.draws)
            now = judge(now.setting, _pooled(now.shown, more), wanted)
            length, vain = draws, vain + full
            history.append(now)
            _enter(found, Trial(now, 0.0, 0.0, 0.0, True), report)
            continue
        setting = apply(now.setting, change)
        then: Judged[Setting] = judge(setting, measure(setting, length), wanted)
        error = float(np.hypot(now.error, then.error))
        gained = now.loss - then.loss
        strengths.learn(change, now, then, wanted.metric)
        accepted = gained > -min(DOUBT * error, error**2 / promised)
        _enter(found, Trial(then, used, promised, gained, accepted), report)
        vain = 0 if gained > error else vain + (length >= draws or not accepted)
        if promised > error or not accepted:
            ratio = gained / promised
            if not accepted:
                trust, grow = grow * used, 2 * grow
            elif ratio < BAD:
                trust = 2 * used
            elif ratio > GOOD:
                trust, grow = max(used / FALL, DAMPINGS[0]), GROW
        if promised < DOUBT * error:
            length = min(draws, 2 * length)
        if accepted:
            now = then
            history.append(now)
    if not found.converged:
        found.best = min(history, key=lambda one: one.loss + DOUBT * one.error)
    return found


def _enter(
    found: Search[Setting], trial: Trial[Setting], report: Callable[[Trial[Setting]], None]
) -> None:
    found.trials.append(trial)
    report(trial)


def _pooled(one: Shown, other: Shown) -> Shown:
    """Return two runs of the same setting as one."""
    draws = one.draws + other.draws
    return Shown(
        chains=(one.draws * one.chains + other.draws * other.chains) / draws,
        draws=draws,
        response=other.response,
    )
