"""What each picture was drawn from, kept beside the pictures: tells which of them are old."""

import json
from pathlib import Path

from studies.pictures import fingerprint
from studies.pictures.sources import KEPT, PICTURES, Picture
from studies.pictures.tables import DOCS

from photinus._core import files

IMAGES = DOCS / "images"
NAME = "manifest.json"
Entries = dict[str, dict[str, str]]


def read(images: Path = IMAGES) -> Entries:
    """Return the entries: the digest of what each picture was drawn from, and of the picture."""
    path = images / NAME
    if not path.exists():
        return {}
    entries: Entries = json.loads(path.read_text(encoding="utf-8"))
    return entries


def write(entries: Entries, images: Path = IMAGES) -> None:
    """Write the entries."""
    files.write_text(images / NAME, json.dumps(dict(sorted(entries.items())), indent=1) + "\n")


def entry(picture: Picture, path: Path) -> dict[str, str]:
    """Return the entry of a picture that was drawn just now."""
    return {"drawn from": picture.fingerprint(), "picture": fingerprint.content(path)}


def old(name: str, images: Path = IMAGES, entries: Entries | None = None) -> str | None:
    """Return why a picture must be drawn again; None if it is up to date."""
    known = (read(images) if entries is None else entries).get(name)
    path = images / f"{name}.png"
    if known is None or not path.exists():
        return "is not there"
    if fingerprint.content(path) != known["picture"]:
        return "is not the picture that was drawn"
    if PICTURES[name].fingerprint() != known["drawn from"]:
        return "is older than what draws it"
    return None


def faults(images: Path = IMAGES) -> list[str]:
    """Return what is wrong with the pictures, a line each."""
    entries = read(images)
    found = [
        f"{name}.png {why}" for name in PICTURES if (why := old(name, images, entries)) is not None
    ]
    known = {NAME, *(f"{name}.png" for name in PICTURES), *KEPT}
    strangers = sorted(path.name for path in images.iterdir() if path.name not in known)
    return found + [f"{name} is drawn by nothing" for name in strangers]
