"""Results on disk: one Zarr store per run, which xarray and ArviZ open.

Layout: ``posterior/z`` (chain, draw, unit) with physical time beside ``draw``,
``sample_stats/energy``, ``target`` (weights, biases), ``spikes`` (chain, unit, time), ``network``
(pump, coupling, delay). A run that is written while it goes keeps its checkpoint in one of two
``checkpoint`` groups in turn. Each piece is appended first; then the root attributes, which say how
much counts and which checkpoint belongs to it, are replaced in one step. A run that is killed at any
moment therefore stays readable up to its last complete piece, and resumes from there.
"""

import contextlib
import json
import os
import shutil
import signal
import threading
import warnings
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus import _files
from photinus.boltzmann import BoltzmannMachine
from photinus.devices import Network, network_from_dict
from photinus.errors import InvalidInput, PhotinusError
from photinus.samples import Samples
from photinus.simulation.spikes import SpikeTrains
from photinus.simulation.streams import entropy_of
from photinus.tempering import Tempering

if TYPE_CHECKING:
    import xarray
    import zarr

    from photinus.sampling import Piece, Run

SCHEMA = 1
KIND = "photinus-samples"
ATTRIBUTE = "photinus"
SPIKES_PER_CHUNK = 262_144
FEW_PIECES = 8
_LOST: dict[str, Any] = {"u": 255, "i": -1, "f": float("nan"), "b": False}


def check_new(path: str | os.PathLike[str]) -> Path:
    """Return `path` if something can be created there.

    Raises
    ------
    InvalidInput
        If it exists, or its folder is missing or not writable.
    """
    target = Path(path)
    if target.exists():
        raise InvalidInput(f"path {str(target)!r} exists already: choose another one or resume it")
    parent = target.absolute().parent
    if not parent.is_dir():
        raise InvalidInput(f"path {str(target)!r} cannot be written: {str(parent)!r} is no folder")
    if not os.access(parent, os.W_OK):
        raise InvalidInput(f"path {str(target)!r} cannot be written: no permission in its folder")
    return target


class RunStore:
    """A Zarr store that a run is written to while it goes."""

    _root: Any
    _header: dict[str, Any]

    def __init__(self, path: str | os.PathLike[str], *, resume: bool) -> None:
        self.path = Path(path)
        self._resume = resume and self.path.exists()
        if not self._resume:
            check_new(path)
        self._stored = _read_header(self.path) if self._resume else None

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

    def open(self, empty: Samples, draws: int, run: "Run") -> "list[Piece]":
        """Create the store, or bring `run` to where the stored one stopped; return what it has."""
        if self._stored is None:
            try:
                self._create(empty, draws, run.draws_per_piece)
            except OSError as error:
                raise InvalidInput(
                    f"path {str(self.path)!r} cannot be written: {error.strerror}"
                ) from None
            return []
        return self._continue(empty, draws, run)

    def _create(self, empty: Samples, draws: int, draws_per_piece: int) -> None:
        import zarr

        root = zarr.create_group(self.path)
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
        self._header = {**_header(empty), "draws": 0, "spikes": 0, "checkpoint": None}
        self._commit()

    def _continue(self, empty: Samples, draws: int, run: "Run") -> "list[Piece]":
        import zarr

        from photinus.sampling import Piece
        from photinus.workers import check_kind

        assert self._stored is not None
        asked, stored = _header(empty), self._stored
        for name, value in asked.items():
            if name not in ("complete", "version") and stored.get(name) != value:
                raise InvalidInput(
                    f"resume needs the arguments of the stored run: {_difference(name, stored, asked)}"
                )
        self._root = zarr.open_group(self.path, mode="r+")
        self._header = dict(stored)
        before = load(self.path)
        if not np.array_equal(before.machine.weights, empty.machine.weights) or not np.array_equal(
            before.machine.biases, empty.machine.biases
        ):
            raise InvalidInput("resume needs the machine of the stored run, got another one")
        if _setting(before.network) != _setting(empty.network):
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
            check_kind(run, state)
            run.restore(state)
        return [Piece(before.states, before.spikes)]

    def discard(self) -> None:
        """Remove a store that nothing was written to."""
        if self._header["draws"] == 0:
            shutil.rmtree(self.path, ignore_errors=True)

    def append(self, piece: "Piece", run: "Run", *, complete: bool) -> None:
        """Add a piece, then the state of `run` behind it, then make both count."""
        with _uninterrupted():
            try:
                self._append(piece, run, complete)
            except OSError as error:
                raise PhotinusError(
                    f"path {str(self.path)!r} cannot be written: {error.strerror}; "
                    "what was stored before can be resumed"
                ) from None

    def _append(self, piece: "Piece", run: "Run", complete: bool) -> None:
        import zarr

        header = self._header
        first, count = header["draws"], piece.states.shape[1]
        machine = _machine(self._root)
        posterior, statistics = self._root["posterior"], self._root["sample_stats"]
        _place(posterior["z"], piece.states, first, axis=1)
        _place(statistics["energy"], machine.energy(piece.states), first, axis=1)
        index = np.arange(first, first + count)
        for group in (posterior, statistics):
            _place(group["draw"], index, first)
            if "time" in group:
                _place(group["time"], (header["burn_in"] + index + 1) * header["window"], first)
        if piece.spikes is not None:
            for name in ("chain", "unit", "time"):
                values = getattr(piece.spikes, name)
                _place(self._root[f"spikes/{name}"], values, header["spikes"])
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
        else:
            header["checkpoint"] = None
        self._commit()
        if complete:
            if "checkpoint" in self._root:
                del self._root["checkpoint"]
            with _quiet():
                zarr.consolidate_metadata(self.path)

    def _commit(self) -> None:
        self._root.attrs[ATTRIBUTE] = self._header


def _header(samples: Samples) -> dict[str, Any]:
    """Return everything about `samples` that is not an array, as plain values."""
    header = {
        "kind": KIND,
        "schema": SCHEMA,
        "substrate": samples.substrate,
        "chains": samples.chains,
        "burn_in": samples.burn_in,
        "window": samples.window,
        "labels": list(samples.machine.labels),
        "clamp": [[label, np.asarray(value).tolist()] for label, value in samples.clamp.items()],
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
    plain: dict[str, Any] = json.loads(json.dumps(header))
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
    import zarr

    if not path.exists():
        raise InvalidInput(f"run {str(path)!r} does not exist")
    try:
        root = zarr.open_group(path, mode="r")
        header: Any = root.attrs.get(ATTRIBUTE)
    except Exception:
        header = None
    if not isinstance(header, dict) or header.get("kind") != KIND:
        raise InvalidInput(f"run {str(path)!r} is not a Zarr store that Photinus wrote")
    _files.check_schema(path, header.get("schema"), SCHEMA)
    return dict(header)


def _machine(root: Any) -> BoltzmannMachine:
    header: Any = root.attrs[ATTRIBUTE]
    return BoltzmannMachine(
        np.asarray(root["target/weights"][...]),
        np.asarray(root["target/biases"][...]),
        labels=tuple(header["labels"]),
    )


def load(path: str | os.PathLike[str]) -> Samples:
    """Read the samples that a run wrote to `path`, complete or not.

    Raises
    ------
    InvalidInput
        If there is no such store, it is damaged, or of a newer schema.
    """
    import zarr

    path = Path(path)
    header = _read_header(path)
    try:
        root: Any = zarr.open_group(path, mode="r")
        machine = _machine(root)
        draws, count = int(header["draws"]), int(header["spikes"])
        states = _whole(root["posterior/z"][:, :draws])
        spikes = None
        if count or header["window"] is not None:
            stop = (header["burn_in"] + draws) * header["window"]
            chain, unit, time = (
                _whole(root[f"spikes/{name}"][:count]) for name in ("chain", "unit", "time")
            )
            order = np.lexsort((unit, time, chain))
            spikes = SpikeTrains(
                chain[order],
                unit[order],
                time[order],
                machine.labels,
                header["chains"],
                max(0.0, (header["burn_in"] - 1) * header["window"]),
                stop,
            )
        return Samples(
            machine=machine,
            states=states,
            substrate=header["substrate"],
            burn_in=header["burn_in"],
            clamp={label: _clamp_value(value) for label, value in header["clamp"]},
            window=header["window"],
            spikes=spikes,
            network=_network(root, header, machine.labels),
            tempering=Tempering(**header["tempering"]) if header["tempering"] else None,
            attributes=header["attributes"],
            complete=header["complete"],
        )
    except PhotinusError:
        raise
    except Exception as error:
        raise InvalidInput(f"run {str(path)!r} is damaged: {error}") from None


def _whole(values: NDArray[Any]) -> NDArray[Any]:
    """Return `values` of an array that has lost no chunk."""
    values = np.asarray(values)
    lost = np.isnan(values) if values.dtype.kind == "f" else values == _LOST[values.dtype.kind]
    if lost.any():
        raise ValueError("a part of its data is missing")
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


def _clamp_value(value: Any) -> Any:
    return np.array(value, np.uint8) if isinstance(value, list) else value


def _network(root: Any, header: Mapping[str, Any], labels: tuple[Hashable, ...]) -> Network | None:
    entry = header["network"]
    if entry is None:
        return None
    arrays = {name: np.asarray(root[f"network/{name}"][...]) for name in root["network"].array_keys()}
    return network_from_dict({**entry, **arrays, "labels": labels})


def save(samples: Samples, path: str | os.PathLike[str]) -> None:
    """Write finished samples to a new store at `path`, at once: whole or not at all."""
    from photinus.sampling import Piece

    target = check_new(path)
    temporary = target.with_name(f".{target.name}.partial")
    if temporary.exists():
        shutil.rmtree(temporary)
    try:
        store = RunStore(temporary, resume=False)
        per_piece = max(1, -(-samples.draws // FEW_PIECES))
        store._create(samples_without_draws(samples), samples.draws, per_piece)
        store._append(Piece(samples.states, samples.spikes), _NoRun(), samples.complete)
        temporary.rename(target)
    except OSError as error:
        raise InvalidInput(f"path {str(path)!r} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class _NoRun:
    """Stands for the run of samples that are already finished."""

    window: float | None = None
    network: Network | None = None
    time_step: float | None = None
    draws_per_piece = 1

    def advance(self, draws: int, report: Any) -> "Piece":
        raise NotImplementedError

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        raise NotImplementedError


def samples_without_draws(samples: Samples) -> Samples:
    """Return `samples` with everything but the draws."""
    from dataclasses import replace

    return replace(samples, states=samples.states[:, :0], spikes=None)


def to_datatree(samples: Samples) -> "xarray.DataTree":
    """Return `samples` as the DataTree that the Zarr store holds."""
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
    tree.attrs[ATTRIBUTE] = _header(samples)
    return tree
