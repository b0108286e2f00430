"""The ledger: counts times prices, and what a spike, an update, a state, a sample then cost."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from photinus._core import files, validate
from photinus._core.display import Displayed
from photinus._core.records import settle
from photinus.hardware.chip import PLAUSIBLE, TIMES, Chip, Delays, delay_share
from photinus.hardware.counts import Counts
from photinus.hardware.prices import UNITS, Price, Prices
from photinus.units import quantity

if TYPE_CHECKING:
    import os

    from photinus.samplers.samples import Samples

CASES = ("best", "expected", "worst")
"""Best: the currents through the lasers alone at their low prices, no electronics. Expected: every
price at its value. Worst: every price at its high end."""
CURRENTS = ("pump", "driving")
"""What the best case prices."""
WHAT = {
    "pump": "pump current",
    "driving": "synaptic currents (added or taken)",
    "supply": "supply: voltage above the photon energy",
    "detection": "on-off receivers and drivers of the synapses",
    "amplification": "linear amplifiers of synapses that are linear",
    "one_shot": "one-shots of synapses that are not linear",
    "weighting": "weighting",
    "synaptic_event": "synaptic events in the waveguides",
    "readout": "read-out",
    "static": "static power: temperature, bias, control",
}


@dataclass(frozen=True, slots=True, repr=False)
class Line(Displayed):
    """One thing that is counted and may have a price."""

    name: str
    """One of `photinus.hardware.prices.UNITS`."""
    count: float
    """How many per second, or how many there are for a price in watts."""
    price: Price | None
    """None if it has no price."""

    def power(self, case: str) -> float | None:
        """Return the power in a case [W]; None if unpriced or left out of the case."""
        if self.price is None:
            return None
        if case == "best":
            return self.count * self.price.at("low") if self.name in CURRENTS else None
        return self.count * self.price.at("value" if case == "expected" else "high")


@dataclass(frozen=True, slots=True, repr=False)
class Ledger(Displayed):
    """What one chip does per second, and what it takes.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0, 0])
    >>> ledger = ph.sample(machine, "laser-reduced", chains=8, draws=50, seed=1).ledger()
    >>> print(f"{ledger.power('best') / 1e-6:.0f} µW, without {ledger.unpriced[0]}")
    20 µW, without supply
    >>> ledger.count_rows()[0], len(ledger.price_rows()[0]), len(ledger.result_rows()[0])
    (('lasers', '2 (2 free)'), 5, 4)
    >>> ledger.left_out("worst")
    ('supply', 'synaptic_event', 'static')
    """

    counts: Counts
    """Rates of the chip."""
    prices: Prices
    """Prices, physics included."""
    chip: Chip | Mapping[str, Any] | None = None
    """Where lasers and weights are: a chip, or settings that are not those of `Chip` by default."""

    def __post_init__(self) -> None:
        c = validate.instance("counts", self.counts, Counts)
        validate.instance("prices", self.prices, Prices)
        settle(self, chip=Chip.of(self.chip, lasers=max(1, c.lasers), synapses=c.synapses))

    @classmethod
    def of(
        cls,
        counts: Counts,
        prices: "Prices | Mapping[str, Any] | str | os.PathLike[str] | None" = None,
        chip: Chip | Mapping[str, Any] | None = None,
    ) -> "Ledger":
        """Return the ledger of `counts` with the default prices and the user's over them."""
        validate.instance("counts", counts, Counts)
        return cls(counts, Prices.of(prices).for_laser(counts.parameters), chip)

    @classmethod
    def of_samples(
        cls,
        samples: "Samples",
        prices: "Prices | Mapping[str, Any] | str | os.PathLike[str] | None" = None,
        chip: Chip | Mapping[str, Any] | None = None,
    ) -> "Ledger":
        """Return the ledger of a run on lasers."""
        validate.instance("samples", samples, "Samples")
        # Bad ones are told before anything is counted.
        listed = Prices.of(prices)
        Chip.of(chip, lasers=1)
        return cls.of(Counts.from_samples(samples), listed, chip)

    @property
    def placed(self) -> Chip:
        """The chip that lasers and weights are on."""
        assert isinstance(self.chip, Chip)
        return self.chip

    @property
    def smallest_window(self) -> float:
        """Window τ [s] from which delay on the chip no more than doubles KL."""
        return self.delays.mean / delay_share(self.counts.parameters.name)

    @property
    def delays(self) -> Delays:
        """Delays of the synapses: the network's own, as of a layout, or those of the planned chip."""
        return self.counts.delays or self.placed.delays()

    @property
    def lines(self) -> tuple[Line, ...]:
        """Everything that is counted, priced or not."""
        c = self.counts
        counted = {
            "pump": c.pump,
            "driving": c.driving,
            "supply": c.pump + c.driving,
            "detection": (c.lasers - c.linear_receivers) / c.window,
            "amplification": float(c.linear_receivers),
            "one_shot": c.one_shots,
            "weighting": float(c.synapses),
            "synaptic_event": c.synaptic_events,
            "readout": c.updates,
            "static": 1.0,
        }
        return tuple(Line(name, counted[name], self.prices.get(name)) for name in UNITS)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Names of what is counted and has no price: no sum includes it."""
        return tuple(line.name for line in self.lines if line.price is None)

    def left_out(self, case: str) -> tuple[str, ...]:
        """Return the names of what the sums of a case do not include, of what the chip has."""
        validate.one_of("case", case, CASES)
        return tuple(x.name for x in self.lines if x.power(case) is None and x.count)

    def power(self, case: str = "expected") -> float:
        """Return the power of the chip [W] in a case, "best", "expected" or "worst"."""
        validate.one_of("case", case, CASES)
        return sum(line.power(case) or 0.0 for line in self.lines)

    def energies(self, case: str = "expected") -> dict[str, float | None]:
        """Return the chip's energy per spike, synaptic event, update, state and effective draw [J].

        The whole power over each rate; None where a rate is zero or unknown.
        """
        c, power = self.counts, self.power(case)
        rates = {
            "spike": c.spikes,
            "synaptic event": c.synaptic_events,
            "unit update": c.updates,
            "state": c.states,
            "effective sample": c.effective,
        }
        return {name: power / rate if rate else None for name, rate in rates.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return counts, prices and results as plain values for JSON."""
        counts = {name: value for name, value in asdict(self.counts).items() if name != "parameters"}
        derived = ("updates", "states", "effective", "optical_power", "one_shots")
        return {
            **files.stamp("photinus-ledger"),
            "device": self.counts.parameters.to_dict(),
            "counts": {**counts, **{name: getattr(self.counts, name) for name in derived}},
            "lines": [
                {
                    "name": line.name,
                    "count": line.count,
                    "price": None if line.price is None else asdict(line.price),
                    "power": {case: line.power(case) for case in CASES},
                }
                for line in self.lines
            ],
            "unpriced": list(self.unpriced),
            "chip": {
                **self.placed.to_dict(),
                "side": self.placed.side,
                "delays": asdict(self.delays),
                "smallest_window": self.smallest_window,
            },
            "power": {case: self.power(case) for case in CASES},
            "energy": {case: self.energies(case) for case in CASES},
            "left_out": {case: list(self.left_out(case)) for case in CASES},
        }

    def count_rows(self) -> list[tuple[str, str]]:
        """Return what happens on the chip, as rows of (what, value)."""
        c = self.counts
        light = c.optical_power / c.spikes if c.spikes else 0.0
        share = "unknown" if c.effective is None else f"{quantity(c.effective, '/s')} of chip time"
        return [
            ("lasers", f"{c.lasers:,} ({c.free:,} free)"),
            ("synapses", f"{c.synapses:,}"),
            ("unit updates", quantity(c.updates, "/s")),
            ("states", quantity(c.states, "/s")),
            ("effective samples", share),
            ("spikes", quantity(c.spikes, "/s")),
            ("synaptic events", quantity(c.synaptic_events, "/s")),
            ("useful light", f"{quantity(c.optical_power, 'W')}, {quantity(light, 'J')} per spike"),
            ("synapse", "unknown" if c.receiver is None else str(c.receiver)),
            self._link(),
            *self._delay_rows(),
        ]

    def _delay_rows(self) -> list[tuple[str, str]]:
        """Return how large the chip is, and what its delays ask of the window."""
        chip, window, least = self.placed, self.counts.window, self.smallest_window
        delays, own = self.delays, self.counts.delays is not None
        verdict = "long enough" if least <= window else "too short"
        area = PLAUSIBLE["area_per_weight"].shown(chip.area_per_weight)
        return [
            (
                "chip, planned",
                f"{chip.layout} with sides of {quantity(chip.side, 'm')}, {area} per weight, "
                f"{chip.path} synapses{', for its area alone' if own else ''}",
            ),
            (
                f"delay of a synapse{', of the network as it is laid out' if own else ''}",
                f"{delays}: {100 * delays.mean / window:.2g} % of τ",
            ),
            (
                f"smallest τ for {TIMES:g} times the KL without delay",
                f"{quantity(least, 's')}; τ = {quantity(window, 's')} is {verdict}",
            ),
        ]

    def _link(self) -> tuple[str, str]:
        """Return what light a receiver gets at most, and what current must be made of it, as a row.

        At the target, a receiver gets a share of a spike for one synapse. At the source it gets the
        whole spike for all synapses.
        """
        c = self.counts
        source = c.receiver is not None and c.receiver.place == "source"
        what = f"light and current of a {'spike' if source else 'synaptic event'}"
        events = c.spikes if source else c.synaptic_events
        if not c.synaptic_events:
            return what, "no synaptic events"
        photons = c.parameters.output_efficiency * c.photons / events
        electrons = c.driving / events
        return what, (
            f"{photons:,.3g} photons at most without loss, {electrons:,.3g} electrons: "
            f"a gain of {electrons / photons:.2g} from light to current"
        )

    def price_rows(self) -> list[tuple[str, str, str, str, str]]:
        """Return rows of (what, price, power expected, power worst, kind and source)."""
        rows = []
        for line in self.lines:
            what, price = WHAT[line.name], line.price
            if price is None:
                rows.append((what, "unpriced", "not in the sum", "not in the sum", ""))
                continue
            unit, per = price.unit.split("/")
            mark = "" if price.verified else ", unverified"
            rows.append(
                (
                    what,
                    f"{quantity(price.value, unit)}/{per}",
                    quantity(line.power("expected") or 0.0, "W"),
                    quantity(line.power("worst") or 0.0, "W"),
                    f"{price.kind}{mark}: {price.source}",
                )
            )
        return rows

    def result_rows(self) -> list[tuple[str, ...]]:
        """Return rows of (what, best, expected, worst)."""
        lasers = self.counts.lasers
        powers = [self.power(case) for case in CASES]
        rows: list[tuple[str, ...]] = [
            ("power of the chip", *(quantity(power, "W") for power in powers)),
            ("power per laser", *(quantity(power / lasers, "W") for power in powers)),
        ]
        energies = [self.energies(case) for case in CASES]
        for name in energies[0]:
            values = (energy[name] for energy in energies)
            shown = ("unknown" if value is None else quantity(value, "J") for value in values)
            rows.append((f"energy per {name}", *shown))
        left = (", ".join(self.left_out(case)) or "nothing" for case in CASES)
        return [*rows, ("left out", *left)]
