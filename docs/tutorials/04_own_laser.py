"""
Your own laser
==============

A preset becomes another laser. Its spike, its activation curve, and what calibration makes of them.
"""

import matplotlib.pyplot as plt
import numpy as np

import photinus as ph
from photinus.devices.laser import spike
from photinus.units import quantity

plt.style.use(ph.plots.style())
mm = 1 / 25.4  # Matplotlib counts in inches

# sphinx_gallery_thumbnail_number = 2

# %%
# Presets are our own designs. `replace` changes what is different in yours. All values are in SI units.

preset = ph.LaserParameters.preset("fast-absorber")
mine = preset.replace(name="mine", gain_lifetime=0.8e-9)
for laser in (preset, mine):
    threshold = quantity(laser.threshold_current, "A")
    print(f"{laser.name}: threshold current {threshold}, Q {laser.quality_factor:.0f}")

# %%
# A laser with a saturable absorber is excitable. A small kick makes one pulse of light, always of much
# the same size.

pulse = spike(mine)
print(
    f"{quantity(pulse.width, 's')} wide, {pulse.peak_photons:.0f} photons at the peak"
)
ph.plots.spike(pulse)

# %%
# Spontaneous emission fires the laser at random, more often the harder it is pumped. Here a row of
# lasers without couplings is pumped harder and harder. A machine without weights makes such a row.

calibration = ph.Calibration.preset("fast-absorber")
steps = np.linspace(-2, 4, 13)
row = ph.translate(
    ph.BoltzmannMachine(np.zeros((13, 13)), steps), calibration, gauge="none"
)
current = row.currents / preset.threshold_current
harder = mine.threshold_current / preset.threshold_current
networks = {
    preset.name: row,
    mine.name: row.replace(parameters=mine, pump=row.pump * harder),
}
measured = {
    name: ph.simulate(network, 300 * row.window, chains=16, seed=1).marginals(
        row.window
    )
    for name, network in networks.items()
}

# %%
# A unit is 1 while its laser has fired within the last window τ. So the part of time that it is 1
# against the current is the activation curve: the neuron's σ.

figure, axes = plt.subplots(figsize=(88 * mm, 58 * mm), layout="constrained")
for (name, on), line, fill in zip(
    measured.items(), ("C0o-", "C0s--"), ("C0", "w"), strict=True
):
    axes.errorbar(
        current,
        on.mean(axis=0),
        2 * on.std(axis=0) / np.sqrt(len(on)),
        fmt=line,
        mfc=fill,
        label=f"{name} (± 2 standard errors)",
    )
axes.set_xlabel("pump current / threshold current of the laser")
axes.set_ylabel(f"P(on), window τ = {quantity(row.window, 's')}")
axes.legend()
plt.show()

# %%
# `ph.calibrate(mine)` does this with care. It chooses τ, fits the curve, and measures what a pulse of
# light does to another laser. That takes minutes, so this page shows a calibration that ships with
# Photinus.

ph.plots.activation(calibration)

# %%
# What calibration tells: the window, the current at which a laser is on half of the time, and the
# biases that pumps can give.

low, high = calibration.bias_range
print(f"window τ {quantity(calibration.window, 's')}")
print(f"on half of the time at {quantity(calibration.half_current, 'A')}")
print(f"biases {low:.1f} to {high:.1f}")

# %%
# It belongs to one laser. Another laser needs its calibration: Photinus refuses to mix them.

try:
    calibration.require(mine)
except ph.InvalidInput as refused:
    print(refused)

# %%
# What was seen: at the same part of the threshold current, the two lasers are on for different parts of
# the time. The largest difference of P(on):

apart = np.abs(measured[mine.name].mean(axis=0) - measured[preset.name].mean(axis=0))
print(f"{apart.max():.2f}, at {current[apart.argmax()]:.2f} of the threshold current")
