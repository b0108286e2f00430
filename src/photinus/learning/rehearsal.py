"""A gauge chosen by a rehearsal on reduced lasers, for networks that are to be refined.

Refinement takes away what biases and weights can. What it leaves are correlations of three and more
units. They come from the timing of spikes, of which curve and pair table know nothing. Much depends on
which neurons stand for 1 - z of their unit. Reduced lasers show it within milliseconds, before anything
is refined, and nearly as full physics does.
"""

import functools

import numpy as np

from photinus._core import hush, validate
from photinus._core.gauge import Gauge, checked
from photinus.calibration import Calibration
from photinus.diagnostics.distance import chain_joints
from photinus.diagnostics.parts import kl_parts
from photinus.errors import InvalidInput, NotConverged, TranslationWarning
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.samplers.sampling import sample
from photinus.translation.rules import translate

MOST_UNITS = 10
"""Units up to which a gauge is rehearsed: beyond, joints take too many draws, and too much time."""
CHAINS, DRAWS = 128, 1200
"""Size of a run: rare states have to be seen. Each costs some 50 ms for five lasers."""
PASSES = 6
"""Units that may be flipped one after the other."""
LESS, CLEAR = 0.5, 4.0
"""Part of what was left, and what was gained over its noise, that make another gauge worth it."""


def rehearsed_gauge(
    machine: BoltzmannMachine,
    calibration: Calibration,
    gauge: Gauge,
    seed: np.random.SeedSequence,
    threads: int | None = None,
) -> Gauge:
    """Return the gauge near `gauge` in which reduced lasers leave least that cannot be corrected.

    Units are flipped one by one, always the one that gains most. The result is `gauge` itself unless
    another one leaves half of it at most, and that stands out of the noise. It is `gauge`, too, beyond
    `MOST_UNITS` units, and where a pair of lasers never shows one of its states. The calibration must
    have a reduced laser that is like its device.

    Parameters
    ----------
    machine, calibration
        The target, and the lasers to use.
    gauge : array (unit,) of bool
        The gauge to begin with.
    seed
        Of the runs. All have the same one, so that they differ by their gauge more than by chance.
    threads
        As in `photinus.sample`.

    Raises
    ------
    InvalidInput
        If an argument is not allowed.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Calibration)
    gauge = checked(gauge, machine.n_units)
    if calibration.reduced is None or calibration.reduced.agreement.failures():
        return gauge
    if not 3 <= machine.n_units <= MOST_UNITS:
        return gauge

    @functools.cache  # a flip leads back to gauges that were tried before
    def left(*flips: bool) -> tuple[float, float]:
        """Return what no correction can take away, with its noise, and the noise alone [nats]."""
        network = translate(machine, calibration, rule="measured", gauge=flips)
        samples = sample(
            machine,
            "laser-reduced",
            calibration=calibration,
            network=network,
            chains=CHAINS,
            draws=DRAWS,
            seed=seed,
            threads=threads,
        )
        try:
            parts = kl_parts(chain_joints(samples), machine)
        except (InvalidInput, NotConverged):  # a pair never shows one of its states
            return np.inf, 0.0
        assert parts.noise is not None
        return parts.higher, parts.noise[2]

    with hush.untold(TranslationWarning):
        first, noise = left(*gauge.tolist())
        if not CLEAR * noise < first < np.inf:  # no other could gain enough
            return gauge
        best, least, blur = gauge, first, noise
        for _ in range(PASSES):
            flipped = best ^ np.eye(machine.n_units, dtype=bool)
            found = [left(*flips) for flips in flipped.tolist()]
            k = int(np.argmin([lasting for lasting, _ in found]))
            if found[k][0] >= least:
                break
            best, (least, blur) = flipped[k], found[k]
    worth = least < LESS * first and first - least > CLEAR * max(noise, blur)
    return best if worth else gauge
