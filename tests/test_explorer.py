"""The study of devices: its space, and what counts as better."""

from typing import Any

import pytest

optuna = pytest.importorskip("optuna")

from studies.explorer import (  # noqa: E402
    AIMS,
    MEASURED_FIRST,
    NOTHING,
    SPACE,
    Found,
    beats,
    candidates,
    finished,
    laser_of,
    measured,
    point_of,
)

from photinus import LaserParameters  # noqa: E402


@pytest.mark.parametrize("name", MEASURED_FIRST)
def test_presets_lie_in_the_space_and_come_back_from_it(name: str) -> None:
    preset = LaserParameters.preset(name)
    point = point_of(preset)
    assert all(low <= point[key] <= high for key, (low, high, _) in SPACE.items())
    again = laser_of(point)
    for key, value in preset.to_dict().items():
        if isinstance(value, float):
            assert getattr(again, key) == pytest.approx(value, rel=1e-9)


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
    study = optuna.create_study(directions=AIMS)

    def add(rate: Any, energy: Any, kl: Any, *others: Any, **attributes: Any) -> None:
        values = (rate, energy, kl, *(others or (0.5, 0.01)))
        trial = optuna.trial.create_trial(values=values, user_attrs=attributes)
        study.add_trial(trial)

    add(1e9, 5e-14, 0.001, preset="fast-absorber")
    for k in range(9):
        add(2e9 - 1e8 * k, (20 - k) * 1e-15, 0.005)
    add(3e9, 1e-15, 0.5)  # fast and cheap, but far from its targets
    add(1e8, 1e-13, 0.001)  # beaten by all
    add(*NOTHING, why_not="does not pulse")
    numbers = [trial.number for trial in candidates(study, 3)]
    assert numbers == [0, 1, 5, 9]
    assert len(finished(study)) == len(measured(study)) + 1 == 13
