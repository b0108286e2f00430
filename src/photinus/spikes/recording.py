"""Waveforms of chosen lasers: which to keep, and what was kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.records import settle
from photinus.errors import InvalidInput


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Recording(Displayed):
    """Which waveforms to keep: chosen lasers over one window of time.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> network = ph.translate(machine, ph.Calibration.preset())
    >>> recording = ph.Recording(units=(0, 1), start=5e-9, stop=10e-9, every=2)
    >>> spikes = ph.simulate(network, 10e-9, seed=1, recording=recording)
    >>> spikes.waveforms.photons.shape
    (1, 2, 1250)
    """

    units: tuple[int, ...]
    """Positions of the units to record."""
    chains: tuple[int, ...] = (0,)
    """Chains to record them in."""
    start: float = 0.0
    """Start of the window [s]."""
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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Waveforms(Displayed):
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
