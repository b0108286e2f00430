"""
Imperfect chips and learning in the loop
========================================

A fabricated chip is not the designed one. It can be corrected by what it does, without knowing why.
"""

import matplotlib.pyplot as plt
import numpy as np

import photinus as ph

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
