"""Two straight lines instead of the measured curve: of least error in drive, and in log-odds.

A unit's drive is m + s·u instead of x(u). Near u the log-odds are then off by the error of the drive
over x'(u), so the two choices differ by the weight 1/x'(u)². Each line is judged without lasers: ideal
neurons are given the measured curve, and the stationary law of their Markov chain is solved. Prints a
Markdown table over random machines and the demo's machine.

    python studies/lines.py [--machines 100]
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from photinus import BoltzmannMachine, Calibration, sample
from photinus.diagnostics.distance import kl_divergence
from photinus.faces.demo.patients import L2, load_data
from photinus.networks.couplings import dense
from photinus.translation.rules import translate

DEVICES = ("fast-absorber", "high-beta", "slow-absorber", "vcsel-sa")
FIRST_SEED = 80_000
"""Of the machines; tests and calibrations draw others."""


def random_machine(seed: int, scale: float) -> BoltzmannMachine:
    generator = np.random.default_rng(seed)
    weights = np.triu(generator.uniform(-scale, scale, (5, 5)), 1)
    return BoltzmannMachine(weights + weights.T, generator.uniform(-scale, scale, 5))


def line(
    machine: BoltzmannMachine, calibration: Calibration, *, log_odds: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return drives and couplings by the line of least error, of drives or of log-odds."""
    field = machine.states() @ machine.weights + machine.biases
    on = 1 / (1 + np.exp(-field))
    weight = machine.joint()[:, None] * on * (1 - on)
    if log_odds:
        rise = (calibration.drive_at(field + 0.05) - calibration.drive_at(field - 0.05)) / 0.1
        weight = weight / rise**2
    weight = weight / weight.sum(axis=0)
    drive = calibration.drive_at(field)
    mean, level = (weight * field).sum(axis=0), (weight * drive).sum(axis=0)
    slope = (weight * (field - mean) * (drive - level)).sum(axis=0)
    slope /= (weight * (field - mean) ** 2).sum(axis=0)
    return level + slope * (machine.biases - mean), slope[:, None] * machine.weights


def law(
    drive: NDArray[np.float64], coupling: NDArray[np.float64], calibration: Calibration
) -> NDArray[np.float64]:
    """Return the stationary law of neurons with the measured curve, array (2**unit,).

    A unit goes on at the rate exp(u) and off at the rate 1; u is where x(u) is its drive.
    """
    n = len(drive)
    index = np.arange(2**n)
    states = (index[:, None] >> np.arange(n)) & 1
    scale = np.linspace(-12, 12, 4801)
    curve = np.maximum.accumulate(calibration.drive_at(scale) + 1e-12 * scale)
    field = np.interp(states @ coupling.T + drive, curve, scale)
    rates = np.zeros((2**n, 2**n))
    for k in range(n):
        rates[index ^ (1 << k), index] = np.where(states[:, k] == 1, 1.0, np.exp(field[:, k]))
    rates[index, index] = -rates.sum(axis=0)
    rates[-1] = 1.0
    return np.asarray(np.linalg.solve(rates, np.eye(2**n)[-1]))


def divergence(machine: BoltzmannMachine, calibration: Calibration, *, log_odds: bool) -> float:
    """Return KL(law‖target) of the network that one of the lines gives [nats]."""
    drive, coupling = line(machine, calibration, log_odds=log_odds)
    found = np.maximum(law(drive, coupling, calibration), 1e-300)
    return kl_divergence(found, machine.joint())


def demo_machine(seed: int) -> BoltzmannMachine:
    """Return the machine of the demo, learned from one split of the patients."""
    data = load_data(seed)
    return BoltzmannMachine.fit(data.train, l2=L2, labels=data.labels)


def on_lasers(device: str) -> list[float]:
    """Return KL(sampled‖target) of the demo's machine on lasers, by both lines [nats]."""
    machine, calibration = demo_machine(0), Calibration.preset(device)
    network = translate(machine, calibration)
    found = []
    for log_odds in (False, True):
        built = network.driven(*line(machine, calibration, log_odds=log_odds))
        run = sample(machine, network=built, chains=128, draws=150, burn_in=25, seed=3)
        found.append(kl_divergence(run.free_joint(), machine.joint()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Which straight line for the measured curve.")
    parser.add_argument("--machines", type=int, default=100, help="random machines of each scale")
    parser.add_argument("--lasers", action="store_true", help="the demo's machine on lasers instead")
    options = parser.parse_args()
    if options.lasers:
        for device in DEVICES[:2]:
            print(device, *(f"{kl:.2g}" for kl in on_lasers(device)))
        return
    cases = {
        f"±{scale:g}": [random_machine(FIRST_SEED + k, scale) for k in range(options.machines)]
        for scale in (1.0, 2.0, 4.0)
    }
    cases["demo"] = [demo_machine(seed) for seed in range(10)]
    print("| laser | machines | count | least error of drive | of log-odds | log-odds better |")
    print("|---|---|---|---|---|---|")
    for device in DEVICES:
        calibration = Calibration.preset(device)
        for case, machines in cases.items():
            first = line(machines[0], calibration, log_odds=False)
            network = translate(machines[0], calibration)
            np.testing.assert_allclose(first[1], dense(network.coupling), rtol=1e-3)
            values = np.array(
                [[divergence(m, calibration, log_odds=way) for way in (False, True)] for m in machines]
            )
            cells = [f"{np.median(v):.2g} ({v.max():.2g})" for v in values.T]
            better = np.mean(values[:, 1] < values[:, 0])
            print(f"| {device} | {case} | {len(machines)} | {' | '.join(cells)} | {better:.0%} |")


if __name__ == "__main__":
    main()
