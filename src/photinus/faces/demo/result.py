"""What the main job found."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from photinus.calibration import Calibration
from photinus.diagnostics.certificate import Fidelity
from photinus.faces.demo.digits import Digits
from photinus.faces.demo.patients import L2, Data
from photinus.faces.demo.posterior import WAYS, Posterior
from photinus.hardware import Peer
from photinus.learning.rounds import Refinement
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.samplers.samples import Samples
from photinus.translation.validity import Validity


@dataclass(frozen=True, slots=True, eq=False)
class Demo:
    """Everything that the main job found."""

    data: Data
    machine: BoltzmannMachine
    calibration: Calibration
    validity: Validity
    samples: Samples
    """Free-running network after translation alone."""
    fidelity: Fidelity
    refinement: Refinement
    refined: Samples
    """Free-running network after refinement in the loop."""
    refined_fidelity: Fidelity
    posteriors: tuple[Posterior, ...]
    digits: Digits
    gibbs: Peer
    """Gibbs sampling of the same machine on this computer, timed."""
    figures: dict[str, Figure]
    simulation_time: float
    """Wall time of the free-running simulation [s]."""
    wall_time: float
    """Wall time of the whole job [s]."""

    @property
    def chip_time(self) -> float:
        """Time that one chip would need for all free-running chains, one after the other [s]."""
        physical = self.samples.physical_time
        assert physical is not None
        return physical * self.samples.chains

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers for JSON."""
        return {
            "kind": "photinus-demo",
            "schema": 1,
            "thresholds": self.data.thresholds,
            "train_patients": len(self.data.train),
            "test_patients": len(self.data.test),
            "machine": {
                "labels": list(self.machine.labels),
                "biases": self.machine.biases.tolist(),
                "weights": self.machine.weights.tolist(),
                "l2": L2,
            },
            "outside_calibrated_range": str(self.validity),
            "fidelity": self.fidelity.to_dict(),
            "refined_fidelity": self.refined_fidelity.to_dict(),
            "refinement": [asdict(entry) for entry in self.refinement.rounds],
            "posteriors": [
                {
                    **{
                        key: value.tolist() if isinstance(value, np.ndarray) else value
                        for key, value in asdict(posterior).items()
                    },
                    "accuracy": {way: posterior.accuracy(way) for way in WAYS},
                    "largest_disagreement": {way: posterior.disagreement(way) for way in WAYS[1:]},
                }
                for posterior in self.posteriors
            ],
            "digits": {
                "units": self.digits.machine.n_units,
                "accuracy": self.digits.accuracy,
                "completion_error": {
                    "gibbs": float(self.digits.gibbs.errors.mean()),
                    "lasers": float(self.digits.lasers.errors.mean()),
                },
                "wall_time": self.digits.wall_time,
            },
            "chip_time_per_chain": self.samples.physical_time,
            "chip_time_all_chains": self.chip_time,
            "simulation_time": self.simulation_time,
            "wall_time": self.wall_time,
        }
