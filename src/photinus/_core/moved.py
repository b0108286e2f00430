"""Where the modules of version 0.1 are now, so that code written for it goes on working.

``import photinus.bayes`` finds the names of `photinus.machines.bayes`, and sets them there. New code
takes names from ``photinus`` itself, or from the rooms.
"""

import importlib
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MOVED: dict[str, tuple[str, ...]] = {
    "_files": ("_core.files",),
    "_memory": ("_core.memory",),
    "_numba": ("_core.compilation",),
    "_response": ("learning.response",),
    "_threads": ("_core.threads",),
    "_trust": ("learning.trust", "learning.judgement"),
    "_validate": ("_core.validate",),
    "bayes": (
        "machines.bayes",
        "machines.expansion",
        "machines.softening",
        "machines.tables",
    ),
    "boltzmann": (
        "machines.boltzmann",
        "machines.enumeration",
        "machines.files",
        "_core.states",
    ),
    "cli": ("faces.cli",),
    "demo": (
        "faces.demo.job",
        "faces.demo.patients",
        "faces.demo.posterior",
        "faces.demo.digits",
        "faces.demo.result",
    ),
    "evaluation": ("tasks.evaluation",),
    "fidelity": (
        "diagnostics.fidelity",
        "diagnostics.certificate",
        "diagnostics.parts",
        "diagnostics.distance",
        "diagnostics.temperature",
        "diagnostics.convergence",
        "diagnostics.findings",
    ),
    "imperfections": (
        "networks.imperfections",
        "networks.drift",
        "networks.fabrication",
        "engines.disturbances",
    ),
    "laser": ("devices.laser",),
    "laser.dynamics": ("devices.laser.dynamics",),
    "laser.jumps": ("engines.jumps", "engines.events"),
    "laser.parameters": ("devices.laser.parameters",),
    "laser.response": ("devices.laser.response",),
    "laser.spiking": ("devices.laser.spiking",),
    "laser.yamada": ("devices.laser.yamada",),
    "learning.exact": (
        "machines.fitting",
        "machines.likelihood",
    ),
    "ledger": ("hardware",),
    "ledger.balance": ("hardware.balance",),
    "ledger.comparison": (
        "hardware.comparison",
        "faces.figures.comparison",
    ),
    "ledger.counts": ("hardware.counts",),
    "ledger.ledger": ("hardware.ledger",),
    "ledger.prices": ("hardware.prices",),
    "limits": ("samplers.limits",),
    "network": (
        "networks.lasers",
        "devices.synapse",
    ),
    "pictures": ("faces.figures.pictures",),
    "plots": ("faces.figures.plots", "faces.figures"),
    "progress": ("_core.progress",),
    "readout": ("spikes.readout",),
    "reduced": ("engines.reduced",),
    "reduced.fitting": (
        "calibration.reduction",
        "calibration.trials",
        "calibration.agreement",
        "calibration.hazard",
        "calibration.membrane",
    ),
    "reduced.kernel": ("engines.reduced.loop",),
    "reduced.model": ("engines.reduced.model",),
    "reduced.simulator": (
        "engines.reduced.simulator",
        "engines.reduced.block",
        "engines.reduced.layout",
    ),
    "reference.lif": (
        "devices.lif",
        "networks.lif",
        "engines.lif.simulator",
    ),
    "reference.lif.kernel": ("engines.lif.loop",),
    "reference.lif.network": ("networks.lif",),
    "reference.lif.parameters": ("devices.lif.parameters",),
    "reference.lif.simulator": ("engines.lif.simulator", "engines.lif.block"),
    "reference.lif.theory": ("devices.lif.theory",),
    "refinement": ("learning.refinement", "learning.rounds"),
    "report": (
        "faces.report.rows",
        "faces.report.page",
        "faces.report.hardware",
        "faces.report.run",
        "faces.report.demo",
    ),
    "samples": ("samplers.samples",),
    "sampling": (
        "samplers.sampling",
        "samplers.request",
        "samplers.spiking",
        "samplers.abstract",
        "samplers.registry",
    ),
    "simulation": (
        "engines.laser.step",
        "_core.compilation",
    ),
    "simulation.couplings": ("networks.couplings",),
    "simulation.cpu": ("engines.laser.loop",),
    "simulation.engine": (
        "engines.laser.simulator",
        "engines.laser.block",
        "engines.base",
        "engines.simulation",
    ),
    "simulation.spikes": ("spikes.trains",),
    "simulation.state": ("engines.base",),
    "simulation.step": ("engines.laser.step",),
    "simulation.streams": ("_core.streams",),
    "starts": ("reference.starts",),
    "storage": (
        "samplers.storage",
        "samplers.storage.header",
        "samplers.samples",
    ),
    "study": (
        "faces.study.plan",
        "faces.study.sections",
        "faces.study.points",
        "faces.study.measuring",
    ),
    "tempering": ("samplers.tempering",),
    "workers": ("samplers.workers",),
}
"""Module of version 0.1 → the modules that hold its names now, the most important first."""


class _Former(ModuleType):
    """A module that is no more: its names are those of others."""

    def __getattr__(self, name: str) -> Any:
        for home in self._homes():
            if hasattr(home, name):
                return getattr(home, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing a former submodule binds it here, not in the rooms of today.
        own = name.startswith("__") or isinstance(value, _Former)
        homes = [] if own else [h for h in self._homes() if hasattr(h, name)]
        if not homes:
            super().__setattr__(name, value)
        for home in homes:
            setattr(home, name, value)

    def __dir__(self) -> list[str]:
        return sorted({name for home in self._homes() for name in dir(home)})

    def _homes(self) -> list[ModuleType]:
        former = self.__name__.removeprefix("photinus.")
        return [importlib.import_module(f"photinus.{home}") for home in MOVED[former]]


class _Loader:
    """Loads the modules of version 0.1. It has no base class, for `importlib.abc` is slow to import."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module that stands for a former one."""
        module = _Former(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: names are looked up when they are asked for."""


def spec_of(fullname: str) -> ModuleSpec | None:
    """Return what stands for a former module, None for any other."""
    if fullname.removeprefix("photinus.") not in MOVED:
        return None
    return ModuleSpec(fullname, _Loader(), is_package=True)  # type: ignore[arg-type]
