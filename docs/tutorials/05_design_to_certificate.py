"""
From design to certificate
==========================

The way that `photinus.sample` goes in one step, here step by step. It ends with the bill of the chip.
"""

import matplotlib.pyplot as plt
import numpy as np

import photinus as ph
from photinus.hardware import Chip
from photinus.units import quantity

plt.style.use(ph.plots.style())
mm = 1 / 25.4  # Matplotlib counts in inches

# %%
# A machine of six units, with random weights of both signs.

random = np.random.default_rng(5)
weights = np.triu(random.normal(0, 0.7, (6, 6)), 1)
machine = ph.BoltzmannMachine(
    weights + weights.T, random.normal(0, 0.5, 6), labels=list("abcdef")
)
print(f"weights {machine.weights.min():.2f} to {machine.weights.max():.2f}")

# %%
# **Translate.** A calibration turns biases into pump currents, and weights into couplings.

calibration = ph.Calibration.preset("fast-absorber")
network = ph.translate(machine, calibration)
for label, current in zip(network.labels, network.currents, strict=True):
    print(label, quantity(current, "A"))

# %%
# **Predict.** Before anything is simulated, Photinus tells how far off the network will be, and why.

prediction = ph.predict(machine, calibration, network)
print(prediction)

# %%
# **Sample.** Now the lasers run.

samples = ph.sample(machine, "laser", network=network, chains=64, draws=250, seed=1)
ph.plots.raster(samples, windows=30)

# %%
# **Certify.** The certificate weighs the samples against the target. The floor is what as many draws
# of an exact sampler would show.

fidelity = samples.fidelity()
print(fidelity.verdict)
for question, answer in (
    ("converged?", fidelity.on_convergence),
    ("biased?", fidelity.on_bias),
    ("how far off?", fidelity.on_distance),
    ("what next?", fidelity.advice),
):
    print(question, answer)

# %%
# Sampled and exact probabilities of all states:

ph.plots.joint(samples)

# %%
# **Pay.** The ledger counts pulses and currents, and multiplies them by prices. Three columns are the
# best, the expected and the worst case.

ledger = samples.ledger()
for name, *cases in ledger.result_rows():
    if name != "left out":
        print(f"{name:28}" + "".join(f"{value:>12}" for value in cases))
print("not priced:", ", ".join(ledger.unpriced))

# %%
# **Lay out.** A pulse takes time from laser to laser, and synapses need a moment to act. A crossbar for
# more lasers is larger, so its delays grow. Then the window must be longer.

sizes = (6, 20, 60, 200)
figure, axes = plt.subplots(figsize=(88 * mm, 56 * mm), layout="constrained")
for latency, look in (("10 ps", "C0o-"), ("1 ps", "C0s--")):
    chips = [Chip(lasers=size, layout="crossbar", latency=latency) for size in sizes]
    windows = [chip.smallest_window("fast-absorber") * 1e9 for chip in chips]
    axes.loglog(sizes, windows, look, label=f"smallest window, synapses with {latency}")
axes.axhline(
    calibration.window * 1e9, color="k", lw=0.8, ls=":", label="window of these lasers"
)
axes.set_xticks(sizes, sizes)
axes.set_yticks([1, 2, 5, 10, 20], [1, 2, 5, 10, 20])
axes.minorticks_off()
axes.set_xlabel("lasers")
axes.set_ylabel("time [ns]")
axes.legend()
plt.show()

# %%
# What was seen: design, forecast, measurement and bill belong together.

print(
    f"KL predicted {prediction.kl:.5f}, measured {fidelity.kl:.5f}, floor {fidelity.kl_floor:.5f} nats"
)
print(f"power of the chip: {quantity(ledger.power(), 'W')}")
most = chips[0].most_lasers(calibration.window, "fast-absorber")
print(f"most lasers on a crossbar with the quick synapses, for their window: {most}")
