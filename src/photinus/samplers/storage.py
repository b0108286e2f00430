"""Results on disk: one Zarr store per run, which xarray and ArviZ open.

Layout: ``posterior/z`` (chain, draw, unit) with physical time beside ``draw``,
``sample_stats/energy``, ``target`` (weights, biases), ``spikes`` (chain, unit, time), ``network``
(pump, coupling, delay). A run that is written while it goes keeps its checkpoint in one of two
``checkpoint`` groups in turn. Each piece is appended first; then the root attributes, which say how
much counts and which checkpoint belongs to it, are replaced in one step. A run that is killed at any
moment therefore stays readable up to its last complete piece, and resumes from there.

The root attribute `photinus` is JSON text, as NetCDF holds it too. It has a checksum (CRC-32) of every
array, over the draws that count, and beside it stands its own; `load` compares them, and checks every
value, also of stores of schema 1, which have none.
"""

import contextlib
import json
import os
import signal
import threading
import warnings
import zlib
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, memory, validate
from photinus._core.streams import entropy_of
from photinus.engines.devices import Network, network_from_dict
from photinus.errors import InvalidInput, PhotinusError
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence
from photinus.samplers.request import Piece, Run
from photinus.samplers.tempering import Tempering
from photinus.spikes.trains import SpikeTrains

if TYPE_CHECKING:
    import xarray
    import zarr

    from photinus.samplers.samples import Samples

SCHEMA = 2
KIND = "photinus-samples"
ATTRIBUTE = "photinus"
CHECKSUM = "photinus_crc32"
"""Root attributes: everything that is no array, as JSON, and its checksum."""
SPIKES_PER_CHUNK = 262_144
FEW_PIECES = 8
_LOST: dict[str, Any] = {"u": 255, "i": -1, "f": float("nan"), "b": False}


class RunStore:
    """A Zarr store that a run is written to while it goes."""

    _root: Any
    _header: dict[str, Any]

    def __init__(self, path: str | os.PathLike[str], *, resume: bool) -> None:
        self.path = files.named(path)
        self._stored = None
        if resume and os.path.exists(self.path):
            self._abandoned = _is_abandoned(self.path)
            if not self._abandoned:
                self._stored = _read_header(self.path)
        else:
            self._abandoned = False
            files.check_new(path, instead=", or resume it if it holds a run")

    def seed(self) -> np.random.SeedSequence | None:
        """Return the seed of the stored run, None for a new one."""
        if self._stored is None:
            return None
        attributes = self._stored["attributes"]
        return np.random.SeedSequence(
            entropy_of(attributes["seed_entropy"]),
            spawn_key=attributes["seed_spawn_key"],
            pool_size=attributes.get("seed_pool_size", 4),
        )

    def open(self, empty: "Samples", draws: int, run: Run) -> list[Piece]:
        """Create the store, or bring `run` to where the stored one stopped; return what it has."""
        if self._stored is not None:
            return self._continue(empty, draws, run)
        import zarr

        if self._abandoned:
            files.remove_folder(self.path)
        # A store that is at its place has its header, at whatever moment the process is killed.
        with files.new_folder(self.path) as folder:
            self._create(folder, empty, draws, run.draws_per_piece)
        self._root = zarr.open_group(self.path, mode="r+")
        return []

    def _create(self, folder: Path, empty: "Samples", draws: int, draws_per_piece: int) -> None:
        import zarr

        root = zarr.create_group(folder)
        chains, _, units = empty.states.shape
        labels = np.array([str(label) for label in empty.machine.labels])
        chunk = max(1, min(draws, draws_per_piece))
        posterior = root.create_group("posterior")
        _array(posterior, "z", empty.states, ("chain", "draw", "unit"), (chains, chunk, units))
        statistics = root.create_group("sample_stats")
        _array(statistics, "energy", np.empty((chains, 0)), ("chain", "draw"), (chains, chunk))
        for group in (posterior, statistics):
            _array(group, "chain", np.arange(chains), ("chain",))
            _array(group, "draw", np.empty(0, np.int64), ("draw",), (chunk,))
            if empty.network is not None and empty.window is not None:
                time = _array(group, "time", np.empty(0), ("draw",), (chunk,))
                time.attrs["units"] = "s"
                group["z" if group is posterior else "energy"].attrs["coordinates"] = "time"
        target = root.create_group("target")
        _array(target, "weights", empty.machine.weights, ("unit", "unit_2"))
        _array(target, "biases", empty.machine.biases, ("unit",))
        for group in (posterior, target):
            _labels(group, "unit", labels)
        if empty.window is not None:
            spikes = root.create_group("spikes")
            for name, dtype in (("chain", np.int32), ("unit", np.int32), ("time", np.float64)):
                _array(spikes, name, np.empty(0, dtype), ("spike",), (SPIKES_PER_CHUNK,))
        if empty.network is not None:
            network = root.create_group("network")
            for name, values in _network_arrays(empty.network).items():
                _array(network, name, values, _network_axes(name, values))
        self._root = root
        self._header = {
            **_header(empty),
            "draws": 0,
            "spikes": 0,
            "checkpoint": None,
            "checksums": {f"{group}/{name}": _crc(array[...]) for group, name, array in _fixed(root)},
        }
        self._commit()

    def _continue(self, empty: "Samples", draws: int, run: Run) -> list[Piece]:
        import zarr

        assert self._stored is not None
        asked, stored = _header(empty), dict(self._stored)
        # Stores of version 0.1 keep evidence in the order and the form in which it was given.
        stored["clamp"] = _plain(_evidence(stored, empty.machine.labels))
        if "start" not in stored["attributes"]:
            # Stores of the first version do not say how chains started, which is behind them.
            stored = {**stored, "attributes": {**stored["attributes"], "start": None}}
            asked = {**asked, "attributes": {**asked["attributes"], "start": None}}
        for name, value in asked.items():
            if name not in ("complete", "version", "schema") and stored.get(name) != value:
                raise InvalidInput(
                    f"resume needs the arguments of the stored run: {_difference(name, stored, asked)}"
                )
        self._root = zarr.open_group(self.path, mode="r+")
        before = contents(self.path)
        self._header = dict(self._stored)
        if stored["schema"] < SCHEMA:
            self._header.update(
                schema=SCHEMA, checksums=_checksums(self._root, dict(_counting(self._root, stored)))
            )
        if not np.array_equal(before["machine"].weights, empty.machine.weights) or not np.array_equal(
            before["machine"].biases, empty.machine.biases
        ):
            raise InvalidInput("resume needs the machine of the stored run, got another one")
        if _setting(before["network"]) != _setting(empty.network):
            raise InvalidInput("resume needs the network of the stored run, got another one")
        if stored["draws"] == 0:
            return []
        slot = stored["checkpoint"]
        if slot is None and not stored["complete"]:
            raise InvalidInput(
                f"run {str(self.path)!r} cannot be resumed: it was saved without a checkpoint"
            )
        if slot is not None:
            group = self._root[f"checkpoint/{slot}"]
            state = {name: np.asarray(group[name][...]) for name in group.array_keys()}
            if stored["schema"] == SCHEMA and stored["checkpoint_checksums"] != _crcs(state):
                raise InvalidInput(
                    f"run {str(self.path)!r} cannot be resumed: its checkpoint is damaged"
                )
            _check_kind(run, state)
            with files.reading(self.path, "run to resume"):
                run.restore(state)
        return [Piece(before["states"], before["spikes"])]

    def discard(self) -> None:
        """Remove a store that nothing was written to."""
        if self._header["draws"] == 0:
            files.remove_folder(self.path)

    def append(self, piece: Piece, run: Run, *, complete: bool) -> None:
        """Add a piece, then the state of `run` behind it, then make both count."""
        with _uninterrupted():
            try:
                self._check_alone()
                self._append(piece, run, complete)
            except OSError as error:
                raise PhotinusError(
                    f"path {str(self.path)!r} cannot be written: {error.strerror}; "
                    "what was stored before can be resumed"
                ) from None

    def _append(self, piece: Piece, run: Run, complete: bool) -> None:
        import zarr

        header = self._header
        first, count = header["draws"], piece.states.shape[1]
        machine = _machine(self._root, header)
        posterior, statistics = self._root["posterior"], self._root["sample_stats"]
        energies = machine.energy(piece.states)
        _place(posterior["z"], piece.states, first, axis=1)
        _place(statistics["energy"], energies, first, axis=1)
        self._add_up("posterior/z", piece.states)
        self._add_up("sample_stats/energy", energies)
        index = np.arange(first, first + count)
        for group in (posterior, statistics):
            _place(group["draw"], index, first)
            if "time" in group:
                _place(group["time"], (header["burn_in"] + index + 1) * header["window"], first)
        if piece.spikes is not None:
            for name in ("chain", "unit", "time"):
                values = getattr(piece.spikes, name)
                _place(self._root[f"spikes/{name}"], values, header["spikes"])
                self._add_up(f"spikes/{name}", values)
            header["spikes"] += len(piece.spikes)
        header["draws"] += count
        header["complete"] = complete
        state = {} if complete else run.state()
        if state:
            header["checkpoint"] = 1 - (header["checkpoint"] or 0)
            group = self._root.require_group("checkpoint")
            slot = group.create_group(str(header["checkpoint"]), overwrite=True)
            for name, values in state.items():
                _array(slot, name, values, tuple(f"{name}_{k}" for k in range(values.ndim)))
            header["checkpoint_checksums"] = _crcs(state)
        else:
            header.pop("checkpoint_checksums", None)
            header["checkpoint"] = None
        self._commit()
        if complete:
            if "checkpoint" in self._root:
                del self._root["checkpoint"]
            with _quiet():
                zarr.consolidate_metadata(self.path)

    def _add_up(self, name: str, values: NDArray[Any]) -> None:
        """Take a piece of an array into its checksum."""
        sums = self._header["checksums"]
        sums[name] = _crc(values, sums.get(name, 0))

    def _check_alone(self) -> None:
        """Raise if another process has written to this store since this one did."""
        there = _read_header(self.path)
        if (there["draws"], there["complete"]) != (self._header["draws"], self._header["complete"]):
            raise PhotinusError(f"run {str(self.path)!r} is written by another process too")

    def _commit(self) -> None:
        text = files.to_json(self._header)
        # One file, replaced in one step.
        self._root.update_attributes({ATTRIBUTE: text, CHECKSUM: zlib.crc32(text.encode())})


def _crc(values: Any, before: int = 0) -> int:
    """Return the checksum of an array behind that of what stands before it.

    Draws (chain, draw, …) count draw by draw, so that pieces add up to the whole; of every other array
    this is an order like any other.
    """
    values = np.asarray(values)
    if values.ndim > 1:
        values = values.swapaxes(0, 1)
    plain = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False)
    return zlib.crc32(plain.reshape(-1).view(np.uint8).data, before)


def _crcs(arrays: Mapping[str, NDArray[Any]]) -> dict[str, int]:
    return {name: _crc(values) for name, values in arrays.items()}


def _fixed(root: Any) -> Iterator[tuple[str, str, Any]]:
    """Give (group, name, array) of everything that stays as it is during a run."""
    for name in ("weights", "biases"):
        yield "target", name, root[f"target/{name}"]
    if "network" in root:
        for name, array in sorted(root["network"].arrays()):
            yield "network", name, array


def _counting(root: Any, header: Mapping[str, Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Give (name, values) of everything that grows, as far as it counts."""
    draws, count = header["draws"], header["spikes"]
    for name in ("posterior/z", "sample_stats/energy"):
        yield name, _part(root[name], 1, draws)
    if count or header["window"] is not None:
        for name in ("spikes/chain", "spikes/unit", "spikes/time"):
            yield name, _part(root[name], 0, count)


def _checksums(root: Any, grown: Mapping[str, NDArray[Any]]) -> dict[str, int]:
    """Return the checksums of what a store holds, of what grows as far as it counts."""
    fixed = {f"{group}/{name}": _crc(array[...]) for group, name, array in _fixed(root)}
    return fixed | {name: _crc(values) for name, values in grown.items() if values.size}


def _header(samples: "Samples") -> dict[str, Any]:
    """Return everything about `samples` that is not an array, as plain values."""
    header = {
        "kind": KIND,
        "schema": SCHEMA,
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
    if samples.network is not None:
        stored_apart = (*samples.network.ARRAYS, "labels")
        document = samples.network.to_dict()
        header["network"] = {k: v for k, v in document.items() if k not in stored_apart}
    # One pass through JSON, so that what was stored and what is asked for compare equal.
    plain: dict[str, Any] = json.loads(files.to_json(header))
    return plain


def _difference(name: str, stored: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return which argument differs, and how."""
    old, new = stored.get(name), asked.get(name)
    if isinstance(old, dict) and isinstance(new, dict):
        key = next(k for k in {**old, **new} if old.get(k) != new.get(k))
        return _difference(key, old, new)
    return f"{name} was {old!r}, got {new!r}"


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C until a piece is written: Zarr's writers do not stop cleanly half way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence Zarr's remarks on what its format does not standardise yet (strings, one index)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3 specification.*")
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        yield


def _array(
    group: "zarr.Group",
    name: str,
    values: NDArray[Any],
    dims: tuple[str, ...],
    chunks: tuple[int, ...] | None = None,
) -> Any:
    values = np.asarray(values)
    array = group.create_array(
        name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=chunks or tuple(max(1, size) for size in values.shape),
        dimension_names=dims,
        # A value that is never written: a chunk that got lost shows.
        fill_value=_LOST[values.dtype.kind],
        config={"write_empty_chunks": True},
    )
    if values.size:
        array[...] = values
    return array


def _labels(group: "zarr.Group", name: str, labels: NDArray[np.str_]) -> None:
    with _quiet():
        array = group.create_array(
            name, shape=labels.shape, dtype=str, chunks=labels.shape, dimension_names=(name,)
        )
        array[...] = labels.astype(object)


def _place(array: Any, values: NDArray[Any], first: int, axis: int = 0) -> None:
    """Write `values` behind the first `first` entries along `axis`, dropping what was there."""
    shape = list(array.shape)
    shape[axis] = first + values.shape[axis]
    array.resize(tuple(shape))
    place = [slice(None)] * len(shape)
    place[axis] = slice(first, None)
    array[tuple(place)] = values


def _read_header(path: Path) -> dict[str, Any]:
    """Return everything of a store that is no array, its values checked."""
    import zarr

    if not os.path.exists(path):
        raise InvalidInput(f"run {str(path)!r} does not exist")
    try:
        attributes: Any = zarr.open_group(path, mode="r").attrs.asdict()
        header = attributes.get(ATTRIBUTE)
        if isinstance(header, str):
            if zlib.crc32(header.encode()) != attributes.get(CHECKSUM):
                raise InvalidInput(f"run {str(path)!r} is damaged: its header is not what was written")
            header = json.loads(header)
    except InvalidInput:
        raise
    except Exception:
        header = None
    if not isinstance(header, dict) or header.get("kind") != KIND:
        more = ""
        if (path / "posterior").is_dir() and _is_abandoned(path):
            more = " (it was stopped before it held anything: resume it to start again)"
        raise InvalidInput(f"run {str(path)!r} is not a Zarr store that Photinus wrote{more}")
    files.check_schema(path, header.get("schema"), SCHEMA)
    try:
        _check_header(header)
    except (KeyError, TypeError, ValueError, PhotinusError) as error:
        raise InvalidInput(f"run {str(path)!r} is damaged: {error}") from None
    return dict(header)


def _check_header(header: Mapping[str, Any]) -> None:
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


def _is_abandoned(path: Path) -> bool:
    """Return whether a store is one that was killed before it held a draw: nothing gets lost with it.

    Older versions made their stores in place, so that a kill left groups without a header.
    """
    import zarr

    ours = {
        "posterior": {"z", "unit", "chain", "draw", "time"},
        "sample_stats": {"energy", "chain", "draw", "time"},
        "target": {"weights", "biases", "unit"},
        "spikes": {"chain", "unit", "time"},
        "network": None,
    }
    try:
        if {each.name for each in path.iterdir()} - {*ours, "zarr.json"}:
            return False
        root = zarr.open_group(path, mode="r")
        if dict(root.attrs) or set(root.array_keys()) or not set(root.group_keys()) <= set(ours):
            return False
        for name in root.group_keys():
            group: Any = root[name]
            known = ours[name]
            if set(group.group_keys()) or (known is not None and set(group.array_keys()) - known):
                return False
        z: Any = root.get("posterior/z")
        return z is None or 0 in z.shape
    except Exception:
        return False


def _machine(root: Any, header: Mapping[str, Any]) -> BoltzmannMachine:
    return BoltzmannMachine(
        np.asarray(root["target/weights"][...]),
        np.asarray(root["target/biases"][...]),
        labels=tuple(header["labels"]),
    )


def contents(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a run wrote to `path`, complete or not: the fields of its `Samples`.

    Raises
    ------
    InvalidInput
        If there is no such store, it is damaged, or of a newer schema.
    """
    import zarr

    path = files.named(path)
    header = _read_header(path)
    try:
        return _loaded(zarr.open_group(path, mode="r"), header)
    except Exception as error:
        # What Zarr and its codecs raise on damaged files is not written anywhere.
        why = " ".join(str(error).split()) or type(error).__name__
        raise InvalidInput(f"run {str(path)!r} is damaged: {why}") from None


def _loaded(root: Any, header: Mapping[str, Any]) -> dict[str, Any]:
    machine, grown = _machine(root, header), dict(_counting(root, header))
    if header["schema"] > 1:
        _check_sums(header["checksums"], _checksums(root, grown))
    network = _network(root, header, machine.labels)
    if network is not None and network.n_units != machine.n_units:
        raise ValueError(f"its network has {network.n_units} units, its machine {machine.n_units}")
    return {
        "machine": machine,
        "states": _states(grown["posterior/z"], header, machine.n_units),
        "substrate": header["substrate"],
        "burn_in": header["burn_in"],
        "evidence": _evidence(header, machine.labels),
        "window": header["window"],
        "spikes": _spikes(grown, header, machine.labels),
        "network": network,
        "tempering": Tempering(**header["tempering"]) if header["tempering"] else None,
        "attributes": header["attributes"],
        "complete": header["complete"],
    }


def _check_sums(written: Mapping[str, int], found: Mapping[str, int]) -> None:
    """Raise unless every array of a store is what was written."""
    for name, value in found.items():
        if written.get(name) != value:
            raise ValueError(f"{name} is not what was written")


def _part(array: Any, axis: int, count: int) -> NDArray[Any]:
    """Return the first `count` entries of an array along `axis`, none of which got lost."""
    if array.shape[axis] < count:
        raise ValueError(f"{array.path} has {array.shape[axis]} entries of {count}")
    shape = (*array.shape[:axis], count, *array.shape[axis + 1 :])
    memory.require(float(np.prod(shape, dtype=np.float64)) * array.dtype.itemsize, array.path)
    return _whole(array[(slice(None),) * axis + (slice(count),)], array.path)


def _states(states: NDArray[np.uint8], header: Mapping[str, Any], units: int) -> NDArray[np.uint8]:
    if states.dtype != np.uint8 or states.shape != (header["chains"], header["draws"], units):
        raise ValueError(f"its states are {states.dtype} of shape {states.shape}")
    if states.size and states.max() > 1:
        raise ValueError(f"it has a state {states.max()}, which must be 0 or 1")
    return states


def _spikes(
    grown: Mapping[str, NDArray[Any]], header: Mapping[str, Any], labels: tuple[Hashable, ...]
) -> SpikeTrains | None:
    if "spikes/time" not in grown:
        return None
    count, window = header["spikes"], header["window"]
    chain, unit, time = (grown[f"spikes/{name}"] for name in ("chain", "unit", "time"))
    start = max(0.0, (header["burn_in"] - 1) * window)
    stop = (header["burn_in"] + header["draws"]) * window
    for name, values, most in (("chain", chain, header["chains"]), ("unit", unit, len(labels))):
        if values.dtype != np.int32 or (count and not 0 <= values.min() <= values.max() < most):
            raise ValueError(f"a spike has a {name} that is not one of {most}")
    # Engines end their pieces between two steps.
    if time.dtype != np.float64 or (
        count and not start - window <= time.min() <= time.max() <= stop + window
    ):
        raise ValueError(f"a spike's time is not from {start:g} to {stop:g}")
    order = np.lexsort((unit, time, chain))
    return SpikeTrains(chain[order], unit[order], time[order], labels, header["chains"], start, stop)


def _whole(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Return `values` of an array that has lost no chunk."""
    values = np.asarray(values)
    lost = np.isnan(values) if values.dtype.kind == "f" else values == _LOST[values.dtype.kind]
    if lost.any():
        raise ValueError(f"a part of {name} is missing")
    return values


def _setting(network: Network | None) -> tuple[Any, ...]:
    """Return what makes two networks the same experiment, apart from what the header compares."""
    if network is None:
        return ()
    return tuple(values.tobytes() for values in _network_arrays(network).values())


def _network_arrays(network: Network) -> dict[str, NDArray[np.float64]]:
    document = network.to_dict()
    return {name: np.asarray(document[name]) for name in network.ARRAYS if name in document}


def _network_axes(name: str, values: NDArray[Any]) -> tuple[str, ...]:
    axes = ("synapse", "end") if name == "synapses" else ("unit", "unit_2")
    return axes[: values.ndim]


def _plain(evidence: Evidence) -> list[Any]:
    """Return evidence as plain values: pairs of a label, and a value or those of the chains."""
    known = evidence.to_dict().items()
    return [[*files.labels_to_json([label]), np.asarray(value).tolist()] for label, value in known]


def _evidence(header: Mapping[str, Any], labels: tuple[Hashable, ...]) -> Evidence:
    """Return the evidence of a store."""
    known = [(files.labels_from_json([label])[0], value) for label, value in header["clamp"]]
    return Evidence.of(dict(known), labels, header["chains"])


def _network(root: Any, header: Mapping[str, Any], labels: tuple[Hashable, ...]) -> Network | None:
    entry = header["network"]
    if entry is None:
        return None
    arrays = {name: np.asarray(root[f"network/{name}"][...]) for name in root["network"].array_keys()}
    return network_from_dict({**entry, **arrays, "labels": labels})


def save(samples: "Samples", path: str | os.PathLike[str]) -> None:
    """Write finished samples to a new store at `path`, at once: whole or not at all."""
    validate.instance("samples", samples, "Samples")

    with files.new_folder(path) as folder:
        store = RunStore(folder, resume=False)
        per_piece = max(1, -(-samples.draws // FEW_PIECES))
        store._create(folder, samples_without_draws(samples), samples.draws, per_piece)
        store._append(Piece(samples.states, samples.spikes), _NoRun(), samples.complete)


def remove(path: str | os.PathLike[str]) -> None:
    """Remove a store that Photinus wrote, and nothing else.

    Raises
    ------
    InvalidInput
        If something else is there.
    """
    target = files.named(path)
    if not _is_abandoned(target):
        _read_header(target)
    files.remove_folder(target)


def _check_kind(run: Run, state: Mapping[str, NDArray[Any]]) -> None:
    """Raise InvalidInput if a state is not that of such a run: with workers, or without."""
    spread = any("@" in name for name in state)
    if state and spread != run.spread:
        wanted = "given" if spread else "None"
        how = "with" if spread else "without"
        raise InvalidInput(f"workers must be {wanted} to go on with a run that was begun {how} them")


class _NoRun:
    """Stands for the run of samples that are already finished."""

    window: float | None = None
    network: Network | None = None
    time_step: float | None = None
    draws_per_piece = 1
    spread = False

    def advance(self, draws: int, report: Any) -> Piece:
        raise NotImplementedError

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        raise NotImplementedError


def samples_without_draws(samples: "Samples") -> "Samples":
    """Return `samples` with everything but the draws."""
    return replace(samples, states=samples.states[:, :0], spikes=None)


def to_datatree(samples: "Samples") -> "xarray.DataTree":
    """Return `samples` as the DataTree that the Zarr store holds."""
    validate.instance("samples", samples, "Samples")
    import xarray

    machine = samples.machine
    labels = np.array([str(label) for label in machine.labels])
    draw = np.arange(samples.draws)
    coordinates: dict[str, Any] = {"chain": np.arange(samples.chains), "draw": draw}
    if samples.network is not None and samples.window is not None:
        time = (samples.burn_in + draw + 1) * samples.window
        coordinates["time"] = ("draw", time, {"units": "s"})
    groups = {
        "posterior": xarray.Dataset(
            {"z": (("chain", "draw", "unit"), samples.states)}, {**coordinates, "unit": labels}
        ),
        "sample_stats": xarray.Dataset(
            {"energy": (("chain", "draw"), machine.energy(samples.states))}, coordinates
        ),
        "target": xarray.Dataset(
            {"weights": (("unit", "unit_2"), machine.weights), "biases": ("unit", machine.biases)},
            {"unit": labels},
        ),
    }
    if samples.spikes is not None:
        groups["spikes"] = xarray.Dataset(
            {name: ("spike", getattr(samples.spikes, name)) for name in ("chain", "unit", "time")}
        )
    if samples.network is not None:
        arrays = _network_arrays(samples.network)
        groups["network"] = xarray.Dataset(
            {name: (_network_axes(name, values), values) for name, values in arrays.items()}
        )
    tree = xarray.DataTree.from_dict(groups)
    # Text: NetCDF has no nested attributes.
    tree.attrs[ATTRIBUTE] = files.to_json(_header(samples))
    return tree
