"""Command line of the study."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from studies.pages import DOCS, write_page
from studies.pictures.fidelity import CAPTIONS, drawable

from photinus._core import files, validate
from photinus.errors import InvalidInput, PhotinusError
from photinus.faces.study.sections import FAMILIES

from . import __doc__ as description
from .points import EXPERIMENTS, MACHINES, SIZES, Selection
from .report import Study, page
from .results import (
    Measured,
    code_digest,
    measure,
    read_points,
    seconds_per_work,
    write_point,
)
from .variants import Budget

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 16
"""Most units of a machine: its divergence is taken apart."""

console = Console(soft_wrap=True, highlight=False)


def show_plan(selection: Selection, results: Measured) -> None:
    """Print what is done, what is left and how long that may take, per variant."""
    points, known = selection.points(), seconds_per_work(results)
    table = Table("variant", "done", "left", "time left", box=None)
    for name in dict.fromkeys(point.variant for point in points):
        mine = [point for point in points if point.variant == name]
        left = [point for point in mine if point not in results]
        seconds = sum(point.seconds(known) for point in left)
        table.add_row(name, f"{len(mine) - len(left)}", f"{len(left)}", duration(seconds))
    left = [point for point in points if point not in results]
    seconds = sum(point.seconds(known) for point in left)
    table.add_row("all", f"{len(results)}", f"{len(left)}", duration(seconds), style="bold")
    console.print(table)


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def run(selection: Selection, folder: Path) -> int:
    """Measure what is missing, and store each point as soon as it is there."""
    files.make_folder(folder)
    points = selection.points()
    results, _codes = read_points(folder, points)
    show_plan(selection, results)
    known = seconds_per_work(results)
    left = [point for point in points if point not in results]
    columns = (BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeRemainingColumn())
    failed = 0
    with Progress(*columns, TextColumn("{task.description}"), console=console) as bar:
        task = bar.add_task("", total=sum(point.seconds(known) for point in left))
        for point in left:
            bar.update(task, description=str(point))
            try:
                result = measure(point)
            except PhotinusError as error:
                failed += 1
                console.print(f"{point}: {error}", style="red")
            else:
                write_point(folder, point, result)
                console.print(f"{point}: KL {result['kl'][-1]:.2g}, {duration(result['seconds'])}")
            bar.advance(task, point.seconds(known))
    console.print(f"{len(left) - failed} points measured, {failed} failed; results in {folder}")
    return 1 if failed else 0


def report(selection: Selection, folder: Path, docs: Path) -> int:
    """Write tables and figures of what there is."""
    results, codes = read_points(folder, selection.points())
    show_plan(selection, results)
    if not results:
        others = ", ".join(_codes(folder.parent)) or "none"
        raise InvalidInput(f"folder {str(folder)!r} must hold results, got none (other code: {others})")
    study = Study(selection, results)
    text = page(study, folder.name, codes)
    target = write_page(docs, "fidelity", text + "\n", folder)
    images = files.make_folder(docs / "images")
    for name, draw in drawable(docs).items():
        path = images / f"fidelity-{name}.png"
        draw(docs).savefig(path)
        text += f"\n\n![{CAPTIONS[name]}](../images/{path.name})"
        console.print(f"wrote {path}")
    write_page(docs, "fidelity", text + "\n", folder)
    console.print(f"wrote {target}")
    return 0


def _codes(folder: Path) -> list[str]:
    """Return the names of the code whose results lie in `folder`."""
    return sorted(path.name for path in folder.glob("*") if path.is_dir())


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    add, budget = common.add_argument, Budget()
    add("--results", type=Path, default=ROOT / "studies" / "results" / "fidelity")
    add("--code", help="folder of results to go on with although the code has changed since")
    add("--experiments", nargs="+", choices=EXPERIMENTS, default=EXPERIMENTS)
    add("--families", nargs="+", choices=FAMILIES, default=tuple(FAMILIES))
    add("--sizes", nargs="+", type=int, default=SIZES)
    add("--machines", type=int, default=MACHINES, help="machines of each kind")
    add("--only", nargs="+", default=(), metavar="PART", help="variants whose name has one of these")
    add("--chains", type=int, default=budget.chains)
    add("--draws", type=int, default=budget.draws)
    add("--burn-in", type=int, default=budget.burn_in)
    add("--threads", type=int)
    whole = argparse.ArgumentParser(
        prog="python -m studies.fidelity",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = whole.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", parents=[common], help="measure what is missing")
    running.add_argument("--list", action="store_true", help="print what is left and stop")
    reporting = commands.add_parser("report", parents=[common], help="write tables and figures")
    reporting.add_argument("--docs", type=Path, default=DOCS, help="folder to write to")
    return whole


def _selection(options: argparse.Namespace) -> Selection:
    budget = Budget(
        validate.integer("--chains", options.chains, 2),
        validate.integer("--draws", options.draws, 1),
        validate.integer("--burn-in", options.burn_in, 0, options.draws),
        options.threads,
    )
    selection = Selection(
        experiments=tuple(options.experiments),
        families=tuple(options.families),
        sizes=tuple(validate.integer("--sizes", size, 1, LARGEST) for size in options.sizes),
        machines=validate.integer("--machines", options.machines, 1),
        only=tuple(options.only),
        budget=budget,
    )
    if not selection.points():
        raise InvalidInput(f"--only must be part of a variant's name, got {' '.join(options.only)}")
    return selection


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study or report on it."""
    options = _parser().parse_args(arguments)
    try:
        selection = _selection(options)
        if options.code:
            validate.one_of("--code", options.code, _codes(options.results))
        folder = options.results / (options.code or code_digest())
        if options.command == "report":
            return report(selection, folder, options.docs)
        if options.list:
            show_plan(selection, read_points(folder, selection.points())[0])
            return 0
        return run(selection, folder)
    except PhotinusError as error:
        console.print(str(error), style="red")
        return 1
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on from here")
        return 130


if __name__ == "__main__":
    sys.exit(main())
