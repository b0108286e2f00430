"""Folders on the disk: made whole or not at all, never over what is there."""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from photinus._core.files.paths import check_new, led_to, status, writing
from photinus.errors import InvalidInput


def sync_folder(folder: Path) -> None:
    """Have the system store which files a folder has."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


@contextlib.contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a folder to fill, which is moved to `path` in one step; of two writers, one is refused."""
    with writing(path) as target:
        check_new(target)
        place = led_to(target)
        temporary = place.with_name(f".photinus-{secrets.token_hex(6)}")
        try:
            yield temporary
            for each in temporary.rglob("*"):
                with open(each, "rb") if each.is_file() else contextlib.nullcontext() as stream:
                    if stream is not None:
                        os.fsync(stream.fileno())
                    else:
                        sync_folder(each)
            try:
                # A folder that is there and not empty is never replaced by this.
                os.rename(temporary, place)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    raise
                raise InvalidInput(
                    f"path {str(target)!r} exists already: it was written meanwhile"
                ) from None
            sync_folder(place.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def remove_folder(path: str | os.PathLike[str]) -> None:
    """Remove a folder, or what a link to one leads to, at once: whole or not at all."""
    with writing(path) as target:
        place = Path(os.path.realpath(target))
        moved = place.with_name(f".photinus-{secrets.token_hex(6)}")
        # From here on nothing is at its place, whatever stops the rest.
        os.rename(place, moved)
        shutil.rmtree(moved, ignore_errors=True)


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise unless a folder can be made at `path`, or a file in it if it is there.

    Raises
    ------
    InvalidInput
        If what is above it is no folder, or not writable.
    """
    with writing(path) as target:
        place = target.absolute()
        while status(place) is None:
            place = place.parent
        if place != target.absolute() and not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Create the folder `path`, and those above it, if missing, and return it."""
    check_folder(path)
    with writing(path) as target:
        target.mkdir(parents=True, exist_ok=True)
    return target


def fresh_folder(path: str | os.PathLike[str]) -> Path:
    """Create and return the folder `path`, or the first free one of path-2, path-3 …."""
    check_folder(path)
    with writing(path) as target:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh, number = target, 1
        while True:
            try:
                fresh.mkdir()
                return fresh
            except FileExistsError:
                number += 1
                fresh = target.with_name(f"{target.name}-{number}")


def check_results(path: str | os.PathLike[str] | None, *, replace: bool) -> None:
    """Raise unless results can go into the folder `path`; None stands for a folder yet to be made.

    Raises
    ------
    InvalidInput
        If there are files in it and they may not be replaced, or no folder can be made there.
    """
    if path is None:
        return
    check_folder(path)
    with writing(path) as target:
        if not replace and target.is_dir() and any(target.iterdir()):
            raise InvalidInput(
                f"folder {str(target)!r} has files in it: choose another one, or --force replaces them"
            )


def results_folder(path: str | os.PathLike[str] | None, default: Path, *, replace: bool) -> Path:
    """Return the folder of some results, made if it is not there; `fresh_folder(default)` for None."""
    check_results(path, replace=replace)
    return fresh_folder(default) if path is None else make_folder(path)
