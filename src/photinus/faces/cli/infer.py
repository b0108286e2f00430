"""``photinus infer``: posterior marginals of a model, sampled on a substrate."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photinus.errors import InvalidInput
from photinus.faces.cli.inputs import (
    read_calibration,
    read_imperfections,
    read_known,
    read_query,
    read_tempering,
)
from photinus.faces.cli.messages import print_json, table, typed
from photinus.faces.cli.options import (
    CalibrationFile,
    Copies,
    Engine,
    Faults,
    Force,
    Gauge,
    Hottest,
    Json,
    Laser,
    Period,
    Seed,
    Threads,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from photinus.tasks import Posterior
    from photinus.tasks.inference import Model


Known = Annotated[
    list[str] | None,
    typer.Option(
        "--evidence",
        metavar="VARIABLE=STATE",
        help="What is known; or a file of UAI evidence, FILE.evid. Repeat for more.",
    ),
]
Asked = Annotated[
    list[str] | None,
    typer.Option("--query", metavar="VARIABLE", help="Asked for (default: all); repeat for more."),
]
Substrate = Annotated[str, typer.Option(help="laser, laser-reduced, lif, gibbs, exact or ideal.")]
BurnIn = Annotated[
    int | None,
    typer.Option(help="Draws dropped at the start (default: 100, or as many as are kept if fewer)."),
]
Refined = Annotated[
    bool, typer.Option("--refined/--not-refined", help="Refine simulated neurons first.")
]
Summing = Annotated[
    bool,
    typer.Option("--summing/--not-summing", help="Sum variables out that need strong weights."),
]
Coding = Annotated[str, typer.Option(help="Units of more than two states: auto, one-hot or binary.")]
Store = Annotated[Path | None, typer.Option(help="Zarr store to write; the report is OUT.report.html.")]


def infer(
    model: Annotated[Path, typer.Argument(help="Network or Boltzmann machine; - reads from stdin.")],
    evidence: Known = None,
    query: Asked = None,
    substrate: Substrate = "laser",
    refined: Refined = True,
    summing: Summing = True,
    code: Coding = "auto",
    chains: Annotated[int, typer.Option(help="Independent chains.")] = 256,
    draws: Annotated[int, typer.Option(help="Draws per chain.")] = 400,
    burn_in: BurnIn = None,
    seed: Seed = 0,
    laser: Laser = None,
    calibration: CalibrationFile = None,
    gauge: Gauge = "auto",
    hottest: Hottest = None,
    period: Period = None,
    copies: Copies = None,
    imperfection: Faults = None,
    out: Store = None,
    force: Force = False,
    threads: Threads = None,
    engine: Engine = "cpu",
    as_json: Json = False,
) -> None:
    """Tell the probabilities of a model's variables, given what is known."""
    from photinus.interop.formats import read_model
    from photinus.samplers import registry
    from photinus.tasks import infer as ask

    read = read_model(model)
    states = _states(read)
    options: dict[str, Any] = {"gauge": gauge, "imperfections": read_imperfections(imperfection)}
    if registry.substrate(substrate).spiking or laser is not None or calibration is not None:
        options["calibration"] = read_calibration(laser, calibration, substrate)
    options["tempering"] = read_tempering(hottest, period, copies)
    report = None if out is None else _places(out, force=force)
    asked, known = read_query(query, states), _known(evidence, read, states)
    if as_json:
        _require_distinct({name: states[name] for name in asked or states if name in states})
    posterior = ask(
        read,
        known,
        substrate,
        query=asked,
        refined=refined,
        summing=summing,
        code=code,
        chains=chains,
        draws=draws,
        burn_in=burn_in,
        seed=seed,
        threads=threads,
        engine=engine,
        progress=True,
        **options,
    )
    if out is not None and report is not None:
        _write(posterior, out, report, force=force)
    if as_json:
        print_json(_document(posterior, out, report))
    else:
        _print(posterior, out, report)


def _states(model: "Model") -> "Mapping[Hashable, tuple[Hashable, ...]]":
    """Return the states of the variables of a model."""
    from photinus.machines.boltzmann import BoltzmannMachine

    return dict.fromkeys(model.labels, (0, 1)) if isinstance(model, BoltzmannMachine) else model.states


def _known(
    given: list[str] | None, model: "Model", states: "Mapping[Hashable, tuple[Hashable, ...]]"
) -> "dict[Hashable, Hashable]":
    """Return what is known: pairs, and files of evidence for networks of UAI files."""
    from photinus.interop import read_evidence

    paths = [one for one in given or [] if one.endswith(".evid") and "=" not in one]
    known: dict[Hashable, Hashable] = {}
    for path in paths:
        known |= read_evidence(path, model)
    return known | read_known([one for one in given or [] if one not in paths], states)


def _places(out: Path, *, force: bool) -> Path:
    """Return the path of the report; raise unless it and the store may be written."""
    from photinus._core import files
    from photinus.samplers.storage import check_place

    store = files.named(out)
    report = store.with_name(f"{store.name}.report.html")
    check_place(store, replace=force, instead="; --force replaces it")
    files.check_all([report], replace=force)
    return report


def _write(posterior: "Posterior", out: Path, report: Path, *, force: bool) -> None:
    """Write the samples and the report."""
    from photinus._core import files
    from photinus.faces.report.posterior import posterior_page
    from photinus.samplers.storage import replacing

    with replacing(out) if force else contextlib.nullcontext():
        if posterior.samples is not None:
            posterior.samples.save(out)
    files.write_text(report, posterior_page(posterior, typed()), replace=force)


def _require_distinct(states: "Mapping[Hashable, tuple[Hashable, ...]]") -> None:
    """Raise for names that read alike: keys of JSON are text."""
    from photinus._core import validate

    for names in (tuple(states), *states.values()):
        if len(set(map(str, names))) < len(names):
            raise InvalidInput(
                f"--json needs names that do not read alike, got {validate.shown(list(names))}"
            )


def _document(posterior: "Posterior", out: Path | None, report: Path | None) -> dict[str, Any]:
    """Return a posterior for programs."""
    marginals: dict[str, dict[str, Any]] = {}
    for name, state, p, error, exact in posterior.rows():
        found = {"probability": p, "error": error, "exact": exact}
        marginals.setdefault(str(name), {})[str(state)] = found
    fidelity = posterior.fidelity
    return {
        "evidence": {str(name): state for name, state in posterior.evidence.items()},
        "substrate": posterior.substrate,
        "marginals": marginals,
        "largest_deviation": posterior.largest_deviation,
        "verdict": {
            "grade": "exact" if fidelity is None else fidelity.grade,
            "sentence": posterior.verdict,
            "advice": "" if fidelity is None else fidelity.advice,
        },
        "weights": None if posterior.weights is None else posterior.weights.verdict,
        "invalid_draws": posterior.invalid,
        "summed_out": len(posterior.reduction.summed),
        "units": posterior.units,
        "largest_weight": posterior.largest_weight,
        "chip_time": posterior.chip_time,
        "wall_time": posterior.wall_time,
        "store": None if out is None or posterior.samples is None else str(out),
        "report": None if report is None else str(report),
    }


def _print(posterior: "Posterior", out: Path | None, report: Path | None) -> None:
    """Print a posterior as tables."""
    from photinus.faces.report.posterior import CHANCES_HEAD, chance_rows, posterior_rows

    table("Posterior", chance_rows(posterior), CHANCES_HEAD)
    table("Run", posterior_rows(posterior))
    if posterior.samples is not None and out is not None:
        typer.echo(f"Samples: {out}   Report: {report}")
    elif report is not None:
        typer.echo(f"Report: {report}")
