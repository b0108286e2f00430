"""A design's verdict as a page of HTML."""

from photinus.faces.design.chips import GOOD
from photinus.faces.design.job import RAISED
from photinus.faces.design.verdict import Design
from photinus.faces.design.words import (
    INFLUENCE_HEAD,
    NOT_ROUNDED,
    SYNAPSE_HEAD,
    answer,
    fabricated,
    headline,
    influence_rows,
    limit,
    share,
    sheet_rows,
    shown,
    synapse_rows,
    verdict_rows,
)
from photinus.faces.figures import plots
from photinus.faces.figures.tornados import tornado
from photinus.faces.report.hardware import HEAT, hardware_card
from photinus.faces.report.page import Table, picture, render
from photinus.faces.report.rows import device_rows
from photinus.hardware import CASES, Heat
from photinus.hardware.links import HEAD, undriven

RUNS = "standard error over runs"
BOTH = "standard error over runs and calibrations"


def design_page(design: Design, command: str | None = None) -> str:
    """Return the page of a design; `command` is what made it, as one types it."""
    d = design
    percent = 100 * (RAISED - 1)
    parameters = {e.name: (e.kl[0] / percent, e.kl[1] / percent) for e in d.parameters if not e.failed}
    faults = {shown(e): e.kl for e in d.faults}
    unit = "change of KL per % of the parameter [nats]"
    pictures = [
        picture("Activation", "What one laser does at each current.", plots.activation(d.calibration)),
        picture(
            "What each imperfection costs",
            "Each alone, at a usual size.",
            tornado(faults, errors=RUNS),
        ),
    ]
    if parameters:
        text = f"Each raised by {percent:.0f} %, calibrated and measured again."
        drawn = tornado(parameters, unit, errors=BOTH)
        pictures.insert(1, picture("What each parameter does", text, drawn))
    chips = f"{share(d.chips)} as they come out"
    if len(d.refined):
        chips += f", {share(d.refined)} after refinement; {NOT_ROUNDED}"
    chips += f". To pass, KL less its floor is at most {GOOD:g} nats. Faults: {fabricated()}"
    rows = [link.row() for link in d.links]
    links = [Table("Links", HEAD, rows, undriven(d.links))] if rows else []
    return render(
        title=f"Design: {d.sheet.name}",
        lead=headline(d),
        card=[
            ("Do networks sample?", f"{answer(d)} KL {d.kl:.2g} nats (floor {d.floor:.2g})"),
            ("One laser?", d.calibration.samples_or_pulses),
            *hardware_card(d.ledger),
            ("What to improve first?", limit(d)),
            ("Which chips pass?", chips),
        ],
        pictures=pictures,
        tables=[
            Table("Verdict", (), verdict_rows(d)),
            Table("Synapses, each fitted", SYNAPSE_HEAD, synapse_rows(d)),
            *links,
            Table("Power and energy", ("what", *CASES), d.ledger.result_rows()),
            Table("Heat", (), Heat.of(d.ledger).rows(), HEAT),
            Table("Parameters", INFLUENCE_HEAD, influence_rows(d.parameters, raised=True)),
            Table("Imperfections", INFLUENCE_HEAD, influence_rows(d.faults, raised=False)),
            Table("Data sheet", (), sheet_rows(d.sheet)),
            Table("As a neuron", (), device_rows(d.calibration)),
            Table(
                "Prices",
                ("what", "price", "expected", "worst", "kind and source"),
                d.ledger.price_rows(),
            ),
        ],
        command=command,
    )
