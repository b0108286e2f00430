"""The explorer of devices: its space, what counts as better, and the search."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from studies.explorer import MEASURED_FIRST

import photinus as ph
from photinus import LaserParameters
from photinus.errors import InvalidInput, MissingDependency
from photinus.faces.explorer import explore, search
from photinus.faces.explorer.measuring import Budget, Found, beats
from photinus.faces.explorer.search import AIMS, NOTHING, candidates, finished, measured
from photinus.faces.explorer.space import SPACE, around, inside, laser_of, point_of
from tests.conftest import Run


@pytest.mark.parametrize("name", MEASURED_FIRST)
def test_presets_lie_in_the_space_and_come_back_from_it(name: str) -> None:
    preset = LaserParameters.preset(name)
    point = point_of(preset)
    assert all(low <= point[key] <= high for key, (low, high, _) in SPACE.items())
    again = laser_of(point)
    for key, value in preset.to_dict().items():
        if isinstance(value, float):
            assert getattr(again, key) == pytest.approx(value, rel=1e-9)


def test_what_the_space_leaves_open_is_as_in_the_base() -> None:
    base = LaserParameters.preset(wavelength=1.3e-6, output_efficiency=0.4)
    found = laser_of({**point_of(base), "absorption": 2.0}, "mine", base)
    assert (found.name, found.wavelength, found.output_efficiency) == ("mine", 1.3e-6, 0.4)
    assert point_of(found)["absorption"] == pytest.approx(2.0)


def test_a_space_around_a_laser_has_it_inside() -> None:
    laser = LaserParameters.preset("slow-absorber")
    space = around(laser, 1.5)
    assert inside(laser, space) == pytest.approx(point_of(laser))
    low, high, _ = space["absorber_lifetime"]
    assert (low * 1.5, high / 1.5) == pytest.approx((laser.absorber_lifetime,) * 2)


DEFAULT = Found([1.0, 1.1, 0.9], [2.0, 2.1, 1.9], [0.010, 0.012, 0.011])


@pytest.mark.parametrize(
    ("rate", "energy", "kl", "better"),
    [
        (2.0, 0.5, 1.0, True),
        (2.0, 0.5, 1.01, True),  # no worse beyond its error: the ratios scatter
        (1.0, 0.5, 1.0, False),  # not faster
        (2.0, 1.0, 1.0, False),  # not cheaper
        (2.0, 0.5, 3.0, False),  # farther from its target
    ],
)
def test_better_is_faster_and_cheaper_and_no_worse(
    rate: Any, energy: Any, kl: Any, better: Any
) -> None:
    scatter = (0.98, 1.0, 1.02)
    found = Found(
        [rate * x for x in DEFAULT.rate],
        [energy * x for x in DEFAULT.energy],
        [kl * x * s for x, s in zip(DEFAULT.kl, scatter, strict=True)],
    )
    assert beats(found, DEFAULT) is better


def test_a_gain_within_its_error_is_none() -> None:
    """Twice as fast on one machine and half as fast on another says nothing."""
    found = Found([2.0, 0.55, 0.9], [1.0, 1.0, 1.0], DEFAULT.kl)
    assert not beats(found, DEFAULT)


def test_candidates_are_the_presets_and_devices_spread_along_the_front() -> None:
    optuna = pytest.importorskip("optuna")
    study = optuna.create_study(directions=AIMS)

    def add(rate: Any, energy: Any, kl: Any, *others: Any, **attributes: Any) -> None:
        values = (rate, energy, kl, *(others or (0.5, 0.01)))
        trial = optuna.trial.create_trial(values=values, user_attrs=attributes)
        study.add_trial(trial)

    add(1e9, 5e-14, 0.001, called="fast-absorber")
    for k in range(9):
        add(2e9 - 1e8 * k, (20 - k) * 1e-15, 0.005)
    add(3e9, 1e-15, 0.5)  # fast and cheap, but far from its targets
    add(1e8, 1e-13, 0.001)  # beaten by all
    add(*NOTHING, why_not="does not pulse")
    numbers = [trial.number for trial in candidates(study, 3)]
    assert numbers == [0, 1, 5, 9]
    assert len(finished(study)) == len(measured(study)) + 1 == 13


def test_without_optuna_one_sentence_names_the_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingDependency, match=r"exploring devices needs optuna.*photinus\[explore\]"):
        explore("search")
    status, _, err = run("explore")
    assert (status, err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"devices": 0}, "devices must be"),
        ({"within": 1.0}, "within must be"),
        ({"synapse": "wire"}, "synapse must be"),
        ({"first": [3]}, "every one of first must be"),
        ({"first": [LaserParameters.preset()] * 2}, "first must be lasers of different names"),
    ],
)
def test_bad_arguments_are_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        explore("search", **options)


def test_a_search_goes_on_and_its_devices_are_files(
    run: Run, calibration: ph.Calibration, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("optuna")
    looked = []

    def quick(laser: LaserParameters, **_: Any) -> ph.Calibration:
        looked.append(laser.name)
        return calibration

    monkeypatch.setattr(search, "calibrate", quick)
    monkeypatch.setattr(search, "SEARCH", Budget(range(1), 16, 40, 0))
    options = ("--within", "1.1", "--out", "found", "--json")
    status, out, err = run("explore", "fast-absorber", "--devices", "2", *options)
    assert status == 0, err
    assert looked == ["fast-absorber", "device 1"]
    status, out, err = run("explore", "fast-absorber", "--devices", "3", *options)
    assert (status, len(looked)) == (0, 3)
    names = {row["device"] for row in json.loads(out)["devices"]}
    assert "fast-absorber" in names
    for name in names:
        path = tmp_path / "found" / f"{name.replace(' ', '-')}.json"
        assert LaserParameters.from_dict(json.loads(path.read_text())).name == name
    status, _, err = run("explore", "fast-absorber", "--devices", "3", "--out", "found")
    assert (status, "search of the same space" in err) == (2, True)
