"""Results on disk: one Zarr store per run, which xarray and ArviZ open.

Layout: ``posterior/z`` (chain, draw, unit) with physical time beside ``draw``,
``sample_stats/energy``, ``target`` (weights, biases), ``spikes`` (chain, unit, time), ``network``
(pump, coupling, delay). A run that is written while it goes keeps its checkpoint in one of two
``checkpoint`` groups in turn. Each piece is appended first. Then the root attributes, which say how
much counts and which checkpoint belongs to it, are replaced in one step. A run that is killed at any
moment therefore stays readable up to its last complete piece, and resumes from there.

The root attribute `photinus` is JSON text, as NetCDF holds it too. It has a checksum (CRC-32) of every
array, over the draws that count, and beside it stands a checksum of the text itself. `load` compares
them, and checks every value, also of stores of schema 1, which have none.
"""

from photinus.samplers.storage.reading import contents as contents
from photinus.samplers.storage.tree import to_datatree as to_datatree
from photinus.samplers.storage.writing import RunStore as RunStore
from photinus.samplers.storage.writing import check_place as check_place
from photinus.samplers.storage.writing import remove as remove
from photinus.samplers.storage.writing import replacing as replacing
from photinus.samplers.storage.writing import save as save
