"""The machines that samplers are timed on, and the samplers beside ours.

NumPy does the textbook block Gibbs in single precision: matrix product, logistic function, random
numbers, comparison. On grids it adds shifted arrays. On the dense machine it draws one unit of all
chains at a time. On the random sparse one it takes SciPy's sparse product.

THRML (JAX on the CPU) gets the same blocks. A program of hundreds of blocks, or of more than MOST_THRML
couplings, would take minutes to compile, so it is left out for those.

`dwave-samplers` runs its annealer at a fixed temperature with Gibbs updates, in C++. Its reads are
split over as many threads as ours. The time of a call of one sweep is taken off, as it is set-up.
"""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from photinus import BoltzmannMachine
from photinus._core.matrices import entries
from photinus.reference.colouring import colouring

GRID = 100
RESTRICTED = ((784, 500), (256, 128), (64, 32))
DENSE = 300
SPARSE, PARTNERS = 4096, 8
MOST_THRML = 50_000
"""Couplings that THRML is given."""
Sweeps = Callable[[int], object]
"""Does so many sweeps."""


def machines() -> dict[str, BoltzmannMachine]:
    """Return the machines, with fields of order one and units that are on half of the time."""
    generator = np.random.default_rng(0)
    found = {}
    for visible, hidden in RESTRICTED:
        weights = np.zeros((visible + hidden, visible + hidden))
        spread = 4 / (visible + hidden) ** 0.5
        weights[:visible, visible:] = generator.normal(scale=spread, size=(visible, hidden))
        found[f"{visible} × {hidden}"] = weights
    place = np.arange(GRID**2).reshape(GRID, GRID)
    weights = np.zeros((GRID**2, GRID**2))
    weights[place[:, :-1], place[:, 1:]] = weights[place[:-1], place[1:]] = 1.0
    found[f"grid {GRID} × {GRID}"] = weights
    spread = (5 / DENSE) ** 0.5
    found[f"dense {DENSE}"] = np.triu(generator.uniform(-spread, spread, (DENSE, DENSE)), 1)
    every = {
        name: BoltzmannMachine(upper + upper.T, -(upper + upper.T).sum(axis=1) / 2)
        for name, upper in found.items()
    }
    first = np.repeat(np.arange(SPARSE), PARTNERS // 2)
    second = (first + generator.integers(1, SPARSE, first.size)) % SPARSE
    weights = generator.normal(0, PARTNERS**-0.5, first.size)
    biases = -np.bincount(np.append(first, second), np.append(weights, weights), SPARSE) / 2
    every[f"sparse {SPARSE}"] = BoltzmannMachine.from_couplings(first, second, weights, biases)
    return every


def drawn(field: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    """Return units of these fields, each 1 with the logistic probability."""
    uniform = generator.random(field.shape, dtype=np.float32)
    return (uniform < 1 / (1 + np.exp(-field))).astype(np.float32)


def numpy_restricted(machine: BoltzmannMachine, visible: int, chains: int) -> Sweeps:
    generator = np.random.default_rng(1)
    weights = machine.weights[:visible, visible:].astype(np.float32)
    back = np.ascontiguousarray(weights.T)
    a, b = np.split(machine.biases.astype(np.float32), [visible])
    z = drawn(np.zeros((chains, visible), np.float32), generator)

    def sweeps(count: int) -> None:
        nonlocal z
        for _ in range(count):
            hidden = drawn(z @ weights + b, generator)
            z = drawn(hidden @ back + a, generator)

    return sweeps


def numpy_grid(machine: BoltzmannMachine, chains: int) -> Sweeps:
    generator = np.random.default_rng(1)
    weight = np.float32(machine.weights[0, 1])
    bias = machine.biases.astype(np.float32).reshape(GRID, GRID)
    odd = np.indices((GRID, GRID)).sum(axis=0) % 2 == 1
    z = np.zeros((chains, GRID + 2, GRID + 2), np.float32)  # a border of zeros
    inner = z[:, 1:-1, 1:-1]

    def sweeps(count: int) -> None:
        for _ in range(count):
            for colour in (odd, ~odd):
                around = z[:, :-2, 1:-1] + z[:, 2:, 1:-1] + z[:, 1:-1, :-2] + z[:, 1:-1, 2:]
                field = (weight * around + bias)[:, colour]
                inner[:, colour] = drawn(field, generator)

    return sweeps


def numpy_dense(machine: BoltzmannMachine, chains: int) -> Sweeps:
    generator = np.random.default_rng(1)
    weights, biases = machine.weights.astype(np.float32), machine.biases.astype(np.float32)
    z = np.zeros((chains, machine.n_units), np.float32)

    def sweeps(count: int) -> None:
        for _ in range(count):
            for unit in range(machine.n_units):
                z[:, unit] = drawn(z @ weights[unit] + biases[unit], generator)

    return sweeps


def numpy_sparse(machine: BoltzmannMachine, chains: int) -> Sweeps:
    """Return block Gibbs by colours, with SciPy's product of a sparse matrix."""
    generator = np.random.default_rng(1)
    weights = scipy.sparse.csr_array(machine.matrix, dtype=np.float32)
    biases = machine.biases.astype(np.float32)[:, None]
    colour = colouring(machine.matrix)
    blocks = [np.flatnonzero(colour == c) for c in range(colour.max() + 1)]
    rows = [weights[block] for block in blocks]
    z = np.zeros((machine.n_units, chains), np.float32)

    def sweeps(count: int) -> None:
        for _ in range(count):
            for block, own in zip(blocks, rows, strict=True):
                z[block] = drawn(own @ z + biases[block], generator)

    return sweeps


def numpy_sampler(name: str, machine: BoltzmannMachine, chains: int) -> Sweeps:
    if name.startswith("grid"):
        return numpy_grid(machine, chains)
    if name.startswith("dense"):
        return numpy_dense(machine, chains)
    if name.startswith("sparse"):
        return numpy_sparse(machine, chains)
    return numpy_restricted(machine, int(name.split()[0]), chains)


def upper(
    machine: BoltzmannMachine,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return the pairs that are coupled, each once, and their weights."""
    first, second, weight = entries(machine.matrix)
    once = first < second
    return first[once], second[once], weight[once]


def thrml_sampler(machine: BoltzmannMachine, chains: int) -> Sweeps:
    """Return THRML's block Gibbs sampling of the machine, blocks by colour."""
    import jax
    from thrml import Block, SamplingSchedule, SpinNode, sample_states
    from thrml.models import IsingEBM, IsingSamplingProgram, hinton_init

    # Spins s = 2 z - 1: a coupling is W/4, a bias b/2 + Σ W/4.
    first, second, weight = upper(machine)
    nodes = [SpinNode() for _ in range(machine.n_units)]
    edges = [(nodes[i], nodes[j]) for i, j in zip(first, second, strict=True)]
    sums = np.bincount(np.append(first, second), np.append(weight, weight), minlength=machine.n_units)
    model = IsingEBM(
        nodes,
        edges,
        jax.numpy.array(machine.biases / 2 + sums / 4),
        jax.numpy.array(weight / 4),
        jax.numpy.array(1.0),
    )
    colour = colouring(machine.matrix)
    blocks = [Block([nodes[k] for k in np.flatnonzero(colour == c)]) for c in range(colour.max() + 1)]
    program = IsingSamplingProgram(model, blocks, clamped_blocks=[])
    start, key = jax.random.split(jax.random.key(1))
    state = hinton_init(start, model, blocks, (chains,))
    keys = jax.random.split(key, chains)
    compiled: dict[int, Callable[..., object]] = {}

    def sweeps(count: int) -> None:
        if count not in compiled:
            schedule = SamplingSchedule(n_warmup=count, n_samples=1, steps_per_sample=1)
            compiled[count] = jax.jit(
                jax.vmap(lambda key, z: sample_states(key, program, schedule, z, [], blocks))
            )
        jax.block_until_ready(compiled[count](keys, state))

    return sweeps


def dwave_sampler(machine: BoltzmannMachine, chains: int, threads: int) -> Sweeps:
    """Return the annealer of dwave-samplers at a fixed temperature; sweeps are Gibbs updates."""
    import dimod
    from dwave.samplers import SimulatedAnnealingSampler

    first, second, weight = upper(machine)
    model = dimod.BinaryQuadraticModel.from_numpy_vectors(
        -machine.biases, (first, second, -weight), 0.0, "BINARY"
    )
    sampler = SimulatedAnnealingSampler()

    def sweeps(count: int) -> None:
        def read(seed: int) -> None:
            sampler.sample(
                model,
                num_reads=chains // threads,
                beta_schedule_type="custom",
                beta_schedule=[1.0],
                num_sweeps_per_beta=count,
                proposal_acceptance_criteria="Gibbs",
                seed=seed,
            )

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(read, range(threads)))

    return sweeps


def beside(name: str, machine: BoltzmannMachine, chains: int, threads: int) -> dict[str, Sweeps]:
    """Return the other samplers that are installed and can take this machine."""
    found = {"NumPy": numpy_sampler(name, machine, chains)}
    few_blocks = not name.startswith("dense")
    if few_blocks and find_spec("thrml") and len(upper(machine)[0]) <= MOST_THRML:
        found["THRML"] = thrml_sampler(machine, chains)
    if find_spec("dwave"):
        found["dwave-samplers"] = dwave_sampler(machine, chains, threads)
    return found


@contextlib.contextmanager
def blas_threads(threads: int) -> Iterator[None]:
    """Limit NumPy's matrix products to as many threads as our sampler uses."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        print("threadpoolctl is missing: NumPy uses as many threads as it likes")
        yield
        return
    with threadpool_limits(threads):
        yield
