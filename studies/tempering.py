"""Two deep modes: plain sampling stays in one, tempered sampling visits both.

Eight units that want to be all on or all off (every weight 2.5, biases -8.75: both equally probable, a
valley of exp(-20) between them). Plain and tempered runs take the same time: 400 state windows, or
sweeps, after 40 of burn-in. Prints a Markdown table and draws docs/images/tempering.png.

    python studies/tempering.py
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from photinus import BoltzmannMachine, Samples, Tempering, sample
from photinus.faces.figures.plots import FLOOR, LASER

UNITS, WEIGHT, CHAINS = 8, 2.5, 64
HOTTEST, PERIOD = (2.0, 3.0, 4.0, 6.0), 40
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "tempering.png"


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


def picture(runs: dict[str, Samples]) -> Figure:
    """Draw how many units are on over time, some chains of each run."""
    figure = Figure(figsize=(8, 1.1 + 1.5 * len(runs)), layout="constrained")
    panels = np.atleast_1d(figure.subplots(len(runs), 1, sharex=True))
    for axes, (title, samples) in zip(panels, runs.items(), strict=True):
        hot = samples.tempering
        shift = iter((-0.3, -0.1, 0.1, 0.3))  # so that chains can be told apart
        window = [d if hot is None else hot.window_of(d) for d in range(samples.draws)]
        for chain, colour in zip(samples.states[:4], (LASER, FLOOR, "#6a4c93", "#2a9d8f"), strict=True):
            axes.plot(window, chain.sum(axis=1) + next(shift), ".", ms=3, color=colour)
        axes.set_ylabel("units on")
        axes.set_ylim(-0.5, UNITS + 0.5)
        axes.set_title(title, fontsize=10)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    panels[-1].set_xlabel("time [τ] (four chains, each in its colour)")
    return figure


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
                shown[f"lasers, {title}"] = samples
    picture(shown).savefig(PICTURE, dpi=110)
    print(f"\nPicture: {PICTURE}")


if __name__ == "__main__":
    main()
