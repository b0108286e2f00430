"""What a start costs is what it imports: modules that nobody asked for must not be among them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from photinus.diagnostics.convergence import effective_draws
from photinus.machines.boltzmann import BoltzmannMachine


def imported(code: str) -> set[str]:
    """Return the names of all modules that `code` imports in a fresh interpreter."""
    script = f"{code}\nimport sys, json\nprint(json.dumps(list(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", ["photinus", "photinus.faces.cli"])
def test_import_alone_loads_nothing_heavy(module: str) -> None:
    heavy = {"numpy", "numba", "scipy", "xarray", "pandas", "zarr", "matplotlib", "arviz_stats"}
    assert not imported(f"import {module}") & heavy
    assert "numpy" in imported(f"import {module}, numpy")


def test_sampling_alone_needs_neither_xarray_nor_pandas(tmp_path: Path) -> None:
    """They are loaded for the certificate, when samples are stored already."""
    model, out = str(tmp_path / "model.json"), str(tmp_path / "run.zarr")
    BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1]).save(model)
    code = f"""
import sys
from photinus import BoltzmannMachine, load, sample
sample(BoltzmannMachine.load({model!r}), chains=4, draws=10, burn_in=5, path={out!r})
assert "photinus.samplers.sampling" in sys.modules
assert not set(sys.modules) & {{"xarray", "pandas", "matplotlib", "arviz_stats"}}
load({out!r}).to_datatree()"""
    assert "xarray" in imported(code)
    command = [
        "sample",
        model,
        "--out",
        f"{out}2.zarr",
        "--chains",
        "4",
        "--draws",
        "10",
        "--burn-in",
        "5",
    ]
    modules = imported(f"from photinus.faces.cli import app\napp({command}, standalone_mode=False)")
    assert "arviz_stats" in modules
    assert "matplotlib" not in modules


def test_kernels_are_defined_without_loading_the_compiler_in_whole() -> None:
    """Its arrays, and SciPy's linear algebra behind them, come with the first call of a kernel."""
    assert not imported("import photinus.samplers.sampling") & {"scipy.linalg", "numba.np.arraymath"}


def test_modules_are_as_they_were_after_a_certificate() -> None:
    """Whoever imports ArviZ later gets all of it, and nothing has been taken out of `sys.modules`."""
    code = """
import sys
import numpy as np
from photinus.diagnostics.convergence import effective_draws
before = set(sys.modules)
found = effective_draws(np.cumsum(np.random.default_rng(0).normal(size=(4, 50)), axis=1))
assert before <= set(sys.modules)
import arviz_stats, xarray
assert sys.modules["xarray"] is xarray and arviz_stats.base.array_stats
print(found)
"""
    values = np.cumsum(np.random.default_rng(0).normal(size=(4, 50)), axis=1)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(result.stdout) == effective_draws(values)
