"""What is said of the package is what is in it: extras, locks, citation."""

import re
import tomllib
from pathlib import Path

import photinus as ph

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_extra_is_in_the_table() -> None:
    table = (ROOT / "docs" / "start" / "install.md").read_text()
    told = re.findall(r"^\| `(\w[\w-]*)` \|", table, re.MULTILINE)
    assert sorted(told) == sorted(PROJECT["project"]["optional-dependencies"])


def test_locks_pin_every_dependency_by_its_hash() -> None:
    for name, extra in (("demo", "demo"), ("dev", "dev")):
        text = (ROOT / "locks" / f"{name}.lock").read_text()
        pinned = set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))
        assert all("--hash=sha256:" in part for part in re.split(r"\n(?=\S)", text) if part.strip())
        assert wanted(extra) <= pinned


def test_what_the_main_job_needs_is_locked_alike_for_tests() -> None:
    locks = [(ROOT / "locks" / f"{name}.lock").read_text() for name in ("demo", "dev")]
    demo, dev = (set(re.findall(r"^[\w.-]+==[^ ]+", text, re.MULTILINE)) for text in locks)
    assert demo <= dev
    assert len(demo) < len(dev)


def wanted(extra: str) -> set[str]:
    """Return the names of what the package and an extra need."""
    project = PROJECT["project"]
    names: set[str] = set()
    ahead = [*project["dependencies"], *project["optional-dependencies"][extra]]
    for text in ahead:
        if text.startswith("photinus["):
            for each in text[len("photinus[") : -1].split(","):
                ahead += project["optional-dependencies"][each]
        else:
            names.add(re.split(r"[ <>=;\[]", text)[0].lower())
    return names


def test_citation_has_the_version_of_the_package() -> None:
    text = (ROOT / "CITATION.cff").read_text()
    assert f"version: {ph.__version__}\n" in text
    assert PROJECT["project"]["version"] == ph.__version__


def test_types_are_shipped() -> None:
    assert (ROOT / "src" / "photinus" / "py.typed").exists()
