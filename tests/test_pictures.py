"""Pictures of README and docs: all are drawn by one command, and none is old."""

import json
import re
import shutil
from pathlib import Path

import pytest
from studies.pictures import fingerprint, manifest, stored, tables
from studies.pictures.sources import CODE, HERE, KEPT, PICTURES

ROOT = Path(__file__).parents[1]
DATA_LIMIT = 1_000_000
"""Bytes that all stored results may take."""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return Path(shutil.copytree(manifest.IMAGES, tmp_path / "images"))


def test_no_picture_is_old() -> None:
    assert manifest.faults() == []


def test_pictures_that_are_old_are_found(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twins of the test above, one for each way to be old."""
    assert manifest.faults(images) == []
    (images / "robustness.png").write_bytes((images / "explorer.png").read_bytes())
    (images / "reduced.png").unlink()
    (images / "left-over.png").write_bytes(b"")
    entries = manifest.read(images)
    entries["mixing"]["drawn from"] = "0" * 16
    manifest.write(entries, images)
    assert manifest.faults(images) == [
        "robustness.png is not the picture that was drawn",
        "mixing.png is older than what draws it",
        "reduced.png is not there",
        "left-over.png is drawn by nothing",
    ]


def test_a_picture_is_old_once_its_code_data_or_page_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: picture.fingerprint() for name, picture in PICTURES.items()}
    data, docs = tmp_path / "data", tmp_path / "docs"
    shutil.copytree(stored.DATA, data)
    (data / "reduced.npz").write_bytes((data / "response.npz").read_bytes())
    (docs / "results").mkdir(parents=True)
    for page in (tables.DOCS / "results").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        changed = text.replace("| 162.5 |", "| 999.9 |") + "\nOne more sentence.\n"
        (docs / "results" / page.name).write_text(changed, encoding="utf-8")
    monkeypatch.setattr(stored, "DATA", data)
    monkeypatch.setattr("studies.pictures.sources.DOCS", docs)
    after = {name: picture.fingerprint() for name, picture in PICTURES.items()}
    assert {name for name in PICTURES if before[name] != after[name]} == {"reduced", "mixing"}


def test_a_picture_depends_on_the_code_that_it_uses() -> None:
    used = {
        name: {path.stem for path in fingerprint.used(HERE / f"{picture.module}.py", CODE)}
        for name, picture in PICTURES.items()
    }
    assert {"palette", "look", "canvas"} <= set.intersection(*used.values())
    assert {"plots", "posteriors", "stored"} <= used["demo"]
    assert "comparison" in used["hardware"]
    assert "tables" in used["robustness"]
    assert "plots" not in used["robustness"]


def test_comments_and_docstrings_draw_nothing(tmp_path: Path) -> None:
    text = 'def f(x):\n    """Say."""\n    return {"#": x}  # why\n'
    same = (
        'def f(\n    x,\n):\n    """Say it at\n\n    length."""\n    # because\n    return {"#": x}\n'
    )
    other = 'def f(x):\n    """Say."""\n    return {"#": x + 1}\n'
    digests = []
    for k, each in enumerate((text, same.replace(",\n):", "\n):"), other)):
        path = tmp_path / f"{k}.py"
        path.write_text(each)
        digests.append(fingerprint.code(path))
    assert digests[0] == digests[1] != digests[2]


def test_every_picture_of_a_page_is_drawn_by_the_command() -> None:
    known = {f"{name}.png" for name in PICTURES} | {*KEPT}
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    shown = {name for page in pages for name in re.findall(r"images/([\w.-]+)\)", page.read_text())}
    assert shown
    assert shown <= known
    assert known - shown == set(), "a picture that no page shows"


def test_stored_results_are_small() -> None:
    assert 0 < sum(path.stat().st_size for path in stored.DATA.iterdir()) < DATA_LIMIT
    kept = {path.stem for path in stored.DATA.iterdir()}
    assert kept == {picture.data for picture in PICTURES.values() if picture.data}


def test_tables_are_read_as_they_are_written(tmp_path: Path) -> None:
    page = tmp_path / "results" / "some.md"
    page.parent.mkdir()
    page.write_text(
        "# Some\n\n## One\n\n| n | KL |\n| --- | ---: |\n| 1,000 | −2.5e-05 ± 1e-06 |\n\nText.\n"
    )
    (row,) = tables.table("results/some", "One", tmp_path)
    assert row == {"n": "1,000", "KL": "−2.5e-05 ± 1e-06"}
    assert tables.numbers(row["KL"]) == [-2.5e-05, 1e-06]
    assert tables.numbers(row["n"]) == [1000]
    assert tables.table("results/some", "Two", tmp_path) == []


def test_the_manifest_has_nothing_else() -> None:
    entries = json.loads((manifest.IMAGES / manifest.NAME).read_text())
    assert {*entries} == {*PICTURES}
