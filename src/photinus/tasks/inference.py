"""Inference in one call: a model and evidence in, posterior marginals out.

What has to be sampled is worked out first (`photinus.machines.elimination`), so that functions and ends
of the network never become strong weights. Neurons that are simulated are then refined in the loop
(`photinus.learning.refinement`), which chooses its damping by itself, and sampled once more.
"""

import functools
import time
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import hush, validate
from photinus._core.display import Displayed, bars, cut, joined
from photinus._core.extras import optional
from photinus._core.progress import Progress
from photinus._core.streams import Seed, seed_sequence
from photinus.diagnostics.certificate import Fidelity
from photinus.diagnostics.weights import Weighted
from photinus.errors import InvalidInput, TranslationWarning
from photinus.learning.refinement import FEWEST, refine
from photinus.learning.rounds import Refinement
from photinus.machines.bayes import BayesianNetwork
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.cliques import TooWide
from photinus.machines.codes import INVALID, Code
from photinus.machines.elimination import Reduction
from photinus.machines.expansion import Expansion
from photinus.machines.markov import MarkovNetwork
from photinus.machines.variables import TWO, States, asked_variables, known_states
from photinus.samplers.registry import substrate as kind_of
from photinus.samplers.samples import Samples
from photinus.samplers.sampling import sample
from photinus.samplers.summary import quickly_judged
from photinus.tasks._estimates import estimate, named, never_seen, weights_of

Model = BayesianNetwork | MarkovNetwork | BoltzmannMachine
Chances = Mapping[Hashable, Mapping[Hashable, float]]
"""Variable → state → a number."""

NOT_HERE = ("clamp", "network", "initial", "path", "resume")
"""Arguments of `sample` that speak of units, which here follow from the variables."""
SOFTENED = 0.01
"""Distance from 0 and 1 of deterministic entries that are left. More than where nothing undoes it:
gentle weights make lasers right and chains quick, and importance weights take the rest away."""
NOT_UNDONE = "what softening moves stays in the marginals, weights that undo it are"
BURN_IN = 100
"""Draws dropped by default."""
REFINED = ("calibration", "gauge", "imperfections", "threads", "progress")
"""Arguments of `sample` that a refinement takes, too."""
NOTHING_SAMPLED = "exact: nothing had to be sampled"
FEW_SHOWN = 6
"""Variables that are named where a posterior is shown in one line."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Posterior(Displayed):
    """Posterior probabilities of the variables of a model, and where they come from.

    Examples
    --------
    >>> import photinus as ph
    >>> posterior = ph.infer(ph.BayesianNetwork.asia(), {"xray": 1}, "gibbs", draws=1000, seed=1)
    >>> posterior.largest_deviation < 0.05, round(posterior.exact["lung"][1], 3)
    (True, 0.489)
    >>> [(row[0], row[1]) for row in posterior.rows()][:2]
    [('asia', 0), ('asia', 1)]
    """

    marginals: Chances
    """P(variable = state | evidence) of the variables asked for. Those that were left out are averaged
    over the states sampled of the variables above them."""
    errors: Chances
    """Their standard errors, from the spread over chains; nan for one chain. A state of a variable that
    was sampled, seen in no draw or in all, has one over the effective draws. What the substrate does
    wrong is not in them."""
    exact: Chances | None
    """The right probabilities; None for a model too far from a tree to tell."""
    evidence: Mapping[Hashable, Hashable]
    """What was known, variable → state."""
    substrate: str
    """What sampled."""
    numbers: NDArray[np.int16]
    """Which state all variables are in, array (chain, draw, variable), in the order of the model; -1 in
    draws that are in no valid state."""
    invalid: int
    """Draws in no valid state, which are left out."""
    weights: Weighted | None
    """What undoes the softening of tables, draw by draw; None where none was softened. Marginals go by
    it where it is to be trusted."""
    reduction: Reduction
    """What had to be sampled."""
    samples: Samples | None
    """Samples of its machine; None if nothing was left to sample."""
    refinement: Refinement | None
    """How neurons were refined; None if they were not."""
    wall_time: float
    """Seconds that all of it took here."""

    @property
    def chip_time(self) -> float | None:
        """Seconds on the chip, per chain, burn-in included; None for a sampler without a chip."""
        return None if self.samples is None else self.samples.physical_time

    @property
    def largest_deviation(self) -> float | None:
        """Largest distance of a marginal from the right one; None where that is unknown."""
        if self.exact is None:
            return None
        pairs = (
            abs(p - self.exact[name][state])
            for name, chances in self.marginals.items()
            for state, p in chances.items()
        )
        return max(pairs)

    @property
    def units(self) -> int:
        """Number of units that were sampled."""
        return 0 if self.samples is None else self.samples.machine.n_units

    @property
    def largest_weight(self) -> float:
        """Largest weight between them, as a size."""
        return 0.0 if self.samples is None else self.samples.machine.largest_weight

    @functools.cached_property
    def fidelity(self) -> Fidelity | None:
        """The certificate of `samples`; None if nothing was sampled."""
        return None if self.samples is None else self.samples.fidelity()

    @property
    def verdict(self) -> str:
        """How good the samples are, in one sentence."""
        return NOTHING_SAMPLED if self.fidelity is None else self.fidelity.verdict

    def rows(self) -> list[tuple[Hashable, Hashable, float, float, float | None]]:
        """Return (variable, state, probability, error, exact) of each state of each variable."""
        return [
            (
                name,
                state,
                p,
                self.errors[name][state],
                None if self.exact is None else self.exact[name][state],
            )
            for name, chances in self.marginals.items()
            for state, p in chances.items()
        ]

    @property
    def table(self) -> Any:
        """The marginals as a frame of pandas: variable, state, probability, error, exact.

        Raises
        ------
        MissingDependency
            If pandas is not installed.
        """
        pandas = optional("pandas", "frames", "a table")
        return pandas.DataFrame(
            self.rows(), columns=["variable", "state", "probability", "error", "exact"]
        )

    def _line(self) -> str:
        shown = [_likeliest(name, chances) for name, chances in self.marginals.items()]
        more = ["…"] * (len(shown) > FEW_SHOWN)
        return (
            f"{len(shown)} variable(s) on {self.substrate!r}: {joined(shown[:FEW_SHOWN] + more, 120)}"
        )

    def _facts(self) -> dict[str, object]:
        quick = self.samples is None or "fidelity" in vars(self) or quickly_judged(self.samples)
        return {
            "evidence": joined(f"{cut(str(k))}={cut(str(v))}" for k, v in self.evidence.items()),
            "substrate": self.substrate,
            "largest deviation": self.largest_deviation,
            "variables summed out": len(self.reduction.summed) or None,
            "draws left out": self.invalid or None,
            "time on the chip [s]": self.chip_time,
            "time here [s]": self.wall_time,
            "verdict": self.verdict if quick else "call verdict",
        }

    def _picture(self) -> str:
        rows = self.rows()
        right: Any = None if self.exact is None else [row[4] for row in rows]
        return bars([f"{row[0]}={row[1]}" for row in rows], [row[2] for row in rows], right)


def _likeliest(name: Hashable, chances: Mapping[Hashable, float]) -> str:
    """Return the likeliest state of a variable, or its state 1, in words."""
    state = 1 if tuple(chances) == TWO else max(chances, key=lambda one: chances[one])
    return f"P({name}={state}) = {chances[state]:.3f}"


def infer(
    model: Model,
    evidence: Mapping[Any, Any] | None = None,
    substrate: str = "laser",
    *,
    query: Iterable[Any] | None = None,
    refined: bool = True,
    softening: float = SOFTENED,
    code: str = "auto",
    summing: bool = True,
    chains: int = 256,
    draws: int = 400,
    burn_in: int | None = None,
    seed: Seed = None,
    calibration: Any = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
    **options: Any,
) -> Posterior:
    """Return P(variable = state | evidence) of a model, sampled on a substrate.

    Parameters
    ----------
    model
        A Bayesian network, a Markov network, or a Boltzmann machine.
    evidence : mapping variable → state
        What is known.
    substrate
        What samples, as in `photinus.sample`.
    query : variables, optional
        Those asked for; by default all that are not evidence. Fewer may leave less to sample.
    refined
        Refine simulated neurons first, see `photinus.refine`; others need it not.
    softening
        Distance from 0 and 1 of deterministic table entries that are left, see
        `BayesianNetwork.softened`. Importance weights undo it, see `Posterior.weights`.
    code
        How units stand for more than two states, see `BayesianNetwork.to_boltzmann`.
    summing
        Sum variables out first whose tables need strong weights, as far as tables stay small. The host
        does it; they come back by a look-up, see `BayesianNetwork.reduced`.
    chains, draws, burn_in
        Of the samples; the first two also of the longest measurement of a refinement. By default 100
        draws are dropped, or `draws` if those are fewer.
    seed, calibration, threads, progress, **options
        As in `photinus.sample`; `tempering` moves chains that stay in their modes.

    Raises
    ------
    InvalidInput
        If an argument is out of its range, a query is evidence, or the evidence has probability 0.

    Warns
    -----
    TranslationWarning
        If the weights that would undo the softening are not to be trusted; and as `photinus.sample`.

    Examples
    --------
    >>> import photinus as ph
    >>> network = ph.BayesianNetwork({"rain": 0.2, "wet": (("rain",), {(0,): 0.1, (1,): 0.9})})
    >>> posterior = ph.infer(network, {"wet": 1}, "gibbs", seed=1)
    >>> abs(posterior.marginals["rain"][1] - posterior.exact["rain"][1]) < 0.02
    True
    """
    started = time.perf_counter()
    validate.instance("model", model, Model)
    _check_options(options)
    chains = validate.integer("chains", chains, 1)
    draws = validate.integer("draws", draws, 1)
    burn_in = min(BURN_IN, draws) if burn_in is None else burn_in
    loop, main, tables = seed_sequence(seed).spawn(3)
    reduction = _reduction(model, evidence, query, softening, code, summing)
    length: dict[str, Any] = {"chains": chains, "draws": draws, "seed": main}
    options |= {"calibration": calibration, "threads": threads, "progress": progress}
    machine, refinement, samples = reduction.machine, None, None
    spiking = kind_of(substrate).spiking
    # Of neurons that are refined first, two calls know what they cannot do.
    with hush.once():
        if validate.flag("refined", refined) and spiking and machine is not None:
            refinement = _refined(machine, substrate, options, chains, draws, loop)
            options["network"] = refinement.network
            options.pop("gauge", None)  # it has one
        if machine is not None:
            samples = sample(machine, substrate, burn_in=burn_in, **length, **options)
    units = np.zeros((chains, draws, 0), np.uint8) if samples is None else samples.states
    numbers = reduction.complete(units, tables)
    weights = None if samples is None else weights_of(reduction, samples, numbers)
    if weights is not None and not weights.trusted:
        hush.tell(f"{NOT_UNDONE}: {weights.verdict}", TranslationWarning)
    found = {name: estimate(reduction, samples, weights, numbers, name) for name in reduction.asked}
    found = never_seen(found, reduction, samples, weights)
    return Posterior(
        marginals={name: named(reduction, name, mean) for name, (mean, _) in found.items()},
        errors={name: named(reduction, name, error) for name, (_, error) in found.items()},
        exact=_exact(model, reduction),
        evidence=reduction.evidence,
        substrate=substrate,
        numbers=numbers,
        invalid=int((numbers[..., 0] == INVALID).sum()),
        weights=weights,
        reduction=reduction,
        samples=samples,
        refinement=refinement,
        wall_time=time.perf_counter() - started,
    )


def _refined(
    machine: BoltzmannMachine,
    substrate: str,
    options: Mapping[str, Any],
    chains: int,
    draws: int,
    seed: np.random.SeedSequence,
) -> Refinement:
    """Return what refinement finds with those of the options that it takes."""
    again = {name: options[name] for name in REFINED if name in options}
    enough: dict[str, Any] = {"chains": max(chains, FEWEST), "draws": max(draws, FEWEST)}
    return refine(machine, substrate=substrate, **again, **enough, seed=seed)


def _check_options(options: dict[str, Any]) -> None:
    """Raise InvalidInput for arguments of `sample` that are not the caller's here."""
    for name in NOT_HERE:
        if name in options:
            raise InvalidInput(f"{name} must be left to infer, got {validate.shown(options[name])}")


def _reduction(
    model: Model,
    evidence: Mapping[Any, Any] | None,
    query: Iterable[Any] | None,
    softening: float,
    code: str,
    summing: bool,
) -> Reduction:
    """Return what has to be sampled."""
    if isinstance(model, BoltzmannMachine):
        states: States = dict.fromkeys(model.labels, TWO)
    else:
        states = model.states
    known = known_states(evidence, states)
    asked = None if query is None else asked_variables(query, states)
    for name in asked or ():
        if name in known:
            raise InvalidInput(f"query must not be evidence, got {name!r}, which is known")
    if not isinstance(model, BoltzmannMachine):
        return model.reduced(evidence, query=asked, softening=softening, code=code, summing=summing)
    free = model.conditional(known)
    own = dict.fromkeys(free.labels, TWO)
    return Reduction(
        states=states,
        evidence=known,
        asked=free.labels if asked is None else asked,
        settled={},
        barren=(),
        replaced=(),
        summed=(),
        sampled=free.labels,
        factors=(),
        hard=(),
        tables={},
        expansion=Expansion(free, own, (Code("one-hot", 2),) * len(own)),
    )


def _exact(model: Model, reduction: Reduction) -> Chances | None:
    """Return the right marginals; None where they can't be told."""
    if not isinstance(model, BoltzmannMachine):
        try:
            return model.marginals(reduction.evidence, query=reduction.asked)
        except TooWide:
            return None
    assert reduction.machine is not None
    try:
        chances = reduction.machine.marginals()
    except InvalidInput:  # also for weights whose rounding would decide
        return None
    found = dict(zip(reduction.machine.labels, chances.tolist(), strict=True))
    return {name: {0: 1 - found[name], 1: found[name]} for name in reduction.asked}
