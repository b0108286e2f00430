"""Time Gibbs sampling: nanoseconds of wall time per unit update, beside plain NumPy and THRML.

Machines: restricted ones (visible × hidden), a chessboard (grid), a dense one; chains in one batch.
NumPy does the textbook block Gibbs in single precision: matrix product, logistic function, random
numbers, comparison; on the grid shifted sums, on the dense machine one unit of all chains at a time.
THRML (`pip install thrml`, JAX on the CPU) gets the same blocks; it is left out where it is not
installed, for the dense machine, and for more couplings than `--thrml-couplings`. Ours costs what
flips, so the share of units that flip in a sweep is printed as well. The ratio is the time over ours.
"""

import argparse
import contextlib
import platform
import statistics
import time
from collections.abc import Callable, Iterator

import numba
import numpy as np
from numpy.typing import NDArray

from photinus import BoltzmannMachine, __version__
from photinus.reference.colouring import colouring
from photinus.reference.gibbs import GibbsSampler

GRID = 32
RESTRICTED = ((784, 500), (256, 128), (64, 32))
DENSE = 300
UPDATES_PER_RUN = 2e7
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
    return {
        name: BoltzmannMachine(upper + upper.T, -(upper + upper.T).sum(axis=1) / 2)
        for name, upper in found.items()
    }


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


def numpy_sampler(name: str, machine: BoltzmannMachine, chains: int) -> Sweeps:
    if name.startswith("grid"):
        return numpy_grid(machine, chains)
    if name.startswith("dense"):
        return numpy_dense(machine, chains)
    return numpy_restricted(machine, int(name.split()[0]), chains)


def thrml_sampler(machine: BoltzmannMachine, chains: int) -> Sweeps:
    """Return THRML's block Gibbs sampling of the machine, blocks by colour."""
    import jax
    from thrml import Block, SamplingSchedule, SpinNode, sample_states
    from thrml.models import IsingEBM, IsingSamplingProgram, hinton_init

    couplings, biases, _ = machine.to_spin()
    nodes = [SpinNode() for _ in range(machine.n_units)]
    first, second = np.nonzero(np.triu(couplings))
    edges = [(nodes[i], nodes[j]) for i, j in zip(first, second, strict=True)]
    weights = jax.numpy.array(-couplings[first, second])
    model = IsingEBM(nodes, edges, jax.numpy.array(-biases), weights, jax.numpy.array(1.0))
    colour = colouring(couplings != 0)
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


def times(sweeps: Sweeps, count: int, runs: int) -> tuple[float, float]:
    """Return best and median seconds of `count` sweeps, after one call to compile and warm up."""
    sweeps(count)
    walls = []
    for _ in range(runs):
        begin = time.perf_counter()
        sweeps(count)
        walls.append(time.perf_counter() - begin)
    return min(walls), statistics.median(walls)


def flip_share(sampler: GibbsSampler) -> float:
    """Return the share of units that a sweep changes."""
    states = sampler.run(10).astype(np.int8)
    return float((np.diff(states, axis=1) != 0).mean())


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--chains", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1, help="of ours and of NumPy; JAX has its own")
    parser.add_argument("--updates", type=float, default=UPDATES_PER_RUN, help="unit updates per run")
    parser.add_argument("--thrml-couplings", type=int, default=50_000)
    parser.add_argument("--only", nargs="*", help="machines whose name begins like this")
    options = parser.parse_args()
    print(
        f"Photinus {__version__}, Numba {numba.__version__}, NumPy {np.__version__}, Python "
        f"{platform.python_version()}, {options.chains} chains, {options.threads} thread(s)"
    )
    try:
        import thrml
    except ImportError:
        thrml = None
        print("THRML is missing: pip install thrml")
    print("machine         sampler   ns/update (best, median)   time/ours   units that flip")
    with blas_threads(options.threads):
        for name, machine in machines().items():
            if options.only and not name.startswith(tuple(options.only)):
                continue
            ours = GibbsSampler(machine, chains=options.chains, seed=0, threads=options.threads)
            ours.run(0, skip=100)
            samplers: dict[str, Sweeps] = {
                "Photinus": lambda count, sampler=ours: sampler.run(0, skip=count),  # type: ignore[misc]
                "NumPy": numpy_sampler(name, machine, options.chains),
            }
            few_blocks = not name.startswith("dense")  # a program of hundreds of blocks takes minutes
            pairs = np.count_nonzero(machine.weights) // 2
            if thrml is not None and few_blocks and pairs <= options.thrml_couplings:
                samplers["THRML"] = thrml_sampler(machine, options.chains)
            updates = options.chains * machine.n_units
            count = max(1, round(options.updates / updates))
            median = 0.0
            for label, sweeps in samplers.items():
                fewer = max(1, count // 10) if label == "THRML" else count
                best, middle = (1e9 * t / fewer / updates for t in times(sweeps, fewer, options.runs))
                median = median or middle
                share = f"{flip_share(ours):12.2f}" if label == "Photinus" else ""
                print(
                    f"{name:15s} {label:9s} {best:11.2f} {middle:10.2f} {middle / median:14.1f} {share}"
                )


if __name__ == "__main__":
    main()
