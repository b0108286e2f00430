"""Results are those recorded before the house was redrawn; see `tests.golden`."""

import json

import pytest

from tests import golden

RECORD = json.loads(golden.FILE.read_text())
# Sums of Python and NumPy, and random integers: the same everywhere.
ANYWHERE = {"exact", "exact, evidence"} | {
    name for name in golden.CASES if name.startswith("translation")
}


def test_every_case_is_recorded() -> None:
    assert set(RECORD) == {"processor", *golden.CASES}


@pytest.mark.parametrize("name", golden.CASES)
def test_results_are_those_recorded(name: str) -> None:
    if name not in ANYWHERE and RECORD["processor"] != golden.processor():
        pytest.skip(f"recorded on another processor: {RECORD['processor']}")
    assert golden.CASES[name]() == RECORD[name]


def test_another_seed_gives_another_record() -> None:
    assert golden._run("gibbs", seed=1) != RECORD["gibbs"]
