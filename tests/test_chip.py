"""A chip: distances counted by hand, delays as geometry says, and the window that they leave."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import photinus as ph
from photinus.hardware import Chip, Counts, Ledger
from photinus.hardware.chip import PATHS, WEIGHT_AREA, delay_curves, delay_share
from photinus.networks.couplings import from_entries
from photinus.units import ns, ps, speed_of_light, um
from tests import machines
from tests.narrow import array, lasers, there, untyped

CALIBRATION = ph.Calibration.preset()


def naive(chip: Chip) -> NDArray[np.float64]:
    """Return the delay of every pair of lasers, walked step by step, array (target, source)."""
    n = chip.lasers
    side = 1
    while side * side < n:
        side += 1
    cell = (chip.area_per_weight * (there(chip.synapses) / n if chip.layout == "mesh" else 1)) ** 0.5
    cell = max(cell, chip.pitch)
    delay = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if chip.layout == "mesh":
                (down, across), (row, column) = divmod(i, side), divmod(j, side)
                length = (abs(down - row) + abs(across - column)) * cell
            else:  # from the diagonal along row j to column i, then along the column to row i
                length = abs(i - j) * cell + abs(j - i) * cell
            delay[i, j] = chip.latency + length * chip.group_index / speed_of_light if i != j else 0.0
    return delay


CHIPS = st.builds(
    Chip,
    lasers=st.integers(2, 40),
    layout=st.sampled_from(["mesh", "crossbar"]),
    path=st.sampled_from(sorted(PATHS)),
    area_per_weight=st.floats(1e-12, 1e-8),
    pitch=st.floats(1e-6, 1e-3),
    latency=st.floats(0, 1e-10),
)


@given(CHIPS)
@settings(max_examples=60, deadline=None)
def test_delays_are_those_of_a_walk(chip: Chip) -> None:
    walked = naive(chip)
    np.testing.assert_allclose(chip.delay_matrix(), walked, rtol=1e-12)
    each = walked[~np.eye(chip.lasers, dtype=bool)]
    found = chip.delays()
    assert found.least == pytest.approx(each.min(), rel=1e-9)
    assert found.most == pytest.approx(each.max(), rel=1e-9)
    assert found.mean == pytest.approx(each.mean(), rel=1e-9)
    assert found.deviation == pytest.approx(each.std(), rel=1e-6, abs=1e-18)


def test_delays_of_a_large_chip_are_those_of_closed_forms() -> None:
    """Mean distance on a full square of s × s places, all pairs: 2(s² - 1)/(3s) s²/(s² - 1) = 2s/3."""
    chip = Chip(lasers=10_000, latency=0.0)
    step = chip.step * there(chip.group_index) / speed_of_light
    assert chip.step == pytest.approx(np.sqrt(WEIGHT_AREA * 9_999))
    assert chip.delays().mean == pytest.approx(200 / 3 * step, rel=1e-9)
    assert chip.delays().most == pytest.approx(198 * step)
    bars = Chip(lasers=10_000, latency=0.0, layout="crossbar")
    step = bars.step * there(bars.group_index) / speed_of_light
    assert bars.delays().mean == pytest.approx(2 * 10_001 / 3 * step)
    assert bars.delays().most == pytest.approx(2 * 9_999 * step)


@pytest.mark.parametrize("kind", [machines.grid, machines.star, machines.sparse, machines.isolated])
def test_delays_of_couplings_are_those_of_their_pairs(kind: Callable[..., NDArray[np.bool_]]) -> None:
    there = kind(30, np.random.default_rng(1))
    chip = Chip(lasers=30, synapses=int(there.sum()))
    found, each = chip.delays(there.astype(float)), naive(chip)[there]
    if not there.any():
        assert found.least == found.mean == found.most == chip.latency
        return
    assert (found.least, found.most) == pytest.approx((each.min(), each.max()))
    assert found.mean == pytest.approx(each.mean())
    target, source = np.nonzero(there)
    sparse = from_entries(np.stack([target, source, np.ones(len(target))], axis=1), 30)
    assert chip.delays(sparse).mean == pytest.approx(found.mean)


def test_a_placed_network_has_the_delays_of_its_chip() -> None:
    machine = ph.BoltzmannMachine(np.ones((6, 6)) - np.eye(6), np.zeros(6))
    network = lasers(ph.translate(machine, CALIBRATION, delay=5 * ps))
    chip = Chip(lasers=6)
    off = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(array(chip.place(network).delay)[off], naive(chip)[off] + 5 * ps)
    coupling = array(network.coupling)
    target, source = np.nonzero(coupling)
    entries = np.stack([target, source, coupling[target, source]], axis=1)
    sparse = network.replace(coupling=from_entries(entries, 6))
    assert chip.place(sparse).delay == pytest.approx(naive(chip)[off].mean() + 5 * ps)
    with pytest.raises(ph.InvalidInput, match="^lasers must be as many as the network has, 6, got 7$"):
        Chip(lasers=7).place(network)


def test_random_delays_have_mean_and_deviation_of_the_chip() -> None:
    faults = Chip(lasers=50).imperfections()
    delays = naive(Chip(lasers=50))[~np.eye(50, dtype=bool)]
    assert faults.delay == pytest.approx(delays.mean())
    assert faults.delay_spread == pytest.approx(delays.std())


def test_the_smallest_window_is_where_the_measured_curve_doubles() -> None:
    for name, curve in delay_curves().items():
        share = delay_share(name)
        above = next(k for k, ratio in enumerate(curve["ratio"]) if ratio >= 2)
        (r0, r1), (d0, d1) = (curve[of][above - 1 : above + 1] for of in ("ratio", "delay"))
        assert d0 < share <= d1
        assert (share - d0) / (d1 - d0) == pytest.approx((2 - r0) / (r1 - r0))
        assert share < delay_share(name, 5.0) < delay_share(name, 10.0)
        assert curve["window"] == ph.Calibration.preset(name).window
    chip = Chip(lasers=20)
    least = naive(chip)[~np.eye(20, dtype=bool)].mean() / delay_share("high-beta")
    assert chip.smallest_window("high-beta") == pytest.approx(least)
    strictest = min(map(delay_share, delay_curves()))
    assert delay_share("another") == delay_share() == strictest


def test_a_translation_that_knows_of_the_delay_bears_more_of_it() -> None:
    known = [name for name, curve in delay_curves().items() if "told" in curve]
    chip = Chip(lasers=20)
    for name in known:
        assert delay_share(name) < delay_share(name, told=True)
        assert chip.smallest_window(name, told=True) < chip.smallest_window(name)
        assert chip.most_lasers(5 * ns, name, told=True) >= chip.most_lasers(5 * ns, name)
    assert delay_share("another", told=True) == min(delay_share(name, told=True) for name in known)
    with pytest.raises(ph.InvalidInput, match="told"):
        delay_share(told=untyped("yes"))


@pytest.mark.parametrize("layout", ["mesh", "crossbar"])
@pytest.mark.parametrize("latency", [0.0, 10 * ps])
def test_the_most_lasers_are_where_one_more_is_too_many(layout: str, latency: float) -> None:
    chip = Chip(lasers=3, layout=layout, latency=latency)
    most = chip.most_lasers(5 * ns)
    assert most >= 2

    def needed(lasers: int) -> float:
        return chip.replace(lasers=lasers, synapses=None).smallest_window()

    assert needed(most) <= 5 * ns < needed(most + 1)
    assert chip.replace(latency=1 * ns).most_lasers(5 * ns) == 0


def test_the_ledger_tells_delay_and_smallest_window() -> None:
    network = ph.translate(ph.BoltzmannMachine(np.ones((9, 9)) - np.eye(9), np.zeros(9)), CALIBRATION)
    counts = Counts.from_rates(lasers(network), 1e8)
    ledger = Ledger.of(counts)
    assert ledger.placed == Chip(lasers=9)
    rows = dict(ledger.count_rows())
    mean = naive(Chip(lasers=9))[~np.eye(9, dtype=bool)].mean()
    assert f"{100 * mean / CALIBRATION.window:.2g} % of τ" in rows["delay of a synapse"]
    assert ledger.smallest_window == pytest.approx(mean / delay_share("fast-absorber"))
    late = Ledger.of(counts, chip={"layout": "crossbar", "latency": "1 ns"})
    assert late.smallest_window > counts.window
    verdict = "smallest τ for 2 times the KL without delay"
    assert dict(late.count_rows())[verdict].endswith("is too short")
    assert dict(ledger.count_rows())[verdict].endswith(
        "long enough" if ledger.smallest_window < counts.window else "too short"
    )
    document = json.loads(json.dumps(late.to_dict()))["chip"]
    assert document["layout"] == "crossbar"
    assert document["delays"]["mean"] == late.placed.delays().mean
    assert Ledger.of(counts, chip=Chip(lasers=20)).placed.lasers == 20


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"lasers": 0}, "lasers must be from 1 to 1000000, got 0"),
        ({"synapses": -1}, "synapses must be from 0 to .*, got -1"),
        ({"layout": "ring"}, "layout must be one of 'mesh', 'crossbar', got 'ring'.*"),
        ({"path": "acoustic"}, "path must be one of 'optical', 'electrical', got 'acoustic'.*"),
        (
            {"area_per_weight": 3600},
            r"area_per_weight must be from 0.0001 µm² to 1e\+08 µm², got 3.6e\+15 µm²: .*3600 µm²\?",
        ),
        ({"area_per_weight": "3 µm"}, "area_per_weight must be an area .*, got '3 µm', a length"),
        ({"pitch": 0}, "pitch must be from 100 nm to 100 mm, got 0 m"),
        ({"group_index": 0.5}, "group_index must be from 1 to 100, got 0.5.*"),
        ({"latency": -1e-12}, "latency must be from 0 to 1 µs, got -1 ps"),
        ({"weights": 3}, "chip setting must be one of .*, got 'weights'.*"),
    ],
)
def test_bad_chips_are_refused_in_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ph.InvalidInput, match=f"^{sentence}$"):
        Chip.from_dict({"lasers": 9, **values})


def test_a_chip_without_room_is_refused() -> None:
    with pytest.raises(ph.InvalidInput, match="^chip must have room for 9 lasers, got one of 4$"):
        Chip.of(Chip(lasers=4), lasers=9)
    with pytest.raises(ph.InvalidInput, match="^chip must have room for 9 lasers, got one of 4$"):
        Chip.of({"lasers": 4}, lasers=9)
    with pytest.raises(ph.InvalidInput, match="^chip must be .*, got 3$"):
        Chip.of(untyped(3), lasers=9)
    with pytest.raises(ph.InvalidInput, match="^window must be above 0 s, got 0$"):
        Chip(lasers=9).most_lasers(0)
    for times in (1, 1e6, float("nan")):
        with pytest.raises(ph.InvalidInput, match="^times must be .*, got .*$"):
            Chip(lasers=9).smallest_window(times=times)


def test_texts_have_units() -> None:
    texts: dict[str, Any] = {"area_per_weight": "400 µm²", "pitch": "5 um", "latency": "3ps"}
    chip = Chip(lasers=9, **texts)
    assert chip == Chip(lasers=9, area_per_weight=400 * um**2, pitch=5e-6, latency=3 * ps)
    assert Chip.from_dict(chip.to_dict()) == chip
