"""What tests of several files share: machines, tolerances, fixtures."""

import os

# Before NumPy starts them: threads of its matrices would fight over the cores that tests share.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photinus import Calibration, SpikeTrains
from photinus._core.hush import VARYING
from photinus._core.threads import available_threads
from photinus.faces import cli

Run = Callable[..., tuple[int | str, str, str]]
"""What the fixture `run` is: arguments → (exit code, out, err)."""
ALPHA = 1e-6
"""False-alarm probability of a statistical test, unless it states another one."""

MOST_PROCESSES = 8


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes run tests: one more than cores, as some tests wait for processes."""
    return min(available_threads() + 1, MOST_PROCESSES)


@pytest.fixture(scope="session")
def calibration() -> Calibration:
    """Return the calibration of the default laser."""
    return Calibration.preset()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """Return a running cluster of two processes of this machine."""
    import distributed

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as running:
        yield running


def same_spikes(a: SpikeTrains | None, b: SpikeTrains | None) -> bool:
    """Return whether two results hold the same spikes, bit for bit, or both none."""
    if a is None or b is None:
        return a is b
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("chain", "unit", "time"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Return a function that runs the command line here and gives (exit code, out, err)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int | str, str, str]:
        monkeypatch.setattr(sys, "argv", ["photinus", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        if "--json" in arguments and not stop.value.code:
            assert not numbers_as_text(json.loads(out, parse_constant=_refused))
        assert not told_twice(err)
        return stop.value.code or 0, out, err

    return run


def told_twice(err: str) -> list[str]:
    """Return the sentences that a command told more than once, with the same or other numbers."""
    lines = [one for one in err.splitlines() if one.startswith("photinus: ")]
    told = Counter(VARYING.sub("", one) for line in lines for one in line[10:].split("; "))
    return [sentence for sentence, times in told.items() if times > 1]


FOR_PEOPLE = {"about", "rows", "version", "versions"}
"""Entries of documents whose text may begin with a digit."""


def numbers_as_text(document: Any, name: str = "") -> list[str]:
    """Return the entries of a document for programs that are numbers, but written as text."""
    if isinstance(document, dict):
        # What ends with "of" names units, which may be called 0 and 1.
        told = {k: each for k, each in document.items() if k not in FOR_PEOPLE and k[-3:] != "_of"}
        inside = [(f"{name}.{key}", each) for key, each in told.items()]
        return [found for entry in inside for found in numbers_as_text(entry[1], entry[0])]
    if isinstance(document, list):
        return [found for each in document for found in numbers_as_text(each, name)]
    number = isinstance(document, str) and re.match(r"[-+−±≤<>]? ?[\d.]*\d", document)
    return [f"{name}: {document}"] if number else []


def _refused(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
