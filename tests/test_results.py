"""Kept results: what is there is read, the rest is measured, whole or not at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photinus._core.results import ArrayResults, Results
from photinus.errors import InvalidInput

KINDS = {"json": Results, "npz": ArrayResults}
FOUND = {"kl": 0.25, "counts": [1, 2, 3], "name": "ψ"}


@pytest.fixture(params=KINDS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Results:
    """Return an empty folder of results, of documents or of arrays."""
    return KINDS[request.param](tmp_path / "new" / "results", "photinus-test", schema=2)


def counting(calls: list[int], found: dict[str, Any] = FOUND) -> Any:
    def measure() -> dict[str, Any]:
        calls.append(1)
        return found

    return measure


def test_each_result_is_measured_once(kept: Results) -> None:
    calls: list[int] = []
    told: list[str] = []
    assert kept.read("a") is None
    first = kept.get("a", counting(calls), tell=lambda name, _: told.append(name))
    again = kept.get("a", counting(calls), tell=lambda name, _: told.append(name))
    assert len(calls) == 1
    assert told == ["a"]
    assert kept.path("a").exists()
    for found in (first, again):
        assert found["kl"] == 0.25
        assert np.array_equal(found["counts"], [1, 2, 3])
        assert found["name"] == "ψ"
        assert 0 <= found["seconds"] < 10
    assert first["seconds"] == again["seconds"]
    assert kept.get("b", counting(calls))["kl"] == 0.25
    assert len(calls) == 2


def test_what_stops_leaves_nothing(kept: Results) -> None:
    def stop() -> dict[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept.get("a", stop)
    assert kept.read("a") is None
    assert not list(kept.folder.glob("*"))


def test_damaged_and_former_results_are_measured_again(kept: Results) -> None:
    calls: list[int] = []
    kept.get("a", counting(calls))
    content = kept.path("a").read_bytes()
    for cut in (0, 1, len(content) // 2, len(content) - 5):
        kept.path("a").write_bytes(content[:cut])
        assert kept.read("a") is None
        kept.get("a", counting(calls))
    assert len(calls) == 5
    for schema, kind in ((3, "photinus-test"), (2, "photinus-other")):
        assert type(kept)(kept.folder, kind, schema).read("a") is None
    assert type(kept)(kept.folder, "photinus-test", 1).read("a") is None
    assert kept.read("a") is not None


def test_documents_are_as_others_read_them(tmp_path: Path) -> None:
    written = Results(tmp_path, "photinus-test", 2).write("a", {"kl": np.float64(0.5)})
    assert json.loads((tmp_path / "a.json").read_text()) == written
    assert written == {"kind": "photinus-test", "schema": 2, "kl": 0.5}


def test_arrays_of_before_count(tmp_path: Path) -> None:
    """Parts of studies were archives without kind and schema."""
    np.savez_compressed(tmp_path / "part.npz", loss=[0.5, 1.0], seconds=2.0)
    found = ArrayResults(tmp_path, "photinus-test").get("part", lambda: pytest.fail("measured"))
    assert found["seconds"] == 2.0
    assert found["loss"].tolist() == [0.5, 1.0]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(InvalidInput, match="file"):
        Results(tmp_path / "file", "photinus-test").write("a", FOUND)
    assert (tmp_path / "file").read_text() == "precious"
