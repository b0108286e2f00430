"""One call for every sampler: ``sample(machine, substrate=…)`` returns `Samples`.

A substrate is a class whose objects are runs. A run gives pieces, so that any of them can report
progress, be stored while it goes, and be resumed. Swapping substrates is how users debug: the gap
from Gibbs to the ideal neuron is refractoriness, from the ideal neuron to lasers device physics.
"""

import zlib
from concurrent.futures import Executor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import hush, memory, validate
from photinus._core.gauge import Gauge, checked
from photinus._core.progress import Progress, tracked
from photinus._core.streams import Seed, entropy_text, seed_sequence
from photinus._core.threads import available_threads
from photinus._core.version import __version__
from photinus.calibration import Calibration
from photinus.devices import Network
from photinus.devices.protocol import evidence_mode_of
from photinus.errors import InvalidInput, TranslationWarning
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence, Given
from photinus.networks.imperfections import Imperfections
from photinus.reference import starts
from photinus.samplers import registry
from photinus.samplers.request import Piece, Request, Run
from photinus.samplers.samples import Samples
from photinus.samplers.storage import RunStore
from photinus.samplers.tempering import Parallel, Tempering
from photinus.samplers.workers import SpreadRun, executor_of
from photinus.spikes.trains import SpikeTrains
from photinus.translation.gauge import CHOICES
from photinus.translation.rules import DEFAULT_RULE, RULES

if TYPE_CHECKING:
    import os


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped a run; `samples` holds what was finished (None if nothing was).

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.samplers import Interrupted
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> try:
    ...     samples = ph.sample(machine, "gibbs", chains=4, draws=50, seed=1)
    ... except Interrupted as stop:  # Ctrl-C
    ...     samples = stop.samples
    """

    def __init__(self, samples: Samples | None) -> None:
        done = 0 if samples is None else samples.draws
        super().__init__(f"stopped after {done} draws per chain")
        self.samples = samples

    def __reduce__(self) -> tuple[Any, ...]:
        return Interrupted, (self.samples,)


def sample(
    machine: BoltzmannMachine,
    substrate: str = "laser",
    *,
    chains: int = 64,
    draws: int = 250,
    burn_in: int = 25,
    seed: Seed = None,
    evidence: Given | None = None,
    calibration: "Calibration | None" = None,
    network: "Network | None" = None,
    rule: str = DEFAULT_RULE,
    gauge: "str | ArrayLike" = "auto",
    evidence_mode: str | None = None,
    initial: ArrayLike | None = None,
    time_step: float | None = None,
    tempering: Tempering | Parallel | None = None,
    imperfections: Imperfections | None = None,
    threads: int | None = None,
    engine: str = "cpu",
    workers: int | str | None = None,
    pool: Executor | None = None,
    path: "str | os.PathLike[str] | None" = None,
    resume: bool = False,
    progress: Progress | bool | None = None,
    clamp: Given | None = None,
    clamp_mode: str | None = None,
) -> Samples:
    """Sample from a Boltzmann machine on a substrate.

    Parameters
    ----------
    machine
        The target.
    substrate
        "laser" (full physics), "laser-reduced" (an escape rate measured on it, about fifty times
        faster), "gibbs", "exact" (enumeration), "ideal" (refractory neurons) or
        "lif" (leaky integrate-and-fire neurons).
    chains, draws
        Independent chains and draws of each, >= 1. Spiking substrates draw every τ, "gibbs" a sweep.
    burn_in
        Draws dropped before the first one kept, from 0 to `draws`.
    seed
        Integer, SeedSequence or None (fresh entropy, recorded in the result).
    evidence
        Known units: label → 0 or 1, or label → array (chain,), each chain its own evidence.
    calibration
        Calibration of the laser, or of the integrate-and-fire neuron; by default the one shipped for
        the default preset. "gibbs", "exact" and "ideal" ignore it, so that they can be swapped in the
        same call.
    network
        Simulate this network instead of the translated one; lasers and "lif" only.
    rule
        Translation rule, "auto", "measured", "paired" or "linear"; see `photinus.translation`.
    gauge : array (unit,) of bool, "auto", "none", "per-unit" or "likely"
        Which neurons stand for 1 - z of their unit, see `photinus.translate`. A `network` that is
        given has its own; a stored run that is gone on with keeps its own by default.
    initial : array (unit,) or (chain, unit), optional
        States of 0 and 1 that the chains start from; evidence overwrites them. By default the starts
        are dispersed, chain by chain in turn: fair coins, all off, all on. So chains that never leave
        their mode disagree, and the burn-in makes the others forget. A network is driven to its start
        with its synapses silenced. That takes the first windows of the burn-in, a quarter of it, but at
        most three. With `burn_in` below 4 there are none: lasers and "lif" start silent then, "ideal"
        only without any burn-in. Draws of "exact" are independent and need no start.
    evidence_mode, time_step, threads
        See `photinus.engines.laser.Simulator`. Calibrations hold for the time step that they were
        measured with, the default of the device (0.5 ps for lasers). It moves rates by a percent.
    engine
        "cpu", or "cuda" for lasers and reduced lasers on an NVIDIA device (extra "cuda").
    tempering
        For machines with modes far apart. `Tempering` heats and cools in cycles, and draws when cold.
        `Parallel` swaps copies at several temperatures. Both keep no spikes; lasers, "lif", "gibbs".
    imperfections
        What is wrong with the chip; lasers only. A `network` that is given is taken to hold all that
        does not change during a run (`Imperfections.apply`); what happens during a run is added.
    workers
        Spread the chains over so many processes, or over the Dask cluster at an address such as
        "tcp://host:8786"; the draws are the same. A worker that dies costs the work that it had in
        hand, nothing else. Needs the extra "workers".
    pool
        Spread the chains over the workers of this executor of `concurrent.futures` instead. It must be
        able to pickle what it sends: a ProcessPoolExecutor, or those of loky, mpi4py and Dask.
    path
        Zarr store to write while the run goes on; must not exist unless `resume`.
    resume
        Go on with the run stored at `path`; the result is that of an uninterrupted run.
    progress
        True for a bar on the terminal, or an object with ``start``, ``advance``, ``stop``.
    clamp, clamp_mode
        What version 0.1 calls `evidence` and `evidence_mode`: the same things.

    Raises
    ------
    InvalidInput
        If an argument is out of its range, or the run would not fit into memory.
    Interrupted
        On Ctrl-C; carries the samples that were finished.

    Warns
    -----
    TranslationWarning
        Before the run starts, if the device cannot do what is asked for; see
        `photinus.samplers.limits`. The sentences are kept in ``attributes["outside"]`` of the result.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    >>> samples = ph.sample(machine, "laser-reduced", evidence={"wet": 1}, seed=1)
    >>> samples.marginals().round(2)
    array([0.82, 1.  ])
    """
    _check_objects(machine, calibration, network, tempering, imperfections, progress)
    kind = registry.substrate(substrate)
    _check_able(substrate, kind, tempering, imperfections)
    chains, draws, burn_in = _counts(chains, draws, burn_in, machine.n_units)
    known = Evidence.either(evidence, clamp, machine.labels, chains)
    store = None if path is None else RunStore(path, resume=resume)
    sequence = _sequence(seed, store)
    states = _start(initial, substrate, kind, burn_in, sequence, chains, machine.n_units)
    known.fill(states)
    request = Request(
        machine,
        substrate,
        chains,
        draws,
        burn_in,
        sequence,
        known,
        states,
        calibration,
        network,
        _rule(rule, store),
        evidence_mode_of(evidence_mode, clamp_mode),
        None if time_step is None else validate.positive("time_step", time_step, "s"),
        available_threads(threads),
        tempering,
        imperfections,
        gauge=_gauge(gauge, machine.n_units, network, store),
        engine=engine,
    )
    with executor_of(workers, pool) as spread:
        run = registry.started(request) if spread is None else SpreadRun(request, spread)
        return _sampled(request, run, initial is not None, store, progress)


def _check_objects(
    machine: Any, calibration: Any, network: Any, tempering: Any, imperfections: Any, progress: Any
) -> None:
    """Raise InvalidInput for an object of another kind."""
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Calibration | None)
    validate.instance("network", network, Network | None)
    validate.instance("tempering", tempering, Tempering | Parallel | None)
    validate.instance("imperfections", imperfections, Imperfections | None)
    if progress is not None and not isinstance(progress, (bool, Progress)):
        raise InvalidInput(
            f"progress must be True, False or have start, advance and stop, got {progress!r}"
        )


def _rule(rule: str, store: RunStore | None) -> str:
    """Return the translation rule: a stored run keeps its own, unless another one is asked for."""
    stored = None if store is None else store.rule()
    return stored or rule if validate.one_of("rule", rule, RULES) == DEFAULT_RULE else rule


def _gauge(
    gauge: "str | ArrayLike", units: int, network: "Network | None", store: RunStore | None
) -> "str | Gauge":
    """Return how to choose a gauge, or the gauge itself, checked."""
    if not isinstance(gauge, str):
        gauge = checked(gauge, units)
    elif validate.one_of("gauge", gauge, CHOICES) == "auto":
        stored = None if store is None else store.gauge()
        return "auto" if stored is None else checked(stored, units)
    if network is not None:
        raise InvalidInput(f"gauge must be 'auto' with a network, which has its own, got {gauge!r}")
    return gauge


def _check_able(
    substrate: str,
    kind: type[Run],
    tempering: Tempering | Parallel | None,
    imperfections: Imperfections | None,
) -> None:
    """Raise InvalidInput if a substrate cannot be heated or cannot have faults, but should."""
    for name, given, ability in (
        ("tempering", tempering, "parallel" if isinstance(tempering, Parallel) else "heated"),
        ("imperfections", imperfections, "imperfect"),
    ):
        if given is not None and not getattr(kind, ability, False):
            allowed = ", ".join(map(repr, registry.able(ability)))
            raise InvalidInput(f"substrate must be one of {allowed} for {name}, got {substrate!r}")


def _counts(chains: int, draws: int, burn_in: int, units: int) -> tuple[int, int, int]:
    """Return how many chains, draws and draws before those, checked."""
    chains = validate.integer("chains", chains, 1)
    draws = validate.integer("draws", draws, 1)
    burn_in = validate.integer("burn_in", burn_in, 0)
    if burn_in > draws:
        raise InvalidInput(f"burn_in must be at most the number of draws ({draws}), got {burn_in}")
    memory.require(float(chains) * draws * units, "the states of this run")
    return chains, draws, burn_in


def _sampled(
    request: Request,
    run: Run,
    given: bool,
    store: RunStore | None,
    progress: Progress | bool | None,
) -> Samples:
    """Return all draws of a run, which goes on from what a store has; `given` as in `_start_words`."""
    outside = run.outside()
    if outside:
        hush.tell(outside, TranslationWarning, depth=2)
    empty = Samples(
        machine=request.machine,
        states=np.empty((request.chains, 0, request.machine.n_units), np.uint8),
        substrate=request.substrate,
        burn_in=request.burn_in,
        clamp=request.evidence.to_dict(),
        window=run.window if request.tempering is None else None,
        network=run.network,
        tempering=request.tempering,
        attributes=_provenance(request, run, given) | ({"outside": outside} if outside else {}),
        complete=False,
    )
    pieces = [] if store is None else store.open(empty, request.draws, run)
    try:
        _advance(request, run, pieces, store, progress)
    except KeyboardInterrupt:
        raise Interrupted(gathered(empty, pieces, complete=False) if pieces else None) from None
    except InvalidInput:
        if store is not None and not pieces:
            store.discard()
        raise
    # A run that was complete before has none, but what is stored has.
    activity = run.activity()
    found = gathered(empty, pieces, complete=True)
    if activity is None and store is not None:
        activity = store.activity()
    return replace(found, activity=activity)


def _advance(
    request: Request,
    run: Run,
    pieces: list[Piece],
    store: RunStore | None,
    progress: Progress | bool | None,
) -> None:
    """Add to the pieces that there are those that are missing, and store each."""
    finished = sum(piece.states.shape[1] for piece in pieces)
    total = request.window_of(request.burn_in + request.draws - 1) + 1
    with tracked(progress, f"sampling on {request.substrate}", total) as report:
        report(request.window_of(request.burn_in + finished - 1) + 1 if finished else 0)
        while finished < request.draws:
            piece = run.advance(min(run.draws_per_piece, request.draws - finished), report)
            pieces.append(piece)
            finished += piece.states.shape[1]
            if store is not None:
                store.append(piece, run, complete=finished == request.draws)


def gathered(empty: Samples, pieces: list[Piece], *, complete: bool) -> Samples:
    """Return `empty` filled with `pieces`."""
    spikes = [piece.spikes for piece in pieces if piece.spikes is not None]
    return replace(
        empty,
        states=np.concatenate([piece.states for piece in pieces], axis=1),
        spikes=SpikeTrains.joined(spikes) if spikes else None,
        complete=complete,
    )


def _sequence(seed: Seed, store: RunStore | None) -> np.random.SeedSequence:
    """Return the seed of a run: of one that goes on, by default the seed it started with."""
    sequence = seed_sequence(seed)
    return sequence if store is None or seed is not None else store.seed() or sequence


def _start(
    initial: ArrayLike | None,
    substrate: str,
    kind: type[Run],
    burn_in: int,
    seed: np.random.SeedSequence,
    chains: int,
    units: int,
) -> NDArray[np.uint8]:
    """Return the state that each chain starts from, array (chain, unit)."""
    if initial is None:
        return starts.dispersed(seed, chains, units)
    least = kind.least_burn_in
    if least is None:
        raise InvalidInput(f"initial must be None on {substrate!r}, whose chains all start alike")
    if burn_in < least:
        raise InvalidInput(
            f"initial must be None on {substrate!r} with a burn_in below {least}, got burn_in={burn_in}"
        )
    return starts.given(initial, chains, units)


def _start_words(request: Request, given: bool) -> str:
    """Return how the chains start, for the record; which states, as a checksum."""
    kind = registry.substrate(request.substrate)
    if kind.independent:
        return "independent"
    if kind.least_burn_in is None or request.burn_in < kind.least_burn_in:
        return "silent"
    return f"given, CRC {zlib.crc32(request.start.tobytes()):08x}" if given else "dispersed"


def _provenance(request: Request, run: Run, given: bool) -> dict[str, Any]:
    return {
        "version": __version__,
        "seed_entropy": entropy_text(request.seed),
        "seed_spawn_key": list(request.seed.spawn_key),
        # NumPy's default, in all runs but very few.
        **({} if request.seed.pool_size == 4 else {"seed_pool_size": request.seed.pool_size}),
        "substrate": request.substrate,
        "draws_requested": request.draws,
        **({} if request.engine == "cpu" else {"engine": request.engine}),
        **({} if run.method is None else {"method": run.method}),
        "time_step": run.time_step,
        "clamp_mode": request.evidence_mode,
        "start": _start_words(request, given),
        "rule": request.rule if request.network is None else None,
        **({"imperfections": request.imperfections.to_dict()} if request.imperfections else {}),
    }
