"""The measurements behind a design's verdict.

A laser is calibrated, random machines are translated and sampled on it by the full physics, and the
ledger is made up. What limits it is found by change. Each parameter of the laser is raised by a tenth,
and everything is measured again. Each imperfection is added at its usual size. All of these use the
same machines and random numbers, so that differences are small beside their errors.

Chips are draws of fabrication. Some of them are refined, to show what correction brings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.progress import Progress, tracked
from photinus._core.streams import Seed, seed_sequence
from photinus.calibration import Calibration, calibrate
from photinus.calibration.synapse import SYNAPSES
from photinus.devices.laser import LaserParameters
from photinus.devices.laser.datasheet import datasheet
from photinus.diagnostics.convergence import smallest_effective_draws
from photinus.diagnostics.distance import kl_divergence
from photinus.engines.laser.simulator import largest_time_step
from photinus.errors import InvalidInput, PhotinusError
from photinus.faces.design.verdict import Design, Influence, Shown, Synapse
from photinus.hardware import LinkBudget, link_budget
from photinus.learning.refinement import refine
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.imperfections import Imperfections
from photinus.networks.lasers import LaserNetwork
from photinus.networks.layout import Layout
from photinus.samplers.sampling import sample
from photinus.translation.prediction import predict
from photinus.translation.rules import translate

RAISED = 1.1
"""Factor on each parameter that is looked at."""
PARAMETERS = (
    "photon_lifetime",
    "gain_lifetime",
    "absorber_lifetime",
    "gain_coefficient",
    "absorber_coefficient",
    "gain_transparency",
    "absorber_transparency",
    "pump_noise",
)
"""Parameters of a laser that a designer can change."""
USUAL: dict[str, Any] = {
    "mismatch": 0.02,
    "weight_bits": 5,
    "coupling_loss": 0.05,
    "splitter_loss": 0.02,
    "crosstalk": 0.01,
    "delay": 10e-12,
    "pump_drift": 0.01,
    "weight_drift": 0.02,
    "temperature": 1.0,
    "detector_spread": 0.05,
    "driver_rise_time": 20e-12,
    "shared_pump_noise": 0.005,
}
"""Imperfections at sizes that are usual, each alone."""
FABRICATED = Imperfections(mismatch=0.02, weight_bits=5)
"""What chips that are drawn have."""
QUICK_CHAINS = 8
"""Of a calibration that is compared with others only."""
LENGTH = {"chains": 128, "draws": 200}
"""Of every run."""
MOST_UNITS = 16
"""Of a machine: its joint distribution is compared."""
FEWEST_RUNS = 4
"""Of each measurement: fewer machines are run several times, each time with other random numbers."""


def random_machines(
    units: int, scale: float, count: int, seed: Seed = 0
) -> tuple[BoltzmannMachine, ...]:
    """Return machines with weights and biases uniform in ±`scale`, all pairs coupled."""
    units = validate.integer("units", units, 1, MOST_UNITS)
    scale = validate.positive("scale", scale)
    count = validate.integer("count", count, 1, 100)
    machines = []
    for child in seed_sequence(seed).spawn(count):
        random = np.random.default_rng(child)
        upper = np.triu(random.uniform(-scale, scale, (units, units)), 1)
        machines.append(BoltzmannMachine(upper + upper.T, random.uniform(-scale, scale, units)))
    return tuple(machines)


@dataclass(frozen=True, slots=True)
class _Bench:
    """Machines, seeds and threads that all measurements share."""

    machines: Sequence[BoltzmannMachine]
    """What is run in turn; a machine may be there several times."""
    layout: Layout | None
    seed: int
    threads: int | None

    def built(self, machine: BoltzmannMachine, calibration: Calibration) -> LaserNetwork:
        """Return the network that is translated, and laid out."""
        network = translate(machine, calibration)
        assert isinstance(network, LaserNetwork)
        return network if self.layout is None else self.layout.apply(network)

    def links(self, calibration: Calibration) -> tuple[LinkBudget, ...]:
        """Return what the links of the layout need for the first machine."""
        if self.layout is None:
            return ()
        designed = translate(self.machines[0], calibration)
        assert isinstance(designed, LaserNetwork)
        return link_budget(self.layout, designed)

    def run(self, machine: BoltzmannMachine, network: LaserNetwork, k: int = 0, **more: Any) -> Any:
        """Return the samples of the run with that number."""
        options = {**LENGTH, "seed": self.seed + k, "threads": self.threads, **more}
        return sample(machine, network=network, **options)

    def runs(
        self, calibration: Calibration, faults: Imperfections | None = None, **more: Any
    ) -> list[Any]:
        """Return the samples of a calibrated laser on all machines."""
        found = []
        for k, machine in enumerate(self.machines):
            network = self.built(machine, calibration)
            if faults is not None:
                network = faults.apply(network, seed=k)
            found.append(self.run(machine, network, k, imperfections=faults, **more))
        return found

    def judged(self, calibration: Calibration, runs: Sequence[Any]) -> Shown:
        """Return what runs on all machines show."""
        kl, rate, energy = [], [], []
        for machine, samples in zip(self.machines, runs, strict=True):
            kl.append(kl_divergence(samples.joint(), machine.joint()))
            draws = samples.chains * samples.draws
            effective = max(smallest_effective_draws(machine, samples.states), 1e-9 * draws)
            rate.append(effective / (draws * calibration.window))
            pump = float(samples.network.supplied.sum()) * calibration.laser.photon_energy
            energy.append(pump / rate[-1])
        return Shown(*map(np.array, (kl, rate, energy)))


def design(
    parameters: LaserParameters,
    *,
    machines: Sequence[BoltzmannMachine] | None = None,
    layout: Layout | None = None,
    calibration: Calibration | None = None,
    chips: int = 12,
    refined: int = 3,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> Design:
    """Measure what a laser is worth as a sampler; takes some minutes on two cores.

    Parameters
    ----------
    parameters
        The laser.
    machines
        What to try it on, at most 16 units each; by default `random_machines` (5, 1.0, 4). Fewer than
        four are run several times, so that errors are known.
    layout
        Links of the chip; by default perfect ones.
    calibration
        Of this laser, where there is one; by default it is measured.
    chips, refined
        Chips of `FABRICATED` that are drawn, and how many of these are refined.
    seed, threads, progress
        As in `photinus.sample`.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    NotConverged
        If the laser fires no spikes, or never at random; the message names cures.
    """
    validate.instance("parameters", parameters, LaserParameters)
    validate.instance("layout", layout, Layout | None)
    validate.instance("calibration", calibration, Calibration | None)
    chips = validate.integer("chips", chips, 1, 1000)
    refined = validate.integer("refined", refined, 0, chips)
    tried = random_machines(5, 1.0, 4, seed) if machines is None else judged_machines(machines)
    runs_each = -(-FEWEST_RUNS // len(tried))
    bench = _Bench(tried * runs_each, layout, seed, threads)
    rounds = 4 + len(PARAMETERS) + len(USUAL) + len(SYNAPSES) + 1 + refined
    with tracked(progress, f"judging {parameters.name}", rounds) as advance:
        if calibration is None:
            calibration = calibrate(parameters, pairs=True, seed=seed, threads=threads)
        else:
            calibration.require(parameters)
        advance(2)
        runs = bench.runs(calibration)
        shown = bench.judged(calibration, runs)
        advance(1)
        floor = runs[0].fidelity().kl_floor or 0.0
        advance(1)
        return Design(
            sheet=datasheet(parameters),
            calibration=calibration,
            machines=tried,
            shown=shown,
            floor=floor,
            predicted=_predicted(bench, tried, calibration),
            ledger=runs[0].ledger(),
            parameters=_parameters(bench, parameters, lambda: advance(1)),
            faults=_faults(bench, calibration, shown, lambda: advance(1)),
            synapses=_synapses(bench, parameters, lambda: advance(1)),
            links=bench.links(calibration),
            **_fabricated(bench, calibration, chips, refined, lambda: advance(1)),
        )


def judged_machines(machines: Sequence[BoltzmannMachine]) -> tuple[BoltzmannMachine, ...]:
    """Return machines whose joint distributions can be compared.

    Raises
    ------
    InvalidInput
        If there is none, or one is none or too large.
    """
    if not (given := tuple(machines)):
        raise InvalidInput("machines must be at least one, got none")
    for machine in given:
        validate.instance("every one of machines", machine, BoltzmannMachine)
        validate.integer("units of every machine", machine.n_units, 1, MOST_UNITS)
    return given


def _predicted(bench: _Bench, machines: Sequence[BoltzmannMachine], calibration: Calibration) -> float:
    """Return the mean of the predicted KLs."""
    return float(np.mean([predict(m, calibration, bench.built(m, calibration)).kl for m in machines]))


def _parameters(
    bench: _Bench, parameters: LaserParameters, advance: Callable[[], None]
) -> tuple[Influence, ...]:
    """Return what each parameter of a laser does, raised alone."""

    def quick(laser: LaserParameters) -> Shown:
        step = largest_time_step(laser)
        found = calibrate(
            laser, chains=QUICK_CHAINS, time_step=step, seed=bench.seed, threads=bench.threads
        )
        return bench.judged(found, bench.runs(found, time_step=step))

    before = quick(parameters)
    found: list[Influence] = []
    for name in PARAMETERS:
        value = getattr(parameters, name) * RAISED
        if value:
            try:
                after = quick(parameters.replace(**{name: value}, forced=True))
            except PhotinusError as error:
                found.append(_nothing(name, value, str(error)))
            else:
                found.append(_influence(name, value, before, after))
        advance()
    return _sorted(found)


def _synapses(
    bench: _Bench, parameters: LaserParameters, advance: Callable[[], None]
) -> tuple[Synapse, ...]:
    """Return what each kind of synapse shows, quickly calibrated."""
    step, found = largest_time_step(parameters), []
    for kind in SYNAPSES:
        try:
            fitted = calibrate(
                parameters,
                synapse=kind,
                chains=QUICK_CHAINS,
                time_step=step,
                seed=bench.seed,
                threads=bench.threads,
            )
            kl = _mean(bench.judged(fitted, bench.runs(fitted, time_step=step)).kl)
        except PhotinusError:
            found.append(Synapse(kind, None, float("nan"), (float("inf"), 0.0)))
        else:
            found.append(Synapse(kind, fitted.kernel, fitted.window, kl))
        advance()
    return tuple(sorted(found, key=lambda each: each.kl[0]))


def _faults(
    bench: _Bench, calibration: Calibration, before: Shown, advance: Callable[[], None]
) -> tuple[Influence, ...]:
    """Return what each imperfection does, alone at its usual size."""
    found = []
    for name, value in USUAL.items():
        runs = bench.runs(calibration, Imperfections.from_dict({name: value}))
        after = bench.judged(calibration, runs)
        found.append(_influence(name, value, before, after))
        advance()
    return _sorted(found)


def _fabricated(
    bench: _Bench, calibration: Calibration, chips: int, refined: int, advance: Callable[[], None]
) -> dict[str, Any]:
    """Return the KLs of chips as they come out, and of some of them after refinement."""
    machine = bench.machines[0]
    designed = bench.built(machine, calibration)
    drawn = [FABRICATED.apply(designed, seed=chip) for chip in range(chips)]

    def kl_of(network: LaserNetwork) -> float:
        return float(kl_divergence(bench.run(machine, network).joint(), machine.joint()))

    before = [kl_of(network) for network in drawn]
    advance()
    after = []
    for network in drawn[:refined]:
        result = refine(machine, calibration, network=network, seed=bench.seed, threads=bench.threads)
        assert isinstance(result.network, LaserNetwork)
        after.append(kl_of(result.network))
        advance()
    return {"chips": np.array(before), "refined": np.array(after)}


def _influence(name: str, value: Any, before: Shown, after: Shown) -> Influence:
    """Return the differences between two measurements on the same machines."""
    return Influence(
        name,
        value,
        kl=_mean(after.kl - before.kl),
        rate=_mean(after.rate / before.rate - 1),
        energy=_mean(after.energy / before.energy - 1),
    )


def _nothing(name: str, value: Any, why: str) -> Influence:
    """Return the influence of a change after which a laser does not sample."""
    never = (float("inf"), 0.0)
    return Influence(name, value, kl=never, rate=(-1.0, 0.0), energy=never, failed=why)


def _mean(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean over runs, and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5)


def _sorted(found: list[Influence]) -> tuple[Influence, ...]:
    return tuple(sorted(found, key=lambda each: -abs(each.kl[0])))
