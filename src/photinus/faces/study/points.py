"""One combination of a study's values."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from photinus._core import files
from photinus._core.matrices import mapped
from photinus.calibration import Calibration
from photinus.devices import load_parameters, preset
from photinus.devices.laser import LaserParameters
from photinus.errors import InvalidInput
from photinus.faces.study.sections import FAMILIES, Machines
from photinus.interop.formats import read_machine
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.imperfections import Imperfections
from photinus.samplers import registry

if TYPE_CHECKING:
    pass

KIND = "photinus-study-point"
"""Of the results; its schema is raised when what is computed changes."""


@dataclass(frozen=True)
class Point:
    """One combination of values: settings by section, ``{"sample": {"chains": 64, …}, …}``."""

    settings: Mapping[str, Mapping[str, Any]]
    folder: Path
    """Where relative file names begin."""

    def identity(self) -> dict[str, Any]:
        """Return everything that determines the result besides the code."""
        settings = {name: dict(section) for name, section in self.settings.items()}
        machines = settings["machines"]
        if machines["file"] is not None:
            content = files.read_bytes(self.folder / machines["file"])
            settings["machines"] = {
                "content": hashlib.sha256(content).hexdigest(),
                "scale": machines["scale"],
            }
        device = settings.get("device", {})
        for name in ("file", "calibration"):
            if name in device:
                content = files.read_bytes(self.folder / device.pop(name))
                device[f"{name} content"] = hashlib.sha256(content).hexdigest()
        if not registry.substrate(settings["sample"]["substrate"]).spiking:
            # Neither device nor wiring matter: such points are one.
            for name in ("device", "network", "imperfections"):
                settings.pop(name, None)
            settings["sample"] = {
                k: v for k, v in settings["sample"].items() if k not in ("rule", "gauge", "refined")
            }
        return {"schema": files.SCHEMAS[KIND], **settings}

    def digest(self) -> str:
        """Return a name for the point's result."""
        text = json.dumps(self.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def machine(self) -> BoltzmannMachine:
        """Return the machine to sample from."""
        m = Machines(**self.settings["machines"])
        if m.file is not None:
            found = read_machine(self.folder / m.file)
            weights = mapped(found.matrix, lambda w: m.scale * w)
            return BoltzmannMachine(weights, m.scale * found.biases, found.labels)
        key = (list(FAMILIES).index(m.family), m.units, m.index)
        random = np.random.default_rng(np.random.SeedSequence(m.seed, spawn_key=key))
        upper = np.triu(FAMILIES[m.family](random, (m.units, m.units)), 1)
        biases = FAMILIES[m.family](random, (m.units,))
        return BoltzmannMachine(m.scale * (upper + upper.T), m.scale * biases)

    def imperfections(self) -> Imperfections | None:
        """Return what is wrong with the chip; None without a section on it, or without a chip."""
        given, substrate = self.settings.get("imperfections"), self.settings["sample"]["substrate"]
        if not given or not registry.substrate(substrate).spiking:
            return None
        if not registry.substrate(substrate).imperfect:
            raise InvalidInput(f"[imperfections] must be left out for substrate {substrate!r}")
        return Imperfections.from_dict(given)

    def parameters(self) -> Any:
        """Return the parameters of the device, or None for substrates without one."""
        substrate = self.settings["sample"]["substrate"]
        if not registry.substrate(substrate).spiking:
            return None
        changes = dict(self.settings["device"])
        calibration, file = changes.pop("calibration", None), changes.pop("file", None)
        if calibration is not None:
            if changes:
                raise InvalidInput(f"[device] must have a calibration alone, got {sorted(changes)} too")
            return self.calibration().parameters  # type: ignore[union-attr]
        if file is not None:
            loaded = load_parameters(self.folder / file)
            return loaded.replace(**changes) if changes else loaded
        if substrate == "lif":
            return preset("lif-hcs")
        name = changes.pop("preset")
        return LaserParameters.preset(name, **changes)

    def calibration(self) -> Calibration | None:
        """Return the calibration that the study names by its file, None if it names none."""
        file = self.settings.get("device", {}).get("calibration")
        return None if file is None else Calibration.load(self.folder / file)
