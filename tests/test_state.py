"""The state of a simulation under way: it goes on as it was, and only where it belongs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus.engines.laser.simulator import Simulator
from photinus.engines.lif.simulator import LifSimulator
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.errors import InvalidInput

MACHINE = ph.BoltzmannMachine(np.array([[0, 1.0], [1.0, 0]]), np.array([0.3, -0.2]))


def translated(preset: str) -> Any:
    return ph.translate(MACHINE, ph.Calibration.preset(preset))


def lasers(chains: int) -> Any:
    return Simulator(translated("fast-absorber"), chains=chains, seed=4)


def reduced(chains: int) -> Any:
    laser = ph.Calibration.preset("fast-absorber").require_reduced()
    return ReducedSimulator(translated("fast-absorber"), laser, chains=chains, seed=4)


def neurons(chains: int) -> Any:
    return LifSimulator(translated("lif-hcs"), chains=chains, seed=4)


@pytest.mark.parametrize("build", [lasers, reduced, neurons])
def test_a_state_goes_on_where_it_belongs(build: Callable[[int], Any]) -> None:
    """20 and 21 chains fill the same tiles of as many blocks."""
    one = build(20)
    piece = 300 * one.grid
    one.advance(piece)
    state = one.state()
    other = build(20)
    other.restore(state)
    once, again = one.advance(piece), other.advance(piece)
    for name in ("chain", "unit", "time"):
        np.testing.assert_array_equal(getattr(once, name), getattr(again, name))
    for chains in (19, 21, 64):
        with pytest.raises(InvalidInput, match="same arguments"):
            build(chains).restore(state)
    with pytest.raises(InvalidInput, match="same arguments"):
        build(20).restore({name: values for name, values in state.items() if name != "r.0"})


@pytest.mark.parametrize("tile", [16, 64])
def test_a_state_in_other_tiles_is_refused(tile: int) -> None:
    """Where the number of lanes is the same, nothing else would tell; versions differ in it."""
    state = lasers(20).state()
    layout = np.zeros((1, state["layout.0"].shape[1], tile), np.bool_)
    for changed in ({**state, "layout.0": layout}, {k: v for k, v in state.items() if k != "layout.0"}):
        with pytest.raises(InvalidInput, match="state must come from"):
            lasers(20).restore(changed)
