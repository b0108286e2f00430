"""Spikes as a block of Neo, and what Elephant finds in it."""

import itertools
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus.errors import MissingDependency
from tests.narrow import there, untyped

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of packages that they import
    neo = pytest.importorskip("neo")
    statistics = pytest.importorskip("elephant.statistics")

MACHINE = ph.BoltzmannMachine([[0, 1, 0], [1, 0, -1], [0, -1, 0]], [0.5, -1, 0.3], labels=["a", 7, "c"])


@pytest.fixture(scope="module")
def samples() -> ph.Samples:
    return ph.sample(
        MACHINE, "laser-reduced", chains=4, draws=200, burn_in=8, seed=1, gauge=[False, True, False]
    )


def test_a_block_has_the_spikes(samples: ph.Samples) -> None:
    spikes = there(samples.spikes)
    block = spikes.to_neo()
    assert [segment.name for segment in block.segments] == [f"chain {k}" for k in range(4)]
    for chain, segment in enumerate(block.segments):
        assert [train.name for train in segment.spiketrains] == ["a", "7", "c"]
        for unit, train in enumerate(segment.spiketrains):
            mine = spikes.time[(spikes.chain == chain) & (spikes.unit == unit)]
            np.testing.assert_array_equal(train.rescale("s").magnitude, mine)
            assert train.annotations == {"unit": unit, "chain": chain, "gauge": unit == 1}
            assert float(train.t_start) <= spikes.start < spikes.stop <= float(train.t_stop)
    assert sum(len(train) for s in block.segments for train in s.spiketrains) == len(spikes)


@pytest.mark.filterwarnings("ignore")
def test_elephant_finds_our_intervals_and_their_spread(samples: ph.Samples) -> None:
    spikes = there(samples.spikes)
    block, ours = spikes.to_neo(), spikes.intervals()
    for unit in range(3):
        trains = [segment.spiketrains[unit] for segment in block.segments]
        theirs = np.concatenate([statistics.isi(train).rescale("s").magnitude for train in trains])
        np.testing.assert_allclose(theirs, ours[unit], rtol=1e-12)
        cv = float(statistics.cv(theirs))
        assert cv == pytest.approx(ours[unit].std() / ours[unit].mean(), rel=1e-12)
        # Neurons that pause for τ after each spike are more regular than a Poisson process.
        assert 0 < cv < 1
        counts = [len(train) for train in trains]
        assert statistics.fanofactor(trains) == pytest.approx(np.var(counts) / np.mean(counts))


def test_times_of_ideal_neurons_become_seconds() -> None:
    ideal = ph.sample(MACHINE, "ideal", chains=2, draws=20, burn_in=4, seed=1)
    spikes = there(ideal.spikes)
    for train in spikes.to_neo(second=1e-9).segments[1].spiketrains:
        mine = spikes.time[(spikes.chain == 1) & (spikes.unit == train.annotations["unit"])]
        np.testing.assert_allclose(train.rescale("ns").magnitude, mine, rtol=1e-12)
    with pytest.raises(ph.InvalidInput, match="second must be above 0, got 0"):
        spikes.to_neo(second=0)


def test_units_without_a_spike_have_empty_trains() -> None:
    block = ph.SpikeTrains.empty(("a", "b"), 2).to_neo()
    assert [[len(train) for train in segment.spiketrains] for segment in block.segments] == [[0, 0]] * 2


def test_neo_keeps_a_block_in_its_files(samples: ph.Samples, tmp_path: Path) -> None:
    block: Any = there(samples.spikes).to_neo()
    writer = neo.io.PickleIO(str(tmp_path / "spikes.pkl"))
    writer.write_block(block)
    back = neo.io.PickleIO(str(tmp_path / "spikes.pkl")).read_block()
    pairs = zip(block.segments, back.segments, strict=True)
    for one, other in itertools.chain.from_iterable(
        zip(a.spiketrains, b.spiketrains, strict=True) for a, b in pairs
    ):
        np.testing.assert_array_equal(one.magnitude, other.magnitude)


def test_without_neo_it_is_one_sentence(samples: ph.Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neo", untyped(None))
    with pytest.raises(MissingDependency, match=r"needs neo, .* pip install 'photinus\[neo\]'"):
        there(samples.spikes).to_neo()
