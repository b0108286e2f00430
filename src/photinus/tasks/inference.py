"""Inference in one call: a Bayesian network and evidence in, posterior marginals out.

What has to be sampled is worked out first (`photinus.machines.elimination`), so that functions and ends
of the network never become strong weights. Neurons that are simulated are then refined in the loop
(`photinus.learning.refinement`), which chooses its damping by itself, and sampled once more.
"""

import warnings
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.progress import Progress
from photinus._core.streams import Seed, seed_sequence
from photinus.diagnostics.convergence import smallest_effective_draws
from photinus.diagnostics.weights import Weighted, weighted
from photinus.errors import InvalidInput, TranslationWarning
from photinus.learning.refinement import Refinement, refine
from photinus.machines.bayes import BayesianNetwork
from photinus.machines.elimination import Reduction
from photinus.samplers.registry import substrate as kind_of
from photinus.samplers.samples import Samples
from photinus.samplers.sampling import sample

NOT_HERE = ("evidence", "clamp", "network", "initial", "path", "resume")
"""Arguments of `sample` that speak of units, which here follow from the variables."""
SOFTENED = 0.01
"""Distance from 0 and 1 of deterministic entries that are left. More than where nothing undoes it:
gentle weights make lasers right and chains quick, and importance weights take the rest away."""
SAME = 1e-9
"""Log-weights that differ by less are equal."""
NOT_UNDONE = "what softening moves stays in the marginals, weights that undo it are"
REFINED = ("calibration", "imperfections", "threads", "progress")
"""Arguments of `sample` that a refinement takes, too."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Posterior:
    """Posterior probabilities of the variables of a Bayesian network, and where they come from."""

    marginals: Mapping[Hashable, float]
    """P(variable = 1 | evidence) of the variables asked for. Those that were left out are averaged over
    the states sampled of the variables above them."""
    errors: Mapping[Hashable, float]
    """Their standard errors, from the spread over chains; nan for one chain. What the substrate does
    wrong is not in them."""
    states: NDArray[np.uint8]
    """States of all variables, array (chain, draw, variable), in the order of the network."""
    weights: Weighted | None
    """What undoes the softening of tables, draw by draw; None where none was softened. Marginals go by
    it where it is to be trusted."""
    reduction: Reduction
    """What had to be sampled."""
    samples: Samples | None
    """Samples of its machine; None if nothing was left to sample."""
    refinement: Refinement | None
    """How neurons were refined; None if they were not."""


def infer(
    network: BayesianNetwork,
    evidence: Mapping[Any, int] | None = None,
    substrate: str = "laser",
    *,
    query: Iterable[Any] | None = None,
    refined: bool = True,
    softening: float = SOFTENED,
    chains: int = 256,
    draws: int = 400,
    burn_in: int = 100,
    seed: Seed = None,
    calibration: Any = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
    **options: Any,
) -> Posterior:
    """Return P(variable = 1 | evidence) of a Bayesian network, sampled on a substrate.

    Parameters
    ----------
    network
        The Bayesian network.
    evidence : mapping variable → 0 or 1
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
    chains, draws, burn_in
        Of the samples; the first two also of the longest measurement of a refinement.
    seed, calibration, threads, progress, **options
        As in `photinus.sample`.

    Raises
    ------
    InvalidInput
        If an argument is out of its range, or the evidence has probability 0.

    Warns
    -----
    TranslationWarning
        If the weights that would undo the softening are not to be trusted; and as `photinus.sample`.

    Examples
    --------
    >>> import photinus as ph
    >>> network = ph.BayesianNetwork({"rain": 0.2, "wet": (("rain",), {(0,): 0.1, (1,): 0.9})})
    >>> posterior = ph.infer(network, {"wet": 1}, "gibbs", seed=1)
    >>> abs(posterior.marginals["rain"] - network.posterior({"wet": 1})["rain"]) < 0.02
    True
    """
    validate.instance("network", network, BayesianNetwork)
    _check_options(options)
    chains = validate.integer("chains", chains, 1)
    draws = validate.integer("draws", draws, 1)
    loop, main, tables = seed_sequence(seed).spawn(3)
    reduction = network.reduced(evidence, query=query, softening=softening)
    length: dict[str, Any] = {"chains": chains, "draws": draws, "seed": main}
    options |= {"calibration": calibration, "threads": threads, "progress": progress}
    machine, refinement, samples = reduction.machine, None, None
    spiking = kind_of(substrate).spiking
    if validate.flag("refined", refined) and spiking and machine is not None:
        again = {name: options[name] for name in REFINED if name in options}
        refinement = refine(machine, substrate=substrate, **again, **{**length, "seed": loop})
        options["network"] = refinement.network
    if machine is not None:
        samples = sample(machine, substrate, burn_in=burn_in, **length, **options)
    states = np.zeros((chains, draws, 0), np.uint8) if samples is None else samples.states
    every, chance = reduction.complete(states, tables)
    weights = None if samples is None else _weights(reduction, samples, every, chance)
    if weights is not None and not weights.trusted:
        warnings.warn(f"{NOT_UNDONE}: {weights.verdict}", TranslationWarning, stacklevel=2)
    if weights is not None and weights.trusted:
        mean, error = weights.mean(), weights.errors()
    else:
        mean, error = _plain(network, reduction, samples, chance.mean(axis=1))
    told = {name: network.variables.index(name) for name in reduction.asked}
    return Posterior(
        marginals={name: float(mean[k]) for name, k in told.items()},
        errors={name: float(error[k]) for name, k in told.items()},
        states=every,
        weights=weights,
        reduction=reduction,
        samples=samples,
        refinement=refinement,
    )


def _check_options(options: dict[str, Any]) -> None:
    """Raise InvalidInput for arguments of `sample` that are not the caller's here."""
    for name in NOT_HERE:
        if name in options:
            raise InvalidInput(f"{name} must be left to infer, got {validate.shown(options[name])}")


def _weights(
    reduction: Reduction, samples: Samples, states: NDArray[np.uint8], chance: NDArray[np.float64]
) -> Weighted | None:
    """Return the weights that undo what softening did; None where it did nothing."""
    log_weights = reduction.log_weights(states)
    if np.ptp(log_weights) < SAME or not np.isfinite(log_weights).any():
        return None
    effective = smallest_effective_draws(samples.machine, samples.states)
    return weighted(chance, log_weights, effective)


def _plain(
    network: BayesianNetwork,
    reduction: Reduction,
    samples: Samples | None,
    chance: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means and errors of all variables, from what each chain says, array (chain, variable)."""
    if samples is not None:
        # By dwell times, where there are spikes.
        place = [network.variables.index(name) for name in reduction.sampled]
        chance[:, place] = samples.chain_marginals()[:, : len(place)]
    chains = len(chance)
    spread = chance.std(axis=0, ddof=1) if chains > 1 else np.full(chance.shape[1], np.nan)
    return chance.mean(axis=0), spread / np.sqrt(chains)
