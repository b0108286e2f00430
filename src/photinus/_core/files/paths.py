"""Names of files: what can be written there, asked before any work is done."""

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from photinus.errors import InvalidInput


def named(path: str | os.PathLike[str]) -> Path:
    """Return `path` if it can be the name of a file."""
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise InvalidInput(f"path must be a file name, got {path!r}") from None
    if "\0" in text or not Path(text).name:
        raise InvalidInput(f"path must name a file, got {text!r}")
    return Path(text)


def status(path: Path) -> os.stat_result | None:
    """Return what the system says of what `path` leads to; None if nothing is there."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: str | os.PathLike[str], error: OSError) -> InvalidInput:
    """Return the sentence on a path that the system lets nobody write to."""
    return InvalidInput(f"path {os.fspath(path)!r} cannot be written: {reason(error)}")


def reason(error: OSError) -> str:
    """Return what the system says against reading or writing. Errors of libraries have only a text."""
    return error.strerror or str(error) or type(error).__name__


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Return whether `path` is a pipe, a terminal or another device: written into, never replaced."""
    found = status(named(path))
    if found is None:
        return False
    special = not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode))
    return special or descriptor(Path(path)) is not None


def check_new(path: str | os.PathLike[str], *, replace: bool = False, instead: str = "") -> Path:
    """Return `path` if a file or a folder can be created there.

    Parameters
    ----------
    path
        Where to.
    replace
        Whether a file that is there already may be replaced. A folder never is.
    instead
        What else than another name helps where it exists, in words that end the sentence.

    Raises
    ------
    InvalidInput
        If it exists, or its folder is missing or not writable.
    """
    target = named(path)
    if is_stream(target):
        return target
    found = status(target)
    if found is not None and replace and stat.S_ISDIR(found.st_mode):
        raise InvalidInput(f"path {str(target)!r} cannot be written: it is a folder")
    if found is not None and not replace:
        raise InvalidInput(f"path {str(target)!r} exists already: choose another one{instead}")
    parent = led_to(target).absolute().parent
    if not parent.is_dir():
        raise InvalidInput(f"path {str(target)!r} cannot be written: {str(parent)!r} is no folder")
    if not os.access(parent, os.W_OK):
        raise InvalidInput(f"path {str(target)!r} cannot be written: no permission in its folder")
    if found is not None and not os.access(target, os.W_OK):
        raise InvalidInput(f"path {str(target)!r} cannot be written: the file is read-only")
    return target


def check_all(paths: Iterable[str | os.PathLike[str]], *, replace: bool) -> None:
    """Raise unless every one of the files of a command can be written; before any work is done."""
    for path in paths:
        # Nothing replaces a folder.
        instead = "" if os.path.isdir(path) else ", or replace it with --force"
        check_new(path, replace=replace, instead=instead)


def beside(path: Path, ending: str) -> Path | None:
    """Return the neighbour of the file `path` with another ending; None beside a pipe or a device."""
    return None if is_stream(path) else named(path).with_suffix(ending)


def led_to(path: Path) -> Path:
    """Return the file that a link leads to, or `path` itself."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def descriptor(path: Path) -> int | None:
    """Return the number of the open file that a path such as /dev/stdout stands for."""
    numbers = {"/dev/stdout": 1, "/dev/stderr": 2}
    for _ in range(8):
        text = os.path.abspath(path)
        if text in numbers:
            return numbers[text]
        found = re.fullmatch(rf"/(?:dev|proc/(?:self|{os.getpid()}))/fd/(\d+)", text)
        if found:
            return int(found[1])
        if not os.path.islink(text):
            return None
        path = Path(text).parent / os.readlink(text)
    return None


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Turn what the system says against writing `path` into one sentence."""
    target = named(path)
    try:
        yield target
    except OSError as error:
        raise unwritable(target, error) from None
