"""Devices from files: what `to_dict` wrote, what is known of a laser, a neuron of PyNN."""

import os
from pathlib import Path
from typing import Any

from photinus._core import files
from photinus.devices.laser import LaserParameters
from photinus.devices.lif import from_pynn, is_pynn
from photinus.devices.registry import parameters_from_dict
from photinus.errors import InvalidInput

ENDINGS = (".toml", ".json")
"""Of files that hold a device."""


def load_parameters(path: str | os.PathLike[str], *, forced: bool = False) -> Any:
    """Return the device of a file.

    Parameters
    ----------
    path
        ``.toml``: what is known of a laser, see `LaserParameters.from_measured`. ``.json``: what
        `to_dict` wrote, or a neuron with the names of PyNN, see `photinus.devices.lif.from_pynn`.
    forced
        Whether values that are possible and not plausible are taken.

    Raises
    ------
    InvalidInput
        If the file cannot be read, or a value is not allowed.

    Examples
    --------
    >>> import json
    >>> from pathlib import Path
    >>> from photinus.devices import load_parameters, preset
    >>> _ = Path("mine.json").write_text(json.dumps(preset("high-beta").to_dict()))
    >>> load_parameters("mine.json") == preset("high-beta")
    True
    """
    name = os.fspath(path)
    if name.endswith(".toml"):
        known, _ = read_described(path)
        with files.reading(path, "laser"):
            return LaserParameters.from_measured(**({"forced": True} if forced else {}), **known)
    if not name.endswith(".json"):
        raise InvalidInput(f"the file of a device must end in .toml or .json, got {name!r}")
    with files.reading(path, "device"):
        given = files.parse_json(path)
        if is_pynn(given):
            return from_pynn(given, name=Path(name).stem)
        if forced and isinstance(given, dict):
            given["forced"] = True
        return parameters_from_dict(given)


def read_described(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a TOML file says of a laser, and how surely: its table ``[uncertainty]``."""
    known = files.parse_toml(path, "TOML")
    uncertainty = known.pop("uncertainty", {})
    if not isinstance(uncertainty, dict):
        raise InvalidInput(
            f"uncertainty in file {os.fspath(path)!r} must be a table, got {uncertainty!r:.80}"
        )
    return known, uncertainty
