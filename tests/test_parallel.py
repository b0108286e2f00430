"""Parallel tempering: swaps by the Metropolis rule, the same draws however a run is cut, modes that mix.

Statistical tests reject correct code with probability 1e-6 and have a twin that must fail.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

import photinus as ph
from photinus import Calibration, InvalidInput, Parallel, TranslationWarning
from photinus.devices import simulator
from photinus.machines.evidence import Evidence
from photinus.reference._chains import energies
from photinus.samplers import abstract, parallel, sampling, spiking
from photinus.samplers.registry import started
from photinus.samplers.request import Request
from tests.conftest import ALPHA
from tests.machines import two_modes, uniform
from tests.narrow import lasers, there
from tests.progress import Impatient

PLAN = Parallel(temperatures=(1, 1.6, 2.5), every=3)
HEATED = ("gibbs", "laser", "laser-reduced", "lif")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperatures": (2, 3)}, r"temperatures must be at least two that rise from 1, got \[2.*"),
        ({"temperatures": (1,)}, "temperatures must be at least two .*"),
        ({"temperatures": (1, 3, 2)}, "temperatures must be at least two .*"),
        ({"temperatures": (1, 1)}, "temperatures must be at least two .*"),
        ({"temperatures": "hot"}, "temperatures must be .*"),
        ({"temperatures": (1, np.inf)}, "temperatures must be finite.*"),
        ({"every": 0}, "every must be at least 1, got 0"),
        ({"every": 1.5}, "every must be a whole number, got 1.5"),
    ],
)
def test_parallel_refuses(changes: Any, message: Any) -> None:
    with pytest.raises(InvalidInput, match=f"^{message}$"):
        Parallel(**changes)


@pytest.mark.parametrize("substrate", ["exact", "ideal"])
def test_some_substrates_have_no_copies(substrate: Any) -> None:
    with pytest.raises(InvalidInput, match=f"^substrate must be one of .* got '{substrate}'$"):
        ph.sample(uniform(3), substrate, tempering=PLAN)


def run_of(machine: Any, substrate: Any, chains: Any, plan: Any, seed: Any = 1) -> Any:
    """Return a run under way; all chains start with all units off."""
    sequence = np.random.SeedSequence(seed)
    evidence = Evidence.of(None, machine.labels, chains)
    start = np.zeros((chains, machine.n_units), np.uint8)
    return started(
        Request(
            machine, substrate, chains, 10, 0, sequence, evidence, start, None, None, "measured", "pump",
            None, 1, plan,
        )
    )  # fmt: skip


def chances(machine: Any, plan: Any, states: Any, swapped: Any) -> Any:
    """Return how often two copies in given states are swapped, and how often Metropolis swaps them."""
    energy = machine.energy(states)
    cold, hot = 1.0, 1 / plan.temperatures[1]
    return swapped, np.minimum(1.0, np.exp((cold - hot) * (energy[:, 0] - energy[:, 1])))


def test_swaps_have_the_probability_of_metropolis() -> None:
    """All pairs of states of two units, 4000 chains each: the flow of p(x) p'(y) is then balanced."""
    machine, plan, times = uniform(2, seed=3), Parallel(temperatures=(1, 4), every=1), 4000
    states = machine.states()
    pairs = np.array([(a, b) for a in states for b in states])
    run = run_of(machine, "gibbs", times * len(pairs), plan)
    before = run._level.copy()
    run._swap(np.repeat(pairs, times, axis=0))
    swapped = (run._level != before).any(axis=1).reshape(len(pairs), times).mean(axis=1)
    found, right = chances(machine, plan, pairs, swapped)
    error = np.sqrt(right * (1 - right) / times)
    assert (np.abs(found - right) <= 5.5 * error).all()
    assert ((right > 0.05) & (right < 0.95)).sum() > 4
    joint, hot = machine.joint(), machine.heated(4).joint()
    weight = np.array([joint[a] * hot[b] for a in range(4) for b in range(4)]) * right
    flow = weight.reshape(4, 4)
    np.testing.assert_allclose(flow, flow.T, atol=1e-12)


BIMODAL = two_modes(4, 4.0)


def levels_found(samples: Any) -> Any:
    """Return in how many last draws so many units are on."""
    return np.bincount(samples.states[:, -1].sum(axis=1), minlength=5)


def levels_expected(machine: Any) -> Any:
    return np.bincount(machine.states().sum(axis=1), machine.joint(), minlength=5)


OPTIONS: dict[str, Any] = {"chains": 4000, "draws": 60, "burn_in": 0, "seed": 2, "initial": np.zeros(4)}


def test_copies_leave_the_cold_law_as_it_is() -> None:
    """One draw of each of 4000 chains after 60 sweeps, all of which began in one of two modes."""
    plan = Parallel(temperatures=(1, 1.5, 2.4, 4), every=1)
    samples = ph.sample(BIMODAL, "gibbs", tempering=plan, **OPTIONS)
    expected = 4000 * levels_expected(BIMODAL)
    assert chisquare(levels_found(samples), expected).pvalue > ALPHA
    # Plain chains are still where they began.
    assert chisquare(levels_found(ph.sample(BIMODAL, "gibbs", **OPTIONS)), expected).pvalue < ALPHA
    assert samples.physical_time is None
    assert samples.tempering == plan
    assert samples.states.shape == (4000, 60, 4)


def test_swaps_without_the_rule_make_the_law_hot(monkeypatch: Any) -> None:
    monkeypatch.setattr(
        parallel.ParallelRun, "_uniform", lambda run, low: np.full(run._request.chains, 1e-300)
    )
    plan = Parallel(temperatures=(1, 1.5, 2.4, 4), every=1)
    samples = ph.sample(BIMODAL, "gibbs", tempering=plan, **OPTIONS)
    assert chisquare(levels_found(samples), 4000 * levels_expected(BIMODAL)).pvalue < ALPHA


@pytest.mark.parametrize("substrate", ["laser", "laser-reduced", "lif"])
def test_copies_of_a_chip_leave_modes_that_plain_chains_stay_in(substrate: Any) -> None:
    """24 chains that begin in the lower mode: after 150 windows both have at least 3 of them.

    For a chain in the upper mode with a probability of 0.3 or more, fewer have a probability of 0.0001.
    """
    machine = two_modes()
    plan = Parallel(temperatures=(1, 1.5, 2.2, 3.2, 4.6), every=2)
    options: dict[str, Any] = {
        "chains": 24,
        "draws": 150,
        "burn_in": 10,
        "seed": 1,
        "initial": np.zeros(8),
    }
    options["gauge"] = "none"  # in others plain chains leave now and then
    with pytest.warns(TranslationWarning, match="lie outside"):
        samples = ph.sample(machine, substrate, tempering=plan, **options)
    up = int((samples.states[:, -1].mean(axis=1) > 0.5).sum())
    assert 3 <= up <= 21
    assert samples.spikes is None
    assert samples.physical_time == pytest.approx(160 * there(samples.network).window)
    with pytest.warns(TranslationWarning, match="lie outside"):
        plain = ph.sample(machine, substrate, **options)
    assert (plain.states[:, -1].mean(axis=1) > 0.5).sum() <= 1


@pytest.mark.parametrize("substrate", HEATED)
def test_pieces_files_and_threads_change_nothing(
    substrate: Any, tmp_path: Any, monkeypatch: Any
) -> None:
    arguments: dict[str, Any] = {
        "chains": 3,
        "draws": 11,
        "burn_in": 9,
        "seed": 4,
        "evidence": {0: [0, 1, 1]},
    }
    whole = ph.sample(uniform(3), substrate, tempering=PLAN, threads=1, **arguments)
    monkeypatch.setattr(spiking, "LASER_STEPS_PER_PIECE", 1)
    monkeypatch.setattr(abstract, "UNIT_UPDATES_PER_PIECE", 1)
    path = tmp_path / "run.zarr"
    pieces = ph.sample(uniform(3), substrate, tempering=PLAN, path=path, threads=2, **arguments)
    loaded = ph.load(path)
    for found in (pieces, loaded):
        np.testing.assert_array_equal(found.states, whole.states)
        assert found.tempering == PLAN
        assert found.physical_time == whole.physical_time
    assert (whole.states[:, :, 0] == np.array([0, 1, 1])[:, None]).all()
    other = ph.sample(uniform(3), substrate, tempering=PLAN, **{**arguments, "seed": 5})
    assert not np.array_equal(other.states, whole.states)


@pytest.mark.parametrize("substrate", ["gibbs", "laser-reduced"])
def test_a_chain_does_not_depend_on_how_many_there_are(substrate: Any) -> None:
    arguments: dict[str, Any] = {"draws": 12, "burn_in": 8, "seed": 4, "tempering": PLAN}
    few, many = (ph.sample(uniform(3), substrate, chains=c, **arguments) for c in (2, 5))
    np.testing.assert_array_equal(few.states, many.states[:2])


@pytest.mark.parametrize("substrate", HEATED)
def test_a_stopped_run_goes_on(substrate: Any, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(spiking, "LASER_STEPS_PER_PIECE", 1)
    monkeypatch.setattr(abstract, "UNIT_UPDATES_PER_PIECE", 1)
    arguments: dict[str, Any] = {"chains": 3, "draws": 12, "burn_in": 4, "seed": 4, "tempering": PLAN}
    whole = ph.sample(uniform(3), substrate, **arguments)
    path = tmp_path / "run.zarr"
    with pytest.raises(sampling.Interrupted):
        ph.sample(uniform(3), substrate, path=path, progress=Impatient(11.0), **arguments)
    assert 0 < ph.load(path).draws < 12
    resumed = ph.sample(uniform(3), substrate, path=path, resume=True, **arguments)
    np.testing.assert_array_equal(resumed.states, whole.states)
    with pytest.raises(InvalidInput, match="resume needs"):
        changed = {**arguments, "tempering": Parallel(temperatures=(1, 1.6, 2.5), every=4)}
        ph.sample(uniform(3), substrate, path=path, resume=True, **changed)


def test_imperfect_chips_have_copies_too() -> None:
    faults = ph.networks.imperfections.Imperfections(shared_pump_noise=0.01, lost_spikes=0.05)
    options: dict[str, Any] = {"chains": 2, "draws": 6, "burn_in": 4, "seed": 1, "tempering": PLAN}
    one, other = (ph.sample(uniform(3), "laser", imperfections=faults, **options) for _ in "ab")
    np.testing.assert_array_equal(one.states, other.states)


@pytest.mark.parametrize("preset", ["fast-absorber", "lif-hcs", "laser-reduced"])
def test_each_chain_can_have_a_strength(preset: Any) -> None:
    """Chains with synapses at two strengths are those of two runs with one strength each."""
    calibration = Calibration.preset("fast-absorber" if preset == "laser-reduced" else preset)
    network = ph.translate(uniform(3), calibration)

    def built() -> Any:
        if preset == "laser-reduced":
            from photinus.engines.reduced.simulator import ReducedSimulator

            return ReducedSimulator(lasers(network), calibration.require_reduced(), chains=6, seed=1)
        return simulator(network, chains=6, seed=1)

    strength = np.array([1, 1, 0.4, 0.4, 0.4, 1])
    both, strong, weak = built(), built(), built()
    still = np.zeros((6, 3))
    both.heat(still, strength)
    weak.heat(still, 0.4)
    found, full, low = (one.advance(40 * network.window) for one in (both, strong, weak))
    for chain in range(6):
        expected = full if strength[chain] == 1 else low
        here, there = found.chain == chain, expected.chain == chain
        np.testing.assert_allclose(found.time[here], expected.time[there], rtol=1e-6)
    # Back to one strength, with nothing left over.
    both.heat(still, 1.0)
    assert len(both.advance(5 * network.window)) > 0


def test_energies_are_those_of_the_machine() -> None:
    machine = uniform(7, seed=1)
    states = machine.states()
    np.testing.assert_allclose(energies(machine, states), machine.energy(states), atol=1e-12)


@pytest.mark.parametrize("differ", [False, True])
def test_corrections_of_a_network_are_heated_too(calibration: Calibration, differ: bool) -> None:
    """A correction of two slopes at T = 1 is half a slope at T = 4; not where lasers differ.

    64 chains × 200 draws, so that 0.03 is six standard errors.
    """
    machine = ph.BoltzmannMachine(np.zeros((2, 2)), [0.0, 0.0])
    network = ph.translate(machine, calibration)
    corrected = network.driven(network.drive + 2 * calibration.slope)
    if differ:
        corrected = corrected.replace(devices=(calibration.laser,) * 2)
    run = run_of(machine, "laser" if differ else "laser-reduced", 64, None)
    run = started(replace(run._request, network=corrected, draws=200))
    run.heat(np.full(64, 4.0))
    run.advance(20, lambda _: None)
    shown = run.advance(200, lambda _: None).states.mean()
    right = 1 / (1 + np.exp(-2.0 if differ else -0.5))
    assert shown == pytest.approx(right, abs=0.03)


def test_the_ledger_counts_all_copies(tmp_path: Any) -> None:
    """Copies at nearly one temperature are as many chips: lasers, spikes and power of each of them."""
    machine = uniform(4, seed=2)
    options: dict[str, Any] = {"chains": 32, "draws": 80, "seed": 3}
    same = Parallel(temperatures=(1, 1 + 1e-9, 1 + 2e-9), every=4)
    path = tmp_path / "run.zarr"
    samples = ph.sample(machine, "laser-reduced", tempering=same, path=path, **options)
    plain = ph.sample(machine, "laser-reduced", **options).ledger()
    ledger = samples.ledger()
    assert ledger.counts.lasers == 3 * plain.counts.lasers
    assert ledger.counts.synapses == 3 * plain.counts.synapses
    assert ledger.counts.pump == pytest.approx(3 * plain.counts.pump)
    # 32 × 80 windows of four lasers, about 0.3 spikes in each: 5 standard errors are 9 %.
    assert ledger.counts.spikes == pytest.approx(3 * plain.counts.spikes, rel=0.09)
    assert ledger.counts.states == plain.counts.states
    assert ph.load(path).ledger().counts == ledger.counts
    np.testing.assert_array_equal(ph.load(path).activity, samples.activity)
    # Hotter copies of units that are mostly off spike more often.
    off = ph.BoltzmannMachine(np.zeros((2, 2)), [-3, -3])
    warm = ph.sample(off, "laser-reduced", tempering=Parallel(temperatures=(1, 3)), **options)
    cold = ph.sample(off, "laser-reduced", **options)
    assert warm.ledger().counts.spikes > 3 * cold.ledger().counts.spikes


def test_a_run_in_cycles_has_no_ledger() -> None:
    samples = ph.sample(
        uniform(3), "laser-reduced", chains=2, draws=2, burn_in=0, tempering=ph.Tempering(period=4)
    )
    with pytest.raises(InvalidInput, match="^ledger needs a run that keeps its spikes"):
        samples.ledger()
