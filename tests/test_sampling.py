"""What `photinus.sample` promises beyond the checks of `tests/test_conformance.py`, and what it says."""

import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus import BoltzmannMachine, Calibration, LaserParameters
from photinus.errors import InvalidInput
from photinus.reference.gibbs import sample_gibbs
from photinus.reference.starts import dispersed
from photinus.samplers import registry, sampling, spiking
from photinus.testing.runs import machine_of, same
from tests.narrow import there, untyped
from tests.progress import Impatient

SUBSTRATES = tuple(registry.SUBSTRATES)
CHAINS, DRAWS, BURN_IN = 4, 6, 3


def draw(machine: BoltzmannMachine, substrate: str, **changes: Any) -> ph.Samples:
    arguments: dict[str, Any] = {
        "chains": CHAINS,
        "draws": DRAWS,
        "burn_in": BURN_IN,
        "seed": 1,
        **changes,
    }
    return ph.sample(machine, substrate, **arguments)


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = machine_of(3)
    whole = draw(machine, "laser", draws=20, clamp={-7: 1})
    monkeypatch.setattr(spiking, "LASER_STEPS_PER_PIECE", 1)
    monkeypatch.setattr(spiking, "LASER_STEPS_PER_CHUNK", 1)
    pieces = draw(machine, "laser", draws=20, clamp={-7: 1})
    assert same(whole, pieces)
    a, b = there(whole.spikes), there(pieces.spikes)
    assert (a.start, a.stop) == (b.start, b.stop)


def test_interruption_carries_what_was_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spiking, "LASER_STEPS_PER_PIECE", 1)
    machine = machine_of(2)

    impatient = Impatient(BURN_IN + 2)
    with pytest.raises(sampling.Interrupted, match=r"stopped after") as stop:
        draw(machine, "laser", progress=impatient)
    assert impatient.stopped
    part = there(stop.value.samples)
    assert not part.complete
    assert part.draws == 2
    assert np.array_equal(part.states, draw(machine, "laser").states[:, :2])
    assert part.joint().sum() == pytest.approx(1)

    impatient.left = 0
    with pytest.raises(sampling.Interrupted) as stop:
        draw(machine, "gibbs", progress=impatient)
    assert stop.value.samples is None


@pytest.mark.parametrize("substrate", ["laser", "gibbs"])
def test_interruptions_can_be_handed_over(substrate: str) -> None:
    """A process pool pickles what was raised."""
    stop = sampling.Interrupted(draw(machine_of(2), substrate))
    for again in (pickle.loads(pickle.dumps(stop)), copy.copy(stop)):
        assert isinstance(again, sampling.Interrupted)
        assert str(again) == str(stop) == "stopped after 6 draws per chain"
        assert same(there(again.samples), there(stop.samples))
    assert pickle.loads(pickle.dumps(sampling.Interrupted(None))).samples is None


@pytest.mark.parametrize("substrate", ["gibbs", "ideal", "laser"])
def test_joints_of_many_units_are_refused(substrate: str) -> None:
    samples = draw(BoltzmannMachine(np.zeros((40, 40)), np.zeros(40)), substrate)
    with pytest.raises(InvalidInput, match="^free_joint needs at most 24 free units, got 40$"):
        samples.free_joint()
    with pytest.raises(InvalidInput, match="^joint needs at most 24 units, got 40$"):
        samples.joint()


class Twice(dict[int, int]):
    """A mapping that names a unit twice, as one with its own equality of keys can."""

    def items(self) -> list[tuple[int, int]]:  # type: ignore[override]
        return [(0, 1), (0, 0)]


def test_evidence_names_units_once() -> None:
    machine = BoltzmannMachine(np.zeros((3, 3)), np.zeros(3))
    for substrate in SUBSTRATES:
        with pytest.raises(InvalidInput, match="^evidence must name each unit once, got 0 twice$"):
            draw(machine, substrate, clamp=Twice({0: 1}))
        found = draw(machine, substrate, clamp={np.int64(0): np.bool_(True), np.int8(2): np.float32(0)})
        assert (found.states[:, :, 0] == 1).all()
        assert (found.states[:, :, 2] == 0).all()


def test_own_network_is_simulated() -> None:
    machine = machine_of(2)
    network = ph.translate(machine, Calibration.preset(), rule="linear")
    given = draw(machine, "laser", network=network)
    assert given.network is network
    assert same(given, draw(machine, "laser", rule="linear"))
    assert not same(given, draw(machine, "laser"))
    calibration = Calibration.preset()
    assert same(given, draw(machine, "laser", network=network, calibration=calibration))


def test_large_machines() -> None:
    machine = BoltzmannMachine(np.zeros((26, 26)), np.zeros(26))
    for substrate in ("gibbs", "ideal"):
        samples = draw(machine, substrate)
        assert samples.pair_moments().shape == (26, 26)
        with pytest.raises(InvalidInput, match=r"joint needs at most 24 units, got 26"):
            samples.joint()
    # With evidence on enough of its units it can be enumerated.
    assert draw(machine, "exact", clamp={0: 1, 1: 0}).states[0, 0, :2].tolist() == [1, 0]


# Bad input

BAD = [
    ({"substrate": "lazer"}, r"^substrate must be one of .*'lazer' \(did you mean 'laser'\?\)$"),
    (
        {"substrate": "dwave"},
        "^substrate must be one of 'laser', 'laser-reduced', 'lif', 'gibbs', 'exact', 'ideal', got 'dwave'",
    ),
    ({"chains": 0}, "^chains must be at least 1, got 0$"),
    ({"chains": 2.5}, "^chains must be a whole number, got 2.5$"),
    ({"chains": True}, "^chains must be a whole number, got True$"),
    ({"draws": 0}, "^draws must be at least 1, got 0$"),
    ({"draws": "many"}, "^draws must be a whole number, got 'many'$"),
    ({"burn_in": -1}, "^burn_in must be at least 0, got -1$"),
    ({"burn_in": 7}, r"^burn_in must be at most the number of draws \(6\), got 7$"),
    ({"seed": -1}, "^seed must be at least 0, got -1$"),
    ({"seed": 1.5}, "^seed must be a whole number, got 1.5$"),
    ({"clamp": {"grass is we": 1}}, r"^known unit must be .*\(did you mean 'grass is wet'\?\)$"),
    ({"clamp": {99: 1}}, "^known unit must be one of .*, got '99'"),
    ({"clamp": {"-7": 1}}, "^known unit must be one of .*-7, .*, got '-7'$"),
    ({"clamp": {-7: 0.5}}, "^evidence of unit -7 must be 0 or 1, got 0.5$"),
    ({"clamp": {-7: 2}}, "^evidence of unit -7 must be 0 or 1, got 2$"),
    ({"clamp": {-7: [0, 1]}}, r"^evidence of unit -7 must be one value or one per chain \(4\)"),
    ({"clamp": {-7: 0, "grass is wet": 1, "Ω/2": 1}}, "^evidence must leave at least one unit free"),
    ({"clamp": [-7]}, "^evidence must be a mapping"),
    ({"time_step": 0}, "^time_step must be above 0 s, got 0$"),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=lambda value: str(value)[:40])
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        draw(machine_of(3), **{"substrate": "gibbs", **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rule": "measure"}, r"^rule must be one of .*\(did you mean 'measured'\?\)$"),
        ({"clamp_mode": "current"}, "^clamp_mode must be one of 'pump', 'laser', got 'current'"),
        ({"threads": 0}, "^threads must be at least 1, got 0$"),
        ({"time_step": 1.0}, "^time_step must be at most .* ps"),
    ],
)
def test_laser_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        draw(machine_of(3), "laser", **changes)


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_refuses_what_is_no_machine(substrate: str) -> None:
    with pytest.raises(InvalidInput, match=r"^machine must be a BoltzmannMachine, got ndarray$"):
        draw(untyped(np.eye(2)), substrate)


def test_calibration_must_be_of_the_network() -> None:
    machine = machine_of(2)
    network = ph.translate(machine, Calibration.preset())
    other = dataclasses.replace(Calibration.preset(), parameters=LaserParameters.preset("vcsel-sa"))
    with pytest.raises(InvalidInput, match=r"^calibration must be of the same device: "):
        draw(machine, "laser", network=network, calibration=other)


def test_device_must_be_of_the_substrate() -> None:
    machine = machine_of(2)
    for substrate, preset in (("laser", "lif-hcs"), ("lif", "fast-absorber")):
        calibration = Calibration.preset(preset)
        with pytest.raises(InvalidInput, match=f"^substrate must be .*{preset}.*, got '{substrate}'$"):
            draw(machine, substrate, calibration=calibration)
        with pytest.raises(InvalidInput, match=f"^substrate must be .*{preset}.*, got '{substrate}'$"):
            draw(machine, substrate, network=ph.translate(machine, calibration))


def test_network_must_be_of_the_machine() -> None:
    network = ph.translate(machine_of(2), Calibration.preset())
    with pytest.raises(InvalidInput, match=r"^network must have the labels of the machine"):
        draw(machine_of(3), "laser", network=network)


def test_exact_refuses_machines_far_from_a_tree() -> None:
    machine = BoltzmannMachine(np.ones((30, 30)) - np.eye(30), np.zeros(30))
    with pytest.raises(InvalidInput, match=r"this machine has treewidth 29 or more$"):
        draw(machine, "exact")


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_runs_that_do_not_fit_into_memory_are_refused(
    substrate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """States are one byte each: 1000 x 10^6 x 3 of them are 2.79 GiB."""
    monkeypatch.setattr("photinus._core.memory.available", lambda: 2.0**30)
    message = "^the states of this run would need about 2.79 GiB of memory, 1 GiB are available$"
    with pytest.raises(InvalidInput, match=message):
        draw(machine_of(3), substrate, chains=1000, draws=10**6)


def test_spikes_count_as_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to a spike of 64 bytes per laser and τ: far more than the states."""
    monkeypatch.setattr("photinus._core.memory.available", lambda: 2.0**30)
    with pytest.raises(InvalidInput, match=r"^the spikes of this run would need about 17.9 GiB"):
        draw(machine_of(3), "laser", chains=1000, draws=10**5)


def test_ideal_spikes_count_as_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """10^5 τ x 3 units x 8 chains and 16 bytes each at least: tens of MiB against 2.3 of states."""
    monkeypatch.setattr("photinus._core.memory.available", lambda: 10 * 2.0**20)
    with pytest.raises(InvalidInput, match=r"^the spikes of this run"):
        draw(machine_of(3), "ideal", chains=8, draws=10**5)


@pytest.mark.parametrize("changes", [{"rule": "x"}, {"clamp_mode": "x"}, {"calibration": 3}])
def test_wrong_values_are_refused_even_where_they_are_not_used(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        draw(machine_of(2), "gibbs", **changes)


@pytest.mark.parametrize("name", ["calibration", "network", "progress"])
def test_objects_of_wrong_type_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^{name} must be"):
        draw(machine_of(2), "laser", **{name: 3})


def test_exact_refuses_zero_threads() -> None:
    with pytest.raises(InvalidInput, match=r"threads must be at least 1"):
        draw(machine_of(2), "exact", threads=0)


def test_gibbs_run_is_the_gibbs_sampler() -> None:
    machine = machine_of(3)
    initial = dispersed(np.random.SeedSequence(1), CHAINS, 3)
    options: dict[str, Any] = {"chains": CHAINS, "draws": DRAWS, "burn_in": BURN_IN, "seed": 1}
    direct = sample_gibbs(machine, initial=initial, **options)
    assert np.array_equal(draw(machine, "gibbs").states, direct)


@pytest.mark.parametrize("substrate", ["gibbs", "laser", "ideal"])
def test_marginals_of_chains_are_those_of_their_pairs(substrate: str) -> None:
    machine = BoltzmannMachine([[0, 1, -0.5], [1, 0, 0.3], [-0.5, 0.3, 0]], [0.5, -1, 0.2])
    clamp = {machine.labels[1]: np.array([0, 1, 1, 0])}
    found = ph.sample(machine, substrate, chains=4, draws=30, burn_in=5, seed=1, clamp=clamp)
    pairs = np.diagonal(found.chain_moments(), axis1=1, axis2=2)
    np.testing.assert_allclose(found.chain_marginals(), pairs, rtol=1e-9, atol=1e-12)
