"""
Coming from other libraries
===========================

The same things in the words of dimod, scikit-learn, pgmpy, sbs and THRML.
"""

import dimod
import numpy as np
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer

import photinus as ph
from photinus.interop import from_dimod, from_sklearn, to_dimod
from photinus.interop.dimod import PhotonicSampler
from photinus.learning import BoltzmannEstimator
from photinus.learning.data import digits

# %%
# dimod
# -----
# A binary quadratic model has an energy E, and `beta` makes a distribution of it. `PhotonicSampler` is
# a sampler like any other: it takes a model, and gives a sample set.

model = dimod.BinaryQuadraticModel(
    {"a": 0.3, "b": 0.0}, {("a", "b"): -0.4}, 0.0, "SPIN"
)
found = PhotonicSampler().sample(model, num_reads=1000, beta=1.0, seed=3)
for spins, energy, times in found.aggregate().data(
    ["sample", "energy", "num_occurrences"]
):
    print(
        {name: int(value) for name, value in spins.items()},
        f"energy {energy:+.1f}, {times} times",
    )
print(found.info["fidelity"]["verdict"])

# %%
# Or take the model over, and go on in Photinus. The way back exists, too.

machine = from_dimod(model, beta=1.0)
samples = ph.sample(machine, "laser", chains=16, draws=100, seed=1)
back = to_dimod(machine, "SPIN")
print("couplings:", {pair: round(float(J), 3) for pair, J in back.quadratic.items()})
print("fields:", {name: round(float(h), 3) for name, h in back.linear.items()})
print("mean spins:", samples.to_dimod("SPIN").record.sample.mean(axis=0))

# %%
# scikit-learn
# ------------
# A `BernoulliRBM` is a restricted Boltzmann machine. What it learned, lasers sample.

pixels = digits("train").pixels
rbm = BernoulliRBM(n_components=16, n_iter=5, random_state=0).fit(pixels)
machine = from_sklearn(rbm)
samples = ph.sample(machine, "laser", chains=16, draws=100, seed=2)
dreamt = samples.marginals()[: pixels.shape[1]]
print(
    f"{machine.n_units} lasers, pixels on: {dreamt.mean():.3f}, in the data {pixels.mean():.3f}"
)

# %%
# `BoltzmannEstimator` is the estimator of Photinus. It has `fit`, `score` and `transform`, and goes
# into a pipeline.

pipeline = make_pipeline(
    Binarizer(), BoltzmannEstimator(hidden=(16,), epochs=5, seed=0)
)
features = pipeline.fit_transform(pixels)
print(features.shape, "features")

# %%
# pgmpy
# -----
# A Bayesian or Markov network of pgmpy goes in as it is. Or write it as a BIF file.
#
# .. code-block:: python
#
#    network = ph.interop.from_pgmpy(model)
#    posterior = ph.infer(network, {"xray": "yes"})
#
# ===================================  =====================================
# in pgmpy                             in Photinus
# ===================================  =====================================
# `VariableElimination(model)`         `network.marginals(evidence)`
# `.query(["lung"], evidence=…)`       `ph.infer(network, evidence, query=["lung"])`
# `BayesianModelSampling`              `network.draw(1000, evidence)`
# `BIFReader(path).get_model()`        `ph.interop.read_model(path)`
# ===================================  =====================================
#
# The chest clinic Asia, sampled and exact:

asia = ph.BayesianNetwork.asia()
posterior = ph.infer(asia, {"xray": 1}, "gibbs", query=["lung"], seed=1)
print(
    f"sampled {posterior.marginals['lung'][1]:.3f}, exact {asia.marginals({'xray': 1})['lung'][1]:.3f}"
)

# %%
# sbs
# ---
# Neurons that integrate, leak and fire are a substrate like lasers. :doc:`/start/from-sbs` has the
# steps of sbs side by side with those of Photinus.

machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
neurons = ph.sample(machine, "lif", chains=16, draws=250, seed=1)
print("neurons:", neurons.marginals().round(3), "exact:", machine.marginals().round(3))

# %%
# THRML
# -----
# An `IsingEBM` has spins, biases, weights and β. Photinus has units of 0 and 1. It takes β into the
# weights.
#
# .. code-block:: python
#
#    machine = ph.interop.from_thrml(model)      # an IsingEBM
#    samples = ph.sample(machine, "laser")
#
# ===================================  =====================================
# in THRML                             in Photinus
# ===================================  =====================================
# `IsingSamplingProgram`, blocks       none: lasers run all at once
# `SamplingSchedule(n_warmup, …)`      `burn_in=`, `draws=`
# `sample_states(key, …)`              `ph.sample(machine, "gibbs", seed=…)`
# ===================================  =====================================
#
# Without THRML, spins go in by `from_spin`, with couplings J and fields h:

spins = ph.BoltzmannMachine.from_spin(
    np.array([[0, 0.5], [0.5, 0]]), np.array([0.2, 0.0])
)
samples = ph.sample(spins, "gibbs", chains=64, draws=500, seed=1)
print(
    "mean spins:",
    (2 * samples.marginals() - 1).round(3),
    "exact:",
    (2 * spins.marginals() - 1).round(3),
)

# %%
# What was seen: models go in from other libraries, and results go back. How far are the laser samples
# of spins from their target?

fidelity = ph.sample(spins, "laser", chains=64, draws=250, seed=1).fidelity()
print(fidelity.verdict)
