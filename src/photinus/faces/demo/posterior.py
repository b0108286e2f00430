"""P(malignant | evidence) of held-out patients, computed three ways."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.progress import Progress
from photinus.calibration import Calibration
from photinus.faces.demo.patients import Data
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.samplers.samples import Samples
from photinus.samplers.sampling import sample

if TYPE_CHECKING:
    pass

REPEATS = 8
"""Chains of each patient, all with the patient's own evidence."""


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """P(malignant | evidence) of each held-out patient, computed three ways."""

    title: str
    evidence: tuple[str, ...]
    truth: NDArray[np.uint8]
    exact: NDArray[np.float64]
    gibbs: NDArray[np.float64]
    lasers: NDArray[np.float64]
    draws: int
    """Draws per patient of Gibbs sampling and of lasers."""
    chip_time: float
    """Physical time per patient [s]."""

    def accuracy(self, way: str) -> float:
        """Return the part of patients that `way` ("exact", "gibbs", "lasers") diagnoses rightly."""
        return float(np.mean((getattr(self, way) > 0.5) == self.truth))

    def disagreement(self, way: str) -> float:
        """Return the largest difference of a probability from the exact one."""
        return float(np.abs(getattr(self, way) - self.exact).max())


WAYS = ("exact", "gibbs", "lasers")


def posterior_of(
    machine: BoltzmannMachine,
    data: Data,
    known: Iterable[str],
    title: str,
    calibration: Calibration,
    seed: np.random.SeedSequence,
    threads: int | None,
    progress: Progress | bool | None,
    draws: int = 500,
) -> Posterior:
    """Return P(malignant | known measurements) of every test patient.

    Each patient has `REPEATS` chains with the patient's own evidence; all patients run together.
    """
    known = tuple(known)
    patients = np.repeat(np.arange(len(data.test)), REPEATS)
    columns = [data.labels.index(name) for name in known]
    evidence = {name: data.test[patients, k] for name, k in zip(known, columns, strict=True)}
    settings: dict[str, Any] = {
        "chains": len(patients),
        "draws": draws,
        "burn_in": 25,
        "evidence": evidence,
        "threads": threads,
    }

    def of_patients(samples: Samples) -> NDArray[np.float64]:
        return np.asarray(samples.chain_marginals()[:, -1].reshape(-1, REPEATS).mean(axis=1))

    by_gibbs, by_lasers = seed.spawn(2)
    lasers = sample(machine, seed=by_lasers, calibration=calibration, progress=progress, **settings)
    gibbs = sample(machine, "gibbs", seed=by_gibbs, **settings)
    exact = [
        machine.conditional(
            {name: int(patient[k]) for name, k in zip(known, columns, strict=True)}
        ).marginals()[-1]
        for patient in data.test
    ]
    physical = lasers.physical_time
    assert physical is not None
    return Posterior(
        title,
        known,
        data.test[:, -1],
        np.array(exact),
        of_patients(gibbs),
        of_patients(lasers),
        REPEATS * draws,
        physical * REPEATS,
    )
