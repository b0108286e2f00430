"""Spread a run over the nodes of a SLURM cluster: the draws are those of a single process.

``pip install 'photinus[workers]' dask-jobqueue``, then ``python examples/slurm.py`` on a login node.
Each job is one worker with one core. A worker that dies, or whose time is over, costs what it had in
hand.
"""

import argparse

import numpy as np

import photinus as ph

UNITS = 20


def sampled(workers: str | None, chains: int = 64, draws: int = 200) -> ph.Samples:
    """Return samples of a random machine, drawn by the workers of the scheduler at this address."""
    random = np.random.default_rng(1)
    upper = np.triu(random.normal(0, 0.3, (UNITS, UNITS)), 1)
    machine = ph.BoltzmannMachine(upper + upper.T, random.normal(0, 0.5, UNITS))
    counts = {"chains": chains, "draws": draws, "burn_in": draws // 10}
    return ph.sample(machine, "laser", seed=1, workers=workers, **counts)


def main() -> None:
    from dask_jobqueue import SLURMCluster

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=16)
    parser.add_argument("--queue", help="the partition")
    options = parser.parse_args()
    with SLURMCluster(
        queue=options.queue, cores=1, processes=1, memory="2GB", walltime="01:00:00"
    ) as cluster:
        cluster.scale(jobs=options.jobs)
        cluster.wait_for_workers(1)
        print(sampled(cluster.scheduler_address).fidelity().verdict)


if __name__ == "__main__":
    main()
