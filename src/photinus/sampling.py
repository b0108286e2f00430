"""One call for every sampler: ``sample(machine, substrate=…)`` returns `Samples`.

A substrate is a function that starts a run; a run gives pieces, so that any of them can report
progress, be stored while it goes, and be resumed. Swapping substrates is how users debug: the gap
from Gibbs to the ideal neuron is refractoriness, from the ideal neuron to lasers device physics.
"""

import warnings
import zlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus import _memory, _validate, limits, starts
from photinus._threads import available_threads
from photinus.boltzmann import BoltzmannMachine
from photinus.calibration import Calibration
from photinus.devices import PRESETS, Network, SpikingSimulator, held, simulator
from photinus.errors import InvalidInput, TranslationWarning
from photinus.imperfections import Disturbed, Imperfections
from photinus.network import LaserNetwork
from photinus.progress import Progress, tracked
from photinus.reference.lif import LifNetwork, LifSimulator
from photinus.samples import Samples
from photinus.simulation.couplings import from_clamped
from photinus.simulation.engine import (
    BYTES_PER_SPIKE,
    CLAMP_MODES,
    LASER_STEPS_PER_CHUNK,
)
from photinus.simulation.spikes import SpikeTrains
from photinus.simulation.streams import Seed, entropy_text, seed_sequence
from photinus.tempering import Tempering
from photinus.translation import RULES, evidence_drive, heated_drive, levels, translate

if TYPE_CHECKING:
    import os

LASER_STEPS_PER_PIECE = 2e9
"""Laser-steps between two commits to disk: a few seconds."""
UNIT_UPDATES_PER_PIECE = 5e7
"""Updates of a Gibbs run between two commits to disk: seconds at most."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped a run; `samples` holds what was finished (None if nothing was)."""

    def __init__(self, samples: Samples | None) -> None:
        done = 0 if samples is None else samples.draws
        super().__init__(f"stopped after {done} draws per chain")
        self.samples = samples

    def __reduce__(self) -> tuple[Any, ...]:
        return Interrupted, (self.samples,)


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What one call of `sample` asks for, checked."""

    machine: BoltzmannMachine
    substrate: str
    chains: int
    draws: int
    burn_in: int
    seed: np.random.SeedSequence
    clamp: Mapping[Hashable, ArrayLike]
    fixed: NDArray[np.intp]
    values: NDArray[np.uint8]
    start: NDArray[np.uint8]
    """State that each chain starts from, array (chain, unit), evidence included."""
    calibration: "Calibration | None"
    network: "Network | None"
    rule: str
    clamp_mode: str
    time_step: float | None
    threads: int | None
    tempering: Tempering | None
    imperfections: Imperfections | None = None
    prepared: "tuple[Network, NDArray[np.float64] | None] | None" = None
    """Network and, given evidence, drives (chain, unit), where these were worked out before."""

    def window_of(self, draw: int) -> int:
        """Return the window (or sweep) at whose end a draw is taken, burn-in included in both."""
        return draw if self.tempering is None else self.tempering.window_of(draw)

    def temperature(self, window: int) -> float:
        """Return the temperature in a window."""
        return 1.0 if self.tempering is None else self.tempering.temperature(window)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Consecutive draws of all chains, with the spikes of the same time where there are any."""

    states: NDArray[np.uint8]
    spikes: SpikeTrains | None


class Run(Protocol):
    """A sampler under way."""

    @property
    def window(self) -> float | None:
        """State window τ, in the unit of the spike times; None without time."""

    @property
    def network(self) -> "Network | None":
        """Simulated neurons, if any."""

    @property
    def time_step(self) -> float | None:
        """Integration step [s]; None without one."""

    @property
    def draws_per_piece(self) -> int:
        """Draws after which it is worth storing what there is."""

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return the next `draws` draws, burn-in done; tell `report` of finished draws."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` needs to go on."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state of the same run."""


class SpikingRun:
    """A simulated network of spiking neurons, read out every τ."""

    preset: str
    """Calibration to use by default."""
    kind: type[LaserNetwork] | type[LifNetwork]
    """Network that this substrate simulates."""

    def __init__(self, request: Request) -> None:
        network, drive = request.network, None
        if request.prepared is not None:
            network, drive = request.prepared
        elif network is None:
            calibration = request.calibration or Calibration.preset(self.preset)
            network = translate(request.machine, calibration, rule=request.rule)
            if request.clamp and request.clamp_mode == "pump" and request.rule == "measured":
                drive = evidence_drive(
                    request.machine, calibration, network, request.fixed, request.values
                )
            if request.imperfections is not None:
                network, drive = _imperfect(network, drive, request.imperfections, request.seed)
        elif request.calibration is not None:
            request.calibration.require(network.parameters)
        if not isinstance(network, self.kind):
            raise InvalidInput(
                f"substrate must be the one of the device {network.parameters.name!r}, "
                f"got {request.substrate!r}"
            )
        if network.labels != request.machine.labels:
            raise InvalidInput(
                f"network must have the labels of the machine, got {network.labels!r} for "
                f"{request.machine.labels!r}"
            )
        self.network, self.window, self.drive = network, network.window, drive
        self._request = request
        self.simulator: SpikingSimulator | Disturbed = self._simulator(network, drive)
        if request.imperfections is not None and request.imperfections.disturbs:
            assert not isinstance(self.simulator, LifSimulator)  # `IMPERFECT`, checked before
            self.simulator = request.imperfections.disturb(self.simulator, request.seed)
        self.time_step = time_step = self.simulator.time_step
        lanes = request.chains * (network.n_units - len(request.fixed))
        steps_per_draw = lanes * network.window / time_step
        _memory.require(
            request.chains * (request.draws + request.burn_in) * network.n_units * BYTES_PER_SPIKE,
            "the spikes of this run",
        )
        self.draws_per_piece = max(1, int(LASER_STEPS_PER_PIECE / steps_per_draw))
        self._draws_per_chunk = max(1, int(LASER_STEPS_PER_CHUNK / steps_per_draw))
        self._done = 0
        self._driven = starts.driven_windows(request.burn_in)
        self._draw = request.burn_in
        self._heat: dict[float, tuple[NDArray[np.float64], float]] = {}
        self._tail = self._cut(None, 0.0)

    def _simulator(self, network: Network, drive: NDArray[np.float64] | None) -> SpikingSimulator:
        """Return what simulates the network of this run."""
        return simulator(network, drive=drive, time_step=self._request.time_step, **self._options())

    def _options(self) -> dict[str, Any]:
        """Return what every simulator of spiking neurons takes from the request."""
        request = self._request
        return {
            "chains": request.chains,
            "seed": request.seed,
            "clamp": request.clamp,
            "clamp_mode": request.clamp_mode,
            "threads": request.threads,
        }

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return the next `draws` draws and their spikes."""
        from photinus.readout import states_on_grid

        request, window = self._request, self.window
        begin = request.window_of(self._draw)
        if self._done < begin:
            self._simulate(begin - self._done, report)
        ends = np.array([request.window_of(self._draw + d) for d in range(draws)])
        before = self._tail
        fresh = self._simulate(int(ends[-1]) + 1 - begin, report)
        spikes = SpikeTrains.joined([before, fresh])
        states = states_on_grid(
            spikes.chain,
            spikes.unit,
            spikes.time,
            chains=request.chains,
            units=self.network.n_units,
            window=window,
            first=(begin + 1) * window,
            interval=window,
            draws=int(ends[-1]) + 1 - begin,
        )[:, ends - begin]
        states[:, :, request.fixed] = request.values[:, None, :]
        first = self._draw == request.burn_in
        self._draw += draws
        if request.tempering is not None:
            return Piece(states, None)
        return Piece(states, spikes if first else fresh)

    def _heating(self, temperature: float) -> tuple[NDArray[np.float64], float]:
        """Return the change of drives (chain, unit) and the strength of synapses at a temperature."""
        if temperature not in self._heat:
            request = self._request
            calibration = request.calibration or Calibration.preset(self.preset)
            calibration.require(self.network.parameters)
            (hot, strength), (cold, _) = (
                heated_drive(request.machine, calibration, request.fixed, request.values, temperature=t)
                for t in (temperature, 1.0)
            )
            self._heat[temperature] = np.nan_to_num(hot - cold), strength
        return self._heat[temperature]

    def _drive_to_start(self, report: Callable[[float], None]) -> list[SpikeTrains]:
        """Bring all chains to their start, as evidence is driven, and let go."""
        parts = []
        for end, states in starts.schedule(self._request.start, self._driven, self._request.seed):
            self.simulator.heat(self._towards(states), starts.SILENCED)
            parts.append(self.simulator.advance(end * self.window - self.simulator.time))
        if self._driven:
            self.simulator.heat(np.zeros(self._request.start.shape), 1.0)
            self._done = self._driven
            report(self._driven)
        return parts

    def _towards(self, states: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the change of drives (chain, unit) that holds neurons in `states` (chain, unit)."""
        calibration = _calibration_of(self.network, self._request.calibration)
        units = self.simulator.units
        # A laser without any pump takes long to come back.
        off, on = held(self.network) if calibration is None else levels(calibration)
        change = np.zeros(states.shape)
        change[:, units] = np.where(states[:, units] == 1, on, off) - self.simulator.drive
        return change

    def _simulate(self, windows: int, report: Callable[[float], None]) -> SpikeTrains:
        """Simulate `windows` state windows on, keeping the spikes of the last one as the tail."""
        stop = self._done + windows
        parts = [] if self._done else self._drive_to_start(report)
        while self._done < stop:
            chunk = min(stop - self._done, self._draws_per_chunk)
            if self._request.tempering is not None:
                chunk = 1
                self.simulator.heat(*self._heating(self._request.temperature(self._done)))
            self._done += chunk
            parts.append(self.simulator.advance(self._done * self.window - self.simulator.time))
            report(chunk)
        spikes = SpikeTrains.joined(parts)
        self._tail = self._cut(spikes, self._done * self.window - self.window)
        return spikes

    def _cut(self, spikes: SpikeTrains | None, start: float) -> SpikeTrains:
        """Return the spikes after `start`."""
        if spikes is None:
            empty = np.empty(0, np.int32)
            labels, chains = self.network.labels, self._request.chains
            return SpikeTrains(empty, empty, np.empty(0), labels, chains, 0.0, 0.0)
        keep = spikes.time > start
        return SpikeTrains(
            spikes.chain[keep],
            spikes.unit[keep],
            spikes.time[keep],
            spikes.labels,
            spikes.chains,
            start,
            spikes.stop,
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the simulator's state and the spikes that are still on."""
        tail = {f"tail.{name}": getattr(self._tail, name) for name in ("chain", "unit", "time")}
        progress = {"done": np.array(self._done), "draw": np.array(self._draw)}
        return {**self.simulator.state(), **tail, **progress}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state of the same run."""
        self.simulator.restore(state)
        self._done, self._draw = int(state["done"]), int(state["draw"])
        self._tail = SpikeTrains(
            np.asarray(state["tail.chain"], np.int32),
            np.asarray(state["tail.unit"], np.int32),
            np.asarray(state["tail.time"], np.float64),
            self.network.labels,
            self._request.chains,
            (self._done - 1) * self.window,
            self._done * self.window,
        )


def _calibration_of(network: Network, given: Calibration | None) -> Calibration | None:
    """Return a calibration of a network's device, if one is at hand."""
    known = (given,) if given is not None else map(Calibration.preset, PRESETS)
    return next((c for c in known if c.fits(network.parameters)), None)


def _imperfect(
    network: Network,
    drive: NDArray[np.float64] | None,
    imperfections: Imperfections,
    seed: np.random.SeedSequence,
) -> tuple[LaserNetwork, NDArray[np.float64] | None]:
    """Return a designed network as it comes out, with drives (chain, unit) off as its pumps are."""
    assert isinstance(network, LaserNetwork)  # `IMPERFECT`, checked before
    built = imperfections.apply(network, seed)
    if drive is not None:
        pumped = network.pump > 0
        drive = drive * np.where(pumped, built.pump / np.where(pumped, network.pump, 1.0), 1.0)
    return built, drive


class LaserRun(SpikingRun):
    """Full physics of lasers."""

    preset = "fast-absorber"
    kind = LaserNetwork


class ReducedRun(LaserRun):
    """Reduced lasers: an escape rate instead of field and photons, see `photinus.reduced`."""

    def _simulator(self, network: Network, drive: NDArray[np.float64] | None) -> SpikingSimulator:
        from photinus.reduced.simulator import ReducedSimulator

        request = self._request
        if request.time_step is not None:
            raise InvalidInput(
                "time_step must be None for 'laser-reduced', whose step belongs to the calibration, "
                f"got {request.time_step:g}"
            )
        calibration = request.calibration or Calibration.preset(self.preset)
        calibration.require(network.parameters)
        assert isinstance(network, LaserNetwork)  # `kind`, checked before
        return ReducedSimulator(network, calibration.require_reduced(), drive=drive, **self._options())


class LifRun(SpikingRun):
    """Leaky integrate-and-fire neurons (Petrovici et al. 2016)."""

    preset = "lif-hcs"
    kind = LifNetwork


class _WholeRun:
    """A sampler that is quick enough to give all its draws as one piece."""

    window: float | None = None
    network = None
    time_step = None

    def __init__(self, request: Request) -> None:
        self._request = request
        self.draws_per_piece = request.draws

    def state(self) -> dict[str, NDArray[Any]]:
        """Return nothing: a stopped run starts again and gives the same draws."""
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Do nothing."""


class GibbsRun:
    """Gibbs sampling, one sweep per draw."""

    window: float | None = None
    network = None
    time_step = None

    def __init__(self, request: Request) -> None:
        from photinus.reference.gibbs import GibbsSampler

        self._sampler = GibbsSampler(
            request.machine,
            chains=request.chains,
            seed=request.seed,
            clamp_units=request.fixed,
            clamp_values=request.values,
            threads=request.threads,
            initial=request.start,
        )
        self._request = request
        self._done, self._draw = 0, request.burn_in
        sweep = request.chains * request.machine.n_units
        self.draws_per_piece = max(1, int(UNIT_UPDATES_PER_PIECE / sweep))

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return the next `draws` draws."""
        request = self._request
        ends = [request.window_of(self._draw + d) for d in range(draws)]
        sweeps = np.arange(self._done, ends[-1] + 1)
        temperatures = np.array([request.temperature(int(sweep)) for sweep in sweeps])
        states = self._sampler.sweep(temperatures, np.isin(sweeps, ends))
        report(ends[-1] + 1 - self._done)
        self._done, self._draw = ends[-1] + 1, self._draw + draws
        return Piece(states, None)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the sampler's state."""
        progress = {"done": np.array(self._done), "draw": np.array(self._draw)}
        return {**self._sampler.state(), **progress}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state of the same run."""
        self._sampler.restore(state)
        self._done, self._draw = int(state["done"]), int(state["draw"])


class ExactRun(_WholeRun):
    """Independent draws from the enumerated joint."""

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return all draws."""
        from photinus.reference.exact import sample_exact

        request = self._request
        states = sample_exact(
            request.machine,
            chains=request.chains,
            draws=draws,
            seed=request.seed,
            clamp_units=request.fixed,
            clamp_values=request.values,
        )
        report(request.burn_in + draws)
        return Piece(states, None)


class IdealRun(_WholeRun):
    """Ideal refractory neurons (Buesing et al. 2011) in continuous time; time in units of τ."""

    window = 1.0

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return all draws and spikes."""
        from photinus.readout import states_on_grid
        from photinus.reference.ideal import sample_ideal

        request = self._request
        n, total = request.machine.n_units, float(request.burn_in + draws)
        _memory.require(request.chains * total * n * BYTES_PER_SPIKE, "the spikes of this run")
        chain, unit, time = sample_ideal(
            request.machine,
            chains=request.chains,
            duration=total,
            seed=request.seed,
            clamp_units=request.fixed,
            clamp_values=request.values,
            threads=request.threads,
            # What was on before the first draw would be missing in its dwell times.
            initial=request.start if request.burn_in else None,
        )
        states = states_on_grid(
            chain,
            unit,
            time,
            chains=request.chains,
            units=n,
            window=1.0,
            first=request.burn_in + 1.0,
            interval=1.0,
            draws=draws,
        )
        states[:, :, request.fixed] = request.values[:, None, :]
        report(total)
        labels, chains = request.machine.labels, request.chains
        start = max(0.0, request.burn_in - 1.0)
        kept = time >= start
        spikes = SpikeTrains(chain[kept], unit[kept], time[kept], labels, chains, start, total)
        return Piece(states, spikes)


TEMPERED = ("laser", "laser-reduced", "lif", "gibbs")
"""Substrates that can be heated."""
IMPERFECT = ("laser", "laser-reduced")
"""Substrates that can have imperfections."""
SUBSTRATES: dict[str, Callable[[Request], Run]] = {
    "laser": LaserRun,
    "laser-reduced": ReducedRun,
    "lif": LifRun,
    "gibbs": GibbsRun,
    "exact": ExactRun,
    "ideal": IdealRun,
}
"""Samplers by name: each starts a run for a checked request."""
SPIKING = ("laser", "laser-reduced", "lif")
"""Substrates that simulate a device, and thus take a calibration and a network."""


def sample(
    machine: BoltzmannMachine,
    substrate: str = "laser",
    *,
    chains: int = 64,
    draws: int = 250,
    burn_in: int = 25,
    seed: Seed = None,
    clamp: Mapping[Hashable, ArrayLike] | None = None,
    calibration: "Calibration | None" = None,
    network: "Network | None" = None,
    rule: str = "measured",
    clamp_mode: str = "pump",
    initial: ArrayLike | None = None,
    time_step: float | None = None,
    tempering: Tempering | None = None,
    imperfections: Imperfections | None = None,
    threads: int | None = None,
    workers: int | str | None = None,
    path: "str | os.PathLike[str] | None" = None,
    resume: bool = False,
    progress: Progress | bool | None = None,
) -> Samples:
    """Sample from a Boltzmann machine on a substrate.

    Parameters
    ----------
    machine
        The target.
    substrate
        "laser" (full physics), "laser-reduced" (an escape rate measured on it, about fifty times
        faster), "gibbs", "exact" (enumeration), "ideal" (refractory neurons) or "lif" (leaky
        integrate-and-fire neurons).
    chains, draws
        Independent chains and draws of each, both >= 1. On spiking substrates there is a draw
        every τ; on "gibbs" every sweep.
    burn_in
        Draws dropped before the first one kept, from 0 to `draws`.
    seed
        Integer, SeedSequence or None (fresh entropy, recorded in the result).
    clamp
        Evidence: label → 0 or 1, or label → array (chain,), each chain its own evidence.
    calibration
        Calibration of the laser, or of the integrate-and-fire neuron; by default the one shipped for
        the default preset. "gibbs", "exact" and "ideal" ignore it, so that they can be swapped in the
        same call.
    network
        Simulate this network instead of the translated one; lasers and "lif" only.
    rule
        Translation rule, "measured" or "linear"; see `photinus.translation`.
    initial : array (unit,) or (chain, unit), optional
        States of 0 and 1 that the chains start from; evidence overwrites them. By default the starts
        are dispersed, chain by chain in turn: fair coins, all off, all on. So chains that never leave
        their mode disagree, and the burn-in makes the others forget. A network is driven to its start
        for the first windows of the burn-in, a quarter of it, but at most three, with its synapses
        silenced. With `burn_in` below 4 there are none: lasers and "lif" start silent then, "ideal"
        only without any burn-in. Draws of "exact" are independent and need no start.
    clamp_mode, time_step, threads
        See `photinus.simulation.engine.Simulator`. Calibrations hold for the time step that they were
        measured with, the default of the device (0.5 ps for lasers): rates move by a percent or so
        with it.
    tempering
        Heat and cool in cycles, and draw when it is cold: for machines with modes far apart. Such
        runs keep draws, not spikes; lasers, "lif" and "gibbs" only.
    imperfections
        What is wrong with the chip; lasers only. A `network` that is given is taken to hold all that
        does not change during a run (`Imperfections.apply`); what happens during a run is added.
    workers
        Spread the chains over so many processes, or over the Dask cluster at an address such as
        "tcp://host:8786"; the draws are the same. A worker that dies costs the work that it had in
        hand, nothing else. Needs the extra "workers".
    path
        Zarr store to write while the run goes on; must not exist unless `resume`.
    resume
        Go on with the run stored at `path`; the result is that of an uninterrupted run.
    progress
        True for a bar on the terminal, or an object with ``start``, ``advance``, ``stop``.

    Raises
    ------
    InvalidInput
        If an argument is out of its range, or the run would not fit into memory.
    Interrupted
        On Ctrl-C; carries the samples that were finished.

    Warns
    -----
    TranslationWarning
        Before the run starts, if the device cannot do what is asked for; see `photinus.limits`. The
        sentences are kept in ``attributes["outside"]`` of the result.
    """
    _validate.instance("machine", machine, BoltzmannMachine)
    _validate.instance("calibration", calibration, Calibration | None)
    _validate.instance("network", network, Network | None)
    _validate.instance("tempering", tempering, Tempering | None)
    _validate.instance("imperfections", imperfections, Imperfections | None)
    from photinus.storage import RunStore
    from photinus.workers import SpreadRun, workers_pool

    _validate.one_of("substrate", substrate, SUBSTRATES)
    chains = _validate.integer("chains", chains, 1)
    draws = _validate.integer("draws", draws, 1)
    burn_in = _validate.integer("burn_in", burn_in, 0)
    if burn_in > draws:
        raise InvalidInput(f"burn_in must be at most the number of draws ({draws}), got {burn_in}")
    _memory.require(float(chains) * draws * machine.n_units, "the states of this run")
    fixed, values = _validate.clamp(clamp, machine.labels, chains)
    _validate.one_of("clamp_mode", clamp_mode, CLAMP_MODES)
    _validate.one_of("rule", rule, RULES)
    threads = available_threads(threads)
    if progress is not None and not isinstance(progress, (bool, Progress)):
        raise InvalidInput(
            f"progress must be True, False or have start, advance and stop, got {progress!r}"
        )
    if tempering is not None and substrate not in TEMPERED:
        allowed = ", ".join(map(repr, TEMPERED))
        raise InvalidInput(f"substrate must be one of {allowed} for tempering, got {substrate!r}")
    if imperfections is not None and substrate not in IMPERFECT:
        allowed = ", ".join(map(repr, IMPERFECT))
        raise InvalidInput(f"substrate must be one of {allowed} for imperfections, got {substrate!r}")
    store = None if path is None else RunStore(path, resume=resume)
    sequence = seed_sequence(seed)
    if store is not None and seed is None:
        sequence = store.seed() or sequence
    states = _start(initial, substrate, burn_in, sequence, chains, machine.n_units)
    states[:, fixed] = values
    request = Request(
        machine,
        substrate,
        chains,
        draws,
        burn_in,
        sequence,
        {} if clamp is None else clamp,
        fixed,
        values,
        states,
        calibration,
        network,
        rule,
        clamp_mode,
        None if time_step is None else _validate.positive("time_step", time_step, "s"),
        threads,
        tempering,
        imperfections,
    )
    with workers_pool(workers) as client:
        start = SUBSTRATES[substrate]
        run = start(request) if client is None else SpreadRun(request, client, start)
        outside = _outside(request, run)
        if outside:
            warnings.warn("; ".join(outside), TranslationWarning, stacklevel=2)
        whole = Samples(
            machine=machine,
            states=np.empty((chains, 0, machine.n_units), np.uint8),
            substrate=substrate,
            burn_in=burn_in,
            clamp={} if clamp is None else dict(clamp),
            window=run.window if tempering is None else None,
            network=run.network,
            tempering=tempering,
            attributes=_provenance(request, run, initial is not None)
            | ({"outside": outside} if outside else {}),
            complete=False,
        )
        pieces: list[Piece] = []
        if store is not None:
            done = store.open(whole, draws, run)
            pieces.extend(done)
        finished = sum(piece.states.shape[1] for piece in pieces)
        total = request.window_of(burn_in + draws - 1) + 1
        try:
            with tracked(progress, f"sampling on {substrate}", total) as report:
                report(request.window_of(burn_in + finished - 1) + 1 if finished else 0)
                while finished < draws:
                    piece = run.advance(min(run.draws_per_piece, draws - finished), report)
                    pieces.append(piece)
                    finished += piece.states.shape[1]
                    if store is not None:
                        store.append(piece, run, complete=finished == draws)
        except KeyboardInterrupt:
            raise Interrupted(gathered(whole, pieces, complete=False) if pieces else None) from None
        except InvalidInput:
            if store is not None and not pieces:
                store.discard()
            raise
        return gathered(whole, pieces, complete=True)


def gathered(empty: Samples, pieces: list[Piece], *, complete: bool) -> Samples:
    """Return `empty` filled with `pieces`."""
    from dataclasses import replace

    spikes = [piece.spikes for piece in pieces if piece.spikes is not None]
    return replace(
        empty,
        states=np.concatenate([piece.states for piece in pieces], axis=1),
        spikes=SpikeTrains.joined(spikes) if spikes else None,
        complete=complete,
    )


def _start(
    initial: ArrayLike | None,
    substrate: str,
    burn_in: int,
    seed: np.random.SeedSequence,
    chains: int,
    units: int,
) -> NDArray[np.uint8]:
    """Return the state that each chain starts from, array (chain, unit)."""
    if initial is None:
        return starts.dispersed(seed, chains, units)
    least = _least_burn_in(substrate)
    if burn_in < least:
        raise InvalidInput(
            f"initial must be None on {substrate!r} with a burn_in below {least}, got burn_in={burn_in}"
        )
    return starts.given(initial, chains, units)


def _least_burn_in(substrate: str) -> int:
    """Return the burn-in from which on a substrate starts as it is told."""
    if substrate in SPIKING:
        return starts.BURN_IN_PER_DRIVEN
    return 1 if substrate == "ideal" else 0


def _outside(request: Request, run: Run) -> list[str]:
    """Return what the device of a run cannot do of what is asked for, a sentence each."""
    network = run.network
    if network is None:
        return []
    drive, fixed, values = getattr(run, "drive", None), request.fixed, request.values
    if drive is None:
        drive = network.drive + from_clamped(network.coupling, fixed, values)
    found = limits.beyond_lasers(network, drive, fixed)
    if request.substrate == "laser-reduced":
        assert isinstance(network, LaserNetwork)  # `ReducedRun.kind`
        device = request.calibration or Calibration.preset(ReducedRun.preset)
        found += device.require_reduced().check(network, fixed)
    if request.network is None:
        calibration = _calibration_of(network, request.calibration)
        assert calibration is not None  # it was translated with it
        found += limits.beyond_translation(request.machine, calibration, network, fixed, values)
    return found


def _start_words(request: Request, given: bool) -> str:
    """Return how the chains start, for the record; which states, as a checksum."""
    if request.substrate == "exact":
        return "independent"
    if request.burn_in < _least_burn_in(request.substrate):
        return "silent"
    return f"given, CRC {zlib.crc32(request.start.tobytes()):08x}" if given else "dispersed"


def _provenance(request: Request, run: Run, given: bool) -> dict[str, Any]:
    from photinus import __version__

    return {
        "version": __version__,
        "seed_entropy": entropy_text(request.seed),
        "seed_spawn_key": list(request.seed.spawn_key),
        # NumPy's default, in all runs but very few.
        **({} if request.seed.pool_size == 4 else {"seed_pool_size": request.seed.pool_size}),
        "substrate": request.substrate,
        "draws_requested": request.draws,
        "time_step": run.time_step,
        "clamp_mode": request.clamp_mode,
        "start": _start_words(request, given),
        "rule": request.rule if request.network is None else None,
        **({"imperfections": request.imperfections.to_dict()} if request.imperfections else {}),
    }
