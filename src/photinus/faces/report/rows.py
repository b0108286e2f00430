"""Tables of reports, as rows of (what, value): fidelity, marginals, run, device, mixing."""

from typing import TYPE_CHECKING

from photinus._core import gauge as gauges
from photinus.devices import Network
from photinus.devices.registry import device_of
from photinus.samplers.samples import Samples
from photinus.units import quantity, us

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from photinus.calibration import Calibration
    from photinus.diagnostics.certificate import Fidelity, UnitCheck
    from photinus.tasks.evaluation import Mixing


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
        without = _interval(f.kl_interval, "without noise, ")
        rows.append(("KL(sampled‖target)", f"{f.kl:.3g} nats{without}"))
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
        ("units that never flipped", _frozen(f.frozen)),
        ("target's moments from", f.reference),
    ]
    return rows


def _frozen(units: "Sequence[Hashable]") -> str:
    """Return how many units never flipped, and the first of them."""
    if len(units) <= MOST_NAMED:
        return ", ".join(map(str, units)) or "none"
    return f"{len(units):,}: {', '.join(map(str, units[:MOST_NAMED]))}, …"


def _interval(interval: tuple[float, float] | None, of: str = "") -> str:
    """Return a 95 % interval in brackets, and what it is of, or nothing."""
    return "" if interval is None else f" ({of}95 %: {interval[0]:.3g} to {interval[1]:.3g})"


def _worst(error: float | None, of: str, interval: tuple[float, float] | None) -> str:
    """Return the largest error of its kind, where it is, and its interval."""
    if error is None:
        return "unknown"
    return f"{error:.3f}{f', {of}' if of else ''}{_interval(interval)}"


MARGINALS_HEAD = ("unit", "P(on)", "standard error", "right value")
"""Head of the table of `marginal_rows`."""
MOST_NAMED = 12
"""Flipped units that are named."""
MOST_MARGINALS = 40
"""Rows of a table of marginals at most."""


def marginal_rows(fidelity: "Fidelity", most: int = MOST_MARGINALS) -> list[tuple[str, str, str, str]]:
    """Return the marginals of the free units as rows under `MARGINALS_HEAD`.

    In the order of the machine. Of more than `most` units, only the first are shown: those that are
    most off in units of their error. Where no right values are known, these are the least certain ones.
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
        *([("method", samples.attributes["method"])] if "method" in samples.attributes else []),
        ("units", str(samples.machine.n_units)),
        ("chains × draws", f"{samples.chains} × {samples.draws}"),
        ("burn-in", f"{samples.burn_in} draws"),
        ("seed", str(samples.attributes.get("seed_entropy", "unknown"))),
        ("complete", "yes" if samples.complete else "no: stopped early"),
    ]
    if samples.evidence:
        evidence = samples.evidence.to_dict()
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
    if samples.network is not None and gauges.of(samples.network).any():
        rows.append(("gauge", gauge_words(samples.network)))
    if samples.physical_time is not None and samples.spikes is not None:
        rows += [
            ("physical time per chain", quantity(samples.physical_time, "s", 4)),
            ("spikes", f"{len(samples.spikes):,}"),
        ]
    return rows


def gauge_words(network: Network) -> str:
    """Return which neurons of a network stand for the complement of their unit, a sentence."""
    device, flips = device_of(network), gauges.of(network)
    if not flips.any():
        return f"All {device.plural} stand for z."
    named = [str(label) for label, flipped in zip(network.labels, flips, strict=True) if flipped]
    shown = ", ".join(named[:MOST_NAMED]) + (", …" if len(named) > MOST_NAMED else "")
    verb = "stands" if len(named) == 1 else "stand"
    return f"{len(named)} of {network.n_units} {device.plural} {verb} for 1 - z: {shown}."


def device_rows(calibration: "Calibration") -> list[tuple[str, str]]:
    """Return a calibration as rows of (what, value)."""
    c = calibration
    rows = [("device", c.parameters.name), ("state window τ", quantity(c.window, "s"))]
    rows += device_of(c.parameters).facts(c)
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
