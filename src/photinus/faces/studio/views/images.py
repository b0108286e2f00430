"""A machine that has learned images: it dreams, imagines a class, completes what is drawn."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from photinus._core.logistic import logistic
from photinus.errors import PhotinusError
from photinus.faces.studio.problems import Shelf
from photinus.faces.studio.views import network
from photinus.faces.studio.views.network import NetworkView
from photinus.learning.data import digits
from photinus.learning.units import Units
from photinus.samplers import Piece

LEARNED = "digits"
"""The problem that there always is."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Settings(network.Settings):
    """What can be set of images."""

    chains: int = 4
    speed: float = 30.0


class ImagesView(NetworkView):
    """A machine whose units stand for pixels and classes."""

    NAME: ClassVar[str] = "images"
    SETTINGS: ClassVar[type[network.Settings]] = Settings

    def __init__(self, shelf: Shelf, values: Mapping[str, Any]) -> None:
        first = shelf.first if shelf.first == "file" and _shows_images(shelf) else LEARNED
        super().__init__(shelf, {"problem": first, **values})

    def _read(self, values: Mapping[str, Any]) -> network.Settings:
        problem = self._settings.problem if hasattr(self, "_settings") else LEARNED
        return super()._read({"problem": problem, **values})

    def _start(self, settings: network.Settings) -> None:
        machine = self._shelf.problem(settings.problem, settings.own).machine()
        units = Units.of(machine)  # others are refused here
        super()._start(settings)
        self._units = units
        self._others = np.concatenate([units.classes, units.hidden])
        self._inward = self._machine.weights[np.ix_(self._others, units.features)]

    def _noted(self, piece: Piece) -> dict[str, Any]:
        """Return the last image of each chain, and what its other units say of each pixel."""
        units, states = self._units, piece.states[:, -1]
        return {
            "pixels": states[:, units.features],
            "smooth": self._smooth(states),
            "classes": states[:, units.classes],
        }

    def _smooth(self, states: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the probability of each pixel given the hidden units and classes, (chain, pixel)."""
        field = states[:, self._others] @ self._inward + self._machine.biases[self._units.features]
        return np.asarray(logistic(field))

    def about(self) -> dict[str, Any]:
        """Return what a network tells, which unit is which, and examples to begin with."""
        units = self._units
        return {
            **super().about(),
            "features": units.features,
            "class_units": units.classes,
            "names": list(units.names),
            "shape": list(units.shape),
            **self._examples(),
        }

    def _examples(self) -> dict[str, Any]:
        """Return an image of each class that was not learned; none for machines of other images."""
        if self._settings.problem != LEARNED:
            return {}
        test = digits("test")
        assert test.labels is not None  # digits have some
        first = [int(np.flatnonzero(test.labels == name)[0]) for name in np.unique(test.labels)]
        return {"examples": test.pixels[first]}


def _shows_images(shelf: Shelf) -> bool:
    """Return whether the file is a machine of images."""
    with contextlib.suppress(PhotinusError):
        Units.of(shelf.machine("file"))
        return True
    return False
