"""Read-out against its definition: unit k is 1 at t while it has a spike in (t - τ, t].

Times are multiples of 1/8, so that a naive loop over cells of that width is exact: every switch falls
on an edge of a cell, and the state at the middle of a cell holds for the whole of it.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photinus._core.states import MAX_ENUMERATED
from photinus.errors import InvalidInput
from photinus.spikes.readout import Occupancy, occupancy, states_on_grid
from tests.narrow import there

CELL = 0.125


@st.composite
def runs(
    draw: Callable[..., Any],
) -> tuple[list[tuple[int, float, int]], dict[str, NDArray[np.uint8] | float]]:
    """Return (spikes sorted by chain and time, arguments), with all times multiples of a cell."""
    chains, units = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    spike = st.tuples(st.integers(0, chains - 1), st.integers(-40, 60), st.integers(0, units - 1))
    spikes = sorted(draw(st.lists(spike, max_size=40)))
    known = np.zeros((chains, units), np.uint8)
    silent = draw(st.integers(0, units))  # the units from here on are evidence and have no spikes
    known[:, silent:] = draw(
        st.lists(
            st.lists(st.integers(0, 1), min_size=units - silent, max_size=units - silent),
            min_size=chains,
            max_size=chains,
        )
    )
    spikes = [(c, t * CELL, u) for c, t, u in spikes if u < silent]
    start, length = draw(st.integers(-8, 8)) * CELL, draw(st.integers(1, 40)) * CELL
    arguments = {
        "chains": chains,
        "units": units,
        "window": draw(st.integers(1, 20)) * CELL,
        "start": start,
        "stop": start + length,
        "known": known,
    }
    return spikes, arguments


def arrays(
    spikes: list[tuple[int, float, int]],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    chain, time, unit = zip(*spikes, strict=True) if spikes else ((), (), ())
    return np.array(chain, np.int32), np.array(unit, np.int32), np.array(time, np.float64)


def state_at(spikes: Any, chain: int, t: float, window: float, known: Any) -> NDArray[np.uint8]:
    """Return the states of all units of a chain at t, by looking at every spike."""
    state = known[chain].tolist()
    for c, s, u in spikes:
        if c == chain and t - window < s <= t:
            state[u] = 1
    return state


def naive_occupancy(
    spikes: Any, *, chains: int, units: int, window: float, start: float, stop: float, known: Any
) -> Any:
    cells = round((stop - start) / CELL)
    moments, joint = np.zeros((chains, units, units)), np.zeros(2**units)
    for chain in range(chains):
        for cell in range(cells):
            z = state_at(spikes, chain, start + (cell + 0.5) * CELL, window, known)
            moments[chain] += np.outer(z, z) / cells
            joint[sum(on << k for k, on in enumerate(z))] += 1 / (cells * chains)
    return moments, joint


def moments_of(joint: NDArray[np.float64], units: int) -> NDArray[np.float64]:
    states = (np.arange(2**units)[:, None] >> np.arange(units)) & 1
    return (states.T * joint) @ states


@settings(deadline=None)
@given(runs())
def test_occupancy_is_the_time_in_each_state(run: Any) -> None:
    spikes, arguments = run
    moments, joint = naive_occupancy(spikes, **arguments)
    found = occupancy(*arrays(spikes), **arguments)
    assert found.moments == pytest.approx(moments, abs=1e-12)
    assert found.joint == pytest.approx(joint, abs=1e-12)
    assert found.joint.sum() == pytest.approx(1, abs=1e-12)
    assert found.joint.min() > -1e-15
    # Two independent countings of the same time.
    both = moments_of(found.joint, arguments["units"])
    assert found.moments.mean(axis=0) == pytest.approx(both, abs=1e-12)


@settings(deadline=None)
@given(runs(), st.integers(1, 12))
def test_states_on_a_grid_are_the_states_at_those_times(run: Any, interval: int) -> None:
    spikes, arguments = run
    first, draws = arguments["start"], 7
    known, window = arguments["known"], arguments["window"]
    found = states_on_grid(
        *arrays(spikes),
        chains=arguments["chains"],
        units=arguments["units"],
        window=window,
        first=first,
        interval=interval * CELL,
        draws=draws,
        known=known,
    )
    assert found.dtype == np.uint8
    assert found.tolist() == [
        [state_at(spikes, c, first + d * interval * CELL, window, known) for d in range(draws)]
        for c in range(arguments["chains"])
    ]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_arbitrary_times(seed: int) -> None:
    """Times off any grid: dwell times from a sort of all switches, state by state."""
    rng = np.random.default_rng(seed)
    n, window = 30, 0.7
    spikes = sorted(zip([0] * n, rng.uniform(-1, 5, n), rng.integers(0, 3, n), strict=True))
    edges = sorted({0.0, 4.0} | {min(max(t + w, 0.0), 4.0) for _, t, _ in spikes for w in (0, window)})
    joint = np.zeros(8)
    for a, b in itertools.pairwise(edges):
        z = state_at(spikes, 0, (a + b) / 2, window, np.zeros((1, 3), np.uint8))
        joint[sum(on << k for k, on in enumerate(z))] += (b - a) / 4
    found = occupancy(*arrays(spikes), chains=1, units=3, window=window, start=0.0, stop=4.0)
    assert found.joint == pytest.approx(joint, abs=1e-12)
    assert found.moments[0] == pytest.approx(moments_of(joint, 3), abs=1e-12)


def simple(spikes: list[tuple[int, float, int]], units: int = 1, **changes: Any) -> Occupancy:
    arguments = {"chains": 1, "units": units, "window": 1.0, "start": 0.0, "stop": 4.0, **changes}
    return occupancy(*arrays(spikes), **arguments)


def test_cases_by_hand() -> None:
    # A spike during the window renews it: on from 1 to 2.5, not twice for one window.
    assert there(simple([(0, 1.0, 0), (0, 1.5, 0)]).joint).tolist() == [2.5 / 4, 1.5 / 4]
    # A window that reaches into the interval from before counts for what is inside.
    assert there(simple([(0, -0.75, 0)]).joint).tolist() == [3.75 / 4, 0.25 / 4]
    # Renewed across the start: on from the start to 0.5.
    assert there(simple([(0, -0.75, 0), (0, -0.5, 0)]).joint).tolist() == [3.5 / 4, 0.5 / 4]
    # A window that ends at the start, and a spike after the end, do not count.
    assert there(simple([(0, -1.0, 0), (0, 4.5, 0)]).joint).tolist() == [1.0, 0.0]
    # A window that sticks out at the end is cut.
    assert there(simple([(0, 3.75, 0)]).joint).tolist() == [3.75 / 4, 0.25 / 4]
    # Two units overlap from 1.5 to 2.
    two = simple([(0, 1.0, 0), (0, 1.5, 1)], units=2)
    assert there(two.joint).tolist() == [2.5 / 4, 0.5 / 4, 0.5 / 4, 0.5 / 4]
    assert two.moments[0].tolist() == [[1 / 4, 0.5 / 4], [0.5 / 4, 1 / 4]]


def test_no_spikes() -> None:
    known = np.array([[0, 1, 1]], np.uint8)
    quiet = simple([], units=3, known=known)
    assert there(quiet.joint).tolist() == [0, 0, 0, 0, 0, 0, 1, 0]
    assert quiet.moments[0].tolist() == [[0, 0, 0], [0, 1, 1], [0, 1, 1]]
    assert known.tolist() == [[0, 1, 1]]  # not overwritten


def test_state_holds_from_the_spike_to_just_before_the_window_ends() -> None:
    states = states_on_grid(
        *arrays([(0, 1.0, 0)]), chains=1, units=1, window=1.0, first=0.0, interval=0.5, draws=6
    )
    assert states[0, :, 0].tolist() == [0, 0, 1, 1, 0, 0]


def test_more_than_24_units_have_moments_but_no_joint() -> None:
    found = simple([(0, 1.0, MAX_ENUMERATED)], units=MAX_ENUMERATED + 1)
    assert found.joint is None
    assert found.moments[0, MAX_ENUMERATED, MAX_ENUMERATED] == 0.25
    assert found.moments.sum() == 0.25


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stop": 0.0}, r"^stop must be after start \(0\), got 0$"),
        ({"start": 5.0}, r"^stop must be after start \(5\), got 4$"),
        ({"window": 0.0}, "^window must be above 0, got 0$"),
        ({"stop": float("nan")}, "^stop must be after start"),
    ],
)
def test_empty_intervals_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        simple([(0, 1.0, 0)], **changes)


@pytest.mark.parametrize("pause", [0.0, 1e-13, 3e-11, 4e-10])
def test_a_unit_that_fires_again_at_once_is_on_at_every_reading(pause: float) -> None:
    """Its spikes begin at a reading, and drift from it by a pause for each spike."""
    time = np.arange(200, dtype=np.float64) * np.float64(1.0 + pause)
    zeros = np.zeros(200, np.int32)
    for scale in (1.0, 1.1e-9):  # seconds round, windows do not
        states = states_on_grid(
            zeros,
            zeros,
            time * scale,
            chains=1,
            units=1,
            window=scale,
            first=scale,
            interval=scale,
            draws=198,
        )
        assert states.all()
    # One spike is on at one reading, wherever it is.
    for late in (0.0, 1e-13, 0.5, 1 - 1e-6):
        once = states_on_grid(
            zeros[:1],
            zeros[:1],
            np.array([3 + late]),
            chains=1,
            units=1,
            window=1.0,
            first=0.0,
            interval=1.0,
            draws=9,
        )
        assert once.sum() == 1
