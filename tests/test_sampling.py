"""One suite for every substrate: what `photinus.sample` promises, and what it refuses."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest

import photinus as ph
from photinus import BoltzmannMachine, Calibration, LaserParameters
from photinus.errors import InvalidInput
from photinus.reference.gibbs import sample_gibbs
from photinus.reference.starts import dispersed
from photinus.samplers import registry, sampling, spiking
from tests.progress import Impatient

SUBSTRATES = tuple(registry.SUBSTRATES)
PRESETS = {"laser": "fast-absorber", "laser-reduced": "fast-absorber", "lif": "lif-hcs"}
CHAINS, DRAWS, BURN_IN = 4, 6, 3


def machine_of(n):
    """A machine with labels of every sort."""
    rng = np.random.default_rng(n)
    upper = np.triu(0.7 * rng.normal(size=(n, n)), 1)
    labels = ["grass is wet", -7, "Ω/2", 0, ""][:n]
    return BoltzmannMachine(upper + upper.T, rng.normal(size=n), labels)


def draw(machine, substrate, **changes):
    arguments = {"chains": CHAINS, "draws": DRAWS, "burn_in": BURN_IN, "seed": 1, **changes}
    return ph.sample(machine, substrate, **arguments)


def same(a, b):
    """Whether two results agree in every draw and spike."""
    if not np.array_equal(a.states, b.states) or (a.spikes is None) != (b.spikes is None):
        return False
    return a.spikes is None or all(
        np.array_equal(getattr(a.spikes, name), getattr(b.spikes, name))
        for name in ("chain", "unit", "time")
    )


def marginals_of(joint, n):
    return (np.arange(2**n)[None, :] >> np.arange(n)[:, None] & 1) @ joint


def check_result(samples, machine, substrate):
    n = machine.n_units
    assert samples.machine == machine
    assert samples.substrate == substrate
    assert samples.states.shape == (CHAINS, DRAWS, n)
    assert samples.states.dtype == np.uint8
    assert samples.states.max() <= 1
    assert (samples.chains, samples.draws, samples.burn_in) == (CHAINS, DRAWS, BURN_IN)
    assert samples.complete
    joint, marginals, moments = samples.joint(), samples.marginals(), samples.pair_moments()
    assert (joint.shape, marginals.shape, moments.shape) == ((2**n,), (n,), (n, n))
    assert samples.chain_marginals().shape == (CHAINS, n)
    assert {a.dtype for a in (joint, marginals, moments)} == {np.dtype(np.float64)}
    assert joint.sum() == pytest.approx(1)
    assert joint.min() >= 0
    # Gibbs and exact counts are kept in single precision.
    assert marginals == pytest.approx(marginals_of(joint, n), abs=1e-6)
    assert np.diagonal(moments) == pytest.approx(marginals)
    assert np.array_equal(moments, moments.T)
    assert samples.chain_marginals().mean(axis=0) == pytest.approx(marginals)


def check_time(samples, machine, substrate):
    """Seconds exist for simulated devices only; time in units of τ for ideal neurons."""
    total = (BURN_IN + DRAWS) * (samples.window or 0)
    if substrate in PRESETS:
        calibration = Calibration.preset(PRESETS[substrate])
        assert samples.window == samples.network.window == calibration.window
        assert samples.physical_time == pytest.approx(total)
        assert samples.network.labels == machine.labels
    else:
        assert samples.network is None
        assert samples.physical_time is None
        assert samples.window == (1.0 if substrate == "ideal" else None)
    if samples.window is None:
        assert samples.spikes is None
        return
    spikes = samples.spikes
    assert (spikes.chain.dtype, spikes.unit.dtype) == (np.int32, np.int32)
    assert spikes.time.dtype == np.float64
    assert (spikes.labels, spikes.chains) == (machine.labels, CHAINS)
    assert spikes.stop == pytest.approx(total)
    order = np.lexsort((spikes.unit, spikes.time, spikes.chain))
    assert (order == np.arange(len(spikes))).all()
    if len(spikes):
        assert 0 <= spikes.chain.min() <= spikes.chain.max() < CHAINS
        assert 0 <= spikes.unit.min() <= spikes.unit.max() < machine.n_units
        assert 0 <= spikes.time.min() <= spikes.time.max() <= total


@pytest.mark.parametrize("substrate", SUBSTRATES)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_result(substrate, n):
    machine = machine_of(n)
    samples = draw(machine, substrate)
    check_result(samples, machine, substrate)
    check_time(samples, machine, substrate)


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_zero_weights(substrate):
    machine = BoltzmannMachine(np.zeros((3, 3)), np.zeros(3))
    check_result(draw(machine, substrate), machine, substrate)


@pytest.mark.parametrize("substrate", SUBSTRATES)
@pytest.mark.parametrize(("chains", "draws"), [(1, 1), (1, 4), (3, 1)])
def test_smallest_runs(substrate, chains, draws):
    samples = draw(machine_of(2), substrate, chains=chains, draws=draws, burn_in=0)
    assert samples.states.shape == (chains, draws, 2)
    assert samples.joint().sum() == pytest.approx(1)


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_states_are_the_spikes_at_multiples_of_the_window(substrate):
    """Draw d is read at (burn_in + d + 1) τ: on exactly while there is a spike in the τ before."""
    samples = draw(machine_of(3), substrate, draws=20)
    if samples.spikes is None:
        return
    window, spikes = samples.window, samples.spikes
    for d in range(20):
        t = (BURN_IN + d + 1) * window
        recent = (spikes.time > t - window * (1 - 1e-9)) & (spikes.time <= t * (1 + 1e-12))
        expected = np.zeros((CHAINS, 3), np.uint8)
        expected[spikes.chain[recent], spikes.unit[recent]] = 1
        assert np.array_equal(samples.states[:, d], expected)


@pytest.mark.parametrize("substrate", SUBSTRATES)
@pytest.mark.parametrize("mode", ["pump", "laser"])
def test_common_evidence(substrate, mode):
    machine = machine_of(5)
    samples = draw(machine, substrate, clamp={-7: 1, "": 0}, clamp_mode=mode)
    check_result(samples, machine, substrate)
    assert (samples.states[:, :, 1] == 1).all()
    assert (samples.states[:, :, 4] == 0).all()
    assert samples.marginals()[[1, 4]].tolist() == [1, 0]
    assert samples.free_units.tolist() == [0, 2, 3]
    state = np.arange(2**5)
    given = ((state >> 1) & 1 == 1) & ((state >> 4) & 1 == 0)
    assert samples.joint()[~given].sum() == 0
    assert samples.joint()[given].sum() == pytest.approx(1)
    assert samples.common_clamp() == {-7: 1, "": 0}


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_evidence_per_chain(substrate):
    machine = machine_of(3)
    samples = draw(machine, substrate, clamp={-7: [0, 1, 1, 0]})
    assert (samples.states[:, :, 1] == np.array([0, 1, 1, 0])[:, None]).all()
    assert samples.chain_marginals()[:, 1].tolist() == [0, 1, 1, 0]
    moments = samples.pair_moments()
    assert moments[1, 1] == 0.5
    assert (moments[1] <= 0.5).all()
    with pytest.raises(InvalidInput, match=r"evidence of unit -7 differs between chains"):
        samples.joint()


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_evidence_acts(substrate):
    """A partner that is held on by a weight of ±3 makes the other unit likely or unlikely.

    P = σ(±3) = 0.95 or 0.05 and 64 chains of 20 draws: halves are dozens of errors away.
    """
    machine = BoltzmannMachine([[0, 3], [3, 0]], [0, -1.5])
    one = draw(machine, substrate, chains=64, draws=20, burn_in=10, clamp={0: 1}).marginals()[1]
    none = draw(machine, substrate, chains=64, draws=20, burn_in=10, clamp={0: 0}).marginals()[1]
    assert one > 0.65
    assert none < 0.35


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_same_seed_same_result_whatever_the_threads(substrate):
    machine = machine_of(3)
    first = draw(machine, substrate, threads=1, chains=9)
    assert same(first, draw(machine, substrate, threads=1, chains=9))
    assert same(first, draw(machine, substrate, threads=3, chains=9))
    assert not same(first, draw(machine, substrate, threads=1, chains=9, seed=2))
    sequence = np.random.SeedSequence(1)
    assert same(first, draw(machine, substrate, chains=9, seed=sequence))


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_fresh_entropy_is_recorded(substrate):
    machine = machine_of(2)
    first = draw(machine, substrate, seed=None, draws=20)
    assert not same(first, draw(machine, substrate, seed=None, draws=20))
    again = draw(machine, substrate, seed=int(first.attributes["seed_entropy"]), draws=20)
    assert same(first, again)


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_chains_and_units_differ_from_each_other(substrate):
    machine = BoltzmannMachine(np.zeros((2, 2)), [0, 0])
    states = draw(machine, substrate, draws=30).states
    rows = states.transpose(0, 2, 1).reshape(-1, 30)
    assert len(np.unique(rows, axis=0)) == len(rows)


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_progress_adds_up(substrate):
    class Recorder:
        started = stopped = 0
        done = 0.0

        def start(self, description, total):
            assert substrate in description
            self.started, self.total = self.started + 1, total

        def advance(self, amount):
            self.done += amount

        def stop(self):
            self.stopped += 1

    recorder = Recorder()
    draw(machine_of(2), substrate, progress=recorder)
    assert (recorder.started, recorder.stopped) == (1, 1)
    assert recorder.done == recorder.total == BURN_IN + DRAWS


def test_pieces_change_nothing(monkeypatch):
    machine = machine_of(3)
    whole = draw(machine, "laser", draws=20, clamp={-7: 1})
    monkeypatch.setattr(spiking, "LASER_STEPS_PER_PIECE", 1)
    monkeypatch.setattr(spiking, "LASER_STEPS_PER_CHUNK", 1)
    pieces = draw(machine, "laser", draws=20, clamp={-7: 1})
    assert same(whole, pieces)
    assert (whole.spikes.start, whole.spikes.stop) == (pieces.spikes.start, pieces.spikes.stop)


def test_interruption_carries_what_was_finished(monkeypatch):
    monkeypatch.setattr(spiking, "LASER_STEPS_PER_PIECE", 1)
    machine = machine_of(2)

    impatient = Impatient(BURN_IN + 2)
    with pytest.raises(sampling.Interrupted, match=r"stopped after") as stop:
        draw(machine, "laser", progress=impatient)
    assert impatient.stopped
    part = stop.value.samples
    assert not part.complete
    assert part.draws == 2
    assert np.array_equal(part.states, draw(machine, "laser").states[:, :2])
    assert part.joint().sum() == pytest.approx(1)

    impatient.left = 0
    with pytest.raises(sampling.Interrupted) as stop:
        draw(machine, "gibbs", progress=impatient)
    assert stop.value.samples is None


@pytest.mark.parametrize("substrate", ["laser", "gibbs"])
def test_interruptions_can_be_handed_over(substrate):
    """A process pool pickles what was raised."""
    stop = sampling.Interrupted(draw(machine_of(2), substrate))
    for again in (pickle.loads(pickle.dumps(stop)), copy.copy(stop)):
        assert isinstance(again, sampling.Interrupted)
        assert str(again) == str(stop) == "stopped after 6 draws per chain"
        assert same(again.samples, stop.samples)
    assert pickle.loads(pickle.dumps(sampling.Interrupted(None))).samples is None


@pytest.mark.parametrize("substrate", ["gibbs", "ideal", "laser"])
def test_joints_of_many_units_are_refused(substrate):
    samples = draw(BoltzmannMachine(np.zeros((40, 40)), np.zeros(40)), substrate)
    with pytest.raises(InvalidInput, match="^free_joint needs at most 24 free units, got 40$"):
        samples.free_joint()
    with pytest.raises(InvalidInput, match="^joint needs at most 24 units, got 40$"):
        samples.joint()


class Twice(dict[int, int]):
    """A mapping that names a unit twice, as one with its own equality of keys can."""

    def items(self):
        return [(0, 1), (0, 0)]


def test_evidence_names_units_once():
    machine = BoltzmannMachine(np.zeros((3, 3)), np.zeros(3))
    for substrate in SUBSTRATES:
        with pytest.raises(InvalidInput, match="^evidence must name each unit once, got 0 twice$"):
            draw(machine, substrate, clamp=Twice({0: 1}))
        found = draw(machine, substrate, clamp={np.int64(0): np.bool_(True), np.int8(2): np.float32(0)})
        assert (found.states[:, :, 0] == 1).all()
        assert (found.states[:, :, 2] == 0).all()


def test_own_network_is_simulated():
    machine = machine_of(2)
    network = ph.translate(machine, Calibration.preset(), rule="linear")
    given = draw(machine, "laser", network=network)
    assert given.network is network
    assert same(given, draw(machine, "laser", rule="linear"))
    assert not same(given, draw(machine, "laser"))
    calibration = Calibration.preset()
    assert same(given, draw(machine, "laser", network=network, calibration=calibration))


def test_large_machines():
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


@pytest.mark.parametrize("substrate", SUBSTRATES)
@pytest.mark.parametrize(("changes", "message"), BAD, ids=lambda value: str(value)[:40])
def test_refuses(substrate, changes, message):
    with pytest.raises(InvalidInput, match=message):
        draw(machine_of(3), **{"substrate": substrate, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rule": "measure"}, r"^rule must be one of .*\(did you mean 'measured'\?\)$"),
        ({"clamp_mode": "current"}, "^clamp_mode must be one of 'pump', 'laser', got 'current'"),
        ({"threads": 0}, "^threads must be at least 1, got 0$"),
        ({"time_step": 1.0}, "^time_step must be at most .* ps"),
    ],
)
def test_laser_refuses(changes, message):
    with pytest.raises(InvalidInput, match=message):
        draw(machine_of(3), "laser", **changes)


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_refuses_what_is_no_machine(substrate):
    with pytest.raises(InvalidInput, match=r"^machine must be a BoltzmannMachine, got ndarray$"):
        draw(np.eye(2), substrate)


def test_calibration_must_be_of_the_network():
    machine = machine_of(2)
    network = ph.translate(machine, Calibration.preset())
    other = dataclasses.replace(Calibration.preset(), parameters=LaserParameters.preset("vcsel-sa"))
    with pytest.raises(InvalidInput, match=r"^calibration must be of the same device: "):
        draw(machine, "laser", network=network, calibration=other)


def test_device_must_be_of_the_substrate():
    machine = machine_of(2)
    for substrate, preset in (("laser", "lif-hcs"), ("lif", "fast-absorber")):
        calibration = Calibration.preset(preset)
        with pytest.raises(InvalidInput, match=f"^substrate must be .*{preset}.*, got '{substrate}'$"):
            draw(machine, substrate, calibration=calibration)
        with pytest.raises(InvalidInput, match=f"^substrate must be .*{preset}.*, got '{substrate}'$"):
            draw(machine, substrate, network=ph.translate(machine, calibration))


def test_network_must_be_of_the_machine():
    network = ph.translate(machine_of(2), Calibration.preset())
    with pytest.raises(InvalidInput, match=r"^network must have the labels of the machine"):
        draw(machine_of(3), "laser", network=network)


def test_exact_refuses_more_than_24_units():
    machine = BoltzmannMachine(np.zeros((25, 25)), np.zeros(25))
    with pytest.raises(InvalidInput, match=r"at most 24 units, this machine has 25"):
        draw(machine, "exact")


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_runs_that_do_not_fit_into_memory_are_refused(substrate, monkeypatch):
    """States are one byte each: 1000 x 10^6 x 3 of them are 2.79 GiB."""
    monkeypatch.setattr("photinus._core.memory.available", lambda: 2.0**30)
    message = "^the states of this run would need about 2.79 GiB of memory, 1 GiB are available$"
    with pytest.raises(InvalidInput, match=message):
        draw(machine_of(3), substrate, chains=1000, draws=10**6)


def test_spikes_count_as_memory(monkeypatch):
    """Up to a spike of 64 bytes per laser and τ: far more than the states."""
    monkeypatch.setattr("photinus._core.memory.available", lambda: 2.0**30)
    with pytest.raises(InvalidInput, match=r"^the spikes of this run would need about 17.9 GiB"):
        draw(machine_of(3), "laser", chains=1000, draws=10**5)


def test_ideal_spikes_count_as_memory(monkeypatch):
    """10^5 τ x 3 units x 8 chains and 16 bytes each at least: tens of MiB against 2.3 of states."""
    monkeypatch.setattr("photinus._core.memory.available", lambda: 10 * 2.0**20)
    with pytest.raises(InvalidInput, match=r"^the spikes of this run"):
        draw(machine_of(3), "ideal", chains=8, draws=10**5)


@pytest.mark.parametrize("changes", [{"rule": "x"}, {"clamp_mode": "x"}, {"calibration": 3}])
def test_wrong_values_are_refused_even_where_they_are_not_used(changes):
    with pytest.raises(InvalidInput):
        draw(machine_of(2), "gibbs", **changes)


@pytest.mark.parametrize("name", ["calibration", "network", "progress"])
def test_objects_of_wrong_type_are_refused(name):
    with pytest.raises(InvalidInput, match=rf"^{name} must be"):
        draw(machine_of(2), "laser", **{name: 3})


def test_exact_refuses_zero_threads():
    with pytest.raises(InvalidInput, match=r"threads must be at least 1"):
        draw(machine_of(2), "exact", threads=0)


def test_gibbs_run_is_the_gibbs_sampler():
    machine = machine_of(3)
    initial = dispersed(np.random.SeedSequence(1), CHAINS, 3)
    options = {"chains": CHAINS, "draws": DRAWS, "burn_in": BURN_IN, "seed": 1}
    direct = sample_gibbs(machine, initial=initial, **options)
    assert np.array_equal(draw(machine, "gibbs").states, direct)


@pytest.mark.parametrize("substrate", ["gibbs", "laser", "ideal"])
def test_marginals_of_chains_are_those_of_their_pairs(substrate):
    machine = BoltzmannMachine([[0, 1, -0.5], [1, 0, 0.3], [-0.5, 0.3, 0]], [0.5, -1, 0.2])
    clamp = {machine.labels[1]: np.array([0, 1, 1, 0])}
    found = ph.sample(machine, substrate, chains=4, draws=30, burn_in=5, seed=1, clamp=clamp)
    pairs = np.diagonal(found.chain_moments(), axis1=1, axis2=2)
    np.testing.assert_allclose(found.chain_marginals(), pairs, rtol=1e-9, atol=1e-12)
