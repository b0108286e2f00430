"""What other packages add to this one, found by the entry points of their distributions.

Nothing is looked up before it is asked for: a scan reads the metadata of all installed packages.
"""

from typing import TYPE_CHECKING, Any

from photinus._core import validate
from photinus.errors import InvalidInput

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

SUBSTRATES = "photinus.substrates"
"""Group of classes with the members of `photinus.samplers.Run`, by the name of the substrate."""
DEVICES = "photinus.devices"
"""Group of objects or classes with the members of `photinus.devices.Device`, by the device's name."""


def names(group: str) -> tuple[str, ...]:
    """Return the names that other packages register in a group."""
    from importlib.metadata import entry_points  # slow to import

    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


def load(group: str, name: str) -> Any:
    """Return what another package registers by a name, None if none does.

    Raises
    ------
    InvalidInput
        If several packages register different things by this name, or it cannot be imported.
    """
    from importlib.metadata import entry_points  # slow to import

    found = {entry.value: entry for entry in entry_points(group=group, name=name)}
    if not found:
        return None
    if len(found) > 1:
        homes = " and ".join(map(_home, found.values()))
        raise InvalidInput(f"{name!r} is registered by {homes}: uninstall one of them")
    (entry,) = found.values()
    try:
        return entry.load()
    except Exception as error:  # whatever happens inside another package
        why = validate.shown(error)
        raise InvalidInput(f"{name!r} of {_home(entry)} cannot be imported: {why}") from error


def _home(entry: "EntryPoint") -> str:
    """Return what a user would uninstall."""
    return f"{entry.value!r}" if entry.dist is None else f"the package {entry.dist.name!r}"
