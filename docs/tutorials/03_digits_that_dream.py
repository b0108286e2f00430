"""
Digits that dream
=================

A small machine learns handwritten digits. Lasers then make up digits, and complete halves of them.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

import photinus as ph
from photinus.learning import BoltzmannEstimator
from photinus.learning.data import digits

plt.style.use(ph.plots.style())
mm = 1 / 25.4  # Matplotlib counts in inches

# sphinx_gallery_thumbnail_number = 2

# %%
# Scikit-learn ships 8×8 digits. Every fifth one is held back.

train, test = digits("train"), digits("test")
print(len(train), "images to learn from,", len(test), "held back")

# %%
# The machine has one unit per pixel, one per class, and a few hidden ones. It learns for seconds here.
# For better digits, leave out `hidden` and `epochs`: the defaults take longer.

estimator = BoltzmannEstimator(hidden=(32,), epochs=60, seed=1).fit(
    train.pixels, train.labels
)
machine = estimator.machine()
print(f"{machine.n_units} units, largest weight {np.abs(machine.weights).max():.2f}")
print(
    f"classes right on images held back: {estimator.score(test.pixels, test.labels):.1%}"
)

# %%
# Each hidden unit looks for a pattern of pixels.

pixels, hidden = len(test.pixels[0]), 32
ph.plots.filters(machine.weights[:pixels, -hidden:], test.shape)

# %%
# Reduced lasers are quick: each is an escape rate that was measured on full physics. They say how far
# that was checked. This machine goes beyond, so we look at the warning and compare below.

with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always", ph.TranslationWarning)
    dream = ph.tasks.dream(machine, "laser-reduced", chains=6, draws=300, seed=2)
for warning in told:
    print(warning.message)

# %%
# A row is a chip that dreams, from left to right. A picture shows the probability of each pixel given
# the hidden units.

ph.plots.strip(dream)

# %%
# The class units say which digit a chip is at.

print(f"draws with exactly one class on: {(dream.labels >= 0).mean():.1%}")
print(
    "digits visited:",
    sorted({dream.names[k] for k in np.unique(dream.labels) if k >= 0}),
)

# %%
# Now the upper half of new images is known. The lasers make up the lower half. Gibbs sampling of the
# same machine tells what the machine knows, whatever samples it.

known = ph.tasks.mask(test.shape, "half")
images = test.pixels[:40]
with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore", ph.TranslationWarning
    )  # the one that was shown above
    found = {
        name: ph.tasks.complete(machine, images, known, name, draws=100, seed=3)
        for name in ("laser-reduced", "gibbs")
    }
ph.plots.completions(found, images=10)

# %%
# A second yardstick gives each hidden pixel the mean of all training images.

blind = np.abs(train.pixels.mean(axis=0) - images)[:, ~known].mean()
errors = {
    "mean image": blind,
    **{name: result.errors.mean() for name, result in found.items()},
}
figure, axes = plt.subplots(figsize=(88 * mm, 34 * mm), layout="constrained")
axes.barh(list(errors), list(errors.values()), color=["0.7", "C2", "C1"])
axes.set_xlabel("hidden pixels wrong (part)")
plt.show()

# %%
# What was seen: the machine's digits come out of lasers. How many hidden pixels are wrong?

for name, error in errors.items():
    print(f"{name}: {error:.1%}")
