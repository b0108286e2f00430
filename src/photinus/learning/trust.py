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
* All runs together tell of the moments at a setting, and of the answer there, see
  `photinus.learning.memory`. Without that, the last setting would be as noisy as one run. A device
  that does not answer as designed would be corrected by half, again and again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic

import numpy as np

from photinus.learning.judgement import FALSE_ALARM, Floats, Judged, Setting, Shown, Wanted, judge
from photinus.learning.memory import Answer, Memory
from photinus.learning.response import DENSE

DAMPINGS = 10.0 ** np.arange(-6, 2.5, 0.5)
"""λ among which the step is chosen."""
FIRST_DAMPING = 0.01
"""Trust λ of the first step: what an unknown device is trusted with."""
LARGEST_STEP = 1.0
"""Largest change of one parameter in one step."""
GOOD, BAD = 0.7, 0.3
"""Gain seen over gain promised, from which on the trust λ falls, and below which it grows."""
FALL, GROW = 4.0, 4.0
WORTH = 0.2
"""Promise over the noise of Q, up to which a step is not worth a run where no misfit is seen."""
DOUBT = 2.0
"""Standard errors up to which a loss may be noise."""
FEW, FEWEST, FEW_ENTRIES = 8, 2, 2**20
"""Rows of noise that tell what a step promises where the response is no matrix. Fewer will do where
more statistics are summed over."""
CONFIRMED = 3
"""Longest runs of a setting, pooled, that must show no misfit: one is as noisy as the step to it."""
IN_VAIN = 6
"""Corrections in a row without a gain, the noise aside, after which there is no point in more."""

CONVERGED = "No misfit is left that {draws} draws of every chain can show (p = {p:.2g})."
IN_VAIN_SAYS = f"{IN_VAIN} corrections in a row brought no gain that stands out of the noise."


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


def step(
    now: Judged[Setting], wanted: Wanted, least: float, answer: Answer
) -> tuple[Floats, float, float]:
    """Return the step that promises most with λ of at least `least`, its λ, and its promise."""
    root = _few([now.root, wanted.root])
    vectors = np.concatenate([now.difference[None], root])
    solve = answer.response.resolvent(answer.undone(vectors))
    best, falling = None, 0
    for damping in (least, *DAMPINGS[least < DAMPINGS]):
        solved = solve(damping)
        change = solved[0]
        share = min(1.0, LARGEST_STEP / max(float(np.abs(change).max()), 1e-300))
        moved = share * (vectors - damping * answer.done(answer.response.ridge(solved)))
        weighed = wanted.metric(moved)
        promise = float(weighed[0] @ (now.difference - moved[0] / 2))
        promise -= float((weighed[1:] * root).sum())
        if best is None or promise > best[2]:
            best, falling = (share * change, float(damping), promise), 0
        elif (falling := falling + 1) > 2:
            break
    assert best is not None
    return best


def _few(parts: list[Floats]) -> Floats:
    """Return a root with few rows that gives the same covariance on average.

    Sums of rows with random signs (Hutchinson 1990, Commun. Stat. Simul. 19, 433).
    """
    count = parts[0].shape[1]
    if count <= DENSE:
        return np.concatenate(parts)
    few = max(FEWEST, min(FEW, FEW_ENTRIES // count))
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (few, sum(map(len, parts))))
    places = np.cumsum([len(part) for part in parts])[:-1]
    sums = [own @ part for own, part in zip(np.split(signs, places, axis=1), parts, strict=True)]
    return np.asarray(sum(sums) / np.sqrt(few))


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
    run = _Run(start, measure, apply, wanted, draws, damping, report)
    found = run.found
    while not (reason := run.reason_to_stop(most_rounds)):
        if run.worth_a_step():
            run.correct()
        else:
            run.look_longer()
    found.reason = reason
    if run.converged:
        found.converged, found.best = True, run.now
    else:
        found.best = min(run.history, key=lambda one: one.loss + DOUBT * one.error)
    return found


class _Run(Generic[Setting]):
    """A search on its way: where it stands, what it trusts, and the step that it would take."""

    def __init__(
        self,
        start: Setting,
        measure: Callable[[Setting, int], Shown],
        apply: Callable[[Setting, Floats], Setting],
        wanted: Wanted,
        draws: int,
        damping: float | None,
        report: Callable[[Trial[Setting]], None],
    ) -> None:
        self.measure, self.apply, self.wanted, self.report = measure, apply, wanted, report
        self.draws, self.damping = draws, damping
        self.length = -(-draws // 8)
        self.place = np.zeros(len(wanted.moments))
        """Sum of all changes since the start."""
        self.memory = Memory()
        self.now = self._kept(start, self.place, measure(start, self.length))
        self.answer = self._remembered(start, self.now.shown)[1]
        self.found = Search(self.now)
        self.history = [self.now.lean()]
        self.trust = FIRST_DAMPING if damping is None else max(damping, DAMPINGS[0])
        self.grow = GROW
        self.vain = 0
        """Corrections in a row without a gain that stands out of the noise."""
        self._enter(Trial(self.now, 0.0, 0.0, 0.0, True))
        self._promise()

    def _promise(self) -> None:
        """Look which step promises most from here."""
        least = self.trust if self.damping is None else max(self.damping, self.trust)
        found = step(self.now, self.wanted, least, self.answer)
        self.change, self.used, self.promised = found

    def _enter(self, trial: Trial[Setting]) -> None:
        self.report(trial)
        self.found.trials.append(replace(trial, judged=trial.judged.lean()))

    @property
    def settled(self) -> bool:
        """Whether no misfit is seen."""
        return self.now.p_value >= FALSE_ALARM

    @property
    def full(self) -> bool:
        """Whether the longest run was made here."""
        return self.now.draws >= self.draws

    @property
    def converged(self) -> bool:
        """Whether runs enough show no misfit, and no step is worth another one."""
        return self.confirmed and self.settled and not self.promising

    @property
    def confirmed(self) -> bool:
        """Whether the setting was measured as long as the last one must be."""
        return self.now.draws >= CONFIRMED * self.draws

    @property
    def promising(self) -> bool:
        """Whether a step promises more than noise would hide."""
        return self.promised >= WORTH * self.now.noise

    def reason_to_stop(self, most_rounds: int) -> str:
        """Return why there is no point in more, a sentence; else empty."""
        if self.converged:
            return CONVERGED.format(draws=self.now.draws, p=self.now.p_value)
        if self.vain >= IN_VAIN:
            return IN_VAIN_SAYS
        if len(self.found.trials) >= most_rounds:
            return f"No more than {most_rounds} measurements were allowed."
        return ""

    def worth_a_step(self) -> bool:
        """Return whether there is something to correct by."""
        if self.settled and not self.confirmed:
            return self.full and self.promising
        return self.promised > 0

    def look_longer(self) -> None:
        """Measure once more where it stands."""
        now, full = self.now, self.full
        self.vain += self.confirmed
        # What is missing to a full run may be a few draws; so short a run is not worth its start.
        missing = max(self.draws - now.draws, self.draws // 2)
        more = self.measure(now.setting, self.draws if full else missing)
        self._kept(now.setting, self.place, more)
        self.now, self.answer = self._remembered(now.setting, more)
        self.length = self.draws
        self.history.append(self.now.lean())
        self._enter(Trial(self.now, 0.0, 0.0, 0.0, True))
        self._promise()

    def correct(self) -> None:
        """Take the step, measure what it brought, and take it back if it lost."""
        now, promised = self.now, self.promised
        setting, place = self.apply(now.setting, self.change), self.place + self.change
        then = self._kept(setting, place, self.measure(setting, self.length))
        error = float(np.hypot(now.error, then.error))
        gained = now.loss - then.loss
        accepted = gained > -min(DOUBT * error, error**2 / promised)
        if accepted:
            self.place = place
        self.now, self.answer = self._remembered(
            setting if accepted else now.setting, (then if accepted else now).shown
        )
        self._enter(Trial(self.now if accepted else then, self.used, promised, gained, accepted))
        self.vain = 0 if gained > error else self.vain + (self.length >= self.draws or not accepted)
        self._learn_trust(gained / promised, accepted, promised > error)
        if promised < DOUBT * error:
            self.length = min(self.draws, 2 * self.length)
        self.history.append(self.now.lean())
        self._promise()

    def _kept(self, setting: Setting, place: Floats, shown: Shown) -> Judged[Setting]:
        """Return what a run says of its setting, and keep the run."""
        judged = judge(setting, shown, self.wanted)
        own = float((judged.root * self.wanted.metric(judged.root)).sum()) / 2
        self.memory.add(place, shown, own)
        return judged

    def _remembered(self, setting: Setting, last: Shown) -> tuple[Judged[Setting], Answer]:
        """Return what all runs together say of a setting, where it stands, and of the answer there."""
        between = last.response.mean_with(self.wanted.response)
        shown, answer = self.memory.about(self.place, between, self.wanted.metric)
        return judge(setting, replace(shown, response=last.response), self.wanted), answer

    def _learn_trust(self, ratio: float, accepted: bool, clear: bool) -> None:
        """Trust less after a step that did not gain what it promised, if that was `clear` of noise.

        Otherwise trust more: a step in the noise is small, and its λ is chosen by the noise.
        """
        if not accepted:
            self.trust, self.grow = self.grow * self.used, 2 * self.grow
        elif clear and ratio < BAD:
            self.trust = 2 * self.used
        elif not clear or ratio > GOOD:
            self.trust, self.grow = max(self.used / FALL, DAMPINGS[0]), GROW
