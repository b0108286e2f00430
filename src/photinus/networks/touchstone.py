"""Scattering parameters of a component from a Touchstone file, version 1.

The file has an option line, as ``# GHz S MA R 50``, and rows of a frequency with all parameters. Of a
component with two ports the order is S11 S21 S12 S22. Otherwise it is row by row, S11 S12 S13 …
"""

import os
import re

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus.errors import InvalidInput

SCALES = {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9, "thz": 1e12}
MOST_PORTS = 64


def transmissions(path: str | os.PathLike[str], frequency: float) -> NDArray[np.float64]:
    """Return what part of the power goes from each port to each other, array (to, from).

    Between the frequencies of the file the power is interpolated.

    Parameters
    ----------
    path
        File whose name ends in .sNp, for N ports.
    frequency
        Of the light [Hz].

    Raises
    ------
    InvalidInput
        If the file is no Touchstone file of scattering parameters, or the frequency lies outside it.

    Examples
    --------
    >>> from pathlib import Path
    >>> from photinus.networks.touchstone import transmissions
    >>> rows = [f"{terahertz} 0 0 0.7 0 0.7 0 0 0" for terahertz in (190, 200)]
    >>> _ = Path("half.s2p").write_text(chr(10).join(["# THz S MA R 50", *rows]))
    >>> transmissions("half.s2p", 193.4e12).round(2)
    array([[0.  , 0.49],
           [0.49, 0.  ]])
    """
    name = os.fspath(path)
    found = re.search(r"\.s(\d+)p$", name.lower())
    ports = int(found[1]) if found else 0
    if not 1 <= ports <= MOST_PORTS:
        raise InvalidInput(f"a Touchstone file must end in .s1p to .s{MOST_PORTS}p, got {name!r}")
    frequency = validate.positive("frequency", frequency, "Hz")
    with files.reading(path, "Touchstone file"):
        scale, form, numbers = _read(files.read_bytes(path).decode("utf-8-sig"))
        width = 1 + 2 * ports * ports
        if not numbers or len(numbers) % width:
            raise InvalidInput(f"it must have rows of {width} numbers, got {len(numbers)} in all")
        table = np.array(numbers).reshape(-1, width)
        known = table[:, 0] * scale
        if not (np.diff(known) > 0).all():
            raise InvalidInput("its frequencies must rise")
        if not known[0] <= frequency <= known[-1]:
            raise InvalidInput(
                f"it must include {frequency / 1e12:.4g} THz, got {known[0] / 1e12:.4g} to "
                f"{known[-1] / 1e12:.4g} THz"
            )
        power = _power(form, table[:, 1::2], table[:, 2::2])
    at = np.array([np.interp(frequency, known, column) for column in power.T]).reshape(ports, ports)
    return at.T if ports == 2 else at


def _read(text: str) -> tuple[float, str, list[float]]:
    """Return the unit of frequencies, the form of numbers, and all numbers."""
    scale, form, numbers = SCALES["ghz"], "ma", []
    for line in text.splitlines():
        plain = line.partition("!")[0].strip().lower()
        if plain.startswith("["):
            raise InvalidInput(f"it must be of version 1, got {plain.split()[0]!r}")
        if plain.startswith("#"):
            words = plain[1:].split()
            if any(word in ("y", "z", "g", "h") for word in words):
                raise InvalidInput("it must hold scattering parameters (S)")
            scale = next((SCALES[word] for word in words if word in SCALES), scale)
            form = next((word for word in words if word in ("ma", "db", "ri")), form)
            continue
        numbers += [validate.number("an entry", float(word)) for word in plain.split()]
    return scale, form, numbers


def _power(form: str, first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squares of amplitudes that are given as magnitude, decibels or real part first."""
    if form == "ri":
        return np.asarray(first**2 + second**2)
    return np.asarray(10 ** (first / 10) if form == "db" else first**2)
