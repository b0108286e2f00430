"""``photinus device fit``: a laser from what was measured of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photinus.errors import InvalidInput
from photinus.faces.cli.inputs import read_laser
from photinus.faces.cli.messages import print_json, say, table
from photinus.faces.cli.options import Force, Json, Seed, Threads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from photinus.measurements import Advice, LaserFit
    from photinus.measurements.observations import Measurement

SHOWN = 5
"""Correlations and measurements that are told at most."""
NOTABLE = 0.5
"""Correlation from which on it is told."""

Intervals = Annotated[
    list[str] | None,
    typer.Option(help="CURRENT:FILE with a table: interval [ns], or with count; repeat."),
]
Pulses = Annotated[
    list[str] | None, typer.Option(help="CURRENT:FILE with a table: time [ps], power [uW]; repeat.")
]
Noises = Annotated[
    list[str] | None,
    typer.Option(help="CURRENT:FILE with a table: frequency [GHz], rin [dB/Hz]; repeat."),
]


def fit(
    laser: Annotated[str, typer.Argument(help="What is known: file of a laser, or preset.")],
    li: Annotated[Path | None, typer.Option(help="Table: current [uA], power [uW].")] = None,
    isi: Intervals = None,
    pulse: Pulses = None,
    rate: Annotated[Path | None, typer.Option(help="Table: current [uA], rate [MHz].")] = None,
    rin: Noises = None,
    level: Annotated[
        str | None, typer.Option(help="Light above which you count a spike, as 20uW.")
    ] = None,
    hold: Annotated[
        list[str] | None, typer.Option(help="Quantity to leave as it is; repeat for more.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File for the fitted laser (.json).")] = None,
    figure: Annotated[
        Path | None, typer.Option(help="File for the residuals (.svg, .pdf, .png).")
    ] = None,
    advice: Annotated[bool, typer.Option(help="Tell which further measurement would say most.")] = True,
    effort: Annotated[float, typer.Option(help="Simulated time over the usual one.")] = 1.0,
    seed: Seed = 0,
    force: Force = False,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Fit a laser to measurements: its parameters, how sure they are, what stays open."""
    from photinus._core import files
    from photinus.measurements import fit_laser, next_measurements

    known, uncertainty = _known(laser)
    measurements = _read(li, isi or [], pulse or [], rate, rin or [])
    files.check_all([path for path in (out, figure) if path], replace=force)
    _check_endings(out, figure)
    found = fit_laser(
        known,
        measurements,
        uncertainty=uncertainty,
        hold=hold or (),
        level=level,
        effort=effort,
        seed=seed,
        threads=threads,
        progress=True,
    )
    further = next_measurements(found, seed=seed, threads=threads) if advice else ()
    if out:
        files.write_json(out, found.laser.to_dict(), indent=2, replace=force)
    if figure:
        files.write_bytes(figure, _drawn(found, figure.suffix), replace=force)
    if as_json:
        told = [{"measurement": each.measurement, "gain": each.gain} for each in further]
        print_json({**found.to_dict(), "next": told})
        return
    _show(found, further)
    for path in (out, figure):
        if path:
            typer.echo(f"Wrote {path}")


def _known(laser: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is known of a laser, and how surely."""
    from photinus.devices.laser.measured import COEFFICIENTS
    from photinus.devices.reading import read_described

    if laser.endswith(".toml"):
        return read_described(laser)
    parameters = read_laser(laser, [], forced=False)
    more = ("carrier_noise", "pump_noise", "gain_compression", "driver_knee", "driver_softness")
    names = ("name", *COEFFICIENTS, *more)
    return {name: getattr(parameters, name) for name in names}, {}


def _read(
    li: Path | None,
    isi: "Iterable[str]",
    pulse: "Iterable[str]",
    rate: Path | None,
    rin: "Iterable[str]",
) -> "list[Measurement]":
    """Return the measurements of all files."""
    from photinus._core import files
    from photinus.measurements import Intervals, Light, Noise, Pulse, Rates, read_table

    found: list[Measurement] = []

    def add(
        kind: Any, path: str | Path, columns: dict[str, str], more: dict[str, str], **at: Any
    ) -> None:
        read = read_table(path, columns, more)
        with files.reading(path, "table"):
            found.append(kind(**at, **read))

    if li is not None:
        add(Light, li, {"current": "A", "power": "W"}, {"error": "W"})
    for given in pulse:
        current, path = _at("--pulse", given)
        add(Pulse, path, {"time": "s", "power": "W"}, {"error": "W"}, current=current)
    if rate is not None:
        add(Rates, rate, {"current": "A", "rate": "1/s"}, {"error": "1/s"})
    for given in isi:
        current, path = _at("--isi", given)
        add(Intervals, path, {"interval": "s"}, {"count": ""}, current=current)
    for given in rin:
        current, path = _at("--rin", given)
        add(Noise, path, {"frequency": "Hz", "rin": "1/Hz"}, {"error": "1/Hz"}, current=current)
    if not found:
        raise InvalidInput("a fit must have measurements: give --li, --pulse, --rate, --isi or --rin")
    return found


def _at(option: str, given: str) -> tuple[float, str]:
    """Return current and file of CURRENT:FILE."""
    from photinus._core import validate
    from photinus.measurements.curves import CURRENT

    current, colon, path = given.partition(":")
    if not colon or not path:
        raise InvalidInput(f"{option} must be CURRENT:FILE, as 12uA:table.csv, got {given!r}")
    return validate.allowed(f"current of {option}", current, CURRENT), path


def _check_endings(out: Path | None, figure: Path | None) -> None:
    """Raise for files of other kinds than are written."""
    if out and out.suffix != ".json":
        raise InvalidInput(f"--out must end in .json, got {str(out)!r}")
    if figure and figure.suffix not in (".svg", ".pdf", ".png"):
        raise InvalidInput(f"--figure must end in .svg, .pdf or .png, got {str(figure)!r}")


def _drawn(found: "LaserFit", ending: str) -> bytes:
    """Return the figure of residuals as a file."""
    from photinus.faces.figures import residuals
    from photinus.faces.report.page import pdf, png, svg

    return {".svg": svg, ".pdf": pdf, ".png": png}[ending](residuals(found))


def _show(found: "LaserFit", further: "Sequence[Advice]") -> None:
    """Print what was found, and what to measure next."""
    ratio = found.chi_squared / found.freedom
    say(f"Squared residuals per degree of freedom: {ratio:.2f} (1 is expected).")
    if found.scale > 1:
        say(
            f"The laser does not do all that was measured within the stated errors. They were taken "
            f"as {found.scale:.2g} times larger."
        )
    typer.echo("")
    head = ("quantity", "value", "95 % interval", "error now / before", "")
    table(f"Fit of {found.laser.name}", map(_row, found.estimates), head)
    pairs = _correlations(found)
    if pairs:
        table("Correlations", pairs[:SHOWN], ("quantities", "correlation"))
    if found.open:
        rows = [(each.told(), f"{100 * each.kept:.0f} %") for each in found.open]
        titles = ("what can change together unseen", "of the error before")
        table("What the measurements leave open", rows, titles)
    else:
        say("The measurements leave nothing open.")
        typer.echo("")
    if further:
        rows = [(each.measurement, f"{each.gain:.2f}") for each in further[:SHOWN]]
        table("What to measure next", rows, ("measurement", "information [nats]"))


def _row(each: Any) -> tuple[str, ...]:
    """Return one estimate as a row."""
    value, low, high = (_shown(x, each.unit) for x in (each.value, each.low, each.high))
    return each.name, value, f"{low} to {high}", f"{each.found / each.known:.2f}", each.origin


def _shown(value: float, unit: str) -> str:
    """Return a quantity for people."""
    from photinus.units import quantity

    if unit in ("s", "m", "A"):
        return quantity(value, unit)
    return f"{value:.3g} {unit}".rstrip()


def _correlations(found: "LaserFit") -> list[tuple[str, str]]:
    """Return pairs of quantities and their correlation, the largest first."""
    names, matrix = found.knowledge.names, found.correlation
    pairs = [
        (abs(matrix[i, j]), f"{names[i]}, {names[j]}", f"{matrix[i, j]:+.2f}")
        for i in range(len(names))
        for j in range(i)
    ]
    return [(what, shown) for size, what, shown in sorted(pairs, reverse=True) if size >= NOTABLE]
