"""Refinement in the loop: adjust drives and couplings until the network's own moments are right.

This is what one would do with a chip. Run it, compare the moments ⟨z_k⟩ and ⟨z_i z_j⟩ that it shows
with those of the machine, and correct. The maximum-likelihood gradient is the difference of moments
(Ackley, Hinton & Sejnowski 1985, Cogn. Sci. 9, 147). It is turned into steps of the right size by the
response of moments to parameters (natural gradient, Amari 1998, Neural Comput. 10, 251)::

    δ(b, W) = (J + λ)⁻¹ (moments of the machine - moments of the network)

J is the mean of two covariances of the statistics: that of the machine and that of the states seen. In
a family of Boltzmann machines this is right to second order in the distance, by the trapezoidal rule
for ∫ J dθ. δb, δW become drives and couplings with the slopes of the translation.

A trust region, `photinus.learning.trust`, chooses λ, judges each step by what it gained, and says when
to stop. `docs/how-to/refinement.md` tells how it works.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import gauge as gauges
from photinus._core import hush, validate
from photinus._core.progress import Progress, tracked
from photinus._core.streams import Seed, seed_sequence
from photinus.calibration import Calibration
from photinus.devices import Network, substrate_of
from photinus.devices.registry import device_of
from photinus.diagnostics.convergence import convergence
from photinus.diagnostics.distance import kl_divergence
from photinus.diagnostics.verdict import MODES
from photinus.errors import InvalidInput, TranslationWarning
from photinus.learning import trust
from photinus.learning.judgement import Shown
from photinus.learning.moments import MOST_STATISTICS, Statistics, Target, shown_by
from photinus.learning.rehearsal import rehearsed_gauge
from photinus.learning.rounds import Refinement, Round
from photinus.learning.trust import Search, Trial
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence
from photinus.networks.couplings import dense, from_entries, is_sparse
from photinus.networks.imperfections import Imperfections
from photinus.samplers import limits, registry
from photinus.samplers.samples import Samples
from photinus.samplers.sampling import sample
from photinus.translation.gauge import choose_gauge
from photinus.translation.rules import slopes, translate

LASER_WORK = 200
"""Price of a window of one laser, in ideal neurons × units: simulated time steps cost so much."""
MEASURED = 1 / 8
"""Part of all measurements, full length each, that a search for the target's moments may cost."""
FEWEST = 8
"""Chains of a measurement, and draws of each."""
STUCK = (
    "Chains hardly leave their modes in {draws} draws (R̂ = {rhat:.3g} of {of}): their moments tell "
    "where they started."
)
"""What is said of chains whose moments do not answer."""
STRUCTURES = ("all", "given")


def refine(
    machine: BoltzmannMachine,
    calibration: Calibration | None,
    *,
    substrate: str | None = None,
    network: Network | None = None,
    seed: Seed = 0,
    chains: int = 256,
    draws: int = 400,
    most_rounds: int = 24,
    damping: float | None = None,
    structure: str | None = None,
    gauge: str | ArrayLike = "auto",
    imperfections: Imperfections | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> Refinement:
    """Adjust a network of lasers, or other neurons, until its moments are those of `machine`.

    Parameters
    ----------
    machine
        The target.
    calibration
        Calibration of the device: gives the network to start from, and the size of the corrections.
        None is the one that the substrate has by default.
    substrate
        What simulates the network, as in `photinus.sample`: "laser", "laser-reduced" or "lif". By
        default the full model of the calibration's device.
    network
        Start from this network instead of the translated one. For instance from one whose lasers differ
        from each other (`LaserNetwork.mismatched`), which its moments show and corrections absorb.
    seed
        Integer, SeedSequence or None.
    chains
        Chains of every measurement, at least 8.
    draws
        Draws per chain of the longest measurement; the first has an eighth of it.
    most_rounds
        Measurements after which to stop, converged or not.
    damping
        Least λ, what is added to the response, >= 0; by default every step chooses it.
    structure
        "all": every pair may get a coupling. "given": couplings that are zero stay zero, as where the
        chip has no synapse. By default "given" for a `network` that is laid out, else "all". Sparse
        couplings, and machines with more than `MOST_STATISTICS` marginals and pairs, are as given.
    gauge
        Which neurons stand for 1 - z of their unit, see `photinus.translate`. "auto" knows that
        synapses are corrected, and rehearses on reduced lasers up to 10 units. A `network` that is
        given has its own.
    imperfections
        What is wrong with the chip, see `photinus.sample`; lasers only. A `network` that is given is
        taken to hold all that does not change during a run.
    threads, progress
        As in `photinus.sample`.

    Returns
    -------
    Refinement
        The best network seen, all rounds, and why it stopped.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.

    Warns
    -----
    TranslationWarning
        If the translated network is predicted to be far off (`photinus.predict`), for which
        corrections may not do. If no reference confirms the moments wanted: beyond 24 units, on a graph
        far from a tree, where two samplers do not converge or disagree. Refinement then goes by one
        Gibbs run.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> calibration = ph.Calibration.preset("fast-absorber")
    >>> found = ph.refine(machine, calibration, chains=16, draws=30, most_rounds=2, seed=1)
    >>> samples = ph.sample(machine, network=found.network, chains=4, draws=30, seed=2)
    """
    calibration = _calibration(calibration, substrate)
    chains, draws, most_rounds = _lengths(chains, draws, most_rounds)
    damping = None if damping is None else validate.non_negative("damping", damping)
    *runs, right, rehearsal = seed_sequence(seed).spawn(most_rounds + 2)
    gauge = _gauge(machine, calibration, network, gauge, rehearsal, threads)
    start = _start(machine, calibration, network, gauge, imperfections, seed)
    # In the coordinates of the neurons, whose pumps and couplings are to change.
    flips = gauges.of(start)
    machine, start = machine.flipped(flips), gauges.given(start, gauges.NONE)
    statistics = Statistics.between(start.coupling, _structure(structure, start))
    work = MEASURED * LASER_WORK * chains * draws * most_rounds * machine.n_units
    target = _target(machine, statistics, right, work, progress)
    _say_before(machine, calibration, start, target, network, imperfections)
    slope = slopes(machine, calibration)
    rounds: list[Round] = []
    options: dict[str, Any] = {"chains": chains, "imperfections": imperfections, "threads": threads}
    options |= {} if substrate is None else {"substrate": substrate, "calibration": calibration}
    bench = _Bench(machine, statistics, iter(runs), options)
    with tracked(progress, "refining", most_rounds) as advance:

        def report(trial: Trial[Network]) -> None:
            error = statistics.flipped(trial.judged.difference, flips)
            rounds.append(_round(trial, bench.last, target, error))
            advance(1)

        found = trust.search(
            start,
            bench.measure,
            lambda built, change: _corrected(built, statistics, slope, change),
            target.wanted,
            draws=draws,
            most_rounds=most_rounds,
            damping=damping,
            report=report,
        )
    return Refinement(
        network=gauges.given(found.best.setting, flips),
        rounds=tuple(rounds),
        converged=found.converged,
        reason=_reason(found, bench.last, target),
        reference=target.source,
        chosen=max(k for k, one in enumerate(found.trials) if one.judged.setting is found.best.setting),
    )


def _target(
    machine: BoltzmannMachine,
    statistics: Statistics,
    seed: np.random.SeedSequence,
    work: float,
    progress: Progress | bool | None,
) -> Target:
    """Return the moments wanted, with progress where they are many."""
    if len(statistics) <= MOST_STATISTICS:
        return Target.of(machine, statistics, seed, work)
    with tracked(progress, "looking what moments are wanted", 1) as advance:
        found = Target.of(machine, statistics, seed, work)
        advance(1)
    return found


class _Bench:
    """Measures networks, each time with another seed, and keeps the latest samples."""

    def __init__(
        self,
        machine: BoltzmannMachine,
        statistics: Statistics,
        seeds: Iterator[np.random.SeedSequence],
        options: dict[str, Any],
    ) -> None:
        self.machine, self.statistics, self.seeds = machine, statistics, seeds
        self.options = options
        self.last: Samples
        self.said = False

    def measure(self, network: Network, draws: int) -> Shown:
        """Return what `network` shows in so many draws per chain."""
        # What a device cannot do is said once, not in every round.
        with hush.untold(TranslationWarning) if self.said else contextlib.nullcontext():
            self.last = sample(
                self.machine,
                draws=draws,
                burn_in=min(draws, 25),
                seed=next(self.seeds),
                network=network,
                **{"substrate": substrate_of(network), **self.options},
            )
        self.said = True
        return shown_by(self.last, self.statistics)


def _lengths(chains: int, draws: int, most_rounds: int) -> tuple[int, int, int]:
    """Return the size of the measurements, checked."""
    return (
        validate.integer("chains", chains, FEWEST),
        validate.integer("draws", draws, FEWEST),
        validate.integer("most_rounds", most_rounds, 1),
    )


def _structure(structure: str | None, start: Network) -> str:
    """Return which pairs may get a coupling: of a chip that is laid out, those that have a link."""
    if structure is None:
        return "given" if getattr(start, "layout", None) else "all"
    return validate.one_of("structure", structure, STRUCTURES)


def _calibration(given: Calibration | None, substrate: str | None) -> Calibration:
    """Return the calibration to go by, after a look at whether the substrate has neurons."""
    if substrate is not None and not registry.substrate(substrate).spiking:
        spiking = ", ".join(map(repr, registry.able("spiking")))
        raise InvalidInput(f"substrate must be one of {spiking} to be refined, got {substrate!r}")
    if given is not None or substrate is None:
        return validate.instance(
            "calibration", Calibration.preset() if given is None else given, Calibration
        )
    preset = getattr(registry.substrate(substrate), "preset", None)
    if preset is None:
        raise InvalidInput(f"calibration must be given on {substrate!r}, got None")
    return Calibration.preset(preset)


def _gauge(
    machine: BoltzmannMachine,
    calibration: Calibration,
    network: Network | None,
    gauge: str | ArrayLike,
    seed: np.random.SeedSequence,
    threads: int | None,
) -> str | ArrayLike:
    """Return which neurons shall stand for 1 - z of their unit; as asked if a `network` is given."""
    if network is not None:
        return gauge
    flips = choose_gauge(machine, calibration, gauge, corrected=True)
    if isinstance(gauge, str) and gauge == "auto":
        return rehearsed_gauge(machine, calibration, flips, seed, threads)
    return flips


def _start(
    machine: BoltzmannMachine,
    calibration: Calibration,
    network: Network | None,
    gauge: str | ArrayLike,
    imperfections: Imperfections | None,
    seed: Seed,
) -> Network:
    """Return the network to start from, after a look at whether it is one of `machine`."""
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Calibration)
    validate.instance("network", network, Network | None)
    validate.instance("imperfections", imperfections, Imperfections | None)
    if network is None:
        network = translate(machine, calibration, gauge=gauge)
        if imperfections is not None:
            network = device_of(network).imperfect(network, imperfections, seed)
    calibration.require(network.parameters)
    if network.labels != machine.labels:
        raise InvalidInput(
            f"network must have the labels of the machine, got {network.labels!r} for "
            f"{machine.labels!r}"
        )
    return network


def _say_before(
    machine: BoltzmannMachine,
    calibration: Calibration,
    network: Network,
    target: Target,
    *given: object,
) -> None:
    """Say what is known before refinement, of the network only if it is translated as designed.

    It is another one where a network or imperfections are `given`, not None.
    """
    said = [target.doubt]
    if all(one is None for one in given):
        nothing = Evidence.of(None, machine.labels)
        told = limits.beyond_translation(machine, calibration, network, nothing, corrected=True)
        said = [*told, target.doubt]
    hush.tell(filter(None, said), TranslationWarning, depth=2)


def _corrected(
    network: Network,
    statistics: Statistics,
    slope: NDArray[np.float64],
    change: NDArray[np.float64],
) -> Network:
    """Return the network with drives and couplings changed by δ(b, W)."""
    n = statistics.n_units
    drive = network.drive + slope * change[:n]
    i, j, weight = statistics.rows[n:], statistics.columns[n:], change[n:]
    if is_sparse(network.coupling):
        to, source = np.r_[i, j], np.r_[j, i]
        more = from_entries(np.stack([to, source, slope[to] * np.r_[weight, weight]], axis=1), n)
        return network.driven(drive, network.coupling + more)
    weights = np.zeros((n, n))
    weights[i, j] = weights[j, i] = weight
    return network.driven(drive, dense(network.coupling) + slope[:, None] * weights)


def _reason(found: Search[Network], last: Samples, target: Target) -> str:
    """Return why it stopped, and what stood in the way, in sentences."""
    chains, stuck = convergence(last.machine, last.states), ""
    if chains.rhat is not None and chains.rhat > max(MODES, chains.rhat_limit):
        stuck = STUCK.format(draws=last.draws, rhat=chains.rhat, of=chains.rhat_of)
    return " ".join(filter(None, [found.reason, stuck, target.doubt]))


def _round(
    trial: Trial[Network], samples: Samples, target: Target, error: NDArray[np.float64]
) -> Round:
    """Return the record of a measurement whose moments, marginals first, are off by `error`."""
    judged, n = trial.judged, samples.machine.n_units
    kl = None
    if target.joint is not None:
        kl = kl_divergence(samples.free_joint(), target.joint)
    divergence = judged.loss + judged.noise
    return Round(
        draws=judged.draws,
        misfit=divergence / judged.noise if judged.noise > 0 else 0.0,
        p_value=judged.p_value,
        marginal_error=float(np.abs(error[:n]).max()),
        pair_error=float(np.abs(error[n:]).max(initial=0.0)),
        divergence=divergence,
        kl=kl,
        damping=trial.damping,
        accepted=trial.accepted,
    )
