"""Bayesian networks over binary variables, and Boltzmann machines that sample from them.

A Bayesian network is a product of conditional tables, p(z) = Π_k p(z_k | parents of k). How a machine
is made of it: see `photinus.machines.expansion`.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.records import settle
from photinus._core.states import require_enumerable
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.elimination import Reduction, reduced
from photinus.machines.evidence import Evidence
from photinus.machines.expansion import METHODS, STRENGTH, expanded
from photinus.machines.softening import SOFTENING, deterministic, soft_log_odds
from photinus.machines.tables import (
    Table,
    checked_table,
    in_order,
    known_variable,
    on_of,
    rows_of,
    table_of,
)


class _PgmpyModel(Protocol):
    """What is asked of a network of pgmpy."""

    def nodes(self) -> Any: ...
    def get_cpds(self) -> Any: ...


@dataclass(frozen=True, init=False, eq=False, repr=False)
class BayesianNetwork:
    """A Bayesian network over binary variables. Immutable.

    Parameters
    ----------
    tables : mapping variable → table
        Variables are named by strings or whole numbers, in any order. A table is P(variable = 1) if
        the variable has no parents, else ``(parents, {states of the parents: P(variable = 1)})`` .
        There is one row for each joint state of the parents.

    Raises
    ------
    InvalidInput
        If a parent is unknown or named twice, or a row is missing or not a state of the parents. Also
        if a probability is outside [0, 1], or variables depend on themselves.

    Examples
    --------
    >>> network = BayesianNetwork({"rain": 0.2, "wet": (("rain",), {(0,): 0.1, (1,): 0.9})})
    >>> round(network.posterior({"wet": 1})["rain"], 3)
    0.692
    >>> network.to_boltzmann().marginals().round(3)
    array([0.2 , 0.26])
    """

    tables: Mapping[Hashable, Table]
    """Parents and rows of each variable."""

    def __init__(self, tables: Mapping[Any, Any]) -> None:
        if not isinstance(tables, Mapping) or not tables:
            raise InvalidInput(f"tables must be a mapping variable → table, not empty, got {tables!r}")
        checked = {name: checked_table(name, table, tables) for name, table in tables.items()}
        settle(self, tables=MappingProxyType(checked))
        in_order(checked)

    @property
    def variables(self) -> tuple[Hashable, ...]:
        """Names of the variables, in the order of the tables."""
        return tuple(self.tables)

    def __repr__(self) -> str:
        shown = [str(name) for name in self.variables[:12]] + ["…"] * (len(self.tables) > 12)
        return f"BayesianNetwork({len(self.tables)} variable(s): {', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BayesianNetwork):
            return NotImplemented
        return list(self.tables.items()) == list(other.tables.items())

    def __hash__(self) -> int:
        return hash(tuple((name, parents) for name, (parents, _) in self.tables.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return BayesianNetwork, ({name: (p, dict(rows)) for name, (p, rows) in self.tables.items()},)

    @classmethod
    def asia(cls) -> "BayesianNetwork":
        """Return the chest clinic, "Asia".

        A visit to Asia, tuberculosis, smoking, lung cancer, bronchitis, tuberculosis or cancer
        (`either`), a positive X-ray, dyspnoea (Lauritzen & Spiegelhalter 1988, J. R. Stat. Soc. B 50,
        157, table 1).
        """
        return cls(
            {
                "asia": 0.01,
                "smoke": 0.5,
                "tub": (("asia",), {(0,): 0.01, (1,): 0.05}),
                "lung": (("smoke",), {(0,): 0.01, (1,): 0.1}),
                "bronc": (("smoke",), {(0,): 0.3, (1,): 0.6}),
                "either": (("tub", "lung"), {(0, 0): 0.0, (0, 1): 1.0, (1, 0): 1.0, (1, 1): 1.0}),
                "xray": (("either",), {(0,): 0.05, (1,): 0.98}),
                "dysp": (("either", "bronc"), {(0, 0): 0.1, (0, 1): 0.8, (1, 0): 0.7, (1, 1): 0.9}),
            }
        )

    @classmethod
    def from_pgmpy(
        cls, model: _PgmpyModel, on: Mapping[Hashable, Hashable] | None = None
    ) -> "BayesianNetwork":
        """Return the network of a pgmpy model with two states per variable.

        Parameters
        ----------
        model
            A ``DiscreteBayesianNetwork`` (``BayesianNetwork`` in pgmpy before version 1) with a table
            for every node.
        on : mapping variable → state name, optional
            Which state is 1. By default the one called 1, true, yes, on or present.

        Raises
        ------
        InvalidInput
            If a node has no table or other than two states, or none of them is known to mean 1.
        """
        if not (hasattr(model, "get_cpds") and hasattr(model, "nodes")):
            raise InvalidInput(f"model must be a network of pgmpy, got {validate.shown(model)}")
        if not isinstance(on, (Mapping, type(None))):
            raise InvalidInput(f"on must be a mapping variable → state, got {validate.shown(on)}")
        for name in on or {}:
            known_variable(name, list(model.nodes()))
        cpds = {cpd.variable: cpd for cpd in model.get_cpds()}
        for node in model.nodes():
            if node not in cpds:
                raise InvalidInput(f"model must have a table for every node, got none for {node!r}")
        return cls({node: table_of(cpds[node], on or {}) for node in model.nodes()})

    def joint(self) -> NDArray[np.float64]:
        """Return p of every state, array (2**variable,), index Σ z_k << k as in `BoltzmannMachine`.

        Raises
        ------
        InvalidInput
            For more than 24 variables.
        """
        return np.ascontiguousarray(self._joint_array()).ravel()

    def posterior(self, evidence: Mapping[Any, int] | None = None) -> dict[Hashable, float]:
        """Return P(variable = 1 | evidence) of every variable that is not evidence, by enumeration.

        Parameters
        ----------
        evidence : mapping variable → 0 or 1

        Raises
        ------
        InvalidInput
            For more than 24 variables, an unknown variable, a value other than 0 or 1, no variable
            left, or evidence of probability 0.
        """
        n = len(self.tables)
        known = Evidence.of(evidence, self.variables)
        joint = self._joint_array()
        # The last axis is the first variable.
        place: list[Any] = [slice(None)] * n
        for k, value in zip(known.positions, known.values[0], strict=True):
            place[n - 1 - k] = int(value)
        left = joint[tuple(place)]
        total = float(left.sum())
        if total == 0:
            raise InvalidInput(f"evidence must be possible, got {known.to_dict()!r} of probability 0")
        free = [self.variables[k] for k in known.free]
        on = (np.take(left, 1, axis=len(free) - 1 - k).sum() for k in range(len(free)))
        return {name: float(p) / total for name, p in zip(free, on, strict=True)}

    def softened(self, softening: float = SOFTENING, *, additive: bool = True) -> "BayesianNetwork":
        """Return the network with 0 and 1 in its tables replaced: no state is impossible any more.

        Parameters
        ----------
        softening
            Deterministic entries become ε = `softening` and 1 - ε, 0 < ε < 0.5. Others stay.
        additive
            Let deterministic entries come closer to 0 and 1 than that wherever it brings the table's
            log-odds closer to a sum over parents. It does for threshold functions: OR becomes
            σ(L (2s - 1)) with s parents on and L = log((1 - ε)/ε), a table without interactions.

        Notes
        -----
        ε is a trade-off: the smaller, the closer to the network, but the larger the weights (about 2
        L). A sampler that flips one unit at a time moves on more slowly, too. It goes through states of
        a probability of the order ε.
        """
        additive, soft = validate.flag("additive", additive), {}
        for name, (parents, rows) in self.tables.items():
            on = on_of(rows, len(parents))
            log_odds = soft_log_odds(on, softening, additive)
            soft[name] = (
                parents,
                rows_of(np.where(deterministic(on), np.exp(-np.logaddexp(0, -log_odds)), on)),
            )
        return BayesianNetwork(soft)

    def to_boltzmann(
        self, *, method: str = "exact", softening: float = SOFTENING, strength: float = STRENGTH
    ) -> BoltzmannMachine:
        """Return a Boltzmann machine whose first units are the variables; auxiliary units follow.

        Parameters
        ----------
        method
            "exact": summed over its auxiliary units ``hidden(…)``, the machine is
            ``softened(softening)``. "probst": up to terms exp(-strength), it is
            ``softened(softening, additive=False)``; auxiliary units are called ``state(…)``. See the
            module's description.
        softening
            Distance from 0 and 1 that deterministic entries get, in (0, 0.5).
        strength
            Weight between an auxiliary unit of "probst" and its variables, > 0.

        Returns
        -------
        BoltzmannMachine
            Evidence is entered by `BoltzmannMachine.conditional` or given to a sampler.

        Raises
        ------
        InvalidInput
            If an argument is out of its range.
        """
        validate.one_of("method", method, METHODS)
        strength = validate.positive("strength", strength)
        factors = self._log_tables(softening, additive=method == "exact")
        return expanded(factors, self.variables, method, strength)

    def reduced(
        self,
        evidence: Mapping[Any, int] | None = None,
        *,
        query: Iterable[Any] | None = None,
        softening: float = SOFTENING,
    ) -> Reduction:
        """Return what has to be sampled to know the variables asked for, given the evidence.

        Parameters
        ----------
        evidence : mapping variable → 0 or 1
        query : variables that are asked for; by default all
        softening
            As in `to_boltzmann`. Variables that are not sampled need none.

        Returns
        -------
        Reduction
            A machine, mostly smaller and softer than that of `to_boltzmann`, and how all variables
            come back from its states. See `photinus.machines.elimination`.

        Raises
        ------
        InvalidInput
            For an unknown variable, a value other than 0 or 1, no variable left, or evidence of
            probability 0.

        Examples
        --------
        >>> reduction = BayesianNetwork.asia().reduced({"xray": 1})
        >>> reduction.replaced, reduction.barren
        (('either',), ('dysp',))
        """
        known = Evidence.of(evidence, self.variables).to_dict()
        asked = None if query is None else self._asked(query)
        return reduced(self.tables, known, asked, softening)

    def _asked(self, query: Iterable[Any]) -> tuple[Hashable, ...]:
        """Return the variables that are asked for, checked."""
        asked = validate.listed("query", query)
        if not asked:
            raise InvalidInput("query must name at least one variable, got none")
        for name in asked:
            if not isinstance(name, Hashable) or name not in self.tables:
                raise InvalidInput(
                    f"query must be among the variables {list(self.variables)!r}, got {name!r}"
                )
        return tuple(dict.fromkeys(asked))

    def _log_tables(
        self, softening: float, *, additive: bool
    ) -> Iterator[tuple[tuple[int, ...], NDArray[np.float64]]]:
        """Give (positions of variable and parents, logarithm of the softened table)."""
        place = {name: k for k, name in enumerate(self.variables)}
        for name, (parents, rows) in self.tables.items():
            log_odds = soft_log_odds(on_of(rows, len(parents)), softening, additive)
            positions = (place[name], *(place[parent] for parent in parents))
            yield positions, -np.logaddexp(0.0, np.stack([log_odds, -log_odds]))

    def _joint_array(self) -> NDArray[np.float64]:
        """Return p of every state, array (2,)*variable; the last axis is the first variable."""
        n = len(self.tables)
        require_enumerable(n, "variables", "this network")
        place = {name: k for k, name in enumerate(self.variables)}
        joint = np.ones((2,) * n)
        for name, (parents, rows) in self.tables.items():
            on = on_of(rows, len(parents))
            axes = [n - 1 - place[variable] for variable in (name, *parents)]
            shape = [2 if axis in axes else 1 for axis in range(n)]
            joint *= np.stack([1 - on, on]).transpose(np.argsort(axes)).reshape(shape)
        return joint
