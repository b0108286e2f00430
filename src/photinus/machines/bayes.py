"""Bayesian networks over variables of a few states each, and machines that sample from them.

A Bayesian network is a product of conditional tables, p(z) = Π_k p(z_k | parents of k). How a machine
is made of it: see `photinus.machines.expansion`.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.records import settle
from photinus.errors import InvalidInput
from photinus.machines import network_files
from photinus.machines.cliques import Factor, TooWide
from photinus.machines.discrete import Discrete
from photinus.machines.elimination import Reduction, above, is_possible, reduced
from photinus.machines.softening import SOFTENING, soft_log_table, soft_table
from photinus.machines.tables import (
    Cpt,
    Table,
    checked_table,
    in_order,
    known_variable,
    table_of,
    table_of_array,
)
from photinus.machines.variables import (
    States,
    checked_name,
    checked_states,
    impossible,
    named_states,
    require_known,
)


class _PgmpyModel(Protocol):
    """What is asked of a network of pgmpy."""

    def nodes(self) -> Any: ...
    def get_cpds(self) -> Any: ...


@dataclass(frozen=True, init=False, eq=False, repr=False)
class BayesianNetwork(Discrete):
    """A Bayesian network over variables of two or more states each. Immutable.

    Parameters
    ----------
    tables : mapping variable → table
        Variables are named by strings or whole numbers, in any order. A table is one of these:

        * P(variable = 1), or generally of its second state, for two states and no parents; or a list of
          the probabilities of all states;
        * ``(parents, {states of the parents: row})`` with a row for each joint state of the parents. A
          row is a probability or a list, as above;
        * ``(parents, array (*states of the parents, states of the variable))``.
    states : mapping variable → tuple of states, optional
        Names of the states, in the order of the tables: strings, whole numbers or booleans, at least
        two. By default 0 and 1.

    Raises
    ------
    InvalidInput
        If a parent is unknown or named twice, or a row is missing or not a state of the parents. Also
        if probabilities are outside [0, 1] or don't add up to 1, or variables depend on themselves. Or
        if a table has more than a million entries.

    Examples
    --------
    >>> from photinus import BayesianNetwork
    >>> network = BayesianNetwork({"rain": 0.2, "wet": (("rain",), {(0,): 0.1, (1,): 0.9})})
    >>> round(network.posterior({"wet": 1})["rain"], 3)
    0.692
    >>> network.to_boltzmann().marginals().round(3)
    array([0.2 , 0.26])
    >>> sky = BayesianNetwork(
    ...     {"sky": [0.5, 0.3, 0.2], "wet": (("sky",), [[1.0, 0.0], [0.9, 0.1], [0.2, 0.8]])},
    ...     {"sky": ("clear", "grey", "black"), "wet": ("no", "yes")},
    ... )
    >>> round(sky.posterior({"wet": "yes"})["sky"]["black"], 3)
    0.842
    >>> network.parents("wet"), network.probabilities("wet")[1]
    (('rain',), array([0.1, 0.9]))
    >>> network.softened(0.001).draw(3, seed=1).shape
    (3, 2)
    >>> network.expansion().machine.labels
    ('rain', 'wet')
    """

    tables: Mapping[Hashable, Table]
    """Parents and rows of each variable. The row of two states is the probability of the second."""
    states: States
    """Names of the states of each variable."""
    _cpts: Mapping[Hashable, Cpt]
    _kind = network_files.BAYESIAN

    def __init__(
        self, tables: Mapping[Any, Any], states: Mapping[Any, Iterable[Any]] | None = None
    ) -> None:
        if not isinstance(tables, Mapping) or not tables:
            raise InvalidInput(
                f"tables must be a mapping variable → table, not empty, got {validate.shown(tables)}"
            )
        names = checked_states(states, map(checked_name, tables))
        cpts = {name: checked_table(name, table, names) for name, table in tables.items()}
        in_order(cpts)
        validate.locked([array for _, array in cpts.values()])
        settle(self, states=names, _cpts=MappingProxyType(cpts))
        shown = {name: table_of_array(cpt, names) for name, cpt in cpts.items()}
        settle(self, tables=MappingProxyType(shown))

    def parents(self, variable: Hashable) -> tuple[Hashable, ...]:
        """Return the parents of a variable."""
        require_known("variable", variable, self.variables)
        return self._cpts[variable][0]

    def probabilities(self, variable: Hashable) -> NDArray[np.float64]:
        """Return the table of a variable, array ``(*states of the parents, states of it)``."""
        require_known("variable", variable, self.variables)
        return self._cpts[variable][1]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BayesianNetwork):
            return NotImplemented
        return (
            list(self.states.items()) == list(other.states.items())
            and all(self.parents(name) == other.parents(name) for name in self.states)
            and all(np.array_equal(self._cpts[k][1], other._cpts[k][1]) for k in self.states)
        )

    def __hash__(self) -> int:
        return hash(tuple((name, self.parents(name), self.states[name]) for name in self.variables))

    def __reduce__(self) -> tuple[Any, ...]:
        return BayesianNetwork, (dict(self._cpts), dict(self.states))

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

    def _factors(self, needed: Iterable[Hashable] | None = None) -> list[Factor]:
        names = self.variables if needed is None else above(self._cpts, needed)
        place = {name: k for k, name in enumerate(self.variables)}
        with np.errstate(divide="ignore"):
            return [
                (tuple(place[one] for one in (*parents, name)), np.log(array))
                for name, (parents, array) in self._cpts.items()
                if name in names
            ]

    def softened(self, softening: float = SOFTENING, *, additive: bool = True) -> "BayesianNetwork":
        """Return the network with 0 and 1 in its tables replaced: no state is impossible any more.

        Parameters
        ----------
        softening
            Entries 0 become ε = `softening`, 0 < ε < 0.5, and 1 becomes 1 - ε; of more than two states,
            the others make room in proportion. Rows without a 0 stay.
        additive
            Let deterministic entries come closer to 0 and 1 than that wherever it brings the table's
            log-odds closer to a sum over parents. It does for threshold functions: OR becomes
            σ(L (2s - 1)) with s parents on and L = log((1 - ε)/ε), a table without interactions. It is
            done where a variable and its parents all have two states.

        Notes
        -----
        ε is a trade-off: the smaller, the closer to the network, but the larger the weights (about 2
        L). A sampler that flips one unit at a time moves on more slowly, too. It goes through states of
        a probability of the order ε.
        """
        additive = validate.flag("additive", additive)
        soft = {
            name: (parents, soft_table(array, softening, additive))
            for name, (parents, array) in self._cpts.items()
        }
        return BayesianNetwork(soft, self.states)

    def _require_possible(self, known: Mapping[Hashable, int]) -> None:
        try:
            self._tree(known, ())
        except TooWide:
            if not is_possible(self._cpts, known):
                raise impossible(named_states(known, self.states)) from None

    def _soft_factors(self, softening: float, method: str) -> Iterable[Factor]:
        place = {name: k for k, name in enumerate(self.variables)}
        for name, (parents, array) in self._cpts.items():
            positions = (place[name], *(place[parent] for parent in parents))
            yield positions, soft_log_table(array, softening, method == "exact")

    def _reduced(
        self,
        known: Mapping[Hashable, int],
        asked: tuple[Hashable, ...] | None,
        softening: float,
        code: str,
        summing: bool,
    ) -> Reduction:
        return reduced(self._cpts, self.states, known, asked, softening, code, summing)

    def _content(self) -> dict[str, Any]:
        return network_files.tables_content(self._cpts)

    @staticmethod
    def _content_in(document: Mapping[str, Any]) -> Any:
        return network_files.tables_in(document)
