"""The chapter on hardware: what a chip does and takes, beside other machines."""

from typing import TYPE_CHECKING

from photinus._core import files
from photinus.errors import InvalidInput
from photinus.faces.figures.comparison import figure
from photinus.faces.report.page import Chapter, Table, picture
from photinus.hardware import Peer, headline
from photinus.hardware import peers as literature
from photinus.hardware.comparison import HEAD, rows
from photinus.hardware.ledger import CASES
from photinus.networks.lasers import is_of_lasers
from photinus.samplers.samples import Samples

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
    drawn = picture(
        "Energy against speed", "Each machine with its citation above.", figure(ledger, peers)
    )
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
            Table("Other machines", HEAD, rows(ledger, peers), NOT_TIMED if gibbs is None else ""),
            *([] if tolerances is None else [tolerances]),
        ],
        [drawn],
    )
