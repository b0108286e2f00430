"""Measure the pair tables of the shipped calibrations again, and write them into their files.

All other constants of the files stay as they are, to the digit. Prints what pairs at half activation
show.

    python studies/pairs.py [fast-absorber …] [--threads 1]
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

import photinus
from photinus import Calibration
from photinus.calibration.pairs import measure_pairs
from photinus.calibration.record import text_of
from photinus.devices import SHIPPED_PRESETS

WINDOWS = {"fast-absorber": 2000, "high-beta": 2000, "straight": 2000, "lif-hcs": 2000}
"""State windows of each pair; devices with long windows get fewer."""
FEW = 60
SEED = 0
DATA = Path(photinus.__file__).parent / "data"


def main() -> None:
    parser = argparse.ArgumentParser(description="Pair tables of the shipped calibrations.")
    parser.add_argument("presets", nargs="*", default=SHIPPED_PRESETS)
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    print("| device | W' at W = -4 | -2 | -1 | 1 | 2 | 4 |")
    print("|---|---|---|---|---|---|---|")
    for name in options.presets:
        calibration = Calibration.preset(name)
        windows = WINDOWS.get(name, FEW)
        table = measure_pairs(
            replace(calibration, pairs=None), windows=windows, seed=SEED, threads=options.threads
        )
        path = DATA / f"{name}.json"
        document = json.loads(path.read_text())
        path.write_text(text_of({**document, "pairs": table.to_dict()}))
        weights = np.array([-4.0, -2.0, -1.0, 1.0, 2.0, 4.0])
        change, _, _ = table.changes(0.0, weights, np.zeros(6), np.zeros(6))
        print(f"| {name} | {' | '.join(f'{w:+.2f}' for w in weights + change)} |", flush=True)


if __name__ == "__main__":
    main()
