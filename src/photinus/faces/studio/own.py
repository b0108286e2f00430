"""Machines that are built by hand on the page: a short text that fits into an address.

Biases stand first, then couplings: ``-0.5,1,0;0-1:1.5,1-2:-2`` has three units and two couplings.
"""

import re
import string

import numpy as np

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine

NAME = "own"
"""What the problem is called."""
MOST_UNITS = 12
LARGEST = 10.0
"""Size of a bias or weight at most."""
COUPLING = re.compile(r"(\d{1,2})-(\d{1,2}):([^:]+)")
EXAMPLE = "-0.5,1,0;0-1:1.5,1-2:-2"


def machine_of(text: str) -> BoltzmannMachine:
    """Return the machine that a text describes; its units are called a, b, c and so on.

    Raises
    ------
    InvalidInput
        For another text, too many units, or too large numbers.
    """
    if not isinstance(text, str) or not text:
        raise InvalidInput(f"own must be a text such as {EXAMPLE!r}, got {validate.shown(text)}")
    first, _, second = text.partition(";")
    biases = [_number("bias", each) for each in first.split(",")]
    if len(biases) > MOST_UNITS:
        raise InvalidInput(f"own must have at most {MOST_UNITS} units, got {len(biases)}")
    weights = np.zeros((len(biases), len(biases)))
    for part in filter(None, second.split(",")):
        found = COUPLING.fullmatch(part)
        if found is None:
            raise InvalidInput(f"coupling must be like '0-1:1.5', got {validate.shown(part)}")
        i, j = int(found[1]), int(found[2])
        if i == j or max(i, j) >= len(biases):
            raise InvalidInput(f"coupling must be between two units that there are, got {part!r}")
        weights[i, j] = weights[j, i] = _number("weight", found[3])
    return BoltzmannMachine(weights, biases, labels=list(string.ascii_lowercase[: len(biases)]))


def code_of(machine: BoltzmannMachine) -> str:
    """Return the line of Python that makes a machine."""
    return (
        f"machine = ph.BoltzmannMachine(\n    {machine.weights.tolist()},\n"
        f"    {machine.biases.tolist()},\n    labels={list(machine.labels)!r},\n)"
    )


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InvalidInput(f"{name} must be a number, got {validate.shown(text)}") from None
    return validate.within(name, value, -LARGEST, LARGEST)
