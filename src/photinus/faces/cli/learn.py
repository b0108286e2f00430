"""``photinus learn``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photinus.errors import InvalidInput
from photinus.faces.cli.messages import INTERRUPTED, print_json, stop, table, typed
from photinus.faces.cli.options import DataFolder, DataName, Force, Json, Seed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from photinus.learning.data import Images
    from photinus.learning.estimator import BoltzmannEstimator


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
    as_json: Json = False,
) -> None:
    """Learn a Boltzmann machine from images. Ctrl-C loses one epoch at most.

    Beside the machine there are NAME.checkpoint.npz, for --resume, and the report NAME.html.
    """
    import logging

    from photinus.learning.data import load
    from photinus.learning.estimator import BoltzmannEstimator

    train, test = (load(data, part, data_dir=data_dir) for part in ("train", "test"))
    checkpoint, page, replaced = _files(out, resume=resume, force=force)
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
        stop("stopped; --resume goes on after the last epoch", INTERRUPTED)
    estimator.machine().save(out, replace=force)
    found = _found(estimator, train, test)
    rows = _rows(found)
    _write_page(page, f"Photinus: learned from {data}", rows, estimator, train, replace=replaced)
    if as_json:
        print_json({"machine": str(out), "report": str(page), "found": found})
        return
    table("Learn", rows)
    typer.echo(f"Machine: {out}   Report: {page}")


def _files(out: Path, *, resume: bool, force: bool) -> tuple[Path, Path, bool]:
    """Return where checkpoint and page go, and whether the page may be replaced.

    Raises unless the machine and both of them may be written.
    """
    from photinus._core import files
    from photinus.faces.report.page import is_page

    if out.suffix not in (".npz", ".json"):
        raise InvalidInput(f"--out must end in .npz or .json, got {str(out)!r}")
    if files.is_stream(out):
        raise InvalidInput(f"--out must be a file, got {str(out)!r}")
    checkpoint, page = out.with_suffix(".checkpoint.npz"), out.with_suffix(".html")
    # Going on replaces the checkpoint, which is read first, and the page of an earlier end.
    ours = [checkpoint, *([page] if is_page(page) else [])] if resume else []
    files.check_all(ours, replace=True)
    files.check_all([path for path in (out, checkpoint, page) if path not in ours], replace=force)
    return checkpoint, page, force or page in ours


def _write_page(
    page: Path,
    title: str,
    rows: list[tuple[str, str]],
    estimator: "BoltzmannEstimator",
    train: "Images",
    *,
    replace: bool,
) -> None:
    """Write the HTML report of a learned machine."""
    from photinus._core import files
    from photinus.faces.figures import pictures
    from photinus.faces.report.page import task_page

    machine, first = estimator.machine(), estimator.layers_ == 1
    shown = machine.weights[: train.pixels.shape[1], first]
    drawn: list[tuple[str, str, Figure | bytes]] = [
        ("Curves", "Epoch by epoch.", pictures.learning_curves(estimator.history_)),
        ("Filters", "Weights of the strongest hidden units.", pictures.filters(shown, train.shape)),
    ]
    lead = f"{len(train)} images, {machine.n_units} units."
    text = task_page(title, lead, [("Learn", rows)], drawn, typed())
    files.write_text(page, text, replace=replace)


def _found(estimator: "BoltzmannEstimator", train: "Images", test: "Images") -> dict[str, Any]:
    """Return what is to be said of a learned machine, in numbers; None where it is not known."""
    machine, last = estimator.machine(), estimator.history_[-1]
    flat = len(estimator.hidden) == 1
    judged = flat and hasattr(estimator, "classes_") and test.labels is not None
    return {
        "images": len(train),
        "images_held_back": len(test),
        "units": machine.n_units,
        "epochs": len(estimator.history_),
        "seconds_of_last_epoch": last["seconds"],
        "pixels_wrong": last["reconstruction"],
        "accuracy": estimator.score(test.pixels, test.labels) if judged else None,
        "log_likelihood": _likelihood(estimator, train, test) if flat else None,
    }


def _likelihood(estimator: "BoltzmannEstimator", train: "Images", test: "Images") -> dict[str, Any]:
    """Return the log-likelihood of the images held back [nats], its error, and how it was found."""
    import numpy as np

    from photinus.learning.likelihood import log_partition

    machine = estimator.machine()
    base = np.zeros(machine.n_units)
    mean = (train.pixels.sum(axis=0) + 1) / (len(train) + 2)
    base[: len(mean)] = np.log(mean / (1 - mean))
    z = log_partition(machine, chains=100, temperatures=1000, base=base)
    scores = estimator.score_samples(test.pixels)
    return {
        "value": float(scores.mean() - z.value),
        "error": float(np.hypot(z.error, scores.std() / np.sqrt(len(scores)))),
        "method": z.method,
        "annealed_backwards": None if z.reverse is None else float(scores.mean() - z.reverse),
    }


def _rows(found: "Mapping[str, Any]") -> list[tuple[str, str]]:
    """Return what `_found` found, for people."""
    rows = [
        ("images", f"{found['images']}, {found['images_held_back']} held back"),
        ("units", str(found["units"])),
        ("epochs", f"{found['epochs']}, {found['seconds_of_last_epoch']:.2f} s for the last one"),
        ("pixels reconstructed wrongly", f"{100 * found['pixels_wrong']:.2f} %"),
    ]
    if found["accuracy"] is not None:
        right = f"{100 * found['accuracy']:.2f} % of the images held back"
        rows.append(("classes right, exact free energy", right))
    if (likely := found["log_likelihood"]) is not None:
        name = f"log-likelihood of the images held back ({likely['method']})"
        rows.append((name, f"{likely['value']:.2f} ± {likely['error']:.2f} nats"))
        if (backwards := likely["annealed_backwards"]) is not None:
            rows.append(("the same, annealed backwards", f"{backwards:.2f} nats"))
    return rows
