"""The measurements behind a design's verdict.

A laser is calibrated, random machines are translated and sampled on it by the full physics, and the
ledger is made up. What limits it is found by change. Each parameter of the laser is raised by a tenth,
and everything is measured again. Each imperfection is added at its usual size. All of these use the
same machines and random numbers.

A changed laser is calibrated, too. A brief calibration is noisy: its state window and synapse differ
from seed to seed. So every laser is calibrated with some seeds, and errors hold the spread of these.

Chips are draws of fabrication. Some of them are refined, to show what correction brings. Couplings that
refinement has set are not rounded again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from photinus._core import validate
from photinus._core.progress import Part, Progress, tracked
from photinus._core.streams import Seed, seed_sequence
from photinus.calibration import Calibration, calibrate
from photinus.calibration.synapse import SYNAPSES
from photinus.devices.laser import LaserParameters
from photinus.devices.laser.datasheet import datasheet
from photinus.diagnostics.convergence import smallest_effective_draws
from photinus.diagnostics.distance import kl_divergence
from photinus.engines.laser.simulator import largest_time_step
from photinus.errors import InvalidInput, PhotinusError
from photinus.faces.design.chips import Chips, longer
from photinus.faces.design.influences import by_size, calibration_noise, influence, mean, nothing
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
BASE_REPEATS, REPEATS = 3, 2
"""Quick calibrations of the laser as it is, and of each changed one, with other seeds."""
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

    def quick(self, laser: LaserParameters, repeat: int = 0, **more: Any) -> tuple[Calibration, Shown]:
        """Return a brief calibration, the seed of which is that of the repeat, and what it shows."""
        step = largest_time_step(laser)
        options: dict[str, Any] = {"chains": QUICK_CHAINS, "time_step": step, "threads": self.threads}
        found = calibrate(laser, seed=self.seed + repeat, **options, **more)
        return found, self.judged(found, self.runs(found, time_step=step))

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
        measuring = Part(advance, 2)
        if calibration is None:
            options: dict[str, Any] = {"threads": threads, "progress": measuring}
            calibration = calibrate(parameters, pairs=True, seed=seed, **options)
        else:
            calibration.require(parameters)
            measuring.stop()
        runs = bench.runs(calibration)
        shown = bench.judged(calibration, runs)
        advance(1)
        floors = [_floor(each) for each in runs]
        advance(1)
        changed, noise = _parameters(bench, parameters, lambda: advance(1))
        return Design(
            sheet=datasheet(parameters),
            calibration=calibration,
            machines=tried,
            shown=shown,
            floor=float(np.nan_to_num(floors).mean()),
            predicted=_predicted(bench, tried, calibration),
            ledger=runs[0].ledger(),
            parameters=changed,
            faults=_faults(bench, calibration, shown, lambda: advance(1)),
            synapses=_synapses(bench, parameters, noise, lambda: advance(1)),
            links=bench.links(calibration),
            **_fabricated(bench, calibration, (chips, refined), floors[0], advance),
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


def _floor(samples: Any) -> float:
    """Return the KL that exact draws, as noisy, would show [nats]; not a number if not known."""
    floor = samples.fidelity().kl_floor
    return float("nan") if floor is None else float(floor)


def _parameters(
    bench: _Bench, parameters: LaserParameters, advance: Callable[[], None]
) -> tuple[tuple[Influence, ...], float]:
    """Return what each parameter of a laser does, raised alone, and the noise of KL by calibration."""

    def repeated(laser: LaserParameters, times: int) -> list[Shown]:
        return [bench.quick(laser, repeat)[1] for repeat in range(times)]

    before = repeated(parameters, BASE_REPEATS)
    raised: dict[str, list[Shown]] = {}
    found: list[Influence] = []
    values = {name: RAISED * value for name in PARAMETERS if (value := getattr(parameters, name))}
    for name, value in values.items():
        try:
            raised[name] = repeated(parameters.replace(**{name: value}, forced=True), REPEATS)
        except PhotinusError as error:
            found.append(nothing(name, value, str(error)))
        advance()
    noise = calibration_noise([before, *raised.values()])
    found += [influence(name, values[name], before, after, noise) for name, after in raised.items()]
    return by_size(found), noise[0]


def _synapses(
    bench: _Bench, parameters: LaserParameters, noise: float, advance: Callable[[], None]
) -> tuple[Synapse, ...]:
    """Return what each kind of synapse shows, quickly calibrated with that noise of KL."""
    found = []
    for kind in SYNAPSES:
        try:
            fitted, shown = bench.quick(parameters, synapse=kind)
        except PhotinusError:
            found.append(Synapse(kind, None, float("nan"), (float("inf"), 0.0)))
        else:
            found.append(Synapse(kind, fitted.kernel, fitted.window, mean(shown.kl, noise)))
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
        found.append(influence(name, value, [before], [after]))
        advance()
    return by_size(found)


def _fabricated(
    bench: _Bench,
    calibration: Calibration,
    counts: tuple[int, int],
    floor: float,
    advance: Callable[[float], None],
) -> dict[str, Chips]:
    """Return so many chips as they come out, and so many of them after refinement.

    Where `floor`, that of a run of the usual length, is near the limit or above, runs are longer.
    """
    machine, draws = bench.machines[0], LENGTH["draws"] * longer(floor)
    designed = bench.built(machine, calibration)
    drawn = [FABRICATED.apply(designed, seed=chip) for chip in range(counts[0])]

    def shown(networks: Sequence[LaserNetwork]) -> Chips:
        found = []
        for network in networks:
            samples = bench.run(machine, network, draws=draws)
            found.append((kl_divergence(samples.joint(), machine.joint()), _floor(samples)))
        return Chips(*np.array(found).reshape(-1, 2).T)

    before = shown(drawn)
    advance(1)
    after = []
    for network in drawn[: counts[1]]:
        result = refine(
            machine,
            calibration,
            network=network,
            seed=bench.seed,
            threads=bench.threads,
            progress=Part(advance, 1),
        )
        assert isinstance(result.network, LaserNetwork)
        after.append(result.network)
    return {"chips": before, "refined": shown(after)}
