"""Everything of a store that is no array: one JSON text in its root attributes, with a checksum.

Text, because NetCDF has no nested attributes.
"""

import json
import os
import zlib
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from photinus._core import files, validate
from photinus._core.validate import is_sparse
from photinus.errors import InvalidInput, PhotinusError
from photinus.machines.evidence import Evidence
from photinus.machines.files import PAIRS

if TYPE_CHECKING:
    from photinus.samplers.samples import Samples

KIND = "photinus-samples"
ATTRIBUTE = "photinus"
CHECKSUM = "photinus_crc32"
OURS: dict[str, set[str] | None] = {
    "posterior": {"z", "unit", "chain", "draw", "time"},
    "sample_stats": {"energy", "chain", "draw", "time"},
    "target": {"weights", *PAIRS, "biases", "unit"},
    "spikes": {"chain", "unit", "time"},
    "network": None,
}
"""Groups of a store without a draw, and the arrays of each; None for any."""
AS_ARRAY = 2
"""Schema of stores of machines whose weights are an array."""
USUAL = {"engine": "cpu"}
"""What arguments were where a store does not tell."""
ARGUMENTS = {"clamp": "evidence", "clamp_mode": "evidence_mode"}
"""Entry of a header, named as in version 0.1 → the argument that it tells."""


def header_of(samples: "Samples") -> dict[str, Any]:
    """Return everything about `samples` that is not an array, as plain values."""
    header = {
        **files.stamp(KIND),
        **({} if is_sparse(samples.machine.matrix) else {"schema": AS_ARRAY}),
        "substrate": samples.substrate,
        "chains": samples.chains,
        "burn_in": samples.burn_in,
        "window": samples.window,
        "labels": files.labels_to_json(samples.machine.labels),
        "clamp": _plain(samples.evidence),
        "attributes": dict(samples.attributes),
        "complete": samples.complete,
        "tempering": None if samples.tempering is None else samples.tempering.to_dict(),
        "network": None,
    }
    if samples.activity is not None:
        header["activity"] = samples.activity.tolist()
    if samples.network is not None:
        stored_apart = (*samples.network.ARRAYS, "labels")
        document = samples.network.to_dict()
        header["network"] = {k: v for k, v in document.items() if k not in stored_apart}
    # One pass through JSON, so that what was stored and what is asked for compare equal.
    plain: dict[str, Any] = json.loads(files.to_json(header))
    return plain


def _plain(evidence: Evidence) -> list[Any]:
    """Return evidence as plain values: pairs of a label, and a value or those of the chains."""
    known = evidence.to_dict().items()
    return [[*files.labels_to_json([label]), np.asarray(value).tolist()] for label, value in known]


def evidence_of(header: Mapping[str, Any], labels: tuple[Hashable, ...]) -> Evidence:
    """Return the evidence that a header holds, about units of these labels."""
    known = [(files.labels_from_json([label])[0], value) for label, value in header["clamp"]]
    return Evidence.of(dict(known), labels, header["chains"])


def attributes_of(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the root attributes that hold a header."""
    text = files.to_json(header)
    return {ATTRIBUTE: text, CHECKSUM: zlib.crc32(text.encode())}


def read_header(path: Path) -> dict[str, Any]:
    """Return everything of a store that is no array, its values checked.

    Raises
    ------
    InvalidInput
        If there is no such store, it is damaged, or of a newer schema.
    """
    if not os.path.exists(path):
        raise InvalidInput(f"run {str(path)!r} does not exist")
    header = _found(path)
    if not isinstance(header, dict) or header.get("kind") != KIND:
        more = ""
        if (path / "posterior").is_dir() and is_abandoned(path):
            more = " (it was stopped before it held anything: resume it to start again)"
        raise InvalidInput(f"run {str(path)!r} is not a Zarr store that Photinus wrote{more}")
    files.check_schema(path, header.get("schema"), files.SCHEMAS[KIND])
    try:
        _check(header)
    except (KeyError, TypeError, ValueError, PhotinusError) as error:
        raise InvalidInput(f"run {str(path)!r} is damaged: {error}") from None
    return dict(header)


def _found(path: Path) -> Any:
    """Return what stands where a header should, None for nothing that can be read."""
    import zarr

    try:
        attributes: Any = zarr.open_group(path, mode="r").attrs.asdict()
        header = attributes.get(ATTRIBUTE)
        if not isinstance(header, str):
            return header
        if zlib.crc32(header.encode()) == attributes.get(CHECKSUM):
            return json.loads(header)
    except Exception:
        return None
    raise InvalidInput(f"run {str(path)!r} is damaged: its header is not what was written")


def _check(header: Mapping[str, Any]) -> None:
    """Raise unless the plain values of a store are of their type and range."""
    for name, least in (("draws", 0), ("spikes", 0), ("chains", 1), ("burn_in", 0)):
        validate.integer(name, header[name], least)
    if header["window"] is not None:
        validate.positive("window", header["window"], "s")
    for name, kind in (
        ("substrate", str),
        ("labels", list),
        ("clamp", list),
        ("attributes", dict),
        ("complete", bool),
        ("tempering", (dict, type(None))),
        ("network", (dict, type(None))),
        ("checkpoint", (int, type(None))),
        *((("checksums", dict),) if header["schema"] > 1 else ()),
    ):
        if not isinstance(header[name], kind):
            raise InvalidInput(f"{name} must not be {header[name]!r:.80}")


def require_same(stored: Mapping[str, Any], samples: "Samples") -> None:
    """Raise InvalidInput unless a stored run was asked for as `samples` are."""
    asked = header_of(samples)
    # Version 0.1 kept evidence in the order and the form in which it was given.
    stored = {**stored, "clamp": _plain(evidence_of(stored, files.labels_from_json(stored["labels"])))}
    if "start" not in stored["attributes"]:
        # Stores of the first version do not say how chains started, which is behind them.
        stored = {**stored, "attributes": {**stored["attributes"], "start": None}}
        asked = {**asked, "attributes": {**asked["attributes"], "start": None}}
    for name, value in asked.items():
        if name not in ("complete", "version", "schema", "activity") and stored.get(name) != value:
            raise InvalidInput(
                f"resume needs the arguments of the stored run: {_difference(name, stored, asked)}"
            )


def _difference(name: str, stored: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return which argument differs, and how."""
    old, new = (document.get(name, USUAL.get(name)) for document in (stored, asked))
    if isinstance(old, dict) and isinstance(new, dict):
        key = next(k for k in {**old, **new} if old.get(k) != new.get(k))
        return _difference(key, old, new)
    return f"{ARGUMENTS.get(name, name)} was {old!r}, got {new!r}"


def is_abandoned(path: Path) -> bool:
    """Return whether a store is one that was killed before it held a draw: nothing gets lost with it.

    Older versions made their stores in place, so that a kill left groups without a header.
    """
    import zarr

    try:
        if {each.name for each in path.iterdir()} - {*OURS, "zarr.json"}:
            return False
        root = zarr.open_group(path, mode="r")
        if dict(root.attrs) or set(root.array_keys()) or not set(root.group_keys()) <= set(OURS):
            return False
        for name in root.group_keys():
            group: Any = root[name]
            known = OURS[name]
            if set(group.group_keys()) or (known is not None and set(group.array_keys()) - known):
                return False
        z: Any = root.get("posterior/z")
        return z is None or 0 in z.shape
    except Exception:
        return False
