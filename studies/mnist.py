"""MNIST on lasers: a learned machine of 784 + 10 + 500 units dreams, completes and classifies.

    python -m studies.mnist DATA_DIR            # learns, then measures; goes on where it was stopped
    python -m studies.mnist DATA_DIR --tiny     # all of it in miniature, to see that it works

What is learned and measured is kept under --out, each part as soon as it is there; at the end
docs/results/mnist.md and its pictures are written.
"""

import argparse
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from studies.pages import DOCS, write_page
from studies.pictures import stored

from photinus import BoltzmannMachine, Calibration, LaserNetwork, sample
from photinus._core import files
from photinus._core.results import ArrayResults
from photinus.faces.figures import pictures
from photinus.learning import data
from photinus.learning.estimator import BoltzmannEstimator
from photinus.learning.likelihood import log_partition
from photinus.learning.loop import DeviceChains
from photinus.tasks import evaluation, tasks
from photinus.units import ns, us

RESULTS = Path(__file__).parent / "results" / "mnist"
KIND = "photinus-mnist-part"
SAMPLERS = ("gibbs", "laser-reduced")
LOOP = "laser-reduced, learned in the loop"
FULL = "laser"
Figures = dict[str, Any]
SHOWN, COMPLETED, FILTERS = 6, 12, 64
"""Chains, completed images and hidden units that pictures show."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Sizes of the study."""

    pool: int = 1
    """Pixels averaged each way."""
    images: int = 60_000
    """Training images."""
    test: int = 10_000
    """Test images classified by exact free energy and on reduced lasers."""
    few: int = 500
    """Test images that are completed, and those classified on full physics."""
    learning: dict[str, Any] = field(
        default_factory=lambda: {
            "hidden": (500,),
            "epochs": 50,
            "learning_rate": 0.05,
            "weight_decay": 2e-4,
        }
    )
    draws: int = 100
    """Draws per image."""
    dream: float = 2 * us
    """Time of a dream on the chip."""
    short: float = 100 * ns
    """Time of a dream of full physics."""
    chains: int = 16
    annealed: tuple[int, int] = (100, 10_000)
    """Chains and temperatures of annealed importance sampling."""
    rates: tuple[float, ...] = (0.01, 0.01, 0.007, 0.005, 0.003, 0.001)
    """Learning rate of each pass with the chip in the loop."""
    part: int = 10_000
    """Training images of such a pass."""


TINY = Setting(
    pool=2,
    images=3000,
    test=60,
    few=4,
    learning={"hidden": (24,), "epochs": 40, "learning_rate": 0.2},
    draws=20,
    dream=40 * ns,
    short=8 * ns,
    annealed=(20, 200),
    rates=(0.01, 0.005),
    part=500,
)


def tell(name: str, part: Mapping[str, Any]) -> None:
    """Say how long a part took that was measured just now."""
    print(f"{name}: {part['seconds']:.1f} s", flush=True)


class Study:
    """Everything that is learned and measured."""

    def __init__(self, folder: Path, out: Path, setting: Setting) -> None:
        self.out, self.setting = out, setting
        self.learned = data.mnist(folder, pool=setting.pool)[: setting.images]
        self.test = data.mnist(folder, "test", pool=setting.pool)[: setting.test]
        assert self.test.labels is not None
        self.labels = self.test.labels
        self.estimator = self._learn()
        self.machine: BoltzmannMachine = self.estimator.machine()
        self.machine.save(out / "machine.npz")
        self._judge: evaluation.Classifier | None = None

    def _learn(self) -> BoltzmannEstimator:
        estimator = BoltzmannEstimator(
            **self.setting.learning, checkpoint=self.out / "estimator.npz", resume=True, progress=True
        )
        return estimator.fit(self.learned.pixels, self.learned.labels)

    @property
    def judge(self) -> evaluation.Classifier:
        """The independent classifier, trained when it is first needed."""
        if self._judge is None:
            self._judge = evaluation.independent_classifier(self.learned)
        return self._judge

    def chip(self) -> tuple[BoltzmannMachine, LaserNetwork]:
        """Return a machine that went on learning with lasers in the loop, and their network."""
        # Lasers that were driven to states need some windows to forget that they were.
        chip = DeviceChains(Calibration.preset(), windows=20, seed=6)
        estimator = self.estimator
        chip.network(self.machine)
        for k, rate in enumerate(self.setting.rates, 1):
            path = self.out / f"loop-{k}.npz"
            if path.exists():
                estimator = BoltzmannEstimator.load(path, negative=chip)
                continue
            if k == 1:
                estimator = BoltzmannEstimator.load(self.out / "estimator.npz", negative=chip)
            estimator.learning_rate = rate
            size = self.setting.part
            some = self.learned[np.arange((k - 1) * size, k * size) % len(self.learned)]
            estimator.partial_fit(some.pixels, some.labels).save(path)
        return estimator.machine(), chip.network(estimator.machine())

    def exact(self) -> Figures:
        """Classify by exact free energy."""
        right = self.estimator.predict(self.test.pixels) == self.labels
        judged = self.judge.predict_proba(self.test.pixels).argmax(axis=1)
        return {"right": right, "judge": self.judge.classes_[judged] == self.labels}

    def classify(self, substrate: str, images: int) -> Figures:
        """Classes sampled with the image as evidence."""
        found = tasks.classify(
            self.machine, self.test.pixels[:images], substrate, draws=self.setting.draws, seed=1
        )
        names = np.array(found.names)[found.predicted]
        return {
            "right": names == self.labels[:images].astype(str),
            "probabilities": found.probabilities,
            "chip_time": found.chip_time or np.nan,
        }

    def complete(self, substrate: str, hidden: str) -> Figures:
        """Occluded images completed."""
        some = self.test.pixels[: self.setting.few]
        known = tasks.mask(self.test.shape, hidden, seed=2)
        found = tasks.complete(self.machine, some, known, substrate, draws=self.setting.draws, seed=2)
        return {"mean": found.mean, "known": found.known, "truth": found.truth}

    def dream(self, name: str, length: float) -> Figures:
        """Run freely, and return how that mixes."""
        draws = round(length / Calibration.preset().window)
        substrate, *loop = name.split(", ")
        machine, options = self.machine, {}
        if loop:
            machine, options["network"] = self.chip()
        if substrate == FULL:
            # Compiled before the clock starts.
            tasks.dream(machine, substrate, chains=1, draws=1, burn_in=0, seed=3)
        begin = time.perf_counter()
        found = tasks.dream(
            machine, substrate, chains=self.setting.chains, draws=draws, burn_in=0, seed=3, **options
        )
        wall = time.perf_counter() - begin
        mixing = evaluation.mixing(found, self.judge)
        isl = evaluation.indirect_likelihood(
            found.pixels.reshape(-1, found.pixels.shape[2])[::4], self.test.pixels
        )
        pictures.animate(found, self.out / f"{dream_picture(name)}.gif")
        shown = np.linspace(0, draws - 1, min(pictures.PER_STRIP, draws)).astype(int)
        return {
            "wall": wall,
            "shown": shown,
            "strip": found.smooth[:SHOWN][:, shown],
            "counts": mixing.counts,
            "draws": draws,
            "confidence": mixing.confidence,
            "switches": mixing.switches,
            "all_visited": np.nan if mixing.all_visited is None else mixing.all_visited,
            "energy_time": mixing.energy_time,
            "interval": np.nan if mixing.interval is None else mixing.interval,
            "indirect": np.array(isl),
        }

    def likelihood(self) -> Figures:
        """Return what the likelihood of the test images is made of, annealed forwards and back."""
        chains, temperatures = self.setting.annealed
        features = self.learned.pixels.shape[1]
        base = np.zeros(self.machine.n_units)
        mean = (self.learned.pixels.sum(axis=0) + 1) / (len(self.learned) + 2)
        base[:features] = np.log(mean / (1 - mean))
        states = sample(self.machine, "gibbs", chains=chains, draws=2000, burn_in=1000, seed=5).states
        z = log_partition(
            self.machine,
            chains=chains,
            temperatures=temperatures,
            base=base,
            states=states[:, -1],
            seed=4,
        )
        scores = self.estimator.score_samples(self.test.pixels)
        return {
            "scores": scores,
            "log_partition": z.value,
            "error": z.error,
            "reverse": np.nan if z.reverse is None else z.reverse,
        }

    def measure(self) -> dict[str, Figures]:
        """Return all parts, measured now or before."""
        few, s = self.setting.few, self.setting
        get = partial(ArrayResults(self.out, KIND).get, tell=tell)
        found = {"exact": get("exact", self.exact)}
        found[f"short {FULL}"] = get(f"dream-{FULL}", lambda: self.dream(FULL, s.short))
        for name in (*SAMPLERS, LOOP):
            found[f"dream {name}"] = get(
                dream_picture(name).removeprefix("mnist-"), lambda n=name: self.dream(n, s.dream)
            )
        for hidden in tasks.MASKS:
            for name in (*SAMPLERS, FULL) if hidden == "half" else SAMPLERS:
                found[f"{hidden} {name}"] = get(
                    f"complete-{hidden}-{name}", lambda n=name, h=hidden: self.complete(n, h)
                )
        for name in (*SAMPLERS, FULL):
            images = few if name == FULL else len(self.test)
            found[f"labels {name}"] = get(
                f"labels-{name}", lambda n=name, k=images: self.classify(n, k)
            )
        found["likelihood"] = get("likelihood", self.likelihood)
        return found


def dream_picture(name: str) -> str:
    """Return the name of a dream's pictures, without suffix."""
    return f"mnist-dream-{name.split(', ')[0]}{'-loop' if ', ' in name else ''}"


def share(right: NDArray[np.bool_]) -> tuple[float, float]:
    """Return a part and its standard error, in per cent."""
    p = float(right.mean())
    return 100 * p, 100 * float(np.sqrt(p * (1 - p) / len(right)))


def difference(a: NDArray[Any], b: NDArray[Any]) -> tuple[float, float]:
    """Return the mean of a - b over the same images, and its standard error, in per cent."""
    gap = 100 * (a.astype(np.float64) - b)
    return float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(len(gap)))


def wrong(part: Figures) -> NDArray[np.float64]:
    """Return the part of hidden pixels that is wrong in the draws, array (image,)."""
    return tasks.Completion(part["truth"], part["known"], part["mean"], (1, 1)).errors


def ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean(a)/mean(b) - 1 over the images of a, and its standard error, in per cent."""
    b = b[: len(a)]
    r = float(a.mean() / b.mean())
    error = float((a - r * b).std(ddof=1) / np.sqrt(len(a)) / b.mean())
    return 100 * (r - 1), 100 * error


def mixing(part: Figures) -> evaluation.Mixing:
    """Return how a stored dream mixed."""
    visited, interval = float(part["all_visited"]), float(part["interval"])
    return evaluation.Mixing(
        counts=part["counts"],
        draws=int(part["draws"]),
        confidence=float(part["confidence"]),
        switches=float(part["switches"]),
        all_visited=None if np.isnan(visited) else visited,
        energy_time=float(part["energy_time"]),
        interval=None if np.isnan(interval) else interval,
    )


def quotient(a: evaluation.Mixing, b: evaluation.Mixing) -> tuple[float, float]:
    """Return the entropy of a to that of b, and its standard error, in per cent."""
    if a.entropy == 0 or b.entropy == 0:
        return float("nan"), float("nan")
    r = 100 * a.entropy / b.entropy
    return r, r * float(np.hypot(a.entropy_error / a.entropy, b.entropy_error / b.entropy))


def yes(met: bool) -> str:
    return "yes" if met else "**no**"


def targets(found: dict[str, Figures], images: int) -> list[tuple[str, str, str, str]]:
    """Return the rows (figure, target, found, met) of the first table."""
    exact, exact_error = share(found["exact"]["right"])
    reduced, gibbs = found["labels laser-reduced"]["right"], found["labels gibbs"]["right"]
    gap, gap_error = difference(reduced, gibbs)
    full = found["labels laser"]["right"]
    few, few_error = difference(full, gibbs[: len(full)])
    half = {name: wrong(found[f"half {name}"]) for name in (*SAMPLERS, FULL)}
    more = {name: ratio(half[name], half["gibbs"]) for name in (SAMPLERS[1], FULL)}
    dreams = {name: mixing(found[f"dream {name}"]) for name in (*SAMPLERS, LOOP)}
    gibbs_dream = dreams.pop("gibbs")
    scores = found["likelihood"]["scores"]
    z, z_error = float(found["likelihood"]["log_partition"]), float(found["likelihood"]["error"])
    likelihood = float(scores.mean()) - z
    likelihood_error = float(np.hypot(z_error, scores.std(ddof=1) / np.sqrt(len(scores))))
    back = float(scores.mean()) - float(found["likelihood"]["reverse"])
    short = found[f"short {FULL}"]
    return [
        (
            f"classes by exact free energy, {images} test images",
            "≥ 94 %",
            f"{exact:.2f} ± {exact_error:.2f} %",
            yes(exact >= 94),
        ),
        (
            f"sampled labels, `laser-reduced` against Gibbs, {len(gibbs)} images",
            "within 1 point",
            f"{share(reduced)[0]:.2f} % against {share(gibbs)[0]:.2f} %: {gap:+.2f} ± {gap_error:.2f}",
            yes(abs(gap) <= 1),
        ),
        (
            f"sampled labels, `laser` against Gibbs, {len(full)} images",
            "within 2 points",
            f"{share(full)[0]:.1f} % against {share(gibbs[: len(full)])[0]:.1f} %: "
            f"{few:+.1f} ± {few_error:.1f}",
            yes(abs(few) <= 2),
        ),
        *(
            (
                f"lower half completed, pixel error, `{name}` against Gibbs, {len(half[name])} images",
                "within 5 %",
                f"{100 * half[name].mean():.2f} % against "
                f"{100 * half['gibbs'][: len(half[name])].mean():.2f} %: "
                f"{value:+.1f} ± {error:.1f} %",
                yes(abs(value) <= 5),
            )
            for name, (value, error) in more.items()
        ),
        *(
            (
                f"classes that {len(each.counts)} chains dream, {name}",
                "all ten",
                f"{each.visited} (Gibbs: {gibbs_dream.visited})",
                yes(each.visited == 10),
            )
            for name, each in dreams.items()
        ),
        *(
            (
                f"entropy of the dreamt classes to that of Gibbs, {name}",
                "≥ 90 %",
                "{:.1f} ± {:.1f} % ({:.2f} to {:.2f} nats)".format(
                    *quotient(each, gibbs_dream), each.entropy, gibbs_dream.entropy
                ),
                yes(quotient(each, gibbs_dream)[0] >= 90),
            )
            for name, each in dreams.items()
        ),
        (
            "log-likelihood of the test images, AIS",
            "≥ −100 nats",
            f"{likelihood:.2f} ± {likelihood_error:.2f} nats (annealed back: {back:.2f})",
            yes(likelihood >= -100),
        ),
        (
            f"dream of full physics, {len(short['counts'])} chains × "
            f"{float(short['draws'] * short['interval']) / ns:.0f} ns",
            "< 20 s",
            f"{float(short['wall']):.1f} s",
            yes(float(short["wall"]) < 20),
        ),
    ]


def mixing_rows(found: dict[str, Figures]) -> list[tuple[str, ...]]:
    """Return the table of how dreams mix."""
    rows = []
    for name in (*(f"dream {name}" for name in (*SAMPLERS, LOOP)), f"short {FULL}"):
        each, part = mixing(found[name]), found[name]
        wall = f"{each.effective_draws / float(part['wall']):,.1f}"
        rate = "" if each.switch_rate is None else f"{each.switch_rate * us:.2f}"
        chip = "" if each.effective_rate is None else f"{each.effective_rate * us:.1f}"
        isl, error = part["indirect"]
        rows.append(
            (
                name.split(maxsplit=1)[1],
                f"{len(each.counts)} × {each.draws}",
                f"{each.visited}",
                "" if each.all_visited is None else f"{each.all_visited:.0f}",
                f"{each.entropy:.2f} ± {each.entropy_error:.2f}",
                f"{each.confidence:.2f}",
                f"{1000 * each.switches:.2f}",
                rate,
                f"{each.energy_time:.1f}",
                wall,
                chip,
                f"{isl:.1f} ± {error:.1f}",
            )
        )
    return rows


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def kept(study: Study, found: dict[str, Figures]) -> dict[str, Any]:
    """Return what pictures show, pixels and weights in 8 bits."""
    arrays: dict[str, Any] = {}
    for name in (*SAMPLERS, LOOP, FULL):
        part = found[f"{'short' if name == FULL else 'dream'} {name}"]
        arrays |= {f"dream {name}": bits(part["strip"]), f"draws {name}": part["shown"]}
        arrays[f"interval {name}"] = part["interval"]
    for name in (*SAMPLERS, LOOP):
        arrays[f"counts {name}"] = found[f"dream {name}"]["counts"]
    for hidden in tasks.MASKS:
        for name in (*SAMPLERS, FULL):
            part = found.get(f"{hidden} {name}")
            if part is not None:
                arrays[f"{hidden} {name}"] = bits(part["mean"][:COMPLETED])
                arrays[f"truth {hidden}"] = part["truth"][:COMPLETED].astype(np.uint8)
                arrays[f"known {hidden}"] = np.packbits(_rows(part["known"])[:COMPLETED], axis=1)
    features = study.test.pixels.shape[1]
    weights = study.machine.weights[:features, features + len(study.estimator.classes_) :]
    strongest = weights[:, np.argsort(-np.linalg.norm(weights, axis=0))[:FILTERS]]
    scale = np.abs(strongest).max() / 127
    return arrays | {"filters": np.round(strongest / scale).astype(np.int8)}


def bits(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return probabilities of pixels in 8 bits."""
    return np.asarray(np.round(255 * pixels)).astype(np.uint8)


def _rows(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pixels are known, a row per image or one for all."""
    return np.atleast_2d(known)


def report(study: Study, found: dict[str, Figures]) -> str:
    """Return the page."""
    machine, features = study.machine, study.test.pixels.shape[1]
    completed = [
        (
            hidden,
            f"{100 * wrong(found[f'{hidden} gibbs']).mean():.2f} %",
            f"{100 * wrong(found[f'{hidden} laser-reduced']).mean():.2f} %",
            "{:+.1f} ± {:.1f} %".format(
                *ratio(wrong(found[f"{hidden} laser-reduced"]), wrong(found[f"{hidden} gibbs"]))
            ),
            f"{apart(found[f'{hidden} gibbs'], found[f'{hidden} laser-reduced']):.3f}",
        )
        for hidden in tasks.MASKS
    ]
    seconds = "\n".join(f"| {name} | {float(part['seconds']):.0f} |" for name, part in found.items())
    last = study.estimator.history_[-1]
    epoch = np.median([entry["seconds"] for entry in study.estimator.history_])
    judge = share(found["exact"]["judge"])[0]
    return PAGE.format(
        units=machine.n_units,
        pixels=features,
        hidden=study.setting.learning["hidden"][0],
        learning=", ".join(f"{name} {value}" for name, value in study.setting.learning.items()),
        epoch=epoch,
        norm=last["weight_norm"],
        reconstruction=100 * last["reconstruction"],
        targets=table(("figure", "target", "found", "met"), targets(found, len(study.test))),
        completed=table(("hidden", "Gibbs", "`laser-reduced`", "more", "means apart"), completed),
        mixing=table(MIXING_HEAD, mixing_rows(found)),
        judge=judge,
        loop=len(study.setting.rates) * study.setting.part,
        draws=study.setting.draws,
        seconds=seconds,
    )


def apart(a: Figures, b: Figures) -> float:
    """Return the mean absolute difference of two samplers' means over the hidden pixels."""
    return float(np.abs(a["mean"] - b["mean"])[~a["known"]].mean())


MIXING_HEAD = (
    "sampler",
    "chains × draws",
    "classes",
    "all visited after [draws]",
    "entropy [nats]",
    "confidence",
    "changes of class per 1000 τ",
    "per µs",
    "energy's time [τ]",
    "effective draws per second of wall time",
    "per µs and chain of chip time",
    "ISL [nats]",
)
PAGE = """# MNIST on lasers: results

Written by `python -m studies.mnist DATA_DIR`. [Learning](../how-to/learning.md) tells how the machine
is learned and judged. It is a restricted machine of {units} units ({pixels} pixels, 10 classes,
{hidden} hidden), with one laser per unit. Images are binary by a threshold of 0.5. Errors are
standard errors.

*Learned in the loop* means that pumps and couplings of the translated network went on learning
from {loop} images. Reduced lasers sampled both phases (`photinus.learning.loop`). All other figures are
of the ideal machine.

{targets}

![Dreams of reduced lasers](../images/mnist-dream-laser-reduced.png)

![Dreams of reduced lasers that learned in the loop](../images/mnist-dream-laser-reduced-loop.png)

![Dreams of full physics](../images/mnist-dream-laser.png)

![Dreams of Gibbs sampling](../images/mnist-dream-gibbs.png)

## How dreams mix

A draw is a state window τ of lasers, a sweep of Gibbs sampling. Classes are those of an independent
perceptron ({judge:.1f} % right on the test images), where it is sure by at least one half. ISL:
log-likelihood of the test images in the density that a quarter of the dreamt images make (Breuleux
et al. 2011).

{mixing}

![Classes dreamt](../images/mnist-histogram.png)

![A dream in motion](../images/mnist-dream-laser-reduced-loop.gif)

## Completed images

Part of the hidden pixels that is wrong, mean of {draws} draws per image; the classes are free.
*Means apart*: mean absolute difference of the two samplers' means over the hidden pixels.

{completed}

![Lower half hidden](../images/mnist-half.png)

![A quarter hidden](../images/mnist-quarter.png)

![Half of the pixels hidden at random](../images/mnist-random.png)

## Learning

{learning}. A median epoch took {epoch:.1f} s; in the end {reconstruction:.2f} % of the pixels are
reconstructed wrongly, norm of the weights {norm:.0f}.

![The strongest hidden units](../images/mnist-filters.png)

| part | wall time [s] |
| --- | --- |
{seconds}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--docs", type=Path, default=None, help="default: docs, --tiny: --out")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--learn-only", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options.out.mkdir(parents=True, exist_ok=True)
    study = Study(options.data_dir, options.out, TINY if options.tiny else Setting())
    if options.learn_only:
        return
    docs = options.docs or (options.out if options.tiny else DOCS)
    found = study.measure()
    images = files.make_folder(docs / "images")
    loop = f"{dream_picture(LOOP)}.gif"
    if images != options.out:
        files.write_bytes(images / loop, (options.out / loop).read_bytes())
    stored.write("mnist", kept(study, found), options.out if options.tiny else stored.DATA)
    page = report(study, found)
    write_page(docs, "mnist", page, options.out)
    print(page)


if __name__ == "__main__":
    main()
