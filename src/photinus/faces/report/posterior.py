"""Posterior marginals as tables, and as a page."""

from typing import TYPE_CHECKING

from photinus.faces.report.page import Part, Table, render
from photinus.faces.report.rows import fidelity_rows, run_rows
from photinus.faces.report.run import device_facts, fidelity_card, raster_picture, run_card
from photinus.units import quantity

if TYPE_CHECKING:
    from photinus.tasks import Posterior

CHANCES_HEAD = ("variable", "state", "P(state | evidence)", "standard error", "exact")
"""Head of the table of `chance_rows`."""


def chance_rows(posterior: "Posterior") -> list[tuple[str, ...]]:
    """Return the probabilities of all states of all variables as rows under `CHANCES_HEAD`."""
    return [
        (
            str(name),
            str(state),
            f"{p:.4f}",
            f"{error:.4f}" if error == error else "unknown",
            "unknown" if exact is None else f"{exact:.4f}",
        )
        for name, state, p, error, exact in posterior.rows()
    ]


def posterior_rows(posterior: "Posterior") -> list[tuple[str, str]]:
    """Return what came out and what it took, as rows of (what, value)."""
    deviation, chip = posterior.largest_deviation, posterior.chip_time
    known = ", ".join(f"{name} = {state}" for name, state in posterior.evidence.items())
    rows = [
        ("evidence", known or "none"),
        ("largest deviation", "unknown" if deviation is None else f"{deviation:.4f}"),
        ("verdict on the samples", posterior.verdict),
        ("substrate", posterior.substrate),
        ("sampled", f"{posterior.units} units, largest weight {posterior.largest_weight:.2f}"),
    ]
    if posterior.reduction.summed:
        rows.append(("summed out", f"{len(posterior.reduction.summed)} variables"))
    if posterior.weights is not None:
        rows.append(("weights that undo softening", posterior.weights.verdict))
    if posterior.invalid:
        total = posterior.numbers[..., 0].size
        rows.append(("draws in no valid state", f"{posterior.invalid:,} of {total:,}, left out"))
    rows.append(("time on the chip", "none" if chip is None else f"{quantity(chip, 's')} per chain"))
    return [*rows, ("time here", f"{posterior.wall_time:.1f} s")]


def posterior_page(posterior: "Posterior", command: str | None = None) -> str:
    """Return the report of a posterior as HTML; `command` is what it says it is from."""
    rows = posterior_rows(posterior)
    card, tables, pictures = rows[:3], [Table("Posterior", (), rows)], []
    if posterior.samples is not None and posterior.fidelity is not None:
        fidelity, samples = posterior.fidelity, posterior.samples
        card = [rows[0], *fidelity_card(fidelity), *run_card(samples)]
        tables += [
            Table("Fidelity", (), fidelity_rows(fidelity)),
            Table("Run", (), [*run_rows(samples), *device_facts(samples)]),
        ]
        if samples.spikes is not None and samples.draws:
            pictures = [raster_picture(samples)]
    return render(
        title=f"Posterior on {posterior.substrate}",
        lead=f"{len(posterior.marginals)} variables, given {len(posterior.evidence)}.",
        card=card,
        first=Part("Marginals", (), [Table("Marginals", CHANCES_HEAD, chance_rows(posterior))]),
        pictures=pictures,
        tables=tables,
        command=command,
    )
