"""What a simulation gives: spikes of all chains."""

import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import gauge as gauges
from photinus._core import validate
from photinus._core.display import Displayed, joined, raster
from photinus._core.records import settle
from photinus._core.states import MAX_ENUMERATED
from photinus.errors import InvalidInput
from photinus.spikes import blocks
from photinus.spikes.readout import Occupancy, dwell_times, occupancy, states_on_grid
from photinus.spikes.recording import Recording as Recording
from photinus.spikes.recording import Waveforms as Waveforms


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SpikeTrains(Displayed):
    """Spikes of all chains, sorted by chain, then time, then unit.

    Attributes
    ----------
    chain, unit : array (spike,) of int32
    time : array (spike,) of float64 [s]
    labels : one name per unit
    chains : number of chains
    start, stop : simulated interval [s]; `end` is another name of `stop`
    waveforms : what `Recording` asked for, or None
    gauge : array (unit,) of bool
        Neurons that stand for 1 - z. Spikes are those of the neurons, as they are; what is read out
        of them (`states`, `occupancy`, `joint`, `marginals`) speaks of z.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> network = ph.translate(machine, ph.Calibration.preset())
    >>> spikes = ph.simulate(network, 40e-9, chains=2, seed=1)
    >>> spikes.between(20e-9).duration, spikes.of_units([0]).n_units
    (2e-08, 1)
    >>> len(spikes.intervals()), spikes.of_chains(0, 1).chains
    (2, 1)
    >>> spikes.states(1.1e-9, first=2e-9, interval=1.1e-9, draws=10).shape
    (2, 10, 2)
    >>> halves = spikes.between(0, 20e-9), spikes.between(20e-9)
    >>> len(ph.SpikeTrains.joined(halves)) == len(spikes), len(spikes.to_neo().segments)
    (True, 2)
    >>> spikes.dwell_times(1.1e-9, [20e-9]).shape, spikes.occupancy(1.1e-9).moments.shape
    ((2, 1), (2, 2, 2))
    """

    chain: NDArray[np.int32]
    unit: NDArray[np.int32]
    time: NDArray[np.float64]
    labels: tuple[Hashable, ...]
    chains: int
    start: float
    stop: float
    waveforms: Waveforms | None = None
    gauge: gauges.Gauge = field(default_factory=lambda: gauges.NONE)

    def __post_init__(self) -> None:
        settle(self, gauge=gauges.checked(self.gauge, self.n_units))

    def __len__(self) -> int:
        return len(self.time)

    def _line(self) -> str:
        return (
            f"{len(self):,} spike(s) of {self.n_units} unit(s) in {self.chains} chain(s), "
            f"{self.start:.4g} to {self.stop:.4g} s"
        )

    def _facts(self) -> dict[str, object]:
        return {
            "spikes": len(self),
            "units": joined(map(str, self.labels)),
            "chains": self.chains,
            "start": self.start,
            "end": self.stop,
            "flipped units": int(self.gauge.sum()) or None,
        }

    def _picture(self) -> str:
        first = self.chain == 0
        return raster(self.labels, self.unit[first], self.time[first])

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

    @property
    def end(self) -> float:
        """End of the simulated interval [s]."""
        return self.stop

    @classmethod
    def empty(
        cls,
        labels: tuple[Hashable, ...],
        chains: int,
        at: float = 0.0,
        gauge: ArrayLike = (),
    ) -> "SpikeTrains":
        """Return no spikes, over no time."""
        none = np.empty(0, np.int32)
        return cls(
            none, none, np.empty(0), labels, chains, at, at, None, gauges.checked(gauge, len(labels))
        )

    @classmethod
    def sorted(
        cls,
        *,
        chain: NDArray[Any],
        unit: NDArray[Any],
        time: NDArray[np.float64],
        labels: tuple[Hashable, ...],
        chains: int,
        start: float,
        stop: float,
        waveforms: Waveforms | None = None,
        gauge: ArrayLike = (),
    ) -> "SpikeTrains":
        """Return spikes that come in any order."""
        order = np.lexsort((unit, time, chain))
        return cls(
            chain=chain[order].astype(np.int32),
            unit=unit[order].astype(np.int32),
            time=time[order],
            labels=labels,
            chains=chains,
            start=start,
            stop=stop,
            waveforms=waveforms,
            gauge=gauges.checked(gauge, len(labels)),
        )

    def with_spikes(
        self, chain: NDArray[Any], unit: NDArray[Any], time: NDArray[np.float64]
    ) -> "SpikeTrains":
        """Return the same run with other spikes, in any order, and without waveforms."""
        order = np.lexsort((unit, time, chain))
        return replace(
            self,
            chain=chain[order].astype(np.int32),
            unit=unit[order].astype(np.int32),
            time=time[order],
            waveforms=None,
        )

    def between(self, start: float, end: float | None = None) -> "SpikeTrains":
        """Return the spikes after `start` and not after `end` [s], without waveforms."""
        kept = self.time > start
        if end is not None:
            kept &= self.time <= end
        return self._only(kept, start=start, stop=self.stop if end is None else end)

    def of_units(self, units: ArrayLike) -> "SpikeTrains":
        """Return the spikes of some units (their positions), numbered in that order."""
        units = np.atleast_1d(np.asarray(units, np.intp))
        place = np.full(self.n_units, -1, np.int32)
        place[units] = np.arange(len(units))
        kept = place[self.unit] >= 0
        labels = tuple(self.labels[k] for k in units)
        return self._only(kept, unit=place[self.unit[kept]], labels=labels, gauge=self.gauge[units])

    def of_chains(self, first: int, end: int) -> "SpikeTrains":
        """Return the spikes of chains `first` to `end` - 1, counted from 0."""
        kept = (self.chain >= first) & (self.chain < end)
        return self._only(kept, chain=self.chain[kept] - np.int32(first), chains=end - first)

    def split(self, ends: ArrayLike) -> list["SpikeTrains"]:
        """Return the spikes of groups of neighbouring units, which end before positions `ends`."""
        ends = np.asarray(ends)
        group = np.searchsorted(ends, self.unit, side="right").astype(np.int16)
        order = np.argsort(group, kind="stable")
        begins = np.searchsorted(group[order], np.arange(len(ends) + 1))
        found = []
        for first, end, spikes in zip([0, *ends[:-1]], ends, itertools.pairwise(begins), strict=True):
            kept = order[slice(*spikes)]
            unit = self.unit[kept] - np.int32(first)
            mine = slice(first, end)
            found.append(self._only(kept, unit=unit, labels=self.labels[mine], gauge=self.gauge[mine]))
        return found

    def _only(self, kept: NDArray[Any], **changes: Any) -> "SpikeTrains":
        """Return the spikes `kept`, in this order, without waveforms."""
        spikes = {name: getattr(self, name)[kept] for name in ("chain", "unit", "time")}
        return replace(self, **{**spikes, "waveforms": None, **changes})

    def apart(self) -> "SpikeTrains":
        """Return the same spikes with each neuron of each chain as a chain of one neuron: lanes.

        What is read out of them is the neuron's own state, whatever its unit is.
        """
        lane = self.chain * np.int32(self.n_units) + self.unit
        order = np.lexsort((self.time, lane))
        return SpikeTrains(
            chain=lane[order],
            unit=np.zeros(len(lane), np.int32),
            time=self.time[order],
            labels=(0,),
            chains=self.chains * self.n_units,
            start=self.start,
            stop=self.stop,
        )

    def by_lane(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return the lane (unit * chains + chain) of all spikes, where lanes begin, and the times."""
        lane = self.unit.astype(np.int64) * self.chains + self.chain
        order = np.lexsort((self.time, lane))
        lane, time = lane[order], self.time[order]
        begins = np.searchsorted(lane, np.arange(self.n_units * self.chains + 1))
        return lane, begins, time

    def intervals(self, start: float = -math.inf) -> list[NDArray[np.float64]]:
        """Return the intervals between spikes [s] of each unit, all chains together.

        Only those that begin at `start` or later.
        """
        lane, _, time = self.by_lane()
        same = (np.diff(lane) == 0) & (time[:-1] >= start)
        interval, owner = np.diff(time)[same], lane[1:][same] // self.chains
        bounds = np.searchsorted(owner, np.arange(self.n_units + 1))
        return [interval[slice(*each)] for each in itertools.pairwise(bounds)]

    def occupancy(
        self, window: float, *, start: float | None = None, end: float | None = None
    ) -> Occupancy:
        """Return how long each chain was in each state: on for `window` [s] after a spike.

        By default over the whole interval but its first window, in which nothing is known.
        """
        seen = occupancy(
            self.chain,
            self.unit,
            self.time,
            chains=self.chains,
            units=self.n_units,
            window=window,
            start=self.start + window if start is None else start,
            stop=self.stop if end is None else end,
        )
        joint = None if seen.joint is None else gauges.flip_joint(seen.joint, self.gauge)
        return Occupancy(gauges.flip_moments(seen.moments, self.gauge), joint)

    def marginals(
        self, window: float, *, start: float | None = None, end: float | None = None
    ) -> NDArray[np.float64]:
        """Return the share of time that each unit is 1, array (chain, unit); arguments as `occupancy`.

        Not from pairs: those of every chain of a large network would not fit into memory.
        """
        seen = self.apart().occupancy(window, start=start, end=end).moments
        on = seen.reshape(self.chains, self.n_units)
        return np.where(self.gauge, 1.0 - on, on)

    def joint(
        self, window: float, *, start: float | None = None, end: float | None = None
    ) -> NDArray[np.float64]:
        """Return the share of time in each joint state, array (2**units,), mean over chains.

        Raises
        ------
        InvalidInput
            If there are too many units for a table.
        """
        joint = self.occupancy(window, start=start, end=end).joint
        if joint is None:
            raise InvalidInput(f"joint needs at most {MAX_ENUMERATED} units, got {self.n_units}")
        return np.asarray(joint / joint.sum())

    def states(self, window: float, *, first: float, interval: float, draws: int) -> NDArray[np.uint8]:
        """Return unit states at ``first + draw * interval`` [s], array (chain, draw, unit)."""
        states = states_on_grid(
            self.chain,
            self.unit,
            self.time,
            chains=self.chains,
            units=self.n_units,
            window=window,
            first=first,
            interval=interval,
            draws=draws,
        )
        return gauges.flip_states(states, self.gauge)

    def dwell_times(
        self, window: float, moments: ArrayLike, *, start: float | None = None
    ) -> NDArray[np.float64]:
        """Return how long each chain stays in its state of each moment, array (chain, moment) [s].

        From the change of state before to the one after, as far as there are spikes from `start` on. By
        default that is the end of the first window.

        Raises
        ------
        InvalidInput
            If a moment is not between start and end.
        """
        start = self.start + window if start is None else start
        at = validate.finite_array("moments", moments, 1)
        # The last draw is taken at the very end.
        slack = 1e-9 * window
        if at.size and not (start - slack <= at.min() and at.max() <= self.stop + slack):
            raise InvalidInput(
                f"moments must be from {start:g} to {self.stop:g} s, got {at.min():g} to {at.max():g}"
            )
        return dwell_times(
            self.chain,
            self.unit,
            self.time,
            chains=self.chains,
            units=self.n_units,
            window=window,
            start=start,
            stop=self.stop,
            moments=at,
        )

    def to_neo(self, *, second: float = 1.0) -> Any:
        """Return a `neo.Block`: a segment per chain, in it a spike train per unit, times in seconds.

        Elephant takes its trains, and Neo's own writers make NWB and NIX files of it. Trains have the
        label of their unit as name, and the unit's position, chain and gauge as annotations.

        Parameters
        ----------
        second
            Seconds that the unit of time stands for: 1, or the window of ideal neurons, whose times
            are in windows.

        Raises
        ------
        InvalidInput
            If `second` is not above 0.
        MissingDependency
            If Neo is not installed.
        """
        return blocks.to_neo(self, second)

    @classmethod
    def side_by_side(cls, parts: Sequence["SpikeTrains"]) -> "SpikeTrains":
        """Return chains that were simulated apart, over the same time, as one simulation."""
        firsts = np.cumsum([0, *(part.chains for part in parts)])
        return replace(
            parts[0],
            chain=np.concatenate(
                [part.chain + np.int32(k) for part, k in zip(parts, firsts[:-1], strict=True)]
            ),
            unit=np.concatenate([part.unit for part in parts]),
            time=np.concatenate([part.time for part in parts]),
            chains=int(firsts[-1]),
            waveforms=None,
        )

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
        return replace(
            parts[0],
            chain=chain[order],
            unit=unit[order],
            time=time[order],
            stop=parts[-1].stop,
            waveforms=Waveforms.joined(waveforms) if waveforms else None,
        )
