"""What is known of samples while their certificate is made: every comparison, and what is off."""

import math
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.validate import is_sparse
from photinus.diagnostics import verdict as words
from photinus.diagnostics.bias import (
    Comparison,
    compare,
    cut,
    hotelling,
    local_comparison,
    pieces_of,
    student,
)
from photinus.diagnostics.convergence import FALSE_ALARM, Convergence, convergence
from photinus.diagnostics.distance import Divergence, divergence, log_divergence, state_shares
from photinus.diagnostics.references import Reference, sampled_comparison
from photinus.diagnostics.temperature import beta_estimate
from photinus.machines.boltzmann import BoltzmannMachine

if TYPE_CHECKING:
    from photinus.samplers.samples import Samples

MAX_FLOOR_UNITS = 20
"""Free units up to which there is a KL; beyond, runs are too short to fill the joint."""
MOST_MOMENTS = 2**24
"""Chains × units² up to which pair moments are compared; beyond, marginals alone."""
MOST_ALIGNED, MOST_FIELDS = 2**25, 2**27
"""States times units that tell the temperature, and how units follow each other; some draws of more."""
FEWEST_FOR_INTERVAL = 4
"""Effective draws per group below which its mean is too far from normal for an interval."""


class Findings:
    """What is known of samples while their certificate is made."""

    def __init__(self, samples: "Samples", target: BoltzmannMachine) -> None:
        self.samples, self.target = samples, target
        free = samples.free_units
        self.states = samples.states[:, :, free] if samples.evidence else samples.states
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

    def compare_moments(self, found: Reference) -> None:
        """Compare marginals and pair moments with the reference."""
        self.reference = found
        self.i = self.j = np.empty(0, np.intp)
        if self.chains * max(1, self.pieces) * self.n**2 <= MOST_MOMENTS:
            self.i, self.j = np.triu_indices(self.n, 1)
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

    def compare_locally(self) -> None:
        """Compare how units follow each other with the machine; needs no reference."""
        if not self.pieces:
            seen = self._some(self.states, MOST_ALIGNED)
            self.beta, self.beta_error = beta_estimate(self.target, seen)
            return
        groups = cut(self.states, self.pieces)
        self.beta, self.beta_error = beta_estimate(self.target, self._some(groups, MOST_ALIGNED))
        self.freedom = len(groups) - 1
        seen = self._some(groups, MOST_FIELDS)
        ess = self.convergence.ess
        if seen is not groups:
            ess = min(ess, float(len(seen) * seen.shape[1]))
        self.local = local_comparison(self.target, seen, ess)
        self.local_p = [self.local.joint_p()]
        if 0 < self.beta_error < math.inf:
            from scipy.special import stdtr

            t = abs(self.beta - 1) / self.beta_error
            self.local_p.append(float(2 * stdtr(self.freedom, -t)))
        self.p += self.local_p

    def _some(self, groups: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
        """Return states (group, draw, unit) to look at: all, or some draws of very many units."""
        step = -(-groups.size // most) if is_sparse(self.target.matrix) else 1
        if step == 1:
            return groups
        return groups[:, step - 1 :: step] if groups.shape[1] >= step else groups[:, -1:]

    def measure_divergence(self, seed: int) -> None:
        """Measure KL, its floor and its interval, where the joint can be tabulated."""
        if self.n > MAX_FLOOR_UNITS or not self.samples.has_joint:
            return
        if not self.pieces:
            self.kl = log_divergence(self.target, self.samples.free_joint())
            return
        shares = state_shares(self.samples, self.pieces)
        timed = self.samples.spikes is not None
        self.divergence = divergence(self.target, shares, self.total, seed, timed=timed)
        self.kl = log_divergence(self.target, self.samples.free_joint())
        self.p.append(self.divergence.p)

    def frozen(self) -> tuple[Hashable, ...]:
        """Return the units that never changed in any chain."""
        first = self.states[0, 0]
        still = np.ones(self.n, bool)
        for chain in self.states:
            still &= (chain == first).all(axis=0)
        return tuple(label for label, stays in zip(self.target.labels, still, strict=True) if stays)

    def stuck(self) -> str:
        """Return a unit that never flipped, is off, and yet follows the others; else ""."""
        if self.moments is None or self.local is None:
            return ""
        frozen = set(self.frozen())
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

    def largest_errors(self) -> dict[str, Any]:
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
            if self.moments is not None and self.convergence.converged and self.intervals_hold():
                width = self.moments.margin(0.95, joint=True)[part]
                least = max(0.0, float((difference - width).max()))
                found[f"{name}_interval"] = (least, float((difference + width).max()))
        return found

    def moment_errors(self) -> list[words.Error]:
        """Return the worst of the moments that are significantly off."""
        if self.moments is None:
            return []
        return _significant(
            self.moments,
            lambda k: f"P({self._name(k)} on)" if k < self.n else f"the pair moment of {self._name(k)}",
        )

    def local_errors(self) -> list[words.Error]:
        """Return what shows without a reference: conditional probabilities, temperature."""
        found = []
        if self.local is not None:
            found = _significant(
                self.local, lambda k: f"P({self.target.labels[k]} on), given the others,"
            )
        interval = self.beta_interval()
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

    def divergence_errors(self) -> list[words.Error]:
        """Return the KL, if it is more than chance shows."""
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

    def intervals_hold(self) -> bool:
        """Return whether groups are long enough for their means to be near to normal."""
        groups = self.chains * self.pieces
        return groups > 1 and bool(self.convergence.ess >= FEWEST_FOR_INTERVAL * groups)

    def beta_interval(self) -> tuple[float, float] | None:
        """Return the 95 % interval of the inverse temperature; None if there is none that covers."""
        if not self.pieces or not 0 < self.beta_error < math.inf:
            return None
        if not self.intervals_hold():
            return None
        width = float(student(0.025, self.freedom) * self.beta_error)
        return self.beta - width, self.beta + width


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
