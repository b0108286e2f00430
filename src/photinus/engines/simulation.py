"""The one call that simulates any network of spiking neurons."""

from collections.abc import Iterator, Mapping
from typing import Any

from photinus._core import memory, validate
from photinus._core.progress import Progress, tracked
from photinus._core.streams import Seed
from photinus.devices.protocol import Network, SpikingSimulator, evidence_mode_of
from photinus.devices.registry import device_of, simulator
from photinus.engines.base import BYTES_PER_SPIKE, LASER_STEPS_PER_CHUNK
from photinus.errors import InvalidInput
from photinus.machines.evidence import Given
from photinus.spikes.trains import Recording, SpikeTrains

BYTES_PER_SAMPLE = 36
"""Memory of a recorded sample: 12 bytes kept, the rest while pieces are joined."""
BYTES_PER_LASER = 600
"""Memory of a simulated laser at least: its state, what is passed on, room for its spikes."""


def simulate(
    network: Network,
    duration: float,
    *,
    chains: int = 1,
    seed: Seed = None,
    time_step: float | None = None,
    evidence: Given | None = None,
    evidence_mode: str | None = None,
    recording: Recording | None = None,
    threads: int | None = None,
    engine: str = "cpu",
    progress: Progress | bool | None = None,
    clamp: Given | None = None,
    clamp_mode: str | None = None,
) -> SpikeTrains:
    """Simulate a network and return its spikes; lasers with full physics.

    Parameters
    ----------
    network
        Neurons of any device: their drives, their couplings.
    duration
        Physical time per chain [s], > 0.
    chains, seed, time_step, evidence, evidence_mode, threads, clamp, clamp_mode
        See `photinus.engines.laser.Simulator`.
    engine
        "cpu", or "cuda" for lasers on an NVIDIA device. It needs the extra "cuda" and keeps no
        waveforms.
    recording
        Waveforms to keep beside the spikes; lasers only.
    progress
        True for a bar on the terminal, or an object with ``start``, ``advance``, ``stop``.

    Raises
    ------
    InvalidInput
        If an argument is out of its range, or the spikes would not fit into memory.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> network = ph.translate(machine, ph.Calibration.preset())
    >>> spikes = ph.simulate(network, 50e-9, chains=4, seed=1)
    >>> spikes.rates().shape, spikes.marginals(network.window).shape
    ((4, 2), (4, 2))
    """
    validate.instance("recording", recording, Recording | None)
    validate.instance("network", network, Network)
    device = device_of(network)
    duration = validate.positive("duration", duration, "s")
    if recording is not None and not device.can_record:
        raise InvalidInput(f"recording must be None for {device.plural}, which show no waveforms")
    if recording is not None and recording.start >= duration:
        raise InvalidInput(
            f"recording start must be before the end of the run ({duration:g} s), "
            f"got {recording.start:g}"
        )
    chains = validate.integer("chains", chains, 1)
    needed = chains * network.n_units * duration / network.window * BYTES_PER_SPIKE
    memory.require(needed + chains * network.n_units * BYTES_PER_LASER, "the spikes of this run")
    run = simulator(
        network,
        chains=chains,
        seed=seed,
        time_step=time_step,
        evidence=validate.either(evidence=evidence, clamp=clamp),
        evidence_mode=evidence_mode_of(evidence_mode, clamp_mode),
        threads=threads,
        engine=engine,
    )
    if recording is not None:
        samples = (min(recording.stop, duration) - recording.start) / run.grid / recording.every
        needed += len(recording.chains) * len(recording.units) * samples * BYTES_PER_SAMPLE
    memory.require(needed, "the spikes of this run")
    options = {} if recording is None else {"recording": recording}
    with tracked(progress, f"simulating {device.plural}", duration) as advance:
        parts = []
        for part in _pieces(run, duration, options):
            advance(part.duration)
            parts.append(part)
    return SpikeTrains.joined(parts)


def _pieces(
    run: SpikingSimulator, duration: float, options: Mapping[str, Any]
) -> Iterator[SpikeTrains]:
    """Give the spikes of `duration` [s], in pieces between which Ctrl-C is heard."""
    steps = run.chains * len(run.units) * round(run.grid / run.time_step)
    piece = run.grid * max(16, int(LASER_STEPS_PER_CHUNK / steps))
    stop = run.time + duration
    while stop - run.time > 1e-6 * run.grid:
        yield run.advance(min(piece, stop - run.time), **options)
