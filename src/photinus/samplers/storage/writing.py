"""Writing a store: piece by piece while a run goes on, or at once."""

import contextlib
import os
import secrets
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus._core.matrices import alike
from photinus._core.streams import entropy_of
from photinus.devices import Network
from photinus.errors import InvalidInput, PhotinusError
from photinus.samplers.request import Piece, Run
from photinus.samplers.storage import arrays, checksums, layout
from photinus.samplers.storage.header import (
    AS_ARRAY,
    attributes_of,
    header_of,
    is_abandoned,
    read_header,
    require_same,
)
from photinus.samplers.storage.reading import contents

if TYPE_CHECKING:
    from photinus.samplers.samples import Samples

FEW_PIECES = 8
"""Chunks along the draws of samples that are saved at once."""


class RunStore:
    """A Zarr store that a run is written to while it goes."""

    _root: Any
    _header: dict[str, Any]
    _empty: "Samples"

    def __init__(self, path: str | os.PathLike[str], *, resume: bool) -> None:
        self.path = files.named(path)
        self._stored = None
        self._abandoned = False
        if resume and os.path.exists(self.path):
            self._abandoned = is_abandoned(self.path)
            if not self._abandoned:
                self._stored = read_header(self.path)
        else:
            check_place(path, replace=False, instead=", or resume it if it holds a run")

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

    def gauge(self) -> list[bool] | None:
        """Return the gauge of the stored run's network, empty for none; None for a new run."""
        if self._stored is None or self._stored["network"] is None:
            return None
        return list(self._stored["network"].get("gauge", ()))

    def rule(self) -> str | None:
        """Return the translation rule of the stored run; None for a new run, or if it had none."""
        return None if self._stored is None else self._stored["attributes"].get("rule")

    def open(self, empty: "Samples", draws: int, run: Run) -> list[Piece]:
        """Create the store, or bring `run` to where the stored one stopped; return what it has."""
        import zarr

        self._empty = empty
        if self._stored is not None:
            return self._continue(self._stored, run)
        if self._abandoned:
            files.remove_folder(self.path)
        # A store that is at its place has its header, at whatever moment the process is killed.
        with files.new_folder(self.path) as folder:
            self.create(folder, empty, max(1, min(draws, run.draws_per_piece)))
        self._root = zarr.open_group(self.path, mode="r+")
        return []

    def create(self, folder: Path, empty: "Samples", chunk: int) -> None:
        """Create a store of no draws, which will grow by `chunk` draws at once."""
        import zarr

        self._empty, self._root = empty, zarr.create_group(folder)
        for name, members in layout.variables(empty).items():
            group = self._root.create_group(name)
            for each, (dims, values) in members.items():
                arrays.create(group, each, values, dims, layout.chunks((dims, values), chunk))
            if "time" in members and "draw" in members:
                group["time"].attrs["units"] = "s"
                group["z" if "z" in members else "energy"].attrs["coordinates"] = "time"
        nothing = {"draws": 0, "spikes": 0, "checkpoint": None}
        self._header = {**header_of(empty), **nothing, "checksums": checksums.fixed(self._root)}
        self._commit()

    def _continue(self, stored: dict[str, Any], run: Run) -> list[Piece]:
        """Bring `run` to where the stored one stopped; return what it has."""
        import zarr

        require_same(stored, self._empty)
        self._root = zarr.open_group(self.path, mode="r+")
        before = contents(self.path)
        self._header = dict(stored)
        if stored["schema"] < AS_ARRAY:
            sums = checksums.whole(self._root, checksums.counting(self._root, stored))
            self._header.update(schema=AS_ARRAY, checksums=sums)
        _require_same_target(before, self._empty)
        if stored["draws"] == 0:
            return []
        self._restore(run, stored)
        return [Piece(before["states"], before["spikes"])]

    def _restore(self, run: Run, stored: Mapping[str, Any]) -> None:
        """Bring `run` to the checkpoint of a stored run, if that needs one."""
        slot = stored["checkpoint"]
        if slot is None and stored["complete"]:
            return
        why = None
        if slot is None:
            why = "it was saved without a checkpoint"
        else:
            group = self._root[f"checkpoint/{slot}"]
            state = {name: np.asarray(group[name][...]) for name in group.array_keys()}
            summed = stored["schema"] >= AS_ARRAY
            if summed and stored["checkpoint_checksums"] != checksums.each(state):
                why = "its checkpoint is damaged"
        if why is not None:
            raise InvalidInput(f"run {str(self.path)!r} cannot be resumed: {why}")
        _check_kind(run, state)
        with files.reading(self.path, "run to resume"):
            run.restore(state)

    def activity(self) -> NDArray[np.float64] | None:
        """Return what is stored of `Samples.activity`."""
        stored = self._header.get("activity")
        return None if stored is None else np.array(stored)

    def discard(self) -> None:
        """Remove a store that nothing was written to."""
        if self._header["draws"] == 0:
            files.remove_folder(self.path)

    def append(self, piece: Piece, run: Run, *, complete: bool) -> None:
        """Add a piece, then the state of `run` behind it, then make both count."""
        with _uninterrupted():
            try:
                self._check_alone()
                activity = run.activity()
                if activity is not None:
                    self._header["activity"] = activity.tolist()
                self.write(piece, {} if complete else run.state(), complete)
            except OSError as error:
                raise PhotinusError(
                    f"path {str(self.path)!r} cannot be written: {files.reason(error)}; "
                    "what was stored before can be resumed"
                ) from None

    def write(self, piece: Piece, state: Mapping[str, NDArray[Any]], complete: bool) -> None:
        """Add a piece and a checkpoint, then make both count."""
        import zarr

        header = self._header
        part = replace(self._empty, states=piece.states, spikes=piece.spikes)
        for group, members in layout.growing(part, header["draws"]).items():
            for name, variable in members.items():
                self._add(f"{group}/{name}", variable)
        header["draws"] += piece.states.shape[1]
        header["spikes"] += 0 if piece.spikes is None else len(piece.spikes)
        header["complete"] = complete
        self._write_checkpoint(state)
        self._commit()
        if complete:
            if "checkpoint" in self._root:
                del self._root["checkpoint"]
            with arrays.quiet():
                zarr.consolidate_metadata(self.path)

    def _add(self, path: str, variable: layout.Variable) -> None:
        """Write an array of a piece behind what counts, and take it into its checksum."""
        dims, values = variable
        first = self._header["spikes" if dims == layout.SPIKE else "draws"]
        arrays.place(self._root[path], values, first, checksums.GROWING.get(path, 0))
        if path in checksums.GROWING:
            sums = self._header["checksums"]
            sums[path] = checksums.crc(values, sums.get(path, 0))

    def _write_checkpoint(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Write the state of a run beside the one before, which counts until the next commit."""
        header = self._header
        if not state:
            header.pop("checkpoint_checksums", None)
            header["checkpoint"] = None
            return
        header["checkpoint"] = 1 - (header["checkpoint"] or 0)
        group = self._root.require_group("checkpoint")
        slot = group.create_group(str(header["checkpoint"]), overwrite=True)
        for name, values in state.items():
            values = np.asarray(values)
            arrays.create(slot, name, values, tuple(f"{name}_{k}" for k in range(values.ndim)))
        header["checkpoint_checksums"] = checksums.each(state)

    def _check_alone(self) -> None:
        """Raise if another process has written to this store since this one did."""
        there = read_header(self.path)
        if (there["draws"], there["complete"]) != (self._header["draws"], self._header["complete"]):
            raise PhotinusError(f"run {str(self.path)!r} is written by another process too")

    def _commit(self) -> None:
        # One file, replaced in one step.
        self._root.update_attributes(attributes_of(self._header))


def _require_same_target(before: Mapping[str, Any], empty: "Samples") -> None:
    """Raise InvalidInput unless a stored run has the machine and network that are asked for."""
    old, new = before["machine"], empty.machine
    if not (alike(old.matrix, new.matrix) and np.array_equal(old.biases, new.biases)):
        raise InvalidInput("resume needs the machine of the stored run, got another one")
    if _setting(before["network"]) != _setting(empty.network):
        raise InvalidInput(
            "resume needs the network of the stored run, got another one (another "
            "calibration or another version of Photinus translates otherwise)"
        )


def _setting(network: Network | None) -> tuple[Any, ...]:
    """Return what makes two networks the same experiment, apart from what the header compares."""
    if network is None:
        return ()
    return tuple(values.tobytes() for values in layout.network_arrays(network).values())


def _check_kind(run: Run, state: Mapping[str, NDArray[Any]]) -> None:
    """Raise InvalidInput if a state is not that of such a run: with workers, or without."""
    spread = any("@" in name for name in state)
    if state and spread != run.spread:
        wanted = "given" if spread else "None"
        how = "with" if spread else "without"
        raise InvalidInput(f"workers must be {wanted} to go on with a run that was begun {how} them")


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C, alarms and all that the program answers until a piece is written.

    Zarr's writers do not stop cleanly half way. And what the answer to an alarm raises there, mostly a
    `TimeoutError`, would read as a fault of the disk.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    with contextlib.ExitStack() as stack:
        for number in signal.valid_signals():
            answer = signal.getsignal(number)
            if callable(answer):
                stack.callback(signal.signal, number, answer)
                signal.signal(number, lambda number, frame: came.append(number))
        yield
    with contextlib.ExitStack() as stack:  # all of them, whatever one raises
        for one in dict.fromkeys(came):
            stack.callback(signal.raise_signal, one)


def save(samples: "Samples", path: str | os.PathLike[str]) -> None:
    """Write finished samples to a new store at `path`, at once: whole or not at all."""
    validate.instance("samples", samples, "Samples")
    with files.new_folder(path) as folder:
        store = RunStore(folder, resume=False)
        empty = replace(samples, states=samples.states[:, :0], spikes=None)
        store.create(folder, empty, max(1, -(-samples.draws // FEW_PIECES)))
        store.write(Piece(samples.states, samples.spikes), {}, samples.complete)


def remove(path: str | os.PathLike[str]) -> None:
    """Remove a store that Photinus wrote, and nothing else.

    Raises
    ------
    InvalidInput
        If something else is there.
    """
    target = files.named(path)
    _require_ours(target)
    files.remove_folder(target)


def _require_ours(target: Path) -> None:
    """Raise InvalidInput unless a store that Photinus wrote is there."""
    if not is_abandoned(target):
        read_header(target)


def _is_empty(place: Path) -> bool:
    """Return whether a store that Photinus wrote holds no draws."""
    return is_abandoned(place) or read_header(place)["draws"] == 0


def check_place(path: str | os.PathLike[str], *, replace: bool, instead: str = "") -> None:
    """Raise unless a store can be written at `path`; before any work is done.

    Parameters
    ----------
    path
        Where to.
    replace
        Whether a store that Photinus wrote may be replaced. Nothing else ever is.
    instead
        What else than another name helps where something is there, in words that end the sentence.

    Raises
    ------
    InvalidInput
        If something is there that may not be replaced, or the folder is missing or not writable.
    """
    target = files.named(path)
    if files.is_stream(target):
        raise InvalidInput(f"path {str(target)!r} cannot be written: a store is a folder")
    if replace and os.path.exists(target):
        _require_ours(target)
        files.check_folder(Path(os.path.realpath(target)).parent)
    else:
        files.check_new(target, instead=instead)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put a store aside while another takes its place; back again if an error leaves that empty.

    Raises
    ------
    InvalidInput
        If something is there that is no store of Photinus.
    """
    place = Path(os.path.realpath(files.named(path)))
    if not place.exists():
        yield
        return
    _require_ours(place)
    aside = place.with_name(f".photinus-{secrets.token_hex(6)}")
    with files.writing(path):
        os.rename(place, aside)
    try:
        yield
    except BaseException:
        if place.exists() and _is_empty(place):
            files.remove_folder(place)
        if not place.exists():
            os.rename(aside, place)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
