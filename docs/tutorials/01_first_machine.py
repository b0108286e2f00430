"""
Your first machine
==================

Two coupled units, sampled by two simulated lasers, with a certificate of how far off they are.
"""

import photinus as ph

# %%
# A Boltzmann machine has units that are 0 or 1, a bias for each, and a weight for each pair. A positive
# weight makes two units be 1 together.

machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
print(machine.marginals())

# %%
# Lasers sample it. `chains` are independent chips, `draws` are read every window τ.

samples = ph.sample(machine, "laser", chains=64, draws=250, seed=3)
print(samples.marginals())

# %%
# The certificate answers: have the chains converged, is there a bias, and how far is it?

fidelity = samples.fidelity()
print(fidelity.verdict)
print(f"KL {fidelity.kl:.4f} nats, floor of exact draws {fidelity.kl_floor:.4f}")

# %%
# The raster shows when lasers fire, and the states that are read from their spikes.

ph.plots.raster(samples)

# %%
# What is known goes in as evidence.

posterior = ph.sample(
    machine, "laser", evidence={"wet": 1}, chains=64, draws=250, seed=2
)
print(posterior.marginals())
