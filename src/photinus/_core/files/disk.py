"""Bytes and text: written whole or not at all, read from whatever a path leads to."""

import contextlib
import errno
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import IO

from photinus._core import memory
from photinus._core.files.folders import sync_folder
from photinus._core.files.paths import (
    check_new,
    descriptor,
    is_stream,
    led_to,
    named,
    reason,
    status,
    writing,
)
from photinus.errors import InvalidInput

MOST_FROM_PIPE = 2**28
"""Bytes that are read from what is no regular file: /dev/zero has no end."""


def write_bytes(path: str | os.PathLike[str], content: bytes, *, replace: bool = True) -> None:
    """Write `content` to `path` at once: whole or not at all.

    A link is followed, and a pipe or a device is written into. A file that is replaced keeps its mode,
    and a new one gets the usual mode of the process.

    Raises
    ------
    InvalidInput
        If it cannot be written, or exists and is not to be replaced.
    """
    with writing(path) as target:
        if is_stream(target):
            _pour(target, content)
        else:
            _put(target, content, replace)


def _pour(target: Path, content: bytes) -> None:
    """Write into a pipe or a device."""
    number = descriptor(target)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.flush()
    # An open descriptor goes on where it is; opening it by name would begin at the start again.
    with open(target if number is None else os.dup(number), "wb") as stream:
        stream.write(content)


def _put(target: Path, content: bytes, replace: bool) -> None:
    """Write a regular file beside its place, then move it there in one step."""
    check_new(target, replace=replace, instead=", or have it replaced")
    place = led_to(target)
    before = status(place)
    # Short, so that a name of the longest length that the system allows leaves room for it.
    temporary = place.with_name(f".photinus-{secrets.token_hex(6)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with os.fdopen(os.open(temporary, flags, 0o666 if before is None else 0o600), "wb") as stream:
            stream.write(content)
            if before is not None:
                with contextlib.suppress(OSError):
                    os.fchown(stream.fileno(), before.st_uid, before.st_gid)
                os.fchmod(stream.fileno(), stat.S_IMODE(before.st_mode))
            stream.flush()
            os.fsync(stream.fileno())
        _move(temporary, place, replace)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
    sync_folder(place.parent)


def _move(temporary: Path, place: Path, replace: bool) -> None:
    if replace:
        os.replace(temporary, place)
        return
    try:
        # Unlike a renaming, a link never takes the place of a file that came meanwhile.
        os.link(temporary, place)
    except FileExistsError:
        raise InvalidInput(f"path {str(place)!r} exists already: it was written meanwhile") from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        check_new(place)  # a file system without links
        os.replace(temporary, place)


def write_text(path: str | os.PathLike[str], content: str, *, replace: bool = True) -> None:
    """Write UTF-8 `content` to `path` at once; see `write_bytes`."""
    # Halves of a character, which JSON can hold and UTF-8 cannot, become question marks.
    write_bytes(path, content.encode(errors="replace"), replace=replace)


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of the file at `path`."""
    target = named(path)
    try:
        with open(target, "rb") as stream:
            return _poured(target, stream)
    except FileNotFoundError:
        raise InvalidInput(f"file {str(target)!r} does not exist") from None
    except OSError as error:
        raise InvalidInput(f"file {str(target)!r} cannot be read: {reason(error)}") from None


def _poured(target: Path, stream: IO[bytes]) -> bytes:
    found = os.fstat(stream.fileno())
    if stat.S_ISREG(found.st_mode):
        memory.require(found.st_size, f"file {str(target)!r}")
        return stream.read()
    return _drained(target, stream)


def _drained(target: str | os.PathLike[str], stream: IO[bytes]) -> bytes:
    content = stream.read(MOST_FROM_PIPE + 1)
    if len(content) > MOST_FROM_PIPE:
        raise InvalidInput(f"file {str(target)!r} cannot be read: it has no end")
    return content


def read_input() -> bytes:
    """Return what comes in on the standard input."""
    if sys.stdin is None:  # closed by who started this
        return b""
    try:
        return _drained("-", sys.stdin.buffer)
    except OSError as error:
        raise InvalidInput(f"the standard input cannot be read: {reason(error)}") from None
