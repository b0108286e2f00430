"""What runs gave before the house was redrawn: small records that every later version is compared with.

``python -m tests.golden`` writes ``tests/data/golden.json`` anew: only where a change of results is meant,
and then CHANGELOG says so. Numbers are the same on every processor that compiles the same arithmetic; the
record names the processor it was made on, and `tests/test_golden.py` compares to the bit there.
"""

import contextlib
import hashlib
import json
import platform
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import photinus as ph
from photinus.networks.imperfections import Imperfections

FILE = Path(__file__).parent / "data" / "golden.json"
SMALL: dict[str, Any] = {"chains": 4, "draws": 24, "burn_in": 8, "seed": 2024, "gauge": "none"}
"""Version 0.1 knew of no gauge."""


def machine() -> ph.BoltzmannMachine:
    """Return five units with weights of both signs, one of them without partners."""
    weights = np.zeros((5, 5))
    for i, j, w in ((0, 1, 1.0), (0, 2, -0.8), (1, 2, 0.5), (2, 3, -1.2)):
        weights[i, j] = weights[j, i] = w
    return ph.BoltzmannMachine(weights, [-0.5, 0.2, 0.6, -0.1, 0.3], labels=["a", "b", "c", 3, "Ω"])


def digest(array: Any) -> str:
    """Return a short checksum of an array's values, type and shape."""
    values = np.ascontiguousarray(array)
    head = f"{values.dtype.str}{values.shape}".encode()
    return hashlib.sha256(head + values.tobytes()).hexdigest()[:20]


def _run(substrate: str, **options: Any) -> dict[str, Any]:
    samples = ph.sample(machine(), substrate, **{**SMALL, **options})
    found: dict[str, Any] = {
        "states": digest(samples.states),
        "marginals": [float(p).hex() for p in samples.marginals()],
    }
    if samples.spikes is not None:
        found["spikes"] = [digest(getattr(samples.spikes, name)) for name in ("chain", "unit", "time")]
    return found


def _resumed(substrate: str) -> dict[str, Any]:
    class Stop:
        calls = 0

        def start(self, *_: Any, **__: Any) -> None: ...
        def stop(self, *_: Any, **__: Any) -> None: ...
        def advance(self, *_: Any, **__: Any) -> None:
            self.calls += 1
            if self.calls == 2:
                raise KeyboardInterrupt

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.zarr"
        with contextlib.suppress(KeyboardInterrupt):
            ph.sample(machine(), substrate, path=path, progress=Stop(), **SMALL)
        return {
            "states": digest(ph.sample(machine(), substrate, path=path, resume=True, **SMALL).states)
        }


def _translated(preset: str) -> dict[str, Any]:
    calibration = ph.Calibration.preset(preset)
    network = ph.translate(machine(), calibration, gauge="none")
    constants = {
        name: float(getattr(calibration, name)).hex()
        for name in ("window", "midpoint", "slope", "residual", "network_kl")
    }
    drive, coupling = np.asarray(network.drive), np.asarray(network.coupling)
    return {**constants, "drive": digest(drive.round(9)), "coupling": digest(coupling.round(9))}


def _simulated() -> dict[str, Any]:
    calibration = ph.Calibration.preset()
    network = ph.translate(machine(), calibration, gauge="none")
    assert isinstance(network, ph.LaserNetwork)
    spikes = ph.simulate(network, 20 * calibration.window, chains=3, seed=5)
    return {name: digest(getattr(spikes, name)) for name in ("chain", "unit", "time")}


def _certificate() -> dict[str, Any]:
    samples = ph.sample(machine(), "gibbs", **{**SMALL, "draws": 200})
    return {"kl": round(float(samples.fidelity().kl or 0.0), 9)}


EVIDENCE = {"b": 1, 3: [0, 1, 0, 1]}
EVERY = ("laser", "laser-reduced", "lif", "gibbs", "exact", "ideal")
SPIKING, HEATED = EVERY[:3], EVERY[:4]
FAULTS: dict[str, Any] = {"mismatch": 0.01, "lost_spikes": 0.1, "spurious_rate": 1e7, "weight_bits": 4}


def _faulty(substrate: str, **changes: Any) -> dict[str, Any]:
    return _run(substrate, imperfections=Imperfections(**{**FAULTS, **changes}))


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    **{s: partial(_run, s) for s in EVERY},
    **{f"{s}, evidence": partial(_run, s, clamp=EVIDENCE) for s in EVERY},
    **{
        f"{s}, evidence by neurons": partial(_run, s, clamp=EVIDENCE, clamp_mode="laser")
        for s in SPIKING
    },
    **{
        f"{s}, tempering": partial(_run, s, tempering=ph.Tempering(hottest=3, period=8)) for s in HEATED
    },
    "laser, imperfections": partial(_faulty, "laser"),
    "laser-reduced, imperfections": partial(_faulty, "laser-reduced", mismatch=0.0),
    "laser, linear rule": partial(_run, "laser", rule="linear"),
    **{f"{s}, resumed": partial(_resumed, s) for s in HEATED},
    **{f"translation, {p}": partial(_translated, p) for p in ("fast-absorber", "high-beta", "lif-hcs")},
    "simulation": _simulated,
    "certificate": _certificate,
}
"""Name of each record → what makes it."""


def processor() -> str:
    """Return what compiled code depends on: the processor's name and features, and the compiler."""
    import llvmlite.binding as llvm
    import numba

    features = "".join(sorted(k for k, v in llvm.get_host_cpu_features().items() if v))
    name = f"{platform.machine()} {llvm.get_host_cpu_name()} {hashlib.sha256(features.encode()).hexdigest()[:8]}"
    return f"{name} numba {numba.__version__} numpy {np.__version__}"


def record() -> dict[str, Any]:
    """Return all records of this version."""
    return {"processor": processor(), **{name: case() for name, case in CASES.items()}}


if __name__ == "__main__":
    FILE.write_text(json.dumps(record(), indent=1) + "\n")
