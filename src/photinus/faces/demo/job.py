"""The main job: from real data to a posterior that simulated lasers computed.

Wisconsin breast cancer (569 patients; Street, Wolberg & Mangasarian 1993; shipped by scikit-learn).
Eight measurements and the diagnosis become nine binary units. A fully visible Boltzmann machine is
learned by exact maximum likelihood on the training split, and translated to lasers. It is sampled
freely, before and after refinement in the loop, and with the measurements of held-out patients as
evidence. In a second act, a restricted machine learns handwritten digits, and lasers dream and complete
them.
"""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from photinus._core import files, validate
from photinus._core import gauge as gauges
from photinus._core.progress import Progress, tracked
from photinus._core.streams import Seed, seed_sequence
from photinus.calibration import Calibration
from photinus.devices.laser import spike
from photinus.faces.demo.digits import Digits, learn_digits
from photinus.faces.demo.patients import FEW_MEASUREMENTS, L2, MEASUREMENTS, load_data
from photinus.faces.demo.posterior import Posterior, posterior_of
from photinus.faces.demo.result import Demo
from photinus.faces.figures import pictures, plots, posteriors
from photinus.faces.report.demo import demo_page
from photinus.faces.report.page import pdf, png
from photinus.hardware import own_gibbs
from photinus.learning.refinement import refine
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.samplers.samples import Samples
from photinus.samplers.sampling import sample
from photinus.samplers.storage import replacing
from photinus.translation.validity import check

PRESET = "straight"
"""Laser of the demo: six of the nine biases lie where the default one is bent."""
FLOOR_RUNS = 4
REFINEMENT: dict[str, Any] = {"chains": 256, "draws": 400, "most_rounds": 16}


def run(
    *,
    seed: Seed = 0,
    chains: int = 256,
    draws: int = 600,
    calibration: Calibration | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> Demo:
    """Do the main job; about a minute on two cores.

    Parameters
    ----------
    seed
        Drives the split, all sampling and all lasers.
    chains, draws
        Of the free-running network.
    calibration
        By default the shipped one of `PRESET`.
    threads, progress
        As in `photinus.sample`.
    """
    chains = validate.integer("chains", chains, 1)
    draws = validate.integer("draws", draws, 25)
    start = time.perf_counter()
    split, free, *conditioned, tuning, after, second = seed_sequence(seed).spawn(8)
    data = load_data(split)
    machine = BoltzmannMachine.fit(data.train, l2=L2, labels=data.labels)
    calibration = calibration or Calibration.preset(PRESET)
    size: dict[str, Any] = {"chains": chains, "draws": draws, "burn_in": 25}
    ways: dict[str, Any] = {"threads": threads, "progress": progress}
    started = time.perf_counter()
    samples = sample(machine, seed=free, calibration=calibration, **size, **ways)
    simulation_time = time.perf_counter() - started
    refinement = refine(machine, calibration, seed=tuning, **ways, **REFINEMENT)
    refined = sample(machine, seed=after, network=refinement.network, **size, **ways)
    found = tuple(
        posterior_of(machine, data, known, title, calibration, child, threads, progress)
        for known, title, child in (
            (MEASUREMENTS, "all eight measurements known", conditioned[0]),
            (FEW_MEASUREMENTS, "three known, five missing", conditioned[1]),
        )
    )
    handwritten = learn_digits(calibration, second, threads, progress)
    exact_runs = [
        sample(machine, "ideal", seed=child, **size) for child in conditioned[2].spawn(FLOOR_RUNS)
    ]
    return Demo(
        data=data,
        machine=machine,
        calibration=calibration,
        validity=check(machine.flipped(gauges.of(samples.network)), calibration),
        samples=samples,
        fidelity=samples.fidelity(progress=progress),
        refinement=refinement,
        refined=refined,
        refined_fidelity=refined.fidelity(progress=progress),
        posteriors=found,
        digits=handwritten,
        gibbs=own_gibbs(machine, threads=threads),
        figures=_figures(samples, refined, exact_runs, calibration, found, handwritten, progress),
        simulation_time=simulation_time,
        wall_time=time.perf_counter() - start,
    )


def _figures(
    samples: Samples,
    refined: Samples,
    exact_runs: list[Samples],
    calibration: Calibration,
    results: tuple[Posterior, ...],
    digits: Digits,
    progress: Progress | bool | None,
) -> dict[str, Figure]:
    draw: dict[str, Callable[[], Figure]] = {
        "spike": lambda: plots.spike(spike(calibration.laser)),
        "activation": lambda: plots.activation(calibration),
        "raster": lambda: plots.raster(refined),
        "joint": lambda: plots.joint(refined),
        "divergence": lambda: plots.divergence({"translated": samples, "refined": refined}, exact_runs),
        "posterior": lambda: posteriors.posterior(results),
        "dream": lambda: pictures.strip(digits.dream),
        "completion": lambda: pictures.completions({"Gibbs": digits.gibbs, "lasers": digits.lasers}),
    }
    figures = {}
    with tracked(progress, "drawing", len(draw)) as advance:
        for name, function in draw.items():
            figures[name] = function()
            advance(1)
    return figures


def save(
    demo: Demo, folder: Path, *, replace: bool = False, command: str | None = None
) -> dict[str, Path]:
    """Write samples, numbers, figures and the HTML report into `folder`; return the paths.

    Figures are PNG files and, to be printed, PDF files; `command` is what the report says it is from.
    """
    files.make_folder(folder)
    paths = {"samples": folder / "samples.zarr", "numbers": folder / "demo.json"}
    with replacing(paths["samples"]) if replace else contextlib.nullcontext():
        demo.refined.save(paths["samples"])
    files.write_json(paths["numbers"], demo.to_dict())
    paths["animation"] = folder / "dream.gif"
    pictures.animate(demo.digits.dream, paths["animation"])
    for name, figure in demo.figures.items():
        paths[name] = folder / f"{name}.png"
        files.write_bytes(paths[name], png(figure))
        files.write_bytes(folder / f"{name}.pdf", pdf(figure))
    paths["report"] = folder / "report.html"
    files.write_text(paths["report"], demo_page(demo, command))
    return paths
