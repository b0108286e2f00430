"""Boltzmann machines that sample from Bayesian networks.

The logarithm of any positive p over 0/1 variables is one polynomial without squares::

    log p(z) = Σ_A λ_A Π_{i in A} z_i,    λ_A = Σ_{B ⊆ A} (-1)^{|A|-|B|} log p(1_B)

(Möbius inversion; Besag 1974, J. R. Stat. Soc. B 36, 192). Orders 1 and 2 are biases and weights of a
Boltzmann machine. Higher ones are made by auxiliary units, which nobody reads, in one of two ways:

* ``exact``: one hidden unit per term. A unit with the bias c and the weight w to k variables, summed
  over its two states, adds g(s) = log(1 + exp(c + w s)) to log p, where s counts the variables that
  are on. The k-th difference of g, Σ_s (-1)^{k-s} C(k, s) g(s), shall be λ_A. This is one equation for
  w and c, of whose solutions the smallest w is taken. What g adds at lower orders is subtracted there
  before these are made. A variable may enter as 1 - z, which turns the sign of the difference. (That
  hidden units can make any distribution: Younes 1996, Appl. Math. Lett. 9, 109; Le Roux & Bengio 2008,
  Neural Comput. 20, 1631.)
* ``probst``: one auxiliary unit per joint state v of a table of more than two variables, so strongly
  coupled that it can only be on when its variables are in v. There its two states together have the
  weight μ φ(v) (Pecevski, Buesing & Maass 2011, PLoS Comput. Biol. 7, e1002294; Probst et al. 2015,
  Front. Comput. Neurosci. 9, 13).
"""

import functools
import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.codes import CODES, INVALID, Code, chosen, exclusions
from photinus.machines.variables import States, known_states

METHODS = ("exact", "probst")
STRENGTH = 20.0
"""Weight that ties an auxiliary unit of ``probst`` to its state."""
NEGLIGIBLE = 1e-10
"""Coefficients of third and higher order below this are rounding."""
OFFSETS = 1001
"""Points of the grid on which a hidden unit's bias is looked up."""


Polynomial = dict[frozenset[int], float]
"""Coefficient of each product of variables."""


@dataclass(frozen=True, slots=True)
class _Auxiliary:
    """A unit that is not a variable."""

    label: str
    bias: float
    weights: Mapping[int, float]
    """Weight to each variable, by position."""


@dataclass(frozen=True, slots=True, eq=False)
class Expansion:
    """A Boltzmann machine that samples from a network, and what its units say. Immutable."""

    machine: BoltzmannMachine
    """Its first units are those of the variables, in order; auxiliary units follow."""
    states: States
    """Variable → names of its states."""
    codes: tuple[Code, ...]
    """How the units of each variable say which state it is in."""

    def numbers(self, units: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Return which state each variable is in, array (…, variable); -1 for none.

        Parameters
        ----------
        units : array (…, unit)
            States of the machine.
        """
        result = np.empty((*units.shape[:-1], len(self.codes)), np.int16)
        first = 0
        for k, code in enumerate(self.codes):
            result[..., k] = code.decoded(units[..., first : first + code.units])
            first += code.units
        return result

    def marginals(self, units: NDArray[np.uint8]) -> dict[Hashable, dict[Hashable, float]]:
        """Return variable → state → share of the draws; those in no valid state are left out.

        Parameters
        ----------
        units : array (…, unit)
            States of the machine.

        Raises
        ------
        InvalidInput
            If no draw is in a valid state.
        """
        numbers = self.numbers(validate.binary_array("units", units)).reshape(-1, len(self.codes))
        valid = numbers[(numbers != INVALID).all(axis=1)]
        if not len(valid):
            raise InvalidInput(f"units must have draws in a valid state, got none of {len(numbers)}")
        return {
            name: {state: float((valid[:, k] == i).mean()) for i, state in enumerate(states)}
            for k, (name, states) in enumerate(self.states.items())
        }

    def invalid(self, units: NDArray[np.uint8]) -> int:
        """Return how many draws, array (…, unit), have a variable in no valid state."""
        return int((self.numbers(units) == INVALID).any(axis=-1).sum())

    def evidence(self, evidence: Mapping[Any, Any]) -> dict[Hashable, int]:
        """Return what is known of variables, variable → state, as unit → 0 or 1.

        Raises
        ------
        InvalidInput
            For an unknown variable or state.
        """
        known, labels, first = known_states(evidence, self.states), self.machine.labels, 0
        found: dict[Hashable, int] = {}
        for name, code in zip(self.states, self.codes, strict=True):
            if name in known:
                units = labels[first : first + code.units]
                found |= dict(zip(units, code.encoded(known[name]), strict=True))
            first += code.units
        return found


Factors = Sequence[tuple[tuple[int, ...], NDArray[np.float64]]]
"""Positions of some variables, and the logarithm of a positive function of them, array (*states)."""


def expansion(
    factors: Factors,
    states: States,
    method: str = "exact",
    strength: float = STRENGTH,
    code: str = "auto",
) -> Expansion:
    """Return the machine of a network's factors, and what its units say.

    `method`, `strength` and `code` as in `BayesianNetwork.to_boltzmann`.
    """
    validate.one_of("code", code, CODES)
    sizes = [len(names) for names in states.values()]
    kinds = ("one-hot", "binary") if code == "auto" else (code,)
    if method == "probst":
        if code == "one-hot":
            raise InvalidInput("code must be 'binary' for the method 'probst', got 'one-hot'")
        kinds = ("binary",)
    if max(sizes, default=2) == 2:
        kinds = kinds[:1]
    found = [_expansion(factors, states, sizes, method, strength, kind) for kind in kinds]
    return min(found, key=lambda one: _effort(one.machine))


def _effort(machine: BoltzmannMachine) -> float:
    """Return what a machine asks of hardware: neurons times the largest weight between them."""
    return machine.n_units * machine.largest_weight


def _expansion(
    factors: Factors, states: States, sizes: Sequence[int], method: str, strength: float, kind: str
) -> Expansion:
    codes = chosen(kind, factors, sizes)
    pairs = zip(codes, states.items(), strict=True)
    labels = [label for code, (name, own) in pairs for label in code.labels(name, own)]
    machine = expanded(factors, labels, method, strength, codes)
    return Expansion(machine, states, tuple(codes))


def expanded(
    factors: Factors,
    labels: Sequence[Hashable],
    method: str,
    strength: float,
    codes: Sequence[Code],
) -> BoltzmannMachine:
    """Return the machine of factors, its first units those of the variables, with these labels."""
    polynomial: Polynomial = {}
    auxiliary: list[_Auxiliary] = []
    first = np.cumsum([0, *(code.units for code in codes)]).tolist()
    for scope, log_factor in factors:
        if method == "probst" and sum(codes[k].units for k in scope) > 2:
            auxiliary += _state_units(*_bits(scope, log_factor, codes, first), strength, labels)
        else:
            _add_coded(polynomial, scope, log_factor, codes, first)
    for k, code in enumerate(codes):
        if code.spread().any():
            _add_coded(polynomial, (k,), code.spread(), codes, first)
    for k, weights in exclusions(factors, codes).items():
        for i, j in itertools.combinations(range(len(weights)), 2):
            term = frozenset([first[k] + i, first[k] + j])
            polynomial[term] = polynomial.get(term, 0.0) + float(weights[i, j])
    auxiliary += _hidden_units(polynomial, labels)
    return _assembled(polynomial, auxiliary, labels)


def _add_coded(
    polynomial: Polynomial,
    scope: Sequence[int],
    log_factor: NDArray[np.float64],
    codes: Sequence[Code],
    first: Sequence[int],
) -> None:
    """Add a function of some variables, array (*states), to the polynomial over their units."""
    terms = []
    for axis, k in enumerate(scope):
        log_factor = codes[k].coefficients(log_factor, axis)
        terms.append([frozenset(first[k] + unit for unit in term) for term in codes[k].terms()])
    for place, value in zip(itertools.product(*terms), log_factor.ravel().tolist(), strict=True):
        term = frozenset().union(*place)
        polynomial[term] = polynomial.get(term, 0.0) + value


def _bits(
    scope: Sequence[int],
    log_factor: NDArray[np.float64],
    codes: Sequence[Code],
    first: Sequence[int],
) -> tuple[list[int], NDArray[np.float64]]:
    """Return positions of units, and a function of variables as one of them, array (2,)*units."""
    positions: list[int] = []
    for axis, k in enumerate(scope):
        binary = Code("binary", codes[k].size)
        log_factor = np.take(log_factor, binary.table(), axis)
        positions += [first[k] + bit for bit in reversed(range(binary.units))]
    return positions, log_factor.reshape((2,) * len(positions))


def moebius(values: NDArray[np.float64], first: int = 0) -> NDArray[np.float64]:
    """Return the coefficients λ_A of a function of 0/1 variables, both arrays (2,)*variables.

    Axes before the first one count functions.
    """
    result = values.copy()
    for axis in range(first, values.ndim):
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
    for order in range(max(map(len, polynomial), default=0), 2, -1):
        terms = sorted(sorted(term) for term in polynomial if len(term) == order)
        for term in terms:
            if abs(polynomial[frozenset(term)]) > NEGLIGIBLE:
                bias, weights = _hidden_unit(_part(polynomial, term))
                _add(polynomial, term, -moebius(_two_states(bias, weights)))
                named = ", ".join(plain[k] for k in term)
                units.append(
                    _Auxiliary(f"hidden({named})", bias, dict(zip(term, weights.tolist(), strict=True)))
                )
            del polynomial[frozenset(term)]
    return units


def _hidden_unit(wanted: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return bias and weights of the hidden unit whose highest coefficient is the `wanted` one.

    There are 2^k ways to let variables enter as z or 1 - z. The one whose largest number is smallest is
    taken. The numbers are weights and bias, and the coefficients that are left to others.
    """
    order = wanted.ndim
    coefficient = float(wanted[(1,) * order])
    solutions = {sign: _smallest_weight(order, sign * coefficient) for sign in (1, -1)}
    turned = np.array(list(itertools.product((0, 1), repeat=order)))
    chosen = [solutions[(-1) ** sum(turns)] for turns in turned.tolist()]
    weight, offset = np.array(chosen).T
    weights = weight[:, None] * (1.0 - 2.0 * turned)
    bias = offset + weight * turned.sum(axis=1)
    left = wanted - moebius(_two_states(bias, weights), first=1)
    inner = np.ones(wanted.shape, bool)
    inner[(0,) * order] = inner[(1,) * order] = False
    largest = np.maximum(np.maximum(weight, np.abs(bias)), np.abs(left[:, inner]).max(axis=1))
    best, cost = 0, math.inf
    for k, size in enumerate(largest.tolist()):
        if size < cost - NEGLIGIBLE:
            best, cost = k, size
    return float(bias[best]), weights[best]


@functools.lru_cache(maxsize=4096)
def _smallest_weight(order: int, coefficient: float) -> tuple[float, float]:
    """Return the smallest w > 0, and its c, for which the difference of log(1 + exp(c + w s)) is right.

    At each w the difference is looked up over a grid of c, centred where the unit is undecided with
    half of the variables on. Its largest value grows with w.
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


def _two_states(bias: ArrayLike, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(1 + exp(c + Σ w z)), what a unit adds to log p, array (2,)*weights.

    Of many units at once, biases (unit,) and weights (unit, weight): array (unit, *(2,)*weights).
    """
    field = np.asarray(bias)
    for weight in np.moveaxis(weights, -1, 0):
        more = weight.reshape(weight.shape + (1,) * (field.ndim - weight.ndim))
        field = np.stack([field, field + more], axis=-1)
    return np.asarray(np.logaddexp(0.0, field))


def _state_units(
    positions: Sequence[int],
    log_factor: NDArray[np.float64],
    strength: float,
    variables: Sequence[Hashable],
) -> list[_Auxiliary]:
    """Return one unit per state v of a factor φ: bias log(μ φ(v) - 1) - M |v|, weights ±M.

    |v| is the number of ones; the weight is M to variables that are 1 in v and -M to the others. The
    unit's two states add up to μ φ(v) in v, and to 1 + (μ φ(v) - 1) exp(-M d) at d flips from it. The
    factor μ is such that the smallest μ φ is 2.
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
