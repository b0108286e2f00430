"""Two deep modes: plain sampling stays in one, tempered sampling visits both.

Eight units that want to be all on or all off (every weight 2.5, biases -8.75: both equally probable, a
valley of exp(-20) between them). Plain and tempered runs take the same time: 400 state windows, or
sweeps, after 40 of burn-in. Prints a Markdown table and keeps what docs/images/tempering.png shows.

    python -m studies.tempering
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from studies.pictures import stored

from photinus import BoltzmannMachine, Samples, Tempering, sample

UNITS, WEIGHT, CHAINS = 8, 2.5, 64
HOTTEST, PERIOD = (2.0, 3.0, 4.0, 6.0), 40
SHOWN = 4
"""Chains that are drawn."""


def two_modes() -> BoltzmannMachine:
    """Return the machine."""
    weights = WEIGHT * (np.ones((UNITS, UNITS)) - np.eye(UNITS))
    return BoltzmannMachine(weights, np.full(UNITS, -WEIGHT * (UNITS - 1) / 2))


def draw(substrate: str, tempering: Tempering | None) -> Samples:
    """Sample for 440 windows; a tempered run draws in a quarter of them."""
    length = 1 if tempering is None else 4
    return sample(
        two_modes(),
        substrate,
        chains=CHAINS,
        draws=400 // length,
        burn_in=40 // length,
        seed=1,
        tempering=tempering,
    )


def crossings(samples: Samples) -> int:
    """Return how often a chain went from mostly on to mostly off, or back."""
    level = samples.states.mean(axis=2)
    sides = (np.sign(chain - 0.5)[np.abs(chain - 0.5) > 0.2] for chain in level)
    return sum(int((np.diff(side) != 0).sum()) for side in sides)


def row(substrate: str, tempering: Tempering | None, samples: Samples) -> str:
    """Return a line of the table."""
    up = float((samples.states.mean(axis=2) > 0.5).mean())
    heat = "none" if tempering is None else f"to T = {tempering.hottest:g}, every {tempering.period}"
    kl = samples.fidelity().kl
    return f"| {substrate} | {heat} | {crossings(samples)} | {up:.2f} | {kl:.3f} |"


def kept(runs: dict[str, Samples]) -> dict[str, NDArray[Any]]:
    """Return when some chains of each run drew, and how many units were on then."""
    found: dict[str, NDArray[Any]] = {"runs": np.array(list(runs)), "units": np.array(UNITS)}
    for k, samples in enumerate(runs.values()):
        hot = samples.tempering
        windows = [d if hot is None else hot.window_of(d) for d in range(samples.draws)]
        found[f"window-{k}"] = np.array(windows)
        found[f"on-{k}"] = samples.states[:SHOWN].sum(axis=2, dtype=np.uint8)
    return found


def main() -> None:
    print(
        "| substrate | heated | changes of mode | time in the upper mode | KL |\n|---|---|---|---|---|"
    )
    shown = {}
    for substrate in ("gibbs", "lif", "laser"):
        for hottest in (None, *HOTTEST):
            tempering = None if hottest is None else Tempering(hottest=hottest, period=PERIOD)
            samples = draw(substrate, tempering)
            print(row(substrate, tempering, samples), flush=True)
            if substrate == "laser" and hottest in (None, 4.0):
                title = "plain" if hottest is None else f"heated to T = {hottest:g} every {PERIOD} τ"
                shown[title] = samples
    stored.write("tempering", kept(shown))


if __name__ == "__main__":
    main()
