"""Photinus: Bayesian inference on networks of spiking nanolasers.

A Boltzmann machine is translated into a network of excitable lasers, whose physics is simulated. The
spikes are read out as samples, with a certificate of how far they are from the target.
"""

from __future__ import annotations

import importlib
import sys

from photinus._core.version import __version__ as __version__

# Public name → module that holds it. Names are imported on first use, so that `import photinus`
# stays quick whatever the parts need.
_HOMES = {
    "BayesianNetwork": "photinus.machines.bayes",
    "BoltzmannMachine": "photinus.machines.boltzmann",
    "Calibration": "photinus.calibration",
    "Fidelity": "photinus.diagnostics.certificate",
    "Imperfections": "photinus.networks.imperfections",
    "InvalidInput": "photinus.errors",
    "LaserNetwork": "photinus.networks.lasers",
    "LaserParameters": "photinus.devices.laser",
    "LifNetwork": "photinus.networks.lif",
    "LifParameters": "photinus.devices.lif",
    "MarkovNetwork": "photinus.machines.markov",
    "PhotinusError": "photinus.errors",
    "Recording": "photinus.spikes.trains",
    "Samples": "photinus.samplers.samples",
    "SpikeTrains": "photinus.spikes.trains",
    "SynapticKernel": "photinus.devices.synapse",
    "Parallel": "photinus.samplers.tempering",
    "Tempering": "photinus.samplers.tempering",
    "TranslationWarning": "photinus.errors",
    "calibrate": "photinus.calibration",
    "fit_laser": "photinus.measurements",
    "infer": "photinus.tasks.inference",
    "interop": "photinus.interop",
    "load": "photinus.samplers.samples",
    "plots": "photinus.faces.figures",
    "predict": "photinus.translation.prediction",
    "refine": "photinus.learning.refinement",
    "sample": "photinus.samplers.sampling",
    "simulate": "photinus.engines.simulation",
    "tasks": "photinus.tasks",
    "translate": "photinus.translation",
}
_ROOMS = ("interop", "plots", "tasks")
"""Those names that are of the modules themselves."""
__all__ = sorted(_HOMES)

# What `typing.TYPE_CHECKING` is, without the time that importing `typing` takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from photinus import interop as interop
    from photinus import tasks as tasks
    from photinus.calibration import Calibration as Calibration
    from photinus.calibration import calibrate as calibrate
    from photinus.devices.laser import LaserParameters as LaserParameters
    from photinus.devices.lif import LifParameters as LifParameters
    from photinus.devices.synapse import SynapticKernel as SynapticKernel
    from photinus.diagnostics.certificate import Fidelity as Fidelity
    from photinus.engines.simulation import simulate as simulate
    from photinus.errors import InvalidInput as InvalidInput
    from photinus.errors import PhotinusError as PhotinusError
    from photinus.errors import TranslationWarning as TranslationWarning
    from photinus.faces import figures
    from photinus.learning.refinement import refine as refine
    from photinus.machines.bayes import BayesianNetwork as BayesianNetwork
    from photinus.machines.boltzmann import BoltzmannMachine as BoltzmannMachine
    from photinus.machines.markov import MarkovNetwork as MarkovNetwork
    from photinus.measurements.fit import fit_laser as fit_laser
    from photinus.networks.imperfections import Imperfections as Imperfections
    from photinus.networks.lasers import LaserNetwork as LaserNetwork
    from photinus.networks.lif import LifNetwork as LifNetwork
    from photinus.samplers.samples import Samples as Samples
    from photinus.samplers.samples import load as load
    from photinus.samplers.sampling import sample as sample
    from photinus.samplers.tempering import Parallel as Parallel
    from photinus.samplers.tempering import Tempering as Tempering
    from photinus.spikes.trains import Recording as Recording
    from photinus.spikes.trains import SpikeTrains as SpikeTrains
    from photinus.tasks.inference import infer as infer
    from photinus.translation.prediction import predict as predict
    from photinus.translation.rules import translate as translate

    plots = figures


class _FormerModules:
    """Makes the modules of version 0.1 importable; asked for what is found nowhere else."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        if not name.startswith("photinus."):
            return None
        # Most programs never ask.
        from photinus._core.moved import spec_of

        return spec_of(name)


sys.meta_path.append(_FormerModules)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        home = importlib.import_module(_HOMES[name])
        value = home if name in _ROOMS else getattr(home, name)
        globals()[name] = value
        return value
    if _FormerModules.find_spec(f"photinus.{name}") is not None:
        return importlib.import_module(f"photinus.{name}")
    raise AttributeError(f"module 'photinus' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
