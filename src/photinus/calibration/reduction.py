"""How a reduced laser is measured on the full model of the same device.

1. Uncoupled lasers at constant pumps give intervals; their hazard over age and drive is smoothed as a
   Poisson regression on a tensor product of B-splines with second-order penalties (P-splines; Eilers &
   Marx 1996, Stat. Sci. 11, 89; arrays as in Currie, Durbán & Eilers 2006, J. R. Stat. Soc. B 68, 259).
2. Random machines of four units, weights and biases of both signs up to `COUPLINGS`, and the
   calibration's pairs and triples give the joint distributions of coupled lasers. The seven constants
   of the membrane are those whose joints come closest. To second order a KL is ½ Σ (p - q)²/q over
   states, a sum of squares. Gauss–Newton with Marquardt's damping minimises it (Marquardt 1963, J. Soc.
   Indust. Appl. Math. 11, 431).
3. Other runs, other seeds: activation, intervals, response to a pulse at several delays after a spike,
   and the joints of other random machines, reduced against full. Where they disagree by more than
   `LIMITS` the reduced laser is not used.
"""

from collections.abc import Callable

import numpy as np

from photinus._core import validate
from photinus._core.streams import Seed, seed_sequence
from photinus._core.threads import available_threads
from photinus.calibration.agreement import measure_agreement
from photinus.calibration.hazard import smooth_hazard
from photinus.calibration.membrane import GUESS, constants_of, fit_membrane
from photinus.calibration.synapse import MACHINES
from photinus.calibration.trials import (
    CHAINS,
    COUPLED,
    COUPLED_CHAINS,
    START_FORGOTTEN,
    SmallNetworks,
    random_machines,
    uncoupled,
)
from photinus.engines.laser.simulator import Simulator
from photinus.engines.reduced.model import EscapeRate, ReducedLaser
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import SpikeTrains
from photinus.translation.neuron import Neuron

STEPS_PER_WINDOW = 14
"""Steps of the recursion in a state window; docs/explanation/reduced.md compares others."""
AGES_PER_WINDOW = 60
"""Ages of the table in a state window."""
OLDEST = 3.0
"""Age after which a hazard counts as constant [τ]."""
LOG_ODDS = np.concatenate([np.linspace(-8, 8, 33), [9, 10, 11, 12]])
"""Drives at which intervals are measured, as distances from the midpoint in slopes."""
COLUMNS = 101
"""Drives of the table, over the range of `LOG_ODDS`."""
WINDOWS = 600
"""State windows measured for the hazard."""
FITTED = 21
"""Seed of the random machines that are fitted."""
PIECES = 8


def reduce_laser(
    neuron: Neuron,
    *,
    steps: int = STEPS_PER_WINDOW,
    seed: Seed = 0,
    threads: int | None = None,
    advance: Callable[[], None] = lambda: None,
) -> ReducedLaser:
    """Measure the reduced laser of a calibrated device; takes a few minutes on two cores.

    Parameters
    ----------
    neuron
        The device, with its state window and synapse.
    steps
        Steps of the recursion in a state window.
    seed
        Integer, SeedSequence or None.
    threads
        Number of threads; by default all cores that this process may use.
    advance
        Called `STAGES` times on the way.

    Raises
    ------
    InvalidInput
        If the neuron is no laser, or `steps` are less than four.
    """
    validate.instance("neuron", neuron, Neuron)

    steps = validate.integer("steps", steps, 4)
    sequences = seed_sequence(seed).spawn(5)
    laser, window = neuron.laser, neuron.window
    drives = neuron.midpoint + neuron.slope * LOG_ODDS
    drives = drives[drives > 0]

    def run(network: LaserNetwork, windows: int, which: int, chains: int = CHAINS) -> SpikeTrains:
        simulator = Simulator(
            network,
            chains=chains,
            seed=sequences[which],
            time_step=neuron.time_step,
            threads=threads,
        )
        simulator.advance(START_FORGOTTEN * window)
        return SpikeTrains.joined([simulator.advance(windows * window / PIECES) for _ in range(PIECES)])

    single = run(uncoupled(neuron, drives), WINDOWS, 0)
    advance()
    # The table is over what the laser gets, behind its driver.
    driver = laser.driver.scaled(laser.gain_lifetime)
    pumps = driver.pump(drives)
    drive = np.linspace(pumps[0], pumps[-1], COLUMNS)
    bin_ = window / AGES_PER_WINDOW
    age = np.asarray((np.arange(round(OLDEST * AGES_PER_WINDOW)) + 0.5) * bin_, np.float64)
    log_hazard = smooth_hazard(single, pumps, drive, len(age), bin_) + np.log(laser.gain_lifetime)
    advance()
    start = EscapeRate(
        time_step=window / steps,
        midpoint=float(driver.pump(neuron.midpoint)),
        slope=neuron.slope,
        threshold_carriers=laser.threshold_carriers,
        gain_lifetime=laser.gain_lifetime,
        drive=drive,
        age=age,
        log_hazard=log_hazard,
        **constants_of(GUESS, laser.gain_lifetime, laser.threshold_carriers),
    )
    machines = [*random_machines(FITTED), *MACHINES]
    small = SmallNetworks.of(neuron, machines)
    coupled = small.joints(run(small.network, COUPLED, 1, COUPLED_CHAINS))
    rate = fit_membrane(start, small, coupled, sequences[1], available_threads(threads))
    advance()
    agreement = measure_agreement(neuron, rate, run, sequences[4], threads)
    advance()
    return ReducedLaser.of(rate, agreement)


STAGES = 4
"""Calls of `advance` while a laser is reduced."""
