"""What a learned machine is for: dream, imagine, complete, classify, on any substrate.

Each call clamps some units, samples, and reads the others. `dream` clamps nothing, `imagine` the
classes, `complete` a part of the image, `classify` the image. All take the options of
`photinus.sample` (calibration, network, threads, workers, clamp_mode, tempering, …).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus import _validate
from photinus.boltzmann import BoltzmannMachine
from photinus.errors import InvalidInput
from photinus.learning.units import Units
from photinus.progress import Progress, tracked
from photinus.samples import Samples
from photinus.sampling import sample
from photinus.simulation.streams import Seed, seed_sequence

STATES_PER_BATCH = 1.5e8
"""States held at one time by a task that takes many images: 150 MB."""
MASKS = ("quarter", "half", "random")
"""What of an image is hidden: a quarter (bottom right), the lower half, a random half."""


@dataclass(frozen=True, slots=True, eq=False)
class Dream:
    """Images that a machine made up."""

    pixels: NDArray[np.uint8]
    """Array (chain, draw, pixel)."""
    smooth: NDArray[np.float32]
    """P(pixel = 1 | hidden) at each draw by the machine's own conditionals, the same shape."""
    classes: NDArray[np.uint8]
    """States of the class units, array (chain, draw, class)."""
    names: tuple[str, ...]
    shape: tuple[int, int]
    interval: float | None
    """Physical time between draws [s]; None without time."""
    samples: Samples

    @property
    def labels(self) -> NDArray[np.intp]:
        """Class of each draw, array (chain, draw): the unit that is on; -1 if none or several are."""
        return np.asarray(np.where(self.classes.sum(axis=2) == 1, self.classes.argmax(axis=2), -1))


@dataclass(frozen=True, slots=True, eq=False)
class Completion:
    """Images of which a part was known."""

    truth: NDArray[np.uint8]
    """Array (image, pixel)."""
    known: NDArray[np.bool_]
    """Array (image, pixel)."""
    mean: NDArray[np.float64]
    """Mean of the draws, the known pixels as they are, array (image, pixel)."""
    shape: tuple[int, int]

    @property
    def errors(self) -> NDArray[np.float64]:
        """Mean absolute error of the hidden pixels, array (image,): the part of draws that is wrong."""
        hidden = ~self.known
        return np.asarray((np.abs(self.mean - self.truth) * hidden).sum(axis=1) / hidden.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """Classes sampled with the image clamped."""

    probabilities: NDArray[np.float64]
    """Part of the draws in which each class unit is on, array (image, class)."""
    names: tuple[str, ...]
    draws: int
    """Draws per image."""
    chip_time: float | None
    """Physical time per image, burn-in included [s]; None without time."""

    @property
    def predicted(self) -> NDArray[np.intp]:
        """Position of the class that was on most, array (image,); ties go to the first."""
        return np.asarray(self.probabilities.argmax(axis=1))

    def accuracy(self, labels: ArrayLike) -> float:
        """Return the part of images whose class is the one of `labels`, array (image,)."""
        names = np.array(self.names)
        return float(np.mean(names[self.predicted] == np.asarray(labels).astype(str)))


def dream(
    machine: BoltzmannMachine,
    substrate: str = "laser",
    *,
    chains: int = 16,
    draws: int = 200,
    burn_in: int = 25,
    **options: Any,
) -> Dream:
    """Return what a machine with nothing clamped makes up.

    Parameters
    ----------
    machine
        One with the labels that learning gives, see `photinus.learning.units`.
    substrate, chains, draws, burn_in, **options
        As in `photinus.sample`.
    """
    settings = {"draws": draws, "burn_in": min(burn_in, draws), **options}
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
    """
    units = Units.of(machine)
    wanted = [str(name) for name in classes]
    if not units.names:
        raise InvalidInput("machine must have classes (units y:NAME) to imagine them, got none")
    if not wanted:
        raise InvalidInput("classes must have at least 1 entry, got 0")
    for name in wanted:
        _validate.one_of("class", name, units.names)
    clamp = {
        machine.labels[unit]: np.array([int(name == want) for want in wanted])
        for unit, name in zip(units.classes, units.names, strict=True)
    }
    settings = {"draws": draws, "burn_in": min(burn_in, draws), "clamp": clamp, **options}
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
        smooth=np.asarray(1 / (1 + np.exp(-field)), np.float32),
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
        Which pixels are clamped; in a batch all chains clamp the same units, so images with masks of
        their own are sampled one mask at a time. See `mask`.
    draws, burn_in
        Draws averaged, and dropped, per image.
    seed, progress, **options
        As in `photinus.sample`.
    """
    units = Units.of(machine)
    truth = _images(images, units)
    mask = np.broadcast_to(np.asarray(known, bool), truth.shape)
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
            clamp = {machine.labels[u]: truth[part, k] for u, k in _pairs(where, pattern)}
            samples = sample(
                machine,
                substrate,
                chains=len(part),
                draws=draws,
                burn_in=min(burn_in, draws),
                seed=child,
                clamp=clamp,
                **options,
            )
            found = samples.chain_marginals()[:, units.features]
            mean[np.ix_(part, np.flatnonzero(~pattern))] = found[:, ~pattern]
            advance(1)
    return Completion(truth, np.array(mask), mean, units.shape)


def mask(shape: tuple[int, int], kind: str, *, seed: Seed = 0) -> NDArray[np.bool_]:
    """Return which pixels stay known, array (pixel,): without a "quarter", "half" or "random" half."""
    _validate.one_of("kind", kind, MASKS)
    height, width = shape
    known = np.ones((height, width), bool)
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
    """Return how often each class unit is on while an image is clamped, one chain per image.

    Parameters
    ----------
    images : array (image, pixel) of 0 and 1
    draws, burn_in, seed, progress, **options
        As in `photinus.sample`.
    """
    units = Units.of(machine)
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
                burn_in=min(burn_in, draws),
                seed=child,
                clamp={machine.labels[u]: pixels[part, k] for k, u in enumerate(units.features)},
                **options,
            )
            found[part] = samples.chain_marginals()[:, units.classes]
            chip_time = samples.physical_time
            advance(len(part))
    return Classification(found, units.names, draws, chip_time)


def _images(images: ArrayLike, units: Units) -> NDArray[np.uint8]:
    pixels = _validate.binary_array("images", images)
    if pixels.ndim != 2 or len(pixels) == 0 or pixels.shape[1] != len(units.features):
        raise InvalidInput(f"images must have shape (image, {len(units.features)}), got {pixels.shape}")
    return pixels


def _batches(members: NDArray[np.intp], states: int) -> list[NDArray[np.intp]]:
    size = max(1, int(STATES_PER_BATCH / states))
    return [members[k : k + size] for k in range(0, len(members), size)]


def _pairs(where: NDArray[np.intp], pattern: NDArray[np.bool_]) -> Sequence[tuple[int, int]]:
    return list(zip(where.tolist(), np.flatnonzero(pattern).tolist(), strict=True))
