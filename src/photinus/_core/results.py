"""Results that take long to measure, each in a file that is written once it is there.

A study that is stopped goes on where it was: what its folder holds is read, the rest is measured.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from photinus._core import files
from photinus.errors import InvalidInput


class Results:
    """Measured results in a folder, one JSON document each.

    Reading takes what is missing, damaged or of before as not there.

    Parameters
    ----------
    folder
        Where they are; made with the first one.
    kind
        What they are results of; other files are no results.
    schema
        Raised when what is computed changes: results of before do not count.
    """

    ending = ".json"

    def __init__(self, folder: str | Path, kind: str, schema: int = 1) -> None:
        self.folder, self.kind, self.schema = Path(folder), kind, schema

    def path(self, name: str) -> Path:
        """Return the file of the result called `name`."""
        return self.folder / f"{name}{self.ending}"

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a stored result; None if it is missing, damaged or of before, thus to be measured."""
        if not self.path(name).exists():
            return None
        try:
            result = self._read(self.path(name))
        except InvalidInput:
            return None
        ours = {"kind": self.kind, "schema": self.schema}
        return result if all(result.get(key, own) == own for key, own in ours.items()) else None

    def write(self, name: str, result: Mapping[str, Any]) -> dict[str, Any]:
        """Store a result at once, whole or not at all, and return it with its kind and schema.

        Raises
        ------
        InvalidInput
            If the folder or the file cannot be written.
        """
        files.make_folder(self.folder)
        document = {"kind": self.kind, "schema": self.schema, **result}
        self._write(self.path(name), document)
        return document

    def get(
        self,
        name: str,
        measure: Callable[[], Mapping[str, Any]],
        *,
        tell: Callable[[str, Mapping[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """Return a stored result, or measure and store it; its entry ``seconds`` is how long that took.

        Parameters
        ----------
        name
            Of the result.
        measure
            Called if it is not there yet.
        tell
            Called with the name and the result if it was measured just now.

        Raises
        ------
        InvalidInput
            If the folder or the file cannot be written.
        """
        found = self.read(name)
        if found is not None:
            return found
        start = time.perf_counter()
        measured = dict(measure())
        measured["seconds"] = time.perf_counter() - start
        self.write(name, measured)
        if tell is not None:
            tell(name, measured)
        # Read back, so that a result looks the same whether it was measured now or before.
        return self._read(self.path(name))

    def _read(self, path: Path) -> dict[str, Any]:
        return files.read_json(path, kind=self.kind, schema=self.schema)

    def _write(self, path: Path, document: dict[str, Any]) -> None:
        files.write_json(path, document)


class ArrayResults(Results):
    """Measured results in a folder, one .npz of arrays each; single numbers come back as such."""

    ending = ".npz"

    def _read(self, path: Path) -> dict[str, Any]:
        return {name: values[()] for name, values in files.read_npz(path).items()}

    def _write(self, path: Path, document: dict[str, Any]) -> None:
        files.write_npz(path, document, packed=True)
