"""Tasks of learned machines against enumeration, and the figures that judge dreams."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from photinus import BoltzmannMachine
from photinus.errors import InvalidInput
from photinus.faces.figures import pictures
from photinus.learning import data
from photinus.learning.estimator import BoltzmannEstimator
from photinus.learning.units import Units, labelled
from photinus.tasks import evaluation, tasks
from tests.narrow import there

FEATURES, CLASSES, HIDDEN = 4, ("cat", "dog"), 3


@pytest.fixture(scope="module")
def machine() -> BoltzmannMachine:
    generator = np.random.default_rng(5)
    visible = FEATURES + len(CLASSES)
    w = np.zeros((visible + HIDDEN, visible + HIDDEN))
    w[:visible, visible:] = generator.normal(0, 1, (visible, HIDDEN))
    return BoltzmannMachine(
        w + w.T, generator.normal(0, 0.7, len(w)), labelled(FEATURES, CLASSES, (HIDDEN,))
    )


def exact(machine: BoltzmannMachine, clamp: dict[str, int]) -> NDArray[np.float64]:
    """Return P(on) of every unit given evidence (label → value)."""
    rest = machine.conditional(clamp)
    known = dict(zip(rest.labels, rest.marginals(), strict=True)) | clamp
    return np.array([known[label] for label in machine.labels])


def test_units_are_read_from_labels(machine: BoltzmannMachine) -> None:
    units = Units.of(machine)
    assert units.names == CLASSES
    assert units.shape == (2, 2)
    assert [len(units.features), len(units.classes), len(units.hidden)] == [4, 2, 3]
    with pytest.raises(InvalidInput, match="as learning gives them, got 'rain'"):
        Units.of(BoltzmannMachine(np.zeros((2, 2)), [0, 0], ["rain", "v0"]))
    with pytest.raises(InvalidInput, match="must have features"):
        Units.of(BoltzmannMachine(np.zeros((1, 1)), [0], ["h0"]))


@pytest.mark.parametrize("substrate", ["gibbs", "ideal"])
def test_completion_is_the_conditional(machine: BoltzmannMachine, substrate: str) -> None:
    images = np.array([[1, 0, 1, 1], [0, 1, 0, 0], [1, 1, 0, 1]])
    known = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0]], bool)
    found = tasks.complete(machine, images, known, substrate, draws=20_000, seed=1)
    for image, mask, mean in zip(images, known, found.mean, strict=True):
        clamp = {f"v{k}": int(image[k]) for k in np.flatnonzero(mask)}
        expected = exact(machine, clamp)[:FEATURES]
        # 20 000 draws with correlations of at most 20 draws: 1000 effective, six standard errors.
        np.testing.assert_allclose(mean, expected, atol=6 * 0.5 / np.sqrt(1000))
        np.testing.assert_array_equal(mean[mask], image[mask])
    # The bound is far below what a wrong mask would do.
    assert np.abs(found.mean[0] - found.mean[1]).max() > 0.3
    assert found.errors.shape == (3,)
    wrong = np.abs(found.mean - images)[~known].reshape(3, 2).mean(axis=1)
    np.testing.assert_allclose(found.errors, wrong)


@pytest.mark.filterwarnings("ignore:reduced lasers are known:photinus.TranslationWarning")
def test_lasers_complete_a_large_machine_as_gibbs_sampling_does() -> None:
    """24×24 pixels, 100 hidden units: a machine with many modes and strong biases.

    Both samplers complete the same 50 images; the ratio of their wrong pixels has a standard error of
    about 1 %, so one run in 10⁵ exceeds the bound. Pumps fitted to draws given the evidence alone make
    a third more wrong pixels.
    """
    digits, generator = data.digits(), np.random.default_rng(0)
    coarse = digits.pixels.reshape(-1, *digits.shape).repeat(3, axis=1).repeat(3, axis=2)
    shifts = generator.integers(-1, 2, (len(coarse), 2))
    moved = [np.roll(image, shift, (0, 1)) for image, shift in zip(coarse, shifts, strict=True)]
    pixels = np.reshape(moved, (len(coarse), -1))
    estimator = BoltzmannEstimator(hidden=(100,), epochs=60, learning_rate=0.1, seed=0)
    machine = estimator.fit(pixels[:1400], there(digits.labels)[:1400]).machine()
    known = tasks.mask((24, 24), "quarter")
    gibbs, lasers = (
        tasks.complete(machine, pixels[1400:1450], known, substrate, seed=1).errors.mean()
        for substrate in ("gibbs", "laser-reduced")
    )
    assert lasers / gibbs == pytest.approx(1.0, abs=0.05)


def test_classification_is_the_conditional(machine: BoltzmannMachine) -> None:
    images = np.array([[1, 0, 1, 1], [0, 1, 0, 0]])
    found = tasks.classify(machine, images, "gibbs", draws=20_000, seed=2)
    for image, probabilities in zip(images, found.probabilities, strict=True):
        expected = exact(machine, {f"v{k}": int(v) for k, v in enumerate(image)})[4:6]
        np.testing.assert_allclose(probabilities, expected, atol=6 * 0.5 / np.sqrt(1000))
    names = np.array(CLASSES)[found.predicted]
    assert found.accuracy(names) == 1
    assert found.accuracy(["cat", "cat"]) == np.mean(names == "cat")


def test_images_are_taken_in_batches(
    machine: BoltzmannMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.random.default_rng(0).integers(0, 2, (7, FEATURES))
    monkeypatch.setattr(tasks, "STATES_PER_BATCH", 3 * 4000 * machine.n_units)
    found = tasks.classify(machine, images, "gibbs", draws=4000, seed=2)
    expected = [exact(machine, {f"v{k}": int(v) for k, v in enumerate(i)})[4] for i in images]
    np.testing.assert_allclose(found.probabilities[:, 0], expected, atol=6 * 0.5 / np.sqrt(200))


def test_imagined_classes_are_clamped(machine: BoltzmannMachine) -> None:
    found = tasks.imagine(machine, ["dog", "cat", "dog"], "gibbs", draws=10, seed=3)
    assert found.pixels.shape == (3, 10, FEATURES)
    np.testing.assert_array_equal(found.labels, [[1] * 10, [0] * 10, [1] * 10])
    with pytest.raises(InvalidInput, match=r"class must be one of 'cat', 'dog', got 'dogg'"):
        tasks.imagine(machine, ["dogg"], "gibbs")
    with pytest.raises(InvalidInput, match="classes must have at least 1 entry"):
        tasks.imagine(machine, [], "gibbs")


def test_lasers_dream_with_their_time(machine: BoltzmannMachine) -> None:
    found = tasks.dream(machine, "laser", chains=2, draws=5, seed=4)
    assert found.interval == found.samples.window
    field = found.samples.states @ machine.weights[:, :FEATURES] + machine.biases[:FEATURES]
    np.testing.assert_allclose(found.smooth, 1 / (1 + np.exp(-field)), rtol=1e-5)
    assert tasks.dream(machine, "gibbs", chains=2, draws=5).interval is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: tasks.classify(m, [[0, 1]], "gibbs"), r"images must have shape \(image, 4\)"),
        (lambda m: tasks.classify(m, [[0, 1, 2, 0]], "gibbs"), "images must be 0 or 1, got 2"),
        (lambda m: tasks.complete(m, [[0, 1, 1, 0]], [True] * 4, "gibbs"), "at least one pixel"),
        (lambda m: tasks.mask((2, 2), "third"), "kind must be one of"),
    ],
)
def test_refuses(machine: BoltzmannMachine, call: Callable[..., Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        call(machine)


def test_no_classes_no_classification() -> None:
    machine = BoltzmannMachine(np.zeros((2, 2)), [0, 0], ["v0", "h0"])
    for call in (lambda: tasks.classify(machine, [[1]], "gibbs"), lambda: tasks.imagine(machine, [0])):
        with pytest.raises(InvalidInput, match="machine must have classes"):
            call()


def test_masks() -> None:
    assert tasks.mask((4, 6), "half").sum() == 12
    assert tasks.mask((4, 6), "quarter").sum() == 18
    np.testing.assert_array_equal(tasks.mask((4, 6), "random"), tasks.mask((4, 6), "random"))


def test_autocorrelation_time_of_a_known_process() -> None:
    # AR(1) with coefficient a has the time (1 + a)/(1 - a) = 9; over 200 000 draws the estimate's
    # standard error is about 2 % (Sokal 1997), and five of them are allowed.
    a, generator = 0.8, np.random.default_rng(0)
    noise = generator.normal(size=200_000)
    values = np.empty_like(noise)
    values[0] = noise[0] / np.sqrt(1 - a * a)
    for k in range(1, len(noise)):
        values[k] = a * values[k - 1] + noise[k]
    assert evaluation.autocorrelation_time(values) == pytest.approx(9, rel=0.1)
    assert evaluation.autocorrelation_time(noise) == pytest.approx(1, abs=0.1)
    assert evaluation.autocorrelation_time(np.ones(7)) == 7


class ByBrightness:
    """Class 1 where the first pixel is brighter than a level."""

    classes_ = np.arange(2)

    def __init__(self, level: float) -> None:
        self.level = level

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        on = np.asarray(X)[:, 0] > self.level
        return np.column_stack([1 - on, on]).astype(float)


def test_mixing_counts_classes(machine: BoltzmannMachine) -> None:
    found = tasks.dream(machine, "gibbs", chains=4, draws=200, seed=1)
    level = float(np.median(found.smooth[:, :, 0]))
    mixing = evaluation.mixing(found, ByBrightness(level))
    on = found.smooth[:, :, 0] > level
    np.testing.assert_allclose(mixing.histogram, [1 - on.mean(), on.mean()])
    assert mixing.switches == pytest.approx((on[:, 1:] != on[:, :-1]).sum() / (4 * 199))
    assert mixing.visited == 2
    assert mixing.confidence == 1
    assert 0 < mixing.entropy <= np.log(2)


def test_pictures_are_drawn(machine: BoltzmannMachine, tmp_path: Path) -> None:
    found = tasks.dream(machine, "laser", chains=2, draws=8, seed=1)
    for figure in (
        pictures.strip(found),
        pictures.completions(
            {"gibbs": tasks.complete(machine, [[1, 0, 0, 1]], [1, 1, 0, 0], "gibbs", draws=5)}
        ),
        pictures.filters(machine.weights[:4, 6:], (2, 2)),
        pictures.histogram({"laser": evaluation.mixing(found, ByBrightness(0.5))}, CLASSES),
        pictures.energies({"laser": machine.energy(found.samples.states[0])}),
    ):
        figure.savefig(tmp_path / "figure.png")
        assert (tmp_path / "figure.png").stat().st_size > 2000
    pictures.animate(found, tmp_path / "dream.gif")
    assert (tmp_path / "dream.gif").read_bytes()[:6] == b"GIF89a"
    with pytest.raises(InvalidInput, match="cannot be written"):
        pictures.animate(found, tmp_path / "no" / "dream.gif")


def test_mixing_of_a_known_walk(machine: BoltzmannMachine) -> None:
    """Three chains whose classes are given: counts, switches, first visits."""
    found = tasks.dream(machine, "gibbs", chains=3, draws=6, seed=1)
    classes = np.array([[0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 2, 2]])

    class Told:
        classes_ = np.arange(3)
        chain = 0

        def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
            proba = np.eye(3)[classes[self.chain]]
            if self.chain == 0:
                proba[1] = [0.4, 0.3, 0.3]  # not sure
            self.chain += 1
            return proba

    mixing = evaluation.mixing(found, Told())
    np.testing.assert_array_equal(mixing.counts, [[3, 2, 0], [6, 0, 0], [0, 4, 2]])
    assert mixing.switches == 3 / (3 * 5)
    assert mixing.all_visited == 5
    assert mixing.visited == 3
    p = np.array([9, 6, 2]) / 17
    assert mixing.entropy == pytest.approx(-(p * np.log(p)).sum())
    assert mixing.switch_rate is None
    assert mixing.effective_draws == pytest.approx(18 / mixing.energy_time)
    with pytest.raises(InvalidInput, match="sure must be from 0 to 1, got 2"):
        evaluation.mixing(found, Told(), sure=2)


def test_rates_are_per_time_on_the_chip(machine: BoltzmannMachine) -> None:
    found = tasks.dream(machine, "laser-reduced", chains=4, draws=100, seed=1)
    mixing = evaluation.mixing(found, ByBrightness(0.5))
    assert mixing.interval == found.samples.window
    assert mixing.switch_rate == pytest.approx(mixing.switches / there(found.samples.window))
    assert mixing.effective_rate == pytest.approx(
        mixing.effective_draws / (4 * 100 * there(found.samples.window))
    )


def test_the_error_of_the_entropy_is_its_scatter() -> None:
    # Independent draws: the jackknife against the scatter over repetitions, within 20 %.
    rng = np.random.default_rng(0)
    made = [
        evaluation.Mixing(rng.multinomial(50, [0.6, 0.3, 0.1], 16), 50, 1.0, 0.0, None, 1.0, None)
        for _ in range(300)
    ]
    scatter = np.std([each.entropy for each in made])
    assert np.mean([each.entropy_error for each in made]) == pytest.approx(scatter, rel=0.2)
    assert np.isnan(evaluation.Mixing(np.ones((1, 3), int), 3, 1.0, 0.0, None, 1.0, None).entropy_error)


def test_indirect_likelihood_is_its_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    samples, images = rng.integers(0, 2, (30, 9)), rng.integers(0, 2, (5, 9))
    same = (samples[None] == images[:, None]).sum(axis=2)
    expected = np.log((0.9**same * 0.1 ** (9 - same)).mean(axis=1))
    monkeypatch.setattr(evaluation, "PAIRS_PER_BLOCK", 60)
    mean, error = evaluation.indirect_likelihood(samples, images, beta=0.9)
    assert mean == pytest.approx(expected.mean())
    assert error == pytest.approx(expected.std(ddof=1) / np.sqrt(5))
    # A sampler that shows the images themselves is better than one that does not.
    assert (
        evaluation.indirect_likelihood(images, images)[0]
        > evaluation.indirect_likelihood(samples, images)[0]
    )


@pytest.mark.parametrize(
    ("samples", "images", "beta", "message"),
    [
        ([[0, 1]], [[0, 1, 1]], 0.9, "must have shapes"),
        ([[0, 2]], [[0, 1]], 0.9, "samples must be 0 or 1"),
        ([[0, 1]], [[0, 1]], 0.5, "beta must be between 0.5 and 1, got 0.5"),
        (np.zeros((0, 2)), [[0, 1]], 0.9, "must have shapes"),
    ],
)
def test_indirect_likelihood_refuses(
    samples: NDArray[np.float64] | list[list[int]], images: list[list[int]], beta: float, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        evaluation.indirect_likelihood(samples, images, beta=beta)
