"""The main job: from real data to a posterior that simulated lasers computed.

Wisconsin breast cancer (569 patients; Street, Wolberg & Mangasarian 1993; shipped by scikit-learn).
Eight measurements and the diagnosis become nine binary units, a fully visible Boltzmann machine is
learned by exact maximum likelihood on the training split, translated to lasers, sampled freely (before
and after refinement in the loop) and with the measurements of held-out patients as evidence. In a
second act, a restricted machine learns handwritten digits, and lasers dream and complete them.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.progress import Progress, tracked
from photinus._core.streams import Seed, seed_sequence
from photinus.calibration import Calibration
from photinus.diagnostics.certificate import Fidelity
from photinus.errors import MissingDependency
from photinus.learning.refinement import Refinement, refine
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.samplers.samples import Samples
from photinus.samplers.sampling import sample
from photinus.tasks.tasks import Completion, Dream
from photinus.translation.rules import Validity, check

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASUREMENTS = (
    "worst area",
    "worst texture",
    "worst smoothness",
    "worst concavity",
    "worst symmetry",
    "mean compactness",
    "area error",
    "worst concave points",
)
"""Informative measurements that do not merely repeat each other."""
DIAGNOSIS = "malignant"
FEW_MEASUREMENTS = ("worst area", "worst texture", "worst symmetry")
"""What is known of a patient in the second posterior; the other five are missing."""
TEST_FRACTION = 0.3
L2 = 0.05
"""Penalty on the weights: the largest stays near 1.2, close to what the synapse was measured with;
exact inference on the held-out patients is as accurate as with 0.01."""
FLOOR_RUNS = 4
DIGITS: dict[str, Any] = {"hidden": (64,), "epochs": 300, "learning_rate": 0.1, "batch_size": 50}
"""Learning of the 8×8 digits: seconds."""
COMPLETED = 100
"""Test images of which the lower half is completed."""
REFINEMENT: dict[str, Any] = {"chains": 256, "draws": 400, "most_rounds": 16}
REPEATS = 8
"""Chains of each patient, all with the patient's own evidence."""


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Binary patients: eight measurements and the diagnosis."""

    train: NDArray[np.uint8]
    test: NDArray[np.uint8]
    thresholds: dict[str, float]
    """A measurement's unit is 1 above this value; learned on the training split."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the units, the diagnosis last."""
        return (*self.thresholds, DIAGNOSIS)


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """P(malignant | evidence) of each held-out patient, computed three ways."""

    title: str
    evidence: tuple[str, ...]
    truth: NDArray[np.uint8]
    exact: NDArray[np.float64]
    gibbs: NDArray[np.float64]
    lasers: NDArray[np.float64]
    draws: int
    """Draws per patient of Gibbs sampling and of lasers."""
    chip_time: float
    """Physical time per patient [s]."""

    def accuracy(self, way: str) -> float:
        """Return the part of patients that `way` ("exact", "gibbs", "lasers") diagnoses rightly."""
        return float(np.mean((getattr(self, way) > 0.5) == self.truth))

    def disagreement(self, way: str) -> float:
        """Return the largest difference of a probability from the exact one."""
        return float(np.abs(getattr(self, way) - self.exact).max())


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """The second act: handwritten digits, learned, dreamt and completed."""

    machine: BoltzmannMachine
    accuracy: float
    """Part of the test images that the machine classifies rightly, by exact free energy."""
    dream: Dream
    """On full physics."""
    gibbs: Completion
    lasers: Completion
    """The lower half of test images, by Gibbs sampling and by full physics."""
    wall_time: float
    """Wall time of the act [s]."""


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
    figures: "dict[str, Figure]"
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


WAYS = ("exact", "gibbs", "lasers")


def load_data(seed: Seed = 0) -> Data:
    """Return the binary patients, split into training and test by `seed`.

    Raises
    ------
    MissingDependency
        If scikit-learn, which ships the data, is not installed.
    """
    try:
        from sklearn.datasets import load_breast_cancer
    except ImportError:
        raise MissingDependency(
            "the demo needs scikit-learn for its data: pip install 'photinus[demo]'"
        ) from None
    patients = load_breast_cancer()
    names = [str(name) for name in patients.feature_names]
    values = patients.data[:, [names.index(name) for name in MEASUREMENTS]]
    malignant = (patients.target == 0).astype(np.uint8)
    train, test = _split(malignant, np.random.default_rng(seed_sequence(seed)))
    thresholds = {
        name: _threshold(values[train, k], malignant[train]) for k, name in enumerate(MEASUREMENTS)
    }
    units = np.column_stack([values > list(thresholds.values()), malignant]).astype(np.uint8)
    return Data(units[train], units[test], thresholds)


def _split(
    classes: NDArray[np.uint8], generator: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return indices of training and test patients, with equal parts of both classes."""
    train, test = [], []
    for value in np.unique(classes):
        members = generator.permutation(np.flatnonzero(classes == value))
        cut = round(TEST_FRACTION * len(members))
        test.append(members[:cut])
        train.append(members[cut:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(test))


def _threshold(values: NDArray[np.float64], classes: NDArray[np.uint8]) -> float:
    """Return the cut that tells most about the class (largest mutual information)."""
    cuts = np.quantile(values, np.linspace(0.1, 0.9, 81))
    return float(cuts[int(np.argmax([_information(values > cut, classes) for cut in cuts]))])


def _information(a: NDArray[np.bool_], b: NDArray[np.uint8]) -> float:
    """Return the mutual information of two binary variables [nats]."""
    joint = np.histogram2d(a, b, bins=2, range=[[0, 1], [0, 1]])[0] / len(a)
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    seen = joint > 0
    return float(np.sum(joint[seen] * np.log(joint[seen] / independent[seen])))


def run(
    *,
    seed: Seed = 0,
    chains: int = 256,
    draws: int = 600,
    calibration: Calibration | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> Demo:
    """Do the main job; about a minute on two cores.

    Parameters
    ----------
    seed
        Drives the split, all sampling and all lasers.
    chains, draws
        Of the free-running network.
    calibration
        By default the shipped one of the default preset.
    threads, progress
        As in `photinus.sample`.
    """
    chains = validate.integer("chains", chains, 1)
    draws = validate.integer("draws", draws, 25)
    begin = time.perf_counter()
    split, free, *conditioned, tuning, after, second = seed_sequence(seed).spawn(8)
    data = load_data(split)
    machine = BoltzmannMachine.fit(data.train, l2=L2, labels=data.labels)
    calibration = calibration or Calibration.preset()
    started = time.perf_counter()
    samples = sample(
        machine,
        chains=chains,
        draws=draws,
        burn_in=25,
        seed=free,
        calibration=calibration,
        threads=threads,
        progress=progress,
    )
    simulation_time = time.perf_counter() - started
    refinement = refine(
        machine, calibration, seed=tuning, threads=threads, progress=progress, **REFINEMENT
    )
    refined = sample(
        machine,
        chains=chains,
        draws=draws,
        burn_in=25,
        seed=after,
        network=refinement.network,
        threads=threads,
        progress=progress,
    )
    posteriors = tuple(
        _posterior(machine, data, known, title, calibration, child, threads, progress)
        for known, title, child in (
            (MEASUREMENTS, "all eight measurements known", conditioned[0]),
            (FEW_MEASUREMENTS, "three known, five missing", conditioned[1]),
        )
    )
    handwritten = learn_digits(calibration, second, threads, progress)
    exact_runs = [
        sample(machine, "ideal", chains=chains, draws=draws, burn_in=25, seed=child)
        for child in conditioned[2].spawn(FLOOR_RUNS)
    ]
    return Demo(
        data=data,
        machine=machine,
        calibration=calibration,
        validity=check(machine, calibration),
        samples=samples,
        fidelity=samples.fidelity(progress=progress),
        refinement=refinement,
        refined=refined,
        refined_fidelity=refined.fidelity(progress=progress),
        posteriors=posteriors,
        digits=handwritten,
        figures=_figures(samples, refined, exact_runs, calibration, posteriors, handwritten, progress),
        simulation_time=simulation_time,
        wall_time=time.perf_counter() - begin,
    )


def _posterior(
    machine: BoltzmannMachine,
    data: Data,
    known: Iterable[str],
    title: str,
    calibration: Calibration,
    seed: np.random.SeedSequence,
    threads: int | None,
    progress: Progress | bool | None,
    draws: int = 500,
) -> Posterior:
    """Return P(malignant | known measurements) of every test patient.

    Each patient has `REPEATS` chains with the patient's own evidence; all patients run together.
    """
    known = tuple(known)
    patients = np.repeat(np.arange(len(data.test)), REPEATS)
    columns = [data.labels.index(name) for name in known]
    clamp = {name: data.test[patients, k] for name, k in zip(known, columns, strict=True)}
    settings: dict[str, Any] = {
        "chains": len(patients),
        "draws": draws,
        "burn_in": 25,
        "clamp": clamp,
        "threads": threads,
    }

    def of_patients(samples: Samples) -> NDArray[np.float64]:
        return np.asarray(samples.chain_marginals()[:, -1].reshape(-1, REPEATS).mean(axis=1))

    by_gibbs, by_lasers = seed.spawn(2)
    lasers = sample(machine, seed=by_lasers, calibration=calibration, progress=progress, **settings)
    gibbs = sample(machine, "gibbs", seed=by_gibbs, **settings)
    exact = [
        machine.conditional(
            {name: int(patient[k]) for name, k in zip(known, columns, strict=True)}
        ).marginals()[-1]
        for patient in data.test
    ]
    physical = lasers.physical_time
    assert physical is not None
    return Posterior(
        title,
        known,
        data.test[:, -1],
        np.array(exact),
        of_patients(gibbs),
        of_patients(lasers),
        REPEATS * draws,
        physical * REPEATS,
    )


def learn_digits(
    calibration: Calibration,
    seed: np.random.SeedSequence,
    threads: int | None,
    progress: Progress | bool | None,
) -> Digits:
    """Learn the 8×8 digits, dream them on lasers, complete their lower halves."""
    from photinus.learning.data import digits
    from photinus.learning.estimator import BoltzmannEstimator
    from photinus.tasks.tasks import complete, dream, mask

    begin = time.perf_counter()
    train, test = digits("train"), digits("test")
    learning, dreaming, completing = seed.spawn(3)
    estimator = BoltzmannEstimator(
        **DIGITS, seed=int(learning.generate_state(1)[0]), progress=progress
    ).fit(train.pixels, train.labels)
    machine = estimator.machine()
    options: dict[str, Any] = {"threads": threads, "calibration": calibration}
    dreamt = dream(machine, chains=16, draws=200, seed=dreaming, progress=progress, **options)
    shown, known = test[:COMPLETED], mask(test.shape, "half")
    by_gibbs, by_lasers = (
        complete(machine, shown.pixels, known, substrate, seed=completing, **options)
        for substrate in ("gibbs", "laser")
    )
    assert test.labels is not None
    return Digits(
        machine,
        estimator.score(test.pixels, test.labels),
        dreamt,
        by_gibbs,
        by_lasers,
        time.perf_counter() - begin,
    )


def _figures(
    samples: Samples,
    refined: Samples,
    exact_runs: list[Samples],
    calibration: Calibration,
    posteriors: tuple[Posterior, ...],
    digits: Digits,
    progress: Progress | bool | None,
) -> "dict[str, Figure]":
    from photinus.devices.laser import spike
    from photinus.faces.figures import pictures, plots

    draw: dict[str, Callable[[], Figure]] = {
        "spike": lambda: plots.spike(spike(calibration.laser)),
        "activation": lambda: plots.activation(calibration),
        "raster": lambda: plots.raster(refined),
        "joint": lambda: plots.joint(refined),
        "divergence": lambda: plots.divergence({"translated": samples, "refined": refined}, exact_runs),
        "posterior": lambda: plots.posterior(posteriors),
        "dream": lambda: pictures.strip(digits.dream),
        "completion": lambda: pictures.completions({"Gibbs": digits.gibbs, "lasers": digits.lasers}),
    }
    figures = {}
    with tracked(progress, "drawing", len(draw)) as advance:
        for name, function in draw.items():
            figures[name] = function()
            advance(1)
    return figures


def save(demo: Demo, folder: Path) -> dict[str, Path]:
    """Write samples, numbers, figures and the HTML report into `folder`; return the paths."""
    from photinus._core import files
    from photinus.faces import report
    from photinus.faces.figures.pictures import animate

    files.make_folder(folder)
    paths = {"samples": folder / "samples.zarr", "numbers": folder / "demo.json"}
    demo.refined.save(paths["samples"])
    files.write_json(paths["numbers"], demo.to_dict())
    paths["animation"] = folder / "dream.gif"
    animate(demo.digits.dream, paths["animation"])
    for name, figure in demo.figures.items():
        paths[name] = folder / f"{name}.png"
        files.write_bytes(paths[name], report.png(figure))
    paths["report"] = folder / "report.html"
    files.write_text(paths["report"], report.demo_page(demo))
    return paths
