"""Ways to sample: one function of machine, seed and budget each."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.resources import files
from typing import Any

import numpy as np

import photinus as ph
from photinus.devices import Network, substrate_of


@dataclass(frozen=True)
class Budget:
    """How long every variant samples; threads change no result."""

    chains: int = 256
    draws: int = 400
    burn_in: int = 25
    threads: int | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A way to sample."""

    draw: Callable[[ph.BoltzmannMachine, np.random.SeedSequence, Budget], ph.Samples]
    """What it draws may note how it came about: a dict under "notes" of its attributes."""
    seconds: float
    """Wall time per unit of the machine with the full budget on two cores, roughly [s]."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """All that determines the samples besides the code, such as a digest of the calibration."""


def reference(substrate: str, seconds: float) -> Variant:
    """Return a substrate without a device."""

    def draw(machine: ph.BoltzmannMachine, seed: np.random.SeedSequence, budget: Budget) -> ph.Samples:
        return ph.sample(machine, substrate, seed=seed, **asdict(budget))

    return Variant(draw=draw, seconds=seconds, settings={"substrate": substrate})


def translated(preset: str, seconds: float, *, rule: str = "measured", delay: float = 0.0) -> Variant:
    """Return neurons as the translation sets them; `delay` in units of τ."""

    def draw(machine: ph.BoltzmannMachine, seed: np.random.SeedSequence, budget: Budget) -> ph.Samples:
        calibration = ph.Calibration.preset(preset)
        network = ph.translate(machine, calibration, rule=rule, delay=delay * calibration.window)
        return _sampled(machine, network, seed, budget)

    settings = {"preset": preset, "calibration": _digest(preset), "rule": rule, "delay": delay}
    return Variant(draw=draw, seconds=seconds, settings=settings)


def refined(preset: str, seconds: float, *, delay: float = 0.0) -> Variant:
    """Return neurons that were refined in the loop with one seed and sampled with another."""

    def draw(machine: ph.BoltzmannMachine, seed: np.random.SeedSequence, budget: Budget) -> ph.Samples:
        calibration = ph.Calibration.preset(preset)
        loop, fresh = seed.spawn(2)
        start = time.perf_counter()
        better = ph.refine(
            machine,
            calibration,
            network=ph.translate(machine, calibration, delay=delay * calibration.window),
            seed=loop,
            chains=budget.chains,
            draws=budget.draws,
            threads=budget.threads,
        )
        notes = {
            "rounds": len(better.rounds),
            "converged": better.converged,
            "refining_seconds": time.perf_counter() - start,
        }
        samples = _sampled(machine, better.network, fresh, budget)
        return replace(samples, attributes={**samples.attributes, "notes": notes})

    settings = {"preset": preset, "calibration": _digest(preset), "refined": True, "delay": delay}
    return Variant(draw=draw, seconds=seconds, settings=settings)


def _sampled(
    machine: ph.BoltzmannMachine, network: Network, seed: np.random.SeedSequence, budget: Budget
) -> ph.Samples:
    """Return samples of a network on the substrate that simulates it."""
    return ph.sample(machine, substrate_of(network), network=network, seed=seed, **asdict(budget))


def _digest(preset: str) -> str:
    """Return a digest of the calibration that ships with the package, for full physics."""
    content = json.loads((files("photinus") / "data" / f"{preset}.json").read_text())
    content.pop("reduced", None)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


EXACT_IN_LAW = "ideal"
"""The variant whose divergence is the floor of the others."""
TRANSLATED, REFINED = "laser fast-absorber measured", "laser fast-absorber refined"
"""The variants that the sweeps follow."""
DELAYS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
"""Synaptic delays of the sweep [τ]."""

VARIANTS: dict[str, Variant] = {
    "exact": reference("exact", 0.02),
    "gibbs": reference("gibbs", 0.03),
    EXACT_IN_LAW: reference("ideal", 0.05),
    "laser fast-absorber linear": translated("fast-absorber", 0.5, rule="linear"),
    TRANSLATED: translated("fast-absorber", 0.5),
    "laser slow-absorber measured": translated("slow-absorber", 2.0),
    "laser vcsel-sa measured": translated("vcsel-sa", 2.0),
    "lif measured": translated("lif-hcs", 0.1),
    REFINED: refined("fast-absorber", 3.0),
    "lif refined": refined("lif-hcs", 1.0),
    "laser slow-absorber refined": refined("slow-absorber", 12.0),
}
"""What samples every machine of the grid."""
DELAYED: dict[str, Variant] = {
    f"{name}, delay {delay:g}": make("fast-absorber", seconds, delay=delay)
    for name, make, seconds in ((TRANSLATED, translated, 0.5), (REFINED, refined, 3.0))
    for delay in DELAYS[1:]
}
"""What the delay sweep adds."""


def at_delay(name: str, delay: float) -> str:
    """Return the name of a variant with this delay; without one it is that of the grid."""
    return f"{name}, delay {delay:g}" if delay else name


def variant_of(name: str) -> Variant:
    """Return a variant by name."""
    return VARIANTS[name] if name in VARIANTS else DELAYED[name]
