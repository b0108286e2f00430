"""Bayesian networks over binary variables, and Boltzmann machines that sample from them.

A Bayesian network is a product of conditional tables, p(z) = Π_k p(z_k | parents of k). The logarithm
of any positive p over 0/1 variables is one polynomial without squares::

    log p(z) = Σ_A λ_A Π_{i in A} z_i,    λ_A = Σ_{B ⊆ A} (-1)^{|A|-|B|} log p(1_B)

(Möbius inversion; Besag 1974, J. R. Stat. Soc. B 36, 192). Orders 1 and 2 are biases and weights of a
Boltzmann machine. Higher ones are made by auxiliary units, which nobody reads, in one of two ways:

* ``exact``: one hidden unit per term. A unit with the bias c and the weight w to k variables, summed
  over its two states, adds g(s) = log(1 + exp(c + w s)) to log p, where s counts the variables that
  are on. The k-th difference of g, Σ_s (-1)^{k-s} C(k, s) g(s), shall be λ_A: one equation for w and
  c, of whose solutions the smallest w is taken. What g adds at lower orders is subtracted there before
  these are made. A variable may enter as 1 - z, which turns the sign of the difference. (That hidden
  units can make any distribution: Younes 1996, Appl. Math. Lett. 9, 109; Le Roux & Bengio 2008, Neural
  Comput. 20, 1631.)
* ``probst``: one auxiliary unit per joint state v of a table of more than two variables, so strongly
  coupled that it can only be on when its variables are in v; there its two states together have the
  weight μ φ(v) (Pecevski, Buesing & Maass 2011, PLoS Comput. Biol. 7, e1002294; Probst et al. 2015,
  Front. Comput. Neurosci. 9, 13).
"""

import itertools
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.records import settle
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence

METHODS = ("exact", "probst")
MAX_ENUMERATED = 20
"""Most variables whose joint states are enumerated."""
SOFTENING = 5e-4
"""Distance from 0 and 1 that deterministic entries get by default."""
STRENGTH = 20.0
"""Weight that ties an auxiliary unit of ``probst`` to its state."""
NEGLIGIBLE = 1e-10
"""Coefficients of third and higher order below this are rounding."""
SMALLNESS = 1e-3
"""What the size of log-odds costs beside their interactions, where an entry may choose."""
OFFSETS = 1001
"""Points of the grid on which a hidden unit's bias is looked up."""
SUM_TOLERANCE = 1e-6
"""By how much the two probabilities of a variable may miss 1: rounding in files."""
TRUE_STATES = ("1", "true", "yes", "y", "t", "on", "present")
"""State names, in small letters, that mean 1."""

Table = tuple[tuple[Hashable, ...], Mapping[tuple[int, ...], float]]
"""Parents, and P(variable = 1) for each of their joint states."""
Polynomial = dict[frozenset[int], float]
"""Coefficient of each product of variables."""


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
        the variable has no parents, else ``(parents, {states of the parents: P(variable = 1)})`` with
        one row for each joint state of the parents.

    Raises
    ------
    InvalidInput
        If a parent is unknown or named twice, a row is missing or not a state of the parents, a
        probability is outside [0, 1], or variables depend on themselves.

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
        checked = {name: _checked_table(name, table, tables) for name, table in tables.items()}
        settle(self, tables=MappingProxyType(checked))
        _require_acyclic({name: parents for name, (parents, _) in checked.items()})

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
            _known_variable(name, list(model.nodes()))
        cpds = {cpd.variable: cpd for cpd in model.get_cpds()}
        for node in model.nodes():
            if node not in cpds:
                raise InvalidInput(f"model must have a table for every node, got none for {node!r}")
        return cls({node: _table_of(cpds[node], on or {}) for node in model.nodes()})

    def joint(self) -> NDArray[np.float64]:
        """Return p of every state, array (2**variable,), index Σ z_k << k as in `BoltzmannMachine`.

        Raises
        ------
        InvalidInput
            For more than 20 variables.
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
            For more than 20 variables, an unknown variable, a value other than 0 or 1, no variable
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
        ε is a trade-off: the smaller, the closer to the network, but the larger the weights (about
        2 L) and the more slowly a sampler that flips one unit at a time moves on, since it goes
        through states of a probability of the order ε.
        """
        additive, soft = validate.flag("additive", additive), {}
        for name, (parents, rows) in self.tables.items():
            log_odds = _soft_log_odds(rows, len(parents), softening, additive)
            on = _on(rows, len(parents))
            soft[name] = parents, _rows(np.where(_certain(on), np.exp(-np.logaddexp(0, -log_odds)), on))
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
        polynomial: Polynomial = {}
        auxiliary: list[_Auxiliary] = []
        for positions, log_odds in self._log_odds(softening, additive=method == "exact"):
            log_factor = -np.logaddexp(0.0, np.stack([log_odds, -log_odds]))
            if method == "probst" and len(positions) > 2:
                auxiliary += _state_units(positions, log_factor, strength, self.variables)
            else:
                _add(polynomial, positions, _interactions(log_factor))
        auxiliary += _hidden_units(polynomial, self.variables)
        return _assembled(polynomial, auxiliary, self.variables)

    def _log_odds(
        self, softening: float, *, additive: bool
    ) -> Iterator[tuple[tuple[int, ...], NDArray[np.float64]]]:
        """Give (positions of variable and parents, softened log-odds, array (2,)*parents)."""
        place = {name: k for k, name in enumerate(self.variables)}
        for name, (parents, rows) in self.tables.items():
            positions = (place[name], *(place[parent] for parent in parents))
            yield positions, _soft_log_odds(rows, len(parents), softening, additive)

    def _joint_array(self) -> NDArray[np.float64]:
        """Return p of every state, array (2,)*variable; the last axis is the first variable."""
        n = len(self.tables)
        if n > MAX_ENUMERATED:
            raise InvalidInput(
                f"enumeration needs at most {MAX_ENUMERATED} variables, this network has {n}"
            )
        place = {name: k for k, name in enumerate(self.variables)}
        joint = np.ones((2,) * n)
        for name, (parents, rows) in self.tables.items():
            on = _on(rows, len(parents))
            axes = [n - 1 - place[variable] for variable in (name, *parents)]
            shape = [2 if axis in axes else 1 for axis in range(n)]
            joint *= np.stack([1 - on, on]).transpose(np.argsort(axes)).reshape(shape)
        return joint


@dataclass(frozen=True, slots=True)
class _Auxiliary:
    """A unit that is not a variable."""

    label: str
    bias: float
    weights: Mapping[int, float]
    """Weight to each variable, by position."""


def _checked_table(name: Hashable, table: Any, tables: Mapping[Any, Any]) -> Table:
    """Return the table of variable `name` as parents and rows."""
    if isinstance(name, bool) or not isinstance(name, (str, int)):
        raise InvalidInput(f"variables must be strings or whole numbers, got {name!r}")
    if not isinstance(table, tuple):
        return (), MappingProxyType({(): _probability(name, (), table)})
    if len(table) != 2 or isinstance(table[0], str) or not isinstance(table[1], Mapping):
        raise InvalidInput(
            f"table of {name!r} must be (parents, {{states: probability}}), got {table!r}"
        )
    parents, rows = _checked_parents(name, table[0], tables), dict(table[1])
    if len(rows) < 2 ** len(parents):
        missing = next(s for s in itertools.product((0, 1), repeat=len(parents)) if s not in rows)
        raise InvalidInput(
            f"rows of {name!r} must include {missing!r}, got {validate.shown(list(rows))}"
        )
    states = list(itertools.product((0, 1), repeat=len(parents)))
    if len(rows) > len(states) or any(state not in rows for state in states):
        known = set(states)
        wrong = next(state for state in rows if state not in known)
        raise InvalidInput(
            f"rows of {name!r} must be states of its {len(parents)} parent(s), got {wrong!r}"
        )
    return parents, MappingProxyType({s: _probability(name, s, rows[s]) for s in states})


def _checked_parents(name: Hashable, given: Any, tables: Mapping[Any, Any]) -> tuple[Hashable, ...]:
    """Return the parents of variable `name`: variables, each once."""
    if not isinstance(given, (tuple, list)):
        raise InvalidInput(f"parents of {name!r} must be a tuple, got {validate.shown(given)}")
    for parent in given:
        if not isinstance(parent, Hashable) or parent not in tables:
            raise InvalidInput(f"parents of {name!r} must be variables of the network, got {parent!r}")
        if given.count(parent) > 1:
            raise InvalidInput(f"parents of {name!r} must differ from each other, got {parent!r} twice")
    return tuple(given)


def _probability(name: Hashable, state: tuple[int, ...], value: Any) -> float:
    if isinstance(value, float) and 0 <= value <= 1:
        return float(value)
    where = f"P({name} = 1 | {state})" if state else f"P({name} = 1)"
    result = validate.number(where, value)
    if not 0 <= result <= 1:
        raise InvalidInput(f"{where} must be within [0, 1], got {result:g}")
    return result


def _require_acyclic(parents: Mapping[Hashable, tuple[Hashable, ...]]) -> None:
    left = dict(parents)
    while left:
        roots = [name for name, above in left.items() if not any(p in left for p in above)]
        if not roots:
            raise InvalidInput(f"tables must not form a cycle, got one among {list(left)!r}")
        for name in roots:
            del left[name]


def _known_variable(name: Hashable, variables: Sequence[Hashable]) -> None:
    """Raise unless `name`, a key of `on`, is one of the variables."""
    if name not in variables:
        validate.one_of("variable in on", name, [v for v in variables if isinstance(v, str)])
        raise InvalidInput(f"variable in on must be one of {list(variables)!r}, got {name!r}")


def _table_of(cpd: Any, on: Mapping[Hashable, Hashable]) -> Any:
    """Return a table of pgmpy as parents and rows, its states in the order 0, 1."""
    values = validate.finite_array(
        f"table of {cpd.variable!r}", getattr(cpd, "values", ()), tuple(range(1, 33))
    )
    if values.shape != (2,) * len(cpd.variables):
        raise InvalidInput(
            f"table of {cpd.variable!r} must have two states per variable, got shape {values.shape}"
        )
    _require_sums(cpd.variable, values)
    names = getattr(cpd, "state_names", None) or {}
    for axis, variable in enumerate(cpd.variables):
        states = list(names.get(variable, (0, 1)))
        values = np.flip(values, axis) if _true_state(variable, states, on) == 0 else values
    return tuple(cpd.variables[1:]), _rows(values[1])


def _require_sums(variable: Hashable, values: NDArray[np.float64]) -> None:
    """Raise unless the two probabilities add up to 1 in every state of the parents."""
    total = values[0] + values[1]
    wrong = np.argwhere(np.abs(total - 1) > SUM_TOLERANCE)
    if len(wrong):
        state = tuple(int(k) for k in wrong[0])
        where = f" at state {state!r} of its parents" if state else ""
        raise InvalidInput(
            f"table of {variable!r} must have probabilities that add up to 1, "
            f"got {total[state]:.9g}{where}"
        )


def _true_state(variable: Hashable, states: Sequence[Any], on: Mapping[Hashable, Hashable]) -> int:
    """Return which of two states means 1."""
    if variable in on:
        if on[variable] not in states:
            raise InvalidInput(f"on[{variable!r}] must be one of {states!r}, got {on[variable]!r}")
        return states.index(on[variable])
    true = [str(state).lower() in TRUE_STATES for state in states]
    if sum(true) != 1:
        raise InvalidInput(f"on must tell which state of {variable!r} is 1, its states are {states!r}")
    return true.index(True)


def _rows(on: NDArray[np.float64]) -> dict[tuple[int, ...], float]:
    """Return {states of the parents: P(variable = 1)} of an array (2,)*parents."""
    return {state: float(on[state]) for state in itertools.product((0, 1), repeat=on.ndim)}


def _on(rows: Mapping[tuple[int, ...], float], parents: int) -> NDArray[np.float64]:
    """Return P(variable = 1), array (2,)*parents; rows are in the order of product((0, 1), …)."""
    return np.array(list(rows.values())).reshape((2,) * parents)


def _certain(on: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which entries are deterministic."""
    return np.asarray((on == 0) | (on == 1))


def _soft_log_odds(
    rows: Mapping[tuple[int, ...], float], parents: int, softening: float, additive: bool
) -> NDArray[np.float64]:
    """Return the log-odds of a softened table, array (2,)*parents."""
    softening = validate.positive("softening", softening)
    if softening >= 0.5:
        raise InvalidInput(f"softening must be below 0.5, got {softening:g}")
    on = _on(rows, parents)
    certain = _certain(on)
    soft = np.where(certain, np.where(on == 1, 1 - softening, softening), on)
    log_odds = np.log(soft) - np.log1p(-soft)
    if not additive or parents < 2 or not certain.any():
        return np.asarray(log_odds)
    return _least_interacting(log_odds, certain)


def _least_interacting(
    log_odds: NDArray[np.float64], certain: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return log-odds with the smallest interactions; `certain` entries may grow in size.

    A linear programme: minimise Σ_{|A| ≥ 2} |μ_A| plus a little of the sizes, where μ_A are the
    coefficients of the log-odds as a polynomial in the parents.
    """
    from scipy.optimize import linprog

    order = np.indices(log_odds.shape).sum(axis=0).ravel()
    unit_vectors = np.eye(log_odds.size).reshape(-1, *log_odds.shape)
    transform = np.array([_interactions(vector).ravel() for vector in unit_vectors]).T
    interactions = transform[order >= 2]
    start, free = log_odds.ravel(), np.flatnonzero(certain)
    sign = np.sign(start[free])
    # Unknowns: by how much each certain entry grows, then the bounds of |μ_A|.
    growth = interactions[:, free] * sign
    base, bounds = interactions @ start, np.eye(len(interactions))
    solution = linprog(
        np.r_[np.full(len(free), SMALLNESS), np.ones(len(interactions))],
        A_ub=np.block([[growth, -bounds], [-growth, -bounds]]),
        b_ub=np.r_[-base, base],
    )
    assert solution.x is not None
    result = start.copy()
    result[free] += sign * solution.x[: len(free)]
    return result.reshape(log_odds.shape)


def _interactions(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coefficients λ_A of a function of 0/1 variables, both arrays (2,)*variables."""
    result = values.copy()
    for axis in range(values.ndim):
        low, high = (np.take(result, k, axis) for k in (0, 1))
        result = np.stack([low, high - low], axis)
    return result


def _add(polynomial: Polynomial, positions: Sequence[int], coefficients: NDArray[np.float64]) -> None:
    """Add coefficients, array (2,)*positions, to the polynomial."""
    for state, value in np.ndenumerate(coefficients):
        term = frozenset(k for k, on in zip(positions, state, strict=True) if on)
        polynomial[term] = polynomial.get(term, 0.0) + float(value)


def _part(polynomial: Polynomial, positions: Sequence[int]) -> NDArray[np.float64]:
    """Return the coefficients of the products of `positions`, array (2,)*positions."""
    result = np.zeros((2,) * len(positions))
    for state in np.ndindex(*result.shape):
        term = frozenset(k for k, on in zip(positions, state, strict=True) if on)
        result[state] = polynomial.get(term, 0.0)
    return result


def _hidden_units(polynomial: Polynomial, variables: Sequence[Hashable]) -> list[_Auxiliary]:
    """Return one hidden unit per term of third or higher order, and take them off the polynomial."""
    units, plain = [], _plain_names(variables)
    for order in range(max(map(len, polynomial)), 2, -1):
        terms = sorted(sorted(term) for term in polynomial if len(term) == order)
        for term in terms:
            if abs(polynomial[frozenset(term)]) > NEGLIGIBLE:
                bias, weights = _hidden_unit(_part(polynomial, term))
                _add(polynomial, term, -_interactions(_two_states(bias, weights)))
                named = ", ".join(plain[k] for k in term)
                units.append(
                    _Auxiliary(f"hidden({named})", bias, dict(zip(term, weights.tolist(), strict=True)))
                )
            del polynomial[frozenset(term)]
    return units


def _hidden_unit(wanted: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return bias and weights of the hidden unit whose highest coefficient is the `wanted` one.

    Of the 2^k ways to let variables enter as z or 1 - z, the one whose largest number is smallest:
    its own weights and bias, and the coefficients that are left to others.
    """
    order = wanted.ndim
    coefficient = float(wanted[(1,) * order])
    solutions = {sign: _smallest_weight(order, sign * coefficient) for sign in (1, -1)}
    inner = np.ones(wanted.shape, bool)
    inner[(0,) * order] = inner[(1,) * order] = False
    best, cost = (0.0, np.zeros(order)), math.inf
    for turned in itertools.product((0, 1), repeat=order):
        weight, offset = solutions[(-1) ** sum(turned)]
        weights = weight * (1.0 - 2.0 * np.array(turned))
        bias = offset + weight * sum(turned)
        left = wanted - _interactions(_two_states(bias, weights))
        largest = max(weight, abs(bias), float(np.abs(left[inner]).max()))
        if largest < cost - NEGLIGIBLE:
            best, cost = (bias, weights), largest
    return best


def _smallest_weight(order: int, coefficient: float) -> tuple[float, float]:
    """Return the smallest w > 0, and its c, for which the difference of log(1 + exp(c + w s)) is right.

    At each w the difference is looked up over a grid of c, centred where the unit is undecided with
    half of the variables on; its largest value grows with w.
    """
    from scipy.optimize import brentq

    count = np.arange(order + 1)
    signs = np.array([(-1) ** (order - s) * math.comb(order, s) for s in count.tolist()])
    grid = np.linspace(-1, 1, OFFSETS)

    def reach(weight: float) -> tuple[float, float]:
        """Return the largest difference in the wanted direction, and the offset that gives it."""
        offset = -order * weight / 2 + (order * weight / 2 + 3) * grid
        difference = np.logaddexp(0.0, offset[:, None] + weight * count) @ signs
        difference *= np.sign(coefficient)
        best = int(np.argmax(difference))
        return float(difference[best]), float(offset[best])

    highest = 1.0
    while reach(highest)[0] < abs(coefficient):
        highest *= 2
    weight = float(brentq(lambda w: reach(w)[0] - abs(coefficient), 0.0, highest))
    return weight, reach(weight)[1]


def _two_states(bias: float, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(1 + exp(c + Σ w z)), what a unit adds to log p, array (2,)*weights."""
    field = np.array(bias)
    for weight in weights:
        field = np.stack([field, field + weight], axis=-1)
    return np.asarray(np.logaddexp(0.0, field))


def _state_units(
    positions: Sequence[int],
    log_factor: NDArray[np.float64],
    strength: float,
    variables: Sequence[Hashable],
) -> list[_Auxiliary]:
    """Return one unit per state v of a factor φ: bias log(μ φ(v) - 1) - M |v|, weights ±M.

    |v| is the number of ones; the weight is M to variables that are 1 in v and -M to the others. The
    unit's two states add up to μ φ(v) in v, and to 1 + (μ φ(v) - 1) exp(-M d) at d flips from it.
    μ is such that the smallest μ φ is 2.
    """
    log_scale = math.log(2.0) - float(log_factor.min())
    units, plain = [], _plain_names(variables)
    for state, value in np.ndenumerate(log_factor):
        named = ", ".join(f"{plain[k]}={z}" for k, z in zip(positions, state, strict=True))
        bias = math.log(math.expm1(log_scale + float(value))) - strength * sum(state)
        weights = {k: strength * (2 * z - 1) for k, z in zip(positions, state, strict=True)}
        units.append(_Auxiliary(f"state({named})", bias, weights))
    return units


def _assembled(
    polynomial: Polynomial, auxiliary: Sequence[_Auxiliary], variables: Sequence[Hashable]
) -> BoltzmannMachine:
    """Return the machine of a polynomial of second order and auxiliary units."""
    n = len(variables) + len(auxiliary)
    weights, biases = np.zeros((n, n)), np.zeros(n)
    for term, value in polynomial.items():
        if len(term) == 1:
            biases[list(term)] = value
        elif len(term) == 2:
            i, j = term
            weights[i, j] = weights[j, i] = value
    for k, unit in enumerate(auxiliary, start=len(variables)):
        biases[k] = unit.bias
        for variable, weight in unit.weights.items():
            weights[variable, k] = weights[k, variable] = weight
    return BoltzmannMachine(weights, biases, _distinct(variables, [unit.label for unit in auxiliary]))


def _plain_names(variables: Sequence[Hashable]) -> list[str]:
    """Return the variables as text: 1 and "1" in quotes where both are there."""
    plain = [str(variable) for variable in variables]
    return plain if len(set(plain)) == len(plain) else [repr(variable) for variable in variables]


def _distinct(variables: Sequence[Hashable], auxiliary: Sequence[str]) -> list[Hashable]:
    """Return all labels, auxiliary ones with a prime where there is one like it already."""
    labels: dict[Hashable, None] = dict.fromkeys(variables)
    for label in auxiliary:
        while label in labels:
            label += "'"
        labels[label] = None
    return list(labels)
