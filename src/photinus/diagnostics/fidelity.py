"""The certificate: how far samples are from the machine that they should come from.

`assess` asks four questions and answers each with its number: have the chains converged, is their law
biased, how far is it off, and what should be done next. `photinus.diagnostics` has the statistics.

The Kullback–Leibler divergence KL(sampled‖target) is always finite for a Boltzmann target, whatever
states were not visited. Beside it stands its *floor*: the divergence of exact draws with the same
noise. What of it a better choice of biases and weights could remove, `kl_parts` tells.
"""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.progress import Progress, tracked
from photinus.diagnostics import verdict as words
from photinus.diagnostics.bias import (
    FEW_GROUPS,
    Comparison,
    compare,
    cut,
    hotelling,
    local_comparison,
    pieces_of,
    share_interval,
    student,
)
from photinus.diagnostics.convergence import (
    FALSE_ALARM,
    FEW_DRAWS,
    Convergence,
    convergence,
    effective_draws,
    r_hat,
    smallest_effective_draws,
)
from photinus.diagnostics.distance import (
    FLOOR_RUNS,
    Divergence,
    KlParts,
    beta_estimate,
    chain_joints,
    divergence,
    effective_beta,
    kl_divergence,
    kl_parts,
    log_divergence,
    state_shares,
)
from photinus.diagnostics.references import Reference, reference, sampled_comparison
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine

if TYPE_CHECKING:
    from photinus.samplers.samples import Samples

__all__ = [
    "FALSE_ALARM",
    "FEW_DRAWS",
    "FLOOR_RUNS",
    "MAX_FLOOR_UNITS",
    "DrawsNeeded",
    "Fidelity",
    "KlParts",
    "UnitCheck",
    "assess",
    "chain_joints",
    "draws_needed",
    "effective_beta",
    "effective_draws",
    "kl_divergence",
    "kl_parts",
    "r_hat",
    "smallest_effective_draws",
]

MAX_FLOOR_UNITS = 20
"""Free units up to which there is a KL; beyond, runs are too short to fill the joint."""
MOST_MOMENTS = 2**24
"""Chains × units² up to which pair moments are compared; beyond, marginals alone."""
DRAWS_PER_FREEDOM = 10
"""Effective draws per degree of freedom of an error from autocorrelation."""
FEWEST_FOR_INTERVAL = 4
"""Effective draws per group below which its mean is too far from normal for an interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitCheck:
    """One unit: what was found, and what is right."""

    label: Hashable
    probability: float
    """P(on) found, dwell times where there are spikes."""
    error: float | None
    """Its standard error; None if unknown."""
    interval: tuple[float, float] | None
    """Its 95 % interval; None if there is none that covers."""
    reference: float | None
    """The right value; None if unknown."""
    ess: float | None
    """Effective draws; None if the unit never flips, or draws are too few."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fidelity:
    """The certificate of a set of samples."""

    kl: float | None
    """KL(sampled‖target) in nats, weighted by dwell time where there are spikes; None for more than
    20 free units, where no run is long enough to fill the joint."""
    kl_floor: float | None
    """Mean KL of exact draws that are as noisy as these samples; None where `kl` is, or the noise is
    unknown."""
    kl_floor_std: float | None
    """Standard deviation of the floor from run to run."""
    kl_limit: float | None
    """KL that an exact sampler stays below in 99 of 100 runs of the same length."""
    kl_interval: tuple[float, float] | None
    """95 % interval of the KL of the law, noise taken off; None if there is none that covers."""
    kl_quick_floor: float | None
    """(K - 1) / (2 ESS) for K states: the textbook estimate for independent draws."""
    ess: float
    """Effective number of independent draws: the smallest over units that flip, energy and pairs."""
    ess_of: str
    """What it is the ESS of."""
    tau_int: float
    """Integrated autocorrelation time in draws: all draws / ESS."""
    rhat: float | None
    """Largest R̂ of units, energy and pairs; infinite if chains stay at different values; None if
    unknown."""
    rhat_of: str
    """What it is the R̂ of."""
    converged: bool
    """Whether R̂ is small and nothing drifts."""
    beta_eff: float
    """Inverse temperature at which the target explains the samples best (1 is right)."""
    beta_interval: tuple[float, float] | None
    """95 % interval of `beta_eff`; None if there is none that covers."""
    frozen: tuple[Hashable, ...]
    """Units that never changed in any chain."""
    marginal_error: float | None
    """Largest |difference| of a unit's probability from the right one; None without a reference."""
    marginal_of: str
    """Unit that has it."""
    marginal_interval: tuple[float, float] | None
    """95 % interval of the largest error of a marginal of the sampler's law; None if unknown."""
    pair_error: float | None
    """Largest |difference| of a pair moment <z_i z_j> from the right one; None without a reference."""
    pair_of: str
    """Pair that has it."""
    pair_interval: tuple[float, float] | None
    """95 % interval of the largest error of a pair moment of the sampler's law; None if unknown."""
    biased: bool | None
    """Whether the law is wrong, with 1 % false alarms; None if it cannot be told."""
    p_value: float | None
    """Probability that a right sampler deviates as much, over all tests."""
    resolution: float | None
    """Half width of the widest 95 % interval of a marginal or pair moment."""
    reference: str
    """Source of the right moments: enumeration, tree decomposition, ideal, gibbs, or none."""
    grade: str
    """One of `photinus.diagnostics.verdict.GRADES`."""
    verdict: str
    """All of this in one sentence, which starts with the grade."""
    on_convergence: str
    """Have the chains converged?"""
    on_bias: str
    """Is their law biased?"""
    on_distance: str
    """How far is it off?"""
    advice: str
    """What next?"""
    units: tuple[UnitCheck, ...]
    """Marginals of the free units beside the right ones."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields but for `units` as plain values for JSON; None where not finite."""
        return {name: _plain(getattr(self, name)) for name in self.__slots__ if name != "units"}


def _plain(value: Any) -> Any:
    """Return `value` as strict JSON can hold it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawsNeeded:
    """How many draws a standard error takes; see `photinus.Samples.draws_needed`."""

    error: float
    """Standard error of the worst marginal that is wanted."""
    draws: int
    """Draws per chain."""
    chains: int
    """Chains, as many as there were."""
    effective: float
    """Effective draws of all chains together that this takes."""
    time: float | None
    """Seconds on the chip per chain, burn-in included; None for a sampler without a chip."""
    unit: Hashable
    """Unit with the worst marginal."""


def draws_needed(samples: "Samples", error: float = 0.01) -> DrawsNeeded:
    """Return the draws for a standard error; see `photinus.Samples.draws_needed`."""
    validate.instance("samples", samples, "Samples")
    wanted = validate.positive("error", error)
    if wanted > 0.5:
        raise InvalidInput(f"error must be at most 0.5, got {wanted:g}")
    worst: tuple[float, Hashable, float] | None = None
    for unit in samples.free_units:
        values = samples.states[..., unit].astype(np.float64)
        ess = effective_draws(values) if values.size else math.nan
        if ess == ess:
            square = float(values.var()) / ess
            if worst is None or square > worst[0]:
                worst = square, samples.machine.labels[unit], float(values.var())
    if worst is None:
        raise InvalidInput(
            f"samples must have a unit that flips, and at least {FEW_DRAWS} draws per chain, "
            "to tell how many draws are needed"
        )
    square, label, variance = worst
    draws = max(1, math.ceil(samples.draws * square / wanted**2))
    windows = samples.burn_in + draws
    if samples.tempering is not None:
        windows = samples.tempering.window_of(windows - 1) + 1
    return DrawsNeeded(
        error=wanted,
        draws=draws,
        chains=samples.chains,
        effective=variance / wanted**2,
        time=None if samples.network is None else windows * samples.network.window,
        unit=label,
    )


def assess(samples: "Samples", seed: int = 0, *, progress: Progress | bool | None = None) -> Fidelity:
    """Return the certificate of `samples` against their machine, given the evidence.

    Parameters
    ----------
    samples
        What to judge; all chains must have the same evidence.
    seed
        Seed of the exact draws that measure the floor, and of reference samplers.
    progress
        True for a bar on the terminal, or an object with ``start``, ``advance``, ``stop``.

    Raises
    ------
    InvalidInput
        If chains have different evidence, or there are no draws.
    """
    validate.instance("samples", samples, "Samples")
    target = samples.target()
    if samples.chains * samples.draws == 0:
        raise InvalidInput("samples must hold at least one draw, got none")
    with tracked(progress, "writing the certificate", 4) as advance:
        findings = _Findings(samples, target)
        advance(1)
        findings.compare_moments(reference(target, seed, tested=samples.substrate))
        advance(1)
        findings.compare_locally()
        advance(1)
        findings.measure_divergence(seed)
        advance(1)
    return findings.certificate()


class _Findings:
    """What is known of samples while their certificate is made."""

    def __init__(self, samples: "Samples", target: BoltzmannMachine) -> None:
        self.samples, self.target = samples, target
        self.states = samples.states[:, :, samples.free_units]
        self.chains, self.draws, self.n = self.states.shape
        self.total = float(self.chains * self.draws)
        self.convergence: Convergence = convergence(target, self.states)
        self.tau = self.total / self.convergence.ess
        self.pieces = pieces_of(self.chains, self.draws, self.tau)
        self.reference = Reference(name="none")
        self.moments: Comparison | None = None
        self.local: Comparison | None = None
        self.divergence: Divergence | None = None
        self.kl: float | None = None
        self.p: list[float] = []
        self.local_p: list[float] = []

    # Moments

    def compare_moments(self, found: Reference) -> None:
        """Compare marginals and pair moments with the reference."""
        self.reference = found
        self.i, self.j = np.triu_indices(self.n, 1)
        if self.chains * max(1, self.pieces) * self.n**2 > MOST_MOMENTS:
            self.i = self.j = np.empty(0, np.intp)
        if found.moments is not None:
            known = np.isfinite(found.moments[self.i, self.j])
            self.i, self.j = self.i[known], self.j[known]
        self.values = self._features()
        if found.moments is None or not self.pieces:
            return
        truth = self._chosen(found.moments[None])[0]
        others = None if found.chains is None else self._chosen(found.chains)
        if others is None:
            ess = self.convergence.ess
            self.moments = compare(self.values, truth, truth * (1 - truth), self.total, ess=ess)
        else:
            self.moments = sampled_comparison(
                self.values, others, self.total, self.convergence.ess, found.ess
            )
        self.p += [
            self.moments.joint_p(),
            hotelling(self.values, truth, self.total, others),
        ]

    def _features(self) -> NDArray[np.float64]:
        """Return marginals and pair moments of each independent group, array (group, moment)."""
        free = self.samples.free_units
        if not len(self.i):
            if self.pieces <= 1:
                return self.samples.chain_marginals()[:, free]
            return np.asarray(cut(self.states, self.pieces).mean(axis=1, dtype=np.float64))
        moments = self.samples.chain_moments(max(1, self.pieces))[:, free][:, :, free]
        return self._chosen(moments)

    def _chosen(self, moments: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is compared of moments (group, unit, unit), array (group, moment)."""
        marginals = np.diagonal(moments, axis1=1, axis2=2)
        return np.concatenate([marginals, moments[:, self.i, self.j]], axis=1)

    # Without a reference

    def compare_locally(self) -> None:
        """Compare how units follow each other with the machine; needs no reference."""
        if not self.pieces:
            self.beta, self.beta_error = beta_estimate(self.target, self.states)
            return
        groups = cut(self.states, self.pieces)
        self.beta, self.beta_error = beta_estimate(self.target, groups)
        self.freedom = len(groups) - 1
        self.local = local_comparison(self.target, groups, self.convergence.ess)
        self.local_p = [self.local.joint_p()]
        if 0 < self.beta_error < math.inf:
            from scipy.special import stdtr

            t = abs(self.beta - 1) / self.beta_error
            self.local_p.append(float(2 * stdtr(self.freedom, -t)))
        self.p += self.local_p

    # Divergence

    def measure_divergence(self, seed: int) -> None:
        """Measure KL, its floor and its interval, where the joint can be tabulated."""
        if self.n > MAX_FLOOR_UNITS or not self.samples.has_joint:
            return
        if not self.pieces:
            self.kl = log_divergence(self.target, self.samples.free_joint())
            return
        shares = state_shares(self.samples, self.pieces)
        self.divergence = divergence(self.target, shares, self.total, seed)
        self.kl = log_divergence(self.target, self.samples.free_joint())
        self.p.append(self.divergence.p)

    # In words

    def certificate(self) -> Fidelity:
        """Return the certificate."""
        evidence = self._evidence()
        word = words.grade(evidence)
        found, beta = self.convergence, self._beta_interval()
        d = self.divergence
        moments = self._largest_errors()
        quick = (2.0**self.n - 1) / (2 * found.ess) if self.kl is not None else math.nan
        return Fidelity(
            kl=self.kl,
            kl_floor=None if d is None else d.floor,
            kl_floor_std=None if d is None else d.floor_std,
            kl_limit=None if d is None else d.limit,
            kl_interval=None if d is None or not found.converged else d.interval,
            kl_quick_floor=quick if math.isfinite(quick) else None,
            ess=found.ess,
            ess_of=found.ess_of,
            tau_int=self.tau,
            rhat=found.rhat,
            rhat_of=found.rhat_of,
            converged=found.converged,
            beta_eff=self.beta,
            beta_interval=beta,
            frozen=self._frozen(),
            **moments,
            biased=self._biased(evidence),
            p_value=evidence.p if self.p else None,
            resolution=evidence.resolution if math.isfinite(evidence.resolution) else None,
            reference=self.reference.name,
            grade=word,
            verdict=words.sentence(evidence, word),
            on_convergence=words.on_convergence(evidence),
            on_bias=words.on_bias(evidence),
            on_distance=words.on_distance(evidence),
            advice=words.advice(evidence, word),
            units=self._units(),
        )

    def _evidence(self) -> words.Evidence:
        known, resolution = self.moments is not None, math.inf
        if self.moments is not None:
            resolution = float(self.moments.margin(0.95, joint=False).max())
        machine = self.target
        return words.Evidence(
            convergence=self.convergence,
            draws=self.draws,
            settled=self.samples.burn_in + self.draws // 2 >= words.SETTLED,
            chains=self.chains,
            frozen=len(self._frozen()),
            stuck=self._stuck(),
            reference=self.reference.name,
            reason=self.reference.reason,
            elsewhere=self._elsewhere(),
            compared=known,
            p=_together(self.p),
            local_p=_together(self.local_p),
            distances=self._distances(),
            errors=self._moment_errors() + self._divergence_errors(),
            local=self._local_errors(),
            resolution=resolution,
            network=self.samples.network is not None,
            strong=float(max(np.abs(machine.weights).max(), np.abs(machine.biases).max())),
        )

    def _biased(self, evidence: words.Evidence) -> bool | None:
        if not evidence.settled:
            return None
        if evidence.local_p < FALSE_ALARM:
            return True
        if self.moments is None or not self.convergence.converged or evidence.stuck:
            return None
        return evidence.p < FALSE_ALARM

    def _elsewhere(self) -> str:
        """Return what is far from the reference, in words; else ""."""
        found = words.worst(self._moment_errors())
        if found is None or found.grade != words.FAR_OFF:
            return ""
        return f"{found.what} is off by {found.size:.2g}"

    def _distances(self) -> str:
        """Return all measures of distance with their intervals, in words."""
        largest, said = self._largest_errors(), []
        for name, what in (("marginal", "a marginal"), ("pair", "a pair moment")):
            error, of = largest[f"{name}_error"], largest[f"{name}_of"]
            if error is not None and of:
                said.append(f"{what} by {error:.2g} ({of}{_between(largest[f'{name}_interval'])})")
        if self.kl is not None:
            interval = None if self.divergence is None else self.divergence.interval
            said.append(f"KL {self.kl:.2g}{_between(interval, ' (', ')')} nats")
        if math.isfinite(self.beta):
            said.append(f"β_eff {self.beta:.3f}{_between(self._beta_interval(), ' (', ')')}")
        return "at most " + ", ".join(said) if said and largest["marginal_of"] else ", ".join(said)

    def _frozen(self) -> tuple[Hashable, ...]:
        first = self.states[0, 0]
        still = (self.states == first).all(axis=(0, 1))
        return tuple(label for label, stays in zip(self.target.labels, still, strict=True) if stays)

    def _stuck(self) -> str:
        """Return a unit that never flipped, is off, and yet follows the others; else ""."""
        if self.moments is None or self.local is None:
            return ""
        frozen = set(self._frozen())
        limit = FALSE_ALARM / len(self.moments.p)
        for k, label in enumerate(self.target.labels):
            wrong = abs(self.moments.difference[k]) > words.CLOSE_ERROR and self.moments.p[k] < limit
            follows = abs(self.local.difference[k]) <= words.CLOSE_ERROR
            if label in frozen and wrong and follows:
                return str(label)
        return ""

    def _name(self, moment: int) -> str:
        if moment < self.n:
            return str(self.target.labels[moment])
        pair = moment - self.n
        return f"{self.target.labels[self.i[pair]]} and {self.target.labels[self.j[pair]]}"

    def _largest_errors(self) -> dict[str, Any]:
        """Return the largest errors of marginals and pairs, with names and intervals."""
        found: dict[str, Any] = {}
        exact = self.reference.moments
        truth = None if exact is None else self._chosen(exact[None])[0]
        for name, part in (("marginal", slice(0, self.n)), ("pair", slice(self.n, None))):
            found |= {f"{name}_error": None, f"{name}_of": "", f"{name}_interval": None}
            if truth is None:
                continue
            difference = np.abs(self.values.mean(axis=0) - truth)[part]
            if not difference.size:
                found[f"{name}_error"] = 0.0 if self.n == 1 else None
                continue
            place = int(difference.argmax())
            found[f"{name}_error"] = float(difference[place])
            found[f"{name}_of"] = self._name(place + (part.start or 0))
            if self.moments is not None and self.convergence.converged and self._intervals_hold():
                width = self.moments.margin(0.95, joint=True)[part]
                least = max(0.0, float((difference - width).max()))
                found[f"{name}_interval"] = (least, float((difference + width).max()))
        return found

    def _moment_errors(self) -> list[words.Error]:
        """Return the worst of the moments that are significantly off."""
        if self.moments is None:
            return []
        return _significant(
            self.moments,
            lambda k: f"P({self._name(k)} on)" if k < self.n else f"the pair moment of {self._name(k)}",
        )

    def _local_errors(self) -> list[words.Error]:
        found = []
        if self.local is not None:
            found = _significant(
                self.local, lambda k: f"P({self.target.labels[k]} on), given the others,"
            )
        interval = self._beta_interval()
        if interval is not None:
            low, high = interval
            least = max(0.0, low - 1, 1 - high)
            if least > 0:
                found.append(
                    words.Error(
                        what=f"the effective inverse temperature ({self.beta:.3g} for 1)",
                        size=abs(self.beta - 1),
                        least=least,
                        width=(high - low) / 2,
                        close=words.CLOSE_BETA,
                        far=words.FAR_BETA,
                    )
                )
        return found

    def _divergence_errors(self) -> list[words.Error]:
        d = self.divergence
        if d is None or d.interval is None or d.kl <= d.limit:
            return []
        low, high = d.interval
        return [
            words.Error(
                what="the KL [nats]",
                size=(low + high) / 2,
                least=low,
                width=(high - low) / 2,
                close=words.CLOSE_KL,
                far=words.FAR_KL,
            )
        ]

    def _intervals_hold(self) -> bool:
        """Return whether groups are long enough for their means to be near to normal."""
        groups = self.chains * self.pieces
        return groups > 1 and bool(self.convergence.ess >= FEWEST_FOR_INTERVAL * groups)

    def _beta_interval(self) -> tuple[float, float] | None:
        if not self.pieces or not 0 < self.beta_error < math.inf:
            return None
        if not self._intervals_hold():
            return None
        width = float(student(0.025, self.freedom) * self.beta_error)
        return self.beta - width, self.beta + width

    def _units(self) -> tuple[UnitCheck, ...]:
        """Return the marginals of the free units beside the right ones."""
        if self.pieces == 1:
            found = self.values[:, : self.n].mean(axis=0)
        else:
            found = self.samples.marginals()[self.samples.free_units]
        exact = self.reference.moments
        own, holds = None, self._intervals_hold()
        if self.pieces and self.draws >= FEW_DRAWS:
            values, ess = self.values[:, : self.n], self.convergence.ess
            count = ess if ess == ess else float(self.chains)
            smooth = (found * count + 0.5) / (count + 1)
            own = compare(values, found, smooth * (1 - smooth), self.total, ess=ess)
            if self.chains * self.pieces < FEW_GROUPS and self.samples.spikes is None:
                own = _by_autocorrelation(
                    own, smooth * (1 - smooth), np.array(self.convergence.unit_ess)
                )
            low, high = share_interval(found, own)
        draws = self.convergence.unit_ess
        return tuple(
            UnitCheck(
                label=label,
                probability=float(found[k]),
                error=None if own is None else float(own.error[k]),
                interval=(float(low[k]), float(high[k])) if own is not None and holds else None,
                reference=None if exact is None else float(exact[k, k]),
                ess=draws[k] if draws[k] == draws[k] else None,
            )
            for k, label in enumerate(self.target.labels)
        )


def _by_autocorrelation(
    found: Comparison, variance: NDArray[np.float64], ess: NDArray[np.float64]
) -> Comparison:
    """Return errors from effective draws where these are known: more is known of them.

    The relative variance of τ, summed over a window of 5 τ, is 20 τ/N (Madras & Sokal 1988, J. Stat.
    Phys. 50, 109): as of a variance with ESS/10 degrees of freedom.
    """
    known = np.isfinite(ess)
    error = np.where(known, np.sqrt(variance / np.where(known, ess, 1.0)), found.error)
    freedom = np.where(known, np.maximum(ess / DRAWS_PER_FREEDOM, 1.0), found.freedom)
    return Comparison(found.difference, error, freedom, found.p)


def _between(interval: tuple[float, float] | None, before: str = "; ", after: str = "") -> str:
    """Return an interval in words, or nothing."""
    if interval is None:
        return ""
    low, high = interval
    return f"{before}95 %: {low:.3g} to {high:.3g}{after}"


def _significant(found: Comparison, name: Callable[[int], str]) -> list[words.Error]:
    """Return the worst of the differences that are significant among as many."""
    limit = FALSE_ALARM / max(1, found.p.size)
    width = found.margin(0.95, joint=False)
    size = np.where(found.p < limit, np.abs(found.difference), 0.0)
    worst = int(size.argmax()) if size.size else 0
    if not size.size or size[worst] == 0:
        return []
    return [
        words.Error(
            what=name(worst),
            size=float(size[worst]),
            least=max(0.0, float(size[worst] - width[worst])),
            width=float(width[worst]),
            close=words.CLOSE_ERROR,
            far=words.FAR_ERROR,
        )
    ]


def _together(p: list[float]) -> float:
    """Return the probability of so small a smallest p among as many tests (Bonferroni)."""
    return min(1.0, len(p) * min(p)) if p else 1.0
