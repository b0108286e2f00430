"""Substrates that simulate a device: lasers, reduced lasers, integrate-and-fire neurons."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from photinus._core import gauge as gauges
from photinus._core import memory
from photinus.calibration import Calibration
from photinus.devices import SHIPPED_PRESETS, Device, Network, SpikingSimulator, device_of, simulator
from photinus.engines.base import BYTES_PER_SPIKE, LASER_STEPS_PER_CHUNK
from photinus.engines.choice import FULL, REDUCED, chosen
from photinus.engines.disturbances import Disturbed
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.errors import InvalidInput
from photinus.networks.lasers import is_of_lasers
from photinus.reference import starts
from photinus.samplers import limits
from photinus.samplers.request import Piece, Request, Run
from photinus.spikes.trains import SpikeTrains
from photinus.translation.drives import drive_and_strength, evidence_drive
from photinus.translation.rules import followed, levels, translate

LASER_STEPS_PER_PIECE = 2e9
"""Laser-steps between two commits to disk: a few seconds."""


class SpikingRun(Run):
    """A simulated network of spiking neurons, read out every τ."""

    spiking = True
    heated = True
    parallel = True
    least_burn_in: ClassVar[int | None] = starts.BURN_IN_PER_DRIVEN
    preset: ClassVar[str | None] = None
    """Calibration to use by default; None where one must be given."""
    device: ClassVar[str]
    """Kind of neuron that this substrate simulates."""
    network: Network
    window: float
    time_step: float

    def __init__(self, request: Request) -> None:
        self._request = request
        network, drive = request.network, None
        if request.prepared is not None:
            network, drive = request.prepared
        elif network is None:
            calibration = self._calibration(request)
            network = translate(request.machine, calibration, rule=request.rule, gauge=request.gauge)
            drive = self._evidence_drive(calibration, network)
            if request.imperfections is not None:
                designed, device = network, device_of(network)
                network = device.imperfect(designed, request.imperfections, request.seed)
                if drive is not None:
                    drive = device.imperfect_drive(designed, network, drive)
        elif request.calibration is not None:
            request.calibration.require(network.parameters)
        if network.device != self.device:
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
        gauge = gauges.of(network)
        self._seen = request.flipped(gauge)
        self.simulator: SpikingSimulator | Disturbed = self._simulator(network, drive)
        if request.imperfections is not None and request.imperfections.disturbs:
            self.simulator = Disturbed(self.simulator, request.imperfections, request.seed)
        self.time_step = time_step = self.simulator.time_step
        lanes = request.chains * (network.n_units - len(request.evidence))
        steps_per_draw = lanes * network.window / time_step
        memory.require(
            request.chains * (request.draws + request.burn_in) * network.n_units * BYTES_PER_SPIKE,
            "the spikes of this run",
        )
        self.draws_per_piece = max(1, int(LASER_STEPS_PER_PIECE / steps_per_draw))
        self._draws_per_chunk = max(1, int(LASER_STEPS_PER_CHUNK / steps_per_draw))
        self._done = 0
        self._driven = 0 if self.least_burn_in is None else starts.driven_windows(request.burn_in)
        self._draw = request.burn_in
        self._heat: dict[float, tuple[NDArray[np.float64], float]] = {}
        self._settings: tuple[NDArray[np.float64], Any] = np.zeros(request.start.shape), 1.0
        self._tail = SpikeTrains.empty(network.labels, request.chains, gauge=gauge)

    def _calibration(self, request: Request) -> Calibration:
        """Return the calibration to translate and heat by."""
        if request.calibration is None and self.preset is None:
            raise InvalidInput(f"calibration must be given on {request.substrate!r}, got None")
        return request.calibration or Calibration.preset(str(self.preset))

    def _evidence_drive(self, calibration: Calibration, network: Network) -> NDArray[np.float64] | None:
        """Return drives (chain, unit) that evidence asks for; None where it acts by couplings alone."""
        request = self._request
        by_pump = request.evidence_mode == "pump"
        rule = followed(request.rule, calibration, request.machine)
        if not request.evidence or rule == "linear" or (rule == "measured" and not by_pump):
            return None
        drive = evidence_drive(request.machine, calibration, network, request.evidence, rule=rule)
        # Synapses of known lasers bring a part of it: built for partners that come and go, they are
        # off for one that stays.
        return (
            drive
            if by_pump
            else drive - request.evidence.flipped(gauges.of(network)).through(network.coupling)
        )

    def _simulator(self, network: Network, drive: NDArray[np.float64] | None) -> SpikingSimulator:
        """Return what simulates the network of this run."""
        return simulator(network, drive=drive, time_step=self._request.time_step, **self._options())

    def _options(self) -> dict[str, Any]:
        """Return what every simulator of spiking neurons takes from the request."""
        request = self._request
        return {
            "chains": request.chains,
            "seed": request.seed,
            "evidence": request.evidence,
            "evidence_mode": request.evidence_mode,
            "threads": request.threads,
            "engine": request.engine,
        }

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return the next `draws` draws and their spikes."""
        request, window = self._request, self.window
        start = request.window_of(self._draw)
        if self._done < start:
            self._simulate(start - self._done, report)
        ends = np.array([request.window_of(self._draw + d) for d in range(draws)])
        before = self._tail
        fresh = self._simulate(int(ends[-1]) + 1 - start, report)
        spikes = SpikeTrains.joined([before, fresh])
        states = spikes.states(
            window,
            first=(start + 1) * window,
            interval=window,
            draws=int(ends[-1]) + 1 - start,
        )[:, ends - start]
        request.evidence.fill(states)
        first = self._draw == request.burn_in
        self._draw += draws
        if request.tempering is not None:
            return Piece(states, None)
        return Piece(states, spikes if first else fresh)

    def _heating(self, temperature: float) -> tuple[NDArray[np.float64], float]:
        """Return the change of drives (chain, unit) and the strength of synapses at a temperature.

        What refinement has added to the drives of a network is for its weights as they are. At a
        temperature T these are a T-th, and so is what they need. What differing lasers need stays.
        """
        (hot, strength), (cold, _) = self._heated(temperature), self._heated(1.0)
        change = hot - cold
        if self._request.network is not None and not getattr(self.network, "devices", ()):
            change += (1 / temperature - 1) * (self._felt() - cold)
        return np.nan_to_num(change), strength

    def _felt(self) -> NDArray[np.float64]:
        """Return the drives of all units (unit,) or (chain, unit), with what evidence adds to them."""
        seen, network, drive = self._seen, self.network, self.drive
        if drive is not None and seen.evidence_mode == "pump":
            return drive
        own = network.drive if drive is None else drive
        return np.asarray(own + seen.evidence.through(network.coupling))

    def _heated(self, temperature: float) -> tuple[NDArray[np.float64], float]:
        """Return the drives (chain, unit) and the strength of synapses at a temperature."""
        if temperature not in self._heat:
            seen = self._seen
            calibration = self._calibration(seen)
            calibration.require(self.network.parameters)
            self._heat[temperature] = drive_and_strength(
                seen.machine,
                calibration,
                seen.evidence,
                temperature=temperature,
                rule=seen.rule if seen.network is None else "measured",
                delay=self.network.delay,
            )
        return self._heat[temperature]

    def heat(self, temperatures: NDArray[np.float64]) -> None:
        """Go on with each chain at a temperature: its drives, and the strength of its synapses."""
        change = np.zeros(self._request.start.shape)
        strength = np.ones(len(change))
        for temperature in np.unique(temperatures).tolist():
            chosen = temperatures == temperature
            every, strength[chosen] = self._heating(temperature)
            change[chosen] = every[chosen]
        self._settings = change, strength
        self.simulator.heat(change, strength)

    def _drive_to_start(self, report: Callable[[float], None]) -> list[SpikeTrains]:
        """Bring all chains to their start, as evidence is driven, and let go."""
        parts = []
        for end, states in starts.schedule(self._seen.start, self._driven, self._seen.seed):
            self.simulator.heat(self._towards(states), starts.SILENCED)
            parts.append(self.simulator.advance(end * self.window - self.simulator.time))
        if self._driven:
            self.simulator.heat(*self._settings)
            self._done = self._driven
            report(self._driven)
        return parts

    def _towards(self, states: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the change of drives (chain, unit) that holds neurons in `states` (chain, unit)."""
        calibration = calibration_of(self.network, self._request.calibration)
        units = self.simulator.units
        # A laser without any pump takes long to come back.
        off, on = self.network.holding if calibration is None else levels(calibration)
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
        self._tail = spikes.between(self._done * self.window - self.window)
        return spikes

    def outside(self) -> list[str]:
        """Return what these neurons cannot do of what is asked for, a sentence each."""
        seen, network, drive = self._seen, self.network, self._felt()
        evidence = seen.evidence
        found = limits.beyond_lasers(network, drive, evidence.positions)
        found += self._beyond_model()
        if seen.network is None:
            calibration = calibration_of(network, seen.calibration)
            assert calibration is not None  # it was translated with it
            perfect = seen.imperfections is None
            told = limits.beyond_translation(
                seen.machine, calibration, network, evidence, drive, perfect=perfect
            )
            flips = int(gauges.of(network).sum())
            built = (
                f" (as built, with {flips} of {network.n_units} standing for 1 - z)" if flips else ""
            )
            found += [sentence + built for sentence in told]
        return found

    def _beyond_model(self) -> list[str]:
        """Return what the model of the neurons leaves out, a sentence each."""
        return []

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the simulator's state and the spikes that are still on."""
        tail = {f"tail.{name}": getattr(self._tail, name) for name in ("chain", "unit", "time")}
        progress = {"done": np.array(self._done), "draw": np.array(self._draw)}
        return {**self.simulator.state(), **tail, **progress}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state of the same run."""
        self.simulator.restore(state)
        self._done, self._draw = int(state["done"]), int(state["draw"])
        self._tail = replace(
            self._tail,
            chain=np.asarray(state["tail.chain"], np.int32),
            unit=np.asarray(state["tail.unit"], np.int32),
            time=np.asarray(state["tail.time"], np.float64),
            start=(self._done - 1) * self.window,
            stop=self._done * self.window,
        )


def calibration_of(network: Network, given: Calibration | None) -> Calibration | None:
    """Return a calibration of a network's device, if one is at hand."""
    known = (given,) if given is not None else map(Calibration.preset, SHIPPED_PRESETS)
    return next((c for c in known if c.fits(network.parameters)), None)


class LaserRun(SpikingRun):
    """Full physics of lasers."""

    imperfect = True
    engines = tuple(FULL)
    preset = "fast-absorber"
    device = "laser"


class ReducedRun(LaserRun):
    """Reduced lasers: an escape rate instead of field and photons, see `photinus.engines.reduced`."""

    def _simulator(self, network: Network, drive: NDArray[np.float64] | None) -> SpikingSimulator:
        request = self._request
        if request.time_step is not None:
            raise InvalidInput(
                "time_step must be None for 'laser-reduced', whose step belongs to the calibration, "
                f"got {request.time_step:g}"
            )
        calibration = self._calibration(request)
        calibration.require(network.parameters)
        assert is_of_lasers(network)  # `device`, checked before
        self._law = calibration.require_reduced()
        options = self._options()
        kind = chosen(REDUCED, options.pop("engine"))
        reduced: ReducedSimulator = kind(network, self._law, drive=drive, **options)
        return reduced

    def _beyond_model(self) -> list[str]:
        assert is_of_lasers(self.network)  # `device`, checked before
        return self._law.check(self.network, self._request.evidence.positions)


class LifRun(SpikingRun):
    """Leaky integrate-and-fire neurons (Petrovici et al. 2016)."""

    preset = "lif-hcs"
    device = "lif"


def of_device(device: Device) -> type[SpikingRun]:
    """Return the substrate of a device: what is known of it is all that is needed."""

    class DeviceRun(SpikingRun):
        """A network of the neurons of a device."""

        heated = device.can_heat
        parallel = False
        imperfect = device.can_be_imperfect
        engines = device.engines
        # Chains are driven to their start by what also heats them.
        least_burn_in = starts.BURN_IN_PER_DRIVEN if device.can_heat else None

    DeviceRun.device = device.name
    return DeviceRun
