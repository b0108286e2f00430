"""What a start costs is what it imports: modules that nobody asked for must not be among them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from photinus.boltzmann import BoltzmannMachine
from photinus.fidelity import _array_stats, effective_draws


def imported(code: str) -> set[str]:
    """Return the names of all modules that `code` imports in a fresh interpreter."""
    script = f"{code}\nimport sys, json\nprint(json.dumps(list(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", ["photinus", "photinus.cli"])
def test_import_alone_loads_nothing_heavy(module: str) -> None:
    heavy = {"numpy", "numba", "scipy", "xarray", "pandas", "zarr", "matplotlib", "arviz_stats"}
    assert not imported(f"import {module}") & heavy
    assert "numpy" in imported(f"import {module}, numpy")


def test_sampling_with_its_certificate_needs_neither_xarray_nor_pandas(tmp_path: Path) -> None:
    model, out = str(tmp_path / "model.json"), str(tmp_path / "run.zarr")
    BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1]).save(model)
    command = ["sample", model, "--out", out, "--chains", "4", "--draws", "10", "--burn-in", "5"]
    modules = imported(f"from photinus.cli import app\napp({command}, standalone_mode=False)")
    assert {"photinus.fidelity", "arviz_stats"} - modules == {"arviz_stats"}  # used and forgotten
    assert not modules & {"xarray", "pandas", "matplotlib"}
    assert "xarray" in imported(f"from photinus import load\nload({out!r}).to_datatree()")


def test_kernels_are_defined_without_loading_the_compiler_in_whole() -> None:
    """Its arrays, and SciPy's linear algebra behind them, come with the first call of a kernel."""
    assert not imported("import photinus.sampling") & {"scipy.linalg", "numba.np.arraymath"}


def test_effective_draws_are_those_of_arviz_imported_in_whole() -> None:
    """Here with xarray before it; the other interpreter imports ArviZ after the cut-down one."""
    code = """
import numpy as np
from photinus.fidelity import effective_draws
values = np.cumsum(np.random.default_rng(0).normal(size=(4, 50)), axis=1)
found = effective_draws(values)
import arviz_stats.base
assert found == arviz_stats.base.array_stats.ess(values, chain_axis=0, draw_axis=1, method="mean")
import xarray
print(found)
"""
    import xarray  # noqa: F401

    values = np.cumsum(np.random.default_rng(0).normal(size=(4, 50)), axis=1)
    _array_stats.cache_clear()
    here = effective_draws(values)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(result.stdout) == here
