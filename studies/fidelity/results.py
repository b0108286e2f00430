"""Measuring points and keeping what was measured."""

import ast
import functools
import hashlib
import math
import time
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import photinus as ph
from photinus._core.results import Results
from photinus.diagnostics.convergence import smallest_effective_draws
from photinus.diagnostics.distance import chain_joints, kl_divergence
from photinus.diagnostics.parts import kl_parts
from photinus.errors import PhotinusError

from .points import Point
from .variants import variant_of

KIND, SCHEMA = "fidelity-point", 1
PARTS = ("marginals", "pairs", "higher")
WITHOUT_EFFECT = (
    *(f"_core/{name}" for name in ("files", "memory", "progress", "results", "threads")),
    *(f"faces/{name}" for name in ("cli", "demo", "figures", "report")),
    "samplers/storage",
)
"""Files and folders of the package that no result depends on."""

Measured = dict[Point, dict[str, Any]]


def measure(point: Point) -> dict[str, Any]:
    """Return the result of a point, ready for JSON."""
    machine = point.target.machine()
    start = time.perf_counter()
    samples = variant_of(point.variant).draw(machine, point.seed(), point.budget)
    seconds = time.perf_counter() - start
    joints = chain_joints(samples)
    error = np.abs(samples.pair_moments() - machine.pair_moments())
    ess = smallest_effective_draws(machine, samples.states)
    draws, kl = divergences(samples, joints, machine.joint())
    return {
        "draws": draws,
        "kl": kl,
        "marginal_error": float(np.diagonal(error).max()),
        "pair_error": float(error[np.triu_indices(len(error), 1)].max(initial=0.0)),
        "ess": ess if math.isfinite(ess) else None,
        "parts": _parts(joints, machine),
        "seconds": seconds,
        **samples.attributes.get("notes", {}),
    }


def divergences(
    samples: ph.Samples, joints: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[list[int], list[float]]:
    """Return numbers of draws, each twice the last, and the KL that so many draws show.

    Draws are taken as whole chains (fewer than one chain: its start), as if one chip had run for that
    time, so that their autocorrelation counts at every point as it would there. The KL at d draws is
    the mean over the disjoint groups of chains that have d draws together; the last is the whole run.
    """
    chains, length = len(joints), samples.draws
    table = {
        begin: _mean_kl(chain_joints(samples, begin), target)
        for begin in (length // 4, length // 2)
        if begin
    }
    powers = (2**k for k in range(chains.bit_length()))
    for group in [*(power for power in powers if power < chains), chains]:
        whole = joints[: chains // group * group].reshape(-1, group, joints.shape[1])
        table[group * length] = _mean_kl(whole.mean(axis=1), target)
    return list(table), list(table.values())


def _mean_kl(joints: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    return float(np.mean([kl_divergence(joint, target) for joint in joints]))


def _parts(joints: NDArray[np.float64], machine: ph.BoltzmannMachine) -> dict[str, Any] | None:
    """Return the parts of the KL and their noise; None where a unit or a pair got stuck."""
    try:
        parts = kl_parts(joints, machine)
    except PhotinusError:
        return None
    noise = dict(zip(PARTS, parts.noise or (0.0, 0.0, 0.0), strict=True))
    return {"kl": {name: getattr(parts, name) for name in PARTS}, "noise": noise}


@functools.cache
def code_digest() -> str:
    """Return a name for the present sources of Photinus; comments and docstrings do not count."""
    digest = hashlib.sha256()
    home = Path(str(resources.files("photinus")))
    for path in sorted(home.rglob("*.py")):
        if not path.relative_to(home).with_suffix("").as_posix().startswith(WITHOUT_EFFECT):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                body = getattr(node, "body", None)
                if isinstance(body, list):
                    body[:] = [statement for statement in body if not _is_docstring(statement)]
            digest.update(f"{path.relative_to(home)} {ast.dump(tree)}".encode())
    return f"{ph.__version__}-{digest.hexdigest()[:10]}"


def _is_docstring(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def write_point(folder: Path, point: Point, result: Mapping[str, Any]) -> None:
    """Store a result at once: whole or not at all."""
    document = {"code": code_digest(), "identity": point.identity(), "result": result}
    Results(folder, KIND, SCHEMA).write(point.name(), document)


def read_points(folder: Path, points: Iterable[Point]) -> tuple[Measured, set[str]]:
    """Return the results that there are, and the names of the code that measured them."""
    kept = Results(folder, KIND, SCHEMA)
    results: Measured = {}
    codes: set[str] = set()
    for point in points:
        document = kept.read(point.name())
        if document is not None:
            results[point] = document["result"]
            codes.add(document["code"])
    return results, codes


def seconds_per_work(results: Measured) -> dict[str, float]:
    """Return the median wall time per work of each variant that has results [s]."""
    seconds: dict[str, list[float]] = {}
    for point, result in results.items():
        seconds.setdefault(point.variant, []).append(result["seconds"] / point.work())
    return {name: float(np.median(found)) for name, found in seconds.items()}
