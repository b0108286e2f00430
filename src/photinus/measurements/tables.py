"""Tables of measurements: CSV files whose head names columns with their units."""

import csv
import math
import os
from collections.abc import Mapping
from io import StringIO

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus.errors import InvalidInput
from photinus.units import parse

Columns = dict[str, NDArray[np.float64]]


def read_table(
    path: str | os.PathLike[str], columns: Mapping[str, str], optional: Mapping[str, str] | None = None
) -> Columns:
    r"""Return the columns of a CSV file in SI, name → array (row,).

    The head has the name and the unit of each column, as in ``current [uA], power [uW]``. Lines that
    begin with # are left out.

    Parameters
    ----------
    path
        The file.
    columns, optional
        Name → SI unit of the columns that there must be, and that there may be. See
        `photinus.units.parse` for units.

    Raises
    ------
    InvalidInput
        If the file cannot be read, or a column, a unit or a number is not as it must be.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from photinus.measurements import read_table
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "li.csv"
    >>> _ = path.write_text("current [uA], power [nW]\n10, 200\n")
    >>> float(read_table(path, {"current": "A", "power": "W"})["current"][0])
    1e-05
    """
    known = {**columns, **(optional or {})}
    with files.reading(path, "table"):
        text = files.read_bytes(path).decode("utf-8-sig")
        lines = csv.reader(StringIO(text), skipinitialspace=True)
        rows = [(lines.line_num, row) for row in lines if _holds(row)]
        if not rows:
            raise InvalidInput("it must have a head and rows, got nothing")
        units = _head(rows[0][1], known, columns)
        read: dict[str, list[float]] = {name: [] for name in units}
        for line, row in rows[1:]:
            if len(row) != len(units):
                raise InvalidInput(f"line {line} must have {len(units)} cells, got {len(row)}")
            for (name, unit), cell in zip(units.items(), row, strict=True):
                read[name].append(_number(name, cell, unit, known[name], line))
        if len(rows) < 2:
            raise InvalidInput("it must have rows below its head, got none")
    return {name: np.array(values) for name, values in read.items()}


def _holds(row: list[str]) -> bool:
    """Return whether a row is neither empty nor a comment."""
    return any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#")


def _head(titles: list[str], known: Mapping[str, str], needed: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of a head, name → unit as it is spelled."""
    units: dict[str, str] = {}
    for title in titles:
        name, _, unit = title.strip().partition("[")
        name, unit = name.strip().lower(), unit.rstrip("] ")
        validate.one_of("column", name, known)
        if name in units:
            raise InvalidInput(f"columns must differ, got {name!r} twice")
        if known[name] and not unit:
            raise InvalidInput(f"column {name!r} must have a unit in its head, as in '{name} [unit]'")
        parse(f"1 {unit}", known[name], f"the unit of column {name!r}")
        units[name] = unit
    for name in needed:
        if name not in units:
            raise InvalidInput(f"it must have a column {name!r}, got {', '.join(map(repr, units))}")
    return units


def _number(name: str, cell: str, unit: str, wanted: str, line: int) -> float:
    """Return what a cell holds, in SI."""
    try:
        number = float(cell)
    except ValueError:
        raise InvalidInput(f"{name} in line {line} must be a number, got {cell!r}") from None
    if not math.isfinite(number):
        raise InvalidInput(f"{name} in line {line} must be finite, got {cell!r}")
    return validate.number(f"{name} in line {line}", f"{cell.strip()} {unit}".strip(), wanted)
