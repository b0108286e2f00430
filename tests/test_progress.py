"""Progress bars: rich's on a terminal, tqdm's in a notebook, lines where there is neither."""

import io
import sys
from types import ModuleType
from typing import Any

import pytest

import photinus as ph
from photinus._core.progress import (
    NotebookProgress,
    Part,
    Progress,
    TerminalProgress,
    automatic,
    tracked,
)
from tests.narrow import untyped


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def within_ipython(monkeypatch: pytest.MonkeyPatch, shell: object) -> None:
    """Pretend that IPython has been imported, and that it runs or not."""
    fake = ModuleType("IPython")
    untyped(fake).get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "IPython", fake)


@pytest.mark.parametrize(
    ("shell", "terminal", "kind"),
    [
        (object(), False, NotebookProgress),
        (object(), True, TerminalProgress),
        (None, False, TerminalProgress),
        (None, True, TerminalProgress),
    ],
)
def test_the_display_fits_the_place(
    shell: object, terminal: bool, kind: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    within_ipython(monkeypatch, shell)
    monkeypatch.setattr(sys, "stderr", Terminal() if terminal else io.StringIO())
    assert type(automatic()) is kind
    assert isinstance(automatic(), Progress)


def test_without_ipython_or_tqdm_it_is_the_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert type(automatic()) is TerminalProgress
    within_ipython(monkeypatch, object())
    monkeypatch.setitem(sys.modules, "tqdm.auto", untyped(None))
    assert type(automatic()) is TerminalProgress


def test_a_notebook_sees_a_run_advance(monkeypatch: pytest.MonkeyPatch) -> None:
    within_ipython(monkeypatch, object())
    told = io.StringIO()
    monkeypatch.setattr(sys, "stderr", told)
    machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    options: dict[str, Any] = {"chains": 4, "draws": 20, "burn_in": 5, "seed": 1}
    silent = ph.sample(machine, "gibbs", **options)
    assert told.getvalue() == ""
    run = ph.sample(machine, "gibbs", **options, progress=True)
    assert "sampling on gibbs: 100 %" in told.getvalue()
    assert (run.states == silent.states).all()


def test_a_bar_is_closed_when_a_run_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    within_ipython(monkeypatch, object())
    told = io.StringIO()
    monkeypatch.setattr(sys, "stderr", told)

    def fails() -> None:
        with tracked(True, "failing", 4) as advance:
            advance(1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert told.getvalue().endswith("\n")


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute apart at least; a task within another one counts there."""
    told, clock = io.StringIO(), [0.0]
    monkeypatch.setattr(sys, "stderr", told)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    with tracked(True, "judging", 10) as advance:
        for seconds in (0, 20, 31, 40, 62):
            clock[0] = float(seconds)
            advance(1)
        with tracked(Part(advance, 4), "measuring", 2) as inner:
            clock[0] = 100.0
            inner(1)
        clock[0] = 200.0
        advance(1)
    assert told.getvalue().splitlines() == [
        "photinus: judging, 30 % after 31 s",
        "photinus: judging, 50 % after 62 s",
        "photinus: judging, 70 % after 100 s",
        "photinus: judging, 100 % after 200 s",
    ]
