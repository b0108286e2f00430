"""Spike trains: every method against a loop over the spikes, one by one."""

import itertools

import numpy as np
import pytest

import photinus as ph
from photinus.errors import InvalidInput

LABELS = ("a", "b", "c", "d", "e")
CHAINS, END = 4, 30.0


def trains(seed: int, count: int = 600, start: float = 0.0) -> ph.SpikeTrains:
    """Return random spikes; no chain, unit or time is special."""
    random = np.random.default_rng(seed)
    return ph.SpikeTrains.sorted(
        chain=random.integers(0, CHAINS, count),
        unit=random.integers(0, len(LABELS), count),
        time=random.uniform(start, END, count),
        labels=LABELS,
        chains=CHAINS,
        start=start,
        stop=END,
    )


def rows(spikes: ph.SpikeTrains) -> list[tuple[int, int, float]]:
    return list(zip(spikes.chain.tolist(), spikes.unit.tolist(), spikes.time.tolist(), strict=True))


SPIKES = trains(1)
ALL = rows(SPIKES)


def in_order(spikes: ph.SpikeTrains) -> bool:
    """Return whether spikes are sorted by chain, then time, then unit, in their types."""
    keys = [(c, t, u) for c, u, t in rows(spikes)]
    return keys == sorted(keys) and spikes.chain.dtype == spikes.unit.dtype == np.int32


def test_spikes_are_sorted_by_chain_time_and_unit() -> None:
    assert in_order(SPIKES)
    tied = ph.SpikeTrains.sorted(
        chain=np.array([1, 0, 0]),
        unit=np.array([0, 3, 2]),
        time=np.array([1.0, 2.0, 2.0]),
        labels=LABELS,
        chains=2,
        start=0.0,
        stop=3.0,
    )
    assert rows(tied) == [(0, 2, 2.0), (0, 3, 2.0), (1, 0, 1.0)]


def test_a_part_of_the_time() -> None:
    part = SPIKES.between(10.0, 20.0)
    assert (part.start, part.stop, part.end) == (10.0, 20.0, 20.0)
    assert rows(part) == [row for row in ALL if 10.0 < row[2] <= 20.0]
    late = SPIKES.between(20.0)
    assert late.end == END
    early = SPIKES.between(0.0, 10.0)
    assert rows(ph.SpikeTrains.joined([early, part, late])) == ALL
    none = ph.SpikeTrains.empty(LABELS, CHAINS)
    assert rows(ph.SpikeTrains.joined([none, SPIKES])) == ALL


@pytest.mark.parametrize("units", [[2], [0, 3], [4, 1, 0], []])
def test_some_units(units: list[int]) -> None:
    some = SPIKES.of_units(units)
    assert some.labels == tuple(LABELS[k] for k in units)
    assert rows(some) == [(c, units.index(u), t) for c, u, t in ALL if u in units]


def test_chains_apart_and_together() -> None:
    parts = [SPIKES.of_chains(0, 1), SPIKES.of_chains(1, 4)]
    assert [part.chains for part in parts] == [1, 3]
    assert rows(parts[1]) == [(c - 1, u, t) for c, u, t in ALL if c >= 1]
    whole = ph.SpikeTrains.side_by_side(parts)
    assert whole.chains == CHAINS
    assert rows(whole) == ALL


def test_groups_of_neighbours() -> None:
    groups = SPIKES.split([2, 2, 5])
    assert [group.labels for group in groups] == [("a", "b"), (), ("c", "d", "e")]
    assert rows(groups[0]) == [row for row in ALL if row[1] < 2]
    assert rows(groups[2]) == [(c, u - 2, t) for c, u, t in ALL if u >= 2]


def test_intervals_are_those_between_spikes_of_a_unit_in_a_chain() -> None:
    for start in (-np.inf, 12.0):
        for u, found in enumerate(SPIKES.intervals(start)):
            wanted = []
            for c in range(CHAINS):
                times = [t for chain, unit, t in ALL if (chain, unit) == (c, u)]
                wanted += [b - a for a, b in itertools.pairwise(times) if a >= start]
            assert found.tolist() == wanted


def test_lanes() -> None:
    lane, begins, time = SPIKES.by_lane()
    for k in range(CHAINS * len(LABELS)):
        unit, chain = divmod(k, CHAINS)
        mine = time[begins[k] : begins[k + 1]].tolist()
        assert mine == [t for c, u, t in ALL if (c, u) == (chain, unit)]
        assert (lane[begins[k] : begins[k + 1]] == k).all()
    apart = SPIKES.apart()
    assert apart.chains == CHAINS * len(LABELS)
    assert in_order(apart)
    assert sorted(apart.time.tolist()) == sorted(SPIKES.time.tolist())


def on(chain: int, unit: int, time: float, window: float) -> bool:
    return any(c == chain and u == unit and t <= time < t + window for c, u, t in ALL)


def test_states_are_on_for_a_window_after_each_spike() -> None:
    found = SPIKES.states(0.3, first=1.0, interval=0.7, draws=20)
    for c in range(CHAINS):
        for d in range(20):
            wanted = [on(c, u, 1.0 + 0.7 * d, 0.3) for u in range(len(LABELS))]
            assert found[c, d].tolist() == wanted


def test_the_joint_is_the_share_of_time_in_each_state() -> None:
    window, fine = 0.3, 40_000
    states = SPIKES.states(window, first=window, interval=(END - window) / fine, draws=fine)
    index = states @ (1 << np.arange(len(LABELS)))
    counted = np.bincount(index.ravel(), minlength=32) / index.size
    assert np.abs(SPIKES.joint(window) - counted).max() < 2e-4
    # Over another time it is another: the bound is one that can be missed.
    assert np.abs(SPIKES.joint(window, end=20.0) - counted).max() > 2e-3
    moments = SPIKES.occupancy(window).moments
    assert np.abs(np.einsum("cdi,cdj->cij", states, states, dtype=float) / fine - moments).max() < 1e-3


def test_a_joint_of_many_units_is_refused() -> None:
    none = ph.SpikeTrains.empty(tuple(range(30)), 1)
    with pytest.raises(InvalidInput, match="^joint needs at most 24 units, got 30"):
        none.joint(1.0, start=0.0, end=2.0)
