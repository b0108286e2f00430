"""``photinus robustness``."""

from pathlib import Path
from typing import Annotated

import typer

from photinus.faces.cli.inputs import read_calibration, read_laser, read_machine
from photinus.faces.cli.messages import INTERRUPTED, print_json, say, stop, table
from photinus.faces.cli.options import CalibrationFile, Json, Seed, Threads


def robustness(
    laser: Annotated[str, typer.Argument(help="Preset, or file of a laser (.toml, .json).")],
    only: Annotated[
        list[str] | None, typer.Option(help="Imperfection to measure; repeat for more (default: all).")
    ] = None,
    calibration: CalibrationFile = None,
    machine: Annotated[
        Path | None, typer.Option(help="Machine to try it on (default: random ones).")
    ] = None,
    random: Annotated[int, typer.Option(help="Units of random machines.")] = 5,
    scale: Annotated[float, typer.Option(help="Their weights and biases are up to ± this.")] = 1.0,
    machines: Annotated[int, typer.Option(help="How many random machines.")] = 3,
    refined: Annotated[
        bool, typer.Option("--refined", help="Refine with the fault in place, and measure again.")
    ] = False,
    chains: Annotated[int, typer.Option(help="Chains of each run.", min=1)] = 256,
    draws: Annotated[int, typer.Option(help="Draws of each chain.", min=1)] = 200,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("robustness"),
    seed: Seed = 0,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Measure how large each imperfection of a chip may be, or go on where it stopped."""
    from photinus._core import files
    from photinus.faces.design.job import random_machines
    from photinus.faces.robustness import SWEEPS
    from photinus.faces.robustness import robustness as measure
    from photinus.faces.robustness.job import POINTS, save
    from photinus.faces.robustness.measuring import BURN_IN, Length

    parameters = read_laser(laser, [], forced=False)
    given = None if calibration is None else read_calibration(None, calibration)
    if given is not None:
        given.require(parameters)
    tried = (
        random_machines(random, scale, machines, seed) if machine is None else (read_machine(machine),)
    )
    folder = files.named(out)
    try:
        found = measure(
            given or parameters,
            machines=tried,
            names=only or SWEEPS,
            refined=refined,
            length=Length(chains, draws, min(BURN_IN, draws)),
            seed=seed,
            folder=folder / POINTS,
            threads=threads,
            progress=True,
        )
    except KeyboardInterrupt:
        stop(f"stopped; finished points are in {folder}, the same call goes on", INTERRUPTED)
    path = save(found, folder)
    if as_json:
        print_json({"results": str(folder), **found.to_dict()})
        return
    table("How large each may be", found.rows(), found.head())
    say("Brackets: 16 % and 84 % quantiles over machines. KLs are less their floor.")
    typer.echo(f"Results: {folder}   For photinus report --tolerances: {path}")
