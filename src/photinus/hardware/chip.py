"""How large a chip is, how late its synapses are for that, and how short a window they leave.

Every synapse has a weight, weights take area, and light takes time to cross it. Wires run along two
axes, so that a path is as long as its ends are apart along both.

*mesh*: lasers stand on a square grid, row by row, each amid the weights of its synapses. Neighbours are
√(area of all weights / lasers) apart.

*crossbar*: weights, used or not, fill a square. Each source has a row, each target a column, and lasers
lie on the diagonal. Light of laser j runs along row j to column i. What is detected there runs along
column i to laser i. That is |i - j| cells twice.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import memory, validate
from photinus._core.display import Displayed
from photinus._core.records import fields_from, settle, values_of
from photinus.errors import InvalidInput
from photinus.networks.couplings import Coupling, entries
from photinus.networks.imperfections import Imperfections
from photinus.networks.lasers import LaserNetwork
from photinus.units import Allowed, quantity, speed_of_light

LAYOUTS = ("mesh", "crossbar")
"""Where lasers and weights are."""
PATHS = {"optical": 4.2, "electrical": 2.0}
"""What carries a synapse, and its group index: a silicon wire at 1.55 µm; a line in silica (√ε_r)."""
WEIGHT_AREA = 3600e-12
"""80 µm × 45 µm, the area of a published microring weight [m²] (Zhang et al. 2026, eLight, doi
10.1186/s43593-026-00122-3)."""
PLAUSIBLE = {
    "area_per_weight": Allowed("m²", 1e-16, 1e-4, WEIGHT_AREA),
    "pitch": Allowed("m", 1e-7, 0.1, 50e-6),
    "group_index": Allowed("", 1.0, 100.0),
    "latency": Allowed("s", 0.0, 1e-6, 10e-12),
}
"""What a chip can be: weights from a memory cell to a centimetre, indices up to that of slow light."""
LARGEST = 10**6
"""Lasers of a chip at most."""
TIMES = 2.0
"""How much larger a KL may become by delay, for a window to be long enough."""


@dataclass(frozen=True, slots=True, repr=False)
class Delays(Displayed):
    """Delays of the synapses of a chip [s].

    Examples
    --------
    >>> from photinus.hardware import Chip
    >>> delays = Chip(lasers=30).delays()
    >>> f"{delays.least:.1e} to {delays.most:.1e} s"
    '1.5e-11 to 5.1e-11 s'
    """

    least: float
    """Smallest."""
    mean: float
    """Mean over the synapses."""
    most: float
    """Largest."""
    deviation: float
    """Standard deviation."""

    def __str__(self) -> str:
        least, mean, most = (quantity(x, "s") for x in (self.least, self.mean, self.most))
        return f"{least} to {most}, {mean} in the mean"

    @classmethod
    def of(cls, network: LaserNetwork) -> "Delays | None":
        """Return the delays that a network's synapses have, as of a layout; None if they have none."""
        validate.instance("network", network, LaserNetwork)
        target, source, _ = entries(network.coupling)
        late = np.asarray(network.delay)
        late = late[target, source] if late.ndim else np.full(len(target), late)
        if not late.any():
            return None
        return cls(float(late.min()), float(late.mean()), float(late.max()), float(late.std()))


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Chip(Displayed):
    """A chip of lasers and weights; lengths, areas and times in SI, or with a unit.

    Raises
    ------
    InvalidInput
        For an unknown layout or path, or a value that no chip has.

    Examples
    --------
    >>> from photinus.hardware import Chip
    >>> chip = Chip(lasers=9)
    >>> chip.synapses
    72
    >>> print(chip.delays())
    12.4 ps to 19.5 ps, 14.8 ps in the mean
    >>> chip.delay_matrix().shape, chip.most_lasers(10e-9) > chip.most_lasers(2e-9)
    ((9, 9), True)
    >>> Chip.from_dict(chip.to_dict()) == chip
    True
    >>> chip.smallest_window() > chip.delays().mean == chip.imperfections().delay
    True
    """

    lasers: int
    """Number of lasers, >= 1."""
    synapses: int | None = None
    """Number of directed couplings, each with its own weight; by default from all to all. Evidence may
    have some too, so that there are more."""
    layout: str = "mesh"
    """One of `LAYOUTS`; a crossbar has a cell for every pair, used or not."""
    area_per_weight: float = WEIGHT_AREA
    """Area that a weight takes with its share of wires [m²]; that of `WEIGHT_AREA` by default."""
    pitch: float = 20e-6
    """Least distance of neighbouring lasers, or of rows in a crossbar [m], where weights take less."""
    path: str = "optical"
    """What carries a synapse, see `PATHS`."""
    group_index: float | None = None
    """Speed of light over that of a pulse; by default that of the path."""
    latency: float = 10e-12
    """What detector and driver add to every delay [s]; by default the rise time at 35 GHz."""

    def __post_init__(self) -> None:
        lasers = validate.integer("lasers", self.lasers, 1, LARGEST)
        pairs = lasers * (lasers - 1)
        given = pairs if self.synapses is None else self.synapses
        validate.one_of("layout", self.layout, LAYOUTS)
        validate.one_of("path", self.path, PATHS)
        settle(self, lasers=lasers, synapses=validate.integer("synapses", given, 0, LARGEST**2))
        if self.group_index is None:
            settle(self, group_index=PATHS[self.path])
        for name, plausible in PLAUSIBLE.items():
            value = validate.number(name, getattr(self, name), plausible.unit)
            settle(self, **{name: plausible.check(name, value)})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Chip":
        """Return what `to_dict` wrote, or some of it."""
        return cls(**fields_from(cls, values, what="chip", entry="chip setting"))

    def to_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return values_of(self)

    @classmethod
    def of(
        cls, chip: "Chip | Mapping[str, Any] | None", *, lasers: int, synapses: int | None = None
    ) -> "Chip":
        """Return the chip for so many lasers: settings of one, or a chip that has room for them."""
        if not isinstance(chip, Chip):
            validate.instance("chip", chip, Chip | Mapping | None)
            chip = cls.from_dict({"lasers": lasers, "synapses": synapses, **(chip or {})})
        if chip.lasers < lasers:
            raise InvalidInput(f"chip must have room for {lasers} lasers, got one of {chip.lasers}")
        return chip

    def replace(self, **changes: Any) -> "Chip":
        """Return a copy with some values changed."""
        return Chip.from_dict({**self.to_dict(), **changes})

    @property
    def step(self) -> float:
        """Distance of neighbouring lasers along an axis, or of neighbouring rows [m]."""
        assert self.synapses is not None
        cells = self.synapses / self.lasers if self.layout == "mesh" else 1.0
        return max(self.pitch, math.sqrt(self.area_per_weight * cells))

    @property
    def side(self) -> float:
        """Side of the square that lasers and weights fill [m]."""
        return self.step * (self._columns if self.layout == "mesh" else self.lasers)

    @property
    def _columns(self) -> int:
        """Lasers side by side in a mesh."""
        return math.isqrt(self.lasers - 1) + 1

    def apart(self, target: NDArray[np.intp], source: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return how many steps there are from lasers to others, both arrays (synapse,)."""
        if self.layout == "crossbar":
            return np.asarray(2 * np.abs(target - source))
        down, across = (np.abs(f(target, self._columns) - f(source, self._columns)) for f in _DIVISION)
        return np.asarray(down + across)

    def delay(self, steps: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return how late a path of so many steps is [s]."""
        assert self.group_index is not None
        return np.asarray(self.latency + steps * (self.step * self.group_index / speed_of_light))

    def delays(self, coupling: Coupling | None = None) -> Delays:
        """Return the spread of delays, over all pairs of lasers or the couplings that are not zero."""
        if coupling is None:
            steps, count = self._pairs()
        else:
            self._fits(coupling.shape[0])
            target, source, _ = entries(coupling)
            steps, count = np.unique(self.apart(target, source), return_counts=True)
        if not len(steps):
            return Delays(self.latency, self.latency, self.latency, 0.0)
        delay = self.delay(steps)
        mean = float(np.average(delay, weights=count))
        deviation = math.sqrt(np.average((delay - mean) ** 2, weights=count))
        return Delays(float(delay[0]), mean, float(delay[-1]), deviation)

    def _pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the distances that pairs of lasers have, rising, and how many have each."""
        n = self.lasers
        if self.layout == "crossbar":
            apart = np.arange(1, n)
            return 2 * apart, n - apart
        # How many pairs have each displacement is the autocorrelation of the places taken.
        columns = self._columns
        taken = np.zeros((-(-n // columns), columns))
        taken.ravel()[:n] = 1
        shape = [2 * length - 1 for length in taken.shape]
        spectrum = np.fft.rfft2(taken, shape)
        found = np.rint(np.fft.irfft2(np.abs(spectrum) ** 2, shape)).astype(np.intp)
        down, across = (np.minimum(np.arange(s), s - np.arange(s)) for s in shape)
        count = np.bincount((down[:, None] + across).ravel(), found.ravel()).astype(np.intp)
        steps = np.flatnonzero(count)
        steps = steps[steps > 0]
        return steps, count[steps]

    def delay_matrix(self) -> NDArray[np.float64]:
        """Return the delay from each laser to each other, array (target, source) [s]."""
        memory.require(24 * self.lasers**2, "the delays between all lasers")
        target, source = np.indices((self.lasers, self.lasers))
        delay = self.delay(self.apart(target, source))
        np.fill_diagonal(delay, 0.0)
        return delay

    def place(self, network: LaserNetwork) -> LaserNetwork:
        """Return a network whose synapses are as late as on this chip, beside what it has already.

        Couplings that are sparse have one delay: the mean over its synapses.
        """
        validate.instance("network", network, LaserNetwork)
        self._fits(network.n_units)
        if isinstance(network.coupling, np.ndarray):
            return network.replace(delay=network.delay + self.delay_matrix())
        return network.replace(delay=network.delay + self.delays(network.coupling).mean)

    def _fits(self, units: int) -> None:
        if units != self.lasers:
            raise InvalidInput(f"lasers must be as many as the network has, {units}, got {self.lasers}")

    def imperfections(self) -> Imperfections:
        """Return delays drawn by chance, of the mean and deviation of this chip's.

        With them a small network stands for any part of a large chip.
        """
        found = self.delays()
        return Imperfections(delay=found.mean, delay_spread=found.deviation)

    def smallest_window(
        self, device: str | None = None, times: float = TIMES, *, told: bool = False
    ) -> float:
        """Return the window τ [s] from which delay makes the KL of translated machines `times` at most.

        The mean delay over `delay_share`: a delay counts in parts of τ. `told` is whether translation
        knows of the delay.
        """
        return self.delays().mean / delay_share(device, times, told=told)

    def most_lasers(
        self, window: float, device: str | None = None, times: float = TIMES, *, told: bool = False
    ) -> int:
        """Return how many lasers, all coupled to all, such a chip may have at a window τ [s].

        0 if latency alone is too late already. `told` is whether translation knows of the delay.
        """
        window = validate.positive("window", window, "s")

        def holds(lasers: int) -> bool:
            chip = self.replace(lasers=lasers, synapses=None)
            return chip.smallest_window(device, times, told=told) <= window

        few, many = 0, 2
        while many < LARGEST and holds(many):
            few, many = many, min(2 * many, LARGEST)
        while many - few > 1:
            middle = (few + many) // 2
            few, many = (middle, many) if middle > 1 and holds(middle) else (few, middle)
        return few


_DIVISION = (np.floor_divide, np.remainder)
"""Row and column of a laser."""


@cache
def delay_curves() -> Mapping[str, Mapping[str, Any]]:
    """Return how KL grows with delay, device by device, as ``studies/delays.py`` measured it.

    Each entry has the KL without delay [nats] and the curve: ``delay`` over τ, ``ratio`` of KL to that
    without delay. Some have ``told``, the same where translation knows of the delay.
    """
    text = resources.files("photinus").joinpath("data/delays.json").read_text(encoding="utf-8")
    curves: dict[str, Mapping[str, Any]] = json.loads(text)["devices"]
    return curves


def delay_share(device: str | None = None, times: float = TIMES, *, told: bool = False) -> float:
    """Return the part of τ that a mean delay may be for KL to be at most `times` that without delay.

    That of a preset as measured, linearly between the points of its curve; of another device (or of
    None) the smallest of them. If `told`, translation knows of the delay (`delay=` of
    `photinus.translate`) and makes up for part of it.

    Raises
    ------
    InvalidInput
        If `times` is not above 1, or beyond what was measured.

    Examples
    --------
    >>> from photinus.hardware import delay_share
    >>> 0 < delay_share("fast-absorber") < delay_share("fast-absorber", times=10) < 0.1
    True
    """
    key = "told" if validate.flag("told", told) else "ratio"
    curves = {name: curve for name, curve in delay_curves().items() if key in curve}
    known = [curves[device]] if isinstance(device, str) and device in curves else curves.values()
    most = min(max(curve[key]) for curve in known)
    times = validate.number("times", times)
    if not 1 < times <= most:
        raise InvalidInput(f"times must be above 1 and at most {most:g}, got {times:g}")
    rising = ((np.maximum.accumulate(curve[key]), curve["delay"]) for curve in known)
    return min(float(np.interp(times, ratio, delay)) for ratio, delay in rising)
