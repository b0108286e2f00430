"""Chips as they are laid out: links of their own loss, delay, gain and bits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus.errors import InvalidInput
from photinus.networks.layout import Layout, Link
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
        (('to = "B"\nbits', 'to = "D"\nbits'), "laser of a link must be one of .*'D'"),
        (('from = "C"', 'from = "B"'), "must go to another laser"),
        (('from = "C"\nto = "B"', 'from = "A"\nto = "B"'), "got two from 'A' to 'B'"),
        (('length = "600 um"', 'length = "600 um"\ndelay = "1 ps"'), "length or delay, got both"),
        (("gain = 2.0", "gian = 2.0"), "did you mean 'gain'"),
        (("[[link]]", "[[links]]"), "must be one of 'group_index', 'latency', 'link'"),
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
        ("", "links must have at least 1"),
        ("from,to\nA", "line 2 must have 2 cells, got 1"),
        ("from,to,bits\nA,B,many", "bits in line 2 must be a whole number, got 'many'"),
        ("from,to,loss [ps]\nA,B,3", "loss in line 2 must be"),
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
    status, _, err = run(
        "sample", "model.json", "--layout", "chip.toml", "--substrate", "gibbs", "--force"
    )
    assert status == 2
    assert "--layout must go with a substrate of lasers" in err
