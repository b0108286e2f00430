"""What a learned machine is for: dream, imagine, complete, classify, on any substrate.

Each call takes some units as evidence, samples, and reads the others. `dream` knows nothing,
`imagine` the classes, `complete` a part of the image, `classify` the image. All take the options of
`photinus.sample` (calibration, network, threads, workers, evidence_mode, tempering, …).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.logistic import logistic
from photinus._core.progress import Progress, tracked
from photinus._core.streams import Seed, seed_sequence
from photinus.errors import InvalidInput
from photinus.learning.units import Units
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.samplers.samples import Samples
from photinus.samplers.sampling import sample
from photinus.tasks.results import Classification, Completion, Dream, class_name

STATES_PER_BATCH = 1.5e8
"""States held at one time by a task that takes many images: 150 MB."""
LONGEST_SIDE = 10_000
"""Of an image [pixels]."""
MASKS = ("quarter", "half", "random")
"""What of an image is hidden: a quarter (bottom right), the lower half, a random half."""


def dream(
    machine: BoltzmannMachine,
    substrate: str = "laser",
    *,
    chains: int = 16,
    draws: int = 200,
    burn_in: int = 25,
    **options: Any,
) -> Dream:
    """Return what a machine without evidence makes up.

    Parameters
    ----------
    machine
        One with the labels that learning gives, see `photinus.learning.units`.
    substrate, chains, draws, burn_in, **options
        As in `photinus.sample`.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.learning import BoltzmannEstimator
    >>> from photinus.tasks import dream
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> machine = BoltzmannEstimator((3,), epochs=10, seed=0).fit(images).machine()
    >>> dream(machine, "laser-reduced", chains=4, draws=50, seed=1).pixels.shape
    (4, 50, 4)
    """
    draws, burn_in = _lengths(draws, burn_in)
    settings = {"draws": draws, "burn_in": burn_in, **options}
    return _dreamt(machine, sample(machine, substrate, chains=chains, **settings))


def imagine(
    machine: BoltzmannMachine,
    classes: Iterable[object],
    substrate: str = "laser",
    *,
    draws: int = 200,
    burn_in: int = 25,
    **options: Any,
) -> Dream:
    """Return images of given classes, one chain for each entry of `classes`.

    Raises
    ------
    InvalidInput
        If the machine has no such class.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.learning import BoltzmannEstimator
    >>> from photinus.tasks import imagine
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> model = BoltzmannEstimator((3,), batch_size=8, epochs=60, learning_rate=0.3, seed=0)
    >>> machine = model.fit(images, [0, 1] * 20).machine()
    >>> found = imagine(machine, [0, 1], "gibbs", draws=100, seed=1)
    >>> found.pixels.mean(axis=1).round()
    array([[1., 1., 0., 0.],
           [0., 0., 1., 1.]])
    """
    units = Units.of(machine)
    if not units.names:
        raise InvalidInput("machine must have classes (units y:NAME) to imagine them, got none")
    if isinstance(classes, str) or not isinstance(classes, Iterable):
        raise InvalidInput(f"classes must be a list, got {validate.shown(classes)}")
    wanted = [class_name("class", name, units.names) for name in classes]
    if not wanted:
        raise InvalidInput("classes must have at least 1 entry, got 0")
    evidence = {
        machine.labels[unit]: np.array([int(name == want) for want in wanted])
        for unit, name in zip(units.classes, units.names, strict=True)
    }
    draws, burn_in = _lengths(draws, burn_in)
    settings = {"draws": draws, "burn_in": burn_in, "evidence": evidence, **options}
    return _dreamt(machine, sample(machine, substrate, chains=len(wanted), **settings))


def _dreamt(machine: BoltzmannMachine, samples: Samples) -> Dream:
    units = Units.of(machine)
    states = samples.states
    weights = machine.weights[:, units.features].astype(np.float32)
    weights[units.features] = 0
    field = np.empty((*states.shape[:2], len(units.features)), np.float32)
    for chain, values in enumerate(states):
        field[chain] = values.astype(np.float32) @ weights
    field += machine.biases[units.features].astype(np.float32)
    return Dream(
        pixels=states[:, :, units.features],
        smooth=logistic(field, out=field),
        classes=states[:, :, units.classes],
        names=units.names,
        shape=units.shape,
        interval=None if samples.physical_time is None else samples.window,
        samples=samples,
    )


def complete(
    machine: BoltzmannMachine,
    images: ArrayLike,
    known: ArrayLike,
    substrate: str = "laser",
    *,
    draws: int = 100,
    burn_in: int = 50,
    seed: Seed = 0,
    progress: Progress | bool | None = None,
    **options: Any,
) -> Completion:
    """Return images completed from their known pixels; classes, if any, are sampled too.

    Parameters
    ----------
    images : array (image, pixel) of 0 and 1
        One chain each; hidden pixels only serve to compare.
    known : array (pixel,) or (image, pixel) of bool
        Which pixels are evidence. All chains of a batch know the same units, so images with different
        masks are sampled one mask at a time. See `mask`.
    draws, burn_in
        Draws averaged, and dropped, per image.
    seed, progress, **options
        As in `photinus.sample`.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.learning import BoltzmannEstimator
    >>> from photinus.tasks import complete, mask
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> model = BoltzmannEstimator((3,), batch_size=8, epochs=60, learning_rate=0.3, seed=0)
    >>> machine = model.fit(images).machine()
    >>> found = complete(machine, images[:2], mask((2, 2), "half"), "gibbs", draws=50, seed=1)
    >>> found.mean.shape
    (2, 4)
    """
    units = Units.of(machine)
    draws, burn_in = _lengths(draws, burn_in)
    truth = _images(images, units)
    mask = _known(known, truth.shape)
    if mask.all(axis=1).any():
        raise InvalidInput("known must leave at least one pixel of every image to complete")
    mean = truth.astype(np.float64)
    patterns, group = np.unique(mask, axis=0, return_inverse=True)
    batches = [
        (pattern, part)
        for k, pattern in enumerate(patterns)
        for part in _batches(np.flatnonzero(group == k), draws * machine.n_units)
    ]
    with tracked(progress, "completing", len(batches)) as advance:
        for (pattern, part), child in zip(
            batches, seed_sequence(seed).spawn(len(batches)), strict=True
        ):
            where = units.features[pattern]
            evidence = {machine.labels[u]: truth[part, k] for u, k in _pairs(where, pattern)}
            samples = sample(
                machine,
                substrate,
                chains=len(part),
                draws=draws,
                burn_in=burn_in,
                seed=child,
                evidence=evidence,
                **options,
            )
            found = samples.chain_marginals()[:, units.features]
            mean[np.ix_(part, np.flatnonzero(~pattern))] = found[:, ~pattern]
            advance(1)
    return Completion(truth, np.array(mask), mean, units.shape)


def mask(shape: tuple[int, int], kind: str, *, seed: Seed = 0) -> NDArray[np.bool_]:
    """Return which pixels stay known, array (pixel,): without a "quarter", "half" or "random" half.

    Of an image with one row or one column, the last quarter or half is hidden.

    Raises
    ------
    InvalidInput
        For another kind, or a `shape` that is not a height and a width of at least 1.

    Examples
    --------
    >>> from photinus.tasks import mask
    >>> mask((2, 4), "half").reshape(2, 4)
    array([[ True,  True,  True,  True],
           [False, False, False, False]])
    """
    validate.one_of("kind", kind, MASKS)
    if not isinstance(shape, (tuple, list)) or len(shape) != 2:
        raise InvalidInput(f"shape must be (height, width), got {validate.shown(shape)}")
    height, width = (validate.integer("shape", side, 1, LONGEST_SIDE) for side in shape)
    known = np.ones((height, width), bool)
    if min(height, width) == 1 and kind != "random":
        pixels = height * width
        return np.arange(pixels) < pixels - round(pixels / (2 if kind == "half" else 4))
    if kind == "half":
        known[height // 2 :] = False
    elif kind == "quarter":
        known[height // 2 :, width // 2 :] = False
    else:
        known = np.random.default_rng(seed_sequence(seed)).random((height, width)) < 0.5
    return known.ravel()


def classify(
    machine: BoltzmannMachine,
    images: ArrayLike,
    substrate: str = "laser",
    *,
    draws: int = 100,
    burn_in: int = 20,
    seed: Seed = 0,
    progress: Progress | bool | None = None,
    **options: Any,
) -> Classification:
    """Return how often each class unit is on given an image, one chain per image.

    Parameters
    ----------
    images : array (image, pixel) of 0 and 1
    draws, burn_in, seed, progress, **options
        As in `photinus.sample`.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.learning import BoltzmannEstimator
    >>> from photinus.tasks import classify
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> model = BoltzmannEstimator((3,), batch_size=8, epochs=60, learning_rate=0.3, seed=0)
    >>> machine = model.fit(images, [0, 1] * 20).machine()
    >>> classify(machine, images[:2], "gibbs", draws=50, seed=1).predicted
    array([0, 1])
    """
    units = Units.of(machine)
    draws, burn_in = _lengths(draws, burn_in)
    if not units.names:
        raise InvalidInput("machine must have classes (units y:NAME) to classify, got none")
    pixels = _images(images, units)
    batches = _batches(np.arange(len(pixels)), draws * machine.n_units)
    found = np.empty((len(pixels), len(units.names)))
    chip_time: float | None = None
    with tracked(progress, "classifying", len(pixels)) as advance:
        for part, child in zip(batches, seed_sequence(seed).spawn(len(batches)), strict=True):
            samples = sample(
                machine,
                substrate,
                chains=len(part),
                draws=draws,
                burn_in=burn_in,
                seed=child,
                evidence={machine.labels[u]: pixels[part, k] for k, u in enumerate(units.features)},
                **options,
            )
            found[part] = samples.chain_marginals()[:, units.classes]
            chip_time = samples.physical_time
            advance(len(part))
    return Classification(found, units.names, draws, chip_time)


def _lengths(draws: int, burn_in: int) -> tuple[int, int]:
    """Return draws and burn-in; no more is dropped than is drawn."""
    draws = validate.integer("draws", draws, 1)
    return draws, min(validate.integer("burn_in", burn_in, 0), draws)


def _known(known: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which pixels of each image are known, array (image, pixel)."""
    mask = validate.binary_array("known", known).astype(bool)
    if mask.shape not in (shape, shape[1:]):
        raise InvalidInput(
            f"known must have shape {shape[1:]} or {shape} (pixels of the images), got {mask.shape}"
        )
    return np.broadcast_to(mask, shape)


def _images(images: ArrayLike, units: Units) -> NDArray[np.uint8]:
    names = tuple(f"v{k}" for k in range(len(units.features)))
    if set(validate.array_names(images, 1) or ()) & set(names):
        images = validate.aligned("images", images, names, (1,))
    pixels = validate.binary_array("images", images)
    if pixels.ndim != 2 or len(pixels) == 0 or pixels.shape[1] != len(units.features):
        raise InvalidInput(f"images must have shape (image, {len(units.features)}), got {pixels.shape}")
    return pixels


def _batches(members: NDArray[np.intp], states: int) -> list[NDArray[np.intp]]:
    size = max(1, int(STATES_PER_BATCH / states))
    return [members[k : k + size] for k in range(0, len(members), size)]


def _pairs(where: NDArray[np.intp], pattern: NDArray[np.bool_]) -> Sequence[tuple[int, int]]:
    return list(zip(where.tolist(), np.flatnonzero(pattern).tolist(), strict=True))
