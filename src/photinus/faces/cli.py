"""The command line; ``photinus --help`` lists the commands."""

import errno
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from photinus._core.version import __version__
from photinus.errors import InvalidInput, PhotinusError, TranslationWarning

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from photinus.calibration import Calibration
    from photinus.machines.boltzmann import BoltzmannMachine
    from photinus.networks.imperfections import Imperfections

OUTPUT_ERROR = 1
INPUT_ERROR = 2
INTERRUPTED = 130
REPORT = "photinus-report"
"""Kind of the file that `sample` writes beside its store."""
_AMBIGUOUS = object()
"""Stands for several labels that read alike, as the number 1 and the text 1 do."""

app = typer.Typer(
    name="photinus",
    help="Bayesian inference on networks of spiking nanolasers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Seed = Annotated[int, typer.Option(help="Seed of every random number.", min=0)]
Workers = Annotated[
    str | None,
    typer.Option(help="Spread the work over N processes, or a Dask cluster (tcp://host:8786)."),
]
Threads = Annotated[int | None, typer.Option(help="Threads (default: all cores).", min=1)]
Laser = Annotated[str | None, typer.Option(help="Preset (default: fast-absorber; lif-hcs for lif).")]
CalibrationFile = Annotated[
    Path | None, typer.Option("--calibration", help="Calibration file instead of the shipped one.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist already.")]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--imperfection",
        help="What is wrong with the chip, NAME=VALUE, as mismatch=2% or delay=30ps; repeat for more.",
    ),
]


_Misuse: Any = typer.BadParameter.__mro__[2]
"""The base of what typer raises on arguments that it cannot take; it has no public name there."""


def main() -> None:
    """Run the command line; bad input is one sentence and exit code 2."""
    _open_output()
    warnings.simplefilter("always", TranslationWarning)
    warnings.showwarning = _tell
    try:
        status = app(standalone_mode=False)
        sys.stdout.flush()
    except PhotinusError as error:
        _stop(str(error), INPUT_ERROR)
    except _Misuse as error:
        _stop(error, INPUT_ERROR)
    except MemoryError:
        _stop("memory is too short for this", INPUT_ERROR)
    except OSError as error:
        _stop_output(error)
    if status == INTERRUPTED:  # typer takes Ctrl-C as an exit with this status
        _stop("stopped", INTERRUPTED)
    sys.exit(status or 0)


def _open_output() -> None:
    """Make output that never fails for want of a letter or of a reader."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by who started this
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, open to the end
        elif hasattr(stream, "reconfigure"):
            # A terminal without the letter µ shows a question mark.
            stream.reconfigure(errors="replace")


def _stop(why: Any, status: int) -> NoReturn:
    """Say in one line why nothing was done, and end."""
    text = why if isinstance(why, str) else why.format_message()
    if why.__class__.__name__ == "NoArgsIsHelpError":
        typer.echo(text, err=True)
    else:
        typer.echo(f"photinus: {' '.join(text.split())}", err=True)
    sys.exit(status)


def _stop_output(error: OSError) -> NoReturn:
    """End where nobody reads on, as ``| head`` does, or where the output's disk is full."""
    # Or else Python tries to write the rest when it ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if error.errno != errno.EPIPE:
        _stop(f"output cannot be written: {error.strerror}", OUTPUT_ERROR)
    sys.exit(OUTPUT_ERROR)


def _tell(message: Warning | str, *_: Any, **__: Any) -> None:
    """Show a warning as people read it."""
    typer.echo(f"photinus: {message}", err=True)


def _table(title: str, rows: "Iterable[Iterable[str]]", head: tuple[str, ...] = ("", "")) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=any(head), box=None, pad_edge=False)
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    # A report that is piped into a file must not be cut at 80 columns.
    width = None if sys.stdout.isatty() else 120
    # What people call their units is no markup: z[i] stays z[i].
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    console.print(title, style="bold")
    console.print(table)
    console.print()


def _calibration(device: str | None, path: Path | None, substrate: str = "laser") -> "Calibration":
    """Return the calibration of a preset (by default the substrate's) or of a file."""
    from photinus.calibration import Calibration
    from photinus.engines.devices import preset
    from photinus.samplers.spiking import LaserRun, LifRun

    if path is None:
        return Calibration.preset(device or (LifRun if substrate == "lif" else LaserRun).preset)
    calibration = Calibration.load(path)
    if device is not None:
        calibration.require(preset(device))
    return calibration


def _evidence(clamps: list[str], machine: "BoltzmannMachine") -> "dict[Hashable, Any]":
    """Return LABEL=VALUE pairs as evidence."""
    names: dict[str, Hashable] = {}
    for known in machine.labels:
        names[str(known)] = _AMBIGUOUS if str(known) in names else known
    evidence: dict[Hashable, Any] = {}
    for clamp in clamps:
        label, equals, value = clamp.rpartition("=")
        if not equals or value.strip() not in ("0", "1"):
            raise InvalidInput(f"--clamp must be LABEL=0 or LABEL=1, got {clamp!r}")
        unit = names.get(label, label)
        if unit is _AMBIGUOUS:
            raise InvalidInput(
                f"--clamp must name one unit, got {clamp!r} where several have a label that reads so"
            )
        if unit in evidence:
            raise InvalidInput(f"--clamp must name each unit once, got {label!r} twice")
        evidence[unit] = int(value)
    return evidence


def _settings(option: str, given: "list[str] | None") -> "dict[str, Any]":
    """Return NAME=VALUE pairs as a mapping; true and false are booleans."""
    values: dict[str, Any] = {}
    for pair in given or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InvalidInput(f"{option} must be NAME=VALUE, got {pair!r}")
        if value.lower() in ("true", "false"):
            values[name] = value.lower() == "true"
        else:
            values[name] = value
    return values


def _imperfections(given: "list[str] | None") -> "Imperfections | None":
    from photinus.networks.imperfections import Imperfections

    if not given:
        return None
    values = _settings("--imperfection", given)
    whole = {name: int(value) for name, value in values.items() if str(value).isdecimal()}
    return Imperfections.from_dict({**values, **whole})


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("runs/demo"),
    seed: Seed = 0,
    chains: Annotated[int, typer.Option(help="Chains of the free-running network.", min=1)] = 256,
    draws: Annotated[int, typer.Option(help="Draws per chain, one every τ.", min=25)] = 600,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Measure the laser anew, not from the package.")
    ] = False,
    threads: Threads = None,
) -> None:
    """Do the main job: real data to a posterior that simulated lasers compute."""
    from photinus._core import files
    from photinus.calibration import calibrate as measure
    from photinus.devices.laser import LaserParameters
    from photinus.faces import demo as job
    from photinus.faces.report import (
        device_rows,
        digits_rows,
        fidelity_rows,
        posterior_table,
        time_rows,
    )

    out = files.fresh_folder(out)
    calibration = None
    if calibrate:
        calibration = measure(LaserParameters.preset(), seed=seed, threads=threads, progress=True)
    result = job.run(
        seed=seed,
        chains=chains,
        draws=draws,
        calibration=calibration,
        threads=threads,
        progress=True,
    )
    paths = job.save(result, out)
    data = result.data
    _table(
        f"Units: {len(data.train)} training and {len(data.test)} held-out patients",
        [(name, f"1 above {value:.4g}") for name, value in data.thresholds.items()]
        + [(job.DIAGNOSIS, "1 if malignant")],
    )
    _table("Device", device_rows(result.calibration))
    _table("Fidelity of the free-running network, translation alone", fidelity_rows(result.fidelity))
    rounds = f"refined in the loop, {len(result.refinement.rounds)} rounds"
    _table(f"Fidelity, {rounds}", fidelity_rows(result.refined_fidelity))
    if not result.validity:
        typer.echo(f"Outside the calibrated range:\n{result.validity}\n")
    _table(
        "P(malignant | evidence) of held-out patients",
        posterior_table(result),
        ("evidence", "computed by", "accuracy", "largest disagreement with exact"),
    )
    _table("Handwritten digits: learned, dreamt and completed", digits_rows(result))
    _table("Time", [*time_rows(result), ("the whole demo", f"{result.wall_time:.1f} s")])
    typer.echo(f"Report: {paths['report']}")


@app.command()
def sample(
    model: Annotated[Path, typer.Argument(help="Boltzmann machine (.json or .npz).")],
    out: Annotated[Path, typer.Option(help="Zarr store to write.")] = Path("run.zarr"),
    substrate: Annotated[
        str, typer.Option(help="laser, laser-reduced, lif, gibbs, exact or ideal.")
    ] = "laser",
    chains: Annotated[int, typer.Option(help="Independent chains.")] = 64,
    draws: Annotated[int, typer.Option(help="Draws per chain.")] = 250,
    burn_in: Annotated[int, typer.Option(help="Draws dropped at the begin.")] = 25,
    seed: Seed = 0,
    clamp: Annotated[
        list[str] | None, typer.Option(help="Evidence LABEL=0 or LABEL=1; repeat for more.")
    ] = None,
    clamp_mode: Annotated[
        str, typer.Option(help="pump: on the partners; laser: drive the laser itself.")
    ] = "pump",
    laser: Laser = None,
    calibration: CalibrationFile = None,
    network: Annotated[
        Path | None, typer.Option(help="Network file instead of translating the model.")
    ] = None,
    rule: Annotated[str, typer.Option(help="Translation rule: measured or linear.")] = "measured",
    hottest: Annotated[
        float | None, typer.Option(help="Temper: heat to this temperature, draw when cold.")
    ] = None,
    period: Annotated[int, typer.Option(help="State windows of a tempering cycle.")] = 40,
    imperfection: Faults = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run at --out.")] = False,
    force: Force = False,
    threads: Threads = None,
    workers: Workers = None,
) -> None:
    """Sample from a Boltzmann machine; stores while it goes, Ctrl-C loses nothing.

    The certificate is written beside the store, as OUT.report.json.
    """
    import json

    from photinus._core import files
    from photinus.engines.devices import load_network
    from photinus.faces.report import MARGINALS_HEAD, fidelity_rows, marginal_rows, run_rows
    from photinus.machines.boltzmann import BoltzmannMachine
    from photinus.samplers.registry import SPIKING
    from photinus.samplers.sampling import Interrupted
    from photinus.samplers.sampling import sample as draw
    from photinus.samplers.storage import remove
    from photinus.samplers.tempering import Tempering

    machine = BoltzmannMachine.load(model)
    faults = _imperfections(imperfection)
    summary = _summary(out, resume=resume, force=force)
    simulated, measured = None, None
    if substrate in SPIKING and network is not None:
        simulated = load_network(network)
        if faults is not None:
            typer.echo("The network is taken as built; added is what happens during a run.", err=True)
    elif substrate in SPIKING:
        measured = _calibration(laser, calibration, substrate)
    if force and not resume and os.path.exists(out):
        remove(out)
    try:
        samples = draw(
            machine,
            substrate,
            chains=chains,
            draws=draws,
            burn_in=burn_in,
            seed=seed,
            clamp=_evidence(clamp or [], machine),
            clamp_mode=clamp_mode,
            calibration=measured,
            network=simulated,
            rule=rule,
            tempering=None if hottest is None else Tempering(hottest=hottest, period=period),
            imperfections=faults,
            threads=threads,
            workers=_workers(workers),
            path=out,
            resume=resume,
            progress=True,
        )
    except Interrupted as stop:
        _stop(f"{stop}; {out} can be read, --resume goes on with it", INTERRUPTED)
    fidelity = samples.fidelity(progress=True)
    document = {
        "kind": REPORT,
        "schema": 1,
        "store": out.name,
        "run": dict(run_rows(samples)),
        "marginals": {
            str(label): float(p) for label, p in zip(machine.labels, samples.marginals(), strict=True)
        },
        "fidelity": fidelity.to_dict(),
    }
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    files.write_text(summary, text, replace=resume or force)
    _table("Marginals", marginal_rows(fidelity), MARGINALS_HEAD)
    _table("Fidelity", fidelity_rows(fidelity))
    _table("Run", run_rows(samples))
    typer.echo(f"Samples: {out}   Report: {summary}")


def _summary(out: Path, *, resume: bool, force: bool) -> Path:
    """Return the path of a run's report; raise unless it and the store may be written.

    Only the report of the same store is replaced by going on with that.
    """
    from photinus._core import files

    store = files.named(out)
    summary = store.with_name(f"{store.name}.report.json")
    if not (os.path.exists(store) and (resume or force)):
        files.check_new(store, instead="; --resume goes on with a run, --force replaces one")
    if resume and os.path.exists(summary):
        document = files.read_json(summary, kind=REPORT, schema=1)
        if document.get("store") != store.name:
            raise InvalidInput(
                f"path {str(summary)!r} must be the report of {store.name!r} to resume it"
            )
    else:
        files.check_all([summary], replace=force)
    return summary


@app.command()
def study(
    file: Annotated[Path, typer.Argument(help="Study (.toml); lists in it are swept.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results (default: the file's name).")
    ] = None,
    threads: Threads = None,
    workers: Workers = None,
) -> None:
    """Measure every combination of a study's values; goes on where it stopped."""
    from photinus._core import files
    from photinus.faces.study import Study

    folder = files.named(file).with_suffix("") if out is None else files.named(out)
    planned = Study.load(file)
    try:
        results = planned.run(folder, workers=_workers(workers), threads=threads, progress=True)
    except KeyboardInterrupt:
        _stop(f"stopped; finished points are in {folder}, the same call goes on", INTERRUPTED)
    head, *rows = planned.rows(results)
    _table("Study", rows, tuple(head))
    typer.echo(f"Results: {folder}   Table: {folder / 'table.csv'}")


def _workers(given: str | None) -> int | str | None:
    return int(given) if given is not None and given.isdecimal() else given


@app.command()
def calibrate(
    device: Annotated[str, typer.Argument(help="Preset, or JSON file of a device's parameters.")],
    out: Annotated[Path, typer.Option(help="Calibration file to write.")] = Path("calibration.json"),
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Parameter NAME=VALUE, as photon_lifetime=4ps (or in SI); repeat for more."
        ),
    ] = None,
    force_range: Annotated[
        bool, typer.Option("--force-range", help="Take parameters that are not plausible.")
    ] = False,
    synapse: Annotated[
        str | None,
        typer.Option(help="rectangle, plain, exponential or charge (default: the device's)."),
    ] = None,
    additive: Annotated[
        bool, typer.Option("--additive", help="Pulses of one source add up instead of renewing.")
    ] = False,
    reduced: Annotated[
        bool, typer.Option("--reduced", help="Measure the escape rate too, for laser-reduced.")
    ] = False,
    seed: Seed = 0,
    force: Force = False,
    threads: Threads = None,
) -> None:
    """Measure a device as a sampling neuron (a minute or two)."""
    from photinus._core import files
    from photinus.calibration import calibrate as measure
    from photinus.faces.report import device_rows

    parameters = _parameters(device, change or [], forced=force_range)
    files.check_all([out], replace=force)
    calibration = measure(
        parameters,
        synapse=synapse,
        renewing=not additive,
        reduced=reduced,
        seed=seed,
        threads=threads,
        progress=True,
    )
    calibration.save(out, replace=force)
    _table("Device", device_rows(calibration))
    typer.echo(f"Calibration: {out}")


def _parameters(device: str, changes: list[str], *, forced: bool) -> Any:
    """Return the parameters of a preset or file, with NAME=VALUE changes."""
    from photinus._core import files
    from photinus.engines import devices

    if device.endswith(".json"):
        with files.reading(device, "device"):
            given = files.parse_json(device)
            if forced and isinstance(given, dict):
                given["forced"] = True
            parameters = devices.parameters_from_dict(given)
    else:
        parameters = devices.preset(device)
    values = _settings("--set", changes)
    if values:
        values.setdefault("name", f"{parameters.name} (changed)")
    if forced:
        values["forced"] = True
    return parameters.replace(**values)


@app.command()
def translate(
    model: Annotated[Path, typer.Argument(help="Boltzmann machine (.json or .npz).")],
    out: Annotated[Path, typer.Option(help="Network file to write.")] = Path("network.json"),
    laser: Laser = None,
    calibration: CalibrationFile = None,
    rule: Annotated[str, typer.Option(help="measured or linear.")] = "measured",
    force: Force = False,
) -> None:
    """Translate a Boltzmann machine to pump currents and couplings."""
    from photinus._core import files
    from photinus.machines.boltzmann import BoltzmannMachine
    from photinus.networks.lasers import LaserNetwork
    from photinus.translation.rules import check
    from photinus.translation.rules import translate as to_network

    machine = BoltzmannMachine.load(model)
    measured = _calibration(laser, calibration)
    files.check_all([out], replace=force)
    network = to_network(machine, measured, rule=rule)
    network.save(out, replace=force)
    _table(
        "Drives",
        [
            (str(label), f"{bias:+.3f}", setting)
            for label, bias, setting in zip(
                network.labels, machine.biases, network.settings(), strict=True
            )
        ],
        ("unit", "bias", "pump current" if isinstance(network, LaserNetwork) else "potential"),
    )
    typer.echo(str(check(machine, measured)))
    typer.echo(f"Network: {out}")


@app.command()
def refine(
    model: Annotated[Path, typer.Argument(help="Boltzmann machine (.json or .npz).")],
    out: Annotated[Path, typer.Option(help="Network file to write.")] = Path("network.json"),
    laser: Laser = None,
    calibration: CalibrationFile = None,
    network: Annotated[
        Path | None, typer.Option(help="Network file to start from instead of translating.")
    ] = None,
    chains: Annotated[int, typer.Option(help="Chains of every measurement.")] = 256,
    draws: Annotated[int, typer.Option(help="Draws per chain of the longest measurement.")] = 400,
    rounds: Annotated[int, typer.Option(help="Measurements at most.")] = 24,
    damping: Annotated[
        float | None, typer.Option(help="Least damping of a step (default: chosen at every step).")
    ] = None,
    structure: Annotated[
        str, typer.Option(help="all: any pair may get a synapse; given: only those that have one.")
    ] = "all",
    imperfection: Faults = None,
    seed: Seed = 0,
    force: Force = False,
    threads: Threads = None,
) -> None:
    """Translate, then adjust pumps and couplings until the network's own moments are right.

    The record of all rounds is written beside the network, as NAME.rounds.json.
    """
    from photinus._core import files
    from photinus.engines.devices import load_network
    from photinus.learning.refinement import refine as adjust
    from photinus.machines.boltzmann import BoltzmannMachine

    machine = BoltzmannMachine.load(model)
    measured = _calibration(laser, calibration)
    faults = _imperfections(imperfection)
    start = None if network is None else load_network(network)
    record = files.beside(out, ".rounds.json")
    files.check_all([out, *filter(None, [record])], replace=force)
    result = adjust(
        machine,
        measured,
        network=start,
        seed=seed,
        chains=chains,
        draws=draws,
        most_rounds=rounds,
        damping=damping,
        structure=structure,
        imperfections=faults,
        threads=threads,
        progress=True,
    )
    result.network.save(out, replace=force)
    if record is not None:
        files.write_json(record, result.to_dict(), replace=force)
    _table(
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
    typer.echo(
        f"Marginals off by {before.marginal_error:.4f} before, {after.marginal_error:.4f} after."
    )
    typer.echo(f"Pairs off by {before.pair_error:.4f} before, {after.pair_error:.4f} after.")
    typer.echo(result.reason)
    typer.echo(f"Network: {out}")


ModelFile = Annotated[
    Path, typer.Argument(help="Learned machine (.npz, .json; .h5 of the package rbms).")
]
TaskFolder = Annotated[Path | None, typer.Option("--out", help="Folder (default: runs/TASK).")]
Substrate = Annotated[str, typer.Option(help="laser, laser-reduced, lif, gibbs or ideal.")]
Draws = Annotated[int, typer.Option(help="Draws per chain, one every τ.", min=1)]
DataName = Annotated[
    str, typer.Option("--data", help="digits, mnist, mnist14, openml-mnist or FILE.npz.")
]
JudgeData = Annotated[
    str | None,
    typer.Option("--data", help="Judge by a classifier of these images; Gibbs sampling beside."),
]
DataFolder = Annotated[Path | None, typer.Option(help="Folder of the MNIST files.")]
Count = Annotated[int, typer.Option("--images", help="How many images of the test part.", min=1)]
Hottest = Annotated[
    float | None, typer.Option(help="Temper: heat to this temperature, draw when cold.")
]
Period = Annotated[int, typer.Option(help="State windows of a tempering cycle.")]


@app.command()
def learn(
    data: DataName = "digits",
    data_dir: DataFolder = None,
    out: Annotated[Path, typer.Option(help="Machine to write (.npz or .json).")] = Path("machine.npz"),
    hidden: Annotated[
        list[int] | None,
        typer.Option(help="Hidden units; repeat for more layers (default: 64, MNIST 500)."),
    ] = None,
    labels: Annotated[bool, typer.Option(help="One more visible unit per class.")] = True,
    method: Annotated[str, typer.Option(help="pcd, cd or tempered.")] = "pcd",
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Passes through the images (default: for 8 400 updates, 10 to 1 000).", min=1
        ),
    ] = None,
    rate: Annotated[float, typer.Option(help="Learning rate at the start; it falls to 0.")] = 0.1,
    batch: Annotated[int, typer.Option(help="Images per update.", min=1)] = 50,
    validation: Annotated[
        float, typer.Option(help="Part of the images held back to stop early.")
    ] = 0.0,
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    force: Force = False,
) -> None:
    """Learn a Boltzmann machine from images; stores after each epoch, Ctrl-C loses one at most.

    Beside the machine there are NAME.checkpoint.npz, for --resume, and the report NAME.html.
    """
    import logging

    from photinus._core import files
    from photinus.faces.figures import pictures
    from photinus.faces.report import is_page, task_page
    from photinus.learning.data import load
    from photinus.learning.estimator import BoltzmannEstimator

    train, test = (load(data, part, data_dir=data_dir) for part in ("train", "test"))
    if out.suffix not in (".npz", ".json"):
        raise InvalidInput(f"--out must end in .npz or .json, got {str(out)!r}")
    if files.is_stream(out):
        raise InvalidInput(f"--out must be a file, got {str(out)!r}")
    checkpoint, page_file = out.with_suffix(".checkpoint.npz"), out.with_suffix(".html")
    # Going on replaces the checkpoint, which is read first, and the page of an earlier end.
    ours = [checkpoint, *([page_file] if is_page(page_file) else [])] if resume else []
    files.check_all(ours, replace=True)
    files.check_all([p for p in (out, checkpoint, page_file) if p not in ours], replace=force)
    estimator = BoltzmannEstimator(
        tuple(hidden or (500 if "mnist" in data else 64,)),
        method=method,
        epochs=epochs,
        learning_rate=rate,
        batch_size=batch,
        validation_fraction=validation,
        seed=seed,
        checkpoint=checkpoint,
        resume=resume,
    )
    # One line per epoch says more than a bar.
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        estimator.fit(train.pixels, train.labels if labels else None)
    except KeyboardInterrupt:
        _stop("stopped; --resume goes on after the last epoch", INTERRUPTED)
    machine = estimator.machine()
    machine.save(out, replace=force)
    rows = _learned_rows(estimator, train, test)
    first = estimator.layers_ == 1
    shown = machine.weights[: train.pixels.shape[1], first]
    page = task_page(
        f"Photinus: learned from {data}",
        f"{len(train)} images, {machine.n_units} units.",
        [("Learn", rows)],
        [
            ("Curves", "Epoch by epoch.", pictures.learning_curves(estimator.history_)),
            ("Filters", "Weights of the strongest hidden units.", pictures.filters(shown, train.shape)),
        ],
    )
    files.write_text(page_file, page, replace=force or page_file in ours)
    _table("Learn", rows)
    typer.echo(f"Machine: {out}   Report: {page_file}")


def _learned_rows(estimator: Any, train: Any, test: Any) -> list[tuple[str, str]]:
    """Return what is to be said of a learned machine."""
    import numpy as np

    from photinus.learning.likelihood import log_partition

    machine, last = estimator.machine(), estimator.history_[-1]
    rows = [
        ("images", f"{len(train)}, {len(test)} held back"),
        ("units", str(machine.n_units)),
        ("epochs", f"{len(estimator.history_)}, {last['seconds']:.2f} s for the last one"),
        ("pixels reconstructed wrongly", f"{100 * last['reconstruction']:.2f} %"),
    ]
    if len(estimator.hidden) > 1:
        return rows
    if hasattr(estimator, "classes_") and test.labels is not None:
        right = 100 * estimator.score(test.pixels, test.labels)
        rows.append(("classes right, exact free energy", f"{right:.2f} % of the images held back"))
    base = np.zeros(machine.n_units)
    mean = (train.pixels.sum(axis=0) + 1) / (len(train) + 2)
    base[: len(mean)] = np.log(mean / (1 - mean))
    z = log_partition(machine, chains=100, temperatures=1000, base=base)
    scores = estimator.score_samples(test.pixels)
    error = float(np.hypot(z.error, scores.std() / np.sqrt(len(scores))))
    rows.append(
        (
            f"log-likelihood of the images held back ({z.method})",
            f"{scores.mean() - z.value:.2f} ± {error:.2f} nats",
        )
    )
    if z.reverse is not None:
        rows.append(("the same, annealed backwards", f"{scores.mean() - z.reverse:.2f} nats"))
    return rows


def _learned(path: Path) -> "BoltzmannMachine":
    """Return a learned machine from a file of ours or of rbms."""
    from photinus.learning.imports import from_rbms
    from photinus.machines.boltzmann import BoltzmannMachine

    return from_rbms(path) if path.suffix in (".h5", ".hdf5") else BoltzmannMachine.load(path)


def _write_task(
    task: str,
    folder: "Path | None",
    rows: "list[tuple[str, str]]",
    pictures: "list[tuple[str, str, Any]]",
    arrays: "dict[str, Any]",
    tables: "list[tuple[str, list[tuple[str, str]]]] | None" = None,
) -> None:
    """Print the tables; write arrays, pictures and the HTML report of a task into a folder."""
    from photinus._core import files
    from photinus.faces.report import png, task_page

    folder = files.fresh_folder(folder or Path("runs") / task)
    files.write_npz(folder / f"{task}.npz", arrays, packed=True)
    for title, _, figure in pictures:
        name = title.lower().replace(" ", "-")
        if isinstance(figure, bytes):
            files.write_bytes(folder / f"{name}.gif", figure)
        else:
            files.write_bytes(folder / f"{name}.png", png(figure))
    shown = [(task.capitalize(), rows), *(tables or [])]
    files.write_text(folder / "report.html", task_page(f"Photinus: {task}", "", shown, pictures))
    for title, lines in shown:
        _table(title, lines)
    typer.echo(f"Report: {folder / 'report.html'}")


def _dream(
    task: str, found: Any, out: "Path | None", wall: float, judged: "dict[str, tuple[Any, float]]"
) -> None:
    """Write a dream; `judged` has mixing and wall time of each sampler that was judged."""
    from photinus.faces.figures import pictures
    from photinus.faces.report import mixing_rows
    from photinus.learning.units import Units
    from photinus.units import ns

    chains, draws, _ = found.pixels.shape
    samples, units = found.samples, Units.of(found.samples.machine)
    rows = [
        ("substrate", samples.substrate),
        ("chains × draws", f"{chains} × {draws}"),
        ("wall time", f"{wall:.1f} s"),
    ]
    if found.interval is not None:
        rows.append(("time on the chip", f"{draws * found.interval / ns:,.1f} ns per chain"))
    energy = {"first chain": samples.machine.energy(samples.states[0])}
    shown = [
        ("Strip", "P(pixel | hidden units) along each chain.", pictures.strip(found)),
        ("Animation", "The first chains in motion.", pictures.animation(found)),
        ("Energies", "Along the first chain.", pictures.energies(energy, interval=found.interval)),
    ]
    if judged:
        mixings = {name: mixing for name, (mixing, _) in judged.items()}
        names = tuple(str(k) for k in range(len(next(iter(mixings.values())).histogram)))
        shown.append(("Classes", "Of draws that are clear.", pictures.histogram(mixings, names)))
    weights = samples.machine.weights[units.features][:, units.hidden]
    if weights.any():
        shown.append(("Filters", "Weights of hidden units.", pictures.filters(weights, found.shape)))
    _write_task(
        task,
        out,
        rows,
        shown,
        {"pixels": found.pixels, "classes": found.classes},
        [(f"Mixing, {name}", mixing_rows(*each)) for name, each in judged.items()],
    )


@app.command()
def dream(
    model: ModelFile,
    out: TaskFolder = None,
    substrate: Substrate = "laser",
    chains: Annotated[int, typer.Option(help="Independent chains.", min=1)] = 16,
    draws: Draws = 200,
    data: JudgeData = None,
    data_dir: DataFolder = None,
    hottest: Hottest = None,
    period: Period = 40,
    seed: Seed = 0,
    laser: Laser = None,
    calibration: CalibrationFile = None,
    threads: Threads = None,
) -> None:
    """Let a learned machine run freely and draw what it makes up."""
    import time

    from photinus.learning.data import load
    from photinus.samplers.tempering import Tempering
    from photinus.tasks import evaluation, tasks

    machine = _learned(model)
    options = _task_options(out, substrate, laser, calibration, seed, threads)
    cycle = None if hottest is None else Tempering(hottest=hottest, period=period)
    judge = None
    if data is not None:
        judge = evaluation.independent_classifier(load(data, data_dir=data_dir))
    judged = {}
    runs = {substrate: options | {"tempering": cycle}}
    if judge is not None:
        runs.setdefault("gibbs", {"seed": seed})
    found, wall = {}, {}
    for name, settings in runs.items():
        started = time.perf_counter()
        found[name] = tasks.dream(machine, name, chains=chains, draws=draws, **settings)
        wall[name] = time.perf_counter() - started
        if judge is not None:
            judged[name] = evaluation.mixing(found[name], judge), wall[name]
    _dream("dream", found[substrate], out, wall[substrate], judged)


@app.command()
def imagine(
    model: ModelFile,
    classes: Annotated[list[str], typer.Option("--class", help="Class; repeat for more chains.")],
    out: TaskFolder = None,
    substrate: Substrate = "laser",
    draws: Draws = 200,
    hottest: Hottest = None,
    period: Period = 40,
    seed: Seed = 0,
    laser: Laser = None,
    calibration: CalibrationFile = None,
    threads: Threads = None,
) -> None:
    """Clamp classes of a learned machine and draw what it makes up."""
    import time

    from photinus.samplers.tempering import Tempering
    from photinus.tasks import tasks

    machine = _learned(model)
    options = _task_options(out, substrate, laser, calibration, seed, threads)
    cycle = None if hottest is None else Tempering(hottest=hottest, period=period)
    started = time.perf_counter()
    found = tasks.imagine(machine, classes, substrate, draws=draws, tempering=cycle, **options)
    _dream("imagine", found, out, time.perf_counter() - started, {})


@app.command()
def complete(
    model: ModelFile,
    data: DataName = "digits",
    data_dir: DataFolder = None,
    hide: Annotated[str, typer.Option(help="What is hidden: quarter, half or random.")] = "half",
    images: Count = 12,
    out: TaskFolder = None,
    substrate: Substrate = "laser",
    draws: Draws = 100,
    seed: Seed = 0,
    laser: Laser = None,
    calibration: CalibrationFile = None,
    threads: Threads = None,
) -> None:
    """Complete test images of which a part is hidden; Gibbs sampling stands beside."""
    from photinus.faces.figures import pictures
    from photinus.learning.data import load
    from photinus.tasks import tasks

    machine, shown = _learned(model), load(data, "test", data_dir=data_dir)[:images]
    known = tasks.mask(shown.shape, hide, seed=seed)
    options = _task_options(out, substrate, laser, calibration, seed, threads)
    found = {
        name: tasks.complete(machine, shown.pixels, known, name, draws=draws, **settings)
        for name, settings in (("gibbs", {"seed": seed}), (substrate, options))
    }
    rows = [
        (f"hidden pixels wrong, {name}", f"{100 * each.errors.mean():.2f} % of the draws")
        for name, each in found.items()
    ]
    apart = abs(found[substrate].mean - found["gibbs"].mean)[:, ~known].mean()
    rows.append(("means apart from Gibbs sampling", f"{apart:.4f} on hidden pixels"))
    text = "Means of the draws; grey where it was hidden."
    _write_task(
        "complete",
        out,
        [("images", str(len(shown))), ("hidden", hide), *rows],
        [("Completions", text, pictures.completions(found))],
        {"truth": shown.pixels, "known": known, "mean": found[substrate].mean},
    )


@app.command()
def classify(
    model: ModelFile,
    data: DataName = "digits",
    data_dir: DataFolder = None,
    images: Count = 100,
    out: TaskFolder = None,
    substrate: Substrate = "laser",
    draws: Draws = 100,
    seed: Seed = 0,
    laser: Laser = None,
    calibration: CalibrationFile = None,
    threads: Threads = None,
) -> None:
    """Clamp test images and sample their classes; Gibbs sampling stands beside."""
    from photinus.learning.data import load
    from photinus.tasks import tasks

    machine, shown = _learned(model), load(data, "test", data_dir=data_dir)[:images]
    options = _task_options(out, substrate, laser, calibration, seed, threads)
    found = {
        name: tasks.classify(machine, shown.pixels, name, draws=draws, **settings)
        for name, settings in (("gibbs", {"seed": seed}), (substrate, options))
    }
    rows = [("images", str(len(shown))), ("draws per image", str(draws))]
    if shown.labels is not None:
        rows += [
            (f"accuracy, {name}", f"{100 * each.accuracy(shown.labels):.1f} %")
            for name, each in found.items()
        ]
    _write_task("classify", out, rows, [], {"probabilities": found[substrate].probabilities})


def _task_options(
    out: "Path | None",
    substrate: str,
    laser: str | None,
    calibration: "Path | None",
    seed: int,
    threads: int | None,
) -> "dict[str, Any]":
    """Return the options of `photinus.sample` that a task takes, if its folder can be written."""
    from photinus._core import files
    from photinus.samplers.registry import SPIKING

    if out is not None:
        files.check_folder(out)
    options: dict[str, Any] = {"seed": seed, "threads": threads, "progress": True}
    if substrate in SPIKING:
        options["calibration"] = _calibration(laser, calibration, substrate)
    return options


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="Zarr store of a run.")],
    out: Annotated[Path | None, typer.Option(help="HTML file (default: beside the run).")] = None,
    tolerances: Annotated[
        Path | None, typer.Option(help="Tolerances that the study of robustness wrote (.json).")
    ] = None,
    force: Force = False,
) -> None:
    """Write the HTML report of a stored run, complete or not."""
    from photinus._core import files
    from photinus.faces.report import load_tolerances, run_page
    from photinus.samplers.samples import load

    borne = None if tolerances is None else load_tolerances(tolerances)
    target = files.named(run).with_suffix(".html") if out is None else out
    files.check_all([target], replace=force)
    files.write_text(target, run_page(load(run), borne), replace=force)
    typer.echo(f"Report: {target}")


@app.command()
def ledger(
    run: Annotated[Path, typer.Argument(help="Zarr store of a run on lasers.")],
    prices: Annotated[
        Path | None, typer.Option(help="Price list (.toml); its entries replace the default ones.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Say what a chip would do and take: counts, prices, power, energies."""
    import json

    from photinus.hardware import Prices
    from photinus.samplers.samples import load

    listed = Prices.of(prices)
    found = load(run).ledger(listed)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=1))
        return
    _table("What the chip does", found.count_rows())
    _table("Prices", found.price_rows(), ("", "price", "expected", "worst", "kind and source"))
    _table("What it takes", found.result_rows(), ("", "best", "expected", "worst"))
    typer.echo(f"Unpriced, in no sum: {', '.join(found.unpriced) or 'nothing'}")


@app.command()
def info() -> None:
    """Show versions, cores and presets."""
    import platform
    from importlib.metadata import version

    from photinus._core.threads import available_threads
    from photinus.devices.laser import PRESETS, LaserParameters
    from photinus.units import uA

    packages = ("numpy", "scipy", "numba", "xarray", "zarr")
    _table(
        "Photinus",
        [
            ("photinus", __version__),
            ("python", platform.python_version()),
            *((name, version(name)) for name in packages),
            ("threads", str(available_threads())),
        ],
    )
    presets = [LaserParameters.preset(name) for name in PRESETS]
    _table(
        "Presets",
        [
            (
                preset.name,
                f"{preset.threshold_current / uA:.4g} µA",
                f"{preset.quality_factor:,.0f}",
                f"{preset.wavelength * 1e9:.0f} nm",
            )
            for preset in presets
        ],
        ("laser", "threshold", "quality factor", "wavelength"),
    )
