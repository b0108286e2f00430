"""Pages of results: where studies write them, and the line that says where figures come from."""

import datetime
import os
import subprocess
from pathlib import Path

from photinus import __version__
from photinus._core import files
from photinus._core.threads import processor

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def write_page(docs: Path, name: str, text: str, results: Path) -> Path:
    """Write a page into a folder like `docs`, and return its path.

    Below the title comes the origin of the figures, whose results lie in the folder `results`.
    """
    title, rest = text.split("\n", 1)
    path = files.make_folder(docs / "results") / f"{name}.md"
    files.write_text(path, f"{title}\n\n{origin(results)}\n{rest}")
    return path


def origin(results: Path) -> str:
    """Return the line that says when figures were measured, by which code, and where."""
    first, last = days(results)
    measured = f"on {first}" if first == last else f"from {first} to {last}"
    return f"*Measured {measured} with Photinus {code()}, on {machine()}.*"


def days(results: Path) -> tuple[datetime.date, datetime.date]:
    """Return the days of the oldest and the newest file of a folder; today if it holds none."""
    times = [path.stat().st_mtime for path in results.rglob("*") if path.is_file()]
    found = sorted(datetime.date.fromtimestamp(time) for time in times)
    return (found[0], found[-1]) if found else (datetime.date.today(),) * 2


def code() -> str:
    """Return version and commit of the code that runs; ``+`` tells of changes that no commit has."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return f"{__version__}, commit {commit}" if commit else __version__


def machine() -> str:
    """Return the processor's name and the number of its threads."""
    return f"{processor()}, {os.cpu_count()} threads"
