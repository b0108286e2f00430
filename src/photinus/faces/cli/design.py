"""``photinus design``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photinus.errors import InvalidInput, NotConverged
from photinus.faces.cli.inputs import read_calibration, read_laser, read_machine
from photinus.faces.cli.messages import INPUT_ERROR, print_json, say, stop, table, typed
from photinus.faces.cli.options import CalibrationFile, Force, Json, LayoutFile, Seed, Threads

if TYPE_CHECKING:
    from photinus.faces.design import Design
    from photinus.machines.boltzmann import BoltzmannMachine
    from photinus.networks.layout import Layout


def design(
    laser: Annotated[str, typer.Argument(help="Preset, or file of a laser (.toml, .json).")],
    machine: Annotated[
        Path | None, typer.Option(help="Machine to try it on (default: random ones).")
    ] = None,
    random: Annotated[int, typer.Option(help="Units of random machines.")] = 5,
    scale: Annotated[float, typer.Option(help="Their weights and biases are up to ± this.")] = 1.0,
    layout: LayoutFile = None,
    calibration: CalibrationFile = None,
    chips: Annotated[int, typer.Option(help="Fabricated chips to draw.")] = 12,
    refined: Annotated[int, typer.Option(help="Of these, how many to refine.")] = 3,
    out: Annotated[Path, typer.Option(help="HTML page to write.")] = Path("design.html"),
    seed: Seed = 0,
    force: Force = False,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Judge a laser: does it sample, how fast, for how much, what to improve first.

    Of a laser that does not calibrate, the page says why, with its phase portrait.
    """
    from photinus._core import files
    from photinus.faces.design import design as judge
    from photinus.faces.design import words
    from photinus.faces.design.failure import failure_page
    from photinus.faces.design.job import random_machines
    from photinus.faces.design.page import design_page

    parameters = read_laser(laser, [], forced=False)
    tried = random_machines(random, scale, 4, seed) if machine is None else (read_machine(machine),)
    chip = None if layout is None else _chip(layout, tried[0], given=machine is not None)
    files.check_all([out], replace=force)
    options: dict[str, Any] = {
        "chips": chips,
        "refined": refined,
        "seed": seed,
        "threads": threads,
        "progress": True,
    }
    try:
        found = judge(
            parameters,
            machines=tried,
            layout=chip,
            calibration=None if calibration is None else read_calibration(None, calibration),
            **options,
        )
    except NotConverged as error:
        files.write_text(out, failure_page(parameters, str(error), typed()), replace=force)
        stop(f"{error}. Phase portraits: {out}", INPUT_ERROR)
    files.write_text(out, design_page(found, typed()), replace=force)
    if as_json:
        print_json({"page": str(out), **words.document(found)})
        return
    _show(found)
    typer.echo(f"Page: {out}")


def _chip(path: Path, machine: "BoltzmannMachine", *, given: bool) -> "Layout":
    """Return the layout of a file; raise where it needs a machine that was not given."""
    from photinus.networks.layout import Layout

    chip = Layout.load(path)
    names = {str(label) for label in machine.labels}
    others = [end for link in chip.links for end in (link.source, link.target) if str(end) not in names]
    if others and not given:
        raise InvalidInput(
            f"--layout must link units of the machine, got {others[0]!r} in {str(path)!r}: random "
            f"machines have 0 to {len(names) - 1}, so give --machine with the labels"
        )
    return chip


def _show(found: "Design") -> None:
    """Print a verdict."""
    from photinus.faces.design import words
    from photinus.hardware.links import undriven

    say(f"{words.headline(found)}\n")
    table("Verdict", words.verdict_rows(found))
    table("Synapses, each fitted", words.synapse_rows(found), words.SYNAPSE_HEAD)
    weak = undriven(found.links)
    if weak:
        say(f"{weak}.")
    head = words.INFLUENCE_HEAD
    table("Parameters", words.influence_rows(found.parameters, raised=True), head)
    table("Imperfections", words.influence_rows(found.faults, raised=False), head)
