"""What `photinus.sample` promises of every substrate, as checks that anybody can run on theirs."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from photinus._core.gauge import flip_states
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.imperfections import Imperfections
from photinus.samplers import Interrupted, Request, Tempering, load
from photinus.samplers.registry import SUBSTRATES, substrate
from photinus.testing.law import check_law, check_law_given_evidence
from photinus.testing.runs import (
    BAD,
    BURN_IN,
    CHAINS,
    DRAWS,
    Posted,
    Subject,
    Told,
    check_refusal,
    machine_of,
    same,
)
from photinus.testing.verdict import require, run_all

DEVICE_BIAS = 0.03
"""Error of a state's probability that a simulated device is allowed: it has a law of its physics."""


def check_substrate(name: str, *, bias: float | None = None, **options: Any) -> None:
    """Check that a substrate keeps what `photinus.sample` promises.

    Parameters
    ----------
    name
        Of the substrate: one of Photinus, or of another package by its entry point.
    bias
        Largest error of a state's probability that is allowed beyond chance, for machines of three
        units. By default 0, and 0.03 if it simulates a device.
    **options
        Arguments of `sample` that it needs, such as ``calibration``.

    Raises
    ------
    Unfit
        With a sentence of each check that failed. A right substrate fails with a probability of at
        most 0.0003: three comparisons of laws, each with a false alarm of 0.0001.

    Examples
    --------
    >>> from photinus.testing import check_substrate
    >>> check_substrate("exact")  # doctest: +SKIP
    """
    run_all(SUBSTRATE_CHECKS, subject(name, bias=bias, **options), name)


def subject(name: str, *, bias: float | None = None, **options: Any) -> Subject:
    """Return what each of `SUBSTRATE_CHECKS` takes; arguments as in `check_substrate`.

    Examples
    --------
    >>> from photinus.testing import SUBSTRATE_CHECKS, subject
    >>> SUBSTRATE_CHECKS["seed"](subject("gibbs"))
    """
    allowed = (DEVICE_BIAS if substrate(name).spiking else 0.0) if bias is None else bias
    return Subject(name, options, allowed)


# What comes out


def check_result(subject: Subject) -> None:
    """Check that every draw is a state, and that what samples say of themselves agrees."""
    for n in (1, 2, 5):
        _check_result(subject, machine_of(n))
    _check_result(subject, BoltzmannMachine(np.zeros((3, 3)), np.zeros(3)))


def _check_result(subject: Subject, machine: BoltzmannMachine) -> None:
    n, found = machine.n_units, subject.draw(machine)
    wanted = (CHAINS, DRAWS, n)
    require(found.states.shape == wanted, f"states must have shape {wanted}, got {found.states.shape}")
    require(found.states.dtype == np.uint8, f"states must be uint8, got {found.states.dtype}")
    require(bool(found.states.max() <= 1), f"states must be 0 or 1, got {found.states.max()}")
    require(found.complete, "a run that ended must be complete")
    require(
        (found.machine == machine, found.substrate, found.burn_in) == (True, subject.name, BURN_IN),
        "samples must say of which machine, substrate and burn-in they are",
    )
    joint, marginals, moments = found.joint(), found.marginals(), found.pair_moments()
    bits = np.arange(2**n)[None, :] >> np.arange(n)[:, None] & 1
    require(joint.min() >= 0 and np.isclose(joint.sum(), 1), "the joint must be a distribution")
    require(np.allclose(marginals, bits @ joint, atol=1e-6), "marginals must be those of the joint")
    require(np.allclose(np.diagonal(moments), marginals), "pair moments must hold the marginals")
    chains = found.chain_marginals().mean(axis=0)
    require(np.allclose(chains, marginals), "marginals must be the mean of those of the chains")


def check_smallest_runs(subject: Subject) -> None:
    """Check that one chain, one draw and no burn-in are enough."""
    for chains, draws in ((1, 1), (1, 4), (3, 1)):
        found = subject.draw(machine_of(2), chains=chains, draws=draws, burn_in=0).states
        wanted = (chains, draws, 2)
        require(found.shape == wanted, f"states must have shape {wanted}, got {found.shape}")


def check_spikes(subject: Subject) -> None:
    """Check that spikes are sorted and in range, and that draw d is read at (burn_in + d + 1) τ."""
    machine = machine_of(3)
    found = subject.draw(machine, draws=20)
    spikes, window = found.spikes, found.window
    require((spikes is None) == (window is None), "there are spikes where there is a window, only")
    if spikes is None or window is None:
        return
    total = (BURN_IN + 20) * window
    kinds = (spikes.chain.dtype, spikes.unit.dtype, spikes.time.dtype)
    wanted = (np.dtype(np.int32), np.dtype(np.int32), np.dtype(np.float64))
    require(kinds == wanted, f"spikes must be {wanted}, got {kinds}")
    require((spikes.labels, spikes.chains) == (machine.labels, CHAINS), "spikes need labels and chains")
    require(bool(np.isclose(spikes.stop, total)), f"spikes must end at {total:g}, got {spikes.stop:g}")
    order = np.lexsort((spikes.unit, spikes.time, spikes.chain))
    require(bool((order == np.arange(len(spikes))).all()), "spikes must be sorted by chain, then time")
    for name, values, most in (
        ("chain", spikes.chain, CHAINS - 1),
        ("unit", spikes.unit, 2),
        ("time", spikes.time, total),
    ):
        inside = not len(values) or bool(values.min() >= 0 and values.max() <= most)
        require(inside, f"the {name} of a spike must be from 0 to {most:g}")
    for d in range(20):
        t = (BURN_IN + d + 1) * window
        recent = (spikes.time > t - window * (1 - 1e-9)) & (spikes.time <= t * (1 + 1e-12))
        expected = np.zeros((CHAINS, 3), np.uint8)
        expected[spikes.chain[recent], spikes.unit[recent]] = 1
        agrees = np.array_equal(found.states[:, d], flip_states(expected, spikes.gauge))
        require(agrees, f"draw {d} must be on where there is a spike in the window before it")


def check_network(subject: Subject) -> None:
    """Check that a substrate with a device says which network was simulated, and how long."""
    machine = machine_of(3)
    found = subject.draw(machine)
    spiking = subject.kind.spiking
    require((found.network is not None) == spiking, "a network must be there for a device, only")
    if found.network is None or found.window is None:
        return
    require(found.network.labels == machine.labels, "the network must have the labels of the machine")
    require(found.network.window == found.window, "the window must be that of the network")
    total = (BURN_IN + DRAWS) * found.window
    require(bool(np.isclose(found.physical_time or 0, total)), "the chip's time must be of all draws")


# Random numbers


def check_seed(subject: Subject) -> None:
    """Check that a seed gives the same draws, another one others, and that use does not change it."""
    machine, sequence = machine_of(3), np.random.SeedSequence(1)
    first = subject.draw(machine)
    require(same(first, subject.draw(machine)), "the same seed must give the same draws")
    require(same(first, subject.draw(machine, seed=sequence)), "a SeedSequence must be its number")
    require(same(first, subject.draw(machine, seed=sequence)), "use must not change a SeedSequence")
    many = subject.draw(machine, draws=30)
    require(not same(many, subject.draw(machine, draws=30, seed=2)), "another seed must change draws")
    fresh = subject.draw(machine, seed=None, draws=30)
    require(not same(fresh, subject.draw(machine, seed=None, draws=30)), "no seed must be a new one")
    recorded = int(fresh.attributes["seed_entropy"])
    again = subject.draw(machine, seed=recorded, draws=30)
    require(same(fresh, again), "the seed that was recorded must give the same draws")


def check_lanes(subject: Subject) -> None:
    """Check that chains and units have random numbers apart: fair coins of 40 draws all differ.

    Eight rows of independent coins agree somewhere with a probability of 28 / 2**40.
    """
    states = subject.draw(BoltzmannMachine(np.zeros((2, 2)), [0, 0]), draws=40).states
    rows = states.transpose(0, 2, 1).reshape(-1, 40)
    require(len(np.unique(rows, axis=0)) == len(rows), "chains and units must differ from each other")


def check_threads(subject: Subject) -> None:
    """Check that draws do not depend on the number of threads."""
    one = subject.draw(machine_of(3), chains=9, threads=1)
    for threads in (2, 3):
        other = subject.draw(machine_of(3), chains=9, threads=threads)
        require(same(one, other), f"{threads} threads must give the draws of one")


def check_chains(subject: Subject) -> None:
    """Check that chain c does not depend on how many chains there are."""
    known = np.arange(9) % 2
    many = subject.draw(machine_of(3), chains=9, evidence={-7: known})
    few = subject.draw(machine_of(3), chains=4, evidence={-7: known[:4]})
    require(np.array_equal(many.states[:4], few.states), "the first of more chains must be the same")


def check_workers(subject: Subject) -> None:
    """Check that draws are the same if workers take blocks of chains, to which everything travels."""
    options: dict[str, Any] = {"chains": 19, "draws": 12, "evidence": {-7: np.arange(19) % 2}}
    whole = subject.draw(machine_of(3), **options)
    with Posted() as pool:
        spread = subject.draw(machine_of(3), pool=pool, **options)
    require(same(whole, spread), "workers must give the same draws")


# Burn-in, start, end


def check_burn_in(subject: Subject) -> None:
    """Check that draws of the burn-in are draws that are left out."""
    if subject.kind.independent:
        return
    least = subject.kind.least_burn_in
    first = least if least is not None and 1 < least <= 3 else 1
    early = subject.draw(machine_of(3), burn_in=first, draws=DRAWS + 2)
    late = subject.draw(machine_of(3), burn_in=first + 2, draws=DRAWS)
    agree = np.array_equal(early.states[:, 2:], late.states)
    require(agree, "two more draws of burn-in must leave out two draws")


def check_start(subject: Subject) -> None:
    """Check that chains start as told: all on or all off, of units that hold each other there.

    Eight units, each with log-odds of ±7 given the others. Chains of the target leave their mode within
    these draws with a probability below 1e-6; devices may do so more often, hence the wide margin.
    """
    if subject.kind.independent:
        return
    n, weight = 8, 2.0
    machine = BoltzmannMachine(
        weight * (np.ones((n, n)) - np.eye(n)), np.full(n, -weight * (n - 1) / 2)
    )
    least = subject.kind.least_burn_in
    if least is None:
        check_refusal(subject, {"initial": np.zeros(n)}, "initial", machine)
        return
    counts = {"burn_in": max(8, least), "draws": max(8, least)}
    off, on = (
        subject.draw(machine, initial=np.full(n, value), chains=32, **counts).states[:, 0].mean()
        for value in (0, 1)
    )
    require(bool(on > off + 1 / 3), f"starts must show: {on:.2f} on after on, {off:.2f} after off")
    if least:
        check_refusal(subject, {"initial": np.zeros(n), "burn_in": least - 1}, "initial", machine)
    for initial in (np.zeros(n + 1), np.full(n, 2), "on"):
        check_refusal(subject, {"initial": initial, **counts}, "initial", machine)


def check_progress(subject: Subject) -> None:
    """Check that progress starts and stops once, and adds up to what was announced."""
    told = Told()
    subject.draw(machine_of(2), progress=told)
    require((told.started, told.stopped) == (1, 1), "progress must start and stop once")
    total = BURN_IN + DRAWS
    require(told.done == told.total == total, f"progress must add up to {total}, got {told.done}")


def check_resume(subject: Subject) -> None:
    """Check that a run that was stopped goes on to the same draws, and that its store holds them."""
    options: dict[str, Any] = {"draws": 12, "evidence": {-7: [0, 1, 1, 0]}}
    machine = machine_of(3)
    whole = subject.draw(machine, **options)
    with tempfile.TemporaryDirectory() as folder, _in_pieces(subject.name):
        path = os.path.join(folder, "run.zarr")
        with contextlib.suppress(Interrupted):
            subject.draw(machine, path=path, progress=Told(BURN_IN + 5), **options)
            require(False, "Ctrl-C in a display of progress must stop a run")
        resumed = subject.draw(machine, path=path, resume=True, **options)
        require(same(resumed, whole), "a resumed run must have the draws of one that was not stopped")
        require(same(load(path), whole), "a store must hold the draws of its run")


@contextlib.contextmanager
def _in_pieces(name: str) -> Iterator[None]:
    """Let a substrate give two draws at a time, if it can go on from a state."""
    kind: Any = substrate(name)

    class InPieces(kind):  # type: ignore[misc]
        def __init__(self, request: Request) -> None:
            super().__init__(request)
            if self.state():
                self.draws_per_piece = 2

    before = SUBSTRATES.get(name)
    SUBSTRATES[name] = InPieces
    try:
        yield
    finally:
        if before is None:
            del SUBSTRATES[name]
        else:
            SUBSTRATES[name] = before


# Evidence, heat and faults


def check_common_evidence(subject: Subject) -> None:
    """Check that known units have their values in every draw, in each mode."""
    for mode in ("pump", "laser"):
        found = subject.draw(machine_of(5), evidence={-7: 1, "": 0}, evidence_mode=mode)
        drawn = found.states[:, :, [1, 4]].reshape(-1, 2)
        require(
            bool((drawn == [1, 0]).all()), f"evidence must be in every draw (evidence_mode={mode!r})"
        )
        require(found.marginals()[[1, 4]].tolist() == [1, 0], "marginals must be those of evidence")
        state = np.arange(2**5)
        given = ((state >> 1) & 1 == 1) & ((state >> 4) & 1 == 0)
        require(found.joint()[~given].sum() == 0, "the joint must be 0 where evidence is not met")


def check_evidence_of_chains(subject: Subject) -> None:
    """Check that every chain can have evidence apart."""
    found = subject.draw(machine_of(3), evidence={-7: [0, 1, 1, 0]})
    right = found.states[:, :, 1] == np.array([0, 1, 1, 0])[:, None]
    require(bool(right.all()), "evidence of each chain must be in all of its draws")
    require(
        found.chain_marginals()[:, 1].tolist() == [0, 1, 1, 0], "marginals must be those of evidence"
    )


def check_heating(subject: Subject) -> None:
    """Check that heating is reproducible, or refused where the substrate cannot be heated."""
    tempering = Tempering(hottest=2, period=4)
    if not subject.kind.heated:
        check_refusal(subject, {"tempering": tempering}, "substrate")
        return
    first = subject.draw(machine_of(3), tempering=tempering)
    require((first.window, first.spikes) == (None, None), "heated runs keep draws, not spikes")
    require(same(first, subject.draw(machine_of(3), tempering=tempering)), "heating must be the same")


def check_faults(subject: Subject) -> None:
    """Check that faults are reproducible, or refused where the substrate cannot have any."""
    faults = Imperfections(lost_spikes=0.1)
    if not subject.kind.imperfect:
        check_refusal(subject, {"imperfections": faults}, "substrate")
        return
    first = subject.draw(machine_of(3), imperfections=faults)
    again = subject.draw(machine_of(3), imperfections=faults)
    require(same(first, again), "faults must be reproducible")


# Bad input


def check_refusals(subject: Subject) -> None:
    """Check that bad arguments raise InvalidInput, in words that name them."""
    for changes, word in BAD:
        check_refusal(subject, changes, word)


SUBSTRATE_CHECKS: dict[str, Callable[[Subject], None]] = {
    "result": check_result,
    "smallest runs": check_smallest_runs,
    "spikes": check_spikes,
    "network": check_network,
    "seed": check_seed,
    "lanes": check_lanes,
    "threads": check_threads,
    "chains": check_chains,
    "workers": check_workers,
    "burn-in": check_burn_in,
    "start": check_start,
    "progress": check_progress,
    "resume": check_resume,
    "common evidence": check_common_evidence,
    "evidence of chains": check_evidence_of_chains,
    "law": check_law,
    "law given evidence": check_law_given_evidence,
    "heating": check_heating,
    "faults": check_faults,
    "refusals": check_refusals,
}
"""What `check_substrate` runs, by title; each takes a `subject`."""
