"""The report of the main job."""

from typing import TYPE_CHECKING

from photinus.faces.report.hardware import hardware_chapter
from photinus.faces.report.page import picture, render
from photinus.faces.report.rows import device_rows, fidelity_rows, run_rows
from photinus.units import ns, us

if TYPE_CHECKING:
    from photinus.faces.demo.result import Demo


def posterior_table(demo: "Demo") -> list[list[str]]:
    """Return the comparison of the three ways, one row per set of evidence and way."""
    rows = []
    for posterior in demo.posteriors:
        for way in ("exact", "gibbs", "lasers"):
            rows.append(
                [
                    posterior.title,
                    way,
                    f"{100 * posterior.accuracy(way):.1f} %",
                    "" if way == "exact" else f"{posterior.disagreement(way):.3f}",
                ]
            )
    return rows


def time_rows(demo: "Demo") -> list[tuple[str, str]]:
    """Return physical time beside simulation time."""
    samples = demo.samples
    assert samples.physical_time is not None
    return [
        ("on the chip, per chain", f"{samples.physical_time / ns:,.0f} ns"),
        (
            f"on one chip, all {samples.chains} chains in turn",
            f"{demo.chip_time / us:,.0f} µs",
        ),
        ("here, simulating them", f"{demo.simulation_time:.2f} s"),
        (
            "on the chip, posterior of one patient",
            ", ".join(f"{p.chip_time / us:.1f} µs" for p in demo.posteriors),
        ),
    ]


def digits_rows(demo: "Demo") -> list[tuple[str, str]]:
    """Return the figures of the second act."""
    digits = demo.digits
    return [
        ("units", f"{digits.machine.n_units} (64 pixels, 10 classes, 64 hidden)"),
        ("classified rightly, exact free energy", f"{100 * digits.accuracy:.1f} % of the test images"),
        ("wrong in the hidden half, Gibbs", f"{100 * digits.gibbs.errors.mean():.1f} % of the pixels"),
        (
            "wrong in the hidden half, lasers",
            f"{100 * digits.lasers.errors.mean():.1f} % of the pixels",
        ),
        ("learned, dreamt and completed in", f"{digits.wall_time:.1f} s"),
    ]


def demo_page(demo: "Demo") -> str:
    """Return the report of the main job as HTML."""
    figures = demo.figures
    hardware = hardware_chapter(demo.refined, gibbs=demo.gibbs)
    return render(
        title="Bayesian inference on a network of spiking nanolasers",
        lead=(
            "Nine binary variables of the Wisconsin breast-cancer data, a Boltzmann machine learned "
            "from them, and nine nanolasers that sample from it: their spikes are the samples."
        ),
        tables=[
            (
                "Fidelity of the free-running network, refined in the loop",
                fidelity_rows(demo.refined_fidelity),
            ),
            ("Fidelity by translation alone", fidelity_rows(demo.fidelity)),
            ("Handwritten digits", digits_rows(demo)),
            ("Time", time_rows(demo)),
            ("Run", run_rows(demo.refined)),
            ("Device", device_rows(demo.calibration)),
            (
                "Units (1 above the threshold, learned on the training split)",
                [(name, f"> {value:.4g}") for name, value in demo.data.thresholds.items()],
            ),
            ("Translation", [("calibrated range", str(demo.validity))]),
        ],
        comparison={
            "title": f"P(malignant | evidence) of {len(demo.data.test)} held-out patients",
            "head": ["evidence", "computed by", "accuracy", "largest disagreement with exact"],
            "rows": posterior_table(demo),
        },
        pictures=[
            picture("Posterior", "Each point is a patient.", figures["posterior"]),
            picture(
                "Convergence",
                "The band is what exact samplers show over the same time; a plateau above it is "
                "systematic error of the lasers.",
                figures["divergence"],
            ),
            picture(
                "Dreamt digits",
                f"{demo.digits.machine.n_units} lasers, a restricted machine that learned 8×8 digits, "
                "running freely.",
                figures["dream"],
            ),
            picture("Completed digits", "Means of 100 draws.", figures["completion"]),
            picture("Joint distribution", "Sampled without evidence, refined.", figures["joint"]),
            picture("Raster", "The first chain after burn-in.", figures["raster"]),
            picture("Activation", "One uncoupled laser.", figures["activation"]),
            picture("One spike", "Rate equations without noise.", figures["spike"]),
        ],
        chapters=[] if hardware is None else [hardware],
    )
