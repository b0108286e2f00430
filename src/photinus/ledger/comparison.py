"""Other machines beside this chip: totals, each with its citation and how well it is founded."""

import os
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from photinus import _validate
from photinus._threads import available_threads
from photinus.ledger.counts import FEWEST_EFFECTIVE
from photinus.ledger.ledger import Ledger
from photinus.units import quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from photinus.boltzmann import BoltzmannMachine

REFERENCE = "BrainScaleS-2"
"""The peer of the headline."""
GIBBS_SECONDS = 0.3
"""How long this machine's own Gibbs sampler is timed."""
GIBBS_CHAINS = 64
GIBBS_DRAWS = 400
"""Draws per chain from which effective draws are estimated."""
MOST_EFFECTIVE_UNITS = 100
"""Units up to which they are: the estimate takes longer than the sampling."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A machine to compare with; see ``data/peers.toml`` for what each figure means."""

    name: str
    """What it is called."""
    kind: str
    """"measured", "projected" or "simulated"."""
    source: str
    """Citation, or how it was measured."""
    leaves_out: str
    """What its figures do not include."""
    updates: float | None = None
    """Unit updates per second of the whole machine."""
    units: int | None = None
    """Units of the whole machine."""
    updates_per_unit: float | None = None
    """Updates per second of one unit."""
    energy_per_update: Sequence[float] | None = None
    """Low and high [J]."""
    energy_per_event: Sequence[float] | None = None
    """Low and high [J]."""
    power: Sequence[float] | None = None
    """Low and high [W], of the whole machine."""
    effective: float | None = None
    """Effective draws per second on the machine that was timed."""
    speed_evidence: str = ""
    """"read", "derived" or "recalled"."""
    energy_evidence: str = ""
    """"read", "derived" or "recalled"."""

    @property
    def verified(self) -> bool:
        """Whether everything that is known of it was read in a source or measured here."""
        known = {self.speed_evidence, self.energy_evidence} - {""}
        return bool(known) and known <= {"read", "measured"}

    def total(self, units: int) -> float | None:
        """Return unit updates per second: its own, or of as many units as the chip compared has."""
        if self.updates is not None:
            return self.updates
        return None if self.updates_per_unit is None else self.updates_per_unit * units

    def per_unit(self) -> float | None:
        """Return updates per second of one unit."""
        if self.updates_per_unit is not None:
            return self.updates_per_unit
        if self.updates is None or self.units is None:
            return None
        return self.updates / self.units

    def energy(self, events_per_update: float) -> tuple[float, float] | None:
        """Return low and high energy per unit update [J] at so many synaptic events per update."""
        if self.energy_per_update is not None:
            low, high = self.energy_per_update
        elif self.energy_per_event is not None:
            low, high = (energy * events_per_update for energy in self.energy_per_event)
        elif self.power is not None and self.updates is not None:
            low, high = (power / self.updates for power in self.power)
        else:
            return None
        return (low, high) if high > 0 else None


def peers() -> tuple[Peer, ...]:
    """Return the machines of the literature."""
    text = files("photinus").joinpath("data/peers.toml").read_text(encoding="utf-8")
    return tuple(Peer(**entry) for entry in tomllib.loads(text)["peer"])


def own_gibbs(
    machine: "BoltzmannMachine",
    *,
    seconds: float = GIBBS_SECONDS,
    chains: int = GIBBS_CHAINS,
    threads: int | None = None,
    power: float | None = None,
) -> Peer:
    """Return this computer's Gibbs sampler on `machine`, timed now.

    Parameters
    ----------
    machine
        What to sample.
    seconds
        For how long at least, > 0.
    chains
        Chains at a time, >= 1.
    threads
        By default all cores that this process may use.
    power
        Of the computer [W]; unknown by default, and then its energy is left open.
    """
    _validate.instance("machine", machine, "BoltzmannMachine")
    from photinus.fidelity import smallest_effective_draws
    from photinus.reference.gibbs import GibbsSampler

    seconds = _validate.positive("seconds", seconds, "s")
    threads = available_threads(threads)
    sampler = GibbsSampler(machine, chains=chains, seed=0, threads=threads)
    warm, keep = np.ones(2), np.zeros(2, bool)
    sampler.sweep(warm, keep)  # compiles
    sweeps, count, elapsed = 2, 0, 0.0
    while elapsed < seconds:
        begin = time.perf_counter()
        sampler.sweep(np.ones(sweeps), np.zeros(sweeps, bool))
        elapsed += time.perf_counter() - begin
        count += sweeps
        sweeps *= 2 if elapsed < seconds / 4 else 1
    sweep_rate = count * chains / elapsed
    effective = None
    if machine.n_units <= MOST_EFFECTIVE_UNITS:
        states = sampler.run(GIBBS_DRAWS)
        drawn = smallest_effective_draws(machine, states)
        known = drawn >= FEWEST_EFFECTIVE * chains  # nan is not
        effective = sweep_rate * drawn / (chains * GIBBS_DRAWS) if known else None
    given = None if power is None else _validate.positive("power", power, "W")
    cores = f"{threads} thread" + "s" * (threads > 1)
    return Peer(
        name=f"Gibbs here, {cores}",
        kind="measured",
        source=f"photinus, {chains} chains, timed {elapsed:.2f} s on {os.cpu_count()} cores",
        leaves_out="power of this computer" if given is None else "nothing of this computer's power",
        updates=sweep_rate * machine.n_units,
        effective=effective,
        speed_evidence="measured",
        power=None if given is None else (given, given),
        energy_evidence="" if given is None else "measured",
    )


def events_per_update(ledger: Ledger) -> float:
    """Return the synaptic events of the chip per unit update."""
    _validate.instance("ledger", ledger, Ledger)
    return ledger.counts.synaptic_events / ledger.counts.updates


def rows(ledger: Ledger, others: Sequence[Peer]) -> list[tuple[str, ...]]:
    """Return rows of (machine, updates/s in total, per unit, J per update, evidence, source, omits)."""
    _validate.instance("ledger", ledger, Ledger)
    c = ledger.counts
    best, worst = (ledger.energies(case)["unit update"] or 0.0 for case in ("best", "worst"))
    omitted = ", ".join(ledger.unpriced) or "nothing"
    table: list[tuple[str, ...]] = [
        (
            "these lasers",
            quantity(c.updates, "/s"),
            quantity(c.states, "/s"),
            f"{quantity(best, 'J')} to {quantity(worst, 'J')}",
            "simulated",
            "this ledger, best to worst case",
            f"best: {', '.join(ledger.left_out('best'))}; worst: {omitted}",
        )
    ]
    for peer in others:
        total, each = peer.total(c.free), peer.per_unit()
        energy = peer.energy(events_per_update(ledger))
        if energy is None:
            shown = "unknown"
        elif energy[0] == energy[1]:
            shown = quantity(energy[0], "J")
        else:
            shown = f"{quantity(energy[0], 'J')} to {quantity(energy[1], 'J')}"
        scaled = " (scaled to this size)" if peer.updates is None and total is not None else ""
        evidence = (
            f"speed {peer.speed_evidence or 'unknown'}, energy {peer.energy_evidence or 'unknown'}"
        )
        table.append(
            (
                peer.name,
                "unknown" if total is None else quantity(total, "/s") + scaled,
                "unknown" if each is None else quantity(each, "/s"),
                shown,
                f"{peer.kind}; {evidence}",
                peer.source,
                peer.leaves_out,
            )
        )
    return table


HEAD = ("machine", "updates/s", "per unit", "energy per update", "evidence", "source", "leaves out")
"""Names of the columns of `rows`."""


def headline(ledger: Ledger, gibbs: Peer, reference: Peer | None = None) -> str:
    """Return what the figures say, in one sentence.

    Parameters
    ----------
    ledger
        Of the lasers.
    gibbs
        This computer's sampler, see `own_gibbs`.
    reference
        Another machine whose units and updates are known; by default BrainScaleS-2.
    """
    _validate.instance("ledger", ledger, Ledger)
    _validate.instance("gibbs", gibbs, Peer)
    _validate.instance("reference", reference, Peer | None)
    if reference is None:
        reference = next(peer for peer in peers() if peer.name == REFERENCE)
    c = ledger.counts
    own, each, total = gibbs.total(c.free), reference.per_unit(), reference.total(c.free)
    assert own is not None
    assert each is not None
    assert total is not None
    best, worst = (quantity(ledger.power(case), "W") for case in ("best", "worst"))
    left_out = ", ".join(ledger.left_out("best"))
    unpriced = ", ".join(ledger.unpriced) or "nothing"
    if c.effective is not None and gibbs.effective is not None:
        samples = f" ({_times(c.effective / gibbs.effective)} in effective samples)"
    else:
        samples = ""
    return (
        f"{c.free:,} lasers refresh at {quantity(c.updates, '/s')} in total for {best} "
        f"(without {left_out}) to {worst} (without {unpriced}); that is {_times(c.updates / own)} "
        f"{gibbs.name}{samples}, and {_times(c.states / each)} {reference.name} per unit, "
        f"{_times(c.updates / total)} in total."
    )


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} ×" if ratio >= 100 else f"{ratio:.2g} ×"


WIDTH, HEIGHT = 9.0, 6.0
"""Size of the figure [inch]."""
SMALL = 8
"""Size of the names of machines [pt]."""
PLACES = ((6, 3), (6, -11), (-6, 3), (-6, -11), (6, 16), (-6, 16))
"""Where a name can stand beside its marker [pt], the best place first; negative x: to its left."""


def figure(ledger: Ledger, others: Sequence[Peer]) -> "Figure":
    """Draw energy per update against updates per second, both logarithmic.

    Hollow where a figure was not read in its source, triangles where it is projected. Machines whose
    energy is unknown stand at the lower edge, those whose speed is unknown at the left one; where both
    are, they are in the table alone.
    """
    _validate.instance("ledger", ledger, Ledger)
    from matplotlib.figure import Figure

    from photinus.plots import ABSORBER, DPI, EXACT, FLOOR, LASER, MUTED

    c, per_update = ledger.counts, events_per_update(ledger)
    cases = [ledger.energies(case)["unit update"] for case in ("best", "expected", "worst")]
    own = [energy for energy in cases if energy]
    placed = [(p, t, p.energy(per_update)) for p in others if (t := p.total(c.free)) is not None]
    bars = [(peer, total, energy) for peer, total, energy in placed if energy is not None]
    speeds = [c.updates, *(total for _, total, _ in placed)]
    energies = [*own, *(end for _, _, energy in bars for end in energy)]
    floor, slowest = min(energies) / 3e3, min(speeds) / 30
    at_rest = [(p, e) for p in others if p.total(c.free) is None and (e := p.energy(per_update))]

    drawn = Figure(figsize=(WIDTH, HEIGHT), layout="constrained", dpi=DPI)
    axes = drawn.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set(xscale="log", yscale="log")
    axes.set_xlim(slowest / 2, max(speeds) * 30)
    axes.set_ylim(floor / 3, max(energies) * 10)
    for peer, total, energy in placed:
        if energy is None:
            inside = EXACT if peer.verified else "white"
            axes.plot(total, floor, "v", color=EXACT, mfc=inside, ms=6)
            beside: dict[str, Any] = {"textcoords": "offset points", "rotation": 90, "ha": "center"}
            axes.annotate(peer.name, (total, floor), (0, 8), fontsize=SMALL, color=EXACT, **beside)
            continue
        colour = ABSORBER if peer.kind == "projected" else FLOOR
        marker = "^" if peer.kind == "projected" else "o"
        axes.plot([total, total], energy, color=colour, lw=1.2)
        inside = colour if peer.verified else "white"
        axes.plot(total, _middle(energy), marker, ms=7, color=colour, mfc=inside)
    for peer, energy in at_rest:
        inside = EXACT if peer.verified else "white"
        axes.plot([slowest, slowest], energy, color=EXACT, lw=1.2)
        axes.plot(slowest, _middle(energy), "<", ms=6, color=EXACT, mfc=inside)
    axes.plot([c.updates] * len(own), own, "-", color=LASER, lw=2)
    axes.plot(c.updates, own[0], "*", color=LASER, ms=15)
    axes.plot([c.updates] * (len(own) - 1), own[1:], "_", color=LASER, ms=14, mew=2)

    marked = [*((p.name, t, e) for p, t, e in bars), *((p.name, slowest, e) for p, e in at_rest)]
    names = [f"{c.lasers:,} lasers", *(name for name, _, _ in marked)]
    points = [(c.updates, own[0]), *((at, _middle(energy)) for _, at, energy in marked)]
    for k, (name, point, offset) in enumerate(
        zip(names, points, _places(names, points, axes.get_xlim(), axes.get_ylim()), strict=True)
    ):
        axes.annotate(
            name,
            point,
            offset,
            textcoords="offset points",
            ha="left" if offset[0] > 0 else "right",
            fontsize=SMALL,
            color=EXACT if k else LASER,
        )
    axes.grid(color=MUTED, alpha=0.2)
    axes.set_xlabel("unit updates per second, whole machine")
    axes.set_ylabel("energy per unit update [J]")
    axes.set_title(
        "circles: measured, triangles: projected; hollow: not read in a source; lower and left edge: "
        "energy or speed unknown\nstar: these lasers, best case; dashes: expected and worst",
        fontsize=9,
    )
    return drawn


def _middle(energy: tuple[float, float]) -> float:
    return float(np.sqrt(energy[0] * energy[1]))


def _places(
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
) -> list[tuple[int, int]]:
    """Return one of `PLACES` per name: if possible they cover no marker, no other name, no axis."""
    spans = np.log([x_range, y_range])
    inches = 72 * np.array([0.9 * WIDTH, 0.87 * HEIGHT])
    at = (np.log(points) - spans[:, 0]) / (spans[:, 1] - spans[:, 0]) * inches
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in at]
    taken += [(-1e3, 0.0, 0.0, inches[1]), (inches[0], 0.0, inches[0] + 1e3, inches[1])]
    chosen = []
    for k, name in enumerate(names):
        boxes = []
        for dx, dy in PLACES:
            length = 0.58 * SMALL * len(name)
            left = at[k, 0] + dx - (length if dx < 0 else 0)
            boxes.append((left, at[k, 1] + dy, left + length, at[k, 1] + dy + SMALL))
        covered = [
            sum(_overlap(box, other) for j, other in enumerate(taken) if j != k) for box in boxes
        ]
        best = int(np.argmin(covered))
        chosen.append(PLACES[best])
        taken.append(boxes[best])
    return chosen


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Return the area that two boxes (left, bottom, right, top) share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)
