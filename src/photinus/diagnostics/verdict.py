"""From numbers to words: four questions, a sentence for each, and one word for all.

converged? biased? how far? what next? The word is *indistinguishable*, *close*, *off*, *far off* or
*cannot tell yet*, by the thresholds below.
"""

from dataclasses import dataclass

import numpy as np

from photinus.diagnostics.convergence import (
    FALSE_ALARM,
    FEW_DRAWS,
    FEWEST_EFFECTIVE,
    RHAT_LIMIT,
    Convergence,
)

INDISTINGUISHABLE, CLOSE, OFF, FAR_OFF = "indistinguishable", "close", "off", "far off"
CANNOT_TELL = "cannot tell yet"
GRADES = (INDISTINGUISHABLE, CLOSE, OFF, FAR_OFF, CANNOT_TELL)
"""The words."""
CLOSE_ERROR, FAR_ERROR = 0.02, 0.05
"""Error of a probability up to which samples are close, and above which they are far off."""
CLOSE_KL, FAR_KL = 0.02, 0.1
"""The same for KL(sampled‖target) [nats], less its noise."""
CLOSE_BETA, FAR_BETA = 0.1, 0.15
"""The same for |β_eff - 1|."""
RESOLUTION = CLOSE_ERROR
"""Largest half width of the widest 95 % interval of a marginal or pair moment. Up to it, a sampler
without significant bias is called indistinguishable: an error that is not close any more would show.
The standard error is then 0.01."""
SETTLED = 10
"""Draws, burn-in included, before the second half of a run, from which a start may be forgotten."""
SURE = 1e-4
"""Probability by chance below which samples are called off or far off."""
SURE_ALONE = 1e-6
"""The same for chains that have not converged, or that have no reference."""
LEAST = 1e-300
"""Smallest p that is told."""
STRONG = 1.5
"""Largest weight or bias that the presets were calibrated for."""
REFINE, ROUNDS = "`photinus.refine(machine, calibration)` or `photinus refine`", 24
"""How to refine a network, and how many rounds that makes by default."""
REFINED = (
    "If it is a refined one already, refine it with more draws (`draws=`, `--draws`), or take another "
    "device"
)
"""What to do if a network is refined already."""
MODES = 1.5
"""R̂ above which chains sit in different modes, rather than being a little short."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Error:
    """One measure of how far samples are off, the worst of its kind."""

    what: str
    """The measure in words."""
    size: float
    """Its best estimate, >= 0."""
    least: float
    """The smallest value that its 95 % interval allows."""
    width: float
    """Half width of that interval."""
    close: float
    """Up to here it is close."""
    far: float
    """Above this it is far off."""

    @property
    def grade(self) -> str:
        """Return "close", "off" or "far off"; what cannot be told from close is close."""
        if self.least <= self.close:
            return CLOSE
        return FAR_OFF if self.size > self.far else OFF


def worst(errors: list[Error]) -> Error | None:
    """Return the error of the worst grade, and among these the largest in units of its threshold."""
    return max(errors, key=lambda e: (GRADES.index(e.grade), e.size / e.far), default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What the words are drawn from."""

    convergence: Convergence
    draws: int
    """Per chain."""
    settled: bool
    """Whether a start could have been forgotten."""
    chains: int
    frozen: int
    """Units that never flipped."""
    stuck: str
    """A unit that never flipped although it should have; else empty."""
    reference: str
    elsewhere: str
    """What is far from the reference although chains have not converged; else empty."""
    reason: str
    """Why there is no reference; else empty."""
    compared: bool
    """Whether moments were compared with a reference, errors known."""
    p: float
    """Probability of so large a deviation by chance, over all tests that could be made."""
    local_p: float
    """The same of the tests that hold for chains that have not converged."""
    distances: str
    """All measures of distance, in words."""
    errors: list[Error]
    """Errors against the reference, of what is significant."""
    local: list[Error]
    """Errors that need no reference and no convergence."""
    resolution: float
    """Half width of the widest 95 % interval of a marginal or pair moment; infinite if unknown."""
    network: bool
    """Whether neurons were simulated, that can be refined."""
    strong: float
    """Largest weight or bias of the machine."""


def chance(p: float, digits: int = 1) -> str:
    """Return a probability in words; what underflows is below the smallest that is told.

    Examples
    --------
    >>> from photinus.diagnostics.verdict import chance
    >>> chance(0.0123), chance(0.0)
    ('p = 0.01', 'p < 1e-300')
    """
    return f"p < {LEAST:g}" if p < LEAST else f"p = {p:.{digits}g}"


def grade(e: Evidence) -> str:
    """Return the word."""
    if not e.settled:
        return CANNOT_TELL
    if not e.convergence.converged or e.stuck or e.reason or not e.compared:
        bad = worst(e.local)
        sure = bad is not None and bad.grade != CLOSE and e.local_p < SURE_ALONE
        return bad.grade if bad is not None and sure else CANNOT_TELL
    if e.p < FALSE_ALARM:
        found = worst([*e.errors, *e.local])
        if found is None or found.grade == CLOSE:
            return CLOSE
        return found.grade if e.p < SURE else CANNOT_TELL
    return INDISTINGUISHABLE if e.resolution <= RESOLUTION else CANNOT_TELL


def on_convergence(e: Evidence) -> str:
    """Answer whether the chains have converged."""
    c = e.convergence
    if c.rhat is None:
        return f"not known: {_no_rhat(e)}, so there is no R̂"
    draws = f"{c.ess:,.0f} effective draws ({c.ess_of})"
    if c.rhat > c.rhat_limit:
        return f"no: R̂ is {c.rhat:.4g} ({c.rhat_of}), above {c.rhat_limit:.4g}; {draws}"
    if c.drift < FALSE_ALARM:
        return f"no: {c.drift_of} drifts ({chance(c.drift)}), so the start is not forgotten; {draws}"
    if not c.converged:
        return f"not known: {draws} are too few"
    return f"yes: R̂ is at most {c.rhat:.3f} ({c.rhat_of}); {draws}"


def _no_rhat(e: Evidence) -> str:
    return "too few draws for an ESS" if e.draws < FEW_DRAWS else "no unit flipped"


def on_bias(e: Evidence) -> str:
    """Answer whether the law is wrong."""
    if not e.settled:
        return "not known: the run is too short to have forgotten its start"
    if e.local_p < FALSE_ALARM and not (e.compared and e.convergence.converged):
        return f"yes: units of a right sampler follow the others otherwise ({chance(e.local_p)})"
    if e.stuck:
        return f"not known: unit {e.stuck} never flipped, as in chains that stay in one mode"
    if not e.convergence.converged:
        return "not known before chains have converged"
    if not e.compared:
        return f"not known: {e.reason or 'one short chain shows no error'}"
    if e.p < FALSE_ALARM:
        return f"yes: a right sampler is so far from the reference ({e.reference}) with {chance(e.p)}"
    return f"no sign of it ({chance(e.p, 2)}); moments are known to ± {e.resolution:.2g} or better"


def on_distance(e: Evidence) -> str:
    """Answer how far the samples are off."""
    return e.distances or "not known"


def advice(e: Evidence, word: str) -> str:
    """Say what to do next."""
    c = e.convergence
    if word in (OFF, FAR_OFF) or (word == CLOSE and e.network):
        return _remedy(e)
    if word in (INDISTINGUISHABLE, CLOSE):
        return "nothing: more draws would find smaller errors only"
    if not e.settled:
        return f"burn in for at least {SETTLED} draws"
    if e.draws < FEW_DRAWS:
        return f"draw at least {FEW_DRAWS} times per chain, better 100 times"
    if e.stuck or e.elsewhere or c.rhat is None or c.rhat > MODES:
        return "temper (`tempering=`, `--hottest`), or start chains from different states"
    if c.rhat > c.rhat_limit:
        factor = (c.rhat**2 - 1) / (RHAT_LIMIT**2 - 1)
        return f"draw about {_draws(e.draws * max(1.5, factor))} per chain"
    if c.drift < FALSE_ALARM:
        return f"burn in longer: {_draws(e.draws)} draws, then draw as many"
    if not c.converged:
        return f"draw about {_draws(e.draws * max(2.0, 2 * FEWEST_EFFECTIVE / c.ess))} per chain"
    if e.reason:
        return "compare with another substrate, or judge a smaller machine of the same kind"
    if not np.isfinite(e.resolution):
        return "sample at least 16 chains"
    factor = max(2.0, (e.resolution / RESOLUTION) ** 2 * 1.1)
    return (
        f"draw about {_draws(e.draws * factor)} per chain: moments are then known to ± {RESOLUTION:g}"
    )


def _draws(number: float) -> str:
    return f"{float(f'{number:.2g}'):,.0f}"


def _remedy(e: Evidence) -> str:
    if not e.network:
        return "check the sampler: no longer run will cure it"
    if e.strong <= STRONG:
        return f"refine the network: {REFINE}. {REFINED}"
    return (
        f"refine the network: {REFINE}; strengths beyond ±{STRONG:g}, as here, may need all its "
        f"{ROUNDS} rounds; if it says that corrections bring no gain, scale the machine down, or take "
        "another device"
    )


def sentence(e: Evidence, word: str) -> str:
    """Return the verdict: the word, and the figure that decides."""
    tail = f"; {e.frozen} unit(s) never flipped" if e.frozen else ""
    if word == CANNOT_TELL:
        return f"{word}: {_why_not(e)}{tail}"
    if word == INDISTINGUISHABLE:
        return (
            f"{word} from the target: no significant bias ({chance(e.p, 2)}), moments known to "
            f"± {e.resolution:.2g} or better, {e.convergence.ess:,.0f} effective draws{tail}"
        )
    found = worst([*e.errors, *e.local])
    p = min(e.p, e.local_p)
    if found is None:
        return f"{word}: biased ({chance(p)}), though no single error is significant{tail}"
    between = f"95 %: {found.least:.3g} to {found.size + found.width:.3g}"
    return (
        f"{word}: {found.what} is off by {found.size:.2g} ({between}; all tests together: {chance(p)})"
        f"{tail}"
    )


def _why_not(e: Evidence) -> str:
    c = e.convergence
    if not e.settled and e.draws >= FEW_DRAWS:
        return "the run is too short to have forgotten its start"
    if e.stuck:
        return f"unit {e.stuck} never flipped, as in chains that stay in one mode"
    if c.rhat is None:
        return _no_rhat(e)
    if not c.converged:
        seen = f", and {e.elsewhere}" if e.elsewhere else ""
        return f"chains have not converged ({on_convergence(e).split(': ', 1)[1]}){seen}"
    if e.reason:
        return e.reason
    if not e.compared:
        return "one chain is too short to show its error"
    if e.p < FALSE_ALARM:
        return f"biased, or a rare chance ({chance(e.p)}); {c.ess:,.0f} effective draws are too few"
    return f"{c.ess:,.0f} effective draws tell moments to ± {e.resolution:.2g} only"
