"""``photinus sample``."""

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photinus.errors import InvalidInput
from photinus.faces.cli.documents import of_run
from photinus.faces.cli.inputs import (
    read_evidence,
    read_imperfections,
    read_machine,
    read_neurons,
    read_tempering,
    read_workers,
)
from photinus.faces.cli.messages import INTERRUPTED, json_of, print_json, stop, table
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
    LayoutFile,
    MachineFile,
    Period,
    Seed,
    Threads,
    Workers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from photinus.diagnostics.certificate import Fidelity
    from photinus.samplers.samples import Samples

REPORT = "photinus-report"
"""Kind of the file that `sample` writes beside its store."""

BurnIn = Annotated[
    int | None,
    typer.Option(help="Draws dropped at the start (default: 25, or as many as are kept if fewer)."),
]
Known = Annotated[
    list[str] | None,
    typer.Option("--evidence", "--clamp", metavar="LABEL=0|1", help="What is known; repeat for more."),
]
Substrate = Annotated[str, typer.Option(help="laser, laser-reduced, lif, gibbs, exact or ideal.")]
EvidenceMode = Annotated[
    str,
    typer.Option(
        "--evidence-mode",
        "--clamp-mode",
        help="Evidence acts on the partners (pump) or drives the known units (laser).",
    ),
]
Rule = Annotated[
    str, typer.Option(help="Translation rule: auto (default), measured, paired or linear.")
]
NetworkFile = Annotated[
    Path | None, typer.Option(help="Network file instead of translating the model.")
]


def sample(
    model: MachineFile,
    out: Annotated[Path, typer.Option(help="Zarr store to write.")] = Path("run.zarr"),
    substrate: Substrate = "laser",
    chains: Annotated[int, typer.Option(help="Independent chains.")] = 64,
    draws: Annotated[int, typer.Option(help="Draws per chain.")] = 250,
    burn_in: BurnIn = None,
    seed: Seed = 0,
    evidence: Known = None,
    evidence_mode: EvidenceMode = "pump",
    laser: Laser = None,
    calibration: CalibrationFile = None,
    network: NetworkFile = None,
    layout: LayoutFile = None,
    rule: Rule = "auto",
    gauge: Gauge = "auto",
    hottest: Hottest = None,
    period: Period = None,
    copies: Copies = None,
    imperfection: Faults = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run at --out.")] = False,
    force: Force = False,
    threads: Threads = None,
    engine: Engine = "cpu",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Sample from a Boltzmann machine. Ctrl-C loses nothing.

    The certificate is written beside the store, as OUT.report.json.
    """
    from photinus.samplers.sampling import sample as draw

    machine = read_machine(model)
    faults = read_imperfections(imperfection)
    summary = _summary(out, resume=resume, force=force)
    neurons = read_neurons(
        machine, substrate, laser, calibration, network, layout, faults, rule=rule, gauge=gauge
    )
    with _storing(out, resume=resume, force=force):
        samples = draw(
            machine,
            substrate,
            chains=chains,
            draws=draws,
            burn_in=min(25, draws) if burn_in is None else burn_in,
            seed=seed,
            evidence=read_evidence(evidence or [], machine),
            evidence_mode=evidence_mode,
            tempering=read_tempering(hottest, period, copies),
            imperfections=faults,
            threads=threads,
            engine=engine,
            workers=read_workers(workers),
            path=out,
            resume=resume,
            progress=True,
            **neurons,
        )
    _tell(samples, out, summary, replace=resume or force, as_json=as_json)


@contextlib.contextmanager
def _storing(out: Path, *, resume: bool, force: bool) -> "Iterator[None]":
    """Say how to go on after Ctrl-C. The store that is there stays until another takes its place."""
    from photinus.samplers.sampling import Interrupted
    from photinus.samplers.storage import replacing

    replaces = force and not resume
    try:
        with replacing(out) if replaces else contextlib.nullcontext():
            yield
    except Interrupted as stopped:
        if replaces and stopped.samples is None:
            stop(f"{stopped}; nothing was replaced", INTERRUPTED)
        stop(f"{stopped}; {out} can be read, --resume goes on with it", INTERRUPTED)


def _tell(samples: "Samples", out: Path, summary: Path, *, replace: bool, as_json: bool) -> None:
    """Write the report; print what a run was, and what came out."""
    from photinus.faces.report.rows import MARGINALS_HEAD, fidelity_rows, marginal_rows, run_rows

    fidelity = samples.fidelity(progress=True)
    document = _certify(samples, fidelity, out, summary, replace=replace)
    if as_json:
        print_json({**document, "store": str(out), "report": str(summary)})
        return
    table("Marginals", marginal_rows(fidelity), MARGINALS_HEAD)
    table("Fidelity", fidelity_rows(fidelity))
    table("Run", run_rows(samples))
    typer.echo(f"Samples: {out}   Report: {summary}")


def _certify(
    samples: "Samples", fidelity: "Fidelity", out: Path, summary: Path, *, replace: bool
) -> dict[str, Any]:
    """Write a run's report beside its store, and return it."""
    from photinus._core import files

    marginals = zip(samples.machine.labels, samples.marginals(), strict=True)
    document = {
        **files.stamp(REPORT),
        "store": out.name,
        "run": of_run(samples),
        "marginals": {str(label): float(p) for label, p in marginals},
        "fidelity": fidelity.to_dict(),
    }
    files.write_text(summary, json_of(document) + "\n", replace=replace)
    return document


def _summary(out: Path, *, resume: bool, force: bool) -> Path:
    """Return the path of a run's report; raise unless it and the store may be written.

    Only the report of the same store is replaced by going on with that.
    """
    from photinus._core import files
    from photinus.samplers.storage import check_place

    store = files.named(out)
    summary = store.with_name(f"{store.name}.report.json")
    if not (resume and os.path.exists(store)):
        instead = "; --resume goes on with a run, --force replaces one"
        check_place(store, replace=force, instead=instead)
    if resume and os.path.exists(summary):
        document = files.read_json(summary, kind=REPORT)
        if document.get("store") != store.name:
            raise InvalidInput(
                f"path {str(summary)!r} must be the report of {store.name!r} to resume it"
            )
    else:
        files.check_all([summary], replace=force)
    return summary
