"""Self-contained HTML reports: one file, pictures inside."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from photinus._core import files
from photinus.devices.laser import LaserParameters
from photinus.errors import InvalidInput
from photinus.samplers.samples import Samples
from photinus.units import ns, quantity, uA, us

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

    from photinus.calibration import Calibration
    from photinus.diagnostics.certificate import Fidelity, UnitCheck
    from photinus.faces.demo import Demo
    from photinus.tasks.evaluation import Mixing


def png(figure: "Figure") -> bytes:
    """Return `figure` as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _render(**content: Any) -> str:
    import jinja2

    from photinus._core.version import __version__

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("photinus", "data"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html.j2").render(version=__version__, **content)


GENERATOR = '<meta name="generator" content="Photinus'
"""Stands in the head of every page."""


def is_page(path: "str | os.PathLike[str]") -> bool:
    """Return whether the file at `path` is a report that Photinus wrote."""
    try:
        with open(path, "rb") as stream:
            return GENERATOR.encode() in stream.read(2000)
    except OSError:
        return False


def _picture(title: str, text: str, figure: "Figure | bytes") -> dict[str, str]:
    """Return a picture for the page: a figure, or an animation as the bytes of a GIF."""
    kind, content = ("gif", figure) if isinstance(figure, bytes) else ("png", png(figure))
    return {"title": title, "text": text, "kind": kind, "data": base64.b64encode(content).decode()}


def fidelity_rows(fidelity: "Fidelity") -> list[tuple[str, str]]:
    """Return a certificate as rows of (what, value), for tables: the verdict first."""
    f = fidelity
    rows = [
        ("verdict", f.verdict),
        ("converged?", f.on_convergence),
        ("biased?", f.on_bias),
        ("how far?", f.on_distance),
        ("what next?", f.advice),
    ]
    if f.kl is not None:
        rows.append(("KL(sampled‖target)", f"{f.kl:.3g} nats{_interval(f.kl_interval)}"))
    if f.kl_floor is not None:
        floor = f"{f.kl_floor:.2g} ± {f.kl_floor_std:.1g} nats"
        rows.append(("floor: exact draws, as noisy", floor))
    rows += [
        ("largest error of a marginal", _worst(f.marginal_error, f.marginal_of, f.marginal_interval)),
        ("largest error of a pair moment", _worst(f.pair_error, f.pair_of, f.pair_interval)),
        ("effective draws (ESS)", f"{f.ess:,.0f}" if f.ess == f.ess else "unknown"),
        ("autocorrelation time", f"{f.tau_int:.2f} draws" if f.tau_int == f.tau_int else "unknown"),
        ("largest R̂", "unknown" if f.rhat is None else f"{f.rhat:.3f} ({f.rhat_of})"),
        (
            "effective inverse temperature",
            f"{f.beta_eff:.3f}{_interval(f.beta_interval)}" if f.beta_eff == f.beta_eff else "unknown",
        ),
        ("units that never flipped", ", ".join(map(str, f.frozen)) or "none"),
        ("target's moments from", f.reference),
    ]
    return rows


def _interval(interval: tuple[float, float] | None) -> str:
    """Return a 95 % interval in brackets, or nothing."""
    return "" if interval is None else f" (95 %: {interval[0]:.3g} to {interval[1]:.3g})"


def _worst(error: float | None, of: str, interval: tuple[float, float] | None) -> str:
    """Return the largest error of its kind, where it is, and its interval."""
    if error is None:
        return "unknown"
    return f"{error:.3f}{f', {of}' if of else ''}{_interval(interval)}"


MARGINALS_HEAD = ("unit", "P(on)", "standard error", "right value")
"""Head of the table of `marginal_rows`."""
MOST_MARGINALS = 40
"""Rows of a table of marginals at most."""


def marginal_rows(fidelity: "Fidelity", most: int = MOST_MARGINALS) -> list[tuple[str, str, str, str]]:
    """Return the marginals of the free units as rows under `MARGINALS_HEAD`.

    In the order of the machine. Of more than `most` units, those that are most off in units of their
    error come first (the least certain ones where no right values are known), and the rest is left out.
    """
    units = list(fidelity.units)
    if len(units) > most:
        units = sorted(units, key=_oddity, reverse=True)[:most]
    rows = [
        (
            str(unit.label),
            f"{unit.probability:.4f}",
            "unknown" if unit.error is None else f"{unit.error:.4f}",
            "unknown" if unit.reference is None else f"{unit.reference:.4f}",
        )
        for unit in units
    ]
    left = len(fidelity.units) - len(rows)
    return [*rows, (f"… and {left} others", "", "", "")] if left else rows


def _oddity(unit: "UnitCheck") -> float:
    """Return how many errors a marginal is off, or its error where the right value is unknown."""
    error = unit.error or 0.0
    if unit.reference is None:
        return error
    return abs(unit.probability - unit.reference) / max(error, 1e-6)


def run_rows(samples: Samples) -> list[tuple[str, str]]:
    """Return what a run was, as rows of (what, value)."""
    rows = [
        ("substrate", samples.substrate),
        ("units", str(samples.machine.n_units)),
        ("chains × draws", f"{samples.chains} × {samples.draws}"),
        ("burn-in", f"{samples.burn_in} draws"),
        ("seed", str(samples.attributes.get("seed_entropy", "unknown"))),
        ("complete", "yes" if samples.complete else "no: stopped early"),
    ]
    if samples.clamp:
        evidence = {label: value for label, value in samples.clamp.items()}
        shown = ", ".join(
            f"{label} = {value if not hasattr(value, 'shape') or not value.shape else 'per chain'}"
            for label, value in evidence.items()
        )
        rows.append(("evidence", shown))
    if "imperfections" in samples.attributes:
        from photinus.networks.imperfections import Imperfections

        perfect = Imperfections().to_dict()
        given = samples.attributes["imperfections"].items()
        shown = ", ".join(f"{name} = {value}" for name, value in given if perfect[name] != value)
        rows.append(("imperfections", shown or "none"))
    if samples.physical_time is not None and samples.spikes is not None:
        rows += [
            ("physical time per chain", quantity(samples.physical_time, "s", 4)),
            ("spikes", f"{len(samples.spikes):,}"),
        ]
    return rows


def device_rows(calibration: "Calibration") -> list[tuple[str, str]]:
    """Return a calibration as rows of (what, value)."""
    c = calibration
    rows = [("device", c.parameters.name), ("state window τ", quantity(c.window, "s"))]
    if isinstance(c.parameters, LaserParameters):
        per_slope = c.laser.current(c.slope / c.laser.gain_lifetime)
        rows += [
            ("detection threshold", f"{c.detection_threshold:,.0f} photons"),
            ("half-activation current", f"{c.half_current / uA:.4g} µA"),
            (
                "slope α",
                f"{per_slope / uA:.3g} µA, {100 * c.slope / c.midpoint:.2g} % of the pump: "
                "pump currents must be at least ten times more precise",
            ),
        ]
    else:
        rows += [
            ("half-activation potential", f"{1e3 * c.midpoint:.4g} mV"),
            ("slope α", f"{1e3 * c.slope:.3g} mV"),
        ]
    fitted = ", ".join(
        f"{name} {value:.3g} ± {error:.1g}"
        for name, error in c.kernel_error.items()
        for value in [getattr(c.kernel, name)]
    )
    return [
        *rows,
        ("activation off a logistic by", f"{c.residual:.3f} at most (5–95 %)"),
        (f"synapse: {'renewing' if c.kernel.renewing else 'additive'} {c.kernel.shape}", fitted),
        ("calibration pairs and triples", f"mean KL {c.network_kl:.2g}"),
        ("shortest interval", quantity(_shortest(c), "s")),
        ("judgement", c.samples_or_pulses),
        *([] if c.reduced is None else [("as an escape rate", str(c.reduced.agreement))]),
    ]


def _shortest(calibration: "Calibration") -> float:
    import numpy as np

    return float(np.nanmin(calibration.shortest_interval))


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


def mixing_rows(mixing: "Mixing", wall: float) -> list[tuple[str, str]]:
    """Return how a dream mixes; `wall` is the time that the simulation took [s]."""
    rows = [
        ("classes seen", f"{mixing.visited} of {len(mixing.histogram)}"),
        ("entropy of the classes", f"{mixing.entropy:.2f} ± {mixing.entropy_error:.2f} nats"),
        ("confidence of the classifier", f"{mixing.confidence:.3f}"),
        ("changes of class", f"{1000 * mixing.switches:.1f} per 1000 draws of a chain"),
        ("autocorrelation time of the energy", f"{mixing.energy_time:.1f} draws"),
        ("effective draws", f"{mixing.effective_draws / wall:,.1f} per second of wall time"),
    ]
    if mixing.all_visited is not None:
        rows.insert(1, ("all of them after", f"{mixing.all_visited:.0f} draws"))
    if mixing.switch_rate is not None and mixing.effective_rate is not None:
        rows += [
            ("changes of class on the chip", f"{mixing.switch_rate * us:.2f} per µs and chain"),
            ("effective draws on the chip", f"{mixing.effective_rate * us:.1f} per µs and chain"),
        ]
    return rows


TOLERANCES, TOLERANCES_SCHEMA = "photinus-tolerances", 1
"""Kind and schema of the file that ``studies/robustness.py`` writes for `load_tolerances`."""


@dataclass(frozen=True)
class Table:
    """A table of a chapter."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: str = ""
    """What stands under it."""


@dataclass(frozen=True)
class Chapter:
    """A part of a report with tables and pictures of its own."""

    title: str
    text: str
    tables: Sequence[Table]
    pictures: Sequence[Mapping[str, str]]


def load_tolerances(path: "str | os.PathLike[str]") -> Table:
    """Return the tolerances that the study of robustness found, from its JSON file.

    Raises
    ------
    InvalidInput
        If the file cannot be read or is not one of these.
    """
    document = files.read_json(path, kind=TOLERANCES, schema=TOLERANCES_SCHEMA)
    with files.reading(path, "table of tolerances"):
        head = [str(cell) for cell in document["head"]]
        rows = [[str(cell) for cell in row] for row in document["rows"]]
        if any(len(row) != len(head) for row in rows):
            raise InvalidInput(f"rows must have {len(head)} cells each, as the head has")
        return Table("Tolerances", head, rows, str(document["about"]))


def hardware_chapter(samples: Samples, tolerances: Table | None = None) -> Chapter | None:
    """Return the chapter on hardware; None for a run without a ledger."""
    from photinus.faces.figures.comparison import figure
    from photinus.hardware import headline, own_gibbs
    from photinus.hardware import peers as literature
    from photinus.hardware.comparison import HEAD, rows
    from photinus.hardware.ledger import CASES
    from photinus.networks.lasers import LaserNetwork

    network = samples.network
    if not isinstance(network, LaserNetwork) or samples.spikes is None or not samples.draws:
        return None
    if network.depression is not None:
        return None
    ledger, gibbs = samples.ledger(), own_gibbs(samples.machine)
    peers = [*literature(), gibbs]
    unpriced = f"Unpriced, in no sum: {', '.join(ledger.unpriced) or 'nothing'}."
    drawn = _picture(
        "Energy against speed", "Each machine with its citation above.", figure(ledger, peers)
    )
    return Chapter(
        "Hardware",
        headline(ledger, gibbs),
        [
            Table("What the chip does", ("what", "value"), ledger.count_rows()),
            Table(
                "Prices",
                ("what", "price", "expected", "worst", "kind and source"),
                ledger.price_rows(),
                unpriced,
            ),
            Table("Power and energy", ("what", *CASES), ledger.result_rows()),
            Table("Other machines", HEAD, rows(ledger, peers)),
            *([] if tolerances is None else [tolerances]),
        ],
        [drawn],
    )


def demo_page(demo: "Demo") -> str:
    """Return the report of the main job as HTML."""
    figures = demo.figures
    hardware = hardware_chapter(demo.refined)
    return _render(
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
            _picture("Posterior", "Each point is a patient.", figures["posterior"]),
            _picture(
                "Convergence",
                "The band is what exact samplers show over the same time; a plateau above it is "
                "systematic error of the lasers.",
                figures["divergence"],
            ),
            _picture(
                "Dreamt digits",
                f"{demo.digits.machine.n_units} lasers, a restricted machine that learned 8×8 digits, "
                "running freely.",
                figures["dream"],
            ),
            _picture("Completed digits", "Means of 100 draws.", figures["completion"]),
            _picture("Joint distribution", "Sampled without evidence, refined.", figures["joint"]),
            _picture("Raster", "The first chain after burn-in.", figures["raster"]),
            _picture("Activation", "One uncoupled laser.", figures["activation"]),
            _picture("One spike", "Rate equations without noise.", figures["spike"]),
        ],
        chapters=[] if hardware is None else [hardware],
    )


def run_page(samples: Samples, tolerances: Table | None = None) -> str:
    """Return the report of any stored run as HTML; tolerances stand in its chapter on hardware."""
    from photinus.faces.figures import plots

    tables: list[tuple[str, list[Any]]] = [("Run", run_rows(samples))]
    pictures, marginals = [], None
    if samples.draws:
        fidelity = samples.fidelity()
        tables.insert(0, ("Fidelity", fidelity_rows(fidelity)))
        marginals = {
            "title": "Marginals",
            "head": MARGINALS_HEAD,
            "rows": marginal_rows(fidelity, len(fidelity.units)),
        }
        if len(samples.free_units) <= 16:
            text = "Exact by enumeration."
            pictures.append(_picture("Joint distribution", text, plots.joint(samples)))
        if samples.spikes is not None and samples.network is not None:
            pictures.append(_picture("Raster", "The first chain.", plots.raster(samples)))
    hardware = hardware_chapter(samples, tolerances)
    if hardware is None and tolerances is not None:
        raise InvalidInput(f"tolerances must go with a run on lasers, got one on {samples.substrate!r}")
    return _render(
        title=f"Run on {samples.substrate}",
        lead=f"{samples.chains} chains of {samples.draws} draws, {samples.machine.n_units} units.",
        tables=tables,
        comparison=marginals,
        pictures=pictures,
        chapters=[] if hardware is None else [hardware],
    )


def task_page(
    title: str,
    lead: str,
    tables: "list[tuple[str, list[tuple[str, str]]]]",
    pictures: "list[tuple[str, str, Figure | bytes]]",
) -> str:
    """Return the report of a task as HTML; pictures are (title, text, figure or GIF)."""
    return _render(
        title=title,
        lead=lead,
        tables=tables,
        comparison=None,
        pictures=[_picture(*picture) for picture in pictures],
        chapters=[],
    )
