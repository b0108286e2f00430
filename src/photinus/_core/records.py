"""Frozen records: how their fields are settled while they are made, and read from what a file holds.

Small dataclasses without a library, because a wrong entry has to be told in one sentence with its name,
its value and what is allowed.
"""

from collections.abc import Collection, Mapping
from dataclasses import MISSING, asdict, fields, replace
from typing import Any, TypeVar

from photinus._core import validate
from photinus._core.files.kinds import SCHEMAS
from photinus.errors import InvalidInput

Record = TypeVar("Record", bound=Any)


def settle(record: Any, **values: Any) -> None:
    """Set fields of a frozen record; for its `__post_init__` alone, which checks and converts them."""
    for name, value in values.items():
        object.__setattr__(record, name, value)


def values_of(record: Any) -> dict[str, Any]:
    """Return the fields of a record by name, as they are."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def changed(
    parameters: Record, changes: Mapping[str, Any], *, entry: str, presets: Collection[str]
) -> Record:
    """Return a device's parameters with some changed; a changed preset is "custom" unless named.

    Raises
    ------
    InvalidInput
        For an unknown `entry` (what one of them is, for messages) or a value outside its range.
    """
    known = [field.name for field in fields(parameters)]
    for name in changes:
        validate.one_of(entry, name, known)
    renamed = {"name": "custom"} if changes and parameters.name in presets else {}
    return replace(parameters, **{**renamed, **changes})


RARE: Mapping[str, Any] = {"rare": True}
"""Metadata of fields that documents hold only where they are not as by default."""


def document_of(parameters: Any, kind: str) -> dict[str, Any]:
    """Return a device's parameters for JSON, with a schema; `RARE` ones only if set."""
    values = asdict(parameters)
    for field in fields(parameters):
        if field.metadata.get("rare") and values[field.name] == field.default:
            del values[field.name]
    return {"schema": SCHEMAS[kind], **values}


def fields_from(
    kind: type, values: Any, *, what: str, entry: str, schema: int | None = None
) -> dict[str, Any]:
    """Return the fields of a record of `kind` from a mapping, for its constructor.

    Parameters
    ----------
    kind
        The dataclass.
    values
        Mapping of names to values, with an entry ``schema`` or without.
    what, entry
        What the mapping is, and what one entry of it is, for messages.
    schema
        The only schema that is known; None where there is none.

    Raises
    ------
    InvalidInput
        For something else than a mapping, another schema, an unknown entry, or a missing one.
    """
    if not isinstance(values, Mapping):
        raise InvalidInput(f"{what} must be a mapping, got {validate.shown(values)}")
    given = dict(values)
    if schema is not None and (found := given.pop("schema", schema)) != schema:
        raise InvalidInput(f"schema of {what} must be {schema}, got {found!r}")
    known = fields(kind)
    for name in given:
        validate.one_of(entry, name, [field.name for field in known])
    for field in known:
        optional = field.default is not MISSING or field.default_factory is not MISSING
        if not optional and field.name not in given:
            raise InvalidInput(f"{what} must include {field.name}, which is missing")
    return given
