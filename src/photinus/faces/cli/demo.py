"""``photinus demo``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photinus.faces.cli.messages import print_json, say, table, typed
from photinus.faces.cli.options import Force, Json, Seed, Threads

if TYPE_CHECKING:
    from photinus.faces.demo.result import Demo


def demo(
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results (default: a new one, runs/demo).")
    ] = None,
    seed: Seed = 0,
    chains: Annotated[int, typer.Option(help="Chains of the free-running network.", min=1)] = 256,
    draws: Annotated[int, typer.Option(help="Draws per chain, one every τ.", min=25)] = 600,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Measure the laser again, not from the package.")
    ] = False,
    force: Force = False,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Do the main job: real data to a posterior that simulated lasers compute."""
    from photinus._core import files
    from photinus.calibration import calibrate as measure
    from photinus.devices.laser import LaserParameters
    from photinus.faces.demo import job

    out = files.results_folder(out, Path("runs/demo"), replace=force)
    calibration = None
    if calibrate:
        laser = LaserParameters.preset(job.PRESET)
        calibration = measure(laser, seed=seed, threads=threads, progress=True)
    result = job.run(
        seed=seed,
        chains=chains,
        draws=draws,
        calibration=calibration,
        threads=threads,
        progress=True,
    )
    paths = job.save(result, out, replace=force, command=typed())
    if as_json:
        print_json({"report": str(paths["report"]), **result.to_dict()})
        return
    _show(result)
    typer.echo(f"Report: {paths['report']}")


def _show(result: "Demo") -> None:
    """Print what the demo found."""
    from photinus.faces.demo.patients import DIAGNOSIS
    from photinus.faces.report.demo import digits_rows, posterior_table, time_rows
    from photinus.faces.report.rows import device_rows, fidelity_rows

    data = result.data
    table(
        f"Units: {len(data.train)} training and {len(data.test)} held-out patients",
        [(name, f"1 above {value:.4g}") for name, value in data.thresholds.items()]
        + [(DIAGNOSIS, "1 if malignant")],
    )
    table("Device", device_rows(result.calibration))
    table("Fidelity of the free-running network, translation alone", fidelity_rows(result.fidelity))
    rounds = f"refined in the loop, {len(result.refinement.rounds)} rounds"
    table(f"Fidelity, {rounds}", fidelity_rows(result.refined_fidelity))
    if not result.validity:
        say(f"Outside the calibrated range:\n{result.validity}")
    table(
        "P(malignant | evidence) of held-out patients",
        posterior_table(result),
        ("evidence", "computed by", "accuracy", "largest disagreement with exact"),
    )
    table("Handwritten digits: learned, dreamt and completed", digits_rows(result))
    table("Time", [*time_rows(result), ("the whole demo", f"{result.wall_time:.1f} s")])
