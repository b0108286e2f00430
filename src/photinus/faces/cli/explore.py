"""``photinus explore``."""

from pathlib import Path
from typing import Annotated

import typer

from photinus.faces.cli.inputs import read_laser
from photinus.faces.cli.messages import INTERRUPTED, print_json, stop, table
from photinus.faces.cli.options import Json, Seed, Threads


def explore(
    lasers: Annotated[
        list[str] | None,
        typer.Argument(help="Presets or files of lasers that are looked at first.", show_default=False),
    ] = None,
    within: Annotated[
        float | None, typer.Option(help="Factor by which a laser may differ from the first one.")
    ] = None,
    devices: Annotated[int, typer.Option(help="Devices in all, those of before included.")] = 40,
    drawn: Annotated[
        int | None, typer.Option(help="Of these, drawn at random first (default: a third).")
    ] = None,
    confirm: Annotated[
        int, typer.Option(help="Devices of the front that are measured again at length.")
    ] = 0,
    synapse: Annotated[str, typer.Option(help="rectangle, plain or charge.")] = "rectangle",
    out: Annotated[Path, typer.Option(help="Folder of the search.")] = Path("explorer"),
    seed: Seed = 0,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Look for lasers that sample fast and well, or go on where it stopped (needs Optuna)."""
    from photinus._core import files
    from photinus.faces.explorer import explore as search
    from photinus.faces.explorer.search import CONFIRMED_HEAD, HEAD

    first = [read_laser(laser, [], forced=False) for laser in lasers or ["fast-absorber"]]
    folder = files.named(out)
    try:
        found = search(
            folder,
            first=first,
            within=within,
            devices=devices,
            drawn=drawn,
            confirmed=confirm,
            synapse=synapse,
            seed=seed,
            threads=threads,
            tell=lambda line: typer.echo(line, err=True),
        )
    except KeyboardInterrupt:
        stop(
            f"stopped; devices that were looked at are in {folder}, the same call goes on", INTERRUPTED
        )
    for name, laser in found.chosen.items():
        path = folder / f"{name.replace(' ', '-')}.json"
        files.write_json(path, laser.to_dict(), indent=2, replace=True)
    if as_json:
        print_json({"results": str(folder), **found.to_dict()})
        return
    table("Devices", found.rows(), HEAD)
    if found.confirmed:
        table("Measured again", found.confirmed_rows(), CONFIRMED_HEAD)
    typer.echo(f"Each device as a file: {folder}   Next: photinus design {folder}/NAME.json")
