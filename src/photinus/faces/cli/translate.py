"""``photinus translate`` and ``photinus refine``: from machines to networks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photinus.errors import InvalidInput
from photinus.faces.cli.documents import flipped, of_drives
from photinus.faces.cli.inputs import (
    laid_out,
    read_calibration,
    read_imperfections,
    read_machine,
    read_start,
)
from photinus.faces.cli.messages import print_json, say, table
from photinus.faces.cli.options import (
    CalibrationFile,
    Faults,
    Force,
    Gauge,
    Json,
    Laser,
    LayoutFile,
    MachineFile,
    Seed,
    Threads,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from photinus.learning.rounds import Refinement

MOST_DRIVES = 200
"""Rows of a table of drives at most; the file has them all."""
NetworkFile = Annotated[Path, typer.Option(help="Network file to write.")]


def translate(
    model: MachineFile,
    out: NetworkFile = Path("network.json"),
    laser: Laser = None,
    calibration: CalibrationFile = None,
    rule: Annotated[str, typer.Option(help="auto, measured, paired or linear.")] = "auto",
    gauge: Gauge = "auto",
    layout: LayoutFile = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Translate a Boltzmann machine to pump currents and couplings."""
    import dataclasses

    from photinus._core import files
    from photinus._core import gauge as gauges
    from photinus.devices import device_of
    from photinus.faces.report.rows import gauge_words
    from photinus.translation.prediction import predict
    from photinus.translation.rules import followed
    from photinus.translation.rules import translate as to_network
    from photinus.translation.validity import check

    machine = read_machine(model)
    measured = read_calibration(laser, calibration)
    files.check_all([out], replace=force)
    network = laid_out(to_network(machine, measured, rule=rule, gauge=gauge), layout)
    network.save(out, replace=force)
    flips, followed_rule = gauges.of(network), followed(rule, measured, machine)
    outside = check(machine.flipped(flips), measured)
    try:
        predicted, told = predict(machine, measured, network), ""
    except InvalidInput as error:  # of more units than can be told
        predicted, told = None, f"predicted KL: unknown, {error}"
    drives = [
        (str(label), float(bias), setting)
        for label, bias, setting in zip(network.labels, machine.biases, network.settings(), strict=True)
    ]
    if as_json:
        print_json(
            {
                "network": str(out),
                "rule": followed_rule,
                **of_drives(network),
                "flipped": flipped(network),
                "outside_calibrated_range": str(outside) if not outside else None,
                "predicted_kl": {"rule": followed_rule}
                | ({} if predicted is None else dataclasses.asdict(predicted)),
            }
        )
        return
    _show_drives(drives, device_of(network).drive_name)
    say(gauge_words(network))
    say(str(outside))
    say(told or str(predicted))
    typer.echo(f"Network: {out}")


def _show_drives(drives: "Sequence[tuple[str, float, str]]", name: str) -> None:
    """Print unit, bias and drive of the first neurons."""
    rows = [(unit, f"{bias:+.3f}", setting) for unit, bias, setting in drives[:MOST_DRIVES]]
    left = len(drives) - len(rows)
    more = [(f"… and {left:,} others", "", "")] if left else []
    table("Drives", [*rows, *more], ("unit", "bias", name))


def refine(
    model: MachineFile,
    out: NetworkFile = Path("network.json"),
    laser: Laser = None,
    calibration: CalibrationFile = None,
    network: Annotated[
        Path | None, typer.Option(help="Network file to start from instead of translating.")
    ] = None,
    substrate: Annotated[
        str | None, typer.Option(help="What simulates the network (default: the full model).")
    ] = None,
    chains: Annotated[int, typer.Option(help="Chains of every measurement.")] = 256,
    draws: Annotated[int, typer.Option(help="Draws per chain of the longest measurement.")] = 400,
    rounds: Annotated[int, typer.Option(help="Measurements at most.")] = 24,
    damping: Annotated[
        float | None, typer.Option(help="Least damping of a step (default: chosen at every step).")
    ] = None,
    structure: Annotated[
        str | None,
        typer.Option(help="Pairs that may get a synapse: all, given (default on a layout)."),
    ] = None,
    gauge: Gauge = "auto",
    layout: LayoutFile = None,
    imperfection: Faults = None,
    seed: Seed = 0,
    force: Force = False,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Translate, then correct drives and couplings by the moments of the network.

    The record of all rounds is written beside the network, as NAME.rounds.json.
    """
    from photinus._core import files
    from photinus.learning.refinement import refine as adjust

    machine = read_machine(model)
    measured = read_calibration(laser, calibration, substrate or "laser")
    start = read_start(machine, measured, network, layout, gauge=gauge)
    record = files.beside(out, ".rounds.json")
    files.check_all([out, *filter(None, [record])], replace=force)
    result = adjust(
        machine,
        measured,
        substrate=substrate,
        network=start,
        seed=seed,
        chains=chains,
        draws=draws,
        most_rounds=rounds,
        damping=damping,
        structure=structure,
        gauge=gauge,
        imperfections=read_imperfections(imperfection),
        threads=threads,
        progress=True,
    )
    result.network.save(out, replace=force)
    if record is not None:
        files.write_json(record, result.to_dict(), replace=force)
    if as_json:
        print_json({"network": str(out), **result.to_dict()})
    else:
        _show_refinement(result, out)


def _show_refinement(result: "Refinement", out: Path) -> None:
    """Print what came of a refinement."""
    from photinus.faces.report.rows import gauge_words

    _show_rounds(result)
    say(gauge_words(result.network))
    typer.echo(f"Network: {out}")


def _show_rounds(result: "Refinement") -> None:
    """Print what each round of a refinement found."""
    table(
        "Rounds",
        [
            (
                str(entry.draws),
                f"{entry.misfit:.2f}",
                f"{entry.marginal_error:.4f}",
                f"{entry.pair_error:.4f}",
                "" if entry.kl is None else f"{entry.kl:.3g}",
                "" if entry.accepted else "taken back",
            )
            for entry in result.rounds
        ],
        ("draws", "misfit (1: noise alone)", "marginals off by", "pairs off by", "KL", ""),
    )
    before, after = result.rounds[0], result.best
    say(f"Marginals off by {before.marginal_error:.4f} before, {after.marginal_error:.4f} after.")
    say(f"Pairs off by {before.pair_error:.4f} before, {after.pair_error:.4f} after.")
    say(result.reason)
