"""
The ground state of ten spins
=============================

A quantum state is learned from measurements, and sampled on lasers. Overlap, energy and correlations
are compared with the exact state.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import diags_array
from scipy.sparse.linalg import eigsh

import photinus as ph

plt.style.use(ph.plots.style())
mm = 1 / 25.4  # Matplotlib counts in inches

# %%
# Ten spins in a row, with open ends, in a transverse field as strong as their coupling:
# H = -Σ σᶻσᶻ - Σ σˣ. A spin that is up is a unit that is 1. The matrix of H is small
# enough to write down.

SPINS = 10
up = np.arange(2**SPINS)[:, None] >> np.arange(SPINS)[::-1] & 1
spin = 2 * up - 1
hamiltonian = diags_array(
    -(spin[:, 1:] * spin[:, :-1]).sum(axis=1).astype(float)
).tolil()
for k in range(SPINS):
    for state in range(2**SPINS):
        hamiltonian[state, state ^ (1 << k)] = -1
hamiltonian = hamiltonian.tocsr()

# %%
# The measurements are an example of QuCumber (Beach et al. 2019), with the exact wave function beside.
# PHOTINUS_DATA names the folder of such files. Without them, the stand-in is the lowest state of the
# matrix, measured as many times here.

folder = Path(os.environ.get("PHOTINUS_DATA", "../../../shared/data")) / "quantum"
lowest = np.abs(eigsh(hamiltonian, k=1, which="SA", v0=np.ones(2**SPINS))[1][:, 0])
if (folder / "tfim1d_data.txt").is_file():
    print("measurements: tfim1d of QuCumber")
    measured = np.loadtxt(folder / "tfim1d_data.txt", dtype=int)
    exact = np.loadtxt(folder / "tfim1d_psi.txt")[:, 0]
    print(
        f"overlap of its wave function with the lowest state of H: {exact @ lowest:.6f}"
    )
else:
    print(
        "measurements: a stand-in from exact diagonalisation, as tfim1d_data.txt was not found"
    )
    exact = lowest
    measured = up[np.random.default_rng(1).choice(2**SPINS, 10_000, p=exact**2)]
print(len(measured), "measurements of", measured.shape[1], "spins")

# %%
# A ground state of this kind has no signs: ψ = √p. So p is all there is to learn. Here p is a Boltzmann
# machine without hidden units, of maximum likelihood.

machine = ph.BoltzmannMachine.fit(measured, l2=1e-3)
print(f"weights {machine.weights.min():.2f} to {machine.weights.max():.2f}")

# %%
# Such weights are strong for lasers. Refinement corrects drives and couplings by what the lasers do.
# Then they are sampled.

calibration = ph.Calibration.preset("fast-absorber")
refinement = ph.refine(
    machine, calibration, chains=64, draws=100, most_rounds=3, seed=2
)
samples = ph.sample(
    machine,
    "laser",
    network=refinement.network,
    chains=64,
    draws=300,
    burn_in=100,
    seed=3,
)
print(samples.fidelity().verdict)

# %%
# Every state has its number: the spins read as binary digits. The wave function of any distribution is
# its root, and its energy is ⟨ψ|H|ψ⟩.

place = machine.states() @ (1 << np.arange(SPINS)[::-1])


def by_number(joint):
    """Return probabilities of the machine's states in the order of the wave function."""
    return joint[np.argsort(place)]


def counted(states):
    """Return how often each state was seen."""
    numbers = states.reshape(-1, SPINS) @ (1 << np.arange(SPINS)[::-1])
    return np.bincount(numbers, minlength=2**SPINS) / len(numbers)


found = {
    "exact": exact**2,
    "measurements": counted(measured),
    "machine": by_number(machine.joint()),
    "lasers": by_number(samples.joint()),
}

# %%
# The correlation of the first spin with each other one, and the amplitudes state by state:

figure, (near, each) = plt.subplots(
    1, 2, figsize=(180 * mm, 68 * mm), layout="constrained"
)
for (name, p), style in zip(found.items(), ("k-", "k^", "--", "C0o"), strict=True):
    colour = {"color": "0.6"} if name == "machine" else {}
    ends = [p @ (spin[:, 0] * spin[:, k]) for k in range(1, SPINS)]
    near.plot(range(2, SPINS + 1), ends, style, label=name, **colour)
near.set_xlabel("spin k")
near.set_ylabel(r"correlation $\langle\sigma^z_1\,\sigma^z_k\rangle$")
near.legend()
each.loglog(exact, np.sqrt(found["lasers"]), ".", ms=2, color="C0", label="lasers")
each.loglog(exact, np.sqrt(found["machine"]), "_", ms=3, color="0.6", label="machine")
each.axline((0.01, 0.01), (0.1, 0.1), color="k", lw=0.8)
each.set_xlabel("exact amplitude of a state")
each.set_ylabel("√p of the same state")
each.legend()
for letter, axes in zip("ab", (near, each), strict=True):
    axes.set_title(letter, loc="left", weight="bold")
plt.show()

# %%
# What was seen: lasers sample a quantum state. The overlap is ⟨ψ|√p⟩. *Neighbours* and *ends* are
# correlations of the first spin with the second and the last. A finite count misses rare states. This
# lowers the overlap and raises the energy, even for measurements of the true state.

print(f"{'':14}{'overlap':>9}{'energy':>10}{'neighbours':>12}{'ends':>8}")
for name, p in found.items():
    psi = np.sqrt(p)
    next_to, ends = (p @ (spin[:, 0] * spin[:, k]) for k in (1, SPINS - 1))
    print(
        f"{name:14}{psi @ exact:9.4f}{psi @ hamiltonian @ psi:10.3f}{next_to:12.3f}{ends:8.3f}"
    )
