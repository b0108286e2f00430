"""
Posteriors of many patients
===========================

Each point is a patient of the demo, and the probability that a tumour is malignant. Gibbs sampling and
lasers are drawn against the exact value.
"""

import numpy as np

import photinus as ph
from photinus.faces.demo.patients import load_data
from photinus.faces.demo.posterior import Posterior
from photinus.learning import fit_exact

data = load_data(seed=1)
machine = fit_exact(data.train, l2=0.01, labels=data.labels)
known, patients = data.labels[:3], data.test[:60]
evidence = {name: patients[:, k] for k, name in enumerate(known)}


def probability(substrate):
    """Return P(malignant | three measurements) of each patient, one chain for each."""
    samples = ph.sample(
        machine, substrate, chains=60, draws=200, evidence=evidence, seed=1
    )
    return samples.chain_marginals()[:, -1], samples.physical_time


def exact(patient):
    """Return the same by enumeration."""
    given = {name: int(patient[k]) for k, name in enumerate(known)}
    return machine.conditional(given).marginals()[-1]


(gibbs, _), (lasers, time) = probability("gibbs"), probability("laser")
found = Posterior(
    title="three measurements known",
    evidence=known,
    truth=patients[:, -1],
    exact=np.array([exact(patient) for patient in patients]),
    gibbs=gibbs,
    lasers=lasers,
    draws=200,
    chip_time=time,
)
ph.plots.posterior([found])
