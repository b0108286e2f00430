"""Where chains start: dispersed or as told, on every substrate, whatever the cut, and soon forgotten.

Statistical tests state their false-alarm probability and have a twin that must fail.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare

import photinus as ph
from photinus import BoltzmannMachine, Calibration, InvalidInput, Tempering
from photinus._core.gauge import flip_states
from photinus._core.streams import ChainsFrom
from photinus.devices import simulator
from photinus.reference import starts
from photinus.reference.ideal import sample_ideal
from photinus.samplers import Request, abstract, registry, sampling, spiking, workers
from tests.conftest import same_spikes
from tests.narrow import untyped
from tests.progress import Impatient

SPIKING = ("laser", "laser-reduced", "lif")
SUBSTRATES = (*SPIKING, "gibbs", "ideal")
quietly = pytest.mark.filterwarnings("ignore::photinus.TranslationWarning")


def mild(n: int = 3, seed: int = 0) -> BoltzmannMachine:
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.uniform(-1, 1, (n, n)), 1)
    return BoltzmannMachine(upper + upper.T, rng.uniform(-0.5, 0.5, n))


def strong(n: int, seed: int, weight: float = 4.0) -> BoltzmannMachine:
    """All pairs coupled by ± `weight`: partners call for drives far beyond what holds a unit."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.choice([-weight, weight], (n, n)), 1)
    return BoltzmannMachine(upper + upper.T, rng.uniform(-weight, weight, n))


def two_modes(n: int = 8, weight: float = 2.0) -> BoltzmannMachine:
    """All on or all off, equally probable."""
    return BoltzmannMachine(weight * (np.ones((n, n)) - np.eye(n)), np.full(n, -weight * (n - 1) / 2))


class Caught(Exception):
    def __init__(self, request: Request) -> None:
        self.request = request


def request_of(machine: BoltzmannMachine, substrate: str, **options: Any) -> Request:
    """Return the checked request of a call of `sample`, which is not run."""

    def catch(self: object, request: Request) -> None:
        raise Caught(request)

    catching = type("Catching", (registry.substrate(substrate),), {"__init__": catch})
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Caught) as caught:
        patch.setitem(registry.SUBSTRATES, substrate, catching)
        ph.sample(machine, substrate, **options)
    return caught.value.request


def after_driving(
    machine: BoltzmannMachine, substrate: str, **options: Any
) -> tuple[NDArray[np.uint8], Request]:
    """Return the states of all chains after the driven windows, and the request."""
    request = request_of(machine, substrate, **options)
    run = registry.substrate(substrate)(request)
    parts = run._drive_to_start(lambda _: None)  # type: ignore[attr-defined]
    states = np.zeros(request.start.shape, np.uint8)
    for spikes in parts:
        on = spikes.time > parts[-1].stop - run.window
        states[spikes.chain[on], spikes.unit[on]] = 1
    states = flip_states(states, untyped(run).network.gauge)
    request.evidence.fill(states)
    return states, request


# Which starts


def test_starts_are_coins_off_and_on_in_turn() -> None:
    """Of 10 000 coins, a share of heads off by 0.02 has the probability 6e-5."""
    states = starts.dispersed(np.random.SeedSequence(3), 300, 100)
    assert (states[1::3] == 0).all()
    assert (states[2::3] == 1).all()
    coins = states[::3]
    assert abs(coins.mean() - 0.5) < 0.02
    assert len(np.unique(coins, axis=0)) == 100
    assert abs(states.mean() - 0.5) < 0.02
    assert not np.array_equal(states, starts.dispersed(np.random.SeedSequence(4), 300, 100))


def test_a_start_belongs_to_its_chain() -> None:
    seed = np.random.SeedSequence(3)
    whole = starts.dispersed(seed, 20, 7)
    assert np.array_equal(starts.dispersed(seed, 5, 7), whole[:5])
    assert np.array_equal(starts.dispersed(ChainsFrom(4, seed), 9, 7), whole[4:13])
    assert 0 < starts.dispersed(seed, 1, 200).mean() < 1


@pytest.mark.parametrize("burn_in", [0, 1, 3, 4, 7, 8, 12, 25, 1000])
def test_driven_windows_leave_most_of_the_burn_in(burn_in: int) -> None:
    driven = starts.driven_windows(burn_in)
    assert driven <= min(3, burn_in / 4)
    assert (driven > 0) == (burn_in >= 4)
    seed, start = np.random.SeedSequence(0), np.ones((4, 6), np.uint8)
    ends = [end for end, _ in starts.schedule(start, driven, seed)]
    assert ends == sorted(set(ends))
    assert (ends[-1] if ends else 0) == driven
    for _, states in starts.schedule(start, driven, seed):
        last = states
    if driven:
        assert np.array_equal(last, start)


# The driven windows


@quietly
@pytest.mark.parametrize("substrate", SPIKING)
@pytest.mark.parametrize("burn_in", [4, 8, 25])
@pytest.mark.parametrize("kind", ["mild", "mixed", "excited", "inhibited", "evidence"])
def test_units_are_where_they_were_driven(substrate: str, burn_in: int, kind: str) -> None:
    """Couplings of ±4 between all pairs cannot overrule it; without driving far fewer are there."""
    n = 10
    options: dict[str, Any] = {}
    machine = strong(n, 1)
    if kind == "mild":
        machine = mild(n)
    elif kind != "mixed":
        sign = -1 if kind == "inhibited" else 1
        machine = BoltzmannMachine(sign * np.abs(machine.weights), machine.biases)
    if kind == "evidence":
        options = {"clamp": {0: 1, 3: [0, 1] * 6}}
    options |= {"chains": 12, "draws": 25, "seed": 2}
    states, request = after_driving(machine, substrate, burn_in=burn_in, **options)
    # One window is short for a laser that comes from far below.
    least = 0.9 if burn_in == 4 else 0.95
    assert (states == request.start).mean() >= least
    assert min((states == request.start)[k::3].mean() for k in range(3)) >= least - 0.05
    silent, request = after_driving(machine, substrate, burn_in=3, **options)
    assert (silent == request.start).mean() < 0.8


@pytest.mark.parametrize("mode", ["pump", "laser"])
def test_evidence_overwrites_the_start(mode: str) -> None:
    clamp = {0: 1, 2: [0, 1, 0, 1]}
    options: dict[str, Any] = {"chains": 4, "clamp": clamp, "clamp_mode": mode, "seed": 1}
    for substrate in SUBSTRATES:
        request = request_of(mild(), substrate, initial=[0, 1, 1], **options)
        assert request.start.tolist() == [[1, 1, 0], [1, 1, 1], [1, 1, 0], [1, 1, 1]]
        samples = ph.sample(mild(), substrate, initial=[0, 1, 1], draws=25, **options)
        assert (samples.states[:, :, 0] == 1).all()
        assert (samples.states[:, :, 2] == np.array([0, 1, 0, 1])[:, None]).all()


@pytest.mark.parametrize("preset", ["fast-absorber", "high-beta", "lif-hcs"])
def test_silenced_synapses_come_back_as_they_were(preset: str) -> None:
    """Pulses under way included: spikes to the last bit, where a strength of 0.3 leaves rounding."""
    network = ph.translate(mild(), Calibration.preset(preset))
    one, other = (simulator(network, chains=6, seed=1) for _ in range(2))
    for running in (one, other):
        running.advance(10 * network.window)
    one.heat(np.full((6, 3), 1.0), starts.SILENCED)
    one.heat(np.zeros((6, 3)), 1.0)
    a, b = (running.advance(20 * network.window) for running in (one, other))
    assert np.array_equal(a.time, b.time)
    assert np.array_equal(a.unit, b.unit)


def test_drives_can_be_read() -> None:
    calibration = Calibration.preset()
    network = ph.translate(mild(), calibration)
    running = simulator(network, chains=2, seed=1, clamp={0: [0, 1]})
    expected = network.drive[1:] + np.outer([0, 1], network.coupling[1:, 0])
    np.testing.assert_allclose(running.drive, expected, rtol=1e-12)


# Law


@pytest.mark.parametrize("substrate", ["gibbs", "ideal"])
def test_exact_samplers_forget_their_start(substrate: str) -> None:
    """One draw of each of 6000 chains, chi-square at 1e-6; after one step they have not forgotten."""
    machine = mild(3, 1)
    found = ph.sample(machine, substrate, chains=6000, draws=25, burn_in=25, seed=5)
    counts = np.bincount(found.states[:, 0] @ [1, 2, 4], minlength=8)
    assert chisquare(counts, machine.joint() * 6000).pvalue > 1e-6
    ones = ph.sample(machine, substrate, chains=6000, draws=25, burn_in=25, seed=5, initial=np.ones(3))
    counts = np.bincount(ones.states[:, 0] @ [1, 2, 4], minlength=8)
    assert chisquare(counts, machine.joint() * 6000).pvalue > 1e-6
    machine = two_modes(3)
    early = ph.sample(machine, "gibbs", chains=6000, draws=1, burn_in=0, seed=5, initial=np.ones(3))
    counts = np.bincount(early.states[:, 0] @ [1, 2, 4], minlength=8)
    assert chisquare(counts, machine.joint() * 6000).pvalue < 1e-6


@quietly
@pytest.mark.parametrize("substrate", SPIKING)
def test_devices_forget_their_start(substrate: str) -> None:
    """First draws of 1500 chains from all off and all on: 3 differences of shares, |z| < 4.5 each, so
    a false alarm has the probability 2e-5. Two modes are not forgotten in four windows."""

    def z(machine: BoltzmannMachine, burn_in: int) -> NDArray[np.float64]:
        off, on = (
            ph.sample(
                machine,
                substrate,
                chains=1500,
                draws=burn_in,
                burn_in=burn_in,
                seed=seed,
                initial=np.full(3, seed),
            )
            .states[:, :1]
            .mean(axis=(0, 1))
            for seed in (0, 1)
        )
        mean = (off + on) / 2
        return np.abs(on - off) / np.sqrt(2 * mean * (1 - mean) / 1500)

    assert z(mild(3, 1), 25).max() < 4.5
    assert z(two_modes(3, 3.0), 4).max() > 4.5


def test_marginals_of_lasers_are_those_of_the_machine() -> None:
    """Translation errs by less than 0.02 at weights up to 1; 384 chains of 60 draws have an error of
    0.006 at most (chains as the sample), so 0.05 is five of them beyond."""
    machine = mild(3, 1)
    found = ph.sample(machine, "laser", chains=384, draws=60, seed=3)
    assert np.abs(found.marginals() - machine.marginals()).max() < 0.05


# Modes


@quietly
@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_chains_disagree_about_modes_that_they_do_not_leave(substrate: str) -> None:
    """Today's default start shows both modes; from all off, no chain of any substrate tells."""
    # In their default gauge lasers leave these modes.
    options: dict[str, Any] = {"chains": 24, "draws": 40, "burn_in": 25, "seed": 1, "gauge": "none"}
    chains = ph.sample(two_modes(), substrate, **options).chain_marginals().mean(axis=1)
    alike = ph.sample(two_modes(), substrate, initial=np.zeros(8), **options)
    alike = alike.chain_marginals().mean(axis=1)
    # Integrate-and-fire neurons leave the mode of all on within a hundred windows.
    high = 0.3 if substrate == "lif" else 0.9
    assert (chains[1::3] < 0.1).sum() >= 6
    assert (chains[2::3] > high).sum() >= (2 if substrate == "lif" else 6)
    assert (alike < 0.1).sum() >= 21
    # Between-chain against within-chain spread, as in R-hat.
    assert chains.var() > 2 * alike.var()


# However it is cut


def same(a: ph.Samples, b: ph.Samples) -> bool:
    return np.array_equal(a.states, b.states) and same_spikes(a.spikes, b.spikes)


@pytest.mark.parametrize("substrate", SUBSTRATES)
def test_threads_and_chains_do_not_matter(substrate: str) -> None:
    options: dict[str, Any] = {"draws": 12, "burn_in": 8, "seed": 4}
    whole = ph.sample(mild(), substrate, chains=9, threads=1, **options)
    assert same(whole, ph.sample(mild(), substrate, chains=9, threads=3, **options))
    few = ph.sample(mild(), substrate, chains=4, threads=2, **options)
    assert np.array_equal(few.states, whole.states[:4])


@pytest.mark.parametrize("substrate", SUBSTRATES)
@pytest.mark.parametrize("initial", [None, "given"])
def test_parts_of_the_chains_are_those_of_the_whole(substrate: str, initial: str | None) -> None:
    """What workers do, without processes."""
    given = None if initial is None else np.random.default_rng(0).integers(0, 2, (9, 3))
    options: dict[str, Any] = {"chains": 9, "draws": 12, "burn_in": 8, "seed": 4, "initial": given}
    whole = ph.sample(mild(), substrate, **options)
    request = request_of(mild(), substrate, **options)
    found = []
    for mine in (slice(0, 2), slice(2, 7), slice(7, 9)):
        part = workers._part(request, whole.network, None, mine)
        piece, _, _ = workers._advance(part, None, 12)
        found.append(piece.states)
    assert np.array_equal(np.concatenate(found), whole.states)


@pytest.mark.parametrize(
    ("substrate", "tempering"),
    [*((s, None) for s in (*SPIKING, "gibbs")), ("laser", Tempering(period=8))],
)
@pytest.mark.parametrize("windows", [2, 14])
def test_a_stopped_run_goes_on(
    substrate: str,
    tempering: Tempering | None,
    windows: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped while it is driven, in the rest of the burn-in, and later."""
    monkeypatch.setattr(abstract, "UNIT_UPDATES_PER_PIECE", 1)
    for name in ("LASER_STEPS_PER_PIECE", "LASER_STEPS_PER_CHUNK"):
        monkeypatch.setattr(spiking, name, 1)
    options: dict[str, Any] = {
        "chains": 3,
        "draws": 10,
        "burn_in": 10,
        "seed": 4,
        "tempering": tempering,
    }
    whole = ph.sample(mild(), substrate, **options)
    path = tmp_path / "run.zarr"
    with pytest.raises(sampling.Interrupted):
        ph.sample(mild(), substrate, path=path, progress=Impatient(windows), **options)
    resumed = ph.sample(mild(), substrate, path=path, resume=True, **options)
    assert np.array_equal(resumed.states, whole.states)
    assert np.array_equal(ph.load(path).states, whole.states)


def test_pieces_of_the_driven_windows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"chains": 3, "draws": 16, "burn_in": 12, "seed": 4}
    whole = ph.sample(mild(), "laser", **options)
    for name in ("LASER_STEPS_PER_PIECE", "LASER_STEPS_PER_CHUNK"):
        monkeypatch.setattr(spiking, name, 1)
    assert same(whole, ph.sample(mild(), "laser", **options))


def test_resume_needs_the_same_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abstract, "UNIT_UPDATES_PER_PIECE", 1)
    options: dict[str, Any] = {"chains": 3, "draws": 16, "burn_in": 4, "seed": 4}
    path = tmp_path / "run.zarr"
    with pytest.raises(sampling.Interrupted):
        ph.sample(mild(), "gibbs", path=path, progress=Impatient(9), initial=[1, 1, 1], **options)
    for initial in (None, [1, 1, 0]):
        with pytest.raises(InvalidInput, match="resume needs the arguments .*: start was 'given"):
            ph.sample(mild(), "gibbs", path=path, resume=True, initial=initial, **options)
    resumed = ph.sample(mild(), "gibbs", path=path, resume=True, initial=[1, 1, 1], **options)
    assert same(resumed, ph.sample(mild(), "gibbs", initial=[1, 1, 1], **options))


@pytest.mark.parametrize("substrate", ["laser", "laser-reduced"])
def test_disturbed_networks_are_driven_too(substrate: str) -> None:
    from photinus.networks.imperfections import Imperfections

    faults = Imperfections(shared_pump_noise=0.02, mismatch=0.02 if substrate == "laser" else 0.0)
    states, request = after_driving(
        mild(8), substrate, chains=9, draws=25, seed=1, imperfections=faults
    )
    assert (states == request.start).mean() >= 0.95


# Ideal neurons


def test_ideal_neurons_start_as_told() -> None:
    """Unit 1 fires at rate 1/τ while unit 0, on at first, has not ended, at a uniform time.

    P(it fires) = 1 - E[exp(-U)] = exp(-1); a deviation beyond 4.5 standard errors has the probability
    7e-6. The twins: all silent, nothing fires; on for a whole τ, 1 - exp(-1) would.
    """
    machine = BoltzmannMachine([[0, 50.0], [50.0, 0]], [-50.0, -50.0])
    chains = 5000
    chain, unit, time = sample_ideal(machine, chains=chains, duration=1.0, seed=1, initial=[1, 0])
    first = time[unit == 1]
    assert len(np.unique(chain[unit == 1])) == len(first)
    share, expected = len(first) / chains, np.exp(-1)
    error = np.sqrt(expected * (1 - expected) / chains)
    assert abs(share - expected) < 4.5 * error
    assert abs(1 - expected - expected) > 4.5 * error
    for initial in (None, [0, 0]):
        assert len(sample_ideal(machine, chains=50, duration=2.0, seed=1, initial=initial)[0]) == 0


def test_ideal_neurons_are_stationary_from_a_stationary_start() -> None:
    """Started from exact draws with uniform phases, the very first window has the law of the machine:
    the share on at 20 times, |z| < 5 over 4000 independent chains. From all off it has not."""
    machine = mild(4, 2)
    exact = ph.sample(machine, "exact", chains=4000, draws=1, burn_in=0, seed=9).states[:, 0]

    def worst(initial: NDArray[Any]) -> float:
        chain, unit, time = sample_ideal(machine, chains=4000, duration=2.0, seed=1, initial=initial)
        z = []
        for t in (1.05, 1.3, 1.9):
            on = np.zeros((4000, 4))
            recent = (time > t - 1) & (time <= t)
            on[chain[recent], unit[recent]] = 1
            p = machine.marginals()
            z.append(np.abs(on.mean(axis=0) - p) / np.sqrt(p * (1 - p) / 4000))
        return np.max(z)

    assert worst(exact) < 5
    assert worst(np.ones(4)) > 5


# What is told and refused


@pytest.mark.parametrize("substrate", [*SUBSTRATES, "exact"])
def test_the_kind_of_start_is_recorded(substrate: str) -> None:
    def told(**options: Any) -> str:
        options = {"chains": 3, "draws": 6, "seed": 1} | options
        return ph.sample(mild(), substrate, **options).attributes["start"]

    if substrate == "exact":
        assert told(burn_in=4) == told(burn_in=4, initial=[0, 1, 1]) == "independent"
        return
    assert told(burn_in=4) == "dispersed"
    assert told(burn_in=4, initial=[0, 1, 1]).startswith("given, CRC ")
    assert told(burn_in=4, initial=[0, 1, 1]) != told(burn_in=4, initial=[0, 1, 0])
    assert told(burn_in=0) == ("dispersed" if substrate == "gibbs" else "silent")


@pytest.mark.parametrize("substrate", [*SUBSTRATES, "exact"])
@pytest.mark.parametrize(
    ("initial", "message"),
    [
        ([0, 1], r"^initial must have shape \(3,\) or \(4, 3\), got \(2,\)$"),
        (np.zeros((3, 3)), r"^initial must have shape \(3,\) or \(4, 3\), got \(3, 3\)$"),
        (1, r"^initial must have shape \(3,\) or \(4, 3\), got \(\)$"),
        ([0, 1, 2], "^initial must be 0 or 1, got 2$"),
        ([0, 1, 0.5], "^initial must be 0 or 1, got 0.5$"),
        ([0, 1, np.nan], "^initial must be 0 or 1, got nan$"),
        ("off", "^initial must be 0 or 1, got 'off'$"),
        ([[0, 1], [1]], r"^initial must be 0 or 1, got \[\[0, 1\], \[1\]\]$"),
    ],
    ids=str,
)
def test_bad_starts_are_refused(substrate: str, initial: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        ph.sample(mild(), substrate, chains=4, draws=25, initial=initial)


@pytest.mark.parametrize(("substrate", "least"), [("laser", 4), ("lif", 4), ("ideal", 1)])
def test_a_start_needs_a_burn_in(substrate: str, least: int) -> None:
    options: dict[str, Any] = {"chains": 3, "draws": 6, "seed": 1, "initial": [1, 1, 1]}
    ph.sample(mild(), substrate, burn_in=least, **options)
    message = f"^initial must be None on '{substrate}' with a burn_in below {least}, got burn_in="
    with pytest.raises(InvalidInput, match=message):
        ph.sample(mild(), substrate, burn_in=least - 1, **options)


def test_given_starts_are_copied() -> None:
    initial = np.ones((3, 3), np.uint8)
    request = request_of(mild(), "gibbs", chains=3, initial=initial, clamp={0: 0})
    assert initial.all()
    assert request.start[:, 0].tolist() == [0, 0, 0]
