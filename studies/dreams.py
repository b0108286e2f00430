"""Ask whether translated lasers dream all classes of a learned machine as often as they should.

    python -m studies.dreams machine.npz DATA_DIR

Entropy of the classes of dreams, as an independent classifier sees them, by Gibbs sampling, by reduced
lasers under the measured rule and the one that `auto` follows, and by full physics under that one
(`--full`). Also how long that one takes to translate. `studies.mnist --learn-only` learns a machine.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np

import photinus as ph
from photinus.learning import data
from photinus.tasks import evaluation, tasks

RUNS = (("gibbs", None), ("laser-reduced", "measured"), ("laser-reduced", "auto"))
FULL = (RUNS[0], ("laser", "auto"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("machine", type=Path)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--chains", type=int, default=64)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="full physics instead of reduced lasers")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ph.TranslationWarning)  # that is what is asked here
    machine = ph.BoltzmannMachine.load(options.machine)
    for translated in (ph.BoltzmannMachine([[0, 1], [1, 0]], [0, 0]), machine):  # the first compiles
        start = time.process_time()
        ph.translate(translated, ph.Calibration.preset())
    print(
        f"{machine.n_units} units translated in {time.process_time() - start:.1f} s of processor time\n"
    )
    judge = evaluation.independent_classifier(data.load("mnist", "train", data_dir=options.data_dir))
    print("| sampler | rule | entropy [nats] | of Gibbs | changes of class per 1000 τ |")
    print("|---|---|---|---|---|")
    right = np.nan
    for substrate, rule in FULL if options.full else RUNS:
        more = {} if rule is None else {"rule": rule}
        found = [
            evaluation.mixing(
                tasks.dream(
                    machine, substrate, chains=options.chains, draws=options.draws, seed=seed, **more
                ),
                judge,
            )
            for seed in range(options.seeds)
        ]
        entropy = float(np.mean([each.entropy for each in found]))
        error = float(np.hypot.reduce([each.entropy_error for each in found]) / len(found))
        right = entropy if rule is None else right
        changes = 1000 * np.mean([each.switches for each in found])
        print(
            f"| {substrate} | {rule or ''} | {entropy:.3f} ± {error:.3f} "
            f"| {100 * entropy / right:.1f} % | {changes:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
