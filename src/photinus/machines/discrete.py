"""What networks of variables have in common: exact answers by a tree of cliques."""

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from photinus._core import files, validate
from photinus._core.display import Displayed, joined
from photinus._core.states import MAX_ENUMERATED, require_enumerable
from photinus._core.streams import Seed, seed_sequence
from photinus.errors import InvalidInput
from photinus.machines import network_files
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.cliques import CliqueTree, Factor, over
from photinus.machines.elimination import Reduction
from photinus.machines.expansion import METHODS, STRENGTH, Expansion, expansion
from photinus.machines.softening import SOFTENING
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
    _kind: ClassVar[str]
    """Kind of its files."""

    @abstractmethod
    def _factors(self, needed: Iterable[Hashable] | None = None) -> list[Factor]:
        """Return factors by positions of variables, as logarithms.

        Those are enough that the law of the variables `needed` follows from; by default all.
        """

    @abstractmethod
    def _soft_factors(self, softening: float, method: str) -> Iterable[Factor]:
        """Give factors as `_factors` does, without a 0, as a method of expansion wants them."""

    @abstractmethod
    def _require_possible(self, known: Mapping[Hashable, int]) -> None:
        """Raise for evidence of probability 0."""

    @abstractmethod
    def _reduced(
        self,
        known: Mapping[Hashable, int],
        asked: tuple[Hashable, ...] | None,
        softening: float,
        code: str,
        summing: bool,
    ) -> Reduction:
        """Return what has to be sampled; of evidence and variables that were checked."""

    @abstractmethod
    def _content(self) -> dict[str, Any]:
        """Return what a file holds beside the states."""

    @staticmethod
    @abstractmethod
    def _content_in(document: Mapping[str, Any]) -> Any:
        """Return the first argument of the class from what `_content` gave."""

    @abstractmethod
    def __init__(self, content: Any, states: Mapping[Any, Iterable[Any]]) -> None: ...

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

    def to_boltzmann(
        self,
        *,
        method: str = "exact",
        softening: float = SOFTENING,
        strength: float = STRENGTH,
        code: str = "auto",
    ) -> BoltzmannMachine:
        """Return a Boltzmann machine whose first units are the variables; auxiliary units follow.

        Parameters
        ----------
        method
            "exact": summed over its auxiliary units ``hidden(…)``, the machine is
            ``softened(softening)``. "probst": up to terms exp(-strength), it is that too, of a Bayesian
            network with ``additive=False``. Auxiliary units are called ``state(…)``. See
            `photinus.machines.expansion`.
        softening
            Distance from 0 and 1 that deterministic entries get, in (0, 0.5).
        strength
            Weight between an auxiliary unit of "probst" and its variables, > 0.
        code
            How units stand for a variable of more than two states: "one-hot", "binary" or "auto". The
            last takes the machine with the smaller product of units and largest weight. See
            `photinus.machines.codes`. `expansion` also tells what the units say.

        Returns
        -------
        BoltzmannMachine
            Evidence is entered by `BoltzmannMachine.conditional` or given to a sampler.

        Raises
        ------
        InvalidInput
            If an argument is out of its range.
        """
        return self.expansion(method=method, softening=softening, strength=strength, code=code).machine

    def expansion(
        self,
        *,
        method: str = "exact",
        softening: float = SOFTENING,
        strength: float = STRENGTH,
        code: str = "auto",
    ) -> Expansion:
        """Return the machine of `to_boltzmann` with what its units say of the variables."""
        validate.one_of("method", method, METHODS)
        strength = validate.positive("strength", strength)
        factors = list(self._soft_factors(softening, method))
        return expansion(factors, self.states, method, strength, code)

    def reduced(
        self,
        evidence: Mapping[Any, Any] | None = None,
        *,
        query: Iterable[Any] | None = None,
        softening: float = SOFTENING,
        code: str = "auto",
        summing: bool = True,
    ) -> Reduction:
        """Return what has to be sampled to know the variables asked for, given the evidence.

        Parameters
        ----------
        evidence : mapping variable → state
        query : variables that are asked for; by default all
        softening, code
            As in `to_boltzmann`. Variables that are not sampled need none.
        summing
            Sum variables out whose tables need strong weights, see `photinus.machines.summing`.

        Returns
        -------
        Reduction
            A machine, mostly smaller and softer than that of `to_boltzmann`, and how all variables
            come back from its states. See `photinus.machines.elimination`.

        Raises
        ------
        InvalidInput
            For an unknown variable or state, no variable left, or evidence of probability 0. Markov
            networks too far from a tree can't tell the last.

        Examples
        --------
        >>> import photinus as ph
        >>> reduction = ph.BayesianNetwork.asia().reduced({"xray": 1})
        >>> reduction.replaced, reduction.barren
        (('either',), ('dysp',))
        """
        known = self._known(evidence)
        asked = None if query is None else asked_variables(query, self.states)
        self._require_possible(known)
        summing = validate.flag("summing", summing)
        return self._reduced(known, asked, softening, code, summing)

    def save(self, path: str | os.PathLike[str], *, replace: bool = True) -> None:
        """Write the network to `path` as JSON (.json).

        A file that is there already is replaced, unless `replace` is False.

        Raises
        ------
        InvalidInput
            For another suffix, or if the file cannot be written.
        """
        network_files.write(path, self._kind, self.states, self._content(), replace=replace)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a network that `save` wrote.

        Raises
        ------
        InvalidInput
            If the file is missing, truncated, of another kind or of a newer schema.
        """
        return cls._of_document(path, files.read_json(path, kind=cls._kind))

    @classmethod
    def _of_document(cls, path: str | os.PathLike[str], document: Mapping[str, Any]) -> Self:
        """Return the network of a JSON document of `save`, read from `path`."""
        with files.reading(path, cls._kind):
            return cls(cls._content_in(document), network_files.states_in(document))

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
