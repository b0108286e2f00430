"""The report of the main job."""

from typing import TYPE_CHECKING

from photinus.faces.report.hardware import hardware_chapter, has_hardware
from photinus.faces.report.page import Part, Picture, Table, picture, render
from photinus.faces.report.rows import (
    MARGINALS_HEAD,
    device_rows,
    fidelity_rows,
    marginal_rows,
    run_rows,
)
from photinus.faces.report.run import device_facts, fidelity_card, raster_picture, run_card
from photinus.units import ns, quantity, us

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


def summary(demo: "Demo") -> list[tuple[str, str]]:
    """Return what came out, how good it is and what it takes, as questions and answers."""
    known = demo.posteriors[0]
    right, exact = (100 * known.accuracy(way) for way in ("lasers", "exact"))
    answer = (
        f"Lasers diagnose {right:.1f} % of {len(known.truth)} held-out patients rightly, exact "
        f"enumeration {exact:.1f} %; their probabilities differ by {known.disagreement('lasers'):.3f} "
        "at most"
    )
    cost = f"{known.chip_time / us:.1f} µs on the chip for one patient"
    if has_hardware(demo.refined):
        ledger = demo.refined.ledger()
        best, expected = (
            quantity(ledger.power(case) * known.chip_time, "J") for case in ("best", "expected")
        )
        cost += f"; {best} for the lasers alone, {expected} expected for the chip"
    return [
        ("What comes out?", answer),
        ("What does it take?", cost),
        *fidelity_card(demo.refined_fidelity),
        *run_card(demo.refined),
    ]


ROUNDS_HEAD = ("round", "draws per chain", "misfit (1: noise)", "KL [nats]", "kept")
"""Head of the table of `refinement_rows`."""


def refinement_rows(demo: "Demo") -> list[tuple[str, ...]]:
    """Return the rounds of refinement in the loop as rows under `ROUNDS_HEAD`."""
    return [
        (
            str(k),
            str(each.draws),
            f"{each.misfit:.2f}",
            "unknown" if each.kl is None else f"{each.kl:.2g}",
            "yes" if each.accepted else "no",
        )
        for k, each in enumerate(demo.refinement.rounds, 1)
    ]


def demo_page(demo: "Demo", command: str | None = None) -> str:
    """Return the report of the main job as HTML; `command` is what it says it is from."""
    hardware = hardware_chapter(demo.refined, gibbs=demo.gibbs)
    patients = len(demo.data.test)
    return render(
        title="Bayesian inference on a network of spiking nanolasers",
        lead=(
            "Nine binary variables of the Wisconsin breast-cancer data, a Boltzmann machine learned "
            "from them, and nine nanolasers that sample from it: their spikes are the samples."
        ),
        card=summary(demo),
        first=Part(
            f"P(malignant | evidence) of {patients} held-out patients",
            [_picture(demo, "posterior")],
            [
                Table(
                    "Lasers beside Gibbs sampling and exact enumeration",
                    ("evidence", "computed by", "accuracy", "largest difference from exact"),
                    posterior_table(demo),
                ),
                Table(
                    "Marginals without evidence, sampled beside exact",
                    MARGINALS_HEAD,
                    marginal_rows(demo.refined_fidelity),
                    "Lasers after refinement in the loop.",
                ),
            ],
        ),
        pictures=[
            raster_picture(demo.refined),
            *(_picture(demo, name) for name in CAPTIONS if name != "posterior"),
        ],
        tables=_tables(demo),
        chapters=[] if hardware is None else [hardware],
        command=command,
    )


def _tables(demo: "Demo") -> list[Table]:
    """Return the tables that are folded."""
    thresholds = demo.data.thresholds.items()
    return [
        Table(
            "Fidelity of the free-running network, refined in the loop",
            (),
            fidelity_rows(demo.refined_fidelity),
        ),
        Table("Fidelity by translation alone", (), fidelity_rows(demo.fidelity)),
        Table("Refinement in the loop", ROUNDS_HEAD, refinement_rows(demo)),
        Table("Time", (), time_rows(demo)),
        Table("Run", (), [*run_rows(demo.refined), *device_facts(demo.refined)]),
        Table("Device", (), device_rows(demo.calibration)),
        Table("Translation", (), [("calibrated range", str(demo.validity))]),
        Table("Handwritten digits", (), digits_rows(demo)),
        Table(
            "Units",
            (),
            [(name, f"> {value:.4g}") for name, value in thresholds],
            "A unit is 1 above the threshold, which was learned on the training patients.",
        ),
    ]


CAPTIONS = {
    "posterior": (
        "Posterior",
        "Above: sampled against exact. Below: the difference. One mark is all patients with the same "
        "evidence.",
    ),
    "dream": ("Dreamt digits", "Lasers, one for each unit of a machine that learned them, run freely."),
    "completion": ("Completed digits", "Means of 100 draws, with the upper half known."),
    "joint": ("Joint distribution", "Without evidence, refined. Grey: exact, by enumeration."),
    "divergence": (
        "Convergence",
        "The band is what exact samplers show over the same time. A plateau above it is systematic "
        "error of the lasers.",
    ),
    "activation": ("Activation", "One uncoupled laser."),
    "spike": ("One spike", "Rate equations without noise."),
}
"""Title and text of each figure of the demo, by name."""


def _picture(demo: "Demo", name: str) -> Picture:
    return picture(*CAPTIONS[name], demo.figures[name])
