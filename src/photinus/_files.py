"""Reading and writing files so that a failure is one sentence and never half a file."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from photinus.errors import InvalidInput, PhotinusError


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `path` at once: whole or not at all."""
    target = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            os.chmod(temporary, 0o644)
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise InvalidInput(f"path {str(target)!r} cannot be written: {error.strerror}") from None


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Create the folder `path`, and those above it, if missing, and return it."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"path {str(path)!r} cannot be written: {error.strerror}") from None
    return Path(path)


def write_text(path: str | os.PathLike[str], content: str) -> None:
    """Write UTF-8 `content` to `path` at once."""
    write_bytes(path, content.encode())


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of the file at `path`."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InvalidInput(f"file {str(path)!r} does not exist") from None
    except OSError as error:
        raise InvalidInput(f"file {str(path)!r} cannot be read: {error.strerror}") from None


def parse_json(path: str | os.PathLike[str]) -> Any:
    """Return what the JSON file at `path` holds."""
    try:
        return json.loads(read_bytes(path))
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise InvalidInput(f"file {str(path)!r} is not complete JSON (truncated?)") from None


def read_json(path: str | os.PathLike[str], *, kind: str, schema: int) -> dict[str, Any]:
    """Return the JSON document at `path`, which must be of `kind` and at most of `schema`."""
    document = parse_json(path)
    if not isinstance(document, dict) or document.get("kind") != kind:
        found = document.get("kind") if isinstance(document, dict) else type(document).__name__
        raise InvalidInput(f"file {str(path)!r} must hold a {kind}, got {found!r}")
    check_schema(path, document.get("schema"), schema)
    return document


def check_schema(path: str | os.PathLike[str], found: Any, schema: int) -> None:
    """Raise unless `found` is a schema number that this version can read."""
    if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= schema:
        raise InvalidInput(
            f"file {str(path)!r} must have a schema from 1 to {schema}, got {found!r} "
            "(written by a newer version?)"
        )


@contextlib.contextmanager
def reading(path: str | os.PathLike[str], kind: str) -> Iterator[None]:
    """Turn missing or malformed entries of the file at `path` into one sentence."""
    try:
        yield
    except PhotinusError as error:
        raise InvalidInput(f"file {str(path)!r} is not a valid {kind}: {error}") from None
    except KeyError as error:
        raise InvalidInput(f"file {str(path)!r} is not a valid {kind}: {error} is missing") from None
    except (TypeError, ValueError, IndexError) as error:
        raise InvalidInput(f"file {str(path)!r} is not a valid {kind}: {error}") from None
