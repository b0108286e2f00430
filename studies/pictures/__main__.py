"""``python -m studies.pictures``: draw what is old, or say what is."""

import argparse
import sys
from pathlib import Path

from studies.pictures import manifest
from studies.pictures.manifest import IMAGES
from studies.pictures.sources import PICTURES

from photinus._core import files

VECTORS = Path(__file__).parents[2] / "build" / "figures"


def draw(name: str, vectors: Path | None = None) -> None:
    """Draw one picture and note what it was drawn from."""
    picture = PICTURES[name]
    figure, path = picture.draw(), IMAGES / f"{name}.png"
    figure.savefig(path, metadata={"Software": None})
    if vectors is not None:
        for ending in ("pdf", "svg"):
            figure.savefig(files.make_folder(vectors) / f"{name}.{ending}")
    manifest.write(manifest.read() | {name: manifest.entry(picture, path)})


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m studies.pictures", description=__doc__)
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="pictures (default: those that are old)")
    add("--all", action="store_true", help="draw all, also as PDF and SVG")
    add("--check", action="store_true", help="draw nothing, fail if one is old")
    options = parser.parse_args()
    if unknown := sorted({*options.names} - {*PICTURES}):
        parser.error(f"NAME must be one of {', '.join(PICTURES)}, got {unknown[0]!r}")
    if options.check:
        found = manifest.faults()
        for line in found:
            print(f"docs/images/{line}: make figures", file=sys.stderr)
        return 1 if found else 0
    wanted = options.names or [n for n in PICTURES if options.all or manifest.old(n) is not None]
    for name in wanted:
        draw(name, VECTORS if options.all else None)
        print(f"docs/images/{name}.png", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
