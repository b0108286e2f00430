"""The certificate of a set of samples, as a record."""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from photinus._core.display import MOST_ROWS, Displayed, bars

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class UnitCheck(Displayed):
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


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Fidelity(Displayed):
    """The certificate of a set of samples.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> certificate = ph.sample(machine, "exact", chains=64, draws=500, seed=1).fidelity()
    >>> certificate.verdict.split(":")[0], certificate.kl < 0.001
    ('indistinguishable from the target', True)
    """

    kl: float | None
    """KL(sampled‖target) in nats, weighted by dwell time where there are spikes. None for more than 20
    free units, where no run is long enough to fill the joint."""
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
    """How far a unit's probability is from the right one at most; None without a reference."""
    marginal_of: str
    """Unit that has it."""
    marginal_interval: tuple[float, float] | None
    """95 % interval of the largest error of a marginal of the sampler's law; None if unknown."""
    pair_error: float | None
    """How far a pair moment <z_i z_j> is from the right one at most; None without a reference."""
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

    def _line(self) -> str:
        return self.verdict

    def _facts(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "convergence": self.on_convergence,
            "bias": self.on_bias,
            "distance": self.on_distance,
            "advice": self.advice,
            "effective draws": self.ess,
            "KL(sampled‖target)": self.kl,
            "largest error of a marginal": self.marginal_error,
        }

    def _picture(self) -> str:
        shown = self.units[:MOST_ROWS]
        right = [unit.reference for unit in shown if unit.reference is not None]
        return bars(
            [unit.label for unit in shown],
            [unit.probability for unit in shown],
            right if right and len(right) == len(shown) else None,
        )

    def to_dict(self) -> dict[str, object]:
        """Return the fields but for `units` as plain values for JSON; None where not finite."""
        return {name: _plain(getattr(self, name)) for name in self.__slots__ if name != "units"}


def _plain(value: Any) -> Any:
    """Return `value` as strict JSON can hold it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class DrawsNeeded(Displayed):
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
