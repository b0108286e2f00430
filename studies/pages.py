"""Pages of results: where studies write them."""

from pathlib import Path

from photinus._core import files

DOCS = Path(__file__).parents[1] / "docs"


def write_page(docs: Path, name: str, text: str) -> Path:
    """Write a page of results into a folder like `docs`, and return its path."""
    path = files.make_folder(docs / "results") / f"{name}.md"
    files.write_text(path, text)
    return path
