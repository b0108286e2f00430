"""Samples as a DataTree of xarray, without a store."""

from typing import TYPE_CHECKING, Any

from photinus._core import files, validate
from photinus.samplers.storage.header import ATTRIBUTE, header_of
from photinus.samplers.storage.layout import Variable, variables

if TYPE_CHECKING:
    import xarray

    from photinus.samplers.samples import Samples


def to_datatree(samples: "Samples") -> "xarray.DataTree":
    """Return `samples` as the DataTree that the Zarr store holds."""
    validate.instance("samples", samples, "Samples")
    import xarray

    groups = variables(samples)
    if samples.spikes is None:
        groups.pop("spikes", None)
    tree = xarray.DataTree.from_dict({name: _dataset(group) for name, group in groups.items()})
    tree.attrs[ATTRIBUTE] = files.to_json(header_of(samples))
    return tree


def _dataset(group: dict[str, Variable]) -> "xarray.Dataset":
    import xarray

    units: dict[str, Any] = {"units": "s"}
    coordinates: dict[str, Any] = {
        name: (dims, values, units) if name == "time" else (dims, values)
        for name, (dims, values) in group.items()
        if dims in ((name,), ("draw",))
    }
    data = {name: variable for name, variable in group.items() if name not in coordinates}
    return xarray.Dataset(data, coordinates)
