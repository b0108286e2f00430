"""Other people's models and results: readers, writers, and the interfaces of their samplers."""

from typing import TYPE_CHECKING

from photinus._core import lazy

if TYPE_CHECKING:
    from photinus.interop.agrum import from_agrum as from_agrum
    from photinus.interop.bqm import energy_off as energy_off
    from photinus.interop.bqm import from_dimod as from_dimod
    from photinus.interop.bqm import initial_states as initial_states
    from photinus.interop.bqm import to_dimod as to_dimod
    from photinus.interop.formats import read_evidence as read_evidence
    from photinus.interop.formats import read_machine as read_machine
    from photinus.interop.formats import read_model as read_model
    from photinus.interop.formats import write_model as write_model
    from photinus.interop.graphs import from_frame as from_frame
    from photinus.interop.graphs import from_networkx as from_networkx
    from photinus.interop.graphs import from_sparse as from_sparse
    from photinus.interop.graphs import to_networkx as to_networkx
    from photinus.interop.graphs import to_sparse as to_sparse
    from photinus.interop.pgmpy import from_pgmpy as from_pgmpy
    from photinus.interop.restricted import from_state as from_state
    from photinus.interop.thrml import from_thrml as from_thrml
    from photinus.learning.imports import from_rbms as from_rbms
    from photinus.learning.imports import from_sklearn as from_sklearn

_HOMES = {
    "energy_off": "photinus.interop.bqm",
    "from_agrum": "photinus.interop.agrum",
    "from_dimod": "photinus.interop.bqm",
    "from_frame": "photinus.interop.graphs",
    "from_networkx": "photinus.interop.graphs",
    "from_pgmpy": "photinus.interop.pgmpy",
    "from_rbms": "photinus.learning.imports",
    "from_sklearn": "photinus.learning.imports",
    "from_sparse": "photinus.interop.graphs",
    "from_state": "photinus.interop.restricted",
    "from_thrml": "photinus.interop.thrml",
    "initial_states": "photinus.interop.bqm",
    "read_evidence": "photinus.interop.formats",
    "read_machine": "photinus.interop.formats",
    "read_model": "photinus.interop.formats",
    "to_dimod": "photinus.interop.bqm",
    "to_networkx": "photinus.interop.graphs",
    "to_sparse": "photinus.interop.graphs",
    "write_model": "photinus.interop.formats",
}
__all__ = sorted(_HOMES)

__getattr__ = lazy.loader(__name__, _HOMES)
