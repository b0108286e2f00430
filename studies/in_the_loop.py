"""Learning in the loop: a machine that learns on an imperfect chip, beside one only translated.

A 14×14 machine (196 pixels, 10 classes, 200 hidden units) is learned ideally on MNIST, then goes on
learning with the chip in the loop: reduced lasers give the states of both phases. The chip's lasers
make more or fewer carriers of their currents, 5 % in standard deviation, and its couplings have 6
bits. Judged by classes sampled on the chip itself, all lasers simulated, known ones driven: mean
-log of the part of draws that show the right class, on test images. In the end by full physics too.

    python -m studies.in_the_loop DATA_DIR            # goes on where it was stopped
    python -m studies.in_the_loop DATA_DIR --tiny     # in miniature, to see that it works

Writes docs/results/in-the-loop.md and its picture.
"""

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from studies.mnist import Figures, table, tell
from studies.pages import DOCS, write_page

from photinus import BoltzmannMachine, Calibration
from photinus._core.results import ArrayResults
from photinus.learning import data
from photinus.learning.estimator import BoltzmannEstimator
from photinus.learning.loop import DeviceChains
from photinus.networks.imperfections import Imperfections
from photinus.tasks import tasks

RESULTS = Path(__file__).parent / "results" / "in-the-loop"
KIND = "photinus-in-the-loop-part"
CHIP = Imperfections(efficiency_mismatch=0.05, weight_bits=6)
CHIP_SEED = 7
DRAWS = 100


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Sizes of the study."""

    hidden: int = 200
    epochs: int = 20
    images: int = 60_000
    test: int = 1000
    full: int = 100
    """Test images judged by full physics."""
    rates: tuple[float, ...] = (0.02, 0.02, 0.01, 0.01, 0.005)
    """Learning rate of each pass on the chip."""
    part: int = 20_000
    """Training images of a pass."""


TINY = Setting(hidden=20, epochs=3, images=3000, test=40, full=3, rates=(0.02, 0.01), part=1000)


class Study:
    """The machine, the chip, and what is measured on it."""

    def __init__(self, folder: Path, out: Path, setting: Setting) -> None:
        self.out, self.setting = out, setting
        self.learned = data.mnist(folder, pool=2)[: setting.images]
        self.test = data.mnist(folder, "test", pool=2)[: setting.test]
        calibration = Calibration.preset()
        self.designed = DeviceChains(calibration, seed=3)
        self.chip = DeviceChains(
            calibration, alter=lambda network: CHIP.apply(network, CHIP_SEED), seed=3
        )

    def judge(
        self, machine: BoltzmannMachine, device: DeviceChains | None, substrate: str = "laser-reduced"
    ) -> Figures:
        """Return the loss of each test image, and whether its class is right."""
        options: dict[str, Any] = {}
        images = self.test
        if device is None:
            substrate = "gibbs"
        else:
            options = {"network": device.network(machine), "evidence_mode": "laser"}
        if substrate == "laser":
            images = images[: self.setting.full]
        found = tasks.classify(machine, images.pixels, substrate, draws=DRAWS, seed=5, **options)
        assert images.labels is not None
        shown = found.probabilities[np.arange(len(images)), images.labels]
        names = np.array(found.names)[found.predicted]
        return {
            "loss": -np.log((DRAWS * shown + 0.5) / (DRAWS + 5)),
            "right": names == images.labels.astype(str),
        }

    def run(self) -> dict[str, Figures]:
        """Learn and measure everything that is not there yet."""
        s, out = self.setting, self.out
        get = partial(ArrayResults(out, KIND).get, tell=tell)
        ideal = BoltzmannEstimator(
            (s.hidden,),
            epochs=s.epochs,
            learning_rate=0.05,
            batch_size=100,
            checkpoint=out / "ideal.npz",
            resume=True,
            progress=True,
        ).fit(self.learned.pixels, self.learned.labels)
        machine = ideal.machine()
        found = {
            "Gibbs sampling": get("gibbs", lambda: self.judge(machine, None)),
            "chip as designed": get("designed", lambda: self.judge(machine, self.designed)),
            "chip as built, translated": get("translated", lambda: self.judge(machine, self.chip)),
        }
        estimator = ideal
        estimator.negative = self.chip
        self.chip.network(machine)
        for k, rate in enumerate(s.rates, 1):
            path = out / f"pass-{k}-estimator.npz"
            if path.exists():
                estimator = BoltzmannEstimator.load(path, negative=self.chip)
            else:
                estimator.learning_rate = rate
                some = self.learned[np.arange((k - 1) * s.part, k * s.part) % len(self.learned)]
                estimator.partial_fit(some.pixels, some.labels)
                estimator.save(path)
            found[f"chip as built, after pass {k}"] = get(
                f"pass-{k}", lambda e=estimator: self.judge(e.machine(), self.chip)
            )
        for name, each, device in (
            ("chip as designed, full physics", machine, self.designed),
            ("chip as built, translated, full physics", machine, self.chip),
            ("chip as built, learned, full physics", estimator.machine(), self.chip),
        ):
            found[name] = get(
                name.replace(", ", "-").replace(" ", "-"),
                lambda m=each, d=device: self.judge(m, d, "laser"),
            )
        return found


def recovered(
    translated: NDArray[np.float64], ideal: NDArray[np.float64], after: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the part of the loss that learning took back and its standard error, in per cent.

    The three losses are of the same images; the error is that of a ratio of means.
    """
    lost, regained = translated - ideal, translated - after
    r = regained.mean() / lost.mean()
    error = (regained - r * lost).std(ddof=1) / np.sqrt(len(lost)) / abs(lost.mean())
    return 100 * float(r), 100 * float(error)


PAGE = """# Learning in the loop: results

Written by `python -m studies.in_the_loop DATA_DIR`. A machine of {units} units (14×14 pixels, 10
classes, {hidden} hidden) runs on an imperfect chip. Its lasers make {mismatch:.0f} % more or fewer
carriers of their currents, and its couplings have {bits} bits. The chip samples classes with the
image as evidence, {draws} draws each, all lasers simulated. Errors are standard errors over images.

{table}

Learning in the loop took back **{part:.0f} ± {error:.0f} %** of the loss that the chip's
imperfections cost, on reduced lasers (target: at least 80 %). On full physics it took back
{full:.0f} ± {full_error:.0f} % ({images} images).

![Loss on the chip](../images/in-the-loop.png)
"""


def report(study: Study, found: dict[str, Figures]) -> str:
    """Return the page."""
    rows = []
    for name, each in found.items():
        loss, right = each["loss"], each["right"]
        rows.append(
            (
                name,
                f"{loss.mean():.3f} ± {loss.std(ddof=1) / np.sqrt(len(loss)):.3f}",
                f"{100 * (1 - right.mean()):.1f} %",
                str(len(loss)),
            )
        )
    last = [name for name in found if "after pass" in name][-1]
    reduced = ("chip as built, translated", "chip as designed", last)
    full = (
        "chip as built, translated, full physics",
        "chip as designed, full physics",
        "chip as built, learned, full physics",
    )
    part, error = recovered(*(found[name]["loss"] for name in reduced))
    full_part, full_error = recovered(*(found[name]["loss"] for name in full))
    return PAGE.format(
        units=206 + study.setting.hidden,
        hidden=study.setting.hidden,
        mismatch=100 * CHIP.efficiency_mismatch,
        bits=CHIP.weight_bits,
        draws=DRAWS,
        table=table(("", "loss [nats]", "wrong", "images"), rows),
        part=part,
        error=error,
        full=full_part,
        full_error=full_error,
        images=len(found[full[0]]["loss"]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--docs", type=Path, default=None, help="default: docs; --tiny: --out")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    study = Study(options.data_dir, options.out, TINY if options.tiny else Setting())
    found = study.run()
    docs = options.docs or (options.out if options.tiny else DOCS)
    (docs / "images").mkdir(parents=True, exist_ok=True)
    page = report(study, found)
    write_page(docs, "in-the-loop", page, options.out)
    print(page)


if __name__ == "__main__":
    main()
