"""Markov networks: products of non-negative functions of a few variables each."""

import contextlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.records import settle
from photinus.errors import InvalidInput
from photinus.machines import cliques, network_files
from photinus.machines.cliques import TooWide
from photinus.machines.discrete import Discrete
from photinus.machines.elimination import Reduction, restricted
from photinus.machines.factors import Factor
from photinus.machines.softening import SOFTENING, soft_factor
from photinus.machines.variables import States, checked_states, near, require_entries


@dataclass(frozen=True, init=False, eq=False, repr=False)
class MarkovNetwork(Discrete):
    """A law p(z) ∝ Π_a φ_a(z_a) over variables of two or more states each. Immutable.

    Parameters
    ----------
    factors : sequence of (scope, array)
        Each one is a tuple of variables, all different, and φ of their joint states, array
        ``(*states)``, >= 0. An entry 0 makes states impossible.
    states : mapping variable → tuple of states
        All variables, and the names of their states in the order of the arrays: strings, whole numbers
        or booleans, at least two.

    Raises
    ------
    InvalidInput
        If a scope or an array does not fit, or an entry is negative or not finite. Also if all entries
        of a factor are 0, or there are more than a million.

    Examples
    --------
    >>> from photinus import MarkovNetwork
    >>> network = MarkovNetwork(
    ...     [(("a", "b"), [[4, 1], [1, 4]]), (("b",), [1, 3])], {"a": ("low", "high"), "b": (0, 1)}
    ... )
    >>> round(network.posterior()["a"]["high"], 3)
    0.65
    >>> network.expansion().machine.n_units
    2
    """

    factors: tuple[tuple[tuple[Hashable, ...], NDArray[np.float64]], ...]
    """Scopes and arrays ``(*states of the scope)``, read-only."""
    states: States
    """Names of the states of each variable."""
    _kind = network_files.MARKOV

    def __init__(
        self, factors: Iterable[tuple[Sequence[Any], ArrayLike]], states: Mapping[Any, Iterable[Any]]
    ) -> None:
        if not isinstance(states, Mapping) or not states:
            raise InvalidInput(
                f"states must be a mapping variable → states, not empty, got {validate.shown(states)}"
            )
        names = checked_states(states)
        given = validate.listed("factors", factors)
        checked = tuple(_checked(k, factor, names) for k, factor in enumerate(given))
        validate.locked([array for _, array in checked])
        settle(self, factors=checked, states=names)

    def _line(self) -> str:
        return f"{super()._line()}; {len(self.factors)} factor(s)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MarkovNetwork):
            return NotImplemented
        return (
            list(self.states.items()) == list(other.states.items())
            and [scope for scope, _ in self.factors] == [scope for scope, _ in other.factors]
            and all(
                np.array_equal(mine, yours)
                for (_, mine), (_, yours) in zip(self.factors, other.factors, strict=True)
            )
        )

    def __hash__(self) -> int:
        return hash((tuple(self.states.items()), tuple(scope for scope, _ in self.factors)))

    def __reduce__(self) -> tuple[Any, ...]:
        return MarkovNetwork, (self.factors, dict(self.states))

    def _factors(self, needed: Iterable[Hashable] | None = None) -> list[cliques.Factor]:
        place = {name: k for k, name in enumerate(self.variables)}
        with np.errstate(divide="ignore"):
            return [(tuple(place[n] for n in scope), np.log(array)) for scope, array in self.factors]

    def softened(self, softening: float = SOFTENING) -> "MarkovNetwork":
        """Return the network without entries 0: no state is impossible any more.

        Parameters
        ----------
        softening
            An entry 0 becomes this part of the largest entry of its factor, 0 < ε < 0.5, but no more
            than the smallest one above 0.
        """
        soft = [(scope, np.exp(soft_factor(array, softening))) for scope, array in self.factors]
        return MarkovNetwork(soft, self.states)

    def _soft_factors(self, softening: float, method: str) -> Iterable[cliques.Factor]:
        place = {name: k for k, name in enumerate(self.variables)}
        for scope, array in self.factors:
            yield tuple(place[name] for name in scope), soft_factor(array, softening)

    def _require_possible(self, known: Mapping[Hashable, int]) -> None:
        with contextlib.suppress(TooWide):
            self._tree(known)

    def _reduced(
        self,
        known: Mapping[Hashable, int],
        asked: tuple[Hashable, ...] | None,
        softening: float,
        code: str,
        summing: bool,
    ) -> Reduction:
        with np.errstate(divide="ignore"):
            hard = [Factor(scope, np.log(array)) for scope, array in self.factors]
        return restricted(hard, self.states, known, asked, softening, code, summing)

    def _content(self) -> dict[str, Any]:
        return network_files.factors_content(self.factors)

    @staticmethod
    def _content_in(document: Mapping[str, Any]) -> Any:
        return network_files.factors_in(document)


def _checked(k: int, factor: Any, states: States) -> tuple[tuple[Hashable, ...], NDArray[np.float64]]:
    """Return the scope and the array of a factor."""
    if not isinstance(factor, (tuple, list)) or len(factor) != 2:
        raise InvalidInput(f"factor {k} must be (variables, array), got {validate.shown(factor)}")
    scope = validate.listed(f"scope of factor {k}", factor[0])
    for name in scope:
        if not isinstance(name, Hashable) or name not in states:
            raise InvalidInput(
                f"scope of factor {k} must be variables of the network, "
                f"got {name!r}{near(name, states)}"
            )
        if scope.count(name) > 1:
            raise InvalidInput(f"scope of factor {k} must name each variable once, got {name!r} twice")
    shape = tuple(len(states[name]) for name in scope)
    require_entries(f"factor {k}", shape)
    array = validate.finite_array(f"factor {k}", factor[1], tuple(range(65)))
    if array.shape != shape:
        raise InvalidInput(f"factor {k} must have shape {shape}, got {array.shape}")
    if (array < 0).any():
        raise InvalidInput(f"factor {k} must be at least 0, got {array[array < 0][0]:g}")
    if not array.any():
        raise InvalidInput(f"factor {k} must have an entry above 0, got none")
    return scope, array
