"""Learned machines as arrays by name: state dicts of PyTorch, files of safetensors and of NumPy.

Nothing is ever unpickled, and PyTorch is not imported.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.extras import optional
from photinus.errors import InvalidInput
from photinus.interop.quadratic import Quadratic
from photinus.interop.text import Source
from photinus.learning.imports import restricted
from photinus.machines.boltzmann import BoltzmannMachine

WEIGHTS = ("w", "weight", "weights", "weight_matrix")
VISIBLE = ("v_bias", "vbias", "visible_bias", "bias_visible", "b_v", "bv", "vb", "visible", "v", "a")
HIDDEN = ("h_bias", "hbias", "hidden_bias", "bias_hidden", "b_h", "bh", "hb", "hidden", "h", "c", "b")
"""Names, in small letters, that programs give to W and the biases of a restricted machine."""
GRAPH = ("linear", "quadratic", "edge_idx_i", "edge_idx_j")
"""Names in the state of a `GraphRestrictedBoltzmannMachine`, less a leading underscore."""


def from_state(
    state: Any, *, hidden_first: bool | None = None, labels: Iterable[Hashable] | None = None
) -> BoltzmannMachine:
    """Return the machine of a state dict of PyTorch, or of another mapping name → array.

    Two kinds are known. A restricted machine of 0/1 units has W (`W`, `weight`, `weight_matrix` …) and
    biases of visible and hidden units (`v_bias`, `h_bias`, `vbias`, `hbias` …). A
    `GraphRestrictedBoltzmannMachine` of dwave-pytorch-plugin has `_linear`, `_quadratic`,
    `_edge_idx_i` and `_edge_idx_j`, over spins: p(s) ∝ exp(-h·s - Σ J_ij s_i s_j). Names may have a
    prefix that ends in a dot.

    Parameters
    ----------
    state
        The mapping. What has a `state_dict`, as a module of PyTorch, will do.
    hidden_first
        Whether W is (hidden, visible), as in ``torch.nn.functional.linear``. By default the sizes of
        the biases tell; it must be said where both are equal.
    labels
        One name per unit. By default those of learned machines, or 0 … n-1 for a graph.

    Raises
    ------
    InvalidInput
        If it is no such mapping, or sizes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.interop import from_state
    >>> state = {"W": np.ones((2, 3)), "h_bias": np.zeros(2), "v_bias": np.zeros(3)}
    >>> from_state(state).n_units
    5
    """
    if callable(getattr(state, "state_dict", None)):
        state = state.state_dict()
    if not isinstance(state, Mapping) or not state:
        raise InvalidInput(f"state must be a mapping name → array, got {validate.shown(state)}")
    arrays = {str(name).rpartition(".")[2].lower(): value for name, value in state.items()}
    if len(arrays) < len(state):
        raise InvalidInput(f"state must be of one machine, got {validate.shown(list(state))}")
    plain = {name.lstrip("_"): value for name, value in arrays.items()}
    if all(name in plain for name in GRAPH):
        return _of_graph([array_of(name, plain[name]) for name in GRAPH], labels)
    found = [_only(kind, arrays, names) for kind, names in _KINDS]
    return _of_restricted(found, hidden_first, labels)


_KINDS = (
    ("weights", WEIGHTS),
    ("biases of visible units", VISIBLE),
    ("biases of hidden units", HIDDEN),
)


def _only(kind: str, arrays: Mapping[str, Any], names: tuple[str, ...]) -> NDArray[Any]:
    """Return the one array that has one of these names."""
    held = [name for name in arrays if name in names]
    if len(held) != 1:
        shown = validate.shown(sorted(arrays))
        raise InvalidInput(f"state must hold one array of {kind}, one of {names}, got {shown}")
    return array_of(held[0], arrays[held[0]])


def array_of(name: str, value: Any) -> NDArray[Any]:
    """Return an array, be it a tensor of PyTorch, as one of NumPy."""
    for step in ("detach", "cpu", "numpy"):
        value = getattr(value, step)() if callable(getattr(value, step, None)) else value
    return validate.plain_array(name, value)


def _of_restricted(
    arrays: list[NDArray[Any]], hidden_first: bool | None, labels: Iterable[Hashable] | None
) -> BoltzmannMachine:
    w, visible, hidden = arrays
    if hidden_first is None and w.ndim == 2 and w.shape[0] == w.shape[1]:
        raise InvalidInput(
            "hidden_first must be True or False where there are as many hidden units as visible ones"
        )
    turned = w.shape == (hidden.size, visible.size) if hidden_first is None else hidden_first
    machine = restricted(w.T if turned else w, visible, hidden)
    return machine if labels is None else BoltzmannMachine(machine.matrix, machine.biases, labels)


def _of_graph(arrays: list[NDArray[Any]], labels: Iterable[Hashable] | None) -> BoltzmannMachine:
    linear, quadratic, head, tail = arrays
    names = tuple(range(linear.size)) if labels is None else validate.listed("labels", labels)
    return Quadratic.of(names, linear, (head, tail, quadratic), 0.0, spin=True).machine()


def read_safetensors(source: Source) -> BoltzmannMachine:
    """Return the machine of a file of safetensors.

    Raises
    ------
    MissingDependency
        If safetensors is not installed.
    """
    numpy = optional("safetensors.numpy", "torch", "a file of safetensors")
    try:
        arrays = numpy.load(source.content)
    except Exception:
        # What it raises on arbitrary bytes is not written anywhere.
        raise source.wrong("it is not a complete file of safetensors") from None
    return from_arrays(source, arrays)


def from_arrays(source: Source, arrays: Mapping[str, Any]) -> BoltzmannMachine:
    """Return the machine of the arrays of a file."""
    try:
        return from_state(arrays)
    except InvalidInput as error:
        raise source.wrong(str(error)) from None
