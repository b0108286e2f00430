"""MNIST on lasers: a learned 784 + 10 + 500 machine dreams, completes and classifies.

    python -m studies.mnist train DATA_DIR      # some minutes; goes on where it was stopped
    python -m studies.mnist measure DATA_DIR    # each part is stored when it is finished

Results are kept under studies/results/mnist; `measure` writes docs/mnist-results.md and its pictures.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from photinus import Calibration, evaluation, pictures, sample, tasks
from photinus.learning import BoltzmannEstimator, data, log_partition
from photinus.report import png
from photinus.units import ns, us

RESULTS = Path(__file__).parent / "results" / "mnist"
DOCS = Path(__file__).parent.parent / "docs"
LEARNING: dict[str, Any] = {"hidden": (500,), "epochs": 40, "learning_rate": 0.05}
DRAWS = 100
"""Draws per image of sampled labels."""
DREAM_TIME = 2 * us
CHAINS = 16
SHORT_DREAM = 100 * ns
FULL_PHYSICS = 500
"""Test images that full physics classifies and completes."""


def train(folder: str, out: Path) -> BoltzmannEstimator:
    """Learn, or load what was learned."""
    images = data.mnist(folder)
    estimator = BoltzmannEstimator(**LEARNING, checkpoint=out / "mnist.npz", resume=True, progress=True)
    return estimator.fit(images.pixels, images.labels)


class Results:
    """Figures, each stored as soon as it is there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str, measure: Callable[[], Any]) -> Any:
        """Return a stored figure, or measure and store it."""
        if name not in self.values:
            begin = time.perf_counter()
            value = measure()
            self.values[name] = {"value": value, "seconds": time.perf_counter() - begin}
            self.path.write_text(json.dumps(self.values, indent=1) + "\n")
            print(f"{name}: {value} ({self.values[name]['seconds']:.1f} s)", flush=True)
        return self.values[name]["value"]


def measure(folder: str, out: Path, parts: list[str]) -> Results:
    """Measure everything that is not there yet."""
    estimator, results = train(folder, out), Results(out / "results.json")
    machine = estimator.machine()
    learned, test = data.mnist(folder), data.mnist(folder, "test")
    assert test.labels is not None
    labels = test.labels
    window = Calibration.preset().window
    draws = round(DREAM_TIME / window)
    known = tasks.mask(test.shape, "half")
    completed: dict[str, tasks.Completion] = {}
    dreams: dict[str, tasks.Dream] = {}

    def classify(substrate: str, images: int) -> float:
        found = tasks.classify(machine, test.pixels[:images], substrate, draws=DRAWS, seed=1)
        return found.accuracy(labels[:images])

    def complete(substrate: str) -> float:
        completed[substrate] = tasks.complete(
            machine, test.pixels[:FULL_PHYSICS], known, substrate, draws=DRAWS, seed=2
        )
        return float(completed[substrate].errors.mean())

    def dream(substrate: str, length: int) -> dict[str, Any]:
        dreams[substrate] = found = tasks.dream(
            machine, substrate, chains=CHAINS, draws=length, burn_in=20, seed=3
        )
        mixing = evaluation.mixing(found, classifier)
        mixed[substrate] = mixing
        return {
            "visited": mixing.visited,
            "entropy": mixing.entropy,
            "confidence": mixing.confidence,
            "switches": mixing.switches,
            "all_visited": mixing.all_visited,
            "energy_time": mixing.energy_time,
            "energy": float(machine.energy(found.samples.states).mean()),
        }

    mixed: dict[str, evaluation.Mixing] = {}
    results.get("exact accuracy", lambda: estimator.score(test.pixels, test.labels))
    base = np.zeros(machine.n_units)
    mean = (learned.pixels.sum(axis=0) + 1) / (len(learned) + 2)
    base[: len(mean)] = np.log(mean / (1 - mean))

    def likelihood() -> dict[str, float]:
        chains = sample(machine, "gibbs", chains=100, draws=1000, burn_in=1000, seed=5)
        z = log_partition(
            machine, chains=100, temperatures=10_000, base=base, states=chains.states[:, -1], seed=4
        )
        scores = estimator.score_samples(test.pixels)
        assert z.reverse is not None
        return {
            "log_likelihood": float(scores.mean() - z.value),
            "error": float(np.hypot(z.error, scores.std() / np.sqrt(len(scores)))),
            "reverse": float(scores.mean() - z.reverse),
        }

    classifier = evaluation.independent_classifier(learned)
    for substrate in ("gibbs", "laser-reduced"):
        results.get(f"labels {substrate}, 2000", lambda s=substrate: classify(s, 2000))
        results.get(f"half completed {substrate}", lambda s=substrate: complete(s))
        results.get(f"dream {substrate}", lambda s=substrate: dream(s, draws))
    short = round(SHORT_DREAM / window)
    if "full" in parts:
        results.get(f"short dream laser ({short} draws)", lambda: dream("laser", short))
        results.get(f"labels gibbs, {FULL_PHYSICS}", lambda: classify("gibbs", FULL_PHYSICS))
        results.get(f"labels laser, {FULL_PHYSICS}", lambda: classify("laser", FULL_PHYSICS))
    if "whole" in parts:
        for substrate in ("gibbs", "laser-reduced"):
            results.get(f"labels {substrate}, 10000", lambda s=substrate: classify(s, 10_000))
    results.get("likelihood", likelihood)
    images = DOCS / "images"
    if completed:
        (images / "mnist-completions.png").write_bytes(png(pictures.completions(completed)))
    for substrate, found in dreams.items():
        (images / f"mnist-dream-{substrate}.png").write_bytes(png(pictures.strip(found)))
    if len(mixed) > 1:
        names = tuple(str(k) for k in range(10))
        (images / "mnist-histogram.png").write_bytes(png(pictures.histogram(mixed, names)))
        (images / "mnist-energies.png").write_bytes(png(pictures.energies(dreams)))
    weights = machine.weights[: len(mean), len(mean) + len(estimator.classes_) :]
    (images / "mnist-filters.png").write_bytes(png(pictures.filters(weights, test.shape)))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("data_dir")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--parts", nargs="*", default=["full", "whole"], choices=("full", "whole"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.what == "train":
        estimator = train(options.data_dir, options.out)
        print(estimator.history_[-1])
        return
    results = measure(options.data_dir, options.out, options.parts)
    for name, entry in results.values.items():
        print(f"{name:36s} {entry['value']}   ({entry['seconds']:.1f} s)")


if __name__ == "__main__":
    main()
