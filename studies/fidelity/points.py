"""What the study consists of: random machines, experiments, points."""

import hashlib
import itertools
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

import photinus as ph
from photinus.faces.study.sections import FAMILIES

from .variants import (
    DELAYS,
    EXACT_IN_LAW,
    REFINED,
    TRANSLATED,
    VARIANTS,
    Budget,
    at_delay,
    variant_of,
)

STUDY = 1
"""Raised when machines, seeds or what is computed from samples change: old results do not count."""
SEED = 20_260_101
"""Entropy of machines and runs; calibrations and benchmarks use small numbers."""
SIZES = (3, 5, 8, 10)
MACHINES = 20
EXPERIMENTS = ("grid", "delay", "scale")
SWEPT = ("uniform", 5)
"""Family and size of the machines of both sweeps."""
SWEEP_MACHINES = 10
SCALES = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Factors on W and b of the sweep."""


@dataclass(frozen=True)
class Target:
    """A random machine, told by how it is drawn."""

    family: str
    size: int
    index: int
    scale: float = 1.0

    def machine(self) -> ph.BoltzmannMachine:
        """Return it: upper half of W, then b, drawn from the family; both times `scale`."""
        random = np.random.default_rng(self.seed(0))
        weights = np.triu(FAMILIES[self.family](random, (self.size, self.size)), 1)
        biases = FAMILIES[self.family](random, (self.size,))
        return ph.BoltzmannMachine(self.scale * (weights + weights.T), self.scale * biases)

    def seed(self, *purpose: int) -> np.random.SeedSequence:
        """Return the seed of this machine, whatever its scale, for a purpose."""
        key = (*purpose, list(FAMILIES).index(self.family), self.size, self.index)
        return np.random.SeedSequence(SEED, spawn_key=key)

    def __str__(self) -> str:
        scale = "" if self.scale == 1 else f" ×{self.scale:g}"
        return f"{self.family} n={self.size} #{self.index}{scale}"


@dataclass(frozen=True)
class Point:
    """One variant on one machine, over one budget."""

    target: Target
    variant: str
    budget: Budget

    def identity(self) -> dict[str, Any]:
        """Return everything that determines the result besides the code."""
        return {
            "study": STUDY,
            "seed": SEED,
            **asdict(self.target),
            "variant": self.variant,
            "settings": dict(variant_of(self.variant).settings),
            "chains": self.budget.chains,
            "draws": self.budget.draws,
            "burn_in": self.budget.burn_in,
        }

    def name(self) -> str:
        """Return the name of its result: readable, and another one for every other identity."""
        digest = hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()
        name = f"{self.target} {self.variant}".replace("#", "").replace(",", "").replace("×", "x")
        return f"{name.replace(' ', '_')}-{digest[:10]}"

    def seed(self) -> np.random.SeedSequence:
        """Return the seed of its samples, another one for every machine, scale and variant."""
        scale, variant = round(1000 * self.target.scale), zlib.crc32(self.variant.encode())
        return self.target.seed(1, scale, variant)

    def work(self) -> float:
        """Return its size in units of a machine times the full budget."""
        full, mine = Budget(), self.budget
        share = mine.chains * (mine.draws + mine.burn_in) / (full.chains * (full.draws + full.burn_in))
        return self.target.size * share

    def seconds(self, known: Mapping[str, float]) -> float:
        """Return the expected wall time [s], given what variants are known to take per work."""
        return self.work() * known.get(self.variant, variant_of(self.variant).seconds)

    def __str__(self) -> str:
        return f"{self.target} {self.variant}"


@dataclass(frozen=True)
class Selection:
    """What of the study is asked for."""

    experiments: tuple[str, ...] = EXPERIMENTS
    families: tuple[str, ...] = tuple(FAMILIES)
    sizes: tuple[int, ...] = SIZES
    machines: int = MACHINES
    only: tuple[str, ...] = ()
    """Parts of variants' names; all variants if empty."""
    budget: Budget = field(default_factory=Budget)

    def points(self) -> list[Point]:
        """Return all points, each once, machine by machine so that partial results say something.

        A sweep's point without delay, or at scale 1, is one of the grid.
        """
        found: dict[Point, None] = {}
        for index, experiment in itertools.product(range(self.machines), self.experiments):
            for target, name in self._of(experiment, index):
                if not self.only or any(part in name for part in self.only):
                    found[Point(target, name, self.budget)] = None
        return list(found)

    def kinds(self) -> list[tuple[str, int]]:
        """Return family and size of each kind of machine."""
        return list(itertools.product(self.families, self.sizes))

    def _of(self, experiment: str, index: int) -> Iterator[tuple[Target, str]]:
        if experiment == "grid":
            for kind, name in itertools.product(self.kinds(), VARIANTS):
                yield Target(*kind, index), name
            return
        if index >= SWEEP_MACHINES or SWEPT not in self.kinds():
            return
        swept = Target(*SWEPT, index)
        if experiment == "delay":
            yield swept, EXACT_IN_LAW
            for name, delay in itertools.product((TRANSLATED, REFINED), DELAYS):
                yield swept, at_delay(name, delay)
        else:
            for name, scale in itertools.product((EXACT_IN_LAW, TRANSLATED, REFINED), SCALES):
                yield replace(swept, scale=scale), name
