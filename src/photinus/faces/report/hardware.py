"""The chapter on hardware: what a chip does and takes, beside other machines."""

from typing import TYPE_CHECKING

from photinus._core import files
from photinus.errors import InvalidInput
from photinus.faces.figures.comparison import figure
from photinus.faces.report.page import Chapter, Part, Table, picture
from photinus.hardware import Heat, Ledger, Peer, headline
from photinus.hardware import peers as literature
from photinus.hardware.comparison import HEAD, rows
from photinus.hardware.heat import CHARACTERISTIC_TEMPERATURE, THERMAL_RESISTANCE
from photinus.hardware.ledger import CASES
from photinus.networks.lasers import is_of_lasers
from photinus.samplers.samples import Samples
from photinus.units import quantity

if TYPE_CHECKING:
    import os


TOLERANCES = "photinus-tolerances"
"""Kind of the file that ``studies/robustness.py`` writes for `load_tolerances`."""


def load_tolerances(path: "str | os.PathLike[str]") -> Table:
    """Return the tolerances that the study of robustness found, from its JSON file.

    Raises
    ------
    InvalidInput
        If the file cannot be read or is not one of these.
    """
    document = files.read_json(path, kind=TOLERANCES)
    with files.reading(path, "table of tolerances"):
        head = [str(cell) for cell in document["head"]]
        rows = [[str(cell) for cell in row] for row in document["rows"]]
        if any(len(row) != len(head) for row in rows):
            raise InvalidInput(f"rows must have {len(head)} cells each, as the head has")
        return Table("Tolerances", head, rows, str(document["about"]))


HEAT = f"At {THERMAL_RESISTANCE:g} K/W and T0 = {CHARACTERISTIC_TEMPERATURE:g} K."
"""Above the table of heat."""
NOT_TIMED = (
    "This computer's Gibbs sampler was not timed, so it is not compared: "
    "photinus report RUN --time-gibbs times it."
)


def has_hardware(samples: Samples) -> bool:
    """Return whether a run's report has a chapter on hardware: that of a run with a ledger."""
    network = samples.network
    if not is_of_lasers(network) or samples.spikes is None or not samples.draws:
        return False
    return network.depression is None


def hardware_card(ledger: Ledger) -> list[tuple[str, str]]:
    """Return how fast a chip is, what it takes and what limits it, as questions and answers."""
    c = ledger.counts
    fast = f"{quantity(c.updates, '/s')} unit updates, τ = {quantity(c.window, 's')}"
    if c.effective:
        fast += f"; {quantity(c.effective, '/s')} effective samples of chip time"
    best, expected, worst = (quantity(ledger.power(case), "W") for case in CASES)
    unpriced = ", ".join(map(_words, ledger.unpriced))
    power = f"{best} for the lasers alone, {expected} to {worst} for the chip"
    return [
        ("How fast?", fast),
        ("How much power?", power + (f", without {unpriced}" if unpriced else "")),
        ("What limits it?", _limits(ledger)),
    ]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _limits(ledger: Ledger) -> str:
    """Return what takes most of the power, and whether delays are too long."""
    powers = {_words(line.name): line.power("expected") or 0.0 for line in ledger.lines}
    most = max(powers, key=lambda name: powers[name])
    total = sum(powers.values())
    share = f"{100 * powers[most] / total:.0f} % of the power is for {most}" if total else ""
    window, least = ledger.counts.window, ledger.smallest_window
    delay = f"delays of the chip allow τ from {quantity(least, 's')}"
    if window < least:
        delay = (
            f"delays: τ should be at least {quantity(least, 's')} on this chip, "
            f"it is {quantity(window, 's')}"
        )
    return "; ".join(filter(None, (share, delay)))


def hardware_chapter(
    samples: Samples, tolerances: Table | None = None, gibbs: Peer | None = None
) -> Chapter | None:
    """Return the chapter on hardware; None for a run without a ledger.

    Parameters
    ----------
    samples
        The run.
    tolerances
        What `load_tolerances` gives, one more table.
    gibbs
        This computer's sampler as `photinus.hardware.own_gibbs` timed it. A report measures nothing:
        without it the chapter says that it was not timed.
    """
    if not has_hardware(samples):
        return None
    ledger = samples.ledger()
    peers = [*literature(), *([] if gibbs is None else [gibbs])]
    unpriced = f"Unpriced, in no sum: {', '.join(ledger.unpriced) or 'nothing'}."
    said = "Each machine has its citation below."
    drawn = picture("Energy against speed", said, figure(ledger, peers))
    compared = Table("Other machines", HEAD, rows(ledger, peers), NOT_TIMED if gibbs is None else "")
    return Chapter(
        "Hardware",
        headline(ledger, gibbs),
        [
            Table("What the chip does", ("what", "value"), ledger.count_rows()),
            Table(
                "Prices",
                ("what", "price", "expected", "worst", "kind and source"),
                ledger.price_rows(),
                unpriced,
            ),
            Table("Power and energy", ("what", *CASES), ledger.result_rows()),
            Table("Heat", ("what", "value"), Heat.of(ledger).rows(), HEAT),
            *([] if tolerances is None else [tolerances]),
        ],
        Part("other machines", [drawn], [compared]),
    )
