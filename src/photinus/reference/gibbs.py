"""Sequential Gibbs sampling: every unit in turn from its conditional, P(z_k = 1 | others) = σ(u_k).

u_k = b_k + Σ_j W_kj z_j (Geman & Geman 1984, IEEE Trans. Pattern Anal. Mach. Intell. 6, 721). All u
are kept up to date by adding a row of W when a unit flips, so a sweep costs what changes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus import _validate
from photinus._numba import kernel
from photinus._threads import available_threads
from photinus.boltzmann import BoltzmannMachine
from photinus.errors import InvalidInput
from photinus.reference._chains import evidence, fields, over_chains, uniform
from photinus.simulation.streams import Role, Seed, lane_states, seed_sequence

FIELDS_PER_BLOCK = 2**16
"""Entries of the field that a block of chains keeps in the cache (512 KiB)."""


class GibbsSampler:
    """Gibbs sampling under way: `run` goes on where the last call stopped.

    The draws depend neither on the number of threads, nor on how they are cut into runs; those of
    chain c not on how many chains there are.

    Parameters
    ----------
    machine
        The target; any number of units.
    chains
        Number of independent chains, >= 1.
    seed
        Integer, SeedSequence or None (fresh entropy).
    clamp_units : array (k,), optional
        Positions of units that do not move.
    clamp_values : array (k,) or (chain, k), optional
        Their values, 0 or 1: the same evidence for all chains, or each chain its own.
    threads
        Number of threads; by default all cores that this process may use.
    initial : array (unit,) or (chain, unit), optional
        States to start from; by default fair coin flips. Clamped units are overwritten.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """

    def __init__(
        self,
        machine: BoltzmannMachine,
        *,
        chains: int,
        seed: Seed = None,
        clamp_units: ArrayLike | None = None,
        clamp_values: ArrayLike | None = None,
        threads: int | None = None,
        initial: ArrayLike | None = None,
    ) -> None:
        chains = _validate.integer("chains", chains, 1)
        self._threads = available_threads(threads)
        fixed, values = evidence(machine, chains, clamp_units, clamp_values)
        self._free = np.setdiff1d(np.arange(machine.n_units), fixed)
        self._rows = np.ascontiguousarray(machine.weights[np.ix_(self._free, self._free)])
        self._spans = _spans(self._rows)
        root = seed_sequence(seed)
        self._z = _initial(initial, chains, machine.n_units, root)
        self._z[:, fixed] = values
        self._field = fields(machine, self._free, self._z)
        self._stream = lane_states(root, Role.GIBBS, chains, 1)[:, 0].copy()

    def run(self, draws: int, *, skip: int = 0, temperature: float = 1.0) -> NDArray[np.uint8]:
        """Return the states after each of the next `draws` sweeps, array (chain, draw, unit).

        `skip` sweeps before them are not kept. At a `temperature` other than one the sweeps are of
        the machine with weights and biases divided by it.
        """
        draws = _validate.integer("draws", draws, 0)
        skip = _validate.integer("skip", skip, 0)
        chains, n = self._z.shape
        states = np.empty((chains, draws, n), np.uint8)
        cold = 1.0 / _validate.positive("temperature", temperature)

        def sweep(block: slice) -> None:
            _sweep(
                self._rows,
                self._spans,
                self._free,
                self._z[block],
                self._field[block],
                self._stream[block],
                cold,
                skip,
                states[block],
            )

        over_chains(sweep, chains, FIELDS_PER_BLOCK // len(self._free), self._threads)
        return states

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` needs to go on with the same draws."""
        return {"z": self._z.copy(), "field": self._field.copy(), "stream": self._stream.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a `state` of a sampler that was built with the same arguments."""
        if state["z"].shape != self._z.shape or state["field"].shape != self._field.shape:
            raise InvalidInput("state must come from a sampler built with the same arguments")
        self._z = np.array(state["z"], np.uint8)
        self._field = np.array(state["field"], np.float64)
        self._stream = np.array(state["stream"], np.uint32)


def sample_gibbs(
    machine: BoltzmannMachine,
    *,
    chains: int,
    draws: int,
    burn_in: int = 0,
    seed: Seed = None,
    clamp_units: ArrayLike | None = None,
    clamp_values: ArrayLike | None = None,
    threads: int | None = None,
    initial: ArrayLike | None = None,
) -> NDArray[np.uint8]:
    """Return Gibbs draws, array (chain, draw, unit), one per full sweep over the units.

    Parameters
    ----------
    machine
        The target; any number of units.
    chains, draws
        Independent chains and draws of each, both >= 1.
    burn_in
        Sweeps before the first draw, >= 0.
    seed, clamp_units, clamp_values, threads, initial
        See `GibbsSampler`.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """
    sampler = GibbsSampler(
        machine,
        chains=chains,
        seed=seed,
        clamp_units=clamp_units,
        clamp_values=clamp_values,
        threads=threads,
        initial=initial,
    )
    draws = _validate.integer("draws", draws, 1)
    return sampler.run(draws, skip=_validate.integer("burn_in", burn_in, 0))


def _initial(
    initial: ArrayLike | None, chains: int, n: int, seed: np.random.SeedSequence
) -> NDArray[np.uint8]:
    if initial is None:
        coins = lane_states(seed, Role.INITIAL_STATE, chains, n)[..., 0] & 1
        return np.ascontiguousarray(coins, dtype=np.uint8)
    states = _validate.binary_array("initial", initial)
    if states.shape not in ((n,), (chains, n)):
        raise InvalidInput(f"initial must have shape {(n,)} or {(chains, n)}, got {states.shape}")
    return np.broadcast_to(states, (chains, n)).copy()


def _spans(rows: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return where each row's entries other than 0 begin and end, array (row, 2).

    In a restricted machine a layer does not act on itself: half of the additions are saved.
    """
    n = len(rows)
    acts = rows != 0
    end = n - acts[:, ::-1].argmax(axis=1)
    return np.stack([acts.argmax(axis=1), np.where(acts.any(axis=1), end, 0)], axis=1)


@kernel
def _sweep(rows, spans, free, z, field, stream, cold, skip, states):  # type: ignore[no-untyped-def]
    """Do `skip` sweeps, then one for each draw of `states`; z, field and stream move on."""
    chains, draws = states.shape[0], states.shape[1]
    for sweep in range(-skip, draws):
        for k in range(len(free)):
            unit = free[k]
            first, stop = spans[k]
            row = rows[k, first:stop]
            # Chains inside: the row of W is fetched once for all of them.
            for c in range(chains):
                p = 1.0 / (1.0 + np.exp(-cold * field[c, k]))
                u, s0, s1, s2, s3 = uniform(stream[c, 0], stream[c, 1], stream[c, 2], stream[c, 3])
                stream[c, 0], stream[c, 1], stream[c, 2], stream[c, 3] = s0, s1, s2, s3
                on = u < p
                if on != (z[c, unit] == 1):
                    z[c, unit] = 1 if on else 0
                    sign = 1.0 if on else -1.0
                    acted = field[c, first:stop]
                    for i in range(len(row)):
                        acted[i] += sign * row[i]
        if sweep >= 0:
            for c in range(chains):
                states[c, sweep, :] = z[c]
