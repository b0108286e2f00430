"""Machines to play with: presets, and the file that the studio was started with."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.faces.demo.patients import L2, load_data
from photinus.interop.formats import read_machine
from photinus.machines.boltzmann import BoltzmannMachine

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
        "64 pixels, 10 classes and 64 hidden units, learned from 1 437 images.",
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


class Shelf:
    """All problems of a studio: the presets, and the model that it was started with as "file"."""

    def __init__(self, model: Path | None = None) -> None:
        self.problems = dict(PRESETS)
        self.first = "rain"
        if model is not None:
            machine = read_machine(model)
            code = f"machine = ph.interop.read_machine({str(model)!r})"
            text = f"{machine.n_units} units, read from {model}."
            self.problems["file"] = Problem(model.name, text, code, lambda: machine)
            self.first = "file"

    def machine(self, name: str) -> BoltzmannMachine:
        """Return the machine of a problem, made once."""
        validate.one_of("problem", name, self.problems)
        if name not in PRESETS:
            return self.problems[name].machine()
        return _preset(name)

    def titles(self) -> dict[str, str]:
        """Return what problems there are, name → title."""
        return {name: problem.title for name, problem in self.problems.items()}


@functools.cache
def _preset(name: str) -> BoltzmannMachine:
    return PRESETS[name].machine()
