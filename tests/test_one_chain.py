"""One chain of lasers split over threads: the same spikes, bit for bit, as on one thread."""

import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from photinus._core.threads import together
from photinus.devices.synapse import SynapticKernel
from photinus.engines.laser import loop
from photinus.engines.laser.simulator import Simulator
from photinus.networks.couplings import Couplings, compile_couplings
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import Recording, SpikeTrains
from photinus.units import ns, ps
from tests.conftest import same_spikes
from tests.test_simulation import DEVICE, GRID, SLOPE, WINDOW, network

LASERS = 150
"""Five tiles, the last of which is not full."""
DURATION = 6 * ns
RANDOM = np.random.default_rng(3)
DELAYS = RANDOM.uniform(0, 150 * ps, (LASERS, LASERS))


def sparse() -> NDArray[np.float64]:
    random = np.random.default_rng(2)
    found = random.normal(size=(LASERS, LASERS)) * (random.random((LASERS, LASERS)) < 0.05)
    np.fill_diagonal(found, 0)
    return found


def dense() -> NDArray[np.float64]:
    found = np.random.default_rng(3).normal(scale=LASERS**-0.5, size=(LASERS, LASERS))
    np.fill_diagonal(found, 0)
    return found


def hub() -> NDArray[np.float64]:
    """One laser acts on all, and all on it; nothing else."""
    found = np.zeros((LASERS, LASERS))
    found[77], found[:, 77] = -0.05, 1.0
    found[77, 77] = 0
    return found


def isolated() -> NDArray[np.float64]:
    """All tiles but the last are coupled densely; of that, nobody is."""
    found = dense()
    found[128:], found[:, 128:] = 0, 0
    return found


NETWORKS = {"sparse": sparse, "dense": dense, "hub": hub, "isolated": isolated}


def chip(weights: NDArray[np.float64], delay: Any = 0.0, **changes: Any) -> LaserNetwork:
    """Return lasers a little below half activation with these weights, as sparse rows where few."""
    few = np.ndim(delay) == 0 and np.mean(weights != 0) < 0.1
    coupling = csr_array(SLOPE * weights) if few else SLOPE * weights
    return network(np.full(LASERS, -0.3)).replace(coupling=coupling, delay=delay, **changes)


@pytest.fixture
def split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let even small chains be split."""
    monkeypatch.setattr(Simulator, "LANES_PER_THREAD", 1)


def run(chip: LaserNetwork, threads: int, chains: int = 1, **options: Any) -> SpikeTrains:
    """Return the spikes of a chain on so many threads."""
    simulator = Simulator(chip, chains=chains, seed=5, threads=threads)
    assert len(simulator._blocks[0].scratch) == max(1, threads // chains)
    return simulator.advance(DURATION, **options)


@pytest.mark.parametrize(
    ("name", "delay"),
    [*((name, DELAYS) for name in NETWORKS), ("dense", 0.0), ("hub", 40 * ps)],
    ids=[*(f"{name}-many" for name in NETWORKS), "dense-none", "hub-one"],
)
def test_threads_do_not_change_spikes(split: None, name: str, delay: Any) -> None:
    whole = chip(NETWORKS[name](), delay=delay)
    alone = run(whole, 1)
    assert len(alone) > 200
    for threads in (2, 3):
        assert same_spikes(alone, run(whole, threads))
    # The comparison sees couplings: without them there are other spikes.
    assert not same_spikes(alone, run(chip(np.zeros((LASERS, LASERS))), 2))


CHANGES: dict[str, dict[str, Any]] = {
    "additive": {"kernel": SynapticKernel(kick=0, sustain=1, duration=WINDOW, renewing=False)},
    "exponential": {
        "kernel": SynapticKernel(kick=0.3, sustain=1, duration=WINDOW, shape="exponential")
    },
    "slow drivers": {"rise_time": 50 * ps},
    "bent drivers": {"parameters": DEVICE.replace(driver_knee=10e-6, driver_softness=5e-6)},
    "compressed": {"parameters": DEVICE.replace(gain_compression=1e-6)},
}


@pytest.mark.parametrize("name", CHANGES)
def test_synapses_and_drivers_of_every_kind(split: None, name: str) -> None:
    changed = chip(sparse(), delay=DELAYS, **CHANGES[name])
    alone = run(changed, 1)
    assert len(alone) > 100
    assert same_spikes(alone, run(changed, 3))
    assert not same_spikes(alone, run(chip(sparse(), delay=DELAYS), 1))


def test_several_chains_and_more_threads_than_tiles(split: None) -> None:
    whole = chip(sparse(), delay=DELAYS)
    three = Simulator(whole, chains=3, seed=5, threads=1).advance(DURATION)
    assert same_spikes(three, run(whole, 6, chains=3))
    assert same_spikes(run(whole, 1), run(whole, 5))


def test_waveforms_are_those_of_one_thread(split: None) -> None:
    kept = Recording(units=(149, 3, 70), start=1 * ns, stop=3 * ns, every=3)
    one, two = (run(chip(sparse()), threads, recording=kept).waveforms for threads in (1, 2))
    assert one is not None
    assert two is not None
    assert one.photons.max() > 100
    for name in ("time", "photons", "gain_carriers", "absorber_carriers"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_a_state_goes_on_with_any_number_of_threads(split: None) -> None:
    whole = chip(sparse(), delay=DELAYS)
    first, other = (Simulator(whole, seed=5, threads=threads) for threads in (1, 3))
    first.advance(DURATION)
    other.advance(DURATION / 2)
    state = first.state()
    expected = first.advance(DURATION)
    other.restore(state)
    assert same_spikes(expected, other.advance(DURATION))
    first.restore(state)
    assert same_spikes(expected, first.advance(DURATION))


def test_heat_and_room_for_spikes(split: None) -> None:
    """Records and spikes outgrow their room in the middle of a run, and synapses are attenuated."""
    runs = []
    for threads in (1, 2):
        simulator = Simulator(chip(sparse(), delay=DELAYS), seed=5, threads=threads)
        (block,) = simulator._blocks
        # Room for two records of each laser, the least, which soon is not enough.
        block.pool, block.free = block.pool[:0], np.zeros(1, np.int64)
        block.grow_pool(2 * LASERS)
        block.spikes = np.empty((LASERS + 1, 2), np.int64)
        before = len(block.pool)
        simulator.heat(np.full((1, LASERS), 0.05 * SLOPE), 0.7)
        runs.append(simulator.advance(DURATION))
        assert len(block.pool) > before
    assert len(runs[0]) > LASERS
    assert same_spikes(*runs)


def test_couplings_are_split_by_targets() -> None:
    weights = sparse()
    whole = compile_couplings(weights, DELAYS, 1.0, 1.0, GRID)
    parts = [whole.onto(first, end) for first, end in ((0, 64), (64, 64), (64, LASERS))]
    assert len(parts[1].runs) == 0

    def synapses(found: Couplings) -> set[tuple[int, int, float]]:
        """Group, target and height of each."""
        return {
            (group, target + k, found.height[place + k])
            for group in range(len(found.group_delay))
            for target, place, count in found.runs[found.runs_of[group] : found.runs_of[group + 1]]
            for k in range(count)
        }

    every = [synapses(part) for part in (whole, *parts)]
    assert len(every[0]) == np.count_nonzero(weights)
    assert every[0] == every[1] | every[2] | every[3]
    assert all(target < 64 for _, target, _ in every[1])
    assert all(target >= 64 for _, target, _ in every[3])


@pytest.mark.parametrize("faulty", [0, 1, 2])
def test_others_are_told_when_one_fails(faulty: int) -> None:
    """Two wait for what never comes, until they are told; without that, this test would not end."""
    told = threading.Event()

    def work(thread: int) -> int:
        if thread == faulty:
            raise KeyboardInterrupt if thread == 0 else ValueError
        assert told.wait(60)
        return thread

    with pytest.raises(KeyboardInterrupt if faulty == 0 else ValueError):
        together(work, 3, told.set)


def test_a_thread_that_waits_hears_that_one_gave_up(split: None) -> None:
    """One of two alone does not get past the first step, and leaves when it is told to."""
    simulator = Simulator(chip(sparse()), seed=5, threads=2)
    (block,) = simulator._blocks
    told = threading.Timer(0.2, block._give_up)
    told.start()
    reached, _, why = loop.advance_block(
        block._states()[0][0],
        block._synapses()[0],
        loop.Team(0, 2, block.tiles, block.found, block.alarm),
        LASERS,
        1,
        0,
        100,
        block.spikes,
        loop.Waveforms(np.empty(0, np.int64), 1, np.empty((0, 0, 3), np.float32)),
        loop.Lag(block.late, block.charge, block.nothing, block.follow),
        None,
        None,
    )
    assert (reached, why) == (1, loop.GIVEN_UP)
