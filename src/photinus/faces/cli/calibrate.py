"""``photinus calibrate``."""

from pathlib import Path
from typing import Annotated

import typer

from photinus.faces.cli.inputs import read_parameters
from photinus.faces.cli.messages import print_json, table
from photinus.faces.cli.options import Force, Json, Seed, Threads


def calibrate(
    device: Annotated[str, typer.Argument(help="Preset, or file of a device (.json, .toml).")],
    out: Annotated[Path, typer.Option(help="Calibration file to write.")] = Path("calibration.json"),
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Parameter, as photon_lifetime=4ps (or in SI); repeat for more.",
        ),
    ] = None,
    force_range: Annotated[
        bool, typer.Option("--force-range", help="Take parameters that are not plausible.")
    ] = False,
    synapse: Annotated[
        str | None,
        typer.Option(help="rectangle, plain, exponential, filter or charge (default: the device's)."),
    ] = None,
    additive: Annotated[
        bool, typer.Option("--additive", help="Pulses of one source add up instead of renewing.")
    ] = False,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Measure what coupled pairs show, for the rule paired.")
    ] = False,
    reduced: Annotated[
        bool, typer.Option("--reduced", help="Measure the escape rate too, for laser-reduced.")
    ] = False,
    straight: Annotated[
        bool, typer.Option("--straight", help="Fit a driver that makes the log-odds straight first.")
    ] = False,
    reach: Annotated[
        float, typer.Option(help="Largest weight of the networks that the synapse is fitted to.")
    ] = 1.0,
    seed: Seed = 0,
    force: Force = False,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Measure a device as a sampling neuron (a minute or two)."""
    from photinus._core import files
    from photinus.calibration import calibrate as measure
    from photinus.faces.report.rows import device_rows

    parameters = read_parameters(device, change or [], forced=force_range)
    files.check_all([out], replace=force)
    calibration = measure(
        parameters,
        synapse=synapse,
        renewing=not additive,
        pairs=pairs,
        reduced=reduced,
        straight=straight,
        reach=reach,
        seed=seed,
        threads=threads,
        progress=True,
    )
    calibration.save(out, replace=force)
    if as_json:
        print_json({"calibration": str(out), **calibration.to_dict()})
        return
    table("Device", device_rows(calibration))
    typer.echo(f"Calibration: {out}")
