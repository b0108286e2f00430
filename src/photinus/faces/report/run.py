"""The report of a stored run."""

from typing import Any

import numpy as np

from photinus.diagnostics.certificate import Fidelity
from photinus.errors import InvalidInput
from photinus.faces.figures import plots
from photinus.faces.figures.palette import mark
from photinus.faces.report.hardware import hardware_card, hardware_chapter, has_hardware
from photinus.faces.report.page import Part, Picture, Table, picture, render
from photinus.faces.report.rows import MARGINALS_HEAD, fidelity_rows, marginal_rows, run_rows
from photinus.hardware import Peer
from photinus.samplers.samples import Samples
from photinus.units import ns, quantity

MOST_SPIKES = 20_000
"""Spikes that a raster holds which can be zoomed."""
MOST_WINDOWS = 400
"""State windows that it shows."""
MOST_UNITS = 60
"""Units that it shows."""
JOINT_UNITS = 16
"""Free units up to which the joint is drawn."""


def run_page(
    samples: Samples,
    tolerances: Table | None = None,
    *,
    gibbs: Peer | None = None,
    command: str | None = None,
) -> str:
    """Return the report of any stored run as HTML.

    Parameters
    ----------
    samples
        The run.
    tolerances, gibbs
        What its chapter on hardware has besides the ledger, see `hardware_chapter`.
    command
        What made the page, as one types it.

    Raises
    ------
    InvalidInput
        If one of them is given for a run that has no such chapter.
    """
    tables, card = [Table("Run", (), [*run_rows(samples), *device_facts(samples)])], []
    pictures, first = [], None
    if samples.draws:
        fidelity = samples.fidelity()
        card = [*fidelity_card(fidelity), *(run_card(samples))]
        tables.insert(0, Table("Fidelity", (), fidelity_rows(fidelity)))
        pictures = run_pictures(samples)
        rows = marginal_rows(fidelity, len(fidelity.units))
        first = Part("Marginals", (), [Table("Sampled beside right values", MARGINALS_HEAD, rows)])
        if len(rows) > MOST_UNITS:
            tables.append(first.tables[0])
            first = None
    hardware = hardware_chapter(samples, tolerances, gibbs)
    if hardware is None:
        for name, given in (("tolerances", tolerances), ("gibbs", gibbs)):
            if given is not None:
                raise InvalidInput(
                    f"{name} must go with a run on lasers, got one on {samples.substrate!r}"
                )
    return render(
        title=f"Run on {samples.substrate}",
        lead=f"{samples.chains} chains of {samples.draws} draws, {samples.machine.n_units} units.",
        card=card,
        first=first,
        pictures=pictures,
        tables=tables,
        chapters=[] if hardware is None else [hardware],
        command=command,
    )


def device_facts(samples: Samples) -> list[tuple[str, str]]:
    """Return device, imperfections and origin of the network of a run, as rows of (what, value)."""
    network, attributes = samples.network, samples.attributes
    if network is None:
        return []
    rule = attributes.get("rule")
    name = getattr(network.parameters, "name", "") or "unnamed"
    return [
        ("device", f"{name}, τ = {quantity(network.window, 's')}"),
        ("network", "given, as translated or refined before" if rule is None else f"rule {rule!r}"),
        *([] if "imperfections" in attributes else [("imperfections", "none")]),
    ]


def fidelity_card(fidelity: Fidelity) -> list[tuple[str, str]]:
    """Return whether samples are right and how far they are off, as questions and answers."""
    return [("Does it sample?", fidelity.verdict), ("How far off?", fidelity.on_distance)]


def run_card(samples: Samples) -> list[tuple[str, str]]:
    """Return how fast the chip of a run is and what it takes; nothing for runs without a ledger."""
    return hardware_card(samples.ledger()) if has_hardware(samples) else []


def run_pictures(samples: Samples) -> list[Picture]:
    """Return joint and raster of a run, as far as it has them."""
    pictures = []
    if len(samples.free_units) <= JOINT_UNITS:
        text = "Grey: exact, by enumeration. Marks: sampled."
        pictures.append(picture("Joint distribution", text, plots.joint(samples)))
    if samples.spikes is not None and samples.network is not None:
        pictures.append(raster_picture(samples))
    return pictures


def raster_picture(samples: Samples) -> Picture:
    """Return the raster of the first chain, which can be zoomed where it is not too large."""
    text = "The first chain. Ticks are spikes, bars say when a unit is on."
    if samples.machine.n_units > plots.MOST_ROWS:
        text += f" The first {plots.MOST_ROWS} of {samples.machine.n_units:,} units."
    return picture("Spikes", text, plots.raster(samples), spikes=_spikes(samples))


def _spikes(samples: Samples) -> dict[str, Any] | None:
    """Return the spikes of the first chain for `raster.js`; None if there are too many units."""
    spikes, tau = samples.spikes, samples.window
    if spikes is None or tau is None or spikes.n_units > MOST_UNITS:
        return None
    start, end = samples.burn_in * tau, min(MOST_WINDOWS, samples.draws) * tau
    shown = (spikes.chain == 0) & (spikes.time > start - tau) & (spikes.time < start + end)
    time, unit = spikes.time[shown][:MOST_SPIKES] - start, spikes.unit[shown][:MOST_SPIKES]
    gauge = np.broadcast_to(spikes.gauge, spikes.n_units)
    return {
        "labels": [
            f"{label}{' (1 − z)' * bool(f)}" for label, f in zip(spikes.labels, gauge, strict=True)
        ],
        "flipped": [bool(flip) for flip in gauge],
        "unit": unit.tolist(),
        "time": np.round(time / ns, 3).tolist(),
        "tau": round(tau / ns, 4),
        "end": round(end / ns, 3),
        "colour": mark(samples.substrate).colour,
    }
