"""The ledger: the energy balance closes, sums agree, nothing unpriced is zero, bad lists are told."""

import html
import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import photinus as ph
from photinus.devices.laser import instability_pump, spike
from photinus.errors import InvalidInput
from photinus.faces import cli
from photinus.faces.figures import comparison as pictured
from photinus.hardware import (
    CASES,
    Chip,
    Counts,
    Heat,
    Ledger,
    Peer,
    Prices,
    Receiver,
    balance,
    comparison,
    headline,
    noisy_balance,
    own_gibbs,
    peers,
    recorded_balance,
)
from photinus.hardware.counts import photons_per_spike
from photinus.hardware.ledger import CURRENTS
from photinus.hardware.prices import UNITS
from photinus.hardware.receivers import pulse_share
from photinus.networks.imperfections import Imperfections
from tests.narrow import array, lasers, there, untyped

MACHINE = ph.BoltzmannMachine(
    [[0.0, 0.8, 0.0], [0.8, 0.0, -0.5], [0.0, -0.5, 0.0]], [0.1, -0.3, 0.4], labels=["a", "b", "c"]
)
PRICE = {"value": 1e-13, "unit": "J/update", "source": "data sheet", "kind": "datasheet"}


@pytest.fixture(scope="module")
def samples() -> ph.Samples:
    return ph.sample(MACHINE, chains=8, draws=100, seed=1, threads=1)


@pytest.fixture(scope="module")
def ledger(samples: ph.Samples) -> Any:
    return samples.ledger()


@pytest.fixture(scope="module")
def gibbs() -> Peer:
    return own_gibbs(MACHINE, seconds=0.01, threads=1)


# --- energy balance


@pytest.mark.parametrize("preset", ["fast-absorber", "slow-absorber"])
def test_balance_closes_per_spike(preset: str) -> None:
    calibration = ph.Calibration.preset(preset)
    laser = calibration.laser
    pump = 1.3 * calibration.midpoint / laser.gain_lifetime
    account = balance(laser, pump, 20 * laser.gain_lifetime).per_spike
    assert account.residual < 0.01
    assert account.emitted > 0.1 * account.pump


def test_balance_closes_with_noise() -> None:
    calibration = ph.Calibration.preset()
    laser = calibration.laser
    account = noisy_balance(laser, 1.1 * calibration.midpoint / laser.gain_lifetime, 100e-9, seed=3)
    assert account.spikes > 50
    assert account.per_spike.residual < 0.01


def single_laser(duration: float, start: float) -> Any:
    """Return an uncoupled laser at 1.1 times the pump of half activation, and its recorded run."""
    network = lasers(ph.translate(ph.BoltzmannMachine([[0.0]], [0.0]), ph.Calibration.preset()))
    network = network.replace(pump=1.1 * network.pump)
    recording = ph.Recording(units=(0,), start=start, stop=duration)
    return network, ph.simulate(network, duration, seed=1, threads=1, recording=recording)


def test_balance_of_the_simulation_closes() -> None:
    network, run = single_laser(100e-9, 10e-9)
    account = recorded_balance(network, run)
    assert account.spikes > 50
    assert account.residual < 0.01
    # A laser whose absorber was another one, as a twin, does not fit to these waveforms.
    other = network.parameters.replace(absorber_lifetime=15e-12)
    assert recorded_balance(network.replace(parameters=other), run).residual > 0.01


def test_balance_of_the_simulation_needs_one_recorded_laser() -> None:
    network, run = single_laser(2e-9, 1e-9)
    with pytest.raises(ph.InvalidInput, match="waveforms, got none"):
        recorded_balance(network, replace(run, waveforms=None))
    coupled = lasers(ph.translate(MACHINE, ph.Calibration.preset()))
    with pytest.raises(ph.InvalidInput, match="without synapses to it, got 1"):
        recorded_balance(coupled, run, unit=1)


@pytest.mark.parametrize("term", ["spontaneous", "absorbed", "emitted"])
def test_balance_without_a_term_does_not_close(term: str) -> None:
    calibration = ph.Calibration.preset()
    laser = calibration.laser
    account = balance(laser, 1.3 * calibration.midpoint / laser.gain_lifetime, 20e-9)
    without: dict[str, Any] = {term: 0.0}
    assert replace(account, **without).residual > 0.05


def test_stored_energy_is_needed_over_a_part_of_a_period() -> None:
    # From the middle of a recovery on the gain section fills up: without that the balance is open.
    calibration = ph.Calibration.preset()
    laser = calibration.laser
    account = balance(laser, 1.3 * calibration.midpoint / laser.gain_lifetime, 0.2e-9)
    assert account.residual < 0.01
    assert replace(account, stored=0.0).residual > 0.05


def test_balance_of_noise_agrees_with_the_rate_equations_far_above_threshold() -> None:
    laser = ph.LaserParameters.preset()
    pump = 2.0 * laser.threshold_carriers / laser.gain_lifetime
    quiet, noisy = balance(laser, pump, 40e-9), noisy_balance(laser, pump, 40e-9, seed=5)
    assert noisy.emitted == pytest.approx(quiet.emitted, rel=0.1)
    assert noisy.pump == pytest.approx(quiet.pump, rel=0.01)


def test_balance_without_spikes_has_no_mean_spike() -> None:
    laser = ph.LaserParameters.preset()
    with pytest.raises(ph.InvalidInput, match="at least 1 spike, got 0"):
        _ = balance(laser, 0.1 * laser.threshold_carriers / laser.gain_lifetime, 1e-9).per_spike


# --- counts


def test_counts_of_a_run(samples: Any, ledger: Any) -> None:
    c = ledger.counts
    window = samples.network.window
    kept = samples.spikes.time > samples.burn_in * window
    seconds = samples.chains * samples.draws * window
    assert c.spikes == pytest.approx(kept.sum() / seconds)
    fan_out = np.count_nonzero(samples.network.coupling, axis=0)
    assert c.synaptic_events == pytest.approx(fan_out[samples.spikes.unit[kept]].sum() / seconds)
    assert c.pump == pytest.approx(samples.network.pump.sum())
    assert (c.lasers, c.free, c.synapses) == (3, 3, 4)
    assert c.updates == pytest.approx(3 / window)
    assert 0 < c.effective <= c.states


def test_renewing_pulses_are_counted_in_part() -> None:
    # Lasers that are on nearly always spike again before their pulse has ended.
    busy = ph.BoltzmannMachine([[0.0, 0.5], [0.5, 0.0]], [3.0, 3.0])
    run = ph.sample(busy, chains=4, draws=100, seed=1, threads=1)
    renewing = run.ledger().counts.driving
    network = lasers(run.network)
    kernel = replace(network.kernel, renewing=False)
    additive = replace(run, network=network.replace(kernel=kernel)).ledger().counts
    assert 0.5 * additive.driving < renewing < 0.98 * additive.driving
    again = Counts.from_rates(network, additive.spikes / 2)
    assert again.driving == pytest.approx(additive.driving, rel=0.05)


def test_share_of_renewed_pulses_by_hand() -> None:
    kernel = ph.SynapticKernel(kick=0, sustain=1, duration=2.0)
    chain, unit = np.array([0, 0, 0, 0, 1], np.int32), np.array([0, 1, 0, 0, 0], np.int32)
    time = np.array([1.0, 1.5, 2.0, 9.0, 2.5])
    share = pulse_share(kernel, chain, unit, time)
    np.testing.assert_allclose(share, [1, 1, 0.5, 1, 1])
    smooth = pulse_share(replace(kernel, shape="exponential"), chain, unit, time)
    np.testing.assert_allclose(smooth, [1, 1, 1 - np.exp(-0.5), 1 - np.exp(-3.5), 1])
    np.testing.assert_array_equal(pulse_share(replace(kernel, renewing=False), chain, unit, time), 1)


def test_evidence_by_pump_needs_no_laser() -> None:
    run = ph.sample(MACHINE, chains=4, draws=50, seed=2, clamp={"b": 1}, threads=1)
    c = run.ledger().counts
    assert (c.lasers, c.free, c.synapses) == (2, 2, 2)
    network = lasers(run.network)
    strength = np.abs(array(network.coupling)[[0, 2], 1]).sum() / network.parameters.gain_lifetime
    assert c.driving == pytest.approx(strength)
    off = ph.sample(MACHINE, chains=4, draws=50, seed=2, clamp={"b": 0}, threads=1)
    assert off.ledger().counts.driving == 0


def test_evidence_by_laser_is_a_laser_that_runs() -> None:
    run = ph.sample(MACHINE, chains=4, draws=50, seed=2, clamp={"b": 1}, clamp_mode="laser", threads=1)
    c = run.ledger().counts
    assert (c.lasers, c.free, c.synapses) == (3, 2, 4)
    network = lasers(run.network)
    assert c.pump == pytest.approx(network.pump[[0, 2]].sum() + network.driven_pump[1])


def test_planned_counts_agree_with_a_network_of_that_size() -> None:
    calibration = ph.Calibration.preset()
    plain = ph.BoltzmannMachine(np.zeros((4, 4)), np.zeros(4))
    run = ph.sample(plain, chains=16, draws=200, seed=4, threads=1).ledger().counts
    planned = Counts.planned(calibration, lasers=4, synapses=0, weight=0)
    assert planned.pump == pytest.approx(run.pump, rel=0.02)
    # 4 x 16 lasers over 220 ns each: about 6000 spikes, a standard error near 1 %.
    assert planned.spikes == pytest.approx(run.spikes, rel=0.06)
    assert planned.synaptic_events == planned.driving == 0


@pytest.mark.parametrize("preset", ["fast-absorber", "slow-absorber"])
def test_light_of_a_spike_agrees_with_the_rate_equations(preset: str) -> None:
    # Kicked by 5 % of its threshold carriers, the quiet laser gives a spike near the mean one.
    calibration = ph.Calibration.preset(preset)
    laser, threshold = calibration.laser, calibration.detection_threshold
    kicked = spike(laser).photons_emitted
    pump = instability_pump(laser)
    assert photons_per_spike(laser, pump, threshold) == pytest.approx(kicked, rel=0.15)
    assert photons_per_spike(laser, 0.5 * pump, threshold) == photons_per_spike(laser, pump, threshold)


def test_all_light_is_more_than_that_of_the_spikes() -> None:
    calibration = ph.Calibration.preset()
    laser, threshold = calibration.laser, calibration.detection_threshold
    pump = instability_pump(laser)
    account = noisy_balance(laser, pump, 100e-9, threshold=threshold, chains=2, seed=0).per_spike
    assert account.emitted / laser.photon_energy > 1.15 * spike(laser).photons_emitted


# --- the circuit of a synapse


@pytest.mark.parametrize(
    ("change", "place", "one_shots", "part"),
    [
        ({}, "source", 1, "retriggerable"),
        ({"renewing": False}, "source", 1, "in turn"),
        ({"shape": "exponential"}, "source", 1, "fixed voltage"),
        ({"shape": "exponential", "renewing": False}, "target", 0, "linear amplifier"),
        ({"sustain": 0.0, "renewing": False}, "target", 0, "linear amplifier"),
        ({"sustain": 0.0}, "source", 1, "fixed voltage"),
    ],
)
def test_only_linear_filters_go_without_one_shots(
    change: dict[str, Any], place: str, one_shots: int, part: str
) -> None:
    receiver = Receiver.of(replace(ph.Calibration.preset().kernel, **change))
    assert (receiver.place, receiver.one_shots) == (place, one_shots)
    assert part in receiver.circuit


def test_state_photons_and_price_agree_with_the_synapse() -> None:
    network = lasers(ph.translate(MACHINE, ph.Calibration.preset()))
    linear = replace(network.kernel, shape="exponential", renewing=False)
    one_shot, filtered = (
        Ledger.of(Counts.from_rates(network.replace(kernel=kernel), 1e9))
        for kernel in (network.kernel, linear)
    )
    price = {name: Prices.default().entries[name].value for name in Prices.default().entries}
    paid = [
        sum(line.power("expected") or 0 for line in ledger.lines if line.name not in CURRENTS)
        for ledger in (one_shot, filtered)
    ]
    # An on-off receiver decides once a window and sets off a one-shot, an amplifier draws all the time.
    c = one_shot.counts
    on_off = c.spikes * price["one_shot"] + c.lasers / c.window * price["detection"]
    assert paid[0] - paid[1] == pytest.approx(on_off - c.lasers * price["amplification"])
    assert "amplification" in filtered.left_out("best")
    assert "amplification" not in one_shot.left_out("best")
    rows, other = dict(one_shot.count_rows()), dict(filtered.count_rows())
    # A detector at the source sees the whole spike, one at the target a share of it.
    whole = float(rows["light and current of a spike"].split()[0].replace(",", ""))
    share = float(other["light and current of a synaptic event"].split()[0].replace(",", ""))
    fan_out = one_shot.counts.synaptic_events / one_shot.counts.spikes
    assert whole == pytest.approx(fan_out * share, rel=0.02)
    assert "timer per source" in rows["synapse"]
    assert "charge per target" in other["synapse"]


# --- sums


def test_energies_times_rates_are_the_power(ledger: Any) -> None:
    c = ledger.counts
    for case in CASES:
        energy = ledger.energies(case)
        for name, rate in (
            ("spike", c.spikes),
            ("synaptic event", c.synaptic_events),
            ("unit update", c.updates),
            ("state", c.states),
            ("effective sample", c.effective),
        ):
            assert energy[name] * rate == pytest.approx(ledger.power(case))
        lines = [line.power(case) for line in ledger.lines]
        assert sum(p for p in lines if p is not None) == pytest.approx(ledger.power(case))


def test_best_case_is_the_current_times_the_photon_energy_in_volts(samples: Any, ledger: Any) -> None:
    laser = samples.network.parameters
    volts = laser.photon_energy / 1.602176634e-19
    currents = samples.network.currents.sum() + ledger.counts.driving * 1.602176634e-19
    assert ledger.power("best") == pytest.approx(volts * currents)


def test_light_is_less_than_the_pump_that_makes_it(ledger: Any) -> None:
    assert 0 < ledger.counts.optical_power < ledger.power("best")


def test_cases_are_ordered(ledger: Any) -> None:
    best, expected, worst = (ledger.power(case) for case in CASES)
    assert 0 < best < expected < worst


def test_unpriced_is_listed_and_never_zero(ledger: Any) -> None:
    assert ledger.unpriced == ("supply", "synaptic_event", "static")
    for line in ledger.lines:
        assert (line.price is None) == (line.name in ledger.unpriced)
        if line.price is None:
            assert all(line.power(case) is None for case in CASES)
    assert set(ledger.unpriced) <= set(ledger.left_out("worst"))
    rows = {row[0]: row[1:] for row in ledger.price_rows()}
    assert rows["static power: temperature, bias, control"][0] == "unpriced"


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    name=st.sampled_from([name for name in UNITS if name not in ("pump", "driving")]),
    value=st.floats(0, 1e-3),
    more=st.floats(1, 100),
)
def test_a_higher_price_never_lowers_the_power(name: str, value: float, more: float) -> None:
    counts = Counts(
        parameters=ph.LaserParameters.preset(), lasers=5, free=4, synapses=8, window=1e-9, pump=1e14,
        driving=1e13, spikes=1e9, synaptic_events=1e10, photons=1e13,
    )  # fmt: skip
    entry = {"unit": UNITS[name], "source": "here", "kind": "user"}
    low = Ledger.of(counts, {name: {"value": value, **entry}})
    high = Ledger.of(counts, {name: {"value": more * value, **entry}})
    assert low.power("expected") <= high.power("expected")
    assert name not in low.unpriced
    line = next(line for line in low.lines if line.name == name)
    assert line.power("expected") == line.count * value
    assert low.power("best") == high.power("best")


@settings(max_examples=20, deadline=None, derandomize=True)
@given(factor=st.floats(1, 10))
def test_power_grows_with_the_rates(factor: float) -> None:
    network = lasers(ph.translate(MACHINE, ph.Calibration.preset()))
    few, many = (Counts.from_rates(network, rate) for rate in (1e8, 1e8 * factor))
    for name in ("spikes", "synaptic_events", "driving", "photons"):
        assert getattr(many, name) == pytest.approx(factor * getattr(few, name))
    assert Ledger.of(many).power("worst") >= Ledger.of(few).power("worst")


# --- bad input


@pytest.mark.parametrize(
    ("tables", "parts"),
    [
        ({"detecton": PRICE}, ("detecton", "did you mean 'detection'?")),
        ({"detection": {**PRICE, "value": -1e-13}}, ("detection must be at least 0", "-1e-13")),
        ({"detection": {**PRICE, "value": "cheap"}}, ("must be a number", "cheap")),
        ({"detection": {**PRICE, "unit": "W"}}, ("'J/update'", "'W'")),
        ({"detection": {**PRICE, "source": " "}}, ("source", "must be a text")),
        ({"detection": {**PRICE, "kind": "guess"}}, ("kind", "'guess'")),
        ({"detection": {**PRICE, "high": 1e-14}}, ("low to its high end",)),
        ({"detection": {**PRICE, "vlaue": 1}}, ("vlaue", "did you mean 'value'?")),
        ({"detection": 3.0}, ("must be a table", "3.0")),
        *(
            (
                {"detection": {k: v for k, v in PRICE.items() if k != gone}},
                (f"have a {gone}", "missing"),
            )
            for gone in PRICE
        ),
    ],
)
def test_bad_prices_are_one_sentence(
    tables: dict[str, dict[str, float | str] | float], parts: tuple[str, ...]
) -> None:
    with pytest.raises(ph.InvalidInput) as error:
        Prices.of(tables)
    sentence = str(error.value)
    assert "\n" not in sentence
    for part in parts:
        assert part in sentence


def test_bad_arguments_are_told(samples: ph.Samples) -> None:
    with pytest.raises(ph.InvalidInput, match="prices must be"):
        samples.ledger(untyped(3))
    with pytest.raises(ph.InvalidInput, match="case must be one of"):
        samples.ledger().power("hopeful")
    with pytest.raises(ph.InvalidInput, match="at least 0 per second, got -1"):
        Counts.from_rates(lasers(samples.network), -1.0)
    with pytest.raises(ph.InvalidInput, match="rates must have 3 entries, got 2"):
        Counts.from_rates(lasers(samples.network), [1.0, 2.0])
    with pytest.raises(ph.InvalidInput, match="effective_share must be at most 1, got 2"):
        Counts.from_rates(lasers(samples.network), 1e8, effective_share=2)
    with pytest.raises(ph.InvalidInput, match="activation must be from"):
        Counts.planned(ph.Calibration.preset(), lasers=2, synapses=2, weight=1, activation=1.5)
    with pytest.raises(ph.InvalidInput, match="synapses must be from 0 to 2, got 3"):
        Counts.planned(ph.Calibration.preset(), lasers=2, synapses=3, weight=1)


@pytest.mark.parametrize("substrate", ["gibbs", "ideal", "lif"])
def test_only_lasers_have_a_ledger(substrate: str) -> None:
    run = ph.sample(MACHINE, substrate, chains=2, draws=10, burn_in=2, seed=0, threads=1)
    with pytest.raises(ph.InvalidInput, match=f"a run on lasers, got one on '{substrate}'"):
        run.ledger()


def test_a_tempered_run_has_no_ledger() -> None:
    run = ph.sample(
        MACHINE, chains=2, draws=10, burn_in=2, seed=0, threads=1,
        tempering=ph.Tempering(hottest=2, period=8),
    )  # fmt: skip
    with pytest.raises(ph.InvalidInput, match="keeps its spikes, got a tempered one"):
        run.ledger()


# --- comparison


def test_peers_are_cited_and_marked() -> None:
    known = peers()
    assert len(known) >= 14
    assert len({peer.name for peer in known}) == len(known)
    for peer in known:
        assert peer.source
        assert peer.leaves_out
        assert (peer.total(10) is None) == (peer.speed_evidence == "")
        assert (peer.energy(10.0) is None) == (peer.energy_evidence == "")
        if "recalled" in (peer.speed_evidence, peer.energy_evidence):
            assert not peer.verified
            assert "recalled" in peer.source


def test_figure_draws_unverified_machines_hollow(ledger: Any, gibbs: Any) -> None:
    known = [*peers(), gibbs]
    axes = pictured.figure(ledger, known).axes[0]
    hollow = sum(
        line.get_marker() in ("o", "^", "v", "<") and line.get_markerfacecolor() == "white"
        for line in axes.get_lines()
    )
    placed = [peer for peer in known if peer.total(3) is not None or peer.energy(1.0) is not None]
    assert {peer.name for peer in known} - {peer.name for peer in placed} == {"FPGA RBM"}
    assert hollow == sum(not peer.verified for peer in placed)
    assert {peer.name for peer in placed} <= {text.get_text() for text in axes.texts}
    assert axes.get_xscale() == axes.get_yscale() == "log"


def covered(axes: Any) -> Any:
    """Return the pairs of names that cover each other, and the markers that names cover."""
    axes.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    pairs = sum(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    marks = [line for line in axes.get_lines() if line.get_marker() != "None"]
    at = [axes.transData.transform(point) for line in marks for point in line.get_xydata()]
    return pairs, sum(box.contains(*point) for box in boxes for point in at)


def test_names_in_the_figure_cover_neither_each_other_nor_markers(ledger: Any, gibbs: Any) -> None:
    known = [*peers(), gibbs]
    axes = pictured.figure(ledger, known).axes[0]
    assert covered(axes) == (0, 0)
    # Two machines at one place beside the real ones, and names on their markers as the twin.
    one = next(peer for peer in known if peer.name == "BrainScaleS-2")
    axes = pictured.figure(ledger, [*known, replace(one, name="its neighbour on the rack")]).axes[0]
    assert covered(axes) == (0, 0)
    for text in axes.texts[-2:]:
        text.set(position=axes.texts[-3].get_position(), rotation=0)
    assert covered(axes)[0] > 0


def test_table_holds_every_machine(ledger: Any, gibbs: Any) -> None:
    table = comparison.rows(ledger, [*peers(), gibbs])
    assert len(table) == len(peers()) + 2
    assert all(len(row) == len(comparison.HEAD) for row in table)


def test_headline_is_made_of_the_figures(ledger: Any, gibbs: Any) -> None:
    reference = next(peer for peer in peers() if peer.name == "BrainScaleS-2")
    c = ledger.counts
    slow = replace(gibbs, updates=c.updates / 1234)
    sentence = headline(ledger, slow)
    assert "1,234 ×" in sentence
    assert f"{c.states * 512 / reference.updates:,.0f} ×" in sentence
    assert f"{c.updates / reference.updates:.2g} ×" in sentence
    assert headline(ledger, replace(gibbs, updates=c.updates / 777)) != sentence
    known = headline(ledger, replace(slow, effective=c.effective / 555))
    assert "(555 × in effective samples)" in known
    assert "effective" not in headline(ledger, replace(slow, effective=None))
    alone = headline(ledger)
    assert "Gibbs" not in alone
    assert f"that is {c.states * 512 / reference.updates:,.0f} × BrainScaleS-2 per unit" in alone


def test_own_gibbs_is_timed_and_priced_only_on_request(gibbs: Peer) -> None:
    assert there(gibbs.updates) > 0
    assert gibbs.energy(1.0) is None
    priced = own_gibbs(MACHINE, seconds=0.01, threads=1, power=20.0)
    low, high = there(priced.energy(1.0))
    assert low == high == pytest.approx(20.0 / there(priced.updates))


# --- command line


def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: Path | str
) -> Any:
    monkeypatch.setattr(sys, "argv", ["photinus", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    return stop.value.code or 0, out, err


def test_command_line_end_to_end(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    samples: Any,
    ledger: Any,
) -> None:
    store = tmp_path / "run.zarr"
    samples.save(store)
    code, out, _ = command(monkeypatch, capsys, "ledger", store)
    assert code == 0
    assert "Unpriced, in no sum: supply, synaptic_event, static" in out
    code, out, _ = command(monkeypatch, capsys, "ledger", store, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["power"]["worst"] == pytest.approx(ledger.power("worst"))
    assert found["counts"]["spikes"] == pytest.approx(ledger.counts.spikes)
    prices = tmp_path / "prices.toml"
    prices.write_text(
        '[static]\nvalue = 0.5\nunit = "W/chip"\nsource = "data sheet"\nkind = "datasheet"\n'
    )
    code, out, _ = command(monkeypatch, capsys, "ledger", store, "--prices", prices, "--json")
    found = json.loads(out)
    assert found["power"]["worst"] == pytest.approx(ledger.power("worst") + 0.5)
    assert found["unpriced"] == ["supply", "synaptic_event"]
    given = ("--chip", "latency=20ps", "--chip", "layout=crossbar", "--chip", "lasers=7")
    code, out, _ = command(monkeypatch, capsys, "ledger", store, *given, "--json")
    assert code == 0
    placed = Chip(lasers=7, synapses=4, layout="crossbar", latency=20e-12)
    assert json.loads(out)["chip"]["delays"]["mean"] == placed.delays().mean
    for wrong, part in (("layout=ring", "layout must be one of"), ("lasers=2", "room for 3 lasers")):
        code, _, err = command(monkeypatch, capsys, "ledger", store, "--chip", wrong)
        assert code == 2
        assert part in err
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[statik]\nvalue = 1", "did you mean 'static'?"),
        ("[static\n", "is not a valid price list"),
        ("[static]\nvalue = 1\nunit = 'W/chip'\nkind = 'user'", "must have a source"),
    ],
)
def test_command_line_refuses_bad_lists(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    text: str,
    part: str,
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(text)
    code, _, err = command(monkeypatch, capsys, "ledger", tmp_path / "none.zarr", "--prices", prices)
    assert code == 2
    assert part in err
    assert "Traceback" not in err
    assert err.count("\n") == 1


TOLERANCES = {
    "kind": "photinus-tolerances",
    "schema": 1,
    "about": "four machines",
    "head": ["imperfection", "translated", "refined"],
    "rows": [["drift of the pumps", "0.5 %", "1.2 %"]],
}


def test_report_has_a_chapter_on_hardware(samples: ph.Samples) -> None:
    from photinus.faces.report.run import run_page

    page = run_page(samples)
    assert page.count("<h2>Hardware</h2>") == 1
    chapter = page[page.index("<h2>Hardware</h2>") :]
    for title in ("What the chip does", "Prices", "Power and energy", "Appendix: other machines"):
        assert f"<h3>{title}</h3>" in chapter
    assert "Energy against speed.</b>" in chapter
    assert "weights on" in chapter
    assert "Tolerances" not in page
    gibbs_run = ph.sample(MACHINE, "gibbs", chains=2, draws=20, burn_in=2, seed=0, threads=1)
    assert "Hardware" not in run_page(gibbs_run)


def test_a_report_reads_and_measures_nothing(
    monkeypatch: pytest.MonkeyPatch, samples: ph.Samples, gibbs: Peer
) -> None:
    """The same run gives the same page; this computer's sampler is in it if it was timed before."""
    from photinus.faces.report.hardware import NOT_TIMED
    from photinus.faces.report.run import run_page

    def timed(*_: Any, **__: Any) -> None:
        raise AssertionError("something was timed")

    monkeypatch.setattr("photinus.hardware.comparison.GibbsSampler", timed)
    page = run_page(samples)
    assert page == run_page(samples)
    assert html.unescape(page).count(NOT_TIMED) == 1
    assert gibbs.name not in page
    compared = run_page(samples, gibbs=gibbs)
    assert compared.count(gibbs.name) == 2
    assert "was not timed" not in compared
    assert headline(samples.ledger(), gibbs) in html.unescape(compared)
    assert headline(samples.ledger()) in html.unescape(page)
    exact = ph.sample(MACHINE, "exact", chains=2, draws=20, burn_in=2, seed=0, threads=1)
    with pytest.raises(ph.InvalidInput, match="gibbs must go with a run on lasers, got one on 'exact'"):
        run_page(exact, gibbs=gibbs)


def test_the_command_times_gibbs_on_request(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    samples: ph.Samples,
) -> None:
    monkeypatch.setattr("photinus.hardware.comparison.GIBBS_SECONDS", 0.01)
    store = tmp_path / "run.zarr"
    samples.save(store)
    assert command(monkeypatch, capsys, "report", store, "--time-gibbs")[0] == 0
    assert "Gibbs here" in (tmp_path / "run.html").read_text()
    other = tmp_path / "exact.zarr"
    ph.sample(MACHINE, "exact", chains=2, draws=20, burn_in=2, seed=0, threads=1).save(other)
    code, _, err = command(monkeypatch, capsys, "report", other, "--time-gibbs")
    assert code == 2
    assert err == "photinus: --time-gibbs must go with a run on lasers, got one on 'exact'\n"
    assert not (tmp_path / "exact.html").exists()


def test_report_shows_tolerances_that_are_given(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    samples: ph.Samples,
) -> None:
    store, tolerances = tmp_path / "run.zarr", tmp_path / "tolerances.json"
    samples.save(store)
    tolerances.write_text(json.dumps(TOLERANCES))
    code, _, err = command(monkeypatch, capsys, "report", store, "--tolerances", tolerances)
    assert (code, err) == (0, "")
    page = (tmp_path / "run.html").read_text()
    for part in ("<h3>Tolerances</h3>", "four machines", "<td>1.2 %</td>"):
        assert part in page
    assert "Gibbs here" not in page  # which is timed on request


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"kind": "photinus-ledger"}, "must hold a photinus-tolerances, got 'photinus-ledger'"),
        ({"schema": 2}, "schema from 1 to 1, got 2"),
        ({"rows": [["a", "b"]]}, "rows must have 3 cells each"),
        ({"rows": 3}, "is not a valid table of tolerances"),
    ],
)
def test_bad_tolerances_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    change: dict[str, Any],
    part: str,
) -> None:
    path = tmp_path / "tolerances.json"
    path.write_text(json.dumps({**TOLERANCES, **change}))
    code, _, err = command(monkeypatch, capsys, "report", tmp_path / "x.zarr", "--tolerances", path)
    assert code == 2
    assert part in err
    assert err.count("\n") == 1


def test_report_names_the_imperfections_of_a_run() -> None:
    from photinus.faces.report.rows import run_rows

    faulty = ph.sample(
        MACHINE, chains=2, draws=10, burn_in=2, seed=0, threads=1,
        imperfections=Imperfections(lost_spikes=0.1, weight_bits=4),
    )  # fmt: skip
    assert dict(run_rows(faulty))["imperfections"] == "weight_bits = 4, lost_spikes = 0.1"


def test_a_short_run_does_not_tell_its_effective_samples(samples: Any, ledger: Any) -> None:
    assert ledger.counts.effective is not None
    short = ph.sample(MACHINE, chains=8, draws=9, burn_in=2, seed=1, threads=1)
    assert short.ledger().counts.effective is None
    assert short.ledger().energies()["effective sample"] is None


# --- heat


def test_heat_is_what_currents_bring_less_light_and_warms_by_resistance(ledger: Ledger) -> None:
    c = ledger.counts
    heat = Heat.of(ledger, thermal_resistance=2e5, characteristic_temperature=50.0)
    brought = (c.pump + c.driving) * c.parameters.photon_energy - c.optical_power
    assert heat.laser * c.lasers == pytest.approx(brought)
    assert heat.warming == pytest.approx(2e5 * heat.laser)
    assert heat.threshold_rise == pytest.approx(np.expm1(heat.warming / 50.0))
    assert heat.density * ledger.placed.side**2 == pytest.approx(ledger.power("expected"))
    assert [what for what, _ in heat.rows()][1] == "it is warmer by"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"thermal_resistance": -1.0}, "thermal_resistance must be at least 0"),
        ({"characteristic_temperature": 0.0}, "characteristic_temperature must be"),
        ({"thermal_resistance": "3 W"}, "thermal_resistance"),
    ],
)
def test_bad_heat_is_one_sentence(ledger: Ledger, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        Heat.of(ledger, **options)
