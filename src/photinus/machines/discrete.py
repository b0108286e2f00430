"""What networks of variables have in common: exact answers by a tree of cliques."""

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed, joined
from photinus._core.states import MAX_ENUMERATED, require_enumerable
from photinus._core.streams import Seed, seed_sequence
from photinus.errors import InvalidInput
from photinus.machines.cliques import CliqueTree, Factor, over
from photinus.machines.variables import (
    TWO,
    States,
    asked_variables,
    impossible,
    known_states,
    named_states,
)

Floats = NDArray[np.float64]


class Discrete(Displayed, ABC):
    """A law over variables of a few states each: a product of functions of some of them."""

    states: States
    """Names of the states of each variable."""

    @abstractmethod
    def _factors(self, needed: Iterable[Hashable] | None = None) -> list[Factor]:
        """Return factors by positions of variables, as logarithms.

        Those are enough that the law of the variables `needed` follows from; by default all.
        """

    @property
    def variables(self) -> tuple[Hashable, ...]:
        """Names of the variables, in order."""
        return tuple(self.states)

    def _line(self) -> str:
        return f"{len(self.states)} variable(s): {joined(self._names(), 120)}"

    def _names(self) -> list[str]:
        return [*map(str, self.variables[:12]), *["…"] * (len(self.states) > 12)]

    def _facts(self) -> dict[str, object]:
        return {
            "variables": len(self.states),
            "names": joined(map(str, self.variables)),
            "states of a variable": f"up to {max(self._sizes)}",
        }

    @property
    def _sizes(self) -> list[int]:
        return [len(names) for names in self.states.values()]

    def _known(self, evidence: Mapping[Any, Any] | None) -> dict[Hashable, int]:
        """Return variable → number of its state."""
        return known_states(evidence, self.states)

    def _tree(
        self, known: Mapping[Hashable, int], asked: Iterable[Hashable] | None = None
    ) -> CliqueTree:
        """Return the tree of the variables, those that are known in their one state."""
        place = {name: k for k, name in enumerate(self.variables)}
        value = {place[name]: state for name, state in known.items()}
        needed = None if asked is None else {*asked, *known}
        factors = [_given(factor, value) for factor in self._factors(needed)]
        sizes = [1 if k in value else size for k, size in enumerate(self._sizes)]
        tree = CliqueTree(sizes, factors, "this network")
        if np.isneginf(tree.log_partition):
            raise impossible(named_states(known, self.states))
        return tree

    def log_partition(self, evidence: Mapping[Any, Any] | None = None) -> float:
        """Return log Z: the logarithm of the sum over all states that fit the evidence.

        Parameters
        ----------
        evidence : mapping variable → state

        Raises
        ------
        InvalidInput
            As `marginals`.
        """
        return self._tree(self._known(evidence)).log_partition

    def marginals(
        self, evidence: Mapping[Any, Any] | None = None, *, query: Iterable[Any] | None = None
    ) -> dict[Hashable, dict[Hashable, float]]:
        """Return P(variable = state | evidence), exactly, as variable → state → probability.

        Parameters
        ----------
        evidence : mapping variable → state
        query
            Variables that are asked for; by default all that are not evidence.

        Raises
        ------
        InvalidInput
            For an unknown variable or state, no variable left, evidence of probability 0, or a network
            too far from a tree (the treewidth is named).

        Notes
        -----
        Variables are summed out one by one, see `photinus.machines.cliques`.
        """
        known = self._known(evidence)
        asked = None if query is None else asked_variables(query, self.states)
        found = self._tree(known, asked).marginals()
        told = [name for name in self.variables if name not in known] if asked is None else asked
        place = {name: k for k, name in enumerate(self.variables)}
        result = {}
        for name in told:
            table = (
                found[place[name]] if name not in known else np.eye(len(self.states[name]))[known[name]]
            )
            result[name] = dict(zip(self.states[name], table.tolist(), strict=True))
        return result

    def posterior(self, evidence: Mapping[Any, Any] | None = None) -> dict[Hashable, Any]:
        """Return the probabilities of every variable that is not evidence, exactly.

        Parameters
        ----------
        evidence : mapping variable → state

        Returns
        -------
        dict
            Variable → P(variable = 1) if all variables have the states 0 and 1, else variable → state
            → probability, as `marginals`.

        Raises
        ------
        InvalidInput
            As `marginals`.
        """
        found = self.marginals(evidence)
        if any(states != TWO for states in self.states.values()):
            return dict(found)
        return {name: chances[1] for name, chances in found.items()}

    def draw(
        self, count: int, evidence: Mapping[Any, Any] | None = None, *, seed: Seed = None
    ) -> NDArray[np.int64]:
        """Return independent exact draws, array (draw, variable) of numbers of states.

        Parameters
        ----------
        count
            How many, at least 1.
        evidence : mapping variable → state
        seed
            Integer, SeedSequence or None (fresh entropy).

        Raises
        ------
        InvalidInput
            As `marginals`.
        """
        count, known = validate.integer("count", count, 1), self._known(evidence)
        generator = np.random.default_rng(seed_sequence(seed))
        drawn = self._tree(known).draw(count, generator)
        for k, name in enumerate(self.variables):
            if name in known:
                drawn[:, k] = known[name]
        return drawn

    def joint(self) -> Floats:
        """Return p of every state, array (states,), the first variable changing fastest.

        Of n variables with two states, that is the index Σ z_k << k of `BoltzmannMachine`.

        Raises
        ------
        InvalidInput
            For more than 24 variables, or more than 2²⁴ states.
        """
        sizes = self._sizes
        require_enumerable(len(sizes), "variables", "this network")
        if math.prod(sizes) > 2**MAX_ENUMERATED:
            raise InvalidInput(
                f"enumeration needs at most {2**MAX_ENUMERATED:,} states, "
                f"this network has {math.prod(sizes):,}"
            )
        return np.ascontiguousarray(self._joint_array()).ravel()

    def _joint_array(self) -> Floats:
        """Return p of every state, array (*states); the last axis is the first variable."""
        scope = tuple(reversed(range(len(self._sizes))))
        log = np.zeros([self._sizes[k] for k in scope])
        for factor in self._factors():
            log += over(factor, scope)
        joint = np.exp(log - log.max())
        return np.asarray(joint / joint.sum())


def _given(factor: Factor, value: Mapping[int, int]) -> Factor:
    """Return a factor of the variables that are not known."""
    scope, log = factor
    if not any(k in value for k in scope):
        return factor
    place = tuple(value.get(k, slice(None)) for k in scope)
    return tuple(k for k in scope if k not in value), np.asarray(log[place])
