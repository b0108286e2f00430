"""The estimator against enumeration, against itself interrupted, and in scikit-learn's hands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import chi2
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline

from photinus import BoltzmannMachine
from photinus.errors import InvalidInput
from photinus.learning.data import digits
from photinus.learning.estimator import BoltzmannEstimator
from photinus.machines.fitting import fit_exact
from tests.conftest import ALPHA
from tests.narrow import untyped

SHAPES: dict[str, Any] = {
    "restricted": {"hidden": (3,)},
    "deep": {"hidden": (3, 2)},
    "visible": {"hidden": (), "visible_couplings": True},
    "semi-restricted": {"hidden": (2,), "visible_couplings": True},
}


def noisy_copies(
    samples: int = 400, n: int = 5, seed: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return copies of a common coin with flips, and the coin."""
    rng = np.random.default_rng(seed)
    coin = rng.integers(0, 2, samples)
    flips = rng.random((samples, n)) < np.linspace(0.05, 0.4, n)
    return (coin[:, None] ^ flips).astype(np.uint8), coin


X, Y = noisy_copies()


def scattered(
    shape: str, *, seed: int = 1, scale: float = 0.8, **parameters: Any
) -> BoltzmannEstimator:
    """Return an estimator of five features whose parameters are random instead of learned."""
    found = BoltzmannEstimator(**SHAPES[shape], **parameters).partial_fit(X[:100])
    rng = np.random.default_rng(seed)
    w = np.triu(rng.normal(0, scale, found.weights_.shape), 1) * found._coupled
    found.weights_ = (w + w.T).astype(np.float32)
    found.biases_ = rng.normal(0, scale, len(w)).astype(np.float32)
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mask_is_that_of_the_machine(shape: str) -> None:
    found = scattered(shape)
    sizes = (5, *found.hidden)
    layer = np.repeat(np.arange(len(sizes)), sizes)
    expected = np.abs(layer[:, None] - layer) == 1
    if found.visible_couplings:
        expected[:5, :5] = ~np.eye(5, dtype=bool)
    np.testing.assert_array_equal(found.machine().weights != 0, expected)


class Exactly:
    """Independent draws from the machine's enumerated joint."""

    def __init__(self, draws: int) -> None:
        self.draws, self.generator = draws, np.random.default_rng(5)

    def __call__(self, machine: BoltzmannMachine) -> NDArray[np.uint8]:
        chosen = self.generator.choice(2**machine.n_units, self.draws, p=machine.joint())
        return machine.states()[chosen]


@pytest.mark.parametrize("shape", ["restricted", "visible", "semi-restricted"])
def test_an_update_is_the_gradient_of_the_likelihood(shape: str) -> None:
    found = scattered(shape, momentum=0.0, weight_decay=0.0, batch_size=len(X))
    machine, draws = found.machine(), 200_000
    features, n = X.shape[1], machine.n_units
    data = np.zeros((n, n))
    for x in X.astype(float):
        rest = machine.conditional({f"v{k}": int(v) for k, v in enumerate(x)}) if n > features else None
        z = np.concatenate([x, [] if rest is None else rest.marginals()])
        data += np.outer(z, z) / len(X)
        data[np.diag_indices(n)] += (z - z * z) / len(X)
    gap = data - machine.pair_moments()
    mean, c = np.diag(gap), found._centre.astype(float)
    gradient = (gap - np.outer(mean, c) - np.outer(c, mean)) * found._coupled
    before = found.weights_.copy(), found.biases_.copy()
    found.negative, rate = Exactly(draws), 0.5
    found._velocity[:] = 0
    found._update(X.astype(np.float32), np.float32(rate))
    # Six standard errors of a mean of 0/1 draws, at most 0.5/sqrt(draws) each; a bias sums n of them.
    error = 6 * 0.5 / np.sqrt(draws)
    np.testing.assert_allclose((found.weights_ - before[0]) / rate, gradient, atol=2 * error)
    change = (found.biases_ - before[1]) / rate
    np.testing.assert_allclose(change, mean - gradient @ c, atol=n * error)
    # The bounds are small beside what they bound.
    assert np.abs(gradient).max() > 10 * error


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", ["pcd", "tempered"])
def test_chains_have_the_law_of_the_machine(shape: str, method: str) -> None:
    chains = 40_000
    found = scattered(shape, method=method, replicas=3, hottest=3.0, steps=30)
    states = np.zeros((3 if method == "tempered" else 1, chains, len(found.biases_)), np.float32)
    states = found._advanced(states)[0]
    counts = np.bincount(
        states.astype(int) @ 2 ** np.arange(states.shape[1]), minlength=2 ** states.shape[1]
    )

    def misfit(machine: BoltzmannMachine) -> float:
        expected = chains * machine.joint()
        return float(((counts - expected) ** 2 / expected).sum())

    # False-alarm probability of each of the eight cases; 30 sweeps are far beyond the mixing time.
    bound = chi2.isf(ALPHA, len(counts) - 1)
    assert misfit(found.machine()) < bound
    assert misfit(found.machine().heated(1.1)) > bound


def test_swapped_temperatures_keep_their_laws() -> None:
    found = scattered("restricted", method="tempered", replicas=3, hottest=3.0, steps=20)
    states = found._advanced(np.zeros((3, 20_000, len(found.biases_)), np.float32))
    for replica, temperature in zip(states, 1 / np.linspace(1, 1 / 3, 3), strict=True):
        expected = found.machine().heated(temperature).marginals()
        # Six standard errors; 8 units × 3 temperatures: false alarms below 1e-7.
        np.testing.assert_allclose(replica.mean(axis=0), expected, atol=6 * 0.5 / np.sqrt(20_000))


@pytest.mark.parametrize("shape", ["restricted", "visible", "semi-restricted"])
def test_scores_are_log_likelihoods_but_for_the_partition_function(shape: str) -> None:
    found = scattered(shape)
    machine, some = found.machine(), X[:20]
    joint = machine.joint().reshape(-1, 2**5).sum(axis=0)  # features come first, as the low bits
    expected = np.log(joint[some @ (1 << np.arange(5))])
    np.testing.assert_allclose(found.score_samples(some) - machine.log_partition(), expected, rtol=1e-5)
    assert found.score(some) == pytest.approx(found.score_samples(some).mean())


@pytest.fixture(scope="module")
def labelled() -> tuple[BoltzmannEstimator, NDArray[Any]]:
    """An estimator of three named classes, learned a little."""
    names = np.array(["ant", "bee", "cow"])[(Y + X[:, 0])]
    return BoltzmannEstimator((3,), epochs=60, learning_rate=0.3, seed=3).fit(X, names), names


def test_classes_are_those_of_enumeration(labelled: tuple[BoltzmannEstimator, NDArray[Any]]) -> None:
    found, names = labelled
    machine, classes = found.machine(), ["y:ant", "y:bee", "y:cow"]
    for x in X[:5]:
        rest = machine.conditional({f"v{k}": int(v) for k, v in enumerate(x)})
        joint = rest.joint().reshape(-1, 2**3).sum(axis=0)  # class units are the low bits
        one = joint[[1, 2, 4]]
        np.testing.assert_allclose(found.predict_proba(x[None])[0], one / one.sum(), rtol=1e-4)
        np.testing.assert_allclose(
            found.score_samples(x[None])[0],
            np.log(one.sum()) + rest.log_partition() + machine.biases[:5] @ x,
            rtol=1e-5,
        )
    assert list(machine.labels[5:8]) == classes
    assert found.score(X, names) == np.mean(found.predict(X) == names) > 0.6


def test_transform_averages_over_the_classes(labelled: tuple[BoltzmannEstimator, NDArray[Any]]) -> None:
    found, _ = labelled
    machine, x = found.machine(), X[0]
    evidence = {f"v{k}": int(v) for k, v in enumerate(x)}
    expected = np.zeros(3)
    for k, p in enumerate(found.predict_proba(x[None])[0]):
        own = {f"y:{name}": int(i == k) for i, name in enumerate(found.classes_)}
        expected += p * machine.conditional(evidence | own).marginals()
    np.testing.assert_allclose(found.transform(x[None])[0], expected, rtol=1e-5)


@pytest.mark.parametrize("method", ["pcd", "cd", "tempered"])
def test_a_fully_visible_machine_reaches_the_exact_fit(method: str) -> None:
    best = fit_exact(X)
    found = BoltzmannEstimator(
        (),
        visible_couplings=True,
        method=method,
        steps=10 if method == "cd" else 1,
        epochs=300,
        learning_rate=0.3,
        weight_decay=0.0,
        replicas=2,
        seed=1,
    ).fit(X)
    likelihood = [float(m.log_probability(X).mean()) for m in (found.machine(), best)]
    # A machine without couplings is 0.3 nats below; the seed is fixed, so this cannot waver.
    alone = BoltzmannMachine(np.zeros((5, 5)), np.log(X.mean(0) / (1 - X.mean(0))))
    assert likelihood[1] - 0.003 < likelihood[0] <= likelihood[1]
    assert float(alone.log_probability(X).mean()) < likelihood[1] - 0.2


@pytest.mark.parametrize("hidden", [(4,), (4, 3)])
def test_hidden_units_learn_correlations(hidden: tuple[int, ...]) -> None:
    one_of_four = np.tile(np.eye(4, dtype=int), (100, 1))
    found = BoltzmannEstimator(
        hidden, steps=5, epochs=300, batch_size=50, learning_rate=1.0, seed=2
    ).fit(one_of_four)
    joint = found.machine().joint().reshape(-1, 16).sum(axis=0)
    likelihood = float(np.log(joint[[1, 2, 4, 8]]).mean())
    # Independent units reach -2.25 nats, a perfect machine -1.39; the seed is fixed.
    assert -1.7 < likelihood < -np.log(4)


class StopAfter:
    """A progress display that presses Ctrl-C."""

    def __init__(self, epochs: float) -> None:
        self.left = epochs

    def start(self, description: str, total: float) -> None:
        """Do nothing."""

    def advance(self, amount: float) -> None:
        """Count down."""
        self.left -= amount
        if self.left <= 0:
            raise KeyboardInterrupt

    def stop(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"method": "cd"},
        {"method": "tempered", "replicas": 3},
        {"hidden": (4, 3)},
        {"validation_fraction": 0.25, "patience": 50},
    ],
)
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = tmp_path / "checkpoint.npz"
    parameters: dict[str, Any] = {"hidden": (4,), "epochs": 7, "seed": 5, **changes}
    whole = BoltzmannEstimator(**parameters).fit(X, Y)
    with pytest.raises(KeyboardInterrupt):
        BoltzmannEstimator(**parameters, checkpoint=path, progress=StopAfter(3)).fit(X, Y)
    resumed = BoltzmannEstimator(**parameters, checkpoint=path, resume=True).fit(X, Y)
    np.testing.assert_array_equal(resumed.weights_, whole.weights_)
    np.testing.assert_array_equal(resumed.biases_, whole.biases_)
    assert len(resumed.history_) == 7
    for a, b in zip(resumed.history_, whole.history_, strict=True):
        assert {k: v for k, v in a.items() if k != "seconds"} == pytest.approx(
            {k: v for k, v in b.items() if k != "seconds"}, abs=0, nan_ok=True
        )
    # Once more does nothing, and a fresh run is another one.
    again = BoltzmannEstimator(**parameters, checkpoint=path, resume=True).fit(X, Y)
    np.testing.assert_array_equal(again.weights_, whole.weights_)
    other = BoltzmannEstimator(**{**parameters, "seed": 6}).fit(X, Y)
    assert not np.array_equal(other.weights_, whole.weights_)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": 0.05}, "must be of a run with learning_rate 0.05, got 0.1"),
        ({"hidden": (5,)}, r"must be of a run with hidden \[5\], got \[4\]"),
        ({"epochs": 3}, "must be of a run with epochs 3, got 2"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    tmp_path: Path, change: dict[str, float | tuple[int]], message: str
) -> None:
    path = tmp_path / "checkpoint.npz"
    parameters: dict[str, Any] = {"hidden": (4,), "epochs": 2, "checkpoint": path}
    BoltzmannEstimator(**parameters).fit(X)
    with pytest.raises(InvalidInput, match=message):
        BoltzmannEstimator(**(parameters | change), resume=True).fit(X)
    with pytest.raises(InvalidInput, match="must be of a run with data"):
        BoltzmannEstimator(**parameters, resume=True).fit(1 - X)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"\x93NUMPY"])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"is not a complete saved estimator$"):
        BoltzmannEstimator.load(path)
    with pytest.raises(InvalidInput, match="does not exist"):
        BoltzmannEstimator.load(tmp_path / "nowhere.npz")


def test_a_truncated_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    BoltzmannEstimator((4,), epochs=1).fit(X).save(path)
    whole = path.read_bytes()
    for part in (0.3, 0.9, 0.999):
        path.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(InvalidInput, match="is not a complete saved estimator"):
            BoltzmannEstimator.load(path)


def test_saved_and_loaded_it_goes_on_the_same(
    tmp_path: Path, labelled: tuple[BoltzmannEstimator, NDArray[Any]]
) -> None:
    found, names = labelled
    found = clone(found).fit(X, names)
    found.save(tmp_path / "saved.npz")
    loaded = BoltzmannEstimator.load(tmp_path / "saved.npz")
    assert loaded.machine() == found.machine()
    assert loaded.get_params()["learning_rate"] == 0.3
    np.testing.assert_array_equal(loaded.predict(X), found.predict(X))
    for each in (found, loaded):
        each.partial_fit(X, names)
    assert loaded.machine() == found.machine()


def test_early_stopping_keeps_the_best_parameters() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 2, (60, 12)).astype(np.uint8)  # nothing to learn but the noise
    parameters: dict[str, Any] = {
        "hidden": (30,),
        "learning_rate": 0.5,
        "final_rate": 0.5,
        "validation_fraction": 0.5,
        "batch_size": 10,
        "weight_decay": 0.0,
    }
    stopped = BoltzmannEstimator(**parameters, epochs=200, patience=4).fit(noise)
    figures = [entry["validation"] for entry in stopped.history_]
    best = int(np.argmax(figures)) + 1
    assert len(figures) == best + 4 < 200
    assert figures[-1] < figures[best - 1]
    short = BoltzmannEstimator(**parameters, epochs=best, patience=200).fit(noise)
    assert short.machine() == stopped.machine()


def test_scikit_learn_takes_it() -> None:
    found = BoltzmannEstimator((6,), epochs=3, batch_size=20, learning_rate=0.5, seed=1)
    assert clone(found).get_params() == found.get_params()
    assert found.set_params(epochs=40).epochs == 40
    with pytest.raises(NotFittedError):
        found.transform(X)
    with pytest.raises(NotFittedError):
        found.machine()
    hidden = found.fit_transform(X)
    assert hidden.shape == (len(X), 6)
    assert list(found.get_feature_names_out()) == [f"boltzmannestimator{k}" for k in range(6)]
    pipeline = make_pipeline(clone(found), LogisticRegression())
    # The coin explains its copies: guessing gives one half.
    assert cross_val_score(pipeline, X, Y, cv=3).min() > 0.75
    assert cross_val_score(clone(found), X, Y, cv=3).min() > 0.75


def test_the_digits_are_learned_as_well_as_by_scikit_learn() -> None:
    from sklearn.neural_network import BernoulliRBM

    from photinus.learning.imports import from_sklearn
    from photinus.learning.likelihood import log_partition

    train, test = digits("train"), digits("test")
    found = BoltzmannEstimator((16,), epochs=30, learning_rate=0.1, batch_size=50).fit(train.pixels)
    peer = BernoulliRBM(16, learning_rate=0.1, batch_size=50, n_iter=30, random_state=0).fit(
        train.pixels
    )
    theirs = from_sklearn(peer)
    other = BoltzmannEstimator((16,), epochs=1).fit(train.pixels)
    ours = found.score(test.pixels) - log_partition(found.machine()).value
    other.weights_ = theirs.weights.astype(np.float32)
    other.biases_ = theirs.biases.astype(np.float32)
    # Exact likelihoods [nats per image]; both seeds are fixed.
    assert ours > other.score(test.pixels) - log_partition(theirs).value


BAD = [
    ({"hidden": 3}, "hidden must be the units of each layer, got 3"),
    ({"hidden": (0,)}, "hidden must be at least 1, got 0"),
    ({"hidden": ()}, "hidden must be at least one layer, or visible_couplings be set"),
    ({"hidden": (2, 2), "visible_couplings": True}, "at most one layer with visible_couplings"),
    ({"method": "pdc"}, r"method must be one of .* got 'pdc' \(did you mean 'pcd'\?\)"),
    ({"steps": 0}, "steps must be at least 1"),
    ({"batch_size": 2.5}, "batch_size must be a whole number, got 2.5"),
    ({"epochs": 0}, "epochs must be at least 1"),
    ({"learning_rate": -1}, "learning_rate must be above 0"),
    ({"final_rate": -1}, "final_rate must be at least 0"),
    ({"momentum": 1}, "momentum must be from 0 to below 1, got 1"),
    ({"momentum": "much"}, "momentum must be a number, got 'much'"),
    ({"hottest": 0.5}, "hottest must be at least 1, got 0.5"),
    ({"method": "tempered", "replicas": 1}, "replicas must be at least 2 for 'tempered', got 1"),
    ({"validation_fraction": 1.0}, "validation_fraction must be from 0 to below 1"),
    ({"validation_fraction": 1e-4}, "validation_fraction must leave samples on both sides"),
    ({"hidden": (2, 2), "validation_fraction": 0.2}, "validation_fraction must be 0 for deep machines"),
    ({"seed": -1}, "seed must be at least 0, got -1"),
    ({"learning_rate": 1e30}, "learning_rate must be smaller for these data"),
]


@pytest.mark.filterwarnings("ignore:(overflow|invalid value):RuntimeWarning")
@pytest.mark.parametrize(("parameters", "message"), BAD)
def test_bad_parameters_are_one_sentence(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        BoltzmannEstimator(**parameters).fit(X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.set_params(binarize=None).fit(X / 2), "X must be 0 or 1, got 0.5"),
        (lambda e: e.fit(X[0]), r"X must have shape \(sample, feature\)"),
        (lambda e: e.fit(X, Y[:-1]), r"y must have one entry per sample \(400\), got shape \(399,\)"),
        (lambda e: e.fit(X, Y).partial_fit(X), "y must be given to a machine that was learned with"),
        (lambda e: e.fit(X).partial_fit(X, Y), "y must be given to a machine that was learned with"),
        (lambda e: e.fit(X, Y).partial_fit(X, Y + 1), r"y must be one of \[0, 1\], got .*2"),
        (
            lambda e: e.fit(X).partial_fit(X[:, :2]),
            "X has 2 features, but BoltzmannEstimator is expecting 5",
        ),
        (
            lambda e: e.fit(X).transform(X[:, :2]),
            "X has 2 features, but BoltzmannEstimator is expecting 5",
        ),
        (lambda e: e.fit(X).predict(X), "y must have been given to fit"),
        (lambda e: e.fit(X).free_energy(X[:, :2]), r"visible must have shape \(sample, 5\)"),
    ],
)
def test_bad_data_are_one_sentence(call: Callable[..., Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        call(BoltzmannEstimator((2,), epochs=1))


def test_what_has_no_closed_form_is_refused() -> None:
    deep = BoltzmannEstimator((2, 2), epochs=1).fit(X, Y)
    for call in (deep.predict, deep.score_samples, deep.transform):
        with pytest.raises(InvalidInput, match="hidden must be one layer for a free energy"):
            call(X)
    assert BoltzmannEstimator((2, 2), epochs=1).fit(X).transform(X).shape == (len(X), 2)
    with pytest.raises(InvalidInput, match="hidden must be at least one layer to transform"):
        BoltzmannEstimator((), visible_couplings=True, epochs=1).fit(X).transform(X)


# Data other than 0 and 1 are turned into these with a warning, which some checks bring.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("parameters", [{}, {"hidden": (3,), "method": "cd", "binarize": 0.0}])
def test_scikit_learns_own_checks_pass(parameters: dict[str, Any]) -> None:
    from sklearn.utils.estimator_checks import check_estimator

    found = check_estimator(BoltzmannEstimator(epochs=2, **parameters), on_fail=None, on_skip=None)
    assert [entry["check_name"] for entry in found if entry["status"] == "failed"] == []
    assert sum(entry["status"] == "passed" for entry in found) >= 40


@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks_find_a_refusal() -> None:
    from sklearn.utils.estimator_checks import check_estimator

    strict = check_estimator(BoltzmannEstimator(epochs=2, binarize=None), on_fail=None, on_skip=None)
    assert sum(entry["status"] == "failed" for entry in strict) > 20


def test_other_numbers_are_told_of_and_cut_at_the_threshold() -> None:
    grey = np.random.default_rng(0).random((30, 5))
    with pytest.warns(DataConversionWarning, match=r"those above 0\.3 count as 1, others as 0") as told:
        found = BoltzmannEstimator((3,), epochs=2, binarize=0.3).fit(grey)
    assert told[0].filename == __file__
    cut = BoltzmannEstimator((3,), epochs=2, binarize=None).fit((grey > 0.3).astype(int))
    assert found.machine() == cut.machine()
    with pytest.warns(DataConversionWarning):
        np.testing.assert_array_equal(found.transform(grey), cut.transform((grey > 0.3).astype(int)))
    # 0 and 1 are taken as they are, in silence, whatever holds them.
    forms: list[Any] = [X.astype(float), X.astype(bool), csr_array(X), X.tolist()]
    for form in forms:
        assert (
            BoltzmannEstimator((2,), epochs=1).fit(form).machine()
            == BoltzmannEstimator((2,), epochs=1, binarize=None).fit(X).machine()
        )
    with pytest.raises(InvalidInput, match="binarize must be a number, got 'half'"):
        BoltzmannEstimator(binarize=untyped("half")).fit(X)
    for wrong in (np.nan, np.inf):
        with pytest.raises(InvalidInput, match="X must have shape .* and hold numbers"):
            BoltzmannEstimator((2,), epochs=1).fit(np.where(X, wrong, 0))


def test_a_threshold_is_saved(tmp_path: Path) -> None:
    BoltzmannEstimator((2,), epochs=1, binarize=0.25).fit(X).save(tmp_path / "saved.npz")
    assert BoltzmannEstimator.load(tmp_path / "saved.npz").binarize == 0.25


def test_scikit_learns_tools_take_it(tmp_path: Path) -> None:
    parameters: dict[str, Any] = {"epochs": 20, "batch_size": 20, "learning_rate": 0.5, "seed": 1}
    pipeline = Pipeline(
        [("learn", BoltzmannEstimator((6,), **parameters)), ("judge", LogisticRegression())]
    )
    search = GridSearchCV(pipeline, {"learn__hidden": [(1,), (6,)], "learn__epochs": [1, 40]}, cv=2)
    assert search.fit(X, Y).best_params_["learn__epochs"] == 40
    assert search.best_score_ > 0.75
    alone = GridSearchCV(BoltzmannEstimator(**parameters), {"hidden": [(2,), (4,)]}, cv=2).fit(X, Y)
    assert alone.best_score_ > 0.75
    copied = clone(search.best_estimator_).fit(X, Y)
    joblib.dump(copied, tmp_path / "pipeline.joblib")
    back = joblib.load(tmp_path / "pipeline.joblib")
    np.testing.assert_array_equal(back.predict(X), copied.predict(X))
    learned = back.named_steps["learn"]
    for each in (learned, copied.named_steps["learn"]):
        each.partial_fit(X, Y)
    assert learned.machine() == copied.named_steps["learn"].machine()


@pytest.mark.parametrize("names", [np.array([0, 1]), np.array(["no", "yes"]), np.array([0.0, 1.0])])
def test_classes_may_come_as_objects(names: NDArray[Any]) -> None:
    found = BoltzmannEstimator((3,), epochs=2).fit(X, names[Y].astype(object))
    assert found.classes_.tolist() == names.tolist()
    assert found.score(X, names[Y].astype(object)) == found.score(X, names[Y])
    for wrong in ([1, "a"], [None, 1], [{}, 2]):
        with pytest.raises(InvalidInput, match="y must be whole numbers, finite floats or text"):
            BoltzmannEstimator((3,), epochs=1).fit(X[:2], np.array(wrong, object))


def test_defaults_learn_small_sets() -> None:
    # 200 images of 12 pixels, two classes: stripes with one pixel in ten flipped. The naive Bayes
    # rule, which knows how they were made, is right for all but one in a hundred.
    random = np.random.default_rng(3)
    classes = random.integers(2, size=400)
    stripes = np.stack([np.arange(12) % 2, np.arange(12) // 6])
    pixels = stripes[classes] ^ (random.random((400, 12)) < 0.1)
    learned = BoltzmannEstimator().fit(pixels[:200], classes[:200])
    assert learned.score(pixels[200:], classes[200:]) > 0.95
    assert len(learned.history_) == 1000
    short = BoltzmannEstimator((128,), batch_size=100, epochs=10, learning_rate=0.05)
    assert short.fit(pixels[:200], classes[:200]).score(pixels[200:], classes[200:]) < 0.9


def test_frames_are_checked_by_name() -> None:
    pd = pytest.importorskip("pandas")

    frame = pd.DataFrame(X, columns=list("abcde"))
    found = BoltzmannEstimator((4,), epochs=2).fit(frame)
    assert found.feature_names_in_.tolist() == list("abcde")
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        plain = found.score_samples(frame.to_numpy())
    assert found.score_samples(frame) == pytest.approx(plain)
    for wrong in (frame[list("edcba")], frame[list("abcd")], frame.assign(f=0)):
        with pytest.raises(InvalidInput, match="and hold numbers: The feature names"):
            found.score_samples(wrong)


def test_labels_of_another_kind_are_refused() -> None:
    found = BoltzmannEstimator((4,), epochs=2).fit(X, Y)
    assert found.score(X, Y.astype(float)) == found.score(X, Y)
    for wrong in (Y.astype(str), Y[:-1], Y + 5, np.where(Y, np.nan, 0)):
        with pytest.raises(InvalidInput, match="y must"):
            found.score(X, wrong)
