"""Chips as they are laid out: links of their own loss, delay, gain and bits."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus.devices.laser import spike
from photinus.errors import InvalidInput
from photinus.hardware import Chip, Counts, Ledger, delay_share
from photinus.hardware.links import link_budget, undriven
from photinus.learning.refinement import _structure
from photinus.networks.couplings import dense
from photinus.networks.lasers import is_of_lasers
from photinus.networks.layout import Layout, Link
from photinus.networks.touchstone import transmissions
from photinus.units import ps, speed_of_light
from tests.conftest import Run

LABELS = ("A", "B", "C")
TOML = """
group_index = 4.0
latency = "10 ps"

[[link]]
from = "A"
to = "B"
loss = "3 dB"
length = "600 um"
gain = 2.0

[[link]]
from = "B"
to = "A"
loss = 0.25
delay = "7 ps"

[[link]]
from = "B"
to = "C"

[[link]]
from = "C"
to = "B"
bits = 2
"""
TABLE = """from,to,loss [dB],length [um],delay [ps],gain,bits
A,B,3,600,,2,
B,A,1.2493873660829995,,7,,

B,C,,,,,
C,B,,,,,2
"""


@pytest.fixture
def machine() -> ph.BoltzmannMachine:
    return ph.BoltzmannMachine(
        [[0.0, 1.0, 0.0], [1.0, 0.0, -0.5], [0.0, -0.5, 0.0]], [0.1, -0.2, 0.3], labels=LABELS
    )


@pytest.fixture
def designed(machine: ph.BoltzmannMachine, calibration: ph.Calibration) -> ph.LaserNetwork:
    return ph.translate(machine, calibration, rule="measured", gauge="none")  # type: ignore[return-value]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "chip.toml").write_text(TOML)
    (tmp_path / "chip.csv").write_text(TABLE)
    return tmp_path


def test_each_link_gets_its_own_loss_delay_and_gain(designed: ph.LaserNetwork, written: Path) -> None:
    chip = Layout.load(written / "chip.toml").apply(designed)
    before, after = np.asarray(designed.coupling), np.asarray(chip.coupling)
    # The target comes first: A = 0, B = 1, C = 2. Different numbers either way show a swap.
    assert after[1, 0] == pytest.approx(before[1, 0] * 2 * 10**-0.3)
    assert after[0, 1] == pytest.approx(before[0, 1] * 0.75)
    assert after[2, 1] == before[2, 1]
    step = np.abs(before).max() / 3
    assert after[1, 2] == pytest.approx(np.rint(before[1, 2] / step) * step)
    delay = np.asarray(chip.delay)
    assert delay[1, 0] == pytest.approx(600e-6 * 4 / speed_of_light + 10 * ps)
    assert delay[0, 1] == pytest.approx(17 * ps)
    assert delay[2, 1] == pytest.approx(10 * ps)
    assert delay[0, 2] == 0


def test_a_table_is_read_as_the_same_layout(written: Path) -> None:
    text = TOML.replace('latency = "10 ps"', "").replace("4.0", "4.2")
    (written / "plain.toml").write_text(text)
    table, document = Layout.load(written / "chip.csv"), Layout.load(written / "plain.toml")
    for one, other in zip(table.links, document.links, strict=True):
        assert (one.source, one.target, one.bits) == (other.source, other.target, other.bits)
        assert one.loss == pytest.approx(other.loss)
        assert one.delay == pytest.approx(other.delay)


def test_labels_that_are_numbers_are_found_by_their_names(calibration: ph.Calibration) -> None:
    machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0, 0])
    network: Any = ph.translate(machine, calibration)
    chip = Layout(links=(Link("0", "1", loss=0.5), Link(1, 0))).apply(network)
    ratio = np.asarray(chip.coupling)[1, 0] / np.asarray(network.coupling)[1, 0]
    assert ratio == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("loss = 0.25", "loss = 1.25"), "loss of the link from 'B' to 'A' must be from 0 to 1"),
        (
            ('to = "B"\nbits', 'to = "D"\nbits'),
            "laser of the link from 'C' to 'D' must be one of .*'D'",
        ),
        (('from = "C"', 'from = "B"'), "must go to another laser"),
        (('from = "C"\nto = "B"', 'from = "A"\nto = "B"'), "got two from 'A' to 'B'"),
        (('length = "600 um"', 'length = "600 um"\ndelay = "1 ps"'), "length or delay, got both"),
        (("gain = 2.0", "gian = 2.0"), "did you mean 'gain'"),
        (("[[link]]", "[[links]]"), "entry of a layout must be one of .* .did you mean 'link'"),
        (("bits = 2", "bits = 0"), "bits of the link from 'C' to 'B' must be"),
        (('from = "C"\nto = "B"', 'from = "A"\nto = "C"'), "none goes from 'C' to 'B'"),
    ],
)
def test_what_cannot_be_built_is_one_sentence(
    designed: ph.LaserNetwork, tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    assert change[0] in TOML
    (tmp_path / "x.toml").write_text(TOML.replace(*change))
    with pytest.raises(InvalidInput, match=sentence):
        Layout.load(tmp_path / "x.toml").apply(designed)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it must have a head, as from, to, loss, got an empty file"),
        ("from,to,loss\nA,B,2.48", r"got 2.48: did you mean 2.48 dB or 2.48 %\?"),
        ("from,to,loss [dB]\nA,B,-2.48", r"got -2.48 dB: did you mean 2.48 dB\?"),
        ("from,to,loss [dB]\nA,B,abc", "loss of the link from 'A' to 'B' in line 2 must be"),
        ("from,to,los [dB]\nA,B,3", r"column must be one of .*'los' \(did you mean 'loss'"),
        ("from,to,loss,loss\nA,B,0,0", "columns must differ, got 'loss' twice"),
        ("from,to\nA", "line 2 must have 2 cells, got 1"),
        (
            "from,to,bits\nA,B,many",
            "bits of the link from 'A' to 'B' in line 2 must be a whole number, got 'many'",
        ),
        ("from,to,loss [ps]\nA,B,3", "loss of the link from 'A' to 'B' in line 2 must be"),
        ("from,loss\nA,3", "'to', which is missing"),
    ],
)
def test_a_wrong_table_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(InvalidInput, match=sentence):
        Layout.load(tmp_path / "x.csv")


def test_commands_take_a_layout(
    run: Run, machine: ph.BoltzmannMachine, designed: ph.LaserNetwork, written: Path
) -> None:
    machine.save(written / "model.json")
    fixed = ("--gauge", "none", "--rule", "measured")
    assert run("translate", "model.json", "--layout", "chip.toml", *fixed)[0] == 0
    built = ph.LaserNetwork.load(written / "network.json")
    expected = Layout.load(written / "chip.toml").apply(designed)
    np.testing.assert_allclose(np.asarray(built.coupling), np.asarray(expected.coupling))
    few = ("--chains", 8, "--draws", 5, "--burn-in", 2)
    status, _, err = run("sample", "model.json", "--layout", "chip.toml", *fixed, *few)
    assert status == 0, err
    stored: Any = ph.load(written / "run.zarr").network
    np.testing.assert_allclose(np.asarray(stored.coupling), np.asarray(expected.coupling))
    # There is no link between A and C, so refinement sets none; without a layout it may.
    fault = ("--imperfection", "efficiency_mismatch=10%")
    short = (*fixed[:2], *fault, "--chains", 64, "--draws", 60, "--rounds", 3, "--force")
    coupled = []
    for layout in (("--layout", "chip.toml"), ()):
        assert run("refine", "model.json", *layout, *short)[0] == 0
        coupled.append(np.asarray(ph.LaserNetwork.load(written / "network.json").coupling)[0, 2] != 0)
    assert coupled == [False, True]
    status, _, err = run(
        "sample", "model.json", "--layout", "chip.toml", "--substrate", "gibbs", "--force"
    )
    assert status == 2
    assert "--layout must go with a substrate of lasers" in err


CHIP = """
instances:
  A: {component: nanolaser}
  B: {component: nanolaser}
  C: {component: nanolaser}
  split: {component: mmi1x2}
  cross: {component: crossing}
  long: {component: straight, settings: {length: 500}}
  bend: {component: bend_euler, info: {length: 16.5}}
  join: {component: mmi1x2}
placements:
  C: {x: 0, y: 0}
  join: {x: 300, y: -100}
nets:
  - {p1: "A,o2", p2: "split,o1"}
  - {p1: "split,o2", p2: "long,o1"}
  - {p1: "long,o2", p2: "cross,o1"}
  - {p1: "cross,o3", p2: "B,o1"}
  - {p1: "B,o2", p2: "cross,o2"}
  - {p1: "cross,o4", p2: "bend,o1"}
  - {p1: "bend,o2", p2: "join,o2"}
  - {p1: "split,o3", p2: "join,o3"}
routes:
  optical: {links: {"join,o1": "C,o1"}}
"""
RULES = """
netlist = "chip.yml"
group_index = 4.0
loss_per_cm = "3 dB"
crossing_loss = "1 dB"

[component.mmi1x2]
loss = "0.5 dB"
"""


def decibels(loss: float, gain: float) -> float:
    return -10 * np.log10((1 - loss) * gain)


def test_a_netlist_of_gdsfactory_is_followed_from_laser_to_laser(tmp_path: Path) -> None:
    """Losses and lengths of all ways, by hand; light is not turned round at a crossing."""
    (tmp_path / "chip.yml").write_text(CHIP)
    (tmp_path / "chip.toml").write_text(RULES)
    links = {(x.source, x.target): x for x in Layout.load(tmp_path / "chip.toml").links}
    # From A both ways of a splitter are taken; that each gets a half is part of the design.
    by_hand = {
        ("A", "B"): (3.5 + 0.15 + 1.0 - 10 * np.log10(2), 500e-6),
        ("A", "C"): (3.5 + 3.5 + 0.12 - 10 * np.log10(2), 400e-6),
        ("B", "C"): (1.0 + 0.00495 + 3.5 + 0.12, 416.5e-6),
    }
    half = 10 * np.log10(2) - 3  # of a splitter, beyond 3 dB
    halves = {("A", "B"): 1, ("A", "C"): 2, ("B", "C"): 1}
    assert links.keys() == by_hand.keys()
    for ends, (loss, length) in by_hand.items():
        found = links[ends]
        assert decibels(found.loss, found.gain) == pytest.approx(loss + halves[ends] * half)
        assert found.delay == pytest.approx(length * 4 / speed_of_light)
    # As gdsfactory writes it without rules.
    plain = Layout.load(tmp_path / "chip.yml")
    assert {(x.source, x.target) for x in plain.links} == by_hand.keys()
    assert decibels(plain.links[0].loss, plain.links[0].gain) == pytest.approx(0)


def test_a_measured_component_is_followed_by_its_powers(tmp_path: Path) -> None:
    """Three forms of numbers of one splitter, a fifth to o2 and half to o3, one way only."""
    size = {"o2": 0.2**0.5, "o3": 0.5**0.5}
    forms = {
        "MA": lambda x: (x, 30.0),
        "RI": lambda x: (0.6 * x, 0.8 * x),
        "DB": lambda x: (20 * np.log10(max(x, 1e-9)), 30.0),
    }
    chip = CHIP.replace("component: mmi1x2", "component: tap", 1)
    (tmp_path / "chip.yml").write_text(chip)
    (tmp_path / "chip.toml").write_text('netlist = "chip.yml"\n[component.tap]\ntouchstone = "t.s3p"\n')
    for form, pair in forms.items():
        matrix = [(0, 0, 0), (size["o2"], 0, 0), (size["o3"], 0, 0)]
        numbers = " ".join(f"{x:.9g}" for row in matrix for one in row for x in pair(one))
        rows = "\n".join(f"{frequency} {numbers}" for frequency in (190, 197))
        (tmp_path / "t.s3p").write_text(f"! a tap\n# THz S {form} R 50\n{rows}\n")
        links = {(x.source, x.target): x for x in Layout.load(tmp_path / "chip.toml").links}
        to_b, to_c = links["A", "B"], links["A", "C"]
        assert (1 - to_b.loss) * to_b.gain == pytest.approx(2 * 0.2, rel=1e-6)
        assert (1 - to_c.loss) * to_c.gain == pytest.approx(2 * 0.5 / 2, rel=1e-6)
    # Of two ports, the second number is from the first port to the second.
    (tmp_path / "one.s2p").write_text(
        "# GHz S MA R 50\n190000 0 0 0.5 0 0.1 0 0 0\n195000 0 0 0.5 0 0.1 0 0 0"
    )
    power = transmissions(tmp_path / "one.s2p", 193e12)
    assert power[1, 0] == pytest.approx(0.25)
    assert power[0, 1] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("chip.yml", "instances: [", "is not YAML"),
        ("chip.yml", "cells: {}", "is not a valid netlist: it must have instances"),
        ("chip.yml", CHIP.replace("A,o2", "D,o2"), "instance of a net must be one of .*'D'"),
        ("chip.yml", CHIP.replace("nanolaser", "diode"), "among 0 laser.s. there is no such way"),
        ("chip.toml", RULES + "[[link]]\n", "must have links or a netlist, got both"),
        ("chip.toml", RULES.replace("\nloss =", "\nlos ="), "entry of component mmi1x2 must be one of"),
        ("chip.toml", RULES + 'touchstone = "no.s3p"', "no.s3p"),
        ("chip.toml", RULES + 'touchstone = "chip.yml"', "must end in .s1p to .s64p"),
    ],
)
def test_what_is_wrong_with_a_netlist_is_one_sentence(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / "chip.yml").write_text(CHIP)
    (tmp_path / "chip.toml").write_text(RULES)
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=said):
        Layout.load(tmp_path / "chip.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# GHz Z MA R 50\n1 0 0", "scattering parameters"),
        ("[Version] 2.0\n", "of version 1"),
        ("# GHz S MA R 50\n1 0 0 0", "rows of 3 numbers, got 4 in all"),
        ("# GHz S MA R 50\n2 0 0 1 0 0", "frequencies must rise"),
        ("# GHz S MA R 50\n1 0 0 2 0 0", "must include 193 THz, got 0.001 to 0.002 THz"),
        ("# GHz S MA R 50\n1 0 x", "could not convert"),
    ],
)
def test_what_is_no_touchstone_file_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.s1p").write_text(text)
    with pytest.raises(InvalidInput, match=said):
        transmissions(tmp_path / "x.s1p", 193e12)


def test_waveguides_crossings_splitters_and_crosstalk_enter(
    designed: ph.LaserNetwork, written: Path
) -> None:
    head = 'loss_per_cm = "2 dB"\ncrossing_loss = "0.5 dB"\nsplitter_loss = "0.4 dB"\n'
    text = head + TOML.replace('length = "600 um"', 'length = "600 um"\ncrossings = 3')
    (written / "lossy.toml").write_text(text)
    before = np.asarray(designed.coupling)
    after = np.asarray(Layout.load(written / "lossy.toml").apply(designed).coupling)
    # B feeds two targets by one stage of a tree, A one and thus none.
    assert after[1, 0] == pytest.approx(before[1, 0] * 2 * 10 ** -(0.3 + 0.012 + 0.15))
    assert after[2, 1] == pytest.approx(before[2, 1] * 10**-0.04)
    (written / "leaky.toml").write_text('crosstalk = "-20 dB"\n' + TOML)
    leaky = np.asarray(Layout.load(written / "leaky.toml").apply(designed).coupling)
    plain = np.asarray(Layout.load(written / "chip.toml").apply(designed).coupling)
    # Some light of A is taken for light of B by C, whose weight from B it gets; and less of A is left.
    assert plain[2, 0] == 0
    assert leaky[2, 0] == pytest.approx(0.01 * plain[2, 1], rel=1e-6)
    assert abs(leaky[2, 1]) < abs(plain[2, 1])


def test_links_that_cannot_be_driven_are_named(designed: ph.LaserNetwork, written: Path) -> None:
    """Photons and electrons by hand, from the spike and the pulse."""
    layout = Layout.load(written / "chip.toml")
    laser, kernel = designed.parameters, designed.kernel
    found = {(x.source, x.target): x for x in link_budget(layout, designed)}
    photons = spike(laser).optical_energy / laser.photon_energy
    assert found["A", "B"].photons == pytest.approx(photons * 10**-0.3)
    assert found["B", "A"].photons == pytest.approx(photons * 0.75 / 2)
    area = kernel.kick + kernel.sustain * kernel.duration / laser.gain_lifetime
    electrons = np.abs(np.asarray(designed.coupling)[1, 0]) * area / laser.pump_efficiency
    assert found["A", "B"].electrons == pytest.approx(electrons)
    assert found["A", "B"].driven is None
    needed = sorted(x.gain for x in found.values())
    between = (needed[-1] + needed[-2]) / 2
    weak = Layout(links=layout.links, receiver_gain=2 * between, weight_most=0.5)
    links = link_budget(weak, designed)
    assert [x.driven for x in links] == [False, True, True, True]
    assert undriven(links).startswith("1 of 4 links cannot be driven: ")
    assert repr(links[0].source) in undriven(links)
    assert undriven(links[1:]) == ""


def test_the_command_line_lists_links(run: Run, written: Path, machine: ph.BoltzmannMachine) -> None:
    code, said, _ = run("layout", written / "chip.toml")
    assert code == 0
    assert "18 ps" in said  # 600 µm at a group index of 4, and the latency
    machine.save(written / "machine.json")
    (written / "weak.toml").write_text("receiver_gain = 0.001\n" + TOML)
    code, said, _ = run("layout", written / "weak.toml", "--machine", written / "machine.json")
    assert code == 0
    assert "4 of 4 links cannot be driven" in said
    assert "Calibration: preset 'fast-absorber' (by default" in said
    network = written / "network.json"
    options = ("--layout", written / "weak.toml", "--out", network)
    code, _, told = run("translate", written / "machine.json", *options)
    assert code == 0
    assert told.count("4 of 4 links cannot be driven: ") == 1


def test_what_is_given_for_something_else_is_told(
    run: Run, written: Path, machine: ph.BoltzmannMachine
) -> None:
    machine.save(written / "machine.json")
    (written / "laser.toml").write_text('name = "mine"\n')
    options = ("--machine", written / "machine.json", "--calibration", written / "laser.toml")
    code, _, told = run("layout", written / "chip.toml", *options)
    assert code == 2
    assert "--calibration must be a calibration (.json), got" in told
    assert "which describes a laser" in told
    code, _, told = run("design", "fast-absorber", "--layout", written / "chip.toml")
    assert code == 2
    assert "random machines have 0 to 4, so give --machine" in told
    code, _, told = run("layout", written / "none.csv")
    assert code == 2
    assert told == f"photinus: file {str(written / 'none.csv')!r} does not exist\n"
    (written / "bytes.yml").write_bytes(b"\xd4\x00")
    (written / "bytes.toml").write_bytes(b"\xd4\x00")
    for name in ("bytes.yml", "bytes.toml"):
        assert "it must be text in UTF-8, got other bytes" in run("layout", written / name)[2]


def test_the_ledger_has_the_delays_of_the_layout(designed: ph.LaserNetwork, written: Path) -> None:
    built = Layout.load(written / "chip.toml").apply(designed)
    ledger = Ledger.of(Counts.from_rates(built, 1e8))
    delays = [10 + 600 * 4 / 299.792458, 17.0, 10.0, 10.0]
    assert ledger.delays.mean / ps == pytest.approx(np.mean(delays))
    assert ledger.delays.deviation / ps == pytest.approx(np.std(delays))
    assert ledger.smallest_window == pytest.approx(ledger.delays.mean / delay_share("fast-absorber"))
    rows = dict(ledger.count_rows())
    assert rows["delay of a synapse, of the network as it is laid out"].startswith("10 ps to 18 ps")
    assert rows["chip, planned"].endswith("for its area alone")
    assert Ledger.of(Counts.from_rates(designed, 1e8)).delays == Chip(lasers=3, synapses=4).delays()


def test_a_network_keeps_its_layout(
    run: Run, designed: ph.LaserNetwork, calibration: ph.Calibration, machine: ph.BoltzmannMachine
) -> None:
    """In files, through pickle and refinement, which couples only what has a link."""
    links = tuple(Link(a, b, 0.5, 7e-12) for a, b in ("AB", "BA", "BC", "CB"))
    chip = Layout(links=links, receiver_gain=1e-2, splitter_loss=0.1)
    laid = chip.apply(designed)
    for again in (laid, pickle.loads(pickle.dumps(laid)), laid.driven(laid.drive)):
        assert Layout.of(again) == chip
        np.testing.assert_allclose(dense(chip.designed(again).coupling), dense(designed.coupling))
    assert Layout.of(designed) is None
    with pytest.raises(InvalidInput, match="^network must not be laid out yet, got one that is"):
        chip.apply(laid)
    options: dict[str, Any] = {"chains": 8, "draws": 8, "most_rounds": 2, "seed": 1}
    refined = ph.refine(machine, calibration, network=laid, **options).network
    assert dense(refined.coupling)[0, 2] == 0
    assert Layout.of(there_is_laser(refined)) == chip
    assert (_structure(None, laid), _structure("all", laid)) == ("given", "all")
    assert _structure(None, designed) == "all"
    refined.save("refined.json")
    machine.save("m.json")
    few = ("--network", "refined.json", "--chains", 2, "--draws", 4)
    status, _, err = run("sample", "m.json", *few)
    assert status == 0
    assert "4 of 4 links cannot be driven" in err


def there_is_laser(network: Any) -> ph.LaserNetwork:
    assert is_of_lasers(network)
    return network
