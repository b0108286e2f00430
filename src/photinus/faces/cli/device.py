"""``photinus device``: a laser from what is known of it, and its data sheet."""

from pathlib import Path
from typing import Annotated

import typer

from photinus.errors import InvalidInput
from photinus.faces.cli.fit import fit
from photinus.faces.cli.inputs import read_laser
from photinus.faces.cli.messages import print_json, say, table
from photinus.faces.cli.options import Force, Json

device = typer.Typer(
    name="device",
    no_args_is_help=True,
    help="Describe a laser by what is known of it, and fit it to what was measured.",
)
device.command(name="fit")(fit)

ABOUT = """\
# A laser, from what is known of it. Every line may be left out: what nothing follows for is assumed,
# and a warning says so. Quantities have units, as in "4 ps"; numbers alone are in SI.
# Try: photinus device show THIS-FILE, then photinus calibrate THIS-FILE.
"""
SECTIONS = {
    "The cavity": ("wavelength", "quality", "photon_lifetime", "output_efficiency"),
    "The gain section": ("gain_lifetime", "beta", "gain_coefficient"),
    "Current and light": (
        "threshold_current",
        "threshold_carriers",
        "transparency_current",
        "gain_transparency",
        "transparency_share",
        "pump_efficiency",
        "slope_efficiency",
    ),
    "The absorber": (
        "absorber_lifetime",
        "absorber_loss",
        "gain_ratio",
        "saturation_ratio",
        "absorber_coefficient",
        "absorber_transparency",
    ),
    "Material and volumes, in place of coefficients": (
        "gain_volume",
        "gain_density",
        "differential_gain",
        "gain_confinement",
        "group_index",
        "absorber_volume",
        "absorber_density",
        "differential_absorption",
        "absorber_confinement",
    ),
}
"""The file that ``photinus device new`` writes."""
TOLD = ("wavelength", "quality", "gain_lifetime", "beta", "threshold_current", "absorber_lifetime")
"""Its lines that count as they are; the others are comments."""


@device.command()
def new(
    laser: Annotated[Path, typer.Argument(help="File to write (.toml).")] = Path("laser.toml"),
    force: Force = False,
) -> None:
    """Write a file with every quantity of a laser, to fill in."""
    from photinus._core import files
    from photinus.devices.laser.measured import QUANTITIES

    if laser.suffix != ".toml":
        raise InvalidInput(f"laser must end in .toml, got {str(laser)!r}")
    lines = [ABOUT, 'name = "my laser"']
    for title, names in SECTIONS.items():
        lines.append(f"\n# {title}")
        for name in names:
            known = QUANTITIES[name]
            value = f'"{known.example}"' if known.unit else known.example
            entry = f"{name} = {value}"
            lines.append(f"{entry if name in TOLD else f'# {entry}':<40}# {known.meaning}")
    lines += [
        "\n# More of what a laser is",
        f"{'# pump_noise = 0':<40}# carriers of deviation that pump noise alone would give",
        f"{'# gain_compression = 0':<40}# per photon",
        "\n# How surely these are known, as shares; 5 % if nothing is said. Fits alone use it.",
        "# [uncertainty]",
        '# beta = "30 %"',
    ]
    files.check_all([laser], replace=force)
    files.write_text(laser, "\n".join(lines) + "\n", replace=force)
    typer.echo(f"Laser: {laser}   Next: photinus device show {laser}")


@device.command()
def show(
    laser: Annotated[str, typer.Argument(help="Preset, or file of a laser (.toml, .json).")],
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="Parameter NAME=VALUE; repeat for more."),
    ] = None,
    current: Annotated[
        str | None, typer.Option(help="Where light and relaxation are told, as 20uA.")
    ] = None,
    force_range: Annotated[
        bool, typer.Option("--force-range", help="Take parameters that are not plausible.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print what a laser would have on its data sheet."""
    from photinus._core import validate
    from photinus._core.records import values_of
    from photinus.devices.laser.cures import cures, told
    from photinus.devices.laser.datasheet import datasheet
    from photinus.faces.design.words import sheet_rows

    parameters = read_laser(laser, change or [], forced=force_range)
    at = None if current is None else validate.non_negative("--current", current, "A")
    sheet = datasheet(parameters, at)
    if as_json:
        yamada = values_of(sheet.yamada)
        print_json({**values_of(sheet), "yamada": yamada, "parameters": parameters.to_dict()})
        return
    table(f"Data sheet of {sheet.name}", sheet_rows(sheet))
    if sheet.pulse_energy is None:
        alone = "" if sheet.pulsing_current is None else ", though it pulses by itself at high currents"
        say(f"A kick sets off no spike{alone}; {told(cures(parameters))}.\n")
    if sheet.needs_other_material:
        say(
            f"A gain ratio of {sheet.gain_ratio:.3g} needs an absorber of another material than the "
            "gain section, or a smaller one: one quantum well gives about 3."
        )
