"""The straight lines that stand for the measured curve, unit by unit, and what neurons are given."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.matrices import columns_scaled, rows_scaled
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.translation.distortion import (
    Context,
    Distorted,
    Pairs,
    distorted,
    lifted_biases,
)
from photinus.translation.fields import Fields, doses, fields_met, line_through, states_met
from photinus.translation.law import Curve, Shown, stationary
from photinus.translation.matching import MOST_MATCHED, matched
from photinus.translation.neuron import Neuron

MOST_SOLVED = 2**19
"""Pairs, times evidence, up to which biases are solved for given each; a second or two."""
REMEMBERED = 16
"""Machines whose lines are kept: a run asks for them more than once, and they take a while."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lines m_k + s_k u of the units of a machine, and what neurons are given."""

    machine: BoltzmannMachine
    curve: Neuron
    """Whose activation the lines are closest to."""
    given: Distorted
    """Biases and weights that go into the network: the machine's, unless pairs ask for others."""
    middle: NDArray[np.float64]
    slope: NDArray[np.float64]
    pairs: Pairs | None = None
    """Coupled pairs of the machine, where a table of them tells what to give."""

    @classmethod
    def of(
        cls,
        machine: BoltzmannMachine,
        calibration: Neuron,
        rule: str,
        delay: float | NDArray[np.float64] = 0.0,
    ) -> "Lines":
        """Return the lines by a rule of `photinus.translation.rules.RULES`; `delay` in seconds."""
        delay = np.asarray(delay, np.float64)
        return _lines(machine, calibration, rule, delay.shape, delay.tobytes())

    @classmethod
    def _solved(
        cls,
        machine: BoltzmannMachine,
        calibration: Neuron,
        rule: str,
        delay: NDArray[np.float64],
    ) -> "Lines":
        """Return `of`, worked out."""
        held: Any = machine.matrix
        plain = Distorted.plain(machine.biases, held)
        if rule == "linear":
            middle, slope = np.full((2, machine.n_units), [[calibration.midpoint], [calibration.slope]])
            return cls(machine, calibration, plain, middle, slope)
        table = calibration.pairs
        if rule == "measured" or table is None:
            met = fields_met(machine, calibration)
            return cls(machine, calibration, plain, met.drive - met.slope * met.mean, met.slope)
        pairs = Pairs.between(machine.weights, table, delay / calibration.window)
        curve, (states, probability) = calibration.sharpened(), states_met(machine)
        field = states @ machine.weights + machine.biases
        context = Context.of(states, probability, field, len(pairs))
        given = distorted(context, machine.biases, machine.weights, pairs)

        def lines(given: Distorted) -> "Lines":
            met = line_through(states @ given.weights + given.biases, probability, curve)
            return cls(machine, curve, given, met.drive - met.slope * met.mean, met.slope, pairs)

        if machine.n_units <= MOST_MATCHED:
            backwards = Curve.of(curve)

            def law(given: Distorted) -> NDArray[np.float64]:
                built = lines(given)
                shown = Shown.by(context, built.drive, built.brought, backwards, pairs)
                return stationary(shown.together)

            given = matched(context.states, probability, given, (pairs.one, pairs.other), law)
        return lines(given)

    @property
    def drive(self) -> NDArray[np.float64]:
        """Constant drive of each unit, array (unit,)."""
        return self.middle + self.slope * self.given.biases

    @property
    def coupling(self) -> Any:
        """Couplings (target, source), an array or sparse as the machine's weights."""
        return columns_scaled(self.brought, doses(self.machine, self.curve))

    @property
    def brought(self) -> Any:
        """What a source that is on brings each target (target, source)."""
        return rows_scaled(self.given.weights, self.slope)

    def share(self, temperature: float) -> float:
        """Return the weights that pairs ask for at a temperature, as parts of a T-th of those built."""
        if self.pairs is None or temperature == 1 or not len(self.pairs):
            return 1.0
        hot, built = self.machine.heated(temperature), self.given.weights
        states, probability = states_met(hot)
        field = states @ hot.weights + hot.biases
        context = Context.of(states, probability, field, len(self.pairs))
        there = distorted(context, hot.biases, hot.weights, self.pairs.wanting(hot.weights)).weights
        return temperature * float(np.vdot(there, built) / np.vdot(built, built))

    def met(self, seen: "Seen", free: NDArray[np.intp], part: float, times: int) -> Fields:
        """Return the fields that free units meet, and lines through the curve there.

        Fields are those that the neurons are given, less the biases that make up for pairs, so that
        they start from the target's own biases.

        Parameters
        ----------
        seen
            States of the free units, and what they are in the target.
        free
            Positions of the free units.
        part
            Weights that act, as parts of those that are built.
        times
            How often this is asked for: the more often, the fewer states are used.
        """
        if self.pairs is None:
            return line_through(seen.field, seen.probability, self.curve)
        given = part * self.given.weights[np.ix_(free, free)]
        pairs = self.pairs.among(free).wanting(seen.weights)
        lift = (self.given.biases - self.machine.biases)[free] - self.given.by_others(self.pairs, free)
        lifted = seen.biases + part * lift
        if len(pairs) * times <= MOST_SOLVED:
            context = Context.of(seen.states, seen.probability, seen.field, len(pairs) * times)
            lifted = lifted_biases(context, seen.biases, given, pairs)
        found = line_through(seen.states @ given + lifted, seen.probability, self.curve)
        return Fields(found.mean - lifted + seen.biases, found.drive, found.slope)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """States of some units of a target with these biases and weights, as `Context`."""

    states: NDArray[np.float64]
    probability: NDArray[np.float64]
    field: NDArray[np.float64]
    biases: NDArray[np.float64]
    weights: NDArray[np.float64]


@lru_cache(maxsize=REMEMBERED)
def _lines(
    machine: BoltzmannMachine, calibration: Neuron, rule: str, shape: tuple[int, ...], delay: bytes
) -> Lines:
    """Return `Lines.of`; machines are alike by their numbers, calibrations by being the same object."""
    return Lines._solved(machine, calibration, rule, np.frombuffer(delay).reshape(shape))
