"""What a synapse does to a laser: linear theory of the quiet laser against what is measured.

Prints (1) the static gain, the time constant and the predicted synapse of the shipped lasers at several
biases beside the calibrated synapse, and (2) the change of a laser's log-hazard over the time since a
partner's spike, which an ideal synapse moves by W during τ (Buesing et al. 2011). Keeps what
docs/images/response.png is drawn from. A minute on two cores.

    python -m studies.response
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from studies.pictures import stored

from photinus import Calibration, LaserNetwork, SpikeTrains, SynapticKernel, simulate, translate
from photinus.devices.laser import LASER_PRESETS
from photinus.devices.laser.response import predicted_kernel, response
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.units import ps

BIASES = (-3.0, -1.5, 0.0)
CHAINS, WINDOWS, BINS = 512, 400, 24
"""Chains, state windows of each, and bins of the time since a spike, up to two windows."""
TARGET_BIAS, SOURCE_BIAS = 0.0, -1.0
WEIGHTS = (1.0, -1.0)


def theory() -> None:
    """Print linear theory beside the calibrated synapse."""
    print("| laser | bias | static gain | time constant | predicted kick, sustain | calibrated |")
    print("|---|---|---|---|---|---|")
    for name in LASER_PRESETS:
        calibration = Calibration.preset(name)
        laser, kernel = calibration.laser, calibration.kernel
        for bias in BIASES:
            pump = float(calibration.drive_at(np.array([bias]))[0]) / laser.gain_lifetime
            answer = response(laser, pump)
            kick, sustain = predicted_kernel(laser, pump, calibration.window)
            slowest = -1 / answer.quiet.eigenvalues[0].real
            print(
                f"| {name} | {bias:+.1f} | {answer.static_gain:.2f} | {slowest / ps:,.0f} ps "
                f"| {kick:.2f}, {sustain:.2f} | {kernel.kick:.2f}, {kernel.sustain:.2f} |"
            )


def pair(calibration: Calibration, weight: float, kernel: SynapticKernel) -> LaserNetwork:
    """Return a source and a target that it drives, one way."""
    machine = BoltzmannMachine(np.zeros((2, 2)), [SOURCE_BIAS, TARGET_BIAS])
    network = translate(machine, replace(calibration, kernel=kernel))
    coupling = np.zeros((2, 2))
    coupling[1, 0] = weight * calibration.slope
    return network.driven(network.drive, coupling)


def hazard(
    spikes: SpikeTrains, window: float, *, onsets_at: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the target's hazard [1/s] and its relative error over the time since source spikes.

    Only source spikes count that open a pulse (none in the window before), and only as long as the
    target has been silent since one window before and the source since the spike's own window ended.
    """
    edges = np.linspace(0, 2 * window, BINS + 1)
    fired, at_risk = np.zeros(BINS), np.zeros(BINS)
    for chain in range(spikes.chains):
        mine = spikes.chain == chain
        source = spikes.time[mine & (spikes.unit == onsets_at)]
        target = spikes.time[mine & (spikes.unit == 1)]
        opening = source[np.diff(source, prepend=-np.inf) > window]
        opening = opening[(opening > 10 * window) & (opening < spikes.stop - 2 * window)]
        last = np.searchsorted(target, opening) - 1
        silent = (last < 0) | (opening - target[np.maximum(last, 0)] > window)
        opening, last = opening[silent], last[silent]
        following = np.append(target, np.inf)[last + 1] - opening
        again = np.append(source, np.inf)[np.searchsorted(source, opening, side="right")] - opening
        until = np.minimum(np.minimum(following, again), 2 * window)
        at_risk += np.clip(until[:, None] - edges[:-1], 0, np.diff(edges)).sum(axis=0)
        fired += np.histogram(following[following <= until], edges)[0]
    return fired / at_risk, 1 / np.sqrt(np.maximum(fired, 1))


def measured(calibration: Calibration, weight: float, kernel: SynapticKernel) -> tuple[NDArray, ...]:
    """Return the change of the log-hazard and its error, array (bin,) each."""
    window = calibration.window
    rows = []
    for w, seed in ((weight, 1), (0.0, 2)):
        network = pair(calibration, w, kernel)
        spikes = simulate(network, WINDOWS * window, chains=CHAINS, seed=seed, progress=True)
        rows.append(hazard(spikes, window, onsets_at=0))
    (driven, error), (free, free_error) = rows
    return np.log(driven / free), np.hypot(error, free_error)


def main() -> None:
    theory()
    calibration = Calibration.preset()
    tau = calibration.window
    kernels = {
        "calibrated": calibration.kernel,
        "plain rectangle": SynapticKernel(kick=0.0, sustain=1.0, duration=tau),
    }
    middle = (np.arange(BINS) + 0.5) * 2 / BINS
    parts = (middle < 1, middle < 0.25, (middle > 0.75) & (middle < 1), (middle > 1) & (middle < 1.5))
    print("\n| synapse | weight | mean change over τ | first quarter | last quarter | next half τ |")
    print("|---|---|---|---|---|---|")
    found = []
    for weight in WEIGHTS:
        for name, kernel in kernels.items():
            change, error = measured(calibration, weight, kernel)
            found.append((change, error))
            means = " | ".join(f"{change[part].mean():+.2f}" for part in parts)
            print(f"| {name} | {weight:+.0f} | {means} |")
    change, error = np.moveaxis(np.array(found).reshape(len(WEIGHTS), len(kernels), 2, BINS), 2, 0)
    kept = {"time": middle, "weights": np.array(WEIGHTS), "synapses": np.array(list(kernels))}
    stored.write("response", kept | {"change": change, "error": error})


if __name__ == "__main__":
    main()
