"""What a simulation gives: spikes of all chains, waveforms of chosen lasers."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.records import settle
from photinus.errors import InvalidInput


@dataclass(frozen=True, slots=True, eq=False)
class SpikeTrains:
    """Spikes of all chains, sorted by chain, then time, then unit.

    Attributes
    ----------
    chain, unit : array (spike,) of int32
    time : array (spike,) of float64 [s]
    labels : one name per unit
    chains : number of chains
    start, stop : simulated interval [s]
    waveforms : what `Recording` asked for, or None
    """

    chain: NDArray[np.int32]
    unit: NDArray[np.int32]
    time: NDArray[np.float64]
    labels: tuple[Hashable, ...]
    chains: int
    start: float
    stop: float
    waveforms: "Waveforms | None" = None

    def __len__(self) -> int:
        return len(self.time)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.labels)

    @property
    def duration(self) -> float:
        """Simulated time per chain [s]."""
        return self.stop - self.start

    def rates(self) -> NDArray[np.float64]:
        """Return the spike rate of each laser, array (chain, unit) [1/s]."""
        counts = np.zeros((self.chains, self.n_units))
        np.add.at(counts, (self.chain, self.unit), 1)
        return counts / self.duration

    @classmethod
    def joined(cls, parts: Sequence["SpikeTrains"]) -> "SpikeTrains":
        """Return consecutive parts of one simulation as a whole."""
        chain, unit, time = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("chain", "unit", "time")
        )
        # Each part is sorted, and later than the one before: only the chains have to be gathered.
        order = np.argsort(
            chain.astype(np.uint16 if parts[0].chains < 2**16 else np.int32), kind="stable"
        )
        waveforms = [part.waveforms for part in parts if part.waveforms is not None]
        return cls(
            chain[order],
            unit[order],
            time[order],
            parts[0].labels,
            parts[0].chains,
            parts[0].start,
            parts[-1].stop,
            Waveforms.joined(waveforms) if waveforms else None,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """Which waveforms to keep: chosen lasers over one window of time."""

    units: tuple[int, ...]
    """Positions of the units to record."""
    chains: tuple[int, ...] = (0,)
    """Chains to record them in."""
    start: float = 0.0
    """Begin of the window [s]."""
    stop: float
    """End of the window [s]."""
    every: int = 1
    """Keep one sample in so many steps of the grid (four integration steps each), >= 1."""

    def lanes(self, simulated: NDArray[np.intp], chains: int) -> list[tuple[int, int]]:
        """Return (chain, position among the `simulated` units) of each laser to record."""
        for unit in self.units:
            if unit not in simulated:
                raise InvalidInput(
                    f"recorded unit must be a simulated one (0 to {simulated.max()}), got {unit}"
                )
        for chain in self.chains:
            validate.integer("recorded chain", chain, 0, chains - 1)
        return [(c, int(np.searchsorted(simulated, u))) for c in self.chains for u in self.units]

    def __post_init__(self) -> None:
        for name in ("units", "chains"):
            given = validate.listed(f"recorded {name}", getattr(self, name))
            places = tuple(validate.integer(f"recorded {name[:-1]}", place, 0) for place in given)
            if not places or len(set(places)) < len(places):
                raise InvalidInput(f"recorded {name} must be at least one and differ, got {places!r}")
            settle(self, **{name: places})
        settle(self, every=validate.integer("recording every", self.every, 1))
        start = validate.non_negative("recording start", self.start, "s")
        settle(self, start=start)
        settle(self, stop=validate.number("recording stop", self.stop, "s"))
        if self.stop <= self.start:
            raise InvalidInput(
                f"recording stop must be after its start ({self.start:g} s), got {self.stop:g}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Waveforms:
    """Recorded photon and carrier numbers, arrays (chain, unit, sample); time [s] (sample,)."""

    time: NDArray[np.float64]
    photons: NDArray[np.float32]
    gain_carriers: NDArray[np.float32]
    absorber_carriers: NDArray[np.float32]

    @classmethod
    def joined(cls, parts: Sequence["Waveforms"]) -> "Waveforms":
        """Return consecutive parts as a whole."""
        return cls(
            *(
                np.concatenate([getattr(part, name) for part in parts], axis=-1)
                for name in ("time", "photons", "gain_carriers", "absorber_carriers")
            )
        )
