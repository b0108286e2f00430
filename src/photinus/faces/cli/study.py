"""``photinus study``."""

from pathlib import Path
from typing import Annotated

import typer

from photinus.faces.cli.inputs import read_workers
from photinus.faces.cli.messages import INTERRUPTED, print_json, stop, table
from photinus.faces.cli.options import Json, Threads, Workers


def study(
    file: Annotated[Path, typer.Argument(help="Study (.toml). Lists in it are swept.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results (default: the file's name).")
    ] = None,
    threads: Threads = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Measure every combination of a study's values, or go on where it stopped."""
    from photinus._core import files
    from photinus.faces.study.plan import Study

    folder = files.named(file).with_suffix("") if out is None else files.named(out)
    planned = Study.load(file)
    try:
        results = planned.run(folder, workers=read_workers(workers), threads=threads, progress=True)
    except KeyboardInterrupt:
        stop(f"stopped; finished points are in {folder}, the same call goes on", INTERRUPTED)
    if as_json:
        print_json({"results": str(folder), "table": str(folder / "table.csv"), "points": results})
        return
    head, *rows = planned.rows(results)
    table("Study", rows, tuple(head))
    typer.echo(f"Results: {folder}   Table: {folder / 'table.csv'}")
