"""
Fifteen neurons on fifteen lasers
=================================

A recording of nerve cells becomes a pairwise model. Lasers sample it and fire together as the cells do.
"""

import os
from pathlib import Path

import h5py
import matplotlib.pyplot as plt
import numpy as np

import photinus as ph

plt.style.use(ph.plots.style())
mm = 1 / 25.4  # Matplotlib counts in inches

# sphinx_gallery_thumbnail_number = 2

# %%
# The recording has the form of those of a retina (Schneidman et al. 2006, Nature 440, 1007). It has
# 15 cells, and says of each short bin of time which cells fired. The file is an example of
# maxent_toolbox. PHOTINUS_DATA names the folder of such files. Without the file, a stand-in is made:
# noise that cells share, above a threshold.

folder = Path(os.environ.get("PHOTINUS_DATA", "../../../shared/data"))
file = folder / "neural" / "example15.mat"
if file.is_file():
    print("recording: example15 of maxent_toolbox")
    with h5py.File(file) as data:
        cells = np.asarray(data["spikes15"], np.uint8)
else:
    print("recording: a synthetic stand-in, as example15.mat was not found")
    random = np.random.default_rng(1)
    shared = random.normal(size=(40_000, 2)) @ random.uniform(-0.2, 0.8, (2, 15))
    level = random.uniform(1, 2.4, 15)
    cells = (shared + random.normal(size=(40_000, 15)) > level).astype(np.uint8)
print(f"{len(cells)} bins, {cells.shape[1]} cells, on in {cells.mean():.1%} of them")

# %%
# Every other bin is learned from. The rest is held back, and judges.

learned, held_back = cells[::2], cells[1::2]

# %%
# The model has a bias per cell and a weight per pair. It is the one that assumes nothing beyond rates
# and pairs. A small penalty keeps weights finite where two cells never fire together.

machine = ph.BoltzmannMachine.fit(learned, l2=1e-4)
print(f"biases {machine.biases.min():.1f} to {machine.biases.max():.1f}")
print(f"weights {machine.weights.min():.2f} to {machine.weights.max():.2f}")

# %%
# Each cell is now a laser.

samples = ph.sample(machine, "laser", chains=64, draws=300, seed=1)
print(samples.fidelity().verdict)
ph.plots.raster(samples, windows=40)

# %%
# Three comparisons with what was held back. *Rates* and *pairs* were learned. How many cells fire
# *together* was not. Cells that fire independently of each other would get it wrong.

states = samples.states.reshape(-1, 15)
pairs = np.triu_indices(15, 1)


def correlations(active):
    """Return the correlation of each pair."""
    return np.corrcoef(active.T)[pairs]


def together(active):
    """Return the probability of each number of cells active at once."""
    return np.bincount(active.sum(axis=1), minlength=16) / len(active)


shuffled = np.random.default_rng(2).permuted(held_back, axis=0)
figure, (rate, pair, count) = plt.subplots(
    1, 3, figsize=(180 * mm, 62 * mm), layout="constrained"
)
rate.loglog(held_back.mean(axis=0), states.mean(axis=0), "C0o", ms=3)
pair.plot(correlations(held_back), correlations(states), "C0o", ms=2)
for axis in (rate.xaxis, rate.yaxis):
    axis.set_minor_formatter("")
for axes, what in ((rate, "P(on) of a cell"), (pair, "correlation of a pair")):
    axes.axline((0.1, 0.1), (0.2, 0.2), color="k", lw=0.8)
    axes.set_xlabel(f"{what}, held back")
    axes.set_ylabel("on lasers")
for name, active, style in (
    ("held back", held_back, "ko-"),
    ("lasers", states, "C0s"),
    ("independent", shuffled, "--"),
):
    colour = {"color": "0.6"} if name == "independent" else {}
    count.semilogy(together(active), style, label=name, **colour)
count.set_ylim(1e-5, 1)
count.set_xlabel("cells active together")
count.set_ylabel("probability")
count.legend()
for letter, axes in zip("abc", (rate, pair, count), strict=True):
    axes.set_title(letter, loc="left", weight="bold")
plt.show()

# %%
# What was seen: fifteen lasers have the rates, pairs and crowds of fifteen cells. These are the largest
# differences from what was held back. The half that was learned from is the yardstick.


def differences(active):
    """Return how far rates, pairs and numbers together are from what was held back."""
    return (
        np.abs(active.mean(axis=0) - held_back.mean(axis=0)).max(),
        np.abs(correlations(active) - correlations(held_back)).max(),
        np.abs(together(active) - together(held_back)).max(),
    )


print(f"{'':12}{'rate':>8}{'pair':>8}{'together':>10}")
for name, active in (
    ("learned from", learned),
    ("lasers", states),
    ("independent", shuffled),
):
    print(f"{name:12}" + "{:8.3f}{:8.3f}{:10.3f}".format(*differences(active)))
