"""Other machines beside this chip: totals, each with its citation and how well it is founded."""

import os
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.threads import available_threads
from photinus.diagnostics.convergence import smallest_effective_draws
from photinus.hardware.counts import FEWEST_EFFECTIVE
from photinus.hardware.ledger import Ledger
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.reference.gibbs import GibbsSampler
from photinus.units import quantity

REFERENCE = "BrainScaleS-2"
"""The peer of the headline."""
GIBBS_SECONDS = 0.3
"""How long this machine's own Gibbs sampler is timed."""
GIBBS_CHAINS = 64
GIBBS_DRAWS = 400
"""Draws per chain from which effective draws are estimated."""
MOST_EFFECTIVE_UNITS = 100
"""Units up to which they are: the estimate takes longer than the sampling."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Peer(Displayed):
    """A machine to compare with; see ``data/peers.toml`` for what each figure means.

    Examples
    --------
    >>> from photinus.hardware import peers
    >>> [peer.name for peer in peers() if peer.verified][:2]
    ['BrainScaleS-2', 'Loihi']
    >>> peer = next(peer for peer in peers() if peer.updates and peer.units)
    >>> round(peer.total(units=100) / peer.per_unit()) == peer.units
    True
    """

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
    """Return the machines of the literature.

    Examples
    --------
    >>> from photinus.hardware import peers
    >>> sorted({peer.kind for peer in peers()})
    ['measured', 'projected']
    """
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

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.hardware import own_gibbs
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> own_gibbs(machine, seconds=0.01).updates > 0
    True
    """
    validate.instance("machine", machine, "BoltzmannMachine")

    seconds = validate.positive("seconds", seconds, "s")
    threads = available_threads(threads)
    sampler = GibbsSampler(machine, chains=chains, seed=0, threads=threads)
    warm, keep = np.ones(2), np.zeros(2, bool)
    sampler.sweep(warm, keep)  # compiles
    sweeps, count, elapsed = 2, 0, 0.0
    while elapsed < seconds:
        start = time.perf_counter()
        sampler.sweep(np.ones(sweeps), np.zeros(sweeps, bool))
        elapsed += time.perf_counter() - start
        count += sweeps
        sweeps *= 2 if elapsed < seconds / 4 else 1
    sweep_rate = count * chains / elapsed
    effective = None
    if machine.n_units <= MOST_EFFECTIVE_UNITS:
        states = sampler.run(GIBBS_DRAWS)
        drawn = smallest_effective_draws(machine, states)
        known = drawn >= FEWEST_EFFECTIVE * chains  # nan is not
        effective = sweep_rate * drawn / (chains * GIBBS_DRAWS) if known else None
    given = None if power is None else validate.positive("power", power, "W")
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
    validate.instance("ledger", ledger, Ledger)
    return ledger.counts.synaptic_events / ledger.counts.updates


def rows(ledger: Ledger, others: Sequence[Peer]) -> list[tuple[str, ...]]:
    """Return rows of (machine, updates/s in total, per unit, J per update, evidence, source, omits)."""
    validate.instance("ledger", ledger, Ledger)
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


def headline(ledger: Ledger, gibbs: Peer | None = None, reference: Peer | None = None) -> str:
    """Return what the figures say, in one sentence.

    Parameters
    ----------
    ledger
        Of the lasers.
    gibbs
        This computer's sampler, see `own_gibbs`; by default the sentence leaves it out.
    reference
        Another machine whose units and updates are known; by default BrainScaleS-2.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.hardware import headline
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> ledger = ph.sample(machine, chains=4, draws=30, seed=1).ledger()
    >>> print(headline(ledger).split(",")[0])
    2 lasers and 2 weights on 0.014 mm² refresh at 1.82 G/s in total for 19.7 µW (without supply
    """
    validate.instance("ledger", ledger, Ledger)
    validate.instance("gibbs", gibbs, Peer | None)
    validate.instance("reference", reference, Peer | None)
    if reference is None:
        reference = next(peer for peer in peers() if peer.name == REFERENCE)
    c = ledger.counts
    each, total = reference.per_unit(), reference.total(c.free)
    assert each is not None
    assert total is not None
    best, worst = (quantity(ledger.power(case), "W") for case in ("best", "worst"))
    left_out = ", ".join(ledger.left_out("best"))
    unpriced = ", ".join(ledger.unpriced) or "nothing"
    area = 1e6 * ledger.placed.side**2
    return (
        f"{c.free:,} lasers and {c.synapses:,} weights on {area:.2g} mm² refresh at "
        f"{quantity(c.updates, '/s')} in total for {best} "
        f"(without {left_out}) to {worst} (without {unpriced}); that is {_beside(ledger, gibbs)}"
        f"{_times(c.states / each)} {reference.name} per unit, {_times(c.updates / total)} in total."
    )


def _beside(ledger: Ledger, gibbs: Peer | None) -> str:
    """Return the part of the headline on this computer's sampler."""
    if gibbs is None:
        return ""
    c, own = ledger.counts, gibbs.total(ledger.counts.free)
    assert own is not None
    samples = ""
    if c.effective is not None and gibbs.effective is not None:
        samples = f" ({_times(c.effective / gibbs.effective)} in effective samples)"
    return f"{_times(c.updates / own)} {gibbs.name}{samples}, and "


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} ×" if ratio >= 100 else f"{ratio:.2g} ×"
