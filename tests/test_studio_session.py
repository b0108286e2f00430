"""What one page looks at: its pace, its rest, and what it is refused."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the studio's server needs the extra studio")

from photinus.faces.studio import session as sessions
from photinus.faces.studio.frames import unpacked
from photinus.faces.studio.messages import Press, Settings
from photinus.faces.studio.problems import Shelf
from photinus.faces.studio.runs import MOST_LANES
from photinus.faces.studio.session import LONGEST_REST, Session


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let frames take their time, so that they are the same on a computer that is busy."""
    monkeypatch.setattr(sessions, "BUDGET", 1e6)


@pytest.mark.usefixtures("unhurried")
def test_speed_is_kept_to() -> None:
    session = Session(Shelf(), clock=iter(np.arange(1000) / 8).__next__)
    session.answer(Settings("network", {"problem": "pair", "substrate": "gibbs", "speed": 48}))
    draws = [unpacked(session.answer(None, (), True)[0])["draws"] for _ in range(21)]
    # What the first frames could not simulate, before the pace is known, comes up to one draw late.
    assert np.diff(draws)[2:].tolist() == [6] * 18


def test_slow_motion_rests_between_draws() -> None:
    now = 0.0
    session = Session(Shelf(), clock=lambda: now)
    session.answer(Settings("network", {"problem": "pair", "substrate": "gibbs", "speed": 1}))
    assert unpacked(session.answer(None, (), True)[-1])["draws"] == 1
    assert session.rest() == LONGEST_REST
    empty = unpacked(session.answer(None, (), True)[0])
    assert {*empty} == {"kind", "kept_up"}
    for _ in range(9):
        now += 0.1
        session.answer(None, (), True)
    now += 0.04
    assert session.rest() == pytest.approx(0.06)
    now += 0.07
    assert session.rest() <= 0
    assert unpacked(session.answer(None, (), True)[0])["draws"] == 2


def test_what_is_too_large_says_what_would_do() -> None:
    session = Session(Shelf())
    (frame,) = session.answer(Settings("network", {"problem": "ring", "chains": 16}))
    refused = unpacked(frame)
    assert [values for _, values in refused["offers"]] == [
        {"substrate": "laser-reduced"},
        {"chains": 5},
    ]
    assert 200 * 5 <= MOST_LANES["laser"] < 200 * 6
    assert "ring" in refused["titles"]
    (frame,) = session.answer(Settings("network", {"problem": "digits", "substrate": "lif", "chains": 256}))  # fmt: skip
    assert [values for _, values in unpacked(frame)["offers"]] == [{"chains": MOST_LANES["lif"] // 138}]


def test_spikes_that_mean_off_are_told() -> None:
    session = Session(Shelf())
    session.answer(Settings("network", {"problem": "pair", "substrate": "laser-reduced"}))
    view: Any = session._view
    assert view.about()["flipped"].tolist() == [0, 0]
    view._run.network = view._run.network.replace(gauge=[True, False])
    assert view.about()["flipped"].tolist() == [1, 0]


@pytest.mark.usefixtures("unhurried")
def test_reset_gives_the_same_draws() -> None:
    session = Session(Shelf(), clock=iter(np.arange(1000) * 0.1).__next__)
    session.answer(Settings("network", {"problem": "pair", "substrate": "gibbs", "speed": 60}))
    first = [session.answer(None, (), True) for _ in range(4)]
    (about,) = session.answer(None, [Press("reset")])
    assert unpacked(about)["kind"] == "about"
    assert [session.answer(None, (), True) for _ in range(4)] == first
    assert first[0] != first[1]
