"""``photinus report`` and ``photinus ledger``: what is said of a stored run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photinus.errors import InvalidInput
from photinus.faces.cli.inputs import read_chip
from photinus.faces.cli.messages import print_json, say, table, typed
from photinus.faces.cli.options import Force, Json

if TYPE_CHECKING:
    from photinus.hardware import Peer
    from photinus.samplers.samples import Samples


def report(
    run: Annotated[Path, typer.Argument(help="Zarr store of a run.")],
    out: Annotated[Path | None, typer.Option(help="HTML file (default: beside the run).")] = None,
    tolerances: Annotated[
        Path | None, typer.Option(help="Tolerances that the study of robustness wrote (.json).")
    ] = None,
    time_gibbs: Annotated[
        bool, typer.Option("--time-gibbs", help="Time Gibbs sampling here, to compare with.")
    ] = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write the HTML report of a stored run, complete or not."""
    from photinus._core import files
    from photinus.faces.report.hardware import load_tolerances
    from photinus.faces.report.run import run_page
    from photinus.samplers.samples import load

    borne = None if tolerances is None else load_tolerances(tolerances)
    target = files.named(run).with_suffix(".html") if out is None else out
    files.check_all([target], replace=force)
    samples = load(run)
    gibbs = _timed_gibbs(samples) if time_gibbs else None
    files.write_text(target, run_page(samples, borne, gibbs=gibbs, command=typed()), replace=force)
    if as_json:
        print_json({"report": str(target)})
    else:
        typer.echo(f"Report: {target}")


def _timed_gibbs(samples: "Samples") -> "Peer":
    """Return this computer's Gibbs sampler on a run's machine, timed now."""
    from photinus.faces.report.hardware import has_hardware
    from photinus.hardware import own_gibbs

    if not has_hardware(samples):
        raise InvalidInput(
            f"--time-gibbs must go with a run on lasers, got one on {samples.substrate!r}"
        )
    return own_gibbs(samples.machine)


def ledger(
    run: Annotated[Path, typer.Argument(help="Zarr store of a run on lasers.")],
    prices: Annotated[
        Path | None, typer.Option(help="Price list (.toml). Its entries replace the default ones.")
    ] = None,
    chip: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="What the chip is like, as area_per_weight=400µm2 or layout=crossbar; "
            "repeat for more.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a chip would do and take: counts, delays, prices, power, energies."""
    from photinus.hardware import Prices
    from photinus.samplers.samples import load

    listed = Prices.of(prices)
    found = load(run).ledger(listed, read_chip(chip))
    if as_json:
        print_json(found.to_dict())
        return
    table("What the chip does", found.count_rows())
    table("Prices", found.price_rows(), ("", "price", "expected", "worst", "kind and source"))
    table("What it takes", found.result_rows(), ("", "best", "expected", "worst"))
    say(f"Unpriced, in no sum: {', '.join(found.unpriced) or 'nothing'}")
