"""
A Bayesian network from a file
==============================

A file with a medical network goes in. Posterior probabilities come out, with the exact ones beside.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import photinus as ph
from photinus.interop import read_model

plt.style.use(ph.plots.style())
mm = 1 / 25.4  # Matplotlib counts in inches

# %%
# This is the chest clinic "Asia" (Lauritzen & Spiegelhalter 1988) in the format BIF. Many programs
# write it. A table lists one row per state of the parents. `photinus.interop` reads
# other formats, too.

BIF = """
network asia {}
variable asia { type discrete [2] {yes, no}; }
variable tub { type discrete [2] {yes, no}; }
variable smoke { type discrete [2] {yes, no}; }
variable lung { type discrete [2] {yes, no}; }
variable bronc { type discrete [2] {yes, no}; }
variable either { type discrete [2] {yes, no}; }
variable xray { type discrete [2] {yes, no}; }
variable dysp { type discrete [2] {yes, no}; }
probability (asia) { table 0.01, 0.99; }
probability (tub | asia) { (yes) 0.05, 0.95; (no) 0.01, 0.99; }
probability (smoke) { table 0.5, 0.5; }
probability (lung | smoke) { (yes) 0.1, 0.9; (no) 0.01, 0.99; }
probability (bronc | smoke) { (yes) 0.6, 0.4; (no) 0.3, 0.7; }
probability (either | lung, tub) {
  (yes, yes) 1.0, 0.0; (yes, no) 1.0, 0.0;
  (no, yes) 1.0, 0.0; (no, no) 0.0, 1.0;
}
probability (xray | either) { (yes) 0.98, 0.02; (no) 0.05, 0.95; }
probability (dysp | bronc, either) {
  (yes, yes) 0.9, 0.1; (yes, no) 0.8, 0.2;
  (no, yes) 0.7, 0.3; (no, no) 0.1, 0.9;
}
"""

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "asia.bif"
    path.write_text(BIF)
    network = read_model(path)
for name, states in network.states.items():
    print(name, states, "given", network.parents(name) or "nothing")

# %%
# A patient has a suspicious X-ray and is short of breath. `infer` works out what has to be sampled,
# makes a Boltzmann machine of it, refines lasers for it, and samples them.

evidence = {"xray": "yes", "dysp": "yes"}
posterior = ph.infer(network, evidence, "laser", chains=64, draws=250, seed=1)
print(f"{'':8}{'lasers':>8}{'error':>8}{'exact':>8}")
for name, state, p, error, exact in posterior.rows():
    if state == "yes":
        print(f"{name:8}{p:8.3f}{error:8.3f}{exact:8.3f}")

# %%
# Evidence moves every variable. Here is each probability before the findings and after them.

before = network.marginals()
names = list(posterior.marginals)
places = np.arange(len(names))
figure, axes = plt.subplots(figsize=(88 * mm, 58 * mm), layout="constrained")
axes.bar(
    places - 0.2,
    [before[name]["yes"] for name in names],
    0.4,
    color="0.7",
    label="before, exact",
)
axes.bar(
    places + 0.2,
    [posterior.marginals[name]["yes"] for name in names],
    0.4,
    yerr=[2 * posterior.errors[name]["yes"] for name in names],
    label="after, lasers (bars: ± 2 standard errors)",
)
axes.plot(
    places + 0.2,
    [posterior.exact[name]["yes"] for name in names],
    "k_",
    ms=11,
    label="after, exact",
)
axes.set_xticks(places, names)
axes.set_ylabel("P(yes)")
figure.legend(loc="outside upper center", ncols=2)
plt.show()

# %%
# Few units were sampled, and for a short time on the chip.

print(f"{posterior.units} units, largest weight {posterior.largest_weight:.1f}")
print(f"{posterior.chip_time * 1e9:.0f} ns on each of {posterior.samples.chains} chips")

# %%
# A variable may have more than two states. Photinus gives it several units, and reads states back.

sky = ph.BayesianNetwork(
    {
        "sky": [0.5, 0.3, 0.2],
        "wet": (("sky",), {("clear",): 0.05, ("grey",): 0.1, ("black",): 0.8}),
        "walk": (("wet",), [[0.1, 0.3, 0.6], [0.6, 0.3, 0.1]]),
    },
    states={
        "sky": ("clear", "grey", "black"),
        "wet": ("no", "yes"),
        "walk": ("none", "short", "long"),
    },
)
weather = ph.infer(
    sky, {"walk": "none"}, "laser", query=["sky"], chains=64, draws=250, seed=2
)
for name, state, p, error, exact in weather.rows():
    print(f"{name} {state:6} {p:.3f} ± {error:.3f}, exact {exact:.3f}")

# %%
# What was seen: the file became a posterior in one call. How far off is the worst marginal?

for what, found in (("clinic", posterior), ("weather", weather)):
    print(f"{what}: worst marginal off by {found.largest_deviation:.4f}")
