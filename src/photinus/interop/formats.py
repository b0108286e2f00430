"""Models of others by one call: files by name or beginning, objects by what they have."""

import os
import re
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, NamedTuple

from photinus._core import files, validate
from photinus.errors import InvalidInput
from photinus.interop import bif, hugin, markup, quadratic_files, restricted, uai
from photinus.interop.agrum import from_agrum
from photinus.interop.bqm import from_dimod
from photinus.interop.graphs import from_frame, from_networkx, from_sparse
from photinus.interop.pgmpy import from_pgmpy
from photinus.interop.quadratic import Quadratic, of_machine
from photinus.interop.text import Source
from photinus.interop.thrml import from_thrml
from photinus.learning.imports import from_sklearn, read_rbms
from photinus.machines import files as machine_files
from photinus.machines import network_files
from photinus.machines.bayes import BayesianNetwork
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.markov import MarkovNetwork

Model = BoltzmannMachine | BayesianNetwork | MarkovNetwork
STREAM = "-"
"""Stands for the standard input."""
LOOKED_AT = 65536
"""Bytes at the beginning of a file that tell what it is."""


class Format(NamedTuple):
    """One kind of file."""

    name: str
    suffixes: tuple[str, ...]
    is_it: Callable[[bytes], bool]
    """Whether a file that begins so is of this kind."""
    read: Callable[[Source], Model]


def _begins(*magic: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magic)


def _matches(pattern: str) -> Callable[[bytes], bool]:
    found = re.compile(pattern, re.DOTALL)
    return lambda head: found.match(_text(head)) is not None


def _text(head: bytes) -> str:
    """Return how a text begins, in whatever encoding it says."""
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return head.decode(encoding, "replace").lstrip()


def _is_safetensors(head: bytes) -> bool:
    return len(head) > 8 and int.from_bytes(head[:8], "little") < 10**8 and head[8:9] == b"{"


def _machine(source: Source, energy: Quadratic) -> BoltzmannMachine:
    with files.reading(source.name, "quadratic model"):
        return energy.machine()


NETWORKS: dict[str, type[BayesianNetwork] | type[MarkovNetwork]] = {
    network_files.BAYESIAN: BayesianNetwork,
    network_files.MARKOV: MarkovNetwork,
}
"""Kind of a JSON file → the network that it holds."""


def _json(source: Source) -> Model:
    """Return the model of a JSON file, ours or of dimod."""
    document = files.parse_json(source.name, source.content)
    if isinstance(document, dict) and "bqm_schema" in str(document.get("version")):
        return _machine(source, quadratic_files.from_document(source, document))
    kind = document.get("kind") if isinstance(document, dict) else None
    if isinstance(kind, str) and kind in NETWORKS:
        files.check_document(source.name, document, kind=kind)
        return NETWORKS[kind]._of_document(source.name, document)
    files.check_document(source.name, document, kind=machine_files.KIND)
    return BoltzmannMachine._of_document(source.name, document)


def _archive(source: Source) -> BoltzmannMachine:
    """Return the machine of a NumPy archive: ours, or arrays of a learned machine."""
    arrays = files.read_npz(source.name, content=source.content)
    if "kind" in arrays or {"weights", "biases"} <= set(arrays):
        document = machine_files.of_arrays(source.name, arrays)
        return BoltzmannMachine._of_document(source.name, document)
    return restricted.from_arrays(source, arrays)


BLANK = r"(?:\s|//[^\n]*+|/\*.*?(?:\*/|\Z)|[%#][^\n]*+)*+"
"""White space and comments. What was matched is never given back, or a search could go on for ever."""
FORMATS = (
    Format("JSON of Photinus or dimod", (".json",), _matches(r"\{"), _json),
    Format("NumPy archive", (".npz",), _begins(b"PK\x03\x04"), _archive),
    Format("safetensors", (".safetensors",), _is_safetensors, restricted.read_safetensors),
    Format(
        "HDF5 of rbms",
        (".h5", ".hdf5"),
        _begins(b"\x89HDF"),
        lambda source: read_rbms(source.content, source.name),
    ),
    Format(
        "DIMODBQM",
        (".bqm",),
        _begins(quadratic_files.MAGIC),
        lambda source: _machine(source, quadratic_files.read_binary(source)),
    ),
    Format("XMLBIF", (".xmlbif", ".bifxml", ".xml"), _matches(r"<.*<BIF\b|<BIF\b"), markup.read_xmlbif),
    Format("XDSL", (".xdsl", ".xml"), _matches(r"<.*<smile\b|<smile\b"), markup.read_xdsl),
    Format("BIF", (".bif",), _matches(BLANK + r"(network|variable|probability)\b"), bif.read),
    Format("UAI", (".uai",), _matches(BLANK + r"(MARKOV|BAYES)\b"), uai.read),
    Format("NET", (".net",), _matches(BLANK + r"(net|node|class|discrete|potential)\b"), hugin.read),
    Format(
        "coordinates",
        (".coo",),
        _matches(r"#[^\n]*vartype|\d+[ \t]+\d+[ \t]+[-+.\d]"),
        lambda source: _machine(source, quadratic_files.read_coordinates(source)),
    ),
)
"""What can be read: by the end of the name, and where that leaves a choice by how the file begins."""


def format_of(source: Source) -> Format:
    """Return the format of a file.

    Raises
    ------
    InvalidInput
        If it is of none.
    """
    if not source.content.strip():
        raise source.wrong("it must hold a model, it is empty")
    suffix = Path(source.name).suffix.lower()
    named = [each for each in FORMATS if suffix in each.suffixes]
    head = source.content[:LOOKED_AT]
    for each in named or FORMATS:
        if each.is_it(head):
            return each
    if len(named) == 1:
        return named[0]
    known = ", ".join(each.name for each in named or FORMATS)
    raise source.wrong(f"it must be one of {known}, and begins like none of them")


HAS: tuple[tuple[tuple[str, ...], Callable[[Any], Model]], ...] = (
    (("nodes", "get_cpds"), from_pgmpy),
    (("nodes", "get_factors"), from_pgmpy),
    (("names", "variable", "idFromName"), from_agrum),
    (("vartype", "linear", "quadratic"), from_dimod),
    (("nodes", "edges", "biases", "weights", "beta"), from_thrml),
    (("nodes", "edges", "is_directed"), from_networkx),
    (("components_", "intercept_visible_", "intercept_hidden_"), from_sklearn),
    (("toarray", "tocsr", "nnz"), from_sparse),
    (("iloc", "columns", "index"), from_frame),
    (("state_dict",), restricted.from_state),
    (("keys", "values"), restricted.from_state),
)
"""What an object has → what makes a model of it. The first that fits counts."""


def read_model(model: Any) -> Model:
    """Return the model that a file, the standard input or an object of another library holds.

    Parameters
    ----------
    model
        Path of a file, ``-`` for the standard input, or an object. It may be a network of pgmpy or
        pyAgrum, a `BinaryQuadraticModel`, a graph of NetworkX, a sparse matrix or a frame. Fitted
        `BernoulliRBM`, `IsingEBM` and state dicts are known too. Models of Photinus come back as they
        are.

    Raises
    ------
    InvalidInput
        If it is none of these, or damaged.
    MissingDependency
        If a format needs a package that is not installed.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.interop import read_model, write_model
    >>> write_model(ph.BayesianNetwork.asia(), "asia.bif")
    >>> len(read_model("asia.bif").variables)
    8
    """
    if isinstance(model, Model):
        return model
    if isinstance(model, (str, os.PathLike)):
        source = source_of(model)
        return format_of(source).read(source)
    for names, convert in HAS:
        if all(hasattr(model, name) for name in names):
            return convert(model)
    raise InvalidInput(
        f"model must be a file or a model of a known library, got {validate.shown(model)}"
    )


def read_machine(model: Any) -> BoltzmannMachine:
    """Return the machine of whatever `read_model` takes; a network becomes one that samples from it.

    Raises
    ------
    InvalidInput, MissingDependency
        As `read_model`.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.interop import read_machine
    >>> network = ph.BayesianNetwork({"rain": 0.2, "wet": (("rain",), {(0,): 0.1, (1,): 0.9})})
    >>> read_machine(network).marginals().round(2)
    array([0.2 , 0.26])
    """
    found = read_model(model)
    return found if isinstance(found, BoltzmannMachine) else found.to_boltzmann()


def source_of(path: str | os.PathLike[str]) -> Source:
    """Return a file, or the standard input for ``-``, with its content."""
    if os.fspath(path) == STREAM:
        return Source(STREAM, files.read_input())
    return Source(os.fspath(files.named(path)), files.read_bytes(path))


def read_evidence(path: str | os.PathLike[str], model: Model) -> dict[Hashable, Hashable]:
    """Return variable → state of a UAI evidence file (.evid), for a network of a UAI file.

    Raises
    ------
    InvalidInput
        If it is damaged, or knows a variable or a state that the network does not have.

    Examples
    --------
    >>> from pathlib import Path
    >>> from photinus.interop import read_evidence, read_model
    >>> _ = Path("rain.uai").write_text("BAYES 1 2 1 1 0 2 0.8 0.2")
    >>> _ = Path("rain.uai.evid").write_text("1 0 1")
    >>> read_evidence("rain.uai.evid", read_model("rain.uai"))
    {0: 1}
    """
    network = validate.instance("model", model, BayesianNetwork | MarkovNetwork)
    return uai.evidence(source_of(path), network)


KINDS = {".json": "photinus", ".npz": "photinus", ".coo": "coordinates", ".bif": "bif"}
"""End of the name → what is written there."""


def write_model(
    model: Model,
    path: str | os.PathLike[str],
    kind: str | None = None,
    *,
    vartype: str = "BINARY",
    replace: bool = True,
) -> None:
    """Write a model so that other programs read it, and `read_model` gives it back.

    Parameters
    ----------
    model
        Any for the kind photinus (a Markov network in .json), a machine for dimod and coordinates, a
        Bayesian network for bif.
    path
        Where to.
    kind
        "photinus" (.json, .npz), "dimod" (.json), "coordinates" (.coo) or "bif" (.bif). By default the
        end of the path tells.
    vartype
        "BINARY" or "SPIN", for dimod and coordinates.
    replace
        Whether a file that is there already may be replaced.

    Raises
    ------
    InvalidInput
        If the kind does not suit the model, names do not suit the kind, or the file can't be written.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.interop import read_model, write_model
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    >>> write_model(machine, "machine.json", "dimod", vartype="SPIN")
    >>> read_model("machine.json").labels
    ('rain', 'wet')
    """
    validate.instance("model", model, Model)
    suffix = files.named(path).suffix.lower()
    if kind is None and suffix not in KINDS:
        raise InvalidInput(
            f"path must end in one of {', '.join(KINDS)}, or kind be given, got {suffix!r}"
        )
    kind = validate.one_of("kind", kind or KINDS[suffix], ("photinus", "dimod", "coordinates", "bif"))
    if kind == "bif":
        network = validate.instance("model", model, BayesianNetwork)
        files.write_text(path, bif.written(network), replace=replace)
        return
    if kind == "photinus":
        model.save(path, replace=replace)
        return
    machine = validate.instance("model", model, BoltzmannMachine)
    validate.one_of("vartype", vartype, quadratic_files.VARTYPES)
    energy = of_machine(machine, spin=vartype == "SPIN")
    if kind == "dimod":
        files.write_json(path, quadratic_files.to_document(energy), replace=replace)
    else:
        files.write_text(path, quadratic_files.to_coordinates(energy), replace=replace)
