"""``photinus dream``, ``imagine``, ``complete`` and ``classify``: what learned machines do."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photinus.faces.cli.documents import of_mixing
from photinus.faces.cli.inputs import read_calibration, read_machine, read_tempering
from photinus.faces.cli.messages import print_json, table, typed
from photinus.faces.cli.options import (
    CalibrationFile,
    Copies,
    DataFolder,
    DataName,
    Engine,
    Force,
    Hottest,
    Json,
    Laser,
    LearnedFile,
    Period,
    Seed,
    Threads,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from photinus.tasks.evaluation import Mixing
    from photinus.tasks.results import Dream

Folder = Annotated[Path | None, typer.Option("--out", help="Folder (default: a new one, runs/TASK).")]
Substrate = Annotated[str, typer.Option(help="laser, laser-reduced, lif, gibbs or ideal.")]
Draws = Annotated[int, typer.Option(help="Draws per chain, one every τ.", min=1)]
Count = Annotated[int, typer.Option("--images", help="How many images of the test part.", min=1)]
JudgeData = Annotated[
    str | None,
    typer.Option("--data", help="Judge by a classifier of these images; Gibbs sampling beside."),
]


def dream(
    model: LearnedFile,
    out: Folder = None,
    substrate: Substrate = "laser",
    chains: Annotated[int, typer.Option(help="Independent chains.", min=1)] = 16,
    draws: Draws = 200,
    data: JudgeData = None,
    data_dir: DataFolder = None,
    hottest: Hottest = None,
    period: Period = None,
    copies: Copies = None,
    seed: Seed = 0,
    laser: Laser = None,
    calibration: CalibrationFile = None,
    force: Force = False,
    threads: Threads = None,
    engine: Engine = "cpu",
    as_json: Json = False,
) -> None:
    """Let a learned machine run freely and draw what it makes up."""
    from photinus.learning.data import load
    from photinus.tasks import evaluation, tasks

    machine = read_machine(model)
    options = _options(out, force, substrate, laser, calibration, seed, threads, engine)
    tempering = read_tempering(hottest, period, copies)
    judge = None
    if data is not None:
        judge = evaluation.independent_classifier(load(data, data_dir=data_dir))
    judged = {}
    runs = {substrate: options | {"tempering": tempering}}
    if judge is not None:
        runs.setdefault("gibbs", {"seed": seed})
    found, wall = {}, {}
    for name, settings in runs.items():
        started = time.perf_counter()
        found[name] = tasks.dream(machine, name, chains=chains, draws=draws, **settings)
        wall[name] = time.perf_counter() - started
        if judge is not None:
            judged[name] = evaluation.mixing(found[name], judge), wall[name]
    _dream("dream", found[substrate], out, wall[substrate], judged, force=force, as_json=as_json)


def imagine(
    model: LearnedFile,
    classes: Annotated[list[str], typer.Option("--class", help="Class; repeat for more chains.")],
    out: Folder = None,
    substrate: Substrate = "laser",
    draws: Draws = 200,
    hottest: Hottest = None,
    period: Period = None,
    copies: Copies = None,
    seed: Seed = 0,
    laser: Laser = None,
    calibration: CalibrationFile = None,
    force: Force = False,
    threads: Threads = None,
    engine: Engine = "cpu",
    as_json: Json = False,
) -> None:
    """Give classes as evidence and draw what a learned machine makes up."""
    from photinus.tasks import tasks

    machine = read_machine(model)
    options = _options(out, force, substrate, laser, calibration, seed, threads, engine)
    tempering = read_tempering(hottest, period, copies)
    started = time.perf_counter()
    found = tasks.imagine(machine, classes, substrate, draws=draws, tempering=tempering, **options)
    _dream("imagine", found, out, time.perf_counter() - started, {}, force=force, as_json=as_json)


def complete(
    model: LearnedFile,
    data: DataName = "digits",
    data_dir: DataFolder = None,
    hide: Annotated[str, typer.Option(help="What is hidden: quarter, half or random.")] = "half",
    images: Count = 12,
    out: Folder = None,
    substrate: Substrate = "laser",
    draws: Draws = 100,
    seed: Seed = 0,
    laser: Laser = None,
    calibration: CalibrationFile = None,
    force: Force = False,
    threads: Threads = None,
    engine: Engine = "cpu",
    as_json: Json = False,
) -> None:
    """Complete test images of which a part is hidden, beside Gibbs sampling."""
    from photinus.faces.figures import pictures
    from photinus.learning.data import load
    from photinus.tasks import tasks

    machine, shown = read_machine(model), load(data, "test", data_dir=data_dir)[:images]
    known = tasks.mask(shown.shape, hide, seed=seed)
    options = _options(out, force, substrate, laser, calibration, seed, threads, engine)
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
        found={
            "images": len(shown),
            "hidden": hide,
            "pixels_wrong": {name: each.errors.mean() for name, each in found.items()},
            "apart_from_gibbs": apart,
        },
        force=force,
        as_json=as_json,
    )


def classify(
    model: LearnedFile,
    data: DataName = "digits",
    data_dir: DataFolder = None,
    images: Count = 100,
    out: Folder = None,
    substrate: Substrate = "laser",
    draws: Draws = 100,
    seed: Seed = 0,
    laser: Laser = None,
    calibration: CalibrationFile = None,
    force: Force = False,
    threads: Threads = None,
    engine: Engine = "cpu",
    as_json: Json = False,
) -> None:
    """Give test images as evidence and sample their classes, beside Gibbs sampling."""
    from photinus.learning.data import load
    from photinus.tasks import tasks

    machine, shown = read_machine(model), load(data, "test", data_dir=data_dir)[:images]
    options = _options(out, force, substrate, laser, calibration, seed, threads, engine)
    found = {
        name: tasks.classify(machine, shown.pixels, name, draws=draws, **settings)
        for name, settings in (("gibbs", {"seed": seed}), (substrate, options))
    }
    labels = shown.labels
    right = {} if labels is None else {name: each.accuracy(labels) for name, each in found.items()}
    rows = [
        ("images", str(len(shown))),
        ("draws per image", str(draws)),
        *((f"accuracy, {name}", f"{100 * part:.1f} %") for name, part in right.items()),
    ]
    arrays = {"probabilities": found[substrate].probabilities}
    numbers = {"images": len(shown), "draws_per_image": draws, "accuracy": right}
    _write_task("classify", out, rows, [], arrays, found=numbers, force=force, as_json=as_json)


def _options(
    out: Path | None,
    force: bool,
    substrate: str,
    laser: str | None,
    calibration: Path | None,
    seed: int,
    threads: int | None,
    engine: str,
) -> dict[str, Any]:
    """Return the options of `photinus.sample` that a task takes, if its folder can be written."""
    from photinus._core import files
    from photinus.samplers import registry

    files.check_results(out, replace=force)
    options: dict[str, Any] = {"seed": seed, "threads": threads, "engine": engine, "progress": True}
    if registry.substrate(substrate).spiking:
        options["calibration"] = read_calibration(laser, calibration, substrate)
    return options


def _write_task(
    task: str,
    folder: Path | None,
    rows: list[tuple[str, str]],
    pictures: "list[tuple[str, str, Figure | bytes]]",
    arrays: dict[str, Any],
    tables: list[tuple[str, list[tuple[str, str]]]] | None = None,
    *,
    found: dict[str, Any],
    force: bool,
    as_json: bool,
) -> None:
    """Print tables, or what was `found` for programs; write arrays, pictures and report to a folder."""
    from photinus._core import files
    from photinus.faces.report.page import png, task_page

    folder = files.results_folder(folder, Path("runs") / task, replace=force)
    files.write_npz(folder / f"{task}.npz", arrays, packed=True)
    for title, _, figure in pictures:
        name = title.lower().replace(" ", "-")
        if isinstance(figure, bytes):
            files.write_bytes(folder / f"{name}.gif", figure)
        else:
            files.write_bytes(folder / f"{name}.png", png(figure))
    shown = [(task.capitalize(), rows), *(tables or [])]
    files.write_text(
        folder / "report.html", task_page(f"Photinus: {task}", "", shown, pictures, typed())
    )
    if as_json:
        print_json({"report": str(folder / "report.html"), "found": found})
        return
    for title, lines in shown:
        table(title, lines)
    typer.echo(f"Report: {folder / 'report.html'}")


def _dream(
    task: str,
    found: "Dream",
    out: Path | None,
    wall: float,
    judged: dict[str, tuple["Mixing", float]],
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Write a dream; `judged` has mixing and wall time of each sampler that was judged."""
    from photinus.faces.figures import pictures
    from photinus.faces.report.rows import mixing_rows
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
    shown: list[tuple[str, str, Figure | bytes]] = [
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
        found={
            "substrate": samples.substrate,
            "chains": chains,
            "draws": draws,
            "wall_time": wall,
            "chip_time": None if found.interval is None else draws * found.interval,
            "mixing": {name: of_mixing(*each) for name, each in judged.items()},
        },
        force=force,
        as_json=as_json,
    )
