"""Reading and writing files: the one door to the disk.

What is written is there whole or not at all, replaces nothing that it was not asked to replace, and
leaves links, modes and pipes as they are. What is read may be anything: a result or one sentence.
"""

import contextlib
import errno
import io
import json
import math
import os
import re
import secrets
import shutil
import stat
import sys
import tomllib
import zipfile
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import memory
from photinus.errors import InvalidInput, PhotinusError

MOST_DIGITS = 300
"""Digits of the longest number that a JSON file may hold; float64 ends at 309."""
MOST_LETTERS = 1000
"""Length of a sentence on what is wrong with a file."""
MOST_FROM_PIPE = 2**28
"""Bytes that are read from what is no regular file: /dev/zero has no end."""

# Names


def named(path: str | os.PathLike[str]) -> Path:
    """Return `path` if it can be the name of a file."""
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise InvalidInput(f"path must be a file name, got {path!r}") from None
    if "\0" in text or not Path(text).name:
        raise InvalidInput(f"path must name a file, got {text!r}")
    return Path(text)


def _status(path: Path) -> os.stat_result | None:
    """Return what the system says of what `path` leads to; None if nothing is there."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: str | os.PathLike[str], error: OSError) -> InvalidInput:
    """Return the sentence on a path that the system lets nobody write to."""
    why = error.strerror or str(error) or type(error).__name__
    return InvalidInput(f"path {os.fspath(path)!r} cannot be written: {why}")


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Return whether `path` is a pipe, a terminal or another device: written into, never replaced."""
    found = _status(named(path))
    if found is None:
        return False
    special = not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode))
    return special or _descriptor(Path(path)) is not None


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
    found = _status(target)
    if found is not None and replace and stat.S_ISDIR(found.st_mode):
        raise InvalidInput(f"path {str(target)!r} cannot be written: it is a folder")
    if found is not None and not replace:
        raise InvalidInput(f"path {str(target)!r} exists already: choose another one{instead}")
    parent = _led_to(target).absolute().parent
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


def _led_to(path: Path) -> Path:
    """Return the file that a link leads to, or `path` itself."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


# Writing


@contextlib.contextmanager
def _written(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Turn what the system says against writing `path` into one sentence."""
    target = named(path)
    try:
        yield target
    except OSError as error:
        raise unwritable(target, error) from None


def write_bytes(path: str | os.PathLike[str], content: bytes, *, replace: bool = True) -> None:
    """Write `content` to `path` at once: whole or not at all.

    A link is followed, a file that is replaced keeps its mode, a new one gets the usual one of the
    process, and a pipe or a device is written into.

    Raises
    ------
    InvalidInput
        If it cannot be written, or exists and is not to be replaced.
    """
    with _written(path) as target:
        if is_stream(target):
            _pour(target, content)
        else:
            _put(target, content, replace)


def _pour(target: Path, content: bytes) -> None:
    """Write into a pipe or a device."""
    number = _descriptor(target)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.flush()
    # An open descriptor goes on where it is; opening it by name would begin at the start again.
    with open(target if number is None else os.dup(number), "wb") as stream:
        stream.write(content)


def _descriptor(path: Path) -> int | None:
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


def _put(target: Path, content: bytes, replace: bool) -> None:
    """Write a regular file beside its place, then move it there in one step."""
    check_new(target, replace=replace, instead=", or have it replaced")
    place = _led_to(target)
    before = _status(place)
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
    with _written(path) as target:
        check_new(target)
        place = _led_to(target)
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
    with _written(path) as target:
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
    with _written(path) as target:
        place = target.absolute()
        while _status(place) is None:
            place = place.parent
        if place != target.absolute() and not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Create the folder `path`, and those above it, if missing, and return it."""
    check_folder(path)
    with _written(path) as target:
        target.mkdir(parents=True, exist_ok=True)
    return target


def fresh_folder(path: str | os.PathLike[str]) -> Path:
    """Create and return the folder `path`, or the first free one of path-2, path-3 …."""
    check_folder(path)
    with _written(path) as target:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh, number = target, 1
        while True:
            try:
                fresh.mkdir()
                return fresh
            except FileExistsError:
                number += 1
                fresh = target.with_name(f"{target.name}-{number}")


def write_text(path: str | os.PathLike[str], content: str, *, replace: bool = True) -> None:
    """Write UTF-8 `content` to `path` at once; see `write_bytes`."""
    # Halves of a character, which JSON can hold and UTF-8 cannot, become question marks.
    write_bytes(path, content.encode(errors="replace"), replace=replace)


def write_json(
    path: str | os.PathLike[str], document: Any, *, replace: bool = True, indent: int | None = 1
) -> None:
    """Write `document` as JSON to `path` at once; see `write_bytes`."""
    write_text(path, to_json(document, indent=indent) + "\n", replace=replace)


def to_json(document: Any, *, indent: int | None = None) -> str:
    """Return `document` as JSON; numbers and arrays of NumPy, and paths, are as plain ones."""
    try:
        return json.dumps(document, indent=indent, default=_plain)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"what is stored must be numbers, text, lists or mappings: {error}"
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"got {type(value).__name__} {value!r:.80}")


def write_npz(
    path: str | os.PathLike[str], arrays: dict[str, Any], *, replace: bool = True, packed: bool = False
) -> None:
    """Write arrays as an .npz to `path` at once; see `write_bytes`."""
    buffer = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(buffer, **arrays)
    write_bytes(path, buffer.getvalue(), replace=replace)


def labels_to_json(labels: Iterable[Hashable]) -> list[Any]:
    """Return labels as JSON has them, tuples as lists; `labels_from_json` gives them back.

    Raises
    ------
    InvalidInput
        If a label is neither text nor a number nor a tuple of these.
    """
    return [_label_to_json(label) for label in labels]


def _label_to_json(label: Hashable) -> Any:
    plain = label.item() if isinstance(label, np.generic) else label
    if isinstance(plain, tuple):
        return [_label_to_json(part) for part in plain]
    if plain is None or isinstance(plain, (str, int)):
        return plain
    if isinstance(plain, float) and math.isfinite(plain):
        return plain
    raise InvalidInput(f"labels must be text, numbers or tuples of these to be stored, got {label!r}")


def labels_from_json(labels: Iterable[Any]) -> tuple[Hashable, ...]:
    """Return the labels that `labels_to_json` stored."""
    if isinstance(labels, (str, dict)):
        raise InvalidInput(f"labels must be a list, got {labels!r}")
    return tuple(labels_from_json(label) if isinstance(label, list) else label for label in labels)


# Reading


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of the file at `path`."""
    target = named(path)
    try:
        with open(target, "rb") as stream:
            return _poured(target, stream)
    except FileNotFoundError:
        raise InvalidInput(f"file {str(target)!r} does not exist") from None
    except OSError as error:
        raise InvalidInput(f"file {str(target)!r} cannot be read: {error.strerror}") from None


def _poured(target: Path, stream: IO[bytes]) -> bytes:
    found = os.fstat(stream.fileno())
    if stat.S_ISREG(found.st_mode):
        memory.require(found.st_size, f"file {str(target)!r}")
        return stream.read()
    content = stream.read(MOST_FROM_PIPE + 1)
    if len(content) > MOST_FROM_PIPE:
        raise InvalidInput(f"file {str(target)!r} cannot be read: it has no end")
    return content


def parse_json(path: str | os.PathLike[str]) -> Any:
    """Return what the JSON file at `path` holds."""
    content = read_bytes(path)
    try:
        return json.loads(content, object_pairs_hook=_mapping, parse_int=_whole)
    except InvalidInput as error:
        raise InvalidInput(f"file {str(path)!r} is not valid JSON: {error}") from None
    except RecursionError:
        raise InvalidInput(f"file {str(path)!r} is not valid JSON: nested too deeply") from None
    except ValueError:  # not JSON, or not text
        raise InvalidInput(f"file {str(path)!r} is not complete JSON (truncated?)") from None


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(f"it has {twice!r:.80} twice")
    return found


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise InvalidInput(f"it has a number of {len(digits)} digits")
    return int(digits)


def parse_toml(path: str | os.PathLike[str], what: str) -> dict[str, Any]:
    """Return what the TOML file at `path` holds; `what` it is, for the message."""
    content = read_bytes(path)
    try:
        # Editors on Windows put a byte order mark first.
        return tomllib.loads(content.decode("utf-8-sig"))
    except RecursionError:
        raise InvalidInput(f"file {str(path)!r} is not {what}: nested too deeply") from None
    except ValueError as error:  # not TOML, not text, or a number of thousands of digits
        raise InvalidInput(f"file {str(path)!r} is not {what}: {error}") from None


def read_npz(
    path: str | os.PathLike[str],
    names: Collection[str] | None = None,
    what: str = ".npz archive of plain arrays",
) -> dict[str, NDArray[Any]]:
    """Return the arrays of the .npz at `path`, those called `names` or all.

    No pickle is ever executed, and nothing is allocated that the file does not hold.

    Raises
    ------
    InvalidInput
        If the file is missing, damaged, no archive of plain arrays, or too large.
    """
    content = io.BytesIO(read_bytes(path))
    try:
        with zipfile.ZipFile(content) as archive:
            wanted = {
                entry.filename.removesuffix(".npy"): entry
                for entry in archive.infolist()
                if names is None or entry.filename.removesuffix(".npy") in names
            }
            size = sum(entry.file_size for entry in wanted.values())
            memory.require(2.0 * size, f"file {str(path)!r}")
            return {name: _member(archive, entry) for name, entry in wanted.items()}
    except PhotinusError:
        raise
    except Exception:
        # What zipfile, its decompressors and NumPy's reader of headers raise on arbitrary bytes is
        # not written anywhere.
        raise InvalidInput(f"file {str(path)!r} is not a complete {what}") from None


def npz_names(path: str | os.PathLike[str]) -> list[str]:
    """Return the sorted names of the arrays of an .npz that `read_npz` has read."""
    with zipfile.ZipFile(io.BytesIO(read_bytes(path))) as archive:
        return sorted(name.removesuffix(".npy") for name in archive.namelist())


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    """Return one array of an archive, of which the header is checked before anything is allocated."""
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        read: Callable[..., Any] = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(stream)
        begin = stream.tell()
        count = math.prod(shape)
        if dtype.kind not in "biufSU" or min(shape, default=0) < 0:
            raise ValueError
        if begin + count * dtype.itemsize != entry.file_size:
            raise ValueError
        # One byte more than there should be: reaching the end makes zipfile compare its checksum.
        content = stream.read(entry.file_size - begin + 1)
    values = np.empty(count, dtype)
    if values.nbytes:
        values[...] = np.frombuffer(content, dtype, count)
    return values.reshape(shape, order="F" if fortran else "C")


def read_json(path: str | os.PathLike[str], *, kind: str, schema: int) -> dict[str, Any]:
    """Return the JSON document at `path`, which must be of `kind` and at most of `schema`."""
    document = parse_json(path)
    if not isinstance(document, dict) or document.get("kind") != kind:
        found = document.get("kind") if isinstance(document, dict) else type(document).__name__
        raise InvalidInput(f"file {str(path)!r} must hold a {kind}, got {found!r:.80}")
    check_schema(path, document.get("schema"), schema)
    return document


def check_schema(path: str | os.PathLike[str], found: Any, schema: int) -> None:
    """Raise unless `found` is a schema number that this version can read."""
    if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= schema:
        raise InvalidInput(
            f"file {str(path)!r} must have a schema from 1 to {schema}, got {found!r:.80} "
            "(written by a newer version?)"
        )


@contextlib.contextmanager
def reading(path: str | os.PathLike[str], kind: str) -> Iterator[None]:
    """Turn missing or malformed entries of the file at `path` into one sentence."""
    try:
        yield
    except KeyError as error:
        raise InvalidInput(
            f"file {str(path)!r} is not a valid {kind}: {error!s:.80} is missing"
        ) from None
    except (
        PhotinusError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        MemoryError,
    ) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        if len(why) > MOST_LETTERS:
            # Some show all of a wrong value, however long; what is allowed stands before or behind.
            why = f"{why[: MOST_LETTERS // 2]} … {why[-MOST_LETTERS // 2 :]}"
        raise InvalidInput(f"file {str(path)!r} is not a valid {kind}: {why}") from None
