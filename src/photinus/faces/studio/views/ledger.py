"""What the chip takes: power and energy of a network that samples, by a list of prices."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from photinus._core import validate
from photinus._core.records import settle
from photinus.errors import InvalidInput
from photinus.faces.studio import runs
from photinus.faces.studio.views import network
from photinus.faces.studio.views.network import NetworkView
from photinus.hardware import Counts, Ledger, Prices
from photinus.hardware.ledger import CASES, WHAT
from photinus.hardware.prices import PLAUSIBLE, UNITS, Price
from photinus.networks.lasers import is_of_lasers
from photinus.samplers import Piece

FREE = (
    "supply",
    "detection",
    "amplification",
    "one_shot",
    "weighting",
    "synaptic_event",
    "readout",
    "static",
)
"""What can be priced; physics prices the rest."""
SUBSTRATES = ("laser", "laser-reduced")


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Settings(network.Settings):
    """What can be set of a chip that is priced; a price is None as in the default list, in SI."""

    supply: float | None = None
    detection: float | None = None
    amplification: float | None = None
    one_shot: float | None = None
    weighting: float | None = None
    synaptic_event: float | None = None
    readout: float | None = None
    static: float | None = None

    def __post_init__(self) -> None:
        network.Settings.__post_init__(self)
        validate.one_of("substrate", self.substrate, SUBSTRATES)
        if self.evidence:
            raise InvalidInput(f"evidence must be empty in the ledger, got {self.evidence!r}")
        for name in FREE:
            if (price := getattr(self, name)) is not None:
                settle(
                    self,
                    **{name: PLAUSIBLE[name].check(f"price of {name}", validate.number(name, price))},
                )

    def prices(self) -> Prices:
        """Return the default list with what was changed."""
        given = {
            name: Price(name=name, value=price, unit=UNITS[name], source="set by you", kind="user")
            for name in FREE
            if (price := getattr(self, name)) is not None
        }
        return Prices.of(Prices(given))


class LedgerView(NetworkView):
    """A network of lasers whose spikes are counted and priced."""

    NAME: ClassVar[str] = "ledger"
    SETTINGS: ClassVar[type[network.Settings]] = Settings
    _settings: Settings

    def _start(self, settings: network.Settings) -> None:
        super()._start(settings)
        self._take(settings)
        self._spikes_seen, self._time_seen = np.zeros(self._machine.n_units), 0.0

    def _take(self, settings: network.Settings) -> None:
        assert isinstance(settings, Settings)  # `SETTINGS`
        self._settings, self._prices = settings, settings.prices()

    def change(self, values: Mapping[str, Any]) -> None:
        """Take other settings. Speed and prices go on with the same run."""
        settings = self._read(values)
        before = self._settings
        kept = {name: getattr(before, name) for name in ("speed", *FREE)}
        if replace(settings, **kept) == before:
            self._take(settings)
            self.changed = True
        else:
            self._start(settings)

    def _noted(self, piece: Piece) -> dict[str, Any]:
        """Count the spikes of a piece and price them."""
        spikes = piece.spikes
        assert spikes is not None  # lasers have some
        begin = runs.BURN_IN * self._run.window if self._run.window is not None else 0.0
        if spikes.start < begin:
            spikes = spikes.between(begin)
        rates = np.bincount(spikes.unit, minlength=self._machine.n_units) / spikes.chains
        self._spikes_seen += rates
        self._time_seen += spikes.duration
        now = self._ledger(rates / spikes.duration)
        whole = self._ledger(self._spikes_seen / self._time_seen)
        return {
            "power_now": [now.power(case) for case in CASES],
            "power": [whole.power(case) for case in CASES],
            "lines": {line.name: [line.power(case) for case in CASES] for line in whole.lines},
            "energies": _by_name([whole.energies(case) for case in CASES]),
            "spike_rate": whole.counts.spikes,
        }

    def _ledger(self, rates: Any) -> Ledger:
        built = self._run.network
        assert is_of_lasers(built)  # `SUBSTRATES`
        return Ledger.of(Counts.from_rates(built, rates), self._prices)

    def about(self) -> dict[str, Any]:
        """Return what a network tells, and the price list."""
        listed = self._prices
        prices = {
            name: None if (price := listed.get(name)) is None else [price.low, price.value, price.high]
            for name in FREE
        }
        return {
            **super().about(),
            "what": WHAT,
            "price_units": UNITS,
            "prices": prices,
            "sources": {name: price.source for name in FREE if (price := listed.get(name)) is not None},
        }

    def code(self) -> str:
        """Return Python that takes the same draws and prices them."""
        changed = {name: price for name in FREE if (price := getattr(self._settings, name)) is not None}
        tail = '"source": "mine", "kind": "user"'
        entries = "".join(
            f'    "{name}": {{"value": {price!r}, "unit": "{UNITS[name]}", {tail}}},\n'
            for name, price in changed.items()
        )
        return (
            super().code()
            + f"prices = {{\n{entries}}}\n"
            + "ledger = samples.ledger(prices)\n"
            + "for row in ledger.price_rows() + ledger.result_rows():\n    print(*row)\n"
        )


def _by_name(cases: list[dict[str, float | None]]) -> dict[str, list[float | None]]:
    """Return energies of each case, in the order of the cases, by their names."""
    return {name: [case[name] for case in cases] for name in cases[0]}
