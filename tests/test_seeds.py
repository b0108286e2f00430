"""Seeds are never changed by use: what takes one gives the same twice, and can be resumed."""

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import photinus as ph
from photinus import BoltzmannMachine, Calibration
from photinus._core.streams import ChainsFrom, entropy_of, entropy_text, seed_sequence
from photinus.calibration import protocol
from photinus.learning.estimator import BoltzmannEstimator
from photinus.learning.imports import restricted as restricted_machine
from photinus.learning.likelihood import log_partition
from photinus.learning.loop import DeviceChains
from photinus.networks.imperfections import Imperfections
from photinus.reference.exact import sample_exact
from photinus.reference.gibbs import sample_gibbs
from photinus.reference.ideal import sample_ideal
from photinus.samplers import abstract, registry, sampling
from photinus.tasks import tasks
from tests.narrow import lasers
from tests.progress import Impatient

MACHINE = BoltzmannMachine([[0, 1.0, 0], [1.0, 0, -0.5], [0, -0.5, 0]], [0.5, -1.0, 0.0])
FEW: dict[str, Any] = {"chains": 4, "draws": 6, "burn_in": 4}
IMAGES = (np.random.default_rng(0).random((40, 4)) < 0.5).astype(np.uint8)


def network() -> Any:
    return ph.translate(MACHINE, Calibration.preset())


def estimator(seed: int | np.random.SeedSequence) -> BoltzmannEstimator:
    return BoltzmannEstimator((2,), epochs=1, seed=seed).fit(IMAGES)


def restricted() -> BoltzmannMachine:
    rng = np.random.default_rng(0)
    weights = np.zeros((6, 6))
    weights[:4, 4:] = rng.normal(size=(4, 2))
    labels = ["v0", "v1", "v2", "v3", "h0", "h1"]
    return BoltzmannMachine(weights + weights.T, np.zeros(6), labels)


def labelled() -> BoltzmannMachine:
    rng = np.random.default_rng(1)
    upper = np.triu(rng.normal(size=(6, 6)), 1)
    return BoltzmannMachine(upper + upper.T, np.zeros(6), ["v0", "v1", "v2", "v3", "y:a", "y:b"])


def learning_loop(seed: int | np.random.SeedSequence) -> Iterator[Any]:
    """Give what a chip shows in two updates, and its means given data."""
    chip = DeviceChains(Calibration.preset(), chains=3, windows=2, seed=seed)
    yield chip(MACHINE)
    yield chip(MACHINE)
    yield chip.given(MACHINE, IMAGES[:3, :2].astype(np.float32))


WIDE = restricted_machine(np.full((24, 22), 0.1), np.zeros(24), np.zeros(22))
"""Too wide on both sides for an exact partition function."""


def refined(seed: int | np.random.SeedSequence) -> NDArray[np.float64]:
    """Return the pumps and what was measured: so few draws may leave every network as it started."""
    found = ph.refine(MACHINE, Calibration.preset(), chains=8, draws=16, most_rounds=2, seed=seed)
    return np.append(lasers(found.network).pump, [measured.divergence for measured in found.rounds])


def states_on(name: str, seed: int | np.random.SeedSequence) -> NDArray[np.uint8]:
    return ph.sample(MACHINE, name, seed=seed, **FEW).states


CALLS: dict[str, Callable[[Any], Any]] = {
    **{f"sample on {name}": functools.partial(states_on, name) for name in registry.SUBSTRATES},
    "simulate": lambda seed: ph.simulate(network(), 5e-9, chains=2, seed=seed).time,
    "refine": refined,
    "mismatched": lambda seed: [d.gain_lifetime for d in network().mismatched(0.05, seed=seed).devices],
    "apply": lambda seed: Imperfections(efficiency_mismatch=0.1).apply(network(), seed).pump,
    "sample with faults": lambda seed: (
        ph.sample(
            MACHINE, seed=seed, imperfections=Imperfections(mismatch=0.02, lost_spikes=0.1), **FEW
        ).states
    ),
    "sample_gibbs": lambda seed: sample_gibbs(MACHINE, chains=3, draws=5, seed=seed),
    "sample_ideal": lambda seed: sample_ideal(MACHINE, chains=3, duration=5.0, seed=seed)[2],
    "sample_exact": lambda seed: sample_exact(MACHINE, chains=3, draws=5, seed=seed),
    "estimator": lambda seed: estimator(seed).weights_,
    "partial_fit": lambda seed: BoltzmannEstimator((2,), seed=seed).partial_fit(IMAGES).weights_,
    "dream": lambda seed: (
        tasks.dream(restricted(), chains=4, draws=8, seed=seed, substrate="gibbs").pixels
    ),
    "imagine": lambda seed: (
        tasks.imagine(labelled(), ["a"], "gibbs", draws=8, burn_in=4, seed=seed).pixels
    ),
    "classify": lambda seed: (
        tasks.classify(labelled(), IMAGES[:3], "gibbs", draws=8, burn_in=4, seed=seed).probabilities
    ),
    "log_partition": lambda seed: log_partition(WIDE, chains=4, temperatures=5, seed=seed).value,
    "learning loop": lambda seed: np.stack([*learning_loop(seed)]),
    "complete": lambda seed: (
        tasks.complete(restricted(), IMAGES[:3], np.arange(4) < 2, "gibbs", draws=8, seed=seed).mean
    ),
}


def values(found: NDArray[Any] | float | list[float]) -> NDArray[Any]:
    return np.concatenate([np.ravel(np.asarray(part)) for part in np.atleast_1d(found)])


@pytest.mark.parametrize("name", CALLS)
def test_a_sequence_used_twice_gives_the_same_twice(name: str) -> None:
    """And is as it was; one that children were spawned from gives the same, too; another does not."""
    seed, spawned = np.random.SeedSequence(7), np.random.SeedSequence(7)
    spawned.spawn(3)
    first = values(CALLS[name](seed))
    assert seed.n_children_spawned == 0
    np.testing.assert_array_equal(values(CALLS[name](seed)), first)
    np.testing.assert_array_equal(values(CALLS[name](spawned)), first)
    assert spawned.n_children_spawned == 3
    np.testing.assert_array_equal(values(CALLS[name](7)), first)
    other = values(CALLS[name](np.random.SeedSequence(8)))
    assert other.shape != first.shape or not np.array_equal(other, first)


def test_calibration_does_not_change_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring takes minutes: it is stopped where the seeds have been handed out."""
    found = []

    def bench(*arguments: Any) -> None:
        found.append([child.generate_state(2).tolist() for child in arguments[-1]])
        raise KeyboardInterrupt

    monkeypatch.setattr(protocol, "Bench", bench)
    seed = np.random.SeedSequence(7)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            ph.calibrate(ph.LaserParameters.preset(), seed=seed)
    assert found[0] == found[1]
    assert seed.n_children_spawned == 0


ENTROPIES = [
    5,
    2**200,
    [1, 2, 3],
    (2**40, 0),
    np.array([3, 4], np.uint32),
    np.array([2**40, 4]),
    np.int64(9),
    ["7", "0x1f", 2**70],
    [],
]


@pytest.mark.parametrize("entropy", ENTROPIES, ids=str)
def test_entropy_is_kept_as_text(entropy: Any) -> None:
    seed = np.random.SeedSequence(entropy, spawn_key=(1, 2), pool_size=8)
    text = entropy_text(seed)
    again = np.random.SeedSequence(entropy_of(text), spawn_key=(1, 2), pool_size=8)
    assert np.array_equal(seed.generate_state(8), again.generate_state(8))
    assert json.loads(json.dumps(text)) == text
    assert np.array_equal(seed_sequence(seed).generate_state(8), seed.generate_state(8))


@pytest.mark.parametrize("entropy", ENTROPIES, ids=str)
def test_runs_of_any_entropy_can_be_resumed(
    entropy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a seed the stored one is taken, its key and pool included."""
    monkeypatch.setattr(abstract, "UNIT_UPDATES_PER_PIECE", 1)
    seed = np.random.SeedSequence(entropy, spawn_key=(1,), pool_size=8)
    whole = ph.sample(MACHINE, "gibbs", seed=seed, **FEW)

    path = tmp_path / "run.zarr"
    with pytest.raises(sampling.Interrupted):
        ph.sample(MACHINE, "gibbs", seed=seed, path=path, progress=Impatient(7.0), **FEW)
    assert 0 < ph.load(path).draws < 6
    for again in (None, seed):
        resumed = ph.sample(MACHINE, "gibbs", seed=again, path=path, resume=True, **FEW)
        assert np.array_equal(resumed.states, whole.states)


def test_a_part_of_the_chains_keeps_its_place() -> None:
    part = ChainsFrom(3, np.random.SeedSequence(1))
    for _ in range(2):
        part = seed_sequence(part)  # type: ignore[assignment]
        assert isinstance(part, ChainsFrom)
        assert part.first_chain == 3
