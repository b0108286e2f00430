"""Which unit of a learned machine is which: its labels say so.

Visible features are "v0", "v1", …, classes "y:NAME", hidden units "h0", "h1", … through all layers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.errors import InvalidInput
from photinus.learning.data import square
from photinus.machines.boltzmann import BoltzmannMachine

MOST_UNITS = 10_000_000
"""Of one kind: more than any chip has."""


def labelled(features: int, classes: Iterable[object], hidden: Iterable[int]) -> list[str]:
    """Return the labels of all units, in the order features, classes, hidden layers."""
    features = validate.integer("features", features, 1, MOST_UNITS)
    classes, layers = (validate.listed(n, v) for n, v in (("classes", classes), ("hidden", hidden)))
    hidden = [validate.integer("hidden", units, 0, MOST_UNITS) for units in layers]
    return [
        *(f"v{k}" for k in range(features)),
        *(f"y:{name}" for name in classes),
        *(f"h{k}" for k in range(sum(hidden))),
    ]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Units(Displayed):
    """Positions of a machine's units by what they stand for."""

    features: NDArray[np.intp]
    """Array (feature,)."""
    classes: NDArray[np.intp]
    """Array (class,)."""
    hidden: NDArray[np.intp]
    """Array (hidden,)."""
    names: tuple[str, ...]
    """One per class."""

    @classmethod
    def of(cls, machine: BoltzmannMachine) -> "Units":
        """Read the labels.

        Raises
        ------
        InvalidInput
            If there are no features, or a label is of another kind.
        """
        validate.instance("machine", machine, BoltzmannMachine)
        kinds: dict[str, list[int]] = {"v": [], "y": [], "h": []}
        for k, label in enumerate(machine.labels):
            kind = str(label)[:1]
            if kind not in kinds:
                raise InvalidInput(
                    f"labels of the machine must be v0 … (features), y:NAME (classes) and h0 … "
                    f"(hidden), as learning gives them, got {label!r}"
                )
            kinds[kind].append(k)
        if not kinds["v"]:
            raise InvalidInput("machine must have features (units v0 …), got none")
        names = tuple(str(machine.labels[k])[2:] for k in kinds["y"])
        features, classes, hidden = (np.array(kinds[kind], np.intp) for kind in "vyh")
        return cls(features, classes, hidden, names)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the images: square if they can be, else one row."""
        return square(len(self.features))
