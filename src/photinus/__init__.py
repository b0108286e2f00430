"""Photinus: Bayesian inference on networks of spiking nanolasers.

A Boltzmann machine is translated into a network of excitable lasers, whose physics is simulated;
the spikes are read out as samples, with a certificate of how far they are from the target.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name → module that holds it. Names are imported on first use, so that `import photinus`
# stays quick whatever the parts need.
_HOMES = {
    "BayesianNetwork": "photinus.bayes",
    "BoltzmannMachine": "photinus.boltzmann",
    "Calibration": "photinus.calibration",
    "Fidelity": "photinus.fidelity",
    "InvalidInput": "photinus.errors",
    "LaserNetwork": "photinus.network",
    "LaserParameters": "photinus.laser",
    "LifNetwork": "photinus.reference.lif",
    "LifParameters": "photinus.reference.lif",
    "PhotinusError": "photinus.errors",
    "Recording": "photinus.simulation.spikes",
    "Samples": "photinus.samples",
    "SpikeTrains": "photinus.simulation.spikes",
    "SynapticKernel": "photinus.network",
    "Tempering": "photinus.tempering",
    "TranslationWarning": "photinus.errors",
    "calibrate": "photinus.calibration",
    "load": "photinus.storage",
    "refine": "photinus.refinement",
    "sample": "photinus.sampling",
    "simulate": "photinus.simulation.engine",
    "translate": "photinus.translation",
}
__all__ = sorted(_HOMES)

if TYPE_CHECKING:
    from photinus.bayes import BayesianNetwork as BayesianNetwork
    from photinus.boltzmann import BoltzmannMachine as BoltzmannMachine
    from photinus.calibration import Calibration as Calibration
    from photinus.calibration import calibrate as calibrate
    from photinus.errors import InvalidInput as InvalidInput
    from photinus.errors import PhotinusError as PhotinusError
    from photinus.errors import TranslationWarning as TranslationWarning
    from photinus.fidelity import Fidelity as Fidelity
    from photinus.laser import LaserParameters as LaserParameters
    from photinus.network import LaserNetwork as LaserNetwork
    from photinus.network import SynapticKernel as SynapticKernel
    from photinus.reference.lif import LifNetwork as LifNetwork
    from photinus.reference.lif import LifParameters as LifParameters
    from photinus.refinement import refine as refine
    from photinus.samples import Samples as Samples
    from photinus.sampling import sample as sample
    from photinus.simulation.engine import simulate as simulate
    from photinus.simulation.spikes import Recording as Recording
    from photinus.simulation.spikes import SpikeTrains as SpikeTrains
    from photinus.storage import load as load
    from photinus.tempering import Tempering as Tempering
    from photinus.translation import translate as translate


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'photinus' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
