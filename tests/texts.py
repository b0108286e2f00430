"""What stands in README, CONTRIBUTING and docs: code blocks, commands, links, names."""

import importlib
import re
from pathlib import Path

from photinus._core.moved import MOVED

ROOT = Path(__file__).parent.parent
TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
}
"""Texts by their path in the repository."""

GROUPS = {"photinus.substrates"}
"""Groups of entry points that are no modules, too."""


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a language; "" is for blocks without one."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [code for name, code in found if name == language]


def commands(text: str) -> list[str]:
    """Return the command lines in the blocks of a text, without comments."""
    shown = [
        block for block in blocks(text, "") if not block.startswith("Photinus 0")
    ]  # not what is printed
    lines = "\n".join(shown).replace("\\\n", " ").splitlines()
    known = r"(photinus|make|python|pip|\.venv/bin/\w+) "
    return [line.split(" #")[0].strip() for line in lines if re.match(known, line)]


def dotted(text: str) -> list[str]:
    """Return the names like photinus.room.name in a text."""
    return sorted(set(re.findall(r"(?<![\w/.\-])photinus(?:\.[A-Za-z_]\w*)+", text)) - GROUPS)


def links(text: str) -> list[str]:
    """Return what the links of a Markdown text point to, without the web and places in a page."""
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    return [target for target in targets if "://" not in target]


def resolve(name: str) -> object:
    """Return what a dotted name stands for.

    Raises
    ------
    AttributeError
        If there is no such name.
    """
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise AttributeError(name)


def is_former(name: str) -> bool:
    """Return whether a name goes through a module of version 0.1 that has moved."""
    rest = name.removeprefix("photinus.") + "."
    return any(rest.startswith(f"{module}.") for module in MOVED)
