# mypy: disable-error-code="arg-type,union-attr"
"""Every public call, each argument in turn replaced by nonsense: it works, or one sentence tells why."""

import dataclasses
import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus import learning
from photinus.faces.figures import plots
from photinus.learning import data, imports, units
from photinus.networks import depression, imperfections
from photinus.tasks import evaluation, results, tasks

NONSENSE = [
    None, "abc", "", -1, 0, True, 1e300, float("nan"), float("inf"), 10**30, 10**400, 1j, object(), b"x",
    [], (), set(), {"a": 1}, {1: 2}, [[1], [1, 2]], np.zeros(0), np.zeros((2, 3, 4)), np.float16(3),
    np.array(["x"]), np.array(["2020-01-01"], "M8[D]"), np.array([1e308, 1e308]),
    np.ma.masked_array([1.0, 2.0], mask=[1, 0]),
]  # fmt: skip

RANDOM = np.random.default_rng(0)
MACHINE = ph.BoltzmannMachine([[0, 1, 0], [1, 0, -0.5], [0, -0.5, 0]], [0.5, -1, 0], ["a", "b", "c"])
LABELS = [*(f"v{k}" for k in range(16)), "y:0", "y:1", "h0", "h1"]
LEARNED = ph.BoltzmannMachine(np.zeros((20, 20)), np.zeros(20), LABELS)
LARGE = imports.restricted(np.full((30, 25), 0.1), np.zeros(30), np.zeros(25))
RECORD = ph.Calibration.preset()
NETWORK: Any = ph.translate(MACHINE, RECORD)
ASIA = ph.BayesianNetwork.asia()
SAMPLES = ph.sample(MACHINE, "gibbs", chains=4, draws=30, burn_in=5, seed=0)
X, Y, IMAGES = RANDOM.integers(0, 2, (20, 4)), np.arange(20) % 2, np.zeros((2, 16), int)
ESTIMATOR = learning.BoltzmannEstimator((3,), epochs=1).fit(X, Y)
DREAM = tasks.dream(LEARNED, "gibbs", chains=2, draws=30, burn_in=5)
FOUND = results.Classification(np.eye(3), ("0", "1", "2"), 10, None)
SHORT = {"draws": 5, "burn_in": 2, "seed": 0}

CALLS = {
    "BoltzmannMachine": (ph.BoltzmannMachine, MACHINE.weights, MACHINE.biases, ["a", "b", "c"]),
    "from_spin": (ph.BoltzmannMachine.from_spin, MACHINE.weights, MACHINE.biases, ["a", "b", "c"]),
    "energy": (MACHINE.energy, [0, 1, 1]),
    "log_probability": (MACHINE.log_probability, [0, 1, 1]),
    "states": (MACHINE.states, 0, 3),
    "clamp_indices": (MACHINE.clamp_indices, {"a": 1}, 2),
    "heated": (MACHINE.heated, 2.0),
    "conditional": (MACHINE.conditional, {"a": 1}),
    "BoltzmannMachine.fit": (ph.BoltzmannMachine.fit, X, 0.1, ["a", "b", "c", "d"]),
    "BayesianNetwork": (ph.BayesianNetwork, {"a": 0.3}),
    "table": (lambda t: ph.BayesianNetwork({"a": t}), 0.3),
    "parents": (
        lambda p, r: ph.BayesianNetwork({"a": 0.3, "b": (p, r)}),
        ("a",),
        {(0,): 0.1, (1,): 0.2},
    ),
    "row": (lambda p: ph.BayesianNetwork({"a": 0.3, "b": (("a",), {(0,): 0.1, (1,): p})}), 0.2),
    "posterior": (ASIA.posterior, {"asia": 1}),
    "softened": (lambda s, a: ASIA.softened(s, additive=a), 0.01, True),
    "to_boltzmann": (
        lambda m, a, b: ASIA.to_boltzmann(method=m, softening=a, strength=b),
        "exact",
        0.01,
        20.0,
    ),
    "from_pgmpy": (ph.BayesianNetwork.from_pgmpy, None, None),
    "dream": (
        lambda m, *a: tasks.dream(m, "gibbs", chains=a[0], draws=a[1], burn_in=a[2]),
        LEARNED,
        2,
        9,
        3,
    ),
    "imagine": (
        lambda m, c, *a: tasks.imagine(m, c, "gibbs", draws=a[0], burn_in=a[1]),
        LEARNED,
        ["0"],
        9,
        3,
    ),
    "complete": (
        lambda m, x, k, d, b, s: tasks.complete(m, x, k, "gibbs", draws=d, burn_in=b, seed=s),
        LEARNED,
        IMAGES,
        np.arange(16) < 8,
        5,
        2,
        0,
    ),
    "classify": (
        lambda m, x, d, b, s: tasks.classify(m, x, "gibbs", draws=d, burn_in=b, seed=s),
        LEARNED,
        IMAGES,
        5,
        2,
        0,
    ),
    "mask": (lambda a, b, c: tasks.mask(a, b, seed=c), (4, 4), "half", 0),
    "accuracy": (FOUND.accuracy, [0, 1, 2]),
    "mixing": (lambda a, b, c: evaluation.mixing(a, b, sure=c), DREAM, ESTIMATOR, 0.5),
    "indirect_likelihood": (
        lambda a, b, c: evaluation.indirect_likelihood(a, b, beta=c),
        IMAGES,
        IMAGES,
        0.9,
    ),
    "autocorrelation_time": (evaluation.autocorrelation_time, np.arange(5.0)),
    "independent_classifier": (
        lambda a, b: evaluation.independent_classifier(a, most=b),
        data.Images(IMAGES.astype(np.uint8), np.array([0, 1]), (4, 4)),
        100,
    ),
    "fit_exact": (lambda x, p, n: learning.fit_exact(x, l2=p, labels=n), X, 0.1, ["a", "b", "c", "d"]),
    "fit_moments": (lambda x, p: learning.fit_moments(x, l2=p), MACHINE.pair_moments(), 0.1),
    "log_partition": (
        lambda m, c, t, b, z, s: learning.log_partition(
            m, chains=c, temperatures=t, base=b, states=z, seed=s
        ),
        LARGE,
        4,
        10,
        np.zeros(55),
        np.zeros((3, 55), int),
        0,
    ),
    "from_sklearn": (learning.from_sklearn, None),
    "restricted": (
        lambda w, a, b, c: imports.restricted(w, a, b, classes=c),
        np.ones((3, 2)),
        np.zeros(3),
        np.zeros(2),
        ("a",),
    ),
    "labelled": (units.labelled, 3, ["a"], (2,)),
    "Units.of": (units.Units.of, LEARNED),
    "fit": (lambda x, y: learning.BoltzmannEstimator((3,), epochs=1).fit(x, y), X, Y),
    "partial_fit": (lambda x, y: learning.BoltzmannEstimator((3,), epochs=1).partial_fit(x, y), X, Y),
    "score": (ESTIMATOR.score, X, Y),
    "free_energy": (ESTIMATOR.free_energy, np.zeros((2, 6), int)),
    **{
        name: (getattr(ESTIMATOR, name), X)
        for name in ("predict", "predict_proba", "predict_log_proba", "transform", "score_samples")
    },
    "preset": (ph.Calibration.preset, "fast-absorber"),
    "logistic": (RECORD.logistic, RECORD.drive),
    "drive_at": (RECORD.drive_at, np.zeros(2)),
    "require": (RECORD.require, NETWORK.parameters),
    "driven": (NETWORK.driven, NETWORK.drive, NETWORK.coupling),
    "mismatched": (lambda a, b, c: NETWORK.mismatched(a, seed=b, names=c), 0.1, 0, ("gain_lifetime",)),
    "from_dict": (ph.LaserNetwork.from_dict, NETWORK.to_dict()),
    "Depression": (lambda a, b: depression.Depression(use=a, recovery=b), 0.1, 1e-9),
    "steady": (depression.Depression(use=0.1, recovery=1e-9).steady, 1e-9),
    "apply": (imperfections.Imperfections(mismatch=0.01).apply, NETWORK, 0),
    "Imperfections.from_dict": (imperfections.Imperfections.from_dict, {"mismatch": 0.1}),
    "plots.spike": (plots.spike, None),
    "plots.activation": (plots.activation, None),
    "plots.raster": (plots.raster, SAMPLES, 0, 10),
    "plots.joint": (plots.joint, SAMPLES, 10),
    "plots.divergence": (plots.divergence, {"a": SAMPLES}, [SAMPLES]),
}


def _fields(thing: Any, skip: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Give a call for each field of a frozen record that makes a copy with another value."""
    for field in dataclasses.fields(thing):
        if field.name not in skip:
            name = f"{type(thing).__name__}.{field.name}"
            copy = lambda v, f=field.name: dataclasses.replace(thing, **{f: v})  # noqa: E731
            yield name, (copy, getattr(thing, field.name))


def _parameters() -> Iterator[Any]:
    """Give a call for each parameter of the estimator."""
    apart = ("negative", "checkpoint", "resume", "progress")
    for name in inspect.signature(learning.BoltzmannEstimator).parameters:
        if name not in apart:
            given = {"hidden": (3,), "epochs": 1}
            make = lambda v, g=given, n=name: learning.BoltzmannEstimator(**(g | {n: v})).fit(X, Y)  # noqa: E731
            yield f"BoltzmannEstimator.{name}", (make, given.get(name))


for things in (
    _parameters(),
    *map(_fields, (RECORD, NETWORK, NETWORK.kernel, imperfections.Imperfections())),
):
    CALLS.update(things)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_nonsense_is_taken_or_told_in_one_sentence(name: str) -> None:
    call, *arguments = CALLS[name]
    for place in range(len(arguments)):
        for wrong in NONSENSE:
            given = [*arguments[:place], wrong, *arguments[place + 1 :]]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    call(*given)
                except ph.PhotinusError as error:
                    told = str(error)
                    assert told.count("\n") == 0
