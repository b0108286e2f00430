"""Why a laser does not calibrate, as a page: the inequalities, the cures, the phase portraits."""

from photinus.devices.laser import LaserParameters
from photinus.devices.laser.conditions import Condition, conditions
from photinus.devices.laser.cures import Cure, cures
from photinus.devices.laser.datasheet import datasheet
from photinus.devices.laser.parameters import PLAUSIBLE
from photinus.faces.design.words import sheet_rows
from photinus.faces.figures.portraits import phase_portrait
from photinus.faces.report.page import Table, picture, render

CURE_HEAD = ("parameter", "has to become", "over today's")
"""Head of the table of `cure_rows`."""
CONDITION_HEAD = ("inequality", "has", "must exceed", "holds")
"""Head of the table of `condition_rows`."""


def condition_rows(found: tuple[Condition, ...]) -> list[tuple[str, ...]]:
    """Return inequalities as rows under `CONDITION_HEAD`."""
    return [
        (each.what, f"{each.value:.3g}", f"{each.least:.3g}", "yes" if each.holds else "no")
        for each in found
    ]


def cure_rows(found: tuple[Cure, ...]) -> list[tuple[str, ...]]:
    """Return changes of single parameters as rows under `CURE_HEAD`, the smallest first."""
    return [
        (each.name, PLAUSIBLE[each.name].shown(float(f"{each.value:.3g}")), f"{each.factor:.2g}")
        for each in found
    ]


def failure_page(parameters: LaserParameters, why: str, command: str | None = None) -> str:
    """Return the page of a laser that does not calibrate.

    Parameters
    ----------
    parameters
        The laser.
    why
        What the calibration said.
    command
        What made the page, as one types it.
    """
    held, found = conditions(parameters), cures(parameters)
    broken = [f"{x.what}: {x.value:.3g}, not above {x.least:.3g}" for x in held if not x.holds]
    text = "It should run up past the dotted line after a kick, and come back."
    pictures = [picture("Phase portrait, as it is", text, phase_portrait(parameters))]
    if found:
        better = parameters.replace(**{found[0].name: found[0].value})
        said = f"{found[0].name} {found[0].factor:.2g} times as large: it spikes."
        pictures.append(picture("Phase portrait, cured", said, phase_portrait(better)))
    nearest = " or ".join(f"{each.name} × {each.factor:.2g}" for each in found[:3])
    return render(
        title=f"Design: {parameters.name}",
        lead=f"It does not calibrate: {why}.",
        card=[
            ("Does it sample?", "no"),
            ("Which inequality does not hold?", "; ".join(broken) or "all those for spiking hold"),
            ("What helps?", nearest or "see the sentence above"),
        ],
        pictures=pictures,
        tables=[
            Table("Inequalities", CONDITION_HEAD, condition_rows(held)),
            Table("Any one of these makes it spike", CURE_HEAD, cure_rows(found)),
            Table("Data sheet", (), sheet_rows(datasheet(parameters))),
        ],
        command=command,
    )
