"""The record of a refinement: what each round measured, and which network was best."""

from dataclasses import asdict, dataclass
from typing import Any

from photinus._core.display import Displayed
from photinus.devices import Network


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Round(Displayed):
    """One measurement of a network."""

    draws: int
    """Draws per chain: of this network, and what those of networks close to it are worth."""
    misfit: float
    """`divergence` over what noise alone would give; 1: noise alone."""
    p_value: float
    """Chance of a misfit as large as this one from noise alone."""
    marginal_error: float
    """Largest |difference| of a marginal from the target's."""
    pair_error: float
    """Largest |difference| of a pair moment from the target's, among pairs that may move."""
    divergence: float
    """Q = ½ dᵀ(F + ridge)⁻¹d for the differences d of the moments and the Fisher information F of the
    machine. To second order it is the KL that other drives and couplings could take away, sampling
    noise included [nats]. Beyond `MOST_STATISTICS` with the diagonal of F alone."""
    kl: float | None
    """KL(sampled‖target) in nats, up to 16 units."""
    damping: float
    """λ of the step that led here; 0 for a network measured without a step."""
    accepted: bool
    """Whether the search went on from here; if not, the step was taken back."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class Refinement(Displayed):
    """A refined network and the record of how it came about."""

    network: Network
    """The best network seen: the last where it converged, else the one whose divergence is smallest
    after what noise may have hidden."""
    rounds: tuple[Round, ...]
    converged: bool
    """Whether the longest measurement showed no significant misfit."""
    reason: str = ""
    """Why it stopped, and what stood in the way, in sentences."""
    chosen: int = 0
    """Round that measured `network`, counted from 0."""
    reference: str = ""
    """Where the moments wanted come from: "enumeration", "tree decomposition", "ideal and gibbs" (two
    samplers that agree), or "none": one Gibbs run, which nothing confirmed."""

    @property
    def best(self) -> Round:
        """The round that measured `network`."""
        return self.rounds[self.chosen]

    def to_dict(self) -> dict[str, Any]:
        """Return the record, without the network, for JSON."""
        rounds = [asdict(entry) for entry in self.rounds]
        return {
            "converged": self.converged,
            "reason": self.reason,
            "reference": self.reference,
            "chosen": self.chosen,
            "rounds": rounds,
        }
