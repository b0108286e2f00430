"""What all engines share: their arguments, evidence, heating, blocks of chains on threads, their state.

An engine adds a block, which holds the state of a few whole chains, and the compiled loop that advances
it.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from photinus._core import gauge as gauges
from photinus._core import validate
from photinus._core.memory import aligned
from photinus._core.streams import Seed, seed_sequence
from photinus._core.threads import available_threads, on_threads
from photinus.devices.protocol import evidence_mode_of
from photinus.errors import InvalidInput
from photinus.machines.evidence import Evidence, Given
from photinus.spikes.trains import SpikeTrains, Waveforms

BLOCKS = 8
"""Blocks at least, where there are chains enough: more than that many threads find no work."""
LASER_STEPS_PER_CHUNK = 2e8
"""Laser-steps between two looks at progress and interruption: a fraction of a second."""
BYTES_PER_SPIKE = 64
"""Memory of a spike: 16 bytes kept, the rest while pieces are joined and sorted."""

FIXED = ("f", "last_spike")
"""Arrays whose size tells how many lasers and chains there are; others may have grown."""


Strength = float | NDArray[np.float64]
"""What synapses are multiplied with: one number, or one of each chain, array (chain,)."""


class Block(Protocol):
    """A few whole chains of a simulation, whose state is in arrays of these names."""

    first_chain: int
    chains: int

    @property
    def ARRAYS(self) -> tuple[str, ...]:  # noqa: N802
        """Names of its arrays."""

    def heat(self, level: NDArray[np.float64], strength: Strength) -> None:
        """Go on with other levels (chain, unit), and all synapses at `strength` times their height."""


class Wired(Protocol):
    """What an engine asks of every network."""

    @property
    def n_units(self) -> int:
        """Number of units."""

    @property
    def labels(self) -> tuple[Hashable, ...]:
        """One name per unit."""

    @property
    def drive(self) -> NDArray[np.float64]:
        """Constant drive of each unit."""

    @property
    def coupling(self) -> Any:
        """What each unit (column) adds to the drives of the others (rows)."""


NetworkT = TypeVar("NetworkT", bound=Wired)
BlockT = TypeVar("BlockT", bound=Block)
Result = TypeVar("Result")


class Engine(ABC, Generic[NetworkT, BlockT]):
    """A network under way, piece by piece.

    The same seed gives the same spikes on any number of threads and however the time is cut. Chain
    c does not depend on how many chains there are.

    Parameters
    ----------
    network
        What to simulate, checked.
    time_step, grid
        Integration step, and the step that spikes and pieces are counted in [s].
    holding
        Levels that keep a neuron off and on.
    scale
        Drives are divided by it to give levels: what the engine counts constant drives in.
    least
        Smallest drive that there is.
    chains, seed, evidence, evidence_mode, drive, threads, clamp, clamp_mode
        As the engine got them, see `photinus.engines.laser.Simulator`.

    Attributes
    ----------
    units : array (simulated unit,)
        Positions of the units that are simulated.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """

    TILE: ClassVar[int]
    """Lanes that the compiled loop works on together."""
    LANES_PER_BLOCK: ClassVar[int]
    """Lanes of a block at most, unless one chain has more: they stay in a cache."""

    def __init__(
        self,
        network: NetworkT,
        time_step: float,
        grid: float,
        *,
        holding: tuple[float, float],
        scale: float = 1.0,
        least: float = -math.inf,
        chains: int,
        seed: Seed,
        evidence: Given | None = None,
        evidence_mode: str | None = None,
        drive: NDArray[np.float64] | None = None,
        threads: int | None = None,
        clamp: Given | None = None,
        clamp_mode: str | None = None,
    ) -> None:
        self.network, self.time_step, self.grid = network, time_step, grid
        self.chains = validate.integer("chains", chains, 1)
        self.seed = seed_sequence(seed)
        self.threads = available_threads(threads)
        self.step = 0
        self._scale = scale
        shape = (self.chains, network.n_units)
        constant = validate.finite_array("drive", network.drive if drive is None else drive, (1, 2))
        if drive is not None and constant.shape != shape:
            raise InvalidInput(f"drive must have shape {shape}, got {constant.shape}")
        level = np.broadcast_to(np.maximum(constant, least) / scale, shape).copy()
        # The one place where evidence is dealt with, and turned from units to neurons.
        mode = evidence_mode_of(evidence_mode, clamp_mode)
        self._gauge = gauges.of(network)
        known = Evidence.either(evidence, clamp, network.labels, self.chains).flipped(self._gauge)
        self.units = np.arange(network.n_units)
        if mode == "pump":
            self.units = known.free
            if drive is None:
                level += self._from_evidence(known) / scale
        else:
            off, on = holding
            level[:, known.positions] = np.where(known.values == 1, on, off)
        self._driven = np.isin(self.units, known.positions)
        self._level = level[:, self.units]
        self._blocks = self._lay_out(self._level)

    def _from_evidence(self, evidence: Evidence) -> NDArray[np.float64]:
        """Return what evidence adds to the drives of all units, array (chain, unit)."""
        return evidence.through(self.network.coupling)

    @abstractmethod
    def _lay_out(self, level: NDArray[np.float64]) -> list[BlockT]:
        """Return the blocks, in the order of their chains, for levels (chain, simulated unit)."""

    @abstractmethod
    def _advance_to(self, stop: int) -> SpikeTrains:
        """Simulate on until step `stop` and return the new spikes."""

    def _chains_per_block(self, stride: int) -> int:
        """Return how many chains of `stride` lanes a block gets."""
        # Never by the number of threads: a saved state must fit on any machine.
        return max(
            -(-self.TILE // stride), min(-(-self.chains // BLOCKS), self.LANES_PER_BLOCK // stride)
        )

    def _for_blocks(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return levels (chain, simulated unit) as blocks take them."""
        return level

    def _on_blocks(self, work: Callable[[BlockT], Result]) -> list[Result]:
        """Return ``work(block)`` of all blocks, done on threads."""
        return on_threads(work, self._blocks, self.threads)

    def _trains(
        self,
        chain: NDArray[np.int32],
        unit: NDArray[np.int32],
        time: NDArray[np.float64],
        start: int,
        waveforms: Waveforms | None = None,
    ) -> SpikeTrains:
        """Return sorted spikes from step `start` until now; times in seconds."""
        return SpikeTrains(
            chain=chain,
            unit=unit,
            time=time,
            labels=self.network.labels,
            chains=self.chains,
            start=start * self.grid,
            stop=self.step * self.grid,
            waveforms=waveforms,
            gauge=self._gauge,
        )

    @property
    def time(self) -> float:
        """Time reached [s]."""
        return self.step * self.grid

    @property
    def drive(self) -> NDArray[np.float64]:
        """Constant drives that it was built with, array (chain, simulated unit)."""
        return self._level * self._scale

    def heat(self, change: NDArray[np.float64], strength: Strength) -> None:
        """Go on with other drives and attenuated synapses, pulses under way included.

        Parameters
        ----------
        change : array (chain, unit)
            What is added to the drives that the simulator was built with. Known units that are driven
            keep theirs.
        strength
            What all couplings are multiplied with, > 0; 1 as they were built. One number, or one of
            each chain, array (chain,).
        """
        each = np.array(strength, np.float64, ndmin=1)
        level = self._level + np.where(self._driven, 0.0, change[:, self.units]) / self._scale
        level = self._for_blocks(level)
        for block in self._blocks:
            mine = slice(block.first_chain, block.first_chain + block.chains)
            block.heat(level[mine], float(each[0]) if each.size == 1 else each[mine])

    def advance(self, duration: float) -> SpikeTrains:
        """Simulate on for `duration` [s], rounded up to the grid, and return the new spikes."""
        return self._advance_to(self._after(duration))

    def _after(self, duration: float) -> int:
        """Return the step that lies `duration` [s] ahead."""
        duration = validate.positive("duration", duration, "s")
        return self.step + max(1, math.ceil(duration / self.grid - 1e-6))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that a later `restore` needs to go on with the same spikes."""
        return state_of(self.step, self._blocks)

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a `state` of a simulator that was built with the same arguments."""
        self.step = restore(self._blocks, state)


def by_lane(factor: NDArray[np.float64], lanes: int, size: int) -> NDArray[np.float64]:
    """Return a factor of each chain for each of its `lanes`, array (size,), 1 beyond; (1,) stays so."""
    if factor.size == 1:
        return factor
    each = np.ones(size)
    each[: factor.size * lanes] = np.repeat(factor, lanes)
    return each


def common_and_gain(strength: NDArray[np.float64], chains: int) -> tuple[float, NDArray[np.float64]]:
    """Return a strength of synapses (1,) or (chain,) as one number for all, times one of each chain."""
    if strength.size == 1:
        return float(strength[0]), np.ones(chains)
    return 1.0, strength


def _arrays(blocks: Sequence[Block]) -> dict[str, NDArray[Any]]:
    """Return all arrays, by name and block."""
    return {
        f"{name}.{k}": getattr(block, name) for k, block in enumerate(blocks) for name in block.ARRAYS
    }


def state_of(step: int, blocks: Sequence[Block]) -> dict[str, NDArray[Any]]:
    """Return copies of all arrays, by name and block, and the step reached."""
    copies = {name: values.copy() for name, values in _arrays(blocks).items()}
    return {"step": np.array(step), **copies}


def restore(blocks: Sequence[Block], state: Mapping[str, NDArray[Any]]) -> int:
    """Give the blocks a `state_of` others that were built alike, and return the step reached.

    Raises
    ------
    InvalidInput
        If the blocks were built with other arguments.
    """
    # A sampler may keep more with it.
    own = _arrays(blocks)
    names = own.keys() | {name for name in state if name.split(".")[0] in FIXED}
    given = {name: np.asarray(state[name]) for name in names if name in state}
    if _shapes(own) != _shapes(given):
        raise InvalidInput("state must come from a simulator built with the same arguments")
    for k, block in enumerate(blocks):
        for name in block.ARRAYS:
            setattr(block, name, aligned(given[f"{name}.{k}"]))
    return int(state["step"])


def _shapes(state: Mapping[str, NDArray[Any]]) -> dict[str, tuple[Any, ...]]:
    """Return type and shape of each array, without the length of those that may have grown."""
    return {
        name: (values.dtype, values.shape[0 if name.split(".")[0] in FIXED else 1 :])
        for name, values in state.items()
    }
