"""The README's Python example runs and gives what it says, and its order is kept."""

import math
import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.texts import TEXTS, blocks

README = TEXTS["README.md"]
# p(rain, wet) ∝ exp(rain · wet + rain/2 − wet), added up by hand.
WEIGHTS = {(0, 0): 1, (1, 0): math.exp(0.5), (0, 1): math.exp(-1), (1, 1): math.exp(0.5)}
RAIN = (WEIGHTS[1, 0] + WEIGHTS[1, 1]) / sum(WEIGHTS.values())
WET = (WEIGHTS[0, 1] + WEIGHTS[1, 1]) / sum(WEIGHTS.values())
RAIN_IF_WET = WEIGHTS[1, 1] / (WEIGHTS[0, 1] + WEIGHTS[1, 1])
CLOSE = 0.03
"""Largest error of a marginal: the 0.02 that the certificate calls close, and three standard errors
of 16 000 draws. Seeds are fixed."""


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """Return what the README's example leaves behind."""
    (block,) = blocks(README, "python")
    printed = []
    found = {"print": lambda *values: printed.extend(values)}
    exec(compile(block, "README.md", "exec"), found)
    return found | {"printed": printed}


def is_close(marginals: NDArray[np.float64], right: tuple[float, float]) -> bool:
    return all(abs(a - b) < CLOSE for a, b in zip(marginals, right, strict=True))


def test_marginals_are_those_of_the_machine(names: dict[str, Any]) -> None:
    assert is_close(names["machine"].marginals(), (RAIN, WET))
    assert is_close(names["samples"].marginals(), (RAIN, WET))
    assert not is_close(names["samples"].marginals(), (WET, RAIN))


def test_evidence_changes_the_posterior(names: dict[str, Any]) -> None:
    marginals = names["posterior"].marginals()
    assert marginals[1] == 1
    assert abs(marginals[0] - RAIN_IF_WET) < CLOSE
    assert abs(marginals[0] - RAIN) > CLOSE


def test_verdict_is_one_of_the_words(names: dict[str, Any]) -> None:
    verdict = names["samples"].fidelity().verdict
    assert verdict == names["printed"][-1]
    assert re.match("(indistinguishable|close)[: ]", verdict)


def test_network_and_refinement(names: dict[str, Any]) -> None:
    network, refined = names["network"], names["refined"]
    assert network.labels == refined.network.labels == ("rain", "wet")
    assert (network.coupling[~np.eye(2, dtype=bool)] > 0).all()  # the weight is positive
    assert refined.converged
    assert refined.rounds[-1].marginal_error < CLOSE


def test_example_has_ten_lines() -> None:
    (block,) = blocks(README, "python")
    assert len(block.splitlines()) == 10


def test_order() -> None:
    assert re.findall("^## (.*)", README, re.MULTILINE) == [
        "What comes out",
        "In Python",
        "On the command line",
        "Who it is for",
        "When not to use it",
        "Documentation",
    ]
    places = [
        README.index(part) for part in ("**Photinus", "![", "make demo", "make test", "| computed")
    ]
    assert places == sorted(places)
