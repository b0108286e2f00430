"""Machines to play with: presets, and the file that the studio was started with."""

import functools
import itertools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np

from photinus._core import validate
from photinus._core.display import Displayed, cut
from photinus.errors import InvalidInput
from photinus.faces.demo.patients import L2, load_data
from photinus.faces.studio import own
from photinus.interop.formats import read_machine
from photinus.machines.boltzmann import BoltzmannMachine

MOST_BROUGHT = 8
"""Models that pages bring and that are kept."""
RING = 200
"""Units of the largest preset."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Problem(Displayed):
    """A machine to sample from, and what to say of it."""

    title: str
    text: str
    code: str
    """Lines of Python that make `machine`."""
    machine: Callable[[], BoltzmannMachine]


def _pair() -> BoltzmannMachine:
    return BoltzmannMachine([[0, 1.5], [1.5, 0]], [-0.5, -1], labels=["left", "right"])


def _rain() -> BoltzmannMachine:
    weights = [[0.0, -0.8, 2.0], [-0.8, 0.0, 2.0], [2.0, 2.0, 0.0]]
    return BoltzmannMachine(weights, [-1.2, -0.8, -1.5], labels=["rain", "sprinkler", "wet"])


def _triangle() -> BoltzmannMachine:
    return BoltzmannMachine(2 * np.eye(3) - 2, [2, 2, 2], labels=["a", "b", "c"])


def _patients() -> BoltzmannMachine:
    data = load_data()
    return BoltzmannMachine.fit(data.train, l2=L2, labels=data.labels)


def _digits() -> BoltzmannMachine:
    with resources.as_file(resources.files("photinus") / "data" / "digits.npz") as path:
        return BoltzmannMachine.load(path)


def _ring() -> BoltzmannMachine:
    weights = np.roll(np.eye(RING), 1, axis=1)
    return BoltzmannMachine(1.5 * (weights + weights.T), np.full(RING, -1.5))


PRESETS = {
    "pair": Problem(
        "Two coupled units",
        "Each makes the other more probable.",
        'machine = ph.BoltzmannMachine([[0, 1.5], [1.5, 0]], [-0.5, -1], labels=["left", "right"])',
        _pair,
    ),
    "rain": Problem(
        "Rain, sprinkler, wet grass",
        "The grass is wet: did it rain, or was it the sprinkler? Each one explains the other away.",
        "weights = [[0, -0.8, 2], [-0.8, 0, 2], [2, 2, 0]]\n"
        'labels = ["rain", "sprinkler", "wet"]\n'
        "machine = ph.BoltzmannMachine(weights, [-1.2, -0.8, -1.5], labels=labels)",
        _rain,
    ),
    "triangle": Problem(
        "A frustrated triangle",
        "Each unit wants to differ from both others, which cannot be. Six states are equally likely.",
        "machine = ph.BoltzmannMachine(2 * np.eye(3) - 2, [2, 2, 2], labels=list('abc'))",
        _triangle,
    ),
    "patients": Problem(
        "Patients of the demo",
        "Eight measurements of breast tumours, and whether they are malignant.",
        "from photinus.faces.demo.patients import L2, load_data\n\n"
        "data = load_data()\n"
        "machine = ph.BoltzmannMachine.fit(data.train, l2=L2, labels=data.labels)",
        _patients,
    ),
    "digits": Problem(
        "Handwritten digits, 8×8",
        "64 pixels, 10 classes and 64 hidden units, learned from 1\u202f437 images.",
        "from importlib import resources\n\n"
        'path = resources.files("photinus") / "data" / "digits.npz"\n'
        "machine = ph.BoltzmannMachine.load(path)",
        _digits,
    ),
    "ring": Problem(
        f"A ring of {RING} units",
        "Neighbours want to agree, so that domains form, move and vanish.",
        f"weights = np.roll(np.eye({RING}), 1, axis=1)\n"
        f"machine = ph.BoltzmannMachine(1.5 * (weights + weights.T), np.full({RING}, -1.5))",
        _ring,
    ),
}
"""Problems by name."""


OWN = Problem("Your own", f"Up to {own.MOST_UNITS} units.", "", lambda: own.machine_of(own.EXAMPLE))
"""The problem that is built by hand on the page."""


class Shelf:
    """All problems of a studio: the presets, and the model that it was started with as "file"."""

    def __init__(self, model: Path | None = None) -> None:
        self.problems = dict(PRESETS)
        self.first = "rain"
        self._brought = itertools.count(1)
        if model is not None:
            self.first = "file"
            self._put(self.first, read_machine(model), str(model))

    def _put(self, name: str, machine: BoltzmannMachine, path: str) -> None:
        code = f"machine = ph.interop.read_machine({path!r})"
        text = f"{machine.n_units} units, read from {path}."
        self.problems[name] = Problem(Path(path).name, text, code, lambda: machine)

    def take(self, content: bytes, path: str) -> str:
        """Read a model that a page brings; return the name of its problem.

        The latest `MOST_BROUGHT` are kept.

        Raises
        ------
        InvalidInput
            If it is no model in a format that is known.
        """
        with tempfile.TemporaryDirectory() as folder:
            # Of the name only the suffix matters, and no part of it becomes a path.
            file = Path(folder) / f"model{Path(path).suffix[:12]}"
            file.write_bytes(content)
            try:
                machine = read_machine(file)
            except InvalidInput as error:
                raise InvalidInput(str(error).replace(str(file), path)) from None
        name = f"brought-{next(self._brought)}"
        self._put(name, machine, cut(path))
        for old in [each for each in self.problems if each.startswith("brought")][:-MOST_BROUGHT]:
            del self.problems[old]
        return name

    def machine(self, name: str) -> BoltzmannMachine:
        """Return the machine of a problem, made once."""
        validate.one_of("problem", name, self.problems)
        if name not in PRESETS:
            return self.problems[name].machine()
        return _preset(name)

    def problem(self, name: str, built: str) -> Problem:
        """Return a problem; the one that is built by hand is what the text `built` says."""
        if name == own.NAME:
            machine = own.machine_of(built)
            return replace(OWN, code=own.code_of(machine), machine=lambda: machine)
        validate.one_of("problem", name, self.titles())
        return replace(self.problems[name], machine=lambda: self.machine(name))

    def titles(self) -> dict[str, str]:
        """Return what problems there are, name → title."""
        titles = {name: problem.title for name, problem in self.problems.items()}
        return {**titles, own.NAME: OWN.title}


@functools.cache
def _preset(name: str) -> BoltzmannMachine:
    return PRESETS[name].machine()
