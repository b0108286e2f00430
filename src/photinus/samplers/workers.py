"""Chains spread over processes, on this machine or a cluster, with Dask or any executor.

The chains of a run are cut into blocks; a block is advanced by any worker, from a state that travels
with the task. So workers keep nothing: what one loses, because it was killed, another does again. As
every random number belongs to (seed, role, chain, unit), the draws are those of a single process.
"""

import contextlib
import gc
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import replace
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import hush, validate
from photinus._core.extras import optional
from photinus._core.streams import ChainsFrom
from photinus._core.threads import available_threads
from photinus._core.version import __version__
from photinus.errors import InvalidInput, PhotinusError
from photinus.samplers.registry import started
from photinus.samplers.request import Piece, Request, Run
from photinus.spikes.trains import SpikeTrains

if TYPE_CHECKING:
    from distributed import Client


BLOCKS = 16
"""Blocks of chains that travel apart. Never by the number of workers: a stored state fits any."""
PATIENCE = 10.0
"""How long to wait for a scheduler's answer, and for its first worker [s]."""
MOST_PROCESSES = 64
"""Most processes to start here, or four for each core, if that is more: each takes 100 MB or so."""
LOOKED_AFTER = 5.0
"""How often to look whether all processes of this machine are there [s]."""
PATIENT = 3
"""How often a block that Dask gave up is given out again. Four deaths in a row are bad luck where
workers are killed every few seconds; sixteen are too little memory."""
State = Mapping[str, NDArray[Any]]


@contextlib.contextmanager
def workers_pool(workers: int | str | None) -> "Iterator[Client | None]":
    """Give a client of so many processes of this machine, or of the cluster at an address.

    Raises
    ------
    InvalidInput
        If `workers` is neither, if nothing answers at the address or what answers cannot do the work,
        or if processes cannot be started.
    MissingDependency
        If Dask is not installed.
    """
    if workers is None:
        yield None
        return
    if not isinstance(workers, str):
        most = max(MOST_PROCESSES, 4 * available_threads())
        workers = validate.integer("workers", workers, 1, most)
    distributed = optional("distributed", "workers", "a run with workers")
    with contextlib.ExitStack() as stack:
        # Dask tells of dying workers and lost connections at length; what matters is raised.
        logger = logging.getLogger("distributed")
        stack.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL)
        if isinstance(workers, str):
            client = stack.enter_context(_connected(workers))
            _check_cluster(client, workers)
        else:
            try:
                with _interrupts_held():
                    cluster = distributed.LocalCluster(
                        n_workers=workers,
                        threads_per_worker=1,
                        dashboard_address="127.0.0.1:0",
                        silence_logs=logging.CRITICAL,
                    )
            except RuntimeError:
                raise InvalidInput(
                    f"workers must be None where processes cannot be started, got {workers} (a script, "
                    'which each process imports, must do its work under `if __name__ == "__main__":`)'
                ) from None
            stack.enter_context(cluster)
            stack.enter_context(_kept_full(cluster, workers))
            client = stack.enter_context(distributed.Client(cluster))
        yield client


@contextlib.contextmanager
def _kept_full(cluster: Any, processes: int) -> Iterator[None]:
    """Start processes again that Dask gave up; else a run without any would wait for ever.

    Dask starts a dead process again. It gives up one that dies once more while it starts, or that is
    not there within 15 s.
    """
    over = threading.Event()

    def fill() -> None:
        while not over.wait(LOOKED_AFTER):
            cluster.loop.add_callback(cluster.scale, processes)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back; for good in processes and threads that are started meanwhile.

    It reaches all processes of a terminal, but only this one is to act on it.
    """
    # Python's helper of processes, started by the first of them, would let it through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _connected(address: str) -> "Client":
    """Return a client of the scheduler at an address."""
    import distributed

    with contextlib.suppress(OSError, ValueError, TypeError, ImportError):
        return distributed.Client(address, timeout=PATIENCE)
    # A client that found no scheduler closes itself when it is collected; were that while another one
    # starts, both would wait for each other for ever.
    gc.collect()
    raise InvalidInput(
        "workers must be a number of processes or the address of a running Dask scheduler "
        f"such as 'tcp://host:8786', got {address!r}"
    )


def _check_cluster(client: "Client", address: str) -> None:
    """Raise InvalidInput unless the cluster has workers, and they have this version of Photinus."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise InvalidInput(
            f"workers must be the address of a cluster that has some, got {address!r} (start them with "
            f"'dask worker {address}')"
        ) from None
    # By what Python itself has: a worker without Photinus could not load a function of it.
    code = "__import__('photinus').__version__"
    answers = client.run(eval, code, on_error="return").values()
    # A connection that breaks tells of a worker that died just now: another takes its place.
    there = [answer for answer in answers if not isinstance(answer, OSError)]
    versions = {"none" if isinstance(answer, Exception) else str(answer) for answer in there}
    if versions - {__version__}:
        raise InvalidInput(
            f"workers must have Photinus {__version__}, as this process has, got {address!r} with "
            f"{', '.join(sorted(versions))}"
        )


@contextlib.contextmanager
def executor_of(workers: int | str | None, pool: Executor | None) -> Iterator[Executor | None]:
    """Give what spreads chains: the pool, or that of workers; None without either.

    Raises
    ------
    InvalidInput
        As `workers_pool` does, if `pool` is no executor, or if both are given.
    """
    if pool is None:
        with workers_pool(workers) as client:
            yield None if client is None else client.get_executor(pure=False)
        return
    if workers is not None:
        raise InvalidInput(f"workers must be None with a pool, got {workers!r}")
    yield validate.instance("pool", pool, Executor)


class SpreadRun(Run):
    """A run of any substrate whose chains are advanced by workers."""

    spread = True

    def __init__(self, request: Request, pool: Executor) -> None:
        whole = started(request)
        self.window, self.network, self.time_step = whole.window, whole.network, whole.time_step
        self.draws_per_piece, self.drive = whole.draws_per_piece, whole.drive
        self._outside = whole.outside()
        self._pool, self._chains, self._burn_in = pool, request.chains, request.burn_in
        if request.tempering is not None and request.evidence.distinct()[0].chains > 1:
            raise InvalidInput(
                "evidence must be the same for all chains where workers heat them: the strength of the "
                "synapses is one for all"
            )
        size = -(-request.chains // BLOCKS)
        self._requests = [
            _part(request, self.network, self.drive, slice(first, min(first + size, request.chains)))
            for first in range(0, request.chains, size)
        ]
        self._states: list[State | None] = [None] * len(self._requests)

    def advance(self, draws: int, report: Callable[[float], None]) -> Piece:
        """Return the next `draws` draws of all chains."""
        pieces: list[Piece | None] = [None] * len(self._requests)
        states, given_up = list(self._states), [0] * len(self._requests)
        futures = {self._given_out(k, draws): k for k in range(len(self._requests))}
        try:
            while futures:
                for future in wait(futures, return_when=FIRST_COMPLETED).done:
                    k = futures.pop(future)
                    if _outlived(future) and given_up[k] < PATIENT:
                        given_up[k] += 1
                        futures[self._given_out(k, draws)] = k
                        continue
                    pieces[k], states[k], done = future.result()
                    report(done / len(self._requests))
        except Exception as error:
            if not (isinstance(error, BrokenExecutor) or _is_killed_worker(error)):
                raise
            raise PhotinusError(
                "workers died again and again while they simulated the same chains: too little memory?"
            ) from None
        finally:
            # After an interruption or an error; otherwise there is nothing left to cancel.
            for future in futures:
                future.cancel()
        self._states = states
        whole = [piece for piece in pieces if piece is not None]
        spikes = [piece.spikes for piece in whole if piece.spikes is not None]
        return Piece(
            np.concatenate([piece.states for piece in whole]),
            SpikeTrains.side_by_side(spikes) if spikes else None,
        )

    def _given_out(self, k: int, draws: int) -> "Future[tuple[Piece, dict[str, NDArray[Any]], float]]":
        """Give block `k` to a worker."""
        # About the size of what is sent: couplings, and the states of the lasers.
        with hush.silenced("Sending large graph", UserWarning):
            return self._pool.submit(_advance, self._requests[k], self._states[k], draws)

    def activity(self) -> NDArray[np.float64] | None:
        """Return spikes per second and unit of all copies together, (unit,), where there are some."""
        states = [state or {} for state in self._states]
        if self.window is None or not all("parallel.spikes" in state for state in states):
            return None
        windows = int(states[0]["parallel.windows"]) - self._burn_in
        spikes = np.sum([state["parallel.spikes"] for state in states], axis=0)
        return np.asarray(spikes / (self._chains * windows * self.window))

    def outside(self) -> list[str]:
        """Return what the device cannot do of what is asked for, a sentence each."""
        return self._outside

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the states of all blocks."""
        return {
            f"{name}@{k}": values
            for k, state in enumerate(self._states)
            for name, values in (state or {}).items()
        }

    def restore(self, state: State) -> None:
        """Go on from a state of the same run."""
        parts: list[dict[str, NDArray[Any]]] = [{} for _ in self._requests]
        for name, values in state.items():
            plain, k = name.rsplit("@", 1)
            parts[int(k)][plain] = values
        self._states = [part or None for part in parts]


def _outlived(future: "Future[Any]") -> bool:
    """Return whether Dask gave a task up, as it does when four workers have died with it."""
    return not future.cancelled() and _is_killed_worker(future.exception())


def _is_killed_worker(error: BaseException | None) -> bool:
    """Return whether an error is Dask's own; Dask is not imported to find out."""
    return type(error).__name__ == "KilledWorker"


def _part(request: Request, network: Any, drive: NDArray[np.float64] | None, mine: slice) -> Request:
    """Return the request for some of the chains, with nothing left to translate."""
    return replace(
        request,
        chains=mine.stop - mine.start,
        seed=ChainsFrom(mine.start, request.seed),
        evidence=request.evidence.part(mine),
        start=request.start[mine],
        prepared=None if network is None else (network, None if drive is None else drive[mine]),
        threads=1,
    )


def _advance(
    request: Request, state: State | None, draws: int
) -> tuple[Piece, dict[str, NDArray[Any]], float]:
    """Advance a block of chains; return its draws, its state, and what it reported as done."""
    run = started(request)
    if state is not None:
        run.restore(state)
    done: list[float] = []
    piece = run.advance(draws, done.append)
    return piece, run.state(), sum(done)
