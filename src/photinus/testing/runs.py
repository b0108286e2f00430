"""Small runs of a substrate, and what none may be asked for."""

import pickle
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from photinus._core import hush
from photinus.errors import InvalidInput, PhotinusError, TranslationWarning
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.samplers import Run, Samples, sample
from photinus.samplers.registry import substrate
from photinus.testing.verdict import require

CHAINS, DRAWS, BURN_IN = 4, 6, 3
BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"chains": 0}, "chains"),
    ({"chains": 2.5}, "chains"),
    ({"chains": True}, "chains"),
    ({"draws": 0}, "draws"),
    ({"draws": "many"}, "draws"),
    ({"burn_in": -1}, "burn_in"),
    ({"burn_in": DRAWS + 1}, "burn_in"),
    ({"seed": -1}, "seed"),
    ({"seed": 1.5}, "seed"),
    ({"evidence": {"grass is we": 1}}, "grass is wet"),
    ({"evidence": {99: 1}}, "99"),
    ({"evidence": {-7: 0.5}}, "-7"),
    ({"evidence": {-7: 2}}, "-7"),
    ({"evidence": {-7: [0, 1]}}, "-7"),
    ({"evidence": {-7: 0, "grass is wet": 1, "Ω/2": 1}}, "free"),
    ({"evidence": [-7]}, "mapping"),
    ({"time_step": 0}, "time_step"),
    ({"rule": "measure"}, "rule"),
    ({"evidence_mode": "current"}, "evidence_mode"),
    ({"threads": 0}, "threads"),
    ({"calibration": 3}, "calibration"),
    ({"network": 3}, "network"),
    ({"progress": 3}, "progress"),
    ({"tempering": 3}, "tempering"),
    ({"imperfections": 3}, "imperfections"),
    ({"workers": 0}, "workers"),
    ({"machine": np.eye(2)}, "machine"),
)
"""Arguments that no substrate takes, and a word that the message must have."""


@dataclass(frozen=True)
class Subject:
    """A substrate that is checked."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of `sample` that it needs, such as a calibration."""
    bias: float = 0.0
    """Error of a state's probability that is allowed beyond chance."""

    @property
    def kind(self) -> type[Run]:
        """The class."""
        return substrate(self.name)

    def draw(self, machine: Any, **changes: Any) -> Samples:
        """Return a few samples."""
        few = {"chains": CHAINS, "draws": DRAWS, "burn_in": BURN_IN, "seed": 1}
        # Some machines ask much of a device, so that what is checked shows.
        with hush.untold(TranslationWarning):
            return sample(machine, self.name, **{**few, **self.options, **changes})


def machine_of(n: int) -> BoltzmannMachine:
    """Return a machine of up to five units with labels of every sort."""
    rng = np.random.default_rng(n)
    upper = np.triu(0.7 * rng.normal(size=(n, n)), 1)
    labels = ["grass is wet", -7, "Ω/2", 0, ""][:n]
    return BoltzmannMachine(upper + upper.T, rng.normal(size=n), labels)


def same(a: Samples, b: Samples) -> bool:
    """Return whether two results agree in every draw and spike."""
    if not np.array_equal(a.states, b.states) or (a.spikes is None) != (b.spikes is None):
        return False
    return a.spikes is None or all(
        np.array_equal(getattr(a.spikes, name), getattr(b.spikes, name))
        for name in ("chain", "unit", "time")
    )


def check_refusal(
    subject: Subject, changes: dict[str, Any], word: str, machine: BoltzmannMachine | None = None
) -> None:
    """Raise Unfit unless a call with these changes is refused with a message that has a word in it."""
    arguments = {"machine": machine_of(3) if machine is None else machine, **changes}
    try:
        subject.draw(**arguments)
    except InvalidInput as error:
        require(word in str(error), f"{changes!r:.80} must be refused by name, got {str(error)!r}")
    except PhotinusError as error:
        require(False, f"{changes!r:.80} must raise InvalidInput, got {error!r:.80}")
    else:
        require(False, f"{changes!r:.80} must be refused")


class Posted(Executor):
    """Does work here and now, but as if in another process: all of it is pickled on both ways."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Return the work, done."""
        done: Future[Any] = Future()
        work, arguments, options = pickle.loads(pickle.dumps((fn, args, kwargs)))
        try:
            done.set_result(pickle.loads(pickle.dumps(work(*arguments, **options))))
        except BaseException as error:
            done.set_exception(error)
        return done


class Told:
    """Progress that keeps what it is told, and interrupts as Ctrl-C does."""

    def __init__(self, patience: float = np.inf) -> None:
        self.started = self.stopped = 0
        self.total = self.done = 0.0
        self._patience = patience

    def start(self, description: str, total: float) -> None:
        """Take note of a start."""
        self.started, self.total = self.started + 1, total

    def advance(self, amount: float) -> None:
        """Take note of what is done, and interrupt in time."""
        self.done += amount
        if self.done > self._patience:
            raise KeyboardInterrupt

    def stop(self) -> None:
        """Take note of an end."""
        self.stopped += 1
