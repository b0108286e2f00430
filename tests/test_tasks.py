"""Tasks of learned machines against enumeration, and the figures that judge dreams."""

import numpy as np
import pytest

from photinus import BoltzmannMachine, evaluation, pictures, tasks
from photinus.errors import InvalidInput
from photinus.learning.units import Units, labelled

FEATURES, CLASSES, HIDDEN = 4, ("cat", "dog"), 3


@pytest.fixture(scope="module")
def machine():
    generator = np.random.default_rng(5)
    visible = FEATURES + len(CLASSES)
    w = np.zeros((visible + HIDDEN, visible + HIDDEN))
    w[:visible, visible:] = generator.normal(0, 1, (visible, HIDDEN))
    return BoltzmannMachine(
        w + w.T, generator.normal(0, 0.7, len(w)), labelled(FEATURES, CLASSES, (HIDDEN,))
    )


def exact(machine, clamp):
    """Return P(on) of every unit given evidence (label → value)."""
    rest = machine.conditional(clamp)
    known = dict(zip(rest.labels, rest.marginals(), strict=True)) | clamp
    return np.array([known[label] for label in machine.labels])


def test_units_are_read_from_labels(machine):
    units = Units.of(machine)
    assert units.names == CLASSES
    assert units.shape == (2, 2)
    assert [len(units.features), len(units.classes), len(units.hidden)] == [4, 2, 3]
    with pytest.raises(InvalidInput, match="as learning gives them, got 'rain'"):
        Units.of(BoltzmannMachine(np.zeros((2, 2)), [0, 0], ["rain", "v0"]))
    with pytest.raises(InvalidInput, match="must have features"):
        Units.of(BoltzmannMachine(np.zeros((1, 1)), [0], ["h0"]))


@pytest.mark.parametrize("substrate", ["gibbs", "ideal"])
def test_completion_is_the_conditional(machine, substrate):
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


def test_classification_is_the_conditional(machine):
    images = np.array([[1, 0, 1, 1], [0, 1, 0, 0]])
    found = tasks.classify(machine, images, "gibbs", draws=20_000, seed=2)
    for image, probabilities in zip(images, found.probabilities, strict=True):
        expected = exact(machine, {f"v{k}": int(v) for k, v in enumerate(image)})[4:6]
        np.testing.assert_allclose(probabilities, expected, atol=6 * 0.5 / np.sqrt(1000))
    names = np.array(CLASSES)[found.predicted]
    assert found.accuracy(names) == 1
    assert found.accuracy(["cat", "cat"]) == np.mean(names == "cat")


def test_images_are_taken_in_batches(machine, monkeypatch):
    images = np.random.default_rng(0).integers(0, 2, (7, FEATURES))
    monkeypatch.setattr(tasks, "STATES_PER_BATCH", 3 * 4000 * machine.n_units)
    found = tasks.classify(machine, images, "gibbs", draws=4000, seed=2)
    expected = [exact(machine, {f"v{k}": int(v) for k, v in enumerate(i)})[4] for i in images]
    np.testing.assert_allclose(found.probabilities[:, 0], expected, atol=6 * 0.5 / np.sqrt(200))


def test_imagined_classes_are_clamped(machine):
    found = tasks.imagine(machine, ["dog", "cat", "dog"], "gibbs", draws=10, seed=3)
    assert found.pixels.shape == (3, 10, FEATURES)
    np.testing.assert_array_equal(found.labels, [[1] * 10, [0] * 10, [1] * 10])
    with pytest.raises(InvalidInput, match=r"class must be one of 'cat', 'dog', got 'dogg'"):
        tasks.imagine(machine, ["dogg"], "gibbs")
    with pytest.raises(InvalidInput, match="classes must have at least 1 entry"):
        tasks.imagine(machine, [], "gibbs")


def test_lasers_dream_with_their_time(machine):
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
def test_refuses(machine, call, message):
    with pytest.raises(InvalidInput, match=message):
        call(machine)


def test_no_classes_no_classification():
    machine = BoltzmannMachine(np.zeros((2, 2)), [0, 0], ["v0", "h0"])
    for call in (lambda: tasks.classify(machine, [[1]], "gibbs"), lambda: tasks.imagine(machine, [0])):
        with pytest.raises(InvalidInput, match="machine must have classes"):
            call()


def test_masks():
    assert tasks.mask((4, 6), "half").sum() == 12
    assert tasks.mask((4, 6), "quarter").sum() == 18
    np.testing.assert_array_equal(tasks.mask((4, 6), "random"), tasks.mask((4, 6), "random"))


def test_autocorrelation_time_of_a_known_process():
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

    def __init__(self, level):
        self.level = level

    def predict_proba(self, X):
        on = np.asarray(X)[:, 0] > self.level
        return np.column_stack([1 - on, on]).astype(float)


def test_mixing_counts_classes(machine):
    found = tasks.dream(machine, "gibbs", chains=4, draws=200, seed=1)
    level = np.median(found.smooth[:, :, 0])
    mixing = evaluation.mixing(found, ByBrightness(level))
    on = found.smooth[:, :, 0] > level
    np.testing.assert_allclose(mixing.histogram, [1 - on.mean(), on.mean()])
    assert mixing.switches == pytest.approx((on[:, 1:] != on[:, :-1]).sum() / (4 * 199))
    assert mixing.visited == 2
    assert mixing.confidence == 1
    assert 0 < mixing.entropy <= np.log(2)


def test_pictures_are_drawn(machine, tmp_path):
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
