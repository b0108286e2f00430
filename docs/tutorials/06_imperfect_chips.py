"""
Imperfect chips and learning in the loop
========================================

A fabricated chip is not the designed one. It can be corrected by what it does, without knowing why.
"""

import matplotlib.pyplot as plt
import numpy as np

import photinus as ph
from photinus.learning import BoltzmannEstimator
from photinus.learning.loop import DeviceChains

plt.style.use(ph.plots.style())
mm = 1 / 25.4  # Matplotlib counts in inches

# sphinx_gallery_thumbnail_number = 2

# %%
# The machine, and the calibration of the lasers as designed.

random = np.random.default_rng(5)
weights = np.triu(random.normal(0, 0.7, (6, 6)), 1)
machine = ph.BoltzmannMachine(
    weights + weights.T, random.normal(0, 0.5, 6), labels=list("abcdef")
)
calibration = ph.Calibration.preset("fast-absorber")

# %%
# Three things go wrong. Lasers make more or less of their currents than planned. Weights have six bits.
# Some pulses never arrive.

faults = ph.Imperfections(efficiency_mismatch=0.05, weight_bits=6, lost_spikes="3%")
length = {"chains": 64, "draws": 150}
designed = ph.sample(machine, "laser", calibration=calibration, seed=1, **length)
built = ph.sample(
    machine, "laser", calibration=calibration, imperfections=faults, seed=1, **length
)
for name, samples in (("designed", designed), ("built", built)):
    print(f"{name}: {samples.fidelity().verdict}")

# %%
# Each fault alone tells what does the harm.

alone = {
    "efficiency": ph.Imperfections(efficiency_mismatch=0.05),
    "weight bits": ph.Imperfections(weight_bits=6),
    "lost spikes": ph.Imperfections(lost_spikes="3%"),
}
for name, fault in alone.items():
    run = ph.sample(
        machine, "laser", calibration=calibration, imperfections=fault, seed=1, **length
    )
    fidelity = run.fidelity()
    print(f"{name}: KL {fidelity.kl:.4f} nats, floor {fidelity.kl_floor:.4f}")

# %%
# `refine` runs the chip and compares its moments with those of the machine. It moves pumps and
# couplings, and runs the chip again. It is told nothing of the faults: they only act.

refinement = ph.refine(
    machine,
    calibration,
    imperfections=faults,
    chains=64,
    draws=150,
    most_rounds=8,
    seed=2,
)
print(refinement.reason)
figure, axes = plt.subplots(figsize=(88 * mm, 50 * mm), layout="constrained")
axes.semilogy(
    range(1, len(refinement.rounds) + 1), [one.kl for one in refinement.rounds], "o-"
)
axes.set_xlabel("round")
axes.set_ylabel("KL(sampled ‖ target) [nats]")
plt.show()

# %%
# The refined network is judged by another run, with another seed. It was refined on the faulty chip,
# so it counts as fabricated: only lost spikes are added.

refined = ph.sample(
    machine, "laser", network=refinement.network, imperfections=faults, seed=3, **length
)
print(refined.fidelity().verdict)

# %%
# Marginals as built are far off. Refined, they lie on the exact ones.

places = np.arange(machine.n_units)
figure, axes = plt.subplots(figsize=(88 * mm, 54 * mm), layout="constrained")
runs = {"designed": designed, "built": built, "refined": refined}
looks = (("o", "C0", "w"), ("s", "0.6", "0.6"), ("D", "C0", "C0"))
for (name, samples), shift, look in zip(
    runs.items(), (-0.2, 0, 0.2), looks, strict=True
):
    marker, colour, fill = look
    on = samples.states.mean(axis=1)
    error = 2 * on.std(axis=0) / np.sqrt(len(on))
    axes.errorbar(
        places + shift,
        on.mean(axis=0),
        error,
        fmt=marker,
        color=colour,
        mfc=fill,
        label=name,
    )
axes.hlines(
    machine.marginals(), places - 0.35, places + 0.35, color="k", lw=1, label="exact"
)
axes.set_xticks(places, machine.labels)
axes.set_ylabel("P(on)\n(bars: ± 2 standard errors)")
axes.set_ylim(0, 1)
figure.legend(loc="outside upper center", ncols=4)
plt.show()

# %%
# What was seen: the chip's own moments bring it back to the target.

for name, samples in runs.items():
    fidelity = samples.fidelity()
    print(
        f"{name}: KL {fidelity.kl:.4f} nats, worst marginal off by {fidelity.marginal_error:.3f}"
    )

# %%
# Learning in the loop
# --------------------
# Where there are data, no target has to be known at all. The chip learns the data itself: its own
# moments are compared with those of the data, so faults never get into what is learned.
#
# The data: 600 observations of four quantities that follow one hidden coin, each with its own errors.

random = np.random.default_rng(1)
coin = random.integers(0, 2, 600)
data = (coin[:, None] ^ (random.random((600, 4)) < [0.1, 0.2, 0.3, 0.2])).astype(int)
estimator = BoltzmannEstimator(
    (2,), epochs=100, batch_size=50, learning_rate=0.3, seed=1
).fit(data)

# %%
# The chip: its lasers differ by 10 %. It runs what was learned without it.

chip = DeviceChains(
    calibration,
    alter=lambda network: ph.Imperfections(efficiency_mismatch=0.1).apply(network, 5),
    chains=200,
    windows=5,
    seed=2,
)


def misfit() -> float:
    """Return the worst error of P(both on) among pairs of quantities, on the chip."""
    states = np.concatenate(
        [chip(estimator.machine())[:, :4] for _ in range(10)]
    ).astype(float)
    pairs = states.T @ states / len(states) - data.T @ data / len(data)
    return float(np.abs(pairs).max())


print(f"learned without the chip: off by {misfit():.3f}")

# %%
# Learning goes on with the chip in place of Gibbs sampling. After 15 passes through the data the chip
# shows them.

estimator.negative, estimator.learning_rate, estimator.batch_size = chip, 0.2, 100
for _ in range(15):
    estimator.partial_fit(data)
print(f"learned on the chip: off by {misfit():.3f}")
