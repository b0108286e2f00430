"""``photinus layout``."""

from pathlib import Path
from typing import Annotated

import typer

from photinus.faces.cli.inputs import read_calibration, read_machine
from photinus.faces.cli.messages import print_json, say, table
from photinus.faces.cli.options import CalibrationFile, Json, Laser


def layout(
    chip: Annotated[Path, typer.Argument(help="Links of a chip (.toml, .csv), or a netlist (.yml).")],
    machine: Annotated[
        Path | None, typer.Option(help="Machine whose couplings the links shall carry.")
    ] = None,
    laser: Laser = None,
    calibration: CalibrationFile = None,
    as_json: Json = False,
) -> None:
    """List the links of a chip, and for a machine what each needs and whether it can be driven."""
    from photinus._core import files
    from photinus._core.records import values_of
    from photinus.hardware.links import HEAD, link_budget, undriven
    from photinus.networks.lasers import is_of_lasers
    from photinus.networks.layout import Layout
    from photinus.translation.rules import translate
    from photinus.units import quantity

    found = Layout.load(chip)
    if machine is None:
        if as_json:
            print_json({"links": [values_of(link) for link in found.links]})
            return
        rows = [
            (
                str(link.source),
                str(link.target),
                f"{100 * link.loss:.3g} %",
                quantity(link.delay, "s"),
                f"{link.gain:.3g}",
                "any" if link.bits is None else str(link.bits),
            )
            for link in found.links
        ]
        table("Links", rows, ("from", "to", "loss", "delay", "gain", "bits"))
        return
    measured = read_calibration(laser, calibration)
    designed = translate(read_machine(machine), measured)
    assert is_of_lasers(designed)
    with files.reading(chip, "layout for this machine"):
        links = link_budget(found, designed)
    named = f"preset {measured.laser.name!r}" if calibration is None else str(calibration)
    if as_json:
        print_json(
            {
                "calibration": named,
                "links": [{**values_of(x), "gain": x.gain, "driven": x.driven} for x in links],
            }
        )
        return
    table("Links", [link.row() for link in links], HEAD)
    default = " (by default: give --calibration for your laser)"
    say(f"Calibration: {named}{default if laser is None and calibration is None else ''}.")
    weak = undriven(links)
    if weak:
        say(f"{weak[0].upper()}{weak[1:]}.")
