"""How far a reduced laser is from full physics, in runs that no fit has seen."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from photinus.calibration.trials import (
    CHAINS,
    COUPLED,
    COUPLED_CHAINS,
    COUPLINGS,
    SmallNetworks,
    activation_of,
    pulsed,
    random_machines,
    response,
    run_reduced,
    uncoupled,
)
from photinus.engines.reduced.model import Agreement, EscapeRate
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import SpikeTrains
from photinus.translation.neuron import Neuron

PUMPS = (-1.0, 0.5, 2.0)
"""Distances from the midpoint, in slopes, at which intervals are compared."""
JUDGED = 22
"""Seed of the random machines that tell how well, other ones than those that are fitted."""
SWEPT = (-6.0, 8.0)
"""Range of the same, over which activations are compared."""


def divergence(p: NDArray[np.float64], q: NDArray[np.float64], windows: float) -> float:
    """Return KL(p‖q) of two joints seen for so many state windows, in nats.

    Half a window is shared out among the states of each, so that a state which one has not met costs
    little.
    """
    p, q = ((each * windows + 0.5 / len(each)) / (windows + 0.5) for each in (p, q))
    return float(np.sum(p * np.log(p / q)))


def measure_agreement(
    neuron: Neuron,
    reduced: EscapeRate,
    full: Callable[..., SpikeTrains],
    seed: np.random.SeedSequence,
    threads: int | None,
) -> Agreement:
    """Compare runs of the reduced laser with others at full physics than those that were fitted."""
    from scipy.stats import ks_2samp

    window = neuron.window

    def run(network: LaserNetwork, windows: int, chains: int = CHAINS) -> SpikeTrains:
        return run_reduced(network, reduced, windows, seed, threads, chains)

    drives = neuron.midpoint + neuron.slope * np.arange(SWEPT[0], SWEPT[1] + 1)
    single = uncoupled(neuron, drives[drives > 0])
    pair = full(single, 1000, 2), run(single, 4000)
    activation = [activation_of(spikes, window) for spikes in pair]
    at = neuron.midpoint + neuron.slope * np.array(PUMPS)
    three = uncoupled(neuron, at)
    spikes = full(three, 2000, 3), run(three, 4000)
    distance = [
        ks_2samp(*both).statistic for both in zip(*(some.intervals() for some in spikes), strict=True)
    ]
    small = SmallNetworks.of(neuron, random_machines(JUDGED))
    coupled = (
        full(small.network, COUPLED, 3, COUPLED_CHAINS),
        run(small.network, COUPLED, COUPLED_CHAINS),
    )
    q, p = (small.joints(spikes) for spikes in coupled)
    seen = COUPLED * COUPLED_CHAINS
    kl = [divergence(*pair, seen) for pair in zip(p, q, strict=True)]
    strong = len(kl) // len(COUPLINGS)
    heard = pulsed(neuron)
    responses = full(heard, 3000, 2), run(heard, 6000)
    by_delay = [response(one, window) for one in responses]
    return Agreement(
        activation=float(np.abs(activation[0] - activation[1]).max()),
        intervals=float(max(distance)),
        response=float(np.sqrt(np.mean((by_delay[0] - by_delay[1]) ** 2))),
        networks=float(np.mean(kl[:-strong])),
        strong=float(np.mean(kl[-strong:])),
    )
